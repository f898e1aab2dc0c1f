/**
 * Sentences under the run bar that stay until they are dismissed or no longer true: one a topic,
 * with what can be done about it as buttons.
 */

import { h, show } from './dom.js';
import { strings } from './strings.js';

export interface Action {
  text: string;
  act(): void;
}

/**
 * What a sentence is about: a new one takes the place of the old one of its topic. `problem`:
 * something asked for could not be done. `run`: how the run fares. `kept`: a run that was replaced
 * and can come back. `offer`: one that an earlier page left. `question`: waits for a choice.
 * `amended`: pictures of the data set that a reset changes.
 */
export type Topic = 'problem' | 'run' | 'kept' | 'offer' | 'question' | 'amended';

export class Notices {
  readonly node = h('div', { class: 'notices' });
  readonly #shown = new Map<Topic, HTMLElement>();

  /** An alarm is said at once by screen readers, and looks it. */
  say(topic: Topic, text: string, actions: Action[] = [], alarm = topic === 'problem'): void {
    // A worker that ends fails every call that was under way: what the run's sentence says is said.
    const run = this.#shown.get('run')?.textContent;
    if (topic === 'problem' && run?.startsWith(text)) return;
    const done = (act?: () => void) => (): void => {
      this.clear(topic);
      act?.();
    };
    const buttons = actions.map(({ text: label, act }) =>
      h('button', { type: 'button', onclick: done(act) }, label),
    );
    if (topic !== 'question') {
      buttons.push(h('button', { type: 'button', class: 'plain', onclick: done() },
        strings.dismiss));
    }
    const notice = h(
      'div',
      { class: alarm ? 'notice alarm' : 'notice', role: alarm ? 'alert' : 'status' },
      h('p', {}, text),
      h('div', { class: 'row' }, ...buttons),
    );
    const old = this.#shown.get(topic);
    if (old) old.replaceWith(notice);
    else this.node.append(notice);
    this.#shown.set(topic, notice);
    show(this.node, true);
  }

  clear(...topics: Topic[]): void {
    for (const topic of topics) {
      this.#shown.get(topic)?.remove();
      this.#shown.delete(topic);
    }
    show(this.node, this.#shown.size > 0);
  }
}
