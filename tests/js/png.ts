// PNG files, as far as tests write and read them.

import { deflateSync, inflateSync } from 'node:zlib';

function crc(bytes: Buffer): number {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let k = 0; k < 8; k++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

export function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG whose pixel (x, y) is what `colour` says. */
export function png(
  width: number, height: number, colour: (x: number, y: number) => [number, number, number],
): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(colour(x, y), y * (1 + 3 * width) + 1 + 3 * x);
  }
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

export interface Decoded { width: number; height: number; data: Uint8ClampedArray }

/** R, G, B, A of a PNG of such pixels, 8 bits each; another one fails. */
export function decodePng(file: Buffer): Decoded {
  let head: Buffer = Buffer.alloc(0);
  const packed: Buffer[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const type = file.toString('latin1', at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    if (type === 'IHDR') head = data;
    if (type === 'IDAT') packed.push(data);
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  if (head.toString('hex', 8) !== '0806000000') throw new Error('not RGBA of 8 bits');
  const rows = inflateSync(Buffer.concat(packed));
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (1 + 4 * width)]!;
    for (let x = 0; x < 4 * width; x++) {
      const i = 4 * width * y + x;
      const left = x < 4 ? 0 : data[i - 4]!;
      const above = y === 0 ? 0 : data[i - 4 * width]!;
      const corner = x < 4 || y === 0 ? 0 : data[i - 4 * width - 4]!;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter]!;
      data[i] = (rows[y * (1 + 4 * width) + 1 + x]! + guess) & 255;
    }
  }
  return { width, height, data };
}

/** The PNG specification, 9.4. */
function paeth(a: number, b: number, c: number): number {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}
