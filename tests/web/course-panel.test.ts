// “Put it in your course”: each line of the panel gives back the set-up that the page shows.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { Trainer } from '../../bindings/index.js';
import type { OptionInfo } from '../../bindings/types.js';
import type { KilnTrainer } from '../../web/element/kiln-trainer.js';
import { changed, type Shown } from '../../web/link.js';
import {
  attributesOf, commandOf, embedAddress, frameOf, programOf, tagOf,
} from '../../web/spellings.js';
import {
  ask, becomes, openSite, overflow, patient, visit, type Site, type Visit,
} from './browser.js';

/** Of every kind of option, and texts with what shells and markup mark off. */
const SET_UP = {
  net: '[conv 3x3x4 - relu]x2 - residual(conv 3x3x4 | conv 1x1x4) - maxpool 4 - ' +
    'affine 10 - softmax smoothing 0.1',
  train: '200', validation: '20', test: '20', batch: '20', epochs: '1', seed: '7',
  optimizer: 'adam', lr: '0.003', schedule: 'cosine', init: 'gaussian 0.01', augment: 'flip,crop4',
  'weight-decay': '0.25', 'check-first': '1',
};

let site: Site;
let home: string;
let shown: Visit;
let options: Record<string, string>;
beforeAll(async () => {
  site = await openSite();
  home = mkdtempSync(join(tmpdir(), 'kiln-course-'));
  shown = await visit(site, { hash: `#${new URLSearchParams(SET_UP)}`, whole: true });
  options = await optionsOfPage(shown.page);
  await summary(shown.page).click();
});
afterAll(async () => {
  await shown?.close();
  rmSync(home, { recursive: true, force: true });
  await site?.close();
});

function optionsOfPage(page: Page): Promise<Record<string, string>> {
  return ask(page, (trainer) => trainer.options()) as Promise<Record<string, string>>;
}

const panel = (page: Page) => page.locator('kiln-course-panel');
const summary = (page: Page) => panel(page).locator('summary');

async function line(name: string): Promise<string> {
  const text = panel(shown.page).getByRole('region', { name });
  return becomes(async () => (await text.textContent()) ?? '', (found) => found !== '');
}

/** What an element trains with: the only one of a page or of a frame within it. */
async function optionsOfElement(page: Page, within: 'page' | 'frame'): Promise<unknown> {
  const where = within === 'page' ? page.mainFrame()
    : (await becomes(async () => page.frames()[1], Boolean))!;
  return where.evaluate(async () => {
    await customElements.whenDefined('kiln-trainer');
    const element = document.querySelector('kiln-trainer') as KilnTrainer;
    return (await element.ready).options();
  });
}

/** A page of somebody's on this site. */
async function pageWith(body: string): Promise<Page> {
  const context = await site.browser.newContext();
  const page = await patient(context);
  await page.route(`${site.address}course.html`, (route) =>
    route.fulfill({ contentType: 'text/html',
      body: `<!doctype html><meta charset="utf-8">${body}` }));
  await page.goto(`${site.address}course.html`);
  return page;
}

describe('each line gives back the same set-up:', () => {
  test('the page shows what its link asked for', () => {
    expect(options).toMatchObject(SET_UP);
  });

  test.each([['Frame', 'frame'], ['Tag', 'page']] as const)('%s', async (name, within) => {
    const page = await pageWith(await line(name));
    expect(await optionsOfElement(page, within)).toEqual(options);
    await page.context().close();
  });

  test('Link', async () => {
    const link = await line('Link');
    expect(link.length).toBeLessThan(2000);
    // Every option there is would fit, if each had to be named.
    expect(`${new URL(link).origin}/#${new URLSearchParams(options)}`.length).toBeLessThan(2000);
    const again = await visit(site, { hash: new URL(link).hash, whole: true });
    expect(await optionsOfPage(again.page)).toEqual(options);
    await again.close();
  });

  test('Program', async () => {
    mkdirSync(join(home, 'node_modules'), { recursive: true });
    symlinkSync(resolve('.'), join(home, 'node_modules/kiln-nn'));
    const text = await line('Program');
    writeFileSync(join(home, 'program.mjs'),
      `${text}\nconsole.log(JSON.stringify(await trainer.options()));\ntrainer.dispose();\n`);
    const lines = execFileSync('node', ['program.mjs'], { cwd: home, encoding: 'utf8' })
      .trim().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(JSON.parse(lines.at(-1)!)).toEqual(options);
  });

  test('Command', async () => {
    symlinkSync(resolve('build'), join(home, 'build'));
    const text = await line('Command');
    execFileSync('bash', ['-c', `${text} --save run.safetensors`],
      { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] });
    const { train, validation, test } = SET_UP;
    const trainer = await Trainer.create({ options: { train, validation, test }, variant: 'simd' });
    await trainer.load(new Uint8Array(readFileSync(join(home, 'run.safetensors'))));
    expect(await trainer.options()).toEqual(options);
    trainer.dispose();
  });
});

describe('the lines', () => {
  const info = (name: string, usual: string): OptionInfo =>
    ({ name, type: 'text', default: usual, help: '', live: false }) as unknown as OptionInfo;
  const table = [info('net', ''), info('lr', '0.1'), info('init', 'he'), info('seed', '1')];
  const odd: Shown = { net: 'affine 10\n -  softmax', data: 'cifar10',
    options: { lr: '0.10', seed: '2', init: `a "b" <c> & 'd' \\ $e \`f\`` } };

  test('name what is not as usual, and nothing else', () => {
    expect(changed(odd.options, table).map(([name]) => name)).toEqual(['init', 'seed']);
    expect(attributesOf(odd, table)).toEqual([['net', 'affine 10 - softmax'], ['data', 'stored'],
      ['init', odd.options['init']], ['seed', '2']]);
  });

  test('carry any text: markup', async () => {
    const page = await pageWith(`<p></p>`);
    const read = await page.evaluate(([tag, frame]) => {
      const holder = document.createElement('template');
      holder.innerHTML = tag! + frame!;
      const element = holder.content.querySelector('kiln-trainer')!;
      return {
        attributes: element.getAttributeNames().map((name) => [name, element.getAttribute(name)]),
        script: holder.content.querySelector('script')!.getAttribute('src'),
        src: holder.content.querySelector('iframe')!.getAttribute('src'),
        title: holder.content.querySelector('iframe')!.title,
      };
    }, [tagOf(odd, table, 'https://a.b/c&d/'), frameOf(odd, table, 'https://a.b/', '"Net"')]);
    expect(read).toEqual({ attributes: attributesOf(odd, table),
      script: 'https://a.b/c&d/kiln-trainer.js', title: '"Net"',
      src: embedAddress(odd, table, 'https://a.b/') });
    const query = new URL(read.src!).searchParams;
    expect([...query]).toEqual(attributesOf(odd, table));
    await page.context().close();
  });

  test('carry any text: a shell', () => {
    const words = commandOf(odd, table).replace(/^\S+/, "printf '%s\\n'");
    expect(execFileSync('bash', ['-c', words], { encoding: 'utf8' }).trim().split('\n')).toEqual([
      'train', '--net=affine 10 - softmax', '--data=data/cifar-10-binary.tar.gz',
      `--init=${odd.options['init']}`, '--seed=2']);
  });

  test('carry any text: a program', () => {
    const object = /create\((\{.*?\n\})\)/s.exec(programOf(odd, table))![1]!;
    expect(new Function(`return ${object}`)()).toEqual({ net: 'affine 10 - softmax',
      data: { stored: true }, options: { init: odd.options['init'], seed: 2 } });
  });
});

describe('in the page', () => {
  test('a change of the set-up changes the lines', async () => {
    const { page, close } = await visit(site);
    await summary(page).click();
    await page.getByRole('textbox', { name: 'Learning rate' }).fill('0.0625');
    await page.getByRole('textbox', { name: 'Learning rate' }).press('Enter');
    await panel(page).getByText('lr="0.0625"').waitFor();
    await panel(page).getByText('--lr=0.0625').waitFor();
    await close();
  });

  test('a link that some programs would cut off is told of', async () => {
    const { page, close } = await visit(site);
    await summary(page).click();
    const note = panel(page).getByText('some programs cut one off after 2,000');
    await panel(page).locator('pre').first().waitFor();
    expect(await note.isVisible()).toBe(false);
    await page.evaluate((net) => (location.hash = `net=${net}`),
      `${'leakyrelu 0.010000000001 - '.repeat(80)}affine 10 - softmax`);
    await note.waitFor();
    await close();
  });

  test('where it is wished frame and tag keep the run, and nothing else says so', async () => {
    const { page, close } = await visit(site);
    await summary(page).click();
    const lines = (): Promise<string[]> => panel(page).locator('pre').allTextContents();
    await becomes(lines, (all) => all.every(Boolean));
    expect((await lines()).join()).not.toContain('persist');
    await panel(page).getByLabel('Keep the reader’s run').check();
    const [frame, tag, ...others] = await becomes(lines, ([one]) => one!.includes('persist'));
    expect(frame).toContain('&amp;persist=1"');
    expect(tag).toContain(' persist="1"></kiln-trainer>');
    expect(others.join()).not.toContain('persist');
    await close();
  });

  test('each line is copied by its button', async () => {
    const { page, close } = await visit(site, {
      permissions: ['clipboard-read', 'clipboard-write'] });
    await summary(page).click();
    for (const kind of ['frame', 'tag', 'program', 'command', 'link']) {
      await panel(page).getByRole('button', { name: `Copy ${kind}`, exact: true }).click();
      await panel(page).getByText(`The ${kind} was copied.`).waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      const texts = await panel(page).locator('pre').allTextContents();
      expect(texts).toContain(copied);
    }
    await close();
  });

  test('where copying is not allowed the text is selected', async () => {
    const { page, close } = await visit(site);
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: {
      writeText: () => Promise.reject(new Error('no')) } }));
    await summary(page).click();
    await panel(page).getByRole('button', { name: 'Copy command' }).click();
    await panel(page).getByText('copy it by hand').waitFor();
    expect(await page.evaluate(() => String(getSelection()))).toMatch(/^build\/native\/kiln train/);
    await close();
  });

  test.each([320, 720])('a preview is %i pixels wide, trains, and is not loaded before',
    async (width) => {
      const { page, errors, close } = await visit(site);
      const asked: string[] = [];
      page.on('request', (request) => {
        if (request.url().includes('/element/')) asked.push(request.url()); // not the page's parts
      });
      await summary(page).click();
      await panel(page).locator('pre').first().waitFor();
      expect(asked).toEqual([]);
      await panel(page).getByRole('button', { name: `${width} pixels wide` }).click();
      const frame = (await becomes(async () => page.frames()[1], Boolean))!;
      expect(await frame.evaluate(() => innerWidth)).toBe(width);
      await frame.getByRole('button', { name: 'Start', exact: true }).click();
      await becomes(() => frame.evaluate(() =>
        (document.querySelector('kiln-trainer') as KilnTrainer).trainer?.metrics?.step ?? 0),
      (step) => step > 0);
      expect(await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth))
        .toBeLessThanOrEqual(0);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await panel(page).getByRole('button', { name: 'Close the preview' }).click();
      await becomes(async () => page.frames().length, (count) => count === 1);
      expect(errors).toEqual([]);
      await close();
    });
});
