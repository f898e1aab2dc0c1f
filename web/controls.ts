/** Native inputs for one option of the library's table, with its value as text. */

import type { OptionInfo } from '../bindings/types.js';
import { h, setText } from './dom.js';
import { strings } from './strings.js';

export interface Control {
  node: HTMLElement;
  /** Id of the input a label belongs to; null for a group, which is labelled by `${name}-title`. */
  label: string | null;
  value: string;
}

/** The stretch of the logarithmic sliders; a number outside it can still be typed. */
const LOGARITHMIC: Record<string, { low: number; high: number; zero: boolean }> = {
  lr: { low: 1e-5, high: 1, zero: false },
  reg: { low: 1e-6, high: 1, zero: true },
};
const SLIDER_STEPS = 100;

export function makeControl(info: OptionInfo, title: string, changed: () => void): Control {
  switch (info.type) {
    case 'choice':
      return choice(info, changed);
    case 'flag':
      return flag(info, changed);
    case 'text':
      return text(info, changed);
    case 'int':
    case 'float':
      return LOGARITHMIC[info.name] ? slider(info, title, changed) : number(info, title, changed);
  }
}

/** A control whose value is that of one input. */
function simple(input: HTMLInputElement | HTMLSelectElement): Control {
  return {
    node: input,
    label: input.id,
    get value() {
      return input.value;
    },
    set value(value: string) {
      input.value = value;
    },
  };
}

function choice(info: OptionInfo, changed: () => void): Control {
  const choices = info.choices ?? [];
  return simple(
    h(
      'select',
      { id: info.name, onchange: changed },
      ...choices.map((name) => h('option', { value: name }, name)),
    ),
  );
}

function text(info: OptionInfo, changed: () => void): Control {
  return simple(
    h('input', { id: info.name, type: 'text', spellcheck: 'false', onchange: changed }),
  );
}

function flag(info: OptionInfo, changed: () => void): Control {
  const input = h('input', { id: info.name, type: 'checkbox', onchange: changed });
  return {
    node: input,
    label: input.id,
    get value() {
      return input.checked ? '1' : '0';
    },
    set value(value: string) {
      input.checked = value === '1' || value === 'true';
    },
  };
}

/** A number field; what is not a number within the range is refused with a sentence. */
function number(info: OptionInfo, title: string, changed: () => void): Control {
  const { min, max } = info;
  const blank = strings.options.blank[info.name]; // said instead of a default that is no amount
  let valid = info.default;
  const problem = h('span', { class: 'problem', role: 'alert' });
  const input = h('input', {
    id: info.name,
    type: 'number',
    step: info.type === 'int' ? '1' : 'any',
    min,
    max,
    inputmode: 'decimal',
    placeholder: blank,
    onchange: () => {
      const empty = input.value.trim() === '' && !input.validity.badInput;
      const ok = empty ? blank !== undefined : input.checkValidity();
      complain(ok ? '' : strings.options.range(title, String(min ?? ''), String(max ?? '')));
      if (!ok) return;
      valid = empty ? info.default : input.value;
      changed();
    },
  });

  function complain(text: string): void {
    setText(problem, text);
    if (text === '') input.removeAttribute('aria-invalid');
    else input.setAttribute('aria-invalid', 'true');
  }

  return {
    node: h('div', { class: 'number' }, input, problem),
    label: input.id,
    get value() {
      return valid;
    },
    set value(value: string) {
      valid = value;
      input.value = blank !== undefined && Number(value) < 0 ? '' : value;
      complain('');
    },
  };
}

/**
 * A number field with a logarithmic slider beside it; where zero makes sense it is the slider's
 * left end.
 */
function slider(info: OptionInfo, title: string, changed: () => void): Control {
  const { low, high, zero } = LOGARITHMIC[info.name]!;
  const field = number(info, title, () => {
    range.value = String(position(Number(field.value)));
    changed();
  });
  const range = h('input', {
    type: 'range',
    min: '0',
    max: String(SLIDER_STEPS),
    step: '1',
    'aria-label': strings.options.logarithmic(title),
    oninput: () => {
      field.value = amount(Number(range.value));
      range.setAttribute('aria-valuetext', field.value);
      changed();
    },
  });

  function amount(at: number): string {
    if (zero && at === 0) return '0';
    return String(Number((low * (high / low) ** (at / SLIDER_STEPS)).toPrecision(2)));
  }

  function position(value: number): number {
    if (!(value > low)) return 0;
    return Math.min(
      SLIDER_STEPS,
      Math.round((SLIDER_STEPS * Math.log(value / low)) / Math.log(high / low)),
    );
  }

  return {
    node: h('div', { class: 'slider' }, range, field.node),
    label: field.label,
    get value() {
      return field.value;
    },
    set value(value: string) {
      field.value = value;
      range.value = String(position(Number(value)));
      range.setAttribute('aria-valuetext', value);
    },
  };
}

const AUGMENTATIONS = [
  { name: 'flip', size: null },
  { name: 'crop', size: 4 },
  { name: 'cutout', size: 8 },
] as const;

/** "none" or a list such as "flip,crop4,cutout8" as boxes, with a size where one is meant. */
export function augmentControl(info: OptionInfo, _title: string, changed: () => void): Control {
  const parts = AUGMENTATIONS.map(({ name, size }) => {
    const box = h('input', { type: 'checkbox', id: `augment-${name}`, onchange: changed });
    const title = strings.options.labels[name] ?? name;
    const pixels =
      size === null
        ? null
        : h('input', {
            type: 'number',
            min: '1',
            max: '16',
            step: '1',
            value: String(size),
            onchange: changed,
            'aria-label': strings.options.pixels(title),
          });
    const node = h('div', { class: 'augment' }, box, h('label', { for: box.id }, title), pixels);
    return { name, box, pixels, node };
  });
  let others: string[] = [];
  return {
    node: h(
      'div',
      { role: 'group', 'aria-labelledby': `${info.name}-title` },
      ...parts.map(({ node }) => node),
    ),
    label: null,
    get value() {
      const list = parts
        .filter(({ box }) => box.checked)
        .map(({ name, pixels }) => `${name}${pixels ? pixels.value || pixels.defaultValue : ''}`);
      return [...list, ...others].join(',') || 'none';
    },
    set value(value: string) {
      const list = value
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word && word !== 'none');
      for (const part of parts) {
        const found = list.find((word) => word.startsWith(part.name));
        part.box.checked = found !== undefined;
        const size = found?.slice(part.name.length);
        if (part.pixels && size) part.pixels.value = size;
      }
      others = list.filter((word) => !parts.some(({ name }) => word.startsWith(name)));
    },
  };
}
