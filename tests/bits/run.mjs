// run.mjs VARIANT... — equal bits: the same seed gives the same weights on every build.
//
// Trains three nets for 30 steps with each native program build/bits/VARIANT/kiln, where VARIANT is
// COMPILER-LANES-MODE, with several threads, and with the WebAssembly builds in this Node. All
// hashes of one net and one mode must be equal; strict and fused must differ, or one of them is not
// what it says.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STEPS = 30;
const THREADS = 3;
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

/** The functions of kiln.h that a run needs, over strings. */
async function loadWasm(build) {
  const file = `${ROOT}build/wasm/${build}`;
  const { default: create } = await import(pathToFileURL(`${file}.mjs`).href);
  const compiled = await WebAssembly.compile(await readFile(`${file}.wasm`));
  const m = await create({
    instantiateWasm(imports, receive) {
      WebAssembly.instantiate(compiled, imports).then((instance) => receive(instance, compiled));
      return {};
    },
  });
  const read = (at) => {
    const bytes = m.HEAPU8;
    return new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  };
  const call = (name, ...args) => {
    const taken = [];
    const raw = args.map((arg) => {
      if (typeof arg !== 'string') return arg;
      const bytes = new TextEncoder().encode(`${arg}\0`);
      const at = m._kiln_alloc(bytes.length);
      m.HEAPU8.set(bytes, at);
      taken.push(at);
      return at;
    });
    const result = m[`_${name}`](...raw);
    for (const at of taken) m._kiln_free(at);
    if (typeof result === 'number' && result < 0) throw new Error(read(m._kiln_error()));
    return result;
  };
  return { call, text: () => read(m._kiln_text()), mode: read(m._kiln_mode()) };
}

function lines(options) {
  return Object.entries(options).map(([key, value]) => `${key}=${value}\n`).join('');
}

/** Trains in WebAssembly; gives { hash, mode }. */
async function trainWasm(build, options) {
  const { call, text, mode } = await loadWasm(build);
  if (mode === 'fused' && call('kiln_fused_probe') !== 1) {
    throw new Error('this engine does not fuse relaxed madd');
  }
  const data = call('kiln_data_builtin', lines(DATA));
  const trainer = call('kiln_trainer_create', data, lines({ ...DATA, ...COMMON, ...options }));
  for (let step = 0; step < STEPS; step++) call('kiln_trainer_step', trainer);
  call('kiln_net_hash', call('kiln_trainer_net', trainer));
  return { hash: text(), mode };
}

// --- all builds ----------------------------------------------------------------------------------

/** [{ build, mode, train(options) }] */
function builds(variants) {
  const all = variants.map((variant) => ({
    build: variant, mode: variant.split('-').at(-1), train: (o) => trainNative(variant, o, 1),
  }));
  for (const mode of new Set(all.map((b) => b.mode))) {
    const threaded = variants.findLast((v) => v.endsWith(mode));
    const build = `${threaded}, ${THREADS} threads`;
    all.push({ build, mode, train: (o) => trainNative(threaded, o, THREADS) });
  }
  for (const [build, mode] of Object.entries(WASM)) {
    all.push({ build: `wasm ${build}`, mode, train: (o) => trainWasm(build, o) });
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
