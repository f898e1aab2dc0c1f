/** The receipt of a run, as a file. */

import { download } from './dom.js';
import { bytes } from './format.js';
import type { LiveTrainer } from './live-trainer.js';
import { strings } from './strings.js';

/** Hands it to the browser's downloads; resolves to what is said of that. */
export async function downloadReceipt(trainer: LiveTrainer): Promise<string> {
  const { receiptFile, saved } = strings.exported;
  const text = await trainer.receipt();
  download(receiptFile, text, 'application/json');
  return saved(receiptFile, bytes(text.length));
}
