// The pictures of the net: weights, predictions, own photos, layers, times; large and small.

import { readFile } from 'node:fs/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { ask, button, ended, openSite, steps, visit, type Site, type Visit } from './browser.js';

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

async function open(hash = '', options: object = {}): Promise<Page> {
  const opening = await visit(site, { hash, ...options });
  opened.push(opening);
  return opening.page;
}

const SVM = '#net=affine+10+-+svm&lr=0.0001&optimizer=momentum&reg=0.1';

describe('weights', () => {
  test("the usual net's filters show more than noise within seconds", async () => {
    const page = await open('', { whole: true });
    /** How alike neighbours in the first filters are: 0 for noise, towards 1 for edges. */
    const smoothness = (): Promise<number> =>
      ask(page, async (trainer) => {
        const { data, shape } = (await trainer.parameters(['conv1.w']))[0]!;
        const [, , height, width] = shape as [number, number, number, number];
        let [product, square] = [0, 0];
        for (let i = 0; i < data.length; i++) {
          square += data[i]! ** 2;
          if (i % width < width - 1) product += data[i]! * data[i + 1]!;
        }
        return (product / square) * ((height * width) / (height * (width - 1)));
      });
    expect(Math.abs(await smoothness())).toBeLessThan(0.15);
    await button(page, 'Start').click();
    await steps(page, 250);
    expect(await smoothness()).toBeGreaterThan(0.4);
  });

  test('of deeper layers can be chosen, and a class has its name', async () => {
    const page = await open();
    const view = page.locator('kiln-filter-view');
    const caption = view.locator('figcaption').first();
    await view.getByLabel('Layer').selectOption('conv2');
    await caption.filter({ hasText: 'A row for each filter (16)' }).waitFor();
    expect(await caption.textContent()).toContain('channel before it (16), 3×3 weights each');
    const [width, height] = await view
      .locator('canvas')
      .first()
      .evaluate((node) => [(node as HTMLCanvasElement).width, (node as HTMLCanvasElement).height]);
    expect([width, height]).toEqual([16 * 4 - 1, 16 * 4 - 1]);
    await view.getByLabel('Layer').selectOption('affine1');
    await caption.filter({ hasText: 'A row for each unit (10)' }).waitFor();
    expect(await view.locator('.names li').allTextContents()).toContain('umbrella');
    // The chosen layer stays through a reset.
    await button(page, 'Reset').click();
    await button(page, 'Start').waitFor();
    expect(await view.getByLabel('Layer').inputValue()).toBe('affine1');
  });

  test('256 units are not called all when 100 are shown', async () => {
    const page = await open('#net=affine+256+-+relu+-+affine+10+-+softmax');
    await page.locator('kiln-filter-view', { hasText: '100 of 256 units as images' }).waitFor();
  });

  test('of a net that has no layer of the one before are drawn without a complaint', async () => {
    const page = await open('#net=affine+10+-+softmax', { viewport: { width: 1440, height: 900 } });
    await page.locator('kiln-filter-view option[value=affine1]').waitFor({ state: 'attached' });
    await ask(page, (trainer) => trainer.hash()); // what was asked before is answered, too
    expect(await page.locator('kiln-page .notice').allTextContents()).toEqual([]);
  });

  test('are saved alone by a press', async () => {
    const page = await open();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      button(page, 'Save the weights alone').click(),
    ]);
    const bytes = await readFile(await download.path());
    const head = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
    expect(Object.keys(head)).toContain('conv1.w');
    expect(Object.keys(head).filter((name) => /adam|moment/.test(name))).toEqual([]);
  });
});

describe('a picture of one’s own', () => {
  /** Drops files on the page, made in it: names with types and bytes, or a drawn picture. */
  function drop(
    page: Page,
    files: { name: string; type: string; text?: string; size?: [number, number] }[],
    how: 'drop' | 'paste' = 'drop',
  ): Promise<void> {
    return page.evaluate(
      async ({ files, how }) => {
        const transfer = new DataTransfer();
        for (const { name, type, text, size } of files) {
          let body: Blob | string = text ?? '';
          if (size) {
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = size;
            const context = canvas.getContext('2d')!;
            context.fillStyle = '#0000ff'; // the sides, which are cut off
            context.fillRect(0, 0, ...size);
            context.fillStyle = '#ff0000';
            const side = Math.min(...size);
            context.fillRect((size[0] - side) / 2, (size[1] - side) / 2, side, side);
            body = await new Promise<Blob>((done) => canvas.toBlob((b) => done(b!), type));
          }
          transfer.items.add(new File([body], name, { type }));
        }
        document.dispatchEvent(
          how === 'drop'
            ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }),
        );
      },
      { files, how },
    );
  }

  test.each([
    ['PNG', 'image/png', 'drop'],
    ['JPEG', 'image/jpeg', 'paste'],
    ['WebP', 'image/webp', 'drop'],
  ] as const)('as %s is cut to a square, shown as the net sees it, classified', async (...args) => {
    const [, type, how] = args;
    const page = await open();
    await drop(page, [{ name: 'mine', type, size: [900, 300] }], how);
    const view = page.locator('kiln-photo-view');
    await view.locator('.bar .share', { hasText: '%' }).first().waitFor();
    expect(await view.locator('.bar:visible').count()).toBe(3);
    const seen = await view.locator('canvas').evaluate((node) => {
      const canvas = node as HTMLCanvasElement;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const blue = data.filter((_, i) => i % 4 === 2);
      const red = data.filter((_, i) => i % 4 === 0);
      const size = [canvas.width, canvas.height];
      return { size, blue: Math.max(...blue), red: Math.min(...red) };
    });
    expect(seen.size).toEqual([32, 32]);
    expect(seen.blue).toBeLessThan(40);
    expect(seen.red).toBeGreaterThan(215);
    expect(await page.locator('kiln-page .notice').isVisible()).toBe(false);
    await view.getByText('The network is untrained').waitFor();
    await button(page, 'Start').click();
    await steps(page, 5);
    await view.scrollIntoViewIfNeeded(); // views that are out of sight ask for nothing
    await view.locator('figcaption', { hasText: 'Cut to a square' }).waitFor();
  });

  test('that cannot be read says why, and the others are shown', async () => {
    const page = await open();
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    await drop(page, [
      { name: 'ok.png', type: 'image/png', size: [40, 40] },
      { name: 'a.svg', type: 'image/svg+xml', text: svg },
      { name: 'b.heic', type: '', text: '\0\0\0\x18ftypheic\0\0\0\0mif1heic' },
      { name: 'c.jpg', type: 'image/jpeg', text: 'no picture' },
      { name: 'empty.png', type: 'image/png', text: '' },
    ]);
    const view = page.locator('kiln-photo-view');
    await view.locator('.said', { hasText: 'empty.png cannot be read' }).waitFor();
    const said = await view.locator('.said').textContent();
    expect(said).toContain('a.svg is an SVG drawing');
    expect(said).toContain('b.heic is a HEIC photo');
    expect(said).toContain('c.jpg cannot be read as a picture');
    expect(await view.locator('canvas').count()).toBe(1);
  });

  test('of a size that no memory holds is refused, not read', async () => {
    const page = await open();
    const head = '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\b\x02\0\0\0';
    await page.evaluate(async (text) => {
      const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
      const file = new File([bytes], 'bomb.png', { type: 'image/png' });
      const view = document.querySelector('kiln-page')!.shadowRoot!.querySelector(
        'kiln-photo-view',
      ) as unknown as { take(files: File[]): Promise<void> };
      await view.take([file]);
    }, head);
    await page.locator('kiln-photo-view', { hasText: 'bomb.png is too large' }).waitFor();
  });

  test('can be many: the first six are shown', async () => {
    const page = await open();
    const files = Array.from({ length: 8 }, (_, i) => ({
      name: `${i}.png`,
      type: 'image/png',
      size: [50, 80] as [number, number],
    }));
    await drop(page, files, 'paste'); // so many that are dropped become a data set
    await page.locator('kiln-photo-view', { hasText: 'The first 6 of 8 pictures.' }).waitFor();
    expect(await page.locator('kiln-photo-view canvas').count()).toBe(6);
    await button(page, 'Remove the pictures').click();
    expect(await page.locator('kiln-photo-view canvas').count()).toBe(0);
  });
});

test('a hinge loss has scores, no per cent', async () => {
  const page = await open(SVM);
  await button(page, 'Start').click();
  await steps(page, 20);
  const cards = page.locator('kiln-prediction-view');
  await cards.scrollIntoViewIfNeeded();
  await cards.getByText('A hinge loss knows no probabilities').waitFor();
  const shares = await cards.locator('.share:visible').allTextContents();
  expect(shares.length).toBe(36);
  expect(shares.filter((text) => !/^(0|−[\d.e−-]+)$/.test(text))).toEqual([]);
});

test('an evaluation that a new run overtakes is made of the new run', async () => {
  const page = await open();
  const press = (name: string): Promise<void> =>
    button(page, name).evaluate((node: HTMLElement) => node.click());
  await Promise.all([press('Evaluate now'), press('Reset')]);
  await page.locator('kiln-confusion-view tbody tr').first().waitFor();
});

test('the last layers carry the names of the classes', async () => {
  const page = await open();
  await page.locator('kiln-layer-view').scrollIntoViewIfNeeded();
  const last = page.locator('kiln-layer-view .layer').last();
  await last.locator('li').first().waitFor();
  expect(await last.locator('li').count()).toBe(20);
  await page.waitForFunction(() => {
    const view = document.querySelector('kiln-page')!.shadowRoot!.querySelector('kiln-layer-view');
    const items = view!.shadowRoot!.querySelector('.layer:last-child ol')!.children;
    const sum = [...items].reduce((all, { lastChild }) => all + Number(lastChild!.textContent), 0);
    return Math.abs(sum - 1) < 0.05; // probabilities
  });
});

test('pictures enlarge by click and by Enter, and Esc closes them', async () => {
  const page = await open();
  const small = page.locator('kiln-filter-view canvas').first();
  const width = (await small.boundingBox())!.width;
  await small.click();
  const dialog = page.getByRole('dialog', { name: 'Weights of conv1' });
  await dialog.waitFor();
  expect((await dialog.locator('canvas').boundingBox())!.width).toBeGreaterThan(width);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const layers = page.locator('kiln-layer-view');
  await layers.scrollIntoViewIfNeeded();
  await layers.getByRole('button', { name: /Enlarge: conv1/ }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'conv1 16×32×32' }).waitFor();
  expect(await page.locator('dialog canvas').count()).toBe(2);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  expect(
    await page.evaluate(() => {
      let node = document.activeElement;
      while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
      return node?.textContent;
    }),
  ).toBe('Enlarge');
});

test('images and own pictures enlarge, too', async () => {
  const page = await open();
  const cards = page.locator('kiln-prediction-view');
  await cards.locator('.card').nth(4).click();
  await cards.getByRole('button', { name: 'Enlarge: The chosen image' }).click();
  const dialog = page.getByRole('dialog', { name: 'The chosen image' });
  await dialog.getByText('Test image 4: ').waitFor();
  expect((await dialog.locator('canvas').boundingBox())!.width).toBeGreaterThan(300);
  await page.keyboard.press('Escape');
  await cards.locator('.card').nth(2).dblclick();
  await dialog.getByText('Test image 2: ').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('kiln-layer-view').scrollIntoViewIfNeeded();
  await page.locator('kiln-layer-view', { hasText: 'Test image 2, ' }).waitFor();
  await page.locator('kiln-layer-view .picture').click();
  await page.getByRole('dialog', { name: 'Test image 2, ' }).waitFor();
});

test('the time by layer is there after the run, also when nobody looked', async () => {
  const page = await open('#train=1000&epochs=2', { viewport: { width: 1280, height: 500 } });
  await button(page, 'Start').click();
  await ended(page);
  await page.locator('kiln-timing-view tbody tr').first().waitFor({ state: 'attached' });
  await page.locator('kiln-timing-view').scrollIntoViewIfNeeded();
  expect(await page.locator('kiln-timing-view tbody tr').first().isVisible()).toBe(true);
});

test('forced colours keep the chosen image and the bars', async () => {
  const page = await open('', { forcedColors: 'active' });
  const card = page.locator('kiln-prediction-view .card').nth(1);
  await card.click();
  const outline = await card.evaluate((node) => getComputedStyle(node).outlineStyle);
  const other = page.locator('kiln-prediction-view .card').nth(2);
  expect(outline).toBe('solid');
  expect(await other.evaluate((node) => getComputedStyle(node).outlineStyle)).toBe('none');
  const bar = await card
    .locator('.bar')
    .first()
    .evaluate((node) => {
      const { backgroundColor, width } = getComputedStyle(node, '::after');
      const paper = getComputedStyle(document.body).backgroundColor;
      return { differs: backgroundColor !== paper, width: parseFloat(width) };
    });
  expect(bar.differs).toBe(true);
  expect(bar.width).toBeGreaterThan(0);
});

test.each([280, 360])('each view fits into %i px', async (width) => {
  const page = await open('', { viewport: { width: 1280, height: 900 } });
  await button(page, 'Start').click();
  await steps(page, 10);
  const wide = await page.evaluate(async (width) => {
    const root = document.querySelector('kiln-page')!.shadowRoot!;
    const views = [...root.querySelectorAll<HTMLElement>('.views > *')];
    for (const view of views) {
      view.style.gridColumn = '1 / -1';
      view.style.width = `${width}px`;
    }
    for (const view of views) {
      view.scrollIntoView();
      await new Promise((done) => setTimeout(done, 300));
    }
    return views
      .filter((view) => view.scrollWidth > width)
      .map((view) => `${view.tagName} ${view.scrollWidth}`);
  }, width);
  expect(wide).toEqual([]);
});

test('on paper the charts that were never in sight are drawn', async () => {
  const { page, close } = await visit(site, {
    hash: '#net=affine+10+-+softmax&max-steps=20',
    viewport: { width: 390, height: 300 },
  });
  await button(page, 'Start').click();
  await ended(page);
  const inked = (): Promise<boolean> =>
    page.locator('kiln-accuracy-view').evaluate((view) => {
      const canvas = view.shadowRoot!.querySelector('canvas');
      if (!canvas?.width) return false;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value > 0);
    });
  expect(await inked()).toBe(false);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  expect(await inked()).toBe(true);
  await page.emulateMedia({ media: 'print' });
  const shown = await page.locator('kiln-accuracy-view').evaluate((view) =>
    getComputedStyle(view).contentVisibility);
  expect(shown).toBe('visible');
  await close();
});
