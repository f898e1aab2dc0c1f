// steps.mjs [--rounds 5] [--seconds 1] [--nets W1,W2,W3] [--out build/bench] — whole training steps, kiln and its peers.
//
// Every runner that is installed is asked in turn, round after round, so that a slow minute of the machine falls on all of
// them; the figure is the median of the rounds. Ratios within one run are what counts. One thread is one pinned core.
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { parseArgs } from 'node:util';

import { openBrowser } from './browser.mjs';
import { readNets } from './nets.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    nets: { type: 'string', default: 'W1,W2,W3' },
    out: { type: 'string', default: 'build/bench' },
    peers: { type: 'string', default: 'node_modules/.bench-peers' },
    chromium: { type: 'string', default: process.env.CHROMIUM || '/usr/bin/chromium' },
  },
});
const seconds = Number(options.seconds);

/** A program that answers one JSON line for each it is given; pinned to one core for one thread. */
function lineRunner(name, threads, command, env = {}) {
  const argv = threads === 1 ? ['taskset', '-c', '1', ...command] : command;
  const child = spawn(argv[0], argv.slice(1), {
    stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const greeting = lines.next();
  return {
    name,
    threads,
    async measure(net) {
      await greeting;
      child.stdin.write(`${JSON.stringify({ net, seconds })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name} ended`);
      return JSON.parse(value).imagesPerSecond;
    },
    close: () => child.stdin.end(),
  };
}

/** kiln's own program: `kiln bench --json` ends with one line that holds imagesPerSecond. */
function kilnNative(binary, mode, threads) {
  return {
    name: `kiln native ${mode}`,
    threads,
    async measure({ notation, batch }) {
      const command = [path.resolve(binary), 'bench', '--json', '--net', notation, '--batch', String(batch),
        '--seconds', String(seconds), '--threads', String(threads), '--optimizer', 'momentum'];
      const argv = threads === 1 ? ['taskset', '-c', '1', ...command] : command;
      const text = execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return JSON.parse(text.trim().split('\n').at(-1)).imagesPerSecond;
    },
    close() {},
  };
}

function workerRunner(browser, name, script, type, message = {}) {
  return {
    name,
    threads: 1,
    measure: async (net) => (await browser.ask(script, type, { ...message, net, seconds })).imagesPerSecond,
    close() {},
  };
}

async function openRunners() {
  const runners = [];
  for (const threads of [1, 2]) {
    for (const [binary, mode] of [['build/native/kiln', 'strict'], ['build/native/kiln-fused', 'fused']]) {
      if (fs.existsSync(binary)) runners.push(kilnNative(binary, mode, threads));
    }
  }
  const python = ['/usr/bin/python3', 'tests/bench/peers/torch_steps.py'];
  if (fs.existsSync('/usr/lib/python3/dist-packages/torch')) {
    runners.push(lineRunner('PyTorch', 1, [...python, '1'], { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }));
    runners.push(lineRunner('PyTorch', 2, [...python, '2'], { OPENBLAS_NUM_THREADS: '1' }));
  }
  const browser = await openBrowser(options.chromium, path.join(options.out, 'www'), {
    dist: 'build/dist', peers: 'tests/bench/peers', node_modules: path.join(options.peers, 'node_modules') });
  for (const variant of ['simd', 'relaxed']) {
    runners.push(workerRunner(browser, `kiln Chromium ${variant}`, `/peers/kiln.js?${variant}`, 'module', { variant }));
  }
  if (fs.existsSync(path.join(options.peers, 'node_modules/convnetjs'))) {
    runners.push(workerRunner(browser, 'ConvNetJS Chromium', '/peers/convnetjs.js', 'classic'));
  }
  if (fs.existsSync(path.join(options.peers, 'node_modules/@tensorflow/tfjs'))) {
    runners.push(workerRunner(browser, 'TF.js WASM, patched', '/peers/tfjs.js', 'classic'));
  }
  return { runners, browser };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

function table(results, nets) {
  const rows = [['runner', 'threads', ...nets.map((net) => net.name)]];
  for (const { runner, threads, rates } of results) {
    rows.push([runner, String(threads), ...nets.map(({ name }) =>
      rates[name].length ? median(rates[name]).toFixed(0) : '–')]);
  }
  const line = (row) => `| ${row.join(' | ')} |`;
  return [line(rows[0]), line(rows[0].map(() => '---')), ...rows.slice(1).map(line)].join('\n');
}

const nets = readNets().filter(({ name }) => options.nets.split(',').includes(name));
const { runners, browser } = await openRunners();
const results = runners.map(({ name, threads }) => ({
  runner: name, threads, rates: Object.fromEntries(nets.map((net) => [net.name, []])) }));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const net of nets) {
    for (const [i, runner] of runners.entries()) {
      if (runner.failed?.has(net.name)) continue;
      try {
        results[i].rates[net.name].push(await runner.measure(net));
      } catch (error) {
        (runner.failed ??= new Set()).add(net.name);
        console.error(`${runner.name}, ${net.name}: ${error.message.split('\n')[0]}`);
      }
    }
  }
}
for (const runner of runners) runner.close();
await browser.close();

const machine = { cpu: os.cpus()[0].model, cores: os.cpus().length, chromium: browser.version };
fs.mkdirSync(options.out, { recursive: true });
fs.writeFileSync(path.join(options.out, 'steps.json'), JSON.stringify({ machine, nets, results }, null, 1));
console.log(`Training images a second, median of ${options.rounds} rounds of ${seconds} s; ${machine.cpu}, `
  + `${machine.cores} cores, Chromium ${machine.chromium}\n`);
console.log(table(results, nets));
