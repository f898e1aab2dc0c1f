/**
 * Keeps the run of a trainer in the private storage (run-store.ts) while it goes: each checkpoint
 * that the worker hands over, and what stands when it pauses, ends, or the page is hidden or left.
 * One write at a time; of what comes meanwhile the newest is written next.
 */

import { explain, type LiveTrainer } from './live-trainer.js';
import {
  holdsRun, newRun, openRuns, releaseRun, takeRun, type KeptRow, type RunAbout, type RunStore,
} from './run-store.js';

/** Single steps that follow each other count as one. */
const AFTER_STEP_MS = 500;
/** Of the time, for what the worker hands over; the worker sees to its own share (training.ts). */
const SHARE = 0.01;

/** Where a run is kept: chosen when it is written first. */
interface Slot { id: string | null }

interface Waiting {
  slot: Slot;
  /** Tells runs apart: each has its own. */
  summary: object;
  about: RunAbout;
  bytes: Uint8Array;
}

export type Belonging = Pick<RunAbout, 'place' | 'options'>;

export class RunSaver {
  /** The run as it was kept last; null before that. */
  kept: Pick<KeptRow, 'epoch' | 'epochs' | 'step' | 'savedAt'> | null = null;
  /** Why it is not kept; null where nothing is wrong. */
  problem: string | null = null;
  readonly #trainer: LiveTrainer;
  readonly #belonging: () => Belonging;
  readonly #changed: () => void;
  readonly #end = new AbortController();
  #store: RunStore | null = null;
  #slot: Slot = { id: null };
  /** The slot of the run that is being opened. */
  #adopted: string | null = null;
  #summary: object;
  #seen: object | null = null;
  #keeping: Promise<void> | null = null;
  #waiting: Waiting | null = null;
  #writing: Promise<void> | null = null;
  #restsUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `belonging`: where the run belongs, and its options. `changed` hears what became of it. */
  constructor(trainer: LiveTrainer, belonging: () => Belonging, changed: () => void) {
    this.#trainer = trainer;
    this.#belonging = belonging;
    this.#changed = changed;
    this.#summary = trainer.summary;
    const { signal } = this.#end;
    const on = (target: EventTarget, type: string, act: () => void): void =>
      target.addEventListener(type, act, { signal });
    on(trainer, 'progress', () => this.#look());
    on(trainer, 'error', () => this.#look());
    on(trainer, 'state', () => this.#enter());
    on(document, 'visibilitychange', () => {
      if (document.visibilityState === 'hidden') void this.keep();
    });
    on(globalThis, 'pagehide', () => void this.keep());
  }

  /** `open` goes on with a run that is kept, and held by this page: it stays where it is kept. */
  async adopt<T>(id: string, open: () => Promise<T>): Promise<T> {
    const before = this.#slot;
    this.#adopted = id;
    try {
      const result = await open();
      this.#slot = { id };
      void Promise.resolve(this.#writing).then(() => {
        if (before.id !== null && before.id !== id) releaseRun(before.id);
      });
      return result;
    } catch (error) {
      this.#slot = before;
      throw error;
    } finally {
      this.#adopted = null;
    }
  }

  /** Keeps the run as it is. Where it cannot be had any more, what was kept of it stays. */
  keep(): Promise<void> {
    return (this.#keeping ??= this.#keep().finally(() => { this.#keeping = null; }));
  }

  async #keep(): Promise<void> {
    const { metrics, state } = this.#trainer;
    if (!metrics || metrics.step === 0) return;
    if (state !== 'running' && metrics.step === this.kept?.step) return;
    const waiting = this.#describe();
    const bytes = await this.#trainer.save().catch(() => null);
    if (bytes) await this.#put({ ...waiting, bytes });
  }

  /** The checkpoint that was kept last. E_STORAGE where there is none. */
  recall(): Promise<Uint8Array> {
    return this.#store!.read(this.#slot.id!);
  }

  /** Keeps no more; what was kept is nobody's then. */
  async dispose(): Promise<void> {
    this.#end.abort();
    clearTimeout(this.#timer);
    await this.#writing;
    if (this.#slot.id !== null) releaseRun(this.#slot.id);
  }

  #enter(): void {
    const { state, summary } = this.#trainer;
    if (summary !== this.#summary) {
      this.#summary = summary;
      this.kept = null;
      if (this.#adopted !== null) this.#slot = { id: this.#adopted };
      this.#changed();
    }
    if (state === 'paused' || state === 'done') void this.keep();
    else this.#look();
  }

  /** A checkpoint of the worker's, or a step by itself. */
  #look(): void {
    const { lastCheckpoint: last, state } = this.#trainer;
    const due = state === 'failed' // the last there will be
      ? (last?.step ?? 0) > (this.kept?.step ?? 0) : performance.now() >= this.#restsUntil;
    if (last && last !== this.#seen && due) {
      this.#seen = last;
      const { bytes, epoch, step } = last;
      const waiting = this.#describe();
      void this.#put({ ...waiting, about: { ...waiting.about, epoch, step }, bytes });
    }
    if (state !== 'paused') return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.keep(), AFTER_STEP_MS);
  }

  #describe(): Omit<Waiting, 'bytes'> {
    const { summary, dataset, metrics } = this.#trainer;
    const belonging = this.#belonging();
    const { epoch = 0, epochs = Number(belonging.options['epochs']), step = 0 } = metrics ?? {};
    return {
      slot: this.#slot,
      summary,
      about: { ...belonging, net: summary.notation, data: dataset.name, epoch, epochs, step },
    };
  }

  #put(next: Waiting): Promise<void> {
    if (this.#end.signal.aborted) return Promise.resolve();
    this.#waiting = next;
    return (this.#writing ??= this.#write().finally(() => { this.#writing = null; }));
  }

  async #write(): Promise<void> {
    for (let next; (next = this.#waiting) !== null;) {
      this.#waiting = null;
      const { slot, summary, about, bytes } = next;
      const begin = performance.now();
      try {
        this.#store ??= await openRuns();
        slot.id ??= newRun();
        if (!holdsRun(slot.id)) await takeRun(slot.id);
        await this.#store.write(slot.id, about, bytes);
        if (summary === this.#trainer.summary) this.kept = { ...about, savedAt: Date.now() };
        this.problem = null;
      } catch (error) {
        this.problem = explain(error).message;
      }
      if (slot !== this.#slot && slot.id !== this.#slot.id) releaseRun(slot.id ?? '');
      const end = performance.now();
      this.#restsUntil = end + (end - begin) / SHARE;
      this.#changed();
    }
  }
}
