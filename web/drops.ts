/**
 * Files dropped anywhere on the page: shows that they may be, and hands them over. What a file is
 * gets decided by whoever takes it.
 */

import { h, show } from './dom.js';
import type { Found } from './pictures/file-kinds.js';
import { strings } from './strings.js';

/** Listens on the document; returns the sheet that covers the page while files hang over it. */
export function acceptDrops(document: Document, take: (found: Found[]) => void): HTMLElement {
  const over = h('div', { class: 'drop', 'aria-hidden': 'true' }, strings.dropHere);
  const hasFiles = (event: DragEvent): boolean =>
    event.dataTransfer?.types.includes('Files') ?? false;
  show(over, false);
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(over, true);
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) show(over, false);
  });
  document.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(over, false);
    void filesOf(event.dataTransfer!).then(take);
  });
  return over;
}

/** What systems put beside files of their own accord. */
export const SIDECAR = /^(\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;

/** The files of a drop, those in folders too. The list of entries is gone after the event. */
async function filesOf({ items, files }: DataTransfer): Promise<Found[]> {
  const plain = [...files].map((file) => ({ file, path: file.name }));
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  const inside: Found[] = [];
  try {
    for (const entry of entries) await collect(entry, '', inside);
  } catch {
    inside.splice(0, Infinity, ...plain);
  }
  const found = entries.length > 0 ? inside : plain;
  return found.filter(({ file }) => !SIDECAR.test(file.name));
}

/** Adds the files of an entry to `found`. `above`: the folders on the way, with slashes. */
async function collect(entry: FileSystemEntry, above: string, found: Found[]): Promise<void> {
  if (entry.isFile) {
    const { file: give } = entry as FileSystemFileEntry;
    const file = await new Promise<File>((done, fail) => give.call(entry, done, fail));
    found.push({ file, path: above + file.name });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives a hundred entries at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((done, fail) =>
      reader.readEntries(done, fail),
    );
    if (some.length === 0) return;
    await Promise.all(some.map((one) => collect(one, `${above}${entry.name}/`, found)));
  }
}
