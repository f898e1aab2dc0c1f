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

/** 64-256-256, the largest net of the recipes. */
function recipe(): string {
  const layer = (filters: number): string => `conv 3x3x${filters} nobias - `;
  const norm = 'batchnorm fixed momentum 0.6 - gelu - ';
  const group = (filters: number): string =>
    `${layer(filters)}maxpool 2 - ${norm}${layer(filters)}${norm}`;
  return `whiten 2x2 - gelu - ${group(64)}${group(256)}${group(256)}`
    + 'maxpool 3 - affine 10 nobias - scale 0.111 - softmax smoothing 0.2';
}

describe('a batch of the largest net', () => {
  const options = (batch: number): string =>
    `net=${recipe()}\nbatch=${batch}\noptimizer=muon\nlookahead=5\n`;
  const refusal = async (wasm: Wasm, data: number, batch: number): Promise<number[]> => {
    const error = await failure(() => wasm.call('kiln_trainer_create', data, options(batch)));
    expect(error.code).toBe('E_MEMORY');
    const said = /needs ([\d.]+) MB.*; a batch of (\d+) would fit; the memory of/.exec(
      error.message);
    expect(error.message).toMatch(said ? '' : 'a batch that would fit');
    return said!.slice(1).map(Number);
  };

  test('of 2048 images has a place in 4 GiB; of 8192 none, and what has is named', async () => {
    const wasm = await start({ variant: 'simd' });
    const { memory } = wasm.json('kiln_summary', recipe(), 'batch=2048\n') as { memory: number };
    expect(memory).toBeLessThan(0.75 * 4 * GIB);
    const data = wasm.call('kiln_data_builtin', 'train=8192\nvalidation=8\ntest=8\n');
    const [wanted, fits] = await refusal(wasm, data, 8192);
    expect(wanted).toBeGreaterThan(4295);
    expect(fits).toBeGreaterThanOrEqual(2048);
    expect(fits).toBeLessThan(8192);
  });

  test('that is named fits and trains; one half as large again does not', async () => {
    await onSmallMachine(GIB / 2, async () => {
      const wasm = await start({ variant: 'simd-threads', threads: 2 });
      const data = wasm.call('kiln_data_builtin', 'train=2048\nvalidation=8\ntest=8\n');
      const [wanted, fits] = await refusal(wasm, data, 2048);
      expect(wanted).toBeGreaterThan(2000);
      expect(fits).toBeGreaterThan(64);
      const larger = Math.round(1.5 * fits!);
      expect((await refusal(wasm, data, larger))[1]).toBeLessThan(larger);
      const trainer = wasm.call('kiln_trainer_create', data,
        `${options(fits!)}check-train=8\ncheck-val=8\n`);
      // A net that trains grows no further than the memory allows.
      const grown = await failure(() => wasm.call('kiln_trainer_set', trainer, 'batch', '2048'));
      expect(grown.message).toMatch(/; a batch of \d+ would fit/);
      wasm.call('kiln_trainer_step', trainer);
      expect(wasm.call('kiln_trainer_save', trainer)).toBeGreaterThan(1e6);
    });
  });

  test('of a net that is too large by itself is said to be of no help', async () => {
    await onSmallMachine(GIB / 4, async () => {
      const wasm = await start({ variant: 'simd-threads', threads: 2 });
      const data = wasm.call('kiln_data_builtin', 'train=64\nvalidation=8\ntest=8\n');
      const error = await failure(() => wasm.call('kiln_trainer_create', data,
        'net=affine 6000 - relu - affine 6000 - affine 10 - softmax\nbatch=16\n'));
      expect(error.message).toMatch(/; no batch of this net would fit/);
    });
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
