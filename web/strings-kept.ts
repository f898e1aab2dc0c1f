/** What page and element say of runs that the browser keeps. */

import { bytes, count, plural, sentence } from './format.js';

interface Place {
  epoch: number;
  epochs: number;
  step: number;
}

/** Milliseconds as people say them. */
function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'less than a minute ago';
  if (minutes < 60) return `${plural(minutes, 'minute', 'minutes')} ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${plural(hours, 'hour', 'hours')} ago`;
  return `${plural(Math.floor(hours / 24), 'day', 'days')} ago`;
}

const where = ({ epoch, epochs, step }: Place): string =>
  `epoch ${count(epoch)} of ${count(epochs)}, step ${count(step)}`;

export const keptWords = {
  title: 'Kept in this browser',
  offer: (run: Place & { savedAt: number }): string =>
    `A run was kept in this browser ${ago(Date.now() - run.savedAt)}: ${where(run)}.`,
  goOn: ({ epoch, epochs }: Place): string => epoch < epochs
    ? `Go on at epoch ${count(epoch)} of ${count(epochs)}` : 'Open the finished run',
  remove: 'Remove it',
  foreign: (savedAt: number): string => savedAt > 0
    ? `A run that was kept in this browser ${ago(Date.now() - savedAt)} is of another version of ` +
      'kiln, or damaged: this one cannot go on with it.'
    : 'A run that is kept in this browser is of another version of kiln, or damaged: this one ' +
      'cannot go on with it.',
  failed: (why: string): string => `The kept run could not be opened. ${sentence(why)}`,
  elsewhere: 'Another tab goes on with this run: it stays there.',
  gone: 'This run is kept no more.',
  needsData: (name: string): string =>
    `The kept run is of ${name}, which this browser does not keep: open it under “Data”, then go ` +
    'on with the run.',

  here: (run: Place & { savedAt: number }): string =>
    `This run is kept: ${where(run)}, ${ago(Date.now() - run.savedAt)}.`,
  notYet: 'A run is kept while it trains, and offered again after a reload or a crash.',
  noStorage: (why: string): string => `Nothing can be kept here: ${why}. Save the run as a file.`,
  notKept: (why: string): string =>
    `This run is not kept: ${why}. It goes on; save it as a file before you leave.`,
  save: 'Save as a file',
  list: (runs: number, size: number): string => runs === 0 ? 'Nothing is kept'
    : `${plural(runs, 'item', 'items')}, ${bytes(size)}`,
  row: (run: Place & { net: string; size: number; savedAt: number }): string =>
    `${run.net}: ${where(run)}, ${bytes(run.size)}, ${ago(Date.now() - run.savedAt)}`,
  foreignRow: (run: { size: number; savedAt: number }): string =>
    `A run of another version, or damaged: ${bytes(run.size)}` +
    (run.savedAt > 0 ? `, ${ago(Date.now() - run.savedAt)}` : ''),
  data: (name: string, size: number, savedAt: number): string =>
    `${name}: ${bytes(size)}, ${ago(Date.now() - savedAt)}`,
  own: '(this run)',
  other: '(in another tab)',
  open: 'Go on',
  clear: 'Remove',
  clearOf: (row: string): string => `Remove ${row}`,
  openOf: (row: string): string => `Go on with ${row}`,
  clearAll: 'Remove all',
  cleared: 'It was removed.',
  clearedAll: 'Everything that no other tab uses was removed.',
  bounds: (runs: number, size: number): string =>
    `At most ${runs} runs of ${bytes(size)} together: the oldest goes first. Browsers may clear ` +
    'what they keep; a file they leave alone.',

  lost: ({ epoch, step }: { epoch: number; step: number }): string =>
    `The run is left as it was at epoch ${count(epoch)}, step ${count(step)}.`,
  recover: 'Go on from there',
};
