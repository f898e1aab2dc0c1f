/**
 * The page: lays out the views, gives them the trainer, and is the one place where their wishes
 * meet. It holds the set-up that the next run will have (the drafts of the editor and the options),
 * while each view knows but the trainer.
 */

import pageCss from './styles/page.css?inline';
import baseCss from './styles/base.css?inline';
import type { Preset } from '../bindings/types.js';
import type { CheckpointPanel } from './checkpoint-panel.js';
import type { DataPanel } from './data-panel.js';
import { h, setText, sheet, show } from './dom.js';
import { acceptDrops } from './drops.js';
import type { LayerView } from './layer-view.js';
import type { NetEditor } from './net-editor.js';
import type { OptionPanel } from './option-panel.js';
import { readHash, writeHash } from './share.js';
import { strings } from './strings.js';
import {
  explain,
  type Change,
  type DataSource,
  type DataStore,
  type LiveTrainer,
} from './live-trainer.js';
import type { View } from './view.js';

const LEFT = ['kiln-net-editor', 'kiln-option-panel', 'kiln-data-panel', 'kiln-checkpoint-panel'];
const VIEWS = [
  'kiln-readout',
  'kiln-loss-view',
  'kiln-accuracy-view',
  'kiln-filter-view',
  'kiln-prediction-view',
  'kiln-layer-view',
  'kiln-confusion-view',
  'kiln-timing-view',
];

/** Where the set-up has a column of its own; as in styles/page.css. */
const WIDE = '(min-width: 64rem)';

export class KilnPage extends HTMLElement {
  readonly #root = this.attachShadow({ mode: 'open' });
  readonly #views = new Map<string, View>();
  readonly #notice = h('p');
  readonly #noticeBox = h(
    'div',
    { class: 'notice', role: 'alert' },
    this.#notice,
    h('button', { type: 'button', onclick: () => show(this.#noticeBox, false) }, strings.dismiss),
  );
  readonly #shared = h('span', { class: 'note', role: 'status' });
  #trainer: LiveTrainer | null = null;
  /** Options of the present run, by name; what differs waits for a reset. */
  #inUse: Record<string, string> = {};
  #netInUse = '';
  #netValid = true;
  #busy: Promise<unknown> = Promise.resolve();

  connectedCallback(): void {
    if (this.#views.size > 0) return;
    this.#root.adoptedStyleSheets = [sheet(baseCss), sheet(pageCss)];
    for (const tag of ['kiln-run-bar', ...LEFT, ...VIEWS]) {
      this.#views.set(tag, document.createElement(tag) as View);
    }
    this.#lay();
    this.#listen();
  }

  set store(store: DataStore) {
    this.#data.store = store;
  }

  get trainer(): LiveTrainer | null {
    return this.#trainer;
  }

  set trainer(trainer: LiveTrainer | null) {
    this.#trainer = trainer;
    if (!trainer) return;
    trainer.addEventListener('error', (event) => {
      this.say(strings.notices.failed(explain((event as CustomEvent).detail).message));
    });
    for (const view of this.#views.values()) view.trainer = trainer;
    this.#serially(() => this.#begin(trainer));
  }

  /** Shows a sentence until it is dismissed. */
  say(text: string): void {
    setText(this.#notice, text);
    show(this.#noticeBox, true);
  }

  get #net(): NetEditor {
    return this.#views.get('kiln-net-editor') as NetEditor;
  }

  get #options(): OptionPanel {
    return this.#views.get('kiln-option-panel') as OptionPanel;
  }

  get #data(): DataPanel {
    return this.#views.get('kiln-data-panel') as DataPanel;
  }

  #lay(): void {
    const views = (tags: string[]): View[] => tags.map((tag) => this.#views.get(tag)!);
    show(this.#noticeBox, false);
    this.#root.append(
      h(
        'header',
        {},
        h('h1', {}, strings.title),
        h('p', {}, h('b', {}, strings.lead), ' ', h('span', {}, strings.leadMore)),
      ),
      h(
        'section',
        { class: 'top', 'aria-label': strings.run.label },
        this.#views.get('kiln-run-bar')!,
        this.#noticeBox,
      ),
      h(
        'main',
        {},
        h('section', { 'aria-label': strings.setUp }, this.#setUpBox(...views(LEFT))),
        h('section', { class: 'views', 'aria-label': strings.views }, ...views(VIEWS)),
      ),
      acceptDrops(this.ownerDocument, (files) => this.#open(files)),
    );
  }

  /** Stands open beside the views; where there is one column only, it is folded above them. */
  #setUpBox(...panels: HTMLElement[]): HTMLElement {
    const box = h(
      'details',
      { class: 'setup' },
      h('summary', {}, strings.setUpAll),
      h('div', { class: 'panels' }, ...panels, this.#shareBox()),
    );
    const wide = matchMedia(WIDE);
    const fit = (): void => {
      box.open = wide.matches;
    };
    wide.addEventListener('change', fit);
    fit();
    return box;
  }

  #shareBox(): HTMLElement {
    return h(
      'div',
      { class: 'share' },
      h('h2', {}, strings.share.title),
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'button', onclick: () => void this.#copyLink() }, strings.share.copy),
        this.#shared,
      ),
      h('p', { class: 'note' }, strings.share.hint),
    );
  }

  #listen(): void {
    const on = <T>(type: string, act: (detail: T) => void): void =>
      this.#root.addEventListener(type, (event) => act((event as CustomEvent<T>).detail));
    on<{ start: boolean }>('kiln-reset', ({ start }) =>
      this.#serially(() => this.#reset({}, start)),
    );
    on<{ net: string; valid: boolean }>('kiln-net', ({ valid }) => {
      this.#netValid = valid;
      this.#serially(() => this.#drafted());
    });
    on<Preset>('kiln-preset', ({ options }) => {
      this.#options.values = { ...this.#defaults(), ...options };
    });
    on<{ name: string; value: string; live: boolean }>('kiln-option', ({ name, value, live }) =>
      this.#serially(() => this.#changeOption(name, value, live)),
    );
    on<DataSource>('kiln-data', (data) => this.#serially(() => this.#changeData(data)));
    on<File>('kiln-checkpoint', (file) => this.#serially(() => this.#load(file)));
    on<number>('kiln-image', (image) => {
      (this.#views.get('kiln-layer-view') as LayerView).image = image;
    });
    on<unknown>('kiln-problem', (error) => this.say(explain(error).message));
  }

  /** One change of the run after the other; each that fails says so. */
  #serially(work: () => Promise<unknown>): void {
    this.#busy = this.#busy.then(work).catch((error: unknown) => this.say(explain(error).message));
  }

  /** The first run: what the address asks for, as far as it is right. */
  async #begin(trainer: LiveTrainer): Promise<void> {
    await this.#options.ready;
    const table = this.#options.table;
    const shared = readHash(location.hash, await trainer.optionTable());
    const presets = await trainer.presets();
    const plain = (net: string): string => net.replace(/\s+/g, '').toLowerCase();
    const usual = presets.find(({ net }) => plain(net) === plain(trainer.summary.notation));
    await this.#takeOver();
    const linked = shared.net !== null || Object.keys(shared.options).length > 0;
    this.#options.values = linked
      ? { ...this.#defaults(), ...shared.options }
      : (usual?.options ?? {});
    if (shared.net) this.#net.net = shared.net;
    const problems = [...shared.problems];
    try {
      await this.#apply(shared.net ? { net: shared.net } : {});
    } catch (error) {
      problems.push(strings.share.badNet(explain(error).message));
      await this.#apply({ net: trainer.summary.notation });
    }
    if (problems.length > 0) this.say(problems.join(' '));
    if (table.length > 0) this.#mark();
  }

  #defaults(): Record<string, string> {
    return Object.fromEntries(this.#options.table.map((info) => [info.name, info.default]));
  }

  /** A new run with the drafts. */
  async #reset(change: Change, start: boolean): Promise<void> {
    await this.#net.checked;
    const net = this.#netValid ? this.#net.net : this.#netInUse;
    await this.#apply({ net, ...change });
    if (start) await this.#trainer!.start();
  }

  async #apply(change: Change): Promise<void> {
    const options = this.#options.values;
    await this.#trainer!.reset({ options, ...change });
    await this.#takeOver(options);
    show(this.#noticeBox, false);
  }

  /** What runs now is what the trainer says. A control that no longer shows what it did when the
   *  run was asked for has been changed since, and keeps that: its change comes next. */
  async #takeOver(asked?: Record<string, string>): Promise<void> {
    const options = Object.entries(await this.#trainer!.options());
    const shown = this.#options.values;
    this.#inUse = Object.fromEntries(options.map(([name, value]) => [name, String(value)]));
    this.#netInUse = this.#inUse['net'] ?? this.#trainer!.summary.notation;
    this.#options.values = Object.fromEntries(
      Object.entries(this.#inUse).filter(([name]) => !asked || shown[name] === asked[name]),
    );
    this.#mark();
  }

  /** Nothing is lost by a reset before the first step, so drafts come into use at once. */
  get #fresh(): boolean {
    return this.#trainer?.state === 'ready' && (this.#trainer.metrics?.step ?? 0) === 0;
  }

  async #drafted(): Promise<void> {
    if (
      this.#netValid &&
      this.#fresh &&
      (this.#net.net !== this.#netInUse || this.#waiting().size > 0)
    ) {
      await this.#apply({ net: this.#net.net });
    }
    this.#mark();
  }

  async #changeOption(name: string, value: string, live: boolean): Promise<void> {
    if (live) {
      await this.#trainer!.set(name, value);
      this.#inUse[name] = value;
    }
    await this.#drafted();
  }

  async #changeData(data: DataSource): Promise<void> {
    try {
      await this.#reset({ data }, false);
    } finally {
      this.#data.ended();
    }
  }

  async #load(file: File): Promise<void> {
    await this.#trainer!.load(new Uint8Array(await file.arrayBuffer()));
    await this.#takeOver();
    this.#net.net = this.#netInUse;
    (this.#views.get('kiln-checkpoint-panel') as CheckpointPanel).say(
      strings.checkpoint.loaded(file.name),
    );
  }

  /** Of a preset chosen during a run the live options wait, too: they belong to its net. */
  #waiting(): Set<string> {
    const values = this.#options.values;
    const equal = (a: string, b: string): boolean =>
      a === b || (a !== '' && b !== '' && Number(a) === Number(b));
    return new Set(
      this.#options.table.flatMap(({ name }) =>
        this.#inUse[name] === undefined || equal(values[name] ?? '', this.#inUse[name])
          ? []
          : [name],
      ),
    );
  }

  /** Shows what waits for a reset, and puts the set-up into the address. */
  #mark(): void {
    this.#options.waiting = this.#waiting();
    this.#net.pending = this.#netValid && this.#net.net !== this.#netInUse;
    const hash = writeHash(
      this.#netValid ? this.#net.net : this.#netInUse,
      this.#options.values,
      this.#options.table,
    );
    if (this.#options.table.length > 0 && location.hash !== hash)
      history.replaceState(null, '', hash);
  }

  async #copyLink(): Promise<void> {
    try {
      await navigator.clipboard.writeText(location.href);
      setText(this.#shared, strings.share.copied);
    } catch {
      setText(this.#shared, strings.share.failed);
    }
  }

  /** A checkpoint is opened, anything else is tried as data. */
  #open(files: File[]): void {
    const checkpoint = files.find(({ name }) => name.endsWith('.safetensors'));
    if (checkpoint) this.#serially(() => this.#load(checkpoint));
    else if (files.length > 0) this.#serially(() => this.#changeData({ files, store: true }));
  }
}
