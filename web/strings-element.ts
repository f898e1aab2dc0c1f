/** What <kiln-trainer> says: a table of its own, so that the part that loads first stays small. */

export const elementWords = {
  label: 'A network that learns in this page',
  net: (net: string): string => net,
  preset: (name: string): string => `The network “${name}”`,
  usual: 'A small convolutional network',
  start: 'Start',
  again: 'Try again',
  loading: 'Loading…',
  noScript: 'the program of this element did not load: ',
  versions: (used: string, other: string): string =>
    `kiln: this page loads <kiln-trainer> in versions ${used} and ${other}; ${used} is used`,
  notOf: (what: string, name: string, all: readonly string[]): string =>
    `${what}: “${name}” is none of ${all.join(', ')}.`,
  removed: 'the element was taken out of the page',
  pick: 'Open…',
  noneKept: (reason: string): string => `${reason} It trains on the built-in images instead. ` +
    'A run is kept by saving it as a file.',
  openData: 'Open CIFAR-10…',
  save: 'Save',
  evaluate: 'Evaluate',
  waits: 'at reset',
  progress: (epoch: number, epochs: number, step: string): string =>
    `epoch ${epoch} of ${epochs}, step ${step}`,
  score: (percent: string, split: string): string => `${percent} right of the ${split} images.`,
};
