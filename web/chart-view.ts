/**
 * What the curves of loss and accuracy share: they grow with the progress of the run, start anew
 * with each run, and stand as a table below.
 */

import uplotCss from 'uplot/dist/uPlot.min.css?inline';

import css from './styles/chart.css?inline';
import { Curve, type CurveOptions } from './curve.js';
import { dataTable, h, sheet } from './dom.js';
import { calm, draw } from './draw.js';
import { Series, smooth } from './series.js';
import { strings } from './strings.js';
import type { History, LiveTrainer, Progress } from './live-trainer.js';
import { View } from './view.js';

const words = strings.charts;
const LEAST_WINDOW = 10; // points averaged at least
const WINDOWS = 30; // and at most one in so many of all

export interface ChartText {
  title: string;
  caption: string;
  table: string;
}

export abstract class ChartView extends View {
  protected readonly series = new Series();
  protected epochs: History['epochs'] = [];
  readonly #box = h('div', { class: 'chart', role: 'img', 'aria-label': words.empty });
  readonly #empty = h('p', { class: 'empty', 'aria-hidden': 'true' }, words.empty);
  readonly #text: ChartText;
  readonly #table: ReturnType<typeof dataTable>;
  #curve: Curve | null = null;

  constructor(text: ChartText) {
    super(css);
    this.#text = text;
    this.#table = dataTable(text.table, text.title);
    this.root.adoptedStyleSheets.push(sheet(uplotCss));
  }

  protected abstract readonly curveOptions: CurveOptions;

  /** The value of a step. */
  protected abstract measure(point: Progress['points'][number]): number;

  /** The points of a run's history that stand for its steps. */
  protected abstract remembered(history: History): [step: number, value: number][];

  /** Every curve's values over common places. */
  protected abstract curves(): { xs: number[]; ys: (number | null)[][] };

  /** The picture in words. */
  protected abstract describe(): string;

  protected abstract tableRows(): { head: string[]; rows: string[][] };

  /** The values that the moving average is of. */
  protected averaged(): readonly number[] {
    return this.series.ys;
  }

  protected average(): number[] {
    return smooth(this.averaged(), Math.max(LEAST_WINDOW, this.series.length / WINDOWS));
  }

  protected override build(): void {
    const { title, caption } = this.#text;
    this.root.append(
      h(
        'figure',
        {},
        h('h2', {}, title),
        h('div', { class: 'frame' }, this.#box, this.#empty),
        h('figcaption', {}, caption),
      ),
      this.#table.node,
    );
    this.#table.node.addEventListener('toggle', () => this.#fillTable());
  }

  protected override attach(trainer: LiveTrainer): void {
    this.#curve ??= new Curve(this.#box, this.curveOptions);
    this.on('progress', ({ points }) => {
      for (const point of points) this.series.push(point.step, this.measure(point));
      // Calm pages show at once that it goes, and move with the epochs.
      if (!calm() || !this.#empty.hidden) this.#redraw();
    });
    this.on('epoch', (epoch) => {
      this.epochs.push(epoch);
      this.#redraw();
      this.#announce();
    });
    this.on('state', () => this.#redraw());
    this.onRun(() => void this.#restore(trainer));
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

  #redraw(): void {
    draw(this, () => {
      if (!this.visible) return;
      const { xs, ys } = this.curves();
      this.#empty.hidden = xs.length > 0;
      this.#curve?.set(
        xs,
        ys,
        this.epochs.map(({ step }) => step),
      );
    });
  }

  #announce(): void {
    const nothing = this.series.length === 0 && this.epochs.length === 0;
    this.#box.setAttribute('aria-label', nothing ? words.empty : this.describe());
    this.#fillTable();
  }

  #fillTable(): void {
    if (!this.#table.node.open) return;
    const { head, rows } = this.tableRows();
    this.#table.fill(head, rows);
  }
}
