// exports.ts says in types what kiln.h says in C: names and numbers of arguments must agree.

import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';

/** name(a, b, ...) → [name, number of arguments], of either language. */
function signatures(text: string, pattern: RegExp): Map<string, number> {
  const code = text.replace(/\/\*[^]*?\*\//g, '').replace(/\/\/.*$/gm, '');
  const found = new Map<string, number>();
  for (const [, name, list] of code.matchAll(pattern)) {
    const args = list!.trim().replace(/,$/, '').replace(/^void$/, '');
    found.set(name!, args === '' ? 0 : args.split(',').length);
  }
  return found;
}

test('exports.ts and kiln.h name the same functions with as many arguments', () => {
  const c = signatures(readFileSync('src/kiln.h', 'utf8'), /\b(kiln_\w+)\(([^)]*)\);/g);
  const ts = signatures(readFileSync('bindings/exports.ts', 'utf8'), /\b(kiln_\w+)\(([^)]*)\):/g);
  // Called by wasm.ts itself, since they return pointers, and by pool-worker.ts.
  for (const name of ['kiln_error', 'kiln_error_column', 'kiln_version', 'kiln_mode',
    'kiln_text', 'kiln_alloc', 'kiln_free', 'kiln_trainer_saved',
    'kiln_worker_run', 'kiln_worker_fail']) {
    expect(c.delete(name)).toBe(true);
  }
  expect(c.size).toBeGreaterThan(60);
  expect(Object.fromEntries([...ts].sort())).toEqual(Object.fromEntries([...c].sort()));
});
