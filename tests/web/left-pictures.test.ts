// A page that is left while pictures are sorted, read or kept: it asks first, and the set that was
// kept before is whole.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import type { KilnPage } from '../../web/page.js';
import { ask, button, loaded, openSite, visit, type Site } from './browser.js';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

const HASH = '#net=affine+10+-+softmax';

/** A white pixel as a BMP file. */
const BITMAP = Buffer.from('424d3a000000000000003600000028000000010000000100000001001800' +
  '000000000400000000000000000000000000000000000000ffffff00', 'hex');

/** Opens a kiln set of so many images of two classes, and reloads the page in this phase. */
function open(page: Page, name: string, count: number, leaveIn = ''): Promise<void> {
  return page.evaluate(([set, n, phase]) => {
    const element = document.querySelector<KilnPage>('kiln-page')!;
    const head = { name: set, shape: [3, 32, 32], classes: ['a', 'b'], count: n };
    const bytes = new Uint8Array(n * 3073);
    for (let i = 0; i < n; i++) bytes.fill(i, i * 3073, (i + 1) * 3073)[i * 3073] = i % 2;
    const file = new File([`KILNSET 1\n${JSON.stringify(head)}\n`, bytes], `${set}.kilnset`);
    if (phase !== '') {
      element.trainer!.addEventListener('dataprogress', (event) => {
        const { phase: now, loaded: read } = (event as CustomEvent).detail as
          { phase: string; loaded: number };
        if (now === phase && read > 0) location.reload();
      });
    }
    element.shadowRoot!.querySelector('kiln-data-panel')!.dispatchEvent(
      new CustomEvent('kiln-data', { detail: { files: [file], store: true }, bubbles: true }));
  }, [name, count, leaveIn] as const);
}

const hashOf = (page: Page): Promise<string> => ask(page, ({ dataset }) => dataset.hash);

test.each(['reading', 'storing'])('left while %s', async (phase) => {
  const { page, errors, close } = await visit(site, { whole: true, hash: HASH });
  const panel = page.locator('kiln-data-panel');
  await open(page, 'first', 60);
  await button(page, 'first, kept here').waitFor();
  const hash = await hashOf(page);
  await button(page, 'Built-in set').click();
  await panel.getByText('8,000 training').waitFor();
  const again = page.waitForEvent('load');
  await open(page, 'unfinished', 20_000, phase);
  await again;
  await loaded(page);
  const kept = page.getByRole('button', { name: /, kept here$/ });
  const name = await kept.textContent();
  await kept.click();
  if (name === 'unfinished, kept here') { // which took less time than going away
    expect(phase).toBe('storing');
    await panel.getByText('16,000 training, 2,000 validation, 2,000 test images').waitFor();
  } else {
    expect(name).toBe('first, kept here');
    await panel.getByText('48 training, 6 validation, 6 test images').waitFor();
    expect(await hashOf(page)).toBe(hash);
  }
  // What was left behind is swept away by the next set that is kept.
  await open(page, 'third', 60);
  await button(page, 'third, kept here').waitFor();
  const sizes = await page.evaluate(async () => {
    const found: number[] = [];
    const walk = async (folder: FileSystemDirectoryHandle): Promise<void> => {
      for await (const entry of folder.values()) {
        if (entry.kind === 'directory') await walk(entry as FileSystemDirectoryHandle);
        else found.push((await (entry as FileSystemFileHandle).getFile()).size);
      }
    };
    await walk(await navigator.storage.getDirectory());
    return found;
  });
  expect(Math.max(...sizes)).toBeLessThan(61 * 3073);
  expect(errors).toEqual([]);
  await close();
});

test('pictures that are being sorted are not lost without a question', async () => {
  const { page, errors, close } = await visit(site, { whole: true, hash: HASH });
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
  const files = Array.from({ length: 8 }, (_, i) =>
    ({ name: `${i}.bmp`, mimeType: 'image/bmp', buffer: Buffer.from(svg) }));
  const choose = async (): Promise<void> => {
    const chooser = page.waitForEvent('filechooser');
    await button(page, 'Open data…').click();
    await (await chooser).setFiles(files);
  };
  await choose();
  await page.locator('kiln-own-pictures').getByText('8 files left out').waitFor();
  await page.reload(); // there is nothing to lose
  await loaded(page);
  expect(asked).toEqual([]);
  files.forEach((file) => { file.buffer = BITMAP; });
  await choose();
  await page.locator('kiln-own-pictures').getByText('8 pictures have no class yet').waitFor();
  await page.reload();
  await loaded(page);
  expect(asked).toEqual(['beforeunload']);
  expect(errors).toEqual([]);
  await close();
});
