/**
 * Which classes are taken for which: a table of counts, evaluated at the end of each epoch or when
 * asked.
 */

import css from './styles/confusion.css?inline';
import type { Evaluation } from '../bindings/types.js';
import { h, setText, show } from './dom.js';
import { draw, undraw } from './draw.js';
import { count } from './format.js';
import { Poller } from './poll.js';
import { viewStrings as strings } from './strings-views.js';
import type { LiveTrainer, Split } from './live-trainer.js';
import { View } from './view.js';

const words = strings.confusion;
const EVERY = 2000; // milliseconds
const CLASSES_SHOWN = 30;

/** Where each key goes in the table: rows, columns. */
const MOVES: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export class ConfusionView extends View {
  readonly #split = h(
    'select',
    { id: 'split', onchange: () => this.#ask() },
    ...Object.entries(words.splits).map(([value, text]) => h('option', { value }, text)),
  );
  readonly #button = h('button', { type: 'button', onclick: () => this.#ask() }, words.evaluate);
  readonly #table = h('table', {
    onkeydown: (event: KeyboardEvent) => this.#press(event),
    onfocusin: (event: Event) => this.#choose(event.target),
    onclick: (event: Event) => this.#choose(event.target),
    onpointerover: (event: Event) => this.#tellOf(event.target),
    onpointerleave: () => this.#say(),
  });
  /** The chosen cell in words; those who hear the table have its heads with each cell. */
  readonly #here = h('p', { class: 'note here', 'aria-hidden': 'true' });
  readonly #summary = h('p', { class: 'note' }, words.empty);
  readonly #look = h('button', { type: 'button', class: 'plain' }, words.look);
  readonly #poller = new Poller(
    () => this.#evaluate(),
    () => this.trainer !== null,
    (error) => {
      this.#asked = false;
      this.#clear();
      this.failed(error);
    },
    EVERY,
  );
  #cells: HTMLTableCellElement[] = [];
  #recalls: HTMLTableCellElement[] = [];
  #said: string[] = [];
  #chosen = 0;
  #madeFor = '';
  /** Numbers of the classes that are shown. */
  #picked: number[] = [];
  #shown: Split = 'validation';
  #stale = false;
  /** Whether somebody shows the images of a cell: `kiln-cell` is told when they are wanted. */
  looks = false;
  /** Somebody pressed the button and has not seen an answer yet. */
  #asked = false;
  /** The rows still have numbers of an earlier evaluation. */
  #filling = false;
  /** The images of the chosen cell were asked for, and wait for the table. */
  #wanted = false;
  /** Images by cell. */
  #counts: number[] = [];

  constructor() {
    super(css);
  }

  protected override build(): void {
    this.upgradeProperty('looks');
    this.#look.addEventListener('click', () => this.#tellCell());
    this.#showTable(false);
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
        this.#here,
        this.#look,
        h('figcaption', {}, words.caption),
      ),
    );
  }

  protected override attach(trainer: LiveTrainer): void {
    this.on('epoch', () => {
      this.#stale = true;
      if (this.visible) this.#poller.poke();
    });
    this.onRun(() => this.#begin(trainer));
    this.on('state', ({ state }) => {
      if (state === 'done' && this.visible) this.#poller.now();
    });
    this.#begin(trainer);
  }

  /** Another run: what was asked of the one before, and not answered, is asked of this one. */
  #begin(trainer: LiveTrainer): void {
    this.#clear();
    this.#offer(trainer);
    if (this.#asked) this.#poller.now();
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
    this.#stale = this.#filling = this.#wanted = false;
    undraw(this.#look);
    draw(this, () => {
      this.#showTable(false);
      setText(this.#summary, this.#asked ? words.working : words.empty);
    });
  }

  #ask(): void {
    this.#asked = true;
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
    this.#asked = false;
    this.#filling = true;
    const picked = hardest(confusion, classes.length);
    this.#picked = picked;
    this.#shown = split;
    const shown = picked.map((k) => classes[k]!);
    this.#prepare(shown, split);
    this.#showTable(true);
    const left = classes.length - shown.length;
    setText(this.#summary, words.summary(correct, total) + (left > 0 ? words.left(left) : ''));
    const n = classes.length;
    const counts = picked.flatMap((r) => picked.map((c) => confusion[r * n + c]!));
    this.#counts = counts;
    picked.forEach((k, row) => {
      const sum = confusion.subarray(k * n, (k + 1) * n).reduce((a, b) => a + b, 0);
      draw(this.#recalls[row]!, () => this.#fillRow(counts, row, shown, sum));
    });
    undraw(this.#look); // after the rows, also where it waited before them
    draw(this.#look, () => this.#filled());
  }

  #filled(): void {
    this.#filling = false;
    if (this.#wanted) this.#tellCell();
  }

  /** `sum`: images of the class, also those taken for classes that are not shown. */
  #fillRow(confusion: readonly number[], row: number, classes: string[], sum: number): void {
    const n = classes.length;
    for (let column = 0; column < n; column++) {
      const value = confusion[row * n + column]!;
      const cell = this.#cells[row * n + column]!;
      const share = sum ? value / sum : 0;
      setText(cell, value === 0 ? '·' : count(value));
      this.#said[row * n + column] = words.cell(classes[row]!, classes[column]!, value, share);
      cell.style.setProperty('--tint', `${Math.round(tint(share, row === column))}%`);
    }
    setText(this.#recalls[row]!, sum ? count((100 * confusion[row * n + row]!) / sum) : '–');
    this.#say();
  }

  #showTable(shown: boolean): void {
    for (const node of [this.#table, this.#here]) show(node, shown);
    show(this.#look, shown && this.looks);
  }

  /** What is pressed while the table is not yet what the net says waits for it. */
  #tellCell(): void {
    this.#wanted = this.#asked || this.#filling;
    if (this.#wanted) return;
    const n = this.#picked.length;
    const [truth, said] = [Math.floor(this.#chosen / n), this.#chosen % n];
    this.tell('kiln-cell', {
      split: this.#shown,
      truth: this.#picked[truth],
      said: this.#picked[said],
      count: this.#counts[this.#chosen],
    });
  }

  #say(): void {
    setText(this.#here, (this.#cells[this.#chosen] && this.#said[this.#chosen]) || words.hint);
  }

  /** A pointer on its way over the table chooses nothing. */
  #tellOf(target: EventTarget | null): void {
    const said = this.#said[this.#cells.indexOf(target as HTMLTableCellElement)];
    if (said) setText(this.#here, said);
  }

  /** One cell at a time is within reach of the Tab key; the arrow keys go on from it. */
  #choose(target: EventTarget | null): void {
    const chosen = this.#cells.indexOf(target as HTMLTableCellElement);
    if (chosen < 0) return;
    this.#cells[this.#chosen]?.classList.remove('chosen');
    this.#cells[this.#chosen]!.tabIndex = -1;
    this.#chosen = chosen;
    this.#cells[chosen]!.classList.add('chosen');
    this.#cells[chosen]!.tabIndex = 0;
    this.#say();
  }

  #press(event: KeyboardEvent): void {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const n = this.#recalls.length;
    const [row, column] = [Math.floor(this.#chosen / n) + move[0], (this.#chosen % n) + move[1]];
    if (row >= 0 && row < n && column >= 0 && column < n) this.#cells[row * n + column]!.focus();
  }

  #prepare(classes: string[], split: string): void {
    const key = `${split} ${classes.join()}`;
    if (key === this.#madeFor) return;
    this.#madeFor = key;
    this.#cells = classes.flatMap(() => classes.map(() => h('td', { tabindex: '-1' })));
    this.#said = [];
    this.#chosen = 0;
    this.#cells[0]!.tabIndex = 0;
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

/** Of many classes, those of which the most images are taken for others, in their order. */
function hardest(confusion: Int32Array, n: number): number[] {
  const classes = Array.from({ length: n }, (_, k) => k);
  if (n <= CLASSES_SHOWN) return classes;
  const wrong = classes.map((k) =>
    confusion.subarray(k * n, (k + 1) * n).reduce((a, b) => a + b, 0) - confusion[k * n + k]!);
  return classes.sort((a, b) => wrong[b]! - wrong[a]!).slice(0, CLASSES_SHOWN)
    .sort((a, b) => a - b);
}

/**
 * Percent of the tint of a cell: mistakes are fewer and shall be seen; text stays legible on all.
 */
function tint(share: number, right: boolean): number {
  return right ? 35 * share : Math.min(40, 80 * share);
}
