/**
 * A uPlot chart set as in a book: no frame, few lines, curves named at their ends, rules at the
 * ends of epochs. It takes its colours from the view's custom properties and follows light and
 * dark.
 */

import uPlot from 'uplot';

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
  yRange: (low: number, high: number) => [number, number];
  yText: (value: number) => string;
  /** Width kept at the right for the names of the curves. */
  margin: number;
  xText: (value: number) => string;
}

type Numbers = (number | null)[];

const HEIGHT = 240;
const NAME_HEIGHT = 15;

export class Curve {
  #plot: uPlot | null = null;
  #data: uPlot.AlignedData;
  #rules: readonly number[] = [];
  readonly #resize: ResizeObserver;
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  readonly #rebuild = (): void => {
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
    this.#dark.addEventListener('change', this.#rebuild);
  }

  dispose(): void {
    this.#resize.disconnect();
    this.#dark.removeEventListener('change', this.#rebuild);
    undraw(this);
    this.#plot?.destroy();
    this.#plot = null;
  }

  get canvas(): HTMLCanvasElement | null {
    return this.#plot?.ctx.canvas ?? null;
  }

  /** New values of all curves over xs, and the places of the rules. */
  set(xs: number[], ys: Numbers[], rules: readonly number[]): void {
    this.#data = [xs, ...ys] as uPlot.AlignedData;
    this.#rules = rules;
    if (this.#plot) this.#plot.setData(this.#data);
    else this.#make();
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
    const colour = (name: string): string => style.getPropertyValue(name).trim() || '#888';
    const font = `12px ${style.fontFamily}`;
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
        cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
        scales: {
          x: {
            time: false,
            range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 1, 10)],
          },
          y: { range: (_, low, high) => this.options.yRange(low ?? 0, high ?? 1) },
        },
        axes: [
          {
            ...axis,
            size: 30,
            values: (_, at) => at.map((v) => (Number.isInteger(v) ? this.options.xText(v) : '')),
          },
          {
            ...axis,
            size: 46,
            grid: { show: true, stroke: colour('--rule'), width: 0.5 },
            values: (_, at) => at.map(this.options.yText),
          },
        ],
        series: [
          {},
          ...this.options.curves.map((curve) => this.#series(curve, colour(curve.colour))),
        ],
        hooks: {
          drawAxes: [(plot) => this.#drawRules(plot, colour('--rule'))],
          draw: [(plot) => this.#drawNames(plot, font, colour)],
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
        const ys = this.#data[i + 1] as Numbers;
        const last = ys.findLastIndex((y) => y !== null);
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
