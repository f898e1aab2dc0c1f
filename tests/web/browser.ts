// A real headless Chromium on the built page: starting it, opening the page, and what it noticed.

import { execFileSync } from 'node:child_process';

import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Frame,
  type Page,
} from 'playwright-core';

// @ts-expect-error: a plain script, shared with make start
import { serve } from '../serve.mjs';
import type { Trainer } from '../../bindings/index.js';
import type { KilnTrainer } from '../../web/element/kiln-trainer.js';
import type { LiveTrainer } from '../../web/live-trainer.js';
import type { KilnPage } from '../../web/page.js';

export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

declare global {
  interface Window {
    noticed: { violations: string[] };
  }
}

/** The browser named by CHROMIUM=, else the first on the PATH. */
export function executable(): string {
  const wanted = process.env['CHROMIUM'] ? [process.env['CHROMIUM']] : NAMES;
  for (const name of wanted) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      continue;
    }
  }
  throw new Error(`no browser: none of ${wanted.join(', ')} is on the PATH; name one by CHROMIUM=`);
}

/**
 * Milliseconds that what must come may take. No test is about when it comes: a machine may be slow
 * or busy. KILN_SLOWER=4 runs the pages' own threads as on a processor four times slower.
 */
const PATIENCE = 90_000;
const SLOWER = Number(process.env['KILN_SLOWER'] ?? 1);

export interface Site {
  browser: Browser;
  address: string;
  close(): Promise<void>;
}

/** The browser with these flags, and a server of the page with these headers, besides their own. */
export async function openSite(
  folder = 'build/web',
  { headers = {}, flags = [] }: { headers?: Record<string, string>; flags?: string[] } = {},
): Promise<Site> {
  const { server, address } = await serve(folder, 0, { headers });
  const browser = await chromium.launch({
    executablePath: executable(),
    args: [...FLAGS, ...flags],
  });
  return {
    browser,
    address,
    async close() {
      await browser.close();
      server.close();
    },
  };
}

export interface Visit {
  page: Page;
  /** Errors on the console and uncaught ones. */
  errors: string[];
  close(): Promise<void>;
}

/** A page of the context that waits as long as it takes. */
export async function patient(context: BrowserContext): Promise<Page> {
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  if (SLOWER > 1) {
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  }
  return page;
}

/**
 * Data that are drawn in no time, and a run that no test sees the end of by waiting, unless the
 * link says otherwise.
 */
const SMALL = { train: 1000, validation: 200, test: 200, epochs: 10_000 };

function small(hash: string): string {
  const more = Object.entries(SMALL)
    .filter(([name]) => !new RegExp(`[#&]${name}=`).test(hash))
    .map(([name, value]) => `${name}=${value}`);
  return `${hash || '#'}${hash.length > 1 ? '&' : ''}${more.join('&')}`;
}

/** Opens the page and waits until it has its trainer; `whole`: by the link as it is. */
export async function visit(
  site: Site,
  {
    hash = '',
    whole = false,
    ...options
  }: BrowserContextOptions & { hash?: string; whole?: boolean } = {},
): Promise<Visit> {
  const context = await site.browser.newContext({
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
    ...options,
  });
  const page = await patient(context);
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.addInitScript(() => {
    window.noticed = { violations: [] };
    addEventListener('securitypolicyviolation', (event) => {
      window.noticed.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  await page.goto(site.address + (whole ? hash : small(hash)));
  await loaded(page);
  return { page, errors, close: () => context.close() };
}

/** The page has its trainer, the controls their values, and the run is the one of the address. */
export async function loaded(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).waitFor();
  await page.evaluate(() => document.querySelector<KilnPage>('kiln-page')!.opened);
}

/** Something of the page's trainer, asked in the page. */
export function ask<T>(
  page: Page,
  question: (trainer: LiveTrainer & Pick<Trainer, 'hash' | 'parameters'>) => T | Promise<T>,
): Promise<T> {
  return page.evaluate(`(${question})(document.querySelector('kiln-page').trainer)`);
}

/** Something of the first element of a page or a frame, once it is loaded. */
export function askElement<T>(
  where: Page | Frame,
  question: (element: KilnTrainer) => T | Promise<T>,
): Promise<T> {
  return where.evaluate(`(async () => {
    await customElements.whenDefined('kiln-trainer');
    const element = document.querySelector('kiln-trainer');
    await element.ready;
    return (${question})(element);
  })()`);
}

export function stepOf(page: Page): Promise<number> {
  return ask(page, (trainer) => trainer.metrics?.step ?? 0);
}

/** Waits until the run has taken so many steps, also where the page is given no frames to draw. */
export async function steps(page: Page, wanted: number): Promise<void> {
  await page.waitForFunction((n) => {
    const element = document.querySelector('kiln-page') as HTMLElement & { trainer: LiveTrainer };
    return (element.trainer.metrics?.step ?? 0) >= n;
  }, wanted, { polling: 50 });
}

/** Asks until the answer is right, and gives it. */
export async function becomes<T>(
  question: () => Promise<T>,
  right: (answer: T) => boolean,
): Promise<T> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const answer = await question();
    if (right(answer)) return answer;
    if (Date.now() > end) throw new Error(`it stays ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until the run has come to its end: with `max-steps=` it has taken exactly so many. */
export async function ended(page: Page): Promise<void> {
  await becomes(() => stateOf(page), (state) => state === 'done');
}

/**
 * Notes every text that a part of a view shows from now on, however shortly; '' while it is hidden.
 * The answer gives those so far.
 */
export async function noted(
  page: Page,
  view: string,
  part: string,
): Promise<() => Promise<string[]>> {
  const texts = await page.locator(view).evaluateHandle((node, selector) => {
    const element = node.shadowRoot!.querySelector<HTMLElement>(selector)!;
    const text = (): string => (element.hidden ? '' : (element.textContent ?? ''));
    const found = [text()];
    const all = { attributes: true, characterData: true, childList: true, subtree: true };
    new MutationObserver(() => found.push(text())).observe(element, all);
    return found;
  }, part);
  return () => texts.jsonValue();
}

export function stateOf(page: Page): Promise<string> {
  return ask(page, (trainer) => trainer.state);
}

export function button(page: Page, name: string): ReturnType<Page['getByRole']> {
  return page.getByRole('button', { name, exact: true });
}

/** CSS pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
