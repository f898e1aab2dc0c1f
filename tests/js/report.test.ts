// kiln report: logs as a table, CSV, JSON, SVG and a page; strange files among them.

import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { kiln } from './program.js';

const NET = 'affine 10 - softmax';
let folder: string;
const at = (name: string) => join(folder, name);
/** Three runs that are done, by their validation accuracy the best first, and two that failed. */
let done: string[];
const failed = () => [at('diverged.json'), at('refused.json')];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-report-'));
  const common = ['--net', NET, '--train', '300', '--validation', '100', '--test', '50'];
  const accuracy: [number, string][] = [];
  for (const lr of ['0.00001', '0.01', '0.0003']) {
    const { events } = await kiln('train', ...common, '--lr', lr, '--epochs', '3', '--json',
      '--quiet', '--log', at(`${lr}.json`));
    accuracy.push([Number(events.at(-1)!.valAccuracy), at(`${lr}.json`)]);
  }
  done = accuracy.sort(([a], [b]) => b - a).map(([, path]) => path);
  await kiln('train', ...common, '--optimizer', 'sgd', '--lr', '1000', '--schedule', 'constant',
    '--net', 'affine 50 - affine 50 - affine 10 - svm', '--epochs', '50', '--quiet', '--log',
    at('diverged.json'));
  await kiln('train', ...common, '--lr', '-1', '--quiet', '--log', at('refused.json'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the table is sorted, shows what differs, the best options, and the failures', async () => {
  const { code, out } = await kiln('report', ...failed(), ...[...done].sort());
  expect(code).toBe(0);
  const [head, ...lines] = out.split('\n');
  expect(head).toMatch(/^ +# +validation +test +epochs +seconds +lr( +\S+)* +file$/);
  expect(lines.slice(0, 3).map((line) => line.split(/ +/).at(-1))).toEqual(done);
  expect(out).toMatch(/best: .*\n {2}kiln train --net "affine 10 - softmax" --train 300 /);
  expect(out).toMatch(/\n {2}kiln train .* --lr [\d.e-]+/); // as runs differ in it, also the usual
  expect(out).toMatch(/diverged\.json: exit code 6: .*step/);
  expect(out).toMatch(/refused\.json: exit code 2: lr: "-1"/);
});

test('--json and --csv tell the same, sorted', async () => {
  const { events } = await kiln('report', ...failed(), ...done, '--json');
  expect(events.at(-1)).toEqual({ event: 'done', runs: 5, done: 3, failed: 2, open: 0 });
  const runs = events.slice(0, -1);
  expect(runs.map(({ file }) => file)).toEqual([...done, ...failed()]);
  for (const [i, path] of done.entries()) {
    const lines = (await readFile(path, 'utf8')).trim().split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const { options } = lines.find(({ event }) => event === 'begin')!;
    const end = lines.at(-1)!;
    expect(runs[i]).toMatchObject({ state: 'done', valAccuracy: end.valAccuracy, options,
      testAccuracy: end.testAccuracy, parameterHash: end.parameterHash, mode: 'strict' });
    expect(runs[i]!.epochs).toEqual(lines.filter(({ event }) => event === 'epoch')
      .map(({ epoch, trainLoss, trainAccuracy, valAccuracy }) =>
        ({ epoch, trainLoss, trainAccuracy, valAccuracy })));
  }
  const { out } = await kiln('report', ...failed(), ...done, '--csv');
  const [head, ...rows] = out.trim().split('\n');
  const columns = head!.split(',');
  expect(columns).toEqual(expect.arrayContaining(['file', 'reason', 'valAccuracy', 'net', 'lr']));
  expect(rows.slice(0, 3).map((row) => Number(row.split(',')[columns.indexOf('valAccuracy')])))
    .toEqual(runs.slice(0, 3).map(({ valAccuracy }) => valAccuracy));
  expect(rows[4]).toMatch(/^[^"]*refused\.json,failed,2,"lr: ""-1"" is not a number/);
});

test('what kiln train --json printed is a log as well', async () => {
  const { out } = await kiln('train', '--net', NET, '--train', '100', '--validation', '40',
    '--test', '20', '--epochs', '2', '--json', '--quiet');
  await writeFile(at('printed'), out);
  const { events } = await kiln('report', at('printed'), '--json');
  expect(events[0]).toMatchObject({ state: 'done', options: { net: NET },
    epochs: [{ epoch: 1 }, { epoch: 2 }] });
});

test('--html and --svg are whole, need nothing else, and hold names as text', async () => {
  const evil = 'a<script>alert(1)</script>&\u0022.json';
  const strange = at(evil.replace('/', ' '));
  await writeFile(strange, '{"event":"failed","exit":1,"reason":"<b>&\\u0001"}\n');
  const files = [...done, ...failed(), strange];
  const { code } = await kiln('report', ...files, '--html', at('r.html'), '--svg', at('r.svg'));
  expect(code).toBe(0);
  const html = await readFile(at('r.html'), 'utf8');
  expect(html).not.toMatch(/<script|<b>|<link|<img|src=|url\(|@import|\u0001/);
  expect(html).toContain('a&lt;script&gt;alert(1)&lt; script&gt;&amp;&quot;.json');
  expect(html).toContain('&lt;b&gt;&amp; ');
  expect(html).toMatch(/color-scheme:light dark/);
  expect(html).toMatch(/prefers-color-scheme:dark/);
  const balance = (text: string, tag: string) =>
    [text.split(`<${tag}`).length, text.split(`</${tag}>`).length];
  for (const tag of ['svg', 'table', 'tr', 'td', 'pre', 'body', 'html', 'text']) {
    const [open, closed] = balance(html, tag);
    expect([tag, open]).toEqual([tag, closed]);
    expect([tag, open! > 1]).toEqual([tag, true]);
  }
  const svg = await readFile(at('r.svg'), 'utf8');
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  for (const path of done) { // a point for each of three epochs
    const curve = svg.split(`<title>${path}</title><path d="`)[1]!.split('"')[0]!;
    expect(curve).toMatch(/^M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
  }
  const { out } = await kiln('report', ...files, '--svg', '-');
  expect(out).toBe(svg);
});

test.each([
  ['empty', '', /is empty/],
  ['no JSON', 'hello\n', /line 1: byte 1/],
  ['another JSON', '{"a":1}\n', /line 1: is no line of kiln train/],
  ['an array', '[1]\n', /line 1/],
  ['no end', '{"event":"run","command":["train"]}\n', /has no end/],
  ['cut short', '{"event":"run","command":["train"]}\n{"event":"done","valAcc', /has no end/],
  ['an accuracy of 2', '{"event":"done","valAccuracy":2}\n', /outside of 0\.\.1/],
  ['an accuracy that is text', '{"event":"done","valAccuracy":"1"}\n', /line 1/],
  ['more behind the line', '{"event":"done"} {}\n', /line 1/],
  ['options of two lines', '{"event":"begin","options":{"net":"a\\nlr=1"}}\n', /one line/],
  ['options that are numbers', '{"event":"begin","options":{"lr":1}}\n', /line 1/],
  ['a long reason', `{"event":"failed","reason":"${'x'.repeat(5000)}"}\n`, /line 1/],
  ['deep', `{"event":"done","x":${'['.repeat(100)}${']'.repeat(100)}}\n`, /line 1/],
  ['no epoch number', '{"event":"epoch","trainLoss":1}\n', /an epoch without a number/],
  ['half an epoch', '{"event":"epoch","epoch":1.5}\n', /line 1.*whole number/],
  ['an epoch beyond the last', '{"event":"epoch","epoch":10001}\n', /line 1.*in its range/],
  ['an exit code beyond the last', '{"event":"failed","exit":256}\n', /line 1.*in its range/],
  ['no UTF-8', Buffer.from('{"event":"done","mode":"\xff"}\n', 'latin1'), /line 1/],
])('a file that is %s is a failure with a reason, and stops no other', async (_, text, reason) => {
  await writeFile(at('strange'), text);
  const { code, events } = await kiln('report', at('strange'), at('not-there'), done[0]!, '--json');
  expect(code).toBe(0);
  expect(events[0]).toMatchObject({ file: done[0], state: 'done' });
  expect(events[1]).toMatchObject({ file: at('strange'), reason: expect.stringMatching(reason) });
  expect(events[2]).toMatchObject({ file: at('not-there'), state: 'failed' });
});

test('what a log says is text of one line, in every form of the report', async () => {
  await writeFile(at('odd'), '{"event":"begin","net":null}\n' +
    '{"event":"begin","net":"a\\nb","data":"x\\u001b[31m"}\n' +
    '{"event":"failed","exit":6,"reason":"one\\ntwo\\u007f","mode":"m,\\"",' +
    '"parameterHash":"<b>"}\n');
  await writeFile(at('odd-done'), '{"event":"done","parameterHash":"<b>,"}\n');
  const { events } = await kiln('report', at('odd'), '--json');
  expect(events[0]).toMatchObject({ reason: 'one two ', exit: 6, options: { net: 'a b' },
    data: 'x [31m' });
  const line = at('two\nlines \u001b[31m');
  await writeFile(line, '{"event":"failed"}\n');
  const { out } = await kiln('report', at('odd'), at('odd-done'), line);
  expect(out).toMatch(/\n {2}\S+two\?lines \?\[31m: /);
  expect(out).not.toMatch(/[^\n -~]/);
  expect(out).toMatch(/exit code 6: one two \n/);
  const csv = await kiln('report', at('odd'), '--csv');
  expect(csv.out.split('\n')[1])
    .toBe(`${at('odd')},failed,6,one two ,,,0,,,<b>,"m,""",x [31m,a b`);
  const html = await kiln('report', at('odd'), at('odd-done'), '--html', '-');
  expect(html.out).toContain('<code>&lt;b&gt;,</code>');
  expect(html.out).not.toMatch(/<b>/);
});

test('a log that is given twice, by whatever name, counts once', async () => {
  const [first = ''] = done;
  await symlink(first, at('again.json'));
  const { code, err, events } =
    await kiln('report', ...done, first, at('again.json'), '--json');
  expect(code).toBe(0);
  expect(events.slice(0, -1).map(({ file }) => file)).toEqual(done);
  expect(events.at(-1)).toMatchObject({ runs: done.length });
  expect(err.split('\n')).toEqual([`kiln report: ${first} is given twice, and counts once`,
    `kiln report: ${at('again.json')} is given twice, and counts once`, '']);
});

test('no files, no logs, and two that want stdout are told', async () => {
  const none = await kiln('report');
  expect([none.code, none.err]).toEqual([2, expect.stringMatching(/which logs\?/)]);
  await writeFile(at('strange'), 'hello\n');
  const bad = await kiln('report', at('strange'));
  expect([bad.code, bad.err]).toEqual([3, expect.stringMatching(/no log among these files/)]);
  const two = await kiln('report', done[0]!, '--json', '--svg', '-');
  expect([two.code, two.err]).toEqual([2, expect.stringMatching(/can have stdout/)]);
});
