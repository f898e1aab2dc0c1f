/**
 * Runs in the browser's private storage, for a page that is opened again after a reload, a closed
 * tab or a crash. It is IndexedDB: browsers have it wherever they have any, the page's own thread
 * can use it, and a transaction is all or nothing whatever happens in its middle.
 *
 * A run is a row that says what it is, and its checkpoint in slices, so that no write keeps the
 * page's thread for long. Both are written in one transaction: who reads sees a whole run, or the
 * whole one before. A run belongs to whoever holds its lock (storage-locks.ts), the page that
 * trains it, for as long as that lives; what nobody holds can be gone on with, or removed.
 */

import { KilnError } from '../bindings/errors.js';
import { hasLocks, takeLock, type Release } from '../bindings/storage-locks.js';

const DATABASE = 'kiln-nn-runs';
const ROWS = 'runs';
const SLICES = 'slices';
/** Of the rows: others were written by another version of this file. */
const FORMAT = 1;
const SLICE = 2 ** 20;

/** So many runs are kept, of so many bytes together: the oldest that nobody holds goes first. */
export const MOST_RUNS = 5;
export const MOST_BYTES = 256e6;

/** What a run is, beside its checkpoint. */
export interface RunAbout {
  /** Which page, or which element of it, may go on with it. */
  place: string;
  net: string;
  /** The data set by its name. */
  data: string;
  options: Record<string, string>;
  epoch: number;
  epochs: number;
  step: number;
}

export interface KeptRow extends RunAbout {
  id: string;
  format: number;
  savedAt: number;
  /** Of the checkpoint, in bytes. */
  size: number;
}

export interface ListedRun extends KeptRow {
  /** Who holds it: this page, another one, or nobody. */
  owner: 'own' | 'other' | null;
  /** Written by a version that this one does not understand, or damaged. */
  foreign: boolean;
}

const lockOf = (id: string): string => `kiln-nn run ${String(id)}`;

/** What this page holds, all its elements together. */
const held = new Map<string, Release>();

/** A name for a run that is not kept yet. */
export function newRun(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Whether a run is this page's. */
export function holdsRun(id: string): boolean {
  return held.has(id);
}

/** Makes a run this page's; false where another page has it, or this one already. */
export async function takeRun(id: string): Promise<boolean> {
  if (held.has(id)) return false;
  const release = await takeLock(lockOf(id), 'exclusive');
  if (release) held.set(id, release);
  return release !== null;
}

/** Others may go on with it. */
export function releaseRun(id: string): void {
  held.get(id)?.();
  held.delete(id);
}

/**
 * Tells of the runs of a place that nobody holds, the newest first, now and whenever a page that
 * holds one is gone, until the signal: also of one that was left a moment ago, whose lock is not
 * free yet.
 */
export async function watchRuns(store: RunStore, place: string, signal: AbortSignal,
  tell: (free: ListedRun[]) => void): Promise<void> {
  const kept = await store.list(place);
  if (signal.aborted) return;
  tell(kept.filter(({ owner }) => owner === null));
  for (const { id, owner } of kept) {
    if (owner !== 'other') continue;
    navigator.locks.request(lockOf(id), { mode: 'shared', signal }, () => {})
      .then(() => watchRuns(store, place, signal, tell)).catch(() => {});
  }
}

/** Rejects with E_STORAGE where the page has no private storage, or nobody could know whose. */
export async function openRuns(): Promise<RunStore> {
  if (!hasLocks()) {
    throw new KilnError('E_STORAGE', globalThis.isSecureContext === false
      ? 'browsers keep nothing for a page that came by plain http'
      : 'this browser has no locks, without which two tabs would harm each other');
  }
  let db: IDBDatabase;
  try {
    const opening = indexedDB.open(DATABASE); // whatever version it has
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(ROWS, { keyPath: 'id' });
      opening.result.createObjectStore(SLICES);
    };
    db = await answer(opening);
  } catch (error) {
    throw new KilnError('E_STORAGE', 'this page has no private storage', { cause: error });
  }
  db.onversionchange = () => db.close();
  return new RunStore(db);
}

export class RunStore {
  readonly #db: IDBDatabase;

  constructor(db: IDBDatabase) {
    this.#db = db;
  }

  /** All that is kept, the newest first; of one place where that is given. */
  async list(place?: string): Promise<ListedRun[]> {
    const [rows, locked] = await Promise.all([
      this.#do('readonly', ({ rows: store }) => answer(store.getAll())), locks()]);
    return (rows as Partial<KeptRow>[])
      .map((row): ListedRun => {
        const id = row.id!; // the key: there is one, if of another type in a row of others'
        const foreign = row.format !== FORMAT || !isWhole(row);
        const owner = held.has(id) ? 'own' : locked.has(lockOf(id)) ? 'other' : null;
        const known = foreign ? { place: String(row.place ?? ''), size: Number(row.size) || 0,
          savedAt: Number(row.savedAt) || 0 } : row;
        return { ...BLANK, ...known, id, owner, foreign };
      })
      .filter((row) => place === undefined || row.place === place)
      .sort((a, b) => b.savedAt - a.savedAt);
  }

  /**
   * Keeps a run, which this page holds, in the place of what was kept of it. Where that fails the
   * old stays as it is. E_QUOTA when the storage is full or the run too large.
   */
  async write(id: string, about: RunAbout, bytes: Uint8Array): Promise<void> {
    if (bytes.length > MOST_BYTES) {
      throw new KilnError('E_QUOTA',
        `the run has ${bytes.length} bytes, and runs of at most ${MOST_BYTES} are kept`);
    }
    const locked = await locks();
    const row: KeptRow = { ...about, id, format: FORMAT, savedAt: Date.now(), size: bytes.length };
    await this.#do('readwrite', async ({ rows, slices }) => {
      slices.delete(slicesOf(id));
      for (let at = 0, n = 0; at < bytes.length; at += SLICE, n++) {
        await answer(slices.put(bytes.slice(at, at + SLICE), [id, n]));
      }
      rows.put(row);
      const all = await answer(rows.getAll()) as KeptRow[];
      for (const old of surplus(all, (one) => one === id || locked.has(lockOf(one)))) {
        rows.delete(old);
        slices.delete(slicesOf(old));
      }
    });
  }

  /** The checkpoint of a run. E_STORAGE where it is not whole, or gone. */
  async read(id: string): Promise<Uint8Array> {
    const [row, slices] = await this.#do('readonly', (stores) => Promise.all([
      answer(stores.rows.get(id)) as Promise<KeptRow | undefined>,
      answer(stores.slices.getAll(slicesOf(id))) as Promise<Uint8Array[]>,
    ]));
    if (!row) throw new KilnError('E_STORAGE', 'this run is kept no more');
    const size = slices.reduce((sum, { length }) => sum + length, 0);
    if (size !== row.size) {
      throw new KilnError('E_STORAGE',
        `the kept run is damaged: of its ${row.size} bytes ${size} are there`);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const slice of slices) {
      bytes.set(slice, at);
      at += slice.length;
    }
    return bytes;
  }

  /** False where another page has it. A run of this page is kept again when it has gone on. */
  async remove(id: string): Promise<boolean> {
    const own = held.has(id);
    if (!own && !(await takeRun(id))) return false;
    try {
      await this.#do('readwrite', async ({ rows, slices }) => {
        rows.delete(id);
        slices.delete(slicesOf(id));
      });
    } finally {
      if (!own) releaseRun(id);
    }
    return true;
  }

  /** One transaction: all of what `work` asks for, or nothing. It may await its requests alone. */
  async #do<T>(mode: IDBTransactionMode,
    work: (stores: { rows: IDBObjectStore; slices: IDBObjectStore }) => Promise<T>): Promise<T> {
    let transaction: IDBTransaction;
    try {
      transaction = this.#db.transaction([ROWS, SLICES], mode, { durability: 'strict' });
    } catch (error) {
      throw new KilnError('E_STORAGE', 'the kept runs cannot be opened', { cause: error });
    }
    const ended = end(transaction);
    ended.catch(() => {}); // awaited below, but for when the work failed by itself
    try {
      const [rows, slices] = [ROWS, SLICES].map((name) => transaction.objectStore(name));
      const result = await work({ rows: rows!, slices: slices! });
      await ended;
      return result;
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It is over already.
      }
      throw explained(transaction.error ?? error);
    }
  }
}

const BLANK: RunAbout & { savedAt: number; size: number; format: number } = {
  place: '', net: '', data: '', options: {}, epoch: 0, epochs: 0, step: 0, savedAt: 0, size: 0,
  format: 0,
};

/** Whether a row has all that is used of it, each of its type. */
function isWhole(row: Partial<KeptRow>): boolean {
  return (Object.entries(BLANK) as [keyof KeptRow, unknown][])
    .every(([name, blank]) => typeof row[name] === typeof blank && row[name] !== null);
}

/** Those that have to go; `stays` tells who may not. */
function surplus(all: KeptRow[], stays: (id: string) => boolean): string[] {
  let runs = all.length;
  let bytes = all.reduce((sum, { size }) => sum + (size || 0), 0);
  const oldest = [...all].sort((a, b) => (a.savedAt || 0) - (b.savedAt || 0));
  return oldest.flatMap(({ id, size }) => {
    if (stays(id) || (runs <= MOST_RUNS && bytes <= MOST_BYTES)) return [];
    runs--;
    bytes -= size || 0;
    return [id];
  });
}

function slicesOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Infinity]);
}

/** The locks that some page holds. */
async function locks(): Promise<Set<string | undefined>> {
  const { held: all = [] } = await navigator.locks.query();
  return new Set(all.map(({ name }) => name));
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the private storage failed'));
  });
}

function end(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () =>
      reject(transaction.error ?? new Error('the private storage gave up'));
  });
}

function explained(error: unknown): KilnError {
  if (error instanceof KilnError) return error;
  const { name, message } = error as DOMException;
  return name === 'QuotaExceededError'
    ? new KilnError('E_QUOTA', 'the private storage is full', { cause: error })
    : new KilnError('E_STORAGE', `the private storage failed: ${message}`, { cause: error });
}
