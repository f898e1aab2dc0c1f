/** What <kiln-trainer> says once it is loaded. */

export const bodyWords = {
  notOf: (what: string, name: string, all: readonly string[]): string =>
    `${what}: “${name}” is none of ${all.join(', ')}.`,
  pick: 'Open…',
  noneKept: (reason: string): string => `${reason} It trains on the built-in images instead. ` +
    'A run is kept by saving it as a file.',
  save: 'Save',
  evaluate: 'Evaluate',
  progress: (epoch: number, epochs: number, step: string): string =>
    `epoch ${epoch} of ${epochs}, step ${step}`,
  score: (percent: string, split: string): string => `${percent} right of the ${split} images.`,
};
