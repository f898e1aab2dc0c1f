/** Looking into the net of a run: its tensors, and what one image does in it. */

import { splitNumber } from './dataset.js';
import { KilnError } from './errors.js';
import { classify, type Run } from './measure.js';
import type { Params, Result } from './protocol.js';
import type { NamedTensor, TensorInfo } from './types.js';
import { fills } from './wasm.js';

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

export function inspect(run: Run, { split, index }: Params<'inspect'>): Result<'inspect'> {
  const { wasm } = run;
  const { label, image } = run.dataset.image(split, index);
  const net = wasm.call('kiln_trainer_inspect', run.training.handle, splitNumber(split), index);
  const floats = (layer: number, what: number): Float32Array => {
    const values = new Float32Array(wasm.call('kiln_net_inspect', net, layer, what, 0, null));
    wasm.call('kiln_net_inspect', net, layer, what, 0, fills(values));
    return values;
  };
  const layers = run.summary.layers.map(({ name, kind, output }, i) => ({
    name, kind, shape: output, output: floats(i, 0), gradient: floats(i, 1),
  }));
  const probabilities = classify(run, { image, views: 1 });
  return { label, image, probabilities, layers };
}
