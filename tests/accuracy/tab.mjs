// tab.mjs — a preset's whole run in a tab: real CIFAR-10 in the built page in Chromium, with as
// many threads as there are cores. It has to end in the parameters of the native run of that seed.
//
//   node tests/accuracy/tab.mjs --preset=80-percent [--seed=1] [--keep]
//
// CIFAR10=path names the archive, CHROMIUM=path the browser. Prints the seconds of reading the data
// and of the run, what part of them were steps, and what PyTorch would have taken for the steps
// alone; ends with 1 where the parameters differ from those in recipes.json. --keep writes the run
// into recipes.json.
//
// PyTorch, where it is installed, trains kiln's export of the same net with the same rule, batch
// and number of threads, in turn with the tab: before the run, after it, and every few minutes of
// it while it is paused, so that a slow quarter of an hour of the machine falls on both. It is
// given one batch of random images again and again: no reading, augmentation or validation, which
// kiln's seconds have in them.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { serve } from '../serve.mjs';
import { FLAGS } from '../bench/browser.mjs';
import { presetNet } from '../bench/nets.mjs';
import { pytorch } from '../bench/steps.mjs';
import { describeMachine } from '../bench/tools.mjs';
import { cifar10, mean, OUT } from './runs.mjs';

const { values: given } = parseArgs({ options: { preset: { type: 'string', default: '80-percent' },
  seed: { type: 'string', default: '1' }, keep: { type: 'boolean' } } });
const KEPT = new URL('recipes.json', import.meta.url);
const kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : {};
const native = kept[given.preset]?.runs.find(({ seed }) => seed === Number(given.seed));

const { cpu, cores, vectors } = describeMachine();
/** So long a turn of PyTorch takes, and so long the tab trains between two. */
const PEER_SECONDS = 20;
const TURN_SECONDS = 240;
const net = presetNet(given.preset, given.preset);
const peer = await pytorch(cores, OUT);
/** PyTorch's milliseconds a step, one of each turn. */
const peerSteps = [];
async function measurePeer() {
  if (!peer.missing) peerSteps.push((await peer.measure(net, PEER_SECONDS)).ms);
}

await measurePeer();
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
await page.evaluate(async ({ preset, seed }) => {
  const { trainer } = document.querySelector('kiln-page');
  const [file] = document.querySelector('#archive').files;
  const { net, options } = (await trainer.presets()).find(({ name }) => name === preset);
  const usual = Object.fromEntries((await trainer.optionTable()).map(({ name, default: value }) =>
    [name, value]));
  const run = { reading: -performance.now(), training: 0, stepping: 0 };
  await trainer.reset({ net, options: { ...usual, ...options, net, seed, 'check-train': '0' },
    data: { files: [file] } });
  run.reading += performance.now();
  const batch = Number((await trainer.options()).batch);
  trainer.addEventListener('progress', ({ detail: { points, imagesPerSecond } }) => {
    if (points.length > 0) run.stepping += (points.length * batch) / imagesPerSecond;
  });
  run.ended = new Promise((done, fail) => {
    trainer.addEventListener('state', () => { if (trainer.state === 'done') done(true); });
    trainer.addEventListener('error', ({ detail }) => fail(new Error(detail.message)));
  });
  globalThis.run = run;
}, { preset: given.preset, seed: given.seed });

/** Trains for so many seconds, then pauses; true where the run came to its end before. */
const turn = (seconds) => page.evaluate(async (length) => {
  const { trainer } = document.querySelector('kiln-page');
  const { run } = globalThis;
  run.training -= performance.now();
  await trainer.start();
  const over = await Promise.race([run.ended,
    new Promise((done) => { setTimeout(done, length, false); })]);
  if (!over) await trainer.pause();
  run.training += performance.now();
  return over || trainer.state === 'done';
}, 1000 * seconds);
while (!await turn(TURN_SECONDS)) await measurePeer();

const found = await page.evaluate(async () => {
  const { trainer } = document.querySelector('kiln-page');
  const { reading, training, stepping } = globalThis.run;
  return { reading: reading / 1000, seconds: training / 1000, stepping,
    parameterHash: await trainer.hash(), backend: trainer.backend, steps: trainer.metrics.step };
});
const version = browser.version();
await browser.close();
server.close();
await measurePeer();
peer.close?.();

const tenths = (value) => Math.round(10 * value) / 10;
const run = { seed: Number(given.seed), parameterHash: found.parameterHash, chromium: version,
  threads: found.backend.threads, mode: found.backend.mode,
  reading: tenths(found.reading), seconds: tenths(found.seconds),
  stepping: tenths(found.stepping), machine: `${cpu}, ${cores} cores, ${vectors}` };
if (peerSteps.length > 0) {
  run.pytorch = { version: peer.version, seconds: tenths(found.steps * mean(peerSteps) / 1000) };
}
console.log(JSON.stringify(run));
console.log(`${Math.round((found.steps * net.batch) / found.seconds)} images a second, over the `
  + `whole run; ${(100 * (1 - found.stepping / found.seconds)).toFixed(1)} % of it are no steps`);
if (run.pytorch) {
  console.log(`PyTorch, turn by turn: ${peerSteps.map((ms) => ms.toFixed(0)).join(', ')} ms a `
    + `step; its steps alone would take ${(run.pytorch.seconds / run.seconds).toFixed(2)} times as `
    + 'long as the whole run');
}
const same = native?.parameterHash === run.parameterHash;
console.log(native
  ? `native, seed ${native.seed}: ${native.parameterHash}, ${same ? 'the same' : 'ANOTHER'}`
  : 'no native run of this seed is kept');
if (given.keep && same) {
  kept[given.preset].tab = run;
  writeFileSync(KEPT, `${JSON.stringify(kept, null, 1)}\n`);
}
process.exit(same ? 0 : 1);
