// Two tabs of one site share the private storage: neither destroys what the other stores or reads,
// and what a closed tab leaves behind is removed. Chromium's own storage and locks.

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';

import { ask, button, loaded, openSite, type Site } from './browser.js';

const RECORD = 3073;
const HASH = '#net=affine+10+-+softmax&train=100&validation=20&test=20';

interface Batch { name: string; mimeType: string; buffer: Buffer }

/** A file of CIFAR-10's form, other pixels for each seed. */
function batch(name: string, images: number, seed: number): Batch {
  const buffer = Buffer.alloc(images * RECORD);
  for (let i = 0; i < buffer.length; i++) {
    buffer[i] = i % RECORD === 0 ? (i / RECORD) % 10 : Math.imul(i + seed, 2654435761) >>> 24;
  }
  return { name, mimeType: 'application/octet-stream', buffer };
}

const files = (images: number, seed: number): Batch[] =>
  [1, 2, 3].map((n) => batch(`data_batch_${n}.bin`, images, 10 * seed + n));
const one = files(400, 1);
const other = files(600, 2);

let site: Site;
let server: Server;
/** Downloads that got their first half. */
let halves: ServerResponse[] = [];

beforeAll(async () => {
  site = await openSite();
  server = createServer((_, response) => {
    const { buffer } = other[0]!;
    response.writeHead(200, {
      'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin',
      'content-length': buffer.length,
    });
    response.write(buffer.subarray(0, buffer.length / 2));
    halves.push(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  await site?.close();
  server?.closeAllConnections();
  server?.close();
});

let context: BrowserContext;
beforeEach(async () => {
  halves = [];
  context = await site.browser.newContext();
});
afterEach(() => context.close());

async function open(hash = HASH): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.address + hash);
  await loaded(page);
  return page;
}

async function pick(page: Page, given: Batch[]): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Open data' }).click();
  await (await chooser).setFiles(given);
}

/** The names in the private storage, each set by the number of its files. */
const stored = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('kiln-nn', { create: true });
    const names: string[] = [];
    for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) {
      names.push(name);
    }
    return names.sort();
  });

const panel = (page: Page): ReturnType<Page['locator']> => page.locator('kiln-data-panel');
const onFiles = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => {
    const element = document.querySelector('kiln-page') as HTMLElement & {
      trainer: { dataset: { name: string } };
    };
    return element.trainer.dataset.name === 'cifar10';
  });
const hash = (page: Page): Promise<string> => ask(page, (trainer) => trainer.dataset.hash);

/** Opens the page anew on what is stored, and gives that data set's hash. */
async function reopened(page: Page): Promise<string> {
  await page.goto('about:blank');
  await page.goto(`${site.address}${HASH}&data=cifar10`);
  await loaded(page);
  await onFiles(page);
  return hash(page);
}

/** Looks, by opening the page, until nothing is there but one set of so many files, or nothing. */
async function clean(page: Page, files: number): Promise<void> {
  for (;;) {
    await page.goto('about:blank');
    await page.goto(site.address + HASH);
    await loaded(page);
    await button(page, 'Built-in set').waitFor();
    const names = await stored(page);
    const manifests = names.filter((name) => name.startsWith('manifest'));
    if (names.length === (files > 0 ? files + 1 : 0)) {
      expect(manifests).toHaveLength(files > 0 ? 1 : 0);
      return;
    }
    await page.waitForTimeout(200); // the locks of a tab that was closed go soon after it
  }
}

async function fetchHalf(page: Page): Promise<void> {
  const { port } = server.address() as AddressInfo;
  await panel(page).locator('summary', { hasText: 'address' }).click();
  await panel(page).getByLabel('Address').fill(`http://127.0.0.1:${port}/data_batch_1.bin`);
  await button(page, 'Fetch').click();
  await page.waitForFunction(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('kiln-nn').catch(() => null);
    if (!folder) return false;
    const keys = (folder as unknown as { keys(): AsyncIterable<string> }).keys();
    const names: string[] = [];
    for await (const name of keys) names.push(name);
    return names.some((name) => name.endsWith('.data') &&
      !names.includes(`manifest-${name.replace(/-\d+\.data$/, '')}.json`));
  });
}

test('both store at the same time: each trains on its own, and one whole set is kept', async () => {
  const [a, b] = await Promise.all([open(), open()]);
  await Promise.all([pick(a, one), pick(b, other)]);
  await Promise.all([onFiles(a), onFiles(b)]);
  const hashes = [await hash(a), await hash(b)];
  expect(hashes[0]).not.toBe(hashes[1]);
  await clean(b, 3);
  expect(hashes).toContain(await reopened(b));
  expect(await hash(a)).toBe(hashes[0]);
});

test('a tab that is storing keeps what it stores, whatever another one forgets', async () => {
  const [a, b] = await Promise.all([open(), open()]);
  await pick(a, one);
  await panel(a).getByText(/private storage: data_batch_1.bin/).waitFor();
  await fetchHalf(b);
  // Meanwhile another tab can store nothing, and says so, and trains.
  await pick(a, one);
  await panel(a).getByText(/another tab is keeping one just now/).waitFor();
  await button(a, 'Forget it').click();
  await panel(a).getByText('CIFAR-10 was removed').waitFor();
  expect((await stored(a)).filter((name) => name.endsWith('.data'))).toHaveLength(1);
  halves[0]!.end(other[0]!.buffer.subarray(other[0]!.buffer.length / 2));
  await panel(b).getByText(/private storage: data_batch_1.bin/).waitFor();
  const kept = await hash(b);
  expect(await reopened(a)).toBe(kept);
  expect(await stored(a)).toHaveLength(2);
});

test('who reads reads on while another tab forgets, and the files go after that', async () => {
  const [a, b] = await Promise.all([open(), open()]);
  await pick(a, one);
  await panel(a).getByText(/private storage: data_batch_1.bin/).waitFor();
  const whole = await hash(a);
  // A reader that takes its time: it holds what storedSources() holds.
  const manifest = (await stored(b)).find((name) => name.startsWith('manifest-'))!;
  const id = manifest.replace(/^manifest-|\.json$/g, '');
  await b.evaluate((name) => new Promise<void>((held) => {
    void navigator.locks.request(name, { mode: 'shared' }, () => {
      held();
      return new Promise<void>(() => {});
    });
  }), `kiln-nn set ${id}`);
  await button(a, 'Forget it').click();
  await panel(a).getByText('CIFAR-10 was removed').waitFor();
  expect((await stored(a)).filter((name) => name.endsWith('.data'))).toHaveLength(3);
  expect(await hash(a)).toBe(whole); // a run goes on: its images are in memory
  await b.close();
  await clean(a, 0);
});

test('reading and forgetting at the same time: all of it, or none', async () => {
  const [a, b] = await Promise.all([open(), open()]);
  for (let round = 0; round < 4; round++) {
    await pick(a, one);
    await panel(a).getByText(/private storage: data_batch_1.bin/).waitFor();
    const whole = await hash(a);
    await b.goto('about:blank');
    await b.goto(site.address + HASH);
    await loaded(b);
    const read = button(b, 'CIFAR-10, kept here');
    await read.waitFor();
    await Promise.all([read.click(), button(a, 'Forget it').click()]);
    await panel(a).getByText('CIFAR-10 was removed').waitFor();
    // Either the data, all of them, or a sentence.
    const failed = b.locator('kiln-page .notice.alarm', { hasText: 'no data set is kept' });
    await Promise.race([onFiles(b), failed.waitFor()]);
    if (!(await failed.isVisible())) expect(await hash(b)).toBe(whole);
    await clean(b, 0);
  }
});

test('a tab that is closed in the middle of storing leaves nothing for long', async () => {
  const [a, b] = await Promise.all([open(), open()]);
  await pick(a, one);
  await panel(a).getByText(/private storage: data_batch_1.bin/).waitFor();
  const whole = await hash(a);
  await fetchHalf(b);
  expect(await stored(a)).toHaveLength(5);
  await b.close();
  await clean(a, 3);
  expect(await reopened(a)).toBe(whole);
});
