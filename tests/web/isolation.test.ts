// Threads in the browser: used where the page is cross-origin isolated, done without elsewhere, and
// the page says why.

import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { ask, becomes, openSite, visit, type Site, type Visit } from './browser.js';

/** What the page shows of the build that runs. */
async function shown({ page }: Visit): Promise<{ summary: string; why: string }> {
  const details = page.locator('details.backend');
  await details.locator('summary').click();
  const summary = await details.locator('summary').innerText();
  return { summary, why: await details.innerText() };
}

/** Trains a small net in each of some builds, by the page's own class; hashes and backends. */
function compare({ page }: Visit, inits: object[]): Promise<{ hash: string; threads: number;
  reason: string; variant: string }[]> {
  return page.evaluate(async (all) => {
    type Made = { step(): Promise<void>; hash(): Promise<string>; dispose(): void;
      backend: { threads: number; reason: string; variant: string } };
    const element = document.querySelector('kiln-page') as HTMLElement & { trainer: object };
    const { create } = element.trainer.constructor as unknown as {
      create(init: object): Promise<Made> };
    const results = [];
    for (const init of all) {
      const trainer = await create.call(element.trainer.constructor, {
        net: 'conv 3x3x8 - batchnorm - relu - maxpool 2 - affine 10 - softmax', train: 256,
        validation: 20, test: 20, batch: 32, seed: 9, augment: 'flip,crop4', ...init });
      for (let i = 0; i < 8; i++) await trainer.step();
      const { threads, reason, variant } = trainer.backend;
      results.push({ hash: await trainer.hash(), threads, reason, variant });
      trainer.dispose();
    }
    return results;
  }, inits);
}

describe('an isolated page', () => {
  let site: Site;
  let opened: Visit;
  beforeAll(async () => {
    site = await openSite();
    opened = await visit(site);
  });
  afterAll(() => site.close());

  test('has as many threads as the machine has cores, and says so', async () => {
    const { page } = opened;
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    const { threads, reason, variant } = await ask(page, ({ backend }) => backend);
    expect(threads).toBe(Math.min(cores, 8));
    if (cores > 1) {
      expect(variant).toBe('relaxed-threads');
      expect(reason).toContain(`${threads} threads: this machine has ${cores} cores`);
    }
    const { summary, why } = await shown(opened);
    expect(summary).toContain(cores > 1 ? `${threads} threads` : '1 thread');
    expect(why).toContain(reason);
  });

  test('trains to the same parameters with one, two and four threads', async () => {
    const results = await compare(opened, ['simd', 'relaxed'].flatMap((variant) => [
      { variant }, { variant, threads: 2 }, { variant, threads: 4 },
    ]));
    expect(results.map(({ variant, threads }) => `${variant} ${threads}`)).toEqual([
      'simd 1', 'simd-threads 2', 'simd-threads 4',
      'relaxed 1', 'relaxed-threads 2', 'relaxed-threads 4',
    ]);
    const hashes = results.map(({ hash }) => hash);
    expect(new Set(hashes.slice(0, 3)).size).toBe(1);
    expect(new Set(hashes.slice(3)).size).toBe(1);
    expect(hashes[3]).not.toBe(hashes[0]);
    expect(opened.errors).toEqual([]);
  });

  test('a trainer that is disposed of takes its threads with it', async () => {
    const { page } = opened;
    // Its own trainer's worker, and the pool of that.
    const own = await ask(page, ({ backend }) => backend.threads);
    const workers = (): Promise<number> => Promise.resolve(page.workers().length);
    await becomes(workers, (number) => number === own);
    const during = await page.evaluate(async () => {
      const element = document.querySelector('kiln-page') as HTMLElement & { trainer: object };
      const { create } = element.trainer.constructor as unknown as {
        create(init: object): Promise<{ dispose(): void; backend: { threads: number } }> };
      const trainer = await create.call(element.trainer.constructor, {
        train: 100, validation: 20, test: 20, variant: 'simd', threads: 4 });
      Object.assign(window, { trainer });
      return trainer.backend.threads;
    });
    expect(during).toBe(4);
    await becomes(workers, (number) => number === own + 4);
    await page.evaluate('trainer.dispose()');
    await becomes(workers, (number) => number === own);
  });
});

describe('a page without isolation', () => {
  let site: Site;
  let opened: Visit;
  beforeAll(async () => {
    const none = 'unsafe-none';
    const headers = { 'Cross-Origin-Opener-Policy': none, 'Cross-Origin-Embedder-Policy': none };
    site = await openSite('build/web', { headers });
    opened = await visit(site);
  });
  afterAll(() => site.close());

  test('trains with one thread, and says why', async () => {
    const { variant, threads, reason } = await ask(opened.page, ({ backend }) => backend);
    expect({ variant, threads }).toEqual({ variant: 'relaxed', threads: 1 });
    expect(reason).toContain('one thread: this page is not cross-origin isolated');
    const { summary, why } = await shown(opened);
    expect(summary).toContain('1 thread');
    expect(why).toContain(reason);
    const [result] = await compare(opened, [{ threads: 4 }]);
    expect(result).toMatchObject({ variant: 'relaxed', threads: 1 });
    expect(opened.errors).toEqual([]);
  });
});

describe('an isolated page whose pool does not start', () => {
  let folder: string;
  let site: Site;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-web-'));
    await cp('build/web', folder, { recursive: true });
    const assets = await readdir(join(folder, 'assets'));
    const scripts = assets.filter((name) => name.startsWith('pool-worker'));
    expect(scripts.length).toBeGreaterThan(0);
    for (const name of scripts) await rm(join(folder, 'assets', name));
    site = await openSite(folder);
  });
  afterAll(async () => {
    await site.close();
    await rm(folder, { recursive: true });
  });

  test('trains with one thread, and says why', async () => {
    const opened = await visit(site);
    const [result] = await compare(opened, [{ variant: 'relaxed', threads: 2 }]);
    expect(result).toMatchObject({ variant: 'relaxed', threads: 1 });
    expect(result!.reason).toMatch(/one thread: the threaded build does not start: .* is missing/);
  });
});
