// A folder of folders of pictures as a data set of the command line.

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { chunk, png } from './png.js';
import { kiln, kilnWith, type Event } from './program.js';

let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-pictures-'));
  for (const [c, name] of ['dark', 'light'].entries()) {
    await mkdir(at(`set/${name}`), { recursive: true });
    for (let i = 0; i < 30; i++) {
      const level = 40 + 150 * c + i;
      await writeFile(at(`set/${name}/${i}.png`), png(40 + i, 50, () => [level, level, 20]));
    }
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function info(...args: string[]): Promise<Event> {
  const { code, err, events } = await kiln('data', at('set'), '--json', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return events[0]!;
}

test('each folder is a class; a seed splits them, of every class its share', async () => {
  const set = await info();
  expect(set).toMatchObject({
    name: 'pictures', classes: ['dark', 'light'], shape: [3, 32, 32],
    train: 48, validation: 6, test: 6,
  });
  expect(await info()).toEqual(set);
  expect((await info('--data-seed', '2'))['hash']).not.toBe(set['hash']);
  expect(await info('--input', '1x28x28')).toMatchObject({ shape: [1, 28, 28] });
});

test('a net learns it, and its checkpoint is evaluated on it', async () => {
  const run = at('run.safetensors');
  const { code, events } = await kiln('train', '--data', at('set'), '--net', 'affine 2 - softmax',
    '--epochs', '20', '--batch', '16', '--save', run, '--json', '--quiet');
  expect({ code, accuracy: events.at(-1)!['testAccuracy'] }).toEqual({ code: 0, accuracy: 1 });
  expect((await kiln('eval', run, '--data', at('set'), '--json')).events[0])
    .toMatchObject({ accuracy: 1, count: 6 });
});

test('a model tells the classes of pictures, and which it could not read', async () => {
  const run = at('run.safetensors');
  const [dark, light] = [at('set/dark/3.png'), at('set/light/3.png')];
  const { code, err, events } = await kiln('predict', run, dark, light, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(events.map(({ file, class: said }) => [file, said]))
    .toEqual([[dark, 'dark'], [light, 'light'], [undefined, undefined]]);
  const { dark: a, light: b } = events[0]!['probabilities'] as Record<string, number>;
  expect(a! + b!).toBeCloseTo(1, 5);
  expect(events.at(-1)).toMatchObject({ event: 'done', pictures: 2, unreadable: 0 });

  const top = await kiln('predict', run, light, '--top', '1');
  expect(top.out).toMatch(/^\S+light\/3\.png\n {2}[ \d.]+ % {2}light\n$/);

  const cut = at('cut.png');
  await writeFile(cut, (await readFile(dark)).subarray(0, 60));
  const some = await kiln('predict', run, cut, at('nowhere.png'), light, '--json');
  expect(some.code).toBe(3);
  expect(some.err).toMatch(/cut\.png: the PNG cannot be read: \S.*\n.*nowhere\.png: No such file/);
  expect(some.events[0]).toMatchObject({ event: 'picture', file: light, class: 'light' });
  expect(some.events.at(-1)).toMatchObject({ pictures: 1, unreadable: 2 });

  const grey = at('grey.safetensors'); // another size, one channel
  await kiln('train', '--data', at('set'), '--input', '1x28x28', '--net', 'affine 2 - svm',
    '--epochs', '20', '--batch', '16', '--save', grey, '--quiet');
  expect((await kiln('predict', grey, light, '--json')).events[0])
    .toMatchObject({ class: 'light' });

  for (const [args, told] of [[[], /which model\?/], [[run], /which pictures\?/],
    [[light, light], /3\.png/], [[run, light, '--top', '0'], /--top/],
    [[run, light, '--views', '3'], /views/]] as [string[], RegExp][]) {
    const refused = await kiln('predict', ...args);
    expect([args, refused.code !== 0, refused.err]).toEqual(
      [args, true, expect.stringMatching(told)]);
  }
});

test('a picture, or the model, comes from standard input', async () => {
  const run = at('run.safetensors');
  const picture = await readFile(at('set/light/3.png'));
  const piped = await kilnWith(picture, 'predict', run, '-', at('set/dark/3.png'), '--json');
  const named = await kiln('predict', run, at('set/light/3.png'), at('set/dark/3.png'), '--json');
  expect(piped.events).toEqual(named.events.map((event, i) => i ? event : { ...event, file: '-' }));
  expect((await kilnWith(picture, 'predict', run, '-', '--top', '1')).out)
    .toMatch(/^standard input\n {2}[ \d.]+ % {2}light\n$/);
  expect((await kilnWith(await readFile(run), 'predict', '-', at('set/light/3.png'))).out)
    .toMatch(/3\.png\n {2}[ \d.]+ % {2}light\n/);

  const layers = await kilnWith(picture, 'predict', run, '-', '--layers', at('views'));
  expect(layers.out).toMatch(/ 5 pictures of its layers: \S+views\/stdin-\*\.png\n/);
  expect(await readdir(at('views'))).toContain('stdin-00-input.png');

  for (const [bytes, told] of [[Buffer.alloc(0), /standard input: the file is empty/],
    [picture.subarray(0, 60), /standard input: \S/]] as [Buffer, RegExp][]) {
    const { code, out, err } = await kilnWith(bytes, 'predict', run, '-');
    expect({ code, out, err }).toEqual({ code: 3, out: '', err: expect.stringMatching(told) });
  }
  expect((await kiln('predict', '--help')).out).toMatch(/- for standard input/);
});

test.each([
  ['predict', '-', '-'],
  ['predict', 'model.safetensors', '-', '-'],
  ['eval', '-', '--data', '-'],
  ['train', '--resume', '-', '--data', '-'],
  ['train', '--init-from', '-', '--data', '-'],
  ['report', '-', '-'],
  ['verify', '-', '--data', '-'],
])('%s %s %s %s: standard input is read once', async (...args) => {
  const { code, out, err } = await kilnWith(Buffer.from('x'), ...args);
  expect({ code, out, err }).toEqual(
    { code: 2, out: '', err: expect.stringMatching(/^kiln: - is standard input, .* once/) });
});

test('it is saved as one file, which is the same set', async () => {
  expect((await kiln('data', at('set'), '--save', at('set.kilnset'), '--quiet')).code).toBe(0);
  const { events } = await kiln('data', at('set.kilnset'), '--json');
  const { hash, train } = await info();
  expect(events[0]).toMatchObject({ hash, train });
  expect((await readFile(at('set.kilnset'))).subarray(0, 9).toString()).toBe('KILNSET 1');
});

test('a PNG is turned as its camera was held, as the page does', async () => {
  const halves = png(32, 32, (x) => x < 16 ? [255, 0, 0] : [0, 0, 255]);
  // TIFF, big-endian, with one entry: 0x0112, a short, 6: the first column is the top.
  const exif = chunk('eXIf', Buffer.from(
    '4d4d002a000000080001' + '0112000300000001' + '00060000' + '00000000', 'hex'));
  const turned = Buffer.concat([halves.subarray(0, 33), exif, halves.subarray(33)]);
  for (const name of ['a', 'b']) {
    await mkdir(at(`turned/${name}`), { recursive: true });
    for (let i = 0; i < 10; i++) await writeFile(at(`turned/${name}/${i}.png`), turned);
  }
  const to = at('turned.kilnset');
  expect((await kiln('data', at('turned'), '--save', to, '--quiet')).code).toBe(0);
  const bytes = await readFile(to);
  const red = bytes.subarray(bytes.indexOf('\n', 10) + 2);
  expect([red[0], red[31], red[31 * 32], red[1023]]).toEqual([255, 255, 0, 0]);
});

test('a folder whose name no class can have is told by its name', async () => {
  const picture = await readFile(at('set/dark/3.png'));
  for (const [i, name] of ['two\nlines', 'x'.repeat(64)].entries()) {
    for (const c of [name, 'light']) {
      await mkdir(at(`names-${i}/${c}`), { recursive: true });
      await writeFile(at(`names-${i}/${c}/1.png`), picture);
    }
    const { code, out, err } = await kiln('data', at(`names-${i}`));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(/names-\d\/(two\?lines|x{64}): no class has such .* rename the folder/);
  }
});

test('a picture of other proportions is cut about its middle, or kept with white', async () => {
  // 64 by 32: red, then green in the middle half, then blue.
  const bands = png(64, 32, (x) => x < 16 ? [255, 0, 0] : x < 48 ? [0, 255, 0] : [0, 0, 255]);
  for (const name of ['a', 'b']) {
    await mkdir(at(`bands/${name}`), { recursive: true });
    for (let i = 0; i < 10; i++) await writeFile(at(`bands/${name}/${i}.png`), bands);
  }
  const pixels = async (...fit: string[]): Promise<number[][]> => {
    const to = at('bands.kilnset');
    expect((await kiln('data', at('bands'), '--save', to, '--quiet', ...fit)).code).toBe(0);
    const bytes = await readFile(to);
    const image = bytes.subarray(bytes.indexOf('\n', 10) + 2);
    return [[0, 0], [16, 0], [16, 16], [16, 31], [31, 0]]
      .map(([y = 0, x = 0]) => [0, 1, 2].map((c) => image[c * 1024 + y * 32 + x]!));
  };
  const [red, green, blue, white] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
  expect(await pixels()).toEqual([green, green, green, green, green]);
  expect(await pixels('--fit', 'crop')).toEqual([green, green, green, green, green]);
  expect(await pixels('--fit', 'pad')).toEqual([white, red, green, blue, white]);
});

test('what is no picture is named and left out; the rest is read', async () => {
  const good = png(8, 8, () => [1, 2, 3]);
  for (const name of ['a', 'b']) {
    await mkdir(at(`mixed/${name}/deeper`), { recursive: true });
    for (let i = 0; i < 10; i++) await writeFile(at(`mixed/${name}/${i}.png`), good);
  }
  await writeFile(at('mixed/a/cut.png'), good.subarray(0, 50));
  await writeFile(at('mixed/a/cut.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]));
  await writeFile(at('mixed/b/notes.txt'), 'hello');
  await writeFile(at('mixed/b/moving.gif'), 'GIF89a and so on');
  await writeFile(at('mixed/b/.DS_Store'), 'x');
  await writeFile(at('mixed/loose.png'), good);
  const { code, err, events } = await kiln('data', at('mixed'), '--json');
  expect({ code, count: events[0]!['train'] }).toEqual({ code: 0, count: 16 });
  for (const told of [/a\/cut\.png: /, /a\/cut\.jpg: /, /notes\.txt: is no picture/,
    /moving\.gif: is a GIF picture; kiln reads PNG and JPEG here/, /loose\.png: not in the folder/,
    /a\/deeper: a folder in the folder of a class/]) expect(err).toMatch(told);
  expect(err).not.toMatch(/DS_Store/);
});

test('wrong forms, one class and few pictures are told', async () => {
  await mkdir(at('one/a'), { recursive: true });
  await writeFile(at('one/a/1.png'), png(8, 8, () => [1, 2, 3]));
  await mkdir(at('empty'));
  const cases: [string[], number, RegExp][] = [
    [['data', at('one')], 3,
      /few pictures: 1 of 1 classes have fewer than 10.*\n.*pictures of 1 class; a data set has/],
    [['data', at('set'), '--input', '4x32x32'], 2,
      /--input: pictures become 1xHxW \(grey\) or 3xHxW/],
    [['data', at('set'), '--input', '3x65x32'], 2, /H and W from 1 to 64, not "3x65x32"/],
    [['data', at('set'), '--fit', 'squash'], 2, /--fit: "squash" is neither crop nor pad/],
    [['data', '--fit', 'pad'], 2, /--fit says how a folder of pictures is read/],
    [['train', '--input', '3x28x28', '--max-steps', '1'], 2,
      /--input says how a folder of pictures is read; these data are none/],
    [['data', at('one/a')], 3, /is a PNG picture; a picture is no data set/],
    [['data', at('empty')], 3, /neither files of a data set nor folders of pictures/],
  ];
  for (const [args, code, told] of cases) {
    const result = await kiln(...args);
    expect(result.err).toMatch(told);
    expect({ args, code: result.code }).toEqual({ args, code });
  }
});
