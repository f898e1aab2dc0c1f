// keeping.mjs CHROMIUM [ROUNDS [SECONDS [NETS]]] — what it costs to keep a run (bench-keeping).
//
// One element trains; its attribute persist is set and taken away in turn, for so many seconds
// each. The worker makes checkpoints either way, against its own death: their share is told apart,
// by what one takes and how often one is made at most. Steps a second, medians of the rounds, from
// one step's end to another's; of their ratios the middle half, since a machine may vary by more
// than what is looked for. NETS: names with commas between; without, those whose steps are many
// a second, and one whose checkpoint is large for its steps.

import { chromium } from 'playwright-core';

import { serve } from '../serve.mjs';
import { describeNet, readNets } from './nets.mjs';
import { median } from './tools.mjs';

const [executablePath, rounds = '3', seconds = '10', names] = process.argv.slice(2);
/** As bindings/training.ts has them: milliseconds between checkpoints, and their share at most. */
const EVERY = 5000;
const SHARE = 0.01;

const HEAVY = describeNet('heavy', 64,
  'affine 1000 - relu - affine 1000 - relu - affine 10 - softmax');

/** Steps a second over so many seconds, kept or not, in turn. */
async function measure(page, net) {
  await page.evaluate(async ({ notation, batch, options }) => {
    await customElements.whenDefined('kiln-trainer');
    document.body.replaceChildren();
    const element = document.createElement('kiln-trainer');
    Object.assign(element, { net: notation, batch, epochs: 10000, loading: 'eager' });
    for (const [name, value] of Object.entries(options)) element.setAttribute(name, value);
    document.body.append(element);
    await element.start();
  }, net);
  const turn = (persist) => page.evaluate(async ([kept, ms]) => {
    const element = document.querySelector('kiln-trainer');
    element.persist = kept;
    /** Waits for a step to end: its number, and when. */
    const stepEnd = async () => {
      const before = element.trainer.metrics.step;
      while (element.trainer.metrics.step === before) {
        await new Promise((done) => setTimeout(done, 4));
      }
      return [element.trainer.metrics.step, performance.now()];
    };
    await new Promise((done) => setTimeout(done, 500));
    const begin = await stepEnd();
    await new Promise((done) => setTimeout(done, ms));
    const end = await stepEnd();
    return 1000 * (end[0] - begin[0]) / (end[1] - begin[1]);
  }, [persist, 1000 * Number(seconds)]);
  const pairs = [];
  for (let i = 0; i < Number(rounds); i++) {
    const order = i % 2 ? [true, false] : [false, true];
    const found = [];
    for (const persist of order) found[Number(persist)] = await turn(persist);
    pairs.push(found);
  }
  const one = await page.evaluate(async () => {
    const { trainer } = document.querySelector('kiln-trainer');
    await trainer.pause();
    const times = [];
    let size = 0;
    for (let i = 0; i < 5; i++) {
      const begin = performance.now();
      size = (await trainer.save()).length;
      times.push(performance.now() - begin);
    }
    return { size, ms: times.sort((a, b) => a - b)[2] };
  });
  return { pairs, ...one };
}

const nets = names ? readNets(names.split(',')) : [...readNets(['W1', 'W2', 'W3']), HEAVY];
const { server, address } = await serve('build/element', 0);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage();
  await page.route(`${address}page.html`, (route) => route.fulfill({ contentType: 'text/html',
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp' },
    body: '<!doctype html><body><script type="module" src="kiln-trainer.js"></script>' }));
  await page.goto(`${address}page.html`);
  console.log('net     checkpoint  not kept     kept   kept / not (half of them)  ' +
    'a checkpoint takes, at most');
  for (const net of nets) {
    const { pairs, size, ms } = await measure(page, net);
    const [not, kept] = [0, 1].map((i) => median(pairs.map((pair) => pair[i])));
    const ratios = pairs.map(([a, b]) => b / a).sort((a, b) => a - b);
    const at = (share) => ratios[Math.round(share * (ratios.length - 1))].toFixed(2);
    const share = ms / Math.max(EVERY, ms / SHARE);
    console.log(`${net.name.padEnd(6)} ${(size / 1e6).toFixed(2).padStart(8)} MB ` +
      `${not.toFixed(1).padStart(7)}/s ${kept.toFixed(1).padStart(7)}/s ` +
      `${median(ratios).toFixed(3).padStart(8)} (${at(0.25)} to ${at(0.75)}) ` +
      `${ms.toFixed(1).padStart(6)} ms, ` +
      `${(100 * share).toFixed(2)} % of the time`);
  }
} finally {
  await browser.close();
  server.close();
}
