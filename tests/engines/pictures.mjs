// Pictures of three classes, as a zip of PNG files, as the kiln set that the page makes of them,
// and as that set packed: whichever of them a page reads, it trains to the same parameters.

import { crc32, deflateSync, gzipSync } from 'node:zlib';

import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';

export const NAME = 'zoo';
const CLASSES = ['cat', 'dog', 'newt'];
const EACH = 20;
const SIDE = 32;
const PLANE = SIDE * SIDE;

/** (C, H, W): ramps of another slope in each class and picture. */
function pixelsOf(k, i) {
  return Uint8Array.from({ length: 3 * PLANE }, (_, at) =>
    ((at % SIDE) * (k + 1) + (at >> 5) * i + 80 * k) & 255);
}

function chunk(type, bytes) {
  const body = Buffer.concat([Buffer.from(type), bytes]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(bytes.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

function png(pixels) {
  const rows = Buffer.alloc(SIDE * (1 + 3 * SIDE));
  for (let at = 0; at < 3 * PLANE; at++) {
    const [c, y, x] = [Math.floor(at / PLANE), (at % PLANE) >> 5, at % SIDE];
    rows[y * (1 + 3 * SIDE) + 1 + 3 * x + c] = pixels[at];
  }
  const head = Buffer.from([0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 2, 0, 0, 0]); // 8 bits, RGB
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** By the name of the file that a page opens; the set is what Node trains on. */
export async function pictureFiles() {
  const zip = new ZipWriter(new Uint8ArrayWriter());
  const records = [];
  for (const [k, name] of CLASSES.entries()) {
    for (let i = 0; i < EACH; i++) {
      const pixels = pixelsOf(k, i);
      // Two digits: files stand in the order of their names.
      await zip.add(`${name}/${10 + i}.png`, new Uint8ArrayReader(png(pixels)));
      records.push(Buffer.from([k]), pixels);
    }
  }
  const head = { name: NAME, shape: [3, SIDE, SIDE], classes: CLASSES, count: 3 * EACH };
  const set = Buffer.concat([Buffer.from(`KILNSET 1\n${JSON.stringify(head)}\n`), ...records]);
  return {
    [`${NAME}.zip`]: Buffer.from(await zip.close()),
    [`${NAME}.kilnset`]: set,
    [`${NAME}.kilnset.gz`]: gzipSync(set),
  };
}
