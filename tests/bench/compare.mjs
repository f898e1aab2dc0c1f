// compare.mjs --with=CHECKOUT — whole training steps of this build and of another checkout's, in
// turn in one run: what did a change cost or win? (make bench-compare WITH=../before)
//
//   --rounds=5 --seconds=0.7 --nets=W1,W3 --only=native,chromium --threads=1,2
//
// Without --nets those of presets, whose steps take seconds, are left out.
//
// A figure is the median over the rounds of the ratio of one round, the other's time by this one's:
// above 1 this build is faster. The order of the two changes from round to round.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { openBrowser, openSite } from './browser.mjs';
import { readNets } from './nets.mjs';
import { kilnBench } from './steps.mjs';
import { median, progress } from './tools.mjs';

const { values: given } = parseArgs({ options: {
  with: { type: 'string' }, rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '0.7' }, nets: { type: 'string' },
  only: { type: 'string', default: 'native,chromium' },
  threads: { type: 'string', default: '1,2' } } });
const OUT = 'build/bench';

if (!given.with || !fs.existsSync(path.join(given.with, 'build/native/kiln'))) {
  console.error('usage: make bench-compare WITH=CHECKOUT, another checkout that was built there');
  process.exit(2);
}

function nativeRunner(mode, threads) {
  const binary = mode === 'strict' ? 'build/native/kiln' : 'build/native/kiln-fused';
  const programs = [binary, path.join(given.with, binary)];
  if (!programs.every((file) => fs.existsSync(file))) return null;
  return {
    name: `native ${mode}`, threads,
    measure: (side, net, seconds) =>
      kilnBench(programs[side], threads, net, seconds).medianStepMs,
  };
}

/** A browser for each side: the page of a site loads the bindings of its own checkout. */
async function openSides(oneCore) {
  return Promise.all(['.', given.with].map(async (root, side) => {
    const out = path.join(OUT, `side${side}-${oneCore ? 'one' : 'all'}`);
    fs.mkdirSync(out, { recursive: true });
    const site = await openSite({ out, dist: path.join(root, 'build/dist'), peers: out });
    const browser = await openBrowser(process.env.CHROMIUM, out, site, { oneCore });
    return { ...browser, close: async () => { await browser.close(); site.close(); } };
  }));
}

async function chromiumRunners(threads) {
  const sides = await openSides(threads === 1);
  const close = () => Promise.all(sides.map((side) => side.close()));
  const runners = ['simd', 'relaxed'].map((mode) => {
    const variant = threads === 1 ? mode : `${mode}-threads`;
    const measure = async (side, net, seconds) => {
      const script = `/tests/kiln_worker.js?${variant}-${threads}`;
      const message = { task: 'step', variant, threads, net, seconds };
      return median((await sides[side].ask(script, 'module', message)).times);
    };
    return { name: `Chromium ${mode}`, threads, measure };
  });
  return { runners, close };
}

async function openRunners(threads) {
  const runners = [];
  const open = [];
  if (given.only.includes('native')) {
    runners.push(nativeRunner('strict', threads), nativeRunner('fused', threads));
  }
  if (given.only.includes('chromium')) {
    const chromium = await chromiumRunners(threads);
    runners.push(...chromium.runners);
    open.push(chromium);
  }
  const close = () => Promise.all(open.map((one) => one.close()));
  return { runners: runners.filter(Boolean), close };
}

/** The other's time by this build's, of one round. */
async function ratio(runner, net, round) {
  const ms = [0, 0];
  for (const side of round % 2 ? [1, 0] : [0, 1]) {
    ms[side] = await runner.measure(side, net, Number(given.seconds));
  }
  return ms[1] / ms[0];
}

const nets = readNets(given.nets?.split(',')).filter(({ large }) => given.nets || !large);
console.log(`| speed by that of ${given.with} | threads | ${
  nets.map(({ name }) => name).join(' | ')} |\n| --- | ---: |${' ---: |'.repeat(nets.length)}`);
for (const threads of given.threads.split(',').map(Number)) {
  const { runners, close } = await openRunners(threads);
  const ratios = runners.map(() => nets.map(() => []));
  for (let round = 0; round < Number(given.rounds); round++) {
    for (const [n, net] of nets.entries()) {
      for (const [r, runner] of runners.entries()) {
        progress(`round ${round + 1} of ${given.rounds}: ${net.name}, ${runner.name}`);
        ratios[r][n].push(await ratio(runner, net, round));
      }
    }
  }
  progress('');
  for (const [r, { name }] of runners.entries()) {
    const cells = ratios[r].map((list) => median(list).toFixed(3));
    console.log(`| ${name} | ${threads} | ${cells.join(' | ')} |`);
  }
  await close();
}
