/**
 * What the tests of bindings/ share: seeded numbers, the layers of the course as plain loops in
 * double, numeric gradients of those, and archives made by hand.
 */

import { gzipSync } from 'node:zlib';

import { expect } from '@jest/globals';

import type { Tensor } from '../../bindings/index.js';

/** Numbers in double, and their shape. */
export interface Doubles { data: number[]; shape: number[] }

export const sizeOf = (shape: number[]): number => shape.reduce((p, n) => p * n, 1);

// Taken out of the global object once: looking there is slow in Jest's contexts.
const { abs, exp, floor, imul, log: ln, max, sqrt } = Math;

/** A stream of numbers in -1..1 from a seed (the well-known mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** Random values that floats hold exactly, so that float and double start from the same. */
export function random(shape: number[], seed: number, scale = 1): Tensor {
  const next = numbers(seed);
  const data = Float32Array.from({ length: sizeOf(shape) }, () => scale * next());
  return { data, shape };
}

export function linspace(from: number, to: number, shape: number[]): Tensor {
  const n = sizeOf(shape);
  const data = Float32Array.from({ length: n }, (_, i) => from + ((to - from) * i) / (n - 1));
  return { data, shape };
}

export const doubles = (t: Tensor): Doubles => ({ data: [...t.data], shape: t.shape });

export const floats = (t: Doubles): Tensor => ({ data: Float32Array.from(t.data), shape: t.shape });

/** The course's rel_error: max |a - b| / max(1e-8, |a| + |b|). */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const error = abs(a[i]! - b[i]!) / max(1e-8, abs(a[i]!) + abs(b[i]!));
    if (!(error <= worst)) worst = error; // NaN is the worst
  }
  return worst;
}

/** Largest difference, as a share of the largest value. */
export function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  let largest = 1e-8;
  for (let i = 0; i < a.length; i++) {
    const difference = abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = difference;
    largest = max(largest, abs(b[i]!));
  }
  return worst / largest;
}

/** d Σ(f(x)·df) / dx by central differences. f reads x.data. */
export function numericGradient(f: () => Doubles, x: Doubles, df: number[], h = 1e-5): number[] {
  return x.data.map((value, i) => {
    x.data[i] = value + h;
    const up = f().data;
    x.data[i] = value - h;
    const down = f().data;
    x.data[i] = value;
    return up.reduce((sum, u, j) => sum + (u - down[j]!) * df[j]!, 0) / (2 * h);
  });
}

// the course's layers, in double

export function affine(x: Doubles, w: Doubles, b: Doubles): Doubles {
  const [D, M] = w.shape as [number, number];
  const N = x.shape[0]!;
  const data: number[] = [];
  for (let n = 0; n < N; n++) {
    for (let m = 0; m < M; m++) {
      let sum = b.data[m]!;
      for (let d = 0; d < D; d++) sum += x.data[n * D + d]! * w.data[d * M + m]!;
      data.push(sum);
    }
  }
  return { data, shape: [N, M] };
}

export function conv(x: Doubles, w: Doubles, b: Doubles, stride: number, pad: number): Doubles {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  const [F, , HH, WW] = w.shape as [number, number, number, number];
  const OH = floor((H + 2 * pad - HH) / stride) + 1;
  const OW = floor((W + 2 * pad - WW) / stride) + 1;
  const at = (n: number, c: number, i: number, j: number): number =>
    i < 0 || i >= H || j < 0 || j >= W ? 0 : x.data[((n * C + c) * H + i) * W + j]!;
  const data: number[] = [];
  for (let n = 0; n < N; n++) {
    for (let f = 0; f < F; f++) {
      for (let i = 0; i < OH; i++) {
        for (let j = 0; j < OW; j++) {
          let sum = b.data[f]!;
          for (let c = 0; c < C; c++) {
            for (let y = 0; y < HH; y++) {
              for (let z = 0; z < WW; z++) {
                sum += at(n, c, i * stride - pad + y, j * stride - pad + z) *
                  w.data[((f * C + c) * HH + y) * WW + z]!;
              }
            }
          }
          data.push(sum);
        }
      }
    }
  }
  return { data, shape: [N, F, OH, OW] };
}

export function maxPool(x: Doubles, height: number, width: number, stride: number): Doubles {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  const OH = floor((H - height) / stride) + 1;
  const OW = floor((W - width) / stride) + 1;
  const data: number[] = [];
  for (let nc = 0; nc < N * C; nc++) {
    for (let i = 0; i < OH; i++) {
      for (let j = 0; j < OW; j++) {
        let best = -Infinity;
        for (let y = 0; y < height; y++) {
          for (let z = 0; z < width; z++) {
            best = max(best, x.data[(nc * H + i * stride + y) * W + j * stride + z]!);
          }
        }
        data.push(best);
      }
    }
  }
  return { data, shape: [N, C, OH, OW] };
}

/**
 * Values that share a group are normalised together; gamma and beta go by channel. x (N, C, S):
 * batchnorm groups by channel, layernorm by image, groupnorm by image and group of channels.
 */
export function normalise(x: Doubles, gamma: Doubles, beta: Doubles, eps: number,
  groupOf: (n: number, c: number) => string): Doubles & { mean: Record<string, number>;
    variance: Record<string, number> } {
  const [N, C] = x.shape as [number, number];
  const S = sizeOf(x.shape) / (N * C);
  const groups: Record<string, number[]> = {};
  const name = (i: number): string => groupOf(floor(i / (C * S)), floor(i / S) % C);
  x.data.forEach((value, i) => (groups[name(i)] ??= []).push(value));
  const mean: Record<string, number> = {};
  const variance: Record<string, number> = {};
  for (const [group, values] of Object.entries(groups)) {
    mean[group] = values.reduce((sum, v) => sum + v, 0) / values.length;
    variance[group] = values.reduce((sum, v) => sum + (v - mean[group]!) ** 2, 0) / values.length;
  }
  const data = x.data.map((value, i) => {
    const c = floor(i / S) % C;
    const group = name(i);
    return (gamma.data[c]! * (value - mean[group]!)) / sqrt(variance[group]! + eps) +
      beta.data[c]!;
  });
  return { data, shape: x.shape, mean, variance };
}

export function softmaxLoss(x: Doubles, y: number[], smoothing = 0): number {
  const [N, C] = x.shape as [number, number];
  let loss = 0;
  for (let n = 0; n < N; n++) {
    const row = x.data.slice(n * C, (n + 1) * C);
    const top = max(...row);
    const log = top + ln(row.reduce((sum, v) => sum + exp(v - top), 0));
    row.forEach((v, c) => {
      const target = smoothing / C + (c === y[n] ? 1 - smoothing : 0);
      loss += (target * (log - v)) / N;
    });
  }
  return loss;
}

export function svmLoss(x: Doubles, y: number[]): number {
  const [N, C] = x.shape as [number, number];
  let loss = 0;
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      if (c === y[n]) continue;
      loss += max(0, x.data[n * C + c]! - x.data[n * C + y[n]!]! + 1) / N;
    }
  }
  return loss;
}

// CIFAR-10 archives, made by hand

const RECORD = 3073;

/** Records with random pixels; labels go round from 0 to 9. */
export function records(count: number, seed: number): Uint8Array {
  const next = numbers(seed);
  const bytes = new Uint8Array(count * RECORD);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = i % RECORD === 0 ? (i / RECORD) % 10 : floor((next() + 1) * 127.99);
  }
  return bytes;
}

export const BATCH_FILES = [
  'data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin',
  'data_batch_5.bin', 'test_batch.bin',
];

/** The six files of CIFAR-10, with `count` records each. */
export function batchFiles(count: number): { name: string; bytes: Uint8Array }[] {
  return BATCH_FILES.map((name, i) => ({ name, bytes: records(count, 100 + i) }));
}

function tarHeader(name: string, size: number, type: string): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A tar archive with the official archive's folder. */
export function tar(files: { name: string; bytes: Uint8Array }[]): Uint8Array {
  const parts: Uint8Array[] = [tarHeader('cifar-10-batches-bin/', 0, '5')];
  for (const { name, bytes } of files) {
    parts.push(tarHeader(`cifar-10-batches-bin/${name}`, bytes.length, '0'), bytes);
    parts.push(new Uint8Array((512 - (bytes.length % 512)) % 512));
  }
  parts.push(new Uint8Array(1024));
  return Buffer.concat(parts);
}

export function gzip(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(bytes));
}

/** The KilnError that an action ends with. */
export async function failure(action: () => unknown): Promise<{ code: string; message: string;
  column?: number }> {
  try {
    await action();
  } catch (error) {
    expect((error as Error).name).toBe('KilnError');
    return error as never;
  }
  throw new Error('it was expected to fail, and did not');
}
