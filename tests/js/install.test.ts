// make install: what is put where, and that it is enough: the examples are built and run against
// the installed files alone. Manuals, completions, and make uninstall.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/** What make sets for its children would reach the make that a test starts. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(MAKE|MFLAGS|PREFIX|DESTDIR)/.test(name)));
const VERSION = (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;

let folder: string;
let root: string; // the installed tree, and nothing else of kiln
const at = (name: string) => join(root, 'opt/kiln', name);

function run(program: string, args: string[], options: object = {}): string {
  return execFileSync(program, args, { encoding: 'utf8', env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'], ...options });
}
function make(...args: string[]): void {
  run('make', [...args, 'DESTDIR=' + root, 'PREFIX=/opt/kiln']);
}
const files = () => readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => !entry.isDirectory())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(at('').length + 1)).sort();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-install-'));
  root = join(folder, 'root');
  make('install');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('each file lies where its kind belongs', () => {
  const commands = run(at('bin/kiln'), ['--help']).split('\nCommands')[1]!.split('\n\n')[0]!
    .match(/^ {2}\w+/gm)!.map((name) => name.trim());
  expect(commands.length).toBeGreaterThan(7);
  expect(files().filter((name) => name !== 'bin/kiln-fused')).toEqual([
    'bin/kiln', 'include/kiln.h', 'include/kiln_formats.h', 'include/kiln_layers.h',
    'lib/libkiln.a', 'lib/libkiln.so', 'lib/libkiln.so.0', `lib/libkiln.so.${VERSION}`,
    'lib/pkgconfig/kiln.pc', 'share/bash-completion/completions/kiln', 'share/man/man1/kiln.1',
    ...commands.map((name) => `share/man/man1/kiln-${name}.1`),
    'share/zsh/site-functions/_kiln'].sort());
  expect(run('readelf', ['-d', at('lib/libkiln.so')])).toMatch(/SONAME.*\[libkiln\.so\.0\]/);
  expect(run(at('bin/kiln'), ['--version'])).toContain(`kiln ${VERSION} `);
});

test('the shared library shows what kiln.h marks, and nothing else', () => {
  const names = (text: string) => [...text.matchAll(/^[0-9a-f]+ [A-Z] (\w+)$/gm)]
    .map(([, name]) => name!).sort();
  const shared = names(run('nm', ['-D', '--defined-only', at('lib/libkiln.so')]));
  expect(shared.length).toBeGreaterThan(100);
  expect(shared).toEqual(names(run('nm', ['-g', '--defined-only', at('lib/libkiln.a')])));
});

describe('the examples, with the installed files alone', () => {
  const environment = () => ({ ...ENVIRONMENT, PKG_CONFIG_PATH: at('lib/pkgconfig'),
    PKG_CONFIG_SYSROOT_DIR: root, LD_LIBRARY_PATH: at('lib') });
  const flags = (...args: string[]) =>
    run('pkg-config', [...args, 'kiln'], { env: environment() }).trim().split(/ +/);

  test('pkg-config knows the version', () => {
    expect(flags('--modversion')).toEqual([VERSION]);
  });

  const WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];
  test.each([
    ['C', 'gcc', ['-std=c99'], 'shared'], ['C', 'gcc', ['-std=c99'], 'static'],
    ['C++', 'g++', ['-x', 'c++', '-std=c++11'], 'shared'],
    ['C++', 'g++', ['-x', 'c++', '-std=c++11'], 'static'],
  ])('are built in %s by %s %j, %s, and run', (language, compiler, dialect, kind) => {
    const home = join(folder, `${language}-${kind}`);
    mkdirSync(home);
    for (const name of readdirSync('src/examples')) {
      copyFileSync(join('src/examples', name), join(home, name));
      const program = name.replace(/\.c$/, '');
      const libraries = kind === 'shared' ? [...flags('--libs'), '-lm']
        : ['-x', 'none', at('lib/libkiln.a'), ...flags('--static', '--libs-only-other'), '-lm',
          '-pthread'];
      run(compiler, [...dialect, ...WARNINGS, ...flags('--cflags'), name, '-o', program,
        ...libraries], { cwd: home, env: environment() });
      const linked = run('readelf', ['-d', join(home, program)]);
      expect(linked.includes('libkiln.so.0')).toBe(kind === 'shared');
    }
    const here = { cwd: home, env: environment() };
    const metrics = run('./train_a_net', ['model.safetensors'], here).trim().split('\n');
    expect(metrics).toHaveLength(2);
    expect((JSON.parse(metrics[1]!) as { valAccuracy: number }).valAccuracy).toBeGreaterThan(0.1);
    expect(run('./predict_a_class', ['model.safetensors', '3'], here))
      .toMatch(/^(image \d: class \d with probability [01]\.\d{3}; it is \d\n){3}$/);
    expect(run('./check_a_layer', [], here)).toMatch(/dw against differences/);
    expect(run(at('bin/kiln'), ['eval', 'model.safetensors', '--json'], here))
      .toMatch(/"event":"done"/);
    // the same bits, whichever library trained
    const bytes = readFileSync(join(home, 'model.safetensors'));
    const first = join(folder, 'first.safetensors');
    try {
      expect(readFileSync(first).equals(bytes)).toBe(true);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error;
      writeFileSync(first, bytes);
    }
  });
});

test('the manuals are read without a warning, and name every option', () => {
  for (const name of readdirSync(at('share/man/man1'))) {
    const page = at(join('share/man/man1', name));
    const warnings = execFileSync('sh', ['-c', 'man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 ' +
      '>/dev/null', 'sh', page], { encoding: 'utf8', env: { ...ENVIRONMENT, LC_ALL: 'C.UTF-8' } });
    expect([name, warnings]).toEqual([name, '']);
    if (name === 'kiln.1') continue;
    const help = run(at('bin/kiln'), [name.slice(5, -2), '--help']);
    const options = [...help.matchAll(/^ {2}--([\w-]+)/gm)].map(([, option]) => option!);
    expect(options.length).toBeGreaterThan(4);
    const text = readFileSync(page, 'utf8').replaceAll('\\-', '-');
    expect([name, options.filter((option) => !text.includes(`\\fB--${option}\\fR`))])
      .toEqual([name, []]);
  }
});

describe('completion', () => {
  /** What bash offers for these words, of which the last is completed. */
  const complete = (...words: string[]) => run('bash', ['-c', '. "$1"; shift; ' +
    'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kiln; printf "%s\\n" "${COMPREPLY[@]}"', 'bash',
  at('share/bash-completion/completions/kiln'), ...words]).trim().split('\n');

  test('bash reads its script', () => {
    run('bash', ['-n', at('share/bash-completion/completions/kiln')]);
    expect(complete('kiln', 'su')).toEqual(['summary']);
    expect(complete('kiln', 'train', '--opt')).toEqual(['--optimizer']);
    expect(complete('kiln', 'train', '--optimizer', 'adam')).toEqual(['adam', 'adamw']);
    expect(complete('kiln', 'sweep', '--ind')).toEqual(['--index']);
    expect(complete('kiln', 'train', '--ind')).toEqual(['']);
    expect(complete('kiln', 'export', '--format', 'np')).toEqual(['npz']);
    expect(complete('kiln', 'eval', 'model')).toEqual(['']); // files, by bash itself
  });

  test('zsh reads its script', () => {
    const script = at('share/zsh/site-functions/_kiln');
    run('zsh', ['-n', script]);
    expect(readFileSync(script, 'utf8')).toMatch(/^#compdef kiln kiln-fused\n/);
  });

  test('of another shell is told', () => {
    expect(() => run(at('bin/kiln'), ['--completion', 'fish'])).toThrow(/bash or zsh, not "fish"/);
  });
});

test('make uninstall removes exactly them', () => {
  const others = ['bin/another', 'lib/libkiln.so.9', 'share/man/man1/kilns.1'];
  for (const name of others) writeFileSync(at(name), '');
  make('uninstall');
  expect(files()).toEqual(others.sort());
  make('uninstall'); // nothing is there, and nothing is wrong
});

test('with an empty PREFIX they are removed from the root, not from the present folder', () => {
  const commands = run('make', ['-n', 'uninstall', 'DESTDIR=', 'PREFIX=']);
  expect(commands).toMatch(/^cd '\/' && rm -f bin\/kiln /m);
});
