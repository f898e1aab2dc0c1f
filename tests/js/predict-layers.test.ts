// The layers' view of a picture as files: the pixels that the page draws of it.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';
import { extent, grey, picture, saturated, tiles } from '../../web/pixels.js';
import { decodePng, png, type Decoded } from './png.js';
import { kiln, shell, KILN } from './program.js';

/** What web/pixels.ts wants of a browser. */
class Pixels {
  readonly data: Uint8ClampedArray;
  constructor(readonly width: number, readonly height: number) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
}
Object.assign(globalThis, { ImageData: Pixels });

let folder = '';
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-layers-'));
  await mkdir(at('b'));
  for (const name of ['cat.png', 'dog.png', 'b/cat.png']) await writeFile(at(name), PICTURE);
});
afterAll(() => rm(folder, { recursive: true }));

const colour = (x: number, y: number): [number, number, number] =>
  [(x * 8 + y) & 255, (y * 7) & 255, (x * y) & 255];
const PICTURE = png(32, 32, colour);
const PLANES = Uint8Array.from({ length: 3072 }, (_, i) =>
  colour(i % 32, Math.floor(i / 32) % 32)[Math.floor(i / 1024)]!);

/** The image with each pixel `scale` times as large. */
function enlarged({ width, height, data }: Decoded, scale: number): Decoded {
  const large = new Pixels(width * scale, height * scale);
  for (let i = 0; i < large.data.length; i++) {
    const [x, y] = [(i >> 2) % large.width, Math.floor((i >> 2) / large.width)];
    large.data[i] =
      data[4 * (Math.floor(y / scale) * width + Math.floor(x / scale)) + (i & 3)]!;
  }
  return { ...large };
}

/** As web/layer-view.ts draws values of this shape, in a window that has room for a square. */
function drawn(shape: number[], values: Float32Array, signed: boolean): Decoded {
  const [count = 1, height = 1, width = 1] = shape;
  const [low, high] = extent(values);
  const paint = signed ? saturated(values, low, high) : grey(values, low, high);
  const most = Math.ceil(Math.sqrt(count));
  const maps = height * width > 1;
  const image = maps
    ? tiles(count, height, width, most, (data, to, y, x, tile) =>
      paint(data, to, (tile * height + y) * width + x))
    : tiles(count, 4, 4, most, (data, to, _y, _x, tile) => paint(data, to, tile));
  return enlarged(image, !maps ? 2 : width >= 20 ? 1 : width >= 10 ? 2 : width >= 5 ? 4 : 6);
}

const NETS = [
  'conv 3x3x5 - batchnorm - relu - maxpool 2 - conv 3x3x3 stride 2 - relu - maxpool 2 - ' +
    'affine 20 - relu - affine 10 - softmax',
  '[conv 5x5x2 stride 4 - relu]x2 - residual(conv 3x3x2 - relu) - avgpool - affine 10 - svm',
  'affine 7 - tanh - affine 10 - softmax',
];

test.each(NETS)('%s: every file has the pixels that the page draws', async (net) => {
  const trainer = await Trainer.create({ net, data: 'builtin', variant: 'simd',
    options: { train: 100, validation: 10, test: 10, batch: 20, lr: 0.01 } });
  try {
    for (let i = 0; i < 5; i++) await trainer.step();
    await writeFile(at('model.safetensors'), await trainer.save());
    const seen = await trainer.inspect(PLANES);
    const to = at('views');
    const { code, err, events } = await kiln('predict', at('model.safetensors'), at('cat.png'),
      '--layers', to, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(events.map(({ event }) => event)).toEqual(
      ['picture', ...Array<string>(1 + seen.layers.filter(({ kind }) => kind !== 'flatten').length)
        .fill('layer'), 'done']);
    expect(events[0]!['class']).toBe(trainer.dataset.classes[seen.label]);

    const [, input, ...rest] = events;
    expect(input).toEqual({ event: 'layer', picture: at('cat.png'), layer: 'input',
      output: `${to}/cat-00-input.png` });
    expect(decodePng(await readFile(input!['output'] as string)))
      .toEqual(enlarged(picture(PLANES, [3, 32, 32]), 2));
    const layers = seen.layers.filter(({ kind }) => kind !== 'flatten');
    const names = ['cat-00-input.png'];
    for (const [i, { name, shape, output, gradient }] of layers.entries()) {
      const row = rest[i]!;
      const [low, high] = extent(output);
      const [gradientLow, gradientHigh] = extent(gradient);
      const start = `cat-${String(i + 1).padStart(2, '0')}-${name}`;
      names.push(`${start}-gradient.png`, `${start}-output.png`);
      // A float is written in the fewest digits that read back to it.
      const read = ([key, value]: [string, unknown]): [string, unknown] =>
        [key, typeof value === 'number' ? Math.fround(value) : value];
      expect(Object.fromEntries(Object.entries(row).map(read))).toEqual({
        event: 'layer', picture: at('cat.png'), layer: name, shape,
        output: `${to}/${start}-output.png`, low, high,
        gradient: `${to}/${start}-gradient.png`, gradientLow, gradientHigh });
      expect([name, decodePng(await readFile(row['output'] as string))])
        .toEqual([name, drawn(shape, output, false)]);
      expect([name, decodePng(await readFile(row['gradient'] as string))])
        .toEqual([name, drawn(shape, gradient, true)]);
    }
    expect((await readdir(to)).sort()).toEqual(names.sort());
    await rm(to, { recursive: true });
  } finally {
    trainer.dispose();
  }
}, 120_000);

describe('of several pictures', () => {
  const model = (): string => at('grey.safetensors');
  beforeAll(async () => {
    for (const c of ['dark', 'light']) await mkdir(at(`set/${c}`), { recursive: true });
    for (let i = 0; i < 20; i++) {
      await writeFile(at(`set/dark/${i}.png`), png(9, 9, () => [i, i, i]));
      await writeFile(at(`set/light/${i}.png`), png(9, 9, () => [200 + i, 200, 200]));
    }
    const { code } = await kiln('train', '--data', at('set'), '--input', '1x12x9', '--net',
      'conv 3x3x2 - relu - affine 2 - softmax', '--epochs', '2', '--batch', '8', '--save', model(),
      '--quiet');
    expect(code).toBe(0);
  });

  test('each has its files; what cannot be read has none', async () => {
    await writeFile(at('cut.png'), PICTURE.subarray(0, 60));
    const { code, out, err } = await kiln('predict', model(), at('cut.png'), at('cat.png'),
      at('dog.png'), '--layers', at('several'), '--top', '1');
    expect(code).toBe(3);
    expect(err).toMatch(/cut\.png: /);
    expect(out).toMatch(/ {2}9 pictures of its layers: \S+several\/cat-\*\.png\n/);
    const names = await readdir(at('several'));
    const of = (start: string): string[] =>
      names.filter((name) => name.startsWith(start)).map((name) => name.slice(3)).sort();
    expect(of('dog')).toEqual(of('cat'));
    expect(of('cat')).toEqual(['-00-input.png', '-01-conv1-gradient.png', '-01-conv1-output.png',
      '-02-relu1-gradient.png', '-02-relu1-output.png', '-03-affine1-gradient.png',
      '-03-affine1-output.png', '-04-softmax1-gradient.png', '-04-softmax1-output.png']);
    expect(names).toHaveLength(18);
    const seen = decodePng(await readFile(at('several/cat-00-input.png')));
    expect([seen.width, seen.height]).toEqual([18, 24]); // 1x12x9, twice as large
  });

  test('two names that are one, and folders that cannot be, are told first', async () => {
    await writeFile(at('file'), '');
    const cases: [string[], RegExp][] = [
      [[at('cat.png'), at('dog.png'), at('b/cat.png'), '--layers', at('x')],
        /cat\.png and \S+cat\.png would both be written to \S+x\/cat-/],
      [[at('cat.png'), at('cat.png'), '--layers', at('x')], /would both be written/],
      [[at('cat.png'), '--layers', at('file')], /file: cannot be made a folder: File exists/],
      [[at('cat.png'), '--layers', at('no/where')], /cannot be made a folder: No such file/],
      [[at('cat.png'), '--layers', '-'], /--layers writes a folder/],
      [[at('cat.png'), '--layers', ''], /the value of --layers is empty/],
      [[at('cat.png'), '--layers'], /--layers wants a value/],
    ];
    for (const [args, told] of cases) {
      const { code, out, err } = await kiln('predict', model(), ...args);
      expect({ args, code, out, err }).toEqual(
        { args, code: 2, out: '', err: expect.stringMatching(told) });
    }
    expect(await readdir(folder)).not.toContain('x');
    // Nobody may write there, not even root, under a limit of the sizes of files.
    const full = await shell('ulimit -f 0; exec "$@"', KILN, 'predict', model(),
      at('cat.png'), '--layers', at('full'));
    expect({ code: full.code, err: full.err }).toEqual(
      { code: 1, err: expect.stringMatching(/cat-00-input\.png: cannot be written: File too/) });
    expect(await readdir(at('full'))).toEqual([]);
  });
});

test('the option is in the manual and in both completions, beside the flag of bench', async () => {
  expect((await kiln('--manual', at('man'))).code).toBe(0);
  expect(await readFile(at('man/kiln-predict.1'), 'utf8'))
    .toMatch(/\\fB\\-\\-layers\\fR \\fIDIR\\fR\nwrite what each layer makes/);
  expect(await readFile(at('man/kiln-bench.1'), 'utf8')).toMatch(/\\fB\\-\\-layers\\fR\ntime/);
  const [bash, zsh] = [await kiln('--completion', 'bash'), await kiln('--completion', 'zsh')];
  expect(bash.out).toMatch(/ predict\) words="[^"]* --layers /);
  expect(zsh.out).toMatch(/'--layers\[write what each layer[^']*\]:DIR:_files'/);
});
