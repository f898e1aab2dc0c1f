/**
 * Takes the run along for other programs: a choice of the library's formats, of which it tells what
 * each is for, and a file of the one that is chosen. They come with the second module, which is
 * fetched when the choice is opened.
 */

import { exportCheckpoint, exportFormats } from 'kiln-nn';

import type { ExportFormat, FormatInfo } from '../bindings/formats.js';
import css from './styles/panel.css?inline';
import { download, h, setText } from './dom.js';
import { bytes } from './format.js';
import { downloadReceipt } from './receipt-file.js';
import { strings } from './strings.js';
import { View } from './view.js';

const words = strings.exported;

export class ExportPanel extends View {
  readonly #choice = h('select', {
    id: 'format',
    'aria-describedby': 'sentence',
    onchange: () => this.#describe(),
  });
  readonly #sentence = h('p', { class: 'note', id: 'sentence' });
  readonly #download = h(
    'button',
    { type: 'button', onclick: () => void this.attempt(() => this.#take()) },
    words.download,
  );
  readonly #said = h('p', { class: 'note', role: 'status' });
  readonly #receipt = h(
    'button',
    { type: 'button', onclick: () => void this.attempt(() => this.#takeReceipt()) },
    words.receipt,
  );
  readonly #formats = h(
    'details',
    {
      ontoggle: () => {
        if (this.#formats.open) void this.attempt(() => this.#fill());
      },
    },
    h('summary', {}, words.choose),
    h(
      'div',
      { class: 'row' },
      h('label', { for: 'format' }, words.format),
      this.#choice,
      this.#download,
    ),
    this.#sentence,
  );
  #table: FormatInfo[] = [];

  constructor() {
    super(css);
  }

  protected override build(): void {
    this.root.append(
      h('h2', {}, words.title),
      h('p', { class: 'note' }, words.hint),
      this.#formats,
      h('div', { class: 'row' }, this.#receipt),
      h('p', { class: 'note' }, words.receiptHint),
      this.#said,
    );
    this.#choice.disabled = this.#download.disabled = true;
  }

  async #fill(): Promise<void> {
    if (!this.trainer || this.#table.length > 0) return;
    // Of a run whose worker is no more what it left can be taken along, by the page itself.
    const left = this.trainer.lastCheckpoint ?? null;
    const table = await this.trainer.formats()
      .catch((error: unknown) => (left ? exportFormats() : Promise.reject(error)));
    if (this.#table.length > 0) return; // opened twice meanwhile
    this.#table = table;
    for (const [holds, label] of Object.entries(words.holds)) {
      const rows = table.filter((row) => row.holds === holds);
      const options = rows.map(({ name }) => h('option', { value: name }, name));
      this.#choice.append(h('optgroup', { label }, ...options));
    }
    this.#choice.disabled = this.#download.disabled = false;
    this.#describe();
  }

  get #chosen(): FormatInfo | undefined {
    return this.#table.find(({ name }) => name === (this.#choice.value as ExportFormat));
  }

  #describe(): void {
    const { sentence = '' } = this.#chosen ?? {};
    setText(this.#sentence, sentence && `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.`);
  }

  async #takeReceipt(): Promise<void> {
    if (!this.trainer) return;
    setText(this.#said, words.making);
    const receipt = await this.trainer.receipt().catch((error: unknown) => {
      setText(this.#said, '');
      throw error;
    });
    setText(this.#said, downloadReceipt(receipt));
  }

  async #take(): Promise<void> {
    const format = this.#chosen;
    if (!this.trainer || !format) return;
    const left = this.trainer.lastCheckpoint ?? null;
    let place = this.trainer.metrics ?? { epoch: 0, step: 0 };
    const file = await this.trainer.export(format.name).catch((error: unknown) => {
      if (!left || this.trainer?.state !== 'failed') throw error;
      place = left;
      return exportCheckpoint(left.bytes, format.name);
    });
    const { epoch, step } = place;
    const name = words.file(epoch, step, format);
    download(name, file as Uint8Array<ArrayBuffer>, 'application/octet-stream');
    setText(this.#said, words.saved(name, bytes(file.length)));
  }
}
