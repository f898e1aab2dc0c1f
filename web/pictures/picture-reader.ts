/** The page's end of the worker of pictures, which lives as long as it is wanted. */

import type {
  Form, FromPictures, Listed, Read, ToPictures, Wanted,
} from './picture-protocol.js';

type Unsent<T> = T extends unknown ? Omit<T, 'id'> : never;
interface Waiting {
  done(message: FromPictures): void;
  fail(error: Error): void;
}

export class PictureReader {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #sent = 0;
  #zips = 0;

  constructor() {
    this.#worker = new Worker(new URL('./picture-worker.ts', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromPictures>) => {
      const { done, fail } = this.#waiting.get(data.id)!;
      this.#waiting.delete(data.id);
      if ('error' in data) fail(new Error(data.error));
      else done(data);
    });
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      for (const { fail } of this.#waiting.values()) fail(new Error(event.message));
      this.#waiting.clear();
    });
  }

  #ask(message: Unsent<ToPictures>): Promise<FromPictures> {
    const id = this.#sent++;
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      this.#worker.postMessage({ ...message, id });
    });
  }

  /** The pictures of a zip; `zip` is its number from now on. */
  async list(file: File): Promise<Listed & { zip: number }> {
    const zip = this.#zips++;
    const entries: Listed['entries'] = [];
    for (;;) {
      const answer = await this.#ask({ type: 'list', zip, file, first: entries.length });
      const { listed } = answer as { listed: Listed };
      if (listed.entries.length === 0) return { entries, problems: listed.problems, zip };
      entries.push(...listed.entries);
    }
  }

  /** In the order of what is wanted. */
  async read(wanted: Wanted[], form: Form): Promise<Read[]> {
    return ((await this.#ask({ type: 'read', wanted, form })) as { read: Read[] }).read;
  }

  dispose(): void {
    this.#worker.terminate();
  }
}
