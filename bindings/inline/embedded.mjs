// What kiln-nn/inline and standalone.js hold: the worker as a classic script, and a module.

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** Nothing is found beside a blob; what asks for it is never reached, since the module is given. */
export const nowhere = { 'import.meta.url': '"https://kiln.invalid/"' };

/** Blocks of this size have codes that suit a module: 0.5 % smaller than by the default. */
const GZIP = { level: 9, memLevel: 6 };

/**
 * An esbuild plugin that resolves kiln:worker, and kiln:wasm as this file, gzipped: as text it is
 * a fifth smaller on its way than the module's own bytes, and less than half as large here.
 */
export async function embedded(wasm) {
  const { outputFiles } = await build({
    bundle: true,
    minify: true,
    target: 'es2022',
    logLevel: 'warning',
    define: nowhere,
    entryPoints: [resolve(here, '../worker-main.ts')],
    format: 'iife',
    write: false,
  });
  return {
    name: 'embedded',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^kiln:/ }, ({ path }) => ({ path, namespace: 'embedded' }));
      onLoad({ filter: /^kiln:worker$/, namespace: 'embedded' }, () =>
        ({ contents: outputFiles[0].text, loader: 'text' }));
      onLoad({ filter: /^kiln:wasm$/, namespace: 'embedded' }, async () =>
        ({ contents: gzipSync(await readFile(wasm), GZIP), loader: 'binary' }));
    },
  };
}
