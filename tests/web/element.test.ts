// <kiln-trainer> in pages of other people: what it loads, its attributes, its life and its end.

import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';

// @ts-expect-error: a plain script, shared with make start
import { serve } from '../serve.mjs';
import { Trainer } from '../../bindings/index.js';
import { shareOf } from '../../web/element/shared-module.js';
import type { KilnTrainer } from '../../web/element/kiln-trainer.js';
import { batchFiles, gzip, tar } from '../js/helpers.js';
import {
  askElement as ask,
  becomes,
  openSite,
  overflow,
  patient,
  type Site,
} from './browser.js';

const FOLDER = 'build/element';
const EXAMPLE = 'web/examples/article.html';
const NET = 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax';
const SIZES = 'train="200" validation="20" test="20" batch="20" variant="simd"';
const SMALL = `net="${NET}" ${SIZES} epochs="1000"`;
const SCRIPT = '<script type="module" src="kiln-trainer.js"></script>';

let site: Site;
let context: BrowserContext | null = null;
beforeAll(async () => {
  site = await openSite(FOLDER);
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(() => site?.close());

interface Opened {
  page: Page;
  requests: string[];
  said: string[];
}

/** A page of somebody's with this body; what it asked for, and what its console says. */
async function open(body: string, options: object = {}, address = 'page.html'): Promise<Opened> {
  context = await site.browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
  const page = await patient(context);
  const requests: string[] = [];
  const said: string[] = [];
  page.on('request', (request) => requests.push(request.url().replace(site.address, '')));
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.route(site.address + address, (route) => route.fulfill({
    contentType: 'text/html',
    body: '<!doctype html><html lang="en"><meta charset="utf-8"><title>A course page</title>' +
      `<link rel="icon" href="data:,"><main>${body}</main></html>`,
  }));
  await page.goto(site.address + address);
  return { page, requests, said };
}

function stepOf(page: Page): Promise<number> {
  return ask(page, (element) => element.trainer!.metrics?.step ?? 0);
}

async function steps(page: Page, wanted: number): Promise<number> {
  return becomes(() => stepOf(page), (step) => step >= wanted);
}

function button(page: Page, name: string): ReturnType<Page['getByRole']> {
  return page.getByRole('button', { name, exact: true });
}

describe('one tag', () => {
  test('trains, with the bits of Node', async () => {
    const { page, said } = await open(
      `<kiln-trainer net="${NET}" ${SIZES} epochs="1" seed="3"></kiln-trainer>${SCRIPT}`);
    await button(page, 'Start').click();
    await becomes(() => ask(page, (element) => element.state), (state) => state === 'done');
    const node = await Trainer.create({ net: NET, variant: 'simd', options: {
      train: 200, validation: 20, test: 20, batch: 20, epochs: 1, seed: 3 } });
    await node.start();
    for await (const _ of node);
    expect(node.metrics!.step).toBe(10);
    expect(await ask(page, (element) => element.trainer!.hash())).toBe(await node.hash());
    node.dispose();
    expect(said).toEqual([]);
  });

  test('says how it goes by events that stay with it', async () => {
    const { page } = await open(`<kiln-trainer loading="eager" autostart net="${NET}" ${SIZES}
      epochs="2"></kiln-trainer><script>
        window.heard = [];
        const element = document.querySelector('kiln-trainer');
        for (const type of ['ready', 'progress', 'epoch', 'checkpoint', 'statechange', 'error']) {
          element.addEventListener(type, ({ composed, bubbles, detail }) =>
            heard.push([type, composed, bubbles, typeof detail]));
          document.addEventListener(type, () => heard.push('it bubbled'));
        }
      </script>${SCRIPT}`);
    await becomes(() => ask(page, (element) => element.state), (state) => state === 'done');
    await ask(page, (element) => element.save());
    const heard = await page.evaluate('heard') as [string, boolean, boolean, string][];
    for (const [, ...rest] of heard) expect(rest).toEqual([true, false, 'object']);
    const types = new Set(heard.map(([type]) => type));
    expect([...types].sort())
      .toEqual(['checkpoint', 'epoch', 'progress', 'ready', 'statechange']);
    expect(heard.filter(([type]) => type === 'epoch')).toHaveLength(2);
  });

  test('does what its methods say', async () => {
    const { page } = await open(`<kiln-trainer ${SMALL}></kiln-trainer>${SCRIPT}`);
    const told = await ask(page, async (element) => {
      await element.step();
      await element.step();
      const saved = await element.save();
      const hash = await element.trainer!.hash();
      await element.reset();
      const fresh = element.trainer!.metrics?.step ?? 0;
      await element.load(saved);
      const same = (await element.trainer!.hash()) === hash;
      const { split, count } = await element.evaluate();
      await element.start();
      const running = element.state;
      await element.pause();
      return [fresh, same, split, count, running, element.state];
    });
    expect(told).toEqual([0, true, 'test', 20, 'running', 'paused']);
  });

  test('spells its set-up as a link, a command and a tag that gives the same run', async () => {
    const first = await open(`<kiln-trainer ${SMALL} lr="0.02" persist></kiln-trainer>${SCRIPT}`);
    const told = await ask(first.page, async (element) => {
      await element.step();
      const ways = ['link', 'command', 'tag'] as const;
      return [...await Promise.all(ways.map((as) => element.spell(as))),
        await element.trainer!.hash(),
        await element.spell('poem' as 'tag').catch((error: Error) => error.message)];
    });
    const [link, command, tag, hash, refusal] = told as [string, string, string, string, string];
    const linked = new URLSearchParams(link.slice(1));
    expect([linked.get('net'), linked.get('lr')]).toEqual([NET, '0.02']);
    expect(command).toMatch(/^build\/native\/kiln train --net='[^']*' --data=builtin .*--lr=0\.02/);
    expect(tag).toMatch(/^<kiln-trainer .* persist="1"><\/kiln-trainer>$/);
    expect(refusal).toBe('spell: link, tag or command, not "poem"');
    const { page } = await open( // the build is no part of a set-up
      `${tag.replace('<kiln-trainer', '<kiln-trainer variant="simd"')}${SCRIPT}`);
    expect(await ask(page, async (element) => {
      await element.step();
      return element.trainer!.hash();
    })).toBe(hash);
  });
});

describe('attributes', () => {
  test('and properties set early are kept, and the author\'s are left', async () => {
    const { page } = await open(`<kiln-trainer ${SMALL} lr="0.02"></kiln-trainer><script>
        const element = document.querySelector('kiln-trainer');
        element.seed = 7;
        element.weightDecay = 0.25;
        element.controls = 'start lr';
      </script>${SCRIPT}`);
    const options = await ask(page, (element) => element.trainer!.options());
    expect(options).toMatchObject({ seed: '7', 'weight-decay': '0.25', lr: '0.02', net: NET });
    await page.getByRole('textbox', { name: 'Learning rate' }).fill('0.5');
    await page.getByRole('textbox', { name: 'Learning rate' }).press('Enter');
    await becomes(() => ask(page, (element) => element.trainer!.options()),
      ({ lr }) => Number(lr) === 0.5);
    expect(await page.locator('kiln-trainer').getAttribute('lr')).toBe('0.02');
    expect(await page.locator('kiln-trainer').getAttribute('seed')).toBe('7');
  });

  test('that are live act at once, others at the next reset', async () => {
    const { page } = await open(
      `<kiln-trainer ${SMALL} seed="1" controls="start seed"></kiln-trainer>${SCRIPT}`);
    await ask(page, (element) => element.step());
    await ask(page, (element) => {
      element.setAttribute('lr', '0.125');
      element.setAttribute('seed', '10');
    });
    await becomes(() => ask(page, (element) => element.trainer!.options()),
      ({ lr }) => Number(lr) === 0.125);
    expect(await ask(page, (element) => element.trainer!.options())).toMatchObject({ seed: '1' });
    expect(await stepOf(page)).toBe(1);
    await page.getByText('at reset').waitFor();
    await ask(page, (element) => element.reset());
    expect(await ask(page, (element) => element.trainer!.options()))
      .toMatchObject({ seed: '10', lr: '0.125' });
    expect(await stepOf(page)).toBe(0);
  });

  test('before the first step all act at once; one taken away is as usual again', async () => {
    const { page } = await open(`<kiln-trainer ${SMALL} seed="5"></kiln-trainer>${SCRIPT}`);
    await ask(page, (element) => element.setAttribute('net', 'affine 10 - softmax'));
    await becomes(() => ask(page, (element) => element.trainer!.summary.notation),
      (net) => net === 'affine 10 - softmax');
    await ask(page, (element) => element.removeAttribute('seed'));
    const usual = await ask(page, async (element) =>
      (await element.trainer!.optionTable()).find(({ name }) => name === 'seed')!.default);
    await becomes(() => ask(page, async (element) => (await element.trainer!.options())['seed']!),
      (seed) => seed === usual);
  });

  test('a preset fills what the author leaves open', async () => {
    const { page } = await open('<kiln-trainer train="100" validation="20" test="20" lr="0.5" ' +
      `preset="batchnorm"></kiln-trainer>${SCRIPT}`);
    const [preset, options] = await ask(page, async ({ trainer }) =>
      [(await trainer!.presets()).find(({ name }) => name === 'batchnorm')!,
        await trainer!.options()] as const);
    expect(options['net']).toBe(preset.net);
    expect(options['lr']).toBe('0.5');
    const left = Object.entries(preset.options).filter(([name]) => name !== 'lr');
    expect(options).toMatchObject(Object.fromEntries(left));
  });

  test('without a net it is the first preset, before the first step and in it', async () => {
    const { page } = await open(`<kiln-trainer ${SIZES} epochs="1000"></kiln-trainer>${SCRIPT}`);
    const [before, after, wanted] = await ask(page, async (element) => {
      const trainer = element.trainer!;
      const { net, options } = (await trainer.presets())[0]!;
      const used = await trainer.options();
      await element.step();
      return [used, await trainer.options(), { net, ...options, epochs: '1000' }] as const;
    });
    expect(before).toMatchObject(wanted);
    expect(after).toEqual(before);
    expect(before['init']).toBe('gaussian 0.01');
  });

  test('views and controls stand in the author\'s order', async () => {
    const { page } = await open(`<kiln-trainer ${SMALL} views="filters loss timing"
      controls="reset lr start"></kiln-trainer>${SCRIPT}`);
    const parts = (): Promise<(string | null)[][]> => ask(page, ({ shadowRoot }) =>
      ['.views', '.controls'].map((box) =>
        [...shadowRoot!.querySelector(box)!.children].map((node) => node.getAttribute('part'))));
    expect(await parts()).toEqual([['view filters', 'view loss', 'view timing'],
      ['button reset', 'option lr', 'button start', 'button pause']]);
    await ask(page, (element) => element.setAttribute('views', 'accuracy loss'));
    await becomes(parts, ([views]) => views!.join() === 'view accuracy,view loss');
  });

  test('a view that does not load is told of, and the others come', async () => {
    const { page } = await open('');
    await page.route('**/timing-view-*.js', (route) => route.abort());
    await page.setContent(`<kiln-trainer ${SMALL} views="timing loss" loading="eager">` +
      `</kiln-trainer>${SCRIPT}`);
    await page.getByRole('alert').filter({ hasText: /timing: this view does not work/i }).waitFor();
    await ask(page, (element) => element.step());
    await page.locator('kiln-loss-view canvas').first().waitFor();
  });

  test.each([
    ['net="conv 3x3 - softmax"', /net: column/],
    ['lr="fast"', /lr/],
    ['preset="large"', /preset: .large. is none of/],
    ['threads="99"', /threads: 99 is no number from 1 to 16/],
    ['views="curves"', /views: .curves. is none of loss, accuracy/i],
    ['controls="stop"', /controls: .stop. is none of start, pause/i],
  ])('%s is told by a sentence in the element', async (attribute, sentence) => {
    const { page } = await open(
      `<kiln-trainer ${attribute} train="100" validation="20" test="20"></kiln-trainer>${SCRIPT}`);
    await page.getByRole('alert').filter({ hasText: sentence }).waitFor();
  });

  test('a set-up that failed trains once it is mended', async () => {
    const { page } = await open(
      `<kiln-trainer ${SIZES} net="affine ten - softmax"></kiln-trainer>${SCRIPT}`);
    await page.getByRole('alert').waitFor();
    await page.locator('kiln-trainer').evaluate((element, net) =>
      element.setAttribute('net', net), NET);
    await button(page, 'Start').or(button(page, 'Try again')).click();
    await steps(page, 1);
  });
});

describe('what it loads', () => {
  test('is a shell of at most 6 kB until it comes near the window', async () => {
    const { page, requests } = await open(
      `<div style="height: 5000px"></div><kiln-trainer ${SMALL}><h2 slot="title">Try it</h2>` +
      `</kiln-trainer>${SCRIPT}`);
    await button(page, 'Start').waitFor();
    await page.getByText(NET).waitFor();
    const shell = requests.filter((url) => url.endsWith('.js'));
    expect(shell).toContain('kiln-trainer.js');
    expect(shell.length).toBeLessThanOrEqual(3);
    const bytes = shell.map((file) => gzipSync(readFileSync(`${FOLDER}/${file}`)).length);
    expect(bytes.reduce((a, b) => a + b)).toBeLessThanOrEqual(6000);
    await page.locator('kiln-trainer').scrollIntoViewIfNeeded();
    await ask(page, ({ trainer }) => trainer!.backend.variant);
    expect(requests).toContain('worker.js');
  });

  test('comes from its own folder alone, and the module once for all', async () => {
    const tag = `<kiln-trainer ${SMALL.replace('variant="simd"', '')}></kiln-trainer>`;
    const { page, requests } = await open(tag.repeat(3) + SCRIPT);
    await page.evaluate(() => Promise.all([...document.querySelectorAll('kiln-trainer')]
      .map(async (element) => {
        await customElements.whenDefined('kiln-trainer');
        element.scrollIntoView();
        await (element as KilnTrainer).start();
      })));
    expect(requests.filter((url) => url.endsWith('.wasm'))).toHaveLength(1);
    const files = new Set([...readdirSync(FOLDER), 'page.html', 'data:,']);
    expect(requests.filter((url) => !files.has(url))).toEqual([]);
    const threads = await page.evaluate(() =>
      [...document.querySelectorAll('kiln-trainer')].map((element) =>
        (element as KilnTrainer).trainer!.backend.threads));
    expect(threads).toEqual([1, 1, 1]); // this page is not isolated
  });

  test('fetches an archive once for all that have it', async () => {
    const { page, said } = await open(SCRIPT);
    let asked = 0;
    await page.route('**/cifar-10-binary.tar.gz', (route) => {
      asked++;
      return route.fulfill({ body: Buffer.from(gzip(tar(batchFiles(40)))) });
    });
    const tag = `<kiln-trainer loading="eager" net="${NET}" batch="20" epochs="1" train="160"
      validation="20" test="40" data="cifar-10-binary.tar.gz"></kiln-trainer>`;
    const counts = await page.locator('main').evaluate(async (main, html) => {
      await customElements.whenDefined('kiln-trainer');
      main.innerHTML = html;
      return Promise.all([...main.querySelectorAll('kiln-trainer')].map(async (element) => {
        const { dataset: { name, train, test } } = await (element as KilnTrainer).ready;
        return [name, train, test];
      }));
    }, tag.repeat(3));
    expect(counts).toEqual([1, 2, 3].map(() => ['cifar10', 160, 40]));
    expect(asked).toBe(1);
    expect(said).toEqual([]);
  });

  test('comes from another origin as well', async () => {
    const cdn = await serve(FOLDER, 0, { headers: {
      'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' } });
    const server = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end(`<!doctype html><kiln-trainer ${SMALL}></kiln-trainer>
        <script type="module" src="${cdn.address}kiln-trainer.js"></script>`);
    });
    await new Promise<void>((done) => server.listen(0, 'localhost', done));
    try {
      const { page } = await open('');
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
      await ask(page, (element) => element.start());
      expect(await steps(page, 10)).toBeGreaterThanOrEqual(10);
    } finally {
      await context?.close();
      context = null;
      server.close();
      cdn.server.close();
    }
  });

  test('a second script does nothing, and one of another version says so', async () => {
    const { page, said } = await open(`<kiln-trainer ${SMALL}></kiln-trainer>${SCRIPT}
      <script type="module" src="kiln-trainer.js?again"></script>`);
    await ask(page, (element) => element.step());
    expect(said).toEqual([]);
    await page.route('**/kiln-trainer.js?other', (route) => {
      const text = readFileSync(`${FOLDER}/kiln-trainer.js`, 'utf8');
      const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
      return route.fulfill({
        contentType: 'text/javascript', body: text.replace(version, '99.0.0') });
    });
    await page.addScriptTag({ type: 'module', url: 'kiln-trainer.js?other' });
    await becomes(async () => said, (lines) => lines.length > 0);
    expect(said).toEqual([expect.stringMatching(/in versions \S+ and 99\.0\.0; /)]);
    expect(await stepOf(page)).toBe(1);
  });
});

describe('in course pages', () => {
  test('the article of the examples trains both of its networks', async () => {
    const html = readFileSync(EXAMPLE, 'utf8').replace('../../build/element/', './');
    const { page, said } = await open(html);
    await page.evaluate(() => Promise.all([...document.querySelectorAll('kiln-trainer')]
      .map(async (element) => {
        await customElements.whenDefined('kiln-trainer');
        await (element as KilnTrainer).start();
      })));
    await becomes(() => page.evaluate(() => [...document.querySelectorAll('kiln-trainer')]
      .map((element) => (element as KilnTrainer).trainer!.metrics?.step ?? 0)),
    (all) => all.length === 2 && all.every((step) => step >= 10));
    expect(said).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  });

  test('the snippet of the README trains', async () => {
    const readme = readFileSync('README.md', 'utf8');
    const snippet = /```html\n(.*?)```/s.exec(readme)![1]!;
    const { page, said } = await open(snippet);
    await ask(page, (element) => element.start());
    await steps(page, 10);
    expect(said).toEqual([]);
  });
});

test('the cores are shared out, and each element has one thread at least', () => {
  expect([[8, 1], [8, 3], [4, 4], [2, 3], [1, 0]].map(([threads, sharers]) =>
    shareOf(threads!, sharers!))).toEqual([8, 2, 1, 1, 1]);
});

describe('its life', () => {
  test('moving it does not restart it', async () => {
    const { page } = await open(
      `<kiln-trainer ${SMALL} autostart></kiln-trainer><aside></aside>${SCRIPT}`);
    const before = await steps(page, 5);
    const same = await ask(page, async (element) => {
      const { trainer } = element;
      document.querySelector('aside')!.append(element);
      await new Promise((resolve) => setTimeout(resolve, 0));
      return element.trainer === trainer && element.state === 'running';
    });
    expect(same).toBe(true);
    expect(await steps(page, before + 5)).toBeGreaterThan(before);
    expect(page.workers()).toHaveLength(1);
  });

  test('after ten mounts and removals no worker is left', async () => {
    const { page, said } = await open(`<div id="place"></div>${SCRIPT}`);
    for (let i = 0; i < 10; i++) {
      await page.locator('#place').evaluate((place, html) => {
        place.innerHTML = html;
      }, `<kiln-trainer ${SMALL} autostart></kiln-trainer>`);
      if (i % 2 === 0) await steps(page, 1); // others are taken away while they load
      await page.locator('#place').evaluate((place) => place.replaceChildren());
    }
    await becomes(async () => page.workers().length, (workers) => workers === 0);
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
    expect(page.workers()).toHaveLength(0);
    expect(said).toEqual([]);
  });

  test('what is put back begins anew', async () => {
    const { page } = await open(`<kiln-trainer ${SMALL} autostart></kiln-trainer>${SCRIPT}`);
    await steps(page, 2);
    await page.evaluate(async () => {
      const element = document.querySelector('kiln-trainer')!;
      element.remove();
      await new Promise((resolve) => setTimeout(resolve, 0));
      element.removeAttribute('autostart');
      document.body.append(element);
    });
    expect(await stepOf(page)).toBe(0);
    await ask(page, (element) => element.step());
    expect(page.workers()).toHaveLength(1);
  });

  test('it works within another shadow root', async () => {
    const { page } = await open(`<div id="around"></div><script>
        document.querySelector('#around').attachShadow({ mode: 'open' }).innerHTML =
          '<kiln-trainer ${SMALL.replaceAll('"', '\\"')}></kiln-trainer>';
      </script>${SCRIPT}`);
    await button(page, 'Step').click();
    await page.getByText('step 1', { exact: false }).first().waitFor();
  });
});

describe('how it looks', () => {
  const ALL = 'loss accuracy readout filters predictions layers confusion timing';

  test.each(['light', 'dark'] as const)('nothing is cut at 280 px, %s', async (colorScheme) => {
    const { page } = await open(`<kiln-trainer ${SMALL} views="${ALL}" autostart
      controls="start step reset save load evaluate lr optimizer batch net augment">
      </kiln-trainer>${SCRIPT}`, { viewport: { width: 280, height: 800 }, colorScheme });
    await steps(page, 5);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  });

  test.each([
    ['compact', 1000, 1],
    ['wide', 1000, 3],
    ['', 1000, 2],
    ['wide', 400, 1],
    ['', 400, 1],
  ])('layout="%s" at %i px: columns of charts: %i', async (layout, width, columns) => {
    const { page } = await open(`<style>main { width: ${width}px; overflow: auto }</style>
      <kiln-trainer ${SMALL} layout="${layout}" views="loss accuracy timing"></kiln-trainer>
      ${SCRIPT}`, { viewport: { width: 1100, height: 800 } });
    const [lefts, hidden] = await ask(page, ({ shadowRoot }) => [
      [...shadowRoot!.querySelector('.views')!.children].map((view) =>
        Math.round(view.getBoundingClientRect().left)),
      document.querySelector('main')!.scrollWidth - document.querySelector('main')!.clientWidth,
    ] as const);
    expect(new Set(lefts).size).toBe(columns);
    expect(hidden).toBeLessThanOrEqual(0);
  });

  test('a chart without a neighbour has the whole width; its files stand in one line', async () => {
    const { page } = await open(`<kiln-trainer ${SMALL} views="accuracy filters timing">
      </kiln-trainer>${SCRIPT}`);
    const shares = (): Promise<number[]> => ask(page, ({ shadowRoot }) => {
      const views = shadowRoot!.querySelector('.views')!;
      return [...views.children].map((view) => view.clientWidth / views.clientWidth);
    });
    expect(await shares()).toEqual([1, 1, 1]);
    await page.setViewportSize({ width: 280, height: 800 });
    expect(await shares()).toEqual([1, 1, 1]);
    const tops = await page.locator('kiln-accuracy-view .files > *').evaluateAll((parts) =>
      parts.map((part) => part.getBoundingClientRect().top));
    expect(new Set(tops).size).toBe(1);
  });

  test('a layout changed later is followed', async () => {
    const { page } = await open(`<kiln-trainer ${SMALL} layout="compact"></kiln-trainer>${SCRIPT}`);
    const columns = (): Promise<number> => ask(page, ({ shadowRoot }) => new Set(
      [...shadowRoot!.querySelector('.views')!.children].map((view) =>
        Math.round(view.getBoundingClientRect().left))).size);
    expect(await columns()).toBe(1);
    await ask(page, (element) => element.setAttribute('layout', 'wide'));
    await becomes(columns, (count) => count === 2);
    await ask(page, (element) => element.setAttribute('layout', 'tall'));
    await page.getByRole('alert').filter({ hasText: /layout: .tall. is none of/i }).waitFor();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing, %s', async (colorScheme) => {
    const { page } = await open(`<style>:root { color-scheme: light dark }</style><h1>A course</h1>
      <kiln-trainer ${SMALL} controls="start reset lr batch" views="${ALL}">
      <h2 slot="title">Try it</h2></kiln-trainer>
      <kiln-trainer net="nothing"></kiln-trainer>${SCRIPT}`, { colorScheme });
    await ask(page, (element) => element.step());
    await page.getByText('Try again').waitFor();
    await page.evaluate(axe.source);
    expect(await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') };
      const { violations } = await axe.run(document);
      return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
    })).toEqual([]);
  });

  test('colours, type and corners are the author\'s', async () => {
    const { page } = await open(`<style>main { --kiln-accent: rgb(1, 2, 3); --kiln-radius: 9px;
      --kiln-font: monospace } kiln-trainer::part(status) { letter-spacing: 2px }</style>
      <kiln-trainer ${SMALL}></kiln-trainer>${SCRIPT}`);
    const look = await ask(page, ({ shadowRoot }) => {
      const style = (selector: string): CSSStyleDeclaration =>
        getComputedStyle(shadowRoot!.querySelector(selector)!);
      return [style('[name=start]').backgroundColor, style('.trainer').borderRadius,
        style('.trainer').fontFamily, style('.status').letterSpacing, style('.trainer').color];
    });
    expect(look).toEqual(['rgb(1, 2, 3)', '9px', 'monospace', '2px', 'rgb(33, 29, 24)']);
  });

  test.each(['light', 'dark'] as const)('curves are drawn in them, too: %s', async (scheme) => {
    const { page } = await open(`<style>:root { color-scheme: light dark;
      --kiln-accent: light-dark(rgb(200, 0, 200), rgb(0, 200, 0)) }</style>
      <kiln-trainer ${SMALL} views="loss"></kiln-trainer>${SCRIPT}`, { colorScheme: scheme });
    await ask(page, (element) => element.start());
    await steps(page, 30);
    const wanted = scheme === 'light' ? [200, 0, 200, 255] : [0, 200, 0, 255];
    await becomes(() => page.locator('kiln-loss-view .chart canvas').evaluate((node, of) => {
      const canvas = node as HTMLCanvasElement;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let drawn = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (of.every((value, c) => data[i + c] === value)) drawn++;
      }
      return drawn;
    }, wanted), (drawn) => drawn > 20);
  });
});
