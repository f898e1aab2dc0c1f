// numbers.mjs CHROMIUM [OUT] — what a page with <kiln-trainer> takes, against what it may take.
//
// Sizes, the time from an empty page to the first step (in turn with a page that compiles the same
// module and does nothing else), controls, a slow line, the longest task of the page's thread, how
// evenly four elements train, and what a second visit loads. Exits with 1 where a limit is passed.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { FLAGS, launchProfile } from './browser.mjs';
import { openLine } from './line.mjs';
import { median, progress } from './tools.mjs';

const { positionals: [executable], values: { rounds, seconds } } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '60' } },
});
const ROUNDS = Number(rounds);
const SLOW_LINE = 1.5e6 / 8; // bytes a second
const FOUR_S = 10;

const NET = 'net="[conv 3x3x16 - relu - maxpool 2]x2 - affine 10 - softmax" epochs="1000"';
const VIEWS = 'views="loss accuracy filters predictions"';

/** In pages: notes when the poster shows and when the first step is told. */
const CLOCK = `<script>
  window.at = {};
  const look = () => {
    const root = document.querySelector('kiln-trainer')?.shadowRoot;
    if (root?.querySelector('.poster')) at.poster ??= performance.now();
    else requestAnimationFrame(look);
  };
  look();
  addEventListener('progress', () => { at.step ??= performance.now(); }, true);
</script>`;
const SCRIPT = '<script type="module" src="kiln-trainer.js"></script>';
const page = (body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>kiln</title>
  <link rel="icon" href="data:,"><body>${body}</body></html>`;

const PAGES = {
  'trains.html': page(`${CLOCK}<kiln-trainer ${NET} loading="eager" autostart></kiln-trainer>
    ${SCRIPT}`),
  'compiles.html': page(`<script>
      const name = new URL(location).searchParams.get('module');
      WebAssembly.compileStreaming(fetch(name)).then(() => { window.at = performance.now(); });
    </script>`),
  'views.html': page(`<kiln-trainer ${NET} ${VIEWS} loading="eager"
    controls="start step reset lr"></kiln-trainer>${SCRIPT}`),
  'four.html': page(`${`<kiln-trainer ${NET} ${VIEWS} loading="eager"></kiln-trainer>`.repeat(4)}
    ${SCRIPT}`),
};

let failed = false;
function row(what, value, limit, ok, note = '') {
  if (!ok) failed = true;
  progress('');
  console.log(`${value.padStart(10)} of ${limit.padEnd(8)} ${what}${note ? `  (${note})` : ''}` +
    (ok ? '' : '  TOO MUCH'));
}
const most = (what, value, limit, unit, note) =>
  row(what, `${Number(value.toPrecision(3))} ${unit}`, `${limit}`, value <= limit, note);

/** The element of a page that is open, when it has its trainer. */
const element = (tab) => tab.waitForFunction(() =>
  document.querySelector('kiln-trainer')?.trainer ?? null, null, { timeout: 120_000 });

async function measureStart(browser, line) {
  const trains = [], compiles = [];
  let module = null;
  for (let round = 0; round < ROUNDS; round++) {
    progress(`start, round ${round + 1} of ${ROUNDS}`);
    for (const name of ['trains.html', `compiles.html?module=${module ?? 'relaxed.wasm'}`]) {
      const context = await browser.newContext(); // with nothing in any cache
      const tab = await context.newPage();
      await tab.goto(line.address + name);
      if (name === 'trains.html') {
        trains.push(await told(tab, 'at.step'));
        module ??= `${await tab.evaluate(() =>
          document.querySelector('kiln-trainer').trainer.backend.variant)}.wasm`;
      } else compiles.push(await told(tab, 'at'));
      await context.close();
    }
  }
  const ratio = median(trains.map((ms, i) => ms / compiles[i]));
  most('tag in an empty page to the first step, cold', median(trains), 1000, 'ms', module);
  most('the same by a page that compiles the module alone', ratio, 1.5, 'times',
    `${median(compiles).toFixed(0)} ms`);
}

/** A time that the page notes. */
async function told(tab, expression) {
  const handle = await tab.waitForFunction(`window.at && ${expression}`, null,
    { timeout: 120_000, polling: 50 });
  return handle.jsonValue();
}

/** From the press of a button to the state, or the step, that it brings. */
async function measureControls(browser, line) {
  const tab = await (await browser.newContext()).newPage();
  await tab.goto(line.address + 'views.html');
  await element(tab);
  const times = await tab.evaluate(async (rounds) => {
    const host = document.querySelector('kiln-trainer');
    const press = (name, done) => new Promise((resolve) => {
      const begin = performance.now();
      host.shadowRoot.querySelector(`[name=${name}]`).click();
      const look = () => (done() ? resolve(performance.now() - begin) : setTimeout(look, 1));
      look();
    });
    const all = { start: [], pause: [], step: [], reset: [] };
    const step = () => host.trainer.metrics?.step ?? 0;
    for (let i = 0; i < rounds; i++) {
      all.start.push(await press('start', () => host.state === 'running'));
      await new Promise((done) => setTimeout(done, 1000));
      all.pause.push(await press('pause', () => host.state === 'paused'));
      const before = step();
      all.step.push(await press('step', () => step() > before && host.state === 'paused'));
      all.reset.push(await press('reset', () => host.state === 'ready' && step() === 0));
    }
    return all;
  }, ROUNDS);
  for (const [name, all] of Object.entries(times)) most(`${name} pressed`, median(all), 300, 'ms');
  await tab.context().close();
}

async function measureSlowLine(browser) {
  const posters = [], steps = [];
  let bytes = 0;
  for (let round = 0; round < Math.min(3, ROUNDS); round++) {
    progress(`1.5 Mbit/s, round ${round + 1}`);
    const line = await openLine('build/element', PAGES, { bytesPerSecond: SLOW_LINE });
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(line.address + 'trains.html', { waitUntil: 'commit' });
    steps.push(await told(tab, 'at.step'));
    posters.push(await told(tab, 'at.poster'));
    bytes = line.log.reduce((sum, answer) => sum + answer.bytes, 0);
    await context.close();
    line.close();
  }
  most('poster at 1.5 Mbit/s', median(posters), 1000, 'ms');
  most('first step at 1.5 Mbit/s', median(steps), 3000, 'ms', `${(bytes / 1e3).toFixed(0)} kB`);
}

async function measureLongestTask(browser, line) {
  progress(`${seconds} s of training with four views`);
  const context = await browser.newContext({ viewport: { width: 1280, height: 1600 } });
  const tab = await context.newPage();
  await tab.goto(line.address + 'views.html');
  await element(tab);
  const [longest, tasks] = await tab.evaluate(async (ms) => {
    const found = [];
    new PerformanceObserver((list) => found.push(...list.getEntries().map((e) => e.duration)))
      .observe({ type: 'longtask' });
    const host = document.querySelector('kiln-trainer');
    await host.start();
    await new Promise((done) => setTimeout(done, ms));
    return [Math.max(0, ...found), found.length];
  }, 1000 * Number(seconds));
  row(`longest task of the page's thread in ${seconds} s of training, four views`,
    longest === 0 ? 'none' : `${longest} ms`, '50', longest <= 50, `${tasks} longer than 50 ms`);
  await context.close();
}

async function measureFour(browser, line) {
  progress('four elements at once');
  const context = await browser.newContext({ viewport: { width: 1280, height: 1600 } });
  const tab = await context.newPage();
  await tab.goto(line.address + 'four.html');
  const steps = await tab.evaluate(async (ms) => {
    await customElements.whenDefined('kiln-trainer');
    const all = [...document.querySelectorAll('kiln-trainer')];
    await Promise.all(all.map((one) => one.ready));
    await Promise.all(all.map((one) => one.start()));
    await new Promise((done) => setTimeout(done, ms));
    return all.map((one) => one.trainer.metrics?.step ?? 0);
  }, 1000 * FOUR_S);
  const share = Math.min(...steps) / steps.reduce((a, b) => a + b);
  row('four elements at once: the share of the slowest', `${(100 * share).toFixed(1)} %`, '>= 15 %',
    share >= 0.15, `${steps.join(', ')} steps`);
  await context.close();
}

/** In a profile on disk: others keep no compiled code. */
async function measureSecondVisit(line) {
  progress('a second visit');
  const out = mkdtempSync(join(tmpdir(), 'kiln-numbers-'));
  const context = await launchProfile(executable, out);
  for (let visit = 0; visit < 2; visit++) {
    line.log.length = 0;
    const tab = await context.newPage();
    await tab.goto(line.address + 'trains.html');
    await told(tab, 'at.step');
    await tab.close();
  }
  const sent = line.log.filter(({ status, path }) => status === 200 && path !== 'trains.html');
  const asked = line.log.filter(({ status }) => status === 304).length;
  row('files that a second visit loads besides the page', `${sent.length}`, '0', sent.length === 0,
    sent.length > 0 ? sent.map(({ path }) => path).join(' ') : `${asked} asked for, unchanged`);
  await context.close();
  rmSync(out, { recursive: true, force: true });
}

console.log(execFileSync('node', ['tests/weigh.mjs'], { encoding: 'utf8' }).trimEnd());
const line = await openLine('build/element', PAGES);
const browser = await chromium.launch({ executablePath: executable, args: FLAGS });
try {
  await measureStart(browser, line);
  await measureControls(browser, line);
  await measureSlowLine(browser);
  await measureFour(browser, line);
  await measureLongestTask(browser, line);
  await measureSecondVisit(line);
} finally {
  await browser.close();
  line.close();
}
if (failed) process.exitCode = 1;
