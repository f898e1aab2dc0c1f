/** Style sheets arrive as text, for constructable style sheets. */
declare module '*.css?inline' {
  const css: string;
  export default css;
}

/** So do files of words. */
declare module '*?raw' {
  const text: string;
  export default text;
}

/** What was measured of recipes. */
declare module 'virtual:measured' {
  const measured: import('./speed-run/build-measured.js').Measured;
  export default measured;
}

/** The package's version, in the build of the element. */
declare const KILN_VERSION: string;
