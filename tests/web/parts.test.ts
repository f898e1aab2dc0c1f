// The parts of the page that need no page: curves that stay small, numbers, links, pictures.

import { describe, expect, test } from '@jest/globals';

import type { OptionInfo } from '../../bindings/types.js';
import { bytes, duration, fixed, general, percent, sentence, si } from '../../web/format.js';
import { balanced, extent } from '../../web/pixels.js';
import { Series, smooth, smoothPast } from '../../web/series.js';
import { writeHash } from '../../web/link.js';
import { dataOptions, readHash } from '../../web/share.js';

describe('a series', () => {
  test('stays within its capacity and keeps the mean', () => {
    const series = new Series(100);
    for (let x = 0; x < 12_800; x++) series.push(x, x % 2);
    expect(series.length).toBeLessThan(100);
    expect(series.length).toBeGreaterThanOrEqual(50);
    for (const y of series.ys) expect(y).toBeCloseTo(0.5, 12);
    for (let i = 1; i < series.length; i++) {
      expect(series.xs[i]! - series.xs[i - 1]!).toBeCloseTo(series.xs[1]! - series.xs[0]!, 9);
    }
  });

  test('goes back with a run that does', () => {
    const series = new Series(100);
    for (let x = 1; x <= 250; x++) series.push(x, x);
    series.cut(101);
    expect(Math.max(...series.xs)).toBeLessThan(101);
    for (let x = 101; x <= 300; x++) series.push(x, x);
    expect(series.xs.every((x, i) => i === 0 || x > series.xs[i - 1]!)).toBe(true);
  });

  test('passes over what is not finite', () => {
    const series = new Series();
    series.push(0, NaN);
    series.push(1, 2);
    expect(series.ys).toEqual([2]);
  });

  test('is smoothed without a pull to zero at its start', () => {
    expect(smooth([3, 3, 3], 10)).toEqual([
      expect.closeTo(3),
      expect.closeTo(3),
      expect.closeTo(3),
    ]);
    const [first, second] = smooth([0, 1], 2);
    expect(first).toBeCloseTo(1 / 3, 12); // weights 1 and 1/2, over their sum
    expect(second).toBeCloseTo(2 / 3, 12);
  });

  test('is smoothed without lagging behind a slope', () => {
    const ramp = Array.from({ length: 400 }, (_, i) => 3 - i / 200);
    smooth(ramp, 10).slice(150, 250).forEach((y, i) => expect(y).toBeCloseTo(ramp[150 + i]!, 3));
  });

  test('smoothed by its past is not touched by what comes later', () => {
    expect(smoothPast([2, 2, 1e9], 10).slice(0, 2)).toEqual([2, 2]);
    expect(smoothPast([0, 1], 2)[1]).toBeCloseTo(2 / 3, 12); // weights 1/2 and 1, over their sum
  });
});

test('numbers read well', () => {
  expect([si(812), si(999_600), si(2_410_000), si(0)]).toEqual(['812', '1.00 M', '2.41 M', '0']);
  expect([bytes(0), bytes(512), bytes(4_194_304)]).toEqual(['0 B', '512 B', '4.19 MB']);
  expect([duration(0.4), duration(59.4), duration(187), duration(3729), duration(null)]).toEqual([
    '0 s',
    '59 s',
    '3:07',
    '1:02:09',
    '–',
  ]);
  expect([general(0.00123), general(-0.000042), general(null)]).toEqual(['0.0012', '−4.2e-5', '–']);
  expect([percent(0.3333), percent(undefined)]).toEqual(['33.3 %', '–']);
  expect([general(2e30), fixed(6.19e30), fixed(2.3), fixed(Infinity)]).toEqual([
    '2.0e30',
    '6.19e30',
    '2.300',
    '∞',
  ]);
  expect([sentence('it broke'), sentence('Why?')]).toEqual(['It broke.', 'Why?']);
  expect(sentence('data_batch_2.bin: cut short')).toBe('data_batch_2.bin: cut short.');
});

test('tiles fill their rows evenly', () => {
  expect([
    balanced(16, 15),
    balanced(16, 16),
    balanced(20, 8),
    balanced(1, 9),
    balanced(5, 0),
  ]).toEqual([8, 16, 7, 1, 1]);
  expect(extent([3, -1, 2])).toEqual([-1, 3]);
  expect(extent([])).toEqual([0, 0]);
});

describe('a link', () => {
  const option = (info: Partial<OptionInfo>): OptionInfo => ({
    name: '',
    type: 'text',
    default: '',
    live: true,
    group: '',
    help: '',
    ...info,
  });
  const table = [
    option({ name: 'net', default: 'affine 10 - softmax' }),
    option({ name: 'lr', type: 'float', default: '0.001', min: 0, max: 1000 }),
    option({ name: 'batch', type: 'int', default: '64', min: 1, max: 65536 }),
    option({ name: 'optimizer', type: 'choice', default: 'adam', choices: ['sgd', 'adam'] }),
    option({ name: 'check-first', type: 'flag', default: '0' }),
    option({ name: 'augment', default: 'none' }),
  ];

  test('round-trips what differs from the defaults', () => {
    const options = { lr: '0.02', batch: '64', optimizer: 'sgd', augment: 'flip,crop4' };
    const net = '[conv 3x3x8 - relu]x2 - affine 10 - softmax';
    const hash = writeHash({ net, data: 'cifar10', options }, table);
    expect(hash).not.toContain('batch');
    expect(readHash(hash, table)).toEqual({
      net,
      data: 'cifar10',
      options: { lr: '0.02', optimizer: 'sgd', augment: 'flip,crop4' },
      problems: [],
    });
  });

  test('with equal numbers written otherwise has nothing to say', () => {
    expect(writeHash({ net: 'x', data: 'builtin', options: { lr: '1e-3' } }, table)).toBe('#net=x');
  });

  test.each([
    ['lr=fast', 'is not a number'],
    ['lr=', 'is not a number'],
    ['lr=-1', 'is not within'],
    ['batch=2.5', 'is not a number'],
    ['batch=0', 'is not within 1'],
    ['optimizer=adm', 'is none of sgd, adam'],
    ['check-first=yes', 'neither 0 nor 1'],
  ])('that says %s is told so', (hash, why) => {
    const { options, problems } = readHash(`#${hash}`, table);
    expect(options).toEqual({});
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(why);
  });

  test('says how large its data are before anything is there to check it', () => {
    const hash = '#net=x&train=1000&validation=-1&test=many&data-seed=7&batch=5';
    expect(dataOptions(hash)).toEqual({ train: '1000', 'data-seed': '7' });
  });

  test('passes over what it does not know', () => {
    expect(readHash('#colour=red', table)).toEqual({
      net: null,
      data: 'builtin',
      options: {},
      problems: [],
    });
  });
});
