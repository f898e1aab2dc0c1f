// Files in and out of the page: CIFAR-10 by drop and picker, what the browser keeps, checkpoints.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { ask, button, loaded, openSite, stepOf, steps, visit, type Site } from './browser.js';

let site: Site;
const servers: Server[] = [];

beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await site?.close();
  for (const server of servers) server.close();
});

const RECORD = 3073;

/**
 * Records as in CIFAR-10's files: a label, then 32x32 of red, green and blue; each class a colour.
 */
function records(number: number, seed: number): Buffer {
  const bytes = Buffer.alloc(number * RECORD);
  let state = seed;
  for (let i = 0; i < number; i++) {
    const label = i % 10;
    bytes[i * RECORD] = label;
    for (let k = 1; k < RECORD; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const channel = Math.floor((k - 1) / 1024);
      bytes[i * RECORD + k] = ((label * (channel + 3) * 23) % 200) + (state >>> 27);
    }
  }
  return bytes;
}

async function drop(page: Page, files: { name: string; bytes: Buffer }[]): Promise<void> {
  const transfer = await page.evaluateHandle(
    (given) => {
      const data = new DataTransfer();
      for (const { name, text } of given) {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        data.items.add(new File([bytes], name));
      }
      return data;
    },
    files.map(({ name, bytes }) => ({ name, text: bytes.toString('base64') })),
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}

/** What a browser gives for a dropped folder: entries, some at a time. */
async function dropFolder(page: Page, files: { name: string; bytes: Buffer }[]): Promise<void> {
  await page.evaluate(
    (given) => {
      const file = ({ name, text }: (typeof given)[number]): object => ({
        isFile: true,
        file: (done: (file: File) => void) =>
          done(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name)),
      });
      const folder = (entries: object[]): object => ({
        isFile: false,
        createReader: () => ({
          readEntries: (done: (some: object[]) => void) => done(entries.splice(0, 1)),
        }),
      });
      const [first, ...others] = given;
      const outer = folder([file(first!), folder(others.map(file))]);
      const event = new Event('drop', { bubbles: true, cancelable: true });
      const items = [{ webkitGetAsEntry: () => outer }];
      Object.assign(event, { dataTransfer: { types: ['Files'], items, files: [] } });
      document.body.dispatchEvent(event);
    },
    files.map(({ name, bytes }) => ({ name, text: bytes.toString('base64') })),
  );
}

const FILES = [
  { name: 'data_batch_1.bin', bytes: records(1500, 1) },
  { name: 'test_batch.bin', bytes: records(200, 2) },
];

test('CIFAR-10 files that are dropped are trained on, kept and forgotten', async () => {
  const { page, errors, close } = await visit(site, { whole: true });
  await drop(page, FILES);
  const counts = page.locator('kiln-data-panel', {
    hasText: '1,350 training, 150 validation, 200',
  });
  await counts.waitFor();
  expect(await ask(page, (trainer) => trainer.dataset.classes[3])).toBe('cat');
  await button(page, 'Start').click();
  await steps(page, 3);
  await page.locator('kiln-data-panel', { hasText: 'is kept in this browser' }).waitFor();

  await page.reload();
  await loaded(page);
  await counts.waitFor(); // the address names the data set
  await button(page, 'Built-in set').click();
  await counts.waitFor({ state: 'hidden' });
  await button(page, 'CIFAR-10, kept here').click();
  await counts.waitFor();
  await button(page, 'Forget it').click();
  await button(page, 'CIFAR-10, kept here').waitFor({ state: 'hidden' });
  expect(errors).toEqual([]);
  await close();
});

test('a folder that is dropped is read with those in it, and without sidecars', async () => {
  const { page, errors, close } = await visit(site, { whole: true });
  await dropFolder(page, [
    ...FILES,
    { name: '._data_batch_1.bin', bytes: Buffer.from('of the file manager') },
    { name: '.DS_Store', bytes: Buffer.from('of the file manager') },
  ]);
  await page.locator('kiln-data-panel', { hasText: '1,350 training, 150 validation, 200' })
    .waitFor();
  expect(errors).toEqual([]);
  await close();
});

test('a file that is damaged is named, and the run is not lost', async () => {
  const { page, close } = await visit(site, { whole: true });
  await button(page, 'Start').click();
  await steps(page, 3);
  await drop(page, [
    { name: 'data_batch_2.bin', bytes: records(10, 3).subarray(0, 3073 * 9 + 100) },
  ]);
  const notice = page.locator('kiln-page .notice');
  await notice.waitFor();
  expect(await notice.textContent()).toContain('data_batch_2.bin');
  expect(await ask(page, (trainer) => trainer.dataset.name)).toBe('builtin');
  expect(await stepOf(page)).toBeGreaterThanOrEqual(3);
  await close();
});

test('files can be picked, also without test images', async () => {
  const { page, errors, close } = await visit(site, { whole: true });
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Open data' }).click();
  const [{ name, bytes }] = FILES as [(typeof FILES)[number]];
  await (await chooser).setFiles([{ name, mimeType: 'application/octet-stream', buffer: bytes }]);
  await page.locator('kiln-data-panel', { hasText: '1,350 training, 150 validation, 0' }).waitFor();
  await page.locator('kiln-layer-view', { hasText: 'Validation image 0' }).waitFor();
  expect(errors).toEqual([]);
  await close();
});

test('data are fetched from an address, when asked; what is in the way is told', async () => {
  const [{ bytes }] = FILES as [(typeof FILES)[number]];
  const server = createServer((request, response) => {
    if (!request.url!.startsWith('/closed/')) {
      response.setHeader('Access-Control-Allow-Origin', '*');
    }
    if (!request.url!.endsWith('.bin')) response.statusCode = 404;
    response.end(request.url!.endsWith('.bin') ? bytes : 'no');
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { page, close } = await visit(site, { whole: true });
  const panel = page.locator('kiln-data-panel');
  await panel.locator('summary', { hasText: 'address' }).click();
  const notice = page.locator('kiln-page .notice');
  for (const [path, said] of [
    ['closed/data_batch_1.bin', /no answer, or one that this page may not read/],
    ['none', /the server answers 404/],
    ['data_batch_1.bin', null],
  ] as const) {
    await panel.getByLabel('Address').fill(`http://127.0.0.1:${port}/${path}`);
    await button(page, 'Fetch').click();
    if (said) await notice.filter({ hasText: said }).waitFor();
    else await panel.filter({ hasText: '1,350 training, 150 validation' }).waitFor();
  }
  await notice.waitFor({ state: 'hidden' });
  await close();
});

test('a checkpoint comes back bit for bit, and the run goes on', async () => {
  const { page, errors, close } = await visit(site, { whole: true });
  await button(page, 'Start').click();
  await steps(page, 5);
  await button(page, 'Pause').click();
  await button(page, 'Continue').waitFor();
  const saved = await stepOf(page);
  const hash = await ask(page, (trainer) => trainer.hash());
  const downloading = page.waitForEvent('download');
  await button(page, 'Save').click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^kiln-epoch\d+-step\d+\.safetensors$/);
  const bytes = await readFile(await download.path());

  await page.getByLabel('Notation').fill('affine 10 - softmax');
  await button(page, 'Reset').click();
  await page.waitForFunction(() => location.hash.includes('net=affine'));
  await button(page, 'Start').waitFor();
  expect(await ask(page, (trainer) => trainer.hash())).not.toBe(hash);

  await drop(page, [{ name: 'run.safetensors', bytes }]);
  await page.locator('kiln-checkpoint-panel', { hasText: 'Opened run.safetensors' }).waitFor();
  expect(await ask(page, (trainer) => trainer.hash())).toBe(hash);
  expect(await stepOf(page)).toBe(saved);
  expect(await page.getByLabel('Notation').inputValue()).toContain('conv');
  await page.locator('kiln-loss-view .empty').waitFor({ state: 'hidden' });
  await button(page, 'Continue').click();
  await steps(page, saved + 3);
  expect(errors).toEqual([]);
  await close();
});

test('weights alone begin a new run, which keeps them until a reset is asked for', async () => {
  const { page, errors, close } = await visit(site, { whole: true });
  await button(page, 'Start').click();
  await steps(page, 5);
  await button(page, 'Pause').click();
  await button(page, 'Continue').waitFor();
  const hash = await ask(page, (trainer) => trainer.hash());
  const bytes = Buffer.from(
    await ask(page, async (trainer) => [...await trainer.exportParameters()]));
  await page.getByLabel('Notation').fill('affine 10 - softmax');
  await button(page, 'Reset').click();
  await page.waitForFunction(() => location.hash.includes('net=affine'));
  await button(page, 'Start').waitFor();

  await drop(page, [{ name: 'weights.safetensors', bytes }]);
  await page.locator('kiln-checkpoint-panel', { hasText: 'weights alone, no run' }).waitFor();
  expect(await ask(page, (trainer) => trainer.hash())).toBe(hash);
  expect(await ask(page, (trainer) => trainer.metrics === null)).toBe(true);
  expect(await page.getByLabel('Notation').inputValue()).toContain('conv');
  // A change that waits for a reset waits for one: before the first step too.
  await page.getByLabel('Notation').fill('affine 10 - svm');
  await button(page, 'Step').click();
  await steps(page, 1);
  expect(await ask(page, (trainer) => trainer.summary.notation)).toContain('conv');
  expect(errors).toEqual([]);
  await close();
});

test('weights of another program begin a run, and what went where is shown', async () => {
  const { page, errors, close } = await visit(site, { whole: true });
  await button(page, 'Step').click();
  await steps(page, 1);
  const hash = await ask(page, (trainer) => trainer.hash());
  const bytes = Buffer.from(await ask(page, async (trainer) => [...await trainer.export('npz')]));
  await button(page, 'Step').click();
  await steps(page, 2);
  await drop(page, [{ name: 'course.npz', bytes }]);
  const panel = page.locator('kiln-checkpoint-panel', { hasText: 'Opened course.npz' });
  await panel.waitFor();
  await panel.locator('tr', { hasText: 'conv1.w' }).waitFor();
  expect(await panel.locator('tr', { hasText: 'conv1.w' }).textContent()).toMatch(/W1as it is$/);
  expect(await ask(page, (trainer) => trainer.hash())).toBe(hash);
  expect(errors).toEqual([]);
  await close();
});

test('a file that is no checkpoint is refused with a sentence', async () => {
  const { page, close } = await visit(site, { whole: true });
  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Open…').click();
  const buffer = Buffer.from('not a checkpoint at all');
  await (await chooser).setFiles([{ name: 'other.safetensors', mimeType: '', buffer }]);
  const notice = page.locator('kiln-page .notice');
  await notice.waitFor();
  expect((await notice.textContent())!.length).toBeGreaterThan(20);
  await button(page, 'Start').click();
  await steps(page, 1);
  await close();
});
