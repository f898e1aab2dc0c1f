// The images of a cell of the confusions: which, when they are asked for while the table or the
// net is about to be another.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { ask, becomes, button, openSite, steps, stateOf, visit, type Site } from './browser.js';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

const HASH = '#net=conv+3x3x8+-+relu+-+maxpool+4+-+affine+10+-+softmax';

/** Asks for the images of the cell with the most, after a press on the names of `before`. */
function look(page: Page, before: string[]): Promise<void> {
  return page.evaluate((names) => {
    const { shadowRoot } = document.querySelector('kiln-page')!;
    const view = shadowRoot!.querySelector('kiln-confusion-view')!.shadowRoot!;
    const cells = [...view.querySelectorAll<HTMLElement>('tbody td:not(.recall)')];
    const of = (cell: HTMLElement): number => Number(cell.textContent) || 0; // a dot is none
    cells.sort((a, b) => of(b) - of(a))[0]!.click();
    for (const name of [...names, 'Show its images']) {
      [...view.querySelectorAll('button')].find((node) => node.textContent === name)!.click();
    }
  }, before);
}

/** The sentence under the images, and what the table says of the cell. */
async function seen(page: Page): Promise<[string, string]> {
  const status = page.locator('.cell-pictures [role=status]');
  const text = await becomes(async () => (await status.textContent()) ?? '', (said) =>
    /in all/.test(said));
  const cell = await page.locator('kiln-confusion-view td.chosen').textContent();
  return [text, cell === '·' ? '0' : cell!];
}

/** Presses the button, and waits until every row of the table is filled. */
async function evaluate(page: Page): Promise<void> {
  await button(page, 'Evaluate now').click();
  await becomes(() => page.locator('kiln-confusion-view td.recall').allTextContents(), (all) =>
    all.length === 10 && all.every((text) => text !== ''));
}

async function trainSome(page: Page): Promise<void> {
  await button(page, 'Start').click();
  await steps(page, (await ask(page, (trainer) => trainer.metrics?.step ?? 0)) + 30);
  await button(page, 'Pause').click();
  await becomes(() => stateOf(page), (state) => state === 'paused');
}

test('images that are asked for while the table is evaluated wait for it', async () => {
  const { page, errors, close } = await visit(site, { hash: HASH });
  await evaluate(page);
  await trainSome(page);
  await look(page, ['Evaluate now']);
  const [text, cell] = await seen(page);
  expect(text).toBe(`${cell} ${cell === '1' ? 'image' : 'images'} in all.`);
  expect(errors).toEqual([]);
  await close();
});

test('that the net has learned since the table was made is said', async () => {
  const { page, errors, close } = await visit(site, { hash: HASH });
  await evaluate(page);
  await trainSome(page);
  await look(page, []);
  const [text, cell] = await seen(page);
  expect(text).toMatch(/^\d+ images? in all; \d+ when the table was made: the network has/);
  expect(text).toContain(`; ${cell} when`);
  expect(errors).toEqual([]);
  await close();
});

test('the images are of the cell that was pressed, whatever the pointer goes over', async () => {
  const { page, errors, close } = await visit(site, { hash: HASH });
  await evaluate(page);
  const view = page.locator('kiln-confusion-view');
  const cells = view.locator('tbody td:not(.recall)');
  const here = view.locator('.here');
  await cells.nth(11).click();
  const told = await here.textContent();
  await cells.nth(88).hover();
  expect(await here.textContent()).not.toBe(told);
  expect(await view.locator('td.chosen').evaluateAll((all) => all.map((cell) =>
    [...cell.closest('tbody')!.querySelectorAll('td:not(.recall)')].indexOf(cell)))).toEqual([11]);
  await view.getByRole('button', { name: 'Show its images' }).hover();
  await becomes(() => here.textContent(), (text) => text === told);
  expect(errors).toEqual([]);
  await close();
});
