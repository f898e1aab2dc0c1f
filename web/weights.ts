/**
 * Weights as pictures. Those that see pixels become small images, each scaled to its own full range
 * (the course's visualize_grid); deeper ones a table: a row for each filter or unit, a column for
 * each channel or number that it reads.
 */

import type { NamedTensor } from '../bindings/types.js';
import { balanced, diverging, extent, rootMeanSquare, tiles } from './pixels.js';
import { viewStrings as strings } from './strings-views.js';

const words = strings.filters;
const MOST = 100; // images
const MOST_ROWS = 64;
const MOST_COLUMNS = 64;
const TILE_LEAST = 36; // CSS pixels an image should have, about
const TILE_MOST = 72;
const CELL_MOST = 16; // CSS pixels of one weight in a table
const TAP_MOST = 8; // and of one of a filter's

/** Weights this many times their root mean square have the full colour. */
const SATURATED = 3;

export interface Drawing {
  image: ImageData;
  /** CSS pixels for each of the image's own. */
  scale: number;
  caption: string;
  /** CSS pixels from one row of a table to the next; 0 for images. */
  rowHeight: number;
  /** CSS pixels from one image to the next, where all stand in one row; else 0. */
  across: number;
}

/** `before` is the shape that the layer reads; `space` the CSS pixels there are. */
export function drawWeights(tensor: NamedTensor, before: number[], space: number): Drawing {
  const [channels = 1, height = 1, width = 1] = before;
  const { shape } = tensor;
  const image = (shape.length === 4 ? shape[1]! : channels) === 3;
  if (image && (shape.length === 4 || shape[0] === channels * height * width)) {
    return drawImages(tensor, before, space);
  }
  return drawTable(tensor, before, space);
}

/** Weights in one form: `number` times (C, H, W), read by index. */
interface Bank {
  number: number;
  shape: readonly [number, number, number];
  at(row: number, i: number): number;
}

/** (F, C, HH, WW) filters, or the (D, M) weights of an affine layer on D = C·H·W numbers. */
function bankOf({ data, shape }: NamedTensor, before: number[]): Bank {
  if (shape.length === 4) {
    const [number, channels, height, width] = shape as [number, number, number, number];
    const size = channels * height * width;
    return { number, shape: [channels, height, width], at: (row, i) => data[row * size + i]! };
  }
  const [size = 0, number = 0] = shape;
  const [channels = size, height = 1, width = 1] = before;
  const fits = channels * height * width === size;
  return {
    number,
    shape: fits ? [channels, height, width] : [size, 1, 1],
    at: (row, i) => data[i * number + row]!,
  };
}

function drawImages(tensor: NamedTensor, before: number[], space: number): Drawing {
  const bank = bankOf(tensor, before);
  const { number, shape, at } = bank;
  const [channels, height, width] = shape;
  const plane = height * width;
  const shown = Math.min(number, MOST);
  const least = Math.max(1, Math.round(TILE_LEAST / width));
  const columns = balanced(shown, Math.floor((space + least) / ((width + 1) * least)));
  const scale = Math.max(
    least,
    Math.min(Math.floor(space / (columns * (width + 1))), Math.ceil(TILE_MOST / width)),
  );
  const ranges = Array.from({ length: shown }, (_, tile) =>
    extent(Float32Array.from({ length: channels * plane }, (_, i) => at(tile, i))),
  );
  const image = tiles(shown, height, width, columns, (data, to, y, x, tile) => {
    const [low, high] = ranges[tile]!;
    const gain = high > low ? 255 / (high - low) : 0;
    for (let c = 0; c < 3; c++) {
      data[to + c] = gain * (at(tile, (c % channels) * plane + y * width + x) - low);
    }
    data[to + 3] = 255;
  });
  const conv = tensor.shape.length === 4;
  const what = conv ? words.conv(number, height, width) : words.affine(shown, number);
  const across = columns >= shown ? (width + 1) * scale : 0;
  return { image, scale, caption: words.caption(what), rowHeight: 0, across };
}

function drawTable(tensor: NamedTensor, before: number[], space: number): Drawing {
  const { number, shape, at } = bankOf(tensor, before);
  const [channels, height, width] = shape;
  const rows = Math.min(number, MOST_ROWS);
  const columns = Math.min(channels, MOST_COLUMNS);
  const gap = height * width > 1 ? 1 : 0;
  const plane = height * width;
  const values = new Float32Array(rows * columns * plane);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let k = 0; k < columns * plane; k++, i++) values[i] = at(row, k);
  }
  const paint = diverging(values, SATURATED * rootMeanSquare(values));
  const image = new ImageData(columns * (width + gap) - gap, rows * (height + gap) - gap);
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const column = Math.floor(i / plane) % columns;
    const row = Math.floor(i / plane / columns);
    const at = (row * (height + gap) + y) * image.width + column * (width + gap) + x;
    paint(image.data, 4 * at, i);
  }
  const scale = Math.max(1, Math.min(gap ? TAP_MOST : CELL_MOST, Math.floor(space / image.width)));
  const conv = tensor.shape.length === 4;
  const caption = words.deep(
    (conv ? words.filter : words.unit)(rows, number),
    (conv || plane > 1 ? words.channel : words.input)(columns, channels),
    plane > 1 ? words.taps(height, width) : '',
  );
  const shrunk = Math.min(1, space / (image.width * scale)); // canvases are never wider than that
  return { image, scale, caption, rowHeight: (height + gap) * scale * shrunk, across: 0 };
}
