/** Reads the link of a network and its settings, which link.ts writes. */

import type { OptionInfo } from '../bindings/types.js';
import { DATA, OWN } from './link.js';
import { OF_DATA } from './option-values.js';
import { strings } from './strings.js';

const words = strings.share;

/** What a link asks for. */
export interface Shared {
  net: string | null;
  /** The name of a data set; of own pictures their own. */
  data: string;
  options: Record<string, string>;
  /** A sentence for each value that cannot be used. Unknown keys are passed over. */
  problems: string[];
}

const OWN_NAME = 63; // bytes, as a kiln set has them

/**
 * What a link says of the data set's size, before the library is there to check it: with that the
 * first data set is drawn, so that it need not be drawn twice.
 */
export function dataOptions(hash: string): Record<string, string> {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  return Object.fromEntries(
    OF_DATA.map((name) => [name, fields.get(name) ?? '']).filter(([, value]) =>
      /^\d{1,7}$/.test(value!),
    ),
  ) as Record<string, string>;
}

export function readHash(hash: string, table: readonly OptionInfo[]): Shared {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const named = fields.get('data') ?? DATA[0];
  const own = named.startsWith(OWN) ? named.slice(OWN.length, OWN.length + OWN_NAME) : null;
  const data = own ?? DATA.find((name) => name === named) ?? DATA[0];
  const net = fields.get('net')?.trim() || null;
  const shared: Shared = { net, data, options: {}, problems: [] };
  if (own === null && named !== data) {
    const problem = words.notAChoice(DATA.join(', '));
    shared.problems.push(words.badOption('data', named.slice(0, 40), problem));
  }
  for (const info of table) {
    const value = fields.get(info.name)?.trim();
    if (info.name === 'net' || value === undefined) continue;
    const problem = wrong(info, value);
    if (problem) shared.problems.push(words.badOption(info.name, value.slice(0, 40), problem));
    else shared.options[info.name] = value;
  }
  return shared;
}

function wrong(
  { type, min = -Infinity, max = Infinity, choices = [] }: OptionInfo,
  value: string,
): string | null {
  switch (type) {
    case 'choice':
      return choices.includes(value) ? null : words.notAChoice(choices.join(', '));
    case 'flag':
      return value === '0' || value === '1' ? null : words.notAFlag;
    case 'text':
      return null;
    case 'int':
    case 'float': {
      const number = Number(value);
      if (
        value === '' ||
        !Number.isFinite(number) ||
        (type === 'int' && !Number.isInteger(number))
      ) {
        return words.notANumber;
      }
      const least = Math.max(0, min); // below it the command line says “as usual”
      return number >= min && number <= max ? null : words.outside(String(least), String(max));
    }
  }
}
