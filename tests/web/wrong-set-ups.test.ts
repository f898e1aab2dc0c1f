// Wrong set-ups: each is told by kiln's own code and sentence, and none by running into a limit of
// five seconds or more: timers of the page that would take so long never fire here.

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';

import { becomes, openSite, patient, type Site } from './browser.js';
import { ISOLATED, openHost, type Answer, type Host, type HostInit } from './host.js';

const FIVE_SECONDS = 5000;
const OPTIONS = { net: 'affine 10 - softmax', train: 200, validation: 20, test: 20, batch: 20,
  epochs: 1 };

let site: Site;
let host: Host | null = null;
let context: BrowserContext | null = null;
beforeAll(async () => {
  site = await openSite('build/element');
  mute = createServer(() => {}).listen(0, '127.0.0.1');
  await once(mute, 'listening');
});
afterEach(async () => {
  await context?.close();
  host?.close();
  context = host = null;
});
afterAll(async () => {
  await site?.close();
  mute?.close();
});

/** A page that makes a Trainer of `init`, an expression, and says how that went. */
const own = (init: string): string => `
import { Trainer } from '/dist/index.js';
const said = document.querySelector('p');
try {
  const trainer = await Trainer.create({ ...${JSON.stringify(OPTIONS)}, ...${init} });
  await trainer.start();
  for await (const _ of trainer);
  said.textContent = \`trained: \${trainer.metrics.step} steps, \${trainer.backend.reason}\`;
} catch (error) {
  said.textContent = \`\${error.code}: \${error.message}\`;
}`;

async function open(init: HostInit): Promise<Page> {
  host = await openHost(init);
  context = await site.browser.newContext();
  const page = await patient(context);
  await page.addInitScript((limit) => {
    const real = setTimeout;
    window.setTimeout = ((act: () => void, ms = 0, ...more: unknown[]) =>
      (ms >= limit ? 0 : real(act, ms, ...more))) as typeof setTimeout;
  }, FIVE_SECONDS);
  await page.goto(`${host.address}page.html`);
  return page;
}

/** What a page with kiln-nn says in the end. */
async function saysOwn(init: string, more: Partial<HostInit> = {}): Promise<string> {
  const page = await open({ ...more, files: { '/own.js': own(init), '/page.html':
    '<!doctype html><title>A course</title><p>running</p>' +
    '<script type="module" src="/own.js"></script>' } });
  return becomes(async () => (await page.locator('p').textContent()) ?? '',
    (text) => text !== 'running');
}

/** What the element says in a page, to people and as an event. */
async function saysElement(attributes: string, more: Partial<HostInit> = {}):
  Promise<{ text: string; code: string }> {
  const page = await open({ ...more, files: {
    '/listen.js': `document.querySelector('kiln-trainer').addEventListener('error',
      ({ detail }) => { document.title = detail.code; });`,
    '/page.html': `<!doctype html><title>A course</title><kiln-trainer ${attributes}
      ${Object.entries(OPTIONS).map(([name, value]) => `${name}="${value}"`).join(' ')}
      loading="eager"></kiln-trainer><script src="/listen.js"></script>
      <script type="module" src="/element/kiln-trainer.js"></script>` } });
  const text = await page.getByRole('alert').first().textContent();
  const code = await becomes(() => page.title(), (title) => title !== 'A course');
  return { text: text ?? '', code };
}

const missing = (pattern: RegExp) => (path: string): Answer =>
  (pattern.test(path) ? { status: 404, body: 'not found' } : {});
const typed = (pattern: RegExp, type: string) => (path: string): Answer =>
  (pattern.test(path) ? { headers: { 'Content-Type': type } } : {});
/** The worker's script with a line before it that takes something away. */
const lacking = (line: string) => (path: string, { body }: Required<Answer>): Answer =>
  (/\/worker\.js$/.test(path) ? { body: `${line}\n${String(body)}` } : {});
const policy = (text: string): Record<string, string> => ({ 'Content-Security-Policy': text });

const NO_STORAGE = `navigator.storage.getDirectory = () =>
  Promise.reject(new DOMException('denied', 'SecurityError'));`;
const JUNK = "{ files: [{ name: 'cifar-10-binary.tar.gz', bytes: new Uint8Array(5000) }] }";
const CLOSED = 'https://127.0.0.1:1';
/** Takes connections and never says anything. */
let mute: Server;
/** In workers, as in pages: limits of five seconds and more are never reached. */
const HASTY = `const real = setTimeout; globalThis.setTimeout = (act, ms = 0, ...more) =>
  (ms >= ${FIVE_SECONDS} ? 0 : real(act, ms, ...more));`;

interface Case {
  init?: string;
  more?: Partial<HostInit>;
  said: RegExp;
}

const CASES: Record<string, Case> = {
  'the module is not there': {
    more: { change: missing(/\.wasm$/) }, said: /^E_WASM_LOAD: .*answers 404.*wasmUrl/ },
  'a page comes in the place of the module': {
    more: { change: (path) => (path.endsWith('.wasm')
      ? { headers: { 'Content-Type': 'text/html' }, body: '<!doctype html>' } : {}) },
    said: /^E_WASM_LOAD: .* is a web page, not WebAssembly/ },
  'the worker is not there': {
    more: { change: missing(/\/worker\.js$/) },
    said: /^E_WORKER_LOAD: .*did not start: its script is missing, not served as JavaScript/ },
  'the worker is served as text': {
    more: { change: typed(/\/worker\.js$/, 'text/plain') },
    said: /^E_WORKER_LOAD: .*not served as JavaScript/ },
  'a policy forbids WebAssembly': {
    more: { headers: policy("script-src 'self'") },
    said: /^E_WASM_LOAD: the content security policy .*'wasm-unsafe-eval'/ },
  'a policy forbids workers': {
    more: { headers: policy("script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'") },
    said: /^E_WORKER_LOAD: .*blocked by a content security policy/ },
  'a policy requires Trusted Types of another name': {
    more: { headers: policy("require-trusted-types-for 'script'; trusted-types other") },
    said: /^E_WORKER_LOAD: .*TrustedScriptURL/ },
  'the page is isolated, and the worker comes without the header': {
    more: { change: (path) => (path === '/page.html' ? { headers: {
      'Content-Type': 'text/html', ...ISOLATED } } : {}) },
    said: /^E_WORKER_LOAD: .*cross-origin isolation/ },
  'threads are asked for in a page that is not isolated': {
    init: "{ variant: 'simd-threads' }",
    said: /^E_WASM_LOAD: no threads: this page is not cross-origin isolated; use .* simd/ },
  'there is no SIMD': {
    more: { change: lacking('WebAssembly.validate = () => false;') },
    said: /^E_WASM_LOAD: this browser has no WebAssembly SIMD/ },
  'there is no storage': {
    init: '{ data: { stored: true } }', more: { change: lacking(NO_STORAGE) },
    said: /^E_STORAGE: .*no private storage/ },
  'the reader of data sets is not there': {
    init: `{ data: ${JUNK} }`, more: { change: missing(/\/read-dataset\.js$/) },
    said: /^E_WORKER_LOAD: the part that reads data sets did not load/ },
  'a file is damaged': { init: `{ data: ${JUNK} }`, said: /^E_DATA: .*cifar-10-binary\.tar\.gz/ },
  'an address does not answer': {
    init: `{ data: { url: '${CLOSED}/cifar-10-binary.tar.gz' } }`,
    said: /^E_FETCH: https:\/\/127\.0\.0\.1:1\/cifar-10-binary\.tar\.gz: no answer/ },
  'nor one with a bare %': {
    init: `{ data: { url: '${CLOSED}/100%/50%.tar.gz' } }`,
    said: /^E_FETCH: https:\/\/127\.0\.0\.1:1\/100%\/50%\.tar\.gz: no answer/ },
  'an address is none, for a bare % in its host': {
    init: "{ data: { url: 'https://100%/x.tar.gz' } }",
    said: /^E_ARG: data: "https:\/\/100%\/x\.tar\.gz" is not an address/ },
};

describe('kiln-nn says it where', () => {
  test.each(Object.entries(CASES))('%s', async (_, { init = '{}', more, said }) => {
    expect(await saysOwn(init, more)).toMatch(said);
  });

  test.each<[string, string, Partial<HostInit>, RegExp]>([
    ['its page is not isolated', '{}', {}, /one thread: this page is not cross-origin isolated/],
    ['its page is isolated, and the engine shares no memory', '{}',
      { headers: ISOLATED, change: lacking('delete globalThis.SharedArrayBuffer;') },
      /one thread: this engine shares no memory, although the page is isolated/],
    ['its module comes as text', "{ variant: 'simd' }",
      { change: typed(/\.wasm$/, 'text/plain') }, /simd was asked for/],
  ])('it trains all the same: %s', async (_, init, more, said) => {
    const text = await saysOwn(init, more);
    expect(text).toMatch(/^trained: 10 steps/);
    expect(text).toMatch(said);
  });
});

describe('the element says it, to people and as an event, where', () => {
  test.each<[string, string, Partial<HostInit>, string, RegExp]>([
    ['the module is not there', '', CASES['the module is not there']!.more!, 'E_WASM_LOAD', /404/],
    ['the worker is not there', '', CASES['the worker is not there']!.more!, 'E_WORKER_LOAD',
      /its script is missing/],
    ['a policy forbids WebAssembly', '', CASES['a policy forbids WebAssembly']!.more!,
      'E_WASM_LOAD', /'wasm-unsafe-eval'/],
    ['a policy forbids workers', '', CASES['a policy forbids workers']!.more!, 'E_WORKER_LOAD',
      /content security policy/],
    ['its own second part is not there', '', { change: missing(/trainer-body/) }, 'E_LOAD',
      /the program of this element did not load/],
    ['the reader of data sets is not there', 'data="mine.tar.gz"',
      { change: missing(/read-dataset/) }, 'E_WORKER_LOAD', /reads data sets did not load/],
    ['an address does not answer', `data="${CLOSED}/100%.tar.gz"`, {}, 'E_FETCH',
      /100%\.tar\.gz: no answer/],
    ['an address takes connections and stays silent', 'data="MUTE"', { change: lacking(HASTY) },
      'E_FETCH', /\/cifar-10-binary\.tar\.gz: no answer for [1-4] seconds/],
    ['an address is none', 'data="https://100%/x"', {}, 'E_ARG', /"https:\/\/100%\/x" is not/],
  ])('%s', async (_, attributes, more, code, said) => {
    const { port } = mute.address() as AddressInfo;
    const told = await saysElement(
      attributes.replace('MUTE', `http://127.0.0.1:${port}/cifar-10-binary.tar.gz`), more);
    expect(told.text).toMatch(said);
    expect(told.code).toBe(code);
  });

  test('nothing of it where a script of one file is loaded twice: it trains', async () => {
    const script = '<script src="/element/standalone.js"></script>';
    const page = await open({ files: { '/page.html': `<!doctype html><title>A course</title>
      <kiln-trainer ${Object.entries(OPTIONS).map(([name, value]) => `${name}="${value}"`)
    .join(' ')}></kiln-trainer>${script}${script}` } });
    const wrong: string[] = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText(/^finished: epoch 1 of 1, step 10$/i).waitFor();
    expect(page.workers()).toHaveLength(1);
    expect(wrong).toEqual([]);
  });
});
