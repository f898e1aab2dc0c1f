/**
 * The page: lays out the views, gives them the trainer, and is the one place where their wishes
 * meet; what is asked of the run goes to its desk. Each view knows but the trainer.
 */

import pageCss from './styles/page.css?inline';
import baseCss from './styles/base.css?inline';
import type { Preset } from '../bindings/types.js';
import type { CheckpointPanel } from './checkpoint-panel.js';
import type { ConfusionView } from './confusion-view.js';
import type { CoursePanel } from './course-panel.js';
import type { DataPanel } from './data-panel.js';
import { h, setText, sheet } from './dom.js';
import { acceptDrops } from './drops.js';
import { footer } from './footer.js';
import { general, percent } from './format.js';
import type { Health } from './health.js';
import { KeptDesk } from './kept-desk.js';
import type { KeptPanel } from './kept-panel.js';
import type { LayerView, Photo } from './layer-view.js';
import { explain, type DataSource, type DataStore, type LiveTrainer } from './live-trainer.js';
import type { NetEditor } from './net-editor.js';
import { Notices } from './notices.js';
import type { OptionPanel } from './option-panel.js';
import { MOST, type PhotoView } from './photo-view.js';
import type { Cell } from './pictures/cell-pictures.js';
import { areOwnPictures, isPhoto, type Found } from './pictures/file-kinds.js';
import type { RunBar } from './run-bar.js';
import { RunDesk } from './run-desk.js';
import type { RecipeView } from './speed-run/recipe-view.js';
import type { SpeedView } from './speed-run/speed-view.js';
import { strings } from './strings.js';
import type { TriesView } from './tries/tries-view.js';
import type { View } from './view.js';
import { VIEW_TAGS } from './view-tags.js';

const words = strings.notices;

const LEFT = [
  'kiln-net-editor',
  'kiln-option-panel',
  'kiln-data-panel',
  'kiln-checkpoint-panel',
  'kiln-kept-panel',
  'kiln-export-panel',
];
const COURSE = 'kiln-course-panel';
const TRIES = 'kiln-tries-view';
const SPEED = 'kiln-speed-view';
const RECIPE = 'kiln-recipe-view';
/** Those of an element, and after the predictions the page's own. */
const VIEWS = [...Object.values(VIEW_TAGS).flatMap((tag) =>
  (tag === VIEW_TAGS.predictions ? [tag, 'kiln-photo-view'] : [tag])), SPEED, RECIPE,
  TRIES];

/** Where the set-up has a column of its own; as in styles/page.css. */
const WIDE = '(min-width: 64rem)';

export class KilnPage extends HTMLElement {
  readonly #root = this.attachShadow({ mode: 'open' });
  readonly #views = new Map<string, View>();
  readonly #notices = new Notices();
  readonly #shared = h('span', { class: 'note', role: 'status' });
  #trainer: LiveTrainer | null = null;
  #store: DataStore | null = null;
  #desk: RunDesk | null = null;
  #diverging = false; // the present run, as the read-out sees it
  #settle: () => void = () => {};
  /** Resolves once the run is there that the address asks for, and is kept from then on. */
  readonly opened = new Promise<void>((resolve) => { this.#settle = resolve; });

  connectedCallback(): void {
    if (this.#views.size > 0) return;
    this.#root.adoptedStyleSheets = [sheet(baseCss), sheet(pageCss)];
    for (const tag of ['kiln-run-bar', ...LEFT, COURSE, ...VIEWS]) {
      this.#views.set(tag, document.createElement(tag) as View);
    }
    this.#view<ConfusionView>('kiln-confusion-view').looks = true;
    this.#lay();
    this.#listen();
  }

  set store(store: DataStore) {
    this.#store = store;
    this.#view<DataPanel>('kiln-data-panel').store = store;
  }

  get trainer(): LiveTrainer | null {
    return this.#trainer;
  }

  set trainer(trainer: LiveTrainer | null) {
    this.#trainer = trainer;
    if (!trainer) return;
    const desk = new RunDesk(
      trainer,
      {
        net: this.#view<NetEditor>('kiln-net-editor'),
        options: this.#view<OptionPanel>('kiln-option-panel'),
        data: this.#view<DataPanel>('kiln-data-panel'),
        checkpoint: this.#view<CheckpointPanel>('kiln-checkpoint-panel'),
        notices: this.#notices,
      },
      this.#store,
    );
    this.#desk = desk;
    this.#view<CoursePanel>(COURSE).setUp = desk.setUp;
    this.#view<SpeedView>(SPEED).desk = desk;
    this.#view<RecipeView>(RECIPE).desk = desk;
    this.#watch(trainer, desk);
    for (const view of this.#views.values()) view.trainer = trainer;
    void desk.begin().then(() => this.#keep(trainer, desk)).then(this.#settle);
    addEventListener('hashchange', () => desk.followLink());
  }

  /** From now on the run is kept; what an earlier page left is offered. */
  #keep(trainer: LiveTrainer, desk: RunDesk): Promise<void> {
    const data = this.#view<DataPanel>('kiln-data-panel');
    return new KeptDesk(trainer, desk, {
      panel: this.#view<KeptPanel>('kiln-kept-panel'),
      notices: this.#notices,
      saveFile: () => this.#view<CheckpointPanel>('kiln-checkpoint-panel').save(),
      forgotten: () => { data.store = this.#store; },
    }, this.#store).begin();
  }

  /** There will be no trainer. */
  fail(text: string): void {
    this.#notices.say('problem', text);
    this.#view<RunBar>('kiln-run-bar').unavailable();
  }

  #view<T extends View>(tag: string): T {
    return this.#views.get(tag) as T;
  }

  #lay(): void {
    const views = (tags: string[]): View[] => tags.map((tag) => this.#views.get(tag)!);
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
        this.#notices.node,
      ),
      h(
        'main',
        {},
        h('section', { 'aria-label': strings.setUp }, this.#setUpBox(...views(LEFT))),
        h('section', { class: 'views', 'aria-label': strings.views }, ...views(VIEWS)),
      ),
      footer(),
      acceptDrops(this.ownerDocument, (found) => this.#open(found)),
    );
  }

  /** Stands open beside the views; where there is one column only, it is folded above them. */
  #setUpBox(...panels: HTMLElement[]): HTMLElement {
    const box = h(
      'details',
      { class: 'setup' },
      h('summary', {}, strings.setUpAll),
      h('div', { class: 'panels' }, ...panels, this.#shareBox(), this.#views.get(COURSE)!),
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
    const on = <T>(type: string, act: (desk: RunDesk, detail: T) => void): void =>
      this.#root.addEventListener(type, (event) => {
        if (this.#desk) act(this.#desk, (event as CustomEvent<T>).detail);
      });
    on('kiln-start', (desk) => desk.start());
    on('kiln-step', (desk) => desk.step());
    on('kiln-reset', (desk) => desk.reset());
    on('kiln-net', (desk) => desk.drafted());
    on<Preset>('kiln-preset', (desk, { options }) => {
      this.#view<OptionPanel>('kiln-option-panel').values = { ...desk.setUp.defaults, ...options };
    });
    on<{ name: string; live: boolean }>('kiln-option', (desk, { name, live }) =>
      desk.changeOption(name, live));
    on<Cell>('kiln-cell', (desk, cell) => this.#showCell(desk, cell));
    on<DataSource>('kiln-data', (desk, data) => this.#takeData(desk, data));
    on('kiln-data-cancel', (desk) => desk.cancelData());
    on<File>('kiln-checkpoint', (desk, file) => desk.load(file));
    on<number>('kiln-saved', (desk, step) => desk.keeper.saved(step));
    on<number>('kiln-image', (_, image) => {
      this.#view<LayerView>('kiln-layer-view').image = image;
    });
    on<Photo>('kiln-photo', (_, photo) => {
      const view = this.#view<LayerView>('kiln-layer-view');
      view.photo = photo;
      view.scrollIntoView({ block: 'nearest' });
    });
    on<Health>('kiln-health', (desk, health) => this.#tellHealth(this.#trainer!, desk, health));
    on<number>('kiln-recovered', (desk, step) => desk.recovered(step));
    on<unknown>('kiln-problem', (_, error) =>
      this.#notices.say('problem', words.failed(explain(error).message)));
  }

  /** Says how the run ended, and what can be done. */
  #watch(trainer: LiveTrainer, desk: RunDesk): void {
    const on = (type: string, act: (detail: { code: string; message: string }) => void): void =>
      trainer.addEventListener(type, (event) => act((event as CustomEvent).detail));
    on('state', () => {
      if (trainer.state === 'ready') this.#diverging = false; // a new run
      if (trainer.state === 'running') this.#notices.clear('run');
      if (trainer.state === 'done') this.#tellDone(trainer, desk);
    });
    on('error', ({ code, message }) => {
      if (code === 'E_DIVERGED') this.#tellDiverged(desk, message);
      else this.#tellLost(trainer, desk, message);
    });
  }

  #tellDone(trainer: LiveTrainer, desk: RunDesk): void {
    if (this.#diverging) return this.#tellHealth(trainer, desk, { diverging: true });
    const { metrics } = trainer;
    const { epoch = 0, epochs = 0, bestValAccuracy } = metrics ?? {};
    const best = percent(bestValAccuracy);
    if (epoch < Math.floor(epochs)) return this.#notices.say('run', words.doneEarly(epoch, best));
    const more = { text: words.more(epochs), act: () => desk.trainMore(epochs) };
    this.#notices.say('run', words.done(epochs, best), [more]);
  }

  #tellDiverged(desk: RunDesk, message: string): void {
    const rate = desk.lowerRate;
    this.#notices.say('run', words.failed(message), [
      { text: words.lower(rate), act: () => desk.changeRate(rate, false) },
      { text: words.over(rate), act: () => desk.changeRate(rate, true) },
    ], true);
  }

  /** The worker ended: what it kept of the run can be gone on with. */
  #tellLost({ lastCheckpoint }: LiveTrainer, desk: RunDesk, message: string): void {
    if (!lastCheckpoint) return this.#notices.say('run', words.failed(message), [], true);
    const { epoch, step, bytes } = lastCheckpoint;
    this.#notices.say('run', words.lost(message, epoch, step), [
      { text: words.recover, act: () => desk.recover() },
      { text: words.save, act: () => this.#view<CheckpointPanel>('kiln-checkpoint-panel')
        .saveAs(bytes, epoch, step) },
    ], true);
  }

  #tellHealth(trainer: LiveTrainer, desk: RunDesk, { diverging }: Pick<Health, 'diverging'>): void {
    this.#diverging = diverging;
    if (!diverging) return this.#notices.clear('run');
    const rate = desk.lowerRate;
    const inUse = general(Number(desk.setUp.inUse['lr']));
    const goOn = { text: words.lower(rate), act: () => desk.changeRate(rate, false) };
    const anew = { text: words.over(rate), act: () => desk.changeRate(rate, true) };
    const done = trainer.state === 'done'; // there is nothing to go on with
    this.#notices.say('run', words.diverging(inUse), done ? [anew] : [goOn, anew], true);
  }

  async #copyLink(): Promise<void> {
    try {
      await navigator.clipboard.writeText(location.href);
      setText(this.#shared, strings.share.copied);
    } catch {
      setText(this.#shared, strings.share.failed);
    }
  }

  /** Data that were picked. Pictures are looked at before they become a data set. */
  #takeData(desk: RunDesk, data: DataSource): void {
    const files = typeof data === 'object' && 'files' in data ? data.files : [];
    const found = files.map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    if (areOwnPictures(found, 0)) this.#takePictures(found);
    else desk.changeData(data);
  }

  /** Images of a cell of the confusions, which may be given other classes. */
  #showCell(desk: RunDesk, cell: Cell): void {
    const parts = { trainer: this.#trainer!, desk, store: this.#store, notices: this.#notices };
    this.#later(import('./pictures/cell-pictures.js')
      .then(({ showCell }) => showCell(this.#root, parts, cell)));
  }

  #later(work: Promise<unknown>): void {
    work.catch((error: unknown) =>
      this.#notices.say('problem', words.failed(explain(error).message)));
  }

  #takePictures(found: Found[]): void {
    this.#later(import('./pictures/pictures-dialog.js')
      .then(({ takePictures }) => takePictures(this.#root, found)));
  }

  /**
   * What was dropped: a checkpoint or weights are opened, logs of runs compared, many pictures
   * become a data set, few are classified, anything else is tried as data.
   */
  #open(found: Found[]): void {
    const files = found.map(({ file }) => file);
    const checkpoint = files.find(({ name }) => /\.(safetensors|npz)$/.test(name));
    const logs = files.filter(({ name }) => /\.jsonl?$/.test(name));
    const sorting = this.#root.querySelector('kiln-own-pictures') !== null;
    if (checkpoint && !sorting) this.#desk?.load(checkpoint);
    else if (logs.length > 0) {
      this.#later(import('./tries/tries-view.js')
        .then(() => this.#view<TriesView>(TRIES).take(logs)));
    } else if (areOwnPictures(found, sorting ? 0 : MOST)) this.#takePictures(found);
    else if (files.length > 0 && files.every(isPhoto)) {
      void this.#view<PhotoView>('kiln-photo-view').take(files);
    } else if (files.length > 0) this.#desk?.changeData({ files, store: true });
  }
}
