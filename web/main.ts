/** Starts the page: the trainer in its worker, and the views while that is coming. */

import { forgetStoredDataset, storedDataset, Trainer } from 'kiln-nn';

import { defineElements } from './define.js';
import type { KilnPage } from './page.js';
import { strings } from './strings.js';
import { explain } from './live-trainer.js';

const coming = Trainer.create({ data: 'builtin' });
defineElements();
const page = document.querySelector<KilnPage>('kiln-page')!;
page.store = { info: storedDataset, forget: forgetStoredDataset };
try {
  page.trainer = await coming;
} catch (error) {
  page.say(strings.notices.noStart(explain(error).message));
}
