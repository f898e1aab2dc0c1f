// A server of somebody's that holds kiln's files and a page, and sends what headers it likes: a
// content security policy, wrong types, nothing at all.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };

export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface HostInit {
  /** Of every answer: a policy binds workers by the answer that they came in. */
  headers?: Record<string, string>;
  /** By path; files of /element/ are build/element, those of /dist/ build/dist. */
  files: Record<string, string>;
  /** What is done to an answer before it goes out. */
  change?: (path: string, answer: Required<Answer>) => Answer;
}

export interface Host {
  address: string;
  /** Violations of the policy, in pages and workers alike, as the browser reports them. */
  violations: string[];
  close(): void;
}

function find(path: string, files: Record<string, string>): Required<Answer> {
  const headers = { 'Content-Type': TYPES[extname(path)] ?? 'text/html' };
  try {
    const body = files[path] ?? readFileSync(`build${path}`);
    return { status: 200, headers, body };
  } catch {
    return { status: 404, headers: { 'Content-Type': 'text/html' }, body: 'not found' };
  }
}

export async function openHost({ headers = {}, files, change }: HostInit): Promise<Host> {
  const violations: string[] = [];
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      let text = '';
      for await (const piece of request) text += String(piece);
      const { 'csp-report': report } = JSON.parse(text) as { 'csp-report': Record<string, string> };
      violations.push(`${report['effective-directive']}: ${report['blocked-uri']} in ` +
        `${report['document-uri']} ${report['script-sample'] ?? ''}`);
      response.writeHead(204).end();
      return;
    }
    const path = (request.url ?? '/').split('?')[0]!;
    const found = find(path, files);
    const answer = { ...found, ...change?.(path, found) };
    response.writeHead(answer.status, { ...headers, ...answer.headers }).end(answer.body);
  });
  await new Promise<void>((done) => server.listen(0, 'localhost', done));
  return {
    address: `http://localhost:${(server.address() as AddressInfo).port}/`,
    violations,
    close: () => server.close(),
  };
}
