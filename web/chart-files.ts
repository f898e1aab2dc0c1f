/** A chart as files: its numbers as comma-separated values, its picture as PNG. */

import { colourOf } from './dom.js';

const HEAD = 22; // CSS pixels of a line of text above the chart
const MARGIN = 12;

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
