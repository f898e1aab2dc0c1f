// The stage `steps`: whole training steps of kiln and its peers, forward, backward and update.
//
// Every runner is asked in turn, round after round, so that a slow minute of the machine falls on
// all of them. A round gives the median of the steps it had time for.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { readNets } from './nets.mjs';
import { LineProgram, median, nodeCommand, pinned, progress } from './tools.mjs';

export const NO_BUILD = 'no such build';
/** Large nets: of a preset, with steps of seconds. Those who are compared take that many rounds. */
const LARGE_ROUNDS = 3;
const MISSING = 'not installed (make bench-peers)';

const asArguments = (options) =>
  Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]);

/** kiln's own program: `kiln bench --json` ends with one line that holds medianStepMs. */
export function kilnBench(binary, threads, { notation, batch, options }, seconds, ...more) {
  const argv = [path.resolve(binary), 'bench', '--json', '--net', notation, '--batch',
    String(batch), '--seconds', String(seconds), '--threads', String(threads),
    ...asArguments(options), ...more];
  const [program, ...rest] = threads === 1 ? pinned(argv) : argv;
  const text = execFileSync(program, rest, {
    encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return JSON.parse(text.trim().split('\n').at(-1));
}

function kilnNative(mode, binary, threads) {
  if (!fs.existsSync(binary)) return null;
  const measure = (net, seconds) =>
    ({ ms: kilnBench(binary, threads, net, seconds).medianStepMs });
  return { name: `kiln native ${mode}`, threads, large: mode === 'fused', measure, close() {} };
}

const summary = ({ times, loss }) => ({ ms: median(times), loss });

function kilnNode(variant) {
  const child = new LineProgram(variant, pinned(nodeCommand('tests/bench/kiln_node.mjs', variant)));
  const measure = async (net, seconds) =>
    summary(await child.ask(JSON.stringify({ task: 'step', net, seconds })));
  return { name: `kiln Node ${variant}`, threads: 1, measure, close: () => child.close() };
}

/** Threaded builds are there or not; what is asked of bindings is { variant, threads }. */
function kilnChromium(name, variant, threads, browser, dist) {
  if (!fs.existsSync(path.join(dist, `${variant}.wasm`))) {
    return { name, threads, missing: NO_BUILD };
  }
  const message = { task: 'step', variant, threads };
  const script = `/tests/kiln_worker.js?${variant}-${threads}`;
  const measure = async (net, seconds) =>
    summary(await browser.ask(script, 'module', { ...message, net, seconds }));
  return { name, threads, large: variant.startsWith('relaxed'), measure, close() {} };
}

function peerChromium(name, script, browser, present) {
  if (!present) return { name, threads: 1, missing: MISSING };
  const measure = async (net, seconds) =>
    summary(await browser.ask(`/tests/peers/${script}`, 'classic', { net, seconds }));
  return { name, threads: 1, large: true, measure, close() {} };
}

/** kiln's export of a net as a PyTorch module and the run's rule: torch_steps.py trains that. */
const exported = new Map();

function exportNet(out, { name, notation, batch, options }) {
  if (!exported.has(name)) {
    const folder = path.resolve(out, 'torch', name);
    const file = path.join(folder, 'start.safetensors');
    const kiln = (...argv) => execFileSync('build/native/kiln-fused', argv, { stdio: 'ignore' });
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    kiln('train', '--net', notation, '--batch', String(batch), ...asArguments(options), '--train',
      String(batch), '--validation', '8', '--test', '8', '--check-train', '8', '--max-steps', '1',
      '--epochs', '10000', '--save', file);
    kiln('export', file, '--format', 'pytorch', '--save', path.join(folder, 'net'));
    exported.set(name, path.join(folder, 'net'));
  }
  return exported.get(name);
}

/** Its steps, with so many threads; `missing` where this machine has no PyTorch. */
export async function pytorch(threads, out) {
  const env = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: '1' };
  const argv = ['/usr/bin/python3', 'tests/bench/peers/torch_steps.py', String(threads)];
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import torch'], { stdio: 'ignore' });
  } catch {
    return { name: 'PyTorch', threads, missing: MISSING };
  }
  const child = new LineProgram('PyTorch', threads === 1 ? pinned(argv) : argv, env);
  const { version } = await child.ask('{}');
  const measure = async (net, seconds) => {
    const folder = net.large ? exportNet(out, net) : undefined;
    return summary(await child.ask(JSON.stringify({ net, seconds, folder })));
  };
  return { name: 'PyTorch', version, threads, large: true, measure, close: () => child.close() };
}

async function openRunners({ browsers, dist, peers, out }) {
  const installed = (name) => fs.existsSync(path.join(peers, name));
  const runners = [];
  for (const threads of [1, 2]) {
    const browser = threads === 1 ? browsers.one : browsers.all;
    runners.push(await pytorch(threads, out));
    runners.push(kilnNative('strict', 'build/native/kiln', threads));
    runners.push(kilnNative('fused', 'build/native/kiln-fused', threads));
    if (threads === 1) runners.push(kilnNode('simd'), kilnNode('relaxed'));
    for (const variant of ['simd', 'relaxed']) {
      runners.push(kilnChromium(`kiln Chromium ${variant}`,
        threads === 1 ? variant : `${variant}-threads`, threads, browser, dist));
    }
    if (threads === 2) continue;
    runners.push(peerChromium('ConvNetJS Chromium', 'convnetjs.js', browser,
      installed('convnetjs')));
    runners.push(peerChromium('TF.js WASM Chromium, patched', 'tfjs.js', browser,
      installed('@tensorflow/tfjs')));
  }
  return runners.filter(Boolean);
}

/** One measurement; a runner that failed at a net is not asked for it again. */
async function ask(runner, result, net, seconds) {
  if (runner.missing || result.failed[net.name] || (net.large && !runner.large)) return null;
  try {
    const { ms, loss } = await runner.measure(net, seconds);
    if (loss) result.loss[net.name] = [result.loss[net.name]?.[0] ?? loss[0], loss[1]];
    return ms;
  } catch (error) {
    result.failed[net.name] = error.message.split('\n')[0].replace(/^page.evaluate: Error: /, '');
    return null;
  }
}

/** What failed; and where the loss did not fall, for a step that trains nothing is none. */
function takeNotes({ runner, loss, failed, notes }) {
  for (const [net, reason] of Object.entries(failed)) notes.push(`${runner}, ${net}: ${reason}`);
  for (const [net, [first, last]] of Object.entries(loss)) {
    if (!(last < first)) notes.push(`${runner}, ${net}: the loss went from ${first} to ${last}`);
  }
}

export async function measureSteps(context) {
  const { rounds, seconds } = context;
  const nets = readNets(context.nets);
  const runners = await openRunners(context);
  const results = runners.map(({ name, threads, missing, version }) => ({
    runner: name, threads, missing, version, ms: {}, loss: {}, failed: {}, notes: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const net of nets) {
      if (net.large && round >= LARGE_ROUNDS) continue;
      for (const [i, runner] of runners.entries()) {
        progress(`steps, round ${round + 1} of ${rounds}: ${net.name}, ${runner.name}`);
        const ms = await ask(runner, results[i], net, seconds);
        if (ms !== null) (results[i].ms[net.name] ??= []).push(ms);
      }
    }
  }
  for (const runner of runners) runner.close?.();
  results.forEach(takeNotes);
  progress('');
  return { rounds, seconds, nets, results };
}
