// The stage `kernels`: every shape of the text file, by every build in turn, round after round.
import fs from 'node:fs';
import path from 'node:path';

import { LineProgram, nodeCommand, pinned, progress } from './tools.mjs';

/** Images in a batch when errors are measured: the reference is a naive loop in double. */
const ERROR_IMAGES = 4;

/** [{ group, line, kind, label, flops, bytes }]: bytes if each operand moved once. */
export function readShapes(match, file = new URL('shapes_cifar10.txt', import.meta.url)) {
  const shapes = [];
  let group = '';
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('# == ')) group = line.slice(5);
    if (line === '' || line[0] === '#' || (match && !line.includes(match))) continue;
    const [kind, ...words] = line.split(' ');
    shapes.push({ group, line, kind, ...(kind === 'gemm' ? product(words) : convolution(words)) });
  }
  return shapes;
}

function product([op, ...sizes]) {
  const [m, n, k] = sizes.map(Number);
  return {
    label: `${m}x${n}x${k}${op === 'NN' ? '' : ` ${op}`}`,
    flops: 2 * m * n * k,
    bytes: 4 * (m * k + k * n + m * n),
  };
}

function convolution(words) {
  const [N, C, H, W, F, HH, WW, stride, pad] = words.map(Number);
  const OH = Math.floor((H + 2 * pad - HH) / stride) + 1;
  const OW = Math.floor((W + 2 * pad - WW) / stride) + 1;
  return {
    label: `${HH}x${WW} ${C}→${F}${stride > 1 ? ` stride ${stride}` : ''}, ${H}x${W}, N ${N}`,
    filter: HH, channels: C, filters: F, image: H, stride,
    flops: 2 * N * OH * OW * F * C * HH * WW,
    bytes: 4 * (N * H * W * C + N * OH * OW * F + F * C * HH * WW),
  };
}

/** openblas: the kernels it is to take, '' for its own choice, undefined to go without. */
function nativeRunner(name, program, { openblas, threads = 1 } = {}) {
  if (!fs.existsSync(program)) return null;
  const argv = [path.resolve(program), '--threads', String(threads),
    ...(openblas === undefined ? [] : ['--openblas'])];
  const env = { OPENBLAS_NUM_THREADS: '1', ...(openblas ? { OPENBLAS_CORETYPE: openblas } : {}) };
  const child = new LineProgram(name, threads === 1 ? pinned(argv) : argv, env);
  return { name, ask: (line) => child.ask(line), close: () => child.close() };
}

function nodeRunner(name, variant, out) {
  const argv = nodeCommand('tests/bench/kernels_node.mjs', `${out}/kernels-${variant}.mjs`);
  const child = new LineProgram(name, pinned(argv));
  return { name, ask: (line) => child.ask(line), close: () => child.close() };
}

function browserRunner(name, variant, browser) {
  const script = `/tests/kernels_worker.js?${variant}`;
  const ask = async (line) => (await browser.ask(script, 'module', { line })).answer;
  return { name, ask, close() {} };
}

/** OpenBLAS takes AVX2 kernels on processors it does not know: its AVX-512 ones are named. */
function openRunners({ out, machine, browsers }) {
  const wide = machine.vectors === 'AVX-512';
  return [
    nativeRunner('native strict', `${out}/kernels-strict`),
    nativeRunner('native fused', `${out}/kernels-fused`, { openblas: wide ? 'SkylakeX' : '' }),
    nativeRunner('native fused AVX2', `${out}/kernels-avx2`, { openblas: wide ? 'Haswell' : '' }),
    nativeRunner('native fused, 2 threads', `${out}/kernels-fused`, { threads: 2 }),
    nodeRunner('Node simd', 'simd', out),
    nodeRunner('Node relaxed', 'relaxed', out),
    browserRunner('Chromium simd', 'simd', browsers.one),
    browserRunner('Chromium relaxed', 'relaxed', browsers.one),
  ].filter(Boolean);
}

async function measureErrors(shapes, runners) {
  const errors = [];
  for (const shape of shapes.filter(({ kind }) => kind === 'conv')) {
    const words = shape.line.split(' ');
    words[1] = ERROR_IMAGES;
    for (const runner of runners.filter(({ name }) => /^native (strict|fused)$/.test(name))) {
      progress(`errors: ${shape.label}, ${runner.name}`);
      errors.push({
        label: shape.label, runner: runner.name, images: ERROR_IMAGES,
        kernels: await runner.ask(`errors ${words.join(' ')}`) });
    }
  }
  return errors;
}

export async function measureKernels(context) {
  const { rounds, match } = context;
  const shapes = readShapes(match);
  const runners = openRunners(context);
  const roofs = {};
  for (const runner of runners) roofs[runner.name] = [];
  const results = shapes.map(() => ({}));
  for (let round = 0; round < rounds; round++) {
    for (const runner of runners) roofs[runner.name].push(await runner.ask('peak'));
    for (const [i, shape] of shapes.entries()) {
      for (const runner of runners) {
        progress(`kernels, round ${round + 1} of ${rounds}: ${shape.label}, ${runner.name}`);
        for (const { kernel, ...times } of await runner.ask(shape.line)) {
          ((results[i][kernel] ??= {})[runner.name] ??= []).push(times);
        }
      }
    }
  }
  const errors = await measureErrors(shapes, runners);
  for (const runner of runners) runner.close();
  progress('');
  return { shapes: shapes.map((shape, i) => ({ ...shape, results: results[i] })), roofs, errors };
}
