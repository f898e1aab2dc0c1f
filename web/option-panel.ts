/**
 * The controls of training, made from the library's own table of options. Tells `kiln-option` with
 * { name, live }; values are text, as the library takes them.
 */

import css from './styles/option-panel.css?inline';
import type { OptionInfo } from '../bindings/types.js';
import { augmentControl } from './augment-control.js';
import { makeControl, makeLabel, type Control } from './controls.js';
import { explainer, h, show } from './dom.js';
import { ELSEWHERE, FIRST_OPTIONS } from './option-order.js';
import { strings } from './strings.js';
import type { LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.options;

interface Row {
  info: OptionInfo;
  control: Control;
  node: HTMLElement;
  /** Says that the value waits for the reset. */
  badge: HTMLElement;
  help: HTMLElement;
}

export class OptionPanel extends View {
  readonly #first = h('div', { class: 'options' });
  readonly #more = h('div', { class: 'options' });
  readonly #helps = h('div', { class: 'title' });
  #rows = new Map<string, Row>();
  #wanted: Record<string, string> = {};
  #ready: Promise<void> = Promise.resolve();

  constructor() {
    super(css);
  }

  /** All values as text, by name. */
  get values(): Record<string, string> {
    return Object.fromEntries([...this.#rows].map(([name, row]) => [name, row.control.value]));
  }

  /** Sets the named ones, leaves the others. */
  set values(values: Record<string, string>) {
    this.#wanted = { ...this.#wanted, ...values };
    for (const [name, value] of Object.entries(values)) {
      const row = this.#rows.get(name);
      if (row && row.control.value !== value) row.control.value = value;
    }
    this.#relevance();
  }

  /**
   * Sets the named ones but for controls that no longer show what they did: what was chosen since
   * is kept, and its change comes next.
   */
  follow(values: Record<string, string>, shown: Readonly<Record<string, string>>): void {
    const now = this.values;
    this.values = Object.fromEntries(
      Object.entries(values).filter(([name]) => now[name] === shown[name]),
    );
  }

  /** What is wrong with what stands in the fields, a sentence each. */
  get problems(): string[] {
    return [...this.#rows.values()].map(({ control }) => control.problem).filter(Boolean);
  }

  /** The table of options, once the controls are there. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  get table(): OptionInfo[] {
    return [...this.#rows.values()].map(({ info }) => info);
  }

  /** Marks the options whose values wait for a reset. */
  set waiting(names: ReadonlySet<string>) {
    for (const [name, { badge }] of this.#rows) badge.classList.toggle('waiting', names.has(name));
  }

  protected override build(): void {
    this.root.append(
      this.#helps,
      this.#first,
      h('details', {}, h('summary', {}, words.more), this.#more),
      h('p', { class: 'note' }, words.live),
    );
  }

  protected override attach(trainer: LiveTrainer): void {
    this.#ready = trainer.optionTable().then((table) => this.#fill(table));
    void this.attempt(() => this.#ready);
  }

  #fill(table: OptionInfo[]): void {
    this.#rows = new Map();
    for (const info of table) {
      if (!ELSEWHERE.includes(info.name)) this.#rows.set(info.name, this.#row(info));
    }
    const first = FIRST_OPTIONS.flatMap((name) => this.#rows.get(name) ?? []);
    const rest = [...this.#rows.values()].filter(({ info }) => !FIRST_OPTIONS.includes(info.name));
    const helps = [...this.#rows.values()].map(({ help }) => help);
    this.#helps.replaceChildren(h('h2', {}, words.title), explainer(words.explain, ...helps));
    this.#first.replaceChildren(...first.map(({ node }) => node));
    this.#more.replaceChildren(...rest.map(({ node }) => node));
    this.values = this.#wanted;
  }

  #row(info: OptionInfo): Row {
    const title = words.labels[info.name] ?? info.name;
    const control = (info.name === 'augment' ? augmentControl : makeControl)(info, title, () => {
      this.#relevance();
      this.tell('kiln-option', { name: info.name, live: info.live });
    });
    control.value = info.default;
    const { node: name, badge } = makeLabel(info, title, control);
    badge.classList.toggle('live', info.live);
    const text = words.helps[info.name] ?? words.help(info.help);
    const help = h('p', { class: 'note', id: `${info.name}-help` }, text);
    const node = h(
      'div',
      { class: `option ${info.type}` },
      name,
      control.node,
      help,
    );
    const described = control.node.querySelector('[id],[role=group]') ?? control.node;
    described.setAttribute('aria-describedby', help.id);
    return { info, control, node, badge, help };
  }

  #relevance(): void {
    for (const { info, node } of this.#rows.values()) {
      const deciders = Object.entries(info.usedBy ?? {});
      const used = deciders.every(([other, values]) => {
        const decider = this.#rows.get(other);
        return !decider || values.includes(decider.control.value);
      });
      show(node, used);
    }
  }
}
