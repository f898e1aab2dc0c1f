// runs.mjs — what the measurements of accuracy share: the program, real CIFAR-10, means, files.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The fused build is faster, and the browser's relaxed builds give its bits. */
export const PROGRAM = `${ROOT}build/native/kiln-fused`;
export const THREADS = process.env.THREADS ?? `${cpus().length}`;
/** Where checkpoints of the measurements lie. */
export const OUT = `${ROOT}build/recipes`;

/** The archive of real CIFAR-10; without it the program ends, with 2. */
export function cifar10() {
  const data = [process.env.CIFAR10, `${ROOT}data/cifar-10-binary.tar.gz`]
    .find((place) => place && existsSync(place));
  if (data) return data;
  console.error('CIFAR-10 is not here; fetch it with "make data", or name it: '
    + 'CIFAR10=path/to/cifar-10-binary.tar.gz');
  return process.exit(2);
}

/** Runs a command of kiln; resolves to the JSON lines it prints. */
export async function kiln(...args) {
  mkdirSync(OUT, { recursive: true });
  const given = [...args, '--threads', THREADS, '--json', '--quiet'];
  const { stdout } = await run(PROGRAM, given, { maxBuffer: 1 << 28 });
  return stdout.trim().split('\n').map((line) => JSON.parse(line));
}

/**
 * What `work` finds by training, which `what` names: measured once by this program, and from then
 * on read from build/recipes/measured.jsonl, so that a measurement of hours can be stopped.
 */
export async function once(what, work) {
  const file = `${OUT}/measured.jsonl`;
  const program = createHash('sha256').update(readFileSync(PROGRAM)).digest('hex').slice(0, 16);
  const key = JSON.stringify([program, ...what]);
  mkdirSync(OUT, { recursive: true });
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const known = lines.map((line) => JSON.parse(line)).find((one) => one.key === key);
  if (known) return known.found;
  const found = await work();
  appendFileSync(file, `${JSON.stringify({ key, found })}\n`);
  return found;
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard deviation of a sample: divided by n - 1. */
export function deviation(values) {
  const middle = mean(values);
  const squares = values.map((value) => (value - middle) ** 2);
  return values.length > 1 ? Math.sqrt((mean(squares) * values.length) / (values.length - 1)) : 0;
}

/** A row of a table in Markdown. */
export const row = (...cells) => `| ${cells.join(' | ')} |`;
