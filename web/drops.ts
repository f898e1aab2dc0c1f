/**
 * Files dropped anywhere on the page: shows that they may be, and hands them over. What a file is
 * gets decided by whoever takes it.
 */

import { h, show } from './dom.js';
import { strings } from './strings.js';

/** Listens on the document; returns the sheet that covers the page while files hang over it. */
export function acceptDrops(document: Document, take: (files: File[]) => void): HTMLElement {
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
    take([...event.dataTransfer!.files]);
  });
  return over;
}
