// build-element.mjs package|files FOLDER: builds <kiln-trainer>.
//
// package: the modules that kiln-nn/element is, beside those of the package (build/dist), which
// they import: an application has one library, whichever entries it imports. standalone.js as well.
// files: a folder for any server (build/element): the tag, its worker and modules; standalone.js,
// the same in one classic script; and embed.html, a page for iframes.

import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build, transform } from 'esbuild';

import { embedded, nowhere } from '../../bindings/inline/embedded.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const at = (path) => resolve(here, path);
const [what, folder] = process.argv.slice(2);
const { version } = JSON.parse(await readFile(at('../../package.json'), 'utf8'));

/** Style sheets are texts, for constructable style sheets. */
const styles = {
  name: 'styles',
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = await readFile(path, 'utf8');
      const { code } = await transform(css, { loader: 'css', minify: true });
      return { contents: code, loader: 'text' };
    });
  },
};

/** Files of bindings/ are those that lie beside the result. */
const beside = {
  name: 'beside',
  setup({ onResolve }) {
    onResolve({ filter: /\/bindings\/[\w-]+\.js$/ }, ({ path }) =>
      ({ path: `./${basename(path)}`, external: true }));
  },
};

const MODULES = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads', 'extras'];

/** Files of declarations, and their names in the package. */
const TYPES = {
  'define-trainer': 'element', 'kiln-trainer': 'kiln-trainer', 'element-types': 'element-types' };

const STANDALONE_TYPES = `/** A classic script that exports nothing: it registers the tag. */
import './element.js';
export {};
`;

const common = {
  bundle: true,
  minify: true,
  target: 'es2022',
  logLevel: 'warning',
  outdir: folder,
  define: { KILN_VERSION: JSON.stringify(version) },
};
const modules = { ...common, format: 'esm', splitting: true, chunkNames: '[name]-[hash]' };

async function buildPackage() {
  const { outputFiles, metafile } = await build({ ...modules, plugins: [styles, beside],
    entryPoints: { element: at('define-trainer.ts') }, write: false, metafile: true });
  const names = plainNames(metafile);
  const known = new RegExp([...names.keys()].join('|').replaceAll('.', '\\.'), 'g');
  await Promise.all([buildStandalone(), ...outputFiles.map(({ path, text }) =>
    writeFile(resolve(folder, names.get(basename(path)) ?? basename(path)),
      text.replace(known, (hashed) => names.get(hashed))))]);
  await writeTypes();
}

/** A name for each chunk, by its hashed one: that of the view, or of the largest file in it. */
function plainNames({ outputs }) {
  const names = new Map();
  for (const [path, { entryPoint, inputs }] of Object.entries(outputs)) {
    const [[largest]] = Object.entries(inputs)
      .sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput);
    const of = basename(entryPoint ?? largest).replace(/\..*$/, '').toLowerCase();
    if (basename(path) !== 'element.js') names.set(basename(path), `element-${of}.js`);
  }
  if (new Set(names.values()).size < names.size) throw new Error('two chunks of one name');
  return names;
}

/** Declarations of the tag's three files, beside those of the package. */
async function writeTypes() {
  const made = await mkdtemp(join(tmpdir(), 'kiln-types-'));
  try {
    execFileSync('node', [at('../../node_modules/typescript/bin/tsc'), '-p', here,
      '--outDir', made], { stdio: 'inherit' });
    for (const [name, as] of Object.entries(TYPES)) {
      const text = await readFile(join(made, `web/element/${name}.d.ts`), 'utf8');
      await writeFile(resolve(folder, `${as}.d.ts`), text.replaceAll('../../bindings/', './'));
    }
    await writeFile(resolve(folder, 'standalone.d.ts'), STANDALONE_TYPES);
  } finally {
    await rm(made, { recursive: true });
  }
}

async function buildStandalone() {
  await build({ ...common, format: 'iife', entryPoints: { standalone: at('standalone.ts') },
    define: { ...common.define, ...nowhere },
    plugins: [styles, await embedded(at('../../build/wasm/tag.wasm'))] });
}

async function buildFiles() {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([
    build({ ...modules, entryPoints: { 'kiln-trainer': at('define-trainer.ts') },
      plugins: [styles] }),
    build({ ...modules, entryPoints: ['worker', 'pool-worker'].map((name) =>
      at(`../../bindings/${name}.ts`)) }),
    buildStandalone(),
    build({ ...common, format: 'iife', entryPoints: { embed: at('embed.ts') }, plugins: [styles],
      supported: { 'dynamic-import': true }, external: ['./kiln-trainer.js'] }),
    copyFile(at('embed.html'), resolve(folder, 'embed.html')),
    ...MODULES.map((name) =>
      copyFile(at(`../../build/wasm/${name}.wasm`), resolve(folder, `${name}.wasm`))),
  ]);
}

await (what === 'package' ? buildPackage : buildFiles)();
