// The package as npm packs it: what it holds, and that its types compile for a strict user.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const TSC = resolve('node_modules/typescript/bin/tsc');

let home: string;
const run = (command: string, args: string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'kiln-package-'));
  const quiet = ['--ignore-scripts', '--silent'];
  const packed = run('npm', ['pack', ...quiet, '--pack-destination', home], '.').trim();
  writeFileSync(join(home, 'package.json'), '{"name":"user","private":true,"type":"module"}');
  run('npm', ['install', ...quiet, '--no-audit', '--no-fund', '--offline', `./${packed}`], home);
  copyFileSync('tests/js/package-user.ts', join(home, 'user.ts'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Manifest {
  exports: Record<string, string | Record<string, string>>;
  type: string;
  dependencies?: object;
  scripts?: object;
}

const installed = (path: string): string => join(home, 'node_modules/kiln-nn', path);
const manifest = (): Manifest => JSON.parse(readFileSync(installed('package.json'), 'utf8'));
const targetsOf = ({ exports }: Manifest): string[] => Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [target] : Object.values(target));

test('has every file that its exports name, depends on nothing, and runs nothing', () => {
  const folder = installed('.');
  const { dependencies, type, scripts } = manifest();
  const targets = targetsOf(manifest());
  expect(targets.length).toBeGreaterThan(6);
  expect(scripts).toBeUndefined();
  for (const target of [...targets, 'LICENSE', 'README.md']) {
    expect(readFileSync(join(folder, target)).length).toBeGreaterThan(100);
  }
  expect([type, dependencies]).toEqual(['module', undefined]);
});

test('its element is imported where there are no elements, as servers do, and does nothing', () => {
  const program = "import 'kiln-nn/element'; import { Trainer } from 'kiln-nn'; "
    + 'console.log(typeof Trainer, typeof HTMLElement)';
  expect(run(process.execPath, ['--input-type=module', '-e', program], home).trim())
    .toBe('function undefined');
});

test('is found by bundlers that read no exports, as Parcel does', () => {
  const folder = join(home, 'node_modules/kiln-nn');
  const { main, types, alias, exports } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8')) as
    { main: string; types: string; alias: Record<string, string>;
      exports: Record<string, { types: string; default: string }> };
  expect({ types, default: main }).toEqual(exports['.']);
  for (const name of ['./inline', './element', './standalone']) {
    expect(alias[name]).toBe(exports[name]!.default);
  }
  // A bare name of Node's is one that Parcel wants brought along, and does not find.
  for (const file of readdirSync(join(folder, 'build/dist')).filter((f) => f.endsWith('.js'))) {
    const text = readFileSync(join(folder, 'build/dist', file), 'utf8');
    expect([file, text.match(/(?<![.\w?])process[.?[]+\w+/g) ?? []]).toEqual([file, []]);
  }
});

describe('its files', () => {
  const dist = (): string[] => readdirSync(installed('build/dist'));
  const textOf = (name: string): string => readFileSync(installed(`build/dist/${name}`), 'utf8');

  test('have plain names, and none is over 1 MB', () => {
    for (const name of dist()) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*\.(js|d\.ts|wasm)$/);
      expect([name, statSync(installed(`build/dist/${name}`)).size < 1_000_000])
        .toEqual([name, true]);
    }
    // A module of the library has its types beside it; parts of the tag are its own business.
    const untyped = dist().filter((name) => name.endsWith('.js') && !name.startsWith('element-') &&
      !dist().includes(name.replace(/js$/, 'd.ts')));
    expect(untyped).toEqual([]);
  });

  test('are all of use: an export, or imported or started by one', () => {
    const found = new Set<string>();
    const add = (name: string): void => {
      if (found.has(name)) return;
      found.add(name);
      const links = /(?:from|import|import\(|URL\()\s*["']\.\/([\w.-]+)["']/g;
      for (const [, other] of textOf(name).matchAll(links)) {
        if (other!.endsWith('.wasm')) found.add(other!);
        else add(name.endsWith('.d.ts') ? other!.replace(/js$/, 'd.ts') : other!);
      }
    };
    for (const target of targetsOf(manifest())) {
      if (/dist\/.*\.(js|ts)$/.test(target)) add(target.replace('./build/dist/', ''));
    }
    const scripts = (names: Iterable<string>): string[] =>
      [...names].filter((name) => !name.endsWith('.d.ts')).sort();
    expect(scripts(found)).toEqual(scripts(dist()));
  });

  test('evaluate no text, as strict policies want it', () => {
    const scripts = dist().filter((name) => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(40);
    const evaluates = /\beval\s*\(|\bFunction\s*\(|\bset(Timeout|Interval)\s*\(\s*["'`]/;
    expect(scripts.filter((name) => evaluates.test(textOf(name)))).toEqual([]);
  });
});

/** What tsc says of a file in `home`. */
function compile(file: string, compilerOptions: object): string {
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: {
    types: [], noEmit: true, strict: true, target: 'es2022', ...compilerOptions,
  }, files: [file] }));
  try {
    run('node', [TSC, '-p', '.'], home);
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe('its types', () => {
  test('need no DOM library', () => {
    writeFileSync(join(home, 'plain.ts'), `
      import { Dataset, Model, Trainer, type Progress } from 'kiln-nn';
      export async function plain(): Promise<number> {
        const trainer = await Trainer.create({ net: 'affine 10 - softmax', epochs: 1 });
        trainer.addEventListener('progress', ({ detail }) => {
          const p: Progress = detail; p.step; });
        for await (const { step, merged } of trainer) if (step + merged > 5) break;
        const data = await Dataset.builtin({ train: 5 });
        const model = await Model.create('affine 10 - softmax');
        return data.batch('train', 0, 5).y.length + model.classes;
      }`);
    expect(compile('plain.ts', { moduleResolution: 'bundler', module: 'es2022', lib: ['es2022'] }))
      .toBe('');
  });

  test.each([['bundler', 'es2022'], ['nodenext', 'nodenext']])(
    'compile strictly, modules resolved as %s does', (moduleResolution, module) => {
      expect(compile('user.ts', { moduleResolution, module, lib: ['es2022', 'dom'],
        exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noUnusedLocals: true }))
        .toBe('');
    });
});
