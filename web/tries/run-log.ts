/**
 * Logs of training runs: JSON objects, one a line, as `kiln train --log` and `--json` write them
 * and `kiln report` reads them (src/cli/run_log.h, report_read.c). A bad file is a run that failed,
 * with the reason.
 */

import { turn } from '../../bindings/turn.js';
import { triesWords as words } from './strings-tries.js';

const LARGEST = 64 << 20; // bytes
const AT_ONCE = 2000; // lines between two turns

export type RunEnd = 'done' | 'failed' | 'open'; // open: still running, or killed

/** A try: what its log tells of it. */
export interface Try {
  name: string;
  state: RunEnd;
  /** Why it failed, or has no end. */
  reason: string;
  options: Record<string, string>;
  data: string;
  epochs: number;
  validation: number | null;
  test: number | null;
  seconds: number | null;
  hash: string;
  /** The log itself, to be saved. */
  lines: string[];
}

type Fields = Record<string, unknown>;

function newTry(name: string): Try {
  return {
    name, state: 'open', reason: words.noEnd, options: {}, data: '', epochs: 0, validation: null,
    test: null, seconds: null, hash: '', lines: [],
  };
}

/** A number, or null where it is not known; anything else is refused. */
function numberOf(fields: Fields, key: string): number | null {
  const value = fields[key] ?? null;
  if (value !== null && typeof value !== 'number') throw new Error(words.noNumber(key));
  return value;
}

function share(fields: Fields, key: string): number | null {
  const value = numberOf(fields, key);
  if (value !== null && !(value >= 0 && value <= 1)) throw new Error(words.outside(key));
  return value;
}

function textOf(fields: Fields, key: string, before: string): string {
  const value = fields[key];
  return typeof value === 'string' ? value : before;
}

/** One line: its event, which comes first, and what it tells. */
function readEvent(run: Try, line: string): void {
  let fields: Fields;
  try {
    fields = JSON.parse(line) as Fields;
  } catch (error) {
    throw new Error(words.noJson, { cause: error });
  }
  if (typeof fields !== 'object' || fields === null || Object.keys(fields)[0] !== 'event') {
    throw new Error(words.noEvent);
  }
  const { event } = fields;
  if (event === 'step') return; // of which there are thousands
  run.data = textOf(fields, 'data', run.data);
  run.hash = textOf(fields, 'parameterHash', run.hash);
  run.seconds = numberOf(fields, 'seconds') ?? run.seconds;
  run.test = share(fields, 'testAccuracy') ?? run.test;
  const validation = share(fields, 'valAccuracy');
  if (typeof fields['net'] === 'string') run.options = { net: fields['net'], ...run.options };
  if (typeof fields['options'] === 'object') {
    run.options = Object.fromEntries(
      Object.entries(fields['options'] ?? {}).map(([key, value]) => [key, String(value)]));
  }
  if (event === 'run') Object.assign(run, { state: 'open', reason: words.noEnd, epochs: 0 });
  if (event === 'epoch') run.epochs = numberOf(fields, 'epoch') ?? run.epochs;
  if (event === 'done') {
    const { epochs } = run; // of which the last may be a part
    Object.assign(run, { state: 'done', reason: '', validation,
      epochs: Math.min(epochs, numberOf(fields, 'epochs') ?? epochs) });
  }
  if (event === 'failed') {
    run.state = 'failed';
    run.reason = textOf(fields, 'reason', '');
  }
}

function failed(name: string, reason: string): Try {
  return { ...newTry(name), state: 'failed', reason };
}

/** A file of one run. What stands after the last line end was cut off while it was written. */
export async function readLog(file: File): Promise<Try> {
  if (file.size > LARGEST) return failed(file.name, words.tooLarge);
  if (file.size === 0) return failed(file.name, words.empty);
  const lines = (await file.text()).split('\n').slice(0, -1);
  const run = newTry(file.name);
  run.lines = lines;
  for (const [i, line] of lines.entries()) {
    if (i % AT_ONCE === AT_ONCE - 1) await turn();
    try {
      readEvent(run, line);
    } catch (error) {
      return { ...failed(file.name, words.line(i + 1, (error as Error).message)), lines };
    }
  }
  return run;
}

/** The same of lines that are there. */
export function tryOf(name: string, lines: readonly string[]): Try {
  const run = newTry(name);
  run.lines = [...lines];
  for (const line of lines) readEvent(run, line);
  return run;
}

/** Those that are done by validation accuracy, best first, then the others as they came. */
export function ranked(tries: readonly Try[]): Try[] {
  const rank = ({ state, validation }: Try): number => (state === 'done' ? (validation ?? -1) : -2);
  return [...tries].sort((a, b) => rank(b) - rank(a));
}

/** The options in which tries differ, in the order of the first that has them. */
export function varied(tries: readonly Try[]): string[] {
  const known = tries.filter(({ options }) => Object.keys(options).length > 0);
  const keys = [...new Set(known.flatMap(({ options }) => Object.keys(options)))];
  return keys.filter((key) => new Set(known.map(({ options }) => options[key])).size > 1);
}
