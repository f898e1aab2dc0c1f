// A headless Chromium with one page, cross-origin isolated, in whose workers the peers run.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

import { serve } from '../serve.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update', '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling'];

/** A folder whose links name what the workers load: { dist: 'build/dist', ... }. */
function linkFolder(root, links) {
  fs.rmSync(root, { recursive: true, force: true });
  fs.mkdirSync(root, { recursive: true });
  for (const [name, target] of Object.entries(links)) {
    fs.symlinkSync(path.resolve(target), path.join(root, name));
  }
  fs.writeFileSync(path.join(root, 'index.html'), '<!doctype html><title>bench</title>');
}

/**
 * { version, ask(script, type, message), close() }. ask() posts a message to the worker of a script ('classic' or
 * 'module'; what follows a # tells workers of one script apart) and resolves to its answer.
 */
export async function openBrowser(executablePath, root, links) {
  linkFolder(root, links);
  const { server, address } = await serve(path.resolve(root), 9100);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const page = await browser.newPage();
  await page.goto(address);
  await page.evaluate(() => {
    const workers = {};
    window.ask = (script, type, message) => new Promise((resolve, reject) => {
      const worker = (workers[script] ??= new Worker(script, { type }));
      worker.onerror = () => reject(new Error(`${script}: the worker did not start`));
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      worker.postMessage(message);
    });
  });
  return {
    version: browser.version(),
    ask: (...request) => page.evaluate((r) => window.ask(...r), request),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
