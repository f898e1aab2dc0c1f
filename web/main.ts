/** Starts the page: the trainer in its worker, and the views while that is coming. */

import { forgetStoredDataset, storedDataset, storedFiles, Trainer } from 'kiln-nn';
import { simd } from 'wasm-feature-detect';

import { defineElements, defineLater } from './define.js';
import type { KilnPage } from './page.js';
import { dataOptions } from './share.js';
import { strings } from './strings.js';
import { explain } from './live-trainer.js';

const words = strings.notices;

async function storageAvailable(): Promise<boolean> {
  try {
    await navigator.storage.getDirectory();
    return true;
  } catch {
    return false; // none by plain http, in some private windows, or where it is switched off
  }
}

/** What this browser lacks explains more than what then failed. */
async function whyNot(error: unknown): Promise<string> {
  if (typeof WebAssembly === 'undefined') return words.noWasm;
  return (await simd()) ? words.noStart(explain(error).message) : words.noSimd;
}

/** With the data as large as the address says; where that is wrong, the page tells so later. */
async function create(): Promise<Trainer> {
  const options = dataOptions(location.hash);
  try {
    return await Trainer.create({ data: 'builtin', options });
  } catch (error) {
    if (Object.keys(options).length === 0) throw error;
    return Trainer.create({ data: 'builtin' });
  }
}

const coming = create();
defineElements();
const page = document.querySelector<KilnPage>('kiln-page')!;
page.store = {
  available: storageAvailable,
  info: storedDataset,
  files: storedFiles,
  forget: forgetStoredDataset,
};
try {
  page.trainer = await coming;
  defineLater().catch(reportError);
} catch (error) {
  page.fail(await whyNot(error));
}
