// No trained net is lost without a question: closing, resetting, links, other data, divergence.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import {
  ask,
  button,
  ended,
  noted,
  openSite,
  stateOf,
  stepOf,
  steps,
  visit,
  type Site,
} from './browser.js';

const SMALL = '#net=affine+10+-+softmax&schedule=constant';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

/** Whether the browser asks before the page goes, and then it stays; else it goes. */
async function asksBeforeLeaving(page: Page): Promise<boolean> {
  const asked = page.waitForEvent('dialog').then(async (dialog) => {
    expect(dialog.type()).toBe('beforeunload');
    await dialog.dismiss();
    return true;
  });
  const never = (): Promise<boolean> => new Promise(() => {});
  asked.catch(never);
  const gone = page.waitForURL('about:blank').then(() => false, never);
  await page.evaluate(() => setTimeout(() => (location.href = 'about:blank')));
  return Promise.race([asked, gone]);
}

async function pause(page: Page): Promise<number> {
  await button(page, 'Pause').click();
  await button(page, 'Continue').waitFor();
  return stepOf(page);
}

const notice = (page: Page, text: string): ReturnType<Page['locator']> =>
  page.locator('kiln-page .notice', { hasText: text });

describe('leaving the page', () => {
  test('goes without a question where nothing was trained', async () => {
    const { page, close } = await visit(site, { hash: SMALL });
    // The browser asks only where somebody acted.
    await page.getByLabel('Seed', { exact: true }).fill('3');
    expect(await asksBeforeLeaving(page)).toBe(false);
    await close();
  });

  test('asks while a run is not saved, and not once it is', async () => {
    const { page, close } = await visit(site, { hash: SMALL });
    await button(page, 'Start').click();
    await steps(page, 5);
    await pause(page);
    expect(await asksBeforeLeaving(page)).toBe(true);
    expect(await stepOf(page)).toBeGreaterThanOrEqual(5);
    const downloading = page.waitForEvent('download');
    await button(page, 'Save').click();
    await downloading;
    await page.locator('kiln-checkpoint-panel', { hasText: 'Saved kiln-' }).waitFor();
    expect(await asksBeforeLeaving(page)).toBe(false);
    await close();
  });
});

describe('a run that is replaced', () => {
  test('by a reset comes back bit for bit, and goes on', async () => {
    const { page, errors, close } = await visit(site, { hash: SMALL });
    await button(page, 'Start').click();
    await steps(page, 20);
    const step = await pause(page);
    const hash = await ask(page, (trainer) => trainer.hash());
    await button(page, 'Reset').click();
    await notice(page, 'A new run. The one before').waitFor();
    await button(page, 'Start').waitFor();
    expect(await stepOf(page)).toBe(0);
    await button(page, 'Bring it back').click();
    await button(page, 'Continue').waitFor();
    expect(await stepOf(page)).toBe(step);
    expect(await ask(page, (trainer) => trainer.hash())).toBe(hash);
    expect(await asksBeforeLeaving(page)).toBe(true);
    await button(page, 'Continue').click();
    await steps(page, step + 3);
    expect(errors).toEqual([]);
    await close();
  });

  test('on other data comes back on its own', async () => {
    const { page, close } = await visit(site, { hash: SMALL });
    await button(page, 'Start').click();
    await steps(page, 20);
    const step = await pause(page);
    const first = await ask(page, (trainer) => trainer.dataset.hash);
    await page.locator('summary', { hasText: 'More settings' }).click();
    await page.getByLabel('Built-in set’s seed').fill('7');
    await page.getByLabel('Built-in set’s seed').press('Enter');
    await button(page, 'Reset').click();
    await button(page, 'Start').waitFor();
    expect(await ask(page, (trainer) => trainer.dataset.hash)).not.toBe(first);
    await button(page, 'Bring it back').click();
    await button(page, 'Continue').waitFor();
    expect(await ask(page, (trainer) => trainer.dataset.hash)).toBe(first);
    expect(await stepOf(page)).toBe(step);
    await close();
  });
});

describe('a button', () => {
  test('means one thing only: Pause, pressed as the run ends, does nothing', async () => {
    const hash = '#net=affine+10+-+softmax&train=1000&epochs=1';
    const { page, close } = await visit(site, { hash });
    await button(page, 'Start').click();
    await ended(page);
    const step = await stepOf(page);
    for (const name of ['Pause', 'Continue', 'Step']) {
      expect(await button(page, name).getAttribute('aria-disabled')).toBe('true');
      await button(page, name).dispatchEvent('click');
    }
    await page.waitForTimeout(300);
    expect(await stateOf(page)).toBe('done');
    expect(await stepOf(page)).toBe(step);
    await close();
  });

  test('stays where it is through a run', async () => {
    const { page, close } = await visit(site, { hash: SMALL });
    const place = async (name: string): Promise<number> =>
      Math.round((await button(page, name).boundingBox())!.x);
    const before = [await place('Pause'), await place('Step'), await place('Reset')];
    await button(page, 'Start').click();
    await steps(page, 3);
    expect([await place('Pause'), await place('Step'), await place('Reset')]).toEqual(before);
    await pause(page);
    expect([await place('Pause'), await place('Step'), await place('Reset')]).toEqual(before);
    await close();
  });
});

describe('a run that diverges', () => {
  const HOT =
    '#net=affine+50+-+relu+-+affine+10+-+softmax&optimizer=adam&schedule=constant&lr=1000';

  test('looks it, says so and names the cure, long before it breaks down', async () => {
    const { page, close } = await visit(site, { hash: HOT });
    await button(page, 'Start').click();
    const alarm = notice(page, 'more than twice what it was at the start');
    await alarm.waitFor();
    expect(await alarm.getAttribute('role')).toBe('alert');
    const readout = page.locator('kiln-readout');
    await readout.locator('.alarm', { hasText: 'Loss' }).waitFor();
    await readout.filter({ hasText: 'too high: lower the rate' }).waitFor();
    expect(await readout.textContent()).not.toContain('healthy');
    await button(page, 'Start over with rate 0.01').click();
    await alarm.waitFor({ state: 'hidden' });
    await readout.locator('.alarm').waitFor({ state: 'hidden' });
    await steps(page, 30);
    expect(await ask(page, (trainer) => trainer.metrics!.loss)).toBeLessThan(5);
    await close();
  });

  test('says so at its end, too, with what still helps', async () => {
    const { page, close } = await visit(site, { hash: `${HOT}&epochs=4` });
    await button(page, 'Start').click();
    await ended(page);
    await notice(page, 'more than twice what it was at the start').waitFor();
    await button(page, 'Go on with rate 0.01').waitFor({ state: 'hidden' });
    expect(await notice(page, 'Finished').count()).toBe(0);
    await button(page, 'Start over with rate 0.01').click();
    await notice(page, 'Finished').waitFor();
    await close();
  });

  test('is not what the untouched page has: nothing scolds', async () => {
    const { page, close } = await visit(site, { whole: true });
    const values = await noted(page, 'kiln-readout', 'dl');
    const notices = await noted(page, 'kiln-page', '.notices');
    await button(page, 'Start').click();
    await steps(page, 250);
    expect((await values()).length).toBeGreaterThan(3);
    const scolding = /lower the rate|raise the rate|diverging/;
    expect((await values()).filter((text) => scolding.test(text))).toEqual([]);
    expect((await notices()).filter(Boolean)).toEqual([]);
    await close();
  });
});
