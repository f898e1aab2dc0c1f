/**
 * Light or dark as the page around an element is. Few dark pages say so by color-scheme, and many
 * change at a press; but the text on a dark page is light, whatever made it dark.
 */

/** Relative luminance between muted text on white and on black. */
const LIGHT_TEXT = 0.3;

/** The colour of the text around a node, in whatever notation the page gave it. */
function colourAround(node: Element): string {
  const around = node.assignedSlot ?? node.parentElement ?? (node.getRootNode() as ShadowRoot).host;
  return getComputedStyle(around).color;
}

function isLight(colour: string): boolean {
  const context = document.createElement('canvas').getContext('2d')!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data]
    .map((byte) => (byte / 255) ** 2.2);
  return 0.21 * red! + 0.72 * green! + 0.07 * blue! > LIGHT_TEXT;
}

/**
 * Tells whether it is `dark`, now and when that changes, until `signal` is aborted. The answer
 * looks again, which a node that was moved needs.
 */
export function followTheme(
  node: Element, signal: AbortSignal, tell: (dark: boolean) => void): () => void {
  let seen = '';
  const look = (): void => {
    const colour = colourAround(node);
    if (colour !== seen) tell(isLight(seen = colour));
  };
  const page = node.ownerDocument;
  const watcher = new MutationObserver(look);
  for (const part of [page.documentElement, page.body]) {
    watcher.observe(part, { attributes: true });
  }
  signal.addEventListener('abort', () => watcher.disconnect());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', look, { signal });
  page.defaultView!.addEventListener('load', look, { signal }); // its style sheets are there
  page.addEventListener('transitionend', look, { signal }); // some pages change by and by
  look();
  return look;
}
