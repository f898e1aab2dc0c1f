/**
 * Accuracy: the moving average over batches, and accuracy on training and validation images at the
 * end of each epoch.
 */

import { ChartView } from './chart-view.js';
import type { CurveOptions, Points } from './curve.js';
import { count, fixed, general, percent } from './format.js';
import { viewStrings as strings } from './strings-views.js';
import type { Progress } from './live-trainer.js';

const words = strings.charts;

export class AccuracyView extends ChartView {
  protected readonly curveOptions: Omit<CurveOptions, 'onCursor'> = {
    curves: [
      { name: words.batches, colour: '--line', kind: 'line', width: 1 },
      { name: words.train, colour: '--ink', kind: 'points', width: 1.5 },
      { name: words.validation, colour: '--accent', kind: 'points', width: 2 },
    ],
    yRange: () => ({ low: 0, high: 1 }),
    yText: (value) => percent(value, 0),
    xText: count,
    margin: 68,
  };

  constructor() {
    super({
      title: words.accuracy,
      caption: words.accuracyCaption,
      table: words.accuracyData,
      file: words.accuracyFile,
    });
  }

  protected override measure({ accuracy }: Progress['points'][number]): number {
    return accuracy;
  }

  /** Accuracies of batches are not kept. */
  protected override remembered(): [number, number][] {
    return [];
  }

  protected override curves(): Points[] {
    const steps = this.epochs.map(({ step }) => step);
    return [
      { xs: this.series.xs, ys: this.average() },
      { xs: steps, ys: this.epochs.map(({ trainAccuracy }) => trainAccuracy) },
      { xs: steps, ys: this.epochs.map(({ valAccuracy }) => valAccuracy) },
    ];
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
