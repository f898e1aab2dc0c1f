/** The augmentations as boxes, with a size where one is meant: "none", or "flip,crop4,cutout8". */

import type { OptionInfo } from '../bindings/types.js';
import type { Control } from './controls.js';
import { h, setText } from './dom.js';
import { viewStrings as strings } from './strings-views.js';

const words = strings.options;

/** The sizes that are offered first, where a word has one. */
const OFFERED: Record<string, number> = { crop: 4, brightness: 14, contrast: 13, cutout: 8 };

type Word = NonNullable<OptionInfo['words']>[number];

interface Part {
  name: string;
  /** The word without which this one says nothing. */
  needs: string | undefined;
  box: HTMLInputElement;
  /** How the number is called. */
  called: string;
  amount: HTMLInputElement | null;
  node: HTMLElement;
}

function part({ name, min, max, unit = '', needs }: Word, settle: () => void): Part {
  const title = words.labels[name] ?? name;
  const box = h('input', { type: 'checkbox', id: `augment-${name}`, onchange: settle });
  const called = words.sized(title, unit);
  const amount =
    max === undefined
      ? null
      : h('input', {
          type: 'number',
          min,
          max,
          step: '1',
          value: OFFERED[name] ?? min,
          onchange: settle,
          'aria-label': called,
        });
  const node = h('div', { class: 'augment' }, box, h('label', { for: box.id }, title), amount);
  return { name, called, needs, box, amount, node };
}

export function augmentControl(info: OptionInfo, _title: string, changed: () => void): Control {
  const problem = h('span', { class: 'problem', role: 'alert' });
  const parts = (info.words ?? []).map((word) => part(word, settle));
  let valid = info.default;
  let wrong = '';

  function settle(): void {
    const bad = parts.find(({ box, amount }) => box.checked && amount && !usable(amount));
    wrong = bad ? words.range(bad.called, bad.amount!.min, bad.amount!.max) : '';
    setText(problem, wrong);
    if (bad) return;
    valid = list();
    changed();
  }

  function list(): string {
    const chosen = parts.filter(({ box }) => box.checked);
    const has = (name: string): boolean => chosen.some((one) => one.name === name);
    return (
      chosen
        .filter(({ needs }) => needs === undefined || has(needs))
        .map(({ name, amount }) => `${name}${amount?.value ?? ''}`)
        .join(',') || info.default
    );
  }

  return {
    node: h(
      'div',
      { role: 'group', 'aria-labelledby': `${info.name}-title` },
      ...parts.map(({ node }) => node),
      problem,
    ),
    label: null,
    get problem() {
      return wrong;
    },
    get value() {
      return valid;
    },
    set value(value: string) {
      const given = value.split(',').map((word) => word.trim());
      for (const { name, box, amount } of parts) {
        const found = given.find((word) => word.startsWith(name));
        box.checked = found !== undefined;
        if (amount && found) amount.value = found.slice(name.length) || amount.defaultValue;
      }
      valid = list();
      wrong = '';
      setText(problem, '');
    },
  };
}

function usable(amount: HTMLInputElement): boolean {
  return amount.value !== '' && amount.checkValidity();
}
