// embed.html in frames of other people's pages: what it shows, tells and obeys.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { BrowserContext, Frame, Page } from 'playwright-core';

import { Trainer } from '../../bindings/index.js';
import { batchFiles, gzip, tar } from '../js/helpers.js';
import {
  askElement as ask,
  becomes,
  openSite,
  overflow,
  patient,
  type Site,
} from './browser.js';

const NET = 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax';
const SIZES = { train: '200', validation: '20', test: '20', batch: '20' };
const SHORT = { net: NET, ...SIZES, epochs: '1', seed: '3', variant: 'simd' };
const LONG = { ...SHORT, epochs: '10000' };

let site: Site; // its files may be had by pages of any origin, as from most static hosts
let elsewhere: Server;
let context: BrowserContext | null = null;
let host = ''; // what the page of the other origin holds
beforeAll(async () => {
  site = await openSite('build/element', { headers: {
    'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' } });
  elsewhere = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(host);
  });
  await new Promise<void>((done) => elsewhere.listen(0, 'localhost', done));
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(async () => {
  elsewhere?.close();
  await site?.close();
});

interface Message {
  kiln: string;
  [more: string]: unknown;
}

interface Opened {
  page: Page;
  frame: Frame;
  heard(kiln: string): Promise<Message[]>;
  post(message: unknown): Promise<void>;
  said: string[];
}

type Query = Record<string, string>;

const addressOf = (query: Query): string =>
  `${site.address}embed.html?${new URLSearchParams(query)}`;

/** A page with that frame: of the frame's own origin or of another one. */
async function open(query: Query, { attributes = '', origin = 'own', ...options }:
  { attributes?: string; origin?: 'own' | 'other'; colorScheme?: 'light' | 'dark' } = {},
): Promise<Opened> {
  context = await site.browser.newContext({ viewport: { width: 900, height: 900 }, ...options });
  const page = await patient(context);
  const said: string[] = [];
  page.on('console', (message) => {
    if (!/both allow-scripts and allow-same-origin/.test(message.text())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  host = `<!doctype html><meta charset="utf-8"><title>A course</title>
    <link rel="icon" href="data:,">
    <script>
      window.heard = [];
      addEventListener('message', ({ data }) => heard.push(data));
    </script>
    <iframe ${attributes} title="Net" style="width: 100%; height: 700px"
      src="${addressOf(query).replaceAll('&', '&amp;')}"></iframe>`;
  await page.route(`${site.address}host.html`, (route) =>
    route.fulfill({ contentType: 'text/html', body: host }));
  await page.goto(origin === 'own' ? `${site.address}host.html`
    : `http://localhost:${(elsewhere.address() as AddressInfo).port}/`);
  const frame = await becomes(async () => page.frames()[1], Boolean);
  return {
    page,
    frame: frame!,
    said,
    heard: async (kiln) => (await page.evaluate('heard') as Message[])
      .filter((message) => message.kiln === kiln),
    post: (message) => page.evaluate((sent) =>
      document.querySelector('iframe')!.contentWindow!.postMessage(sent, '*'), message),
  };
}

const stepOf = (where: Frame): Promise<number> =>
  ask(where, ({ trainer }) => trainer!.metrics?.step ?? 0);

let wanted: string;
/** The hash of SHORT in Node. */
async function hashOfNode(): Promise<string> {
  if (wanted) return wanted;
  const { variant: _, net, ...options } = SHORT;
  const trainer = await Trainer.create({ net, variant: 'simd', options });
  await trainer.start();
  for await (const _step of trainer);
  wanted = await trainer.hash();
  trainer.dispose();
  return wanted;
}

describe('it trains, with the bits of Node,', () => {
  test.each([
    ['in a plain frame', '', 'own'],
    ['in a sandbox that allows scripts alone', 'sandbox="allow-scripts"', 'own'],
    ['in a sandbox of its own origin', 'sandbox="allow-scripts allow-same-origin"', 'own'],
    ['in a page of another origin', '', 'other'],
    ['in a sandbox of another origin', 'sandbox="allow-scripts"', 'other'],
  ] as const)('%s', async (_, attributes, origin) => {
    const { frame, heard, post, said } = await open(SHORT, { attributes, origin });
    await becomes(() => heard('ready'), ({ length }) => length > 0);
    expect(await stepOf(frame)).toBe(0);
    await post({ kiln: 'play' });
    const scores = await becomes(() => heard('score'), (all) => all.some(({ done }) => done));
    expect(scores.map(({ epoch, epochs, step, done, split }) => [epoch, epochs, step, done, split]))
      .toEqual([[1, 1, 10, false, 'validation'], [1, 1, 10, true, 'validation']]);
    expect(scores[1]!['accuracy']).toBe(
      await ask(frame, ({ trainer }) => trainer!.metrics!.valAccuracy));
    expect(await ask(frame, ({ trainer }) => trainer!.hash())).toBe(await hashOfNode());
    expect(said).toEqual([]);
  });
});

describe('it obeys', () => {
  test('the page around it: play, pause and reset', async () => {
    const { frame, heard, post } = await open(LONG);
    const states = async (): Promise<unknown[]> =>
      (await heard('state')).map(({ state }) => state);
    await becomes(() => heard('ready'), ({ length }) => length > 0);
    await post({ kiln: 'play' });
    await becomes(() => stepOf(frame), (step) => step > 5);
    await post({ kiln: 'pause' });
    await becomes(states, (all) => all.at(-1) === 'paused');
    expect(await stepOf(frame)).toBeGreaterThan(5);
    await post({ kiln: 'reset' });
    await becomes(() => stepOf(frame), (step) => step === 0);
    await becomes(states, (all) => all.at(-1) === 'ready');
  });

  test('nobody else, and nothing else', async () => {
    const { page, frame, heard, post } = await open(LONG);
    await becomes(() => heard('ready'), ({ length }) => length > 0);
    // Another frame of the page, and messages that are none; then a step, which comes after them.
    await page.evaluate(() => new Promise<void>((done) => {
      const other = document.createElement('iframe');
      addEventListener('message', ({ source }) => {
        if (source === other.contentWindow) done();
      });
      other.srcdoc = `<script>
        parent.frames[0].postMessage({ kiln: 'play' }, '*');
        parent.postMessage('sent', '*');
      </script>`;
      document.body.append(other);
    }));
    for (const message of ['play', null, { kiln: 'start' }, { kiln: ['play'] }, { play: true },
      { kiln: 'load', bytes: [1] }, { kiln: 'constructor' }]) await post(message);
    await ask(frame, (element) => element.step());
    expect(await stepOf(frame)).toBe(1);
    expect(await ask(frame, ({ state }) => state)).toBe('paused');
    expect(await heard('error')).toEqual([]);
  });
});

describe('its query', () => {
  test('sets every attribute; what is none is passed over', async () => {
    const { frame, said } = await open({ ...LONG, lr: '0.125', 'weight-decay': '0.25',
      views: 'filters loss', controls: 'start lr', layout: 'compact', title: 'Try <b>it</b>',
      caption: 'A & B', utm_source: 'x', onclick: 'alert(1)', autostart: '0' });
    const options = await ask(frame, ({ trainer }) => trainer!.options());
    expect(options).toMatchObject({ net: NET, lr: '0.125', 'weight-decay': '0.25', seed: '3' });
    const names = await ask(frame, (element) => element.getAttributeNames());
    expect(names.filter((name) => /utm|onclick|autostart|title/.test(name))).toEqual([]);
    expect(await ask(frame, ({ shadowRoot }) =>
      [...shadowRoot!.querySelector('.views')!.children].map((view) => view.getAttribute('part'))))
      .toEqual(['view filters', 'view loss']);
    await frame.getByRole('heading', { name: 'Try <b>it</b>' }).waitFor();
    await frame.getByText('A & B').waitFor();
    expect(await frame.title()).toBe('Try <b>it</b>');
    expect(await stepOf(frame)).toBe(0);
    expect(said).toEqual([]);
  });

  test('starts by itself where it says so', async () => {
    const { frame } = await open({ ...LONG, autostart: '' });
    await becomes(() => stepOf(frame), (step) => step > 0);
  });

  test.each([
    [{ lr: 'fast' }, /lr/i],
    [{ epochs: '-3' }, /epochs/i],
    [{ net: 'affine ten - softmax' }, /net: column/i],
    [{ autostart: 'maybe' }, /autostart: .maybe. is none of 1, 0/i],
    [{ layout: 'tall' }, /layout: .tall. is none of compact, wide/i],
    [{ loading: 'late' }, /loading: .late. is none of lazy, eager/i],
    [{ views: 'curves' }, /views: .curves. is none of/i],
  ])('reports %j', async (wrong, sentence) => {
    const { frame } = await open({ ...LONG, ...wrong as unknown as Query });
    await frame.getByRole('alert').filter({ hasText: sentence }).first().waitFor();
  });

  test('that is empty is the first preset', async () => {
    const { frame } = await open(SIZES);
    const net = await ask(frame, async ({ trainer }) => (await trainer!.presets())[0]!.net);
    expect((await ask(frame, ({ trainer }) => trainer!.options()))['net']).toBe(net);
  });
});

describe('data that have an address', () => {
  const ARCHIVE = 'https://elsewhere.test/cifar-10-binary.tar.gz';

  test.each<Query>([{ autostart: '1' }, { autostart: '1', loading: 'eager' }])(
    'are fetched by a press alone, also with %j', async (wish) => {
      const { page, frame, heard, post } = await open({ ...LONG, ...wish, data: ARCHIVE });
      const asked: string[] = [];
      await page.context().route('https://**/*', (route) => {
        asked.push(route.request().url());
        return route.fulfill({ headers: { 'Access-Control-Allow-Origin': '*' },
          body: Buffer.from(gzip(tar(batchFiles(50)))) });
      });
      await frame.getByText('are fetched when Start is pressed here').waitFor();
      // Only then it listens to the page around.
      await frame.evaluate(() => customElements.whenDefined('kiln-trainer').then(() => {}));
      for (const kiln of ['play', 'reset']) await post({ kiln });
      await becomes(() => heard('error'), ({ length }) => length === 2);
      expect((await heard('error')).map(({ code }) => code)).toEqual(['E_STATE', 'E_STATE']);
      expect(asked).toEqual([]);
      expect(page.workers()).toEqual([]);
      await frame.getByRole('button', { name: 'Start', exact: true }).click();
      await becomes(() => stepOf(frame), (step) => step > 0);
      expect(await ask(frame, ({ trainer }) => trainer!.dataset.name)).toBe('cifar10');
      expect(asked).toEqual([ARCHIVE]);
      await post({ kiln: 'pause' }); // from now on the page around may ask
      await becomes(() => ask(frame, ({ state }) => state), (state) => state === 'paused');
      await post({ kiln: 'play' });
      await becomes(() => ask(frame, ({ state }) => state), (state) => state === 'running');
    });
});

describe('where no data are kept', () => {
  test.each([
    ['nor can be', 'sandbox="allow-scripts"', /this page has no private storage/i],
    ['yet', '', /no data set is kept in this browser/i],
  ])('%s, it says so, trains, and takes a file', async (_, attributes, reason) => {
    const { page, frame } = await open({ ...LONG, data: 'stored', controls: 'start save' },
      { attributes });
    await frame.getByText(reason).waitFor();
    await frame.getByText('A run is kept by saving it as a file.', { exact: false }).waitFor();
    await ask(frame, (element) => element.step());
    expect(await ask(frame, ({ trainer }) => trainer!.dataset.name)).toBe('builtin');
    const chooser = page.waitForEvent('filechooser');
    await frame.getByRole('button', { name: 'Open data…' }).click();
    await (await chooser).setFiles({ name: 'cifar-10-binary.tar.gz', mimeType: 'application/gzip',
      buffer: Buffer.from(gzip(tar(batchFiles(50)))) });
    await becomes(() => ask(frame, ({ trainer }) => trainer!.dataset.name),
      (name) => name === 'cifar10');
    await frame.getByText(reason).waitFor({ state: 'hidden' });
    await ask(frame, (element) => element.reset());
    await ask(frame, (element) => element.step());
    expect(await ask(frame, ({ trainer }) => [trainer!.dataset.name, trainer!.metrics!.step]))
      .toEqual(['cifar10', 1]);
  });
});

test('the page around it can make the frame as high as it needs', async () => {
  const { page, frame, heard } = await open({ ...LONG, views: 'loss', layout: 'compact' });
  const height = async (): Promise<number> =>
    (await heard('height')).at(-1)?.['height'] as number ?? 0;
  await ask(frame, () => true);
  const one = await becomes(height, (pixels) => pixels > 300);
  await ask(frame, (element) => element.setAttribute('views', 'loss accuracy confusion timing'));
  const more = await becomes(height, (pixels) => pixels > one + 200);
  // A frame of no height would hide it: what is not laid out yet needs nothing said.
  expect((await heard('height')).map((message) => message['height'])).not.toContain(0);
  await page.locator('iframe').evaluate((node, pixels) => {
    (node as HTMLElement).style.height = `${pixels}px`;
  }, more);
  await becomes(() => frame.evaluate(() =>
    document.documentElement.scrollHeight - innerHeight), (hidden) => hidden <= 0);
});

test('opened as a file it trains', async () => {
  context = await site.browser.newContext();
  const page = await patient(context);
  await page.goto(`${pathToFileURL(resolve('build/element/embed.html'))}?${
    new URLSearchParams(SHORT)}`);
  await ask(page.mainFrame(), (element) => element.start());
  await becomes(() => stepOf(page.mainFrame()), (step) => step === 10);
  expect(await ask(page.mainFrame(), ({ trainer }) => trainer!.hash())).toBe(await hashOfNode());
});

test('opened by itself it trains, and tells nobody', async () => {
  context = await site.browser.newContext();
  const page = await patient(context);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(addressOf(LONG));
  await page.evaluate(() => postMessage({ kiln: 'play' }, '*'));
  await ask(page.mainFrame(), (element) => element.step());
  expect(await stepOf(page.mainFrame())).toBe(1);
  expect(errors).toEqual([]);
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each([320, 720])('axe finds nothing at %i px, and nothing is cut', async (width) => {
    context = await site.browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await patient(context);
    await page.goto(addressOf({ ...LONG, caption: `Press Start. ${'W'.repeat(400)}`,
      title: 'W'.repeat(200), views: 'loss accuracy filters', controls: 'start step reset lr batch',
    }));
    await ask(page.mainFrame(), (element) => element.step());
    await page.evaluate(axe.source);
    expect(await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') };
      const { violations } = await axe.run(document);
      return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
    })).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  });
});
