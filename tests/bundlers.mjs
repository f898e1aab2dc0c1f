// bundlers.mjs FOLDER CHROMIUM — a page that uses the package, built by each of five bundlers and
// opened in Chromium: it trains and exports, or says what was not found and what helps (make
// test-bundlers).
//
// The tag is used by itself, and in React, Vue and Svelte.
//
// esbuild and Rollup do not follow `new URL('./file', import.meta.url)`: their pages need the
// package's files copied beside the script, or kiln-nn/inline. Vite, webpack and Parcel follow it.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { chromium } from 'playwright-core';

import { serve } from './serve.mjs';

const [folder = 'build/bundlers', executablePath] = process.argv.slice(2);
const home = resolve(folder);
const PACKAGES = ['rollup@4.68.8', '@rollup/plugin-node-resolve@16.0.3', 'parcel@2.16.4',
  '@parcel/core@2.16.4', '@parcel/config-default@2.16.4', 'webpack@5.113.0',
  'react@19.3.1', 'react-dom@19.3.1', 'vue@3.5.45', 'svelte@5.57.3'];
// Vite and esbuild are the ones that the project itself is built with.

const run = (command, args, cwd = home) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

function install() {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'),
    '{"name":"bundled","private":true,"type":"module","browserslist":"chrome 120"}');
  writeFileSync(join(home, 'tsconfig.json'), '{}'); // not the project's, which knows kiln-nn
  const quiet = ['--ignore-scripts', '--silent', '--no-audit', '--no-fund'];
  const tarball = run('npm', ['pack', ...quiet, '--pack-destination', home], '.').trim();
  run('npm', ['install', ...quiet, '--save-exact', `./${tarball}`, ...PACKAGES]);
}

const user = (entry) => `
import { Trainer } from '${entry}';
const said = document.querySelector('p');
try {
  const trainer = await Trainer.create({ net: 'affine 10 - softmax', train: 100, validation: 20,
    test: 20, batch: 20, epochs: 2 });
  await trainer.start();
  for await (const { step } of trainer) said.title = String(step);
  const file = await trainer.export('npz');
  said.textContent = \`trained \${said.title} steps: \${trainer.backend.variant}, \` +
    String.fromCharCode(...file.subarray(0, 2));
} catch (error) {
  said.textContent = \`\${error.code}: \${error.message}\`;
}`;

/** The tag by each way of writing pages: what ends in `mount`, an element that is not yet there. */
const element = `
const said = document.querySelector('p');
function watch(tag) {
  tag.addEventListener('error', ({ detail }) => {
    said.textContent = \`\${detail.code}: \${detail.message}\`;
  });
  tag.addEventListener('statechange', ({ detail: { state } }) => {
    const { metrics, backend } = tag.trainer;
    const views = tag.shadowRoot.querySelectorAll('kiln-loss-view').length;
    if (state !== 'done') return;
    tag.trainer.export('npz').then((file) => {
      said.textContent = \`trained \${metrics.step} steps: \${backend.variant}, \` +
        String.fromCharCode(...file.subarray(0, 2)) + (views === 1 ? '' : ', and shows nothing');
    });
  });
}`;
const attributes = { net: 'affine 10 - softmax', train: 100, validation: 20, test: 20, batch: 20,
  epochs: 2, views: 'loss', loading: 'eager', autostart: true };
const given = JSON.stringify(attributes);

const users = {
  'kiln-nn/element': `import 'kiln-nn/element';${element}
const tag = Object.assign(document.createElement('kiln-trainer'), ${given});
watch(tag);
document.body.append(tag);`,
  react: `import 'kiln-nn/element';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';${element}
const tag = createElement('kiln-trainer', { ref: (node) => node && watch(node), ...${given} });
createRoot(document.body.appendChild(document.createElement('div'))).render(tag);`,
  vue: `import 'kiln-nn/element';
import { createApp, h } from 'vue';${element}
const tag = { render: () => h('kiln-trainer', {
  onVnodeBeforeMount: ({ el }) => watch(el), ...${given} }) };
createApp(tag).mount(document.body.appendChild(document.createElement('div')));`,
  svelte: `import 'kiln-nn/element';
import { mount } from 'svelte';
import Tag from './tag.js';${element}
mount(Tag, { target: document.body, props: { given: ${given}, watch } });`,
};
const SVELTE = `<script>let { given, watch } = $props();</script>
<kiln-trainer {...given} use:watch></kiln-trainer>`;

const html = (script) => `<!doctype html><meta charset="utf-8"><title>kiln</title><p>running</p>
<script type="module" src="${script}"></script>`;

/** A folder with the sources of a page. */
function sources(name, entry) {
  const root = join(home, name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, 'main.js'), users[entry] ?? user(entry));
  if (entry === 'svelte') writeFileSync(join(root, 'tag.js'), compileSvelte());
  writeFileSync(join(root, 'index.html'), html('./main.js'));
  writeFileSync(join(root, 'out/index.html'), html('./main.js'));
  return root;
}

const require = createRequire(join(home, 'package.json'));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

function compileSvelte() {
  const { compile } = require('svelte/compiler');
  return compile(SVELTE, { name: 'Tag', generate: 'client' }).js.code;
}

const bundlers = {
  async esbuild(root) {
    const { build } = await import('esbuild');
    await build({ entryPoints: [join(root, 'main.js')], bundle: true, format: 'esm',
      target: 'es2022', outfile: join(root, 'out/main.js'), logLevel: 'error' });
  },
  async rollup(root) {
    const { rollup } = await load('rollup');
    const { nodeResolve } = await load('@rollup/plugin-node-resolve');
    const bundle = await rollup({ input: join(root, 'main.js'),
      plugins: [nodeResolve({ browser: true })] });
    await bundle.write({ file: join(root, 'out/main.js'), format: 'es',
      inlineDynamicImports: true });
  },
  async vite(root) {
    const { build } = await import('vite');
    await build({ root, base: './', configFile: false, logLevel: 'error',
      build: { outDir: 'out', target: 'es2022' }, worker: { format: 'es' } });
  },
  async webpack(root) {
    const webpack = (await load('webpack')).default;
    await new Promise((done, fail) => webpack({
      mode: 'production', target: ['web', 'es2022'], entry: join(root, 'main.js'), context: root,
      output: { path: join(root, 'out'), filename: 'main.js' }, performance: false,
      experiments: { outputModule: true },
    }, (error, stats) => error || stats.hasErrors()
      ? fail(error ?? new Error(stats.toString({ all: false, errors: true }))) : done()));
  },
  async parcel(root) {
    const { Parcel } = await load('@parcel/core');
    await new Parcel({ entries: join(root, 'index.html'), defaultConfig: '@parcel/config-default',
      mode: 'production', shouldDisableCache: true, cacheDir: join(root, 'cache'),
      defaultTargetOptions: { distDir: join(root, 'out'), publicUrl: './', sourceMaps: false },
    }).run();
  },
};

const copyBeside = (root) => {
  const dist = join(home, 'node_modules/kiln-nn/build/dist');
  for (const name of readdirSync(dist)) {
    if (/\.(js|wasm)$/.test(name)) copyFileSync(join(dist, name), join(root, 'out', name));
  }
};

const TRAINED = /^trained 10 steps: (relaxed|simd)(-threads)?, PK$/;
const HELP = /^E_WORKER_LOAD: .*main\.js.* workerUrl, or import kiln-nn\/inline/;

/** Bundler, entry, what the page has to say, and what is done to its folder before. */
const CASES = [
  ['esbuild', 'kiln-nn', HELP],
  ['esbuild', 'kiln-nn', TRAINED, copyBeside, 'copied'],
  ['esbuild', 'kiln-nn/inline', TRAINED],
  ['rollup', 'kiln-nn', HELP],
  ['rollup', 'kiln-nn', TRAINED, copyBeside, 'copied'],
  ['rollup', 'kiln-nn/inline', TRAINED],
  ['vite', 'kiln-nn', TRAINED],
  ['vite', 'kiln-nn/inline', TRAINED],
  ['webpack', 'kiln-nn', TRAINED],
  ['webpack', 'kiln-nn/inline', TRAINED],
  ['parcel', 'kiln-nn', TRAINED],
  ['parcel', 'kiln-nn/inline', TRAINED],
  ['esbuild', 'kiln-nn/element', TRAINED, copyBeside],
  ['rollup', 'kiln-nn/element', TRAINED, copyBeside],
  ['vite', 'kiln-nn/element', TRAINED],
  ['webpack', 'kiln-nn/element', TRAINED],
  ['parcel', 'kiln-nn/element', TRAINED],
  ['vite', 'react', TRAINED],
  ['vite', 'vue', TRAINED],
  ['vite', 'svelte', TRAINED],
];

async function saysIn(browser, root) {
  const { server, address } = await serve(join(root, 'out'), 0);
  const page = await browser.newPage();
  try {
    await page.goto(address);
    const said = page.locator('p', { hasNotText: 'running' });
    await said.waitFor({ timeout: 60_000 });
    return await said.textContent();
  } finally {
    await page.close();
    server.close();
  }
}

install();
const only = process.env.ONLY;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
let failed = 0;
for (const [bundler, entry, wanted, before, word] of CASES) {
  if (only && only !== bundler) continue;
  const name = [bundler, ...entry.replace('kiln-nn', '').split('/'), word]
    .filter(Boolean).join('-');
  const root = sources(name, entry);
  let said;
  try {
    await bundlers[bundler](root);
    before?.(root);
    said = await saysIn(browser, root);
  } catch (error) {
    said = `the build failed: ${error.stack ?? JSON.stringify(error)}`;
  }
  const good = wanted.test(said);
  if (!good) failed++;
  console.log(`${good ? 'passed' : 'FAILED'}  ${name}: ${said}`);
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
