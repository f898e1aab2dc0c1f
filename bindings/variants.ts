/**
 * Which of the four builds to load, and why: simd or relaxed, each plain or with threads. Threads
 * need shared memory, which browsers give to pages that are cross-origin isolated (by the headers
 * Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy), and a caller that may wait for
 * others, which a page's own thread may not.
 */

import { relaxedSimd } from 'wasm-feature-detect';

import { KilnError } from './errors.js';
import type { Backend } from './types.js';

export type Variant = Backend['variant'];

/** KILN_THREADS_MAX of src/base/threads.h. */
const THREADS_MAX = 16;
/** More gain little at the sizes of these nets. */
const THREADS_AUTO = 8;

export interface Wish {
  variant?: Variant | 'auto' | undefined;
  threads?: number | undefined;
}

export interface Platform {
  relaxed: boolean;
  /** Why there cannot be threads here; null where there can. */
  noThreads: string | null;
  cores: number;
}

export interface Choice {
  relaxed: boolean;
  whyArithmetic: string;
  threads: number;
  whyThreads: string;
  /** The build was asked for by name: other arithmetic will not do. */
  named: boolean;
  /** A threaded build was asked for by name: a plain one will not do. */
  mustThread: boolean;
}

export function variantOf({ relaxed, threads }: Choice): Variant {
  const arithmetic = relaxed ? 'relaxed' : 'simd';
  return threads > 1 ? `${arithmetic}-threads` : arithmetic;
}

export function reasonOf({ whyArithmetic, threads, whyThreads }: Choice): string {
  return `${whyArithmetic}; ${threads > 1 ? `${threads} threads` : 'one thread'}: ${whyThreads}`;
}

export async function platform(): Promise<Platform> {
  const { crossOriginIsolated, navigator, process: node } = globalThis as {
    crossOriginIsolated?: boolean;
    navigator?: { hardwareConcurrency?: number };
    process?: { versions?: { node?: string } };
  };
  const relaxed = await relaxedSimd();
  if (node?.versions?.node !== undefined) {
    const os = 'node:os'; // in a variable: bundlers for the browser leave it alone
    const { availableParallelism } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ os)
    ) as typeof import('node:os');
    return { relaxed, noThreads: null, cores: availableParallelism() };
  }
  const cores = navigator?.hardwareConcurrency ?? 1;
  // Not by a try: shared memory can be made without isolation, and fails when it is sent.
  if (crossOriginIsolated !== true) {
    return { relaxed, noThreads: 'this page is not cross-origin isolated', cores };
  }
  // WebKitGTK calls pages isolated, and neither has the name nor lets a memory be sent.
  if (typeof SharedArrayBuffer === 'undefined') {
    const noThreads = 'this engine shares no memory, although the page is isolated';
    return { relaxed, noThreads, cores };
  }
  const worker = typeof WorkerGlobalScope !== 'undefined';
  return { relaxed, noThreads: worker ? null : "a page's own thread may not wait", cores };
}

declare const WorkerGlobalScope: unknown;

/** `given`: a single module was given, which is of the variant named, else simd. */
export function choose(wish: Wish, given: boolean, platform: Platform): Choice {
  const { variant = 'auto' } = wish;
  if (!['auto', 'simd', 'relaxed', 'simd-threads', 'relaxed-threads'].includes(variant)) {
    throw new KilnError('E_ARG', `variant: "${String(variant)}" is none of auto, simd, relaxed, ` +
      'simd-threads, relaxed-threads');
  }
  return {
    ...chooseArithmetic(variant, given, platform),
    ...chooseThreads(variant, wish.threads, given, platform),
    named: variant !== 'auto',
  };
}

function chooseArithmetic(variant: Variant | 'auto', given: boolean, { relaxed }: Platform):
  Pick<Choice, 'relaxed' | 'whyArithmetic'> {
  if (variant.startsWith('simd')) {
    return { relaxed: false, whyArithmetic: `${variant} was asked for` };
  }
  if (variant === 'auto' && given) {
    return { relaxed: false, whyArithmetic: 'a module was given: it counts as simd' };
  }
  if (variant === 'auto') {
    return relaxed
      ? { relaxed, whyArithmetic: 'relaxed SIMD is here and fuses multiply-add' }
      : { relaxed, whyArithmetic: 'this engine has no relaxed SIMD' };
  }
  if (!relaxed) {
    throw new KilnError('E_WASM_LOAD',
      `this engine has no relaxed SIMD; use the variant ${variant.replace('relaxed', 'simd')}`);
  }
  return { relaxed, whyArithmetic: `${variant} was asked for` };
}

function chooseThreads(variant: Variant | 'auto', wish: number | undefined, given: boolean,
  { noThreads, cores }: Platform): Pick<Choice, 'threads' | 'whyThreads' | 'mustThread'> {
  const mustThread = variant.endsWith('-threads');
  if (wish !== undefined && !(Number.isInteger(wish) && wish >= 1 && wish <= THREADS_MAX)) {
    throw new KilnError('E_ARG', `threads: ${String(wish)} is no number from 1 to ${THREADS_MAX}`);
  }
  if (mustThread && noThreads !== null) {
    throw new KilnError('E_WASM_LOAD', `no threads: ${noThreads}; use the variant ` +
      variant.replace('-threads', ''));
  }
  if (mustThread && wish === 1) {
    throw new KilnError('E_ARG', `threads: ${variant} has 2 at least`);
  }
  const one = (whyThreads: string): ReturnType<typeof chooseThreads> =>
    ({ threads: 1, whyThreads, mustThread });
  if (wish === 1) return one('as asked for');
  if (!mustThread) {
    if (given) return one('the module given has no others');
    if (wish === undefined && variant !== 'auto') return one(`${variant} has no others`);
    if (noThreads !== null) return one(noThreads);
    if (wish === undefined && cores < 2) return one('this machine has one core');
  }
  if (wish !== undefined) return { threads: wish, whyThreads: 'as asked for', mustThread };
  const threads = Math.max(2, Math.min(cores, THREADS_AUTO));
  return { threads, whyThreads: `this machine has ${cores} cores`, mustThread };
}
