// recipes.mjs — a preset's test accuracy on real CIFAR-10, mean over seeds, by kiln-fused.
//
//   node tests/accuracy/recipes.mjs --preset=80-percent --seeds=10 [--views=6] [--keep]
//       [-- OPTION VALUE…]
//
// CIFAR10=path names the archive, THREADS=n the threads. Each seed trains once and looks at the
// test set once, in one view and in `views` averaged. Prints a table. --keep writes it into
// recipes.json beside this file, which README and the page about recipes cite, and with it seed 1's
// validation accuracies by epoch: the speed run of the page is drawn against them.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { cifar10, deviation, kiln, mean, once, OUT, row, THREADS } from './runs.mjs';

const { values: given, positionals: more } = parseArgs({ allowPositionals: true, options: {
  preset: { type: 'string', default: '80-percent' }, seeds: { type: 'string', default: '10' },
  views: { type: 'string', default: '6' }, keep: { type: 'boolean' } } });
const KEPT = new URL('recipes.json', import.meta.url);
const data = ['--data', cifar10()];

/** One seed: trained, and evaluated in several views. */
async function measure(seed) {
  const file = path.join(OUT, `${given.preset}-${seed}.safetensors`);
  const events = await kiln('train', '--preset', given.preset, '--seed', `${seed}`,
    '--check-train', '0', '--save', file, ...data, ...more);
  const { testAccuracy, parameterHash, seconds, imagesPerSecond } = events.at(-1);
  const [{ accuracy }] = await kiln('eval', file, '--views', given.views, ...data);
  for (const end of ['', '.prev']) rmSync(file + end, { force: true });
  return { curve: curveOf(events), seed, testAccuracy, averaged: accuracy, parameterHash,
    seconds: Math.round(seconds), imagesPerSecond: Math.round(imagesPerSecond) };
}

/** The validation accuracy after so many epochs. */
function curveOf(events) {
  const epochs = events.filter(({ event }) => event === 'epoch');
  return { epochs: epochs.map(({ step }) => step / epochs[0].step),
    validation: epochs.map(({ valAccuracy }) => valAccuracy) };
}

const runs = [];
console.log(row('seed', 'one view', `${given.views} views`, 'parameters', 'seconds', 'images/s'));
console.log(row('---', '---:', '---:', '---', '---:', '---:'));
for (let seed = 1; seed <= Number(given.seeds); seed++) {
  const one = await once(['recipe', given.preset, seed, given.views, ...more],
    () => measure(seed));
  runs.push(one);
  console.log(row(seed, one.testAccuracy.toFixed(4), one.averaged.toFixed(4), one.parameterHash,
    one.seconds, one.imagesPerSecond));
}
const figures = {};
for (const [name, key] of [['oneView', 'testAccuracy'], ['averaged', 'averaged']]) {
  const values = runs.map((one) => one[key]);
  figures[name] = { mean: mean(values), deviation: deviation(values) };
  console.log(`${name === 'oneView' ? 'one view' : `${given.views} views`}: mean `
    + `${(100 * mean(values)).toFixed(2)} %, standard deviation `
    + `${(100 * deviation(values)).toFixed(2)}, n ${values.length}`);
}
if (given.keep) {
  const kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : {};
  const { tab } = kept[given.preset] ?? {};
  const still = runs.some(({ parameterHash }) => parameterHash === tab?.parameterHash);
  kept[given.preset] = { options: more.join(' '), views: Number(given.views), threads: THREADS,
    date: new Date().toISOString().slice(0, 10), ...figures,
    runs: runs.map(({ curve: _, ...one }) => one), curve: { seed: 1, ...runs[0].curve },
    ...(still ? { tab } : {}) };
  writeFileSync(KEPT, `${JSON.stringify(kept, null, 1)}\n`);
}
