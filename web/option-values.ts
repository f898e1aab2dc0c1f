/** Values of options as text: which are equal, and which the data are read by. */

/** Options that act when the data are read. */
export const OF_DATA = ['train', 'validation', 'test', 'data-seed'];

/** 1e-3 is 0.001. */
export function same(a: string, b: string): boolean {
  return a === b || (a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b));
}
