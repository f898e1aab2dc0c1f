// measure.mjs — `make bench`: measures, and writes bench.md, bench.json and roofline.svg into
// build/bench.
//
//   --rounds 5                rounds of kernels and steps; figures are medians of them
//   --seconds 0.7             of steps in a round
//   --only kernels,steps,...  these stages alone; the others keep what an earlier run measured
//   --match '512 512'         shapes whose line in the text file contains it
//   --nets W1,W3              networks of the steps
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { launchProfile, openBrowser, openSite } from './browser.mjs';
import { measureKernels } from './kernels.mjs';
import { report } from './report.mjs';
import { rooflineSvg } from './roofline.mjs';
import { measureMemory, measureScaling, measureStart } from './sizes.mjs';
import { measureSteps } from './steps.mjs';
import { describeMachine } from './tools.mjs';

const STAGES = {
  steps: measureSteps,
  kernels: measureKernels,
  scaling: measureScaling,
  memory: measureMemory,
  start: measureStart,
};

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.7' },
    only: { type: 'string', default: Object.keys(STAGES).join(',') },
    match: { type: 'string' },
    nets: { type: 'string' },
    out: { type: 'string', default: 'build/bench' },
    dist: { type: 'string', default: 'build/dist' },
    peers: { type: 'string', default: 'node_modules/.bench-peers/node_modules' },
    chromium: { type: 'string', default: process.env.CHROMIUM || 'chromium' },
  },
});

function positive(name) {
  const value = Number(options[name]);
  if (!(value > 0)) fail(`${name.toUpperCase()}: a number above 0, not "${options[name]}"`);
  return value;
}

function fail(sentence) {
  console.error(`kiln: ${sentence}`);
  process.exit(2);
}

const stages = options.only.split(',');
for (const stage of stages) {
  if (!STAGES[stage]) fail(`ONLY: "${stage}" is none of ${Object.keys(STAGES).join(', ')}`);
}

const { out, dist, peers, chromium } = options;
const site = await openSite({ out, dist, peers });
const context = {
  out, dist, peers, site,
  rounds: positive('rounds'),
  seconds: positive('seconds'),
  match: options.match,
  nets: options.nets?.split(','),
  machine: describeMachine(),
  launchProfile: () => launchProfile(chromium, out),
  browsers: {
    one: await openBrowser(chromium, out, site, { oneCore: true }),
    all: await openBrowser(chromium, out, site, { oneCore: false }),
  },
};
context.machine.chromium = context.browsers.one.version;

/** Stages not asked for keep what an earlier run measured, with its own date and machine. */
const file = path.join(out, 'bench.json');
const results = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
for (const stage of stages) {
  const start = Date.now();
  console.error(`kiln: measuring ${stage} ...`);
  const measured = await STAGES[stage](context);
  results[stage] = { machine: context.machine, date: new Date().toISOString(), ...measured };
  console.error(`kiln: ${stage} took ${Math.round((Date.now() - start) / 1e3)} s`);
  fs.writeFileSync(file, JSON.stringify(results, null, 1));
}
for (const browser of Object.values(context.browsers)) await browser.close();
site.close();

const text = report(results);
fs.writeFileSync(path.join(out, 'bench.md'), text);
if (results.kernels) fs.writeFileSync(path.join(out, 'roofline.svg'), rooflineSvg(results.kernels));
console.log(text);
console.error(`kiln: ${out}/bench.md, bench.json, roofline.svg; \`make bench-readme\` puts them `
  + 'into README.md');
