// The speed run: from the press to the receipt, what is too short, cancelled or replaced; and the
// pieces of its recipes.

import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Locator, Page } from 'playwright-core';

import { ask, becomes, button, openSite, overflow, visit, type Site } from './browser.js';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

const VIEW = 'kiln-speed-view';
/** A step of the largest net takes seconds on a busy machine, and several are measured. */
const MEASURED = { timeout: 200_000 };
const view = (page: Page): Locator => page.locator(VIEW);
const said = (page: Page, text: string | RegExp): Locator =>
  view(page).locator('.said', { hasText: text });
const options = (page: Page): Promise<Record<string, unknown>> =>
  ask(page, (trainer) => trainer.options());

/** What axe finds wrong with the view, in both colour schemes. */
async function faults(page: Page, part = VIEW): Promise<string[]> {
  const found: string[] = [];
  await page.evaluate(axe.source);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    found.push(...await page.evaluate(async (tag) => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') };
      const { violations } = await axe.run({ include: [['kiln-page', tag]] as never });
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id} ${html}`));
    }, part));
  }
  return found;
}

/** Begins a speed run with this goal, and waits until it is planned. */
async function race(page: Page, goal: string, plan: RegExp): Promise<void> {
  await view(page).getByLabel('Aim').selectOption(goal);
  await view(page).getByRole('button', { name: 'Run against the clock' }).click();
  await said(page, plan).waitFor(MEASURED);
}

const scrolled = (page: Page): Promise<number> => page.evaluate(() => scrollY);

/** Nothing is wider than the window of a phone. */
async function fitsPhones(page: Page): Promise<void> {
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await becomes(() => overflow(page), (pixels) => pixels <= 0);
  }
}

test('a goal is measured, trained, looked at once, and told in a line with a receipt', async () => {
  const hash = '#net=affine+10+-+softmax&train=1024&seed=3&lr=0.5';
  const { page, errors, close } = await visit(site, { hash });
  const looks = await page.evaluateHandle(() => {
    const found: string[] = []; // splits that the worker was asked to evaluate
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (message: unknown, ...more: never[]): void {
      const { type, params } = message as { type?: string; params?: { split?: string } };
      if (type === 'evaluate') found.push(params!.split!);
      postMessage.call(this, message, ...more);
    };
    return found;
  });
  await view(page).getByText('it is a rehearsal').waitFor();
  expect(await faults(page)).toEqual([]);
  // The goals are the presets that are named after one.
  const goals = await ask(page, async (trainer) => (await trainer.presets())
    .filter(({ name }) => /^\d+-percent$/.test(name)).map(({ name }) => name));
  const aims = view(page).getByLabel('Aim');
  expect(await aims.locator('option').evaluateAll((all) =>
    all.map((one) => (one as HTMLOptionElement).value))).toEqual(['', ...goals]);
  // By keyboard: the list, and from there the button, which has the field of minutes gone.
  await aims.selectOption('80-percent');
  await aims.focus();
  await page.keyboard.press('Tab');
  // What is above the view shows each net that is measured, and the view stays where it is.
  const place = (): Promise<number> =>
    view(page).evaluate((node) => node.getBoundingClientRect().top);
  await view(page).evaluate((node) => node.scrollIntoView());
  const [top, above] = [await place(), await scrolled(page)];
  await page.keyboard.press('Enter');
  await becomes(() => scrolled(page), (now) => now > above + 100);
  await becomes(place, (now) => Math.abs(now - top) < 2);
  await view(page).locator('.result').waitFor();

  const preset = (await ask(page, (trainer) => trainer.presets()))
    .find(({ name }) => name === '80-percent')!;
  const used = await options(page);
  expect(used).toMatchObject({ ...preset.options, seed: '3', train: '1024', 'eval-views': '6',
    'eval-share': '0.25', 'lookahead': '0' });
  expect(used['net']).toBe(preset.net);
  expect(await ask(page, ({ metrics }) => [metrics!.step, metrics!.steps])).toEqual([16, 16]);
  expect(await page.getByLabel('Preset', { exact: true }).inputValue()).toBe('80-percent');

  const rows = await view(page).locator('tbody tr').evaluateAll((all) => all.map((row) =>
    [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
  expect(rows.map(([epoch]) => epoch)).toEqual(['1', '2']);
  for (const [, planned, passed, apart, validation] of rows) {
    for (const time of [planned, passed]) expect(time).toMatch(/^(\d+ s|\d+:\d\d)$/);
    expect(apart).toMatch(/^[+−]\d+\.\d s$/);
    expect(validation).toMatch(/^\d+\.\d %$/);
  }
  // The test images were looked at once, for the view and for the table of tries.
  await page.locator('kiln-tries-view').getByText('1 run done.').waitFor();
  expect((await looks.jsonValue()).filter((split) => split === 'test')).toEqual(['test']);
  const accuracy = await ask(page, async (trainer) => (await trainer.evaluate('test')).accuracy);
  const line = await view(page).locator('pre').textContent();
  expect(line).toContain(`${(100 * accuracy).toFixed(2)} % of the built-in set’s 200 test images`);
  expect(line).toContain(await ask(page, (trainer) => trainer.hash()));
  expect(line).toContain('80-percent, 2 epochs, seed 3, 6 views of the least sure 25 %,');
  expect(line).toContain(await page.evaluate(() => location.href));
  const [file] = await Promise.all([page.waitForEvent('download'),
    view(page).getByRole('button', { name: 'Receipt' }).click()]);
  const receipt = readFileSync((await file.path())!, 'utf8');
  expect(receipt).toContain(await ask(page, (trainer) => trainer.hash()));
  expect(receipt).toContain(String(accuracy));
  expect(JSON.parse(receipt)).toMatchObject({ preset: '80-percent' });
  const hint = await view(page).getByText(/^With the receipt anybody can check/).textContent();
  expect(hint).toMatch(/: kiln verify --mode \w+ kiln-receipt\.json$/);
  expect(await faults(page)).toEqual([]);

  // What came of it stays what it was, whatever runs now.
  await ask(page, async (trainer) => {
    await trainer.reset({ net: 'affine 10 - softmax', data: 'builtin',
      options: { seed: '99', test: '50', train: '300', validation: '50' } });
  });
  expect(await ask(page, ({ dataset }) => dataset.test)).toBe(50);
  await page.evaluate(() => scrollTo(0, 0));
  await view(page).evaluate((node) => node.scrollIntoView());
  expect(await view(page).locator('pre').textContent()).toBe(line);
  const [again] = await Promise.all([page.waitForEvent('download'),
    view(page).getByRole('button', { name: 'Receipt' }).click()]);
  expect(readFileSync((await again.path())!, 'utf8')).toBe(receipt);
  await fitsPhones(page);
  expect(errors).toEqual([]);
  await close();
});

test('a piece is switched off and on, and the set-up with it', async () => {
  const { page, errors, close } = await visit(site, { hash: '#net=affine+10+-+softmax&seed=5' });
  const list = page.locator('kiln-recipe-view');
  const recipe = (await ask(page, (trainer) => trainer.presets()))
    .find(({ name }) => name === '80-percent')!;
  const box = (name: string): Locator => list.getByRole('checkbox', { name, exact: true });
  const told = (text: string): Promise<void> =>
    list.locator('.said', { hasText: text }).waitFor();
  await list.getByLabel('Recipe').selectOption('80-percent');
  await told('The set-up is “80 % in seconds”, whole.');
  // The run has not begun: the recipe is in use at once, on the same data and seed.
  await becomes(() => options(page), ({ net }) => net === recipe.net);
  expect(await options(page)).toMatchObject({ ...recipe.options, seed: '5', train: '1000' });
  await box('Muon').uncheck();
  await told('Update rule muon → nesterov');
  await becomes(() => options(page), ({ optimizer }) => optimizer === 'nesterov');
  expect(await page.getByLabel('Update rule').inputValue()).toBe('nesterov');
  await box('gelu').focus();
  await page.keyboard.press('Space');
  await told('gelu → relu');
  await page.waitForFunction(() => !location.hash.includes('gelu'));
  expect(await page.getByLabel('Notation').inputValue()).toContain('- relu');
  expect(await box('silu').isDisabled()).toBe(true); // there is no gelu that it could replace
  await box('Muon').check();
  await box('gelu').check();
  await told('whole.');
  expect(await box('silu').isEnabled()).toBe(true);
  await becomes(() => options(page), ({ net, lr }) =>
    net === recipe.net && lr === recipe.options['lr']);
  // Under way it waits for the reset, as what is typed does.
  await button(page, 'Start').click();
  await becomes(() => ask(page, ({ state }) => state), (state) => state !== 'ready');
  await box('label smoothing').uncheck();
  await page.locator('kiln-net-editor .pending', { hasText: 'smoothing 0.2' }).waitFor();
  expect((await options(page))['net']).toBe(recipe.net);
  expect(await faults(page, 'kiln-recipe-view')).toEqual([]);
  const about = await list.getByRole('link').evaluate(async (a) =>
    (await fetch((a as HTMLAnchorElement).href)).text());
  expect(about).toContain('# How a browser tab gets to 94 % on CIFAR-10');
  await fitsPhones(page);
  expect(errors).toEqual([]);
  await close();
});

test('the list shows which recipe the set-up is, also where it was chosen elsewhere', async () => {
  const { page, errors, close } = await visit(site, { hash: '#net=affine+10+-+softmax' });
  const list = page.locator('kiln-recipe-view');
  const preset = page.getByLabel('Preset', { exact: true });
  const told = (text: string | RegExp): Promise<void> =>
    list.locator('.said', { hasText: text }).waitFor();
  await told('The set-up is none of these recipes');
  // Two presets have one net: their options tell which it is.
  for (const name of ['93-percent', '94-percent', '93-percent', '94-percent']) {
    await preset.selectOption(name);
    await told(new RegExp(`“${name.slice(0, 2)} % .*” but for: Views averaged 6 → 1`));
    expect(await preset.inputValue()).toBe(name);
    expect(await list.getByLabel('Recipe').inputValue()).toBe(name);
    expect(await list.getByRole('checkbox', { name: 'averaged views' }).isChecked()).toBe(false);
  }
  await page.getByLabel('Epochs', { exact: true }).fill('7.5');
  await page.keyboard.press('Tab');
  await told('Epochs 11 → 7.5');
  expect(await preset.inputValue()).toBe('94-percent');
  await list.getByRole('checkbox', { name: 'small batches' }).uncheck();
  await told(/“94 % .*” but for: Batch size 256 → 512; Learning rate/);
  await preset.selectOption('linear-softmax');
  await told('The set-up is none of these recipes');
  expect(errors).toEqual([]);
  await close();
});

test('a run whose settings were changed on the way says so, and has no receipt', async () => {
  const hash = '#net=affine+10+-+softmax&train=2048&test=100';
  const { page, errors, close } = await visit(site, { hash });
  await race(page, '80-percent', /^“80 % in seconds”, 2 epochs/);
  await ask(page, (trainer) => trainer.set('lr', 0.001));
  await view(page).locator('.result').waitFor();
  expect(await view(page).locator('pre').textContent()).toContain('80-percent, changed on the way');
  expect(await view(page).getByRole('button', { name: 'Receipt' }).isDisabled()).toBe(true);
  await view(page).getByText('lr was changed on the way').waitFor();
  expect(errors).toEqual([]);
  await close();
});

test('a time is filled, too little is told, and what is stopped leaves the set-up', async () => {
  const hash = '#net=affine+10+-+softmax&train=1000&lr=0.5';
  const { page, errors, close } = await visit(site, { hash });
  const before = await options(page);
  const minutes = view(page).getByLabel('Minutes');
  const start = view(page).getByRole('button', { name: 'Run against the clock' });

  await minutes.fill('0');
  await start.click();
  await view(page).getByText('Minutes: from 0.1 to 600, please.').waitFor();

  // Cancelled while it measures.
  await minutes.fill('10');
  await page.evaluate((tag) => {
    const { shadowRoot } = document.querySelector('kiln-page')!.shadowRoot!.querySelector(tag)!;
    for (const name of ['Run against the clock', 'Stop measuring']) {
      [...shadowRoot!.querySelectorAll('button')].find((one) => one.textContent === name)!.click();
    }
  }, VIEW);
  await said(page, 'Stopped. The set-up is as it was.').waitFor();
  expect(await options(page)).toEqual(before);

  // As if the clock went a thousand times as fast: there is no time for anything.
  await page.evaluate(() => {
    const real = performance.now.bind(performance);
    performance.now = () => 1000 * real();
    Object.assign(window, { realClock: () => { performance.now = real; } });
  });
  await minutes.fill('0.1');
  await start.click();
  await said(page, /^6 s is too short for any recipe here: 1 epoch of “.*takes/)
    .waitFor();
  expect(await options(page)).toEqual(before);
  await page.evaluate(() => (window as unknown as { realClock: () => void }).realClock());

  // A minute is more than a recipe takes on so few images.
  await minutes.fill('1');
  await start.click();
  await said(page, /^“.*, [\d.]+ epochs in place of its own/).waitFor(MEASURED);
  await becomes(() => ask(page, ({ state }) => state), (state) => state === 'running');
  const used = await options(page);
  const presets = await ask(page, (trainer) => trainer.presets());
  const { options: own } = presets.find(({ net }) => net === used['net'])!;
  expect(Number(used['epochs'])).toBeGreaterThan(Number(own['epochs']));
  expect(await view(page).locator('tbody tr').count()).toBeLessThanOrEqual(25);
  expect(used).toMatchObject({ lr: own['lr'], 'whiten-epochs': own['whiten-epochs'] });
  await button(page, 'Pause').click();
  await view(page).getByText('The run is paused. The clock is not.').waitFor();
  await button(page, 'Reset').click();
  await said(page, 'Another run has taken the place of this one.').waitFor();
  expect(await start.isEnabled()).toBe(true);
  expect(errors).toEqual([]);
  await close();
});

test('a run slower than its plan is told, and that its tab was hidden', async () => {
  const hash = '#net=affine+10+-+softmax&train=2000';
  const { page, errors, close } = await visit(site, { hash });
  await race(page, '93-percent', /^“93 %.*”, \d+ epochs/);
  const clock = await view(page).locator('dd').nth(1).textContent();
  const trouble = view(page).locator('.trouble');
  expect(await trouble.isHidden()).toBe(true);
  // From now on the page's clock goes ten times as fast as the steps were measured by.
  await page.evaluate(() => {
    const real = performance.now.bind(performance);
    const from = real();
    performance.now = () => from + 10 * (real() - from);
  });
  await trouble.getByText(/^A step takes \d+\.\d times as long as measured: /).waitFor();
  await view(page).getByText(/ late/).waitFor();
  expect(await view(page).locator('dd').nth(1).textContent()).toBe(clock); // the plan stays
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    Object.defineProperty(document, 'hidden', { value: false });
  });
  await trouble.getByText('This tab was in the background').waitFor();
  await button(page, 'Pause').click();
  await trouble.getByText('The run is paused. The clock is not.').waitFor();
  await button(page, 'Reset').click();
  expect(errors).toEqual([]);
  await close();
});
