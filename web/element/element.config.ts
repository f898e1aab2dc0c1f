/** Builds <kiln-trainer> into one folder of plain files that fetch each other and nothing else. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(at('../../package.json'), 'utf8')) as
  { version: string };
const names = {
  entryFileNames: '[name].js', chunkFileNames: '[name].js', assetFileNames: '[name][extname]',
};

export default defineConfig({
  root: at('.'),
  base: './',
  define: { KILN_VERSION: JSON.stringify(version) },
  resolve: { alias: { 'kiln-nn': at('../../build/dist/index.js') } },
  worker: { format: 'es', rollupOptions: { output: names } },
  build: {
    target: 'es2022',
    outDir: at('../../build/element'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    rollupOptions: {
      input: { 'kiln-trainer': at('define-trainer.ts') },
      preserveEntrySignatures: 'strict',
      output: names,
    },
  },
});
