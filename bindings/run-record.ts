/**
 * What a receipt needs to be told of a run while it goes: its options and first parameters, and
 * the parameters after each epoch, by their hashes. Events as `kiln train --receipt` keeps them.
 */

import { KilnError } from './errors.js';
import type { Metrics } from './types.js';
import type { Wasm } from './wasm.js';

/** A line of a run, for kiln_receipt. */
export type Line = Record<string, unknown>;

export class RunRecord {
  readonly #wasm: Wasm;
  readonly #first: string | null;
  readonly #epochs: Line[] = [];
  #obstacle: string | null = null;
  #best = false;
  #milliseconds = 0;

  /** Before the first step that is seen; `trainer` is its handle, `step` what is behind it. */
  constructor(wasm: Wasm, trainer: number, step: number) {
    this.#wasm = wasm;
    this.#first = step === 0 ? this.#hash(trainer) : null;
  }

  #hash(trainer: number): string {
    return this.#wasm.text('kiln_net_hash', this.#wasm.call('kiln_trainer_net', trainer));
  }

  spent(milliseconds: number): void {
    this.#milliseconds += milliseconds;
    this.#best = false; // a run that went on from there does not end with them
  }

  epoch(trainer: number, metrics: Metrics): void {
    const { epoch, step, trainLoss, trainAccuracy, valAccuracy } = metrics;
    this.#epochs.push({ event: 'epoch', epoch, step, trainLoss, trainAccuracy, valAccuracy,
      parameterHash: this.#hash(trainer) });
  }

  /** `changed` is the history's: what training anew would not give. */
  #obstacleOf(options: Record<string, string>, changed: string | null): string | null {
    if (options['recover'] === '1') return 'with the option recover it has no one history';
    if (changed === 'weights') return 'it began with the weights of a file';
    if (changed === 'best') return this.#best ? null : 'it went on from its best parameters';
    return changed === null ? null : `${changed} was changed on the way`;
  }

  diverged(): void {
    this.#obstacle ??= 'it diverged, and went back';
  }

  /** The parameters of the best validation accuracy are back. */
  endedWithBest(): void {
    this.#best = true;
  }

  /** The lines of a run that is over, but for what only its end knows. */
  lines(trainer: number, metrics: Metrics, options: Record<string, string>,
    changed: string | null): { begin: Line; epochs: Line[]; done: Line } {
    const obstacle = this.#obstacle ?? this.#obstacleOf(options, changed);
    if (obstacle !== null) {
      throw new KilnError('E_STATE',
        `receipt: this run cannot be checked by training it again: ${obstacle}`);
    }
    const { bestValAccuracy, valAccuracy } = metrics;
    return {
      begin: { event: 'begin', version: this.#wasm.version, mode: this.#wasm.backend.mode,
        options, parameterHash: this.#first },
      epochs: this.#epochs,
      done: { event: 'done', parameterHash: this.#hash(trainer),
        valAccuracy: this.#best ? bestValAccuracy : valAccuracy, best: this.#best,
        seconds: Math.round(this.#milliseconds) / 1000 },
    };
  }
}

/** "8 cores, 4 threads, Chrome/156": what may be known of the machine. */
export function machineOf(threads: number): string {
  const { hardwareConcurrency, userAgent = '' } =
    (globalThis.navigator ?? {}) as Partial<Navigator>;
  const browser = /(?:Firefox|Edg|OPR|Node\.js|Chrome)\/\d+/.exec(userAgent)?.[0]
    ?? (userAgent.includes('Safari') ? 'Safari' : '');
  const cores = hardwareConcurrency === undefined ? [] : [`${hardwareConcurrency} cores`];
  return [...cores, `${threads} threads`, ...(browser === '' ? [] : [browser])].join(', ');
}
