// class Dataset: the built-in set; CIFAR-10 from files, archives and a server, whole and damaged.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { beforeAll, describe, expect, test } from '@jest/globals';

import {
  Dataset, ready, type DataFile, type DataProgress, type DatasetInfo, type Split,
} from '../../bindings/index.js';
import { batchFiles, failure, gzip, tar } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

const COUNT = 4; // records a file
const SPLIT = { train: 15, validation: 5, test: 4 };
const files = batchFiles(COUNT);
const archive = gzip(tar(files));
const named = (bytes: Uint8Array): DataFile[] => [{ name: 'cifar-10-binary.tar.gz', bytes }];

async function infoOf(source: DataFile[]): Promise<DatasetInfo> {
  const data = await Dataset.fromFiles(source, SPLIT);
  const { info } = data;
  data.dispose();
  return info;
}

describe('the built-in set', () => {
  test('has ten classes, and the sizes asked for', async () => {
    const data = await Dataset.builtin({ train: 60, validation: 20, test: 30 });
    expect(data.info).toMatchObject({ name: 'builtin', shape: [3, 32, 32], train: 60,
      validation: 20, test: 30 });
    expect(data.info.classes).toHaveLength(10);
    const { label, image } = data.image('train', 59);
    expect(image).toHaveLength(3072);
    expect(label).toBeGreaterThanOrEqual(0);
    expect(label).toBeLessThan(10);
    data.dispose();
  });

  test('depends on its seed alone', async () => {
    const hash = async (dataSeed: number): Promise<string> => {
      const data = await Dataset.builtin({ train: 40, validation: 10, test: 10, dataSeed });
      data.dispose();
      return data.info.hash;
    };
    expect(await hash(1)).toBe(await hash(1));
    expect(await hash(1)).not.toBe(await hash(2));
  });

  test('batches are normalised by channel, or not at all', async () => {
    const data = await Dataset.builtin({ train: 100, validation: 10, test: 10 });
    const { x, y } = data.batch('train', 0, 100);
    expect(x.shape).toEqual([100, 3, 32, 32]);
    for (let c = 0; c < 3; c++) {
      const values = [...x.data].filter((_, i) => (i >> 10) % 3 === c);
      const mean = values.reduce((s, v) => s + v, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length);
      expect(Math.abs(mean)).toBeLessThan(1e-3);
      expect(Math.abs(deviation - 1)).toBeLessThan(1e-3);
    }
    const { label, image } = data.image('train', 7);
    expect(y[7]).toBe(label);
    const raw = data.batch('train', 7, 1, { normalize: 'none' }).x.data;
    const ratio = raw[raw.length - 1]! / image[image.length - 1]!;
    expect(raw.every((v, i) => (v - ratio * image[i]!) ** 2 < 1e-4)).toBe(true);
    data.dispose();
  });

  test('kNN finds each training image itself', async () => {
    const data = await Dataset.builtin({ train: 50, validation: 10, test: 20 });
    const { correct, accuracy, predictions } = data.knn({ k: 1, train: 50, test: 20 });
    expect(predictions).toHaveLength(20);
    const labels = [...predictions.keys()].map((i) => data.image('test', i).label);
    expect(labels.filter((label, i) => label === predictions[i])).toHaveLength(correct);
    expect(accuracy).toBe(correct / 20);
    data.dispose();
  });
});

describe('CIFAR-10', () => {
  test('from single files, in any order, as Files, Blobs or bytes', async () => {
    const data = await Dataset.fromFiles([...files].reverse(), SPLIT);
    expect(data.info).toMatchObject({ name: 'cifar10', ...SPLIT });
    expect(data.info.classes[0]).toBe('airplane');
    // Training images come first, in the order of the files; the last of them are the validation's.
    for (const [split, index, file, record] of [['train', 0, 0, 0], ['train', 14, 3, 2],
      ['validation', 0, 3, 3], ['test', 3, 5, 3]] as [Split, number, number, number][]) {
      const { label, image } = data.image(split, index);
      const want = files[file]!.bytes.subarray(record * 3073, (record + 1) * 3073);
      expect(label).toBe(want[0]);
      expect([...image]).toEqual([...want.subarray(1)]);
    }
    data.dispose();
    const { hash } = data.info;
    const blobs = files.map(({ name, bytes }) => new File([new Uint8Array(bytes)], name));
    expect((await infoOf(blobs)).hash).toBe(hash);
    const wrapped = blobs.map((file) => ({ name: file.name, blob: new Blob([file]) }));
    expect((await infoOf(wrapped)).hash).toBe(hash);
  });

  test('from the archive and from its unpacked tar, the same', async () => {
    const hashes = await Promise.all([files, named(archive), named(tar(files))].map(infoOf));
    expect(new Set(hashes.map((info) => info.hash)).size).toBe(1);
  });

  test('training files alone will do, too', async () => {
    const data = await Dataset.fromFiles(files.slice(0, 5), SPLIT);
    expect(data.info).toMatchObject({ train: 15, validation: 5, test: 0 });
    data.dispose();
  });

  test('tells how far it is', async () => {
    const seen: { phase: string; loaded: number; total: number | null; records: number }[] = [];
    const data = await Dataset.fromFiles(named(archive), SPLIT, {
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.at(-1)).toEqual({ type: 'dataprogress', phase: 'ready', loaded: archive.length,
      total: archive.length, records: 6 * COUNT });
    for (let i = 1; i < seen.length; i++) {
      expect(seen[i]!.loaded).toBeGreaterThanOrEqual(seen[i - 1]!.loaded);
    }
    data.dispose();
  });
});

describe('what is wrong with files is told', () => {
  const badLabel = new Uint8Array(files[0]!.bytes);
  badLabel[2 * 3073] = 10;
  const text = (html: string): Uint8Array => new TextEncoder().encode(html);
  const cases: [string, DataFile[], RegExp][] = [
    ['an empty file', [{ name: 'data_batch_1.bin', bytes: new Uint8Array(0) }],
      /data_batch_1\.bin: the file is empty/],
    ['a file cut short', [{ name: 'data_batch_1.bin', bytes: files[0]!.bytes.subarray(0, 5000) }],
      /data_batch_1\.bin/],
    ['a label of 10', [{ name: 'data_batch_1.bin', bytes: badLabel }],
      /data_batch_1\.bin.*record.*10/],
    ['a web page', [{ name: 'data_batch_1.bin', bytes: text('<!DOCTYPE html><p>404') }],
      /is a web page \(HTML\); .*fetch the file again/],
    ['a file far too large', [{ name: 'huge.bin', bytes: new Uint8Array(30_730_001) }],
      /huge\.bin: 30730001 bytes are more than the 10000 records/],
    ['an archive without batches', named(gzip(tar([{ name: 'readme.html', bytes: text('x') }]))),
      /./],
    ['gzip of something else', named(gzip(text('hello'))), /./],
    ['an archive cut short', named(archive.subarray(0, archive.length - 100)),
      /gzip archive is damaged or cut short/],
    ['an archive with a wrong checksum', named(archive.map((byte, i) =>
      i === archive.length - 6 ? byte ^ 1 : byte)), /gzip archive is damaged or cut short/],
    ['a tar cut short', named(tar(files).subarray(0, 40_000)), /./],
  ];
  test.each(cases)('%s', async (_, source, message) => {
    const error = await failure(() => Dataset.fromFiles(source, SPLIT));
    expect(error.message).toMatch(message);
    expect(error.code).toBe('E_DATA');
  });

  test('no archive cut anywhere is taken for whole', async () => {
    for (let i = 0; i < 40; i++) {
      const size = Math.floor((archive.length * i) / 40);
      const error = await failure(() => Dataset.fromFiles(named(archive.subarray(0, size)), SPLIT));
      expect(error.code).toBe('E_DATA');
    }
  });

  test('no flipped bit behind the header is overlooked', async () => {
    for (let i = 0; i < 80; i++) {
      const at = 10 + Math.floor(((archive.length - 10) * i) / 80);
      const bytes = archive.slice();
      bytes[at] = bytes[at]! ^ (1 << (i % 8));
      expect((await failure(() => Dataset.fromFiles(named(bytes), SPLIT))).code).toBe('E_DATA');
    }
  });

  test('a bomb of zeros is stopped at the limit', async () => {
    const bomb = gzip(new Uint8Array(210_000_000));
    expect(bomb.length).toBeLessThan(300_000);
    expect((await failure(() => Dataset.fromFiles(named(bomb)))).code).toBe('E_DATA');
  });

  test('after all that, a good archive still loads', async () => {
    expect(await infoOf(named(archive))).toMatchObject(SPLIT);
  });

  test.each<[string, unknown, string, RegExp]>([
    ['no files', { files: [] }, 'E_ARG', /a file at least/],
    ['a source of no kind', { path: 'x' }, 'E_ARG', /'builtin', \{files/],
    ['files that are none', { files: [{ name: 'x', blob: 3 }] }, 'E_ARG', /must be a File/],
    ['files without names', { files: [3] }, 'E_ARG', /each file must be/],
    ['storage where there is none', { stored: true }, 'E_STORAGE', /private storage/],
    ['an address over plain http', { url: 'http://example.org/x.tar.gz' }, 'E_ARG', /only https/],
    ['an address with a password', { url: 'https://a:b@example.org/' }, 'E_ARG', /password/],
    ['no address', { url: 'cifar' }, 'E_ARG', /is not an address/],
  ])('%s', async (_, source, code, message) => {
    const error = await failure(() => Dataset.load(source as never));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });
});

describe('from a server', () => {
  async function serve(answer: RequestListener): Promise<{ server: Server; url: string }> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { server, url: `http://127.0.0.1:${port}/cifar-10-binary.tar.gz` };
  }
  const stop = (server: Server): void => {
    server.closeAllConnections();
    server.close();
  };

  test('reads the archive and tells its size', async () => {
    const { server, url } = await serve((_, response) => {
      response.setHeader('content-length', archive.length);
      response.end(archive);
    });
    const totals = new Set<number | null>();
    const onProgress = ({ total }: DataProgress): void => void totals.add(total);
    const data = await Dataset.fromUrl(url, SPLIT, { onProgress });
    expect(data.info).toMatchObject(SPLIT);
    expect([...totals]).toEqual([archive.length]);
    data.dispose();
    stop(server);
  });

  test.each<[string, RequestListener, string, RegExp]>([
    ['an error', (_, r) => { r.statusCode = 404; r.end('no'); }, 'E_FETCH', /answers 404/],
    ['a web page', (_, r) => r.end('<html>sign in</html>'), 'E_DATA', /web page/],
    ['a length beyond all measure', (_, r) => {
      r.setHeader('content-length', 10 ** 12);
      r.flushHeaders();
    }, 'E_DATA', /1000000000000 bytes, more than/],
    ['a line that breaks', (_, r) => {
      r.setHeader('content-length', archive.length);
      r.write(archive.subarray(0, 1000), () => r.destroy());
    }, 'E_FETCH', /cifar-10-binary\.tar\.gz: reading failed/],
  ])('%s', async (_, answer, code, message) => {
    const { server, url } = await serve(answer);
    const error = await failure(() => Dataset.fromUrl(url, SPLIT));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    stop(server);
  });

  test('can be stopped', async () => {
    const { server, url } = await serve((_, response) => {
      response.write(archive.subarray(0, 2000)); // and no more
    });
    const stopper = new AbortController();
    const error = failure(() => Dataset.fromUrl(url, SPLIT, {
      signal: stopper.signal, onProgress: () => stopper.abort(),
    }));
    expect((await error).code).toBe('E_ABORTED');
    const early = await failure(() => Dataset.fromUrl(url, SPLIT, { signal: AbortSignal.abort() }));
    expect(early.code).toBe('E_ABORTED');
    stop(server);
  });
});

describe('use', () => {
  test('beyond the ends is told', async () => {
    const data = await Dataset.builtin({ train: 10, validation: 5, test: 5 });
    const cases: [() => unknown, string, RegExp][] = [
      [() => data.image('train', 10), 'E_ARG', /10/],
      [() => data.image('train', -1), 'E_ARG', /index must be a whole number from 0 up/],
      [() => data.image('dev' as Split, 0), 'E_ARG', /train, validation or test, not dev/],
      [() => data.batch('test', 3, 3), 'E_ARG', /images 3 to 5 of test, which has 5/],
      [() => data.batch('test', 0, 1, { normalize: 'best' as 'none' }), 'E_ARG', /best/],
      [() => data.knn({ k: 0, train: 5, test: 5 }), 'E_ARG', /k must be/],
      [() => data.knn({ train: 5, test: 9 }), 'E_ARG', /5 test images, not 9/],
    ];
    for (const [action, code, message] of cases) {
      const error = await failure(action);
      expect(error.message).toMatch(message);
      expect(error.code).toBe(code);
    }
    data.dispose();
  });

  test('after dispose() throws; dispose() twice is fine', async () => {
    const data = await Dataset.builtin({ train: 10, validation: 5, test: 5 });
    data.dispose();
    data.dispose();
    expect((await failure(() => data.image('train', 0))).code).toBe('E_HANDLE');
  });

  test('loading forty files of 30 MB one after the other keeps within 1 GiB', async () => {
    const large = [{ name: 'data_batch_1.bin', bytes: new Uint8Array(30_730_000) }];
    for (let i = 0; i < 40; i++) (await Dataset.fromFiles(large)).dispose();
  });
});
