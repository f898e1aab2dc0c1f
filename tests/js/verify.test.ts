// kiln train --receipt and kiln verify: a run is trained again, an epoch alone, a class's receipts;
// what was changed in one is told.

import { mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';
import { failure } from './helpers.js';
import { kiln, NET, records, tar } from './program.js';

const RUN = ['--net', NET, '--train', '200', '--validation', '50', '--test', '60', '--batch', '20',
  '--epochs', '3', '--augment', 'flip,crop4', '--optimizer', 'momentum', '--lr', '0.02', '--quiet'];
let folder: string;
const at = (name: string) => join(folder, name);
type Receipt = Record<string, unknown> & { options: Record<string, string>;
  epochs: [number, number, number, number, number, string][] };
let receipt: Receipt;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-verify-'));
  const { code } = await kiln('train', ...RUN, '--receipt', at('run.json'), '--spots');
  expect(code).toBe(0);
  receipt = JSON.parse(await readFile(at('run.json'), 'utf8')) as Receipt;
});
afterAll(() => rm(folder, { recursive: true }));

test('a receipt is small, and says what the run says', async () => {
  const { events } = await kiln('train', ...RUN, '--json');
  const done = events.at(-1)!;
  expect((await stat(at('run.json'))).size).toBeLessThan(20_000);
  expect(receipt).toMatchObject({ receipt: 1, kiln: '0.1.0', mode: 'strict', preset: null,
    data: 'builtin', end: done.parameterHash, valAccuracy: done.valAccuracy,
    testAccuracy: done.testAccuracy, best: false,
    options: { net: NET, seed: '1', augment: 'flip,crop4', lr: '0.02', batch: '20' },
    notChecked: { machine: expect.stringMatching(/cores$/), seconds: expect.any(Number) } });
  expect(receipt.epochs.map((row) => row.slice(0, 5))).toEqual(events
    .filter(({ event }) => event === 'epoch').map(({ epoch, step, trainLoss, trainAccuracy,
      valAccuracy }) => [epoch, step, trainLoss, trainAccuracy, valAccuracy]));
  expect(receipt.epochs.at(-1)![5]).toBe(receipt.end);
});

test('it is verified, with any number of threads, also where it ends with its best', async () => {
  for (const threads of ['1', '2']) {
    const { code, out, err } = await kiln('verify', at('run.json'), '--threads', threads);
    expect([code, out]).toEqual([0, `${at('run.json')}: verified, 3 epochs\n`]);
    expect(err).toMatch(/epoch 3 agrees/);
  }
  await kiln('train', ...RUN, '--lr', '0.5', '--best', '--receipt', at('best.json'));
  const best = JSON.parse(await readFile(at('best.json'), 'utf8')) as Receipt;
  expect(best.best).toBe(true);
  expect((await kiln('verify', at('best.json'))).code).toBe(0);
});

describe('receipts of a Trainer', () => {
  const options = { train: 200, validation: 50, test: 60, batch: 20, epochs: 3,
    augment: 'flip,crop4', optimizer: 'momentum', lr: 0.02 };
  let trainer: Trainer;
  beforeAll(async () => {
    trainer = await Trainer.create({ net: NET, options, variant: 'simd', threads: 1 });
  });
  afterAll(() => trainer.dispose());
  const toEnd = async (): Promise<void> => {
    await trainer.start();
    for await (const { loss } of trainer) expect(loss).not.toBeNull();
  };
  const verified = async (name: string): Promise<[number | null, string]> => {
    await writeFile(at(name), await trainer.receipt());
    const { code, out } = await kiln('verify', at(name), '--quiet');
    return [code, out];
  };

  test('is what the command line writes, and is verified there', async () => {
    expect(await failure(() => trainer.receipt())).toMatchObject({ code: 'E_STATE',
      message: expect.stringMatching(/not over yet/) });
    await toEnd();
    const { notChecked, ...claims } = JSON.parse(await trainer.receipt()) as Receipt;
    const { notChecked: _, ...wanted } = receipt;
    expect(claims).toEqual(wanted);
    expect(notChecked).toEqual({ seconds: expect.any(Number),
      machine: expect.stringMatching(/^(\d+ cores, )?1 threads(, [\w.]+\/\d+)?$/) });
    expect((await verified('tab.json'))[0]).toBe(0);
    await trainer.restoreBest();
    const best = JSON.parse(await trainer.receipt()) as Receipt;
    expect(best.best).toBe(true);
    expect((await verified('best-tab.json'))[0]).toBe(0);
  });

  test('of a run that goes on from a checkpoint', async () => {
    await trainer.reset();
    for (let i = 0; i < 12; i++) await trainer.step();
    const saved = await trainer.save();
    await trainer.reset({ options: { seed: 9 } });
    await trainer.load(saved);
    await toEnd();
    const told = JSON.parse(await trainer.receipt()) as Receipt;
    expect([told['start'], told.epochs.map(([epoch]) => epoch)]).toEqual([null, [2, 3]]);
    expect(told['end']).toBe(receipt['end']);
    expect((await verified('resumed.json'))[0]).toBe(0);
  });

  test.each([
    ['lr was changed on the way', async () => {
      await trainer.step();
      await trainer.set('lr', 0.001);
      await toEnd();
    }],
    ['epochs was changed on the way', async () => {
      await toEnd();
      await trainer.set('epochs', 4);
      await toEnd();
    }],
    ['it went on from its best parameters', async () => {
      for (let i = 0; i < 15; i++) await trainer.step();
      await trainer.restoreBest();
      await toEnd();
    }],
    ['with the option recover it has no one history', async () => {
      await trainer.reset({ options: { recover: true } });
      await toEnd();
    }],
  ])('none where %s', async (why, run) => {
    await trainer.reset({ options: { seed: 1, epochs: 3, lr: 0.02, recover: false } });
    await run();
    expect(await failure(() => trainer.receipt())).toMatchObject({ code: 'E_STATE',
      message: expect.stringContaining(why) });
  });
});

test('the test accuracy of several views is claimed, and verified', async () => {
  const file = at('views.json'), saved = at('views.safetensors');
  const run = await kiln('train', ...RUN, '--eval-views', '6', '--eval-share', '0.25', '--json',
    '--receipt', file, '--save', saved);
  const { testAccuracy } = run.events.at(-1)!;
  const eval1 = await kiln('eval', saved, '--json', '--train', '200', '--validation', '50',
    '--test', '60');
  expect(eval1.events[0]).toMatchObject({ accuracy: testAccuracy, views: 6, share: 0.25 });
  const twice = ['--train', '200', '--validation', '50', '--test', '60', '--views', '6', '--share'];
  const [quarter, all] = await Promise.all(['0.25', '1'].map((share) =>
    kiln('eval', saved, '--json', ...twice, share)));
  expect(quarter!.events).toEqual(eval1.events);
  expect(all!.events[0]).toMatchObject({ views: 6, share: 1 });
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    testAccuracy, options: { 'eval-views': '6', 'eval-share': '0.25' } });
  expect((await kiln('verify', file)).code).toBe(0);
  const spoken = await kiln('train', ...RUN.filter((word) => word !== '--quiet'), '--eval-views',
    '6', '--eval-share', '0.25', '--max-steps', '1');
  expect(spoken.err).toMatch(/test [\d.]+ % \(6 views of the least confident 25 %\),/);
});

test('--spot checks one epoch, from the checkpoint before it', async () => {
  expect((await readdir(folder)).filter((name) => name.startsWith('run.epoch')).sort()).toEqual(
    [1, 2, 3].map((n) => `run.epoch-${n}.safetensors`));
  for (const epoch of ['0', '1', '2']) {
    const { code, events } = await kiln('verify', at('run.json'), '--spot', epoch, '--json', '-q');
    expect([epoch, code]).toEqual([epoch, 0]);
    expect(events).toEqual([{ event: 'verified', file: at('run.json'), preset: null,
      claimed: receipt.testAccuracy, verified: true, epochs: 1 }]);
  }
  const last = await kiln('verify', at('run.json'), '--spot', '3');
  expect([last.code, last.err]).toEqual([2, expect.stringMatching(/epoch 3 and epoch 4/)]);
  await writeFile(at('alone.json'), JSON.stringify(receipt));
  const none = await kiln('verify', at('alone.json'), '--spot', '1');
  expect([none.code, none.err]).toEqual(
    [4, expect.stringMatching(/alone\.epoch-1\.safetensors/)]);
});

test('--spot refuses the checkpoint of another epoch, and of other options', async () => {
  const one = at('run.epoch-1.safetensors');
  const two = at('run.epoch-2.safetensors');
  const kept = await readFile(one);
  await writeFile(one, await readFile(two));
  const wrong = await kiln('verify', at('run.json'), '--spot', '1');
  expect(wrong.err).toMatch(/checkpoint of epoch 1: the parameters are [0-9a-f]{16} claimed/);
  await writeFile(one, kept);
  await kiln('train', '--resume', one, '--lr', '0.03', '--max-steps', '11', '--save', two, '-q');
  await rename(two, one);
  const other = await kiln('verify', at('run.json'), '--spot', '1');
  expect(other.err).toMatch(/its option (lr|max-steps) is not the receipt's/);
  await writeFile(one, kept);
});

describe('what was changed is told, by the first difference', () => {
  const HASH = '0123456789abcdef';
  const changes: [string, (r: Receipt) => void, RegExp][] = [
    ['the seed', (r) => { r.options.seed = '2'; }, /the start: the parameters are/],
    ['a rate', (r) => { r.options.lr = '0.021'; }, /epoch 1: the parameters are/],
    ['a hash', (r) => { r.epochs[1]![5] = HASH; }, /epoch 2: the parameters are 0123456789abcdef/],
    ['a loss', (r) => { r.epochs[1]![2] += 0.001; }, /epoch 2: the training loss is/],
    ['a training accuracy', (r) => { r.epochs[2]![3] = 1; }, /epoch 3: the training accuracy is 1/],
    ['a validation accuracy', (r) => { r.epochs[0]![4] = 1; }, /epoch 1: the validation accura/],
    ['the steps', (r) => { r.epochs[2]![1] += 1; }, /epoch 3: the step is/],
    ['an epoch more', (r) => { r.epochs.push([4, 40, 1, 1, 1, HASH]); }, /the end: the epochs are/],
    ['fewer epochs', (r) => { r.options.epochs = '2'; }, /epoch|the end/],
    ['the end', (r) => { r.end = HASH; }, /the end: the parameters are/],
    ['the best', (r) => { r.best = true; r.end = HASH; }, /the end: the parameters are/],
    ['the accuracy', (r) => { r.testAccuracy = 0.99; }, /the end: the test accuracy is 0\.99 clai/],
    ['the last accuracy', (r) => { r.valAccuracy = 0.99; }, /the end: the validation accuracy is/],
    ['the data', (r) => { r.dataHash = HASH; }, /other data: their hash is 0123456789abcdef/],
    ['the data\'s name', (r) => { r.data = 'cifar10'; }, /trained on cifar10; say where/],
    ['the mode', (r) => { r.mode = 'fused'; }, /the fused mode; verify it with --mode fused/],
    ['an option', (r) => { r.options.ls = '1'; }, /ls/],
    ['the net', (r) => { r.options.net = 'conv'; }, /conv/],
    ['the version', (r) => { r.receipt = 2; }, /later version/],
    ['a member', (r) => { r.more = 1; }, /"more" is no member/],
  ];
  test.each(changes)('%s', async (_, change, sentence) => {
    const copy = structuredClone(receipt);
    change(copy);
    await writeFile(at('changed.json'), JSON.stringify(copy, null, 2));
    const { code, out, err } = await kiln('verify', at('changed.json'), '--quiet');
    expect(code).not.toBe(0);
    expect(out).toBe('');
    expect(err).toMatch(sentence);
  });

  test('the time and the machine are not checked', async () => {
    const copy = { ...receipt, notChecked: { seconds: null, machine: 'another' } };
    await writeFile(at('copy.json'), JSON.stringify(copy, null, 2));
    expect((await kiln('verify', at('copy.json'), '-q')).code).toBe(0);
  });
});

test('of a class, each receipt is a row, and a bad file stops none', async () => {
  await kiln('train', '--preset', 'linear-softmax', '--train', '300', '--epochs', '1', '-q',
    '--receipt', at('preset.json'));
  const preset = JSON.parse(await readFile(at('preset.json'), 'utf8')) as Receipt;
  const cheat = { ...preset, valAccuracy: 0.99 };
  await writeFile(at('cheat,1.json'), JSON.stringify(cheat));
  await writeFile(at('none.json'), 'hello');
  await writeFile(at('large.json'), ' '.repeat(1e6));
  const files = ['large.json', 'none.json', 'cheat,1.json', 'not-there', 'preset.json', 'run.json'];
  const { code, out } = await kiln('verify', ...files.map(at), '--csv', '-q');
  expect(code).toBe(1);
  const rows = out.trim().split('\n');
  expect(rows).toHaveLength(7);
  expect(rows[0]).toBe('file,preset,claimed,verified,reason');
  expect(rows[1]).toMatch(/large\.json,,,no,.*larger than a receipt/);
  expect(rows[2]).toMatch(/none\.json,,,no,.*receipt/);
  expect(rows[3]).toMatch(/^".*cheat,1\.json",linear-softmax,[\d.]+,no,".*validation accuracy /);
  expect(rows[3]).toContain(` is 0.99 claimed, ${preset.valAccuracy} found`);
  expect(rows[4]).toMatch(/not-there,,,no,.*No such file/);
  expect(rows[5]).toMatch(/preset\.json,linear-softmax,0\.\d+,yes,$/);
  expect(rows[6]).toBe(`${at('run.json')},,${receipt.testAccuracy},yes,`);
});

test('a run on files of CIFAR-10 is verified with them, and with no others', async () => {
  const set = (images: number) => tar(Object.fromEntries<Buffer>([
    ...[1, 2, 3, 4, 5].map((n): [string, Buffer] =>
      [`cifar-10-batches-bin/data_batch_${n}.bin`, records(20 + n)]),
    ['cifar-10-batches-bin/test_batch.bin', records(images)]]));
  await writeFile(at('set.tar'), set(30));
  await writeFile(at('other.tar'), set(31));
  const { code } = await kiln('train', '--net', NET, '--data', at('set.tar'), '--validation', '10',
    '--batch', '20', '--epochs', '1', '-q', '--receipt', at('cifar.json'));
  expect(code).toBe(0);
  expect((await kiln('verify', at('cifar.json'), '--data', at('set.tar'), '-q')).code).toBe(0);
  const other = await kiln('verify', at('cifar.json'), '--data', at('other.tar'), '-q');
  expect([other.code, other.err]).toEqual([3, expect.stringMatching(/other data/)]);
  const none = await kiln('verify', at('cifar.json'), '-q');
  expect([none.code, none.err]).toEqual([2, expect.stringMatching(/say where that is with/)]);
});

describe('a run that goes on', () => {
  const half = () => at('half.safetensors');
  beforeAll(async () => {
    const trainer = await Trainer.create({ net: NET, variant: 'simd', threads: 1, options: {
      train: 200, validation: 50, test: 60, batch: 20, epochs: 3, augment: 'flip,crop4',
      optimizer: 'momentum', lr: 0.02 } });
    for (let i = 0; i < 15; i++) await trainer.step();
    await writeFile(half(), await trainer.save());
    await trainer.dispose();
  });
  /** What training on with these words says, told to leave a receipt. */
  const goOn = async (file: string, ...words: string[]): Promise<[number | null, string]> => {
    const { code, err } = await kiln('train', '--resume', file, '-q', '--receipt', at('on.json'),
      ...words);
    return [code, err];
  };
  const refused = (why: string): unknown => [2, expect.stringContaining(
    `cannot be checked by training it again: ${why}`)];

  test('has a receipt of the epochs it saw', async () => {
    expect((await goOn(half(), '--eval-views', '2'))[0]).toBe(0);
    expect((await kiln('verify', at('on.json'), '-q')).code).toBe(0);
    expect((await goOn(half()))[0]).toBe(0);
    const on = JSON.parse(await readFile(at('on.json'), 'utf8')) as Receipt;
    expect(on).toMatchObject({ start: null, end: receipt.end, epochs: receipt.epochs.slice(1) });
    expect((await kiln('verify', at('on.json'), '-q')).code).toBe(0);
  });

  test('has none with other options, nor does a run that goes on from that', async () => {
    expect(await goOn(half(), '--epochs', '4')).toEqual(refused('epochs was changed on the way'));
    expect(await goOn(half(), '--lr', '0.01')).toEqual(refused('lr was changed on the way'));
    await kiln('train', '--resume', half(), '--epochs', '9', '--max-steps', '25', '-q', '--save',
      at('lr.safetensors'));
    expect(await goOn(at('lr.safetensors'))).toEqual(refused('epochs was changed on the way'));
  });

  test('has none where it began with the weights of a file, or went back to its best', async () => {
    await kiln('train', ...RUN, '--init-from', half(), '--max-steps', '15', '--save', at('w.st'));
    expect(await goOn(at('w.st'))).toEqual(refused('it began with the weights of a file'));
    await kiln('train', ...RUN, '--best', '--save', at('b.st'));
    expect(await goOn(at('b.st'))).toEqual(refused('it goes on from its best parameters'));
  });

  test('says the same in a tab', async () => {
    const why = async (file: string): Promise<string> => {
      const trainer = await Trainer.create({ variant: 'simd', threads: 1, options: { train: 200,
        validation: 50, test: 60 } });
      await trainer.load(new Uint8Array(await readFile(at(file))));
      await trainer.set('max-steps', 0);
      await trainer.start();
      for await (const { loss } of trainer) expect(loss).not.toBeNull();
      const { message } = await failure(() => trainer.receipt());
      await trainer.dispose();
      return message;
    };
    expect(await why('lr.safetensors')).toMatch(/training it again: epochs was changed on the way/);
    expect(await why('w.st')).toMatch(/training it again: it began with the weights of a file/);
  });
});

test.each([
  [['--init-from', 'half.safetensors'], /it began with the weights of a file/],
  [['--recover'], /with the option recover it has no one history/],
  [['--receipt', '-'], /wants a file/],
])('train --receipt with %j is told', async (args, sentence) => {
  const { code, err } = await kiln('train', ...RUN, '--receipt', at('no.json'),
    ...args.map((word) => (word.endsWith('.safetensors') ? at(word) : word)));
  expect([code, err]).toEqual([2, expect.stringMatching(sentence)]);
});

test('--spots wants --receipt, and verify wants a file', async () => {
  const spots = await kiln('train', ...RUN, '--spots');
  expect([spots.code, spots.err]).toEqual([2, expect.stringMatching(/name it by --receipt/)]);
  const none = await kiln('verify');
  expect([none.code, none.err]).toEqual([2, expect.stringMatching(/which receipts\?/)]);
});
