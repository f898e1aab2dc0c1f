// <kiln-trainer> is light in light pages and dark in dark ones, whatever the reader's system is set
// to and however the page came to be so.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BrowserContext, Frame, Page } from 'playwright-core';

import type { KilnTrainer } from '../../web/element/kiln-trainer.js';
import { askElement as ask, becomes, openSite, patient, type Site } from './browser.js';

const SET_UP = 'net="affine 10 - softmax" train="200" validation="20" test="20" variant="simd"';
const PAPER = { light: 'rgb(255, 253, 249)', dark: 'rgb(24, 21, 18)' };
type Theme = keyof typeof PAPER;

let site: Site;
let context: BrowserContext | null = null;
beforeAll(async () => {
  // A frame without an origin loads its files as from elsewhere.
  site = await openSite('build/element', { headers: {
    'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' } });
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(() => site?.close());

/** A page of somebody's on a system with that preference. */
async function open(colorScheme: Theme, head: string, body: string): Promise<Page> {
  context = await site.browser.newContext({ viewport: { width: 800, height: 800 }, colorScheme });
  const page = await patient(context);
  await page.route(`${site.address}page.html`, (route) => route.fulfill({
    contentType: 'text/html',
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><title>A course</title>${head}
      <link rel="icon" href="data:,"><body>${body}
      <script type="module" src="kiln-trainer.js"></script></html>`,
  }));
  await page.goto(`${site.address}page.html`);
  return page;
}

/** The paper of poster and trainer alike. */
function themeOf(where: Page | Frame, selector = 'kiln-trainer'): Promise<Theme | string> {
  return where.locator(selector).evaluate(async (element, papers) => {
    await customElements.whenDefined('kiln-trainer');
    const box = element.shadowRoot!.querySelector('.poster, .trainer')!;
    const { backgroundColor } = getComputedStyle(box);
    return Object.entries(papers).find(([, paper]) => paper === backgroundColor)?.[0]
      ?? backgroundColor;
  }, PAPER);
}

const both = '<meta name="color-scheme" content="light dark">';
const painted = '<style>body { background: #191919; color: oklch(0.93 0.01 90) }</style>';
const gradient = '<style>html { background: linear-gradient(#111, #234); color: #eee }</style>';

describe('without a word of the author it is as the page', () => {
  test.each<[string, Theme, string, Theme]>([
    ['that knows light alone', 'dark', '', 'light'],
    ['that knows light alone and paints it', 'dark',
      `${both}<style>body { background: #fff; color: #222 }</style>`, 'light'],
    ['that knows both', 'dark', both, 'dark'],
    ['that knows both', 'light', both, 'light'],
    ['that is dark by its colours', 'light', painted, 'dark'],
    ['that is dark by a picture', 'light', gradient, 'dark'],
    ['that is dark by color-scheme', 'light', '<style>:root { color-scheme: dark }</style>',
      'dark'],
  ])('%s, on a %s system', async (_, system, head, wanted) => {
    const page = await open(system, head, `<kiln-trainer ${SET_UP} loading="press"></kiln-trainer>
      <div style="color: #222; background: #fff"><kiln-trainer id="card" ${SET_UP}></kiln-trainer>
      </div>`);
    expect(await themeOf(page, 'kiln-trainer:not([id])')).toBe(wanted);
    expect(await themeOf(page, '#card')).toBe('light'); // a white card on whatever page
    await page.locator('kiln-trainer').first().evaluate((element) =>
      (element as KilnTrainer).step());
    expect(await themeOf(page, 'kiln-trainer:not([id])')).toBe(wanted);
  });
});

describe('theme', () => {
  test.each<[Theme, Theme]>([['light', 'dark'], ['dark', 'light']])(
    '"%s" goes before what a page is, and so does its color-scheme', async (wanted, system) => {
      const page = await open(system, both, `<kiln-trainer ${SET_UP} theme="${wanted}">
        </kiln-trainer><kiln-trainer id="styled" style="color-scheme: ${wanted}" ${SET_UP}>
        </kiln-trainer>`);
      expect(await themeOf(page, 'kiln-trainer:not([id])')).toBe(wanted);
      expect(await themeOf(page, '#styled')).toBe(wanted);
      await ask(page, (element) => { element.theme = null; });
      expect(await themeOf(page, 'kiln-trainer:not([id])')).toBe(system);
    });

  test('that is none is told of', async () => {
    const page = await open('light', '', `<kiln-trainer ${SET_UP} theme="blue"></kiln-trainer>`);
    await page.getByRole('alert')
      .filter({ hasText: /theme: .blue. is none of light, dark, system/i }).waitFor();
  });

});

describe('a frame', () => {
  test.each<[string, Theme, string, string, string, Theme]>([
    ['is as a page of its own origin', 'dark', '', '', '', 'light'],
    ['is as a page of its own origin', 'light', painted, '', '', 'dark'],
    ['is light where it cannot see', 'dark', '', 'sandbox="allow-scripts"', '', 'light'],
    ['is dark where it is told', 'light', painted, 'sandbox="allow-scripts"', 'dark', 'dark'],
    ['is as the system where it is told', 'dark', both, 'sandbox="allow-scripts"', 'system',
      'dark'],
  ])('%s, on a %s system', async (_, system, head, attributes, theme, wanted) => {
    const page = await open(system, head, `<iframe ${attributes} title="A net"
      src="embed.html?net=affine+10+-+softmax&amp;loading=press&amp;theme=${theme}"></iframe>`);
    const frame = (await becomes(async () => page.frames()[1], Boolean))!;
    expect(await themeOf(frame)).toBe(wanted);
    expect(await frame.evaluate(() => getComputedStyle(document.body).color))
      .toBe(wanted === 'dark' ? 'rgb(255, 255, 255)' : 'rgb(0, 0, 0)');
  });
});

test('a page that changes takes it along, with its curves', async () => {
  const page = await open('light', `<style>
    body { background: #fff; color: #222; transition: color 50ms }
    .night body { background: #111; color: #eee }</style>`,
  `<kiln-trainer ${SET_UP} views="loss"></kiln-trainer>`);
  await ask(page, (element) => element.step());
  const inks = (): Promise<number> => page.locator('kiln-loss-view .chart canvas').evaluate(
    (node, [red, green, blue]) => {
      const { width, height } = node as HTMLCanvasElement;
      const { data } = (node as HTMLCanvasElement).getContext('2d')!
        .getImageData(0, 0, width, height);
      let found = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (data[i] === red && data[i + 1] === green && data[i + 2] === blue) found++;
      }
      return found;
    }, [0xb0, 0xa6, 0x98] as const); // the dark theme's muted text, of which the axis is
  await page.evaluate(() => document.documentElement.classList.add('night'));
  await becomes(() => themeOf(page), (theme) => theme === 'dark');
  await becomes(inks, (found) => found > 0);
  await page.evaluate(() => document.documentElement.classList.remove('night'));
  await becomes(() => themeOf(page), (theme) => theme === 'light');
  await becomes(inks, (found) => found === 0);
});

test('it is as where it was moved to', async () => {
  const page = await open('light', '', `<kiln-trainer ${SET_UP}></kiln-trainer>
    <aside style="color: #fff; background: #000"></aside>`);
  await ask(page, (element) => document.querySelector('aside')!.append(element));
  expect(await themeOf(page)).toBe('dark');
});
