/**
 * Measuring a run in test mode: long work, done in slices between which the worker answers
 * messages and a run that goes takes its steps.
 */

import { checkCount, kindOf } from './check.js';
import { splitNumber, type Dataset } from './dataset.js';
import { KilnError, throwIfAborted } from './errors.js';
import type { Params, Result } from './protocol.js';
import { sizeOf } from './tensor.js';
import type { Training } from './training.js';
import { turn } from './turn.js';
import type { Summary } from './types.js';
import { fills, updates, type Wasm } from './wasm.js';

/** A run and what it stands on. */
export interface Run {
  readonly wasm: Wasm;
  readonly dataset: Dataset;
  readonly training: Training;
  readonly summary: Summary;
  /** Another run has taken its place. */
  replaced: boolean;
}

/** Images at most, and operations about, between two looks at the messages. */
const SLICE_IMAGES = 50;
const SLICE_FLOPS = 5e9;

/** Images in a slice: decided by the net alone, so that sums are the same each time. */
function sliceOf({ flops }: Summary, views: number): number {
  const fit = Math.floor(SLICE_FLOPS / Math.max(1, flops * views));
  return Math.min(SLICE_IMAGES, Math.max(1, fit));
}

/** Operations a second of the slowest machine that is thought of: a phone that is busy. */
const SLOWEST = 5e8;

/**
 * Milliseconds that one step of a run may take, in which nothing is heard of the worker: forward,
 * and about twice that backward.
 */
export function longestSilence({ flops }: Summary, batch: number): number {
  return Math.ceil(3 * flops * batch / SLOWEST * 1000);
}

/** Of the check that ends an epoch: a fifth of the work, about, and more images. */
export function checkSliceOf({ flops }: Summary): number {
  const fit = Math.floor(SLICE_FLOPS / 5 / Math.max(1, flops));
  return Math.min(20 * SLICE_IMAGES, Math.max(1, fit));
}

/** The worker looks at its messages; throws when the work is no longer wanted. */
async function between(what: string, run: Run, signal: AbortSignal): Promise<void> {
  await turn();
  throwIfAborted(signal, what);
  if (run.replaced) throw new KilnError('E_ABORTED', `${what}: a new run began meanwhile`);
}

/** Calls `work` for 0 .. count - 1 in slices, as (first, how many). */
async function inSlices(what: string, run: Run, count: number, views: number, signal: AbortSignal,
  work: (first: number, n: number) => void): Promise<void> {
  const slice = sliceOf(run.summary, views);
  for (let first = 0; first < count; first += slice) {
    await between(what, run, signal);
    work(first, Math.min(slice, count - first));
  }
}

/** Of the present run, or of a checkpoint, which has a trainer of its own meanwhile. */
export async function evaluate(run: Run, params: Params<'evaluate'>, signal: AbortSignal):
  Promise<Result<'evaluate'>> {
  const { wasm, dataset } = run;
  const { checkpoint } = params;
  if (checkpoint === undefined) return evaluateBy(run, run.training.handle, params, signal);
  if (kindOf(checkpoint) !== 'Uint8Array') {
    throw new KilnError('E_ARG', 'evaluate: a checkpoint is a Uint8Array');
  }
  const trainer =
    wasm.call('kiln_trainer_load', dataset.handle, checkpoint, checkpoint.length, '');
  try {
    return await evaluateBy(run, trainer, params, signal);
  } finally {
    if (wasm.broken === null) wasm.call('kiln_trainer_destroy', trainer);
  }
}

async function evaluateBy(run: Run, trainer: number,
  { split, count, views, share }: Params<'evaluate'>, signal: AbortSignal):
  Promise<Result<'evaluate'>> {
  const { info } = run.dataset;
  const number = splitNumber(split);
  const wanted = Math.min(checkCount('evaluate', 'count', count ?? info[split]), info[split]);
  const confusion = new Int32Array(info.classes.length ** 2);
  const lossSum = new Float64Array(1);
  const own = run.wasm.json<Record<string, unknown>>('kiln_trainer_options', trainer);
  const slice = sliceOf(run.summary, views ?? Number(own['eval-views']));
  const survey = run.wasm.call('kiln_survey_create', trainer, number, wanted,
    views ?? 0, share ?? 1);
  try {
    do await between('evaluate', run, signal);
    while (run.wasm.call('kiln_survey_next', survey, slice) > 0);
    const correct =
      run.wasm.call('kiln_survey_result', survey, updates(lossSum), updates(confusion));
    return {
      split, count: wanted, correct, accuracy: correct / wanted, loss: lossSum[0]! / wanted,
      confusion,
    };
  } finally {
    if (run.wasm.broken === null) run.wasm.call('kiln_survey_destroy', survey);
  }
}

export async function predict(run: Run, { split, indices, views }: Params<'predict'>,
  signal: AbortSignal): Promise<Result<'predict'>> {
  const { classes, shape } = run.dataset.info;
  const size = sizeOf(shape);
  const found = indices.map((index) => ({ index, ...run.dataset.image(split, index) }));
  const all: Result<'predict'> = [];
  await inSlices('predict', run, found.length, views, signal, (first, n) => {
    const part = found.slice(first, first + n);
    const images = new Uint8Array(n * size);
    part.forEach(({ image }, i) => images.set(image, i * size));
    const probabilities = probabilitiesOf(run, images, n, views);
    part.forEach((one, i) => all.push({
      ...one, probabilities: probabilities.slice(i * classes.length, (i + 1) * classes.length),
    }));
  });
  return all;
}

export function classify(run: Run, { image, views }: Params<'classify'>): Float32Array {
  const { shape } = run.dataset.info;
  if (kindOf(image) !== 'Uint8Array' || image.length !== sizeOf(shape)) {
    throw new KilnError('E_SHAPE', `classify: an image is a Uint8Array of ${shape.join('x')} = ` +
      `${sizeOf(shape)} bytes (C, H, W)`);
  }
  return probabilitiesOf(run, image, 1, views);
}

function probabilitiesOf(run: Run, images: Uint8Array, n: number, views: number): Float32Array {
  const probabilities = new Float32Array(n * run.dataset.info.classes.length);
  run.wasm.call(
    'kiln_trainer_predict', run.training.handle, images, n, views, fills(probabilities));
  return probabilities;
}
