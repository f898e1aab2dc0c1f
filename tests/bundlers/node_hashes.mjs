// node_hashes.mjs FILE — what the applications of apps.mjs come to in Node, by mode, with the
// package whose index.js is given: JSON on stdout. A process of its own, since Node 20 wants a
// switch for the fused mode that bundlers' threads do not take.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { imageFiles, SETUP } from './apps.mjs';

const { Dataset, Model, Trainer, ready } =
  await import(pathToFileURL(resolve(process.argv[2])).href);

const wanted = {};
for (const [mode, variant] of [['strict', 'simd'], ['fused', 'relaxed']]) {
  const trainer = await Trainer.create({ data: { files: imageFiles() }, ...SETUP, variant });
  await trainer.start();
  for await (const _ of trainer);
  wanted[mode] = { steps: trainer.metrics.step, hash: await trainer.hash() };
  trainer.dispose();
}
await ready({ variant: 'relaxed' });
const set = await Dataset.fromFiles(imageFiles(), { train: 100, validation: 20 });
const model = await Model.create('affine 10 - softmax', { input: [3, 32, 32] });
const { x, y } = set.batch('train', 0, 5);
console.log(JSON.stringify({ ...wanted, loss: model.loss(x, y) }));
