/** The controls of a <kiln-trainer>, in the author's order: buttons, and options of the library. */

import type { OptionInfo, RunState } from '../../bindings/types.js';
import { makeControl, makeLabel, type Control } from '../controls.js';
import { h } from '../dom.js';
import { showState, steadyButton } from '../run-controls.js';
import { bodyWords } from '../strings-body.js';
import { viewStrings as strings } from '../strings-views.js';

export const BUTTONS = ['start', 'pause', 'step', 'reset', 'save', 'load', 'evaluate'] as const;
export type ButtonName = (typeof BUTTONS)[number];

const TEXTS: Record<ButtonName, string> = {
  start: strings.run.start,
  pause: strings.run.pause,
  step: strings.run.step,
  reset: strings.run.reset,
  save: bodyWords.save,
  load: bodyWords.pick,
  evaluate: bodyWords.evaluate,
};

interface Acts {
  press(name: ButtonName): void;
  choose(name: string, value: string): void;
}

interface Field {
  control: Control;
  node: HTMLElement;
}

export class ControlRow {
  readonly node = h('div', { class: 'controls', part: 'controls', role: 'group',
    'aria-label': strings.run.label });
  readonly #acts: Acts;
  readonly #buttons = new Map<ButtonName, HTMLButtonElement>();
  readonly #fields = new Map<string, Field>();

  constructor(acts: Acts) {
    this.#acts = acts;
  }

  /** What is wrong with what stands in the fields. */
  get problem(): string | null {
    return [...this.#fields.values()].map(({ control }) => control.problem).find(Boolean) ?? null;
  }

  /** Makes the named ones; says which names are none. Start brings its Pause along. */
  lay(names: readonly string[], table: readonly OptionInfo[]): string[] {
    this.#buttons.clear();
    this.#fields.clear();
    const all = names.includes('pause') ? names
      : names.flatMap((name) => (name === 'start' ? ['start', 'pause'] : [name]));
    const unknown: string[] = [];
    const nodes = all.flatMap((name) => {
      const info = table.find((row) => row.name === name);
      if (isButton(name)) return [this.#button(name)];
      if (info) return [this.#field(info)];
      unknown.push(name);
      return [];
    });
    this.node.replaceChildren(...nodes);
    return unknown;
  }

  /** What the buttons can do now; Start says whether it goes on. */
  update(state: RunState, step: number): void {
    showState(this.#buttons, state, step);
  }

  /** The values in use or chosen, and which of them wait for a reset. */
  show(values: Readonly<Record<string, string>>, waiting: ReadonlySet<string>): void {
    for (const [name, { control, node }] of this.#fields) {
      const value = values[name];
      if (value !== undefined && value !== control.value) control.value = value;
      node.classList.toggle('waiting', waiting.has(name));
    }
  }

  #button(name: ButtonName): HTMLElement {
    const button = steadyButton(TEXTS[name], () => this.#acts.press(name), {
      name, part: `button ${name}`, class: name === 'start' ? 'main' : '' });
    this.#buttons.set(name, button);
    return button;
  }

  #field(info: OptionInfo): HTMLElement {
    const title = strings.options.labels[info.name] ?? info.name;
    const control = makeControl(info, title, () => this.#acts.choose(info.name, control.value));
    control.value = info.default;
    const node = h('div', { class: `option ${info.type}`, part: `option ${info.name}` },
      makeLabel(info, title, control).node, control.node);
    this.#fields.set(info.name, { control, node });
    return node;
  }
}

function isButton(name: string): name is ButtonName {
  return (BUTTONS as readonly string[]).includes(name);
}
