/**
 * Measures what a recipe's net needs on this machine, in the page's own worker with all that the
 * page asks of it beside, by short runs that are thrown away. A step is timed by the clock on the
 * wall until two stretches of time agree: the first steps, which the engine still translates, are
 * slower. On a machine whose speed wanders none may agree; then all but the first count.
 */

import { explain, type Change, type LiveTrainer } from '../live-trainer.js';
import { stepsPerEpoch, type Pace, type Recipe } from './speed-plan.js';

/** Seconds of a stretch of steps. */
const LEAST_STRETCH = 0.4;
const MOST_STRETCH = 3;
const STRETCHES = 6; // at most
const AGREE = 0.04; // of each other
const LOOKED = 512; // images
const FEW = 64; // steps of an epoch

/** Longer runs are worth longer looks. */
export function stretchFor(seconds: number): number {
  return Math.min(MOST_STRETCH, Math.max(LEAST_STRETCH, seconds / 150));
}

export class Stopped extends Error {}

interface Measuring {
  trainer: LiveTrainer;
  /** Options that hold where a recipe says nothing. */
  options: Record<string, string>;
  /** Seconds of a stretch. */
  stretch: number;
  signal: AbortSignal;
}

/** Seconds a step while nothing below the first trained layer is, and of a look at an image. */
export async function measureHeld(
  { trainer, options, stretch, signal }: Measuring, recipe: Recipe): Promise<Pace> {
  await trainer.reset(runOf(recipe, options, '0'));
  const held = await secondsPerStep(trainer, recipe.batch, stretch, signal);
  const image = await secondsPerImage(trainer, signal);
  return { early: held, held, image };
}

/** Of the first steps, which train the whitening's bias. */
export async function measureEarly(
  { trainer, options, stretch, signal }: Measuring, recipe: Recipe): Promise<number> {
  await trainer.reset(runOf(recipe, options, '-1'));
  return secondsPerStep(trainer, recipe.batch, stretch, signal);
}

/** For how many epochs the whitening's bias is trained decides what a step costs. */
function runOf({ net, options }: Recipe, more: Record<string, string>, whiten: string): Change {
  return { net, options: { ...more, ...options, 'whiten-epochs': whiten } };
}

/** A moment: milliseconds, and the steps that were taken by then. */
export interface Tick {
  at: number;
  step: number;
}

const pace = (a: Tick, b: Tick): number => (b.at - a.at) / 1000 / (b.step - a.step);

/** Trains until the pace is known, but not to the end of an epoch, and leaves the run paused. */
async function secondsPerStep(
  trainer: LiveTrainer, batch: number, stretch: number, signal: AbortSignal): Promise<number> {
  const perEpoch = stepsPerEpoch(trainer.dataset.train, batch);
  const last = Math.max(2, perEpoch - 1);
  const ticks: Tick[] = [];
  /** The pace, once it is known. */
  const tick = (): number | null => {
    const now = { at: performance.now(), step: trainer.metrics?.step ?? 0 };
    const open = ticks.at(-1);
    const on = open !== undefined && now.step > open.step;
    const over = on && now.step >= last;
    if (!open || over || (on && now.at - open.at >= 1000 * stretch)) ticks.push(now);
    return settled(ticks, over);
  };
  return perEpoch < FEW ? byStep(trainer, tick, signal) : byRun(trainer, tick, signal);
}

/** Progress is told ten times a second: an epoch of few steps might end between two times. */
async function byStep(
  trainer: LiveTrainer, tick: () => number | null, signal: AbortSignal): Promise<number> {
  for (;;) {
    if (signal.aborted) throw new Stopped();
    await trainer.step();
    const found = tick();
    if (found !== null) return found;
  }
}

async function byRun(
  trainer: LiveTrainer, tick: () => number | null, signal: AbortSignal): Promise<number> {
  const ended = new AbortController();
  try {
    return await new Promise<number>((resolve, reject) => {
      const listen = (type: string, act: (event: Event) => void): void =>
        trainer.addEventListener(type, act, { signal: ended.signal });
      listen('progress', () => {
        const found = tick();
        if (found !== null) resolve(found);
      });
      listen('error', (event) => reject(new Error(explain((event as CustomEvent).detail).message)));
      listen('state', () => {
        if (trainer.state !== 'running') reject(new Stopped());
      });
      signal.addEventListener('abort', () => reject(new Stopped()), { signal: ended.signal });
      if (signal.aborted) reject(new Stopped());
      else void trainer.start().catch(reject);
    });
  } finally {
    ended.abort();
    if (trainer.state === 'running') await trainer.pause();
  }
}

/** Seconds a step once the last two stretches agree, or no more may follow; else null. */
export function settled(ticks: readonly Tick[], over: boolean): number | null {
  const n = ticks.length;
  if (n < 2) return null;
  const last = pace(ticks[n - 2]!, ticks[n - 1]!);
  if (n === 2) return over ? last : null;
  const before = pace(ticks[n - 3]!, ticks[n - 2]!);
  if (Math.abs(last - before) <= AGREE * Math.max(last, before)) {
    return pace(ticks[n - 3]!, ticks[n - 1]!);
  }
  return over || n > STRETCHES ? pace(ticks[1]!, ticks[n - 1]!) : null;
}

async function secondsPerImage(trainer: LiveTrainer, signal: AbortSignal): Promise<number> {
  const count = Math.min(LOOKED, trainer.dataset.train);
  const look = async (): Promise<number> => {
    const begun = performance.now();
    await trainer.evaluate('train', { count, views: 1, signal });
    return (performance.now() - begun) / 1000 / count;
  };
  await look(); // what the engine has not seen yet it translates now
  return look();
}
