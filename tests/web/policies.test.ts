// Strict content security policies, and Trusted Types: kiln trains under them without a violation.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';

import { becomes, openSite, patient, type Site } from './browser.js';
import { ISOLATED, openHost, type Host } from './host.js';

const NET = 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax';
const SIZES = { train: 240, validation: 20, test: 20, batch: 20, epochs: 1 };
const STEPS = 12;

const tag = `<kiln-trainer net="${NET}" ${Object.entries(SIZES)
  .map(([name, value]) => `${name}="${value}"`).join(' ')}
  views="loss accuracy readout filters predictions layers confusion timing"></kiln-trainer>`;
const said = '<p>running</p>';

/** Pages, each with the scripts that it may have: of its own origin, and none in its text. */
const PAGES: Record<string, string> = {
  'the element': `${tag}${said}<script type="module" src="/element/kiln-trainer.js"></script>` +
    '<script type="module" src="/press.js"></script>',
  'standalone.js': `${tag}${said}<script src="/element/standalone.js"></script>` +
    '<script type="module" src="/press.js"></script>',
  'kiln-nn': `${said}<script type="module" src="/own.js"></script>`,
  'kiln-nn/inline': `${said}<script type="module" src="/inline.js"></script>`,
};

const own = (entry: string): string => `
import { Trainer } from '/dist/${entry}.js';
const said = document.querySelector('p');
try {
  const trainer = await Trainer.create({ net: '${NET}', options: ${JSON.stringify(SIZES)} });
  await trainer.start();
  for await (const _ of trainer);
  said.textContent = \`steps \${trainer.metrics.step} threads \${trainer.backend.threads}\`;
} catch (error) {
  said.textContent = \`\${error.code}: \${error.message}\`;
}`;

const FILES = {
  '/press.js': `
const said = document.querySelector('p');
await customElements.whenDefined('kiln-trainer');
const element = document.querySelector('kiln-trainer');
element.addEventListener('error', ({ detail }) => {
  said.textContent = \`\${detail.code}: \${detail.message}\`;
});
element.addEventListener('statechange', ({ detail: { state } }) => {
  const { metrics, backend } = element.trainer;
  if (state === 'done') said.textContent = \`steps \${metrics.step} threads \${backend.threads}\`;
});
await element.start();`,
  '/own.js': own('index'),
  '/inline.js': own('inline'),
};

/** What is one file makes its workers of it. */
const SINGLE = /standalone|inline/;

/** The smallest that is named for files, and for what is one file. */
const policy = (page: string): string => {
  const single = SINGLE.test(page);
  return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
    `connect-src 'self'; img-src 'self'; worker-src ${single ? 'blob:' : "'self'"}; ` +
    'report-uri /violations';
};
const TRUSTED = "; require-trusted-types-for 'script'; trusted-types kiln";

let site: Site;
let host: Host | null = null;
let context: BrowserContext | null = null;
beforeAll(async () => {
  site = await openSite('build/element');
});
afterEach(async () => {
  await context?.close();
  host?.close();
  context = host = null;
});
afterAll(() => site?.close());

/** What the page said in the end, and what the browser did not let it do. */
async function outcome(name: string, headers: Record<string, string>):
  Promise<{ text: string; violations: string[]; cores: number }> {
  host = await openHost({ headers, files: { ...FILES, '/page.html':
    `<!doctype html><meta charset="utf-8"><title>A course</title>${PAGES[name]}` } });
  context = await site.browser.newContext();
  const page = await patient(context);
  const violations: string[] = [];
  await page.exposeFunction('violated', (what: string) => violations.push(what));
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) =>
    (window as unknown as { violated(what: string): void }).violated(
      `${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`)));
  await page.goto(`${host.address}page.html`);
  const text = await becomes(async () => (await page.locator('p').first().textContent()) ?? '',
    (now) => now !== 'running');
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  return { text, cores, violations: [...violations, ...host.violations] };
}

describe.each(Object.keys(PAGES))('%s', (name) => {
  test.each([
    ['a strict policy', policy(name), {}],
    ['one that requires Trusted Types', policy(name) + TRUSTED, {}],
    ['one that does, isolated', policy(name) + TRUSTED, ISOLATED],
  ])('trains under %s, and violates nothing', async (_, csp, more) => {
    const { text, violations, cores } =
      await outcome(name, { 'Content-Security-Policy': csp, ...more });
    const threads = 'Cross-Origin-Embedder-Policy' in more && !SINGLE.test(name)
      ? Math.min(cores, 8) : 1;
    expect(text).toBe(`steps ${STEPS} threads ${threads}`);
    expect(violations).toEqual([]);
  });

  test("says what lacks where 'wasm-unsafe-eval' does", async () => {
    const { text, violations } = await outcome(name,
      { 'Content-Security-Policy': policy(name).replace(" 'wasm-unsafe-eval'", '') });
    expect(text).toMatch(
      /^E_WASM_LOAD: .*content security policy .* forbids WebAssembly: .*'wasm-unsafe-eval'/);
    expect(violations.length).toBeGreaterThan(0); // so they are counted
  });
});
