// The data set in the private storage, against a storage of our own that can break anywhere.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import {
  Dataset, forgetStoredDataset, ready, storedDataset, storedFiles, type DataProgress,
} from '../../bindings/index.js';
import { crc32 } from '../../bindings/storage.js';
import { batchFiles, failure, gzip, tar } from './helpers.js';

/** A folder of OPFS in memory. Bytes up to `quota` fit; writing dies after `dieAfter` bytes. */
class Folder {
  readonly files = new Map<string, Uint8Array>();
  readonly folders = new Map<string, Folder>();
  quota = Infinity;
  dieAfter = Infinity;
  readonly locked = new Set<string>();

  getDirectoryHandle(name: string, { create = false } = {}): Promise<Folder> {
    if (!this.folders.has(name)) {
      if (!create) return Promise.reject(new DOMException('no such folder', 'NotFoundError'));
      this.folders.set(name, new Folder());
    }
    return Promise.resolve(this.folders.get(name)!);
  }

  getFileHandle(name: string, { create = false } = {}): Promise<unknown> {
    if (!this.files.has(name)) {
      if (!create) return Promise.reject(new DOMException('no such file', 'NotFoundError'));
      this.files.set(name, new Uint8Array());
    }
    return Promise.resolve({
      getFile: () => Promise.resolve(new Blob([this.files.get(name)! as Uint8Array<ArrayBuffer>])),
      createSyncAccessHandle: () => {
        this.locked.add(name);
        return Promise.resolve({
          write: (bytes: Uint8Array, { at }: { at: number }) => this.write(name, bytes, at),
          flush: () => {},
          close: () => this.locked.delete(name),
        });
      },
    });
  }

  write(name: string, bytes: Uint8Array, at: number): number {
    if (this.dieAfter <= 0) throw new DOMException('the tab was closed', 'AbortError');
    const before = this.files.get(name)!;
    const used = [...this.files.values()].reduce((sum, file) => sum + file.length, 0);
    const fits = Math.min(bytes.length, this.quota - used, this.dieAfter);
    this.dieAfter -= bytes.length;
    const after = new Uint8Array(Math.max(before.length, at + fits));
    after.set(before);
    after.set(bytes.subarray(0, fits), at);
    this.files.set(name, after);
    return fits;
  }

  removeEntry(name: string): Promise<void> {
    if (this.locked.has(name)) {
      return Promise.reject(new DOMException('in use', 'NoModificationAllowedError'));
    }
    return this.files.delete(name) ? Promise.resolve() : Promise.reject(new Error('no such file'));
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.files.keys()];
  }
}

const SPLIT = { train: 8, validation: 2, test: 2 };
const one = batchFiles(2);
const other = batchFiles(3);
let root: Folder;

function useStorage(storage: unknown, locks?: unknown): void {
  Object.defineProperty(globalThis, 'navigator', { value: { storage, locks }, configurable: true });
}

/** Web Locks, as far as they are used. */
class Locks {
  readonly held = new Map<string, { mode: string; holders: number }>();

  async request(name: string, { mode, ifAvailable, signal }: LockOptions,
    use: (lock: object | null) => unknown): Promise<unknown> {
    let lock = this.held.get(name);
    while (lock && (mode === 'exclusive' || lock.mode === 'exclusive')) {
      if (ifAvailable) return use(null);
      signal?.throwIfAborted();
      await new Promise((turn) => setImmediate(turn));
      lock = this.held.get(name);
    }
    const mine = lock ?? { mode: mode!, holders: 0 };
    mine.holders++;
    this.held.set(name, mine);
    try {
      return await use({ name });
    } finally {
      if (--mine.holders === 0) this.held.delete(name);
    }
  }
}
beforeAll(() => ready({ variant: 'simd' }));
beforeEach(() => {
  root = new Folder();
  useStorage({ getDirectory: () => Promise.resolve(root) });
});
afterEach(() => {
  Reflect.deleteProperty(globalThis, 'navigator');
});

/** Loads with store: true; returns the hash, and the note of the last event. */
async function store(files = one): Promise<{ hash: string; note: string | undefined }> {
  let last: DataProgress | undefined;
  const data = await Dataset.load({ files, store: true }, SPLIT, {
    onProgress: (progress) => { last = progress; },
  });
  data.dispose();
  expect(last!.phase).toBe('ready');
  return { hash: data.info.hash, note: last!.note };
}

async function loadStored(): Promise<string> {
  const data = await Dataset.load({ stored: true }, SPLIT);
  data.dispose();
  return data.info.hash;
}

const folder = (): Folder => root.folders.get('kiln-nn')!;

test('what was stored is loaded again, the same, and can be forgotten', async () => {
  expect(await storedDataset()).toBeNull();
  expect(await storedFiles()).toEqual([]);
  expect(root.folders.size).toBe(0); // asking makes nothing
  const { hash, note } = await store();
  expect(note).toBeUndefined();
  const stored = await storedDataset();
  expect(stored).toMatchObject({ name: 'cifar10', bytes: 6 * 2 * 3073 });
  expect(stored!.files.map(({ name }) => name)).toEqual(one.map(({ name }) => name));
  expect(Math.abs(stored!.savedAt - Date.now())).toBeLessThan(60_000);
  expect(await loadStored()).toBe(hash);
  await forgetStoredDataset();
  expect(await storedDataset()).toBeNull();
  expect(folder().files.size).toBe(0);
  expect((await failure(loadStored)).code).toBe('E_STORAGE');
});

test('an archive is kept as it came', async () => {
  const bytes = gzip(tar(one));
  const data = await Dataset.load(
    { files: [{ name: 'cifar-10-binary.tar.gz', bytes }], store: true }, SPLIT);
  data.dispose();
  expect((await storedDataset())!.files).toEqual(
    [{ name: 'cifar-10-binary.tar.gz', size: bytes.length }]);
  const [file, ...others] = await storedFiles();
  expect(others).toEqual([]);
  expect(file!.name).toBe('cifar-10-binary.tar.gz');
  expect(Buffer.from(await file!.arrayBuffer()).equals(bytes)).toBe(true);
  expect(await loadStored()).toBe(data.info.hash);
});

test('a new data set replaces the old one, whose files go', async () => {
  await store(one);
  const { hash } = await store(other);
  expect(await loadStored()).toBe(hash);
  expect(folder().files.size).toBe(7); // six files and a manifest
});

describe('trouble never stops the data set from being read', () => {
  test('no storage at all', async () => {
    for (const storage of [undefined, { getDirectory: () =>
      Promise.reject(new DOMException('denied', 'SecurityError')) }]) {
      useStorage(storage);
      expect((await store()).note).toContain('no private storage');
      expect(await storedDataset()).toBeNull();
      expect((await failure(loadStored)).code).toBe('E_STORAGE');
    }
  });

  test('a full storage: the old data set stays', async () => {
    const { hash } = await store(one);
    folder().quota = 6 * 2 * 3073 + 10_000;
    expect((await store(other)).note).toContain('storage is full');
    expect(await loadStored()).toBe(hash);
    expect(folder().files.size).toBe(7);
  });

  test('a data set that proves bad leaves nothing behind', async () => {
    const bad = [...one.slice(0, 5), { name: 'test_batch.bin', bytes: new Uint8Array(100) }];
    expect((await failure(() => store(bad))).code).toBe('E_DATA');
    expect(folder().files.size).toBe(0);
    expect(folder().locked.size).toBe(0);
  });
});

describe('torn files', () => {
  test('death at any byte of a save leaves the old data set', async () => {
    const { hash } = await store(one);
    await store(other);
    const size = [...folder().files.values()].reduce((sum, file) => sum + file.length, 0);
    for (let i = 0; i <= 25; i++) {
      root = new Folder();
      await store(one);
      folder().dieAfter = Math.floor(((size - 2) * i) / 25); // the last cuts the manifest
      folder().removeEntry = () => Promise.reject(new Error('dead')); // the dead clean nothing up
      await store(other);
      expect(await loadStored()).toBe(hash);
    }
  });

  test('a manifest cut or changed anywhere is none', async () => {
    await store();
    const [name, whole] = [...folder().files].find(([file]) => file.startsWith('manifest'))!;
    for (let i = 0; i < whole.length; i += 3) {
      folder().files.set(name, whole.slice(0, i));
      expect(await storedDataset()).toBeNull();
      const changed = whole.slice();
      changed[i] = changed[i]! ^ 1;
      folder().files.set(name, changed);
      expect(await storedDataset()).toBeNull();
    }
    folder().files.set(name, whole);
    expect(await storedDataset()).not.toBeNull();
  });

  test('a missing or short file is noticed before reading, a changed one meanwhile', async () => {
    await store();
    const [name, whole] = [...folder().files].find(([file]) => file.endsWith('-3.data'))!;
    folder().files.delete(name);
    expect(await storedDataset()).toBeNull();
    folder().files.set(name, whole.slice(1));
    expect(await storedDataset()).toBeNull();
    const changed = whole.slice();
    changed[4000] = changed[4000]! ^ 1; // a pixel: only the checksum can tell
    folder().files.set(name, changed);
    const error = await failure(loadStored);
    expect(error.code).toBe('E_STORAGE');
    expect(error.message).toContain('data_batch_4.bin: damaged');
  });

  test('files that another tab is writing are left alone', async () => {
    await store();
    folder().files.set('other-0.data', new Uint8Array(5));
    folder().locked.add('other-0.data');
    const { hash } = await store(other);
    expect(folder().files.has('other-0.data')).toBe(true);
    expect(await loadStored()).toBe(hash);
  });
});

test('crc32 is that of gzip, and goes on where it stopped', () => {
  const bytes = new TextEncoder().encode('123456789');
  expect(crc32(bytes, 0)).toBe(0xcbf43926);
  expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4), 0))).toBe(0xcbf43926);
});

test('what a file was said to hold is kept with it', async () => {
  const named = one.map(({ bytes }, i) =>
    ({ name: `part ${i}.bin`, bytes, split: i < 5 ? 'train' as const : 'test' as const }));
  const { hash, note } = await store(named);
  expect(note).toBeUndefined();
  expect(await loadStored()).toBe(hash);
});

describe('several tabs', () => {
  let locks: Locks;
  beforeEach(() => {
    locks = new Locks();
    useStorage({ getDirectory: () => Promise.resolve(root) }, locks);
  });
  afterEach(() => expect(locks.held.size).toBe(0)); // whatever happened, nothing is held for ever

  /** A file that comes when `go` is called; `asked` resolves when reading has begun. */
  function slow(files: typeof one): { files: typeof one; asked: Promise<void>; go(): void } {
    let go!: () => void;
    let ask!: () => void;
    const asked = new Promise<void>((resolve) => { ask = resolve; });
    const coming = new Promise<void>((resolve) => { go = resolve; });
    const blobs = files.map(({ name, bytes }) => ({ name, blob: {
      size: bytes.length,
      stream: () => new ReadableStream({
        async pull(controller) {
          ask();
          await coming;
          controller.enqueue(bytes);
          controller.close();
        },
      }),
    } }));
    return { files: blobs as never, asked, go };
  }

  test('that store at once: one is kept whole, the other is told', async () => {
    const first = slow(one);
    const storing = store(first.files);
    await first.asked;
    const { note } = await store(other);
    expect(note).toContain('another tab is keeping one');
    first.go();
    const { hash, note: none } = await storing;
    expect(none).toBeUndefined();
    expect(await loadStored()).toBe(hash);
    expect(folder().files.size).toBe(7);
  });

  test('one was left, but its worker lives a moment on: what the next stores is kept', async () => {
    const left = locks.request('kiln-nn writer', { mode: 'exclusive' },
      () => new Promise((end) => setTimeout(end, 300)));
    const { hash, note } = await store(one);
    expect(note).toBeUndefined();
    expect(await loadStored()).toBe(hash);
    await left;
  });

  test('one forgets, another stores: what is being stored is kept', async () => {
    await store(other);
    const first = slow(one);
    const storing = store(first.files);
    await first.asked;
    await forgetStoredDataset();
    expect(await storedDataset()).toBeNull();
    first.go();
    const { hash } = await storing;
    expect(await loadStored()).toBe(hash);
  });

  test('one reads, others forget and store: it reads on, and what it read goes', async () => {
    const { hash } = await store(one);
    const read = Blob.prototype.stream;
    let go!: () => void;
    const coming = new Promise<void>((resolve) => { go = resolve; });
    const reading = new Promise<void>((resolve) => {
      Blob.prototype.stream = function stream(this: Blob) {
        resolve();
        const whole = read.call(this);
        return new ReadableStream({
          async start(controller) {
            await coming;
            for await (const piece of whole as never as AsyncIterable<Uint8Array>) {
              controller.enqueue(piece);
            }
            controller.close();
          },
        }) as never;
      };
    });
    try {
      const loading = loadStored();
      await reading;
      await forgetStoredDataset();
      expect(await storedDataset()).toBeNull();
      expect(folder().files.size).toBe(6); // the reader's
      const newer = await store(other);
      expect(folder().files.size).toBe(6 + 7);
      go();
      expect(await loading).toBe(hash);
      expect(folder().files.size).toBe(7);
      Blob.prototype.stream = read;
      expect(await loadStored()).toBe(newer.hash);
    } finally {
      Blob.prototype.stream = read;
    }
  });

  test('one looks while another stores, and asks for the lock when that is done', async () => {
    const first = slow(one);
    const storing = store(first.files);
    await first.asked;
    const { request } = locks;
    let ask!: () => void;
    const asks = new Promise<void>((resolve) => { ask = resolve; });
    locks.request = async (...args) => {
      ask();
      await storing;
      return request.apply(locks, args);
    };
    const looking = storedDataset();
    await asks;
    first.go();
    const { hash } = await storing;
    await looking;
    locks.request = request;
    expect(await loadStored()).toBe(hash);
  });

  test('what cannot be read for a moment is not removed', async () => {
    const { hash } = await store(one);
    const { getFileHandle } = folder();
    folder().getFileHandle = () => Promise.reject(new DOMException('busy', 'NotReadableError'));
    expect(await storedDataset()).toBeNull();
    folder().getFileHandle = getFileHandle;
    expect(await loadStored()).toBe(hash);
  });

  test('one was closed while it stored: the next look removes what it left', async () => {
    const { hash } = await store(one);
    for (const file of ['abc-123-0.data', 'abc-123-1.data', 'manifest-abc-123.json']) {
      folder().files.set(file, new Uint8Array(1000));
    }
    expect(await storedDataset()).not.toBeNull();
    expect(folder().files.size).toBe(7);
    expect(await loadStored()).toBe(hash);
  });

  test('a failure at any point holds no lock', async () => {
    await store(one);
    const name = [...folder().files.keys()].find((file) => file.endsWith('-3.data'))!;
    const changed = folder().files.get(name)!.slice();
    changed[1000] = changed[1000]! ^ 1;
    folder().files.set(name, changed);
    expect((await failure(loadStored)).code).toBe('E_STORAGE');
    const bad = [...one.slice(0, 5), { name: 'test_batch.bin', bytes: new Uint8Array(100) }];
    await failure(() => store(bad));
    folder().quota = 1000;
    expect((await store(other)).note).toContain('full');
  });
});
