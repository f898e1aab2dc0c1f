// tab.mjs — a preset's whole run in a tab: real CIFAR-10 in the built page in Chromium, with as
// many threads as there are cores. It has to end in the parameters of the native run of that seed.
//
//   node tests/accuracy/tab.mjs --preset=80-percent [--seed=1] [--keep]
//
// CIFAR10=path names the archive, CHROMIUM=path the browser. Prints the seconds of reading the data
// and of the run, and of both what the same seed had natively; ends with 1 where the parameters
// differ from those in recipes.json. --keep writes the run into recipes.json.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { serve } from '../serve.mjs';
import { FLAGS } from '../bench/browser.mjs';
import { cifar10 } from './runs.mjs';

const { values: given } = parseArgs({ options: { preset: { type: 'string', default: '80-percent' },
  seed: { type: 'string', default: '1' }, keep: { type: 'boolean' } } });
const KEPT = new URL('recipes.json', import.meta.url);
const kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : {};
const native = kept[given.preset]?.runs.find(({ seed }) => seed === Number(given.seed));

const { server, address } = await serve('build/web', 0);
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: FLAGS });
const page = await (await browser.newContext()).newPage();
page.setDefaultTimeout(0);
await page.goto(`${address}#net=affine+10+-+softmax&train=100&validation=20&test=20`);
await page.waitForFunction(() => document.querySelector('kiln-page')?.trainer);
await page.evaluate(() => document.querySelector('kiln-page').opened);
await page.evaluate(() => {
  const input = document.createElement('input');
  Object.assign(input, { type: 'file', id: 'archive' });
  document.body.append(input);
});
await page.locator('#archive').setInputFiles(cifar10());
const found = await page.evaluate(async ({ preset, seed }) => {
  const { trainer } = document.querySelector('kiln-page');
  const [file] = document.querySelector('#archive').files;
  const { net, options } = (await trainer.presets()).find(({ name }) => name === preset);
  const usual = Object.fromEntries((await trainer.optionTable()).map(({ name, default: value }) =>
    [name, value]));
  const now = () => performance.now() / 1000;
  const began = now();
  await trainer.reset({ net, options: { ...usual, ...options, net, seed, 'check-train': '0' },
    data: { files: [file] } });
  const read = now();
  await trainer.start();
  await new Promise((done, fail) => {
    trainer.addEventListener('state', () => { if (trainer.state === 'done') done(); });
    trainer.addEventListener('error', ({ detail }) => fail(new Error(detail.message)));
  });
  const ended = now();
  return { reading: read - began, seconds: ended - read, parameterHash: await trainer.hash(),
    backend: trainer.backend,
    images: trainer.metrics.step * Number((await trainer.options()).batch) };
}, { preset: given.preset, seed: given.seed });
const version = browser.version();
await browser.close();
server.close();

const run = { seed: Number(given.seed), parameterHash: found.parameterHash, chromium: version,
  threads: found.backend.threads, mode: found.backend.mode,
  reading: Math.round(10 * found.reading) / 10, seconds: Math.round(10 * found.seconds) / 10 };
console.log(JSON.stringify(run));
console.log(`${Math.round(found.images / found.seconds)} images a second, over the whole run`);
const same = native?.parameterHash === run.parameterHash;
console.log(native
  ? `native, seed ${native.seed}: ${native.parameterHash}, ${same ? 'the same' : 'ANOTHER'}`
  : 'no native run of this seed is kept');
if (given.keep && same) {
  kept[given.preset].tab = run;
  writeFileSync(KEPT, `${JSON.stringify(kept, null, 1)}\n`);
}
process.exit(same ? 0 : 1);
