// gzip as gzip reads it: members one after the other, padding, and all that can be wrong.

import { gzipSync } from 'node:zlib';

import { beforeAll, describe, expect, test } from '@jest/globals';

import { Dataset, ready } from '../../bindings/index.js';
import { gunzip } from '../../bindings/gunzip.js';
import { batchFiles, failure, records, tar } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(bytes: Uint8Array, size = bytes.length): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of gunzip('a.gz', inPieces(bytes, size))) parts.push(part);
  return Buffer.concat(parts);
}

const plain = Buffer.from(records(40, 3)); // 120 kB that hardly shrink
const even = Buffer.alloc(1_000_000, 7); // that shrink to a kilobyte
const zip = (bytes: Uint8Array): Buffer => gzipSync(bytes);

describe('what gzip takes', () => {
  const many = Buffer.concat([zip(plain), zip(Buffer.alloc(0)), zip(even), zip(plain)]);
  test.each<[string, Buffer, Buffer]>([
    ['one member', zip(plain), plain],
    ['what shrinks much', zip(even), even],
    ['nothing at all', zip(Buffer.alloc(0)), Buffer.alloc(0)],
    ['several members, an empty one among them', many, Buffer.concat([plain, even, plain])],
    ['zeros after the end', Buffer.concat([zip(plain), Buffer.alloc(10_240)]), plain],
    ['zeros between members', Buffer.concat([zip(plain), Buffer.alloc(512), zip(plain)]),
      Buffer.concat([plain, plain])],
  ])('%s', async (_, bytes, wanted) => {
    for (const size of [bytes.length, 65_536, 1021]) {
      expect((await unpack(bytes, size)).equals(wanted)).toBe(true);
    }
  });

  test('a piece may end anywhere', async () => {
    const [one, two] = ['one', 'two'].map((text) => zip(Buffer.from(text)));
    const small = Buffer.concat([one!, two!, Buffer.alloc(9)]);
    for (let size = 1; size <= small.length; size++) {
      expect(String(await unpack(small, size))).toBe('onetwo');
    }
  });
});

describe('what is wrong', () => {
  const bytes = zip(plain);
  const changed = (at: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at < 0 ? copy.length + at : at]! ^= 1;
    return copy;
  };
  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['cut in the header', bytes.subarray(0, 5)],
    ['cut within', bytes.subarray(0, 50_000)],
    ['cut in the checksum', bytes.subarray(0, -6)],
    ['cut before the last byte', bytes.subarray(0, -1)],
    ['a byte within', changed(60_000)],
    ['the checksum', changed(-6)],
    ['the length', changed(-2)],
    ['the method', changed(2)],
    ['something behind', Buffer.concat([bytes, Buffer.from('and more')])],
    ['something behind the padding', Buffer.concat([bytes, Buffer.alloc(9), Buffer.from('x')])],
    ['a second member cut short', Buffer.concat([bytes, bytes.subarray(0, 1000)])],
  ])('%s', async (_, broken) => {
    for (const size of [Math.max(1, broken.length), 1021]) {
      const error = await failure(() => unpack(broken, size));
      expect(error.code).toBe('E_DATA');
      expect(error.message).toMatch(/^a\.gz: the gzip archive is damaged or cut short \(.+\)$/);
    }
  });

  test('an error of the source is told as it is', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield zip(plain).subarray(0, 100);
      throw new Error('the line broke');
    }
    await expect((async () => {
      for await (const _ of gunzip('a.gz', source()));
    })()).rejects.toThrow('the line broke');
  });
});

test('an archive of several members, padded, is CIFAR-10 all the same', async () => {
  const bytes = tar(batchFiles(4));
  const parts = [bytes.subarray(0, 5000), bytes.subarray(5000, 30_000), bytes.subarray(30_000)];
  const packed = Buffer.concat([...parts.map(zip), Buffer.alloc(4096)]);
  const split = { train: 8, validation: 2, test: 4 };
  const data = await Dataset.fromFiles([{ name: 'cifar-10-binary.tar.gz', bytes: packed }], split);
  const whole = await Dataset.fromFiles([{ name: 'cifar.tar', bytes }], split);
  expect(data.info.hash).toBe(whole.info.hash);
  data.dispose();
  whole.dispose();
});
