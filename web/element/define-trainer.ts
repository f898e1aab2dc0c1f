/**
 * Registers <kiln-trainer>, once: a page that loads this twice has one, of the first version. Where
 * there are no elements, on a server that renders pages, nothing happens.
 */

import { elementWords as words } from '../strings-element.js';
import { KilnTrainer } from './kiln-trainer.js';

const NAME = 'kiln-trainer';
const present = globalThis.customElements?.get(NAME) as typeof KilnTrainer | undefined;

if (!present) globalThis.customElements?.define(NAME, KilnTrainer);
else if (present.version !== KilnTrainer.version) {
  console.warn(words.versions(present.version, KilnTrainer.version));
}

declare global {
  interface HTMLElementTagNameMap {
    'kiln-trainer': KilnTrainer;
  }
}

export { KilnTrainer };
export type { KilnTrainerEventMap } from './element-types.js';
