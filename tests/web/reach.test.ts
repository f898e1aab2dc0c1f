// The page within reach of fingers, keyboards, small screens and forced colours.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { button, openSite, steps, visit, type Site } from './browser.js';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

describe('explanations', () => {
  test.each([
    ['What the buttons do', 'kiln-run-bar', 'Step takes one training step'],
    ['What these values mean', 'kiln-readout', 'about a thousandth'],
    ['What the columns mean', 'kiln-net-editor', 'Floating-point operations'],
    ['What the settings mean', 'kiln-option-panel', 'learning rate, before the schedule'],
  ])('open by keyboard and by touch: %s', async (name, view, text) => {
    const { page, close } = await visit(site, { hasTouch: true });
    const words = page.locator(view).getByText(text, { exact: false });
    expect(await words.isVisible()).toBe(false);
    const mark = button(page, name);
    await mark.focus();
    await page.keyboard.press('Enter');
    await words.waitFor();
    expect(await mark.getAttribute('aria-expanded')).toBe('true');
    await mark.tap();
    await words.waitFor({ state: 'hidden' });
    await close();
  });

  test('of a setting are read with it, also while they are folded', async () => {
    const { page, close } = await visit(site);
    const rate = page.getByLabel('Learning rate', { exact: true });
    const said = await rate.evaluate((node) => {
      const id = node.getAttribute('aria-describedby')!;
      return (node.getRootNode() as ShadowRoot).getElementById(id)!.textContent;
    });
    expect(said).toBe('Learning rate, before the schedule.');
    await close();
  });

  test('stand in no title alone', async () => {
    const { page, close } = await visit(site);
    await button(page, 'Evaluate now').click();
    await page.locator('kiln-confusion-view tbody tr').first().waitFor();
    expect(await page.locator('[title]').count()).toBe(0); // in shadow trees, too
    await close();
  });

  test('of a cell of the confusions stand below, by pointer, finger and keyboard', async () => {
    const { page, close } = await visit(site, { hasTouch: true });
    await button(page, 'Evaluate now').click();
    const view = page.locator('kiln-confusion-view');
    const cells = view.locator('tbody td:not(.recall)');
    await cells.first().waitFor();
    const names = await view.locator('tbody th').allTextContents();
    const says = (text: string): Promise<void> =>
      view.locator('.here').filter({ hasText: new RegExp(`^${text}, \\d+ %$`) }).waitFor();
    await cells.nth(23).hover();
    await says('\\w+( taken for \\w+: \\d+|: \\d+ right)'); // views above may still grow
    await cells.nth(0).tap();
    await says(`${names[0]}: \\d+ right`);
    await page.mouse.move(0, 0);
    await cells.nth(0).focus();
    for (const key of ['Left', 'Up', 'Right', 'Down', 'Down']) {
      await page.keyboard.press(`Arrow${key}`);
    }
    await says(`${names[2]} taken for ${names[1]}: \\d+`);
    await page.keyboard.press('Shift+Tab'); // one stop for all cells
    await page.keyboard.press('Tab');
    expect(await cells.nth(21).evaluate((cell) => cell.matches(':focus'))).toBe(true);
    await close();
  });
});

describe('on a phone', () => {
  const phone = {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  };

  test('the first screen shows the start, the curve and pictures', async () => {
    const { page, close } = await visit(site, phone);
    const top = async (selector: string): Promise<number> =>
      (await page.locator(selector).first().boundingBox())!.y;
    expect(await top('kiln-run-bar button')).toBeLessThan(200);
    expect(await top('kiln-loss-view canvas')).toBeLessThan(400);
    expect(await top('kiln-filter-view canvas')).toBeLessThan(844 - 60);
    expect(await top('kiln-readout dl')).toBeGreaterThan(844);
    await close();
  });

  test('what is touched is at least 40 px high', async () => {
    const { page, close } = await visit(site, phone);
    await page.locator('.setup > summary').click();
    for (const summary of await page.locator('summary:visible').all()) {
      const open = await summary.evaluate((node) => (node.parentNode as HTMLDetailsElement).open);
      if (!open) await summary.click();
    }
    await button(page, 'Start').click();
    await steps(page, 3);
    const small = await page.evaluate(() => {
      const found: string[] = [];
      const look = (root: ParentNode): void => {
        for (const node of root.querySelectorAll<HTMLElement>('*')) {
          if (node.shadowRoot) look(node.shadowRoot);
          if (!node.matches('button, select, input:not(.unseen), summary, textarea')) continue;
          const { width, height } = node.getBoundingClientRect();
          if (height > 0 && (height < 40 || width < 40)) {
            found.push(`${node.outerHTML.slice(0, 80)} ${width}x${height}`);
          }
        }
      };
      look(document);
      return found;
    });
    expect(small).toEqual([]);
    await close();
  });
});

test.each([320, 390, 1440])('no button of the run is cut at %i px', async (width) => {
  const { page, close } = await visit(site, { viewport: { width, height: 640 }, hasTouch: true });
  await button(page, 'Step').click();
  await button(page, 'Continue').and(page.locator(':enabled')).waitFor();
  const cut = await page.locator('kiln-run-bar button').evaluateAll((all) =>
    all.filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.textContent));
  expect(cut).toEqual([]);
  await close();
});

test('forced colours keep the progress, and what cannot be pressed looks it', async () => {
  const { page, close } = await visit(site, {
    forcedColors: 'active',
    hash: '#net=affine+10+-+softmax&train=1000&epochs=1',
  });
  const bar = page.locator('kiln-run-bar progress');
  const empty = await bar.screenshot();
  await button(page, 'Start').click();
  await page.locator('kiln-page .notice', { hasText: 'Finished' }).waitFor();
  expect((await bar.screenshot()).equals(empty)).toBe(false);
  const grey = await button(page, 'Pause').evaluate((node) => getComputedStyle(node).color);
  const plain = await button(page, 'Reset').evaluate((node) => getComputedStyle(node).color);
  expect(grey).not.toBe(plain);
  await close();
});
