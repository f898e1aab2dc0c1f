// other-sets.mjs — small data sets of every form that kiln reads besides CIFAR-10's, with the nets
// whose runs go on with them in PyTorch (pytorch.mjs).

import { mkdir, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

/** Noise from a linear congruence, brighter the larger the label. */
function pixels(count, size, label, classes) {
  const bytes = Buffer.alloc(count * size);
  let state = 12345;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = (state >>> 24) / 2 + 127 * label(Math.floor(i / size)) / classes;
  }
  return bytes;
}

function records(count, size, label, classes, labelBytes) {
  const image = pixels(count, size, label, classes);
  return Buffer.concat(Array.from({ length: count }, (_, i) => [
    Buffer.from(labelBytes(label(i))), image.subarray(i * size, (i + 1) * size)]).flat());
}

function words(...values) {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

async function cifar100(folder) {
  const label = (i) => i * 7 % 100;
  await mkdir(folder, { recursive: true });
  for (const [name, count] of [['train.bin', 400], ['test.bin', 60]]) {
    await writeFile(`${folder}/${name}`,
      records(count, 3072, label, 100, (fine) => [fine % 20, fine]));
  }
  return folder;
}

/** Files with commas between, packed: 28 x 28, and not square. */
async function mnist(folder) {
  const label = (i) => i * 3 % 10, files = [];
  await mkdir(folder, { recursive: true });
  for (const [begin, count] of [['train', 300], ['t10k', 50]]) {
    const both = {
      'images-idx3': [words(0x803, count, 28, 20), pixels(count, 560, label, 10)],
      'labels-idx1': [words(0x801, count), Buffer.from(Array.from({ length: count },
        (_, i) => label(i)))],
    };
    for (const [name, parts] of Object.entries(both)) {
      files.push(`${folder}/${begin}-${name}-ubyte.gz`);
      await writeFile(files.at(-1), gzipSync(Buffer.concat(parts)));
    }
  }
  return files.join(',');
}

async function kilnset(folder, header, body) {
  const file = `${folder}/own.kilnset`;
  await mkdir(folder, { recursive: true });
  await writeFile(file,
    Buffer.concat([Buffer.from(`KILNSET 1\n${JSON.stringify(header)}\n`), body]));
  return file;
}

/** Three classes, of which one has most of the images; kiln splits them. */
function unsplit(folder) {
  const count = 301, label = (i) => (i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2);
  return kilnset(folder, { name: 'own', shape: [3, 16, 16], classes: ['cat', 'dog', 'fox'], count },
    records(count, 768, label, 3, (value) => [value]));
}

/** Labels of two bytes; split as the file says. */
function wide(folder) {
  const count = 400, label = (i) => i * 11 % 300;
  const classes = Array.from({ length: 300 }, (_, i) => `class ${i}`);
  return kilnset(folder, { name: 'wide', shape: [1, 12, 12], classes, count, split: [300, 40, 60] },
    records(count, 144, label, 300, (value) => [value & 255, value >> 8]));
}

/** `files` writes into a folder, and gives what --data wants. */
export const OTHER_SETS = [
  { name: 'cifar100', files: cifar100, options: ['--augment', 'flip,crop4'],
    net: 'conv 3x3x8 - relu - maxpool 4 - affine 100 - softmax' },
  { name: 'mnist', files: mnist, options: ['--normalize', 'mean-image'],
    net: 'scale 0.015625 - conv 3x3x8 - relu - maxpool 4 - affine 10 - softmax' },
  { name: 'kilnset', files: unsplit, options: ['--data-seed', '3'],
    net: 'conv 3x3x8 - relu - maxpool 4 - affine 3 - softmax' },
  { name: 'kilnset-split', files: wide, options: ['--train', '280', '--validation', '30'],
    net: 'conv 3x3x8 - relu - maxpool 4 - affine 300 - softmax' },
];
