// The stages that ask how cost grows: scaling, memory, and the start of the page.
import fs from 'node:fs';
import { gzipSync } from 'node:zlib';

import { serve } from '../serve.mjs';
import { describeNet, readNets, trainingFlops } from './nets.mjs';
import { kilnBench } from './steps.mjs';
import { median, progress } from './tools.mjs';

const NATIVE = 'native fused';
const TAB = 'Chromium relaxed';
const BINARY = 'build/native/kiln-fused';

const BATCHES = [16, 32, 64, 128, 256];
const WIDTHS = [16, 32, 64, 128];

/** W3 with one width for all of its convolutions. */
function netOfWidth(width) {
  const block = `[conv 3x3x${width} - batchnorm - relu]x2`;
  return describeNet(`width ${width}`, 16,
    `${block} - maxpool 2 - ${block} - maxpool 2 - ${block} - avgpool - affine 10 - softmax`);
}

/** kiln in the pinned browser: one worker, as in the steps. */
function tab({ browsers }) {
  const message = { variant: 'relaxed', threads: 1 };
  return (task, more) =>
    browsers.one.ask('/tests/kiln_worker.js?sizes', 'module', { ...message, task, ...more });
}

/** Milliseconds of a step by both runners, round after round: { runner, ms }. */
async function stepsOfBoth(context, nets) {
  const { rounds, seconds } = context;
  const ask = tab(context);
  const rows = nets.flatMap((net) =>
    [{ runner: NATIVE, net, ms: [] }, { runner: TAB, net, ms: [] }]);
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) {
      progress(`scaling, round ${round + 1} of ${rounds}: ${row.net.name}, ${row.runner}`);
      if (row.runner === TAB) {
        row.ms.push(median((await ask('step', { net: row.net, seconds: seconds / 2 })).times));
      } else if (fs.existsSync(BINARY)) {
        row.ms.push(kilnBench(BINARY, 1, row.net, seconds / 2).medianStepMs);
      }
    }
  }
  return rows.filter(({ ms }) => ms.length).map((row) => ({ ...row, ms: median(row.ms) }));
}

/** Whether time per step stays over a run of many short epochs, their ends included. */
async function measureEpochs(context) {
  const [net] = readNets(['W1']);
  const { times } = await tab(context)('epochs', { net, seconds: 10 * context.seconds });
  const third = Math.floor(times.length / 3);
  return [{
    runner: TAB, epochs: Math.floor(times.length / 8),
    first: median(times.slice(0, third)), last: median(times.slice(-third)) }];
}

function layerShares(runner, net, stepMs, layers) {
  const rows = layers.map(({ name, forward, backward, calls = 1 }) => ({
    name, forward: forward / calls, backward: backward / calls,
    share: (forward + backward) / calls / stepMs }));
  const inside = rows.filter(({ name }) => /^(conv|whiten|affine)/.test(name));
  return { runner, net: net.name, stepMs, layers: rows,
    outside: 1 - inside.reduce((sum, { share }) => sum + share, 0) };
}

async function measureLayers(context) {
  const results = [];
  for (const net of readNets()) {
    progress(`layers: ${net.name}`);
    if (fs.existsSync(BINARY)) {
      const bench = kilnBench(BINARY, 1, net, 2 * context.seconds, '--layers');
      results.push(layerShares(NATIVE, net, bench.stepMs, bench.layers));
    }
    const { times, layers } = await tab(context)('layers', { net, seconds: 2 * context.seconds });
    const stepMs = times.reduce((sum, ms) => sum + ms, 0) / times.length;
    results.push(layerShares(TAB, net, stepMs, layers));
  }
  return results;
}

export async function measureScaling(context) {
  const [w3] = readNets(['W3']);
  const byBatch = await stepsOfBoth(context,
    BATCHES.map((batch) => ({ ...w3, name: `batch ${batch}`, batch })));
  const byWidth = await stepsOfBoth(context, WIDTHS.map(netOfWidth));
  const result = {
    batches: byBatch.map(({ runner, net, ms }) => ({
      runner, batch: net.batch, imagesPerSecond: (net.batch * 1e3) / ms })),
    widths: byWidth.map(({ runner, net, ms }) => ({
      runner, width: Number(net.name.slice(6)), ms,
      gflops: (net.batch * trainingFlops(net) * 1e-6) / ms })),
    epochs: await measureEpochs(context),
    layers: await measureLayers(context),
  };
  progress('');
  return result;
}

// ---- memory -------------------------------------------------------------------------------------

const ALEXNET = {
  notation: 'conv 11x11x96 stride 4 pad 0 - relu - affine 10 - softmax', batch: 16 };

export async function measureMemory(context) {
  const ask = (net, task = 'memory') => tab(context)(task, { net, fresh: true });
  const nets = [];
  for (const net of readNets()) {
    const created = [];
    for (let i = 0; i < context.rounds; i++) created.push((await ask(net, 'create')).ms);
    nets.push({ net: net.name, batch: net.batch, ...(await ask(net)), createMs: median(created) });
  }
  const [w3] = readNets(['W3']);
  const batches = [];
  for (const batch of [32, 64, 128]) batches.push({ batch, ...(await ask({ ...w3, batch })) });
  let input;
  try {
    input = await tab(context)('pass', { net: ALEXNET, input: [3, 227, 227], fresh: true });
  } catch (error) {
    input = { error: error.message };
  }
  return { nets, batches, input: { ...ALEXNET, ...input } };
}

// ---- the start of the page ----------------------------------------------------------------------

/**
 * Runs in the page: presses Start as soon as it can be pressed, and notes the milliseconds since
 * the page was opened.
 */
function watchStart() {
  const buttons = (root) => [...root.querySelectorAll('*')].flatMap((element) =>
    [...(element.localName === 'button' ? [element] : []),
      ...(element.shadowRoot ? buttons(element.shadowRoot) : [])]);
  const look = () => {
    const page = document.querySelector('kiln-page');
    if (!window.startReady) {
      const start = page?.trainer && buttons(document).find((button) =>
        button.textContent.trim() === 'Start' && !button.disabled);
      if (start) {
        window.startReady = performance.now();
        start.click();
      }
    }
    if ((page?.trainer?.metrics?.step ?? 0) >= 1) window.firstStep = performance.now();
    else setTimeout(look, 1);
  };
  document.addEventListener('DOMContentLoaded', look);
}

/** A first visit that trains for so long leaves optimised code in the browser's cache. */
const CACHE_MS = 2000;

async function measurePage(context) {
  const { server, address } = await serve('build/web', 0);
  const tabs = await context.launchProfile();
  const readyMs = [];
  const firstStepMs = [];
  try {
    for (let i = 0; i <= context.rounds + 2; i++) {
      const page = await tabs.newPage();
      await page.addInitScript(watchStart);
      await page.goto(address);
      await page.waitForFunction(() => window.firstStep, undefined, { timeout: 30000 });
      if (i < 2) {
        await page.waitForTimeout(CACHE_MS);
      } else {
        const times = await page.evaluate(() => [window.startReady, window.firstStep]);
        readyMs.push(times[0]);
        firstStepMs.push(times[1]);
      }
      await page.close();
    }
  } finally {
    await tabs.close();
    server.close();
  }
  return { readyMs, firstStepMs };
}

export async function measureStart(context) {
  const modules = fs.readdirSync(context.dist)
    .filter((name) => name.endsWith('.wasm'))
    .map((name) => {
      const bytes = fs.readFileSync(`${context.dist}/${name}`);
      return { name, bytes: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
    });
  return { ...(await measurePage(context)), modules };
}
