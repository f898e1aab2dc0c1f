/**
 * Progress events for one reader: what was not fetched yet is joined, so that a slow reader
 * loses no point, and one that never comes takes no more than LARGEST_UNREAD.
 */

import { bindMethods } from './bound.js';
import type { KilnError } from './errors.js';
import type { JoinedProgress, Progress } from './types.js';

/** Points that are kept for a reader; the whole curve is in history(). */
const LARGEST_UNREAD = 50_000;

type Next = IteratorResult<JoinedProgress, undefined>;
interface Waiting { resolve: (next: Next) => void; reject: (error: KilnError) => void }

const END: Next = { done: true, value: undefined };

export class ProgressQueue implements AsyncIterator<JoinedProgress, void, undefined> {
  readonly #onClose: () => void;
  #unread: JoinedProgress | null = null;
  #waiting: Waiting[] = [];
  #ended = false;
  #failure: KilnError | null = null;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
    bindMethods(this);
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
    if (reader) reader.resolve({ done: false, value: { ...progress, merged: 1, skipped: 0 } });
    else this.#join(progress);
  }

  #join(progress: Progress): void {
    const { points, merged, skipped }: Pick<JoinedProgress, 'points' | 'merged' | 'skipped'> =
      this.#unread ?? { points: [], merged: 0, skipped: 0 };
    for (const point of progress.points) points.push(point);
    // A half at a time, so that it is rare.
    const over = points.length > LARGEST_UNREAD ? points.length - LARGEST_UNREAD / 2 : 0;
    points.splice(0, over);
    this.#unread = { ...progress, points, merged: merged + 1, skipped: skipped + over };
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
