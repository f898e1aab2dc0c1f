// Whatever a worker dies of, what it has left of its run can be saved, and the run goes on from
// there as if nothing had been.

import { afterEach, expect, test } from '@jest/globals';

import { Trainer, type TrainerInit } from '../../bindings/index.js';
import { failure } from './helpers.js';

const SMALL = {
  net: 'affine 10 - softmax', variant: 'simd', train: 200, validation: 50, test: 60, batch: 20,
  epochs: 9000, seed: 7, optimizer: 'adam', lr: 0.001, schedule: 'constant', augment: 'none',
  silenceLimit: 4000,
} as const satisfies TrainerInit;

const trainers: Trainer[] = [];
afterEach(() => trainers.splice(0).forEach((trainer) => trainer.dispose()));

/**
 * The real worker, whose clock goes a hundred times as fast, so that it leaves checkpoints soon;
 * and who does `death` when it is asked for a gradient check.
 */
function mortal(death: string): string {
  const real = new URL('build/dist/worker.js', `file://${process.cwd()}/`).href;
  return `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    const now = performance.now.bind(performance);
    performance.now = () => 100 * now();
    await import('${real}');
    parentPort.on('message', ({ type }) => { if (type === 'gradcheck') { ${death} } });`)}`;
}

async function create(init: TrainerInit): Promise<Trainer> {
  const trainer = await Trainer.create(init);
  trainers.push(trainer);
  return trainer;
}

/** A run that went until it left a checkpoint, and whose worker then died of it. */
async function dead(death: string): Promise<{ trainer: Trainer; code: string }> {
  const trainer = await create({ ...SMALL, workerUrl: mortal(death) });
  expect(trainer.lastCheckpoint).toBeNull();
  await trainer.start();
  while (trainer.lastCheckpoint === null) await new Promise((next) => setTimeout(next, 10));
  const { code } = await failure(() => trainer.gradcheck(SMALL.net));
  expect(trainer.state).toBe('failed');
  return { trainer, code };
}

async function goesOn(trainer: Trainer): Promise<void> {
  const { step } = trainer.metrics!;
  await trainer.step();
  expect(trainer.metrics!.step).toBe(step + 1);
}

const OOM = JSON.stringify({
  type: 'fatal', error: { code: 'E_TRAP', message: 'the WebAssembly instance broke down' } });

test.each([
  ['it was ended', 'process.exit(9)', 'E_WORKER_DIED'],
  ['it hangs, and is ended as silent', 'for (;;);', 'E_WORKER_SILENT'],
  ['an error nobody caught', 'void Promise.reject(new Error("oops"))', 'E_STATE'],
  ['the library trapped', `parentPort.postMessage(${OOM})`, 'E_TRAP'],
])('%s: the run goes on from its last checkpoint', async (_, death, expected) => {
  const { trainer, code } = await dead(death);
  expect(code).toBe(expected);
  const { bytes, step, epoch } = trainer.lastCheckpoint!;
  expect((await failure(() => trainer.save())).code).toBe(expected); // only this is left
  await trainer.load(bytes);
  expect(trainer.metrics).toMatchObject({ step, epoch });
  expect(trainer.state).toBe('paused');
  expect(trainer.lastCheckpoint).toBeNull();
  const hash = await trainer.hash();
  await goesOn(trainer);
  // It is a file like any other: another trainer opens it, and it holds the net.
  const other = await create(SMALL);
  await other.load(bytes);
  expect(await other.hash()).toBe(hash);
  await goesOn(other);
  expect(await other.hash()).toBe(await trainer.hash());
});

test('what does not open leaves the checkpoint for another try', async () => {
  const { trainer } = await dead('process.exit(9)');
  const kept = trainer.lastCheckpoint!;
  expect((await failure(() => trainer.reset({ net: 'affine - softmax' }))).code).toBe('E_NOTATION');
  expect(trainer.lastCheckpoint).toBe(kept);
  expect((await failure(() => trainer.load(new Uint8Array(100)))).code).toBe('E_CHECKPOINT');
  expect(trainer.lastCheckpoint).toBe(kept);
  await trainer.load(kept.bytes);
  expect(trainer.metrics!.step).toBe(kept.step);
  await goesOn(trainer);
});

test('a new run has none of the run before', async () => {
  const { trainer } = await dead('process.exit(9)');
  await trainer.reset();
  expect(trainer.lastCheckpoint).toBeNull();
});
