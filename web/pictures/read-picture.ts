/**
 * A picture that someone has, as the network sees images: its middle cut to their proportions, or
 * all of it on a white ground, each pixel the mean of what it covers, on white where the picture is
 * transparent. In a worker and on the page alike; the same bytes for the same file.
 */

import { photoWords as words } from '../strings-photo.js';

export const MOST_BYTES = 64e6;
const MOST_PIXELS = 100e6;
const HEAD = 1 << 18; // bytes in which a picture tells its size
const BAND = 1 << 20; // pixels that are looked at together
const HEIC = /^ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)/;

/** crop: cut about the middle; pad: all of it, with white beside it. */
export type Fit = 'crop' | 'pad';

/** A picture's pixels as (C, H, W), 0..255. What cannot be read says why, by its name. */
export async function readPicture(
  file: Blob,
  name: string,
  shape: readonly number[],
  fit: Fit = 'crop',
): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > MOST_BYTES) throw new Error(words.large(name));
  const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  if (file.type === 'image/svg+xml' || /^[^]{0,9}<(\?xml|svg|!doctype svg)/i.test(text)) {
    throw new Error(words.svg(name));
  }
  if (HEIC.test(text.slice(4))) throw new Error(words.heic(name));
  if (pixelsOf(bytes) > MOST_PIXELS) throw new Error(words.large(name));
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(words.broken(name));
  });
  try {
    if (bitmap.width * bitmap.height > MOST_PIXELS) throw new Error(words.large(name));
    return reduce(bitmap, shape, fit);
  } finally {
    bitmap.close();
  }
}

/** A small file can unfold to a picture of any size: its head says how large, before it is read. */
function pixelsOf(head: Uint8Array): number {
  const bytes = new Uint8Array(Math.max(30, head.length)); // one that is cut short has zeros
  bytes.set(head);
  const view = new DataView(bytes.buffer);
  const is = (at: number, text: string): boolean =>
    [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  if (is(1, 'PNG')) return view.getUint32(16) * view.getUint32(20);
  if (is(0, 'GIF8')) return view.getUint16(6, true) * view.getUint16(8, true);
  if (is(8, 'WEBPVP8X')) {
    return (1 + (view.getUint32(24, true) & 0xffffff)) * (1 + (view.getUint32(26, true) >>> 8));
  }
  return view.getUint16(0) === 0xffd8 ? jpegPixels(view) : 0;
}

/** Walks the segments of a JPEG to the one that tells its size. */
function jpegPixels(view: DataView): number {
  for (let at = 2; at + 9 < view.byteLength && view.getUint8(at) === 0xff;) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return view.getUint16(at + 5) * view.getUint16(at + 7);
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return 0;
}

/** Which pixels of the picture each of `size` pixels covers, and how much of each. */
interface Cover {
  first: Int32Array;
  /** By pixel: weights of the picture's pixels first, first + 1, ..; at most `span`. */
  weight: Float64Array;
  span: number;
}

/** `from`: where the first pixel begins in the picture; `step`: how much of it a pixel covers. */
function cover(size: number, from: number, step: number, length: number): Cover {
  const span = Math.ceil(step) + 1;
  const first = new Int32Array(size);
  const weight = new Float64Array(size * span);
  for (let i = 0; i < size; i++) {
    const [low, high] = [from + i * step, from + (i + 1) * step];
    first[i] = Math.max(0, Math.floor(low));
    for (let k = 0; k < span; k++) {
      const at = first[i]! + k;
      const part = Math.min(at + 1, high) - Math.max(at, low);
      if (at < length && part > 0) weight[i * span + k] = part / step;
    }
  }
  return { first, weight, span };
}

function reduce(
  bitmap: ImageBitmap,
  [channels = 3, height = 32, width = 32]: readonly number[],
  fit: Fit,
): Uint8Array<ArrayBuffer> {
  const { width: W, height: H } = bitmap;
  const step = fit === 'crop' ? Math.min(H / height, W / width) : Math.max(H / height, W / width);
  const across = cover(width, (W - step * width) / 2, step, W);
  const down = cover(height, (H - step * height) / 2, step, H);
  const sums = new Float64Array(3 * height * width); // means of red, green, blue
  const row = new Float64Array(3 * width);
  eachRow(bitmap, (data, y) => {
    rowMeans(row, data, across, width);
    for (let h = 0; h < height; h++) {
      const k = y - down.first[h]!;
      const share = k >= 0 && k < down.span ? down.weight[h * down.span + k]! : 0;
      if (share === 0) continue;
      for (let i = 0; i < row.length; i++) sums[h * row.length + i]! += share * row[i]!;
    }
  });
  const total = ({ weight, span }: Cover, i: number): number =>
    weight.subarray(i * span, (i + 1) * span).reduce((a, b) => a + b, 0);
  const plane = height * width;
  const pixels = new Uint8Array(channels * plane);
  for (let at = 0; at < plane; at++) {
    // What the picture does not cover is white.
    const bare = 1 - total(down, Math.floor(at / width)) * total(across, at % width);
    const rgb = [0, 1, 2].map((c) => sums[3 * at + c]! + 255 * bare);
    if (channels === 1) rgb[0] = 0.299 * rgb[0]! + 0.587 * rgb[1]! + 0.114 * rgb[2]!;
    for (let c = 0; c < channels; c++) pixels[c * plane + at] = Math.floor(rgb[c]! + 0.5);
  }
  return pixels;
}

/** Means of one row of the picture, by pixel of the image: red, green, blue. */
function rowMeans(
  row: Float64Array,
  data: Uint8ClampedArray,
  { first, weight, span }: Cover,
  width: number,
): void {
  for (let w = 0; w < width; w++) {
    let [red, green, blue] = [0, 0, 0];
    for (let k = 0; k < span; k++) {
      const share = weight[w * span + k]!;
      if (share === 0) continue;
      const at = 4 * (first[w]! + k);
      red += share * data[at]!;
      green += share * data[at + 1]!;
      blue += share * data[at + 2]!;
    }
    row[3 * w] = red;
    row[3 * w + 1] = green;
    row[3 * w + 2] = blue;
  }
}

/** The rows of a picture on white, a band at a time: the whole of it may have 100 megapixels. */
function eachRow(bitmap: ImageBitmap, take: (data: Uint8ClampedArray, y: number) => void): void {
  const { width, height } = bitmap;
  const rows = Math.min(height, Math.max(1, Math.floor(BAND / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  for (let top = 0; top < height; top += rows) {
    const n = Math.min(rows, height - top);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, n);
    context.drawImage(bitmap, 0, top, width, n, 0, 0, width, n);
    const { data } = context.getImageData(0, 0, width, n);
    for (let y = 0; y < n; y++) take(data.subarray(4 * y * width, 4 * (y + 1) * width), top + y);
  }
}
