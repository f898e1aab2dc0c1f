/**
 * Who owns what in the private storage, which all tabs of a site share. A set of files belongs to
 * whoever holds its lock: its writer alone, or any number of readers. Locks end with the tab or
 * worker that holds them, however it ends; so what no lock and no newest manifest belongs to was
 * left behind, and may go.
 */

const PREFIX = 'kiln-nn';
/** Held by whoever is keeping a data set: one at a time, on the whole site. */
export const WRITER = `${PREFIX} writer`;

export const setLock = (id: string): string => `${PREFIX} set ${id}`;

export type Release = () => void;

/** Browsers with a private storage have locks, too; without them nobody can know what is in use. */
export function hasLocks(): boolean {
  return globalThis.navigator?.locks !== undefined;
}

/** How long a lock that others hold is waited for. */
export type Patience = 'none' | 'until-left' | 'until-free';
/** ms. A browser lets the worker of a page that was left, and its locks, live a second or two. */
const LEAVING = 3000;

/** The release of a lock; null where others hold it for longer than there is patience. */
export async function takeLock(
  name: string, mode: 'exclusive' | 'shared', patience: Patience = 'none',
): Promise<Release | null> {
  if (!hasLocks()) return () => {};
  const waiting: LockOptions = patience === 'none' ? { ifAvailable: true }
    : patience === 'until-left' ? { signal: AbortSignal.timeout(LEAVING) } : {};
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, { mode, ...waiting }, (lock) => {
      if (lock !== null) return new Promise<void>((release) => { resolve(release); });
      resolve(null);
      return undefined;
    }).catch((error: unknown) => {
      if (waiting.signal?.aborted) resolve(null);
      else reject(error);
    });
  });
}

/** The set that a file belongs to; null for files of other kinds. */
export function setOf(file: string): string | null {
  return /^(?:manifest-)?([0-9a-z]+-[0-9a-z]+)(?:-\d+\.data|\.json)$/.exec(file)?.[1] ?? null;
}

/**
 * Removes the files of every set that nobody owns, manifests first; but for the one that `kept`
 * names. It is asked again once a set's lock is held: until then another tab may have been writing
 * that set, and have made it the one to keep.
 */
export async function sweep(
  folder: FileSystemDirectoryHandle, kept: () => Promise<string | null>): Promise<void> {
  const sets = new Map<string, string[]>();
  for await (const name of folder.keys()) {
    const id = setOf(name) ?? name;
    sets.set(id, [...(sets.get(id) ?? []), name]);
  }
  const keep = await kept();
  for (const [id, names] of sets) {
    if (id === keep) continue;
    const release = await takeLock(setLock(id), 'exclusive');
    if (release === null) continue;
    try {
      if (id === (await kept())) continue;
      // What a manifest names must never outlive it as a data set.
      names.sort((a, b) => Number(b.startsWith('manifest')) - Number(a.startsWith('manifest')));
      for (const name of names) await folder.removeEntry(name).catch(() => {}); // in use, or gone
    } finally {
      release();
    }
  }
}
