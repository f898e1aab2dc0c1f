/**
 * Numbers as pixels: tiles in a grid, in the course's manner (visualize_grid), and colour scales.
 */

/** Writes the colour of one tile's pixel: four bytes at data[at]. */
export type Paint = (
  data: Uint8ClampedArray,
  at: number,
  y: number,
  x: number,
  tile: number,
) => void;

/** Columns, at most so many, that fill the rows evenly. */
export function balanced(number: number, most: number): number {
  return Math.max(1, Math.ceil(number / Math.ceil(number / Math.max(1, most))));
}

/** Tiles in rows with a transparent pixel between them. */
export function tiles(
  number: number,
  height: number,
  width: number,
  columns: number,
  paint: Paint,
): ImageData {
  const across = balanced(number, columns);
  const down = Math.max(1, Math.ceil(number / across));
  const image = new ImageData(across * (width + 1) - 1, down * (height + 1) - 1);
  for (let tile = 0; tile < number; tile++) {
    const left = (tile % across) * (width + 1);
    const top = Math.floor(tile / across) * (height + 1);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        paint(image.data, 4 * ((top + y) * image.width + left + x), y, x, tile);
      }
    }
  }
  return image;
}

/**
 * Puts the image into the canvas, shown with whole screen pixels: `scale` of them for each of its
 * own.
 */
export function put(canvas: HTMLCanvasElement, image: ImageData, scale: number): void {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.style.width = `${image.width * scale}px`;
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}

/** Lowest and highest finite value of a stretch. */
export function extent(
  values: ArrayLike<number>,
  start = 0,
  end = values.length,
): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = start; i < end; i++) {
    const v = values[i]!;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : [0, 0];
}

export function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / Math.max(1, values.length));
}

/** The image of (C, H, W) bytes, C being 1 or 3. */
export function picture(pixels: Uint8Array, shape: readonly number[]): ImageData {
  const [channels = 3, height = 32, width = 32] = shape;
  const plane = height * width;
  return tiles(1, height, width, 1, (data, at, y, x) => {
    for (let c = 0; c < 3; c++) data[at + c] = pixels[(c % channels) * plane + y * width + x]!;
    data[at + 3] = 255;
  });
}

/** Grey from the lowest (black) to the highest (white). */
export function grey(
  values: Float32Array,
  low: number,
  high: number,
): (data: Uint8ClampedArray, at: number, i: number) => void {
  const scale = high > low ? 255 / (high - low) : 0;
  return (data, at, i) => {
    const level = scale === 0 ? 128 : (values[i]! - low) * scale;
    data[at] = data[at + 1] = data[at + 2] = level;
    data[at + 3] = 255;
  };
}

const BELOW = [38, 103, 166] as const;
const ABOVE = [214, 96, 28] as const;

/** White at zero, blue below, orange above, full at ±limit. */
export function diverging(
  values: Float32Array,
  limit: number,
): (data: Uint8ClampedArray, at: number, i: number) => void {
  return (data, at, i) => {
    const share = limit > 0 ? Math.max(-1, Math.min(1, values[i]! / limit)) : 0;
    const end = share < 0 ? BELOW : ABOVE;
    const strength = Math.abs(share) || 0;
    for (let c = 0; c < 3; c++) data[at + c] = 248 + (end[c]! - 248) * strength;
    data[at + 3] = 255;
  };
}

/** Gradients this many times their root mean square have the full colour: few are very large. */
const SATURATED = 4;

/** `diverging`, full where the few largest values begin; the program's files are the same. */
export function saturated(values: Float32Array, low: number, high: number):
  ReturnType<typeof diverging> {
  return diverging(values, Math.min(Math.max(-low, high), SATURATED * rootMeanSquare(values)));
}
