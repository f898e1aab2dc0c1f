/**
 * The set-up that the next run will have, as the editor and the options show it, beside the one
 * that the present run has. What differs waits for a reset.
 */

import type { OptionInfo } from '../bindings/types.js';
import type { DataSource, Change, LiveTrainer } from './live-trainer.js';
import { writeHash, type Shown } from './link.js';
import type { NetEditor } from './net-editor.js';
import type { OptionPanel } from './option-panel.js';
import { OF_DATA } from './option-values.js';
import { sameValue } from './presets.js';
import { readHash, type Shared } from './share.js';

type Values = Record<string, string>;

export class SetUp {
  readonly #trainer: LiveTrainer;
  readonly #net: NetEditor;
  readonly #options: OptionPanel;
  #inUse: Values = {};
  #netInUse = '';
  #read: Values = {}; // the options the data were read with
  #address = ''; // as last read or written here
  /** Where the present data set came from. */
  data: DataSource = 'builtin';
  readonly #heeding: (() => void)[] = [];

  constructor(trainer: LiveTrainer, net: NetEditor, options: OptionPanel) {
    this.#trainer = trainer;
    this.#net = net;
    this.#options = options;
  }

  /** Calls it whenever what is shown, or in use, may have changed. */
  heed(act: () => void): void {
    this.#heeding.push(act);
  }

  /** All options of the present run, by name. */
  get inUse(): Readonly<Values> {
    return this.#inUse;
  }

  get table(): readonly OptionInfo[] {
    return this.#options.table;
  }

  get defaults(): Values {
    return Object.fromEntries(this.#options.table.map((info) => [info.name, info.default]));
  }

  /** Why what is shown cannot be trained on; null where it can. */
  get problem(): string | null {
    return this.#net.problem ?? this.#options.problems[0] ?? null;
  }

  /** Whether what is shown is not what is in use. */
  get pending(): boolean {
    return this.#net.net !== this.#netInUse || this.#waiting().size > 0;
  }

  /** A new run with what is shown, but for what is given. The present one stays if it fails. */
  async apply(change: Change = {}): Promise<void> {
    const options = this.#options.values;
    const text = this.#net.net;
    const net = change.net ?? text;
    const reread = OF_DATA.some((name) => !sameValue(options[name], this.#read[name]));
    const data = change.data ?? (reread ? this.data : undefined);
    await this.#trainer.reset({ options, ...change, net, ...(data ? { data } : {}) });
    if (data) this.data = data;
    if (data) this.#read = options;
    await this.takeOver(options);
    // The library ends a preset's net in as many scores as the data have classes.
    if (net === text && this.#net.net === text && this.#netInUse !== net) this.#show();
  }

  /** Editor and controls show this net and these options; the run stays as it is. */
  draft(net: string, options: Values): void {
    this.#net.net = net;
    this.#options.values = options;
  }

  /** As draft(), and a new run with them. */
  async choose(net: string, options: Values): Promise<void> {
    this.draft(net, options);
    await this.apply({ net });
  }

  /** What holds where a recipe says nothing: as usual, but for the data and the seed. */
  get usual(): Values {
    const kept = OF_DATA.map((name) => [name, this.#inUse[name] ?? '']);
    const { seed = '1' } = this.#options.values;
    return { ...this.defaults, ...Object.fromEntries(kept), seed };
  }

  /** The editor shows the net that is in use. */
  #show(): void {
    this.#net.net = this.#netInUse;
    this.mark();
  }

  /** A new run on other data, with a net that was fitted to them. */
  async applyFitted(net: string, change: Change): Promise<void> {
    await this.apply({ ...change, net });
    this.#show();
  }

  /** The data set and the run of a checkpoint, which was made with these options. */
  async goBack(bytes: Uint8Array, data: DataSource, options: Values): Promise<void> {
    const reread = OF_DATA.some((name) => !sameValue(options[name], this.#read[name]));
    if (data !== this.data || reread) {
      await this.#trainer.reset({ options, data });
      this.data = data;
      this.#read = options;
    }
    await this.load(bytes);
  }

  /**
   * A checkpoint's run, or a new one with a file's weights, on the present data set. Resolves to
   * what the file held.
   */
  async load(bytes: Uint8Array): Promise<'run' | 'weights'> {
    const shown = this.#options.values;
    const text = this.#net.net;
    const held = await this.#trainer.load(bytes);
    await this.takeOver(shown);
    if (this.#net.net === text) this.#net.net = this.#netInUse;
    return held;
  }

  /** What runs now is what the trainer says; the controls showed this when it was asked for. */
  async takeOver(shown: Values = this.#options.values): Promise<void> {
    const options = Object.entries(await this.#trainer.options());
    this.#inUse = Object.fromEntries(options.map(([name, value]) => [name, String(value)]));
    this.#netInUse = this.#inUse['net'] ?? this.#trainer.summary.notation;
    if (Object.keys(this.#read).length === 0) this.#read = this.#inUse;
    this.#options.follow(this.#inUse, shown);
    this.mark();
  }

  /**
   * A live option acts at once, with what its control shows by now: keys that are pressed faster
   * than the worker answers go by what stands there.
   */
  async changed(name: string): Promise<void> {
    const value = this.#options.values[name]!;
    await this.#trainer.set(name, value);
    this.#inUse[name] = value;
    this.mark();
  }

  /** A live option is chosen elsewhere than by its control. */
  async set(name: string, value: string): Promise<void> {
    const shown = this.#options.values;
    await this.#trainer.set(name, value);
    this.#use(name, value, shown);
  }

  /** Takes over an option that the run has changed by itself; says its value. */
  async follow(name: string): Promise<string> {
    const shown = this.#options.values;
    const value = String((await this.#trainer.options())[name]);
    this.#use(name, value, shown);
    return value;
  }

  #use(name: string, value: string, shown: Values): void {
    this.#inUse[name] = value;
    this.#options.follow({ [name]: value }, shown);
    this.mark();
  }

  /**
   * Shows what waits for a reset, and puts the set-up into the address; but for an address that was
   * pasted and that nobody has read yet.
   */
  mark(): void {
    this.#options.waiting = this.#waiting();
    this.#net.values = this.#options.values;
    this.#net.inUse = this.#net.net === this.#netInUse ? null : this.#netInUse;
    for (const act of this.#heeding) act();
    if (this.#options.table.length === 0 || location.hash !== this.#address) return;
    if (location.hash !== this.hash) history.replaceState(null, '', this.hash);
    this.#address = location.hash;
  }

  /** What is shown; the net in use, where the text is none. */
  get shown(): Shown {
    const net = this.#net.problem === null ? this.#net.net : this.#netInUse;
    const { dataset: { name: data }, backend: { mode } } = this.#trainer;
    return { net, data, options: this.#options.values, mode };
  }

  /** Its link. */
  get hash(): string {
    return writeHash(this.shown, this.#options.table);
  }

  /** The address, where it is one that nobody has read or written here; from now on it is read. */
  takeAddress(): string | null {
    if (location.hash === this.#address) return null;
    this.#address = location.hash;
    return this.#address.length > 1 ? this.#address : null;
  }

  /** What an address asks for, as far as it is right. */
  linked(address: string): Shared {
    return readHash(address, this.#options.table);
  }

  /** Of a preset chosen during a run the live options wait, too: they belong to its net. */
  #waiting(): Set<string> {
    const values = this.#options.values;
    const names = this.#options.table.map(({ name }) => name);
    return new Set(
      names.filter(
        (name) => this.#inUse[name] !== undefined && !sameValue(values[name], this.#inUse[name]),
      ),
    );
  }
}
