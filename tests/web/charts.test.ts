// The curves: their axis, what they say of a diverging run, values under a cursor, files, last run.

import { readFile } from 'node:fs/promises';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import {
  ask,
  becomes,
  button,
  ended,
  noted,
  openSite,
  steps,
  visit,
  type Site,
  type Visit,
} from './browser.js';

let site: Site;
let opened: Visit[] = [];

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());
afterEach(async () => {
  const visits = opened;
  opened = [];
  for (const { errors, close } of visits) {
    await close();
    expect(errors).toEqual([]);
  }
});

async function open(hash = '', options: object = {}): Promise<Page> {
  const opening = await visit(site, { hash, ...options });
  opened.push(opening);
  return opening.page;
}

/** Trains to the end, which `max-steps=` of the link says. */
async function run(page: Page): Promise<void> {
  await button(page, 'Start').click();
  await ended(page);
}

/** The numbers of a saved file, without its head. */
async function saved(page: Page, name: string): Promise<string[][]> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, name).click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
}

/** The drawing that a press saves. */
async function savedDrawing(page: Page, name: string): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, name).click(),
  ]);
  return readFile(await download.path(), 'utf8');
}

interface Drawing {
  root: string;
  width: number;
  height: number;
  words: string;
  texts: { text: string; x: number; y: number; anchor: string; size: number }[];
  /** The path of each curve, by its name: the last of that name, which the legend comes before. */
  curves: Record<string, string>;
  paths: string[];
}

/** What a drawing is made of. */
function partsOf(page: Page, drawing: string): Promise<Drawing> {
  return page.evaluate((text) => {
    const { documentElement: root } = new DOMParser().parseFromString(text, 'image/svg+xml');
    const sizeOf = (node: Element): number =>
      Number((node.closest('[font-size]') as Element).getAttribute('font-size'));
    const number = (node: Element, name: string): number => Number(node.getAttribute(name));
    const paths = [...root.querySelectorAll('path')];
    const d = (path: Element): string => path.getAttribute('d')!;
    return {
      root: root.nodeName,
      width: number(root, 'width'),
      height: number(root, 'height'),
      words: root.textContent!,
      texts: [...root.querySelectorAll('text')].map((node) => ({
        text: node.textContent!, x: number(node, 'x'), y: number(node, 'y'),
        anchor: node.getAttribute('text-anchor') ?? 'start', size: sizeOf(node),
      })),
      curves: Object.fromEntries(paths.filter((path) => path.querySelector('title'))
        .map((path) => [path.textContent!, d(path)])),
      paths: paths.map(d),
    };
  }, drawing);
}

/** Texts that reach out of a drawing, where a character is 0.55 of its size wide. */
function cutOff({ texts, width, height }: Drawing): string[] {
  return texts.filter(({ text, x, y, anchor, size }) => {
    const wide = 0.55 * size * text.length;
    const left = x - wide * ({ start: 0, middle: 0.5, end: 1 }[anchor] ?? NaN);
    return !(left >= 0 && left + wide <= width && y - size >= 0 && y <= height);
  }).map(({ text }) => text);
}

/** The labels of ticks below the x axis and left of the y axis, in order. */
function ticksOf({ texts }: Drawing): { x: string[]; y: string[] } {
  const labels = (anchor: string): string[] => texts.flatMap(({ text, anchor: of }) =>
    of === anchor && /\d/.test(text) ? [text] : []);
  return { x: labels('middle'), y: labels('end') };
}

/** Rows of the chart that hold pixels of a curve's colour: where that curve is. */
function rowsOf(page: Page, view: string, property: string): Promise<[number, number]> {
  return page.locator(`${view} .chart canvas`).evaluate((node, name) => {
    const canvas = node as HTMLCanvasElement;
    const probe = document.createElement('canvas').getContext('2d')!;
    probe.fillStyle = getComputedStyle(canvas).getPropertyValue(name);
    probe.fillRect(0, 0, 1, 1);
    const wanted = probe.getImageData(0, 0, 1, 1).data;
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, width * 0.8, height);
    const across = data.length / 4 / height;
    const rows: number[] = [];
    for (let i = 0; i < data.length; i += 4) {
      if ([0, 1, 2, 3].every((c) => data[i + c] === wanted[c])) rows.push(i / 4 / across);
    }
    return [Math.min(...rows) / height, Math.max(...rows) / height] as [number, number];
  }, property);
}

test('the axis follows a loss that blows up, and the view says so and names the cure', async () => {
  const page = await open('#lr=1000&schedule=constant&max-steps=40');
  await run(page);
  const view = page.locator('kiln-loss-view');
  await view.locator('.trouble').waitFor();
  expect(await view.locator('.trouble').textContent()).toMatch(
    /The loss grows: [\d.e]+ now, 2\.\d+ at first\..*learning rate.*lower it/,
  );
  // Not pinned to the top: the average lies within the chart.
  const drawn = (): Promise<[number, number]> => rowsOf(page, 'kiln-loss-view', '--accent');
  const [top] = await becomes(drawn, ([high]) => Number.isFinite(high));
  expect(top).toBeGreaterThan(0.06);
  expect(top).toBeLessThan(0.95);
});

test('a loss that is no number is said, and forgotten with the next run', async () => {
  const page = await open('#net=affine+100+-+relu+-+affine+10+-+softmax&lr=1000&optimizer=sgd');
  await button(page, 'Start').click();
  const view = page.locator('kiln-loss-view');
  await view.locator('.trouble', { hasText: 'no number any more' }).waitFor();
  await page.evaluate(async () => {
    const { trainer } = document.querySelector('kiln-page') as unknown as {
      trainer: { reset(change: object): Promise<void> };
    };
    await trainer.reset({ options: { lr: '0.001' } });
  });
  await view.locator('.trouble').waitFor({ state: 'hidden' });
});

test('of a run that recovers by itself goes back with it, and the rate follows', async () => {
  const net = 'conv+5x5x8+-+relu+-+maxpool+4+-+affine+10+-+softmax';
  const page = await open(`#net=${net}&optimizer=sgd&schedule=constant&lr=0.01&recover=1`);
  await button(page, 'Start').click();
  await steps(page, 10);
  const rate = page.getByLabel('Learning rate', { exact: true });
  const notices = await noted(page, 'kiln-page', '.notices'); // the next may follow at once
  await rate.fill('1000');
  await rate.press('Enter');
  await becomes(notices, (all) => all.some((text) => /went on from step \d+ with/.test(text)));
  const inUse = (): Promise<unknown> =>
    ask(page, async (trainer) => (await trainer.options())['lr']);
  await becomes(
    async () => [await rate.inputValue(), await inUse()],
    ([shown, used]) => shown === used && Number(used) < 1000,
  );
  const [, ...rows] = await saved(page, 'Loss, CSV');
  const places = rows.map(([step]) => Number(step));
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
});

test.each([
  ['the usual run', '#'],
  ['a linear SVM', '#net=affine+10+-+svm&lr=0.0001&optimizer=momentum&reg=0.1&'],
  ['a linear softmax', '#net=affine+10+-+softmax&lr=0.0003&optimizer=momentum&'],
])('%s is not scolded', async (_, hash) => {
  const page = await open(`${hash}max-steps=120`, { whole: true });
  const scolded = await noted(page, 'kiln-loss-view', '.trouble');
  await run(page);
  await page.locator('kiln-loss-view .empty').waitFor({ state: 'hidden' });
  expect((await scolded()).filter(Boolean)).toEqual([]);
});

test('values by keyboard and under the pointer, and a hint otherwise', async () => {
  const page = await open('#max-steps=30');
  await run(page);
  const chart = page.locator('kiln-loss-view .chart');
  await becomes(() => chart.getAttribute('aria-valuemax'), (last) => last === '30'); // all drawn
  const here = page.locator('kiln-loss-view .here');
  const hint = await here.textContent();
  await page.getByRole('slider', { name: 'Loss', exact: true }).focus();
  await page.keyboard.press('Home');
  expect(await here.textContent()).toMatch(/^Step 1: batch 2\.\d+, average 2\.\d+$/);
  await page.keyboard.press('ArrowRight');
  expect(await here.textContent()).toMatch(/^Step 2:/);
  expect(await chart.getAttribute('aria-valuenow')).toBe('2');
  expect(await chart.getAttribute('aria-valuetext')).toBe(await here.textContent());
  await page.keyboard.press('End');
  expect(await here.textContent()).toContain('Step 30:');
  await page.keyboard.press('Escape');
  expect(await here.textContent()).toBe(hint);
  const box = (await chart.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForFunction((text) => {
    const view = document.querySelector('kiln-page')!.shadowRoot!.querySelector('kiln-loss-view');
    return view!.shadowRoot!.querySelector('.here')!.textContent !== text;
  }, hint);
  expect(await here.textContent()).toMatch(/^Step \d+: batch/);
});

test('the numbers and the picture are saved by a press each', async () => {
  const page = await open('#train=640&epochs=2');
  await run(page);
  const all = (): Promise<string[][]> => saved(page, 'Loss, CSV');
  const [head, ...rows] = await becomes(all, ({ length }) => length === 21);
  expect(head).toEqual(['step', 'batch', 'average']); // there was no run before
  expect(rows.map(([step]) => step)).toEqual(Array.from({ length: 20 }, (_, i) => `${i + 1}`));
  const history = await ask(page, (trainer) => trainer.history());
  expect(rows.map(([, loss]) => Math.fround(Number(loss)))).toEqual(
    history.loss.map(([, loss]) => Math.fround(loss)), // told in as few digits as a float needs
  );
  const accuracies = await saved(page, 'Accuracy, CSV');
  const epochs = accuracies.filter(([, , train]) => train).slice(1);
  expect(
    epochs.map(([step, , train, val]) => [step, train, val].map((v) => Math.fround(Number(v)))),
  ).toEqual(
    history.epochs.map((e) =>
      [e.step, e.trainAccuracy, e.valAccuracy].map((v) => Math.fround(Number(v)))),
  );
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, 'Loss, PNG').click(),
  ]);
  const png = await readFile(await download.path());
  expect([...png.subarray(0, 4)]).toEqual([137, 80, 78, 71]);
  expect(png.length).toBeGreaterThan(2000);
  expect([png.readUInt32BE(16), png.readUInt32BE(20) > 700]).toEqual([1440, true]);
});

test('a saved drawing is a figure: axes, a grid, a curve each, and all of its text', async () => {
  const net = 'conv 3x3x2 - relu - conv 3x3x2 - relu - maxpool 8 - affine 10 - relu - affine 10 ' +
    '- relu - affine 10 - relu - affine 10 - relu - affine 10 - relu - affine 10 - softmax';
  const page = await open(`#train=192&epochs=7&batch=64&net=${encodeURIComponent(net)}`);
  await run(page);
  const loss = await partsOf(page, await savedDrawing(page, 'Loss, SVG'));
  expect(loss.root).toBe('svg');
  expect(loss.words).toMatch(/^\s*Loss\s/);
  expect(Object.keys(loss.curves)).toEqual(['batch', 'average']);
  const whole = loss.texts.map(({ text }) => text).join(' ');
  expect(whole).toContain(`${net} Loss batch average`); // in lines, every word of it
  expect(cutOff(loss)).toEqual([]);

  const svg = await savedDrawing(page, 'Accuracy, SVG');
  const accuracy = await partsOf(page, svg);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(cutOff(accuracy)).toEqual([]);
  expect(Object.keys(accuracy.curves)).toEqual(['batch', 'training', 'validation']);
  for (const name of ['training', 'validation']) { // a line through seven points, and the points
    expect(accuracy.curves[name]).toMatch(/^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+){6}$/);
    const points = accuracy.curves[name]!.slice(1).split('L');
    expect(accuracy.paths).toContain(points.map((point) => `M${point}h.01`).join(''));
  }
  const ticks = ticksOf(accuracy);
  expect(ticks.x).toEqual(['0', '5', '10', '15', '20']);
  expect(ticks.y).toEqual(['0 %', '20 %', '40 %', '60 %', '80 %', '100 %']);
  const lines = accuracy.paths.map((path) => path.match(/M/g)!.length);
  const all = ticks.x.length + ticks.y.length;
  expect(lines).toEqual(expect.arrayContaining([all, 1 + all])); // the grid; axes with their ticks
});

test('what was not measured is in no file: no point without validation images', async () => {
  const page = await open('#train=640&validation=0&epochs=2');
  await run(page);
  const all = (): Promise<string[][]> => saved(page, 'Accuracy, CSV');
  const rows = await becomes(all, (lines) => lines.filter(([, , train]) => train).length === 3);
  expect(rows[0]).toEqual(['step', 'batch', 'training']);
  const { curves, words } = await partsOf(page, await savedDrawing(page, 'Accuracy, SVG'));
  expect(Object.keys(curves)).toEqual(['batch', 'training']);
  expect(words).not.toMatch(/validation/);
});

test('the numbers that are saved are all, also while a chart waits for its frame', async () => {
  const page = await open('#train=640&epochs=2');
  await page.evaluate(() => {
    window.requestAnimationFrame = () => 0; // as in a page so busy that no frame comes
  });
  await button(page, 'Start').click();
  await ended(page);
  const rows = await saved(page, 'Loss, CSV');
  expect(rows.length).toBe(21);
});

test("the last run's curve stays faintly behind the new one", async () => {
  const page = await open('#max-steps=30');
  await run(page);
  await page.getByLabel('Seed', { exact: true }).fill('3');
  await button(page, 'Reset').click();
  await page.locator('kiln-page .notice', { hasText: 'A new run.' }).waitFor();
  const drawn = (): Promise<[number, number]> => rowsOf(page, 'kiln-loss-view', '--faint');
  const [top, bottom] = await becomes(drawn, ([high]) => Number.isFinite(high));
  expect(bottom).toBeGreaterThanOrEqual(top);
  await run(page);
  const both = (): Promise<string[][]> => saved(page, 'Loss, CSV');
  const [head, ...rows] = await becomes(both, (lines) => Number(lines.at(-1)![1]) > 0);
  expect(head!.at(-1)).toBe('last run');
  expect(rows.filter(([, , , before]) => before !== '')).toHaveLength(30);
  await page.locator('kiln-accuracy-view').waitFor();
});

test('forced colours draw the curves in system colours', async () => {
  const page = await open('#max-steps=20', { forcedColors: 'active' });
  await run(page);
  const drawn = (): Promise<[number, number]> => rowsOf(page, 'kiln-loss-view', '--accent');
  await becomes(drawn, ([top, bottom]) => bottom > top);
});
