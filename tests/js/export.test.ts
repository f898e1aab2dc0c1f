// Models that leave from JavaScript: the second module gives the bytes that `kiln export --format`
// writes, and is fetched when it is wanted, not before.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  EXPORT_FORMATS, exportCheckpoint, exportFormats, Trainer, type ExportFormat,
} from '../../bindings/index.js';
import { failure } from './helpers.js';
import { kiln } from './program.js';

const NET = '[conv 3x3x8 - batchnorm - relu]x2 - maxpool 4 - prelu - dropout 0.2 - affine 10 - ' +
  'softmax';
const SIZES = { train: 200, validation: 40, test: 20, batch: 20, epochs: 2 };

let home: string;
let trainer: Trainer;
let saved: Uint8Array;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'kiln-export-'));
  trainer = await Trainer.create({ net: NET, data: 'builtin', threads: 1, ...SIZES });
  await trainer.start();
  for await (const _ of trainer); // to the end of the run
  saved = await trainer.save();
  writeFileSync(join(home, 'model.safetensors'), saved);
});
afterAll(() => {
  trainer?.dispose();
  rmSync(home, { recursive: true, force: true });
});

/** What `kiln export` makes of the checkpoint; of a folder the zip archive, as a page gives it. */
async function native(format: string): Promise<Buffer> {
  const to = join(home, `${format}.zip`);
  const { code, err } = await kiln(
    'export', join(home, 'model.safetensors'), '--format', format, '--save', to);
  expect([code, err]).toEqual([0, expect.any(String)]);
  return readFileSync(to);
}

test.each(EXPORT_FORMATS)('%s has the bytes that the command line writes', async (format) => {
  const wanted = await native(format);
  expect(wanted.length).toBeGreaterThan(100);
  expect(Buffer.from(await trainer.export(format)).equals(wanted)).toBe(true);
  expect(Buffer.from(await exportCheckpoint(saved, format)).equals(wanted)).toBe(true);
});

test('the table is that of C, a sentence each, and the types name the same formats', async () => {
  const table = await exportFormats();
  expect(table.map(({ name }) => name)).toEqual([...EXPORT_FORMATS]);
  for (const { ending, holds, sentence } of table) {
    expect(ending).toMatch(/^[a-z]+$/);
    expect(['parameters', 'history', 'summary']).toContain(holds);
    expect(sentence.length).toBeGreaterThan(10);
  }
  expect(await trainer.formats()).toEqual(table);
});

test('an export leaves the run as it is: the same bits as without', async () => {
  const init = { net: NET, data: 'builtin', threads: 1, ...SIZES } as const;
  const [looked, plain] = [await Trainer.create(init), await Trainer.create(init)];
  for (let i = 0; i < 3; i++) {
    await looked.step();
    await looked.export('onnx');
    await plain.step();
  }
  expect(await looked.hash()).toBe(await plain.hash());
  looked.dispose();
  plain.dispose();
});

test('an export of an export: its parameters, without curves', async () => {
  const alone = await trainer.exportParameters();
  expect(await exportCheckpoint(alone, 'npz')).toEqual(await exportCheckpoint(saved, 'npz'));
  expect(await failure(() => exportCheckpoint(alone, 'csv'))).toMatchObject({
    code: 'E_ARG', message: expect.stringMatching(/holds the net alone/),
  });
});

describe('what is refused', () => {
  const asFormat = (text: unknown): ExportFormat => text as ExportFormat;

  test('an unknown format, with the one that was meant', async () => {
    const meant = { code: 'E_ARG', message: 'format: there is no "npx"; did you mean "npz"?' };
    expect(await failure(() => trainer.export(asFormat('npx')))).toMatchObject(meant);
    expect(await failure(() => exportCheckpoint(saved, asFormat('npx')))).toMatchObject(meant);
    expect(await failure(() => trainer.export(asFormat('')))).toMatchObject({ code: 'E_ARG' });
  });

  test('what is no name, and what is no checkpoint', async () => {
    for (const wrong of [undefined, null, 3, {}]) {
      expect(await failure(() => trainer.export(asFormat(wrong)))).toMatchObject({
        code: 'E_ARG', message: expect.stringMatching(/^export: format must be a text, not /),
      });
    }
    for (const wrong of [null, 'model.safetensors', [1, 2], new Float32Array(4)]) {
      expect(await failure(() => exportCheckpoint(wrong as never, 'npz'))).toMatchObject({
        code: 'E_ARG', message: expect.stringMatching(/^export: a checkpoint is a Uint8Array, not/),
      });
    }
    for (const bytes of [new Uint8Array(0), saved.subarray(0, 5000), new Uint8Array(100)]) {
      expect(await failure(() => exportCheckpoint(bytes, 'npz'))).toMatchObject({
        code: 'E_CHECKPOINT',
      });
    }
  });

  test('a second module that is not there, until it is; the run stays', async () => {
    const extrasUrl = pathToFileURL(`${home}/`);
    const other = await Trainer.create({ net: 'affine 10 - softmax', threads: 1, extrasUrl,
      ...SIZES });
    await other.step();
    const hash = await other.hash();
    expect(await failure(() => other.export('npz'))).toMatchObject({
      code: 'E_WASM_LOAD', message: expect.stringMatching(/extras\.wasm .*extrasUrl/),
    });
    writeFileSync(join(home, 'extras.wasm'), readFileSync('build/dist/extras.wasm'));
    expect((await other.export('npz')).length).toBeGreaterThan(1000);
    expect(await other.hash()).toBe(hash);
    other.dispose();
  });
});

describe('which module has what', () => {
  const exportsOf = (name: string): string[] => WebAssembly.Module
    .exports(new WebAssembly.Module(readFileSync(`build/dist/${name}.wasm`)))
    .map((e) => e.name).filter((n) => n.startsWith('kiln_'));
  const extra = /_double$|^kiln_(gradcheck.*|formats|export|exported|import|receipt|constants)$/;

  test.each(['simd', 'relaxed', 'simd-threads', 'relaxed-threads'])(
    '%s has what trains, and nothing of the second module', (name) => {
      const names = exportsOf(name);
      expect(names).toContain('kiln_trainer_step');
      expect(names.filter((n) => extra.test(n))).toEqual([]);
    });

  test('extras has doubles, gradient checks and formats, and nothing that trains', () => {
    const names = exportsOf('extras');
    const twins = exportsOf('simd').filter((n) => n.startsWith('kiln_layer_'));
    expect(names.filter((n) => n.endsWith('_double')).sort())
      .toEqual(twins.map((n) => `${n}_double`).sort());
    expect(names.filter((n) => extra.test(n)).length).toBe(twins.length + 10);
    expect(names.filter((n) => /^kiln_(net|data|trainer|layer)/.test(n) && !extra.test(n)))
      .toEqual([]);
  });

  test('the one in standalone.js has what its worker and its page call, and no course', () => {
    const names = exportsOf('../wasm/tag');
    const files = new Set<string>();
    const read = (file: string): void => {
      if (files.has(file)) return;
      files.add(file);
      const text = readFileSync(`bindings/${file}`, 'utf8').replace(/import type [^;]+;/g, '');
      for (const [, other] of text.matchAll(/(?:from |import\()'\.\/([\w-]+)\.js'/g)) {
        read(`${other}.ts`);
      }
    };
    read('worker.ts');
    read('trainer.ts');
    expect([...files]).toEqual(expect.arrayContaining(['session.ts', 'read-dataset.ts']));
    const called = new Set([...files].filter((file) => file !== 'exports.ts')
      .flatMap((file) => readFileSync(`bindings/${file}`, 'utf8').match(/(?<=')kiln_\w+(?=')/g)
        ?? []));
    expect(called.size).toBeGreaterThan(40);
    // No Trainer hands out its Dataset.
    expect([...called].filter((n) => !names.includes(n)).sort())
      .toEqual(['kiln_data_batch', 'kiln_data_knn']);
    expect(names.filter((n) => n.startsWith('kiln_layer_'))).toEqual([]);
  });
});
