/**
 * The link of a network and its settings: the address's hash holds the notation, the name of the
 * data set, and every option that differs from its default. It names no address of data: a page
 * that is opened fetches nothing. share.ts reads it.
 */

import type { OptionInfo } from '../bindings/types.js';
import { same } from './option-values.js';

/** A set-up as the page shows it; the data set by its name. */
export interface Shown {
  net: string;
  data: string;
  options: Record<string, string>;
  /** The element is to keep its run; the page always does. */
  persist?: boolean;
  /** Of its arithmetic: "fused" has to be said to the program, which is strict by itself. */
  mode?: string;
}

/** The data sets that a link can mean; the first is meant where it names none. */
export const DATA =
  ['builtin', 'cifar10', 'cifar100', 'mnist', 'fashion-mnist', 'pictures'] as const;
export type DataName = (typeof DATA)[number];
/** Before the name that people gave to pictures of theirs. */
export const OWN = 'own:';

export function writeHash({ net, data, options }: Shown, table: readonly OptionInfo[]): string {
  const fields = new URLSearchParams({ net });
  const known = DATA.some((name) => name === data);
  if (data !== DATA[0]) fields.set('data', known ? data : OWN + data);
  for (const [name, value] of changed(options, table)) fields.set(name, value);
  return `#${fields}`;
}

/** The options that are not as usual, in the order of the table: what a spelling has to name. */
export function changed(
  options: Record<string, string>,
  table: readonly OptionInfo[],
): [name: string, value: string][] {
  return table.flatMap(({ name, default: usual }): [string, string][] => {
    const value = options[name];
    return name === 'net' || value === undefined || same(value, usual) ? [] : [[name, value]];
  });
}
