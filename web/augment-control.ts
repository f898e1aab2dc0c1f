/** The augmentations as boxes, with a size where one is meant: "none", or "flip,crop4,cutout8". */

import type { OptionInfo } from '../bindings/types.js';
import type { Control } from './controls.js';
import { h, setText } from './dom.js';
import { viewStrings as strings } from './strings-views.js';

const words = strings.options;

/** The sizes that are offered first, where a word has one. */
const OFFERED: Record<string, number> = { crop: 4, cutout: 8 };

type Word = NonNullable<OptionInfo['words']>[number];

interface Part {
  name: string;
  title: string;
  /** The word without which this one says nothing. */
  needs: string | undefined;
  box: HTMLInputElement;
  pixels: HTMLInputElement | null;
  node: HTMLElement;
}

function part({ name, min, max, needs }: Word, settle: () => void): Part {
  const title = words.labels[name] ?? name;
  const box = h('input', { type: 'checkbox', id: `augment-${name}`, onchange: settle });
  const pixels =
    max === undefined
      ? null
      : h('input', {
          type: 'number',
          min,
          max,
          step: '1',
          value: OFFERED[name] ?? min,
          onchange: settle,
          'aria-label': words.pixels(title),
        });
  const node = h('div', { class: 'augment' }, box, h('label', { for: box.id }, title), pixels);
  return { name, title, needs, box, pixels, node };
}

export function augmentControl(info: OptionInfo, _title: string, changed: () => void): Control {
  const problem = h('span', { class: 'problem', role: 'alert' });
  const parts = (info.words ?? []).map((word) => part(word, settle));
  let valid = info.default;
  let wrong = '';

  function settle(): void {
    const bad = parts.find(({ box, pixels }) => box.checked && pixels && !usable(pixels));
    wrong = bad ? words.range(words.pixels(bad.title), bad.pixels!.min, bad.pixels!.max) : '';
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
        .map(({ name, pixels }) => `${name}${pixels?.value ?? ''}`)
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
      for (const { name, box, pixels } of parts) {
        const found = given.find((word) => word.startsWith(name));
        box.checked = found !== undefined;
        if (pixels && found) pixels.value = found.slice(name.length) || pixels.defaultValue;
      }
      valid = list();
      wrong = '';
      setText(problem, '');
    },
  };
}

function usable(pixels: HTMLInputElement): boolean {
  return pixels.value !== '' && pixels.checkValidity();
}
