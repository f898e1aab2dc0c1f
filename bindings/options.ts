/**
 * Options as text for the C library: one key=value on each line, with the keys of the command
 * line.
 */

import { KilnError } from './errors.js';
import type { OPTION_NAMES } from './option-names.js';

export { camelNames, OPTION_NAMES } from './option-names.js';

export type OptionValue = string | number | boolean | readonly number[];
export type Options = Record<string, OptionValue | undefined>;

type Camel<S extends string> =
  S extends `${infer First}-${infer Rest}` ? `${First}${Capitalize<Camel<Rest>>}` : S;
type OptionName = (typeof OPTION_NAMES)[number];

/** Options of a run by either name: weightDecay or 'weight-decay'. optionTable() describes them. */
export type TrainOptions = { [K in OptionName | Camel<OptionName>]?: OptionValue | undefined };

/** "weightDecay" and "weight-decay" are the same key. */
export function optionKey(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

/** Flags are 1 and 0, lists of numbers are sizes: [3, 32, 32] is 3x32x32. */
export function optionValue(name: string, value: OptionValue): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (Array.isArray(value)) return value.join('x');
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new KilnError('E_ARG', `option ${name}: a text, number, or true and false, ` +
      `not ${value === null ? 'null' : typeof value}`);
  }
  const text = String(value);
  if (/[\r\n\0]/.test(text) || /[\r\n\0=]/.test(name)) {
    throw new KilnError('E_ARG', `option ${JSON.stringify(name)}: no line breaks, please`);
  }
  return text;
}

export function optionText(options: Options): string {
  return Object.entries(options)
    .filter((entry): entry is [string, OptionValue] => entry[1] !== undefined)
    .map(([name, value]) => `${optionKey(name)}=${optionValue(name, value)}\n`)
    .join('');
}

/** What a data set has of the options. */
export const DATA_KEYS = ['train', 'validation', 'test', 'data-seed'];

/** As text, of the options those that a data set has. */
export function dataOptionText(options: Options): string {
  const wanted = Object.entries(options).filter(([name]) => DATA_KEYS.includes(optionKey(name)));
  return optionText(Object.fromEntries(wanted));
}
