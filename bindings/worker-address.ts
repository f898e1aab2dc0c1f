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

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }):
    { createScriptURL(url: string): unknown };
}

let policy: ReturnType<TrustedTypes['createPolicy']> | null = null;

/**
 * Addresses of workers go through a policy called `kiln`, where a content security policy may
 * require Trusted Types; it is told of no address but kiln's own.
 */
function trusted(address: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  try {
    policy ??= trustedTypes?.createPolicy('kiln', { createScriptURL: (url) => url }) ?? null;
  } catch {
    // no policy of this name is allowed, and perhaps none is required
  }
  return policy ? policy.createScriptURL(address) as string : address;
}

/** A blob's address, while the worker that is made of it starts. */
function blobOf(url: URL): string {
  const script = new Blob([`import ${JSON.stringify(url.href)};`], { type: 'text/javascript' });
  const address = URL.createObjectURL(script);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return address;
}

/**
 * Calls what makes a module worker by its address, wherever its script lies: workers start from
 * their page's own origin only, and a module that imports is of that origin. Bundlers want to see
 * the constructor and the address in one expression, so the constructor is another meanwhile.
 * Throws what the browser throws where it refuses.
 */
export function makeWorker(make: () => Worker): Worker {
  const Real = Worker;
  const from = function (address: string | URL, options: WorkerOptions) {
    const url = new URL(address, globalThis.location?.href);
    const own = url.origin === globalThis.location?.origin || url.protocol === 'blob:';
    return own ? new Real(trusted(url.href), options)
      : new Real(trusted(blobOf(url)), { ...options, type: 'module' });
  };
  Reflect.set(globalThis, 'Worker', from);
  try {
    return make();
  } finally {
    Reflect.set(globalThis, 'Worker', Real);
  }
}

/** The worker at an address that somebody gave. */
export function workerOf(address: string | URL): Worker {
  return makeWorker(() => new Worker(address, { type: 'module' }));
}

/** Of a thread of Node: it takes its process' flags over, and a file stumbles over one of them. */
export function threadOptions(): { execArgv?: string[] } {
  const stumbles = nodeProcess?.execArgv.some((flag) => flag.startsWith('--input-type'));
  return stumbles ? { execArgv: [] } : {};
}
