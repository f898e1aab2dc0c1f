/**
 * The notation of the network with presets, the table of its layers as it is typed, and errors
 * under their column. Tells `kiln-net` when the text settles and has been checked, `kiln-preset`
 * with a preset when one is chosen, and `kiln-reset` when the net shall be used at once.
 */

import css from './styles/net-editor.css?inline';
import type { Preset, Summary } from '../bindings/types.js';
import { explainer, h, setText, show } from './dom.js';
import { bytes, count, sentence, shape, si } from './format.js';
import { strings } from './strings.js';
import { explain, type LiveTrainer } from './live-trainer.js';
import { presetOf } from './presets.js';
import { View } from './view.js';

const words = strings.net;
const SETTLE = 150; // milliseconds without a key

export class NetEditor extends View {
  readonly #preset = h('select', { id: 'preset', onchange: () => this.#choose() });
  readonly #text = h('textarea', {
    id: 'net',
    rows: '4',
    spellcheck: 'false',
    autocapitalize: 'off',
    autocomplete: 'off',
    'aria-describedby': 'error help',
    oninput: () => this.#typed(),
  });
  readonly #mark = h('div', { class: 'mirror', 'aria-hidden': 'true' });
  readonly #caret = h('pre', { class: 'caret', 'aria-hidden': 'true' });
  readonly #sentence = h('p');
  readonly #error = h(
    'div',
    { id: 'error', class: 'error', role: 'alert' },
    this.#caret,
    this.#sentence,
  );
  readonly #note = h('p', { class: 'note' });
  readonly #trains = h('code');
  readonly #use = h(
      'button',
    { type: 'button', class: 'plain', onclick: () => this.tell('kiln-reset') },
    words.use,
  );
  readonly #pending = h(
    'p',
    { class: 'pending' },
    `${words.atReset} `,
    this.#use,
    ` ${words.trains} `,
    this.#trains,
  );
  readonly #body = h('tbody');
  readonly #foot = h('tfoot');
  #presets: Preset[] = [];
  #timer = 0;
  #asked = 0;
  #checked = Promise.resolve();
  #problem: string | null = null;
  #values: Readonly<Record<string, string>> = {};

  constructor() {
    super(css);
  }

  /** The text in the editor, whether or not it is in use. */
  get net(): string {
    return this.#text.value.trim();
  }

  set net(net: string) {
    if (net !== this.net) this.#text.value = net;
    this.#typed(0);
  }

  /**
   * The options that are shown beside the net: the table marks the layers that freeze names, of
   * which one that the net lacks is a mistake, and of presets with one net they tell which it is.
   */
  set values(values: Readonly<Record<string, string>>) {
    const before = this.#freeze;
    this.#values = values;
    if (this.#freeze !== before) this.#typed(0);
    else this.#showPreset();
  }

  get #freeze(): string {
    return this.#values['freeze'] ?? 'none';
  }

  /** Resolves when the text has been checked. */
  get checked(): Promise<void> {
    return this.#checked;
  }

  /** Why the text is no net; null where it is one. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The net that runs, where the text is another: a note below tells. */
  set inUse(net: string | null) {
    show(this.#pending, net !== null);
    show(this.#use, this.#problem === null);
    setText(this.#trains, net ?? '');
  }

  protected override build(): void {
    this.#text.addEventListener('scroll', () => {
      this.#mark.scrollTop = this.#text.scrollTop;
    });
    show(this.#error, false);
    show(this.#pending, false);
    const head = (text: string): HTMLElement => h('th', { scope: 'col' }, text);
    const terms = h('p', { class: 'note' }, words.terms);
    this.root.append(
      h('div', { class: 'title' }, h('h2', {}, words.title), explainer(words.explain, terms)),
      terms,
      h('div', { class: 'row' }, h('label', { for: 'preset' }, words.preset), this.#preset),
      this.#note,
      h('label', { for: 'net', class: 'unseen' }, words.notation),
      h('div', { class: 'field' }, this.#mark, this.#text),
      this.#error,
      this.#pending,
      h('p', { id: 'help', class: 'note' }, words.help),
      h(
        'table',
        {},
        h('caption', { class: 'unseen' }, words.table),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            head(words.layer),
            head(words.output),
            head(words.parameters),
            head(words.flops),
            head(words.memory),
          ),
        ),
        this.#body,
        this.#foot,
      ),
    );
  }

  protected override attach(trainer: LiveTrainer): void {
    void this.attempt(async () => {
      this.#presets = await trainer.presets();
      this.#preset.replaceChildren(
        ...this.#presets.map((preset) =>
          h('option', { value: preset.name }, preset.title),
        ),
        h('option', { value: '', disabled: true }, words.custom),
      );
      this.#showPreset();
    });
    if (this.net === '') this.net = trainer.summary.notation;
    else this.#typed(0);
    this.#fill(trainer.summary);
  }

  #choose(): void {
    const preset = this.#presets.find(({ name }) => name === this.#preset.value);
    if (!preset) return;
    this.#text.value = preset.net;
    this.#values = { ...this.#values, ...preset.options };
    this.tell('kiln-preset', preset);
    this.#typed(0);
  }

  #showPreset(): void {
    const same = presetOf(this.#presets, this.net, this.#values, this.#preset.value);
    this.#preset.value = same?.name ?? '';
    setText(this.#note, same ? sentence(same.note) : '');
  }

  #typed(wait = SETTLE): void {
    clearTimeout(this.#timer);
    this.#showPreset();
    this.#checked = new Promise((done) => {
      this.#timer = window.setTimeout(() => void this.#check().then(done), wait);
    });
  }

  async #check(): Promise<void> {
    const trainer = this.trainer;
    if (!trainer) return;
    const net = this.net;
    const asked = ++this.#asked;
    try {
      const summary = await trainer.summarise(net, this.#freeze);
      if (asked !== this.#asked) return;
      this.#accept(summary);
      this.tell('kiln-net');
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#refuse(error);
      this.tell('kiln-net');
    }
  }

  #accept(summary: Summary): void {
    this.#problem = null;
    show(this.#error, false);
    this.#mark.replaceChildren();
    this.#text.removeAttribute('aria-invalid');
    this.#fill(summary);
  }

  /**
   * The error's sentence under a copy of the line with a caret at the column; the place itself is
   * underlined.
   */
  #refuse(error: unknown): void {
    const { message, column } = explain(error);
    const text = this.#text.value;
    const lead = text.length - text.trimStart().length;
    this.#text.setAttribute('aria-invalid', 'true');
    this.#problem = message
      .replace(/^net:\s*/, '')
      .replace(/^column \d+:\s*/, column ? words.column(column) : '');
    setText(this.#sentence, this.#problem);
    show(this.#caret, column !== undefined);
    show(this.#error, true);
    if (column === undefined) return;
    const at = Math.min(lead + column - 1, text.length);
    this.#mark.replaceChildren(
      text.slice(0, at),
      h('mark', {}, text.slice(at, at + 1) || ' '),
      text.slice(at + 1),
    );
    const room = this.#columnsThatFit();
    const first = Math.max(0, Math.min(at - Math.floor(room * 0.6), text.length - room));
    const line = text.slice(first, first + room).replace(/\s/g, ' ');
    setText(this.#caret, `${line}\n${' '.repeat(at - first)}^`);
  }

  #columnsThatFit(): number {
    const width = this.#error.clientWidth || 280;
    const size = parseFloat(getComputedStyle(this.#caret).fontSize) || 13;
    return Math.max(12, Math.floor(width / (size * 0.61)) - 1);
  }

  #fill(summary: Summary): void {
    this.#body.replaceChildren(
      ...summary.layers.map((layer) =>
        h(
          'tr',
          {},
          h(
            'th',
            { scope: 'row' },
            layer.text,
            layer.algorithm ? h('span', { class: 'note' }, ` ${layer.algorithm}`) : null,
            layer.frozen ? h('span', { class: 'note' }, ` ${words.frozen(layer)}`) : null,
            layer.unread ? h('span', { class: 'note' }, ` ${words.unread(layer.unread)}`) : null,
          ),
          h('td', {}, shape(layer.output)),
          h('td', {}, layer.parameters ? count(layer.parameters) : '–'),
          h('td', {}, si(layer.flops, 2)),
          h('td', {}, bytes(layer.bytes)),
        ),
      ),
    );
    this.#foot.replaceChildren(
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, words.total),
        h('td'),
        h('td', {}, count(summary.parameters)),
        h('td', {}, si(summary.flops, 2)),
        h('td', {}, bytes(summary.bytes)),
      ),
    );
  }
}
