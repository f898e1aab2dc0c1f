// Long work in the worker goes in slices: between any two of them other calls are answered, and a
// call that can be cancelled ends. The worker's Session runs in place here, so that what is counted
// are turns, whatever the machine's speed.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Dataset, Model, Trainer, ready } from '../../bindings/index.js';
import type { FromWorker, ToWorker } from '../../bindings/protocol.js';
import { Session } from '../../bindings/session.js';
import { turn } from '../../bindings/turn.js';
import { batchFiles, failure, tar } from './helpers.js';

const NET = 'conv 3x3x8 - batchnorm - relu - maxpool 2 - affine 10 - softmax';
const SMALL = 'affine 10 - softmax';
const DATA = { train: 60, validation: 3000, test: 1000 };

let state = '';
let silence = 0;
const answers = new Map<number, FromWorker>();
const session = new Session((message) => {
  if (message.type === 'result' || message.type === 'failure') answers.set(message.id, message);
  if (message.type === 'silence') silence = message.milliseconds;
  if (message.type === 'event' && message.event.type === 'state') state = message.event.state;
});
let ids = 0;

/** A call's number, and the end of it. */
function send(type: string, params: object): { id: number; ended: Promise<void> } {
  const id = ++ids;
  return { id, ended: session.receive({ type, params, id } as ToWorker) };
}

async function call(type: string, params: object): Promise<unknown> {
  const { id, ended } = send(type, params);
  await ended;
  const answer = answers.get(id)!;
  if (answer.type === 'failure') throw Object.assign(new Error(), answer.error);
  return (answer as { value: unknown }).value;
}

const OPTIONS = { net: SMALL, ...DATA, batch: 60, epochs: 1000 };

beforeAll(async () => {
  await ready({ variant: 'simd', doubles: true });
  await call('open', { wasm: { variant: 'simd' }, data: 'builtin', options: OPTIONS });
});

const indices = Array.from({ length: 400 }, (_, i) => i);
const bytes = tar(batchFiles(500));

/** Each with the least number of its slices. */
const long: [string, number, string, object][] = [
  ['a gradient check', 6, 'gradcheck', { net: NET }],
  ['an evaluation', 20, 'evaluate', { split: 'test', views: 1 }],
  ['an evaluation that looks twice', 25, 'evaluate', { split: 'test', views: 6, share: 0.25 }],
  ['predictions', 8, 'predict', { split: 'test', indices, views: 1 }],
  ['drawing the built-in images', 7, 'reset', { data: 'builtin', options: { 'data-seed': 3 } }],
  ['reading an archive', 9, 'reset', {
    data: { files: [{ name: 'cifar-10-binary.tar', bytes }] }, options: { validation: 100 } }],
];

describe('the worker answers between the slices of', () => {
  // The check of an epoch has slices of a thousand images at most.
  test.each([...long, ['the check of an epoch', 3, 'step', {}] as const])(
    '%s', async (_, slices, type, params) => {
      await call('reset', { data: 'builtin', options: OPTIONS });
      let over = false;
      const { id, ended } = send(type, params);
      void ended.then(() => { over = true; });
      let answered = 0;
      for (;;) {
        await turn();
        if (over) break;
        expect(await call('hash', {})).toMatch(/^[0-9a-f]{16}$/);
        answered++;
      }
      expect(answers.get(id)!.type).toBe('result');
      expect(answered).toBeGreaterThanOrEqual(slices - 1);
    });
});

test('a run says how long a step may take in which the worker is silent', async () => {
  await call('reset', { options: OPTIONS });
  const small = silence;
  expect(small).toBeGreaterThan(0);
  expect(small).toBeLessThan(60_000); // as long as any worker is waited for
  const net = '[conv 3x3x256 - relu]x8 - affine 10 - softmax';
  await call('reset', { options: { ...OPTIONS, net, batch: 4 } });
  expect(silence).toBeGreaterThan(60_000);
  await call('reset', { options: OPTIONS });
  expect(silence).toBe(small);
});

test('paused in the middle of a check, a run that is made shorter comes to its end', async () => {
  await call('reset', { data: 'builtin', options: OPTIONS });
  await call('start', {});
  await turn();
  await turn(); // a step, and the first slice of its check
  await call('pause', {});
  expect(state).toBe('paused');
  await call('set', { key: 'epochs', value: '1' });
  for (let turns = 0; turns < 20 && state !== 'done'; turns++) await turn();
  expect(state).toBe('done');
});

describe('a cancel ends', () => {
  test.each(long)('%s', async (_, __, type, params) => {
    await call('reset', { data: 'builtin', options: OPTIONS });
    const hash = await call('hash', {});
    const { id, ended } = send(type, params);
    await session.receive({ type: 'cancel', target: id });
    await ended;
    expect(answers.get(id)).toMatchObject({ type: 'failure', error: { code: 'E_ABORTED' } });
    expect(await call('hash', {})).toBe(hash); // and the run is what it was
    expect(await call('evaluate', { split: 'test', count: 5, views: 1 })).toBeTruthy();
  });
});

describe('of a Trainer', () => {
  let trainer: Trainer;
  beforeAll(async () => {
    trainer = await Trainer.create({ ...OPTIONS, variant: 'simd', train: 20, validation: 10 });
  });
  afterAll(() => trainer.dispose());

  test('a gradient check has the rows that Model gives', async () => {
    expect(await trainer.gradcheck(NET)).toEqual(Model.gradcheck(NET));
  });

  test.each<[string, (signal: AbortSignal) => unknown]>([
    ['gradcheck', (signal) => trainer.gradcheck(NET, { signal })],
    ['evaluate', (signal) => trainer.evaluate('test', { signal })],
    ['predict', (signal) => trainer.predict('test', indices, { signal })],
    ['reset', (signal) => trainer.reset({ signal })],
  ])('%s takes a signal', async (_, action) => {
    const stopper = new AbortController();
    const aborted = failure(() => action(stopper.signal));
    stopper.abort();
    expect((await aborted).code).toBe('E_ABORTED');
  });
});

test('nearest neighbours of a few test images at a time are those of all at once', async () => {
  const data = await Dataset.builtin({ train: 200, validation: 0, test: 30 });
  const whole = data.knn({ k: 3, train: 200, test: 30 });
  const parts = [0, 7, 14, 21, 28].map((first) =>
    data.knn({ k: 3, train: 200, first, test: Math.min(7, 30 - first) }));
  expect(parts.flatMap(({ predictions }) => [...predictions])).toEqual([...whole.predictions]);
  expect(parts.reduce((sum, { correct }) => sum + correct, 0)).toBe(whole.correct);
  const error = await failure(() => data.knn({ train: 5, first: 28, test: 3 }));
  expect(error.message).toMatch('there are 30 test images, not 31');
  data.dispose();
});
