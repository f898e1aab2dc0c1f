/**
 * A speed run against its plan: validation accuracy over seconds beside the published run's, drawn
 * at the times forecast for this machine, and a table of what was due when, as runners' splits.
 */

import uplotCss from 'uplot/dist/uPlot.min.css?inline';

import { Curve, type Points } from '../curve.js';
import { dataTable, h, setText, sheet, show } from '../dom.js';
import { duration, epochNumber, percent } from '../format.js';
import type { MeasuredRecipe } from './build-measured.js';
import { published } from './speed-plan.js';
import type { SpeedRun } from './speed-run.js';
import { speedWords as words } from './strings-speed.js';

/** Rows of the table: of more epochs every second, third, … and the last. */
const ROWS = 24;

type PublishedCurve = NonNullable<MeasuredRecipe['curve']>;

export class RaceChart {
  readonly style = sheet(uplotCss);
  readonly #box = h('div', { class: 'chart', role: 'img' });
  readonly #caption = h('figcaption');
  readonly #table = dataTable(words.splits, words.splits);
  readonly node = h('figure', {}, this.#box, this.#caption, this.#table.node);
  #curve: Curve | null = null;
  #shown: unknown[] = [];

  /** Draws from now on; the node is in the document. */
  open(): void {
    this.#table.node.open = true;
    this.#curve ??= new Curve(this.#box, {
      curves: [
        { name: words.theirs, colour: '--line', kind: 'line', width: 1.5 },
        { name: words.mine, colour: '--accent', kind: 'points', width: 2 },
        { name: words.of, colour: '--line', kind: 'dots' }, // a place where nothing is yet
      ],
      yRange: () => ({ low: 0, high: 1 }),
      yText: (value) => percent(value, 0),
      xText: duration,
      margin: 68,
      onCursor: () => {},
    });
  }

  close(): void {
    this.#curve?.dispose();
    this.#curve = null;
  }

  show(run: SpeedRun, theirs: PublishedCurve | null): void {
    const { timeline, splits, before, plan } = run;
    show(this.node, timeline !== null);
    // Only the end of an epoch adds to what is shown.
    const now = [timeline, splits.length, theirs, before];
    if (!timeline || !plan || now.every((value, i) => value === this.#shown[i])) return;
    this.#shown = now;
    const epoch = (step: number): number => step / timeline.ends[0]!;
    const due = timeline.ends.map((step) => ({
      step, seconds: before + timeline.at(step),
      theirs: theirs && published(theirs, epoch(step)) }));
    const known = due.filter((one) => one.theirs !== null);
    const grey: Points = {
      xs: known.map(({ seconds }) => seconds), ys: known.map((one) => one.theirs!) };
    const mine: Points = {
      xs: splits.map(({ passed }) => passed), ys: splits.map(({ validation }) => validation) };
    const end: Points = { xs: [run.planned], ys: [0] };
    this.#curve?.set([grey, mine, end], due.map(({ seconds }) => seconds));
    const last = splits.at(-1);
    const text = last ? `${duration(last.passed)}: ${percent(last.validation)}.` : '';
    this.#box.setAttribute('aria-label', words.chartLabel(text));
    setText(this.#caption, theirs
      ? words.caption(plan.recipe.title, theirs.seed, plan.epochs < plan.recipe.epochs)
      : words.noCurve(plan.recipe.title));
    const every = Math.ceil(due.length / ROWS);
    const rows = due.map((row, i) => ({ ...row, split: splits[i] }))
      .filter((_, i) => (i + 1) % every === 0 || i === due.length - 1);
    this.#table.fill([...words.splitHead], rows.map(({ step, seconds, theirs: other, split }) => {
      const apart = split ? split.passed - seconds : null;
      return [
        epochNumber(epoch(step)),
        duration(seconds),
        split ? duration(split.passed) : '',
        apart === null ? '' : `${apart < 0 ? '−' : '+'}${Math.abs(apart).toFixed(1)} s`,
        split ? percent(split.validation) : '',
        percent(other),
      ];
    }));
  }
}
