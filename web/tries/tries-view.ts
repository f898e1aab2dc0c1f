/**
 * The table of tries: the page's own runs and logs that are opened, by validation accuracy, as
 * `kiln report` has them; each can be saved as the log that it reads.
 */

import css from '../styles/panel.css?inline';
import { define, download, h, setText, show } from '../dom.js';
import { count, epochNumber, percent } from '../format.js';
import type { LiveTrainer } from '../live-trainer.js';
import { View } from '../view.js';
import { ranked, readLog, tryOf, varied, type Try } from './run-log.js';
import { triesWords as words } from './strings-tries.js';
import { TryRecorder } from './try-recorder.js';

const SHOWN = 200; // rows
const OPTIONS_SHOWN = 24; // columns

export class TriesView extends View {
  readonly #file = h('input', {
    type: 'file',
    id: 'logs',
    class: 'unseen',
    multiple: true,
    tabindex: '-1',
    'aria-hidden': 'true',
    onchange: () => {
      const files = [...(this.#file.files ?? [])];
      this.#file.value = '';
      void this.take(files);
    },
  });
  readonly #saveAll = this.#button(words.saveAll, () => void this.attempt(() => this.#all()));
  readonly #clear = this.#button(words.clear, () => this.#forget());
  readonly #counts = h('p', { class: 'note', role: 'status' }, words.none);
  readonly #head = h('tr');
  readonly #rows = h('tbody');
  readonly #table = h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': words.table },
    h('table', {}, h('caption', { class: 'unseen' }, words.table), h('thead', {}, this.#head),
      this.#rows),
  );
  readonly #failedList = h('ul');
  readonly #failed = h('details', {}, h('summary', {}, words.failed), this.#failedList);
  #opened: Try[] = [];
  readonly #own = new Map<object, Try>();
  #runs = 0;

  constructor() {
    super(css);
  }

  protected override build(): void {
    this.root.append(
      h('h2', {}, words.title),
      h('p', { class: 'note' }, words.lead),
      h(
        'div',
        { class: 'row' },
        this.#button(words.open, () => this.#file.click()),
        this.#file,
        this.#saveAll,
        this.#clear,
      ),
      this.#counts,
      this.#table,
      this.#failed,
    );
    this.#show();
  }

  protected override attach(trainer: LiveTrainer): void {
    new TryRecorder(trainer, this.signal, (run, lines) => {
      const name = this.#own.get(run)?.name ?? words.own(++this.#runs);
      // A line that is still to come is left out.
      this.#own.set(run, tryOf(name, lines.filter((line) => line !== '')));
      this.#show();
    });
  }

  /** Reads logs; what is wrong with one stands in the table. */
  async take(files: readonly File[]): Promise<void> {
    for (const file of files) this.#opened.push(await readLog(file));
    this.#show();
    this.scrollIntoView({ block: 'nearest' });
  }

  #button(text: string, act: () => void): HTMLButtonElement {
    return h('button', { type: 'button', onclick: act }, text);
  }

  get #tries(): Try[] {
    return ranked([...this.#own.values(), ...this.#opened]);
  }

  #forget(): void {
    this.#opened = [];
    this.#own.clear();
    this.#show();
  }

  #show(): void {
    const tries = this.#tries;
    const done = tries.filter(({ state }) => state === 'done');
    const others = tries.filter(({ state }) => state !== 'done');
    const keys = varied(tries).slice(0, OPTIONS_SHOWN);
    for (const node of [this.#saveAll, this.#clear]) show(node, tries.length > 0);
    show(this.#table, done.length > 0);
    show(this.#failed, others.length > 0);
    setText(this.#counts,
      tries.length === 0 ? words.none : words.counts(done.length, others.length));
    const heads = [...words.columns, ...keys, words.run];
    this.#head.replaceChildren(
      ...heads.map((text) => h('th', { scope: 'col' }, text)), h('td'));
    this.#rows.replaceChildren(...done.slice(0, SHOWN).map((run, i) => this.#row(run, i, keys)));
    this.#failedList.replaceChildren(...others.slice(0, SHOWN).map((run) =>
      h('li', {}, `${run.name}: ${run.reason} `, this.#saver(run))));
  }

  #row(run: Try, i: number, keys: readonly string[]): HTMLElement {
    const { validation, test, epochs, seconds, options, name } = run;
    const cells = [
      count(i + 1), percent(validation, 2), percent(test, 2), epochNumber(epochs),
      seconds === null ? '–' : seconds.toFixed(1), ...keys.map((key) => options[key] ?? '–')];
    return h(
      'tr',
      {},
      ...cells.map((text) => h('td', {}, text)),
      h('th', { scope: 'row' }, name),
      h('td', {}, this.#saver(run)),
    );
  }

  #saver({ name, lines }: Try): HTMLElement {
    const save = (): void =>
      download(`${fileName(name)}.json`, `${lines.join('\n')}\n`, 'application/json');
    const button = h('button', { type: 'button', class: 'plain', onclick: save }, words.save);
    button.setAttribute('aria-label', words.saveOne(name));
    return button;
  }

  /** A file for each run: so `kiln report` reads them. */
  async #all(): Promise<void> {
    const { zipOf } = await import('./zip-logs.js');
    const files = this.#tries.map(({ name, lines }, i) => ({
      name: `runs/${String(i + 1).padStart(3, '0')}-${fileName(name)}.json`,
      text: `${lines.join('\n')}\n`,
    }));
    download(words.file, await zipOf(files), 'application/zip');
  }
}

function fileName(name: string): string {
  return name.replace(/\.jsonl?$/, '').replace(/[^\w.-]/g, '-');
}

define({ 'kiln-tries-view': TriesView });
