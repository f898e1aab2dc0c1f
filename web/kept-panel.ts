/**
 * What this browser keeps: the present run, runs of other tabs and of tabs that are gone, the data
 * set; with size and age, to be removed. What is done with it goes to who keeps it (kept-desk.ts).
 */

import css from './styles/kept-panel.css?inline';
import { h, setText, show } from './dom.js';
import { MOST_BYTES, MOST_RUNS, type ListedRun } from './run-store.js';
import { keptWords as words } from './strings-kept.js';
import { strings } from './strings.js';
import { View } from './view.js';
import type { StoredDataset } from '../bindings/types.js';

export interface KeptActs {
  open(run: ListedRun): void;
  remove(run: ListedRun): void;
  removeData(): void;
  removeAll(): void;
  save(): void;
}

interface Item {
  text: string;
  size: number;
  /** Null where this page may not. */
  remove: (() => void) | null;
  open: (() => void) | null;
}

export class KeptPanel extends View {
  readonly #status = h('p', { class: 'note' }, words.notYet);
  readonly #save = h('button', { type: 'button', hidden: true,
    onclick: () => this.#acts?.save() }, words.save);
  readonly #summary = h('summary', {}, words.list(0, 0));
  readonly #items = h('ul');
  readonly #all = h('button', { type: 'button', hidden: true,
    onclick: () => this.#acts?.removeAll() }, words.clearAll);
  readonly #said = h('p', { class: 'note', role: 'status' });
  #acts: KeptActs | null = null;

  constructor() {
    super(css);
  }

  set acts(acts: KeptActs) {
    this.#acts = acts;
  }

  protected override build(): void {
    this.root.append(
      h('h2', {}, words.title),
      this.#status,
      this.#save,
      h('details', {}, this.#summary, this.#items, this.#all, this.#said,
        h('p', { class: 'note' }, words.bounds(MOST_RUNS, MOST_BYTES))),
    );
  }

  /** How it stands with the present run; `wrong`: it is not kept, and may want a file. */
  present(text: string, wrong: boolean): void {
    setText(this.#status, text);
    show(this.#save, wrong);
  }

  /** Says what was removed. */
  say(text: string): void {
    setText(this.#said, text);
  }

  /** `place` is the page's: what is kept for it can be gone on with. */
  list(runs: readonly ListedRun[], data: StoredDataset | null, place: string): void {
    const items = runs.map((run) => this.#itemOf(run, place));
    if (data) {
      const { name, bytes, savedAt } = data;
      items.push({ size: bytes, text: words.data(strings.data.names[name] ?? name, bytes, savedAt),
        open: null, remove: () => this.#acts?.removeData() });
    }
    setText(this.#summary, words.list(items.length, items.reduce((sum, one) => sum + one.size, 0)));
    show(this.#all, items.some(({ remove }) => remove));
    this.#items.replaceChildren(...items.map(rowOf));
  }

  #itemOf(run: ListedRun, place: string): Item {
    const whose = run.owner === null ? '' : ` ${words[run.owner]}`;
    const opens = run.owner === null && !run.foreign && run.place === place;
    return {
      size: run.size,
      text: (run.foreign ? words.foreignRow(run) : words.row(run)) + whose,
      open: opens ? () => this.#acts?.open(run) : null,
      remove: run.owner === 'other' ? null : () => this.#acts?.remove(run),
    };
  }
}

function rowOf({ text, open, remove }: Item): HTMLElement {
  const button = (name: string, of: string, act: (() => void) | null): HTMLElement | null => act &&
    h('button', { type: 'button', class: 'plain', 'aria-label': of, onclick: act }, name);
  return h('li', {}, h('span', {}, text), ' ', button(words.open, words.openOf(text), open), ' ',
    button(words.clear, words.clearOf(text), remove));
}
