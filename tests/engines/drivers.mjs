// The three engines, each by what drives it: Chromium by playwright-core, Firefox by puppeteer-core
// over WebDriver BiDi, WebKitGTK's MiniBrowser by plain WebDriver. All that is asked of them is to
// open an address: pages tell by themselves how they fared.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { chromium } from 'playwright-core';

/** Playwright keeps Chromium from going back to a page as it was, unless it is told not to. */
async function openChromium({ executablePath }) {
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  let page = null;
  return {
    name: `Chromium ${browser.version()}`,
    async open(address) {
      await page?.close();
      page = await browser.newPage();
      await page.goto(address);
    },
    close: () => browser.close(),
  };
}

async function openFirefox({ folder }) {
  const require = createRequire(resolve(folder, 'package.json'));
  const entry = pathToFileURL(require.resolve('puppeteer-core'));
  const { default: puppeteer } = await import(entry.href);
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true });
  let page = null;
  return {
    name: (await browser.version()).replace(/^firefox\//i, 'Firefox '),
    async open(address) {
      const before = page;
      page = await browser.newPage();
      await before?.close();
      await page.goto(address);
    },
    close: () => browser.close(),
  };
}

/** A port that nobody has. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function startXvfb() {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten',
    'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const [number] = await once(server.stdio[3], 'data');
  return { server, display: `:${String(number).trim()}` };
}

function miniBrowser() {
  const lib = '/usr/lib';
  const found = readdirSync(lib).flatMap((machine) =>
    ['4.1', '4.0'].map((version) => join(lib, machine, `webkit2gtk-${version}`, 'MiniBrowser')))
    .find((file) => existsSync(file));
  if (!found) throw new Error('WebKitGTK has no MiniBrowser here');
  return found;
}

/** By WebDriver's own messages. */
async function ask(method, address, body) {
  const response = await fetch(address, {
    method, ...(body ? { body: JSON.stringify(body) } : {}) });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`${method} ${address}: ${value.message}`);
  return value;
}

/** `lang`: WebKitGTK tells pages of it as their language, whether it is one or not. `more`: of
 * the environment, where JavaScriptCore takes its switches. */
async function openWebKit({ lang = 'en_US.UTF-8', more = {} }) {
  const { server, display } = await startXvfb();
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), 'kiln-webkit-'));
  const driver = spawn('WebKitWebDriver', [`--port=${port}`], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: display, LANG: lang, LC_ALL: lang, HOME: home,
      XDG_RUNTIME_DIR: home, GDK_BACKEND: 'x11', WEBKIT_DISABLE_COMPOSITING_MODE: '1', ...more },
  });
  const end = () => {
    driver.kill();
    server.kill();
    rmSync(home, { recursive: true, force: true });
  };
  const root = `http://127.0.0.1:${port}/session`;
  try {
    for (let tries = 0; ; tries++) {
      const status = await ask('GET', `http://127.0.0.1:${port}/status`).catch(() => null);
      if (status?.ready) break;
      if (tries === 100) throw new Error('WebKitWebDriver does not start');
      await after(100);
    }
    const { sessionId, capabilities } = await ask('POST', root, { capabilities: { alwaysMatch: {
      'webkitgtk:browserOptions': { binary: miniBrowser(), args: ['--automation'] } } } });
    const session = `${root}/${sessionId}`;
    return {
      name: `WebKitGTK ${capabilities.browserVersion}`,
      open: (url) => ask('POST', `${session}/url`, { url }),
      async close() {
        await ask('DELETE', session).catch(() => {});
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** By the name that ONLY= takes. */
export const ENGINES = {
  chromium: openChromium,
  firefox: openFirefox,
  webkit: openWebKit,
  // A language that is none: of this LANG, WebKitGTK makes "C".
  'webkit, LANG=C.UTF-8': (options) => openWebKit({ ...options, lang: 'C.UTF-8' }),
  // Safari shares memory with isolated pages; WebKitGTK does when it is told to.
  'webkit, shared': (options) =>
    openWebKit({ ...options, more: { JSC_useSharedArrayBuffer: '1' } }),
};
