// kiln train --receipt and kiln verify: a run is trained again, an epoch alone, a class's receipts;
// what was changed in one is told.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';
import { failure } from './helpers.js';
import { collect, kiln, KILN, NET, records, tar } from './program.js';

const RUN = ['--net', NET, '--train', '200', '--validation', '50', '--test', '60', '--batch', '20',
  '--epochs', '3', '--augment', 'flip,crop4', '--optimizer', 'momentum', '--lr', '0.02', '--quiet'];
let folder: string;
const at = (name: string) => join(folder, name);
type Receipt = Record<string, unknown> & { options: Record<string, string>; end: string;
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
    expect([code, out]).toEqual([0, `${at('run.json')}: verified, 3 epochs; ` +
      `${receipt.testAccuracy} of 60 test images of builtin\n`]);
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
    [1, 2].map((n) => `run.epoch-${n}.safetensors`)); // none comes behind the third
  for (const epoch of ['0', '1', '2']) {
    const { code, events } = await kiln('verify', at('run.json'), '--spot', epoch, '--json', '-q');
    expect([epoch, code]).toEqual([epoch, 0]);
    const reason = `epoch ${Number(epoch) + 1} alone was checked, and no accuracy of the end`;
    expect(events).toEqual([{ event: 'verified', file: at('run.json'), preset: null, claimed: null,
      verified: true, epochs: 1, reason, data: 'builtin' }]);
    const { out } = await kiln('verify', at('run.json'), '--spot', epoch, '--csv', '-q');
    expect(out.split('\n')[1]).toBe(`${at('run.json')},,,yes,"${reason}",builtin,`);
    expect((await kiln('verify', at('run.json'), '--spot', epoch)).out).toBe(
      `${at('run.json')}: agrees; ${reason}\n`);
  }
  const last = await kiln('verify', at('run.json'), '--spot', '3');
  expect([last.code, last.err]).toEqual(
    [2, expect.stringMatching(/wants epochs 3 and 4 of the receipt; its last is 3$/m)]);
  await writeFile(at('alone.json'), JSON.stringify(receipt));
  const none = await kiln('verify', at('alone.json'), '--spot', '1');
  expect([none.code, none.err]).toEqual(
    [4, expect.stringMatching(/alone\.epoch-1\.safetensors/)]);
});

test('--spot says no where the end is not what the last epoch left', async () => {
  await writeFile(at('run2.json'),
    JSON.stringify({ ...receipt, testAccuracy: 0.99, end: '00000000deadbeef' }));
  await writeFile(at('run2.epoch-1.safetensors'), await readFile(at('run.epoch-1.safetensors')));
  const { out } = await kiln('verify', at('run2.json'), '--spot', '1', '--csv', '-q');
  expect(out.split('\n')[1]).toMatch(/,,0.99,no,".*its end is 00000000deadbeef, but its last epo/);
});

test('of many epochs pairs stay, with the checkpoints that --spot has a use for', async () => {
  const file = at('many.json');
  await kiln('train', '--net', 'affine 10 - softmax', '--train', '40', '--validation', '10',
    '--test', '10', '--batch', '20', '--epochs', '91', '-q', '--receipt', file, '--spots');
  const { epochs } = JSON.parse(await readFile(file, 'utf8')) as Receipt;
  const rows = epochs.map(([epoch]) => epoch);
  expect(rows.slice(-6)).toEqual([83, 84, 87, 88, 90, 91]);
  const spots = rows.filter((epoch) => rows.includes(epoch + 1));
  expect(spots).toEqual([...Array.from({ length: 22 }, (_, i) => 4 * i + 3), 90]);
  expect((await readdir(folder)).filter((name) => name.startsWith('many.epoch')).sort()).toEqual(
    spots.map((epoch) => `many.epoch-${epoch}.safetensors`).sort());
  for (const epoch of [3, 87, 90]) {
    expect((await kiln('verify', file, '--spot', `${epoch}`, '-q')).code).toBe(0);
  }
  expect((await kiln('verify', file, '-q')).code).toBe(0);
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
    ['an epoch more', (r) => { r.epochs.push([4, 40, 1, 1, 1, r.end]); },
      /the end: the epochs are/],
    ['fewer epochs', (r) => { r.options.epochs = '2'; }, /epoch|the end/],
    ['the end', (r) => { r.end = HASH; }, /its end is 0123456789abcdef, but its last epoch left/],
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
  await kiln('train', '--preset', 'linear-softmax', '--train', '300', '-q', '--receipt',
    at('preset.json'));
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
  expect(rows[0]).toBe('file,preset,claimed,verified,reason,data,images');
  expect(rows[1]).toMatch(/large\.json,,,unchecked,.*larger than 32 kB/);
  expect(rows[2]).toMatch(/none\.json,,,unchecked,.*receipt/);
  expect(rows[3]).toMatch(/^".*cheat,1\.json",linear-softmax,[\d.]+,no,".*validation accuracy /);
  expect(rows[3]).toContain(` is 0.99 claimed, ${preset.valAccuracy} found`);
  expect(rows[4]).toMatch(/not-there,,,unchecked,.*No such file/);
  expect(rows[5]).toMatch(/preset\.json,linear-softmax,0\.\d+,yes,,builtin,1000$/);
  expect(rows[6]).toBe(`${at('run.json')},,${receipt.testAccuracy},yes,,builtin,60`);
  const { events } = await kiln('verify', ...files.slice(1, 3).map(at), '--json', '-q');
  expect(events.map(({ verified }) => verified)).toEqual([null, false]);
  const other = await kiln('verify', at('run.json'), '--mode', 'fused', '--csv', '-q');
  expect(other.out).toMatch(/run\.json,,0[.\d]*,unchecked,.*trained in the strict mode; verify/);
});

test('the option memory, which is of reading a file, is no difference', async () => {
  await kiln('train', ...RUN, '--memory', '100', '--receipt', at('m.json'), '--spots');
  const { code, err } = await kiln('verify', at('m.json'), '--spot', '1', '-q');
  expect([code, err]).toEqual([0, '']);
});

test('an endless file is read no further than a receipt may be', async () => {
  const { out } = await kiln('verify', '/dev/zero', '--csv', '-q');
  expect(out).toContain('/dev/zero,,,unchecked,/dev/zero: is larger than 32 kB,,\n');
});

test('a run that is not over behind the last row is trained no further', async () => {
  await kiln('train', ...RUN, '--schedule', 'constant', '--receipt', at('short.json'));
  const short = JSON.parse(await readFile(at('short.json'), 'utf8')) as Receipt;
  short.options.epochs = '10000';
  await writeFile(at('short.json'), JSON.stringify(short));
  const { code, err } = await kiln('verify', at('short.json'), '-q');
  expect([code, err]).toEqual([1,
    expect.stringMatching(/epoch 3: the run is over claimed, not over found/)]);
});

describe('the preset of a receipt', () => {
  const LINEAR = ['--preset', 'linear-softmax', '--train', '300', '--validation', '50', '--seed',
    '3', '-q', '--receipt'];
  const read = async (name: string): Promise<Receipt> =>
    JSON.parse(await readFile(at(name), 'utf8')) as Receipt;

  test('is named where net and options are its own, natively and in a tab', async () => {
    await kiln('train', ...LINEAR, at('linear.json'));
    expect((await read('linear.json'))['preset']).toBe('linear-softmax');
    const { net, ...options } = (await read('linear.json')).options;
    const trainer = await Trainer.create({ net: net!, options, variant: 'simd', threads: 1 });
    await trainer.start();
    for await (const { loss } of trainer) expect(loss).not.toBeNull();
    const text = await trainer.receipt();
    await trainer.dispose();
    expect({ ...JSON.parse(text) as Receipt, notChecked: 0 }).toEqual(
      { ...await read('linear.json'), notChecked: 0 });
    expect([text.at(-1), (await readFile(at('linear.json'), 'utf8')).at(-1)]).toEqual(['\n', '\n']);
    await kiln('train', ...LINEAR, at('other.json'), '--lr', '0.001', '--epochs', '1');
    expect((await read('other.json'))['preset']).toBeNull();
  });

  test.each([
    ['80-percent', 'no', /not of the preset 80-percent, whose net is another one/],
    ['a-later-one', 'unchecked', /knows no preset "a-later-one"/],
    ['=cmd|\'/c calc\'!A1', 'unchecked', /"preset" is no name of a preset/],
    ['"'.repeat(39), 'unchecked', /"preset" is no name of a preset/],
    ['\u001b[2J', 'unchecked', /"preset" has a control character/],
  ])('%j is told where it is not', async (preset, verified, reason) => {
    await writeFile(at('claim.json'), JSON.stringify({ ...receipt, preset }));
    const { out } = await kiln('verify', at('claim.json'), '--csv', '-q');
    expect(out.split('\n')[1]!.split(',')[3]).toBe(verified);
    expect(out.replaceAll('""', '"')).toMatch(reason);
    const { events } = await kiln('verify', at('claim.json'), '--json', '-q'); // which is parsed
    expect(events[0]).toMatchObject({ verified: verified === 'no' ? false : null });
  });
});

test('no text of a file goes to a terminal or a spreadsheet as it is', async () => {
  await writeFile(at('=cmd.json'), JSON.stringify({ '\u001b[2J\u009b': 1 }));
  const { out, err } = await collect(spawn(resolve(KILN), ['verify', '=cmd.json', '--csv', '-q'],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder }));
  expect(out.split('\n')[1]).toMatch(/^\.\/=cmd\.json,,,unchecked,"\.\/=cmd\.json: .*\?\[2J\?\?/);
  expect(err).toMatch(/\?\[2J\?\?/);
  expect(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(out + err)).toBe(false);
});

test('a set that was saved from the built-in one is verified with --data', async () => {
  const set = at('b.kilnset');
  await kiln('data', 'builtin', '--train', '100', '--validation', '20', '--test', '20', '--save',
    set);
  await kiln('train', '--net', NET, '--data', set, '--epochs', '1', '-q', '--receipt',
    at('b.json'));
  expect(JSON.parse(await readFile(at('b.json'), 'utf8'))).toMatchObject({ data: 'builtin' });
  const { code, out } = await kiln('verify', at('b.json'), at('run.json'), '--data', set, '--csv');
  expect([code, out]).toEqual(
    [0, expect.stringMatching(/b\.json,.*,yes,,.*\n.*run\.json,.*,yes,,.*\n/)]);
  const none = await kiln('verify', at('b.json'), '--csv', '-q');
  expect(none.out).toMatch(/unchecked,".*other data: .*; say where they are with --data"/);
});

test('an interrupted run says that it has no receipt, and how it gets one', async () => {
  const save = at('stopped.safetensors'), file = at('stopped.json');
  const child = spawn(KILN, ['train', ...RUN, '--train', '2000', '--epochs', '40', '--save', save,
    '--receipt', file, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.once('data', () => child.kill('SIGINT'));
  const { code, err } = await collect(child);
  expect(code).toBe(130);
  expect(err).toMatch(/stopped\.json: not written: the run is not over\n/);
  expect(err).toContain(
    `go on with: kiln train --resume ${save} --save ${save} --receipt ${file}\n`);
  expect((await kiln('train', '--resume', save, '--receipt', file, '-q')).code).toBe(0);
  expect((await kiln('verify', file, '-q')).code).toBe(0);
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
