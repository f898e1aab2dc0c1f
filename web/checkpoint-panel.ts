/**
 * Saves the run into a file, opens one, puts back the best parameters. Tells `kiln-checkpoint` with
 * a file to open, `kiln-saved` with the step that a file has been made of.
 */

import type { ImportedTensor } from '../bindings/formats.js';
import css from './styles/panel.css?inline';
import { download, h } from './dom.js';
import { bytes } from './format.js';
import { strings } from './strings.js';
import type { LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.checkpoint;

export class CheckpointPanel extends View {
  readonly #file = h('input', {
    type: 'file',
    id: 'file',
    class: 'unseen',
    accept: '.safetensors,.npz',
    tabindex: '-1',
    'aria-hidden': 'true',
    onchange: () => this.#picked(),
  });
  readonly #save = h('button', { type: 'button', onclick: () => this.save() }, words.save);
  readonly #best = h('button', { type: 'button', onclick: () => this.#restore() }, words.best);
  readonly #said = h('p', { class: 'note', role: 'status' });
  readonly #imported = h('div', { class: 'imported' });

  constructor() {
    super(css);
  }

  protected override build(): void {
    this.root.append(
      h('h2', {}, words.title),
      h(
        'div',
        { class: 'row' },
        this.#save,
        h('button', { type: 'button', onclick: () => this.#file.click() }, words.load),
        this.#best,
        this.#file,
      ),
      this.#said,
      this.#imported,
      h('p', { class: 'note' }, words.hint),
    );
    this.#best.disabled = true;
  }

  protected override attach(trainer: LiveTrainer): void {
    const update = (): void => {
      this.#best.disabled = trainer.metrics?.bestValAccuracy == null;
    };
    this.on('epoch', () => {
      this.#best.disabled = false;
    });
    this.onRun(update);
    update();
  }

  /** Says what happened with a file. */
  say(text: string): void {
    this.#said.textContent = text;
    this.#imported.replaceChildren();
  }

  /** What went where, of another program's weights; nothing for none. */
  showImported(table: ImportedTensor[]): void {
    if (table.length === 0) return;
    const row = (name: 'th' | 'td', cells: readonly string[]): HTMLElement =>
      h('tr', {}, ...cells.map((cell) => h(name, {}, cell)));
    const rows = table.map(({ tensor, shape, from, how }) =>
      row('td', [tensor, shape.join('×'), from ?? '–', words.how[how]]));
    this.#imported.replaceChildren(
      h('table', {}, h('caption', {}, words.imported), row('th', words.columns), ...rows),
    );
  }

  /** Hands a checkpoint to the browser's downloads. */
  saveAs(saved: Uint8Array, epoch: number, step: number): void {
    const name = words.file(epoch, step);
    download(name, saved as Uint8Array<ArrayBuffer>, 'application/octet-stream');
    this.say(words.saved(name, bytes(saved.length)));
    this.tell('kiln-saved', step);
  }

  /** Of a run whose worker is no more, what it left. */
  save(): void {
    void this.attempt(async () => {
      const trainer = this.trainer;
      if (!trainer) return;
      const left = trainer.lastCheckpoint ?? null;
      const now = await trainer.save().catch((error: unknown) => {
        if (left === null) throw error;
        return null;
      });
      if (now === null) return this.saveAs(left!.bytes, left!.epoch, left!.step);
      const { epoch = 0, step = 0 } = trainer.metrics ?? {};
      this.saveAs(now, epoch, step);
    });
  }

  #picked(): void {
    const [file] = this.#file.files ?? [];
    this.#file.value = '';
    if (file) this.tell('kiln-checkpoint', file);
  }

  #restore(): void {
    void this.attempt(async () => {
      await this.trainer?.restoreBest();
      this.say(words.restored);
    });
  }
}
