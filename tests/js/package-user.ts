// A user of the package in TypeScript, as strict as can be: package.test.ts compiles it against
// the types that ship, and every @ts-expect-error must be an error. It is never run.

import {
  Dataset, KilnError, Model, Trainer, exportCheckpoint, forgetStoredDataset, layers, optim, ready,
  storedDataset, tensor, version, zeros,
  type Backend, type BnParam, type Evaluation, type KilnErrorCode, type Progress, type Summary,
  type Tensor, type Tensors,
} from 'kiln-nn';
import { KilnTrainer, type KilnTrainerEventMap } from 'kiln-nn/element';
import { Trainer as InlineTrainer } from 'kiln-nn/inline';

type Gradients<Names extends string> = Record<Names, Tensor>;

export async function homework(): Promise<Tensor[]> {
  const backend: Backend = await ready({ variant: 'auto', doubles: true });
  const x = tensor([1, 2, 3, 4], [2, 2]);
  const one = zeros([2]), three = zeros([3]);
  const image = zeros([1, 3, 8, 8]);

  const affine = layers.affineForward(x, x, one);
  const g: Gradients<'dx' | 'dw' | 'db'> = layers.affineBackward(affine.out, affine.cache);
  const relu = layers.reluForward(x);
  const conv = layers.convForward(image, zeros([4, 3, 3, 3]), zeros([4]), { stride: 1, pad: 1 });
  const filters: Gradients<'dx' | 'dw' | 'db'> = layers.convBackward(conv.out, conv.cache);
  const pool = layers.maxPoolForward(
    conv.out, { poolHeight: 2, poolWidth: 2, stride: 2 });
  const bnParam: BnParam = { mode: 'train', eps: 1e-5, momentum: 0.9 };
  const bn = layers.batchnormForward(x, one, one, bnParam);
  const staged: Gradients<'dx' | 'dgamma' | 'dbeta'> = layers.batchnormBackward(x, bn.cache);
  const closed: Gradients<'dx' | 'dgamma' | 'dbeta'> = layers.batchnormBackwardAlt(x, bn.cache);
  const sbn = layers.spatialBatchnormForward(image, three, three, { mode: 'test' });
  const ln = layers.layernormForward(x, one, one, {});
  const gn = layers.groupnormForward(image, three, three, 3);
  const sgn = layers.spatialGroupnormForward(image, three, three, 3, { eps: 1e-5 });
  const drop = layers.dropoutForward(x, { p: 0.5, mode: 'train', seed: 1 });
  const { loss, dx } = layers.softmaxLoss(x, [0, 1], { smoothing: 0.1 });
  const svm = layers.svmLoss(x, Int32Array.of(0, 1));

  const velocity: Tensor = optim.sgdMomentum(x, dx, { momentum: 0.9 }).config.velocity;
  const t: number = optim.adam(x, dx, { learningRate: 1e-2 }).config.t;
  const cache: Tensor = optim.rmsprop(x, dx).config.cache;
  const stepped: Tensor = optim.sgd(x, dx).w;

  // @ts-expect-error: stride is missing
  layers.convForward(image, image, x, { pad: 1 });
  // @ts-expect-error: not a tensor
  layers.reluForward([1, 2, 3]);
  // @ts-expect-error: the cache of another layer
  layers.affineBackward(x, relu.cache);
  // @ts-expect-error: no such variant
  await ready({ variant: 'gpu' });
  console.log(backend.reason, loss, svm.loss, t, version());
  return [
    g.dw, filters.db, staged.dgamma, closed.dbeta, velocity, cache, stepped, bnParam.runningMean!,
    layers.reluBackward(x, relu.cache).dx, layers.maxPoolBackward(pool.out, pool.cache).dx,
    layers.spatialBatchnormBackward(image, sbn.cache).dx, layers.layernormBackward(x, ln.cache).dx,
    layers.groupnormBackward(image, gn.cache).dx, layers.dropoutBackward(x, drop.cache).dx,
    layers.spatialGroupnormBackward(image, sgn.cache).dx,
  ];
}

export async function nets(): Promise<number> {
  const model = await Model.create('affine 10 - softmax', { reg: 0.1, input: [3, 32, 32] });
  const parameters: Tensors = model.parameters();
  model.setParameter('affine1.b', parameters['affine1.b']!.data);
  const x = zeros([1, 3, 32, 32]);
  const { gradients }: { gradients: Tensors } = model.lossAndGradients(x, [3]);
  model.setParameter('affine1.w', gradients['affine1.w']!);
  const loss: number = model.loss(x, [3]);
  model.dispose();
  return loss;
}

export async function training(files: File[], signal: AbortSignal): Promise<Evaluation> {
  const data = await Dataset.fromFiles(files, { train: 100 }, { signal });
  data.dispose();
  const trainer: Trainer = await Trainer.create({
    net: 'affine 10 - softmax', data: { files, store: true }, signal,
    options: { lr: 0.1, weightDecay: 1e-4, augment: 'flip,crop4' },
  });
  trainer.addEventListener('progress', ({ detail }) => detail.points[0]?.loss.toFixed(2));
  trainer.addEventListener('epoch', ({ detail }) => detail.valAccuracy.toFixed(2));
  await trainer.start();
  for await (const progress of trainer) {
    const { loss, eta }: Progress = progress;
    if (loss < 1 && (eta ?? 0) > 60) break;
  }
  try {
    await trainer.set('lr', 0.01);
  } catch (error) {
    if (!(error instanceof KilnError)) throw error;
    const code: KilnErrorCode = error.code;
    console.log(code, error.column?.toFixed());
  }
  // @ts-expect-error: no such option
  await Trainer.create({ nett: 'affine 10 - softmax' });
  // @ts-expect-error: no such option within
  await Trainer.create({ options: { optoins: 3 } });
  // @ts-expect-error: no such option of a reset
  await trainer.reset({ nett: 'affine 10 - softmax' });
  // @ts-expect-error: no such option of a data set
  await Dataset.builtin({ tran: 5 });
  // @ts-expect-error: no such option of a net
  await Model.create('affine 10 - softmax', { inputs: [3, 32, 32] });
  // @ts-expect-error: no such split
  await trainer.evaluate('dev');
  // @ts-expect-error: no such event
  trainer.addEventListener('progress', ({ detail }) => detail.speed);
  const summary: Summary = trainer.summary;
  console.log(summary.parameters, await storedDataset(), forgetStoredDataset, InlineTrainer);
  const bytes: Uint8Array = await trainer.save();
  const graph: Uint8Array = await trainer.export('onnx');
  const curves: Uint8Array = await exportCheckpoint(bytes, 'csv');
  const ending: string | undefined = (await trainer.formats())[0]?.ending;
  console.log(graph.length, curves.length, ending);
  // @ts-expect-error: no such format
  await trainer.export('onxx');
  await trainer.load(bytes);
  const found = await trainer.evaluate('test', { signal, count: 5 });
  trainer.dispose();
  return found;
}

export async function tag(): Promise<Trainer> {
  const element: KilnTrainer = document.createElement('kiln-trainer');
  element.net = 'affine 10 - softmax';
  element.weightDecay = 0.1;
  element.autostart = true;
  element.data = { stored: true };
  const heard: KilnTrainerEventMap['ready'][] = [];
  element.addEventListener('ready', (event) => heard.push(event));
  element.addEventListener('epoch', ({ detail }) => detail.valAccuracy.toFixed(2));
  element.addEventListener('statechange', ({ detail: { state } }) => state === 'done');
  element.addEventListener('click', ({ clientX }) => clientX.toFixed());
  // @ts-expect-error: no such property
  element.optoins = 3;
  // @ts-expect-error: no such detail
  element.addEventListener('epoch', ({ detail }) => detail.speed);
  // @ts-expect-error: no such split
  await element.evaluate('dev');
  await element.start();
  const { accuracy } = await element.evaluate();
  console.log(KilnTrainer.version, accuracy.toFixed(2), element.state === 'running');
  return element.ready;
}
