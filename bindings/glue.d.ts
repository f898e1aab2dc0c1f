/** What inline/build.mjs puts into inline.js: the worker as a classic script, the simd module. */
declare module 'kiln:worker' {
  const text: string;
  export default text;
}
declare module 'kiln:wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
