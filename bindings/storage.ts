/**
 * A data set kept in the browser's private storage (OPFS): the files as they came, written by
 * the worker through synchronous handles, the only way that all browsers have.
 *
 * Nothing is overwritten. A data set counts once its manifest is whole: that is written last,
 * carries a checksum of itself and the size and checksum of every file; the newest whole one
 * wins. What nobody owns (storage-locks.ts) is removed whenever somebody looks. It is a cache:
 * browsers may clear it.
 */

import { KilnError } from './errors.js';
import type { Source } from './sources.js';
import {
  hasLocks, setLock, setOf, sweep, takeLock, WRITER, type Release,
} from './storage-locks.js';
import type { StoredDataset } from './types.js';

const FOLDER = 'kiln-nn';
const MANIFEST = /^manifest-.*\.json$/;

/** What is used of FileSystemSyncAccessHandle, which not all type libraries have. */
interface SyncHandle {
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}
type SyncFile = FileSystemFileHandle & { createSyncAccessHandle?(): Promise<SyncHandle> };

interface StoredFile {
  name: string;
  size: number;
  crc: number;
  stored: string;
  split?: Source['split'];
}
interface Manifest { name: string; savedAt: number; files: StoredFile[] }
interface Kept { id: string; manifest: Manifest }

/**
 * The data set that {stored: true} would load, or null. What tabs that were closed have left of
 * another is removed.
 */
export async function storedDataset(): Promise<StoredDataset | null> {
  const folder = await openFolder(false).catch(() => null);
  if (!folder) return null;
  if (hasLocks()) await sweep(folder, newestOf(folder)).catch(() => {});
  const kept = await newestManifest(folder).catch(() => null);
  if (!kept) return null;
  const { name, files, savedAt } = kept.manifest;
  return {
    name,
    files: files.map((file) => ({ name: file.name, size: file.size })),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    savedAt,
  };
}

/**
 * The files of the data set that {stored: true} would load, as they came and by their names; none
 * where there is none. They are read when they are used, and then may be gone.
 */
export async function storedFiles(): Promise<File[]> {
  const folder = await openFolder(false).catch(() => null);
  const kept = folder && (await newestManifest(folder));
  return Promise.all((kept?.manifest.files ?? []).map(async ({ name, stored }) =>
    new File([await (await folder!.getFileHandle(stored)).getFile()], name)));
}

/**
 * Nothing is stored any more. Who is reading it reads on, and removes the files then; what another
 * tab is storing meanwhile is not forgotten.
 */
export async function forgetStoredDataset(): Promise<void> {
  const folder = await openFolder(false).catch(() => null);
  if (!folder) return;
  const manifests: string[] = [];
  for await (const name of folder.keys()) if (MANIFEST.test(name)) manifests.push(name);
  for (const name of manifests) await folder.removeEntry(name).catch(() => {});
  await sweep(folder, newestOf(folder));
}

export interface StoredSources {
  sources: Source[];
  /** To be called when they were read, or will not be: until then nobody removes them. */
  close(): Promise<void>;
}

/** The files of the stored data set, checked while they are read. */
export async function storedSources(): Promise<StoredSources> {
  const folder = await openFolder(false);
  // Between a look at the manifest and the lock another tab may have put a newer one there.
  for (let tries = 0; folder && tries < 5; tries++) {
    const kept = await newestManifest(folder);
    if (!kept) break;
    // Its writer, or who looks whether it can go, holds the lock for a moment.
    const release = (await takeLock(setLock(kept.id), 'shared', 'until-free'))!;
    if (!(await readManifest(folder, manifestName(kept.id)))) {
      release();
      continue;
    }
    const close = async (): Promise<void> => {
      release();
      if (hasLocks()) await sweep(folder, newestOf(folder)).catch(() => {});
    };
    const sources = kept.manifest.files.map(async (file) => {
      const blob = await (await folder.getFileHandle(file.stored)).getFile();
      const { name, size, split } = file;
      return { name, size, split, pieces: () => checkedPieces(blob, file) };
    });
    return Promise.all(sources).then((all) => ({ sources: all, close }), async (error: unknown) => {
      await close();
      throw error;
    });
  }
  throw new KilnError('E_STORAGE', 'no data set is kept in this browser\'s private storage');
}

async function* checkedPieces(file: Blob, kept: StoredFile): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  let crc = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    crc = crc32(value, crc);
    yield value;
  }
  if (crc !== kept.crc) {
    throw new KilnError('E_STORAGE',
      `${kept.name}: damaged in this browser's private storage; forget it and load it anew`);
  }
}

/** Writes beside what is there. Trouble is noted and never stops the data set from being read. */
export class DatasetWriter {
  readonly #folder: FileSystemDirectoryHandle | null;
  readonly #id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  readonly #files: StoredFile[] = [];
  #locks: Release[] = [];
  #open: { handle: SyncHandle; at: number; crc: number } | null = null;
  #note: string | null;

  private constructor(folder: FileSystemDirectoryHandle | null, note: string | null) {
    this.#folder = folder;
    this.#note = note;
  }

  static async begin(): Promise<DatasetWriter> {
    try {
      const folder = await openFolder(true);
      const writing = await takeLock(WRITER, 'exclusive', 'until-left');
      if (!writing) {
        return new DatasetWriter(null,
          'the data set works, but is not kept: another tab is keeping one just now');
      }
      const writer = new DatasetWriter(folder, null);
      writer.#locks.push(writing, (await takeLock(setLock(writer.#id), 'exclusive'))!);
      return writer;
    } catch (error) {
      return new DatasetWriter(null, (error as Error).message);
    }
  }

  async startFile(name: string, split: Source['split']): Promise<void> {
    if (this.#note !== null) return;
    const stored = `${this.#id}-${this.#files.length}.data`;
    this.#files.push({ name, size: 0, crc: 0, stored, ...(split && { split }) });
    try {
      this.#open = { handle: await openSync(this.#folder!, stored), at: 0, crc: 0 };
    } catch (error) {
      this.#fail(error);
    }
  }

  write(bytes: Uint8Array): void {
    const open = this.#open;
    if (open === null) return;
    try {
      writeAll(open.handle, bytes, open.at);
      open.at += bytes.length;
      open.crc = crc32(bytes, open.crc);
    } catch (error) {
      this.#fail(error);
    }
  }

  endFile(): void {
    const open = this.#open;
    if (open === null) return;
    try {
      open.handle.flush();
      Object.assign(this.#files.at(-1)!, { size: open.at, crc: open.crc });
      this.#close();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Makes what was written the stored data set; returns why not, where that failed. */
  async commit(name: string): Promise<string | null> {
    if (this.#note === null) {
      try {
        const manifest: Manifest = { name, savedAt: Date.now(), files: this.#files };
        const handle = await openSync(this.#folder!, manifestName(this.#id));
        try {
          writeAll(handle, seal(manifest), 0);
          handle.flush();
        } finally {
          handle.close();
        }
        await sweep(this.#folder!, async () => this.#id);
      } catch (error) {
        this.#fail(error);
      }
    }
    if (this.#note !== null) await this.discard();
    this.#release();
    return this.#note;
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    this.#close();
    for (const name of [manifestName(this.#id), ...this.#files.map((f) => f.stored)]) {
      await this.#folder?.removeEntry(name).catch(() => {}); // gone, or left for the next look
    }
    this.#release();
  }

  #release(): void {
    for (const release of this.#locks.splice(0)) release();
  }

  #close(): void {
    this.#open?.handle.close();
    this.#open = null;
  }

  #fail(error: unknown): void {
    this.#note = (error as Error)?.name === 'QuotaExceededError'
      ? 'the private storage is full: the data set works, but is not kept'
      : `the data set works, but is not kept: ${(error as Error)?.message ?? String(error)}`;
    this.#close();
  }
}

/** Null where there is no such folder and none is made. */
async function openFolder(create: boolean): Promise<FileSystemDirectoryHandle | null> {
  const storage = globalThis.navigator?.storage;
  let root: FileSystemDirectoryHandle;
  try {
    root = await storage.getDirectory();
  } catch (error) {
    throw new KilnError('E_STORAGE', 'this page has no private storage', { cause: error });
  }
  try {
    return await root.getDirectoryHandle(FOLDER, { create });
  } catch (error) {
    if ((error as Error)?.name === 'NotFoundError') return null;
    throw error;
  }
}

async function openSync(folder: FileSystemDirectoryHandle, name: string): Promise<SyncHandle> {
  const file = (await folder.getFileHandle(name, { create: true })) as SyncFile;
  if (!file.createSyncAccessHandle) {
    throw new KilnError('E_STORAGE', 'only a worker can write to the private storage');
  }
  return file.createSyncAccessHandle();
}

function writeAll(handle: SyncHandle, bytes: Uint8Array, at: number): void {
  const written = handle.write(bytes, { at });
  if (written === bytes.length) return;
  throw new DOMException('the storage took only part of a piece', 'QuotaExceededError');
}

function manifestName(id: string): string {
  return `manifest-${id}.json`;
}

async function newestManifest(folder: FileSystemDirectoryHandle): Promise<Kept | null> {
  let newest: Kept | null = null;
  for await (const name of folder.keys()) {
    const id = setOf(name);
    if (id === null || !MANIFEST.test(name)) continue;
    const manifest = await readManifest(folder, name);
    if (manifest && (!newest || manifest.savedAt > newest.manifest.savedAt)) {
      newest = { id, manifest };
    }
  }
  return newest;
}

const newestOf = (folder: FileSystemDirectoryHandle) => async (): Promise<string | null> =>
  (await newestManifest(folder))?.id ?? null;

/** Null where the manifest is torn, or a file is missing or has not its size. */
async function readManifest(
  folder: FileSystemDirectoryHandle, name: string): Promise<Manifest | null> {
  try {
    const text = await (await (await folder.getFileHandle(name)).getFile()).text();
    const manifest = unseal(text);
    for (const { stored, size } of manifest?.files ?? []) {
      if ((await (await folder.getFileHandle(stored)).getFile()).size !== size) return null;
    }
    return manifest;
  } catch (error) {
    if ((error as Error)?.name === 'NotFoundError') return null;
    throw error; // what cannot be read just now is not gone
  }
}

/** Checksum, a line end, and the JSON it is of. */
function seal(manifest: Manifest): Uint8Array {
  const body = JSON.stringify(manifest);
  const crc = crc32(new TextEncoder().encode(body), 0);
  return new TextEncoder().encode(`${crc.toString(16)}\n${body}`);
}

function unseal(text: string): Manifest | null {
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  const crc = crc32(new TextEncoder().encode(body), 0);
  return end > 0 && text.slice(0, end) === crc.toString(16) ? (JSON.parse(body) as Manifest) : null;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** CRC-32 as gzip has it, continued from the CRC of what came before. */
export function crc32(bytes: Uint8Array, before: number): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
