// kiln-nn/inline, one file with its worker and module inside, on pages that can serve no other.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Frame, Page } from 'playwright-core';

import { openSite, type Site } from './browser.js';

const FILE = 'build/dist/inline.js';

let site: Site;
/** As a CDN does it: one file, readable from everywhere. And a page of another origin. */
let servers: Server[] = [];
let script: string;
let folder: string;

function listen(answer: (path: string) => [type: string, body: string | Buffer]): Promise<string> {
  const server = createServer((request, response) => {
    const [type, body] = answer(request.url ?? '/');
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Content-Type', type);
    response.end(body);
  });
  servers.push(server);
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      done(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    });
  });
}

beforeAll(async () => {
  site = await openSite();
  folder = mkdtempSync(join(tmpdir(), 'kiln-inline-'));
  const bytes = readFileSync(FILE);
  script = `${await listen(() => ['text/javascript', bytes])}inline.js`;
});
afterAll(async () => {
  await site?.close();
  for (const server of servers) server.close();
  servers = [];
  rmSync(folder, { recursive: true, force: true });
});

/** A page that trains ten steps, uses the second module, and says how it went in its body. */
function html(policy = ''): string {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
  return `<!doctype html><meta charset="utf-8"><title>ten steps</title>${policy ? meta : ''}
    <p>running</p>
    <script type="module" nonce="ten">
      import { Trainer, Model, ready, layers, doubleTensor, tensor } from '${script}';
      const said = document.querySelector('p');
      try {
        const trainer = await Trainer.create({
          net: 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax', data: 'builtin',
          options: { train: 200, validation: 20, test: 20, batch: 20, epochs: 1 },
        });
        await trainer.start();
        for await (const _ of trainer);
        const { variant } = trainer.backend;
        const model = await Model.create('affine 3 - softmax', { input: [1, 2, 2] });
        const { data } = model.scores(tensor([1, 2, 3, 4], [1, 4]));
        const file = await trainer.export('npz');
        await ready({ doubles: true });
        const { out } = layers.reluForward(doubleTensor([-1, 0.1], [2]));
        const zip = String.fromCharCode(...file.subarray(0, 2));
        said.textContent =
          [variant, trainer.metrics.step, data.length, zip, out.data.join()].join(' ');
        model.dispose();
        trainer.dispose();
      } catch (error) {
        said.textContent = error.code + ': ' + error.message;
      }
    </script>`;
}

/** What the page said in the end. */
async function outcome(frame: Page | Frame): Promise<string> {
  await frame.waitForFunction(() => {
    const text = document.querySelector('p')?.textContent;
    return text !== undefined && text !== 'running';
  });
  return (await frame.locator('p').textContent()) ?? '';
}

async function visit(address: string): Promise<{ page: Page; requests: string[] }> {
  const page = await site.browser.newPage();
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(address);
  return { page, requests };
}

const TRAINED = 'simd 10 3 PK 0,0.1';

test('trains on a page of another origin, and fetches nothing but itself', async () => {
  const address = await listen(() => ['text/html', html()]);
  const { page, requests } = await visit(address);
  expect(await outcome(page)).toBe(TRAINED);
  const fetched = requests.filter((url) => url.startsWith('http') && !url.includes('favicon'));
  expect(fetched).toEqual([address, script]);
  await page.close();
});

test('trains on a page that was opened from a file', async () => {
  const file = join(folder, 'page.html');
  writeFileSync(file, html());
  const { page } = await visit(pathToFileURL(file).href);
  expect(await outcome(page)).toBe(TRAINED);
  await page.close();
});

test('trains in a frame with sandbox="allow-scripts"', async () => {
  const address = await listen((path) => path === '/frame.html'
    ? ['text/html', html()]
    : ['text/html', '<!doctype html><iframe sandbox="allow-scripts" src="frame.html"></iframe>']);
  const { page } = await visit(address);
  const frame = page.frames().find((one) => one.url().endsWith('frame.html'))!;
  expect(await outcome(frame)).toBe(TRAINED);
  expect(await frame.evaluate(() => globalThis.origin)).toBe('null');
  await page.close();
});

test.each([
  ['with worker-src blob: it trains', 'worker-src blob:', /^simd 10 3 PK 0,0\.1$/],
  ['without, it says what is in the way', "worker-src 'self'", /^E_WORKER_LOAD: .*policy/],
])('under a content policy: %s', async (_, workers, said) => {
  const scripts = `script-src 'nonce-ten' ${new URL(script).origin} 'wasm-unsafe-eval'`;
  const policy = `default-src 'none'; ${scripts}; ${workers}`;
  const { page } = await visit(await listen(() => ['text/html', html(policy)]));
  expect(await outcome(page)).toMatch(said);
  await page.close();
});
