import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  resolve: {
    alias: { 'kiln-nn': fileURLToPath(new URL('../build/dist/index.js', import.meta.url)) },
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Everything is a file of its own: the page's content policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What the page starts with is one file, also where a part that comes later shares it.
          groups: [{ name: 'page', test: (id) => /\/web\/(?!export-panel)[^/]+\.ts$/.test(id) }],
        },
      },
    },
  },
});
