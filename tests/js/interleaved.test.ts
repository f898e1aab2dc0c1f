// Calls that overlap, are cancelled, or meet a worker that dies: page and worker agree on what the
// run is, whatever the order.

import { getEventListeners, once as heard } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { Trainer, type TrainerInit } from '../../bindings/index.js';
import { batchFiles, failure } from './helpers.js';

const NETS = ['affine 10 - softmax', 'affine 5 - relu - affine 10 - svm'] as const;
const SMALL = {
  net: NETS[0], variant: 'simd', train: 60, validation: 10, test: 10, batch: 20, epochs: 5000,
  optimizer: 'sgd', lr: 0.001, schedule: 'constant', augment: 'none',
} as const satisfies TrainerInit;

/** A worker that dies when it is asked for a gradient check. */
const MORTAL = `data:text/javascript,${encodeURIComponent(`
  import { parentPort } from 'node:worker_threads';
  import '${new URL('build/dist/worker.js', `file://${process.cwd()}/`).href}';
  parentPort.on('message', ({ type }) => { if (type === 'gradcheck') process.exit(9); });`)}`;

const trainers: Trainer[] = [];
afterEach(() => trainers.splice(0).forEach((trainer) => trainer.dispose()));

async function create(init: TrainerInit = SMALL): Promise<Trainer> {
  const trainer = await Trainer.create({ ...init, workerUrl: MORTAL });
  trainers.push(trainer);
  return trainer;
}

const kill = (trainer: Trainer): Promise<unknown> => failure(() => trainer.gradcheck(NETS[0]));
const soon = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the page believes is what the worker does. */
async function agree(trainer: Trainer): Promise<void> {
  await trainer.pause();
  const options = await trainer.options();
  expect(trainer.summary.notation).toBe(options['net']);
  const before = trainer.metrics?.step ?? 0;
  const progress = new Promise<number>((resolve) =>
    trainer.addEventListener('progress', ({ detail }) => resolve(detail.step), { once: true }));
  await trainer.step();
  expect(await progress).toBe(before + 1);
  expect(trainer.metrics!.step).toBe(before + 1);
  expect((await trainer.history()).loss.at(-1)![0]).toBe(before + 1);
  expect(trainer.state).toBe('paused');
}

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));

/** A batch file whose second half comes when `finish` is called. */
async function slowFile(): Promise<{ url: string; asked: Promise<unknown>; finish(): void }> {
  const { bytes } = batchFiles(40)[0]!;
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => { finish = resolve; });
  const server = createServer((_, response) => {
    response.write(bytes.subarray(0, 5000));
    void finished.then(() => response.end(bytes.subarray(5000)));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  const asked = heard(server, 'request');
  await heard(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/data_batch_1.bin`, asked, finish };
}

describe('a reset that is aborted', () => {
  test('while data come: the run stays', async () => {
    const trainer = await create();
    await trainer.step();
    const { url, asked, finish } = await slowFile();
    const stopper = new AbortController();
    const aborted = failure(() =>
      trainer.reset({ net: NETS[1], data: { url }, signal: stopper.signal }));
    await asked;
    stopper.abort();
    expect((await aborted).code).toBe('E_ABORTED');
    finish();
    expect(trainer.summary.notation).toBe(NETS[0]);
    expect(trainer.metrics!.step).toBe(1);
    await agree(trainer);
  });

  test('at any moment: it happened on both sides, or on none', async () => {
    const trainer = await create();
    for (let i = 0; i < 24; i++) {
      const net = NETS[(i + 1) % 2]!;
      const stopper = new AbortController();
      const reset = trainer.reset({ net, signal: stopper.signal }).then(() => true, () => false);
      if (i % 4 > 0) await soon(i % 4);
      stopper.abort();
      if (await reset) expect(trainer.summary.notation).toBe(net);
      await agree(trainer);
    }
  });

  test('before it begins: nothing is asked for', async () => {
    const trainer = await create();
    const error = await failure(() => trainer.reset({ signal: AbortSignal.abort() }));
    expect(error.code).toBe('E_ABORTED');
    await agree(trainer);
  });
});

describe('an option that is set while a reset reads data', () => {
  test('acts at once, and holds for the new run', async () => {
    const trainer = await create();
    const { url, asked, finish } = await slowFile();
    const reset = trainer.reset({ data: { url }, options: { lr: 0.5, reg: 0.25 } });
    await asked;
    expect(await trainer.set('lr', 0.125)).toMatchObject({ lr: '0.125' });
    await trainer.step();
    expect(trainer.metrics!.lr).toBe(0.125);
    finish();
    await reset;
    expect(trainer.dataset.name).toBe('cifar10');
    expect(await trainer.options()).toMatchObject({ lr: '0.125', reg: '0.25' });
    await trainer.reset();
    expect(await trainer.options()).toMatchObject({ lr: '0.125', reg: '0.25' });
  });

  test('is kept by the page for the next worker', async () => {
    const trainer = await create();
    await trainer.set('lr', 0.125);
    await kill(trainer);
    await trainer.reset();
    expect(await trainer.options()).toMatchObject({ lr: '0.125' });
  });
});

describe('after the death of the worker', () => {
  test('a reset that fails leaves the next one its chance', async () => {
    const trainer = await create();
    await kill(trainer);
    for (const net of ['affine - softmax', 'affine 7 - softmax']) {
      expect((await failure(() => trainer.reset({ net }))).message).toMatch(/^net: /);
    }
    expect(trainer.state).toBe('failed');
    await trainer.reset();
    expect(trainer.state).toBe('ready');
    expect(trainer.summary.notation).toBe(NETS[0]);
    await agree(trainer);
  });

  test('resets at once start one worker, and the last of them holds', async () => {
    const trainer = await create();
    await kill(trainer);
    await Promise.all([0, 1, 0, 1].map((n) => trainer.reset({ net: NETS[n]! })));
    expect(trainer.summary.notation).toBe(NETS[1]);
    await agree(trainer);
  });

  test('a checkpoint can be loaded', async () => {
    const trainer = await create();
    for (let i = 0; i < 3; i++) await trainer.step();
    const saved = await trainer.save();
    const hash = await trainer.hash();
    await kill(trainer);
    await trainer.load(saved);
    expect(await trainer.hash()).toBe(hash);
    expect(trainer.metrics!.step).toBe(3);
    await agree(trainer);
  });

  test('dispose() ends a start that is under way', async () => {
    const trainer = await create();
    await kill(trainer);
    const first = failure(() => trainer.reset());
    const second = failure(() => trainer.reset());
    await soon(1);
    trainer.dispose();
    expect((await first).code).toBe('E_ABORTED');
    expect((await second).code).toBe('E_HANDLE');
  });
});

describe('signals', () => {
  const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

  test('are let go of once what they could stop is over', async () => {
    const { signal } = new AbortController();
    const trainer = await create({ ...SMALL, signal });
    expect(listeners(signal)).toBe(1);
    await trainer.evaluate('test', { signal });
    await trainer.reset({ signal });
    await failure(() => trainer.reset({ net: 'affine', signal }));
    expect(listeners(signal)).toBe(1);
    trainer.dispose();
    expect(listeners(signal)).toBe(0);
  });
});

type Step = (trainer: Trainer) => Promise<unknown>;

/** What may be called while other calls are under way. */
const steps: fc.Arbitrary<[string, Step]> = fc.oneof(
  fc.constantFrom<[string, Step]>(
    ['start', (t) => t.start()], ['pause', (t) => t.pause()], ['step', (t) => t.step()],
    ['hash', (t) => t.hash()], ['evaluate', (t) => t.evaluate('test')],
    ['kill', (t) => t.gradcheck(NETS[0])],
    ['save and load', async (t) => t.load(await t.save())],
    ['begin with weights', async (t) => t.load(await t.exportParameters())],
    ['a bad net', (t) => t.reset({ net: 'affine - softmax' })]),
  fc.double({ min: 0.001, max: 1, noNaN: true }).map((lr): [string, Step] =>
    [`lr ${lr}`, (t) => t.set('lr', lr)]),
  fc.tuple(fc.constantFrom(...NETS), fc.nat({ max: 6 })).map(([net, ms]): [string, Step] =>
    [`reset ${net}, aborted after ${ms} ms`, (t) =>
      t.reset({ net, signal: AbortSignal.timeout(ms) })]),
  fc.constantFrom(...NETS).map((net): [string, Step] => [`reset ${net}`, (t) => t.reset({ net })]),
  fc.constant<[string, Step]>(['other data', (t) =>
    t.reset({ data: { files: batchFiles(12) }, options: { train: 40, validation: 10 } })]),
);

/** Lists of calls drawn from a seed: whatever they are, page and worker agree when all are over. */
function agreesInTheEnd(seed: number, numRuns: number): Promise<void> {
  return fc.assert(fc.asyncProperty(
    fc.array(fc.tuple(steps, fc.nat({ max: 3 })), { minLength: 2, maxLength: 9 }),
    async (calls) => {
      const trainer = await create();
      const all: Promise<unknown>[] = [];
      for (const [[, call], pause] of calls) {
        all.push(call(trainer).catch((error: Error) => expect(error.name).toBe('KilnError')));
        if (pause > 0) await soon(pause);
      }
      await Promise.all(all);
      if (trainer.state === 'failed') await trainer.reset();
      await agree(trainer);
      trainer.dispose();
    }), { numRuns, seed });
}

// A handful here; `make test-interleaved TIMES=300` goes on with as many seeds as are wanted.
const SEEDS = Number(process.env['KILN_SEEDS'] ?? 0);

describe('any calls at any time: page and worker agree in the end', () => {
  test('a handful', () => agreesInTheEnd(7, 40));

  for (let seed = 1000; seed < 1000 + SEEDS; seed++) {
    test(`seed ${seed}`, () => agreesInTheEnd(seed, 5), 300_000);
  }
});
