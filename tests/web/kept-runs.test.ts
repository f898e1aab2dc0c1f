// A run outlives its page: reloaded, closed, crashed or killed, it is offered again, and ends with
// the bits of a run that nothing broke. Chromium's own storage and locks.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { chromium, type BrowserContext, type Locator, type Page } from 'playwright-core';

import { batchFiles } from '../js/helpers.js';
import {
  ask, becomes, button, ended, executable, FLAGS, loaded, openSite, patient, stateOf, stepOf,
  steps, type Site,
} from './browser.js';

const NET = 'conv+3x3x8+-+relu+-+maxpool+4+-+affine+10+-+softmax';
const SIZES = '&train=1000&validation=200&test=200';
const RUN = `#net=${NET}${SIZES}&epochs=6`;
const VIEWPORT = { width: 1280, height: 900 };
const LONG = `#net=${NET}${SIZES}&epochs=9000`;

let site: Site;
let context: BrowserContext;
let unbroken: { hash: string; steps: number };

const inContext = (): Promise<BrowserContext> =>
  site.browser.newContext({ viewport: VIEWPORT, acceptDownloads: true });

beforeAll(async () => {
  site = await openSite();
  context = await inContext();
  const page = await open(RUN);
  await button(page, 'Start').click();
  await ended(page);
  unbroken = { hash: await hashOf(page), steps: await stepOf(page) };
  await context.close();
});
beforeEach(async () => {
  context = await inContext();
});
afterEach(() => context?.close());
afterAll(() => site?.close());

async function open(hash: string, within = context): Promise<Page> {
  const page = await patient(within);
  await page.setViewportSize(VIEWPORT);
  await page.goto(site.address + hash);
  await loaded(page);
  return page;
}

const hashOf = (page: Page): Promise<string> => ask(page, (trainer) => trainer.hash());
const notice = (page: Page, text: string | RegExp): Locator =>
  page.locator('kiln-page .notice', { hasText: text });
const panel = (page: Page): Locator => page.locator('kiln-kept-panel');
const offer = (page: Page): Locator => notice(page, 'A run was kept in this browser');

/** Takes so many steps, stands still, and is kept as it stands; gives its step. */
async function pausedAndKept(page: Page, taken = 5): Promise<number> {
  const step = await ask(page, new Function('trainer', `return (async () => {
    for (let i = 0; i < ${taken}; i++) await trainer.step();
    return trainer.metrics.step;
  })()`) as never) as number;
  await panel(page).getByText(new RegExp(`This run is kept: epoch \\d of .*, step ${step},`))
    .waitFor();
  return step;
}

/**
 * Presses the offer, and trains to the end, where it is not there yet: the bits are those of the
 * run that nothing broke.
 */
async function goOnToTheEnd(page: Page, step?: number): Promise<void> {
  const name = /^(Go on at epoch \d of 6|Open the finished run)$/;
  await offer(page).getByRole('button', { name }).click();
  await becomes(() => stepOf(page), (now) => now > 0);
  if (step !== undefined) expect(await stepOf(page)).toBe(step);
  if (await stateOf(page) === 'paused') await button(page, 'Continue').click();
  await ended(page);
  expect(await stepOf(page)).toBe(unbroken.steps);
  expect(await hashOf(page)).toBe(unbroken.hash);
}

/** The rows of the runs that are kept, as they lie there. */
const rows = (page: Page): Promise<{ id: string; step: number; size: number }[]> =>
  inStore(page, (runs) => runs.getAll());

/** Something of the two stores, in a transaction of their own. */
function inStore<T>(page: Page, act: (runs: IDBObjectStore, slices: IDBObjectStore) =>
IDBRequest<T>): Promise<T> {
  return page.evaluate(`new Promise((resolve, reject) => {
    const opening = indexedDB.open('kiln-nn-runs');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const db = opening.result;
      const transaction = db.transaction(['runs', 'slices'], 'readwrite');
      const request = (${act})(transaction.objectStore('runs'), transaction.objectStore('slices'));
      transaction.oncomplete = () => { db.close(); resolve(request.result); };
      transaction.onabort = () => reject(transaction.error);
    };
  })`);
}

describe('is offered again, and ends with the bits of an unbroken run', () => {
  test('after a reload', async () => {
    const page = await open(RUN);
    const step = await pausedAndKept(page, unbroken.steps / 2 + 3);
    await page.reload();
    await loaded(page);
    await offer(page).getByText(`, step ${step}.`).waitFor();
    await goOnToTheEnd(page, step);
    // It was kept at its end, too; there is one of it.
    await becomes(() => rows(page), (all) => all.length === 1 && all[0]!.step === unbroken.steps);
    await page.reload();
    await loaded(page);
    await offer(page).getByRole('button', { name: 'Open the finished run' }).click();
    await becomes(() => stateOf(page), (state) => state === 'done');
    expect(await hashOf(page)).toBe(unbroken.hash);
  });

  test('after its tab was closed while it ran, in another set-up', async () => {
    const page = await open(RUN);
    await button(page, 'Start').click();
    await steps(page, 3);
    // As a browser tells a page that is put aside; it is not told that it is closed.
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await panel(page).getByText('This run is kept: ').waitFor();
    await page.close();
    const other = await open('#net=affine+10+-+softmax&train=100&validation=20&test=20&seed=5');
    await goOnToTheEnd(other);
  });

  test('after its worker died', async () => {
    const page = await patient(context);
    await page.addInitScript(() => {
      (window as { workers?: Worker[] }).workers = [];
      window.Worker = class extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          (window as { workers?: Worker[] }).workers!.push(this);
        }
      };
    });
    await page.goto(site.address + RUN);
    await loaded(page);
    const step = await pausedAndKept(page);
    await page.evaluate(() =>
      (window as { workers?: Worker[] }).workers!.at(-1)!.postMessage(null));
    await notice(page, 'The run was kept as it was').waitFor();
    await page.reload();
    await loaded(page);
    await goOnToTheEnd(page, step);
  });

  test('on data of its own, which are read again', async () => {
    const OWN = '#net=affine+10+-+softmax&train=160&validation=20&test=40&epochs=9000&batch=20';
    const page = await open(OWN);
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Open data' }).click();
    await (await chooser).setFiles(batchFiles(40).map(({ name, bytes }) =>
      ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) })));
    await becomes(() => ask(page, ({ dataset }) => dataset.name), (name) => name === 'cifar10');
    await page.getByText(/private storage: data_batch_1.bin/).waitFor();
    const step = await pausedAndKept(page, 11);
    const hash = await hashOf(page);
    await page.close();
    const again = await open(OWN);
    await offer(again).getByRole('button', { name: /^Go on/ }).click();
    await becomes(() => stepOf(again), (now) => now === step);
    expect(await ask(again, ({ dataset }) => dataset.name)).toBe('cifar10');
    expect(await hashOf(again)).toBe(hash);
  });

  test('after the browser was killed', async () => {
    const home = mkdtempSync(join(tmpdir(), 'kiln-killed-'));
    let child: ChildProcess | null = null;
    const start = async (): Promise<BrowserContext> => {
      child = spawn(executable(), [...FLAGS, '--headless=new', '--remote-debugging-port=0',
        `--user-data-dir=${home}`, 'about:blank'], { detached: true, stdio: ['ignore', 'ignore',
        'pipe'] });
      const address = await new Promise<string>((resolve, reject) => {
        let text = '';
        child!.once('exit', () => reject(new Error(text)));
        child!.stderr!.on('data', (piece: Buffer) => {
          text += String(piece);
          const found = /DevTools listening on (\S+)/.exec(text);
          if (found) resolve(found[1]!);
        });
      });
      const browser = await chromium.connectOverCDP(address);
      const [first] = browser.contexts();
      return first!;
    };
    const kill = async (): Promise<void> => {
      const gone = new Promise((resolve) => child!.once('exit', resolve));
      process.kill(-child!.pid!, 'SIGKILL');
      await gone;
    };
    try {
      const page = await open(RUN, await start());
      const step = await pausedAndKept(page);
      await button(page, 'Continue').click(); // it dies in the middle of its work
      await kill();
      const again = await open(RUN, await start());
      await offer(again).waitFor();
      await goOnToTheEnd(again);
      expect(step).toBeGreaterThan(0);
    } finally {
      await kill().catch(() => {});
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

describe('two tabs', () => {
  test('a run that one trains is not offered to the other, until it is nobody\'s', async () => {
    const a = await open(LONG);
    await pausedAndKept(a);
    const b = await open(LONG);
    await panel(b).getByText('1 item').click();
    await panel(b).getByText('(in another tab)').waitFor();
    expect(await panel(b).getByRole('button', { name: /^(Remove|Go on)/ }).count()).toBe(0);
    expect(await offer(b).count()).toBe(0);
    const step = await stepOf(a);
    await a.close();
    await offer(b).getByText(`step ${step}.`).waitFor();
  });

  test('both keep theirs, and each is offered', async () => {
    const [a, b] = [await open(LONG), await open(`${LONG}&seed=2`)];
    const kept = [await pausedAndKept(a), await pausedAndKept(b, 20)];
    await becomes(() => rows(a), (all) => all.length === 2);
    expect((await rows(b)).map(({ step }) => step).sort()).toEqual([...kept].sort());
    await a.close();
    await b.close();
    const page = await open(LONG);
    await offer(page).getByText(`step ${kept[1]}.`).waitFor(); // the newest
    await panel(page).getByText('2 items').click();
    const other = new RegExp(`Go on .* step ${kept[0]},`);
    await panel(page).getByRole('button', { name: other }).click();
    await becomes(() => stepOf(page), (step) => step === kept[0]);
  });

  test('of two that want the same run one gets it, and the other is told', async () => {
    const first = await open(LONG);
    const step = await pausedAndKept(first);
    await first.close();
    const a = await open(LONG);
    await offer(a).waitFor();
    const b = await open(LONG);
    await offer(b).waitFor();
    await offer(a).getByRole('button', { name: 'Go on' }).click();
    await becomes(() => stepOf(a), (now) => now === step);
    await offer(b).getByRole('button', { name: 'Go on' }).click();
    await notice(b, 'Another tab goes on with this run').waitFor();
    expect(await stepOf(b)).toBe(0);
    await button(b, 'Start').click();
    await steps(b, 3);
  });
});

describe('what is kept', () => {
  test('goes when the offer is declined', async () => {
    const page = await open(LONG);
    await pausedAndKept(page);
    await page.reload();
    await loaded(page);
    await offer(page).getByRole('button', { name: 'Remove it' }).click();
    await panel(page).getByText('Nothing is kept').waitFor();
    expect(await rows(page)).toEqual([]);
    expect(await inStore(page, (_, slices) => slices.count())).toBe(0);
    await page.reload();
    await loaded(page);
    await panel(page).getByText('A run is kept while it trains').waitFor();
    expect(await offer(page).count()).toBe(0);
  });

  test('is seen with size and age, and can be cleared while a run goes', async () => {
    const page = await open(LONG);
    await pausedAndKept(page);
    await page.reload();
    await loaded(page);
    await offer(page).getByRole('button', { name: 'Dismiss' }).click();
    await pausedAndKept(page, 20);
    const [summary] = await becomes(() => panel(page).locator('summary').allTextContents(),
      ([text]) => text!.startsWith('2 items, '));
    expect(summary).toMatch(/, [\d.]+ k?B$/);
    await panel(page).locator('summary').click();
    const lines = await panel(page).locator('li span').allTextContents();
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/: epoch \d of .*, step \d.*B, .* ago/);
    expect(lines[0]).toContain('(this run)');
    await button(page, 'Remove all').click();
    await panel(page).getByText('Everything that no other tab uses was removed').waitFor();
    expect(await rows(page)).toEqual([]);
    await pausedAndKept(page, 40); // it goes on, and is kept again
  });

  test('is bounded: the oldest that nobody holds goes first', async () => {
    const page = await open(LONG);
    await pausedAndKept(page);
    await page.reload();
    await loaded(page);
    for (let i = 1; i <= 4; i++) {
      await inStore(page, new Function('runs', `return runs.put({ id: 'old-${i}', format: 1,
        place: 'elsewhere', net: 'a', data: 'builtin', options: {}, epoch: 1, epochs: 2, step: 3,
        size: 0, savedAt: ${i} })`) as never);
    }
    await pausedAndKept(page, 20);
    await becomes(() => rows(page), (all) => all.length === 5);
    expect((await rows(page)).map(({ id }) => id).filter((id) => id.startsWith('old')))
      .toEqual(['old-2', 'old-3', 'old-4']);
  });
});

describe('what cannot be gone on with is told in a sentence, and can be removed:', () => {
  async function left(change: (runs: IDBObjectStore, slices: IDBObjectStore) => IDBRequest):
    Promise<Page> {
    const page = await open(LONG);
    await pausedAndKept(page);
    await page.goto(`${site.address}no-page`);
    await inStore(page, change);
    await page.goto(site.address + LONG);
    await loaded(page);
    return page;
  }

  async function trainsAndRemoves(page: Page): Promise<void> {
    await button(page, 'Start').click();
    await steps(page, 3);
    await button(page, 'Remove it').click();
    await becomes(() => offer(page).count(), (count) => count === 0);
    await panel(page).getByText('1 item').or(panel(page).getByText('Nothing is kept')).waitFor();
  }

  test('another version', async () => {
    const page = await left((runs) => {
      const all = runs.openCursor();
      all.onsuccess = () => {
        if (all.result) all.result.update({ ...all.result.value, format: 2 });
      };
      return all;
    });
    await notice(page, 'is of another version of kiln, or damaged').waitFor();
    expect(await page.getByRole('button', { name: /^Go on/ }).count()).toBe(0);
    await trainsAndRemoves(page);
  });

  test('a row that holds nothing', async () => {
    const page = await left((runs) => runs.put({ id: 7, place: null }));
    await panel(page).getByText('2 items').click();
    await panel(page).getByText('A run of another version, or damaged: 0 B').waitFor();
    await offer(page).waitFor(); // the whole one
    await button(page, 'Remove all').click();
    await panel(page).getByText('Nothing is kept').waitFor();
  });

  test('a changed byte', async () => {
    const page = await left((_, slices) => {
      const all = slices.openCursor();
      all.onsuccess = () => {
        if (!all.result) return;
        const bytes = all.result.value as Uint8Array;
        bytes[bytes.length - 9]! ^= 1;
        all.result.update(bytes);
      };
      return all;
    });
    await offer(page).getByRole('button', { name: /^Go on/ }).click();
    await notice(page, 'The kept run could not be opened.').waitFor();
    await trainsAndRemoves(page);
  });

  test('data that are kept no more', async () => {
    const page = await left((runs) => {
      const all = runs.openCursor();
      all.onsuccess = () => {
        if (all.result) all.result.update({ ...all.result.value, data: 'cifar10' });
      };
      return all;
    });
    await offer(page).getByRole('button', { name: /^Go on/ }).click();
    await notice(page, 'is of cifar10, which this browser does not keep').waitFor();
    await trainsAndRemoves(page);
  });

  test('a part that is missing', async () => {
    const page = await left((_, slices) => slices.clear());
    await offer(page).getByRole('button', { name: /^Go on/ }).click();
    await notice(page, 'The kept run is damaged: of its').waitFor();
    await trainsAndRemoves(page);
  });
});

describe('where nothing can be kept', () => {
  test.each([
    ['no storage', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
    ['storage that refuses', () => Object.defineProperty(window, 'indexedDB', {
      get() { throw new DOMException('denied', 'SecurityError'); } })],
    ['no locks', () => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })],
  ])('it trains, says so and offers a file: %s', async (_, deny) => {
    const page = await patient(context);
    await page.addInitScript(deny);
    await page.goto(site.address + LONG);
    await loaded(page);
    await panel(page).getByText('Nothing can be kept here').waitFor();
    await button(page, 'Start').click();
    await steps(page, 5);
    await button(page, 'Pause').click();
    const downloading = page.waitForEvent('download');
    await button(page, 'Save as a file').click();
    expect((await downloading).suggestedFilename()).toMatch(/^kiln-epoch.*\.safetensors$/);
  });

  test('a storage with no space at all: the run goes on', async () => {
    const page = await patient(context);
    const devtools = await context.newCDPSession(page);
    const { origin } = new URL(site.address);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
    await page.goto(site.address + LONG);
    await loaded(page);
    await button(page, 'Start').click();
    await steps(page, 5);
    await button(page, 'Pause').click();
    await panel(page).getByText(/Nothing can be kept here|This run is not kept: the private/)
      .waitFor();
    await button(page, 'Save as a file').waitFor();
    await button(page, 'Continue').click();
    await steps(page, await stepOf(page) + 3);
  });

  test('a storage that is full in the middle of a write: what was kept stays whole', async () => {
    const page = await open(LONG);
    const step = await pausedAndKept(page);
    // When the slices are written, and the row is not.
    await page.evaluate(() => {
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function full(...given) {
        if (this.name === 'runs') throw new DOMException('full', 'QuotaExceededError');
        return put.apply(this, given);
      };
    });
    await button(page, 'Step').click();
    await panel(page).getByText('This run is not kept: the private storage is full').waitFor();
    await button(page, 'Save as a file').waitFor();
    await button(page, 'Step').click();
    await becomes(() => stepOf(page), (now) => now === step + 2);
    await page.reload();
    await loaded(page);
    await offer(page).getByText(`step ${step}.`).waitFor();
    await offer(page).getByRole('button', { name: /^Go on/ }).click();
    await becomes(() => stepOf(page), (now) => now === step);
  });
});
