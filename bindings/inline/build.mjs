// build.mjs WASM FILE: writes FILE (build/dist/inline.js), the whole package, its worker as a
// classic script and the module WASM, in one ES module without further files.

import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { embedded, nowhere } from './embedded.mjs';

const [wasm, outfile] = process.argv.slice(2);

await build({
  bundle: true,
  minify: true,
  target: 'es2022',
  logLevel: 'warning',
  define: nowhere,
  entryPoints: [resolve(dirname(fileURLToPath(import.meta.url)), 'inline.ts')],
  format: 'esm',
  outfile,
  plugins: [await embedded(wasm)],
});
