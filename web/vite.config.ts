import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

/** What the page starts with is one file, also where a part that comes later shares it. */
function isOfPage(id: string): boolean {
  return /\/web\/(?!export-panel|course-panel|spellings|strings-course)[^/]+\.ts$/.test(id);
}

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
          groups: [{ name: 'page', test: isOfPage }],
        },
      },
    },
  },
});
