/**
 * The part of <kiln-trainer> that comes when it is wanted: the trainer in its worker, the views and
 * controls the author chose, and what attributes and controls ask of the run, one after the other.
 */

import type { DatasetSource } from '../../bindings/dataset.js';
import type { Trainer } from '../../bindings/trainer.js';
import type { Evaluation, OptionInfo, Preset, Split } from '../../bindings/types.js';
import { download, english, h, setText, show, sheet } from '../dom.js';
import { count, percent, sentence } from '../format.js';
import type { LayerView } from '../layer-view.js';
import { explain, shownSplit, type LiveTrainer } from '../live-trainer.js';
import { OF_DATA, same } from '../option-values.js';
import { Announcer } from '../run-controls.js';
import { bodyWords as words } from '../strings-body.js';
import { elementWords } from '../strings-element.js';
import { viewStrings as strings } from '../strings-views.js';
import baseCss from '../styles/base.css?inline';
import type { View } from '../view.js';
import { CHOICES, listOf, optionsOf } from './attributes.js';
import { BUTTONS, ControlRow, type ButtonName } from './control-row.js';
import type { KilnTrainerEventMap } from './element-types.js';
import { loadViews, tagOf, VIEW_NAMES } from './element-views.js';
import type { Around, KeptRun } from './kept-run.js';
import type { KilnTrainer } from './kiln-trainer.js';
import { ProgressGate } from './progress-gate.js';
import { dataOf, openTrainer, type Opened, type Surroundings } from './opening.js';
import { CHECKPOINTS, pick } from './pick-files.js';
export { spell } from './spell.js'; // comes with it, not as one more file of the shell

type Values = Record<string, string>;

const USUAL_VIEWS = 'loss accuracy';
const USUAL_CONTROLS = 'start step reset';

export class TrainerBody {
  readonly trainer: Trainer;
  readonly node: HTMLElement;
  readonly #host: KilnTrainer;
  readonly #fire: Surroundings['fire'];
  readonly #views = h('div', { class: 'views', part: 'views' });
  readonly #row = new ControlRow({
    press: (name) => void this.#press(name).catch(() => {}),
    choose: (name, value) => this.#choose(name, value),
  });
  readonly #status = h('p', { class: 'status', part: 'status' });
  readonly #ofRuns = h('div', { class: 'notice', part: 'notice', hidden: true });
  readonly #notice = h('div', { class: 'notice', part: 'notice', hidden: true });
  readonly #problem = h('p', { class: 'problem', part: 'error', role: 'alert', hidden: true });
  readonly #live = new Announcer();
  readonly #drop = new AbortController();
  #table: OptionInfo[] = [];
  #presets: Preset[] = [];
  #inUse: Values = {};
  /** What was chosen by the controls, until the author sets that attribute anew. */
  #chosen: Values = {};
  /** The data set as the author wants it, and what it is made of. */
  #data: DatasetSource | string;
  #source: DatasetSource;
  #busy: Promise<unknown> = Promise.resolve();
  #kept: unknown = null;
  #keptRun: KeptRun | null = null;
  #viewProblem: string | undefined;

  /** Rejects with what keeps it from training: a wrong option, a file that is not there. */
  static async open(host: KilnTrainer, around: Surroundings): Promise<TrainerBody> {
    const views = loadViews(viewsOf(host));
    const options = optionsOf(host);
    const preset = host.getAttribute('preset');
    // The size of the data stands; what belongs to a preset's net waits until that is known.
    const first = preset === null ? options
      : Object.fromEntries(Object.entries(options).filter(([name]) => OF_DATA.includes(name)));
    const opened = await openTrainer(host, first, around);
    const body = new TrainerBody(host, around, opened);
    try {
      body.#table = await opened.trainer.optionTable();
      body.#presets = await opened.trainer.presets();
      await body.#takeOver();
      await body.#fresh();
      await body.#keep();
      body.#viewProblem = await views;
    } catch (error) {
      body.dispose();
      throw error;
    }
    return body;
  }

  private constructor(
    host: KilnTrainer, around: Surroundings, { trainer, source, missing }: Opened) {
    this.#host = host;
    this.#fire = around.fire;
    this.trainer = trainer;
    this.#data = host.data;
    this.#source = source;
    if (missing !== null) this.#offerFile(missing);
    this.node = english(h('div', {
      class: 'trainer', part: 'trainer', role: 'group', 'aria-label': elementWords.label },
      h('slot', { name: 'title' }), this.#row.node, this.#status, this.#notice, this.#ofRuns,
      this.#problem, this.#live.node, this.#views, h('slot', { name: 'caption' })));
  }

  /** In the document now: lays out, listens. */
  begin(): void {
    const root = this.node.getRootNode() as ShadowRoot;
    const base = sheet(baseCss);
    if (!root.adoptedStyleSheets.includes(base)) {
      root.adoptedStyleSheets = [base, ...root.adoptedStyleSheets];
    }
    this.#layControls();
    this.#layViews();
    for (const name of Object.keys(CHOICES)) this.#lookAtChoice(name);
    this.#listen();
    this.#update();
  }

  /** The page has become light or dark. */
  recolour(): void {
    for (const view of this.#views.children as Iterable<Element>) (view as View).recolour();
  }

  dispose(): void {
    this.#drop.abort();
    this.#keptRun?.dispose();
    this.trainer.dispose();
  }

  /** Trains, unless a run that was kept waits for a choice: that comes first. */
  async autostart(): Promise<void> {
    if (!this.#keptRun?.offers) await this.start();
  }

  // acting

  start(): Promise<void> {
    return this.#do(async () => {
      await this.#fresh();
      await this.trainer.start();
    });
  }

  /** At once: it does not wait for what is under way. */
  pause(): Promise<void> {
    return this.#say(() => this.trainer.pause());
  }

  step(): Promise<void> {
    return this.#do(async () => {
      await this.#fresh();
      await this.trainer.step();
    });
  }

  reset(): Promise<void> {
    return this.#do(async () => {
      if (this.#row.problem) throw new Error(this.#row.problem);
      await this.#apply();
    });
  }

  save(): Promise<Uint8Array> {
    return this.#say(async () => {
      const left = this.trainer.lastCheckpoint; // of a run whose worker is no more
      const bytes = await this.trainer.save().catch((error: unknown) => {
        if (left) return null;
        throw error;
      });
      const { step = 0, epoch = 0 } = this.trainer.metrics ?? {};
      const saved = bytes ? { bytes, step, epoch } : left!;
      this.#fire('checkpoint', saved);
      return saved.bytes;
    });
  }

  load(bytes: Uint8Array): Promise<void> {
    return this.#do(async () => {
      await this.trainer.load(bytes);
      await this.#takeOver();
    });
  }

  evaluate(split: Split = shownSplit(this.trainer.dataset)): Promise<Evaluation> {
    return this.#say(async () => {
      const evaluation = await this.trainer.evaluate(split);
      this.#live.say(words.score(percent(evaluation.accuracy), split));
      setText(this.#status, words.score(percent(evaluation.accuracy), split));
      return evaluation;
    });
  }

  /** An attribute, or the data, was changed by the author. */
  changed(name: string): void {
    if (name === 'views') return void this.#say(() => this.#changeViews()).catch(() => {});
    if (name === 'controls') return this.#layControls();
    if (name === 'persist') return void this.#do(() => this.#keep()).catch(() => {});
    if (Object.hasOwn(CHOICES, name)) return this.#lookAtChoice(name);
    delete this.#chosen[name];
    this.#follow(name);
  }

  #choose(name: string, value: string): void {
    this.#chosen[name] = value;
    this.#follow(name);
  }

  /** A live option acts at once; before the first step all do. */
  #follow(name: string): void {
    void this.#do(async () => {
      const info = this.#table.find((row) => row.name === name);
      if (!info?.live) return this.#fresh();
      const value = this.#wanted()[name] ?? info.default;
      await this.trainer.set(name, value);
      this.#inUse[name] = value;
    }).catch(() => {});
  }

  // keeping

  #around(): Around {
    return {
      host: this.#host, trainer: this.trainer as LiveTrainer, node: this.#ofRuns,
      options: () => this.#inUse,
      resume: (bytes, options) => this.#do(() => this.#resume(bytes, options)),
      saveFile: () => void this.#press('save').catch(() => {}),
    };
  }

  /** In the private storage, from now on, or no more. */
  async #keep(): Promise<void> {
    this.#keptRun?.dispose();
    this.#keptRun = null;
    if (!this.#host.hasAttribute('persist')) return;
    const { KeptRun } = await import('./kept-run.js');
    this.#keptRun = await KeptRun.begin(this.#around());
  }

  /** A checkpoint of a run with these options, by which its data are read. */
  async #resume(bytes: Uint8Array, options: Values): Promise<void> {
    const reread = OF_DATA.some((name) => !same(options[name] ?? '', this.#inUse[name] ?? ''));
    if (reread) await this.#reset(options, this.#source);
    await this.trainer.load(bytes);
    await this.#takeOver();
  }

  // the set-up

  #defaults(): Values {
    return Object.fromEntries(this.#table.map((info) => [info.name, info.default]));
  }

  /** What the next run will have: the author's word before a preset's, a control's before both. */
  #wanted(): Values {
    const net = this.#host.getAttribute('net') ?? this.#chosen['net'];
    // Without a net the library takes its first preset, whole.
    const name = this.#host.getAttribute('preset') ?? (net ? null : this.#presets[0]!.name);
    const preset = this.#presets.find((one) => one.name === name);
    if (name !== null && !preset) {
      throw new Error(words.notOf('preset', name, this.#presets.map((one) => one.name)));
    }
    const ofPreset = preset ? { net: preset.net, ...preset.options } : {};
    return { ...this.#defaults(), ...ofPreset, ...optionsOf(this.#host), ...this.#chosen };
  }

  #waiting(): Set<string> {
    const wanted = this.#wanted();
    return new Set(Object.keys(wanted).filter((name) =>
      this.#inUse[name] !== undefined && !same(wanted[name]!, this.#inUse[name]!)));
  }

  /** Nothing is lost by a reset before the first step: what waits comes into use. */
  async #fresh(): Promise<void> {
    const { state, metrics } = this.trainer;
    if (state !== 'ready' || (metrics?.step ?? 0) > 0) return;
    if (this.#row.problem) throw new Error(this.#row.problem);
    if (this.#waiting().size > 0 || this.#host.data !== this.#data) await this.#apply();
  }

  async #apply(): Promise<void> {
    const options = this.#wanted();
    const { data } = this.#host;
    const reread = data !== this.#data || OF_DATA.some((name) =>
      this.#inUse[name] !== undefined && !same(options[name] ?? '', this.#inUse[name]!));
    await this.#reset(options, reread ? data === this.#data ? this.#source : dataOf(data) : null);
    this.#data = data;
  }

  async #reset(options: Values, source: DatasetSource | null): Promise<void> {
    await this.trainer.reset({ options, ...(source ? { data: source } : {}) });
    if (source) {
      this.#source = source;
      show(this.#notice, source === 'builtin' && this.#notice.hasChildNodes());
    }
    await this.#takeOver();
  }

  /** Of the data that were to be those kept here, when there are none. */
  #offerFile(reason: string): void {
    const button = h('button', { type: 'button', part: 'button open', onclick: () => pick(
      '.gz,.tar,.bin', (files) => this.#do(() => this.#reset(this.#wanted(), { files }))) },
    strings.openData);
    this.#notice.append(h('p', {}, words.noneKept(sentence(reason))), button);
    show(this.#notice, true);
  }

  async #takeOver(): Promise<void> {
    this.#inUse = { ...await this.trainer.options() };
  }

  // showing

  #layControls(): void {
    const unknown = this.#row.lay(listOf(this.#host, 'controls', USUAL_CONTROLS), this.#table);
    const all = [...BUTTONS, ...this.#table.map(({ name }) => name)];
    if (unknown.length > 0) this.#tell(words.notOf('controls', unknown[0]!, all));
    this.#update();
  }

  async #changeViews(): Promise<void> {
    this.#viewProblem = await loadViews(viewsOf(this.#host));
    if (!this.#drop.signal.aborted) this.#layViews(); // of what the author wants by now
  }

  /** In the author's order; those that stay are kept, with what they show. */
  #layViews(): void {
    const present = new Map([...this.#views.children].map((view) => [view.localName, view]));
    const names = viewsOf(this.#host);
    const unknown = names.find((name) => !tagOf(name) && name !== 'none');
    const problem = unknown ? words.notOf('views', unknown, VIEW_NAMES) : this.#viewProblem;
    if (problem) this.#tell(problem);
    const views = names.flatMap((name) => {
      const tag = tagOf(name);
      if (!tag || !customElements.get(tag)) return [];
      const view = (present.get(tag) ?? document.createElement(tag)) as View;
      view.setAttribute('part', `view ${name}`);
      view.trainer = this.trainer;
      return [view];
    });
    this.#views.replaceChildren(...views);
  }

  /** The styles do the rest. */
  #lookAtChoice(name: string): void {
    const value = this.#host.getAttribute(name);
    const choices = CHOICES[name]!;
    if (value && !choices.includes(value)) this.#tell(words.notOf(name, value, choices));
    this.recolour();
  }

  #listen(): void {
    const { signal } = this.#drop;
    const pass = (type: string, as: keyof KilnTrainerEventMap): void =>
      this.trainer.addEventListener(type, (event) =>
        this.#fire(as, (event as CustomEvent<unknown>).detail), { signal });
    const gate = new ProgressGate((progress) => this.#fire('progress', progress));
    signal.addEventListener('abort', () => gate.close());
    this.trainer.addEventListener('progress', ({ detail }) => gate.push(detail), { signal });
    for (const type of ['epoch', 'error'] as const) pass(type, type);
    pass('state', 'statechange');
    this.trainer.addEventListener('progress', () => {
      this.#update();
      const kept = this.trainer.lastCheckpoint;
      if (kept && kept !== this.#kept) this.#fire('checkpoint', kept);
      this.#kept = kept;
    }, { signal });
    this.trainer.addEventListener('state', () => this.#update(), { signal });
    this.trainer.addEventListener('error', ({ detail: { code, message } }) => {
      this.#tell(message);
      if (code === 'E_DIVERGED') return;
      import('./kept-run.js').then(({ offerLeft }) => offerLeft(this.#around(), this.#keptRun))
        .catch(() => {}); // why the run ended has been told
    }, { signal });
    this.trainer.addEventListener('epoch', ({ detail: { epoch, trainAccuracy, valAccuracy } }) =>
      this.#live.epoch(epoch, trainAccuracy, valAccuracy), { signal });
    // What views tell each other stays in here.
    const within = <T>(type: string, act: (detail: T) => void): void =>
      this.node.addEventListener(type, (event) => {
        event.stopPropagation();
        act((event as CustomEvent<T>).detail);
      });
    within<unknown>('kiln-problem', (error) => this.#tell(explain(error).message));
    within('kiln-health', () => {}); // the loss view says it itself
    within<number>('kiln-image', (image) => {
      const layers = this.#views.querySelector<LayerView>(tagOf('layers')!);
      if (layers) layers.image = image;
    });
  }

  #update(): void {
    const { state, metrics } = this.trainer;
    const shown = { ...this.#inUse };
    const waiting = this.#waitingOrNone();
    for (const name of waiting) shown[name] = this.#wanted()[name]!;
    this.#row.show(shown, waiting);
    this.#row.update(state, metrics?.step ?? 0);
    const place = metrics
      ? `: ${words.progress(metrics.epoch, metrics.epochs, count(metrics.step))}` : '';
    setText(this.#status, `${strings.run.states[state]}${place}`);
  }

  /** A preset that is none has been told of already. */
  #waitingOrNone(): Set<string> {
    try {
      return this.#waiting();
    } catch {
      return new Set();
    }
  }

  // one thing after the other

  #do(work: () => Promise<void>): Promise<void> {
    const done = this.#busy.then(() => this.#say(work));
    this.#busy = done.catch(() => {});
    return done;
  }

  /** Says what failed, in the element and to who asked. */
  async #say<T>(work: () => Promise<T>): Promise<T> {
    try {
      show(this.#problem, false);
      return await work();
    } catch (error) {
      const { code, message } = explain(error);
      if (code !== 'E_ABORTED') this.#tell(message);
      if (code !== 'E_ABORTED') this.#fire('error', { code, message });
      throw error;
    } finally {
      this.#update();
    }
  }

  #tell(message: string): void {
    setText(this.#problem, sentence(message));
    show(this.#problem, true);
  }

  async #press(name: ButtonName): Promise<void> {
    if (name === 'save') {
      const bytes = await this.save() as Uint8Array<ArrayBuffer>;
      download('kiln.safetensors', bytes, 'application/octet-stream');
    } else if (name === 'load') {
      pick(CHECKPOINTS, async ([file]) =>
        this.load(new Uint8Array(await file!.arrayBuffer())));
    } else await this[name]();
  }
}

function viewsOf(host: Element): string[] {
  return listOf(host, 'views', USUAL_VIEWS);
}
