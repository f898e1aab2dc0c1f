// exports.ts says what kiln.h and kiln_formats.h say in C: names, and the type of every argument,
// must agree. The border holds calls to it.

import { readFileSync } from 'node:fs';

import { beforeAll, describe, expect, test } from '@jest/globals';

import { splitNumber } from '../../bindings/dataset.js';
import { codeOfStatus, KilnError } from '../../bindings/errors.js';
import { checkArguments, signatureOf } from '../../bindings/exports.js';
import { loadExtras } from '../../bindings/extras.js';
import { instance, ready } from '../../bindings/instance.js';
import { fills } from '../../bindings/wasm.js';
import { failure } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

/** The word of a parameter such as "const float *x". */
const WORDS: Record<string, string> = {
  'const char *': 'text', int: 'int', uint32_t: 'uint', float: 'float', double: 'float',
  'const float *': 'F32', 'const double *': 'F64', 'const int *': 'I32', 'const uint8_t *': 'U8',
  'float *': 'F32out', 'double *': 'F64out', 'int *': 'I32out', 'uint8_t *': 'U8out',
};

/** Called by wasm.ts itself, as they return pointers, by pool-worker.ts, or by programs in C. */
const APART = ['kiln_error', 'kiln_error_column', 'kiln_version', 'kiln_mode', 'kiln_text',
  'kiln_alloc', 'kiln_free', 'kiln_trainer_saved', 'kiln_exported', 'kiln_worker_run',
  'kiln_worker_fail', 'kiln_trainer_evaluate', 'kiln_receipt_read'];

/** name → words, of every function that the headers mark. */
function declared(): Map<string, string[]> {
  const headers = ['src/kiln.h', 'src/kiln_layers.h', 'src/kiln_formats.h']
    .map((file) => readFileSync(file, 'utf8'));
  const code = headers.join('').replace(/\/\*[^]*?\*\//g, '');
  const found = new Map<string, string[]>();
  for (const [, name, list] of code.matchAll(/KILN_API [^;(]*?\b(kiln_\w+)\(([^)]*)\);/g)) {
    const args = list!.replace(/\s+/g, ' ').trim();
    found.set(name!, args === 'void' ? [] : args.split(', ').map(wordOf));
  }
  return found;
}

function wordOf(parameter: string): string {
  const [, type] = /^(.*?)\w+$/.exec(parameter)!;
  return WORDS[type!.trim()] ?? `unknown: ${parameter}`;
}

test('exports.ts and the headers name the same functions with arguments of the same types', () => {
  const c = declared();
  for (const name of APART) expect([name, c.delete(name)]).toEqual([name, true]);
  expect(c.size).toBeGreaterThan(60);
  for (const [name, words] of c) {
    const ours = signatureOf(name)?.map((word) => word.replace('?', ''));
    expect([name, ours]).toEqual([name, words]);
  }
  const source = readFileSync('bindings/exports.ts', 'utf8');
  for (const [, name] of source.matchAll(/^ {2}(kiln_\w+):/gm)) {
    expect([...c.keys()]).toContain(name);
    expect(c.has(`${name}_double`)).toBe(name!.startsWith('kiln_layer_'));
  }
});

describe('the border', () => {
  const x = new Float32Array(4);
  const wrong: [string, ...unknown[]][] = [
    ['kiln_summary', 1024, ''],
    ['kiln_summary', -1, ''],
    ['kiln_summary', null, ''],
    ['kiln_summary', undefined, ''],
    ['kiln_summary', ['relu'], ''],
    ['kiln_summary', 'affine 10 - softmax'],
    ['kiln_summary', 'affine 10 - softmax', '', 1],
    ['kiln_net_destroy', '1'],
    ['kiln_net_destroy', 1.5],
    ['kiln_net_destroy', 2 ** 31],
    ['kiln_net_destroy', NaN],
    ['kiln_net_destroy', undefined],
    ['kiln_layer_relu_forward', 4096, x, 4],
    ['kiln_layer_relu_forward', x, x, 4],
    ['kiln_layer_relu_forward', fills(x), fills(x), 4],
    ['kiln_layer_relu_forward', fills(x), new Float64Array(4), 4],
    ['kiln_layer_relu_forward', fills(x), [1, 2, 3, 4], 4],
    ['kiln_layer_relu_forward', fills(x), null, 4],
    ['kiln_layer_dropout_forward', fills(x), fills(x), x, 4, 0.5, -1],
    ['kiln_trainer_resume', 1, 'bytes', 5, ''],
    ['kiln_no_such_function'],
  ];

  test.each(wrong)('refuses %s(%p, %p, ...)', async (name, ...args) => {
    const call = () => instance().call(name as 'kiln_summary', ...args as [string, string]);
    expect(await failure(call)).toMatchObject({ code: 'E_ARG' });
    expect(instance().broken).toBeNull();
  });

  test('says which argument is wrong', async () => {
    expect((await failure(() => checkArguments('kiln_summary', [1024, '']))).message)
      .toBe('kiln_summary: argument 1 is Number, not text');
  });

  test('takes null only where C takes NULL', () => {
    checkArguments('kiln_net_inspect', [1, 0, 0, 0, null]);
    checkArguments('kiln_layer_dropout_forward', [fills(x), fills(x), x, 4, 0.5, 2 ** 32 - 1]);
  });
});

describe('what bindings repeat of C', () => {
  interface Constants {
    statuses: { name: string; status: number; exit: number; cause: string; remedy: string }[];
    splits: string[];
    flags: Record<string, number>;
    views: number[];
  }
  let constants: Constants;
  beforeAll(async () => { constants = (await loadExtras()).json('kiln_constants'); });

  test('codes of errors, by status, and what helps against them', () => {
    for (const { name, status, cause, remedy } of constants.statuses) {
      expect([status, codeOfStatus(status)]).toEqual([status, name]);
      expect(new KilnError(codeOfStatus(status), 'a sentence').remedy).toBe(remedy);
      expect(cause.length > 10 && remedy.length > 10).toBe(true);
    }
    expect(codeOfStatus(-99)).toBe('E_STATE');
  });

  test('splits and the flags of a step', () => {
    const { splits, flags, views } = constants;
    expect(splits.map((name) => splitNumber(name as 'train'))).toEqual([0, 1, 2]);
    const source = readFileSync('bindings/training.ts', 'utf8');
    const written = [...source.matchAll(/^const (STEPPED|EPOCH|DONE|BEST|CHECKING) = (\d+);/gm)]
      .map(([, name, value]) => [name!.toLowerCase(), Number(value)]);
    expect(written.length).toBe(5);
    for (const [name, value] of written) expect([name, value]).toEqual([name, flags[name!]]);
    expect(views).toEqual([1, 2, 6, 10]);
  });

  test('kinds of files, and the split that a name tells', () => {
    const header = readFileSync('src/kiln.h', 'utf8');
    const source = readFileSync('bindings/read-dataset.ts', 'utf8');
    const kinds = header.match(/enum \{ (KILN_FILE_[^}]+) \};/)![1]!.split(', ');
    for (const [, name, value] of source.matchAll(/^const (FILE_\w+) = (\d+);/gm)) {
      expect([name, kinds[Number(value)]!.trim()]).toEqual([name, `KILN_${name}`]);
    }
    const byName = (text: string): number => Number(/BY_NAME = (-?\d+)/.exec(text)![1]);
    expect(byName(source)).toBe(byName(header));
    expect(kinds).toHaveLength(3);
  });
});
