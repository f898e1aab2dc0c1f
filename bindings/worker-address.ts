/** Module workers by address, wherever their script lies, and threads of Node. */

/** What helps where a bundler or a host has put files elsewhere. */
export const CURE = 'import kiln-nn/inline, which is one file';

/**
 * Node's, and undefined in browsers. By its whole name: of a bare `process`, bundlers for browsers
 * take it that it has to be brought along, and Parcel gives up where it is not installed.
 */
export const nodeProcess = globalThis.process as typeof globalThis.process | undefined;

/** Where dev servers of Vite put the modules of packages. */
const VITE = /\/node_modules\/\.vite\/deps\/[^/]*$/;

/**
 * The package's folder where a dev server has moved this module out of it, else null. Those of Vite
 * 5 to 7 do, and leave behind what it names by address; Vite 8 mends the addresses, which is seen
 * by one of them.
 */
export function movedFrom(): string | null {
  if (!VITE.test(import.meta.url)) return null;
  const { href } = new URL('./simd.wasm', import.meta.url);
  return VITE.test(href) ? href.replace(VITE, '/node_modules/kiln-nn/build/dist/') : null;
}

/** Throws what the browser throws where it refuses. */
export function workerOf(address: string | URL): Worker {
  const url = new URL(address, globalThis.location?.href);
  if (url.origin === globalThis.location?.origin || url.protocol === 'blob:') {
    return new Worker(url, { type: 'module' });
  }
  // Workers start from their page's own origin only; a module that imports is of that origin.
  const script = new Blob([`import ${JSON.stringify(url.href)};`], { type: 'text/javascript' });
  const blobUrl = URL.createObjectURL(script);
  setTimeout(() => URL.revokeObjectURL(blobUrl), 60_000);
  return new Worker(blobUrl, { type: 'module' });
}

/** Of a thread of Node: it takes its process' flags over, and a file stumbles over one of them. */
export function threadOptions(): { execArgv?: string[] } {
  const stumbles = nodeProcess?.execArgv.some((flag) => flag.startsWith('--input-type'));
  return stumbles ? { execArgv: [] } : {};
}
