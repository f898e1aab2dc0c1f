/** Which options of the library's table the panel shows, and where. */

/** What everybody needs, in this order; the rest of the table stands under "More settings". */
export const FIRST_OPTIONS: readonly string[] = [
  'optimizer',
  'lr',
  'momentum',
  'schedule',
  'batch',
  'epochs',
  'reg',
  'dropout',
  'seed',
  'augment',
];

/** Options that are no controls here: the editor has the net. */
export const ELSEWHERE: readonly string[] = ['net'];
