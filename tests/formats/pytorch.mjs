// pytorch.mjs — what kiln exports for PyTorch, run by Debian's PyTorch: make test-formats.
//
// 1. Each net of exported-nets.mjs, and each update rule, schedule and augmentation between them,
//    is trained a little and exported; `train.py --check` then compares logits and 20 losses.
//    Between them they set every option that train.py follows, and every choice of each.
// 2. A run that is interrupted in its epoch goes on in PyTorch, from CIFAR's files, as kiln's own
//    does: the same losses, by one process and by two (torchrun). On other data sets, too
//    (other-sets.mjs), and what does not fit the net is refused.
// 3. What PyTorch then has is read back by kiln, which gets the accuracy that PyTorch told.
//
// Prints a line a check and ends with 1 where one fails.

import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

import { FOLDER, NETS } from './exported-nets.mjs';
import { OTHER_SETS } from './other-sets.mjs';

const run = promisify(execFile);
const KILN = 'build/native/kiln';
const PYTHON = '/usr/bin/python3';
const DATA = `${FOLDER}/builtin`;
const SMALL = ['--train', '640', '--validation', '64', '--test', '64', '--seed', '5', '--quiet'];

let failures = 0;
function report(ok, words) {
  if (!ok) failures++;
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${words}`);
}

/** What the options of a run add to the nets: all rules, schedules and augmentations. */
const WHITENED = 'whiten 2x2 - gelu - conv 3x3x8 - maxpool 3 - affine 10 - softmax';
const TRAINED = [
  ['--optimizer', 'sgd', '--lr', '0.05', '--reg', '0.001', '--schedule', 'constant'],
  ['--optimizer', 'momentum', '--lr', '0.005', '--schedule', 'cosine', '--warmup', '0.5'],
  ['--optimizer', 'nesterov', '--lr', '0.005', '--schedule', 'linear', '--warmup', '0.2',
    '--start-lr', '0.1', '--final-lr', '0.2', '--momentum', '0.8', '--weight-decay', '0.01'],
  ['--optimizer', 'rmsprop', '--lr', '0.0005', '--schedule', 'step', '--decay-every', '3',
    '--lr-decay', '0.7', '--clip', '0.5', '--decay-rate', '0.9', '--eps', '0.00001'],
  ['--optimizer', 'adam', '--lr', '0.002', '--schedule', 'exponential', '--lr-decay', '0.9',
    '--beta1', '0.8', '--beta2', '0.99', '--weight-decay', '0.01'],
  ['--optimizer', 'adamw', '--lr', '0.002', '--weight-decay', '0.05', '--bias-lr', '4'],
  ['--optimizer', 'muon', '--lr', '0.002', '--weight-decay', '0.01', '--draw', 'replacement'],
  ['--augment', 'flip,crop4', '--lr', '0.002'],
  ['--augment', 'altflip,crop3,reflect,brightness20,contrast30,cutout8', '--lr', '0.002'],
  ['--freeze', 'conv1,batchnorm1.gamma,*.b', '--optimizer', 'adam', '--weight-decay', '0.01',
    '--bias-decay', '1', '--reg', '0.001', '--clip', '1', '--lr', '0.002'],
  ['--lookahead', '3', '--lookahead-decay', '0.9', '--optimizer', 'nesterov', '--lr', '0.005'],
  ['--filter-lr', '2', '--head-lr', '0.5', '--head-decay', '3', '--filter-decay', '0.5',
    '--bias-decay', '0.1', '--weight-decay', '0.01', '--lr', '0.002'],
  ['--whiten-epochs', '4.5', '--net', WHITENED, '--optimizer', 'momentum', '--lr', '0.005'],
];
const NET = 'conv 3x3x8 - batchnorm - relu - maxpool 2 - conv 3x3x8 - relu - maxpool 4 - '
  + 'affine 10 - softmax';

async function exported(name, options) {
  const checkpoint = `${FOLDER}/${name}.pytorch.safetensors`, folder = `${FOLDER}/${name}.pytorch`;
  await rm(folder, { recursive: true, force: true });
  await run(KILN, ['train', ...SMALL, '--save', checkpoint, ...options]);
  await run(KILN, ['export', checkpoint, '--format', 'pytorch', '--save', folder]);
  return { checkpoint, folder };
}

async function compare(name, options) {
  const { folder } = await exported(name, options);
  const { stdout, stderr, code = 0 } = await run(PYTHON, [`${folder}/train.py`, '--check'])
    .catch((error) => error);
  const said = (stdout + (code ? stderr : '')).trim().replaceAll('\n', '; ');
  report(code === 0 && /logits: within .*losses: within/.test(said), `${name}: ${said}`);
}

/** Steps and losses of kiln's own going on, or of PyTorch's. */
function losses(stdout) {
  return stdout.split('\n').filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line)).filter(({ step, loss }) => step > 0 && loss !== undefined)
    .map(({ step, loss }) => [step, loss]);
}

function farthest(a, b) {
  if (a.length === 0 || a.length !== b.length) return Infinity;
  return Math.max(...a.map(([step, loss], i) =>
    b[i][0] === step ? Math.abs(loss / b[i][1] - 1) : Infinity));
}

async function goOn() {
  const net = 'conv 3x3x8 - relu - maxpool 2 - conv 3x3x8 - groupnorm 2 - relu - maxpool 4 - '
    + 'affine 10 - softmax';
  await run(KILN, ['data', 'builtin', '--train', '640', '--validation', '64', '--test', '64',
    '--save', DATA]);
  const set = ['--data', DATA, '--validation', '64'];
  const { checkpoint, folder } = await exported('going-on', ['--net', net, ...set, '--batch', '32',
    '--epochs', '1.5', '--augment', 'flip,crop4', '--max-steps', '7', '--lr', '0.002']);
  const end = ['--max-steps', '0'];
  const own = losses((await run(KILN, ['train', '--resume', checkpoint, ...set, ...end,
    '--train', '640', '--test', '64', '--json', '--quiet'])).stdout);
  // Debian 12's torchrun, of 1.13 on Python 3.11, wants to be told where the output goes.
  const torchrun = ['torchrun', '--standalone', '--nproc_per_node=2', '--redirects', '1', '--tee',
    '1'];
  for (const start of [[PYTHON], torchrun]) {
    const { stdout, stderr } = await run(start[0], [...start.slice(1), 'train.py',
      '--data', '../builtin', '--max-steps', '0', '--json'],
    { cwd: folder, env: { ...process.env, OMP_NUM_THREADS: '1' } }).catch((error) => error);
    const by = farthest(losses(stdout.replaceAll('[default0]:', '')), own);
    report(by <= 1e-3, `${start.join(' ')}: ${own.length} losses within ${by.toExponential(1)} of `
      + `kiln's own; ${stdout.trim().split('\n').at(-1)}${by <= 1e-3 ? '' : stderr}`);
    const told = Number(/test ([\d.]+)/.exec(stdout)?.[1]);
    await readBack(folder, told, [...set, '--net', net]);
  }
}

/** What train.py wrote, with a step that changes next to nothing. */
async function readBack(folder, told, options) {
  const { stdout } = await run(KILN, ['train', '--init-from', `${folder}/trained.safetensors`,
    ...options, '--epochs', '1', '--max-steps', '1', '--lr', '1e-12', '--json', '--quiet']);
  const { testAccuracy } = JSON.parse(stdout.trim().split('\n').at(-1));
  report(Math.abs(testAccuracy - told) < 1e-3,
    `kiln reads it back: test accuracy ${testAccuracy}, PyTorch said ${told}`);
}

/** The losses of the rest of an epoch and a half, by kiln and by PyTorch from the same files. */
async function goOnWith({ name, files, net, options }) {
  const data = await files(resolve(FOLDER, 'sets', name));
  const set = ['--data', data, '--seed', '5', '--quiet'];
  const checkpoint = `${FOLDER}/on-${name}.safetensors`, folder = `${FOLDER}/on-${name}`;
  await rm(folder, { recursive: true, force: true });
  await run(KILN, ['train', ...set, '--net', net, '--batch', '32', '--epochs', '1.5', '--lr',
    '0.002', '--max-steps', '5', ...options, '--save', checkpoint]);
  await run(KILN, ['export', checkpoint, '--format', 'pytorch', '--save', folder]);
  const own = losses((await run(KILN, ['train', '--resume', checkpoint, ...set, ...options,
    '--max-steps', '0', '--json'])).stdout);
  const { stdout, stderr } = await run(PYTHON, ['train.py', '--data', data,
    '--max-steps', '0', '--json'], { cwd: folder }).catch((error) => error);
  const by = farthest(losses(stdout), own);
  report(by <= 1e-3, `${name}: ${own.length} losses within ${by.toExponential(1)} of kiln's own; `
    + `${stdout.trim().split('\n').at(-1)}${by <= 1e-3 ? '' : stderr}`);
  await readBack(folder, Number(/test ([\d.]+)/.exec(stdout)?.[1]), [...set, ...options]);
  const wrong = await run(PYTHON, [`${folder}/train.py`, '--data', DATA])
    .then(() => 'nothing', (error) => error.stderr.trim());
  report(/builtin: 10 classes of images of \[3, 32, 32\]; the net has \d+ of \[/.test(wrong),
    `${name}: other data are refused: ${wrong.split('\n').at(-1)}`);
}

const except = (names) => (names.length ? `, but not ${names.join(', ')}` : '');

/** What kiln.py says it follows, and of each choice all, is set in a run that was compared. */
async function checkOptions() {
  const { options } = JSON.parse(await readFile(`${FOLDER}/going-on.pytorch/run.json`, 'utf8'));
  const { stdout } = await run(PYTHON, ['-c', 'import json, kiln; print(json.dumps('
    + '[kiln.FOLLOWED, kiln.CHOICES, kiln.AUGMENTATIONS]))'],
  { cwd: `${FOLDER}/going-on.pytorch` });
  const [followed, choices, augmentations] = JSON.parse(stdout);
  const used = Object.fromEntries(followed.map((name) => [name, new Set([options[name]])]));
  for (const row of [...TRAINED, ...OTHER_SETS.map((set) => set.options), ...NETS.map(
    ({ normalize = 'channel' }) => ['--normalize', normalize])]) {
    for (let i = 0; i < row.length; i += 2) used[row[i].slice(2)]?.add(row[i + 1]);
  }
  for (const [name, values] of Object.entries(choices)) {
    const left = values.filter((value) => !used[name].has(value));
    report(left.length === 0, `${name}: every choice is compared${except(left)}`);
  }
  const words = [...used.augment].flatMap((list) => list.split(','))
    .map((word) => word.replace(/\d+$/, ''));
  const missing = augmentations.filter((word) => word !== 'none' && !words.includes(word));
  report(missing.length === 0, `every augmentation is compared${except(missing)}`);
  // All runs set these; dropout's draws are PyTorch's own, so that --check is without.
  const always = ['train', 'validation', 'test', 'seed', 'epochs', 'batch', 'max-steps', 'dropout'];
  const left = followed.filter((name) => !always.includes(name) && used[name].size < 2);
  report(left.length === 0, `every option that train.py follows is set in a run${except(left)}`);
}

await mkdir(FOLDER, { recursive: true });
for (const { name, net, normalize = 'channel' } of NETS) {
  await compare(name, ['--net', net, '--normalize', normalize, '--batch', '32', '--epochs', '1',
    '--lr', '0.002']);
}
for (const options of TRAINED) {
  await compare(options.slice(0, 2).join('-').replace(/^--|,/g, ''),
    ['--net', NET, '--batch', '32', '--epochs', '1', ...options]);
}
await goOn();
for (const set of OTHER_SETS) await goOnWith(set);
await checkOptions();
console.log(failures ? `${failures} failures` : 'PyTorch agrees with kiln');
process.exit(failures ? 1 : 0);
