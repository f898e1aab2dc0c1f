// build.mjs WASM FILE: writes FILE (build/dist/inline.js), the whole package, its worker as a
// classic script and the module WASM, in one ES module without further files.

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const [wasm, outfile] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));

const common = {
  bundle: true,
  minify: true,
  target: 'es2022',
  logLevel: 'warning',
  // Nothing is found beside a blob; what asks for it is never reached, since the module is given.
  define: { 'import.meta.url': '"https://kiln.invalid/"' },
};

const { outputFiles } = await build({
  ...common,
  entryPoints: [resolve(here, '../worker.ts')],
  format: 'iife',
  write: false,
});

const embedded = {
  name: 'embedded',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^kiln:/ }, ({ path }) => ({ path, namespace: 'embedded' }));
    onLoad({ filter: /^kiln:worker$/, namespace: 'embedded' }, () =>
      ({ contents: outputFiles[0].text, loader: 'text' }));
    onLoad({ filter: /^kiln:wasm$/, namespace: 'embedded' }, async () =>
      ({ contents: await readFile(wasm), loader: 'binary' }));
  },
};
await build({
  ...common,
  entryPoints: [resolve(here, 'inline.ts')],
  format: 'esm',
  outfile,
  plugins: [embedded],
});
