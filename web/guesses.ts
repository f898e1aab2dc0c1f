/** The likeliest classes of an image as bars: probabilities, or scores where the loss has these. */

import { h, setText } from './dom.js';
import { general, percent } from './format.js';

export interface Guess {
  /** Its number among the classes. */
  k: number;
  /** As a probability, or as the distance to the best score. */
  text: string;
  /** Of the bar's length. */
  share: number;
}

/**
 * All classes, likeliest first. What a net with a hinge loss gives are the softmax of its scores:
 * their logarithms differ as the scores do.
 */
export function guesses(probabilities: Float32Array, scores: boolean): Guess[] {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!);
  if (!scores) {
    return order.map((k) => ({
      k,
      text: percent(probabilities[k], 0),
      share: probabilities[k] ?? 0,
    }));
  }
  const below = (k: number): number => Math.log(probabilities[order[0]!]! / probabilities[k]!);
  const lowest = below(order.at(-1)!);
  return order.map((k) => ({
    k,
    text: k === order[0] ? '0' : Number.isFinite(below(k)) ? general(-below(k)) : '−∞',
    share: lowest > 0 && Number.isFinite(lowest) ? 1 - below(k) / lowest : k === order[0] ? 1 : 0,
  }));
}

export interface Bars {
  nodes: HTMLElement[];
  /** `label` is the true class, where there is one. */
  fill(found: readonly Guess[], classes: readonly string[], label?: number): void;
}

export function bars(number: number): Bars {
  const rows = Array.from({ length: number }, () => {
    const name = h('span');
    const share = h('span', { class: 'share' });
    return { row: h('span', { class: 'bar' }, name, share), name, share };
  });
  return {
    nodes: rows.map(({ row }) => row),
    fill(found, classes, label) {
      rows.forEach(({ row, name, share }, i) => {
        const guess = found[i];
        row.hidden = guess === undefined;
        if (!guess) return;
        setText(name, classes[guess.k] ?? String(guess.k));
        setText(share, guess.text);
        row.style.setProperty('--share', guess.share.toFixed(3));
        row.classList.toggle('true', guess.k === label);
      });
    },
  };
}
