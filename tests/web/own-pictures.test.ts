// People's own pictures: a zip or a folder is sorted into classes, seen, trained on, kept, saved as
// a file that the program trains on to the same parameters; what is wrong with files is said.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TextReader, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import axe from 'axe-core';
import type { Page } from 'playwright-core';

import {
  ask, becomes, button, ended, loaded, openSite, overflow, stepOf, steps, visit, type Site,
} from './browser.js';

let site: Site;
let folder: string;

beforeAll(async () => {
  site = await openSite();
  folder = await mkdtemp(join(tmpdir(), 'kiln-own-'));
});
afterAll(async () => {
  await site?.close();
  await rm(folder, { recursive: true });
});

/** A PNG of one colour, with its left half darker: red, green, blue. */
function png(width: number, height: number, rgb: number[]): Buffer {
  const chunk = (type: string, bytes: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), bytes]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(bytes.length);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  const row = Buffer.alloc(1 + 3 * width);
  for (let i = 0; i < 3 * width; i++) row[1 + i] = rgb[i % 3]! >> Number(i < 1.5 * width);
  const rows = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head),
    chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

const COLOURS: Record<string, number[]> = {
  cat: [200, 60, 40], dog: [40, 200, 60], newt: [60, 40, 200] };

/** So many pictures of each class, in folders below train and test. */
function pets(each: number): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(COLOURS).flatMap(([name, rgb]) =>
    Array.from({ length: each }, (_, i): [string, Buffer] => [
      `${i % 5 ? 'train' : 'test'}/${name}/${i}.png`,
      png(30 + i, 40, rgb.map((v) => v + i)),
    ])));
}

async function zip(files: Record<string, Buffer | string>): Promise<Buffer> {
  const writer = new ZipWriter(new Uint8ArrayWriter());
  for (const [name, bytes] of Object.entries(files)) {
    const from = typeof bytes === 'string' ? new TextReader(bytes) : new Uint8ArrayReader(bytes);
    await writer.add(name, from);
  }
  return Buffer.from(await writer.close());
}

async function pick(page: Page, name: string, buffer: Buffer): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Open data…').click();
  await (await chooser).setFiles([{ name, mimeType: '', buffer }]);
}

function train(file: string, mode: string, options: Record<string, string>): string {
  const program = mode === 'fused' ? 'build/native/kiln-fused' : 'build/native/kiln';
  const words = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const out = execFileSync(program, ['train', '--data', file, ...words, '--json'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return (JSON.parse(out.trim().split('\n').at(-1)!) as { parameterHash: string }).parameterHash;
}

test('a zip becomes classes that are seen, trained on, kept, and read by the program', async () => {
  const hash = '#net=conv+3x3x4+-+relu+-+maxpool+4+-+affine+10+-+softmax&batch=10&epochs=2';
  const { page, errors, close } = await visit(site, { whole: true, hash });
  const bomb = png(10, 10, [0, 0, 0]);
  bomb.writeUInt32BE(60000, 16);
  bomb.writeUInt32BE(60000, 20);
  // Who presses as soon as there is a button makes no set of nothing.
  await page.evaluate(() => {
    const root = document.querySelector('kiln-page')!.shadowRoot!;
    new MutationObserver((_, observer) => {
      const use = root.querySelector('kiln-own-pictures')?.shadowRoot!
        .querySelector<HTMLButtonElement>('button.main');
      if (use) observer.disconnect();
      use?.click();
    }).observe(root, { childList: true });
  });
  await pick(page, 'my pets.zip', await zip({
    ...pets(25),
    'train/cat/broken.png': 'no picture at all, though its name says so',
    'train/cat/bomb.png': bomb,
    'train/dog/notes.txt': 'not a picture',
    'train/dog/.hidden.png': png(9, 9, [1, 2, 3]),
    '__MACOSX/train/dog/._0.png': 'left by a file manager',
  }));
  const dialog = page.locator('kiln-own-pictures');
  await dialog.getByText('75 pictures: 61 to train with, 7 to validate and 7 to test').waitFor();
  expect(await dialog.getByLabel('Name of the set').inputValue()).toBe('my pets');
  expect(await dialog.getByLabel('Class', { exact: true }).evaluateAll((nodes) =>
    nodes.map((node) => (node as HTMLInputElement).value))).toEqual(['cat', 'dog', 'newt']);
  expect(await dialog.getByText('25 pictures', { exact: true }).count()).toBe(3);
  await dialog.getByText('2 files left out').click();
  await dialog.getByText('train/cat/broken.png cannot be read as a picture').waitFor();
  await dialog.getByText('train/cat/bomb.png is too large').waitFor();
  // Seen as the network will: the mean colour of a picture's halves.
  const seen = await dialog.getByRole('button', { name: 'test/newt/0.png' }).locator('canvas')
    .evaluate((node) => {
      const canvas = node as HTMLCanvasElement;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, 32, 32);
      return [canvas.width, ...data.slice(0, 3), ...data.slice(4 * 31, 4 * 31 + 3)];
    });
  expect(seen).toEqual([32, 30, 20, 100, 60, 40, 200]);
  const [download] = await Promise.all([
    page.waitForEvent('download'), button(page, 'Save as a file').click()]);
  expect(download.suggestedFilename()).toBe('my pets.kilnset');
  await button(page, 'Train on these pictures').click();
  const panel = page.locator('kiln-data-panel');
  await panel.getByText('61 training, 7 validation, 7 test images').waitFor();
  expect(await ask(page, ({ dataset: { name, classes } }) => [name, ...classes])).toEqual(
    ['my pets', 'cat', 'dog', 'newt']);
  // The net was made for ten classes, and is fitted to three.
  await page.waitForFunction(() => location.hash.includes('affine+3'));
  await button(page, 'Start').click();
  await ended(page);
  const [options, mode, own] = await ask(page, async (trainer) =>
    [await trainer.options(), trainer.backend.mode, await trainer.hash()] as const);
  const { net, batch, epochs, seed, lr, optimizer } = options as Record<string, string>;
  const file = join(folder, 'pets.kilnset');
  await writeFile(file, await readFile(await download.path()));
  expect(train(file, mode, { net, batch, epochs, seed, lr, optimizer } as Record<string, string>))
    .toBe(own);
  // After a reload it is offered by its name, and the link finds it.
  await page.reload();
  await loaded(page);
  await panel.getByText('61 training, 7 validation, 7 test images').waitFor();
  await button(page, 'my pets, kept here').waitFor();
  // A cell of the confusions shows its pictures; one gets another class, one is left out.
  await button(page, 'Evaluate now').click();
  const table = page.locator('kiln-confusion-view');
  await table.locator('tbody tr').first().waitFor();
  const cells = table.locator('tbody td:not(.recall)');
  const counts = await becomes(async () => (await cells.allTextContents()).map(Number),
    (numbers) => numbers.some((number) => number > 1));
  const at = counts.findIndex((number) => number > 1);
  const n = counts[at]!;
  await cells.nth(at).click();
  await button(page, 'Show its images').click();
  const shown = page.locator('.cell-pictures');
  await shown.getByText(`${n} images in all.`).waitFor();
  const truth = await shown.getByRole('combobox').first().inputValue();
  expect(truth).toBe(String(Math.floor(at / 3)));
  const other = String((Number(truth) + 1) % 3);
  await shown.getByRole('combobox').nth(0).selectOption(other);
  await shown.getByRole('combobox').nth(1).selectOption({ label: '(leave out)' });
  await shown.getByText('2 pictures are changed at the next reset.').waitFor();
  const [changed] = await Promise.all([page.waitForEvent('download'),
    button(page, 'Save the changed set as a file').click()]);
  await button(page, 'Close').click();
  await page.locator('kiln-page .notice', { hasText: '2 pictures are changed' }).waitFor();
  await button(page, 'Reset').click();
  await panel.getByText('60 training, 7 validation, 7 test images').waitFor();
  await page.locator('kiln-page .notice', { hasText: '2 pictures' }).waitFor({ state: 'hidden' });
  const after = JSON.parse(execFileSync('build/native/kiln',
    ['data', (await changed.path())!, '--json'], { encoding: 'utf8' })) as { hash: string };
  expect(await ask(page, (trainer) => trainer.dataset.hash)).toBe(after.hash);
  const before = await readFile(file);
  const now = await readFile((await changed.path())!);
  expect(before.length - now.length).toBe(3073);
  const numbers = (bytes: Buffer): number[] => {
    const records = bytes.subarray(bytes.indexOf('}\n') + 2);
    const labels = Array.from({ length: records.length / 3073 }, (_, i) => records[i * 3073]);
    return [0, 1, 2].map((k) => labels.filter((label) => label === k).length);
  };
  expect(numbers(before)).toEqual([25, 25, 25]);
  expect(numbers(now)).toEqual([0, 1, 2].map((k) =>
    25 - 2 * Number(String(k) === truth) + Number(String(k) === other)));
  expect(errors).toEqual([]);
  await close();
});

/** Drops files on the page, as from a folder of the system's; some at a time come in folders. */
async function drop(page: Page, files: Record<string, Buffer>): Promise<void> {
  await page.evaluate((given) => {
    const items = given.map(({ path, text }) => ({
      webkitGetAsEntry: () => ({
        isFile: true,
        file: (done: (file: File) => void) => done(new File(
          [Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], path.split('/').pop()!)),
      }),
    }));
    const event = new Event('drop', { bubbles: true, cancelable: true });
    Object.assign(event, { dataTransfer: { types: ['Files'], items, files: [] } });
    document.body.dispatchEvent(event);
  }, Object.entries(files).map(([path, bytes]) => ({ path, text: bytes.toString('base64') })));
}

/** Loose files of one beginning. */
function loose(name: string, n: number, rgb: number[]): Record<string, Buffer> {
  return Object.fromEntries(Array.from({ length: n }, (_, i) =>
    [`${name}${i + 1}.png`, png(20, 20, rgb.map((v) => v + i))]));
}

test('loose files and folders are sorted by hand; what is under way goes on', async () => {
  const { page, errors, close } = await visit(site, { viewport: { width: 320, height: 800 } });
  page.on('dialog', (asked) => void asked.accept());
  await button(page, 'Start').click();
  await steps(page, 3);
  const before = await stepOf(page);
  // More than are shown to the network by themselves; names that cameras give tell no class.
  await drop(page, loose('IMG_', 8, [200, 40, 40]));
  const dialog = page.locator('kiln-own-pictures');
  await dialog.getByText('8 pictures have no class yet').waitFor();
  await dialog.getByText('A data set has at least two classes').waitFor();
  expect(await button(page, 'Train on these pictures').isDisabled()).toBe(true);
  const names = dialog.getByLabel('Class', { exact: true });
  await names.first().fill('red');
  // Names that do tell, and a broken one; a drop adds to the open dialog.
  await drop(page, { ...loose('sky.', 4, [60, 60, 200]), ...loose('leaf.', 4, [60, 200, 60]),
    'leaf.9.png': Buffer.from('none') });
  await dialog.getByText('16 pictures: 14 to train with, 1 to validate and 1 to test').waitFor();
  await dialog.getByText('Fewer than 20 pictures: “red”, “leaf”, “sky”').waitFor();
  await dialog.getByText('1 file left out').waitFor();
  // Two are marked and become a class of their own, one is left out.
  for (const name of ['IMG_1.png', 'IMG_2.png']) {
    await dialog.getByRole('button', { name, exact: true }).click();
  }
  await dialog.getByText('2 pictures marked').waitFor();
  expect(await overflow(page)).toBe(0);
  await page.evaluate(axe.source);
  expect(await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const found = await axe.run(document.querySelector('kiln-page')!, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return found.violations.map(({ help, nodes }) => [help, ...nodes.map(({ html }) => html)]);
  })).toEqual([]);
  await dialog.getByLabel('These are of class').fill('crimson');
  await button(page, 'Move').click();
  await dialog.getByRole('button', { name: 'IMG_3.png', exact: true }).click();
  await button(page, 'Leave out').click();
  await dialog.getByText('15 pictures: 13 to train with').waitFor();
  expect(await names.evaluateAll((nodes) =>
    nodes.map((node) => (node as HTMLInputElement).value))).toEqual(
    ['red', 'leaf', 'sky', 'crimson']);
  await dialog.getByLabel('Size').selectOption('28');
  await dialog.getByLabel('Colours').selectOption('1');
  const first = dialog.getByRole('button', { name: 'sky.1.png' }).locator('canvas');
  await becomes(() => first.evaluate((node) => (node as HTMLCanvasElement).width), (w) => w === 28);
  await button(page, 'Cancel').click();
  await dialog.waitFor({ state: 'detached' });
  expect(await stepOf(page)).toBeGreaterThanOrEqual(before);
  expect(await ask(page, (trainer) => trainer.dataset.name)).toBe('builtin');
  // A zip that is none, and one without a picture.
  await drop(page, { 'cut.zip': (await zip(pets(2))).subarray(0, 300) });
  await dialog.getByText('cut.zip cannot be unpacked').waitFor();
  expect(await dialog.getByText('to train with').count()).toBe(0);
  await drop(page, { 'empty.zip': await zip({ 'a.txt': 'none' }) });
  await dialog.getByText('2 files left out').waitFor();
  await drop(page, { 'outer.zip': await zip({ 'in/pets.zip': await zip(pets(2)) }) });
  await dialog.getByText('in/pets.zip is a zip in a zip: unpack it').waitFor();
  await dialog.getByText('There are no pictures among these files.').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(errors).toEqual([]);
  await close();
});

test('a folder is opened, grey and fitted', async () => {
  const { page, close } = await visit(site, {
    whole: true, hash: '#net=affine+10+-+svm&batch=5&epochs=1' });
  for (const [path, bytes] of Object.entries(pets(6))) {
    const file = join(folder, 'zoo', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Open a folder…').click();
  await (await chooser).setFiles(join(folder, 'zoo'));
  const dialog = page.locator('kiln-own-pictures');
  await dialog.getByText('18 pictures: 16 to train with').waitFor();
  expect(await dialog.getByLabel('Name of the set').inputValue()).toBe('zoo');
  await dialog.getByLabel('Size').selectOption('28');
  await dialog.getByLabel('Other proportions').selectOption('pad');
  await dialog.getByLabel('Colours').selectOption('1');
  await dialog.getByText('18 pictures: 16 to train with').waitFor();
  await button(page, 'Train on these pictures').click();
  await page.locator('kiln-data-panel').getByText('16 training, 1 validation, 1 test').waitFor();
  expect(await ask(page, ({ dataset: { shape, classes } }) => [...shape, ...classes]))
    .toEqual([1, 28, 28, 'cat', 'dog', 'newt']);
  // 30 + i wide and 40 high: white columns beside the picture, a share of one at its border.
  const corner = await ask(page, async (trainer) =>
    (await trainer.predict('train', [0]))[0]!.image.slice(0, 28));
  expect(corner[0]).toBe(255);
  expect(corner[14]).toBeLessThan(200);
  await button(page, 'Start').click();
  await ended(page);
  await close();
});

/** A zip of one picture under so many names, stored; zip64, which has more than 65,535 entries. */
function zipOfMany(names: string[], bytes: Buffer): Buffer {
  const common = Buffer.alloc(26); // version, flags, method, time, checksum, sizes, lengths
  common.writeUInt16LE(45);
  common.writeUInt32LE(crc32(bytes), 10);
  common.writeUInt32LE(bytes.length, 14);
  common.writeUInt32LE(bytes.length, 18);
  const files: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const text of names) {
    const name = Buffer.from(text);
    common.writeUInt16LE(name.length, 22);
    const file = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, bytes]);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 'latin1');
    common.copy(entry, 6);
    entry.writeUInt32LE(at, 42);
    files.push(file);
    list.push(entry, name);
    at += file.length;
  }
  const size = list.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(98); // zip64's end of 56 bytes, its locator of 20, the plain end of 22
  end.write('PK\x06\x06', 'latin1');
  end.writeUInt32LE(44, 4);
  for (const k of [24, 32]) end.writeUInt32LE(names.length, k);
  end.writeUInt32LE(size, 40);
  end.writeUInt32LE(at, 48);
  end.write('PK\x06\x07', 56, 'latin1');
  end.writeUInt32LE(at + size, 64);
  end.writeUInt32LE(1, 72);
  end.write('PK\x05\x06', 76, 'latin1');
  end.fill(255, 84, 96);
  return Buffer.concat([...files, ...list, end]);
}

test('more than a set may have are told before they are read', async () => {
  const { page, errors, close } = await visit(site);
  page.on('dialog', (asked) => void asked.accept());
  const many = Array.from({ length: 66_000 }, (_, i) => `cat/${i}.png`);
  const few = ['dog', 'newt'].flatMap((name) =>
    Array.from({ length: 20 }, (_, i) => `${name}/${i}.png`));
  await pick(page, 'many.zip', zipOfMany([...many, ...few], png(2, 2, [90, 80, 70])));
  const dialog = page.locator('kiln-own-pictures');
  await dialog.getByText('66,040 pictures are too many: a set of this size has at most 65,081')
    .waitFor();
  // Nothing is read but what is seen, a dozen of each class, and nothing is waited for.
  const drawn = (): Promise<number> => dialog.locator('.tile canvas').evaluateAll((nodes) =>
    nodes.filter((node) => (node as HTMLCanvasElement).getContext('2d')!
      .getImageData(0, 0, 1, 1).data[3] === 255).length);
  await becomes(drawn, (n) => n === 36);
  expect(await dialog.locator('progress').isVisible()).toBe(false);
  expect(await button(page, 'Train on these pictures').isDisabled()).toBe(true);
  await dialog.getByRole('button', { name: 'Leave out the class' }).first().click();
  await dialog.getByText('40 pictures: 32 to train with, 4 to validate and 4 to test').waitFor();
  expect(await button(page, 'Train on these pictures').isEnabled()).toBe(true);
  await button(page, 'Cancel').click();
  await dialog.waitFor({ state: 'detached' });
  expect(errors).toEqual([]);
  await close();
});
