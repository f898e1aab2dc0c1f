/** The set-up of an element's run as a link, a tag or a command: the three give the same run. */

import type { Trainer } from '../../bindings/trainer.js';
import { writeHash, type Shown } from '../link.js';
import { commandOf, elementOf } from '../spellings.js';
import type { Spelling } from './element-types.js';

const WAYS = { link: writeHash, tag: elementOf, command: commandOf };

export async function spell(trainer: Trainer, as: Spelling, persist: boolean): Promise<string> {
  if (!Object.hasOwn(WAYS, as)) throw new TypeError(`spell: link, tag or command, not "${as}"`);
  const [table, given] = await Promise.all([trainer.optionTable(), trainer.options()]);
  const options = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, String(value)]));
  const { dataset: { name: data }, backend: { mode } } = trainer;
  const shown: Shown = { net: options['net']!, data, options, persist, mode };
  return WAYS[as](shown, table);
}
