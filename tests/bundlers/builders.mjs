// How each bundler makes a page of main.js and index.html. Nothing is configured but where its
// files lie, and in `line` what kiln needs besides.

import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

import { serve } from '../serve.mjs';

/**
 * As strict as can be, but for the blobs that kiln-nn/inline starts its worker from, and for what a
 * bundler itself writes into the page: Parcel, a map of imports.
 */
function policyFor(html) {
  const inline = [...html.matchAll(/<script[^>]*>([^<]+)<\/script>/g)].map(([, text]) =>
    ` 'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  return `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'${inline.join('')}; ` +
    "worker-src 'self' blob:; connect-src 'self'; img-src data:";
}

/** Builders of the tools that are installed in `home`, which is where the package is, too. */
export function buildersIn(home) {
  const require = createRequire(join(home, 'package.json'));
  const load = (name) => import(pathToFileURL(require.resolve(name)).href);
  const version = (name) => require(join(home, 'node_modules', name, 'package.json')).version;

  /** Serves what was built into root/out. */
  async function served(root) {
    const html = readFileSync(join(root, 'out/index.html'), 'utf8');
    const headers = { 'Content-Security-Policy': policyFor(html) };
    const { server, address } = await serve(join(root, 'out'), 0, { headers });
    return { server, address, close: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }) };
  }

  /** With the page and its public files as they are. */
  function withPage(root) {
    cpSync(join(root, 'public'), join(root, 'out'), { recursive: true });
    copyFileSync(join(root, 'index.html'), join(root, 'out/index.html'));
  }

  const viteBuild = (name) => async (root, line) => {
    const { build } = await import(pathToFileURL(join(home, 'node_modules', name,
      'dist/node/index.js')).href);
    await build({ root, configFile: false, logLevel: 'error', build: { outDir: 'out' },
      ...(line ? { worker: { format: 'es' } } : {}) });
    return served(root);
  };

  /** In the project that has the packages, or with `line` in one of a workspace, which has none. */
  const viteDev = (name) => async (root, line) => {
    const { createServer } = await import(pathToFileURL(join(home, 'node_modules', name,
      'dist/node/index.js')).href);
    if (line) writeFileSync(join(root, 'package.json'), '{"name":"part","private":true}');
    const at = line ? root : home;
    const server = await createServer({ root: at, configFile: false, logLevel: 'error',
      server: { port: 0, fs: { allow: [home] } },
      ...(line ? { optimizeDeps: { exclude: ['kiln-nn'] } } : {}) });
    await server.listen();
    const page = `${relative(at, root) || '.'}/index.html`;
    const address = new URL(page, server.resolvedUrls.local[0]).href;
    return { server: server.httpServer, address, close: () => server.close() };
  };

  return {
    version,
    'vite5 dev': viteDev('vite5'),
    'vite7 dev': viteDev('vite7'),
    'vite8 dev': viteDev('vite8'),
    vite5: viteBuild('vite5'),
    vite7: viteBuild('vite7'),
    vite8: viteBuild('vite8'),
    async esbuild(root, line) {
      const { build } = await load('esbuild');
      await build({ entryPoints: [join(root, 'main.js')], bundle: true, format: 'esm',
        outfile: join(root, 'out/main.js'), logLevel: 'error' });
      withPage(root);
      if (line) copyBeside(root);
      return served(root);
    },
    async rollup(root, line) {
      const { rollup } = await load('rollup');
      const { nodeResolve } = await load('@rollup/plugin-node-resolve');
      const bundle = await rollup({ input: join(root, 'main.js'), plugins: [nodeResolve()] });
      await bundle.write({ dir: join(root, 'out') });
      withPage(root);
      if (line) copyBeside(root);
      return served(root);
    },
    async webpack(root) {
      const webpack = (await load('webpack')).default;
      await new Promise((done, fail) => webpack({
        mode: 'production', entry: './main.js', context: root, performance: false,
        output: { path: join(root, 'out') },
      }, (error, stats) => error || stats.hasErrors()
        ? fail(error ?? new Error(stats.toString({ all: false, errors: true }))) : done()));
      withPage(root);
      return served(root);
    },
    async rsbuild(root) {
      const { createRsbuild } = await load('@rsbuild/core');
      const rsbuild = await createRsbuild({ cwd: root, rsbuildConfig: {
        logLevel: 'error', html: { template: './empty.html' },
        source: { entry: { index: './main.js' } }, output: { distPath: { root: 'out' } },
      } });
      await rsbuild.build();
      return served(root);
    },
    async parcel(root) {
      const { Parcel } = await load('@parcel/core');
      await new Parcel({ entries: join(root, 'index.html'),
        defaultConfig: '@parcel/config-default', mode: 'production', shouldDisableCache: true,
        cacheDir: join(root, 'cache'), defaultTargetOptions: { distDir: join(root, 'out') },
      }).run();
      cpSync(join(root, 'public'), join(root, 'out'), { recursive: true });
      return served(root);
    },
  };

  /** cp node_modules/kiln-nn/build/dist/*.{js,wasm} out */
  function copyBeside(root) {
    const dist = join(home, 'node_modules/kiln-nn/build/dist');
    for (const name of readdirSync(dist)) {
      if (/\.(js|wasm)$/.test(name)) copyFileSync(join(dist, name), join(root, 'out', name));
    }
  }
}
