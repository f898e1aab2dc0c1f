/**
 * The data set: which one, how to get another, and a few training images of each class. Tells
 * `kiln-data` with a source when another one is wanted, `kiln-data-cancel` when it is not any
 * more. Set `store` to show and forget what the browser keeps.
 */

import css from './styles/data-panel.css?inline';
import type { DatasetInfo, Prediction } from '../bindings/types.js';
import { h, link, setText, show } from './dom.js';
import { draw } from './draw.js';
import { SIDECAR } from './drops.js';
import { bytes, sentence } from './format.js';
import { picture } from './pixels.js';
import { Poller } from './poll.js';
import { strings } from './strings.js';
import type { DataSource, DataStore, LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.data;
const PER_CLASS = 6;
const CLASSES_SHOWN = 30; // of more the first
const LOOKED_AT = 160; // training images among which the samples are found

export class DataPanel extends View {
  readonly #name = h('p', { class: 'name' });
  readonly #counts = h('p', { class: 'note' });
  readonly #file = this.#input('file', { multiple: true });
  readonly #folder = this.#input('folder', { webkitdirectory: true });
  readonly #builtin = this.#button(words.builtin, () => this.#want('builtin'));
  readonly #stored = this.#button('', () => this.#want({ stored: true }));
  readonly #pick = this.#button(words.pick, () => this.#file.click());
  readonly #pickFolder = this.#button(words.pickFolder, () => this.#folder.click());
  readonly #url = h('input', {
    type: 'url',
    id: 'url',
    'aria-label': words.urlLabel,
    placeholder: 'https://',
  });
  readonly #progress = h('progress', { 'aria-label': words.reading });
  readonly #phase = h('span', { class: 'note' });
  readonly #cancel = this.#button(words.cancel, () => this.tell('kiln-data-cancel'));
  readonly #reading = h(
    'div',
    {},
    this.#progress,
    h('div', { class: 'row' }, this.#phase, this.#cancel),
  );
  /** What became of the last reading or forgetting. Stays until the next. */
  readonly #outcome = h('p', { class: 'note', role: 'status' });
  readonly #kept = h('p', { class: 'note' });
  readonly #forget = h(
    'button',
    { type: 'button', class: 'plain', onclick: () => this.#forgetIt() },
    words.forget,
  );
  readonly #samples = h('div', { class: 'samples' });
  /** Asks again where a new run came in between. */
  readonly #sampler = new Poller(
    () => this.#sample(this.trainer!),
    () => this.#sampled !== this.trainer?.dataset.hash,
    (error) => this.failed(error),
    0,
  );
  #store: DataStore | null = null;
  #keptName = '';
  #sampled = '';
  #busy = false;

  constructor() {
    super(css);
  }

  set store(store: DataStore | null) {
    this.#store = store;
    void this.#showKept();
  }

  protected override build(): void {
    this.upgradeProperty('store');
    const fetchIt = (event: Event): void => {
      event.preventDefault();
      if (this.#url.value.trim() !== '') this.#want({ url: this.#url.value.trim(), store: true });
    };
    show(this.#reading, false);
    show(this.#stored, false);
    this.root.append(
      h('h2', {}, words.title),
      this.#name,
      this.#counts,
      h(
        'div',
        { class: 'row' },
        this.#builtin,
        this.#stored,
        this.#pick,
        this.#pickFolder,
        this.#file,
        this.#folder,
      ),
      this.#reading,
      this.#outcome,
      this.#kept,
      h('p', { class: 'note' }, words.dropHint, ' ', words.restart),
      h('p', { class: 'note' }, words.where, ' ', link(words.whereUrl)),
      h(
        'details',
        {},
        h('summary', {}, words.url),
        h(
          'form',
          { class: 'row', onsubmit: fetchIt },
          this.#url,
          h('button', { type: 'submit' }, words.fetch),
        ),
        h('p', { class: 'note' }, words.urlHint),
      ),
      h('details', { open: true }, h('summary', {}, words.samples), this.#samples),
    );
    void this.#showKept();
  }

  protected override attach(trainer: LiveTrainer): void {
    this.on('dataprogress', ({ phase, loaded, total, note }) => {
      if (phase === 'ready') setText(this.#outcome, note ? sentence(note) : '');
      else draw(this, () => this.#showReading(loaded, total));
    });
    this.onRun(() => this.#show(trainer));
    this.#show(trainer);
  }

  /** Reading begins: called by the element around, which has been asked for it. */
  begun(): void {
    setText(this.#outcome, '');
    setText(this.#phase, words.reading);
    this.#progress.removeAttribute('value');
    this.#busy = true;
    show(this.#reading, true);
  }

  /** Reading ended, well or not. */
  ended(): void {
    this.#busy = false;
    show(this.#reading, false);
    void this.#showKept();
  }

  #showReading(loaded: number, total: number | null): void {
    if (!this.#busy) return;
    if (total) this.#progress.value = loaded / total;
    else this.#progress.removeAttribute('value');
    setText(this.#phase, words.read(bytes(loaded)));
  }

  #button(text: string, act: () => void): HTMLButtonElement {
    return h('button', { type: 'button', onclick: act }, text);
  }

  #want(source: DataSource): void {
    this.tell('kiln-data', source);
  }

  #input(id: string, props: object): HTMLInputElement {
    const input = h('input', {
      type: 'file',
      id,
      class: 'unseen',
      tabindex: '-1',
      'aria-hidden': 'true',
      onchange: () => this.#picked(input),
      ...props,
    });
    return input;
  }

  #picked(input: HTMLInputElement): void {
    const files = [...(input.files ?? [])].filter(({ name }) => !SIDECAR.test(name));
    input.value = '';
    if (files.length > 0) this.#want({ files, store: true });
  }

  #forgetIt(): void {
    void this.attempt(async () => {
      const name = this.#keptName;
      await this.#store?.forget();
      await this.#showKept();
      setText(this.#outcome, words.forgotten(name));
      this.#pick.focus();
    });
  }

  async #showKept(): Promise<void> {
    const kept = (await this.#store?.info().catch(() => null)) ?? null;
    const none = kept === null && this.#store !== null && !(await this.#store.available());
    this.#keptName = kept ? (words.names[kept.name] ?? kept.name) : '';
    setText(this.#stored, words.stored(this.#keptName));
    show(this.#stored, kept !== null);
    const files = kept?.files.map(({ name }) => name).join(', ') ?? '';
    this.#kept.replaceChildren(
      ...(kept
        ? [words.kept(this.#keptName, files, bytes(kept.bytes)), ' ', this.#forget]
        : [none ? (isSecureContext ? words.noStorage : words.insecure) : words.keptNot]),
    );
  }

  #show(trainer: LiveTrainer): void {
    const { name, train, validation, test } = trainer.dataset;
    setText(this.#name, words.names[name] ?? name);
    setText(this.#counts, words.counts(train, validation, test));
    this.#sampler.now();
  }

  async #sample(trainer: LiveTrainer): Promise<void> {
    const { dataset } = trainer;
    const indices = Array.from({ length: Math.min(LOOKED_AT, dataset.train) }, (_, i) => i);
    const found = await trainer.predict('train', indices);
    if (trainer.dataset.hash !== dataset.hash) return;
    this.#sampled = dataset.hash;
    draw(this.#samples, () => this.#showSamples(dataset, found));
  }

  #showSamples({ classes, shape }: DatasetInfo, found: Prediction[]): void {
    this.#samples.replaceChildren(
      ...classes.slice(0, CLASSES_SHOWN).map((name, k) => {
        const canvas = h('canvas', {
          class: 'pixels',
          role: 'img',
          'aria-label': words.sampleLabel(name),
        });
        const images = found.filter(({ label }) => label === k).slice(0, PER_CLASS);
        const [, height = 32, width = 32] = shape;
        canvas.width = PER_CLASS * (width + 1) - 1;
        canvas.height = height;
        const context = canvas.getContext('2d')!;
        images.forEach(({ image }, i) =>
          context.putImageData(picture(image, shape), i * (width + 1), 0),
        );
        return h('div', { class: 'sample' }, h('span', {}, name), canvas);
      }),
    );
  }
}
