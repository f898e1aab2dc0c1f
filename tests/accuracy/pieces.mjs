// pieces.mjs — what each piece of a recipe is worth: the preset 80-percent with the piece and
// without it, on real CIFAR-10, by kiln-fused.
//
//   node tests/accuracy/pieces.mjs [--seeds=3] [--only=word] [--keep]
//
// CIFAR10=path names the archive, THREADS=n the threads. Every run trains on 45,000 images, and its
// accuracy is that of the 5,000 validation images: the test images are for whole recipes alone. The
// recipe is also run for more and for fewer epochs: by that curve points become epochs. Prints a
// table. --keep writes it into pieces.json beside this file.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { cifar10, deviation, kiln, mean, once, OUT, row } from './runs.mjs';

const { values: given } = parseArgs({ options: { seeds: { type: 'string', default: '3' },
  only: { type: 'string', default: '' }, keep: { type: 'boolean' } } });
const KEPT = new URL('pieces.json', import.meta.url);
const PRESET = '80-percent';
const EPOCHS = [2, 2.5, 3, 4.5, 6];
const data = ['--data', cifar10(), '--validation', '5000'];

/** What is changed where a piece is missing: of the net's text, or an option. */
const PIECES = [
  { name: 'whitening', sentence: 'The first filters are the eigenvectors of the patches, and stay.',
    net: ['whiten 2x2', 'conv 2x2x24 pad 0'] },
  { name: 'identity filters', sentence: 'Filters start by passing their channel on.',
    options: ['--init', 'he'] },
  { name: 'a frozen bias', sentence: "The whitening's bias is trained for one epoch alone.",
    options: ['--whiten-epochs', '-1'] },
  { name: 'fast statistics', sentence: "Batchnorm's running statistics forget quickly.",
    net: ['momentum 0.6', 'momentum 0.9'] },
  { name: 'fixed scale', sentence: 'Batchnorm learns a shift and no scale.',
    net: ['batchnorm fixed', 'batchnorm'] },
  { name: 'label smoothing', sentence: 'The right class is wanted at 82 %, not at 100 %.',
    net: [' smoothing 0.2', ''] },
  { name: 'gelu', sentence: 'A smooth activation in place of relu.', net: ['- gelu', '- relu'] },
  // instead: Nesterov's momentum, with airbench's settings for it
  { name: 'Muon', sentence: 'The steps of filters are made orthogonal.',
    options: ['--optimizer', 'nesterov', '--momentum', '0.85', '--lr', '0.53', '--bias-lr', '64',
      '--filter-lr', '1', '--weight-decay', '0.0089', '--warmup', '0.8', '--start-lr', '0.2',
      '--final-lr', '0.07'] },
  { name: 'small batches', sentence: '256 images a step, not 512.',
    options: ['--batch', '512', '--lr', '0.02'] },
  { name: 'weight decay', sentence: 'Weights shrink a little at each step.',
    options: ['--weight-decay', '0'] },
  { name: 'alternating flips', sentence: 'Each image is mirrored every other epoch, not by chance.',
    options: ['--augment', 'flip,crop2,reflect'] },
  { name: 'flips', sentence: 'Images are mirrored.', options: ['--augment', 'crop2,reflect'] },
  { name: 'shifts', sentence: 'Images are shifted by up to 2 pixels.',
    options: ['--augment', 'altflip'] },
];
/** What the recipe does without, and other recipes have. */
const OTHERS = [
  { name: 'warm-up', sentence: 'The rate rises for half an epoch before it falls.',
    options: ['--warmup', '0.5', '--start-lr', '0.2'] },
  { name: 'lookahead', sentence: 'Every 5 steps the net goes on from its running average.',
    options: ['--lookahead', '5'] },
  { name: 'jitter', sentence: 'Brightness and contrast vary by 14 and 13 %.',
    options: ['--augment', 'altflip,crop2,reflect,brightness14,contrast13'] },
  { name: 'silu', sentence: 'Another smooth activation in the groups.',
    net: ['6 - gelu', '6 - silu'] },
];

const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => i + 1);
const { notation } = (await kiln('summary', '--preset', PRESET)).at(-1);

/** Accuracies by seed, in one view and in six, and images a second. */
async function measure(name, { net, options = [] } = {}) {
  const text = net ? notation.replaceAll(...net) : notation;
  if (net && text === notation) throw new Error(`${name}: the net has no "${net[0]}"`);
  const runs = [];
  for (const seed of seeds) {
    runs.push(await once(['piece', PRESET, text, seed, ...options], async () => {
      const file = path.join(OUT, `piece-${process.pid}.safetensors`);
      const last = (await kiln('train', '--preset', PRESET, '--net', text, '--seed', `${seed}`,
        '--test', '100', '--check-train', '0', '--save', file, ...data, ...options)).at(-1);
      const [{ accuracy }] = await kiln('eval', file, '--split', 'validation', '--views', '6',
        ...data);
      return { seed, oneView: last.valAccuracy, sixViews: accuracy,
        imagesPerSecond: Math.round(last.imagesPerSecond), parameterHash: last.parameterHash };
    }));
  }
  const views = runs.map(({ oneView }) => oneView);
  const found = { oneView: mean(views), deviation: deviation(views),
    sixViews: mean(runs.map(({ sixViews }) => sixViews)), runs };
  console.log(row(name, (100 * found.oneView).toFixed(2), (100 * found.deviation).toFixed(2),
    (100 * found.sixViews).toFixed(2)));
  return found;
}

const wanted = ({ name }) => name.includes(given.only);
console.log(row('', 'one view, %', 'standard deviation', 'six views, %'));
console.log(row('---', '---:', '---:', '---:'));
const whole = await measure('the recipe');
const without = [];
for (const piece of PIECES.filter(wanted)) {
  without.push({ ...piece, ...await measure(`without ${piece.name}`, piece) });
}
const added = [];
for (const piece of OTHERS.filter(wanted)) {
  added.push({ ...piece, ...await measure(`with ${piece.name}`, piece) });
}
const curve = [];
for (const epochs of given.only === '' ? EPOCHS : []) {
  const options = ['--epochs', `${epochs}`];
  curve.push({ epochs, ...await measure(`the recipe, ${epochs} epochs`, { options }) });
}
if (given.keep) {
  const kept = existsSync(KEPT) && given.only !== '' ? JSON.parse(readFileSync(KEPT, 'utf8')) : {};
  writeFileSync(KEPT, `${JSON.stringify({ ...kept, preset: PRESET, whole, without, added,
    ...(curve.length > 0 ? { curve } : {}) }, null, 1)}\n`);
}
