/** The augmentations as boxes, with a size where one is meant: "none", or "flip,crop4,cutout8". */

import type { OptionInfo } from '../bindings/types.js';
import type { Control } from './controls.js';
import { h, setText } from './dom.js';
import { strings } from './strings.js';

const words = strings.options;

/** Names as in the list, the size that is offered, and the largest that the library takes. */
const AUGMENTATIONS = [
  { name: 'flip', size: 0, max: 0 },
  { name: 'crop', size: 4, max: 8 },
  { name: 'cutout', size: 8, max: 32 },
];

interface Part {
  name: string;
  title: string;
  box: HTMLInputElement;
  pixels: HTMLInputElement | null;
  node: HTMLElement;
}

function part({ name, size, max }: (typeof AUGMENTATIONS)[number], settle: () => void): Part {
  const title = words.labels[name] ?? name;
  const box = h('input', { type: 'checkbox', id: `augment-${name}`, onchange: settle });
  const pixels =
    size === 0
      ? null
      : h('input', {
          type: 'number',
          min: '1',
          max,
          step: '1',
          value: size,
          onchange: settle,
          'aria-label': words.pixels(title),
        });
  const node = h('div', { class: 'augment' }, box, h('label', { for: box.id }, title), pixels);
  return { name, title, box, pixels, node };
}

export function augmentControl(info: OptionInfo, _title: string, changed: () => void): Control {
  const problem = h('span', { class: 'problem', role: 'alert' });
  const parts = AUGMENTATIONS.map((one) => part(one, settle));
  let others: string[] = []; // what the list has besides
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
    const cropped = chosen.some(({ name }) => name === 'crop');
    const names = chosen.map(({ name, pixels }) => `${name}${pixels?.value ?? ''}`);
    // reflect says how crops are padded
    const kept = others.filter((word) => cropped || word !== 'reflect');
    return [...names, ...kept].join(',') || 'none';
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
      const words = value.split(',').map((word) => word.trim());
      for (const { name, box, pixels } of parts) {
        const found = words.find((word) => word.startsWith(name));
        box.checked = found !== undefined;
        if (pixels && found) pixels.value = found.slice(name.length) || pixels.defaultValue;
      }
      others = words.filter(
        (word) => word && word !== 'none' && !parts.some(({ name }) => word.startsWith(name)),
      );
      valid = list();
      wrong = '';
      setText(problem, '');
    },
  };
}

function usable(pixels: HTMLInputElement): boolean {
  return pixels.value !== '' && pixels.checkValidity();
}
