/**
 * How a run fares, by its losses. A net that knows nothing has about the loss of the first step;
 * where the average rises well over that, the updates are too large and the run diverges.
 */

import type { Progress } from './live-trainer.js';

const WEIGHT = 0.1; // of the newest loss in the average
const FAR = 2; // times the first loss
const PATIENCE = 100; // steps before which nothing is said about learning

export class Health {
  #first: number | null = null;
  #average = 0;
  #steps = 0;
  #diverging = false;

  /** True from where the average passes twice the first loss until it is below that loss again. */
  get diverging(): boolean {
    return this.#diverging;
  }

  /** False once a hundred steps have not brought the loss down. */
  get learning(): boolean {
    return this.#first === null || this.#steps < PATIENCE || this.#average < this.#first;
  }

  /** How often the first loss the average is. */
  get growth(): number {
    return this.#first === null ? 1 : this.#average / this.#first;
  }

  push(points: Progress['points']): void {
    for (const { loss } of points) {
      if (this.#first === null) this.#first = this.#average = loss;
      this.#steps++;
      this.#average += WEIGHT * (loss - this.#average);
      if (this.#average > FAR * this.#first) this.#diverging = true;
      else if (this.#average < this.#first) this.#diverging = false;
    }
  }

  /** A new run, whose first loss is known where it comes from a checkpoint. */
  begin(first: number | null = null): void {
    this.#first = first;
    this.#average = first ?? 0;
    this.#steps = 0;
    this.#diverging = false;
  }
}
