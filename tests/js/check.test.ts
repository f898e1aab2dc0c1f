// check.ts: what comes from outside is what its types say, or a sentence says what is wrong.

import { beforeAll, describe, expect, test } from '@jest/globals';

import {
  checkBytes, checkCount, checkFlag, checkList, checkNumber, checkObject, checkOneOf, checkText,
  nearest,
} from '../../bindings/check.js';
import { Model, ready } from '../../bindings/index.js';
import { failure } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

const strange = [undefined, null, NaN, {}, [], () => 0, Symbol('s'), 7n];

test('values of the right kind come back as they are', () => {
  const bytes = new Uint8Array(2);
  expect(checkText('f', 'net', 'relu')).toBe('relu');
  expect(checkCount('f', 'n', 3)).toBe(3);
  expect(checkNumber('f', 'x', 0.5, 0, 1)).toBe(0.5);
  expect(checkFlag('f', 'on', false)).toBe(false);
  expect(checkOneOf('f', 'views', 10, [1, 2, 10])).toBe(10);
  expect(checkBytes('f', 'image', bytes)).toBe(bytes);
  expect(checkList('f', 'indices', [1, 2], checkCount)).toEqual([1, 2]);
  expect(checkObject('f', 'options', { a: 1 }, ['a', 'b'])).toEqual({ a: 1 });
  expect(checkObject('f', 'options', undefined, ['a'])).toEqual({});
});

test.each(strange)('%p is none of them', async (value) => {
  const checks = [
    () => checkText('f', 'v', value), () => checkCount('f', 'v', value),
    () => checkNumber('f', 'v', value), () => checkFlag('f', 'v', value),
    () => checkOneOf('f', 'v', value, ['a', 'b']), () => checkBytes('f', 'v', value),
  ];
  for (const check of checks) {
    expect(await failure(check)).toMatchObject({
      code: 'E_ARG', message: expect.stringMatching(/^f: v must be /),
    });
  }
});

describe('sentences', () => {
  const said = async (check: () => unknown) => (await failure(check)).message;

  test('name the place, what was wanted and what was found', async () => {
    expect(await said(() => checkText('summarise', 'net', 1024)))
      .toBe('summarise: net must be a text, not 1024');
    expect(await said(() => checkCount('f', 'n', 2.5, 0, 9)))
      .toBe('f: n must be a whole number from 0 to 9, not 2.5');
    expect(await said(() => checkBytes('f', 'image', [1]))).toBe(
      'f: image must be a Uint8Array, not an Array');
    expect(await said(() => checkList('f', 'indices', [1, 'x'], (w, n, v) => checkCount(w, n, v))))
      .toBe("f: indices[1] must be a whole number from 1 up, not 'x'");
    expect(await said(() => checkObject('f', 'options', null))).toBe(
      'f: options must be an object, not null');
  });

  test('know the nearest name', async () => {
    expect(await said(() => checkOneOf('f', 'split', 'tets', ['train', 'test'])))
      .toBe("f: split must be one of train, test, not 'tets'; did you mean 'test'?");
    expect(await said(() => checkObject('create', 'options', { nett: 1 }, ['net', 'data'])))
      .toBe("create: there is no 'nett'; did you mean 'net'?");
    expect(await said(() => checkObject('create', 'options', { zzz: 1 }, ['net', 'data'])))
      .toBe("create: there is no 'zzz'; there are net, data");
  });
});

test('the nearest name is the one that C finds', async () => {
  const names = ['input', 'batch', 'seed', 'init', 'keep'];
  const words = ['inptu', 'bacth', 'sed', 'sead', 'inti', 'initt', 'kep', 'x', 'epoch',
    'keeep', 'puit', 'b', 'inputtt', 'in', 'a-word-of-more-than-32-characters-is-near-to-nothing'];
  for (const word of words) {
    const { message } = await failure(() => Model.summarise('affine 10 - softmax', {
      [word]: 1,
    }));
    const near = /did you mean "(.*)"/.exec(message)?.[1];
    expect([word, nearest(word, names)]).toEqual([word, near]);
  }
});
