// What the stages share: statistics, the machine, programs that answer a line with a line.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import readline from 'node:readline';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function works(program, ...args) {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The core that runs of one thread are pinned to: the last, where interrupts come least. */
const CORE = os.cpus().length - 1;
export const canPin = works('taskset', '-c', String(CORE), 'true');

export function pinned(argv) {
  return canPin ? ['taskset', '-c', String(CORE), ...argv] : argv;
}

function firstLine(program, ...args) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')[0].trim();
  } catch {
    return '';
  }
}

/** Threads that other work keeps busy: what is not idle in two seconds of doing nothing. */
function otherWork() {
  const idle = () => os.cpus().reduce((sum, { times }) => sum + times.idle, 0);
  const [before, start] = [idle(), performance.now()];
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  return Math.max(0, os.cpus().length - (idle() - before) / (performance.now() - start));
}

export function describeMachine() {
  return {
    cpu: os.cpus()[0].model.trim(),
    cores: os.cpus().length,
    vectors: fs.existsSync('/proc/cpuinfo')
      && /\bavx512f\b/.test(fs.readFileSync('/proc/cpuinfo', 'utf8')) ? 'AVX-512' : os.arch(),
    system: firstLine('sh', '-c', '. /etc/os-release && echo "$PRETTY_NAME"') || os.platform(),
    compiler: firstLine('gcc', '--version'),
    node: process.versions.node,
    commit: firstLine('git', 'describe', '--always', '--dirty'),
    pinned: canPin,
    load: otherWork(), // before anything is measured
  };
}

/** A program that answers each line on stdin with one line of JSON on stdout. */
export class LineProgram {
  #child;
  #lines;
  #name;

  constructor(name, argv, env = {}) {
    this.#name = name;
    this.#child = spawn(argv[0], argv.slice(1), {
      stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    this.#child.on('error', () => {}); // the next ask() says that it ended
    this.#child.stdin.on('error', () => {});
    this.#lines = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask(line) {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#name} ended`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  close() {
    this.#child.stdin.end();
  }
}

/** Node with what it needs to run relaxed SIMD. */
export function nodeCommand(script, ...args) {
  const flags = (process.env.NODE_RELAXED ?? '').split(' ').filter(Boolean);
  return [process.execPath, ...flags, script, ...args];
}

/** Runs a stage's loop: says on stderr where it is, over itself on a terminal. */
export function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
