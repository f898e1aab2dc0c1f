/** Style sheets arrive as text, for constructable style sheets. */
declare module '*.css?inline' {
  const css: string;
  export default css;
}
