/** What <kiln-trainer> says before it is loaded: a table of its own, which stays small. */

export const elementWords = {
  label: 'A network that learns in this page',
  preset: (name: string): string => `The network “${name}”`,
  usual: 'A small convolutional network',
  start: 'Start',
  again: 'Try again',
  loading: 'Loading…',
  noScript: 'the program of this element did not load: ',
  versions: (used: string, other: string): string =>
    `kiln: this page loads <kiln-trainer> in versions ${used} and ${other}; ${used} is used`,
  press: 'Data that have an address are fetched when Start is pressed here, not before.',
  removed: 'the element was taken out of the page',
};
