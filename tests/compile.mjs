// compile.mjs FOLDER FILE... — compiles test files to ES modules in FOLDER (build/tests-*).
//
// Helpers beside a test are bundled into it, packages stay imports. An import of a file of
// bindings/ becomes one of the built file in build/dist, so that the tests see what ships, and the
// module that a test and the package share is the same one. What has no file there is a part of
// worker.js: it is bundled into the test, and imports the rest from there.

import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';

import { build } from 'esbuild';

const [folder, ...files] = process.argv.slice(2);

const builtBindings = {
  name: 'built-bindings',
  setup({ onResolve }) {
    onResolve({ filter: /^\..*\.js$/ }, ({ path, resolveDir }) => {
      const name = basename(path);
      const own = resolve(resolveDir, path) === resolve('bindings', name);
      const built = own && existsSync(`build/dist/${name}`);
      return built ? { path: `../dist/${name}`, external: true } : undefined;
    });
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
