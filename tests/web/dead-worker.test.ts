// The page's worker dies in the middle of a run: what it left can be saved, and gone on with.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { ask, button, loaded, openSite, stateOf, stepOf, steps, type Site } from './browser.js';

const NET = 'conv+3x3x8+-+relu+-+maxpool+4+-+affine+10+-+softmax';
const RUN = `#net=${NET}&train=1000&epochs=9000&schedule=constant`;
const PATIENCE = { timeout: 120_000 };

declare global {
  interface Window {
    workers: Worker[];
  }
}

let site: Site;
let page: Page;
let close: () => Promise<void>;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

beforeEach(async () => {
  const context = await site.browser.newContext({ acceptDownloads: true });
  close = () => context.close();
  page = await context.newPage();
  await page.addInitScript(() => {
    window.workers = [];
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        window.workers.push(this);
      }
    };
  });
  await page.goto(site.address + RUN);
  await loaded(page);
});
afterEach(() => close());

/** A message that the worker cannot read: an error that nobody catches. */
const kill = (): Promise<void> => page.evaluate(() => window.workers.at(-1)!.postMessage(null));

const lost = (text: string): ReturnType<Page['locator']> =>
  page.locator('kiln-page .notice.alarm', { hasText: text });

const paused = (): Promise<void> =>
  page.locator('kiln-run-bar dd.state', { hasText: 'paused' }).waitFor();

/** Trains until the worker leaves a checkpoint, a quarter of a minute, and then some. */
async function trainAndKill(): Promise<number> {
  await button(page, 'Start').click();
  await page.waitForFunction(
    () => {
      const element = document.querySelector('kiln-page') as HTMLElement & {
        trainer: { lastCheckpoint: object | null };
      };
      return element.trainer.lastCheckpoint !== null;
    },
    undefined,
    PATIENCE,
  );
  await steps(page, (await stepOf(page)) + 3);
  await kill();
  await lost('The run was kept as it was at epoch').waitFor();
  expect(await page.locator('kiln-page .notice.alarm').count()).toBe(1);
  expect(await stateOf(page)).toBe('failed');
  return ask(page, (trainer) => trainer.lastCheckpoint!.step);
}

async function saved(press: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
  const downloading = page.waitForEvent('download');
  await press();
  const download = await downloading;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

test('a press goes on from its last checkpoint', async () => {
  const step = await trainAndKill();
  await button(page, 'Go on from there').click();
  await paused();
  expect(await stepOf(page)).toBe(step);
  await button(page, 'Continue').click();
  await steps(page, step + 3);
  expect(await page.locator('kiln-page .notice.alarm').count()).toBe(0);
});

test('a press saves it, as Save does; the file goes on', async () => {
  const step = await trainAndKill();
  const panel = page.locator('kiln-checkpoint-panel');
  const first = await saved(() => panel.getByRole('button', { name: 'Save' }).click());
  const second = await saved(() => button(page, 'Save it').click());
  expect(first.name).toMatch(new RegExp(`-step${step}\\.safetensors$`));
  expect(second.name).toBe(first.name);
  expect(second.bytes.equals(first.bytes)).toBe(true);
  const chooser = page.waitForEvent('filechooser');
  await panel.getByRole('button', { name: 'Open' }).click();
  await (await chooser).setFiles({
    name: first.name, mimeType: 'application/octet-stream', buffer: first.bytes });
  await panel.getByText(`Opened ${first.name}`).waitFor();
  await paused();
  expect(await stepOf(page)).toBe(step);
  await button(page, 'Continue').click();
  await steps(page, step + 3);
});

test('it can be taken along as the file that the command line writes', async () => {
  const step = await trainAndKill();
  const { bytes } = await saved(() => button(page, 'Save it').click());
  const panel = page.locator('kiln-export-panel');
  await panel.getByText('Choose a format').click();
  const choice = panel.getByLabel('Format');
  await choice.and(page.locator(':enabled')).waitFor();
  await choice.selectOption('npz');
  const taken = await saved(() => button(page, 'Download').click());
  expect(taken.name).toMatch(new RegExp(`-step${step}-parameters\\.npz$`));
  const home = mkdtempSync(join(tmpdir(), 'kiln-left-'));
  try {
    writeFileSync(join(home, 'left.safetensors'), bytes);
    execFileSync('build/native/kiln', ['export', join(home, 'left.safetensors'), '--format', 'npz',
      '--save', join(home, 'left.npz')], { stdio: 'pipe' });
    expect(taken.bytes.equals(readFileSync(join(home, 'left.npz')))).toBe(true);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('a worker that left nothing says why it ended, and Reset starts another', async () => {
  await button(page, 'Start').click();
  await steps(page, 3);
  await kill();
  await page.locator('kiln-page .notice.alarm').waitFor();
  await button(page, 'Reset').click();
  await button(page, 'Start').waitFor();
  await button(page, 'Start').click();
  await steps(page, 3);
  expect(await page.locator('kiln-page .notice.alarm').count()).toBe(0);
});
