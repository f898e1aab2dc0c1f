/** What inline/build.mjs puts into inline.js: the worker as a classic script, the simd module. */
declare module 'kiln:worker' {
  const text: string;
  export default text;
}
declare module 'kiln:wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

/**
 * The modules Emscripten writes: build/wasm/simd.mjs, relaxed.mjs. They lie beside the built
 * package.
 */
declare module '*.mjs' {
  import type { GlueFactory } from './wasm.js';
  const createKiln: GlueFactory;
  export default createKiln;
}
