// bundlers.mjs FOLDER CHROMIUM [FLAG] — applications that use the package as npm packs it, made by
// each of eight bundlers and opened in Chromium, under a strict content policy where they are built
// (make test-bundlers). Each trains ten steps, with data from an archive, to the hash that Node has
// (with FLAG, for relaxed SIMD).
//
// Prints a table: what was made how, the line that kiln needs in the bundler's configuration or
// script, the bytes that the page loaded, and the hash; and what publint and attw say of the
// package. ONLY=webpack takes one of them.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { chromium } from 'playwright-core';

import { writeApp } from './apps.mjs';
import { buildersIn } from './builders.mjs';

const [folder = 'build/bundlers', executablePath, ...flags] = process.argv.slice(2);
const home = resolve(folder);
const PACKAGES = ['vite5@npm:vite@5.4.21', 'vite7@npm:vite@7.3.8', 'vite8@npm:vite@8.3.8',
  'esbuild@0.28.2', 'rollup@4.68.8', '@rollup/plugin-node-resolve@16.0.3', 'webpack@5.113.0',
  '@rsbuild/core@2.3.2', '@parcel/core@2.16.4', '@parcel/config-default@2.16.4',
  'react@19.3.1', 'react-dom@19.3.1', 'vue@3.5.45', 'svelte@5.57.3',
  'publint@0.3.25', '@arethetypeswrong/cli@0.18.5'];
const NAMES = { vite5: 'vite5', 'vite5 dev': 'vite5', vite7: 'vite7', 'vite7 dev': 'vite7',
  vite8: 'vite8', 'vite8 dev': 'vite8', parcel: '@parcel/core', rsbuild: '@rsbuild/core' };

const COPY = 'cp node_modules/kiln-nn/build/dist/*.{js,wasm} OUT';
const WORKER = "worker: { format: 'es' }";
const EXCLUDE = "optimizeDeps: { exclude: ['kiln-nn'] }";
const HELP = /^E_WORKER_LOAD: .*main\.js.* workerUrl, or import kiln-nn\/inline/;

/** Bundler, entry, the line that it needs, and how the sentence begins where it is left out. */
const CASES = [
  ...['kiln-nn', 'kiln-nn/element'].flatMap((entry) => [
    ['vite5 dev', entry], ['vite7 dev', entry], ['vite8 dev', entry],
    ['vite5', entry, WORKER], ['vite7', entry, WORKER], ['vite8', entry],
    ['webpack', entry], ['rsbuild', entry], ['parcel', entry],
    ['esbuild', entry, COPY], ['rollup', entry, COPY],
  ]),
  ['vite5 dev', 'kiln-nn', EXCLUDE], ['vite7 dev', 'kiln-nn/element', EXCLUDE],
  ['esbuild', 'kiln-nn', '', HELP], ['rollup', 'kiln-nn', '', HELP],
  ...['vite5', 'vite7', 'vite8', 'webpack', 'rsbuild', 'parcel', 'esbuild', 'rollup']
    .map((bundler) => [bundler, 'kiln-nn/inline']),
  ['esbuild', 'kiln-nn/standalone'], ['rollup', 'kiln-nn/standalone'],
  ...['react', 'vue', 'svelte'].flatMap((entry) => [['vite8 dev', entry], ['vite8', entry]]),
];

const run = (command, args, cwd = home) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** Packs the package, installs it and the bundlers, and gives the name of the tarball. */
function install() {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"name":"bundled","private":true,"type":"module"}');
  writeFileSync(join(home, 'tsconfig.json'), '{}'); // not the project's, which knows kiln-nn
  const quiet = ['--ignore-scripts', '--silent', '--no-audit', '--no-fund'];
  const tarball = run('npm', ['pack', ...quiet, '--pack-destination', home], '.').trim();
  run('npm', ['install', ...quiet, '--save-exact', `./${tarball}`, ...PACKAGES]);
  return tarball;
}

/** The package's own faults, as two programs see them; modules of ES have no `require`. */
function lint(tarball) {
  const binary = (name) => join(home, 'node_modules/.bin', name);
  const wasm = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads', 'extras'];
  for (const [name, ...args] of [
    ['publint', 'run', tarball, '--strict'],
    ['attw', tarball, '--ignore-rules', 'cjs-resolves-to-esm', '--exclude-entrypoints',
      ...wasm.map((one) => `./wasm/${one}.wasm`)],
  ]) {
    try {
      run(binary(name), args);
      console.log(`passed  ${name} finds nothing`);
    } catch ({ stdout }) {
      failures++;
      console.log(`FAILED  ${name}: ${stdout}`);
    }
  }
}

/** What Node gets, by mode: the hash of the ten steps; and a model's loss. */
function expected() {
  const entry = join(home, 'node_modules/kiln-nn/build/dist/index.js');
  return JSON.parse(run(process.execPath,
    [...flags, 'tests/bundlers/node_hashes.mjs', entry], '.'));
}

/** What is wrong with what a page said; empty where nothing is. */
function faultsOf(said, bundler, entry, wanted) {
  if (said.error) return [said.error + (said.stack ?? '')];
  const runs = 'early' in said ? Object.entries(said) : [['', said]];
  return runs.flatMap(([name, { mode, steps, hash, zip, views, epochs, loss, shown, mounts }]) => {
    const own = wanted[mode] ?? {};
    return [
      (steps !== own.steps || hash !== own.hash) && `${name} ${steps} steps, hash ${hash}`,
      name === '' && zip !== 'PK' && `an export that begins with ${zip}`,
      /element|standalone/.test(entry) && views !== 1 && 'no view',
      name !== '' && epochs !== 2 && `${name} heard of ${epochs} epochs`,
      name === 'classes' && loss !== wanted.loss && `a loss of ${loss}`,
      name === 'classes' && `${bundler} ${entry}` === 'vite8 dev react' && mounts !== 2 &&
        `${mounts} mounts in strict mode`,
      name === 'classes' && shown !== 10 && `a store that says step ${shown}`,
    ].filter(Boolean);
  });
}

async function saysIn(browser, { server, address, close }) {
  const sockets = [];
  server.on('connection', (socket) => sockets.push(socket));
  const page = await browser.newPage();
  const blocked = [];
  await page.exposeFunction('blocked', (what) => blocked.push(what));
  await page.addInitScript(() => addEventListener('securitypolicyviolation',
    ({ effectiveDirective, blockedURI }) => blocked(`${effectiveDirective} ${blockedURI}`)));
  const failed = new Promise((_, fail) => page.on('pageerror', fail));
  failed.catch(() => {}); // it may come when nobody waits any more
  try {
    await page.goto(address);
    const said = page.locator('#said', { hasNotText: 'running' });
    const text = await Promise.race([said.textContent({ timeout: 120_000 }), failed]);
    const result = JSON.parse(text);
    if (blocked.length > 0) result.error = `the policy forbade ${blocked.join(', ')}`;
    return result;
  } finally {
    await page.close();
    saysIn.bytes = sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    await close();
  }
}

let failures = 0;
const only = process.env.ONLY;
lint(install());
const wanted = expected();
const builders = buildersIn(home);
console.log(`Node: strict ${wanted.strict.hash}, fused ${wanted.fused.hash}`);
console.log('bundler                entry                kB  lines hash');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
for (const [bundler, entry, line = '', help] of CASES) {
  if (only && !`${bundler} ${entry}`.includes(only)) continue;
  const root = join(home, 'apps', `${bundler} ${entry} ${line ? 'line' : ''}`.replace(/\W+/g, '-'));
  writeApp(root, entry, home);
  let said;
  let faults;
  try {
    said = await saysIn(browser, await builders[bundler](root, line));
    faults = faultsOf(said, bundler, entry, wanted);
    if (help) faults = help.test(said.error) ? [] : [`it does not say what helps: ${faults}`];
  } catch (error) {
    faults = [`it was not made: ${error.stack ?? JSON.stringify(error)}`];
  }
  if (faults.length > 0) failures++;
  const { hash, mode } = said?.late ?? said ?? {};
  const result = help ? 'says what helps' : `${hash} ${mode}`;
  const name = bundler.replace(/^vite\d/, 'vite');
  console.log([
    `${name} ${builders.version(NAMES[bundler] ?? bundler)}`.padEnd(22), entry.padEnd(18),
    (saysIn.bytes / 1000).toFixed(0).padStart(5), String(line ? 1 : 0).padStart(4), ' ',
    faults.length > 0 ? `FAILED ${faults.join('; ')}` : result, line && `(${line})`].join(' '));
}
await browser.close();
process.exit(failures > 0 ? 1 : 0);
