/**
 * A uPlot chart set as in a book: no frame, few lines, curves named at their ends, rules at the
 * ends of epochs. It takes its colours from the view's custom properties and follows light, dark
 * and forced colours. A cursor, moved by pointer or by `move`, names a place on the x axis.
 */

import './english.js'; // first
import uPlot from 'uplot';

import { colourOf } from './dom.js';
import { draw, undraw } from './draw.js';

export interface CurveStyle {
  name: string;
  /** A custom property, such as --accent. */
  colour: string;
  kind: 'line' | 'dots' | 'points';
  width?: number;
}

export interface CurveOptions {
  curves: CurveStyle[];
  yRange: () => YRange;
  yText: (value: number) => string;
  /** Width kept at the right for the names of the curves. */
  margin: number;
  xText: (value: number) => string;
  /** Called when the cursor has moved, with its place, or null when it has gone. */
  onCursor: (x: number | null) => void;
}

export interface YRange {
  low: number;
  high: number;
  /** Powers of ten at equal distances; `low` is above zero then. */
  logarithmic?: boolean;
}

/** One curve: its values over places of its own, in order. */
export interface Points {
  xs: readonly number[];
  ys: readonly number[];
}

const HEIGHT = 240;
const NAME_HEIGHT = 15;
const STEPS = 100; // of the cursor, by keyboard, from one end to the other

export class Curve {
  #plot: uPlot | null = null;
  #data: uPlot.AlignedData;
  #rules: readonly number[] = [];
  #logarithmic = false;
  readonly #resize: ResizeObserver;
  readonly #looks = [
    matchMedia('(prefers-color-scheme: dark)'),
    matchMedia('(forced-colors: active)'),
  ];
  /** Draws anew, in the colours that there are by now. */
  readonly recolour = (): void => {
    this.#plot?.destroy();
    this.#plot = null;
    draw(this, () => this.#make());
  };

  constructor(
    private readonly box: HTMLElement,
    private readonly options: CurveOptions,
  ) {
    this.#data = [[], ...options.curves.map(() => [])] as unknown as uPlot.AlignedData;
    this.#resize = new ResizeObserver(() => draw(this, () => this.#fit()));
    this.#resize.observe(box);
    for (const look of this.#looks) look.addEventListener('change', this.recolour);
  }

  dispose(): void {
    this.#resize.disconnect();
    for (const look of this.#looks) look.removeEventListener('change', this.recolour);
    undraw(this);
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** New points of all curves, and the places of the rules. */
  set(curves: readonly Points[], rules: readonly number[]): void {
    this.#data = uPlot.join(
      curves.map(({ xs, ys }) => [xs, ys] as unknown as uPlot.AlignedData),
    ) as uPlot.AlignedData;
    this.#rules = rules;
    if ((this.options.yRange().logarithmic ?? false) !== this.#logarithmic) this.recolour();
    else if (this.#plot) this.#plot.batch(() => this.#plot!.setData(this.#data)); // at once
    else this.#make();
  }

  /** All points as a table: the places, and each curve's values there. */
  get table(): readonly ArrayLike<number | null | undefined>[] {
    return this.#data;
  }

  /**
   * Moves the cursor by so many hundredths of the curve, but at least to the next point; to an end
   * with ±Infinity. The first move shows it at the end it comes from.
   */
  move(by: number): void {
    const plot = this.#plot;
    const [xs] = this.#data;
    if (!plot || xs.length === 0) return;
    const last = xs.length - 1;
    const present = plot.cursor.idx ?? (by < 0 ? last + 1 : -1);
    const whole = Math.sign(by) * Math.max(1, Math.round((Math.abs(by) * last) / STEPS));
    const next = Math.max(0, Math.min(last, present + whole));
    plot.setCursor({ left: plot.valToPos(xs[next]!, 'x'), top: 0 });
  }

  hideCursor(): void {
    this.#plot?.setCursor({ left: -10, top: -10 });
  }

  /** The value of each curve at the point of its own that is nearest to x. */
  nearest(x: number): (number | null)[] {
    const [xs, ...curves] = this.#data;
    const after = xs.findIndex((at) => at >= x);
    const from = after < 0 ? xs.length - 1 : after;
    return curves.map((ys) => {
      let [down, up] = [from, from];
      while (down >= 0 && ys[down] == null) down--;
      while (up < xs.length && ys[up] == null) up++;
      const below = down >= 0 ? x - xs[down]! : Infinity;
      const above = up < xs.length ? xs[up]! - x : Infinity;
      return below === Infinity && above === Infinity ? null : ys[below < above ? down : up]!;
    });
  }

  #fit(): void {
    if (!this.#plot) this.#make();
    else if (this.box.clientWidth > 0 && this.box.clientWidth !== this.#plot.width) {
      this.#plot.setSize({ width: this.box.clientWidth, height: HEIGHT });
    }
  }

  #make(): void {
    const width = this.box.clientWidth;
    if (this.#plot || width === 0) return;
    const style = getComputedStyle(this.box);
    const names = ['--muted', '--rule', ...this.options.curves.map((curve) => curve.colour)];
    const colours = new Map(names.map((name) => [name, colourOf(this.box, name)]));
    const colour = (name: string): string => colours.get(name)!;
    const font = `12px ${style.fontFamily}`;
    const { yRange, yText, xText, onCursor, curves } = this.options;
    this.#logarithmic = yRange().logarithmic ?? false;
    const axis: uPlot.Axis = {
      stroke: colour('--muted'),
      font,
      grid: { show: false },
      ticks: { stroke: colour('--rule'), width: 1, size: 4 },
      border: { show: true, stroke: colour('--rule'), width: 1 },
    };
    this.#plot = new uPlot(
      {
        width,
        height: HEIGHT,
        padding: [12, this.options.margin, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
        scales: {
          x: {
            time: false,
            range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 1, 10)],
          },
          y: {
            distr: this.#logarithmic ? 3 : 1,
            range: () => [yRange().low, yRange().high],
          },
        },
        axes: [
          {
            ...axis,
            size: 30,
            values: (_, at) => at.map((v) => (Number.isInteger(v) ? xText(v) : '')),
          },
          {
            ...axis,
            size: 46,
            ...(this.#logarithmic ? { splits: (_, __, low, high) => powers(low, high) } : {}),
            grid: { show: true, stroke: colour('--rule'), width: 0.5 },
            values: (_, at) => at.map((v) => (v == null ? '' : yText(v))),
          },
        ],
        series: [
          {},
          ...curves.map((curve) => this.#series(curve, colour(curve.colour))),
        ],
        hooks: {
          drawAxes: [(plot) => this.#drawRules(plot, colour('--rule'))],
          draw: [(plot) => this.#drawNames(plot, font, colour)],
          setCursor: [
            ({ cursor: { idx }, data: [xs] }) => onCursor(idx == null ? null : (xs[idx] ?? null)),
          ],
        },
      },
      this.#data,
      this.box,
    );
  }

  #series(curve: CurveStyle, stroke: string): uPlot.Series {
    const width = curve.width ?? 1.5;
    if (curve.kind === 'dots') {
      return {
        stroke,
        paths: () => null,
        points: { show: true, size: 2, width: 0, fill: stroke, space: 0 },
      };
    }
    return {
      stroke,
      width,
      spanGaps: true,
      points:
        curve.kind === 'points' ? { show: true, size: 6, fill: stroke, width: 0 } : { show: false },
    };
  }

  #drawRules(plot: uPlot, stroke: string): void {
    const { ctx, bbox } = plot;
    const every = Math.ceil(this.#rules.length / 20);
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = uPlot.pxRatio;
    ctx.beginPath();
    this.#rules.forEach((x, i) => {
      if (i % every !== 0) return;
      const at = Math.round(plot.valToPos(x, 'x', true)) + 0.5;
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
    });
    ctx.stroke();
    ctx.restore();
  }

  /** Writes each curve's name beside its last point, moved apart where two would meet. */
  #drawNames(plot: uPlot, font: string, colour: (name: string) => string): void {
    const { ctx, bbox } = plot;
    const ratio = uPlot.pxRatio;
    const names = this.options.curves
      .flatMap((curve, i) => {
        if (curve.kind === 'dots') return [];
        const ys = this.#data[i + 1]!;
        const last = [...ys].findLastIndex((y) => y != null);
        if (last < 0) return [];
        return [
          {
            curve,
            x: plot.valToPos(this.#data[0][last]!, 'x', true),
            y: Math.max(bbox.top, plot.valToPos(ys[last]!, 'y', true)),
          },
        ];
      })
      .sort((a, b) => a.y - b.y);
    const apart = NAME_HEIGHT * ratio;
    names.forEach((name, i) => {
      if (i > 0) name.y = Math.max(name.y, names[i - 1]!.y + apart);
    });
    const bottom = bbox.top + bbox.height;
    for (let i = names.length - 1, limit = bottom; i >= 0; i--, limit -= apart) {
      names[i]!.y = Math.min(names[i]!.y, limit);
    }
    ctx.save();
    ctx.font = font.replace(/^(\d+)px/, (_, size: string) => `${Number(size) * ratio}px`);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    for (const { curve, y } of names) {
      ctx.fillStyle = colour(curve.colour);
      ctx.fillText(curve.name, bbox.left + bbox.width + 6 * ratio, y);
    }
    ctx.restore();
  }
}

/** The places of a logarithmic axis: powers of ten, with 2 and 5 times these where they are few. */
export function powers(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const decades = Math.ceil(Math.log10(high)) - first + 1;
  const factors = high / low > 100 ? [1] : [1, 2, 5];
  return Array.from({ length: decades }, (_, i) => 10 ** (first + i))
    .flatMap((power) => factors.map((factor) => factor * power))
    .filter((at) => at >= low && at <= high);
}
