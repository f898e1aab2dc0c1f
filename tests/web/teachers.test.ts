// Every recipe of web/examples/teachers.md is done as it says, in the browser, and trains.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { BrowserContext, Frame, Page } from 'playwright-core';

import type { KilnTrainer } from '../../web/element/kiln-trainer.js';
import { becomes, openSite, overflow, patient, type Site } from './browser.js';

const TEXT = readFileSync('web/examples/teachers.md', 'utf8');
const FOLDER = 'https://example.org/kiln/';
/** So that no recipe takes long; a set of 5,000 images is drawn in no time. */
const STEPS = 10;

/** The blocks of code by the heading they stand under, and the words after their fences. */
const recipes = new Map(TEXT.split(/^## /m).slice(1).map((part) => [
  part.slice(0, part.indexOf('\n')),
  [...part.matchAll(/^```(\S+) ?([^\n]*)\n(.*?)^```$/gms)]
    .map(([, kind, rest, code]) => ({ kind: kind!, rest: rest!, code: code! })),
]));

let site: Site;
/** Type and content by path. */
type Files = Record<string, [string, string | Buffer]>;
let school: Server;
let served: Files = {};
let context: BrowserContext | null = null;
beforeAll(async () => {
  school = createServer(({ url }, response) => {
    const [type, content] = served[url!] ?? ['text/plain', ''];
    response.setHeader('Content-Type', type);
    response.end(content);
  });
  await new Promise<void>((done) => school.listen(0, 'localhost', done));
  site = await openSite('build/element', { headers: {
    'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' } });
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(async () => {
  school?.close();
  await site?.close();
});

function codeOf(recipe: string, index = 0): string {
  return recipes.get(recipe)![index]!.code;
}

/** A page with that body, of another origin than the element, which is where example.org was. */
async function open(body: string, files: Files = {}): Promise<{ page: Page; said: string[] }> {
  context = await site.browser.newContext({ viewport: { width: 900, height: 900 } });
  const page = await patient(context);
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  served = { ...files, '/': ['text/html', '<!doctype html><meta charset="utf-8">' +
    `<title>A course</title><link rel="icon" href="data:,">${
      body.replaceAll(FOLDER, site.address)}`] };
  await page.goto(`http://localhost:${(school.address() as AddressInfo).port}/`);
  return { page, said };
}

async function frameOf(page: Page): Promise<Frame> {
  return (await becomes(async () => page.frames()[1], Boolean))!;
}

/** Starts the tag that is there, unless it trains, and waits until it has taken some steps. */
async function trains(where: Frame): Promise<void> {
  await where.evaluate(async () => {
    await customElements.whenDefined('kiln-trainer');
    const element = document.querySelector('kiln-trainer') as KilnTrainer;
    await element.start();
  });
  await reaches(where, STEPS);
}

const stateOf = (page: Page): Promise<string> => page.evaluate(() =>
  (document.querySelector('kiln-trainer') as KilnTrainer).state);

async function reaches(where: Frame, wanted: number): Promise<void> {
  await becomes(() => where.evaluate(() =>
    (document.querySelector('kiln-trainer') as KilnTrainer).trainer?.metrics?.step ?? 0),
  (step) => step >= wanted);
}

test('there is a recipe for each place, and each is tried here', () => {
  expect([...recipes.keys()]).toEqual(['A page in HTML', 'GitHub Pages, Jekyll', 'Quarto',
    'reveal.js', 'Jupyter Book, MyST', 'JupyterLab', 'Moodle, Canvas', 'A project with npm']);
  expect([...recipes.values()].map(({ length }) => length)).toEqual([2, 1, 1, 1, 1, 1, 2, 1]);
});

describe('tags', () => {
  test.each(['A page in HTML', 'GitHub Pages, Jekyll', 'Quarto'])('%s', async (recipe) => {
    expect(['html', '{=html}']).toContain(recipes.get(recipe)![0]!.kind);
    const { page, said } = await open(codeOf(recipe));
    await trains(page.mainFrame());
    expect(said).toEqual([]);
  });

  test('A page in HTML, opened as a file, and all of it in one file', async () => {
    const recipe = codeOf('A page in HTML', 1);
    const script = readFileSync('build/element/standalone.js', 'utf8');
    const folder = mkdtempSync(join(tmpdir(), 'kiln-teachers-'));
    const file = join(folder, 'page.html');
    for (const text of [
      recipe.replace(FOLDER, pathToFileURL(`${resolve('build/element')}/`).href),
      recipe.replace(/ src="[^"]*"/, '')
        .replace('</script>', () => `${script.replaceAll('</script', '<\\/script')}</script>`),
    ]) {
      const { page, said } = await open('');
      writeFileSync(file, `<!doctype html><meta charset="utf-8">${text}`);
      await page.goto(pathToFileURL(file).href);
      await trains(page.mainFrame());
      expect(said).toEqual([]);
      await context!.close();
    }
    rmSync(folder, { recursive: true });
  });

  test('reveal.js: it trains while its slide is shown', async () => {
    const { page, said } = await open(`<script>
        window.Reveal = { heard: {}, on(type, act) { this.heard[type] = act; } };
        window.show = (type, currentSlide) => Reveal.heard[type]({ currentSlide });
      </script>${codeOf('reveal.js')}<section id="last"></section>`);
    await page.evaluate(`show('ready', document.querySelector('section'))`);
    await reaches(page.mainFrame(), STEPS);
    await page.evaluate(`show('slidechanged', document.querySelector('#last'))`);
    await becomes(() => stateOf(page), (state) => state === 'paused');
    expect(said).toEqual([]);
  });
});

describe('frames', () => {
  test('Jupyter Book, MyST', async () => {
    const { kind, rest } = recipes.get('Jupyter Book, MyST')![0]!;
    expect(kind).toBe('{iframe}'); // which MyST makes this of
    const { page, said } = await open(`<iframe src="${rest}" width="100%"></iframe>`);
    await trains(await frameOf(page));
    expect(said).toEqual([]);
  });

  test.each(['', 'sandbox="allow-scripts"'])('JupyterLab, output with %j', async (sandbox) => {
    const [, src, width, height] =
      /IFrame\("(.*)", width="(.*)", height=(\d+)\)/.exec(codeOf('JupyterLab'))!;
    const { page, said } = await open(
      `<iframe ${sandbox} src="${src}" width="${width}" height="${height}"></iframe>`);
    await trains(await frameOf(page));
    expect(said).toEqual([]);
  });

  test('Moodle, Canvas', async () => {
    const { page, said } = await open(codeOf('Moodle, Canvas'));
    const frame = await frameOf(page);
    await trains(frame);
    await frame.getByRole('heading', { name: 'A linear classifier' }).waitFor();
    expect(said).toEqual([]);
  });

  test('a page around a frame steers it, and takes its height and score', async () => {
    const { page, said } = await open(codeOf('Moodle, Canvas', 1));
    const frame = await frameOf(page);
    await becomes(() => page.locator('iframe').evaluate((node) => node.clientHeight),
      (height) => height > 200);
    await frame.evaluate(async () => {
      await customElements.whenDefined('kiln-trainer');
      await (document.querySelector('kiln-trainer') as KilnTrainer).ready;
    });
    await page.getByRole('button', { name: 'Train' }).click();
    await page.getByText(/^\d+ % right$/).waitFor();
    expect(said).toEqual([]);
  });
});

describe('the examples', () => {
  const example = (name: string): string =>
    readFileSync(`web/examples/${name}.html`, 'utf8').replaceAll('../../build/element/', FOLDER);

  test('a deck of slides: it trains while its slide is shown', async () => {
    const { page, said } = await open(example('slides'));
    await page.getByRole('button', { name: 'On', exact: true }).click();
    await reaches(page.mainFrame(), STEPS);
    await page.getByRole('button', { name: 'On', exact: true }).click();
    await becomes(() => stateOf(page), (state) => state === 'paused');
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(said).toEqual([]);
  });

  test('the output of a notebook', async () => {
    const { page, said } = await open(example('notebook'));
    const frame = await frameOf(page);
    await frame.getByRole('button', { name: 'Start', exact: true }).click();
    await reaches(frame, STEPS);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(said).toEqual([]);
  });
});

test('a project with npm', async () => {
  const { outputFiles: [file] } = await build({
    stdin: { contents: codeOf('A project with npm'), resolveDir: resolve('.') },
    alias: { 'kiln-nn/element': resolve('build/dist/element.js') },
    bundle: true, format: 'esm', write: false, logLevel: 'error',
  });
  // esbuild leaves the package's files where they are: beside the script, here.
  const files: Files = { '/main.js': ['text/javascript', file!.text] };
  for (const name of readdirSync('build/dist').filter((one) => /\.(js|wasm)$/.test(one))) {
    files[`/${name}`] = [name.endsWith('.js') ? 'text/javascript' : 'application/wasm',
      readFileSync(`build/dist/${name}`)];
  }
  const { page, said } = await open('<script type="module" src="main.js"></script>', files);
  await trains(page.mainFrame());
  await becomes(async () => said.length, (lines) => lines > 0);
  expect(said[0]).toMatch(/^1 0\.\d+/);
});
