// The package as npm packs it: what it holds, and that its types compile for a strict user.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync,
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

test('has every file that its exports name, and depends on nothing', () => {
  const folder = join(home, 'node_modules/kiln-nn');
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  const { exports, dependencies, type } = JSON.parse(text) as
    { exports: Record<string, unknown>; dependencies?: object; type: string };
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target as Record<string, string>));
  expect(targets.length).toBeGreaterThan(6);
  for (const target of [...targets, 'LICENSE', 'README.md']) {
    expect(readFileSync(join(folder, target)).length).toBeGreaterThan(100);
  }
  expect([type, dependencies]).toEqual(['module', undefined]);
});

test('is found by bundlers that read no exports, as Parcel does', () => {
  const folder = join(home, 'node_modules/kiln-nn');
  const { main, types, alias, exports } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8')) as
    { main: string; types: string; alias: Record<string, string>;
      exports: Record<string, { types: string; default: string }> };
  expect({ types, default: main }).toEqual(exports['.']);
  for (const name of ['./inline', './element']) {
    expect(alias[name]).toBe(exports[name]!.default);
  }
  // A bare name of Node's is one that Parcel wants brought along, and does not find.
  for (const file of readdirSync(join(folder, 'build/dist')).filter((f) => f.endsWith('.js'))) {
    const text = readFileSync(join(folder, 'build/dist', file), 'utf8');
    expect([file, text.match(/(?<![.\w?])process[.?[]+\w+/g) ?? []]).toEqual([file, []]);
  }
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
