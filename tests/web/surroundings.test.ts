// What the page says where something is missing, and what it offers at its end.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { button, openSite, steps, visit, type Site } from './browser.js';

let site: Site;

beforeAll(async () => {
  site = await openSite('build/web', { flags: ['--host-resolver-rules=MAP plain.test 127.0.0.1'] });
});
afterAll(() => site?.close());

/** The page as it opens in a browser that lacks something. */
async function bare(lack: () => void, blocked?: string): Promise<Page> {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(lack);
  if (blocked) await context.route(blocked, (route) => route.abort());
  await page.goto(site.address);
  return page;
}

const WASM = '**/*.wasm';

async function nothingLoads(page: Page): Promise<void> {
  expect(await page.locator('kiln-run-bar dd.state').textContent()).toBe('not available');
  expect(await page.getByText('Loading').count()).toBe(0);
}

describe('a browser', () => {
  test.each([
    ['without SIMD', () => void (WebAssembly.validate = () => false), 'has no SIMD'],
    ['without WebAssembly', () => void Reflect.deleteProperty(window, 'WebAssembly'),
      'has no WebAssembly'],
  ])('%s is told so, and nothing stays loading', async (_, lack, said) => {
    const page = await bare(lack, WASM);
    await page.locator('kiln-page .notice', { hasText: said }).waitFor();
    await nothingLoads(page);
    await page.context().close();
  });

  test.each([
    ['the module', WASM],
    ['the worker', '**/worker-main-*.js'],
  ])('that cannot fetch %s is told why', async (_, blocked) => {
    const page = await bare(() => {}, blocked);
    await page.locator('kiln-page .notice', { hasText: 'kiln could not start.' }).waitFor();
    await nothingLoads(page);
    await page.context().close();
  });

  test('without private storage trains, and does not promise to keep data', async () => {
    const page = await bare(() => {
      navigator.storage.getDirectory = () => Promise.reject(new DOMException('', 'SecurityError'));
    });
    await page.locator('kiln-data-panel', { hasText: 'no private storage' }).waitFor();
    await button(page, 'Start').click();
    await steps(page, 2);
    await page.context().close();
  });
});

describe('one view that fails', () => {
  test('says so in its place, and takes nothing else down', async () => {
    const page = await bare(() => {
      const define = customElements.define.bind(customElements);
      const fail = (): void => {
        throw new Error('no chart in this browser');
      };
      customElements.define = (name, element) => {
        const view = element.prototype as Record<string, unknown>;
        if (name === 'kiln-accuracy-view') view['build'] = fail;
        if (name === 'kiln-loss-view') view['attach'] = fail;
        // A listener: on the first progress.
        if (name === 'kiln-readout') view['attach'] = function attach(
          this: { on(type: string, act: () => void): void }) {
          this.on('progress', fail);
        };
        define(name, name === 'kiln-timing-view' ? class extends HTMLElement {
          constructor() {
            super();
            fail();
          }
        } : element);
      };
    });
    await button(page, 'Start').click();
    await steps(page, 2);
    for (const name of ['kiln-accuracy-view', 'kiln-loss-view', 'kiln-readout']) {
      await page.locator(name).getByRole('alert').filter({
        hasText: 'This view does not work here: No chart in this browser.' }).waitFor();
    }
    await page.locator('kiln-filter-view canvas').first().waitFor();
    await button(page, 'Evaluate now').click();
    await page.locator('kiln-confusion-view tbody tr').first().waitFor();
    expect(await page.locator('kiln-page .notice.problem').count()).toBe(0);
    await page.context().close();
  });

  test('a language that is none keeps no chart from being drawn', async () => {
    const page = await bare(() => void Object.defineProperty(Navigator.prototype, 'language', {
      configurable: true, get: () => 'C' }));
    await button(page, 'Start').click();
    await steps(page, 2);
    await page.locator('kiln-loss-view canvas').first().waitFor();
    await page.context().close();
  });
});

describe('an address', () => {
  test('by plain http trains, and says what is missing', async () => {
    const address = site.address.replace(/\/\/[^:/]+/, '//plain.test');
    const { page, errors, close } = await visit({ ...site, address });
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    await page.locator('kiln-data-panel', { hasText: 'Over plain http' }).waitFor();
    await button(page, 'Start').click();
    await steps(page, 2);
    await button(page, 'Copy link').click();
    await page.locator('.share', { hasText: 'the address bar holds the link' }).waitFor();
    expect(errors.filter((text) => !/Cross-Origin-Opener-Policy/.test(text))).toEqual([]);
    await close();
  });

  test('of a file says that it must be served', async () => {
    const page = await (await site.browser.newContext()).newPage();
    await page.goto(String(pathToFileURL(resolve('build/web/index.html'))));
    await page.getByText('serve the folder').waitFor();
    await page.context().close();
  });
});

test('the text for those whose program does not run is not seen by others', async () => {
  const { page, close } = await visit(site);
  expect(await page.getByText('serve the folder').isVisible()).toBe(false);
  await close();
});

test('the end of the page has help, licence, source and where data are to be had', async () => {
  const { page, close } = await visit(site);
  const end = page.locator('footer');
  await end.getByText('Help').click();
  await end.getByText('Press Start').waitFor();
  await end.getByText('Licence').click();
  await end.getByText('Permission is hereby granted').waitFor();
  expect(await end.getByRole('link', { name: 'CIFAR-10' }).getAttribute('href')).toContain(
    'cs.toronto.edu',
  );
  const href = await end.getByRole('link', { name: /^Source/ }).getAttribute('href');
  const archive = await page.request.get(new URL(href!, page.url()).href);
  const tar = gunzipSync(await archive.body());
  expect(tar.includes('kiln/src/kiln.h')).toBe(true);
  await close();
});
