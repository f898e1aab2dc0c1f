// What a caller can get wrong at the border of the package, and readers that never read.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  Dataset, ready, Trainer, type Progress, type ResetInit, type TrainerInit,
} from '../../bindings/index.js';
import { camelNames, OPTION_NAMES } from '../../bindings/options.js';
import { ProgressQueue } from '../../bindings/progress-queue.js';
import { Session } from '../../bindings/session.js';
import type { FromWorker } from '../../bindings/protocol.js';
import { urlSource } from '../../bindings/sources.js';
import { batchFiles, failure } from './helpers.js';

const SMALL = { net: 'affine 10 - softmax', variant: 'simd', train: 60, validation: 10, test: 10,
  batch: 20, epochs: 2 } as const;
const DIST = `file://${process.cwd()}/build/dist/`;

let trainer: Trainer;
beforeAll(async () => {
  await ready({ variant: 'simd' });
  trainer = await Trainer.create(SMALL);
});
afterAll(() => trainer.dispose());

describe('names that nobody would read', () => {
  test.each<[string, object, RegExp]>([
    ['beside the net', { nett: 'affine 10 - softmax' }, /there is no 'nett'; did you mean 'net'\?/],
    ['options', { optoins: 3 }, /'optoins'; did you mean 'options'/],
    ['within options', { options: { weightDecya: 0.1 } }, /'weightDecya'; did you mean 'weight/],
    ['far from all', { colour: 'red' }, /there is no 'colour'; there are net, data/],
    ['in the data', { data: { file: [] } }, /data: there is no 'file'; did you mean 'files'/],
  ])('of Trainer.create(): %s', async (_, init, message) => {
    const error = await failure(() => Trainer.create(init as TrainerInit));
    expect(error.message).toMatch(message);
    expect(error.code).toBe('E_ARG');
  });

  test.each<[string, () => unknown, RegExp]>([
    ['reset', () => trainer.reset({ nett: 'x' } as ResetInit), /did you mean 'net'/],
    ['reset, options', () => trainer.reset({ options: { lrr: 1 } as object }), /mean 'lr'/],
    ['load', () => trainer.load(new Uint8Array(8), { epoch: 3 } as object), /mean 'epochs'/],
    ['evaluate', () => trainer.evaluate('test', { cuont: 3 } as object), /mean 'count'/],
    ['predict', () => trainer.predict('test', [0], { view: 2 } as object), /mean 'views'/],
    ['Dataset', () => Dataset.builtin({ tran: 5 } as object), /did you mean 'train'/],
    ['Dataset, hooks', () => Dataset.fromUrl('x', {}, { singal: 1 } as object), /mean 'signal'/],
  ])('%s', async (_, action, message) => {
    const error = await failure(action);
    expect(error.message).toMatch(message);
    expect(error.code).toBe('E_ARG');
  });

  test('the options that the types know are those of the library', async () => {
    const table = await trainer.optionTable();
    expect([...OPTION_NAMES].sort()).toEqual(table.map(({ name }) => name).sort());
    expect(camelNames()).toContain('weightDecay');
  });
});

describe('values of the wrong kind', () => {
  const wrong: unknown[] = [null, undefined, -1, 1024, 5, 'text', [], {}, true, NaN];
  const calls: Record<string, (value: never) => unknown> = {
    create: (v) => Trainer.create(v === undefined ? null as never : v),
    summarise: (v) => trainer.summarise(v),
    gradcheck: (v) => trainer.gradcheck(v === 'text' ? 5 as never : v),
    set: (v) => trainer.set(v, 1),
    'set a value': (v) => trainer.set('lr', v),
    reset: (v) => trainer.reset(v === undefined ? null as never : v),
    'reset data': (v) => trainer.reset({ data: v === undefined ? null as never : v }),
    'reset files': (v) => trainer.reset({ data: { files: v } }),
    'reset a file': (v) => trainer.reset({ data: { files: [v] } }),
    load: (v) => trainer.load(v),
    predict: (v) => trainer.predict(v, [0]),
    'predict indices': (v) => trainer.predict('test', v === undefined ? null as never : v),
    evaluate: (v) => trainer.evaluate(v),
    inspect: (v) => trainer.inspect('test', v),
    classify: (v) => trainer.classify(v),
    parameters: (v) => trainer.parameters(v),
    'a signal': (v) => trainer.evaluate('test', { signal: v }),
    'a signal of reset': (v) => trainer.reset({ signal: v }),
    'a signal of create': (v) => Trainer.create({ ...SMALL, signal: v }),
    'a signal of data': (v) => Dataset.load({ files: [] }, {}, { signal: v }),
  };

  test.each(Object.keys(calls))('%s: each is answered, or told with a KilnError', async (name) => {
    for (const value of wrong) {
      try {
        await (calls[name]!(value as never) as Promise<{ dispose?(): void } | undefined>)
          .then((made) => made?.dispose?.());
      } catch (error) {
        expect([name, value, (error as Error).name]).toEqual([name, value, 'KilnError']);
        expect((error as Error).message).not.toMatch(/unexpected|is not a function|undefined \(/);
      }
    }
    expect(await trainer.hash()).toMatch(/^[0-9a-f]{16}$/); // the worker lives
  });

  test('a number is no text for the library', async () => {
    for (const net of [-1, 1024]) {
      const error = await failure(() => trainer.summarise(net as never));
      expect(error.code).toBe('E_ARG');
      expect(error.message).toBe('net: a text in the arrow notation, not Number');
    }
  });
});

describe('files', () => {
  const split = { train: 8, validation: 2, test: 2 };
  const files = batchFiles(2);

  test('of other names: E_SPLIT, until somebody says what they hold', async () => {
    const [first, ...others] = files as [typeof files[0], ...typeof files];
    const given = { name: 'data_batch_1 (1).bin', bytes: first!.bytes };
    const error = await failure(() => Dataset.fromFiles([given, ...others], split));
    expect(error.code).toBe('E_SPLIT');
    expect(error.message).toContain('data_batch_1 (1).bin');
    const data = await Dataset.fromFiles([{ ...given, split: 'train' }, ...others], split);
    expect(data.info.train).toBe(8);
    data.dispose();
    const wrong = { ...given, split: 'dev' as 'test' };
    expect((await failure(() => Dataset.fromFiles([wrong]))).message).toContain("not 'dev'");
  });

  test('of a whole folder: what lies beside the data is passed over', async () => {
    const beside = ['._data_batch_1.bin', '.DS_Store', 'Thumbs.db', 'desktop.ini', 'readme.html',
      'batches.meta.txt', 'cifar-10-batches-bin/._test_batch.bin']
      .map((name) => ({ name, bytes: new TextEncoder().encode('<html>none</html>') }));
    const plain = await Dataset.fromFiles(files, split);
    const data = await Dataset.fromFiles([...beside, ...files], split);
    expect(data.info.hash).toBe(plain.info.hash);
    data.dispose();
    plain.dispose();
    expect((await failure(() => Dataset.fromFiles(beside))).code).toBe('E_DATA');
  });

  test('of the same images twice are refused with both names', async () => {
    const copy = { name: 'copy.bin', bytes: files[0]!.bytes, split: 'train' as const };
    const error = await failure(() => Dataset.fromFiles([...files, copy], split));
    expect(error.code).toBe('E_DATA');
    expect(error.message).toMatch(/copy\.bin.*data_batch_1\.bin|data_batch_1\.bin.*copy\.bin/);
  });
});

describe('addresses', () => {
  test('a bare % is an address like any other', async () => {
    for (const url of ['http://127.0.0.1:9/100%', 'http://127.0.0.1:9/%E0%A4%A']) {
      const error = await failure(() => Dataset.fromUrl(url));
      expect(error.code).toBe('E_FETCH');
      expect(error.message).toContain(url);
    }
  });

  test('that never answer are given up; a cancelled one lets the next reset go on', async () => {
    const open: Socket[] = [];
    const server = createServer((socket) => { open.push(socket); }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data_batch_1.bin`;
    const late = await failure(() => urlSource(url, undefined, 200));
    expect(late.code).toBe('E_FETCH');
    expect(late.message).toMatch(/data_batch_1\.bin: no answer for 0\.2 seconds/);
    const stopper = new AbortController();
    const waiting = failure(() => trainer.reset({ data: { url }, signal: stopper.signal }));
    const next = trainer.reset({ options: { seed: 5 } });
    setTimeout(() => stopper.abort(), 100);
    expect((await waiting).code).toBe('E_ABORTED');
    await next;
    expect(await trainer.options()).toMatchObject({ seed: '5' });
    open.forEach((socket) => socket.destroy());
    server.close();
  });

  test('of files that do not come stand in the error, with what helps', async () => {
    const worker = await failure(() => Trainer.create({ workerUrl: 'http://[' }));
    expect(worker.code).toBe('E_WORKER_LOAD');
    expect(worker.message).toMatch(/http:\/\/\[.*workerUrl, or import kiln-nn\/inline/);
    for (const wasmUrl of ['file:///gone/simd.wasm', 'http://[']) {
      const module = await failure(() => Trainer.create({ ...SMALL, wasmUrl }));
      expect(module.code).toBe('E_WASM_LOAD');
      expect(module.message).toContain(wasmUrl);
      expect(module.message).toMatch(/wasmUrl .*or import kiln-nn\/inline/);
    }
  });
});

describe('a reader', () => {
  const progress = (step: number): Progress =>
    ({ type: 'progress', step, points: [{ step, loss: 1, accuracy: 0 }] }) as unknown as Progress;

  test('is told how many events came as one', async () => {
    const queue = new ProgressQueue(() => {});
    const waiting = queue.next();
    for (let step = 1; step <= 4; step++) queue.push(progress(step));
    expect((await waiting).value).toMatchObject({ step: 1, merged: 1, skipped: 0 });
    const { value } = await queue.next();
    expect(value).toMatchObject({ step: 4, merged: 3, skipped: 0 });
    expect(value!.points.map((point) => point.step)).toEqual([2, 3, 4]);
  });

  test('that never reads is kept a bounded number of points', async () => {
    const queue = new ProgressQueue(() => {});
    for (let step = 1; step <= 200_000; step++) queue.push(progress(step));
    const { value } = await queue.next();
    expect(value!.points.length).toBeLessThanOrEqual(50_000);
    expect(value!.points.at(-1)!.step).toBe(200_000);
    expect(value!.merged).toBe(200_000);
    expect(value!.skipped).toBe(200_000 - value!.points.length);
  });
});

describe('a process of Node', () => {
  const run = async (code: string): Promise<string> => (await promisify(execFile)(
    process.execPath, ['--input-type=module', '-e', `
      import { Trainer } from '${DIST}index.js';
      const trainer = await Trainer.create(
        ${JSON.stringify({ ...SMALL, threads: 2 })});\n${code}`],
    { timeout: 20_000 })).stdout;

  test('ends when the run has ended, without dispose()', async () => {
    expect(await run(`await trainer.start(); for await (const { step } of trainer);
      console.log(trainer.metrics.step, (await trainer.evaluate('test')).count);`)).toBe('6 10\n');
  });

  test('lives while a run goes, with nobody waiting for it', async () => {
    expect(await run(`trainer.addEventListener('state', ({ detail }) => {
      console.log(detail.state); }); void trainer.start();`)).toBe('running\ndone\n');
  });
});

test('a run that goes leaves a checkpoint with the page every quarter of a minute', async () => {
  const said: FromWorker[] = [];
  const session = new Session((message) => said.push(message));
  const { variant, net, ...options } = SMALL;
  let id = 0;
  const call = async (type: string, params: object): Promise<{ value: never }> => {
    await session.receive({ type, params, id: ++id } as never);
    return said.find((message) => 'id' in message && message.id === id) as never;
  };
  const real = performance.now.bind(performance);
  let later = 0;
  performance.now = () => real() + later;
  try {
    await call('open', { wasm: { variant }, data: 'builtin',
      options: { ...options, net, epochs: 5000 } });
    await call('start', {});
    const kept = (): FromWorker[] =>
      said.filter((message) => message.type === 'event' && message.event.type === 'kept');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(kept()).toHaveLength(0);
    for (const n of [1, 2]) {
      later += 15_000;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(kept()).toHaveLength(n);
    }
    await call('pause', {});
    const { event } = kept()[1] as { event: { bytes: Uint8Array; step: number } };
    await trainer.load(event.bytes);
    expect(trainer.metrics!.step).toBe(event.step);
    expect(event.step).toBeGreaterThan(0);
  } finally {
    performance.now = real;
  }
});
