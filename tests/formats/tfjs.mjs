// tfjs.mjs — what kiln exports for TensorFlow.js, in TensorFlow.js on its CPU backend.

import { readFile } from 'node:fs/promises';

import tf from '../../build/formats/node_modules/@tensorflow/tfjs/dist/tf.node.js';

/** Scores of `count` images (count, 3, 32, 32) of pixels by the model in a folder. */
export async function runTfjs(folder, pixels, count) {
  const { modelTopology, weightsManifest: [{ weights }] } =
    JSON.parse(await readFile(`${folder}/model.json`, 'utf8'));
  const { buffer, byteOffset, length } = await readFile(`${folder}/weights.bin`);
  const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: weights,
    weightData: buffer.slice(byteOffset, byteOffset + length) }));
  const x = tf.tensor4d(pixels, [count, 3, 32, 32]).transpose([0, 2, 3, 1]);
  const scores = model.predict(x, { batchSize: 32 });
  const values = await scores.data();
  tf.dispose([x, scores]);
  model.dispose();
  return values;
}
