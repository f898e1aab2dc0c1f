/**
 * Sees to it that no trained net is lost without a question: asks before the tab goes, and keeps
 * the run that another one replaces until the next is replaced.
 */

import type { DataSource, LiveTrainer } from './live-trainer.js';

export interface KeptRun {
  bytes: Uint8Array;
  /** What it ran on, and with. */
  data: DataSource;
  options: Record<string, string>;
  epoch: number;
  step: number;
}

export class RunKeeper {
  readonly #trainer: LiveTrainer;
  /** Steps of the present run that are safe: saved to a file, or those it was opened with. */
  #safe = 0;

  constructor(trainer: LiveTrainer) {
    this.#trainer = trainer;
    const look = (): void => this.#guard();
    for (const type of ['progress', 'state']) trainer.addEventListener(type, look);
  }

  /** Whether closing the tab would lose something. */
  get unsaved(): boolean {
    return (this.#trainer.metrics?.step ?? 0) > this.#safe;
  }

  /** The run stands in a file as it is after so many steps. */
  saved(step: number): void {
    this.#safe = step;
    this.#guard();
  }

  /** The run as it is, to be brought back; null where it has not begun, or cannot be saved. */
  async keep(data: DataSource, options: Record<string, string>): Promise<KeptRun | null> {
    const { metrics } = this.#trainer;
    if (!metrics || metrics.step === 0) return null;
    const { epoch, step } = metrics;
    try {
      return { bytes: await this.#trainer.save(), data, options, epoch, step };
    } catch {
      const last = this.#trainer.lastCheckpoint ?? null; // of a worker that is no more
      return last && { ...last, data, options };
    }
  }

  /** Listens only while there is something to lose: a page that does is not kept for "back". */
  #guard(): void {
    if (this.unsaved) addEventListener('beforeunload', ask);
    else removeEventListener('beforeunload', ask);
  }
}

function ask(event: Event): void {
  event.preventDefault();
}
