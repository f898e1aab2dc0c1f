// The table of tries: the page's own runs and logs of the command line, as kiln report has them.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TextWriter, Uint8ArrayReader, ZipReader, type FileEntry } from '@zip.js/zip.js';
import type { Page } from 'playwright-core';

import { becomes, button, ended, openSite, overflow, visit, type Site } from './browser.js';

let site: Site;
let folder: string;

beforeAll(async () => {
  site = await openSite();
  folder = mkdtempSync(join(tmpdir(), 'kiln-tries-'));
});
afterAll(async () => {
  await site?.close();
  rmSync(folder, { recursive: true });
});

const NET = 'affine 10 - softmax';
const SMALL = ['--net', NET, '--train', '200', '--validation', '50', '--test', '50',
  '--batch', '50', '--epochs', '1', '--quiet'];

function log(name: string, ...more: string[]): string {
  const path = join(folder, name);
  execFileSync('build/native/kiln', ['train', ...SMALL, '--log', path, ...more]);
  return path;
}

interface Row { event: string; file: string; valAccuracy: number | null; testAccuracy: number }

/** Paths of runs in the order of kiln report, with their accuracies. */
function report(...paths: string[]): Row[] {
  const out = execFileSync('build/native/kiln', ['report', '--json', ...paths],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return out.trim().split('\n').map((line) => JSON.parse(line) as Row)
    .filter(({ event }) => event === 'run');
}

async function drop(page: Page, paths: string[]): Promise<void> {
  const files = paths.map((path) => ({
    name: path.split('/').pop()!, text: readFileSync(path, 'utf8') }));
  const transfer = await page.evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const { name, text } of given) data.items.add(new File([text], name));
    return data;
  }, files);
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}

test('runs of the page and of the command line stand in one table, best first', async () => {
  const hash = '#net=affine+10+-+softmax&train=200&validation=50&test=50&batch=50&epochs=1';
  const { page, errors, close } = await visit(site, { whole: true, hash });
  const view = page.locator('kiln-tries-view');
  await view.getByText('No run has come to the end of an epoch yet.').waitFor();
  await button(page, 'Start').click();
  await ended(page);
  await view.getByText('1 run done.').waitFor();
  const logs = ['0.1', '0.003'].map((lr) => log(`lr${lr}.json`, '--lr', lr));
  const broken = join(folder, 'broken.json');
  writeFileSync(broken, '{"event":"run"}\n{"event":"epoch","epoch":1,"valAccuracy":7}\n');
  const cut = join(folder, 'cut.json');
  writeFileSync(cut, '{"event":"run"}\n{"event":"epoch","epoch":1}\n');
  await drop(page, [...logs, broken, cut]);
  await view.getByText('3 runs done, 2 not.').waitFor();
  const items = await view.locator('li').allTextContents();
  expect(items[0]).toContain('broken.json: line 2 “valAccuracy” lies outside of 0..1');
  expect(items[1]).toContain('cut.json: has no end');
  const heads = await view.locator('thead th').allTextContents();
  expect(heads.slice(0, 5)).toEqual(['#', 'Validation', 'Test', 'Epochs', 'Seconds']);
  expect(heads).toContain('lr');
  // The page's own log is one that the command line reads, to the same numbers and order.
  const [download] = await Promise.all([
    page.waitForEvent('download'), button(page, 'Save all (zip)').click()]);
  const reader = new ZipReader(new Uint8ArrayReader(readFileSync((await download.path())!)));
  const paths: string[] = [];
  for (const entry of await reader.getEntries()) {
    const path = join(folder, entry.filename.replace('runs/', 'saved-'));
    writeFileSync(path, await (entry as FileEntry).getData(new TextWriter()));
    paths.push(path);
  }
  const wanted = report(...paths).filter(({ valAccuracy }) => valAccuracy !== null).slice(0, 3)
    .map(({ valAccuracy, testAccuracy }) =>
      [valAccuracy!, testAccuracy].map((x) => `${(100 * x).toFixed(2)} %`));
  const shown = await view.locator('tbody tr').evaluateAll((rows) => rows.map((row) =>
    [...row.querySelectorAll('td')].slice(1, 3).map((cell) => cell.textContent)));
  expect(shown).toEqual(wanted);
  expect((await view.locator('tbody th').allTextContents()).sort()).toEqual(
    ['lr0.003.json', 'lr0.1.json', 'run 1']);
  await page.setViewportSize({ width: 320, height: 700 });
  await becomes(() => overflow(page), (pixels) => pixels === 0);
  await button(page, 'Clear the table').click();
  await view.getByText('No run has come').waitFor();
  expect(errors).toEqual([]);
  await close();
});
