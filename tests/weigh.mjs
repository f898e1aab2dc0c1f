// weigh.mjs — what a page loads, gzipped, against what it may be (make sizes).
//
// Files that a script imports at once count with it, those that it imports later do not: a page
// with two curves loads these two views, and archives alone need what unpacks them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const FOLDER = 'build/element';

/** kB of 1000 bytes that each may have. */
const LIMITS = {
  'shell of the element': 6,
  'package: Trainer, worker, simd module': 155,
  'element with charts of loss and accuracy': 208,
  'element with every view': 222,
  'standalone.js': 270,
};

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
const sizeOf = (files) => [...files].reduce((sum, file) =>
  sum + gzipped(readFileSync(join(FOLDER, file))), 0);

/** The files that come at once with these; of a hashed name the beginning will do. */
function closure(names) {
  const all = readdirSync(FOLDER);
  const found = new Set();
  const add = (name) => {
    const file = all.find((one) => one === name || new RegExp(`^${name}-\\w{8}\\.js$`).test(one));
    if (!file) throw new Error(`weigh: there is no ${name} in ${FOLDER}`);
    if (found.has(file)) return;
    found.add(file);
    if (!file.endsWith('.js')) return;
    const text = readFileSync(join(FOLDER, file), 'utf8');
    for (const [, other] of text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g)) add(other);
  };
  names.forEach(add);
  return found;
}

/** A program that uses Trainer alone, as a bundler leaves it. */
async function client() {
  const { outputFiles } = await build({
    stdin: { contents: "export { Trainer } from './build/dist/index.js';", resolveDir: '.' },
    bundle: true, minify: true, format: 'esm', target: 'es2022', write: false,
    logLevel: 'error',
  });
  return gzipped(outputFiles[0].contents);
}

/** Bytes of each, by the names of LIMITS. */
async function measure() {
  const work = ['worker.js', 'worker-main', 'simd.wasm'];
  const body = ['kiln-trainer.js', 'trainer-body', ...work];
  const views = readdirSync(FOLDER).filter((file) => file.includes('-view-'))
    .map((file) => file.replace(/-\w{8}\.js$/, ''));
  return {
    'shell of the element': sizeOf(closure(['kiln-trainer.js'])),
    'package: Trainer, worker, simd module': await client() + sizeOf(closure(work)),
    'element with charts of loss and accuracy':
      sizeOf(closure([...body, 'loss-view', 'accuracy-view'])),
    'element with every view': sizeOf(closure([...body, ...views])),
    'standalone.js': sizeOf(['standalone.js']),
  };
}

// Limits by argument, in the same order, are for the test that it fails above them.
const limits = process.argv.length > 2 ? process.argv.slice(2).map(Number) : Object.values(LIMITS);
for (const [i, [what, bytes]] of Object.entries(await measure()).entries()) {
  const over = bytes > 1000 * limits[i];
  if (over) process.exitCode = 1;
  console.log(`${(bytes / 1000).toFixed(1).padStart(6)} kB of ${limits[i]}  ${what}` +
    (over ? '  TOO LARGE' : ''));
}
