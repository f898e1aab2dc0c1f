// CIFAR-100, MNIST, Fashion-MNIST and kiln sets through the whole program and the package: read,
// trained on with any number of classes, saved, gone on with, evaluated, exported.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Dataset, ready, type DataFile } from '../../bindings/index.js';
import { failure, numbers } from './helpers.js';
import { kiln, kilnWith, tar, type Event } from './program.js';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-sets-'));
  await ready({ variant: 'simd' });
});
afterAll(() => rm(folder, { recursive: true }));

/** Pixels of an image whose class is to be seen: noise, and a bright spot where its label says. */
function image(label: number, size: number, next: () => number): Buffer {
  const pixels = Buffer.from(Uint8Array.from({ length: size }, () => 60 + 50 * next()));
  return pixels.fill(255, label * 8 % size, label * 8 % size + 8);
}

/** The two files of MNIST's kind with n images. */
function idx(n: number, classes: number, H = 28, W = 28, first: number[] = []): Buffer[] {
  const labels = Array.from({ length: n }, (_, i) => first[i] ?? i % classes);
  const head = (...words: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * words.length);
    words.forEach((word, i) => bytes.writeUInt32BE(word, 4 * i));
    return bytes;
  };
  const next = numbers(n);
  return [
    Buffer.concat([head(0x803, n, H, W), ...labels.map((label) => image(label, H * W, next))]),
    Buffer.concat([head(0x801, n), Buffer.from(labels)]),
  ];
}

/** MNIST's four files, by their official names without .gz. */
function mnist(first: number[] = [], test: number[] = []): Record<string, Buffer> {
  const [images, labels] = idx(120, 10, 28, 28, first);
  const [testImages, testLabels] = idx(40, 10, 28, 28, test);
  return {
    'train-images-idx3-ubyte': images!, 'train-labels-idx1-ubyte': labels!,
    't10k-images-idx3-ubyte': testImages!, 't10k-labels-idx1-ubyte': testLabels!,
  };
}

/** CIFAR-100's files: coarse and fine label, then pixels. */
function cifar100(): Record<string, Buffer> {
  const records = (n: number): Buffer => {
    const next = numbers(n);
    return Buffer.concat(Array.from({ length: n }, (_, i) =>
      Buffer.concat([Buffer.from([i % 20, i % 100]), image(i % 100, 3072, next)])));
  };
  const names = Array.from({ length: 100 }, (_, i) => `thing_${i}`).join('\n');
  return {
    'train.bin': records(300), 'test.bin': records(100),
    'fine_label_names.txt': Buffer.from(`${names}\n`),
    'coarse_label_names.txt': Buffer.from('fish\n'),
  };
}

/** A set of own pictures, of W x H and so many channels and classes. */
function kilnset(count: number, shape: number[], classes: number, more: object = {}): Buffer {
  const names = Array.from({ length: classes }, (_, i) => `kind ${i}`);
  const header = { name: 'pictures', shape, classes: names, count, ...more };
  const size = shape.reduce((a, b) => a * b);
  const next = numbers(count);
  return Buffer.concat([Buffer.from(`KILNSET 1\n${JSON.stringify(header)}\n`),
    ...Array.from({ length: count }, (_, i) => Buffer.concat([
      Buffer.from(classes > 256 ? [i % classes & 255, i % classes >> 8] : [i % classes]),
      image(i % classes, size, next)]))]);
}

async function put(name: string, files: Record<string, Buffer>, gz = false): Promise<string> {
  await mkdir(at(name), { recursive: true });
  for (const [file, bytes] of Object.entries(files)) {
    await writeFile(at(`${name}/${file}${gz ? '.gz' : ''}`), gz ? gzipSync(bytes) : bytes);
  }
  return at(name);
}

async function info(path: string, ...more: string[]): Promise<Event> {
  const { code, events, err } = await kiln('data', path, '--json', ...more);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return events[0]!;
}

const sets: Record<string, { files: Record<string, Buffer>; shape: number[]; classes: number }> = {
  mnist: { files: mnist(), shape: [1, 28, 28], classes: 10 },
  cifar100: { files: cifar100(), shape: [3, 32, 32], classes: 100 },
  pictures: { files: { 'mine.kilnset': kilnset(90, [3, 20, 64], 3) }, shape: [3, 20, 64],
    classes: 3 },
};

describe('reading', () => {
  test('MNIST: a folder or files, packed or not, a pipe', async () => {
    const files = mnist();
    const one = await info(await put('mnist', files));
    expect(one).toMatchObject({
      name: 'mnist', shape: [1, 28, 28], train: 108, validation: 12, test: 40 });
    expect(one['classes']).toEqual([...'0123456789']);
    expect(await info(await put('mnist-gz', files, true))).toEqual(one);
    const list = Object.keys(files).map((name) => at(`mnist-gz/${name}.gz`)).reverse().join(',');
    expect(await info(list)).toEqual(one);
    const half = await kiln('data', at('mnist/train-images-idx3-ubyte'));
    expect(half.code).toBe(3);
    expect(half.err).toMatch(/train-images-idx3-ubyte: its labels are missing: give the file of l/);
    const other = at('renamed');
    await writeFile(other, files['t10k-images-idx3-ubyte']!);
    expect((await kiln('data', other)).err).toMatch(/--data train=.*, test images: --data test=/);
    expect((await info(`test=${other},${at('mnist/t10k-labels-idx1-ubyte')}`))['test']).toBe(40);
  });

  test('Fashion-MNIST, of the same names, is known by its labels', async () => {
    const files = mnist([9, 0, 0, 3, 0, 2, 7, 2, 5, 5], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    const found = await info(await put('fashion', files, true));
    expect(found).toMatchObject({ name: 'fashion-mnist', shape: [1, 28, 28] });
    expect(found['classes']).toEqual(['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat',
      'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot']);
  });

  test('CIFAR-100: an archive, a tar, a folder, files, each the same', async () => {
    const files = cifar100();
    const archive = tar(Object.fromEntries(
      Object.entries(files).map(([name, bytes]) => [`cifar-100-binary/${name}`, bytes])));
    const one = await info(await put('hundred/cifar-100-binary', files));
    expect(one).toMatchObject({ name: 'cifar100', train: 270, validation: 30, test: 100 });
    expect((one['classes'] as string[])[42]).toBe('thing_42');
    await writeFile(at('hundred.tar.gz'), gzipSync(archive));
    expect(await info(at('hundred.tar.gz'))).toEqual(one);
    expect(await info(at('hundred'))).toEqual(one);
    expect((await kilnWith(archive, 'data', '-', '--json')).events[0]).toEqual(one);
    const bare = await info(at('hundred/cifar-100-binary/test.bin'));
    expect((bare['classes'] as string[])[42]).toBe('42');
  });

  test('a kiln set is split by its seed, and can be saved as it was split', async () => {
    const path = at('mine.kilnset');
    await writeFile(path, kilnset(100, [3, 32, 32], 4));
    const one = await info(path);
    expect(one).toMatchObject({ name: 'pictures', train: 80, validation: 10, test: 10 });
    expect(await info(path, '--data-seed', '2')).not.toEqual(one);
    expect(await info(path, '--data-seed', '1')).toEqual(one);
    expect(await info(path, '--test', '20', '--validation', '40')).toMatchObject({
      train: 40, validation: 40, test: 20 });
    await kiln('data', path, '--save', at('split.kilnset'));
    const { hash } = one;
    expect(await info(at('split.kilnset'))).toMatchObject({ hash, train: 80, test: 10 });
    expect((await info(at('split.kilnset'), '--data-seed', '2'))['hash']).toBe(hash);
  });

  test('any set becomes a kiln set, and is the same set; some cannot be CIFAR-10', async () => {
    for (const [name, { files }] of Object.entries(sets)) {
      const path = await put(`save-${name}`, files);
      const saved = at(`save-${name}/all.out.kilnset`);
      const target = at(`${name}.kilnset`);
      expect((await kiln('data', path, '--save', target)).code).toBe(0);
      expect(await info(target)).toEqual(await info(path));
      await rm(saved, { force: true });
    }
    const wrong = await kiln('data', at('save-mnist'), '--save', at('as-cifar'));
    expect(wrong.code).toBe(2);
    expect(wrong.err).toMatch(/hold 3x32x32 pixels and ten classes, this set 1x28x28 and 10;/);
    expect((await kiln('data', at('save-mnist'), '--sheet', at('sheet.ppm'))).code).toBe(0);
    expect((await readFile(at('sheet.ppm'))).subarray(0, 11).toString()).toBe('P6\n480 300\n');
  });

  test('what is damaged, mixed or a bomb is refused with a sentence', async () => {
    const files = mnist();
    const set = kilnset(20, [3, 32, 32], 2);
    const cases: [string, Buffer, RegExp][] = [
      ['train-images-idx3-ubyte', files['train-images-idx3-ubyte']!.subarray(0, 5000), /cut short/],
      ['train-x.gz', gzipSync(files['train-images-idx3-ubyte']!).subarray(0, 5000), /cut short/],
      ['bomb-idx3-ubyte.gz', gzipSync(Buffer.alloc(210e6)), /unpacks to more than a data set has/],
      ['a.kilnset', set.subarray(0, set.length - 1), /cut short: its header tells of/],
      ['b.kilnset', set.subarray(0, 30), /header is cut short/],
      ['d.kilnset', Buffer.from('KILNSET 2\n{}\n'), /a kiln set of another version/],
      ['floats-idx3-ubyte', Buffer.from('\0\0\x0d\x03\0\0\0\x01', 'latin1'),
        /is an idx file of another kind; kiln reads .* MNIST's/],
      ['test.bin', Buffer.alloc(3074 * 5 - 1), /cut short: record 4 has 3073 of its 3074 bytes/],
      ['c.kilnset', Buffer.concat([set, set]), /too long/],
      ['train.bin', Buffer.alloc(3074 * 5, 100), /label 100 is not below 100/],
      ['fine_label_names.txt', Buffer.from('a\nb\n'), /2 names; CIFAR-100 has 100 classes/],
    ];
    for (const [name, bytes, words] of cases) {
      await writeFile(at(name), bytes);
      const { code, err } = await kiln('data', at(name));
      expect({ name, code }).toEqual({ name, code: 3 });
      expect(err).toMatch(words);
      const failed = await failure(() => Dataset.fromFiles([{ name, bytes }]));
      expect({ name, code: failed.code }).toEqual({ name, code: 'E_DATA' });
    }
    await put('mixed', { ...files, 'a.kilnset': set });
    expect((await kiln('data', at('mixed'))).err).toMatch(/another data set|images already/);
  });
});

describe('the package', () => {
  test.each(Object.keys(sets))('reads %s as the program does', async (name) => {
    const { files, shape, classes } = sets[name]!;
    const path = await put(`package-${name}`, files);
    const expected = await info(path);
    for (const gz of [false, true]) {
      const given: DataFile[] = Object.entries(files).map(([file, bytes]) => ({
        name: gz ? `${file}.gz` : file, bytes: gz ? gzipSync(bytes) : bytes }));
      const data = await Dataset.fromFiles(given);
      expect(data.info).toEqual(expected);
      expect(data.info.shape).toEqual(shape);
      expect(data.info.classes).toHaveLength(classes);
      const { x } = data.batch('test', 0, 5);
      expect(x.shape).toEqual([5, ...shape]);
      data.dispose();
    }
  });
});

describe('training', () => {
  const END = (classes: number): string =>
    `conv 3x3x4 - relu - maxpool 2 - affine ${classes} - softmax`;

  test.each(Object.keys(sets))('on %s: saved, gone on with, evaluated, exported', async (name) => {
    const { files, shape, classes } = sets[name]!;
    const data = ['--data', await put(`train-${name}`, files)];
    const given = [...data, '--net', END(classes), '--batch', '10', '--lr', '0.01',
      '--augment', 'flip,crop2', '--schedule', 'constant', '--quiet'];
    const whole = await kiln('train', ...given, '--epochs', '4', '--json');
    expect({ code: whole.code, err: whole.err }).toEqual({ code: 0, err: '' });
    const half = ['--save', at(`${name}.safetensors`), '--json'];
    await kiln('train', ...given, '--epochs', '2', ...half);
    const on = await kiln('train', '--resume', at(`${name}.safetensors`), ...data, '--quiet',
      '--epochs', '4', ...half);
    expect(on.code).toBe(0);
    expect(on.events.at(-1)!['parameterHash']).toBe(whole.events.at(-1)!['parameterHash']);
    const seen = await kiln('eval', at(`${name}.safetensors`), ...data, '--json');
    expect(seen.events[0]!['accuracy']).toBe(on.events.at(-1)!['testAccuracy']);
    expect(seen.events[0]!['confusion']).toHaveLength(classes);
    expect((await kiln('eval', at(`${name}.safetensors`), ...data)).out).toMatch(/images right/);
    const refused = await kiln('eval', at(`${name}.safetensors`));
    expect(refused.code).not.toBe(0);
    for (const format of ['safetensors', 'npz', 'onnx', 'csv']) {
      const file = at(`${name}.${format}`);
      const out = await kiln('export', at(`${name}.safetensors`), '--format', format,
        '--save', format === 'safetensors' ? `${file}.weights` : file);
      expect({ format, code: out.code, err: out.err }).toMatchObject({ format, code: 0 });
    }
    const again = await kiln('eval', at(`${name}.safetensors.weights`), ...data, '--json');
    expect(again.events[0]!['accuracy']).toBe(on.events.at(-1)!['testAccuracy']);
    if (shape[1] !== 32) {
      await writeFile(at('other.kilnset'), kilnset(100, [3, 32, 32], 4));
      const other =
        await kiln('eval', at(`${name}.safetensors`), '--data', at('other.kilnset'));
      expect(other.err)
        .toContain(`takes images of ${shape.join('x')}, this data set has 3x32x32`);
    }
  });

  test('presets end in as many scores as there are classes; other nets are told', async () => {
    const data = ['--data', await put('preset', sets['cifar100']!.files)];
    const few = ['--epochs', '1', '--train', '20', '--batch', '10', '--json'];
    expect((await kiln('train', ...data, '--preset', 'two-layer', ...few)).code).toBe(0);
    expect((await kiln('train', '--data', await put('presetm', sets['mnist']!.files),
      '--preset', 'two-layer', ...few)).code).toBe(0);
    const wrong = await kiln('train', ...data, '--net', END(10), ...few);
    expect(wrong.code).not.toBe(0);
    expect(wrong.err).toMatch(/cifar100 has 100 classes; end it in affine 100/);
  });

  test('a thousand classes', async () => {
    await writeFile(at('many.kilnset'), kilnset(3000, [1, 8, 8], 1000));
    const { code, err, events } = await kiln('train', '--data', at('many.kilnset'), '--net',
      'affine 1000 - softmax', '--epochs', '2', '--json', '--save', at('many.safetensors'));
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(events.at(-1)!['event']).toBe('done');
    const seen = await kiln('eval', at('many.safetensors'), '--data', at('many.kilnset'));
    expect(seen.code).toBe(0);
    expect(seen.out.split('\n').length).toBeGreaterThan(1000);
  });
});
