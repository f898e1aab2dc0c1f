// large-memory.mjs CHROMIUM — a batch that takes 3.2 of the 4.3 GB that an instance may have, in
// Chromium, with one thread and with two: the same bits as the native program's, pointers above
// 2 GB and all. And one that does not fit: how much it wants, and what would fit (a slow proof,
// make test-large-memory; tests/js/large-memory.test.ts has what is quick).

import { execFileSync } from 'node:child_process';

import { chromium } from 'playwright-core';

import { serve } from './serve.mjs';

const [executablePath] = process.argv.slice(2);
const NET = '[conv 3x3x64 - batchnorm - relu]x2 - maxpool 2 - conv 3x3x64 - relu - ' +
  'affine 10 - softmax';
const OPTIONS = { train: 3000, validation: 0, test: 10, batch: 3000, epochs: 1, seed: 3,
  optimizer: 'sgd', lr: 0.01, schedule: 'constant', augment: 'none', 'check-train': 0 };

function nativeHash() {
  const options = Object.entries(OPTIONS).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const said = execFileSync('build/native/kiln',
    ['train', '--net', NET, '--data', 'builtin', '--json', ...options],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return JSON.parse(said.trim().split('\n').at(-1)).parameterHash;
}

const { server, address } = await serve('build/dist', 0);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage();
await page.route('**/blank.html', (route) => route.fulfill({
  contentType: 'text/html', body: '<!doctype html><title>large</title>',
  headers: { 'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp' } }));
await page.goto(`${address}blank.html`);

/** One step by a new trainer; then a batch of 6,000, which does not fit. */
const run = (init) => page.evaluate(async ({ url, given }) => {
  const { Trainer } = await import(url);
  const explain = ({ code, message }) => `${code}: ${message}`;
  const trainer = await Trainer.create({ ...given, silenceLimit: 600_000 }).catch(explain);
  if (typeof trainer === 'string') return { failed: trainer };
  try {
    await trainer.step();
    const { loss, step } = trainer.metrics;
    const hash = await trainer.hash();
    const saved = await trainer.save();
    const more = await trainer.reset({ data: 'builtin', options: { batch: 6000, train: 6000 } })
      .then(() => 'it was taken', explain);
    await trainer.load(saved);
    return { variant: trainer.backend.variant, memory: trainer.summary.memory, loss, step, hash,
      again: await trainer.hash(), more };
  } catch (error) {
    return { failed: explain(error) };
  } finally {
    trainer.dispose();
  }
}, { url: `${address}index.js`, given: { net: NET, options: OPTIONS, ...init } });

const wanted = nativeHash();
let good = true;
for (const init of [{ variant: 'simd' }, { variant: 'simd-threads', threads: 2 }]) {
  const said = await run(init);
  good &&= said.hash === wanted && said.again === wanted && said.memory > 3e9 &&
    /^E_MEMORY: .*needs [\d.]+ MB.*ends at 4295 MB/.test(said.more);
  console.log(JSON.stringify({ native: wanted, ...said }, null, 1));
}
await browser.close();
server.close();
console.log(good ? 'passed' : 'FAILED');
process.exit(good ? 0 : 1);
