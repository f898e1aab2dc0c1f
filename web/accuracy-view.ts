/**
 * Accuracy: the moving average over batches, and accuracy on training and validation images at the
 * end of each epoch.
 */

import { ChartView } from './chart-view.js';
import type { CurveOptions } from './curve.js';
import { count, fixed, general, percent } from './format.js';
import { strings } from './strings.js';
import type { Progress } from './live-trainer.js';

const words = strings.charts;

export class AccuracyView extends ChartView {
  protected readonly curveOptions: CurveOptions = {
    curves: [
      { name: words.batches, colour: '--line', kind: 'line', width: 1 },
      { name: words.train, colour: '--ink', kind: 'points', width: 1.5 },
      { name: words.validation, colour: '--accent', kind: 'points', width: 2 },
    ],
    yRange: () => [0, 1],
    yText: (value) => percent(value, 0),
    xText: count,
    margin: 68,
  };

  constructor() {
    super({ title: words.accuracy, caption: words.accuracyCaption, table: words.accuracyData });
  }

  protected override measure({ accuracy }: Progress['points'][number]): number {
    return accuracy;
  }

  /** Accuracies of batches are not kept. */
  protected override remembered(): [number, number][] {
    return [];
  }

  /** Batches and epochs over one axis of steps, in order. */
  protected override curves(): { xs: number[]; ys: (number | null)[][] } {
    const { xs } = this.series;
    const average = this.average();
    const out: { xs: number[]; ys: (number | null)[][] } = { xs: [], ys: [[], [], []] };
    const add = (x: number, values: (number | null)[]): void => {
      out.xs.push(x);
      values.forEach((value, i) => out.ys[i]!.push(value));
    };
    let next = 0;
    for (const { step, trainAccuracy, valAccuracy } of this.epochs) {
      for (; next < xs.length && xs[next]! < step; next++) {
        add(xs[next]!, [average[next]!, null, null]);
      }
      add(step, [null, trainAccuracy, valAccuracy]);
    }
    for (; next < xs.length; next++) add(xs[next]!, [average[next]!, null, null]);
    return out;
  }

  protected override describe(): string {
    const last = this.epochs.at(-1);
    if (!last) return words.accuracyLabel(percent(this.average().at(-1)));
    const { epoch, trainAccuracy, valAccuracy } = last;
    return words.accuracyLabel(strings.run.announceEpoch(epoch, trainAccuracy, valAccuracy));
  }

  protected override tableRows(): { head: string[]; rows: string[][] } {
    const rows = this.epochs.map((e) => [
      count(e.epoch),
      count(e.step),
      fixed(e.trainLoss),
      percent(e.trainAccuracy),
      percent(e.valAccuracy),
      general(e.lr, 3),
    ]);
    return { head: [...words.head], rows };
  }
}
