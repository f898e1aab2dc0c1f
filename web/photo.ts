/**
 * A picture that someone has, as the network sees images: cut to a square about its middle, scaled
 * to the size of the data set's images, on white where it is transparent.
 */

import { strings } from './strings.js';

const words = strings.photo;
const MOST_BYTES = 64e6;
const MOST_PIXELS = 100e6;
const HEIC = /^ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)/;

export interface Photo {
  name: string;
  /** (C, H, W) of the data set. */
  pixels: Uint8Array;
}

/** Whether a file is for this: by its type, or its name where the system knows no type. */
export function isPhoto({ type, name }: File): boolean {
  return type.startsWith('image/') || /\.(png|jpe?g|webp|gif|bmp|avif|hei[cf]|svg)$/i.test(name);
}

/** Reads a picture for images of the given shape (C, H, W). What cannot be read says why. */
export async function readPhoto(file: File, shape: readonly number[]): Promise<Photo> {
  const name = file.name || 'The picture';
  if (file.size > MOST_BYTES) throw new Error(words.large(name));
  const bytes = new Uint8Array(await file.slice(0, 65536).arrayBuffer());
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  if (file.type === 'image/svg+xml' || /^[^]{0,9}<(\?xml|svg|!doctype svg)/i.test(text)) {
    throw new Error(words.svg(name));
  }
  if (HEIC.test(text.slice(4))) throw new Error(words.heic(name));
  if (pngPixels(bytes) > MOST_PIXELS) throw new Error(words.large(name));
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(words.broken(name));
  });
  try {
    if (bitmap.width * bitmap.height > MOST_PIXELS) throw new Error(words.large(name));
    return { name, pixels: await cut(bitmap, shape) };
  } finally {
    bitmap.close();
  }
}

/** A small PNG can unfold to a picture of any size: its head says how large, before it is read. */
function pngPixels(bytes: Uint8Array<ArrayBuffer>): number {
  if (bytes.length < 24 || bytes[0] !== 0x89 || bytes[1] !== 0x50) return 0;
  const view = new DataView(bytes.buffer);
  return view.getUint32(16) * view.getUint32(20);
}

async function cut(bitmap: ImageBitmap, shape: readonly number[]): Promise<Uint8Array> {
  const [channels = 3, height = 32, width = 32] = shape;
  const side = Math.min(bitmap.width, bitmap.height);
  const left = Math.floor((bitmap.width - side) / 2);
  const top = Math.floor((bitmap.height - side) / 2);
  const small = await createImageBitmap(bitmap, left, top, side, side, {
    resizeWidth: width,
    resizeHeight: height,
    resizeQuality: 'high',
  });
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(small, 0, 0);
  small.close();
  const { data } = context.getImageData(0, 0, width, height);
  const plane = height * width;
  return Uint8Array.from({ length: channels * plane }, (_, i) => {
    const at = 4 * (i % plane);
    if (channels === 3) return data[at + Math.floor(i / plane)]!;
    return Math.round(0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!);
  });
}
