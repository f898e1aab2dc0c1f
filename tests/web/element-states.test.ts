// <kiln-trainer> in each of its states, as a tag and as embed.html, light and dark: axe-core finds
// nothing, nothing is cut at 280 pixels, and the keyboard does what there is to do.

import { mkdirSync } from 'node:fs';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';

import type { KilnTrainer } from '../../web/element/kiln-trainer.js';
import { becomes, openSite, overflow, patient, type Site } from './browser.js';

const SET_UP = { net: 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax', train: '200',
  validation: '20', test: '20', batch: '20', epochs: '10000', variant: 'simd' };
const CONTROLS = 'start step reset save load evaluate lr seed';
const VIEWS = 'loss accuracy filters predictions';
type Attributes = Record<string, string>;
type Face = 'tag' | 'frame';

/** A folder for pictures of every state, for those who want to look: KILN_SHOTS=build/shots. */
const SHOTS = process.env['KILN_SHOTS'];

let site: Site;
let context: BrowserContext | null = null;
beforeAll(async () => {
  site = await openSite('build/element');
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(() => site?.close());

async function show(page: Page, face: Face, more: Attributes): Promise<void> {
  const attributes = { ...SET_UP, ...more };
  await page.unroute(`${site.address}page.html`);
  await page.route(`${site.address}page.html`, (route) => route.fulfill({
    contentType: 'text/html',
    body: '<!doctype html><html lang="en"><meta charset="utf-8"><title>A course</title>' +
      '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">' +
      '<meta name="color-scheme" content="light dark"><main><h1>A course</h1><kiln-trainer ' +
      `${Object.entries(attributes).map(([name, value]) => `${name}="${value}"`).join(' ')}>` +
      '<h2 slot="title">Try it</h2><p slot="caption">With a low rate.</p></kiln-trainer></main>' +
      '<script type="module" src="kiln-trainer.js"></script></html>' }));
  await page.goto(face === 'tag' ? `${site.address}page.html`
    : `${site.address}embed.html?${new URLSearchParams({ ...attributes, title: 'A net',
      caption: 'Try it.' })}`);
}

function element<T>(page: Page, act: (element: KilnTrainer) => T | Promise<T>): Promise<T> {
  return page.locator('kiln-trainer').evaluate(act as (node: Element) => T | Promise<T>);
}

const becomesState = (page: Page, state: string): Promise<string> =>
  becomes(() => element(page, (one) => one.state), (now) => now === state);
const alert = (page: Page, text: RegExp): Promise<void> =>
  page.getByRole('alert').filter({ hasText: text }).first().waitFor();

const keptRuns = (page: Page): Promise<number> => page.evaluate(() => new Promise((resolve) => {
  const opening = indexedDB.open('kiln-nn-runs');
  opening.onsuccess = () => {
    const counting = opening.result.transaction('runs').objectStore('runs').count();
    counting.onsuccess = () => {
      opening.result.close();
      resolve(counting.result);
    };
  };
}));

/** By Tab alone, and Enter. */
async function press(page: Page, name: string | RegExp): Promise<void> {
  const wanted = page.getByRole('button', { name, exact: true });
  await wanted.waitFor();
  await page.locator('body').evaluate(() => (document.activeElement as HTMLElement)?.blur());
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const there = await wanted.evaluate((node) =>
      (node.getRootNode() as ShadowRoot).activeElement === node);
    if (there) return page.keyboard.press('Enter');
  }
  throw new Error(`Tab does not reach ${String(name)}`);
}

/** What brings the page into each state; the next one goes on from it where it shows no other. */
const STATES: Record<string, (page: Page, face: Face) => Promise<unknown>> = {
  poster: (page, face) =>
    show(page, face, { loading: 'press', controls: CONTROLS, views: VIEWS })
      .then(() => page.getByRole('button', { name: 'Start' }).waitFor()),
  running: async (page) => {
    await press(page, 'Start');
    await becomes(() => element(page, ({ trainer }) => trainer?.metrics?.step ?? 0),
      (step) => step > 5);
    const focus = await element(page, ({ shadowRoot }) =>
      shadowRoot!.activeElement?.getAttribute('name'));
    expect(focus).toBe('pause'); // where Start was pressed
  },
  paused: async (page) => {
    await press(page, 'Pause');
    await becomesState(page, 'paused');
  },
  'waiting for a reset': async (page) => {
    await element(page, (one) => { one['seed'] = 10; });
    await page.locator('.waiting .badge').first().waitFor();
  },
  evaluated: async (page) => {
    await press(page, 'Evaluate');
    await page.getByText(/right of the test images/).first().waitFor();
  },
  loading: async (page, face) => {
    await page.route('**/trainer-body-*.js', () => {}); // never answered
    await show(page, face, { loading: 'eager' });
    await page.getByRole('button', { name: 'Loading…' }).waitFor();
    await page.unroute('**/trainer-body-*.js');
  },
  done: async (page, face) => {
    await show(page, face, { epochs: '1' });
    await press(page, 'Start');
    await becomesState(page, 'done');
  },
  diverged: async (page, face) => {
    await show(page, face, { net: 'affine 50 - affine 10 - softmax', optimizer: 'sgd', lr: '1000',
      views: VIEWS });
    await press(page, 'Start');
    await becomesState(page, 'failed');
    await alert(page, /diverged at step/);
  },
  'reset after that': async (page) => {
    await press(page, 'Reset');
    await becomesState(page, 'ready');
  },
  'a wrong net': async (page, face) => {
    await show(page, face, { net: 'affine ten - softmax' });
    await alert(page, /column 8/);
  },
  'mended and tried again': async (page) => {
    await element(page, (one) => { one['net'] = 'affine 10 - softmax'; });
    await press(page, /Try again|Start/);
    await becomes(() => element(page, ({ trainer }) => trainer?.metrics?.step ?? 0),
      (step) => step > 0);
  },
  'a wrong name among controls and views': async (page, face) => {
    await show(page, face, { controls: 'start stop', views: 'loss curves' });
    await alert(page, /is none of/);
  },
  'no data kept': async (page, face) => {
    await show(page, face, { data: 'stored' });
    await page.getByRole('button', { name: 'Open data…' }).waitFor();
  },
  'no data kept, and a net of other classes': async (page, face) => {
    await show(page, face, { data: 'stored', net: 'affine 3 - softmax' });
    await alert(page, /no data set is kept/i);
  },
  'a kept run': async (page, face) => {
    await show(page, face, { persist: '1', epochs: '10' });
    await press(page, 'Step');
    await becomes(() => keptRuns(page), (count) => count > 0);
    await page.reload();
    await page.getByText('A run was kept in this browser').waitFor();
  },
  'a kept run that is gone on with': async (page) => {
    await press(page, /^Go on at epoch/);
    await becomes(() => element(page, ({ trainer }) => trainer!.metrics?.step ?? 0),
      (step) => step > 0);
  },
  'no storage': async (page, face) => {
    await page.addInitScript(() =>
      Object.defineProperty(window, 'indexedDB', { value: undefined }));
    await show(page, face, { persist: '1' });
    await page.getByRole('button', { name: 'Save as a file' }).waitFor();
  },
};

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each<[Face]>([['tag'], ['frame']])('axe finds nothing in any state: %s', async (face) => {
    context = await site.browser.newContext({ viewport: { width: 280, height: 900 }, colorScheme });
    const page = await patient(context);
    const found: Record<string, unknown> = {};
    for (const [state, reach] of Object.entries(STATES)) {
      await reach(page, face);
      await page.evaluate(axe.source);
      const violations = await page.evaluate(async () => {
        const { axe } = window as unknown as { axe: typeof import('axe-core') };
        const { violations } = await axe.run(document);
        return violations.map(({ id, nodes }) =>
          [id, ...nodes.map(({ html }) => html.slice(0, 160))]);
      });
      if (SHOTS) {
        await page.screenshot({ path: `${SHOTS}/${face}-${colorScheme}-${state}.png`,
          fullPage: true });
      }
      found[state] = [...violations, await overflow(page)];
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(STATES).map((state) => [state, [0]])));
  });
});
