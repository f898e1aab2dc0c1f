/**
 * Unpacks gzip (RFC 1952) piece by piece, as gzip itself does: several members one after the other
 * are one file, and zeros after the last are padding. The platform's own stream refuses both. Each
 * member's length and checksum are looked at.
 */

import {
  Z_BUF_ERROR, Z_NO_FLUSH, Z_OK, Z_STREAM_END, zlibInflate, zlibInflateInit2, zlibInflateReset,
  ZStream,
} from 'pako';

import { KilnError } from './errors.js';

/** A window of 32 KiB, and the wrapper of gzip and no other. */
const WINDOW_BITS = 15 + 16;
const PIECE = 1 << 18;

/** `name` is the archive's, for messages. E_DATA, and what `pieces` throws. */
export async function* gunzip(
  name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = new ZStream();
  const output = new Uint8Array(PIECE); // what is passed on are copies
  let within = true;
  zlibInflateInit2(stream, WINDOW_BITS);
  for await (const piece of pieces) {
    Object.assign(stream, { input: piece, next_in: 0, avail_in: piece.length, avail_out: PIECE });
    // What was full may have more to come, though nothing is left to read.
    while (stream.avail_in > 0 || (within && stream.avail_out === 0)) {
      if (!within && !nextMember(name, stream)) break;
      Object.assign(stream, { output, next_out: 0, avail_out: PIECE });
      const status = zlibInflate(stream, Z_NO_FLUSH);
      if (stream.next_out > 0) yield output.slice(0, stream.next_out);
      within = status !== Z_STREAM_END;
      if (within && status !== Z_OK && status !== Z_BUF_ERROR) throw broken(name, stream.msg);
    }
  }
  if (within) throw broken(name, 'it ends too early');
}

/** Passes over padding; false where there is nothing else. */
function nextMember(name: string, stream: ZStream): boolean {
  while (stream.avail_in > 0 && stream.input[stream.next_in] === 0) {
    stream.next_in++;
    stream.avail_in--;
  }
  if (stream.avail_in === 0) return false;
  if (stream.input[stream.next_in] !== 0x1f) throw broken(name, 'something else follows it');
  zlibInflateReset(stream);
  return true;
}

function broken(name: string, reason: string): KilnError {
  return new KilnError(
    'E_DATA', `${name}: the gzip archive is damaged or cut short (${reason || 'not gzip'})`);
}
