// axe-core on the page in its states, light and dark.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';

import { button, openSite, stateOf, steps, visit, type Site } from './browser.js';

let site: Site;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Found {
  id: string;
  help: string;
  nodes: string[];
}

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each([
    ['wide', 1440],
    ['narrow', 320],
  ] as const)('axe finds nothing, %s', async (_, width) => {
    const { page, close } = await visit(site, { colorScheme, viewport: { width, height: 900 } });
    await page.evaluate(axe.source);
    const check = (): Promise<Found[]> =>
      page.evaluate(async (tags) => {
        const { axe } = window as unknown as { axe: typeof import('axe-core') };
        const found = await axe.run(document, { runOnly: tags });
        return found.violations.map(({ id, help, nodes }) => ({
          id,
          help,
          nodes: nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`),
        }));
      }, TAGS);
    expect(await check()).toEqual([]);
    await button(page, 'Start').click();
    await steps(page, 5);
    const preset = page.getByLabel('Preset');
    if (await preset.isVisible()) {
      await preset.selectOption({ label: 'Linear SVM' });
      await page.locator('kiln-option-panel .badge.waiting').first().waitFor();
    }
    expect(await check()).toEqual([]);
    expect(await stateOf(page)).toBe('running');
    await button(page, 'Pause').click();
    await button(page, 'Continue').waitFor();
    for (const summary of await page.locator('summary:visible').all()) {
      const open = await summary.evaluate((node) => (node.parentNode as HTMLDetailsElement).open);
      if (!open) await summary.click();
    }
    await page.getByRole('button', { name: 'Evaluate now' }).click();
    await page.locator('kiln-confusion-view tbody tr').first().waitFor();
    await page.getByLabel('Notation').fill('conv 5x5x16 - rellu');
    await page.locator('kiln-net-editor .caret').waitFor();
    expect(await check()).toEqual([]);
    await close();
  });
});
