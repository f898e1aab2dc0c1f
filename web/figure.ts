/**
 * A chart laid out as a figure for a course page or a paper, on white whatever the page's colours:
 * the net, a legend, axes with a light grid, curves. It consists of strokes and lines of text
 * alone, so that SVG and canvas each draw it in a few lines (chart-files.ts).
 */

import { powers, type CurveOptions, type CurveStyle, type Points } from './curve.js';
import { viewStrings as strings } from './strings-views.js';

/** A stroke with round ends; `path` is path data as SVG and Path2D read it. */
export interface Stroke {
  path: string;
  colour: string;
  width: number;
  /** Length of its dashes and of the gaps between them. */
  dash?: number;
  /** Of the curve that it belongs to. */
  name?: string;
}

/** A line of text: x is its start, centre or end, y its baseline. */
export interface Label {
  text: string;
  x: number;
  y: number;
  align?: 'center' | 'end';
}

export interface Figure {
  title: string;
  width: number;
  height: number;
  strokes: Stroke[];
  labels: Label[];
}

export const TEXT_SIZE = 13;
export const INK = '#222';

/** In CSS pixels where the figure is shown as large as it is. */
const WIDTH = 720;
const MARGIN = 16;
const LINE = 19; // from one line of text to the next
const LEFT = 84; // sides of the frame of the curves
const RIGHT = WIDTH - 24;
const TALL = 320; // height of the frame
const BELOW = 58; // from there to the figure's lower edge
const ENTRY = 130; // from one curve of the legend to the next
const SAMPLE = 28; // of a curve there
const MOST_CHARACTERS = 88; // of a line of text: on average they are less than 0.6 of its size wide
const MOST_TICKS = 7;

/** The curves on paper, by the custom property that colours them on the page. */
const PENS: Record<string, Pick<Stroke, 'colour' | 'dash'>> = {
  '--line': { colour: '#9a9a9a' },
  '--ink': { colour: INK },
  '--accent': { colour: '#d1491a' },
  '--faint': { colour: '#9a9a9a', dash: 5 },
};

export function figure(
  title: string,
  net: string,
  curves: readonly (CurveStyle & Points)[],
  { yRange, yText, xText }: Pick<CurveOptions, 'yRange' | 'yText' | 'xText'>,
): Figure {
  const labels: Label[] = [];
  const strokes: Stroke[] = [];
  const shown = curves.filter(({ ys }) => ys.some((value) => value != null));
  let top = MARGIN;
  for (const text of wrapped(net)) labels.push({ text, x: MARGIN, y: (top += LINE) - 4 });
  top += LINE + 6;
  labels.push({ text: title, x: MARGIN, y: top - 4 }); // above the axis that it names
  shown.forEach((curve, i) => {
    const [x, y] = [LEFT + i * ENTRY, top - 8];
    const sample = [0, 0.5, 1].map((part) => `${x + part * SAMPLE} ${y}`);
    strokes.push(...drawn(curve, sample));
    labels.push({ text: curve.name, x: x + SAMPLE + 10, y: top - 4 });
  });
  top += 8;

  const last = Math.max(1, ...shown.map(({ xs }) => xs.at(-1)!));
  const { low, high, logarithmic = false } = yRange();
  const scaled = logarithmic ? Math.log10 : Number;
  const bottom = top + TALL;
  const x = (step: number): number =>
    tenths(LEFT + ((RIGHT - LEFT) * step) / last);
  const y = (value: number): number => {
    const share = (scaled(value) - scaled(low)) / (scaled(high) - scaled(low));
    return tenths(bottom - TALL * Math.min(1, Math.max(0, share)));
  };
  let grid = '';
  let axes = `M${LEFT} ${top}V${bottom}H${RIGHT}`;
  for (const step of ticks(0, last).filter(Number.isInteger)) {
    const at = x(step);
    grid += `M${at} ${bottom}V${top}`;
    axes += `M${at} ${bottom}v5`;
    labels.push({ text: xText(step), x: at, y: bottom + 20, align: 'center' });
  }
  const values = logarithmic ? powers(low, high) : ticks(low, high);
  const every = Math.ceil(values.length / (MOST_TICKS + 1)); // powers of ten may be many
  for (let i = 0; i < values.length; i += every) {
    const value = values[i]!;
    const at = y(value);
    grid += `M${LEFT} ${at}H${RIGHT}`;
    axes += `M${LEFT} ${at}h-5`;
    labels.push({ text: yText(value), x: LEFT - 10, y: at + 4, align: 'end' });
  }
  const height = bottom + BELOW;
  const { step } = strings.charts;
  labels.push({ text: step, x: (LEFT + RIGHT) / 2, y: height - MARGIN, align: 'center' });
  strokes.push({ path: grid, colour: '#e4e4e4', width: 1 },
    { path: axes, colour: INK, width: 1 });
  for (const curve of shown) {
    const points = curve.xs.flatMap((step, i) =>
      curve.ys[i] == null ? [] : [`${x(step)} ${y(curve.ys[i])}`]);
    strokes.push(...drawn(curve, points));
  }
  return { title, width: WIDTH, height, strokes, labels };
}

/** A curve through points, with dots at them where its kind has dots. */
function drawn({ name, colour, kind, width = 1.5 }: CurveStyle, points: string[]): Stroke[] {
  const pen = { name, ...PENS[colour]! };
  const line = { ...pen, width, path: `M${points.join('L')}` };
  // A dot is the round ends of a line that has next to no length.
  const size = kind === 'dots' ? 2.5 : 7;
  const dots = { ...pen, width: size, path: points.map((point) => `M${point}h.01`).join('') };
  return kind === 'line' ? [line] : kind === 'dots' ? [dots] : [dots, line];
}

/** Round numbers from low to high at equal distances: 1, 2 or 5 times a power of ten. */
function ticks(low: number, high: number): number[] {
  const least = (high - low) / MOST_TICKS;
  const power = 10 ** Math.floor(Math.log10(least));
  const apart = power * [1, 2, 5, 10].find((factor) => factor * power >= least)!;
  const first = Math.ceil(low / apart);
  const count = Math.floor(high / apart) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * apart);
}

/** A net in lines that fit into the figure, each to the end of a layer. */
function wrapped(net: string): string[] {
  const lines = [''];
  for (const layer of net.split(/(?<=-) /)) {
    const line = `${lines.at(-1)!} ${layer}`.trim();
    if (line.length <= MOST_CHARACTERS) lines[lines.length - 1] = line;
    else lines.push(layer);
  }
  return lines;
}

function tenths(value: number): number {
  return Math.round(10 * value) / 10;
}
