// A headless Chromium with one page, cross-origin isolated, in whose workers everything runs.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

import { serve } from '../serve.mjs';
import { canPin, pinned } from './tools.mjs';

export const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-sync', '--disable-background-networking', '--disable-component-update',
  '--disable-renderer-backgrounding', '--disable-background-timer-throttling'];

/** A folder whose links name what the workers load: { dist: 'build/dist', ... }. */
function linkFolder(root, links) {
  fs.rmSync(root, { recursive: true, force: true });
  fs.mkdirSync(root, { recursive: true });
  for (const [name, target] of Object.entries(links)) {
    fs.symlinkSync(path.resolve(target), path.join(root, name));
  }
  fs.writeFileSync(path.join(root, 'index.html'), '<!doctype html><title>bench</title>');
}

/** A script that starts the whole of the browser on one core: no helper thread has another. */
function onOneCore(executable, script) {
  if (!canPin) return executable;
  fs.writeFileSync(script, `#!/bin/sh\nexec ${pinned([executable]).join(' ')} "$@"\n`);
  fs.chmodSync(script, 0o755);
  return path.resolve(script);
}

async function launch(executable, out, { oneCore }) {
  const executablePath = oneCore
    ? onOneCore(executable, path.join(out, 'one-core-chromium')) : executable;
  return chromium.launch({ executablePath, args: FLAGS });
}

/** A browser with a new profile on disk: other contexts keep no compiled code. */
export async function launchProfile(executable, out) {
  const profile = path.join(out, 'profile');
  fs.rmSync(profile, { recursive: true, force: true });
  return chromium.launchPersistentContext(profile, {
    executablePath: executable, args: FLAGS, viewport: { width: 1280, height: 900 } });
}

/** The folder that browsers see: what was built, the peers and this folder. */
export async function openSite({ out, dist, peers }) {
  const root = path.join(out, 'www');
  linkFolder(root, {
    dist, bench: out, tests: 'tests/bench', node_modules: peers });
  const { server, address } = await serve(root, 0);
  return { address, close: () => server.close() };
}

/**
 * { version, ask(script, type, message), close() }. ask() posts a message to the worker of a
 * script ('classic' or 'module'; queries tell workers of one script apart) and resolves to its
 * answer.
 */
export async function openBrowser(executable, out, site, { oneCore }) {
  const browser = await launch(executable, out, { oneCore });
  const page = await browser.newPage();
  await page.goto(site.address);
  await page.evaluate(() => {
    const workers = {};
    window.ask = (script, type, message) => new Promise((resolve, reject) => {
      const worker = (workers[script] ??= new Worker(script, { type }));
      worker.onerror = (event) => {
        delete workers[script];
        reject(new Error(`${script}: ${event.message ?? 'the worker did not start'}`));
      };
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      worker.postMessage(message);
    });
  });
  return {
    version: browser.version(),
    ask: (...request) => page.evaluate((r) => window.ask(...r), request),
    close: () => browser.close(),
  };
}
