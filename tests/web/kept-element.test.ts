// <kiln-trainer persist>: its run is kept, offered again when its page is opened anew, and ends
// with the bits of a run that nothing broke; in a frame as well.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { BrowserContext, Frame, Page } from 'playwright-core';

import { Trainer } from '../../bindings/index.js';
import { askElement as ask, becomes, openSite, patient, type Site } from './browser.js';

const NET = 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax';
const OPTIONS = { train: 200, validation: 20, test: 20, batch: 20, epochs: 3, seed: 3 };
const TAG = `net="${NET}" variant="simd" ` +
  Object.entries(OPTIONS).map(([name, value]) => `${name}="${value}"`).join(' ');
const SCRIPT = '<script type="module" src="kiln-trainer.js"></script>';
const ONE = `<kiln-trainer ${TAG} persist></kiln-trainer>${SCRIPT}`;

let site: Site;
let context: BrowserContext;
/** Of the run that nothing broke, by Node. */
let unbroken = '';
beforeAll(async () => {
  // A frame without an origin loads its files as from elsewhere.
  site = await openSite('build/element', { headers: {
    'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' } });
  const node = await Trainer.create({ net: NET, variant: 'simd', options: OPTIONS });
  await node.start();
  for await (const _ of node);
  unbroken = await node.hash();
  node.dispose();
});
beforeEach(async () => {
  context = await site.browser.newContext({ acceptDownloads: true });
});
afterEach(() => context?.close());
afterAll(() => site?.close());

async function open(body: string, init?: () => void): Promise<Page> {
  const page = await patient(context);
  if (init) await page.addInitScript(init);
  await page.route(`${site.address}page.html`, (route) => route.fulfill({
    contentType: 'text/html', body: `<!doctype html><meta charset="utf-8"><title>A course</title>
      <link rel="icon" href="data:,"><main>${body}</main>` }));
  await page.goto(`${site.address}page.html`);
  return page;
}

/** The rows of the runs that are kept. */
const rows = (where: Page | Frame): Promise<{ step: number }[]> => where.evaluate(() =>
  new Promise((resolve) => {
    const opening = indexedDB.open('kiln-nn-runs');
    opening.onsuccess = () => {
      const db = opening.result;
      const all = db.transaction('runs').objectStore('runs').getAll();
      all.onsuccess = () => {
        db.close();
        resolve(all.result);
      };
    };
  }));

/** So many steps of the first element, which are kept then. */
async function taken(where: Page | Frame, count: number): Promise<void> {
  await ask(where, new Function('element', `return (async () => {
    for (let i = 0; i < ${count}; i++) await element.step();
  })()`) as never);
  await becomes(() => rows(where), (all) => all.some(({ step }) => step === count));
}

const offer = (where: Page | Frame) => where.getByText('A run was kept in this browser');
const goOn = (where: Page | Frame) =>
  where.getByRole('button', { name: /^Go on at epoch \d of 3/ });
const stepOf = (where: Page | Frame): Promise<number> =>
  ask(where, (element) => element.trainer!.metrics?.step ?? 0);

async function endsAsUnbroken(where: Page | Frame): Promise<void> {
  await ask(where, (element) => element.start());
  await becomes(() => ask(where, (element) => element.state), (state) => state === 'done');
  expect(await ask(where, (element) => element.trainer!.hash())).toBe(unbroken);
}

describe('a run is offered again, and ends with the bits of an unbroken one', () => {
  test('after a reload', async () => {
    const page = await open(ONE);
    await taken(page, 13);
    await page.reload();
    await offer(page).getByText('epoch 2 of 3, step 13').waitFor();
    expect(await stepOf(page)).toBe(0);
    await goOn(page).click();
    await becomes(() => stepOf(page), (step) => step === 13);
    await offer(page).waitFor({ state: 'hidden' });
    await endsAsUnbroken(page);
  });

  test('after its tab was closed, where it would start by itself', async () => {
    const first = await open(ONE);
    await taken(first, 13);
    await first.close();
    const page = await open(ONE.replace('persist', 'persist autostart loading="eager"'));
    await offer(page).waitFor();
    expect(await ask(page, (element) => element.state)).toBe('ready');
    await goOn(page).click();
    await becomes(() => stepOf(page), (step) => step === 13);
    await endsAsUnbroken(page);
  });

  test('after a control chose another set of data for it', async () => {
    const first = await open(ONE.replace('persist', 'persist controls="start step reset train"'));
    await taken(first, 13);
    await first.close();
    const page = await open(ONE.replace('train="200"', 'train="300"'));
    await goOn(page).click();
    await becomes(() => stepOf(page), (step) => step === 13);
    await endsAsUnbroken(page);
  });

  test('after its worker died', async () => {
    const page = await open(ONE, () => {
      const all: Worker[] = [];
      (window as { workers?: Worker[] }).workers = all;
      window.Worker = class extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          all.push(this);
        }
      };
    });
    await taken(page, 13);
    await page.evaluate(() => (window as { workers?: Worker[] }).workers![0]!.postMessage(null));
    await page.getByText('The run is left as it was at epoch 2, step 13.').waitFor();
    await page.getByRole('button', { name: 'Save as a file' }).waitFor();
    await page.getByRole('button', { name: 'Go on from there' }).click();
    await becomes(() => stepOf(page), (step) => step === 13);
    await endsAsUnbroken(page);
  });

  test('in a frame', async () => {
    const query = new URLSearchParams({ net: NET, variant: 'simd', persist: '1' });
    for (const [name, value] of Object.entries(OPTIONS)) query.set(name, String(value));
    const page = await open(`<iframe title="Net" src="embed.html?${query}"></iframe>`);
    const frame = (await becomes(async () => page.frames()[1], Boolean))!;
    await taken(frame, 13);
    await page.reload();
    const again = (await becomes(async () => page.frames()[1], Boolean))!;
    await goOn(again).click();
    await becomes(() => stepOf(again), (step) => step === 13);
    await endsAsUnbroken(again);
  });
});

test('without persist nothing is kept', async () => {
  const page = await open(ONE.replace('persist', ''));
  await ask(page, (element) => element.step());
  expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);
});

test('persist can be set and taken away later', async () => {
  const page = await open(ONE.replace('persist', ''));
  await ask(page, (element) => element.step());
  await ask(page, (element) => { element.persist = true; });
  await ask(page, (element) => element.step());
  await becomes(() => rows(page), ([row]) => row?.step === 2);
  await ask(page, (element) => { element.persist = false; });
  await ask(page, (element) => element.step());
  await page.reload();
  await ask(page, (element) => { element.persist = true; });
  await offer(page).getByText('step 2').waitFor();
});

/** Three steps of one and five of the other are kept; what each offers when the page is back. */
async function keepBoth(page: Page): Promise<string[]> {
  await page.evaluate(async () => {
    await customElements.whenDefined('kiln-trainer');
    const [a, b] = document.querySelectorAll('kiln-trainer');
    for (let i = 0; i < 3; i++) await a!.step();
    for (let i = 0; i < 5; i++) await b!.step();
  });
  await becomes(() => rows(page), (all) => all.map(({ step }) => step).sort().join() === '3,5');
  await page.reload();
  const texts = await becomes(() => page.getByText('A run was kept').allTextContents(),
    (all) => all.length === 2);
  return texts.map((text) => /step \d+/.exec(text)![0]);
}

test('each of two elements is offered its own, and one that is taken out lets go', async () => {
  const named = (id: string): string => ONE.replace('persist', `persist id="${id}"`)
    .replace(SCRIPT, '');
  const page = await open(named('a') + named('b') + SCRIPT);
  const offered = await keepBoth(page);
  expect(offered).toEqual(['step 3', 'step 5']);
  await page.locator('#a').getByRole('button', { name: 'Remove it' }).click();
  await becomes(() => rows(page), (all) => all.length === 1);
  await page.locator('#b').getByRole('button', { name: 'Go on' }).click();
  await becomes(() => page.evaluate(() =>
    (document.querySelector('#b') as HTMLElementTagNameMap['kiln-trainer']).trainer!.metrics?.step),
  (step) => step === 5);
  await page.evaluate(() => {
    const b = document.querySelector('#b')!;
    const main = b.parentElement!;
    b.remove();
    setTimeout(() => main.append(b));
  });
  await page.locator('#b').getByText('A run was kept').waitFor();
});

test('of two alike each is offered another', async () => {
  const page = await open(ONE.replace(SCRIPT, '').repeat(2) + SCRIPT);
  const offered = await keepBoth(page);
  expect(offered.sort()).toEqual(['step 3', 'step 5']);
});

test('in a frame without storage it trains, says so and offers a file', async () => {
  const query = new URLSearchParams({ net: NET, persist: '1', train: '200', validation: '20',
    test: '20', epochs: '1000' });
  const page = await open(`<iframe title="Net" sandbox="allow-scripts allow-downloads"
    src="embed.html?${query}"></iframe>`);
  const frame = (await becomes(async () => page.frames()[1], Boolean))!;
  await frame.getByText('Nothing can be kept here').waitFor();
  await ask(frame, (element) => element.start());
  await becomes(() => stepOf(frame), (step) => step >= 10);
  const downloading = page.waitForEvent('download');
  await frame.getByRole('button', { name: 'Save as a file' }).click();
  expect((await downloading).suggestedFilename()).toBe('kiln.safetensors');
});
