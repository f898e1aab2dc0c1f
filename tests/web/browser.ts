// A real headless Chromium on the built page: starting it, opening the page, and what it noticed.

import { execFileSync } from 'node:child_process';

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

// @ts-expect-error: a plain script, shared with make start
import { serve } from '../serve.mjs';
import type { Trainer } from '../../bindings/index.js';
import type { LiveTrainer } from '../../web/live-trainer.js';

const FLAGS = [
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
function executable(): string {
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

/** Opens the page and waits until it has its trainer. */
export async function visit(
  site: Site,
  { hash = '', ...options }: BrowserContextOptions & { hash?: string } = {},
): Promise<Visit> {
  const context = await site.browser.newContext({
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
    ...options,
  });
  const page = await context.newPage();
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
  await page.goto(site.address + hash);
  await loaded(page);
  return { page, errors, close: () => context.close() };
}

/** The page has its trainer and the controls their values. */
export async function loaded(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).waitFor();
  await page.waitForFunction(() => location.hash.includes('net='));
}

/** Something of the page's trainer, asked in the page. */
export function ask<T>(
  page: Page,
  question: (trainer: LiveTrainer & Pick<Trainer, 'hash' | 'parameters'>) => T | Promise<T>,
): Promise<T> {
  return page.evaluate(`(${question})(document.querySelector('kiln-page').trainer)`);
}

export function stepOf(page: Page): Promise<number> {
  return ask(page, (trainer) => trainer.metrics?.step ?? 0);
}

/** Waits until the run has taken so many steps. */
export async function steps(page: Page, wanted: number): Promise<void> {
  await page.waitForFunction((n) => {
    const element = document.querySelector('kiln-page') as HTMLElement & { trainer: LiveTrainer };
    return (element.trainer.metrics?.step ?? 0) >= n;
  }, wanted);
}

export function stateOf(page: Page): Promise<string> {
  return ask(page, (trainer) => trainer.state);
}

export function button(page: Page, name: string): ReturnType<Page['getByRole']> {
  return page.getByRole('button', { name, exact: true });
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  tdur?: number;
  args: { name?: string };
}

/**
 * Milliseconds that the longest task of the page's thread worked during something. Its time on the
 * processor, not on the clock: what else the machine does is not the page's doing.
 */
export async function longestTask(page: Page, during: () => Promise<void>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    events.push(...(value as unknown as TraceEvent[]));
  });
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel'] },
  });
  await during();
  const complete = new Promise((done) => session.once('Tracing.tracingComplete', done));
  await session.send('Tracing.end');
  await complete;
  const threads = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = events.filter(
    ({ name, ph, pid, tid }) =>
      ph === 'X' && name.endsWith('RunTask') && threads.has(`${pid} ${tid}`),
  );
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur / 1000));
}

/** CSS pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
