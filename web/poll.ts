/**
 * Asks the worker for something to show, again and again, but so seldom that the asking takes a
 * small share of its time: after an answer that took t, the next question waits for at least
 * `rest`·t.
 */

import { explain } from './live-trainer.js';

const REST = 20;

/** Answers that came too late to matter. */
const STALE = new Set(['E_ABORTED']);

export class Poller {
  #busy = false;
  #again = false;
  #next = 0;

  constructor(
    private readonly ask: () => Promise<void>,
    private readonly wanted: () => boolean,
    private readonly failed: (error: unknown) => void,
    private readonly interval: number,
  ) {}

  /** The training has moved on: asks when it is time. */
  poke(): void {
    if (performance.now() >= this.#next) this.now();
  }

  /** Asks now, or as soon as the present question is answered. */
  now(): void {
    if (!this.wanted()) return;
    if (this.#busy) this.#again = true;
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    const start = performance.now();
    try {
      await this.ask();
    } catch (error) {
      if (!STALE.has(explain(error).code)) this.failed(error);
    }
    const end = performance.now();
    this.#next = end + Math.max(this.interval, REST * (end - start));
    this.#busy = false;
    if (this.#again) {
      this.#again = false;
      this.now();
    }
  }
}
