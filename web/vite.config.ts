import { fileURLToPath } from 'node:url';

import { defineConfig, type Plugin } from 'vite';

import { measured } from './speed-run/build-measured.js';

/** What the page starts with is one file, also where a part that comes later shares it. */
function isOfPage(id: string): boolean {
  return /\/web\/(?!export-panel|course-panel|spellings|strings-course)[^/]+\.ts$/.test(id);
}

/** The module virtual:measured, with what was measured of recipes. */
const figures: Plugin = {
  name: 'measured',
  resolveId: (id) => (id === 'virtual:measured' ? `\0${id}` : null),
  load: (id) =>
    (id === '\0virtual:measured' ? `export default ${JSON.stringify(measured())}` : null),
};

export default defineConfig({
  base: './',
  plugins: [figures],
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
