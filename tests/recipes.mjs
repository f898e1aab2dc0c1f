// recipes.mjs — a preset's test accuracy on real CIFAR-10, mean over seeds, by kiln-fused.
//
//   node tests/recipes.mjs --preset=80-percent --seeds=10 [--views=6] [--threads=n] [OPTION VALUE…]
//
// CIFAR10=path names the archive. Each seed trains once and looks at the test set once, in one view
// and in `views` averaged. Prints a table; build/recipes/PRESET.json has every run with its
// parameter hash, which any build in fused mode gives, the browser's too.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = `${ROOT}build/native/kiln-fused`;
const OUT = `${ROOT}build/recipes`;
const { values: given, positionals: more } = parseArgs({ allowPositionals: true, options: {
  preset: { type: 'string', default: '80-percent' }, seeds: { type: 'string', default: '10' },
  views: { type: 'string', default: '6' },
  threads: { type: 'string', default: `${cpus().length}` } } });
const data = [process.env.CIFAR10, `${ROOT}data/cifar-10-binary.tar.gz`]
  .find((place) => place && existsSync(place));
if (!data) {
  console.error('recipes: CIFAR-10 is not here; fetch it with "make data", or name it: CIFAR10=…');
  process.exit(2);
}
mkdirSync(OUT, { recursive: true });

async function last(...args) {
  const common = ['--data', data, '--threads', given.threads, '--json'];
  const { stdout } = await run(PROGRAM, [...args, ...common], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** One seed: trained, and evaluated in several views. */
async function measure(seed) {
  const file = path.join(OUT, `${given.preset}-${seed}.safetensors`);
  const { testAccuracy, parameterHash, seconds, imagesPerSecond } = await last('train', '--preset',
    given.preset, '--seed', `${seed}`, '--check-train', '0', '--save', file, ...more);
  const { accuracy } = await last('eval', file, '--views', given.views);
  return { seed, testAccuracy, averaged: accuracy, parameterHash, seconds, imagesPerSecond };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of a sample: divided by n - 1. */
function deviation(values) {
  const middle = mean(values);
  const squares = values.map((value) => (value - middle) ** 2);
  return values.length > 1 ? Math.sqrt((mean(squares) * values.length) / (values.length - 1)) : 0;
}

const runs = [];
console.log(`| seed | one view | ${given.views} views | parameters | seconds | images/s |`);
console.log('| --- | ---: | ---: | --- | ---: | ---: |');
for (let seed = 1; seed <= Number(given.seeds); seed++) {
  const one = await measure(seed);
  runs.push(one);
  console.log(`| ${seed} | ${one.testAccuracy.toFixed(4)} | ${one.averaged.toFixed(4)} | `
    + `${one.parameterHash} | ${one.seconds.toFixed(0)} | ${one.imagesPerSecond.toFixed(0)} |`);
}
for (const [name, key] of [['one view', 'testAccuracy'], [`${given.views} views`, 'averaged']]) {
  const values = runs.map((one) => one[key]);
  console.log(`${name}: mean ${mean(values).toFixed(4)}, standard deviation `
    + `${deviation(values).toFixed(4)}, n ${values.length}`);
}
writeFileSync(path.join(OUT, `${given.preset}.json`), `${JSON.stringify(
  { preset: given.preset, options: more, views: Number(given.views), runs }, null, 1)}\n`);
