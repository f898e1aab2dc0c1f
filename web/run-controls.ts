/** What the page's run bar and the row of an element have in common: buttons, and a live region. */

import type { RunState } from '../bindings/types.js';
import { h, setText } from './dom.js';
import { viewStrings as strings } from './strings-views.js';

const words = strings.run;
const ANNOUNCE_EVERY = 10_000; // milliseconds: a screen reader should not chatter

/**
 * A button that cannot be used now keeps its place and the focus: pressed by somebody who was a
 * moment too late, it does nothing.
 */
export function steadyButton(
  text: string, act: () => void, attributes: Record<string, unknown> = {}): HTMLButtonElement {
  const button: HTMLButtonElement = h('button', {
    type: 'button',
    ...attributes,
    onclick: () => {
      if (button.ariaDisabled !== 'true') act();
    },
  }, text);
  return button;
}

/** What the buttons of these names can do now; Start says whether it goes on. */
export function showState(
  buttons: Iterable<readonly [string, HTMLButtonElement]>, state: RunState, step: number): void {
  const running = state === 'running';
  for (const [name, button] of buttons) {
    const idle = name === 'pause' ? !running
      : (name === 'start' || name === 'step') && (running || state === 'done');
    button.ariaDisabled = String(idle);
    if (name === 'start' && !running) setText(button, step > 0 ? words.resume : words.start);
  }
}

/** A live region, which tells of epochs ten seconds after it spoke last. */
export class Announcer {
  readonly node = h('p', { class: 'unseen', role: 'status' });
  #spoke = -ANNOUNCE_EVERY;

  epoch(epoch: number, trainAccuracy: number, valAccuracy: number): void {
    if (performance.now() - this.#spoke < ANNOUNCE_EVERY) return;
    this.say(words.announceEpoch(epoch, trainAccuracy, valAccuracy));
  }

  /** At once: the answer to a press. */
  say(text: string): void {
    this.#spoke = performance.now();
    setText(this.node, text);
  }
}
