// class Trainer over a real worker: the whole protocol, with small nets on the built-in set.

import { afterEach, describe, expect, test } from '@jest/globals';

import {
  Trainer, type Progress, type RunState, type Split, type TrainerEvents, type TrainerInit,
} from '../../bindings/index.js';
import { batchFiles, failure } from './helpers.js';

const NET = 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax';
const SMALL = {
  net: NET, variant: 'simd', train: 200, validation: 50, test: 60, batch: 20, epochs: 3, seed: 7,
  optimizer: 'adam', lr: 0.001, schedule: 'constant', warmup: 0, augment: 'none',
} as const satisfies TrainerInit; // 10 steps an epoch, 30 in all
const ENDLESS = { ...SMALL, epochs: 5000 };

const trainers: Trainer[] = [];
afterEach(() => trainers.splice(0).forEach((trainer) => trainer.dispose()));

async function create(init: TrainerInit = SMALL): Promise<Trainer> {
  const trainer = await Trainer.create(init);
  trainers.push(trainer);
  return trainer;
}

function once<K extends keyof TrainerEvents>(trainer: Trainer, type: K,
  wanted: (detail: TrainerEvents[K]) => boolean = () => true): Promise<TrainerEvents[K]> {
  return new Promise((resolve) => {
    trainer.addEventListener(type, ({ detail }: CustomEvent<TrainerEvents[K]>) => {
      if (wanted(detail)) resolve(detail);
    });
  });
}
const inState = (trainer: Trainer, state: RunState): Promise<unknown> =>
  once(trainer, 'state', (event) => event.state === state);

async function run(trainer: Trainer): Promise<Progress[]> {
  const all: Progress[] = [];
  await trainer.start();
  for await (const progress of trainer) all.push(progress);
  return all;
}

const stepsOf = (all: Progress[]): number[] =>
  all.flatMap(({ points }) => points.map((p) => p.step));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('a run', () => {
  test('begins with all that a page wants to show', async () => {
    const trainer = await create();
    expect(trainer.state).toBe('ready');
    expect(trainer.metrics).toBeNull();
    expect(trainer.backend).toEqual({
      variant: 'simd', mode: 'strict', lanes: 4, threads: 1,
      reason: 'simd was asked for; one thread: simd has no others',
    });
    expect(trainer.dataset).toMatchObject(
      { name: 'builtin', train: 200, validation: 50, test: 60 });
    expect(trainer.summary.layers[0]).toMatchObject({ kind: 'conv', output: [4, 32, 32] });
    expect(await trainer.options()).toMatchObject({ batch: '20', epochs: '3', seed: '7' });
  });

  test('goes to its end; every step is told once, every epoch too', async () => {
    const trainer = await create();
    const epochs: number[] = [];
    const states: string[] = [];
    trainer.addEventListener('epoch', ({ detail }) => epochs.push(detail.epoch));
    trainer.addEventListener('state', ({ detail }) => states.push(detail.state));
    const all = await run(trainer);
    expect(stepsOf(all)).toEqual(range(1, 30));
    expect(epochs).toEqual([1, 2, 3]);
    expect(states).toEqual(['running', 'done']);
    expect(trainer.state).toBe('done');
    expect(trainer.metrics).toMatchObject({ step: 30, steps: 30, epoch: 3, epochs: 3 });
    for (const { points, loss, imagesPerSecond } of all) {
      expect(points.at(-1)!.loss).toBe(loss);
      expect(imagesPerSecond).toBeGreaterThan(0);
    }
    const { loss, epochs: rows } = await trainer.history();
    expect(loss.map(([step]) => step)).toEqual(range(1, 30));
    expect(rows.map((row) => row.epoch)).toEqual([1, 2, 3]);
    expect(rows[2]!.valAccuracy).toBeCloseTo(trainer.metrics!.valAccuracy!, 6);
  });

  test('learns', async () => {
    const trainer = await create({ ...SMALL, epochs: 25, train: 100, lr: 0.01, batch: 50 });
    await run(trainer);
    expect(trainer.metrics!.trainAccuracy).toBeGreaterThan(0.9);
  });

  test('goes step by step', async () => {
    const trainer = await create();
    for (const step of [1, 2, 3]) {
      const heard = once(trainer, 'progress');
      await trainer.step();
      expect((await heard).points.map((p) => p.step)).toEqual([step]);
      expect(trainer.metrics!.step).toBe(step);
      expect(trainer.state).toBe('paused');
    }
  });

  test('pauses, stands still, and goes on without a gap', async () => {
    const trainer = await create(ENDLESS);
    const heard: number[] = [];
    trainer.addEventListener('progress', ({ detail }) => {
      heard.push(...detail.points.map((p) => p.step));
    });
    await trainer.start();
    await once(trainer, 'progress', ({ step }) => step >= 12);
    await trainer.pause();
    expect(trainer.state).toBe('paused');
    const { step } = trainer.metrics!;
    const hash = await trainer.hash();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await trainer.hash()).toBe(hash);
    expect(trainer.metrics!.step).toBe(step);
    await trainer.start();
    await once(trainer, 'progress', (progress) => progress.step > step + 12);
    await trainer.pause();
    expect(heard).toEqual(range(1, trainer.metrics!.step));
  });

  test('tells progress ten times a second at most; the first step at once', async () => {
    const trainer = await create({ ...ENDLESS, train: 2000, net: 'affine 10 - softmax' });
    const times: number[] = [];
    let epochs = 0;
    trainer.addEventListener('progress', () => times.push(performance.now()));
    trainer.addEventListener('epoch', () => epochs++);
    const begin = performance.now();
    await trainer.start();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await trainer.pause();
    const tenths = (performance.now() - begin) / 100;
    expect(times.length).toBeGreaterThan(2);
    expect(times[0]! - begin).toBeLessThan(1000);
    expect(times.length).toBeLessThanOrEqual(tenths + 2 + epochs); // 2: the first, and at the pause
  });

  test('is told where it stands when its length is changed while it rests', async () => {
    const trainer = await create();
    await run(trainer);
    const longer = once(trainer, 'progress', ({ steps }) => steps > 30);
    await trainer.set('epochs', 5);
    await longer;
    expect(trainer.state).toBe('paused'); // and can go on
    expect(trainer.metrics).toMatchObject({ step: 30, steps: 50, epochs: 5 });
    await trainer.set('batch', 40);
    expect(trainer.metrics).toMatchObject({ step: 30, steps: 40 });
    await trainer.set('epochs', 3);
    expect(trainer.state).toBe('done');
    await trainer.set('lr', 0.002);
    expect(trainer.state).toBe('done');
    await trainer.set('epochs', 4);
    await run(trainer);
    expect(trainer.metrics).toMatchObject({ step: 35, steps: 35, epoch: 4 });
  });

  test('that is over cannot start, until epochs are raised', async () => {
    const trainer = await create({ ...SMALL, epochs: 1 });
    await run(trainer);
    expect((await failure(() => trainer.start())).code).toBe('E_STATE');
    expect((await failure(() => trainer.step())).code).toBe('E_STATE');
    await trainer.set('epochs', 2);
    expect(stepsOf(await run(trainer))).toEqual(range(11, 20));
  });

  test('start twice is start once; pause before start is nothing', async () => {
    const trainer = await create(ENDLESS);
    await trainer.pause();
    expect(trainer.state).toBe('ready');
    await Promise.all([trainer.start(), trainer.start()]);
    await once(trainer, 'progress', ({ step }) => step > 5);
    await Promise.all([trainer.pause(), trainer.pause(), trainer.start(), trainer.pause()]);
    expect(trainer.state).toBe('paused');
  });
});

describe('options', () => {
  test('that are live act at once; others are refused, with a reason', async () => {
    const trainer = await create();
    await trainer.step();
    expect(await trainer.set('lr', 0.25)).toMatchObject({ lr: '0.25' });
    expect(await trainer.set('weightDecay', 0.125)).toMatchObject({ 'weight-decay': '0.125' });
    await trainer.step();
    expect(trainer.metrics!.lr).toBe(0.25);
    expect((await failure(() => trainer.set('optimizer', 'sgd'))).message)
      .toMatch(/cannot change while training/);
    const error = await failure(() => trainer.set('epcohs', 5));
    expect(error).toMatchObject({ code: 'E_ARG' });
    expect(error.message).toContain('did you mean "epochs"');
    expect((await failure(() => trainer.set('lr', 'fast'))).code).toBe('E_ARG');
    expect((await failure(() => trainer.set('lr', '1\nseed=3'))).code).toBe('E_ARG');
    expect(await trainer.options()).toMatchObject({ lr: '0.25', seed: '7', epochs: '3' });
  });

  test('are described, and so are the presets', async () => {
    const trainer = await create();
    const table = await trainer.optionTable();
    expect(table.find(({ name }) => name === 'lr')).toMatchObject({ type: 'float', live: true });
    const presets = await trainer.presets();
    expect(presets.length).toBeGreaterThanOrEqual(5);
    for (const { net } of presets) {
      expect((await trainer.summarise(net)).parameters).toBeGreaterThan(0);
    }
  });

  test('a mistake in them or in the net is told before anything runs', async () => {
    const cases: [TrainerInit, string, RegExp][] = [
      [{ ...SMALL, net: 'conv 3x3x4 - rleu - affine 10 - softmax' }, 'E_NOTATION', /relu/],
      [{ ...SMALL, net: 'affine 7 - softmax' }, 'E_SHAPE', /10 classes/],
      [{ ...SMALL, learningrate: 1 } as TrainerInit, 'E_ARG', /learningrate/],
      [{ ...SMALL, options: { batch: -1 } }, 'E_ARG', /batch/],
      [{ ...SMALL, data: 'cifar' as 'builtin' }, 'E_ARG', /'builtin'/],
      [{ ...SMALL, data: { stored: true } }, 'E_STORAGE', /private storage/],
      [{ ...SMALL, wasmUrl: 'file:///no/such/file.wasm' }, 'E_WASM_LOAD', /cannot be read/],
      [{ ...SMALL, workerUrl: 'no-such-worker.js' }, 'E_WORKER_LOAD', /no-such-worker/],
    ];
    for (const [init, code, message] of cases) {
      const error = await failure(() => create(init));
      expect(error.message).toMatch(message);
      expect(error.code).toBe(code);
    }
  });

  test('summarise() tells the column of a mistake, and works while training', async () => {
    const trainer = await create(ENDLESS);
    await trainer.start();
    const error = await failure(() => trainer.summarise('affine 5 - rleu - softmax'));
    expect(error).toMatchObject({ code: 'E_NOTATION', column: 12 });
    expect((await trainer.summarise('affine 10 - svm')).parameters).toBe(30730);
    expect(trainer.state).toBe('running');
  });
});

describe('reset', () => {
  test('begins anew with the options as they are now', async () => {
    const trainer = await create();
    const first = await trainer.hash();
    await trainer.step();
    expect(await trainer.hash()).not.toBe(first);
    await trainer.set('lr', 0.5);
    await trainer.reset();
    expect(trainer.state).toBe('ready');
    expect(trainer.metrics).toBeNull();
    expect(await trainer.hash()).toBe(first);
    expect(await trainer.options()).toMatchObject({ lr: '0.5' });
  });

  test('takes another net, options and data', async () => {
    const trainer = await create();
    await trainer.reset({ net: 'affine 10 - svm', options: { seed: 9 } });
    expect(trainer.summary.notation).toBe('affine 10 - svm');
    expect(await trainer.options()).toMatchObject({ seed: '9', batch: '20' });
    const heard = once(trainer, 'dataprogress', ({ phase }) => phase === 'ready');
    await trainer.reset({ data: { files: batchFiles(4) }, options: { train: 15, validation: 5 } });
    expect((await heard).records).toBe(24);
    expect(trainer.dataset).toMatchObject({ name: 'cifar10', train: 15, validation: 5, test: 4 });
    await trainer.step();
  });

  test('that fails leaves the run as it was', async () => {
    const trainer = await create();
    await trainer.step();
    const hash = await trainer.hash();
    expect((await failure(() => trainer.reset({ net: 'affine - softmax' }))).code)
      .toBe('E_NOTATION');
    const bad = { files: [{ name: 'data_batch_1.bin', bytes: new Uint8Array(9) }] };
    expect((await failure(() => trainer.reset({ data: bad }))).code).toBe('E_DATA');
    expect(await trainer.hash()).toBe(hash);
    expect(trainer.state).toBe('paused');
    await trainer.step();
    expect(trainer.metrics!.step).toBe(2);
    expect((await trainer.options())['net']).toContain('conv');
  });

  test('while running: nothing of the old run is heard afterwards', async () => {
    const trainer = await create(ENDLESS);
    await trainer.start();
    await once(trainer, 'progress', ({ step }) => step > 20);
    const evaluation = failure(() => trainer.evaluate('train'));
    await trainer.reset();
    const heard: number[] = [];
    trainer.addEventListener('progress', ({ detail }) => heard.push(detail.step));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(heard).toEqual([]);
    expect((await evaluation).code).toBe('E_ABORTED');
    await trainer.step();
    expect(trainer.metrics!.step).toBe(1);
  });
});

describe('checkpoints', () => {
  const GOING = {
    ...SMALL, net: 'conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.3 - affine 10 - softmax',
    augment: 'flip,crop4',
  };

  async function steps(trainer: Trainer, n: number): Promise<string> {
    for (let i = 0; i < n; i++) await trainer.step();
    return trainer.hash();
  }

  test('a run resumed from one equals a run that was never stopped, bit for bit', async () => {
    const one = await create(GOING);
    await steps(one, 13);
    const middle = await one.hash();
    const saved = await one.save();
    const end = await steps(one, 12); // past the end of an epoch
    const other = await create({ ...SMALL, net: 'affine 10 - softmax' });
    await other.load(saved);
    expect(other.metrics!.step).toBe(13);
    expect(other.state).toBe('paused');
    expect(other.summary.notation).toBe(one.summary.notation);
    expect(await other.hash()).toBe(middle);
    expect(await steps(other, 12)).toBe(end);
    expect((await other.history()).loss).toEqual((await one.history()).loss);
    expect([...(await other.save())]).toEqual([...(await one.save())]);
  });

  test('live options may be given anew', async () => {
    const trainer = await create(GOING);
    await trainer.step();
    await trainer.load(await trainer.save(), { epochs: 7, lr: 0.5 });
    expect(await trainer.options()).toMatchObject({ epochs: '7', lr: '0.5', seed: '7' });
  });

  test('damaged ones are refused, and the run stays as it was', async () => {
    const trainer = await create(GOING);
    await steps(trainer, 2);
    const saved = await trainer.save();
    const hash = await trainer.hash();
    const flipped = saved.slice();
    flipped[saved.length - 100] = flipped[saved.length - 100]! ^ 1;
    for (const bytes of [new Uint8Array(0), saved.subarray(0, 7), saved.subarray(0, -1), flipped,
      new TextEncoder().encode('<!doctype html>')]) {
      expect((await failure(() => trainer.load(bytes.slice()))).code).toBe('E_CHECKPOINT');
    }
    expect((await failure(() => trainer.load('x' as never))).code).toBe('E_ARG');
    expect(await trainer.hash()).toBe(hash);
    await trainer.step();
    expect(trainer.metrics!.step).toBe(3);
  });

  test('exportParameters() is a safetensors file of the parameters', async () => {
    const trainer = await create(GOING);
    const bytes = await trainer.exportParameters();
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as
      Record<string, { shape: number[] }>;
    expect(header['conv1.w']!.shape).toEqual([4, 3, 3, 3]);
  });

  test('the best parameters can be put back', async () => {
    const trainer = await create({ ...SMALL, lr: 0.05, epochs: 4 });
    await run(trainer);
    const { bestValAccuracy } = trainer.metrics!;
    await trainer.restoreBest();
    const { accuracy } = await trainer.evaluate('validation');
    expect(accuracy).toBeCloseTo(bestValAccuracy!, 9);
  });
});

describe('looking', () => {
  test('evaluate() agrees with predict(), image by image', async () => {
    const trainer = await create();
    for (let i = 0; i < 10; i++) await trainer.step();
    const { count, correct, accuracy, loss, confusion } = await trainer.evaluate('test');
    expect(count).toBe(60);
    expect(accuracy).toBe(correct / 60);
    expect(confusion).toHaveLength(100);
    expect(confusion.reduce((sum, n) => sum + n, 0)).toBe(60);
    const trace = range(0, 9).reduce((sum, c) => sum + confusion[c * 10 + c]!, 0);
    expect(trace).toBe(correct);
    const predictions = await trainer.predict('test', range(0, 59));
    const right = predictions.filter(({ label, probabilities }) =>
      probabilities.indexOf(Math.max(...probabilities)) === label);
    expect(right).toHaveLength(correct);
    const mean = predictions.reduce((sum, p) => sum - Math.log(p.probabilities[p.label]!), 0) / 60;
    expect(loss).toBeCloseTo(mean, 4);
    expect(await trainer.evaluate('test', { count: 7 })).toMatchObject({ split: 'test', count: 7 });
    expect((await trainer.evaluate('test', { views: 10, count: 20 })).count).toBe(20);
    // Of the least confident third alone: what the options say, or the call.
    const third = await trainer.evaluate('test', { views: 6, share: 1 / 3 });
    const seen = await trainer.predict('test', [...Array(count).keys()]);
    const doubt = seen.map(({ probabilities }, i) => ({ i, most: Math.max(...probabilities) }))
      .sort((a, b) => a.most - b.most || a.i - b.i).slice(0, Math.floor(count / 3 + 0.5));
    const again = await trainer.predict('test', doubt.map(({ i }) => i), { views: 6 });
    doubt.forEach(({ i }, k) => { seen[i] = again[k]!; });
    const best = ({ probabilities }: { probabilities: Float32Array }): number =>
      probabilities.indexOf(Math.max(...probabilities));
    expect(third.correct).toBe(seen.filter((one) => best(one) === one.label).length);
    await trainer.set('eval-views', 6);
    await trainer.set('eval-share', 1 / 3);
    expect((await trainer.evaluate('test')).confusion).toEqual(third.confusion);
    expect((await trainer.evaluate('test', { views: 1 })).confusion).toEqual(confusion);
    await trainer.set('eval-views', 1);
  });

  test('evaluate() lets the training go on, and can be stopped', async () => {
    const trainer = await create({ ...ENDLESS, test: 1000 });
    await trainer.start();
    const before = (await once(trainer, 'progress')).step;
    const stopper = new AbortController();
    const stopped = failure(() => trainer.evaluate('test', { signal: stopper.signal }));
    setTimeout(() => stopper.abort(), 20);
    const { count } = await trainer.evaluate('test');
    expect(count).toBe(1000);
    expect((await stopped).code).toBe('E_ABORTED');
    await trainer.pause();
    expect(trainer.metrics!.step).toBeGreaterThan(before + 5);
  });

  test('inspect() has output and gradient of every layer', async () => {
    const trainer = await create();
    await trainer.step();
    const { label, image, probabilities, layers } = await trainer.inspect('test', 3);
    expect(image).toHaveLength(3072);
    const [same] = await trainer.predict('test', [3]);
    expect([...image]).toEqual([...same!.image]);
    expect(label).toBe(same!.label);
    expect([...probabilities]).toEqual([...same!.probabilities]);
    expect(layers.map(({ name }) => name)).toEqual(trainer.summary.layers.map(({ name }) => name));
    for (const { shape, output, gradient } of layers.slice(0, 4)) {
      const size = shape.reduce((p, n) => p * n, 1);
      expect(output).toHaveLength(size);
      expect(gradient).toHaveLength(size);
      expect(output.some((v) => v !== 0)).toBe(true);
      expect(gradient.some((v) => v !== 0)).toBe(true);
    }
    expect(layers[1]!.output.every((v, i) => v === Math.max(0, layers[0]!.output[i]!))).toBe(true);
  });

  test('looking changes nothing', async () => {
    const quiet = await create();
    const watched = await create();
    for (let i = 0; i < 12; i++) {
      await quiet.step();
      await watched.step();
      await watched.inspect('train', i);
      await watched.evaluate('validation', { count: 9, views: 2 });
      await watched.predict('test', [i]);
      await watched.layerTimes();
      await watched.firstFilters();
      await watched.save();
    }
    expect(await watched.hash()).toBe(await quiet.hash());
  });

  test('classify() takes an image of bytes', async () => {
    const trainer = await create();
    const [one] = await trainer.predict('test', [0]);
    const probabilities = await trainer.classify(one!.image.slice());
    expect([...probabilities]).toEqual([...one!.probabilities]);
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    expect((await failure(() => trainer.classify(new Uint8Array(5)))).code).toBe('E_SHAPE');
  });

  test('parameters by name, and the filters that see pixels', async () => {
    const trainer = await create();
    const all = await trainer.parameters();
    expect(all.map(({ name }) => name)).toEqual(['conv1.w', 'conv1.b', 'affine1.w', 'affine1.b']);
    const [bias] = await trainer.parameters(['affine1.b']);
    expect(bias).toMatchObject({ name: 'affine1.b', shape: [10] });
    expect((await failure(() => trainer.parameters(['w']))).message).toContain('conv1.w, conv1.b');
    expect(await trainer.firstFilters()).toMatchObject({ name: 'conv1.w', shape: [4, 3, 3, 3] });
    await trainer.reset({ net: 'affine 10 - softmax' });
    expect(await trainer.firstFilters()).toMatchObject({ name: 'affine1.w', shape: [3072, 10] });
  });

  test('layerTimes() names the layers', async () => {
    const trainer = await create();
    await trainer.layerTimes();
    await trainer.step();
    const times = await trainer.layerTimes();
    expect(times.map(({ name }) => name)).toEqual(trainer.summary.layers.map(({ name }) => name));
    expect(times[0]!.backward).toBeGreaterThan(0);
  });

  test('what is not there is told', async () => {
    const trainer = await create();
    const cases: [() => Promise<unknown>, string, RegExp][] = [
      [() => trainer.inspect('test', 60), 'E_ARG', /60/],
      [() => trainer.predict('test', [0, -1]), 'E_ARG', /whole number from 0/],
      [() => trainer.evaluate('dev' as Split), 'E_ARG', /./],
      [() => trainer.evaluate('test', { count: NaN }), 'E_ARG', /count must be/],
      [() => trainer.evaluate('test', { views: 3 }), 'E_ARG', /views/],
    ];
    for (const [action, code, message] of cases) {
      const error = await failure(action);
      expect(error.message).toMatch(message);
      expect(error.code).toBe(code);
    }
  });
});

describe('failing', () => {
  const WILD = {
    ...ENDLESS, optimizer: 'sgd', lr: 1000, net: 'affine 50 - relu - affine 10 - svm',
  };

  test('a run that diverges stops, says so, keeps finite parameters, and can go on', async () => {
    const trainer = await create(WILD);
    const heard = once(trainer, 'error');
    const reading = failure(async () => {
      for await (const _ of trainer);
    });
    await trainer.start();
    const error = await heard;
    expect(error.code).toBe('E_DIVERGED');
    expect(error.message).toMatch(/step \d+/);
    expect(trainer.state).toBe('failed');
    expect((await reading).code).toBe('E_DIVERGED');
    const tensors = await trainer.parameters();
    expect(tensors.every(({ data }) => data.every(Number.isFinite))).toBe(true);
    await trainer.reset({ options: { lr: 0.001 } });
    await trainer.start();
    await once(trainer, 'progress', ({ step }) => step > 5);
    expect(trainer.state).toBe('running');
  });

  test('a step by hand rejects; a run that is back at its start tells no step', async () => {
    const trainer = await create(WILD);
    let steps = 0;
    const error = await failure(async () => {
      for (;;) {
        await trainer.step();
        steps++;
      }
    });
    expect(steps).toBeGreaterThan(0);
    expect(error.message).toMatch(/back at step 0/);
    expect(trainer.metrics).toBeNull();
    expect(error.code).toBe('E_DIVERGED');
    expect(trainer.state).toBe('failed');
  });

  test('when the worker dies, calls and iterators hear of it; reset() starts another', async () => {
    const real = new URL('build/dist/worker.js', `file://${process.cwd()}/`).href;
    const workerUrl = `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads';
      import '${real}';
      parentPort.on('message', ({ type }) => { if (type === 'gradcheck') process.exit(9); });`)}`;
    const trainer = await create({ ...ENDLESS, workerUrl });
    const fresh = await trainer.hash();
    const heard = once(trainer, 'error');
    const reading = failure(async () => {
      for await (const _ of trainer);
    });
    await trainer.start();
    expect((await failure(() => trainer.gradcheck('affine 10 - softmax'))).code)
      .toBe('E_WORKER_DIED');
    expect((await heard).code).toBe('E_WORKER_DIED');
    expect((await reading).code).toBe('E_WORKER_DIED');
    expect(trainer.state).toBe('failed');
    expect((await failure(() => trainer.hash())).code).toBe('E_WORKER_DIED');
    await trainer.reset();
    expect(trainer.state).toBe('ready');
    expect(await trainer.hash()).toBe(fresh);
    await trainer.step();
  });
});

describe('ending', () => {
  test('dispose(): pending is E_ABORTED, what follows E_HANDLE, iterators end', async () => {
    const trainer = await create(ENDLESS);
    const reading = (async () => {
      for await (const _ of trainer);
      return 'ended';
    })();
    await trainer.start();
    await once(trainer, 'progress');
    const pending = failure(() => trainer.evaluate('train'));
    trainer.dispose();
    trainer.dispose();
    expect((await pending).code).toBe('E_ABORTED');
    expect(await reading).toBe('ended');
    for (const use of [() => trainer.start(), () => trainer.hash(), () => trainer.reset()]) {
      expect((await failure(use)).code).toBe('E_HANDLE');
    }
    for await (const _ of trainer) throw new Error('no progress is expected');
  });

  test('an AbortSignal ends the start, or later the trainer', async () => {
    expect((await failure(() => create({ ...SMALL, signal: AbortSignal.abort() }))).code)
      .toBe('E_ABORTED');
    const early = new AbortController();
    const starting = failure(() => create({ ...SMALL, train: 40_000, signal: early.signal }));
    setTimeout(() => early.abort(), 30);
    expect((await starting).code).toBe('E_ABORTED');
    const later = new AbortController();
    const trainer = await create({ ...ENDLESS, signal: later.signal });
    const reading = (async () => {
      for await (const _ of trainer);
      return 'ended';
    })();
    await trainer.start();
    later.abort();
    expect(await reading).toBe('ended');
    expect((await failure(() => trainer.hash())).code).toBe('E_HANDLE');
  });

  test('a loop that is left early leaves the run alone', async () => {
    const trainer = await create(ENDLESS);
    await trainer.start();
    for await (const { step } of trainer) if (step > 3) break;
    expect(trainer.state).toBe('running');
    for await (const { step } of trainer) if (step > 20) break;
    await inPause(trainer);
  });

  test('a slow reader misses no step', async () => {
    const trainer = await create();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { points } of trainer) {
        seen.push(...points.map((p) => p.step));
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    await trainer.start();
    await reading;
    expect(seen).toEqual(range(1, 30));
  });
});

async function inPause(trainer: Trainer): Promise<void> {
  const heard = inState(trainer, 'paused');
  await trainer.pause();
  await heard;
}
