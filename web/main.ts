/** Starts the page: the views at once, then the trainer in its worker. */

import { forgetStoredDataset, storedDataset, Trainer } from 'kiln-nn';

import { defineElements } from './define.js';
import type { KilnPage } from './page.js';
import { strings } from './strings.js';
import { explain } from './live-trainer.js';

defineElements();
const page = document.querySelector<KilnPage>('kiln-page')!;
page.store = { info: storedDataset, forget: forgetStoredDataset };
try {
  page.trainer = await Trainer.create({ data: 'builtin' });
} catch (error) {
  page.say(strings.notices.noStart(explain(error).message));
}
