/**
 * Progress events for one reader: what was not fetched yet is joined, so that a slow reader
 * loses no point.
 */

import type { KilnError } from './errors.js';
import type { Progress } from './types.js';

type Next = IteratorResult<Progress, undefined>;
interface Waiting { resolve: (next: Next) => void; reject: (error: KilnError) => void }

const END: Next = { done: true, value: undefined };

export class ProgressQueue implements AsyncIterator<Progress, void, undefined> {
  readonly #onClose: () => void;
  #unread: Progress | null = null;
  #waiting: Waiting[] = [];
  #ended = false;
  #failure: KilnError | null = null;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  next(): Promise<Next> {
    if (this.#unread) {
      const value = this.#unread;
      this.#unread = null;
      return Promise.resolve({ done: false, value });
    }
    if (this.#failure) {
      const failure = this.#failure;
      this.#failure = null;
      return Promise.reject(failure);
    }
    if (this.#ended) return Promise.resolve(END);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The reader left its loop. */
  return(): Promise<Next> {
    this.#unread = this.#failure = null;
    this.end();
    return Promise.resolve(END);
  }

  push(progress: Progress): void {
    if (this.#ended) return;
    const reader = this.#waiting.shift();
    if (reader) reader.resolve({ done: false, value: progress });
    else if (!this.#unread) this.#unread = progress;
    else this.#unread = { ...progress, points: [...this.#unread.points, ...progress.points] };
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const reader of this.#waiting) reader.resolve(END);
    this.#waiting = [];
    this.#onClose();
  }

  fail(error: KilnError): void {
    if (this.#ended) return;
    const reader = this.#waiting.shift();
    if (reader) reader.reject(error);
    else this.#failure = error;
    this.end();
  }
}
