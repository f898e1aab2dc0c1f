/**
 * Which classes are taken for which: a table of counts, evaluated at the end of each epoch or when
 * asked.
 */

import css from './styles/confusion.css?inline';
import type { Evaluation } from '../bindings/types.js';
import { h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { count } from './format.js';
import { Poller } from './poll.js';
import { strings } from './strings.js';
import type { LiveTrainer, Split } from './live-trainer.js';
import { View } from './view.js';

const words = strings.confusion;
const EVERY = 2000; // milliseconds

export class ConfusionView extends View {
  readonly #split = h(
    'select',
    { id: 'split', onchange: () => this.#ask() },
    ...Object.entries(words.splits).map(([value, text]) => h('option', { value }, text)),
  );
  readonly #button = h('button', { type: 'button', onclick: () => this.#ask() }, words.evaluate);
  readonly #table = h('table');
  readonly #summary = h('p', { class: 'note' }, words.empty);
  readonly #poller = new Poller(
    () => this.#evaluate(),
    () => this.trainer !== null,
    (error) => this.tell('kiln-problem', error),
    EVERY,
  );
  #cells: HTMLTableCellElement[] = [];
  #recalls: HTMLTableCellElement[] = [];
  #madeFor = '';
  #stale = false;

  constructor() {
    super(css);
  }

  protected override build(): void {
    show(this.#table, false);
    this.root.append(
      h(
        'figure',
        {},
        h(
          'div',
          { class: 'row head' },
          h('h2', {}, words.title),
          h('label', { for: 'split', class: 'unseen' }, words.split),
          this.#split,
          this.#button,
        ),
        this.#summary,
        this.#table,
        h('figcaption', {}, words.caption),
      ),
    );
  }

  protected override attach(trainer: LiveTrainer): void {
    this.on('epoch', () => {
      this.#stale = true;
      if (this.visible) this.#poller.poke();
    });
    this.onRun(() => this.#clear());
    this.onRun(() => this.#offer(trainer));
    this.#offer(trainer);
    this.on('state', ({ state }) => {
      if (state === 'done' && this.visible) this.#poller.now();
    });
    this.#clear();
  }

  protected override appeared(): void {
    if (this.#stale) this.#poller.now();
  }

  /** Splits without images cannot be chosen. */
  #offer({ dataset }: LiveTrainer): void {
    const options = [...this.#split.options];
    for (const option of options) option.disabled = dataset[option.value as Split] === 0;
    if (this.#split.selectedOptions[0]?.disabled) {
      this.#split.value = options.find(({ disabled }) => !disabled)?.value ?? '';
    }
  }

  #clear(): void {
    this.#stale = false;
    draw(this, () => {
      show(this.#table, false);
      setText(this.#summary, words.empty);
    });
  }

  #ask(): void {
    setText(this.#summary, words.working);
    this.#poller.now();
  }

  async #evaluate(): Promise<void> {
    const trainer = this.trainer!;
    this.#stale = false;
    if (this.#split.value === '') return;
    if (this.#table.hidden) setText(this.#summary, words.working);
    const found = await trainer.evaluate(this.#split.value as Split, { signal: this.signal });
    draw(this, () => this.#show(found, trainer.dataset.classes));
  }

  #show({ split, count: total, correct, confusion }: Evaluation, classes: string[]): void {
    this.#prepare(classes, split);
    show(this.#table, true);
    setText(this.#summary, words.summary(correct, total));
    classes.forEach((_, row) =>
      draw(this.#recalls[row]!, () => this.#fillRow(confusion, row, classes)),
    );
  }

  #fillRow(confusion: Int32Array, row: number, classes: string[]): void {
    const n = classes.length;
    const sum = confusion.subarray(row * n, (row + 1) * n).reduce((a, b) => a + b, 0);
    for (let column = 0; column < n; column++) {
      const value = confusion[row * n + column]!;
      const cell = this.#cells[row * n + column]!;
      const share = sum ? value / sum : 0;
      setText(cell, value === 0 ? '·' : count(value));
      cell.title = words.cell(classes[row]!, classes[column]!, value);
      cell.style.setProperty('--tint', `${Math.round(tint(share, row === column))}%`);
    }
    setText(this.#recalls[row]!, sum ? count((100 * confusion[row * n + row]!) / sum) : '–');
  }

  #prepare(classes: string[], split: string): void {
    const key = `${split} ${classes.join()}`;
    if (key === this.#madeFor) return;
    this.#madeFor = key;
    this.#cells = classes.flatMap(() => classes.map(() => h('td')));
    this.#recalls = classes.map(() => h('td', { class: 'recall' }));
    const n = classes.length;
    this.#table.replaceChildren(
      h('caption', { class: 'unseen' }, words.table(words.splits[split] ?? split)),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, h('span', { class: 'unseen' }, words.truth)),
          ...classes.map((name) => h('th', { scope: 'col' }, h('span', { class: 'up' }, name))),
          h('th', { scope: 'col' }, h('span', { class: 'up' }, words.recall)),
        ),
      ),
      h(
        'tbody',
        {},
        ...classes.map((name, row) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, name),
            ...this.#cells.slice(row * n, (row + 1) * n),
            this.#recalls[row]!,
          ),
        ),
      ),
    );
    classes.forEach((_, i) => this.#cells[i * n + i]!.classList.add('right'));
  }
}

/**
 * Percent of the tint of a cell: mistakes are fewer and shall be seen; text stays legible on all.
 */
function tint(share: number, right: boolean): number {
  return right ? 35 * share : Math.min(40, 80 * share);
}
