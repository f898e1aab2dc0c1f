// Data sets of other sizes, colours and numbers of classes through the page: read, the net fitted,
// trained on, looked at in every view, a picture classified, saved, gone on with, exported, kept.

import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import {
  ask, becomes, button, ended, loaded, openSite, stateOf, visit, type Site,
} from './browser.js';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

interface Picked { name: string; buffer: Buffer }

/** Pixels of an image: noise, and a bright bar where its label says. */
function image(label: number, size: number): Buffer {
  const pixels = Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 2654435761) >>> 26));
  return pixels.fill(255, (label * 8) % size, (label * 8) % size + 8);
}

function mnist(kind: string, n: number): Picked[] {
  const head = (...words: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * words.length);
    words.forEach((word, i) => bytes.writeUInt32BE(word, 4 * i));
    return bytes;
  };
  const labels = Array.from({ length: n }, (_, i) => i % 10);
  const images = labels.map((label) => image(label, 784));
  return [
    [`${kind}-images-idx3-ubyte.gz`, Buffer.concat([head(0x803, n, 28, 28), ...images])],
    [`${kind}-labels-idx1-ubyte.gz`, Buffer.concat([head(0x801, n), Buffer.from(labels)])],
  ].map(([name, bytes]) => ({ name: name as string, buffer: gzipSync(bytes as Buffer) }));
}

function cifar100(name: string, n: number): Picked {
  return { name, buffer: Buffer.concat(Array.from({ length: n }, (_, i) =>
    Buffer.concat([Buffer.from([i % 20, i % 100]), image(i % 100, 3072)]))) };
}

function kilnset(): Picked {
  const head = { name: 'flags', shape: [3, 20, 64], classes: ['at', 'be', 'ch'], count: 90 };
  return { name: 'flags.kilnset', buffer: Buffer.concat([
    Buffer.from(`KILNSET 1\n${JSON.stringify(head)}\n`),
    ...Array.from({ length: 90 }, (_, i) =>
      Buffer.concat([Buffer.from([i % 3]), image(i % 3, 3840)]))]) };
}

const names = Array.from({ length: 100 }, (_, i) => `thing_${i}`).join('\n');
const SETS: [string, { files: Picked[]; shape: number[]; classes: number; counts: RegExp }][] = [
  ['mnist', { files: [...mnist('train', 120), ...mnist('t10k', 40)], shape: [1, 28, 28],
    classes: 10, counts: /108 training, 12 validation, 40 test/ }],
  ['cifar100', { shape: [3, 32, 32], classes: 100, counts: /270 training, 30 validation, 100 test/,
    files: [cifar100('train.bin', 300), cifar100('test.bin', 100),
      { name: 'fine_label_names.txt', buffer: Buffer.from(`${names}\n`) }] }],
  ['flags', { files: [kilnset()], shape: [3, 20, 64], classes: 3,
    counts: /72 training, 9 validation, 9 test/ }],
];

test.each(SETS)('%s goes through the page', async (name, { files, shape, classes, counts }) => {
  const net = 'conv 3x3x4 stride 2 - relu - maxpool 2 - affine 10 - softmax';
  const hash = `#${new URLSearchParams({ net, batch: '20', epochs: '1' })}`;
  const { page, errors, close } = await visit(site, { whole: true, hash });
  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Open data…').click();
  await (await chooser).setFiles(files.map((file) => ({ ...file, mimeType: '' })));
  await page.locator('kiln-data-panel').getByText(counts).waitFor();
  const info = await ask(page, ({ dataset }) => [dataset.name, ...dataset.shape,
    dataset.classes.length]);
  expect(info).toEqual([name, ...shape, classes]);
  expect(await page.getByLabel('Notation').inputValue()).toBe(net.replace('10', String(classes)));
  await button(page, 'Start').click();
  await ended(page);
  // The views.
  const [, height, width] = shape;
  const card = page.locator('kiln-prediction-view button.card canvas').first();
  await card.scrollIntoViewIfNeeded();
  await becomes(() => card.evaluate((node) => {
    const { width: w, height: h } = node as HTMLCanvasElement;
    return [w, h];
  }), ([w, h]) => w === width && h === height);
  await button(page, 'Evaluate now').click();
  await page.locator('kiln-confusion-view tbody tr').first().waitFor();
  const layers = page.locator('kiln-layer-view');
  await layers.scrollIntoViewIfNeeded();
  await layers.getByRole('region', { name: 'conv1' }).waitFor();
  // A picture of one's own, and its way through the layers.
  const photo = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(90, 50);
    canvas.getContext('2d')!.fillRect(0, 0, 40, 50);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  });
  const picked = page.waitForEvent('filechooser');
  await button(page, 'Choose a picture…').click();
  await (await picked).setFiles([
    { name: 'mine.png', mimeType: 'image/png', buffer: Buffer.from(photo) }]);
  await page.locator('kiln-photo-view .share', { hasText: '%' }).first().waitFor();
  await button(page, 'mine.png through the layers').click();
  await layers.getByText(/mine\.png, taken for .*; gradients as if it were/).waitFor();
  // Out: a checkpoint that is gone on with, and other programs' files.
  const parameters = await ask(page, (trainer) => trainer.hash());
  const [saved] = await Promise.all([
    page.waitForEvent('download'), button(page, 'Save').click()]);
  await page.getByText('Choose a format').click();
  for (const format of ['onnx', 'npz']) {
    await page.getByLabel('Format').selectOption(format);
    const [file] = await Promise.all([
      page.waitForEvent('download'), button(page, 'Download').click()]);
    expect((await readFile((await file.path())!)).length).toBeGreaterThan(1000);
  }
  await page.reload();
  await loaded(page);
  await page.locator('kiln-data-panel').getByText(counts).waitFor(); // which was kept
  const open = page.waitForEvent('filechooser');
  await button(page, 'Open…').click();
  await (await open).setFiles((await saved.path())!);
  await page.getByText('the run goes on where it was saved').waitFor();
  expect(await ask(page, (trainer) => trainer.hash())).toBe(parameters);
  expect(await stateOf(page)).toBe('done');
  // On other images of this kind it is not gone on with, which says why, but evaluated.
  const { test } = await ask(page, ({ dataset }) => dataset);
  await page.locator('kiln-option-panel summary', { hasText: 'More settings' }).click();
  await page.getByLabel('Training images', { exact: true }).fill('50');
  await page.keyboard.press('Enter');
  await button(page, 'Reset').click();
  await becomes(() => ask(page, ({ dataset }) => dataset.train), (n) => n === 50);
  const again = page.waitForEvent('filechooser');
  await button(page, 'Open…').click();
  await (await again).setFiles((await saved.path())!);
  const notice = page.locator('kiln-page .notice');
  await notice.filter({ hasText: `other images of the data set ${name}` }).waitFor();
  const split = test > 0 ? 'test' : 'validation';
  expect(await ask(page, (trainer) => trainer.metrics?.step ?? 0)).toBe(0);
  await button(page, 'Evaluate it on these data').click();
  await notice.filter({ hasText: new RegExp(`gets \\d+ of ${test} ${split} images`) }).waitFor();
  expect(errors).toEqual([]);
  await close();
});
