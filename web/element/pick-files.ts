/** Files that somebody picks. */

import { h } from '../dom.js';

export const CHECKPOINTS = '.safetensors';

/** Asks for files; what comes of them has been told where it fails. */
export function pick(accept: string, take: (files: File[]) => Promise<void>): void {
  const input = h('input', { type: 'file', accept, multiple: accept !== CHECKPOINTS,
    onchange: () => {
      const files = [...input.files ?? []];
      if (files.length > 0) void take(files).catch(() => {});
    } });
  input.click();
}
