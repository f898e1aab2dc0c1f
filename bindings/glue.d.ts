/** What inline/build.mjs puts into inline.js: the worker as a classic script. */
declare module 'kiln:worker' {
  const text: string;
  export default text;
}
/** And the simd module, gzipped. */
declare module 'kiln:wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
