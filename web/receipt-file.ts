/** The receipt of a run, as a file. */

import { download } from './dom.js';
import { bytes } from './format.js';
import { strings } from './strings.js';

/** Hands it to the browser's downloads; what is said of that. */
export function downloadReceipt(text: string): string {
  const { receiptFile, saved } = strings.exported;
  download(receiptFile, text, 'application/json');
  return saved(receiptFile, bytes(text.length));
}
