/** Native inputs for one option of the library's table, with its value as text. */

import type { OptionInfo } from '../bindings/types.js';
import { h, setText } from './dom.js';
import { COUNTED, firstOf, LOGARITHMIC, nextNumber } from './number-steps.js';
import { viewStrings as strings } from './strings-views.js';

export interface Control {
  node: HTMLElement;
  /** Id of the input a label belongs to; null for a group, which is labelled by `${name}-title`. */
  label: string | null;
  value: string;
  /** What is wrong with what stands in it, where `value` is the one before; else empty. */
  readonly problem: string;
}

const SLIDER_STEPS = 100;

/** The name of an option above its control, and what says that its value waits for a reset. */
export function makeLabel(
  info: OptionInfo, title: string, control: Control): { node: HTMLElement; badge: HTMLElement } {
  const label = control.label ? h('label', { for: control.label }, title)
    : h('span', { id: `${info.name}-title` }, title);
  const badge = h('span', { class: 'badge' }, strings.options.atReset);
  return { node: h('div', { class: 'name' }, label, ' ', badge), badge };
}

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

/** A control whose value is that of one input, which can hold nothing wrong. */
function simple(input: HTMLInputElement | HTMLSelectElement): Control {
  return {
    node: input,
    label: input.id,
    problem: '',
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
    problem: '',
    get value() {
      return input.checked ? '1' : '0';
    },
    set value(value: string) {
      input.checked = value === '1' || value === 'true';
    },
  };
}

/**
 * A number field; what is not a number within the range is refused with a sentence. Numbers that
 * are counted have the browser's steps of one; others a text field, whose arrow keys go by factors.
 */
function number(info: OptionInfo, title: string, changed: () => void): Control {
  const { max = Infinity } = info;
  const blank = strings.options.blank[info.name]; // said instead of a default that is no amount
  const min = blank === undefined ? (info.min ?? -Infinity) : Math.max(0, info.min ?? 0);
  const whole = info.type === 'int', counted = whole || COUNTED.includes(info.name);
  let valid = info.default;
  let wrong = '';
  const problem = h('span', { class: 'problem', role: 'alert' });
  const input = h('input', {
    id: info.name,
    ...(counted
      ? { type: 'number', step: whole ? '1' : 'any', min, max }
      : { type: 'text', autocomplete: 'off' }),
    inputmode: whole ? 'numeric' : 'decimal',
    placeholder: blank,
    onchange: settle,
    onkeydown: (event: KeyboardEvent) => {
      if (!counted && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) step(event);
    },
  });

  function settle(): void {
    const text = input.value.trim().replace(',', '.');
    const empty = text === '' && !input.validity.badInput;
    const amount = Number(text);
    const ok = empty
      ? blank !== undefined
      : text !== '' && amount >= min && amount <= max && (!whole || Number.isInteger(amount));
    complain(ok ? '' : strings.options.range(title, String(min), String(max)));
    if (!ok) return;
    valid = empty ? info.default : text;
    changed();
  }

  function step(event: KeyboardEvent): void {
    event.preventDefault();
    const text = input.value.trim();
    const next = nextNumber(
      text === '' ? NaN : Number(text),
      event.key === 'ArrowUp' ? 'up' : 'down',
      { min, max, first: firstOf(info.name) },
    );
    if (next === null) return;
    input.value = String(next);
    settle();
  }

  function complain(text: string): void {
    wrong = text;
    setText(problem, text);
    if (text === '') input.removeAttribute('aria-invalid');
    else input.setAttribute('aria-invalid', 'true');
  }

  return {
    node: h('div', { class: 'number' }, input, problem),
    label: input.id,
    get problem() {
      return wrong;
    },
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
    get problem() {
      return field.problem;
    },
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
