// The page as people use it: training, pausing, settings, errors, links, keyboard, small windows.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import {
  ask,
  becomes,
  button,
  ended,
  noted,
  openSite,
  overflow,
  stateOf,
  stepOf,
  steps,
  visit,
  type Site,
  type Visit,
} from './browser.js';
import type { LiveTrainer } from '../../web/live-trainer.js';
import type { Metrics } from '../../bindings/types.js';

let site: Site;
let opened: Visit[] = [];

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());
afterEach(async () => {
  const visits = opened;
  opened = [];
  for (const { page, errors, close } of visits) {
    const violations = await page.evaluate(() => window.noticed.violations);
    await close();
    expect({ errors, violations }).toEqual({ errors: [], violations: [] });
  }
});

async function open(options: Parameters<typeof visit>[1] = {}): Promise<Visit['page']> {
  const opening = await visit(site, options);
  opened.push(opening);
  return opening.page;
}

describe('a run', () => {
  test('starts at one press, with curves that move', async () => {
    const page = await open({ whole: true });
    const empty = page.locator('kiln-loss-view .empty');
    expect(await empty.isVisible()).toBe(true);
    await button(page, 'Start').click();
    await empty.waitFor({ state: 'hidden' });
    const before = await stepOf(page);
    await steps(page, before + 20);
    await page.locator('kiln-run-bar dd.state', { hasText: /^training$/ }).waitFor();
    await page.locator('kiln-readout dd', { hasText: /^\d+\.\d{3}$/ }).first().waitFor();
  });

  test('starts at a double click, too', async () => {
    const page = await open();
    await button(page, 'Start').dblclick();
    await steps(page, (await stepOf(page)) + 3);
    expect(await stateOf(page)).toBe('running');
  });

  test('pauses, steps one by one, goes on and starts over', async () => {
    const page = await open();
    await button(page, 'Start').click();
    await steps(page, 5);
    await button(page, 'Pause').click();
    await button(page, 'Continue').waitFor();
    const paused = await stepOf(page);
    await page.waitForTimeout(300);
    expect(await stepOf(page)).toBe(paused);
    await button(page, 'Step').click();
    await steps(page, paused + 1);
    expect(await stepOf(page)).toBe(paused + 1);
    await button(page, 'Continue').click();
    await steps(page, paused + 5);
    await button(page, 'Reset').click();
    await button(page, 'Start').waitFor();
    expect(await stateOf(page)).toBe('ready');
    expect(await stepOf(page)).toBe(0);
    await page.locator('kiln-loss-view .empty').waitFor();
  });

  test('goes to its end, says so, and can go on or start again', async () => {
    const page = await open({ hash: '#net=affine+10+-+softmax&epochs=2&train=1000' });
    const spoken = await noted(page, 'kiln-run-bar', '[role=status]');
    const began = Date.now();
    await button(page, 'Start').click();
    await page.locator('.notice', { hasText: 'Finished 2 epochs' }).waitFor();
    const epochs = (await spoken()).filter(Boolean); // how it ended, the notice says
    expect(epochs[0]).toMatch(/^Epoch 1: /);
    expect(epochs.length).toBeLessThanOrEqual(1 + Math.floor((Date.now() - began) / 10_000));
    await page.locator('kiln-confusion-view').scrollIntoViewIfNeeded();
    await page.locator('kiln-confusion-view tbody tr').first().waitFor();
    expect(await page.locator('kiln-confusion-view tbody tr').count()).toBe(10);
    const end = await stepOf(page);
    await button(page, 'Train 2 more epochs').click();
    await steps(page, 2 * end);
    expect((await ask(page, (trainer) => trainer.options()))['epochs']).toBe('4');
    await page.locator('.notice', { hasText: 'Finished 4 epochs' }).waitFor();
    await button(page, 'Reset').click();
    await page.locator('.notice', { hasText: 'A new run.' }).waitFor();
    expect(await stepOf(page)).toBe(0);
    await button(page, 'Start').click();
    await steps(page, 1);
  });

  test('goes on while the tab is hidden, and the views catch up', async () => {
    const page = await open();
    await page.evaluate(() => {
      const frames: FrameRequestCallback[] = [];
      Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
      const real = window.requestAnimationFrame.bind(window);
      window.requestAnimationFrame = (frame) => frames.push(frame);
      Object.assign(window, {
        reveal: () => {
          window.requestAnimationFrame = real;
          Object.defineProperty(document, 'hidden', { get: () => false });
          for (const frame of frames) real(frame);
        },
      });
    });
    await button(page, 'Start').click();
    await steps(page, 10);
    expect(await page.locator('kiln-loss-view .empty').isVisible()).toBe(true);
    await page.evaluate('reveal()');
    await page.locator('kiln-loss-view .empty').waitFor({ state: 'hidden' });
  });

  test('shows filters, predictions and layers of the net it has', async () => {
    const page = await open({ hash: '#net=conv+5x5x8+-+relu+-+maxpool+4+-+affine+10+-+softmax' });
    const drawn = (selector: string): Promise<number> =>
      page
        .locator(selector)
        .first()
        .evaluate((node) => {
          const canvas = node as HTMLCanvasElement;
          const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
          return new Set(data).size;
        });
    await page.locator('kiln-filter-view figcaption', { hasText: '8 filters of 5×5' }).waitFor();
    await page.locator('kiln-layer-view').scrollIntoViewIfNeeded();
    // Until then the rows are those of the net that the page opened with, and about to go.
    await page.locator('kiln-layer-view .layer h3', { hasText: '8×32×32' }).first().waitFor();
    await page.locator('kiln-layer-view .layer').nth(4).scrollIntoViewIfNeeded();
    for (const view of ['kiln-filter-view', 'kiln-prediction-view', 'kiln-layer-view .layer']) {
      await becomes(() => drawn(`${view} canvas`), (colours) => colours > 10);
    }
    const card = page.locator('kiln-prediction-view .card').nth(3);
    await card.click();
    expect(await card.getAttribute('aria-pressed')).toBe('true');
    await page.locator('kiln-layer-view', { hasText: 'Test image 3' }).waitFor();
  });
});

describe('settings', () => {
  test('that are live act while it runs', async () => {
    const page = await open();
    await button(page, 'Start').click();
    await steps(page, 3);
    const rate = page.getByLabel('Learning rate', { exact: true });
    await rate.fill('0.0123');
    await rate.press('Enter');
    await page.waitForFunction(() => location.hash.includes('lr=0.0123'));
    expect((await ask(page, (trainer) => trainer.options()))['lr']).toMatch(/^0\.0123/);
    expect(await stateOf(page)).toBe('running');
  });

  test('that are live change the run, each in its way', async () => {
    const net = 'affine+20+-+relu+-+dropout+0.1+-+affine+10+-+softmax';
    const page = await open({
      hash: `#net=${net}&optimizer=momentum&schedule=constant&epochs=10000&batch=50`,
    });
    await button(page, 'Start').click();
    await steps(page, 3);
    const fill = async (label: string, value: string): Promise<void> => {
      await page.getByLabel(label, { exact: true }).fill(value);
      await page.getByLabel(label, { exact: true }).press('Enter');
    };
    const run = (what: (metrics: Metrics) => boolean): Promise<unknown> =>
      becomes(() => ask(page, (trainer) => trainer.metrics!), what);
    await run((m) => m.steps === 200_000 && m.regLoss === 0);
    await fill('Learning rate', '0.004');
    await run((m) => Math.abs(m.lr - 0.004) < 1e-8);
    await fill('L2 regularisation', '0.5');
    await run((m) => m.regLoss > 0);
    await fill('Batch size', '100');
    await run((m) => m.steps < 150_000);
    await fill('Epochs', '4000');
    await run((m) => m.epochs === 4000);
    await page.getByLabel('Schedule').selectOption('exponential');
    await run((m) => m.lr < 0.0039);
    await fill('Momentum', '0.5');
    await fill('Dropout', '0.25');
    await page.getByLabel('Random flip').check();
    await page.getByLabel('Cutout', { exact: true }).check();
    await page.waitForFunction(() => location.hash.includes('cutout8'));
    expect(await ask(page, (trainer) => trainer.options())).toMatchObject({
      momentum: '0.5',
      dropout: '0.25',
      augment: 'flip,cutout8',
      schedule: 'exponential',
      batch: '100',
    });
    expect(await stateOf(page)).toBe('running');
  });

  test('that are not wait for the reset, and say so', async () => {
    const page = await open();
    await button(page, 'Start').click();
    await steps(page, 3);
    const badge = page.locator('kiln-option-panel .badge.waiting');
    expect(await badge.count()).toBe(0);
    await page.getByLabel('Update rule').selectOption('rmsprop');
    await badge.waitFor();
    expect((await ask(page, (trainer) => trainer.options()))['optimizer']).not.toBe('rmsprop');
    await button(page, 'Reset').click();
    await badge.waitFor({ state: 'detached' });
    expect((await ask(page, (trainer) => trainer.options()))['optimizer']).toBe('rmsprop');
  });

  test('out of range are refused with a sentence', async () => {
    const page = await open();
    await page.getByLabel('Epochs', { exact: true }).fill('0');
    await page.getByLabel('Epochs', { exact: true }).press('Enter');
    const problem = page.locator('kiln-option-panel .problem', { hasText: 'from 0.01 to' });
    await problem.waitFor();
    expect((await ask(page, (trainer) => trainer.options()))['epochs']).not.toBe('0');
  });

  test('of a preset come with its net', async () => {
    const page = await open();
    await page.getByLabel('Preset').selectOption({ label: 'Linear SVM' });
    await page.waitForFunction(() => /net=affine\+10\+-\+svm/.test(location.hash));
    await page.locator('kiln-filter-view figcaption', { hasText: '10 units' }).waitFor();
    const options = await ask(page, (trainer) => trainer.options());
    expect(options['net']).toBe('affine 10 - svm');
    expect(options['batch']).toBe('200');
  });
});

describe('a preset', () => {
  test('trains, each of the menu', async () => {
    const page = await open();
    const menu = page.getByLabel('Preset');
    const names = await menu
      .locator('option:enabled')
      .evaluateAll((all) => all.map((option) => (option as HTMLOptionElement).value));
    expect(names).toEqual(expect.arrayContaining(
      'linear-softmax linear-svm two-layer three-layer convnetjs batchnorm residual'.split(' ')));
    for (const name of names) {
      const [net] = await ask(page, (trainer) => trainer.presets()).then((presets) =>
        presets.filter((preset) => preset.name === name).map((preset) => preset.net));
      await menu.selectOption(name);
      await page.waitForFunction((n) => {
        const element = document.querySelector('kiln-page') as HTMLElement & LiveTrainer;
        const { trainer } = element as unknown as { trainer: LiveTrainer };
        return trainer.options().then((options) => options['net'] === n);
      }, net!);
      await button(page, 'Start').click();
      await steps(page, 2);
      expect(Number.isFinite(await ask(page, (trainer) => trainer.metrics!.loss))).toBe(true);
      await button(page, 'Reset').click();
      await button(page, 'Start').waitFor();
    }
  });

  test('chosen during a run waits for the reset with all of its settings', async () => {
    const page = await open();
    await button(page, 'Start').click();
    await steps(page, 3);
    await page.getByLabel('Preset').selectOption({ label: 'Linear SVM' });
    const use = button(page, 'Reset with this net');
    await use.waitFor();
    const badges = page.locator('kiln-option-panel .badge.waiting');
    expect(await badges.count()).toBeGreaterThan(3);
    const options = (): Promise<Record<string, unknown>> => ask(page, (t) => t.options());
    expect(await options()).toMatchObject({ lr: '0.03', batch: '64', reg: '0' });
    const rate = page.getByLabel('Learning rate', { exact: true });
    expect(await rate.inputValue()).toBe('0.0001');
    await rate.fill('0.02');
    await rate.press('Enter');
    await page.waitForFunction(() => location.hash.includes('lr=0.02'));
    expect(await options()).toMatchObject({ lr: '0.02', batch: '64', reg: '0' });
    expect(await stateOf(page)).toBe('running');
    await use.click();
    await badges.first().waitFor({ state: 'hidden' });
    expect(await options()).toMatchObject({ net: 'affine 10 - svm', lr: '0.02', batch: '200' });
  });
});

describe('a run that diverges', () => {
  test('says so, keeps its last good state, and goes on from there with a lower rate', async () => {
    const net = 'conv+5x5x8+-+relu+-+maxpool+4+-+affine+10+-+softmax';
    const page = await open({ hash: `#net=${net}&optimizer=sgd&schedule=constant&lr=0.01` });
    await button(page, 'Start').click();
    await steps(page, 10);
    const rate = page.getByLabel('Learning rate', { exact: true });
    await rate.fill('1000');
    await rate.press('Enter');
    const notice = page.locator('kiln-page .notice.alarm p', { hasText: 'not finite' });
    await notice.waitFor();
    expect(await notice.textContent()).toMatch(
      /^Training diverged at step \d+: .*not finite; first layer \d \(\w+\), tensor .*\.$/,
    );
    expect(await stateOf(page)).toBe('failed');
    const finite = await ask(page, async (trainer) =>
      (await trainer.parameters()).every(({ data }) => data.every(Number.isFinite)),
    );
    expect(finite).toBe(true);
    const loss = page.locator('kiln-readout dd').first();
    expect((await loss.textContent())!.length).toBeLessThan(10);
    await page.locator('summary', { hasText: 'Loss as numbers' }).click();
    const average = page.locator('kiln-loss-view tbody td:last-child').first();
    expect(Number(await average.textContent())).toBeLessThan(10); // nothing reaches back
    const downloading = page.waitForEvent('download');
    await button(page, 'Save').click();
    await downloading;
    const stopped = await stepOf(page);
    await button(page, 'Go on with rate 0.01').click();
    await notice.waitFor({ state: 'hidden' });
    await steps(page, stopped + 3);
    expect(await stateOf(page)).toBe('running');
    expect(await rate.inputValue()).toBe('0.01');
  });
});

test('a look at a net that blew up is told while the run stands, else by the run', async () => {
  const page = await open();
  const view = page.locator('kiln-prediction-view');
  await view.scrollIntoViewIfNeeded();
  const asked = await view.evaluateHandle((node) => {
    const said = { times: 0 };
    const predict = (): Promise<never> => {
      said.times++;
      const error = new Error('the scores are not finite');
      return Promise.reject(Object.assign(error, { code: 'E_DIVERGED' }));
    };
    const element = node as unknown as { trainer: LiveTrainer };
    element.trainer = new Proxy(element.trainer, {
      get: (trainer, key) => (key === 'predict' ? predict : Reflect.get(trainer, key, trainer)),
    });
    return said;
  });
  const notice = page.locator('kiln-page .notice', { hasText: 'the scores are not finite' });
  await notice.waitFor(); // it is seen, and asks while the run is ready
  await notice.getByRole('button', { name: 'Dismiss' }).click();
  await button(page, 'Start').click();
  await becomes(() => stateOf(page), (state) => state === 'running');
  const { times } = await asked.jsonValue();
  await becomes(() => asked.jsonValue(), (now) => now.times >= times + 2);
  expect(await notice.count()).toBe(0);
  await button(page, 'Pause').click();
  await notice.waitFor();
});

describe('the notation', () => {
  test('is summed up as it is typed', async () => {
    const page = await open();
    await page.getByLabel('Notation').fill('affine 20 - relu - affine 10 - softmax');
    const rows = page.locator('kiln-net-editor tbody tr');
    await rows.filter({ hasText: '61,460' }).waitFor(); // 3072·20 + 20
    expect(await rows.filter({ hasText: 'affine' }).count()).toBe(2);
    expect(await page.locator('kiln-net-editor tfoot').textContent()).toContain('61,670');
  });

  test('shows its error under the column', async () => {
    const page = await open();
    const net = 'conv 5x5x16 - relu - maxpool 2 - conv 5x5x20 - rellu - affine 10 - softmax';
    await page.getByLabel('Notation').fill(net);
    const caret = page.locator('kiln-net-editor .caret');
    await caret.waitFor();
    const [line = '', pointer = ''] = (await caret.textContent())!.split('\n');
    expect(line.slice(pointer.indexOf('^')).startsWith('rellu')).toBe(true);
    const sentence = page.locator('kiln-net-editor .error p');
    expect(await sentence.textContent()).toContain(`Column ${net.indexOf('rellu') + 1}: `);
    expect(await page.locator('kiln-net-editor mark').textContent()).toBe('r');
    expect(await page.getByLabel('Notation').getAttribute('aria-invalid')).toBe('true');
    expect((await ask(page, (trainer) => trainer.options()))['net']).not.toContain('rellu');
    await page.getByLabel('Notation').fill('affine 10 - softmax');
    await caret.waitFor({ state: 'hidden' });
  });

  test('edited during a run waits for the reset', async () => {
    const page = await open();
    await button(page, 'Start').click();
    await steps(page, 3);
    await page.getByLabel('Notation').fill('affine 10 - softmax');
    const use = page.getByRole('button', { name: 'Reset with this net' });
    await use.waitFor();
    expect(await ask(page, (trainer) => trainer.summary.notation)).toContain('conv');
    await use.click();
    await use.waitFor({ state: 'hidden' });
    expect(await ask(page, (trainer) => trainer.summary.notation)).toBe('affine 10 - softmax');
  });

  test('and settings travel in the link', async () => {
    const hash = '#net=affine+10+-+svm&lr=0.02&batch=32&optimizer=momentum';
    const page = await open({ hash });
    const options = await ask(page, (trainer) => trainer.options());
    expect(options).toMatchObject({ net: 'affine 10 - svm', batch: '32', optimizer: 'momentum' });
    expect(Number(options['lr'])).toBeCloseTo(0.02, 6);
    const shared = new URL(page.url()).hash;
    expect(shared.length).toBeLessThan(2000);
    const again = await open({ hash: shared });
    expect(await ask(again, (trainer) => trainer.options())).toEqual(options);
  });

  test('or settings that are wrong in a link are reported', async () => {
    const page = await open({ hash: '#net=conv+5x5&lr=fast&batch=0&colour=red' });
    const notice = page.locator('kiln-page .notice');
    await notice.waitFor();
    const text = await notice.textContent();
    expect(text).toContain('lr=fast');
    expect(text).toContain('batch=0');
    expect(text).toContain('column');
    expect(text).not.toContain('colour');
    await button(page, 'Dismiss').click();
    await page.getByLabel('Notation').fill('affine 10 - softmax');
    await button(page, 'Start').click();
    await steps(page, 1);
  });
});

describe('a setting changed while a reset is under way', () => {
  test('is kept', async () => {
    const page = await open();
    const rate = page.getByLabel('Learning rate', { exact: true });
    const field = await rate.elementHandle();
    await button(page, 'Start').waitFor();
    for (const wanted of ['0.02', '0.005', '0.03']) {
      await button(page, 'Reset').evaluate(
        async (reset, { field, wanted }) => {
          (reset as HTMLElement).click();
          await new Promise((resolve) => setTimeout(resolve)); // the worker has been asked
          (field as HTMLInputElement).value = wanted;
          field!.dispatchEvent(new Event('change'));
        },
        { field, wanted },
      );
      const lr = async (): Promise<number> =>
        Number((await ask(page, (trainer) => trainer.options()))['lr']);
      await becomes(lr, (value) => value === Number(wanted));
      await becomes(() => rate.inputValue(), (value) => value === wanted);
    }
  });
});

describe('without a mouse', () => {
  test('the page trains by keyboard alone', async () => {
    const page = await open();
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        let node = document.activeElement;
        while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
        return node?.textContent ?? '';
      });
    for (let i = 0; i < 3 && (await focused()) !== 'Start'; i++) await page.keyboard.press('Tab');
    expect(await focused()).toBe('Start');
    const outline = await button(page, 'Start').evaluate(
      (node) => getComputedStyle(node).outlineWidth,
    );
    expect(outline).toBe('3px');
    await page.keyboard.press('Space');
    await steps(page, 3);
    await page.keyboard.press('Enter'); // the same button again: nothing
    expect(await stateOf(page)).toBe('running');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Pause');
    await page.keyboard.press('Enter');
    await button(page, 'Continue').waitFor();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Step');
    const before = await stepOf(page);
    await page.keyboard.press('Enter');
    await steps(page, before + 1);
    await page.getByLabel('Preset').focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('kiln-net-editor tbody tr', { hasText: '30,730' }).waitFor();
    await button(page, 'Reset').focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => /lr=0\.0003\b/.test(location.hash));
    await page.getByLabel('Learning rate, logarithmic slider').focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => !/lr=0\.0003\b/.test(location.hash));
    const slid = Number((await ask(page, (trainer) => trainer.options()))['lr']);
    expect(slid).toBeGreaterThan(0.0003);
    expect(slid).toBeLessThan(0.0005);
    await button(page, 'Reset').focus();
    const reached = new Set<string>();
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      reached.add((await focused()).trim());
    }
    for (const name of ['Step', 'Save', 'Copy link', 'Next', 'Evaluate now']) {
      expect(reached).toContain(name);
    }
  });
});

describe('what people ask of their browsers', () => {
  test('little movement: the curves show that it goes, then wait for the epoch', async () => {
    const page = await open({ reducedMotion: 'reduce', hash: '#train=1000&epochs=3' });
    const said = await page.locator('kiln-loss-view .chart').evaluateHandle((chart) => {
      const texts: string[] = [];
      const look = (): void => void texts.push(chart.ariaValueText ?? '');
      new MutationObserver(look).observe(chart, { attributeFilter: ['aria-valuetext'] });
      return texts;
    });
    await button(page, 'Start').click();
    await page.locator('kiln-loss-view .empty').waitFor({ state: 'hidden' });
    await ended(page);
    // That it is empty the chart may say before or after it is first looked at.
    const texts = (await said.jsonValue()).filter((text) => !text.includes('press Start'));
    const steps = texts.map((text) => text.match(/At step (\d+):/)?.[1]);
    expect(steps).toEqual(['15', '30', '45']); // the ends of the epochs, of 15 batches each
  });

  test('a content policy sent by the server, as strict as can be', async () => {
    const policy = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'";
    const headers = { 'Content-Security-Policy': policy };
    const strict = await openSite('build/web', { headers });
    const { page, errors, close } = await visit(strict);
    await button(page, 'Start').click();
    await steps(page, 3);
    expect(await page.evaluate(() => window.noticed.violations)).toEqual([]);
    expect(errors).toEqual([]);
    await close();
    await strict.close();
  });
});

describe('small windows', () => {
  for (const [what, width, height, scale] of [
    ['320 px', 320, 640, 1],
    ['200 % zoom of 1280 px', 640, 450, 2],
  ] as const) {
    test(`do not scroll sideways at ${what}`, async () => {
      const page = await open({ viewport: { width, height }, deviceScaleFactor: scale });
      expect(
        await button(page, 'Start').evaluate(
          (node) => node.getBoundingClientRect().bottom < window.innerHeight,
        ),
      ).toBe(true);
      await button(page, 'Start').click();
      await steps(page, 5);
      for (const summary of await page.locator('summary:visible').all()) {
        const open = await summary.evaluate((node) => (node.parentNode as HTMLDetailsElement).open);
        if (!open) await summary.click();
      }
      await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
      await page.getByRole('button', { name: 'Evaluate now' }).click();
      await page.locator('kiln-confusion-view tbody tr').first().waitFor();
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      const table = page.locator('kiln-net-editor table');
      const right = await table.evaluate((node) => node.getBoundingClientRect().right);
      const panel = page.locator('kiln-net-editor');
      const edge = await panel.evaluate((node) => node.getBoundingClientRect().right);
      expect(right).toBeLessThanOrEqual(edge + 0.5);
    });
  }
});
