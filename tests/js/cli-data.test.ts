// The native program and its data: files, archives, folders and pipes; what it refuses and why.

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { kiln, kilnWith, RECORD, records, tar, type Event } from './program.js';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'kiln-data-')); });
afterAll(() => rm(folder, { recursive: true }));

describe('data', () => {
  const tests = { 'b/data_batch_1.bin': records(30), 'b/test_batch.bin': records(12) };
  const official = Object.entries(tests);
  const archive = gzipSync(tar(tests));

  async function info(path: string): Promise<Event> {
    const { code, events, err } = await kiln('data', path, '--json', '--validation', '5');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return events[0]!;
  }

  test('an archive, a tar, a folder and single files are the same set', async () => {
    await mkdir(at('cifar-10-batches-bin'));
    for (const [name, bytes] of Object.entries(tests)) {
      await writeFile(at(name.replace('b/', 'cifar-10-batches-bin/')), bytes);
    }
    await writeFile(at('a.tar.gz'), archive);
    await writeFile(at('a.tar'), tar(tests));
    const one = await info(at('a.tar.gz'));
    expect(one).toMatchObject({ name: 'cifar10', train: 25, validation: 5, test: 12 });
    expect(await info(at('a.tar'))).toEqual(one);
    expect(await info(at('cifar-10-batches-bin'))).toEqual(one);
    expect(await info(folder)).toEqual(one);
    const files = ['test_batch.bin', 'data_batch_1.bin'];
    const list = files.map((name) => at(`cifar-10-batches-bin/${name}`)).join(',');
    expect(await info(list)).toEqual(one);
  });

  test('standard input is read like a file', async () => {
    const expected = await info(at('a.tar.gz'));
    for (const bytes of [archive, tar(tests)]) {
      const { code, err, events } =
        await kilnWith(bytes, 'data', '-', '--json', '--validation', '5');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(events[0]).toEqual(expected);
    }
    const alone = await kilnWith(records(30), 'data', 'train=-', '--json');
    expect(alone.events[0]).toMatchObject({ train: 27, validation: 3, test: 0 });
    const unnamed = await kilnWith(records(30), 'data', '-');
    expect(unnamed.code).toBe(3);
    expect(unnamed.err).toMatch(/--data train=-, test images: --data test=-/);
  });

  test('a name that is not official decides nothing; train= and test= do', async () => {
    await mkdir(at('names'));
    await writeFile(at('names/data_batch_1.bin'), records(30));
    for (const name of ['Test_batch.bin', 'Copy of test_batch.bin', 'validation.bin',
      'test_batch (1).bin']) {
      await writeFile(at(`names/${name}`), records(12));
      const { code, err, out } = await kiln('data', at('names'));
      expect({ code, out }).toEqual({ code: 3, out: '' });
      expect(err).toContain(`kiln: ${name}: the name does not say which images it holds`);
      expect(err).toContain(`--data test=${at(`names/${name}`)}`);
      const files = `${at('names/data_batch_1.bin')},test=${at(`names/${name}`)}`;
      expect(await info(files)).toEqual(await info(at('a.tar.gz')));
      await rm(at(`names/${name}`));
    }
    const both = await kiln('data', `train=${at('a.tar.gz')}`);
    expect(both.code).toBe(3);
    expect(both.err).toMatch(/is an archive, which says itself .*: leave out train= or test=/);
  });

  test('the same images twice are refused with both names, wherever they are', async () => {
    const one = records(30);
    await mkdir(at('twice'));
    for (const name of ['data_batch_1.bin', 'data_batch_2.bin']) {
      await writeFile(at(`twice/${name}`), one);
    }
    const words = /data_batch_2\.bin: the same 30 images as data_batch_1\.bin/;
    const folder = await kiln('data', at('twice'));
    expect(folder.code).toBe(3);
    expect(folder.err).toMatch(words);
    const packed = tar({ 'b/data_batch_1.bin': one, 'b/data_batch_2.bin': one });
    expect(await refused('twice.tar.gz', gzipSync(packed))).toMatch(words);
    await writeFile(at('twice/data_batch_1 (1).bin'), one);
    const copy = await kiln('data',
      `${at('twice/data_batch_1.bin')},train=${at('twice/data_batch_1 (1).bin')}`);
    expect(copy.err).toContain('data_batch_1 (1).bin: the same 30 images as data_batch_1.bin');
  });

  test('gzip of several members, with zeros after them, is one file', async () => {
    const whole = tar(tests);
    const parts = [0, 700, 40_000, whole.length].map((from, i, all) =>
      gzipSync(whole.subarray(from, all[i + 1])));
    const expected = await info(at('a.tar.gz'));
    const forms = { members: parts, zeros: [archive, Buffer.alloc(5000)],
      both: [...parts, Buffer.alloc(300_000)] };
    for (const [name, pieces] of Object.entries(forms)) {
      await writeFile(at(`${name}.tar.gz`), Buffer.concat(pieces));
      expect(await info(at(`${name}.tar.gz`))).toEqual(expected);
    }
    const half = Buffer.concat([parts[0]!, parts[1]!.subarray(0, 20)]);
    expect(await refused('half.tar.gz', half)).toMatch(/cut short/);
    const late = Buffer.concat([archive, Buffer.alloc(10), parts[0]!]);
    expect(await refused('late.tar.gz', late)).toMatch(/after the end/);
  });

  test('what file managers leave beside the data is passed over', async () => {
    await mkdir(at('sidecars'));
    const junk = Object.fromEntries(['._data_batch_1.bin', '.DS_Store', '._.DS_Store', '._test.bin']
      .map((name) => [name, Buffer.from('\0\x05\x16\x07Mac OS X')]));
    const all = { ...junk, ...Object.fromEntries(official.map(([name, b]) => [name.slice(2), b])) };
    for (const [name, bytes] of Object.entries(all)) {
      await writeFile(at(`sidecars/${name}`), bytes);
    }
    const expected = await info(at('a.tar.gz'));
    expect(await info(at('sidecars'))).toEqual(expected);
    await writeFile(at('sidecars.tar'), tar(all));
    expect(await info(at('sidecars.tar'))).toEqual(expected);
  });

  test('a folder with the archive in it is the archive', async () => {
    await mkdir(at('download'));
    await writeFile(at('download/cifar-10-binary.tar.gz'), archive);
    expect(await info(at('download'))).toEqual(await info(at('a.tar.gz')));
  });

  test('what is no data set is called what it is, with what to do', async () => {
    const pickle = Buffer.from('\x80\x02}q\x01(U\vbatch_labelq', 'latin1');
    const cases: [string, Buffer, RegExp][] = [
      ['x.zip', Buffer.from('PK\x03\x04 and more'), /is a zip archive; unpack it/],
      ['x.png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), /is a PNG picture; /],
      ['x.tar.xz', Buffer.from('\xfd7zXZ\0', 'latin1'), /is an xz archive; unpack it/],
      ['data_batch_1', pickle, /is a Python pickle; .*cifar-10-binary\.tar\.gz/],
      ['data_batch_1.mat', Buffer.from('MATLAB 5.0 MAT-file'), /is a MATLAB file; .*binary/],
      ['x.safetensors', Buffer.from('<\0\0\0\0\0\0\0{"w":{"dtype":"F32"}}'),
        /is a safetensors file; .*checkpoint/],
      ['py.tar.gz', gzipSync(tar({ 'cifar-10-batches-py/batches.meta': Buffer.from('x') })),
        /"batches\.meta" is of CIFAR-10's Python version; .*binary/],
      ['mat.tar', tar({ 'cifar-10-batches-mat/data_batch_4.mat': Buffer.from('x') }),
        /"data_batch_4\.mat" is of CIFAR-10's MATLAB version; .*binary/],
      ['hundred.tar', tar({ 'cifar-100-binary/train.bin': Buffer.from('x') }),
        /train\.bin: cut short: record 0 has 1 of its 3074 bytes/],
      ['python.tar', tar({ 'cifar-100-python/train': Buffer.from('x') }),
        /"train" is of CIFAR-100's Python version/],
    ];
    for (const [name, bytes, words] of cases) expect(await refused(name, bytes)).toMatch(words);
    await mkdir(at('cifar-10-batches-py'));
    await writeFile(at('cifar-10-batches-py/data_batch_1'), pickle);
    const folder = await kiln('data', at('cifar-10-batches-py'));
    expect(folder.code).toBe(3);
    expect(folder.err).toMatch(/data_batch_1: is a Python pickle/);
  });

  test('a split without images is called empty', async () => {
    const train = at('cifar-10-batches-bin/data_batch_1.bin');
    const { code, err } = await kiln('eval', '--knn', '1', '--train', '9', '--data', train);
    expect({ code, err: err.trim() }).toEqual(
      { code: 2, err: 'kiln: data set: there are no test images' });
  });

  test('kNN finds the image itself among its near ones', async () => {
    const near = Buffer.alloc(2 * RECORD, 255);
    near[0] = 1; // the labels
    near[RECORD] = 0;
    near[1] = 1; // one pixel of the first
    near[RECORD + 1] = 0;
    await mkdir(at('near'));
    await writeFile(at('near/data_batch_1.bin'), near);
    await writeFile(at('near/test_batch.bin'), near.subarray(RECORD));
    const { events } = await kiln('eval', '--knn', '1', '--train', '2', '--test', '1', '--json',
      '--validation', '0', '--data', at('near'));
    expect(events[0]).toMatchObject({ count: 1, correct: 1 });
  });

  async function refused(name: string, bytes: Buffer | string): Promise<string> {
    await writeFile(at(name), bytes);
    const { code, err, out } = await kiln('data', at(name));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    return err;
  }

  test('what is wrong with a file is told with its name and record', async () => {
    const wrong = records(20);
    wrong[17 * RECORD] = 12;
    expect(await refused('data_batch_3.bin', wrong))
      .toMatch(/data_batch_3.bin: record 17.*label 12/);
    expect(await refused('data_batch_4.bin', records(3).subarray(0, 7000)))
      .toMatch(/data_batch_4.bin: cut short: record 2/);
    expect(await refused('data_batch_5.bin', '')).toMatch(/empty/);
    expect(await refused('data_batch_1.bin', '<!DOCTYPE html><p>404')).toMatch(/web page/);
    expect(await refused('x.tar.gz', gzipSync(tar({ 'b/passwd': records(1) })))).toMatch(/passwd/);
    expect(await refused('y.tar.gz', gzipSync(Buffer.from('<html>')))).toMatch(/cut short/);
    expect((await kiln('data', at('nothing-here'))).code).toBe(3);
  });

  test('every cut and every flipped byte of the gzip\'s frame is an error', async () => {
    for (let size = 1; size < archive.length; size += Math.ceil(archive.length / 40)) {
      expect(await refused('cut.tar.gz', archive.subarray(0, size))).toMatch(/kiln: /);
    }
    for (let i = archive.length - 8; i < archive.length; i++) { // checksum and length
      const flipped = Buffer.from(archive);
      flipped[i]! ^= 1;
      expect(await refused('flipped.tar.gz', flipped)).toMatch(/damaged/);
    }
    const longer = Buffer.concat([archive, Buffer.from('x')]);
    expect(await refused('junk.tar.gz', longer)).toMatch(/after the end/);
  });

  test('the built-in set comes back from the files it is written to', async () => {
    const written = await kiln('data', 'builtin', '--train', '40', '--validation', '5',
      '--test', '7', '--save', at('out'), '--json');
    expect(written.code).toBe(0);
    const read = await info(at('out'));
    const { hash } = written.events[0]!;
    expect(read).toMatchObject({ train: 40, validation: 5, test: 7, hash });
  });

  test('files of a larger set do not stay beside those of a smaller one', async () => {
    const write = (train: string, test: string) => kiln('data', 'builtin', '--train', train,
      '--validation', '5', '--test', test, '--save', at('shrinking'), '--json');
    expect((await write('10020', '7')).code).toBe(0);
    await writeFile(at('shrinking/data_batch_1.bin.txt'), 'of somebody');
    const { events } = await write('30', '0');
    expect((await readdir(at('shrinking'))).sort()).toEqual(['data_batch_1.bin',
      'data_batch_1.bin.prev', 'data_batch_1.bin.txt', 'data_batch_2.bin.prev',
      'test_batch.bin.prev']);
    expect(await info(at('shrinking'))).toMatchObject(
      { train: 30, validation: 5, test: 0, hash: events[0]!.hash });
    const many = await write('10', '10001');
    expect(many.code).toBe(2);
    expect(many.err).toMatch(/test_batch\.bin holds 10000 images at most/);
  });

  test('a sheet is a portable pixmap', async () => {
    expect((await kiln('data', '--sheet', at('sheet.ppm'), '--train', '200')).code).toBe(0);
    const sheet = await readFile(at('sheet.ppm'));
    expect(sheet.subarray(0, 15).toString()).toBe('P6\n544 340\n255\n');
    expect(sheet.length).toBe(15 + 3 * 544 * 340);
  });
});
