// build-package.mjs FOLDER: the scripts of kiln-nn (build/dist) and their types, in plain files.
//
// A module of the library becomes a file of its name, so that every entry of the package shares
// one library, and so does a test that looks at one of its modules. Scripts that start in a thread
// of their own are one file each, with what nobody else needs: a worker of thirty would load them
// one after the other. gunzip.js holds pako; it comes when an archive is read, and shares errors.js
// with the worker, since an error has to be of one class in a thread. So does read-dataset.js, a
// module of the library, which comes with the first files.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [folder] = process.argv.slice(2);

const SCRIPTS = ['worker', 'worker-main', 'pool-worker', 'gunzip'];
/** What these leave outside themselves. */
const SHARED = ['./errors.js', './gunzip.js', './read-dataset.js', './worker-main.js'];
/** Parts of worker-main.js that nothing else imports. */
const PARTS = ['session', 'training', 'run-record', 'look', 'measure'];

const library = readdirSync(here)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .map((name) => basename(name, '.ts'))
  .filter((name) => ![...SCRIPTS, ...PARTS, 'types'].includes(name));

/** Packages become part of what imports them; files beside it that `stays` names do not. */
const scripts = (names, stays) => build({
  bundle: true, format: 'esm', target: 'es2022', outdir: folder, logLevel: 'warning',
  entryPoints: names.map((name) => resolve(here, `${name}.ts`)),
  plugins: [{
    name: 'siblings',
    setup: ({ onResolve }) => onResolve({ filter: /^\.\// }, ({ path, resolveDir }) =>
      resolveDir === here && stays(path) ? { path, external: true } : undefined),
  }],
});

await Promise.all([
  scripts(library, () => true),
  scripts(SCRIPTS, (path) => SHARED.includes(path)),
]);

execFileSync('node', [resolve(here, '../node_modules/typescript/bin/tsc'), '-p', here,
  '--outDir', folder], { stdio: 'inherit' });
for (const name of PARTS) rmSync(resolve(folder, `${name}.d.ts`));
// inline.js lies beside the others, and so do its types.
const inline = readFileSync(resolve(folder, 'inline/inline.d.ts'), 'utf8');
writeFileSync(resolve(folder, 'inline.d.ts'), inline.replaceAll("'../", "'./"));
rmSync(resolve(folder, 'inline'), { recursive: true });
