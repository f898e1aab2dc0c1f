/**
 * What the curves of loss and accuracy share: they grow with the progress of the run, start anew
 * with each run while the last run's curve stays faintly behind, give the values under a cursor,
 * stand as a table below, and can be saved as numbers and as a picture.
 */

import uplotCss from 'uplot/dist/uPlot.min.css?inline';

import css from './styles/chart.css?inline';
import { Curve, type CurveOptions, type CurveStyle, type Points } from './curve.js';
import { dataTable, download, h, setText, sheet, show } from './dom.js';
import { calm, draw } from './draw.js';
import { count } from './format.js';
import { Series, smooth } from './series.js';
import { viewStrings as strings } from './strings-views.js';
import type { History, LiveTrainer, Progress } from './live-trainer.js';
import { View } from './view.js';

const words = strings.charts;
const LEAST_WINDOW = 10; // points averaged at least
const WINDOWS = 30; // and at most one in so many of all
const NOTHING: Points = { xs: [], ys: [] };
const LAST_RUN: CurveStyle = { name: words.lastRun, colour: '--faint', kind: 'line', width: 2 };

const KINDS = ['CSV', 'PNG', 'SVG'] as const; // of files
type Kind = (typeof KINDS)[number];

/** What each key does to the cursor, in hundredths of the curve. */
const MOVES: Record<string, number> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: -Infinity,
  End: Infinity,
};

export interface ChartText {
  title: string;
  caption: string;
  table: string;
  /** Of its files, without ending. */
  file: string;
}

export abstract class ChartView extends View {
  protected readonly series = new Series();
  protected epochs: History['epochs'] = [];
  /** The average of the run before this one. */
  protected lastRun = NOTHING;
  readonly #box = h('div', {
    class: 'chart',
    role: 'slider',
    tabindex: '0',
    'aria-valuemin': '0',
    onkeydown: (event: KeyboardEvent) => this.#press(event),
    onblur: () => this.#curve?.hideCursor(),
  });
  readonly #empty = h('p', { class: 'empty', 'aria-hidden': 'true' }, words.empty);
  readonly #here = h('p', { class: 'note here', 'aria-hidden': 'true' }, words.hint);
  readonly #trouble = h('p', { class: 'trouble', role: 'status' });
  readonly #text: ChartText;
  readonly #table: ReturnType<typeof dataTable>;
  #curve: Curve | null = null;
  #pointed = false;

  constructor(text: ChartText) {
    super(css);
    this.#text = text;
    this.#table = dataTable(text.table, text.title);
    this.root.adoptedStyleSheets.push(sheet(uplotCss));
  }

  protected abstract readonly curveOptions: Omit<CurveOptions, 'onCursor'>;

  /** The value of a step. */
  protected abstract measure(point: Progress['points'][number]): number;

  /** The points of a run's history that stand for its steps. */
  protected abstract remembered(history: History): [step: number, value: number][];

  /** The points of every curve. */
  protected abstract curves(): Points[];

  /** The picture in words. */
  protected abstract describe(): string;

  protected abstract tableRows(): { head: string[]; rows: string[][] };

  /** What is wrong with the run, as far as these curves show it: a sentence with the cure. */
  protected trouble(): string {
    return '';
  }

  protected average(): number[] {
    return this.smoothed(this.series.ys);
  }

  protected smoothed(ys: readonly number[], average = smooth): number[] {
    return average(ys, Math.max(LEAST_WINDOW, ys.length / WINDOWS));
  }

  protected override build(): void {
    const { title, caption } = this.#text;
    this.#box.setAttribute('aria-label', title);
    const button = (kind: Kind): HTMLElement => h('button', {
      type: 'button', class: 'plain', 'aria-label': words.saveAs(title, kind),
      onclick: () => this.#save(kind),
    }, kind);
    this.root.append(
      h(
        'figure',
        {},
        h('h2', {}, title),
        h('div', { class: 'frame' }, this.#box, this.#empty),
        this.#here,
        this.#trouble,
        h('figcaption', {}, caption),
      ),
      h(
        'div',
        { class: 'foot' },
        this.#table.node,
        h('div', { class: 'files' }, ...KINDS.map(button)),
      ),
    );
    this.#table.node.addEventListener('toggle', () => this.#fillTable());
    show(this.#trouble, false);
  }

  protected override attach(trainer: LiveTrainer): void {
    this.#curve ??= new Curve(this.#box, {
      ...this.curveOptions,
      curves: [...this.curveOptions.curves, LAST_RUN],
      onCursor: (x) => this.#point(x),
    });
    this.on('progress', ({ points }) => {
      for (const point of points) this.#add(point);
      // Calm pages show at once that it goes, and move with the epochs.
      if (!calm() || !this.#empty.hidden) this.#redraw();
    });
    this.on('epoch', (epoch) => {
      this.epochs.push(epoch);
      this.#redraw();
      this.#announce();
    });
    this.on('state', () => this.#redraw());
    this.onRun(() => {
      if (this.series.length > 0) this.lastRun = { xs: this.series.xs, ys: this.average() };
      void this.#restore(trainer);
    });
    void this.#restore(trainer);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#curve?.dispose();
    this.#curve = null;
  }

  protected override appeared(): void {
    this.#redraw();
  }

  override recolour(): void {
    this.#curve?.recolour();
  }

  /** Takes up what the trainer remembers: nothing after a reset, a whole run of a checkpoint. */
  async #restore(trainer: LiveTrainer): Promise<void> {
    this.series.clear();
    this.epochs = [];
    const history = await this.attempt(() => trainer.history());
    if (history && this.series.length === 0) {
      for (const [step, value] of this.remembered(history)) this.series.push(step, value);
      this.epochs = [...history.epochs];
    }
    this.#redraw();
    this.#announce();
  }

  /** The next point; what was drawn from its step on, a run that diverged has taken back. */
  #add(point: Progress['points'][number]): void {
    if (point.step <= (this.series.xs.at(-1) ?? 0)) {
      this.series.cut(point.step);
      this.epochs = this.epochs.filter(({ step }) => step < point.step);
    }
    this.series.push(point.step, this.measure(point));
  }

  #redraw(): void {
    draw(this, () => {
      if (this.visible) this.#show();
    });
  }

  #show(): void {
    const curves = this.curves();
    show(this.#empty, curves.every(({ xs }) => xs.length === 0));
    this.#curve?.set(
      [...curves, this.lastRun],
      this.epochs.map(({ step }) => step),
    );
    this.#box.setAttribute('aria-valuemax', String(Math.round(this.series.xs.at(-1) ?? 0)));
    const trouble = this.trouble();
    setText(this.#trouble, trouble);
    show(this.#trouble, trouble !== '');
  }

  #press(event: KeyboardEvent): void {
    const by = MOVES[event.key];
    if (event.key === 'Escape') this.#curve?.hideCursor();
    else if (by !== undefined) this.#curve?.move(by);
    else return;
    event.preventDefault();
  }

  /** Says the values at the cursor. */
  #point(x: number | null): void {
    this.#pointed = x !== null;
    const text = x === null ? words.hint : this.#valuesAt(x);
    setText(this.#here, text);
    this.#box.setAttribute('aria-valuenow', String(Math.round(x ?? this.series.xs.at(-1) ?? 0)));
    this.#box.setAttribute('aria-valuetext', x === null ? this.#label() : text);
  }

  #valuesAt(x: number): string {
    const values = this.#curve!.nearest(x);
    const parts = [...this.curveOptions.curves, LAST_RUN].flatMap(({ name }, i) =>
      values[i] === null ? [] : [`${name} ${this.curveOptions.yText(values[i]!)}`],
    );
    return words.at(count(x), parts.join(', '));
  }

  /** A file holds all that is known, whether or not it has been drawn yet. */
  #save(kind: Kind): void {
    const { title, file } = this.#text;
    const name = `${file}.${kind.toLowerCase()}`;
    const styles = [...this.curveOptions.curves, LAST_RUN];
    void this.attempt(async () => {
      // Loaded when it is wanted: most readers save no chart.
      const { csv, figure, png, svg } = await import('./chart-files.js');
      if (kind === 'CSV') {
        this.#show();
        const names = [words.step, ...styles.map((style) => style.name)];
        return download(name, csv(names, this.#curve?.table ?? []), 'text/csv');
      }
      const points = [...this.curves(), this.lastRun];
      const curves = styles.map((style, i) => ({ ...style, ...points[i]! }));
      const net = this.trainer?.summary.notation ?? '';
      const drawing = figure(title, net, curves, this.curveOptions);
      if (kind === 'SVG') download(name, svg(drawing), 'image/svg+xml');
      else download(name, await png(drawing), 'image/png');
    });
  }

  #label(): string {
    const nothing = this.series.length === 0 && this.epochs.length === 0;
    return nothing ? words.empty : this.describe();
  }

  #announce(): void {
    if (!this.#pointed) this.#point(null);
    this.#fillTable();
  }

  #fillTable(): void {
    if (!this.#table.node.open) return;
    const { head, rows } = this.tableRows();
    this.#table.fill(head, rows);
  }
}
