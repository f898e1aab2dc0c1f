// cite.mjs — what README and the page about recipes say of accuracy is what was measured.
//
//   node tests/accuracy/cite.mjs [--check]
//
// A table between "<!-- measured: NAME -->" and "<!-- measured: to here -->" is written from
// recipes.json and pieces.json beside this file. A figure in a sentence carries its place there,
// "80.3 %<!-- recipes 80-percent.oneView.mean -->", and is written again, with as many digits as it
// has. With --check nothing is written: what differs, and a percentage with a decimal point that
// names no place, is an error.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { row } from './runs.mjs';

const DOCUMENTS = ['README.md', 'web/examples/recipes.md'];
const MEASURED = /(<!-- measured: ([\w-]+) -->\n\n)([^]*?)\n*(<!-- measured: to here -->)/g;
const CITED = /(\d+(?:\.(\d+))?) %<!-- (recipes|pieces) ([\w.-]+) -->/g;
const LOOSE = /\d+\.\d+ %(?!<!-- (?:recipes|pieces) |[^|\n]*\]\(http)/g;

const read = (name) => {
  const file = new URL(`${name}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
};
const json = { recipes: read('recipes'), pieces: read('pieces') };
/** In the place of a table whose file is still to be made. */
const NOTHING = ['Not measured yet: `make pieces` does it.'];
const percent = (share, digits = 2) => (100 * share).toFixed(digits);
const signed = (points) => (points < 0 ? '−' : '+') + Math.abs(points).toFixed(2);

/** Epochs the whole recipe needs for an accuracy in one view, between those that were run. */
function epochsFor(accuracy) {
  const points = json.pieces.curve;
  const right = points.findIndex(({ oneView }) => oneView >= accuracy);
  if (right < 1) return null;
  const [a, b] = [points[right - 1], points[right]];
  return a.epochs + (b.epochs - a.epochs) * (accuracy - a.oneView) / (b.oneView - a.oneView);
}

const TABLES = {
  recipes: () => [
    row('preset', 'seeds', 'one view, %', 'views averaged, %', 'standard deviation',
      'parameters of seed 1'),
    row('---', '---:', '---:', '---:', '---:', '---'),
    ...Object.entries(json.recipes).map(([name, { oneView, averaged, runs }]) => row(`\`${name}\``,
      runs.length, percent(oneView.mean), percent(averaged.mean), percent(averaged.deviation),
      `\`${runs[0].parameterHash}\``)),
  ],
  tabs: () => {
    const runs = Object.entries(json.recipes).filter(([, { tab }]) => tab);
    if (runs.length === 0) return ['Not measured yet: `make recipe-in-tab` does it.'];
    const line = ([name, { tab }]) => row(`\`${name}\``, tab.seed, `\`${tab.parameterHash}\``,
      tab.seconds.toFixed(0), percent(1 - tab.stepping / tab.seconds, 1),
      tab.pytorch?.seconds.toFixed(0) ?? '–',
      tab.pytorch ? (tab.pytorch.seconds / tab.seconds).toFixed(2) : '–',
      `${tab.machine}; Chromium ${tab.chromium.split('.')[0]}`);
    return [
      row('preset', 'seed', 'parameters in the tab', 'seconds', 'of them no steps, %',
        'PyTorch, s', 'PyTorch / kiln', 'machine'),
      row('---', '---:', '---', '---:', '---:', '---:', '---:', '---'),
      ...runs.map(line),
    ];
  },
  pieces: () => {
    if (!json.pieces.whole) return NOTHING;
    const { whole, without, added } = json.pieces;
    const line = (what, one) => row(what, one.sentence, signed(100 * (one.oneView - whole.oneView)),
      signed(100 * (one.sixViews - whole.sixViews)), epochsFor(one.oneView)?.toFixed(1) ?? '–',
      `${(100 * one.speed).toFixed(0)} %`);
    return [
      row('', 'what it is', 'one view, points', 'six views, points', 'as the recipe in epochs',
        'images a second'),
      row('---', '---', '---:', '---:', '---:', '---:'),
      ...without.map((one) => line(`without ${one.name}`, one)),
      ...added.map((one) => line(`with ${one.name}`, one)),
    ];
  },
  curve: () => !json.pieces.curve ? NOTHING : [
    row('epochs', 'one view, %', 'six views, %'),
    row('---:', '---:', '---:'),
    ...json.pieces.curve.map(({ epochs, oneView, sixViews }) =>
      row(epochs, percent(oneView), percent(sixViews))),
  ],
};

/** A document as it should read. */
function written(text, complain) {
  return text
    .replace(MEASURED, (all, head, name, old, end) => {
      if (!TABLES[name]) complain(`there is no table "${name}"`);
      return TABLES[name] ? `${head}${TABLES[name]().join('\n')}\n\n${end}` : all;
    })
    .replace(CITED, (all, figure, decimals = '', file, place) => {
      const value = place.split('.').reduce((at, key) => at?.[key], json[file]);
      if (typeof value !== 'number') complain(`${file}.json has no number at ${place}`);
      else return `${percent(value, decimals.length)} %<!-- ${file} ${place} -->`;
      return all;
    });
}

const check = process.argv.includes('--check');
let errors = 0;
for (const name of DOCUMENTS.filter(existsSync)) {
  const complain = (sentence) => {
    console.error(`${name}: ${sentence}`);
    errors += 1;
  };
  const text = readFileSync(name, 'utf8');
  const right = written(text, complain);
  if (!check) writeFileSync(name, right);
  else {
    const lines = right.split('\n');
    text.split('\n').forEach((line, i) => {
      if (line !== lines[i]) {
        complain(`line ${i + 1} is not what was measured: node tests/accuracy/cite.mjs`);
      }
    });
    const prose = right.replace(MEASURED, '');
    for (const [figure] of prose.matchAll(LOOSE)) complain(`"${figure}" names no measurement`);
  }
}
if (errors > 0) process.exit(1);
if (check) console.log('figures of accuracy: no errors');
