// What the page shows is what it trains: nets, settings and their fields, links.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import {
  ask,
  becomes,
  button,
  loaded,
  openSite,
  patient,
  stateOf,
  stepOf,
  steps,
  visit,
  type Site,
} from './browser.js';
import type { LiveTrainer } from '../../web/live-trainer.js';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

const notice = (page: Page, text: string | RegExp): ReturnType<Page['locator']> =>
  page.locator('kiln-page .notice', { hasText: text });
const options = (page: Page): Promise<Record<string, unknown>> =>
  ask(page, (trainer) => trainer.options());

describe('Start', () => {
  test.each([
    ['no net', 'conv 5x5x16 - rellu - affine 10 - softmax', 'Column 15'],
    ['a net that the data refuse', 'affine 7 - softmax', '10'],
  ])('with %s in the editor says what is wrong and trains nothing', async (_, net, why) => {
    const { page, close } = await visit(site);
    await page.getByLabel('Notation').fill(net);
    for (const name of ['Start', 'Step']) {
      await button(page, name).click();
      await notice(page, why).waitFor();
      await page.waitForTimeout(300);
      expect(await stateOf(page)).toBe('ready');
      expect(await stepOf(page)).toBe(0);
    }
    await button(page, 'Reset').click();
    await notice(page, why).waitFor();
    await page.locator('kiln-net-editor .pending', { hasText: /In use is: \[?conv/ }).waitFor();
    await page.getByLabel('Notation').fill('affine 10 - softmax');
    await button(page, 'Start').click();
    await steps(page, 1);
    expect((await options(page))['net']).toBe('affine 10 - softmax');
    await notice(page, why).waitFor({ state: 'hidden' });
    await close();
  });

  test('with a number out of range says so and trains nothing', async () => {
    const { page, close } = await visit(site);
    await page.getByLabel('Epochs', { exact: true }).fill('0');
    await page.getByLabel('Epochs', { exact: true }).press('Enter');
    await button(page, 'Start').click();
    await notice(page, 'Nothing was started. Epochs: from 0.01 to').waitFor();
    expect(await stateOf(page)).toBe('ready');
    await close();
  });

  test('under way, a text that is no net leaves the run, and the net in use is told', async () => {
    const { page, close } = await visit(site);
    await button(page, 'Start').click();
    await steps(page, 3);
    await page.getByLabel('Notation').fill('no net');
    await page.locator('kiln-net-editor .pending', { hasText: /In use is: \[?conv/ }).waitFor();
    await button(page, 'Reset').click();
    await notice(page, 'The run was left as it is.').waitFor();
    expect(await stateOf(page)).toBe('running');
    await close();
  });
});

describe('a number field', () => {
  test('goes by factors with the arrow keys, also while it trains', async () => {
    const { page, close } = await visit(site, { hash: '#schedule=constant&lr=0.01' });
    await button(page, 'Start').click();
    await steps(page, 3);
    await page.locator('summary', { hasText: 'More settings' }).click();
    for (const [label, keys, wanted] of [
      ['Learning rate', ['Up', 'Up', 'Down'], ['0.02', '0.05', '0.02']],
      ['L2 regularisation', ['Down', 'Up', 'Down'], ['0', '0.000001', '0']],
      ['Dropout', ['Down', 'Up', 'Up', 'Up', 'Up'], ['', '0.1', '0.2', '0.5', '0.8']],
      ['β₂ of adam', ['Up', 'Down', 'Down'], ['0.9995', '0.999', '0.998']],
      ['Warm-up', ['Up', 'Down'], ['0.1', '0']],
    ] as const) {
      const field = page.getByLabel(label, { exact: true });
      for (const [i, key] of keys.entries()) {
        await field.press(`Arrow${key}`);
        expect(await field.inputValue()).toBe(wanted[i]);
      }
    }
    await page.waitForFunction(() => location.hash.includes('lr=0.02'));
    expect(Number((await options(page))['lr'])).toBeCloseTo(0.02, 6);
    expect((await options(page))['dropout']).toBe('0.8');
    await close();
  });

  test('keeps what was typed while the answer to the last key is on its way', async () => {
    const { page, close } = await visit(site, { hash: '#schedule=constant&lr=0.01' });
    await button(page, 'Start').click();
    await steps(page, 3);
    const answers = await page.evaluateHandle(() => {
      const page = document.querySelector('kiln-page') as HTMLElement & { trainer: LiveTrainer };
      const { trainer } = page;
      const held: (() => void)[] = [];
      const { set } = trainer;
      const late: typeof set = async (name, value) => {
        await new Promise<void>((resolve) => held.push(resolve));
        return set.call(trainer, name, value);
      };
      Object.defineProperty(trainer, 'set', { value: late });
      return held;
    });
    const field = page.getByLabel('Learning rate', { exact: true });
    const answer = async (): Promise<void> => {
      await becomes(() => answers.evaluate((held) => held.length), (n) => n === 1);
      await answers.evaluate((held) => held.pop()!());
    };
    await field.press('ArrowUp');
    await field.press('ArrowUp');
    await answer();
    await becomes(() => answers.evaluate((held) => held.length), (n) => n === 1);
    expect(await field.inputValue()).toBe('0.05');
    await field.press('ArrowUp');
    await answer();
    await answer();
    await page.waitForFunction(() => location.hash.includes('lr=0.1'));
    await becomes(() => options(page), ({ lr }) => Math.abs(Number(lr) - 0.1) < 1e-6);
    expect(await field.inputValue()).toBe('0.1');
    await close();
  });

  test('left empty means as usual, in words', async () => {
    const { page, close } = await visit(site);
    const dropout = page.getByLabel('Dropout', { exact: true });
    expect(await dropout.getAttribute('placeholder')).toBe('as in the net');
    await dropout.fill('0.3');
    await dropout.press('Enter');
    await page.waitForFunction(() => location.hash.includes('dropout=0.3'));
    await dropout.fill('');
    await dropout.press('Enter');
    await page.waitForFunction(() => !location.hash.includes('dropout'));
    await dropout.fill('-1');
    await dropout.press('Enter');
    await page.locator('.problem', { hasText: 'Dropout: from 0 to' }).waitFor();
    for (const summary of await page.locator('summary:visible').all()) await summary.click();
    await button(page, 'What the settings mean').click();
    const panel = page.locator('kiln-option-panel');
    const said = await panel.evaluate((node) => node.shadowRoot!.textContent!);
    expect(said).not.toContain('-1');
    expect(said).toContain('left empty');
    await close();
  });

  test('takes a comma for a point', async () => {
    const { page, close } = await visit(site);
    const rate = page.getByLabel('Learning rate', { exact: true });
    await rate.fill('0,02');
    await rate.press('Enter');
    await page.waitForFunction(() => location.hash.includes('lr=0.02'));
    await close();
  });
});

describe('the sizes of augmentations', () => {
  test('end where the library ends, and wrong ones are refused with a sentence', async () => {
    const { page, close } = await visit(site);
    const set = (value: string): Promise<string> =>
      page.evaluate(async (augment) => {
        const element = document.querySelector('kiln-page') as unknown as { trainer: LiveTrainer };
        return element.trainer.set('augment', augment).then(
          () => '',
          (error: Error) => error.message,
        );
      }, value);
    for (const [label, name, unit] of [['Padded crop', 'crop', 'pixels'],
      ['Contrast', 'contrast', 'per cent'], ['Cutout', 'cutout', 'pixels']] as const) {
      const amount = page.getByLabel(`${label}, ${unit}`);
      const max = Number(await amount.getAttribute('max'));
      expect(await set(`${name}${max}`)).toBe('');
      expect(await set(`${name}${max + 1}`)).toContain(String(max));
      await page.getByLabel(label, { exact: true }).check();
      await amount.fill(String(max + 1));
      await amount.press('Enter');
      await page.locator('.problem', { hasText: `${label}, ${unit}: from 1 to ${max}` }).waitFor();
      await amount.fill(String(max));
      await amount.press('Enter');
      await page.waitForFunction((word) => location.hash.includes(word), `${name}${max}`);
    }
    await close();
  });
});

describe('the length of a run', () => {
  test('is right after batch and epochs were changed on the way', async () => {
    const hash = '#net=affine+10+-+softmax&batch=10';
    const { page, close } = await visit(site, { hash });
    await button(page, 'Start').click();
    await becomes(() => ask(page, (trainer) => trainer.metrics?.epoch ?? 0), (at) => at > 1);
    await button(page, 'Pause').click();
    await button(page, 'Continue').waitFor();
    const shown = async (): Promise<[number, number]> => {
      const text = await page.locator('kiln-run-bar div.step dd').textContent();
      return text!.replaceAll(',', '').split(' / ').map(Number) as [number, number];
    };
    const { epoch } = await ask(page, (trainer) => trainer.metrics!);
    await page.getByLabel('Batch size').fill('200');
    await page.getByLabel('Batch size').press('Enter');
    const [step, all] = await becomes(shown, ([, last]) => last < 60_000);
    expect(step).toBeLessThan(all);
    await page.getByLabel('Epochs', { exact: true }).fill('1');
    await page.getByLabel('Epochs', { exact: true }).press('Enter');
    await notice(page, 'Finished').waitFor();
    await becomes(shown, ([last, whole]) => last === whole);
    await page.getByLabel('Epochs', { exact: true }).fill(String(epoch + 20));
    await page.getByLabel('Epochs', { exact: true }).press('Enter');
    await page.locator('kiln-run-bar dd.state', { hasText: 'paused' }).waitFor();
    const at = await stepOf(page);
    await button(page, 'Continue').click(); // goes on, and does not start again
    await steps(page, at + 5);
    await notice(page, 'Finished').waitFor();
    await becomes(shown, ([last, whole]) => last === whole);
    await close();
  });
});

describe('a link', () => {
  const LINK = '#net=affine+10+-+svm&lr=0.02';

  test('pasted into the open page is taken', async () => {
    const { page, close } = await visit(site);
    await page.evaluate((hash) => (location.hash = hash), LINK);
    await becomes(() => options(page), ({ net }) => net === 'affine 10 - svm');
    expect(await page.getByLabel('Notation').inputValue()).toBe('affine 10 - svm');
    expect(Number((await options(page))['lr'])).toBeCloseTo(0.02, 6);
    await close();
  });

  test('pasted just before the page writes its own is taken', async () => {
    const { page, close } = await visit(site);
    await page.evaluate(async (hash) => {
      location.hash = hash;
      const editor = document.querySelector('kiln-page')!.shadowRoot!
        .querySelector('kiln-net-editor')!;
      editor.dispatchEvent(new CustomEvent('kiln-net', { bubbles: true, composed: true }));
      await Promise.resolve(); // the page marks its set-up before it hears of the new address
    }, LINK);
    await becomes(() => options(page), ({ net }) => net === 'affine 10 - svm');
    expect(await page.evaluate(() => location.hash)).toContain('affine');
    await close();
  });

  test('asks where it would replace a run, and leaves it when told to', async () => {
    const { page, close } = await visit(site);
    await button(page, 'Start').click();
    await steps(page, 5);
    await page.evaluate((hash) => (location.hash = hash), LINK);
    await notice(page, 'The address has changed').waitFor();
    expect((await options(page))['net']).toContain('conv');
    await button(page, 'Keep this run').click();
    await page.waitForFunction(() => /net=[^&]*conv/.test(location.hash));
    expect(await stateOf(page)).toBe('running');
    await page.evaluate((hash) => (location.hash = hash), LINK);
    await button(page, 'Open it').click();
    await button(page, 'Bring it back').waitFor();
    expect((await options(page))['net']).toBe('affine 10 - svm');
    await close();
  });

  test('that names an address of data fetches nothing from there, and says so', async () => {
    const context = await site.browser.newContext();
    const page = await patient(context);
    const asked: string[] = [];
    await context.route('**/*', (route) => {
      asked.push(route.request().url());
      return route.continue();
    });
    await page.goto(`${site.address}#net=affine+10+-+softmax&train=1000&data=${
      encodeURIComponent('https://elsewhere.test/cifar-10-binary.tar.gz')}`);
    await loaded(page);
    await notice(page, 'data=https://elsewhere.test').waitFor();
    expect(asked.length).toBeGreaterThan(3); // also those of the worker are seen
    expect(asked.some((url) => url.endsWith('.wasm'))).toBe(true);
    expect(asked.filter((url) => !url.startsWith(site.address))).toEqual([]);
    await context.close();
  });

  test('that names data which are not kept here says so', async () => {
    const { page, close } = await visit(site, { hash: '#net=affine+10+-+softmax&data=cifar10' });
    await notice(page, 'on CIFAR-10, which this browser does not keep').waitFor();
    const other = await visit(site, { hash: '#net=affine+10+-+softmax&data=elsewhere' });
    await notice(other.page, 'data=elsewhere is none of builtin, cifar10').waitFor();
    await other.close();
    // The net of somebody's own pictures has another number of classes.
    const net = 'affine 7 - softmax';
    const own = await visit(site, { hash: `#${new URLSearchParams({ net, data: 'own:shapes' })}` });
    await notice(own.page, 'on shapes, which this browser does not keep').waitFor();
    await becomes(() => ask(own.page, async (trainer) => (await trainer.options()).net), (used) =>
      used === 'affine 10 - softmax');
    expect(await own.page.locator('kiln-page .notice').count()).toBe(1);
    await own.close();
    await close();
  });
});
