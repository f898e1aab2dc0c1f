// open.mjs — what kiln exports, opened by the programs it is for: make test-formats.
//
// Each net of exported-nets.mjs is trained for a few steps, exported, and computed for 256 images
// by kiln and by the program that opens the file. Prints a line a net and format; ends with 1 where
// anything differs by more than 1e-4 in a logit, or where a layer kind is in no net.

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { Dataset, Model, ready } from '../../build/dist/index.js';
import { marked } from '../../build/formats/node_modules/marked/lib/marked.esm.js';
import { FOLDER, IMAGES, LIMIT, NETS } from './exported-nets.mjs';
import { runTfjs } from './tfjs.mjs';
import ort from '../../build/formats/node_modules/onnxruntime-web/dist/ort.node.min.mjs';

const run = promisify(execFile);

let failures = 0;
function report(ok, words) {
  if (!ok) failures++;
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${words}`);
}

/** Tensors by name, out of a safetensors file. */
function safetensors(bytes) {
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  return Object.entries(header).filter(([name]) => name !== '__metadata__')
    .map(([name, { data_offsets: [from, to] }]) => [name, new Float32Array(
      Uint8Array.from(bytes.subarray(8 + length + from, 8 + length + to)).buffer)]);
}

function largestDifference(a, b) {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, value, i) => {
    const by = Math.abs(value - b[i]);
    return by <= most ? most : by; // a NaN is the largest
  }, 0);
}

async function exported(checkpoint, name, format, ending) {
  const file = `${FOLDER}/${name}.${format}.${ending}`;
  await run('build/native/kiln', ['export', checkpoint, '--format', format, '--save', file]);
  return file;
}

async function runOnnx(file, input, data) {
  const session = await ort.InferenceSession.create(await readFile(file));
  const { scores, probabilities } = await session.run(
    { [input]: new ort.Tensor('float32', data, [IMAGES, 3, 32, 32]) });
  await session.release();
  return { scores: scores.data, probabilities: probabilities?.data };
}

async function openOnnx({ name, net, normalize }, checkpoint, x, pixels, expected) {
  const checked = [];
  for (const [format, input, data] of [['onnx', 'pixels', pixels], ['onnx-normalized', 'x', x]]) {
    if (format === 'onnx' && normalize === 'mean-image') {
      const refused = await exported(checkpoint, name, format, 'onnx')
        .then(() => 'nothing', ({ stderr }) => stderr);
      report(/mean image/.test(refused), `${name}: onnx is refused: ${refused.trim()}`);
      continue;
    }
    const file = await exported(checkpoint, name, format, 'onnx');
    const { scores, probabilities } = await runOnnx(file, input, data);
    const by = largestDifference(expected, scores);
    report(by <= LIMIT,
      `${name}: ${format} in onnxruntime-web: logits within ${by.toExponential(1)}`);
    const sums = probabilities && Array.from({ length: IMAGES }, (_, n) =>
      probabilities.subarray(10 * n, 10 * n + 10).reduce((a, b) => a + b, 0));
    report(!sums === / svm$/.test(net) && (sums ?? []).every((sum) => Math.abs(sum - 1) < 1e-5),
      `${name}: ${format} gives probabilities behind a softmax alone`);
    checked.push(file);
  }
  return checked;
}

/** A folder for TensorFlow.js, or a sentence that names what it has no layer for. */
async function openTfjs({ name, net, normalize }, checkpoint, pixels, expected) {
  const unknown = /groupnorm/.test(net) ? /tfjs: groupnorm1 cannot leave/
    : normalize === 'mean-image' ? /tfjs: .* mean image/ : null;
  if (unknown) {
    const refused = await exported(checkpoint, name, 'tfjs', 'folder')
      .then(() => 'nothing', ({ stderr }) => stderr);
    report(unknown.test(refused), `${name}: tfjs is refused: ${refused.trim()}`);
    return;
  }
  const scores = await runTfjs(await exported(checkpoint, name, 'tfjs', 'folder'), pixels, IMAGES);
  const by = largestDifference(expected, scores);
  report(by <= LIMIT, `${name}: tfjs in TensorFlow.js: logits within ${by.toExponential(1)}`);
}

/** As many lines as layers, titles and a total, of five cells each; TeX makes a page of it. */
async function openSummaries({ name, net }, checkpoint) {
  const { layers } = Model.summarise(net);
  const html = marked.parse(await readFile(
    await exported(checkpoint, name, 'markdown', 'md'), 'utf8'));
  const count = (tag) => html.split(`<${tag}`).length - 1;
  report(count('table>') === 1 && count('tr>') === layers.length + 2
    && count('th>') + count('th ') === 5 && count('td>') + count('td ') === 5 * (layers.length + 1),
    `${name}: markdown in marked: ${layers.length} layers`);
  const table = await readFile(await exported(checkpoint, name, 'latex', 'tex'), 'utf8');
  const page = `${FOLDER}/${name}.page.tex`;
  await writeFile(page,
    `\\documentclass{article}\\begin{document}\n${table}\\end{document}\n`);
  const { stdout } = await run('pdflatex',
    ['-halt-on-error', '-interaction=nonstopmode', `-output-directory=${FOLDER}`, page])
    .catch((error) => error);
  report(/Output written on .*\(1 page/.test(stdout), `${name}: latex in pdfTeX: a page`);
}

async function open(row, data, pixels) {
  const { name, net, course, normalize = 'channel' } = row;
  const checkpoint = `${FOLDER}/${name}.safetensors`;
  await run('build/native/kiln', ['train', '--net', net, '--train', '640', '--validation', '64',
    '--test', `${IMAGES}`, '--batch', '32', '--epochs', '1', '--seed', '5', '--lr', '0.002',
    '--normalize', normalize, '--save', checkpoint, '--quiet']);
  const weights = await exported(checkpoint, name, 'safetensors', 'safetensors');
  const model = await Model.create(net, { batch: IMAGES });
  for (const [tensor, values] of safetensors(await readFile(weights))) {
    model.setParameter(tensor, values);
  }
  const { x } = data.batch('test', 0, IMAGES, { normalize });
  const expected = model.scores(x).data;
  model.dispose();

  await openSummaries(row, checkpoint);
  await openTfjs(row, checkpoint, pixels, expected);
  const onnx = await openOnnx(row, checkpoint, x.data, pixels, expected);
  const npz = await exported(checkpoint, name, 'npz', 'npz');
  await writeFile(`${FOLDER}/${name}.x`, x.data);
  await writeFile(`${FOLDER}/${name}.scores`, expected);
  const curves = [await exported(checkpoint, name, 'csv', 'csv'),
    await exported(checkpoint, name, 'csv-losses', 'csv'),
    await exported(checkpoint, name, 'json', 'json')];
  const courseFiles = course ? [`${FOLDER}/${name}.x`, `${FOLDER}/${name}.scores`] : ['-', '-'];
  const python = await run('/usr/bin/python3',
    ['tests/formats/open.py', weights, npz, ...courseFiles, ...curves, ...onnx]);
  for (const line of python.stdout.trim().split('\n')) {
    report(line.startsWith('ok '), `${name}: ${line.replace(/^ok /, '')}`);
  }
}

/** Kinds by the rows of src/net, of which each must be in a net above. */
async function checkKinds() {
  const used = new Set(
    NETS.flatMap(({ net }) => Model.summarise(net).layers.map(({ kind }) => kind)));
  for (const file of (await readdir('src/net')).filter((name) => /^kind_.*\.c$/.test(name))) {
    const text = await readFile(`src/net/${file}`, 'utf8');
    for (const [, kind] of text.matchAll(/^ {8}\.name = "(\w+)",$/gm)) {
      report(used.has(kind), `layer kind ${kind} is in a net`);
    }
  }
}

await mkdir(FOLDER, { recursive: true });
await ready();
ort.env.wasm.numThreads = 1;
await checkKinds();
const data = await Dataset.builtin({ train: 640, validation: 64, test: IMAGES });
const pixels = new Float32Array(IMAGES * 3072);
for (let n = 0; n < IMAGES; n++) pixels.set(data.image('test', n).image, n * 3072);
for (const row of NETS) await open(row, data, pixels);
data.dispose();
console.log(failures ? `${failures} failures` : 'all exports open and agree');
process.exit(failures ? 1 : 0);
