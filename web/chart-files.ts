/** A chart as files: its numbers as comma-separated values, its picture as PNG and as SVG. */

import type { CurveOptions, CurveStyle, Points } from './curve.js';
import { colourOf } from './dom.js';

const HEAD = 22; // CSS pixels of a line of text above the chart
const MARGIN = 12;

/** Of an SVG, in its own units: its size, and the frame of the curves below `HEAD` a line. */
const WIDTH = 720;
const HEIGHT = 420;
const FRAME = { left: 64, right: 120, bottom: 40 };
const TICKS = 5;

/** Columns under their names, a row a place, empty where a curve has no point there. */
export function csv(
  names: readonly string[],
  columns: readonly ArrayLike<number | null | undefined>[],
): string {
  const rows = Array.from(columns[0] ?? [], (_, i) =>
    columns.map((column) => column[i] ?? '').join(),
  );
  return `${[names.join(), ...rows].join('\n')}\n`;
}

/** The chart on its paper below lines of text, in the colours that `styled` has on the page. */
export async function picture(
  chart: HTMLCanvasElement,
  lines: readonly string[],
  styled: Element,
): Promise<Uint8Array<ArrayBuffer>> {
  const style = getComputedStyle(styled);
  const ratio = chart.width / chart.clientWidth || 1;
  const canvas = document.createElement('canvas');
  const top = (MARGIN + HEAD * lines.length) * ratio;
  const margin = MARGIN * ratio;
  canvas.width = chart.width + 2 * margin;
  canvas.height = chart.height + top + margin;
  const context = canvas.getContext('2d')!;
  context.fillStyle = colourOf(styled, '--paper');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.color;
  lines.forEach((line, i) => {
    context.font = `${i === 0 ? 'bold 15' : '11'}px ${style.fontFamily}`.replace(
      /\d+(?=px)/,
      (size) => String(Number(size) * ratio),
    );
    context.fillText(line, margin, (MARGIN + HEAD * (i + 0.7)) * ratio, chart.width);
  });
  context.drawImage(chart, margin, top);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (!blob) throw new Error('the browser could not write the picture');
  return new Uint8Array(await blob.arrayBuffer());
}

type Drawn = CurveStyle & Points;

/** The curves as a drawing that scales, below lines of text, in the colours of the page. */
export function drawing(
  lines: readonly string[],
  curves: readonly Drawn[],
  { yRange, yText, xText }: Pick<CurveOptions, 'yRange' | 'yText' | 'xText'>,
  styled: Element,
): string {
  const shown = curves.filter(({ ys }) => ys.some((value) => value != null));
  const last = Math.max(1, ...shown.map(({ xs }) => xs.at(-1)!));
  const { low, high, logarithmic = false } = yRange();
  const scaled = (value: number): number => (logarithmic ? Math.log10(value) : value);
  const top = MARGIN + HEAD * lines.length + MARGIN;
  const [wide, tall] = [WIDTH - FRAME.left - FRAME.right, HEIGHT - top - FRAME.bottom];
  const share = (value: number): number =>
    (scaled(value) - scaled(low)) / (scaled(high) - scaled(low));
  const x = (step: number): string => (FRAME.left + (wide * step) / last).toFixed(1);
  const y = (value: number): string =>
    (top + tall * (1 - Math.min(1, Math.max(0, share(value))))).toFixed(1);
  const ink = getComputedStyle(styled).color;
  const text = (at: string, words: string, more = ''): string =>
    `<text ${at} fill="${ink}" ${more}>${escaped(words)}</text>`;
  const paper = colourOf(styled, '--paper');
  const parts = [`<rect width="${WIDTH}" height="${HEIGHT}" fill="${paper}"/>`];
  lines.forEach((line, i) => {
    const size = i === 0 ? 'font-size="15" font-weight="bold"' : 'font-size="11"';
    parts.push(text(`x="${MARGIN}" y="${MARGIN + HEAD * (i + 0.7)}"`, line, size));
  });
  for (let i = 0; i <= TICKS; i++) {
    const at = scaled(low) + ((scaled(high) - scaled(low)) * i) / TICKS;
    const value = logarithmic ? 10 ** at : at;
    const step = Math.round((last * i) / TICKS);
    parts.push(
      text(`x="${FRAME.left - 8}" y="${y(value)}"`, yText(value), 'text-anchor="end"'),
      text(`x="${x(step)}" y="${HEIGHT - MARGIN}"`, xText(step), 'text-anchor="middle"'),
    );
  }
  shown.forEach(({ name, colour, kind, width = 1, xs, ys }, i) => {
    const paint = colourOf(styled, colour);
    const points = xs.flatMap((step, k) => (ys[k] == null ? [] : [[x(step), y(ys[k])] as const]));
    const line = `stroke="${paint}" stroke-width="${width}" points="${points.join(' ')}"`;
    const dots = points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2" fill="${paint}"/>`);
    parts.push(
      kind === 'line' ? `<polyline fill="none" ${line}/>` : dots.join(''),
      `<text x="${WIDTH - FRAME.right + 8}" y="${top + HEAD * (i + 0.7)}" fill="${paint}">` +
        `${escaped(name)}</text>`,
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="sans-serif" font-size="11">\n${parts.join('\n')}\n</svg>\n`
  );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
