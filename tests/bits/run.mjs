// run.mjs VARIANT... — equal bits: the same seed gives the same weights on every build.
//
// Trains six nets for 30 steps with each native program build/bits/VARIANT/kiln, where VARIANT is
// COMPILER-LANES-MODE, with 1, 2, 4 and 8 threads, and with the WebAssembly builds in this Node,
// the threaded ones with as many. All hashes of one net and one mode must be equal; strict and
// fused must differ, or one of them is not what it says.

import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { load } from '../../build/dist/wasm.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STEPS = 30;
const THREADS = [2, 4, 8];
const WASM = { simd: 'strict', relaxed: 'fused' };
// No validation images, hence no best parameters that could stand in for the last.
const DATA = { 'data-seed': 7, train: 300, validation: 0, test: 20 };
const COMMON = { seed: 11, batch: 16, epochs: 5, 'max-steps': STEPS, 'check-train': 20 };

const NETS = {
  'fully connected': {
    net: '[affine 64 - batchnorm - relu - dropout 0.3]x2 - affine 10 - softmax',
    optimizer: 'adam',
    lr: 0.002,
    draw: 'replacement',
    schedule: 'exponential',
  },
  convnet: {
    net: 'conv 5x5x8 - relu - maxpool 2 - conv 3x3x12 - tanh - maxpool 2 - affine 24 - gelu - '
      + 'affine 10 - svm',
    optimizer: 'momentum',
    lr: 0.003,
    reg: 0.001,
    schedule: 'onecycle',
    normalize: 'mean-image',
    init: 'gaussian 0.01',
    augment: 'flip,crop4,cutout8',
  },
  residual: {
    net: 'conv 3x3x16 stride 2 - groupnorm 4 - relu - residual(conv 3x3x16 - groupnorm 4 - relu - '
      + 'conv 3x3x16 - groupnorm 4) - relu - avgpool - affine 10 - softmax smoothing 0.1',
    optimizer: 'rmsprop',
    lr: 0.003,
    'weight-decay': 0.01,
    clip: 1,
    schedule: 'cosine',
    warmup: 0.5,
    augment: 'flip,crop2,reflect',
  },
  matrices: {
    net: 'conv 3x3x12 nobias - batchnorm fixed - silu - maxpool 2 - conv 5x5x8 - prelu - '
      + 'maxpool 2 - affine 40 - relu - affine 10 nobias - scale 0.5 - softmax',
    optimizer: 'muon',
    lr: 0.01,
    'weight-decay': 0.001,
    schedule: 'cosine',
  },
  'frozen in part': {
    net: 'conv 5x5x8 - batchnorm - relu - maxpool 2 - conv 3x3x16 - prelu - conv 3x3x16 - relu - '
      + 'maxpool 2 - affine 20 - layernorm - affine 10 - softmax',
    optimizer: 'adamw',
    lr: 0.003,
    'weight-decay': 0.01,
    freeze: 'conv1,conv2,prelu1,*norm1.beta,affine1.w',
  },
  recipe: {
    net: 'whiten 2x2 - gelu - conv 3x3x8 nobias - maxpool 2 - batchnorm fixed momentum 0.6 - gelu '
      + '- maxpool 3 - affine 10 nobias - scale 0.1 - softmax smoothing 0.2',
    optimizer: 'nesterov',
    lr: 0.1,
    'bias-lr': 64,
    'head-lr': 2,
    'filter-lr': 0.5,
    lookahead: 2,
    'whiten-epochs': 0.4,
    'weight-decay': 0.01,
    schedule: 'linear',
    warmup: 0.5,
    init: 'he dirac',
    augment: 'altflip,crop2,reflect,brightness14,contrast13',
  },
};

// --- the two ways to train -----------------------------------------------------------------------

/** Trains by a native program; gives { hash, mode }. */
async function trainNative(variant, options, threads) {
  const all = Object.entries({ data: 'builtin', ...DATA, ...COMMON, ...options, threads });
  const flags = all.flatMap(([key, value]) => [`--${key}`, `${value}`]);
  const program = `${ROOT}build/bits/${variant}/kiln`;
  const { stdout } = await run(program, ['train', '--json', ...flags], { maxBuffer: 1 << 24 });
  const done = JSON.parse(stdout.trim().split('\n').at(-1));
  if (done.event !== 'done') throw new Error(`the last event is ${done.event}`);
  if (done.step !== undefined && done.step !== STEPS) throw new Error(`${done.step} steps`);
  return { hash: done.parameterHash, mode: done.mode };
}

function lines(options) {
  return Object.entries(options).map(([key, value]) => `${key}=${value}\n`).join('');
}

/** Trains in WebAssembly; gives { hash, mode }. */
async function trainWasm(variant, options, threads) {
  const wasm = await load({ variant, threads });
  const { backend } = wasm;
  if (backend.variant !== variant || backend.threads !== threads) {
    throw new Error(`${backend.variant} with ${backend.threads} threads: ${backend.reason}`);
  }
  const data = wasm.call('kiln_data_builtin', lines(DATA));
  const trainer = wasm.call(
    'kiln_trainer_create', data, lines({ ...DATA, ...COMMON, ...options }));
  for (let step = 0; step < STEPS; step++) wasm.call('kiln_trainer_step', trainer);
  const hash = wasm.text('kiln_net_hash', wasm.call('kiln_trainer_net', trainer));
  wasm.dispose();
  return { hash, mode: backend.mode };
}

// --- all builds ----------------------------------------------------------------------------------

/** [{ build, mode, train(options) }] */
function builds(variants) {
  const all = variants.map((variant) => ({
    build: variant, mode: variant.split('-').at(-1), train: (o) => trainNative(variant, o, 1),
  }));
  for (const mode of new Set(all.map((b) => b.mode))) {
    const threaded = variants.findLast((v) => v.endsWith(mode));
    for (const threads of THREADS) {
      all.push({ build: `${threaded}, ${threads} threads`, mode,
        train: (o) => trainNative(threaded, o, threads) });
    }
  }
  for (const [build, mode] of Object.entries(WASM)) {
    all.push({ build: `wasm ${build}`, mode, train: (o) => trainWasm(build, o, 1) });
    for (const threads of THREADS) {
      all.push({ build: `wasm ${build}, ${threads} threads`, mode,
        train: (o) => trainWasm(`${build}-threads`, o, threads) });
    }
  }
  return all;
}

/** Runs tasks, as many at a time as there are processors. */
async function inParallel(tasks) {
  const queue = [...tasks];
  const worker = async () => {
    for (let task = queue.shift(); task; task = queue.shift()) await task();
  };
  await Promise.all(cpus().map(worker));
}

const variants = process.argv.slice(2);
if (variants.length === 0) {
  console.error('usage: node tests/bits/run.mjs COMPILER-LANES-MODE...');
  process.exit(2);
}

const all = builds(variants);
const results = new Map(Object.keys(NETS).map((net) => [net, new Map()]));
let passed = 0;
let failed = 0;

function check(ok, sentence) {
  if (ok) passed++;
  else failed++;
  if (!ok) console.log(`FAILED: ${sentence}`);
}

const tasks = all.flatMap((b) => Object.entries(NETS).map(([net, options]) => async () => {
  try {
    results.get(net).set(b, await b.train(options));
  } catch (error) {
    results.get(net).set(b, { error: (error.stderr || error.message).trim() });
  }
}));
await inParallel(tasks);

for (const [net, of] of results) {
  const expected = {};
  for (const b of all) {
    const { hash, mode, error } = of.get(b);
    if (error) {
      check(false, `${net}, ${b.build}: ${error}`);
      continue;
    }
    expected[b.mode] ??= { hash, build: b.build };
    check(mode === b.mode, `${net}, ${b.build} is built ${mode}`);
    check(/^[0-9a-f]{16}$/.test(hash) && hash === expected[b.mode].hash,
      `${net}, ${b.build}: ${hash}, but ${expected[b.mode].build}: ${expected[b.mode].hash}`);
  }
  for (const [mode, { hash }] of Object.entries(expected)) {
    console.log(`${net.padEnd(16)} ${mode.padEnd(7)} ${hash}`);
  }
  check(expected.strict && expected.fused && expected.strict.hash !== expected.fused.hash,
    `${net}: strict and fused do not differ`);
}
console.log(`${all.length} builds: ${all.map((b) => b.build).join('; ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
