/**
 * One training run in the worker: the loop, which gives way to messages between any two steps,
 * and the events it causes. Nothing here knows of messages.
 */

import { KilnError, toErrorMessage } from './errors.js';
import type { WorkerEvent } from './protocol.js';
import { RunRecord } from './run-record.js';
import { turn } from './turn.js';
import type { History, Metrics, Progress, RunState } from './types.js';
import type { Wasm } from './wasm.js';

/** What kiln_trainer_step returns (kiln.h). */
const STEPPED = 1;
const EPOCH = 2;
const DONE = 4;
const BEST = 8;
const CHECKING = 16;

/**
 * A run that goes is kept by the page as a checkpoint every so often, at the end of an epoch where
 * one ends in time; and never so often that making them takes more than this share of the time.
 */
const KEEP_MS = 15_000;
const KEEP_AT_EPOCH_MS = 5_000;
const KEEP_SHARE = 0.01;
/** At most ten progress events a second. */
const PROGRESS_MS = 100;
/** How much the newest pace counts against the pace so far. */
const PACE_WEIGHT = 0.3;

export class Training {
  state: RunState;
  readonly #wasm: Wasm;
  readonly #data: number;
  readonly #emit: (event: WorkerEvent) => void;
  /** The library's trainer; null while there is none. */
  #handle: number | null;
  #points: Progress['points'] = [];
  #postedAt = -Infinity;
  #keptAt = performance.now();
  /** Milliseconds that the last checkpoint took. */
  #keptIn = 0;
  #batch: number;
  /** Milliseconds and steps since the last progress event, and the smoothed pace. */
  #spent = 0;
  #steps = 0;
  #msPerStep: number | null = null;
  /** The last step ended an epoch, whose accuracies are under way. */
  #checking = false;
  #slice = 0;
  /** For a receipt; from the first step on that is taken here. */
  #record: RunRecord | null = null;
  /** Raised by everything that ends a loop, so that a loop knows it is not the present one. */
  #loops = 0;

  /** `handle` is the run's from now on; `data` is that of its data set, which is only lent. */
  constructor(wasm: Wasm, data: number, handle: number, emit: (event: WorkerEvent) => void) {
    this.#wasm = wasm;
    this.#data = data;
    this.#handle = handle;
    this.#emit = emit;
    this.#batch = Number(this.options()['batch']);
    const metrics = this.metrics();
    this.state = metrics === null ? 'ready' : metrics.step >= metrics.steps ? 'done' : 'paused';
  }

  get handle(): number {
    if (this.#handle !== null) return this.#handle;
    throw new KilnError('E_STATE',
      'this run is no more: another took its place, or there was no memory to put it back');
  }

  options(): Record<string, string> {
    const values = this.#wasm.json<Record<string, unknown>>('kiln_trainer_options', this.handle);
    return Object.fromEntries(Object.entries(values).map(([key, v]) => [key, String(v)]));
  }

  history(): History {
    return this.#wasm.json('kiln_trainer_history', this.handle);
  }

  /** Null before the first step. */
  metrics(): Metrics | null {
    const metrics = this.#wasm.json<Metrics>('kiln_trainer_metrics', this.handle);
    return metrics.step > 0 ? metrics : null;
  }

  set(key: string, value: string): void {
    this.#wasm.call('kiln_trainer_set', this.handle, key, value);
    this.#batch = Number(this.options()['batch']);
    this.#msPerStep = null;
    const metrics = this.metrics();
    if (metrics === null || this.state === 'failed' || this.state === 'running') return;
    // The run may be longer now, or shorter: whoever shows where it stands hears
    // of it, also while no step brings that about.
    this.#post(metrics, true);
    if (this.state === 'done' && metrics.step < metrics.steps) this.#enter('paused');
    if (this.state !== 'paused' || metrics.step < metrics.steps) return;
    if (this.#checking) this.#settle().catch((error: unknown) => this.#fail(error));
    else this.#enter('done');
  }

  /** The check that ends an epoch gives way to messages after so many images. */
  checkInSlices(images: number): void {
    this.#slice = images;
    this.#wasm.call('kiln_trainer_check_in_slices', this.handle, images);
  }

  /** Runs to the end of the last epoch, or until something stops it. */
  start(): void {
    if (this.state === 'running') return;
    this.#refuseWhenOver();
    this.#enter('running');
    this.#postedAt = -Infinity; // the first step is shown at once
    this.#loop().catch((error: unknown) => this.#fail(error));
  }

  pause(): void {
    if (this.state !== 'running') return;
    this.#post(null);
    this.#enter('paused');
  }

  /** One step by itself, with the check that ends its epoch. */
  async step(): Promise<void> {
    this.pause();
    try {
      await this.#settle();
      if (this.#goes) return; // by a call that came later
      this.#refuseWhenOver();
      this.#step();
      await this.#settle();
    } catch (error) {
      if ((error as KilnError).code !== 'E_STATE') this.#fail(error);
      throw error;
    }
    if (this.state === 'done' || this.#goes) return;
    this.#post(null);
    this.#enter('paused');
  }

  async restoreBest(): Promise<void> {
    this.pause();
    await this.#settle();
    this.#wasm.call('kiln_trainer_restore_best', this.handle);
    this.#record?.endedWithBest();
  }

  /** What the run that is over tells for its receipt. */
  record(): ReturnType<RunRecord['lines']> {
    const metrics = this.metrics();
    if (this.state !== 'done' || !metrics) {
      throw new KilnError('E_STATE', 'receipt: the run is not over yet');
    }
    if (this.#record) {
      return this.#record.lines(this.handle, metrics, this.options(), this.history().changed);
    }
    throw new KilnError('E_STATE', 'receipt: no step of this run was taken here');
  }

  /** A checkpoint, or the parameters alone. */
  async save(parametersOnly = false): Promise<Uint8Array<ArrayBuffer>> {
    await this.#settle();
    return this.#save(parametersOnly);
  }

  #save(parametersOnly = false): Uint8Array<ArrayBuffer> {
    const name = parametersOnly ? 'kiln_trainer_export' : 'kiln_trainer_save';
    return this.#wasm.saved(this.handle, this.#wasm.call(name, this.handle));
  }

  /** Resolves when no check is half done: the run brings it to its end, or this does. */
  async #settle(): Promise<void> {
    while (this.#checking && this.#handle !== null) {
      await turn();
      if (this.#checking && !this.#goes) this.#step();
    }
  }

  /**
   * Makes the next run. Where that one does not fit beside this one, this one makes room: it
   * survives as a checkpoint, and comes back should the next not fit even so.
   */
  givingWay<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      if ((error as KilnError).code !== 'E_MEMORY' || this.#handle === null) throw error;
    }
    const bytes = this.#save();
    this.#free();
    try {
      return make();
    } catch (error) {
      this.#handle = this.#wasm.call('kiln_trainer_resume', this.#data, bytes, bytes.length, '');
      this.#checking = false; // saving finished it
      this.checkInSlices(this.#slice);
      throw error;
    }
  }

  dispose(): void {
    this.#loops++;
    this.#free();
  }

  #free(): void {
    const handle = this.#handle;
    this.#handle = null;
    if (handle !== null && this.#wasm.broken === null) {
      this.#wasm.call('kiln_trainer_destroy', handle);
    }
  }

  get #goes(): boolean {
    return this.state === 'running';
  }

  #refuseWhenOver(): void {
    if (this.state !== 'done') return;
    const metrics = this.metrics();
    if (metrics && metrics.step < metrics.steps) return; // epochs were raised, or patience was
    throw new KilnError('E_STATE', 'training is over: raise the epochs, or reset');
  }

  async #loop(): Promise<void> {
    const loop = ++this.#loops;
    for (;;) {
      await turn();
      if (this.state !== 'running' || this.#loops !== loop) return;
      const ended = (this.#step() & EPOCH) !== 0;
      const due = Math.max(ended ? KEEP_AT_EPOCH_MS : KEEP_MS, this.#keptIn / KEEP_SHARE);
      if (performance.now() - this.#keptAt >= due && !this.#checking) this.#keep();
    }
  }

  /** Hands a checkpoint to the page. Nothing is wanted badly enough to stop a run for it. */
  #keep(): void {
    this.#keptAt = performance.now();
    try {
      const bytes = this.#save();
      const { step, epoch } = this.metrics()!;
      this.#emit({ type: 'kept', step, epoch, bytes });
    } catch {
      // No memory for it, or the run has failed: the last one stays.
    }
    this.#keptIn = performance.now() - this.#keptAt;
  }

  /** The flags of the step. */
  #step(): number {
    const record = this.#record ??=
      new RunRecord(this.#wasm, this.handle, this.metrics()?.step ?? 0);
    const begin = performance.now();
    const flags = this.#wasm.call('kiln_trainer_step', this.handle);
    const metrics = this.metrics()!;
    const spent = performance.now() - begin;
    this.#checking = (flags & CHECKING) !== 0;
    this.#spent += spent;
    record.spent(spent);
    if (flags & EPOCH) record.epoch(this.handle, metrics);
    if (flags & STEPPED) {
      this.#points.push({ step: metrics.step, loss: metrics.loss, accuracy: metrics.accuracy });
      this.#steps++;
    }

    const ended = (flags & (EPOCH | DONE)) !== 0;
    if (ended || performance.now() - this.#postedAt >= PROGRESS_MS) this.#post(metrics, ended);
    if (flags & EPOCH) this.#postEpoch(metrics, (flags & BEST) !== 0);
    if (flags & DONE) this.#enter('done');
    return flags;
  }

  /** Everything since the last progress event; metrics of now where null is given. */
  #post(given: Metrics | null, always = false): void {
    if (this.#points.length === 0 && !always) return;
    const metrics = given ?? this.metrics();
    if (metrics === null) return; // a run that diverged is back at its start
    const pace = this.#steps > 0 ? this.#spent / this.#steps : this.#msPerStep;
    if (pace !== null) {
      this.#msPerStep = this.#msPerStep === null
        ? pace
        : this.#msPerStep + PACE_WEIGHT * (pace - this.#msPerStep);
    }
    const running = this.state === 'running';
    this.#emit({
      type: 'progress',
      ...metrics,
      points: this.#points,
      imagesPerSecond: pace !== null && pace > 0 ? (1000 * this.#batch) / pace : 0,
      eta: running && this.#msPerStep !== null
        ? ((metrics.steps - metrics.step) * this.#msPerStep) / 1000
        : null,
    });
    this.#points = [];
    this.#spent = this.#steps = 0;
    this.#postedAt = performance.now();
  }

  #postEpoch(metrics: Metrics, best: boolean): void {
    const { epoch, step, trainLoss, trainAccuracy, valAccuracy, lr } = metrics;
    this.#emit({
      type: 'epoch', epoch, step, trainLoss: trainLoss!, trainAccuracy: trainAccuracy!,
      valAccuracy: valAccuracy!, lr, best,
    });
  }

  #enter(state: RunState): void {
    if (this.state === state) return;
    if (state !== 'running') this.#loops++;
    this.state = state;
    this.#emit({ type: 'state', state });
  }

  #fail(error: unknown): void {
    const { code, message } = toErrorMessage(error);
    const broken = this.#wasm.broken !== null;
    if (!broken) this.#post(null); // the curve up to the failure
    this.#record?.diverged();
    this.#loops++;
    this.state = 'failed';
    this.#emit({ type: 'error', code, message });
    const back = !broken && this.metrics() === null ? { metrics: null } : {};
    this.#emit({ type: 'state', state: 'failed', ...back });
  }
}
