/** Writes the log of each run of a trainer, as the command line would. */

import type { EpochEvent } from '../../bindings/types.js';
import { explain, type LiveTrainer } from '../live-trainer.js';
import { testLook } from './test-look.js';

/** The program's exit codes, where an error has one of its own. */
const EXITS: Record<string, number> = { E_DIVERGED: 6, E_MEMORY: 5 };

export class TryRecorder {
  readonly #trainer: LiveTrainer;
  readonly #changed: (run: object, lines: readonly string[]) => void;
  /** Tells runs apart: each has a summary of its own. */
  #run: object;
  #lines: string[] = [];
  #begun = performance.now();
  #ended = false;

  /** `changed` hears of each line, with the object that stands for the run. */
  constructor(
    trainer: LiveTrainer,
    signal: AbortSignal,
    changed: (run: object, lines: readonly string[]) => void,
  ) {
    this.#trainer = trainer;
    this.#changed = changed;
    this.#run = trainer.summary;
    const on = (type: string, act: (detail: never) => void): void =>
      trainer.addEventListener(type, (event) => act((event as CustomEvent).detail as never),
        { signal });
    on('state', () => this.#look());
    on('epoch', (epoch: EpochEvent) => void this.#epoch(epoch));
    on('error', (error: { code: string; message: string }) => this.#failed(error));
  }

  #look(): void {
    const { summary, state } = this.#trainer;
    if (summary !== this.#run) {
      this.#run = summary;
      this.#lines = [];
      this.#ended = false;
      this.#begun = performance.now();
    }
    if (state === 'running' && this.#lines.length === 0) this.#begun = performance.now();
    if (state === 'running') this.#ended = false; // it may go on after its end
    if (state === 'done') void this.#done();
  }

  #add(run: object, line: object): void {
    if (run !== this.#run) return; // another has taken its place meanwhile
    this.#lines.push(JSON.stringify(line));
    this.#changed(run, this.#lines);
  }

  async #epoch({ type, ...epoch }: EpochEvent): Promise<void> {
    const run = this.#run;
    const first = this.#lines.length === 0;
    const { backend, dataset } = this.#trainer;
    if (first) {
      this.#add(run, { event: 'run', mode: backend.mode, command: ['train'] });
      const at = this.#lines.length;
      this.#lines.push(''); // the place of what is to be asked for
      const options = await this.#trainer.options();
      if (run !== this.#run) return;
      this.#lines[at] = JSON.stringify({
        event: 'begin', data: dataset.name, dataHash: dataset.hash, options });
    }
    this.#add(run, { event: type, ...epoch });
  }

  async #done(): Promise<void> {
    if (this.#ended || this.#lines.length === 0) return;
    this.#ended = true;
    const run = this.#run;
    const trainer = this.#trainer;
    const seconds = (performance.now() - this.#begun) / 1000;
    const { metrics, dataset, backend, summary } = trainer;
    const { step, epochs, valAccuracy, bestValAccuracy, bestEpoch } = metrics!;
    try {
      const test = dataset.test > 0 ? (await testLook(trainer)).accuracy : null;
      const parameterHash = await trainer.hash?.();
      if (run !== this.#run) return;
      // A run that goes on after its end has one, the last.
      this.#lines = this.#lines.filter((line) => !line.startsWith('{"event":"done"'));
      this.#add(run, {
        event: 'done', valAccuracy, testAccuracy: test, parameterHash, mode: backend.mode,
        bestValAccuracy, bestEpoch, step, epochs, seconds, net: summary.notation });
    } catch (error) {
      this.#failed(explain(error));
    }
  }

  #failed({ code, message }: { code: string; message: string }): void {
    if (this.#lines.length === 0) return;
    const step = this.#trainer.metrics?.step ?? 0;
    this.#add(this.#run, { event: 'failed', exit: EXITS[code] ?? 1, reason: message, step });
  }
}
