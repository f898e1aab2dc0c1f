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
  #last = 0;

  /** True from where the average passes twice the first loss until it is below that loss again. */
  get diverging(): boolean {
    return this.#diverging;
  }

  /** The loss of the first step, and the average of the last ones. */
  get first(): number {
    return this.#first ?? 0;
  }

  get average(): number {
    return this.#average;
  }

  /** False once a hundred steps have not brought the loss down. */
  get learning(): boolean {
    return this.#first === null || this.#steps < PATIENCE || this.#average < this.#first;
  }

  /** Takes the next points; says to which step the run went back among them, if it did. */
  push(points: Progress['points']): number | null {
    let back: number | null = null;
    for (const { step, loss } of points) {
      if (step <= this.#last) {
        back = step - 1;
        this.#average = this.#first ?? loss;
        this.#diverging = false;
      }
      this.#last = step;
      if (this.#first === null) this.#first = this.#average = loss;
      this.#steps++;
      this.#average += WEIGHT * (loss - this.#average);
      if (this.#average > FAR * this.#first) this.#diverging = true;
      else if (this.#average < this.#first) this.#diverging = false;
    }
    return back;
  }

  /** The run ended, at an earlier step than its last one: where it goes on is no news. */
  ended(): void {
    this.#last = 0;
  }

  /** A new run, whose first loss is known where it comes from a checkpoint. */
  begin(first: number | null = null): void {
    this.#first = first;
    this.#average = first ?? 0;
    this.#steps = this.#last = 0;
    this.#diverging = false;
  }
}
