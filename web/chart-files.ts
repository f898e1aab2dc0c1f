/** A chart as files: its numbers as comma-separated values, its figure as SVG and as PNG. */

import { INK, TEXT_SIZE, type Figure } from './figure.js';

export { figure } from './figure.js';

const FONT = 'sans-serif';
const SCALE = 2; // pixels of the PNG a unit of the figure: sharp on fine screens and in print

/** Columns under their names, a row a place, which the first tells. Empty ones are left out. */
export function csv(
  names: readonly string[],
  columns: readonly ArrayLike<number | null | undefined>[],
): string {
  const kept = names.map((_, i) =>
    i === 0 || Array.from(columns[i] ?? []).some((value) => value != null));
  const line = (cells: readonly unknown[]): string => cells.filter((_, i) => kept[i]).join();
  const rows = Array.from(columns[0] ?? [], (_, i) => line(columns.map((column) => column[i])));
  return `${[line(names), ...rows].join('\n')}\n`;
}

/** Notation, numbers and names of curves have nothing that XML would have escaped. */
export function svg({ title, width, height, strokes, labels }: Figure): string {
  const parts = [
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    '<g fill="none" stroke-linecap="round" stroke-linejoin="round">',
    ...strokes.map(({ path, colour, width: wide, dash, name }) =>
      `<path d="${path}" stroke="${colour}" stroke-width="${wide}" ` +
      `stroke-dasharray="${dash ?? 'none'}">${name ? `<title>${name}</title>` : ''}</path>`),
    `</g>\n<g fill="${INK}">`,
    ...labels.map(({ text, x, y, align = 'start' }) =>
      `<text x="${x}" y="${y}" text-anchor="${align.replace('center', 'middle')}">${text}</text>`),
    '</g>',
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="${FONT}" ` +
    `font-size="${TEXT_SIZE}">\n${parts.join('\n')}\n</svg>\n`
  );
}

/** Not by way of the SVG: the policies of many pages forbid images that are made by scripts. */
export function png({ width, height, strokes, labels }: Figure): Promise<Blob> {
  const canvas = new OffscreenCanvas(SCALE * width, SCALE * height);
  const context = canvas.getContext('2d')!;
  context.scale(SCALE, SCALE);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.lineCap = context.lineJoin = 'round';
  for (const { path, colour, width: wide, dash } of strokes) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.setLineDash(dash ? [dash] : []);
    context.stroke(new Path2D(path));
  }
  context.fillStyle = INK;
  context.font = `${TEXT_SIZE}px ${FONT}`;
  for (const { text, x, y, align = 'start' } of labels) {
    context.textAlign = align;
    context.fillText(text, x, y);
  }
  return canvas.convertToBlob();
}
