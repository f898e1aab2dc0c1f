/** Progress as an element tells it: ten times a second at most, however short the epochs are. */

import type { Progress } from '../../bindings/types.js';

const APART_MS = 100;

export class ProgressGate {
  readonly #pass: (progress: Progress) => void;
  #passed = -APART_MS;
  #waiting: Progress | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(pass: (progress: Progress) => void) {
    this.#pass = pass;
  }

  /** Passes it on, or keeps it for when it is time: the figures of the last, the points of all. */
  push(progress: Progress): void {
    const points = [...(this.#waiting?.points ?? []), ...progress.points];
    this.#waiting = { ...progress, points };
    const left = this.#passed + APART_MS - performance.now();
    if (left <= 0) this.#open();
    else this.#timer ??= setTimeout(() => this.#open(), left);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #open(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const progress = this.#waiting!;
    this.#waiting = null;
    this.#passed = performance.now();
    this.#pass(progress);
  }
}
