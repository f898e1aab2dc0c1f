// The package as npm packs it: what it holds, and that its types compile for a strict user.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

describe('its types', () => {
  test.each([['bundler', 'es2022'], ['nodenext', 'nodenext']])(
    'compile strictly, modules resolved as %s does', (moduleResolution, module) => {
      const compilerOptions = {
        moduleResolution, module, target: 'es2022', lib: ['es2022', 'dom'], types: [],
        noEmit: true, strict: true, exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true, noUnusedLocals: true,
      };
      writeFileSync(join(home, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['user.ts'] }));
      let said = '';
      try {
        run('node', [TSC, '-p', '.'], home);
      } catch (error) {
        said = (error as { stdout: string }).stdout;
      }
      expect(said).toBe('');
    });
});
