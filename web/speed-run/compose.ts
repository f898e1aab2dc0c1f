/**
 * A recipe with some of its pieces taken out, or some that it does without put in. The pieces, what
 * each changes in the notation, the settings or the augmentations, stand in recipe-pieces.json,
 * which tests/accuracy/pieces.mjs measures them by.
 */

import table from './recipe-pieces.json';

export interface Piece {
  name: string;
  /** Where that piece is out, this one is not there to be switched. */
  needs?: string;
  sentence: string;
  /** What takes its place, where that is not plain. */
  instead?: string;
  /** In time, in words. */
  cost: string;
  /** A piece of other recipes: its changes put it in. Of the others they take it out. */
  other?: boolean;
  /** Only what ends a run changes. */
  look?: boolean;
  /** Text of the notation, and what stands there instead. */
  net?: [from: string, to: string];
  options?: Record<string, string>;
  /** In the list augment: words with what stands there instead, '' for nothing, and more words. */
  augment?: { replace: Record<string, string>; add: string[] };
}

export const PIECES = table as unknown as readonly Piece[];

export interface Composed {
  net: string;
  options: Record<string, string>;
}

/** With the changes of each piece of these names, in the order of the table. */
export function compose({ net, options }: Composed, changed: ReadonlySet<string>): Composed {
  const made = { net, options: { ...options } };
  for (const piece of PIECES.filter(({ name }) => changed.has(name))) {
    if (piece.net) made.net = made.net.replaceAll(...piece.net);
    Object.assign(made.options, piece.options);
    if (piece.augment) {
      made.options['augment'] = augmented(made.options['augment'] ?? 'none', piece.augment);
    }
  }
  return made;
}

function augmented(list: string, { replace, add }: NonNullable<Piece['augment']>): string {
  const words = list.split(',').map((word) => replace[word] ?? word);
  return [...words.filter((word) => word !== 'none' && word !== ''), ...add].join(',') || 'none';
}

/** What differs, as words: of the notation the layers, of the settings what they are called. */
export function differences(
  from: Composed, to: Composed, called = (name: string): string => name): string[] {
  const names = Object.keys({ ...from.options, ...to.options })
    .filter((name) => from.options[name] !== to.options[name]);
  const layers = (net: string): string[] => net.split(' - ');
  const [a, b] = [layers(from.net), layers(to.net)];
  const nets = a.flatMap((layer, i) => (layer === b[i] ? [] : [`${layer} → ${b[i] ?? '–'}`]));
  return [...new Set(nets),
    ...names.map((name) =>
      `${called(name)} ${from.options[name] ?? '–'} → ${to.options[name] ?? '–'}`)];
}
