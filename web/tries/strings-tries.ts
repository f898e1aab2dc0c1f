/** What the page says of tries: runs that are compared. */

import { count, plural } from '../format.js';

export const triesWords = {
  title: 'Tries',
  lead:
    'Each run of this page that came to the end of an epoch, the best first. Logs of the command ' +
    'line (kiln train --log, kiln sweep) can be opened or dropped beside them.',
  none: 'No run has come to the end of an epoch yet.',
  open: 'Open logs…',
  saveAll: 'Save all (zip)',
  clear: 'Clear the table',
  save: 'Save',
  saveOne: (name: string): string => `Save the log of ${name}`,
  table: 'Tries, by validation accuracy',
  columns: ['#', 'Validation', 'Test', 'Epochs', 'Seconds'],
  run: 'Run',
  file: 'runs.zip',
  own: (n: number): string => `run ${count(n)}`,
  failed: 'Failed, or without an end',
  counts: (done: number, others: number): string =>
    `${plural(done, 'run', 'runs')} done${others > 0 ? `, ${count(others)} not` : ''}.`,
  noEnd: 'has no end: it is still running, or was stopped',
  empty: 'is empty',
  tooLarge: 'is larger than 64 MB, and no log',
  noJson: 'is no JSON object',
  noEvent: 'is no line of kiln train --log or --json',
  noNumber: (key: string): string => `“${key}” is no number`,
  outside: (key: string): string => `“${key}” lies outside of 0..1`,
  line: (n: number, why: string): string => `line ${count(n)} ${why}`,
} as const;

export const otherDataWords = {
  evaluate: 'Evaluate it on these data',
  close: 'Close',
  working: (name: string): string => `Evaluating ${name}…`,
  found: (
    name: string, split: string, data: string, right: number, all: number, share: string): string =>
    `${name} gets ${count(right)} of ${count(all)} ${split} images of ${data} right, ${share}.`,
} as const;
