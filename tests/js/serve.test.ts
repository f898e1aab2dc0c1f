// The server of `make start`: headers, compression, files of broken-off downloads, who reaches it.

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage, type OutgoingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

// @ts-expect-error: a plain script
import { reach, serve } from '../serve.mjs';

const SCRIPT = 'export const words = "kiln kiln kiln";\n'.repeat(3000);
const DATA = Buffer.alloc(8_000_000, 7);
let folder: string;
let site: { server: Server; address: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-serve-'));
  await writeFile(join(folder, 'script.js'), SCRIPT);
  await writeFile(join(folder, 'small.js'), 'export {};\n');
  await writeFile(join(folder, 'data.bin'), DATA);
  site = await serve(folder, 0);
});
afterAll(async () => {
  site.server.closeAllConnections();
  site.server.close();
  await rm(folder, { recursive: true });
});

async function ask(path: string, headers: OutgoingHttpHeaders = {}):
  Promise<{ answer: IncomingMessage; body: Buffer }> {
  const [answer] = await once(get(`${site.address}${path}`, { headers, agent: false }), 'response');
  const pieces: Buffer[] = [];
  for await (const piece of answer as IncomingMessage) pieces.push(piece as Buffer);
  return { answer: answer as IncomingMessage, body: Buffer.concat(pieces) };
}

test.each([
  ['br, gzip', 'br'], ['gzip, deflate', 'gzip'], ['br;q=0, gzip;q=0.5', 'gzip'], ['', undefined],
  ['identity', undefined],
] as const)('a browser that takes "%s" gets %s, and the isolation', async (takes, gets) => {
  const { answer, body } = await ask('script.js', { 'accept-encoding': takes });
  expect(answer.headers['content-encoding']).toBe(gets);
  const text = gets === 'br' ? brotliDecompressSync(body)
    : gets === 'gzip' ? gunzipSync(body) : body;
  expect(text.toString()).toBe(SCRIPT);
  if (gets) expect(body.length).toBeLessThan(SCRIPT.length / 10);
  expect(answer.headers).toMatchObject({
    'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp',
    vary: 'Accept-Encoding', 'content-length': String(body.length) });
  const again = await ask('script.js',
    { 'accept-encoding': takes, 'if-none-match': answer.headers.etag });
  expect([again.answer.statusCode, again.body.length]).toEqual([304, 0]);
});

test('small files and packed ones go as they are; a new version is seen', async () => {
  const all = { 'accept-encoding': 'br, gzip' };
  for (const name of ['small.js', 'data.bin']) {
    expect((await ask(name, all)).answer.headers['content-encoding']).toBeUndefined();
  }
  expect((await ask('data.bin', all)).body.equals(DATA)).toBe(true);
  await writeFile(join(folder, 'changing.js'), SCRIPT);
  await ask('changing.js', all);
  await writeFile(join(folder, 'changing.js'), `${SCRIPT}// new`);
  const { body } = await ask('changing.js', all);
  expect(brotliDecompressSync(body).toString()).toBe(`${SCRIPT}// new`);
});

test.each([
  ['chunk-BQYI4SBJ.js', /immutable/], ['loss-view-6NIAHILX.js', /immutable/],
  ['assets/index-a_B9-x2z.css', /immutable/], ['small.js', /^no-cache$/],
  ['kiln-standalone.js', /^no-cache$/],
] as const)('a hash in its name tells a browser to keep %s', async (name, kept) => {
  await mkdir(join(folder, 'assets'), { recursive: true });
  await writeFile(join(folder, name), 'x');
  const { answer } = await ask(name);
  expect(answer.headers['cache-control']).toMatch(kept);
});

test('downloads that are broken off keep no file open', async () => {
  const open = () => readdirSync('/proc/self/fd').length;
  await ask('small.js');
  const before = open();
  for (let i = 0; i < 30; i++) {
    const request = get(`${site.address}data.bin`, { agent: false });
    const [answer] = await once(request, 'response') as [IncomingMessage];
    await once(answer, 'data');
    request.on('error', () => {});
    answer.destroy();
  }
  for (let tries = 0; tries < 100 && open() > before + 2; tries++) await sleep(20);
  expect(open()).toBeLessThanOrEqual(before + 2);
});

test('who can reach it is said', () => {
  expect(reach('127.0.0.1', 8080).join(' ')).toMatch(/Only this machine .* HOST=0\.0\.0\.0/);
  expect(reach('0.0.0.0', 8080).join(' ')).toMatch(/Whoever is in this machine's network .*https/);
  expect(reach('192.0.2.7', 81)[0]).toContain('http://192.0.2.7:81/');
});
