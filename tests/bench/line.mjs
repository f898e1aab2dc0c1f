// A server that pages of these measurements come from: what it was asked for is noted, and it can
// be as slow as a line of so many bytes a second, for all of its answers together.

import { createServer, request } from 'node:http';

import { serve } from '../serve.mjs';

const PIECE = 4096;
const LATENCY_MS = 40;

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Serves `folder` and these pages, HTML by path. { address, log, close() }: of each answer the log
 * has { path, status, bytes }. bytesPerSecond: Infinity, unless the line is to be slow.
 */
export async function openLine(folder, pages, { bytesPerSecond = Infinity } = {}) {
  const inner = await serve(folder, 0);
  const { port } = inner.server.address();
  const log = [];
  let free = 0; // when the line is idle again

  async function send(response, body) {
    for (let at = 0; at < body.length; at += PIECE) {
      const piece = body.subarray(at, at + PIECE);
      if (bytesPerSecond < Infinity) {
        free = Math.max(free, performance.now()) + (1000 * piece.length) / bytesPerSecond;
        await wait(free - performance.now());
      }
      response.write(piece);
    }
    response.end();
  }

  function pass(asked, response) {
    const path = asked.url.slice(1).replace(/\?.*/, '');
    const page = pages[path];
    const headers = { ...asked.headers };
    // A page has the headers of the folder's own pages, whatever a browser has kept of it.
    if (page) {
      headers['accept-encoding'] = 'identity';
      delete headers['if-none-match'];
    }
    request({ port, path: page ? '/embed.html' : asked.url, headers }, async (answer) => {
      const pieces = [];
      for await (const piece of answer) pieces.push(piece);
      const body = page ? Buffer.from(page) : Buffer.concat(pieces);
      const of = { ...answer.headers, 'content-length': body.length };
      if (bytesPerSecond < Infinity) await wait(LATENCY_MS);
      const status = page ? 200 : answer.statusCode;
      log.push({ path, status, bytes: body.length });
      response.writeHead(status, of);
      await send(response, body);
    }).end();
  }

  const server = createServer(pass);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `http://localhost:${server.address().port}/`,
    log,
    close() {
      server.close();
      inner.server.close();
    },
  };
}
