// pieces.mjs — what each piece of a recipe is worth: the preset 80-percent with the piece and
// without it, on real CIFAR-10, by kiln-fused.
//
//   node tests/accuracy/pieces.mjs [--seeds=3] [--only=word] [--keep]
//
// CIFAR10=path names the archive, THREADS=n the threads. Every run trains on 45,000 images, and its
// accuracy is that of the 5,000 validation images: the test images are for whole recipes alone. The
// recipe is also run for more and for fewer epochs: by that curve points become epochs. Prints a
// table. --keep writes it into pieces.json beside this file.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';

import { median } from '../bench/tools.mjs';
import { cifar10, deviation, kiln, mean, once, OUT, PROGRAM, row } from './runs.mjs';

const { values: given } = parseArgs({ options: { seeds: { type: 'string', default: '3' },
  only: { type: 'string', default: '' }, keep: { type: 'boolean' } } });
const KEPT = new URL('pieces.json', import.meta.url);
const PRESET = '80-percent';
const EPOCHS = [1, 1.5, 2, 3, 4, 6];
const ROUNDS = 5; // of timing
const data = ['--data', cifar10(), '--validation', '5000'];

/**
 * The page's list of pieces. Of each: what is changed in the net's text, in options, in the list of
 * augmentations where it is missing; of `other` pieces, which the recipe does without, where it is
 * there. What only changes the last look at a net (`look`) is measured with every one: six views.
 */
const TABLE = JSON.parse(readFileSync(
  new URL('../../web/speed-run/recipe-pieces.json', import.meta.url), 'utf8'));
const PIECES = TABLE.filter(({ other, look }) => !other && !look);
const OTHERS = TABLE.filter(({ other }) => other);

const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => i + 1);
const { notation } = (await kiln('summary', '--preset', PRESET)).at(-1);
const AUGMENT = (await augmentations()).split(',');

/** Those of the preset, as the link to it says. */
async function augmentations() {
  const { stdout } = await promisify(execFile)(PROGRAM,
    ['train', '--preset', PRESET, '--print', 'link']);
  return new URLSearchParams(stdout.trim().replace(/^.*#/, '')).get('augment') ?? '';
}

/** The changes of a piece as options of the command line. */
function optionsOf({ options = {}, augment }) {
  const words = augment && AUGMENT.map((one) => augment.replace[one] ?? one).filter(Boolean);
  const list = words && [...words, ...augment.add].join(',');
  return [...Object.entries(options), ...(augment ? [['augment', list || 'none']] : [])]
    .flatMap(([name, value]) => [`--${name}`, value]);
}

/** Images a second, in steps behind the whitening's bias unless it never stops learning. */
async function imagesPerSecond(text, options) {
  return (await kiln('bench', '--preset', PRESET, '--net', text, '--seconds', '0.7',
    '--whiten-epochs', '0', ...options)).at(-1).imagesPerSecond;
}

/** Speed by the whole recipe's: both in turn, since others may have the machine; the median. */
async function relativeSpeed(text, options) {
  const ratios = [];
  for (let round = 0; round < ROUNDS; round++) {
    const usual = await imagesPerSecond(notation, []);
    ratios.push(await imagesPerSecond(text, options) / usual);
  }
  return median(ratios);
}

/** The recipe with the changes of a piece: its net's text, and options. */
function changed(name, { net, ...changes }) {
  const text = net ? notation.replaceAll(...net) : notation;
  if (net && text === notation) throw new Error(`${name}: the net has no "${net[0]}"`);
  return [text, optionsOf(changes)];
}

/** Accuracies by seed, in one view and in six. */
async function measure(name, [text, options] = changed(name, {})) {
  const runs = [];
  for (const seed of seeds) {
    runs.push(await once(['piece', PRESET, text, seed, ...options], async () => {
      const file = path.join(OUT, `piece-${process.pid}.safetensors`);
      const last = (await kiln('train', '--preset', PRESET, '--net', text, '--seed', `${seed}`,
        '--test', '100', '--check-train', '0', '--save', file, ...data, ...options)).at(-1);
      const [{ accuracy }] = await kiln('eval', file, '--split', 'validation', '--views', '6',
        ...data);
      return { seed, oneView: last.valAccuracy, sixViews: accuracy,
        parameterHash: last.parameterHash };
    }));
  }
  const views = runs.map(({ oneView }) => oneView);
  const found = { oneView: mean(views), deviation: deviation(views),
    sixViews: mean(runs.map(({ sixViews }) => sixViews)), runs };
  console.log(row(name, (100 * found.oneView).toFixed(2), (100 * found.deviation).toFixed(2),
    (100 * found.sixViews).toFixed(2)));
  return found;
}

/** A piece with its accuracies and its speed by the whole recipe's. */
async function measurePiece(how, piece) {
  const made = changed(piece.name, piece);
  const found = await measure(`${how} ${piece.name}`, made);
  const speed = await once(['speed', PRESET, ...made.flat()], () => relativeSpeed(...made));
  return { ...piece, ...found, speed };
}

const wanted = ({ name }) => name.includes(given.only);
console.log(row('', 'one view, %', 'standard deviation', 'six views, %'));
console.log(row('---', '---:', '---:', '---:'));
const whole = await measure('the recipe');
const without = [];
for (const piece of PIECES.filter(wanted)) without.push(await measurePiece('without', piece));
const added = [];
for (const piece of OTHERS.filter(wanted)) added.push(await measurePiece('with', piece));
const curve = [];
for (const epochs of given.only === '' ? EPOCHS : []) {
  curve.push({ epochs, ...await measure(`the recipe, ${epochs} epochs`,
    [notation, ['--epochs', `${epochs}`]]) });
}
if (given.keep) {
  const kept = existsSync(KEPT) && given.only !== '' ? JSON.parse(readFileSync(KEPT, 'utf8')) : {};
  writeFileSync(KEPT, `${JSON.stringify({ ...kept, preset: PRESET, whole, without, added,
    ...(curve.length > 0 ? { curve } : {}) }, null, 1)}\n`);
}
