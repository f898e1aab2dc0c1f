// serve.mjs FOLDER [PORT [HOST]] — serves a folder, prints its address and who can reach it.
//
// The isolation headers give the page shared memory, and with it threads. A taken port means the
// next one. HOST 0.0.0.0 serves a whole room; text and modules go out compressed, a class at once
// loads much less so. Imported, `serve(folder, port)` gives { server, address } to tests.

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { extname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
};

const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  // Files change when built again: ask each time, and get a short answer.
  'Cache-Control': 'no-cache',
};

// What Vite and esbuild build carries a hash of its content in its name: such a file never changes.
const IMMUTABLE = /(\/assets\/[^/]+-[\w-]{8}\.\w+|-[A-Z2-7]{8}\.js)$/;

const PORTS_TRIED = 100;

const COMPRESSED = /^\.(html|m?js|css|json|map|md|svg|txt|wasm)$/;
const SMALLEST_COMPRESSED = 1000; // bytes; below, headers are most of an answer
const ENCODERS = {
  br: (bytes) => promisify(brotliCompress)(
    bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 9 }),
};

/** Compressed once a version of a file: what it was compressed from, and the promise of bytes. */
const compressed = new Map();

/** The first of our encodings that the browser takes, or undefined. Browsers take br by https only
 * and on this machine, gzip everywhere. */
function encodingFor(request, { file, info }) {
  if (info.size < SMALLEST_COMPRESSED || !COMPRESSED.test(extname(file))) return undefined;
  const accepted = String(request.headers['accept-encoding'] ?? '').split(',')
    .filter((word) => !/;\s*q=0(\.0*)?\s*$/.test(word))
    .map((word) => word.split(';', 1)[0].trim().toLowerCase());
  return Object.keys(ENCODERS).find((name) => accepted.includes(name));
}

function compress(file, tag, encoding) {
  const key = `${encoding} ${file}`;
  if (compressed.get(key)?.tag !== tag) {
    compressed.set(key, { tag, bytes: readFile(file).then(ENCODERS[encoding]) });
  }
  return compressed.get(key).bytes;
}

/** The file a request path names inside root, or undefined. */
async function findFile(root, path) {
  let file;
  try {
    file = resolve(join(root, decodeURIComponent(path)));
  } catch {
    return undefined; // a broken escape such as %zz
  }
  if ((file !== root && !file.startsWith(root + sep)) || file.includes('\0')) return undefined;
  try {
    let info = await stat(file);
    if (info.isDirectory()) {
      file = join(file, 'index.html');
      info = await stat(file);
    }
    return info.isFile() ? { file, info } : undefined;
  } catch {
    return undefined;
  }
}

async function answer(root, extra, request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { ...HEADERS, Allow: 'GET, HEAD' }).end();
    return;
  }
  const path = (request.url ?? '/').split(/[?#]/, 1)[0];
  const found = await findFile(root, path);
  if (!found) {
    response.writeHead(404, { ...HEADERS, 'Content-Type': TYPES['.html'] }).end('not found\n');
    return;
  }
  const encoding = encodingFor(request, found);
  const version = `${found.info.size}-${found.info.mtimeMs}`;
  const tag = `"${version}${encoding ? `-${encoding}` : ''}"`;
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, { ...HEADERS, ETag: tag }).end();
    return;
  }
  let body;
  try {
    body = encoding && await compress(found.file, version, encoding);
  } catch {
    response.writeHead(500, HEADERS).end();
    return;
  }
  response.writeHead(200, {
    ...HEADERS,
    ...(IMMUTABLE.test(path) ? { 'Cache-Control': 'max-age=31536000, immutable' } : {}),
    ...extra,
    'Content-Type': TYPES[extname(found.file)] ?? 'application/octet-stream',
    ...(encoding ? { 'Content-Encoding': encoding } : {}),
    'Content-Length': body ? body.length : found.info.size,
    Vary: 'Accept-Encoding',
    ETag: tag,
  });
  if (request.method === 'HEAD') response.end();
  else if (body) response.end(body);
  // pipeline() closes the file when the browser breaks off, pipe() would not.
  else pipeline(createReadStream(found.file), response, () => {});
}

function listen(server, port, host) {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      done();
    });
  });
}

/**
 * Serves `folder` at `port`, or at the next free one; port 0 lets the system choose. Files come
 * with `headers` besides the usual ones.
 */
export async function serve(folder, port = 8080, { headers = {}, host = '127.0.0.1' } = {}) {
  const root = resolve(folder);
  const server = createServer((request, response) => void answer(root, headers, request, response));
  for (let tried = 0; ; tried++) {
    try {
      await listen(server, port === 0 ? 0 : port + tried, host);
      return { server, address: `http://localhost:${server.address().port}/` };
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || tried === PORTS_TRIED) throw error;
    }
  }
}

/** Who can reach the server, in words. */
export function reach(host, port) {
  if (/^(127\.|localhost$|::1$)/.test(host)) {
    return ['Only this machine reaches it; for a room: make start HOST=0.0.0.0'];
  }
  const any = host === '0.0.0.0' || host === '::';
  const hosts = any
    ? Object.values(networkInterfaces()).flat()
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address)
    : [host.includes(':') ? `[${host}]` : host];
  return [
    `Whoever is in this machine's network reaches it: ${
      hosts.map((name) => `http://${name}:${port}/`).join(' ') || 'it has no address there'}`,
    'There browsers train with one thread and keep nothing, since the page comes by plain http;',
    'a proxy with https in front of it gives them threads and storage.',
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [folder = 'build/web', port = '8080', host = '127.0.0.1'] = process.argv.slice(2);
  try {
    const { server, address } = await serve(folder, Number(port), { host });
    console.log(`kiln: open ${address} (Ctrl-C ends)`);
    for (const line of reach(host, server.address().port)) console.log(`kiln: ${line}`);
  } catch (error) {
    console.error(`kiln: cannot serve at HOST=${host} PORT=${port}: ${error.message}`);
    process.exitCode = 1;
  }
}
