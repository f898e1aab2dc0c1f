// Puts what `make bench` measured last into README.md, between its markers, and the picture beside
// the page's: `make bench-readme`.
import fs from 'node:fs';

import { busyLine, isBusy, machineLine, ratioTable, stepCaption, stepTable } from './report.mjs';
import { NO_BUILD } from './steps.mjs';

const OUT = 'build/bench';
const START = '<!-- bench: from here on written by make bench-readme -->';
const END = '<!-- bench: to here -->';
const PICTURE = 'web/images/roofline.svg';

if (!fs.existsSync(`${OUT}/bench.json`)) {
  console.error('kiln: nothing was measured yet: make bench');
  process.exit(1);
}
const { steps, kernels } = JSON.parse(fs.readFileSync(`${OUT}/bench.json`, 'utf8'));
if (!steps || !kernels) {
  console.error('kiln: steps and kernels must both have been measured: make bench');
  process.exit(1);
}

// On a busy machine two threads wait for each other: what they give says nothing about anyone.
const threads = isBusy(steps.machine) ? 1 : 2;
const shown = { ...steps,
  results: steps.results.filter((r) => r.threads <= threads && r.missing !== NO_BUILD) };

const section = [
  `Training images a second on ${machineLine(steps.machine)} (${steps.date.slice(0, 10)}):`,
  stepTable(shown),
  ratioTable(shown, { withGoals: false, threads }),
  steps.nets.map(({ name, batch, notation }) => `- ${name}, batch ${batch}: \`${notation}\``)
    .join('\n'),
  stepCaption(steps) + busyLine(steps.machine),
  `![Rooflines of the kernels, native and in Chromium](${PICTURE})`,
].join('\n\n');

const readme = fs.readFileSync('README.md', 'utf8');
const [before, after] = [readme.indexOf(START), readme.indexOf(END)];
if (before < 0 || after < before) {
  console.error(`kiln: README.md has no "${START}" before a "${END}"`);
  process.exit(1);
}
fs.writeFileSync('README.md',
  `${readme.slice(0, before + START.length)}\n\n${section}\n\n${readme.slice(after)}`);
fs.copyFileSync(`${OUT}/roofline.svg`, PICTURE);
console.log(`kiln: README.md and ${PICTURE} show what was measured on ${steps.date.slice(0, 10)}`);
