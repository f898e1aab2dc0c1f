/** Keeps an element where it stands on the screen while what is above it changes its height. */

/** What a person does to be elsewhere. */
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'];

/**
 * Holds it from now on, until the signal aborts or the person scrolls. Browsers hold the place of
 * what is seen by themselves, but not where that is taken out and made anew above it.
 */
export function holdPlace(node: HTMLElement, signal: AbortSignal): void {
  const { top } = node.getBoundingClientRect();
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const resized = new ResizeObserver(() =>
    scrollBy({ top: node.getBoundingClientRect().top - top, behavior: 'instant' }));
  ended.signal.addEventListener('abort', () => resized.disconnect());
  for (const type of MOVES) addEventListener(type, end, { signal: ended.signal, passive: true });
  signal.addEventListener('abort', end, { signal: ended.signal });
  resized.observe(document.body);
}
