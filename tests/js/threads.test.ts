// Threads: what is chosen and why, what becomes of it where they cannot be had, and that a pool
// works, breaks down and ends as it should.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { ready, Trainer } from '../../bindings/index.js';
import { choose, reasonOf, variantOf, type Platform, type Wish } from '../../bindings/variants.js';
import { fills, load, type LoadOptions, type Wasm } from '../../bindings/wasm.js';
import { failure, random } from './helpers.js';

const NET = 'conv 3x3x8 - batchnorm - relu - maxpool 2 - affine 10 - softmax';
const DIST = `file://${process.cwd()}/build/dist/`;

const loaded: Wasm[] = [];
afterEach(() => loaded.splice(0).forEach((wasm) => wasm.dispose()));

async function pool(options: LoadOptions): Promise<Wasm> {
  const wasm = await load(options);
  loaded.push(wasm);
  return wasm;
}

/** The hash of all parameters after a few steps. */
function train(wasm: Wasm, steps = 6): string {
  const sizes = 'train=128\nvalidation=8\ntest=8\n';
  const data = wasm.call('kiln_data_builtin', sizes);
  const trainer = wasm.call('kiln_trainer_create', data, `net=${NET}\nbatch=32\nseed=5\n`);
  for (let i = 0; i < steps; i++) wasm.call('kiln_trainer_step', trainer);
  return wasm.text('kiln_net_hash', wasm.call('kiln_trainer_net', trainer));
}

describe('the choice', () => {
  const EIGHT: Platform = { relaxed: true, noThreads: null, cores: 8 };
  const BARE: Platform = { ...EIGHT, noThreads: 'this page is not cross-origin isolated' };

  test.each<[string, Wish, boolean, Platform, string, number, RegExp]>([
    ['all there is', {}, false, EIGHT, 'relaxed-threads', 8, /8 threads: this machine has 8/],
    ['many cores', {}, false, { ...EIGHT, cores: 64 }, 'relaxed-threads', 8, /64 cores/],
    ['one core', {}, false, { ...EIGHT, cores: 1 }, 'relaxed', 1, /one thread: .* has one core/],
    ['no isolation', {}, false, BARE, 'relaxed', 1, /one thread: this page is not cross-origin/],
    ['no isolation, threads wished', { threads: 4 }, false, BARE, 'relaxed', 1, /not cross-origin/],
    ['no relaxed SIMD', {}, false, { ...EIGHT, relaxed: false }, 'simd-threads', 8, /no relaxed/],
    ['one thread', { threads: 1 }, false, EIGHT, 'relaxed', 1, /one thread: as asked for/],
    ['more than cores', { threads: 16 }, false, EIGHT, 'relaxed-threads', 16, /as asked for/],
    ['a plain build', { variant: 'simd' }, false, EIGHT, 'simd', 1, /simd was asked for; one/],
    ['arithmetic and threads', { variant: 'simd', threads: 3 }, false, EIGHT, 'simd-threads', 3,
      /3 threads/],
    ['a threaded build', { variant: 'simd-threads' }, false, EIGHT, 'simd-threads', 8, /8 cores/],
    ['the same on one core', { variant: 'relaxed-threads' }, false, { ...EIGHT, cores: 1 },
      'relaxed-threads', 2, /one core|1 cores/],
    ['a module of its own', { threads: 4 }, true, EIGHT, 'simd', 1, /module was given.*one thread/],
    ['a threaded module', { variant: 'simd-threads', threads: 2 }, true, EIGHT, 'simd-threads', 2,
      /2 threads/],
  ])('%s', (_, wish, given, platform, variant, threads, reason) => {
    const choice = choose(wish, given, platform);
    expect(variantOf(choice)).toBe(variant);
    expect(choice.threads).toBe(threads);
    expect(reasonOf(choice)).toMatch(reason);
  });

  test.each<[string, Wish, Platform, string, RegExp]>([
    ['0', { threads: 0 }, EIGHT, 'E_ARG', /0 is no number from 1 to 16/],
    ['17', { threads: 17 }, EIGHT, 'E_ARG', /from 1 to 16/],
    ['half a thread', { threads: 1.5 }, EIGHT, 'E_ARG', /1.5/],
    ['text', { threads: '2' as never }, EIGHT, 'E_ARG', /from 1 to 16/],
    ['one of many', { variant: 'simd-threads', threads: 1 }, EIGHT, 'E_ARG', /has 2 at least/],
    ['threads by name without isolation', { variant: 'relaxed-threads' }, BARE, 'E_WASM_LOAD',
      /no threads: this page is not cross-origin isolated; use the variant relaxed$/],
    ['relaxed by name without it', { variant: 'relaxed-threads' }, { ...EIGHT, relaxed: false },
      'E_WASM_LOAD', /no relaxed SIMD; use the variant simd-threads/],
  ])('%s is refused', async (_, wish, platform, code, message) => {
    const error = await failure(() => choose(wish, false, platform));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

describe('a pool', () => {
  test('reports what it is, and gives the bits of one thread', async () => {
    const plain = train(await load({ variant: 'simd' }));
    for (const threads of [2, 4, 8]) {
      const wasm = await pool({ variant: 'simd', threads });
      expect(wasm.backend).toEqual({
        variant: 'simd-threads', mode: 'strict', lanes: 4, threads,
        reason: `simd was asked for; ${threads} threads: as asked for`,
      });
      expect(train(wasm)).toBe(plain);
    }
  });

  test('auto has as many threads as the machine has cores', async () => {
    const { backend } = await pool({});
    const { availableParallelism } = await import('node:os');
    const cores = availableParallelism();
    expect(backend.threads).toBe(Math.min(cores, 8));
    expect(backend.reason).toContain(cores > 1 ? `this machine has ${cores} cores` : 'one core');
  });

  test('ready() has one thread whatever there is', async () => {
    expect((await ready()).threads).toBe(1);
  });

  test('memory that grows is seen by every thread', async () => {
    const wasm = await pool({ variant: 'simd-threads', threads: 4 });
    const before = wasm.memoryBytes;
    const x = random([5_000_000], 1);
    const out = new Float32Array(x.data.length);
    wasm.call('kiln_layer_relu_forward', fills(out), x.data, x.data.length); // 40 MB of arguments
    expect(wasm.memoryBytes).toBeGreaterThan(before);
    expect(out.every((value, i) => value === Math.max(0, x.data[i]!))).toBe(true);
  });

  test('a trap in any thread is E_TRAP, and ends the pool', async () => {
    const wasm = await pool({ variant: 'simd-threads', threads: 4 });
    // Reads and writes well until it leaves the memory, in whichever thread that happens.
    const few = new Float32Array(16);
    const wild = (): number => wasm.call('kiln_layer_relu_forward', fills(few), few, 2 ** 28);
    const error = await failure(wild);
    expect(error.code).toBe('E_TRAP');
    expect(wasm.broken).toContain('kiln_layer_relu_forward');
    expect((await failure(() => wasm.call('kiln_lanes'))).code).toBe('E_TRAP');
  });

  test('an instance that was disposed of says so', async () => {
    const wasm = await load({ variant: 'simd-threads', threads: 2 });
    wasm.dispose();
    wasm.dispose();
    expect((await failure(() => wasm.call('kiln_lanes'))).message).toContain('disposed');
  });
});

describe('where the pool does not start', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-pool-'));
    await writeFile(join(folder, 'mute.mjs'), 'setInterval(() => {}, 1000);\n');
    await writeFile(join(folder, 'broken.mjs'), 'throw new Error("out of order");\n');
  });
  afterAll(() => rm(folder, { recursive: true }));
  const script = (name: string): URL => pathToFileURL(join(folder, name));

  const cases = (): [string, LoadOptions, RegExp][] => [
    ['missing', { poolUrl: script('gone.mjs') }, /does not start: .*gone\.mjs/],
    ['broken', { poolUrl: script('broken.mjs') }, /does not start: out of order/],
    ['mute', { poolUrl: script('mute.mjs'), poolLimit: 300 }, /not start within 0\.3 seconds/],
  ];

  test('the plain build runs, and says why', async () => {
    for (const [name, options, reason] of cases()) {
      const { backend } = await pool({ variant: 'simd', threads: 2, ...options });
      expect([name, backend.variant, backend.threads]).toEqual([name, 'simd', 1]);
      expect(backend.reason).toContain('; one thread: the threaded build does not start: ');
      expect(backend.reason).toMatch(reason);
    }
  });

  test('a threaded build that was asked for by name is an error', async () => {
    for (const [, options, reason] of cases()) {
      const error = await failure(() => load({ variant: 'simd-threads', threads: 2, ...options }));
      expect(error.code).toBe('E_WORKER_LOAD');
      expect(`does not start: ${error.message}`).toMatch(reason);
    }
  });

  test('memory that is refused is no reason to give up', async () => {
    const { Memory } = WebAssembly;
    WebAssembly.Memory = function refuse() {
      throw new RangeError('could not allocate memory');
    } as never;
    try {
      const { backend } = await pool({ variant: 'simd', threads: 2 });
      expect(backend).toMatchObject({ variant: 'simd', threads: 1 });
      expect(backend.reason).toContain('could not allocate memory');
    } finally {
      WebAssembly.Memory = Memory;
    }
  });

  test('a missing threaded module neither', async () => {
    const only = await mkdtemp(join(tmpdir(), 'kiln-plain-'));
    const { copyFile } = await import('node:fs/promises');
    await copyFile('build/dist/simd.wasm', join(only, 'simd.wasm'));
    const wasm = pathToFileURL(`${only}/`);
    const { backend } = await pool({ variant: 'simd', threads: 2, wasm });
    expect(backend).toMatchObject({ variant: 'simd', threads: 1 });
    expect(backend.reason).toMatch(/simd-threads\.wasm cannot be read/);
    await rm(only, { recursive: true });
  });

  test('an abort is an abort', async () => {
    const signal = AbortSignal.timeout(50);
    const error = await failure(() => load({ variant: 'simd', threads: 2, signal,
      poolUrl: script('mute.mjs'), poolLimit: 500 }));
    expect(error.code).toBe('E_ABORTED');
  });
});

describe('a Trainer', () => {
  const INIT = { net: NET, train: 200, validation: 20, test: 20, batch: 25, epochs: 1, seed: 3 };

  async function run(init: object): Promise<{ hash: string; trainer: Trainer }> {
    const trainer = await Trainer.create({ ...INIT, ...init });
    await trainer.start();
    for await (const _ of trainer);
    return { hash: await trainer.hash(), trainer };
  }

  test('trains with threads to the same parameters and figures', async () => {
    const one = await run({ variant: 'simd' });
    const many = await run({ variant: 'simd', threads: 4 });
    expect(many.trainer.backend).toMatchObject({ variant: 'simd-threads', threads: 4 });
    expect(many.hash).toBe(one.hash);
    expect(await many.trainer.evaluate('test')).toEqual(await one.trainer.evaluate('test'));
    expect(await many.trainer.save()).toEqual(await one.trainer.save());
    one.trainer.dispose();
    many.trainer.dispose();
  });

  test('leaves no thread behind once it is disposed of', async () => {
    // In a process of its own: it ends by itself only if nothing is left in it.
    const code = `
      import { readdirSync } from 'node:fs';
      import { readdir } from 'node:fs/promises';
      import { Trainer } from '${DIST}index.js';
      const threads = () => readdirSync('/proc/self/task').length;
      await readdir('.'); // starts the threads that Node keeps for files
      const before = threads();
      const trainer = await Trainer.create(
        { ...${JSON.stringify(INIT)}, variant: 'simd', threads: 4 });
      await trainer.start();
      const during = threads();
      trainer.dispose();
      const until = performance.now() + 10000;
      while (threads() > before && performance.now() < until) {
        await new Promise((r) => setTimeout(r, 20));
      }
      console.log(JSON.stringify({ started: during - before, left: threads() - before }));`;
    const folder = await mkdtemp(join(tmpdir(), 'kiln-end-'));
    const file = join(folder, 'end.mjs');
    await writeFile(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
    await rm(folder, { recursive: true });
    const { started, left } = JSON.parse(stdout) as { started: number; left: number };
    expect(started).toBeGreaterThanOrEqual(4); // the trainer's worker and three more
    expect(left).toBe(0);
  });
});
