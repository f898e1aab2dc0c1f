/**
 * Does what is asked of the run, one thing after the other: begin, start, step, reset, settings,
 * data, checkpoints, links. What cannot be done is said, and a run that is replaced is kept.
 */

import type { CheckpointPanel } from './checkpoint-panel.js';
import type { DataPanel } from './data-panel.js';
import type { Change, DataSource, DataStore, LiveTrainer } from './live-trainer.js';
import { explain } from './live-trainer.js';
import type { NetEditor } from './net-editor.js';
import type { Notices } from './notices.js';
import type { OptionPanel } from './option-panel.js';
import { presetOf } from './presets.js';
import { RunKeeper, type KeptRun } from './run-keeper.js';
import { SetUp } from './set-up.js';
import type { Shared } from './share.js';
import { strings } from './strings.js';

const words = strings.notices;

export interface Parts {
  net: NetEditor;
  options: OptionPanel;
  data: DataPanel;
  checkpoint: CheckpointPanel;
  notices: Notices;
}

export class RunDesk {
  readonly keeper: RunKeeper;
  readonly setUp: SetUp;
  readonly #trainer: LiveTrainer;
  readonly #parts: Parts;
  readonly #store: DataStore | null;
  #reading: AbortController | null = null;
  /** The present data set with what was changed in it; null where nothing was. */
  amended: () => Promise<File | null> = async () => null;
  /** The run began with the weights of a file, which a reset would lose. */
  #opened = false;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(trainer: LiveTrainer, parts: Parts, store: DataStore | null) {
    this.#trainer = trainer;
    this.#parts = parts;
    this.#store = store;
    this.keeper = new RunKeeper(trainer);
    this.setUp = new SetUp(trainer, parts.net, parts.options);
  }

  /** One thing after the other; each that fails says so. */
  #serially(work: () => Promise<unknown>): Promise<unknown> {
    this.#busy = this.#busy.then(work).catch((error: unknown) => this.#fail(error));
    return this.#busy;
  }

  #fail(error: unknown): void {
    const { code, message } = explain(error);
    if (code !== 'E_ABORTED') this.#parts.notices.say('problem', words.failed(message));
  }

  // running

  /** The first run: what the address asks for, as far as it is right. */
  begin(): Promise<unknown> {
    return this.#serially(async () => {
      await this.#parts.options.ready;
      const address = this.setUp.takeAddress();
      const shared = address ? this.setUp.linked(address) : null;
      await this.setUp.takeOver(); // and with it the address
      await this.#openShared(shared);
    });
  }

  start(): void {
    this.#serially(async () => {
      await this.#prepare();
      await this.#trainer.start();
    });
  }

  step(): void {
    this.#serially(async () => {
      await this.#prepare();
      await this.#trainer.step();
    });
  }

  reset(): void {
    this.#reading?.abort();
    this.#serially(async () => {
      await this.#parts.net.checked;
      const { problem } = this.setUp;
      if (problem !== null) throw new Error(words.notReset(problem));
      const file = await this.amended();
      await this.#replace(() =>
        this.setUp.apply(file ? { data: { files: [file], store: true } } : {}));
      this.#parts.notices.clear('amended');
    });
  }

  /** A new run is never another one than the page shows. One under way goes on as it is. */
  async #prepare(): Promise<void> {
    await this.#parts.net.checked;
    if (this.#fresh) {
      const { problem } = this.setUp;
      if (problem !== null) throw new Error(words.notStarted(problem));
      if (this.setUp.pending) await this.setUp.apply();
    }
    this.#parts.notices.clear('problem', 'run');
  }

  /** Nothing is lost by a reset before the first step, so drafts come into use at once. */
  get #fresh(): boolean {
    const { state, metrics } = this.#trainer;
    return !this.#opened && state === 'ready' && (metrics?.step ?? 0) === 0;
  }

  // settings

  /** The text of the net, or a setting that waits for a reset, was changed. */
  drafted(): void {
    this.#serially(() => this.#drafted());
  }

  async #drafted(): Promise<void> {
    try {
      if (this.#parts.net.problem !== null || !this.#fresh || !this.setUp.pending) return;
      await this.setUp.apply();
      this.#parts.notices.clear('problem');
    } finally {
      this.setUp.mark(); // also where the data refuse the net
    }
  }

  /** A recipe is chosen, whole or with pieces changed: as if it were typed. */
  show(net: string, options: Record<string, string>): Promise<unknown> {
    return this.#serially(async () => {
      this.setUp.draft(net, { ...this.setUp.usual, ...options });
      await this.#parts.net.checked;
      await this.#drafted();
    });
  }

  changeOption(name: string, live: boolean): void {
    this.#serially(async () => {
      if (live) await this.setUp.changed(name);
      await this.#drafted();
    });
  }

  /** Goes on for more epochs. */
  trainMore(epochs: number): void {
    this.#serially(async () => {
      await this.setUp.set('epochs', String(Number(this.setUp.inUse['epochs']) + epochs));
      await this.#trainer.start();
    });
  }

  /** The cure of a run that diverges: a tenth of its rate, and no more than is usual. */
  get lowerRate(): string {
    const usual = Number(this.setUp.defaults['lr']);
    return String(Number(Math.min(usual, Number(this.setUp.inUse['lr']) / 10).toPrecision(2)));
  }

  /** Goes on with another rate, or begins anew with it. */
  changeRate(rate: string, anew: boolean): void {
    this.#serially(async () => {
      await this.setUp.set('lr', rate);
      if (anew) await this.#replace(() => this.setUp.apply());
      await this.#trainer.start();
    });
  }

  /** The run diverged and went on by itself, with a lower rate. */
  recovered(step: number): void {
    this.#serially(async () => {
      const rate = await this.setUp.follow('lr');
      this.#parts.notices.say('run', words.recovered(step, rate));
    });
  }

  // data and files

  changeData(data: DataSource): void {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#serially(async () => {
      if (reading.signal.aborted) return;
      await this.#parts.net.checked;
      this.#parts.data.begun();
      try {
        const net = this.#parts.net.problem === null ? {} : { net: this.setUp.inUse['net'] ?? '' };
        const change = { ...net, data, signal: reading.signal };
        await this.#replace(() => this.setUp.apply(change).catch((error: unknown) =>
          this.#fitNet(change, error)));
      } catch (error) {
        if (!this.#askSplit(data, explain(error))) throw error;
      } finally {
        this.#parts.data.ended();
      }
    });
  }

  /** Where the net ends in another number of scores than the data have classes, it is fitted. */
  async #fitNet(change: Change, error: unknown): Promise<void> {
    const net = change.net ?? this.#parts.net.net;
    const { fittedNet } = await import('./pictures/fitted-net.js');
    const fitted = fittedNet(net, explain(error));
    if (fitted === null) throw error;
    await this.setUp.applyFitted(fitted, change);
  }

  /**
   * A file whose name does not say what it holds: asks, and reads all of them again, that one under
   * an official name. False where there is nothing to ask.
   */
  #askSplit(data: DataSource, { code, message }: { code: string; message: string }): boolean {
    if (code !== 'E_SPLIT' || typeof data !== 'object' || !('files' in data)) return false;
    const { files } = data;
    const unclear = files.find(({ name }) => message.startsWith(`${name}:`));
    if (!unclear) return false;
    const are = (name: string) => (): void => {
      const renamed = new File([unclear], name);
      const all = files.map((file) => (file === unclear ? renamed : file));
      this.changeData({ files: all, store: true });
    };
    const taken = (name: string): boolean => files.some((file) => file.name === name);
    const trains = (n: number): string => `data_batch_${n}.bin`;
    let free = 1;
    while (taken(trains(free))) free++;
    const tests = 'test_batch.bin';
    this.#parts.notices.say('question', strings.data.askSplit(unclear.name), [
      { text: strings.data.areTraining, act: are(trains(free)) },
      ...(taken(tests) ? [] : [{ text: strings.data.areTest, act: are(tests) }]),
      { text: strings.data.cancel, act: () => {} },
    ]);
    return true;
  }

  /** Ends a reading of data that is under way. */
  cancelData(): void {
    this.#reading?.abort();
  }

  load(file: File): void {
    this.#serially(async () => {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const held = await this.#replace(() => this.setUp.load(bytes)).catch((error: unknown) =>
        this.#offerOther(file.name, bytes, error));
      if (held === null) return;
      this.#opened = held === 'weights';
      this.keeper.saved(this.#trainer.metrics?.step ?? 0);
      this.#parts.checkpoint.say(strings.checkpoint.opened[held](file.name));
      this.#parts.checkpoint.showImported(this.#trainer.imported ?? []);
    });
  }

  /** A run of other data, which says what differs, is not gone on with; it can be evaluated. */
  async #offerOther(name: string, bytes: Uint8Array, error: unknown): Promise<null> {
    const { code, message } = explain(error);
    if (code !== 'E_CHECKPOINT' || !message.includes('it was trained on')) throw error;
    const { offerEvaluation } = await import('./tries/other-data.js');
    offerEvaluation(this.#trainer, this.#parts.notices, { name, bytes, message });
    return null;
  }

  // links

  /** The address was changed: its set-up is opened, after a question where a run would go. */
  followLink(): void {
    const address = this.setUp.takeAddress();
    if (address === null || address === this.setUp.hash) return;
    const open = (): void => {
      this.#serially(() => this.#replace(() => this.#openShared(this.setUp.linked(address))));
    };
    if (!this.keeper.unsaved) return open();
    this.#parts.notices.say('question', strings.share.ask, [
      { text: strings.share.take, act: open },
      { text: strings.share.leave, act: () => this.setUp.mark() },
    ]);
  }

  async #openShared(shared: Shared | null): Promise<void> {
    const { net, options } = this.#parts;
    const notation = this.#trainer.summary.notation;
    const shown = options.values;
    const usual = shared?.net ? {} : await this.#optionsOf(notation);
    options.follow({ ...this.setUp.defaults, ...usual, ...shared?.options }, shown);
    if (shared?.net) net.net = shared.net;
    const problems = [...(shared?.problems ?? [])];
    const wrong = problems.length;
    const data = shared ? await this.#dataOf(shared, problems) : undefined;
    const missing = problems.length > wrong; // its net may be for other classes than those here
    const change = { ...(shared?.net ? { net: shared.net } : {}), ...data };
    try {
      await this.setUp.apply(change).catch((error: unknown) => {
        if (missing) return this.#fitNet(change, error);
        throw error;
      });
    } catch (error) {
      problems.push(strings.share.badNet(explain(error).message));
      await this.setUp.apply({ net: notation });
    }
    if (problems.length > 0) this.#parts.notices.say('problem', problems.join(' '));
  }

  /** The settings of the preset that has this net. */
  async #optionsOf(notation: string): Promise<Record<string, string>> {
    return presetOf(await this.#trainer.presets(), notation, {})?.options ?? {};
  }

  /** A link's data set, where it is another one than the present. It is never fetched. */
  async #dataOf({ data }: Shared, problems: string[]): Promise<{ data?: DataSource }> {
    if (data === this.#trainer.dataset.name) return {};
    if (data === 'builtin') return { data };
    const kept = await this.#store?.info().catch(() => null);
    if (kept?.name === data) return { data: { stored: true } };
    problems.push(strings.share.noData(strings.data.names[data] ?? data));
    return {};
  }

  // keeping

  /** Another run in the place of the present one, which is kept. Where that fails, it goes on. */
  async #replace<T>(work: () => Promise<T>): Promise<T> {
    let result: T;
    const goes = this.#trainer.state === 'running';
    if (goes) await this.#trainer.pause();
    const kept = await this.keeper.keep(this.setUp.data, this.setUp.inUse);
    const { summary } = this.#trainer;
    try {
      result = await work();
    } catch (error) {
      // Of a run on other data these may have come, and the run itself not.
      if (this.#trainer.summary !== summary) this.#replaced(kept);
      else if (goes) await this.#trainer.start();
      throw error;
    }
    this.#replaced(kept);
    return result;
  }

  #replaced(kept: KeptRun | null): void {
    this.#opened = false;
    this.keeper.saved(0);
    const { notices } = this.#parts;
    notices.clear('problem', 'run', 'question', 'kept');
    if (kept === null) return;
    notices.say('kept', words.kept(kept.epoch, kept.step), [
      { text: words.bringBack, act: () => this.bringBack(kept) },
    ]);
  }

  /** Another run from elsewhere. Rejects with why the present one was left instead. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(() => this.#replace(work));
    this.#busy = done.catch(() => {});
    return done;
  }

  bringBack({ bytes, data, options }: KeptRun): void {
    this.#serially(() =>
      this.#replace(() => this.setUp.goBack(bytes, data, options)));
  }

  /** What the worker left of its run, when it is no more. */
  recover(): void {
    const last = this.#trainer.lastCheckpoint;
    if (!last) return;
    this.#serially(() => this.setUp.load(last.bytes));
  }
}
