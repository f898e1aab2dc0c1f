/**
 * The loss of each batch and its moving average, live. The axis follows the loss: when it grows far
 * above where it began, by powers of ten, and then the view says what that means.
 */

import { ChartView } from './chart-view.js';
import type { CurveOptions, Points, YRange } from './curve.js';
import { count, fixed, general } from './format.js';
import { Health } from './health.js';
import { extent } from './pixels.js';
import { smoothPast } from './series.js';
import { viewStrings as strings } from './strings-views.js';
import type { History, LiveTrainer, Progress } from './live-trainer.js';

const words = strings.charts;
const TABLE_ROWS = 20;

/** From a loss this many times the first one on, the axis goes by powers of ten. */
const TALL = 4;

export class LossView extends ChartView {
  protected readonly curveOptions: Omit<CurveOptions, 'onCursor'> = {
    curves: [
      { name: words.batches, colour: '--line', kind: 'dots' },
      { name: words.smoothed, colour: '--accent', kind: 'line', width: 2 },
    ],
    yRange: () => this.#range(),
    yText: (value) => general(value, 3).replace(/\.?0+e/, 'e'), // 1e5, where there is no room
    xText: count,
    margin: 56,
  };

  /** Not of the points that are drawn: they become fewer as the run goes on. */
  readonly #health = new Health();
  /** The run ended at a loss that is no number. */
  #broken = false;

  constructor() {
    super({
      title: words.loss,
      caption: words.lossCaption,
      table: words.lossData,
      file: words.lossFile,
    });
  }

  protected override attach(trainer: LiveTrainer): void {
    super.attach(trainer);
    this.on('progress', ({ points }) => this.#health.push(points));
    this.on('error', ({ code }) => {
      this.#broken = code === 'E_DIVERGED';
    });
    this.onRun(() => {
      this.#broken = false;
    });
  }

  #range(): YRange {
    const { ys } = this.series.length > 0 ? this.series : this.lastRun;
    if (ys.length === 0) return { low: 0, high: 1 };
    const [low, high] = extent(ys);
    if (high > TALL * ys[0]! && low > 0) return { low, high: 1.2 * high, logarithmic: true };
    return { low: Math.min(0, low), high: high > 0 ? 1.02 * high : 1 };
  }

  /**
   * Of logarithms where the axis has them, else one batch of 1e9 would lift its neighbours; and of
   * the past alone, so that an explosion does not colour the steps that led to it.
   */
  protected override average(): number[] {
    const { ys } = this.series;
    if (!this.#range().logarithmic) return this.smoothed(ys);
    return this.smoothed(ys.map(Math.log), smoothPast).map(Math.exp);
  }

  protected override trouble(): string {
    const { diverging, first, average } = this.#health;
    if (this.#broken) return words.broken;
    return diverging ? words.diverging(fixed(first, 2), general(average, 3)) : '';
  }

  protected override measure({ loss }: Progress['points'][number]): number {
    return loss;
  }

  protected override remembered({ loss }: History): [number, number][] {
    this.#health.begin(loss[0]?.[1]);
    return loss;
  }

  protected override curves(): Points[] {
    const { xs, ys } = this.series;
    return [
      { xs, ys },
      { xs, ys: this.average() },
    ];
  }

  protected override describe(): string {
    const last = this.series.length - 1;
    return words.lossLabel(count(this.series.xs[last] ?? 0), fixed(this.series.ys[last]));
  }

  protected override tableRows(): { head: string[]; rows: string[][] } {
    const { xs, ys } = this.series;
    const average = this.average();
    const stride = Math.max(1, Math.ceil(xs.length / TABLE_ROWS));
    const rows: string[][] = [];
    for (let i = xs.length - 1; i >= 0; i -= stride) {
      rows.unshift([count(xs[i]!), fixed(ys[i]), fixed(average[i])]);
    }
    return { head: [...words.lossHead], rows };
  }
}
