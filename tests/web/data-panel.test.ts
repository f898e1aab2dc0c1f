// The panel of data: readings that are cancelled, what is kept and what is not, links to data.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { ask, button, loaded, openSite, stateOf, steps, visit, type Site } from './browser.js';

let site: Site;
let halting: Server;

beforeAll(async () => {
  site = await openSite();
  halting = createServer((_, response) => { // answers, and never sends what it promised
    response.writeHead(200, { 'Access-Control-Allow-Origin': '*', 'Content-Length': 1000 });
    response.flushHeaders();
  }).listen(0, '127.0.0.1');
  await once(halting, 'listening');
});
afterAll(async () => {
  await site?.close();
  halting?.closeAllConnections();
  halting?.close();
});

const RECORD = 3073;

/** A file of CIFAR-10's form: labels in turn, pixels of little interest. */
function batch(name: string, images: number): { name: string; mimeType: string; buffer: Buffer } {
  const buffer = Buffer.alloc(images * RECORD);
  for (let i = 0; i < buffer.length; i++) {
    buffer[i] = i % RECORD === 0 ? (i / RECORD) % 10 : (i * 2654435761) >>> 24;
  }
  return { name, mimeType: 'application/octet-stream', buffer };
}

async function pick(page: Page, ...files: ReturnType<typeof batch>[]): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Open data' }).click();
  await (await chooser).setFiles(files);
}

test('an address that sends nothing is cancelled, and blocks nothing', async () => {
  const { page, close } = await visit(site, { whole: true });
  await button(page, 'Start').click();
  await steps(page, 3);
  const panel = page.locator('kiln-data-panel');
  await panel.locator('summary', { hasText: 'address' }).click();
  const { port } = halting.address() as AddressInfo;
  await panel.getByLabel('Address').fill(`http://127.0.0.1:${port}/cifar-10-binary.tar.gz`);
  await button(page, 'Fetch').click();
  await button(page, 'Cancel').click();
  await button(page, 'Cancel').waitFor({ state: 'hidden' });
  expect(await page.locator('kiln-page .notice').count()).toBe(0);
  await page.locator('kiln-run-bar dd.state', { hasText: 'training' }).waitFor();
  await button(page, 'Fetch').click();
  await button(page, 'Cancel').waitFor();
  await button(page, 'Reset').click(); // and what is asked for next does not wait for it
  await page.locator('kiln-page .notice', { hasText: 'A new run.' }).waitFor();
  expect(await stateOf(page)).toBe('ready');
  expect(await ask(page, (trainer) => trainer.dataset.name)).toBe('builtin');
  await close();
});

test('what is kept is named, a link finds it again, and it can be removed', async () => {
  const { page, close } = await visit(site, { whole: true });
  await pick(page, batch('data_batch_1.bin', 1200), batch('test_batch.bin', 100));
  const panel = page.locator('kiln-data-panel');
  const kept = panel.getByText(/private storage: data_batch_1.bin, test_batch.bin, 3.99 MB/);
  await kept.waitFor();
  await page.waitForFunction(() => location.hash.includes('data=cifar10'));
  await page.reload();
  await loaded(page);
  await panel.getByText('1,080 training, 120 validation, 100').waitFor();
  await button(page, 'Built-in set').click();
  await page.waitForFunction(() => !location.hash.includes('data='));
  await button(page, 'Forget it').click();
  await panel.getByText('CIFAR-10 was removed').waitFor();
  await kept.waitFor({ state: 'hidden' });
  await close();
});

test('that the storage is full is said, and stays said', async () => {
  const { page, close } = await visit(site, { whole: true });
  const session = await page.context().newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 100_000 });
  await pick(page, batch('data_batch_1.bin', 1200));
  const said = page.locator('kiln-data-panel').getByText(/the data set works, but is not kept/);
  await said.waitFor();
  await page.waitForTimeout(1500);
  expect(await said.isVisible()).toBe(true);
  expect(await ask(page, (trainer) => trainer.dataset.name)).toBe('cifar10');
  await close();
});

test('a file whose name does not tell what it holds is asked about', async () => {
  const { page, close } = await visit(site, { whole: true });
  await pick(page, batch('data_batch_1.bin', 1200), batch('photos.bin', 60));
  const question = page.locator('kiln-page .notice', { hasText: '“photos.bin” is none of' });
  await question.waitFor();
  expect(await ask(page, (trainer) => trainer.dataset.name)).toBe('builtin');
  await button(page, 'Cancel').click();
  await question.waitFor({ state: 'hidden' });
  await pick(page, batch('data_batch_1.bin', 1200), batch('photos.bin', 60));
  await button(page, 'Test images').click();
  await page.locator('kiln-data-panel').getByText('1,080 training, 120 validation, 60').waitFor();
  await close();
});

test('samples that a new run interrupts are asked for again, and no alarm is given', async () => {
  const { page, close } = await visit(site, { whole: true });
  const names = page.locator('kiln-data-panel .sample span');
  await names.filter({ hasText: 'umbrella' }).waitFor();
  await ask(page, (trainer) => {
    const { predict } = trainer;
    const interrupted: typeof predict = async (split, indices) => {
      if (split !== 'train' || indices.length < 100) return predict(split, indices);
      Object.defineProperty(trainer, 'predict', { value: predict });
      await trainer.reset();
      throw Object.assign(new Error('predict: a new run began meanwhile'), { code: 'E_ABORTED' });
    };
    Object.defineProperty(trainer, 'predict', { value: interrupted });
  });
  await pick(page, batch('data_batch_1.bin', 120), batch('test_batch.bin', 20));
  await names.filter({ hasText: 'airplane' }).waitFor();
  expect(await page.locator('kiln-page .notice.alarm').allTextContents()).toEqual([]);
  await close();
});
