// Memory above two gigabytes, where pointers are negative numbers for JavaScript; the end of the
// memory; and runs that do not fit beside each other. Nothing here is written to: it costs no
// memory of the machine.

import { afterEach, describe, expect, test } from '@jest/globals';

import { Session } from '../../bindings/session.js';
import type { FromWorker, RunInfo } from '../../bindings/protocol.js';
import { fills, load, type LoadOptions, type Wasm } from '../../bindings/wasm.js';
import { failure } from './helpers.js';

const GIB = 2 ** 30;
const NET = 'conv 3x3x8 - batchnorm - relu - maxpool 2 - affine 10 - softmax';

const loaded: Wasm[] = [];
afterEach(() => loaded.splice(0).forEach((wasm) => wasm.dispose()));

async function start(options: LoadOptions): Promise<Wasm> {
  const wasm = await load(options);
  loaded.push(wasm);
  return wasm;
}

/** Takes memory for good, so that what comes later lies above it. */
function take(wasm: Wasm, bytes: number): void {
  wasm.stacks(bytes);
}

/** The hash of a few steps, and of the checkpoint that they lead to. */
function train(wasm: Wasm): string[] {
  const data = wasm.call('kiln_data_builtin', 'train=128\nvalidation=8\ntest=8\n');
  const trainer = wasm.call('kiln_trainer_create', data, `net=${NET}\nbatch=32\nseed=5\n`);
  for (let i = 0; i < 6; i++) wasm.call('kiln_trainer_step', trainer);
  const bytes = wasm.saved(trainer, wasm.call('kiln_trainer_save', trainer));
  const again = wasm.call('kiln_trainer_resume', data, bytes, bytes.length, '');
  const hashes = [trainer, again].map((one) =>
    wasm.text('kiln_net_hash', wasm.call('kiln_trainer_net', one)));
  const tensor = new Float32Array(8 * 27);
  wasm.call('kiln_net_tensor_get', wasm.call('kiln_trainer_net', again), 0, fills(tensor));
  return [...hashes, tensor.join()];
}

describe.each<[string, LoadOptions]>([
  ['one thread', { variant: 'simd' }],
  ['two threads', { variant: 'simd-threads', threads: 2 }],
])('%s', (_, options) => {
  test('above two gigabytes all is as below', async () => {
    const low = train(await start(options));
    const wasm = await start(options);
    take(wasm, 1.5 * GIB);
    take(wasm, 0.6 * GIB);
    expect(wasm.memoryBytes).toBeGreaterThan(2 * GIB);
    expect(train(wasm)).toEqual(low);
    const error = await failure(() => wasm.call('kiln_summary', 'affine - softmax', ''));
    expect(error).toMatchObject({ code: 'E_NOTATION', column: 8 });
  });

  test('what no address reaches is told in bytes, too', async () => {
    const wasm = await start(options);
    const data = wasm.call('kiln_data_builtin', 'train=20000\nvalidation=8\ntest=8\n');
    const wide = '[conv 3x3x64 - batchnorm - relu]x4 - affine 10 - softmax';
    const refused = await failure(() =>
      wasm.call('kiln_trainer_create', data, `net=${wide}\nbatch=4000\n`));
    expect(refused).toMatchObject({ code: 'E_MEMORY' });
    const [, wanted] = /needs ([\d.]+) MB/.exec(refused.message)!;
    expect(Number(wanted)).toBeGreaterThan(4295);
  });

  test('what does not fit is told with the end of the memory, and breaks nothing', async () => {
    const wasm = await start(options);
    take(wasm, 1.9 * GIB);
    take(wasm, 1.9 * GIB);
    const low = await failure(() => take(wasm, 0.5 * GIB));
    expect(low.code).toBe('E_MEMORY');
    expect(low.message).toMatch(/ends at 4295 MB, of which nets and data hold 0 MB$/);
    const net = await failure(() =>
      wasm.call('kiln_net_create', 'conv 3x3x512 - affine 10 - softmax', 'batch=500\n'));
    expect(net.code).toBe('E_MEMORY');
    expect(net.message).toMatch(/needs [\d.]+ MB.*; the memory of this instance ends at 4295 MB/);
    expect(train(wasm)[0]).toMatch(/^[0-9a-f]{16}$/);
  });
});

/** Only so large a shared memory is to be had, as on a telephone. */
async function onSmallMachine<T>(bytes: number, action: () => Promise<T>): Promise<T> {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = function small(descriptor: { maximum: number }) {
    if (descriptor.maximum * 65_536 > bytes) throw new RangeError('could not allocate memory');
    return new Memory(descriptor as never);
  } as never;
  try {
    return await action();
  } finally {
    WebAssembly.Memory = Memory;
  }
}

test('where a shared memory of 4 GiB is refused, a smaller one is taken, and named', async () => {
  await onSmallMachine(GIB / 2, async () => {
    const wasm = await start({ variant: 'simd-threads', threads: 2 });
    take(wasm, 0.4 * GIB);
    const error = await failure(() => take(wasm, 0.2 * GIB));
    expect(error.message).toContain('ends at 537 MB');
  });
});

test('a run makes room for the next, and comes back where that does not fit', async () => {
  await onSmallMachine(GIB / 2, async () => {
    const said: FromWorker[] = [];
    const session = new Session((message) => said.push(message));
    let id = 0;
    const call = async (type: string, params: object): Promise<RunInfo & { length: number }> => {
      await session.receive({ type, params, id: ++id } as never);
      const answer = said.find((message) => 'id' in message && message.id === id)!;
      if (answer.type === 'failure') throw Object.assign(new Error(), answer.error);
      return (answer as unknown as { value: never }).value;
    };
    const options = { net: 'affine 2400 - relu - affine 10 - softmax', batch: 16, train: 64,
      validation: 8, test: 8, optimizer: 'adam', 'check-train': 0 };
    await call('open', { wasm: { variant: 'simd-threads', threads: 2 }, data: 'builtin', options });
    await call('step', {});
    const hash = await call('hash', {});
    const saved = await call('save', {});
    // 30 MB of parameters, twelve times: only one run at a time fits, and files beside it.
    for (let i = 0; i < 2; i++) {
      expect((await call('load', { bytes: saved, options: {} })).metrics!.step).toBe(1);
      expect(await call('hash', {})).toEqual(hash);
    }
    await expect(call('reset', { options: { net: 'affine 20000 - relu - affine 10 - softmax' } }))
      .rejects.toMatchObject({ code: 'E_MEMORY' });
    expect(await call('hash', {})).toEqual(hash); // the run is what it was
    await call('step', {});
    expect((await call('reset', { options: {} })).state).toBe('ready');
    await call('step', {});
  });
});
