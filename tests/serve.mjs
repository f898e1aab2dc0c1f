// serve.mjs FOLDER [PORT] — serves a folder and prints its address.
//
// The isolation headers give the page shared memory, and with it threads. A taken port means the
// next one. Imported, `serve(folder, port)` gives { server, address } to tests.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
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

// What Vite builds carries a hash of its content in its name: such a file never changes.
const IMMUTABLE = /\/assets\/[^/]+-[\w-]{8}\.\w+$/;

const PORTS_TRIED = 100;

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
  const tag = `"${found.info.size}-${found.info.mtimeMs}"`;
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, { ...HEADERS, ETag: tag }).end();
    return;
  }
  response.writeHead(200, {
    ...HEADERS,
    ...(IMMUTABLE.test(path) ? { 'Cache-Control': 'max-age=31536000, immutable' } : {}),
    ...extra,
    'Content-Type': TYPES[extname(found.file)] ?? 'application/octet-stream',
    'Content-Length': found.info.size,
    ETag: tag,
  });
  if (request.method === 'HEAD') response.end();
  else createReadStream(found.file).on('error', () => response.destroy()).pipe(response);
}

function listen(server, port) {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      done();
    });
  });
}

/**
 * Serves `folder` at `port`, or at the next free one; port 0 lets the system choose. Files come
 * with `headers` besides the usual ones.
 */
export async function serve(folder, port = 8080, { headers = {} } = {}) {
  const root = resolve(folder);
  const server = createServer((request, response) => void answer(root, headers, request, response));
  for (let tried = 0; ; tried++) {
    try {
      await listen(server, port === 0 ? 0 : port + tried);
      return { server, address: `http://localhost:${server.address().port}/` };
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || tried === PORTS_TRIED) throw error;
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [folder = 'build/web', port = '8080'] = process.argv.slice(2);
  const { address } = await serve(folder, Number(port));
  console.log(`kiln: open ${address} (Ctrl-C ends)`);
}
