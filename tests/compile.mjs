// compile.mjs FOLDER FILE... — compiles test files to ES modules in FOLDER (build/tests-*).
//
// Helpers beside a test are bundled into it, packages stay imports. An import of a file of
// bindings/ becomes one of the built file in build/dist, so that the tests see what ships, and the
// module that a test and the package share is the same one.

import { basename } from 'node:path';
import { build } from 'esbuild';

const [folder, ...files] = process.argv.slice(2);

const builtBindings = {
  name: 'built-bindings',
  setup({ onResolve }) {
    onResolve({ filter: /\/bindings\/[\w-]+(\.[jt]s)?$/ }, ({ path }) => ({
      path: `../dist/${basename(path).replace(/(\.[jt]s)?$/, '.js')}`,
      external: true,
    }));
  },
};

if (files.length === 0) {
  console.error(`kiln: no tests to compile for ${folder}`);
  process.exit(1);
}
await build({
  entryPoints: files,
  outdir: folder,
  bundle: true,
  packages: 'external',
  // kiln-nn is the package as built, not the sources that the type checker is pointed to.
  tsconfigRaw: {},
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  plugins: [builtBindings],
  logLevel: 'warning',
});
