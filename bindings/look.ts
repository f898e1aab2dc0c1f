/** Looking into the net of a run: its tensors, and what one image does in it. */

import { splitNumber } from './dataset.js';
import { KilnError } from './errors.js';
import { classify, type Run } from './measure.js';
import type { Params, Result } from './protocol.js';
import type { Inspection, NamedTensor, TensorInfo } from './types.js';
import { fills } from './wasm.js';

const BY_NAME = -1; // as C numbers it: a kiln set says itself what it holds

/** The handle of a run's net. */
export function netOf({ wasm, training }: Run): number {
  return wasm.call('kiln_trainer_net', training.handle);
}

function tensors(run: Run): TensorInfo[] {
  return run.wasm.json('kiln_net_tensors', netOf(run));
}

function tensor(run: Run, index: number, { name, shape, size }: TensorInfo): NamedTensor {
  const data = new Float32Array(size);
  run.wasm.call('kiln_net_tensor_get', netOf(run), index, fills(data));
  return { name, shape, data };
}

export function parameters(run: Run, { names }: Params<'parameters'>): NamedTensor[] {
  const all = tensors(run);
  const unknown = names?.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw new KilnError('E_ARG', `parameters: no tensor "${unknown}"; ` +
      `there are ${all.map(({ name }) => name).join(', ')}`);
  }
  return all.flatMap((info, index) =>
    !names || names.includes(info.name) ? [tensor(run, index, info)] : []);
}

/** The weights that see pixels. */
export function firstFilters(run: Run): NamedTensor | null {
  const all = tensors(run);
  const index = all.findIndex(({ parameter, shape }) => parameter && shape.length > 1);
  return index < 0 ? null : tensor(run, index, all[index]!);
}

export function inspect(run: Run, { of, index }: Params<'inspect'>):
  Result<'inspect'> | Promise<Result<'inspect'>> {
  if (typeof of !== 'string') return inspectOwn(run, of);
  const { label, image } = run.dataset.image(of, index);
  const { handle } = run.training;
  const layers = layersOf(run, handle, splitNumber(of), index);
  return { label, image, layers, probabilities: classify(run, { image, views: 1 }) };
}

/** What image `index` of a split does in the net of a trainer that has the run's parameters. */
function layersOf({ wasm, summary }: Run, trainer: number, split: number, index: number):
  Inspection['layers'] {
  const net = wasm.call('kiln_trainer_inspect', trainer, split, index);
  const floats = (layer: number, what: number): Float32Array => {
    const values = new Float32Array(wasm.call('kiln_net_inspect', net, layer, what, 0, null));
    wasm.call('kiln_net_inspect', net, layer, what, 0, fills(values));
    return values;
  };
  return summary.layers.map(({ name, kind, output }, i) => ({
    name, kind, shape: output, output: floats(i, 0), gradient: floats(i, 1),
  }));
}

/**
 * The library looks at images of data sets: of the picture one is made, with the likeliest class as
 * its label, and a trainer of the run's parameters, which normalises as the run does.
 */
async function inspectOwn(run: Run, image: Uint8Array): Promise<Inspection> {
  const { wasm, training, dataset: { info: { shape, classes } } } = run;
  const probabilities = classify(run, { image, views: 1 });
  const label = Math.max(0, probabilities.indexOf(Math.max(...probabilities)));
  const saved = await training.save(true);
  const head = { name: 'picture', shape, classes, count: 1, split: [0, 0, 1] };
  const file = [...new TextEncoder().encode(`KILNSET 1\n${JSON.stringify(head)}\n`), label & 255];
  if (classes.length > 256) file.push(label >> 8);
  const bytes = Uint8Array.of(...file, ...image);
  const handles: [end: 'kiln_data_destroy' | 'kiln_trainer_destroy', handle: number][] = [];
  try {
    const data = wasm.call('kiln_data_create');
    handles.push(['kiln_data_destroy', data]);
    wasm.call('kiln_data_add_file', data, 'the picture', bytes, bytes.length, BY_NAME);
    wasm.call('kiln_data_finish', data, '');
    const trainer = wasm.call('kiln_trainer_load', data, saved, saved.length, '');
    handles.push(['kiln_trainer_destroy', trainer]);
    const layers = layersOf(run, trainer, splitNumber('test'), 0);
    return { label, image, probabilities, layers };
  } finally {
    for (const [end, handle] of handles.reverse()) if (!wasm.broken) wasm.call(end, handle);
  }
}
