/** The loss of each batch and its moving average, live. */

import { ChartView } from './chart-view.js';
import type { CurveOptions } from './curve.js';
import { count, fixed, general } from './format.js';
import { strings } from './strings.js';
import type { History, Progress } from './live-trainer.js';

const words = strings.charts;
const TABLE_ROWS = 20;

/**
 * A loss this many times the first one leaves the chart, and counts for no more in the average, so
 * that the others stay legible.
 */
const TALLEST = 3;

export class LossView extends ChartView {
  protected readonly curveOptions: CurveOptions = {
    curves: [
      { name: words.batches, colour: '--line', kind: 'dots' },
      { name: words.smoothed, colour: '--accent', kind: 'line', width: 2 },
    ],
    yRange: (low, high) => [Math.min(0, low), high > 0 ? this.#top(high) * 1.02 : 1],
    yText: (value) => general(value),
    xText: count,
    margin: 56,
  };

  constructor() {
    super({ title: words.loss, caption: words.lossCaption, table: words.lossData });
  }

  /** A loss, or what stands for it where it is too large. */
  #top(high: number): number {
    const first = this.series.ys[0] ?? 0;
    return first > 0 ? Math.min(high, TALLEST * first) : high;
  }

  protected override averaged(): number[] {
    const { ys } = this.series;
    return ys.map((y) => this.#top(y));
  }

  protected override measure({ loss }: Progress['points'][number]): number {
    return loss;
  }

  protected override remembered({ loss }: History): [number, number][] {
    return loss;
  }

  protected override curves(): { xs: number[]; ys: (number | null)[][] } {
    return { xs: this.series.xs, ys: [this.series.ys, this.average()] };
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
