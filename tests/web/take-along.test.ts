// A model that leaves the page: every format has the bytes that the command line writes, and what
// makes them is fetched when the choice is opened.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { ask, button, ended, openSite, overflow, visit, type Site } from './browser.js';

let site: Site;
let home: string;

beforeAll(async () => {
  site = await openSite();
  home = mkdtempSync(join(tmpdir(), 'kiln-take-along-'));
});
afterAll(async () => {
  await site?.close();
  rmSync(home, { recursive: true, force: true });
});

/** Presses a button that hands out a file; its name, and where it lies. */
async function file(page: Page, name: string): Promise<[name: string, path: string]> {
  const downloading = page.waitForEvent('download');
  await button(page, name).click();
  const download = await downloading;
  return [download.suggestedFilename(), await download.path()];
}

test('each format downloads with the bytes of the command line', async () => {
  const { page, errors, close } = await visit(site, { hash: '#max-steps=12' });
  const fetched: string[] = [];
  page.context().on('request', (request) => fetched.push(request.url()));
  const extras = (): string[] => fetched.filter((url) => /extras[^/]*\.wasm$/.test(url));
  await button(page, 'Start').click();
  await ended(page);
  const hash = await ask(page, (trainer) => trainer.hash());
  const [, saved] = await file(page, 'Save');
  expect(extras()).toEqual([]);

  const panel = page.locator('kiln-export-panel');
  await panel.getByText('Choose a format').click();
  const choice = panel.getByLabel('Format');
  await choice.and(page.locator(':enabled')).waitFor();
  expect(extras().length).toBe(1);
  const formats = await choice.locator('option').evaluateAll((all) => all.map((o) =>
    (o as HTMLOptionElement).value));
  expect(formats.length).toBeGreaterThan(8);
  const names = new Set<string>();
  const sentences = new Set<string | null>();
  for (const format of formats) {
    await choice.selectOption(format);
    sentences.add(await panel.locator('#sentence').textContent());
    const [name, path] = await file(page, 'Download');
    names.add(name);
    const wanted = join(home, `${format}.zip`); // of a folder its archive, as the page gives it
    execFileSync('build/native/kiln', ['export', saved, '--format', format, '--save', wanted],
      { stdio: 'pipe' });
    expect([format, (await readFile(path)).equals(readFileSync(wanted))]).toEqual([format, true]);
    expect(name).toMatch(/^kiln-epoch\d+-step12-[a-z-]+\.[a-z]+$/);
    await panel.getByText(`Saved ${name} (`).waitFor();
  }
  expect([names.size, sentences.size]).toEqual([formats.length, formats.length]);
  expect(await ask(page, (trainer) => trainer.hash())).toBe(hash);
  expect(extras().length).toBe(1);

  const [name, path] = await file(page, 'Receipt');
  expect(name).toBe('kiln-receipt.json');
  const { mode, end } = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>;
  expect(end).toBe(hash);
  execFileSync('build/native/kiln', ['verify', path, '--mode', mode!], { stdio: 'pipe' });
  expect(errors).toEqual([]);
  await close();
});

test('before the first step, and on the narrowest screen', async () => {
  const { page, errors, close } = await visit(site,
    { viewport: { width: 320, height: 700 } });
  await page.getByText('Set-up: network').click();
  const panel = page.locator('kiln-export-panel');
  await panel.getByText('Choose a format').click();
  const choice = panel.getByLabel('Format');
  await choice.and(page.locator(':enabled')).waitFor();
  await choice.selectOption('npz');
  const [name, path] = await file(page, 'Download');
  expect(name).toBe('kiln-epoch0-step0-parameters.npz');
  expect((await readFile(path)).subarray(0, 2).toString()).toBe('PK');
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(errors).toEqual([]);
  await close();
});
