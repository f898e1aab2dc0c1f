// How <kiln-trainer> behaves towards readers, keyboards, preferences and the memory of its page.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';

import { askElement as ask, becomes, openSite, patient, type Site } from './browser.js';

const NET = 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax';
const SIZES = 'train="200" validation="20" test="20" batch="20" variant="simd"';
const SMALL = `net="${NET}" ${SIZES} epochs="10000"`;
const ALL = 'loss accuracy readout filters predictions layers confusion timing';

let site: Site;
let context: BrowserContext | null = null;
beforeAll(async () => {
  site = await openSite('build/element');
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(() => site?.close());

/** A page of somebody's with this body. */
async function open(body: string, options: object = {}): Promise<Page> {
  context = await site.browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
  const page = await patient(context);
  await page.route(`${site.address}page.html`, (route) => route.fulfill({
    contentType: 'text/html',
    body: '<!doctype html><html lang="en"><meta charset="utf-8"><title>A course page</title>' +
      `<link rel="icon" href="data:,"><main>${body}</main>` +
      '<script type="module" src="kiln-trainer.js"></script></html>',
  }));
  await page.goto(`${site.address}page.html`);
  return page;
}

const state = (page: Page): Promise<string> => ask(page, (element) => element.state);
const stepOf = (page: Page): Promise<number> =>
  ask(page, (element) => element.trainer?.metrics?.step ?? 0);
const running = (page: Page): Promise<string> =>
  becomes(() => state(page), (now) => now === 'running');

describe('what it says', () => {
  test('progress comes at most ten times a second', async () => {
    const page = await open(`<kiln-trainer ${SMALL}></kiln-trainer>`);
    const [events, seconds, steps] = await ask(page, async (element) => {
      let count = 0;
      const begin = performance.now();
      element.addEventListener('progress', () => count++);
      await element.start();
      await new Promise<void>((done) => {
        element.addEventListener('progress', () => {
          if (performance.now() - begin > 2000) done();
        });
      });
      await element.pause();
      return [count, (performance.now() - begin) / 1000, element.trainer!.metrics!.step] as const;
    });
    expect(events).toBeGreaterThan(0);
    expect(events).toBeLessThanOrEqual(10 * seconds + 2); // one at each end of a run
    expect(steps).toBeGreaterThanOrEqual(events);
  });

  test('its live region speaks at most once an epoch or ten seconds', async () => {
    const page = await open(`<kiln-trainer ${SMALL}></kiln-trainer>`);
    const [spoken, epochs, seconds] = await ask(page, async (element) => {
      const region = element.shadowRoot!.querySelector('.trainer > [role=status]')!;
      let spoken = 0, epochs = 0;
      const begin = performance.now();
      new MutationObserver(() => spoken++).observe(region, { childList: true, subtree: true,
        characterData: true });
      element.addEventListener('epoch', () => epochs++);
      await element.start();
      await new Promise<void>((done) => {
        element.addEventListener('epoch', () => epochs >= 5 && done());
      });
      await element.pause();
      return [spoken, epochs, (performance.now() - begin) / 1000] as const;
    });
    expect(spoken).toBeGreaterThan(0);
    expect(spoken).toBeLessThanOrEqual(Math.min(epochs, 1 + Math.floor(seconds / 10)));
  });

  test('nothing else in it is a live region but its errors', async () => {
    const page = await open(`<kiln-trainer ${SMALL} views="${ALL}"></kiln-trainer>`);
    const live = await ask(page, (element) => {
      const found: string[] = [];
      const look = (root: ParentNode): void => root.querySelectorAll('*').forEach((node) => {
        const role = node.getAttribute('role');
        if (node.hasAttribute('aria-live') || role === 'log' || role === 'status') {
          found.push(`${(node.getRootNode() as ShadowRoot).host.localName} ${role}`);
        }
        if (node.shadowRoot) look(node.shadowRoot);
      });
      look(element.shadowRoot!);
      return found;
    });
    expect(live.filter((text) => text.startsWith('kiln-trainer'))).toEqual(['kiln-trainer status']);
  });
});

describe('by the keyboard alone', () => {
  /** Presses Tab until this has the focus. */
  async function reach(page: Page, name: string): Promise<void> {
    const focused = (): Promise<string | null> => page.evaluate(() => {
      let node = document.activeElement;
      while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
      return node?.getAttribute('name') ?? node?.id ?? null;
    });
    for (let i = 0; i < 60; i++) {
      if (await focused() === name) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${name}`);
  }

  test('it starts, pauses, steps, resets and takes another rate', async () => {
    const page = await open(`<kiln-trainer ${SMALL} loading="lazy" controls="start step reset lr
      evaluate"></kiln-trainer>`);
    await ask(page, ({ ready }) => ready);
    await reach(page, 'start');
    await page.keyboard.press('Enter');
    await running(page);
    await reach(page, 'pause');
    await page.keyboard.press('Space');
    await becomes(() => state(page), (now) => now === 'paused');
    const before = await stepOf(page);
    await reach(page, 'step');
    await page.keyboard.press('Enter');
    await becomes(() => stepOf(page), (step) => step === before + 1);
    await reach(page, 'lr');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('0.25');
    await page.keyboard.press('Enter');
    await becomes(() => ask(page, (element) => element.trainer!.options()),
      ({ lr }) => Number(lr) === 0.25);
    await reach(page, 'evaluate');
    await page.keyboard.press('Enter');
    await page.getByText(/right of the test images/).first().waitFor();
    await reach(page, 'reset');
    await page.keyboard.press('Space');
    await becomes(() => stepOf(page), (step) => step === 0);
  });
});

describe('preferences', () => {
  test('more contrast: what was muted has the full colour', async () => {
    const page = await open(`<kiln-trainer ${SMALL}></kiln-trainer>`, { contrast: 'more' });
    const [muted, ink] = await ask(page, ({ shadowRoot }) => ['.status', '.trainer'].map((part) =>
      getComputedStyle(shadowRoot!.querySelector(part)!).color));
    expect(muted).toBe(ink);
  });

  test('forced colours go before the author\'s', async () => {
    const page = await open('<style>kiln-trainer { --kiln-paper: rgb(1, 2, 3); ' +
      `--kiln-ink: rgb(4, 5, 6) }</style><kiln-trainer ${SMALL}></kiln-trainer>`,
    { forcedColors: 'active' });
    const [paper, ink] = await ask(page, ({ shadowRoot }) => {
      const style = getComputedStyle(shadowRoot!.querySelector('.trainer')!);
      return [style.backgroundColor, style.color];
    });
    expect([paper, ink]).not.toContain('rgb(1, 2, 3)');
    expect([paper, ink]).not.toContain('rgb(4, 5, 6)');
  });

  test('less motion: nothing moves, with it or without', async () => {
    const page = await open(`<kiln-trainer ${SMALL} views="${ALL}"></kiln-trainer>`);
    await ask(page, (element) => element.step());
    const moving = await ask(page, (element) => {
      const found: string[] = [];
      const look = (root: ParentNode): void => root.querySelectorAll('*').forEach((node) => {
        const { transitionDuration, animationName } = getComputedStyle(node);
        if (transitionDuration !== '0s' || animationName !== 'none') found.push(node.outerHTML);
        if (node.shadowRoot) look(node.shadowRoot);
      });
      look(element.shadowRoot!);
      return found;
    });
    expect(moving).toEqual([]);
  });
});

test('title and caption of the author stand in the poster and in the trainer', async () => {
  const page = await open(`<div style="height: 5000px"></div><kiln-trainer ${SMALL}>
    <h2 slot="title">Try it</h2><p slot="caption">With a low rate.</p></kiln-trainer>`);
  const slotted = page.locator('kiln-trainer > [slot]');
  const shown = (): Promise<boolean[]> => slotted.evaluateAll((nodes) =>
    nodes.map((node) => node.assignedSlot !== null && node.getBoundingClientRect().height > 0));
  await becomes(shown, (both) => both.length === 2 && both.every(Boolean));
  expect(await page.locator('kiln-trainer').evaluate(({ shadowRoot }) =>
    shadowRoot!.querySelector('.poster') !== null)).toBe(true);
  await page.locator('kiln-trainer').scrollIntoViewIfNeeded();
  await ask(page, (element) => element.step());
  expect(await shown()).toEqual([true, true]);
});

test('how the page around it sets its text is not how it sets its own', async () => {
  const page = await open('<div lang="ar" dir="rtl" style="text-align: center; text-indent: 3em; ' +
    `white-space: pre; text-transform: uppercase"><kiln-trainer ${SMALL} views="loss">` +
    '<p slot="caption">A caption</p></kiln-trainer></div>');
  const look = (within: string): Promise<string[]> => page.evaluate((within) => {
    const { shadowRoot } = document.querySelector('kiln-trainer')!;
    const node = shadowRoot!.querySelector(within)!;
    const { direction, textAlign, textIndent, whiteSpace, textTransform } = getComputedStyle(node);
    const language = node.matches(':lang(en)') ? 'en' : 'another';
    return [language, direction, textAlign, textIndent, whiteSpace, textTransform];
  }, within);
  const own = ['en', 'ltr', 'start', '0px', 'normal', 'none'];
  await ask(page, () => true);
  for (const within of ['.status', 'kiln-loss-view']) expect(await look(within)).toEqual(own);
  expect(await page.locator('[slot=caption]').evaluate((node) =>
    [node.matches(':lang(ar)'), getComputedStyle(node).direction])).toEqual([true, 'rtl']);
  await page.evaluate(() => {
    const other = document.createElement('kiln-trainer');
    other.setAttribute('loading', 'press');
    document.querySelector('kiln-trainer')!.replaceWith(other);
  });
  expect(await look('.net')).toEqual(own);
});

test('ten mounts and removals leave no element, view or listener behind', async () => {
  const page = await open('<div id="place"></div>');
  const session = await context!.newCDPSession(page);
  const counted = async (): Promise<{ nodes: number; jsEventListeners: number }> => {
    await session.send('HeapProfiler.collectGarbage');
    return session.send('Memory.getDOMCounters');
  };
  /** Nodes and listeners while the element was there. */
  const mount = async (): ReturnType<typeof counted> => {
    await page.locator('#place').evaluate(async (place, html) => {
      await customElements.whenDefined('kiln-trainer');
      place.innerHTML = html;
      await (place.firstElementChild as HTMLElement & { step(): Promise<void> }).step();
    }, `<kiln-trainer ${SMALL} views="loss accuracy filters predictions"></kiln-trainer>`);
    const there = await counted();
    await page.locator('#place').evaluate((place) => place.replaceChildren());
    await becomes(async () => page.workers().length, (workers) => workers === 0);
    return there;
  };
  const one = await mount(); // by now everything that is made once is there
  for (let i = 0; i < 10; i++) await mount();
  // The engine may hold on to the last of them until another one comes, and never to two.
  await becomes(counted, ({ nodes, jsEventListeners }) =>
    nodes < 2 * one.nodes && jsEventListeners < 2 * one.jsEventListeners);
});

test.each([['light', 320], ['dark', 320], ['light', 720], ['dark', 720]] as const)(
  'axe finds nothing in the embed page, %s, %i px', async (colorScheme, width) => {
    context = await site.browser.newContext({ viewport: { width, height: 700 }, colorScheme });
    const page = await patient(context);
    const query = new URLSearchParams({ net: NET, train: '200', validation: '20', test: '20',
      batch: '20', views: ALL, controls: 'start step reset save load evaluate lr batch',
      title: 'A small net', caption: 'Try it.', variant: 'simd' });
    await page.goto(`${site.address}embed.html?${query}`);
    await ask(page, (element) => element.step());
    await page.evaluate(axe.source);
    expect(await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') };
      const { violations } = await axe.run(document);
      return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
    })).toEqual([]);
  });
