// The package's own files in a page, without a bundler, under a policy that evaluates no text: each
// entry trains ten steps to the hash of Node. And standalone.js beside others of its kind.

import { readFileSync } from 'node:fs';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';

import { Trainer } from '../../bindings/index.js';
import type { KilnTrainer } from '../../web/element/kiln-trainer.js';
import { askElement, becomes, openSite, patient, type Site } from './browser.js';

const FOLDER = 'build/dist';
const SETUP = { net: 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax', train: 100,
  validation: 20, test: 20, batch: 20, epochs: 2, seed: 5 };
const TAG = `<kiln-trainer ${Object.entries({ ...SETUP, views: 'loss', variant: 'simd' })
  .map(([name, value]) => `${name}="${value}"`).join(' ')}></kiln-trainer>`;

let site: Site;
let wanted: string;
let context: BrowserContext | null = null;
beforeAll(async () => {
  site = await openSite(FOLDER);
  const trainer = await Trainer.create({ ...SETUP, variant: 'simd' });
  await trainer.start();
  for await (const _ of trainer);
  wanted = await trainer.hash();
  trainer.dispose();
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(() => site?.close());

/** A page of this body and script, under this policy; what its console says, warnings included. */
async function open(body: string, script = '', policy = ''):
  Promise<{ page: Page; said: string[] }> {
  context = await site.browser.newContext();
  const page = await patient(context);
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.addInitScript(() => {
    window.noticed = { violations: [] };
    addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
      window.noticed.violations.push(`${effectiveDirective} ${blockedURI}`);
    });
  });
  await page.route(`${site.address}main.js`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: script }));
  await page.route(`${site.address}page.html`, (route) => route.fulfill({
    contentType: 'text/html',
    headers: policy ? { 'Content-Security-Policy': policy } : {},
    body: `<!doctype html><meta charset="utf-8"><title>kiln</title>
      <link rel="icon" href="data:,">${body}` }));
  await page.goto(`${site.address}page.html`);
  return { page, said };
}

const violations = (page: Page): Promise<string[]> =>
  page.evaluate(() => window.noticed.violations);

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; " +
  'img-src data:; worker-src ';
const MAIN = '<script type="module" src="main.js"></script>';
/** Says what came of it, and then whether the page evaluates text. */
const END = `
document.title = said;
try {
  new Function('');
  document.title += ', evaluates';
} catch {
  document.title += ', evaluates nothing';
}`;

describe('without a bundler, under a strict policy', () => {
  test.each([['index.js', "'self'"], ['inline.js', 'blob:']])('%s', async (file, workers) => {
    const { page, said } = await open(MAIN, `
      import { Trainer } from './${file}';
      const trainer = await Trainer.create(${JSON.stringify({ ...SETUP, variant: 'simd' })});
      await trainer.start();
      for await (const _ of trainer);
      const said = [trainer.metrics.step, await trainer.hash(),
        window.noticed.violations.length].join(' ');
      ${END}`, POLICY + workers);
    await becomes(() => page.title(), (title) => title !== 'kiln');
    expect(await page.title()).toBe(`10 ${wanted} 0, evaluates nothing`);
    expect(await violations(page)).toHaveLength(1); // its own, so that others would be seen
    expect(said).toEqual([]);
  });

  test.each([
    ['element.js', "'self'", '<script type="module" src="element.js"></script>'],
    ['standalone.js', 'blob:', '<script src="standalone.js"></script>'],
  ])('%s', async (_, workers, script) => {
    const { page, said } = await open(`${TAG}${script}`, '', POLICY + workers);
    await askElement(page, (element) => element.start());
    await becomes(() => askElement(page, (element) => element.state), (state) => state === 'done');
    expect(await askElement(page, async ({ trainer }) =>
      [trainer!.metrics!.step, await trainer!.hash()])).toEqual([10, wanted]);
    expect(await violations(page)).toEqual([]);
    expect(said).toEqual([]);
  });
});

describe('standalone.js', () => {
  const HERE = '<script src="standalone.js"></script>';

  test.each([
    ['itself', '<script src="standalone.js?again"></script>'],
    ['the tag in modules', '<script type="module" src="element.js"></script>'],
  ])('and %s after it: the second does nothing', async (_, second) => {
    const { page, said } = await open(`${TAG}${HERE}`);
    await page.evaluate(() => {
      (window as unknown as { first: unknown }).first = customElements.get('kiln-trainer');
    });
    await page.evaluate((html) => {
      const holder = document.createRange().createContextualFragment(html);
      const loaded = new Promise((done) => {
        holder.querySelector('script')!.addEventListener('load', done);
      });
      document.body.append(holder);
      return loaded;
    }, second);
    expect(await page.evaluate(() => (window as unknown as { first: unknown }).first ===
      customElements.get('kiln-trainer'))).toBe(true);
    await askElement(page, (element) => element.step());
    expect(await askElement(page, ({ trainer }) => trainer!.metrics!.step)).toBe(1);
    expect(said).toEqual([]);
  });

  test('of another version: one sentence says which is used', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const { page, said } = await open(`${TAG}${HERE}`);
    await page.route('**/standalone.js?other', (route) => route.fulfill({
      contentType: 'text/javascript',
      body: readFileSync(`${FOLDER}/standalone.js`, 'utf8').replaceAll(`"${version}"`, '"99.0.0"'),
    }));
    await page.addScriptTag({ url: 'standalone.js?other' });
    await becomes(async () => said.length, (lines) => lines > 0);
    expect(said).toEqual([`kiln: this page loads <kiln-trainer> in versions ${version} and ` +
      `99.0.0; ${version} is used`]);
    expect(await page.evaluate(() => (customElements.get('kiln-trainer') as typeof KilnTrainer)
      .version)).toBe(version);
  });
});
