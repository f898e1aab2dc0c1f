/** The weights of a layer as pictures, live; the first layer's at first. */

import css from './styles/filters.css?inline';
import type { NamedTensor } from '../bindings/types.js';
import { download, h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { enlarger } from './enlarge.js';
import { put } from './pixels.js';
import { Poller } from './poll.js';
import { viewStrings as strings } from './strings-views.js';
import { drawWeights } from './weights.js';
import type { LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.filters;
const EVERY = 500; // milliseconds
const NAMES = 72; // CSS pixels of the names beside a table
const LEGIBLE = 12; // CSS pixels a row with a name has at least
const TILE_NAMED = 36; // and an image with a name below it
const WEIGHTY = new Set(['conv', 'whiten', 'affine']);

export class FilterView extends View {
  readonly #canvas = h('canvas', { class: 'pixels', role: 'img', 'aria-label': words.title });
  readonly #names = h('ol', { class: 'names' });
  readonly #caption = h('figcaption');
  readonly #box = h('div', { class: 'box' }, this.#canvas, this.#names);
  readonly #layer = h('select', { id: 'layer', onchange: () => this.#poller.now() });
  readonly #enlarge = enlarger(this.root, () => words.label(this.#layer.value), [
    { canvas: this.#canvas, caption: () => this.#caption.textContent ?? '' },
  ]);
  readonly #poller = new Poller(
    () => this.#ask(),
    () => this.visible && this.trainer !== null,
    (error) => this.failed(error),
    EVERY,
  );

  constructor() {
    super(css);
  }

  protected override build(): void {
    const save = h(
      'button',
      { type: 'button', class: 'plain', onclick: () => this.#save() },
      words.save,
    );
    this.root.append(
      h(
        'figure',
        {},
        h(
          'div',
          { class: 'row head' },
          h('h2', {}, words.title),
          h('label', { for: 'layer', class: 'unseen' }, words.layer),
          this.#layer,
          this.#enlarge,
        ),
        this.#box,
        this.#caption,
      ),
      save,
    );
  }

  protected override attach(trainer: LiveTrainer): void {
    this.on('progress', () => this.#poller.poke());
    this.on('epoch', () => this.#poller.now());
    this.onRun(() => this.#offer(trainer)); // first: the layers to be asked for are of the new run
    this.on('state', () => this.#poller.now());
    this.#offer(trainer);
  }

  protected override appeared(): void {
    this.#poller.now();
  }

  /** The layers that have weights to draw; the same one stays chosen while there is one. */
  #offer({ summary }: LiveTrainer): void {
    const chosen = this.#layer.value;
    const layers = summary.layers.filter(({ kind }) => WEIGHTY.has(kind));
    this.#layer.replaceChildren(
      ...layers.map(({ name, text }) => h('option', { value: name }, `${name}: ${text}`)),
    );
    if (layers.some(({ name }) => name === chosen)) this.#layer.value = chosen;
    for (const node of [this.#box, this.#layer, this.#enlarge]) show(node, layers.length > 0);
    if (layers.length === 0) setText(this.#caption, words.none);
    this.#poller.now();
  }

  async #ask(): Promise<void> {
    const { summary, dataset } = this.trainer!;
    const name = this.#layer.value;
    if (name === '') return;
    const gone = (): boolean => summary !== this.trainer!.summary;
    const [weights] = await this.trainer!.parameters([`${name}.w`]).catch((error: unknown) => {
      if (gone()) return []; // a new run may have no such layer; its own are asked for next
      throw error;
    });
    if (gone() || name !== this.#layer.value) return;
    const at = summary.layers.findIndex((layer) => layer.name === name);
    // A flatten changes nothing but the shape: what stands before it says where each number is.
    const before = summary.layers.slice(0, at).findLast(({ kind }) => kind !== 'flatten');
    if (weights) {
      const fixed = summary.layers[at]?.kind === 'whiten';
      draw(this, () =>
        this.#show(weights, before?.output ?? dataset.shape, dataset.classes, fixed));
    }
  }

  #show(weights: NamedTensor, before: number[], classes: string[], fixed: boolean): void {
    const width = this.clientWidth || 320;
    const conv = weights.shape.length === 4;
    const classy = !conv && weights.shape[1] === classes.length;
    const drawn = drawWeights(weights, before, width - (classy ? NAMES : 0));
    const { image, scale, caption, rowHeight, across } = drawn;
    put(this.#canvas, image, scale);
    this.#canvas.setAttribute('aria-label', words.label(this.#layer.value));
    const [F = 0, , HH = 0, WW = 0] = weights.shape;
    setText(this.#caption, fixed ? words.whiten(F, HH, WW) : caption);
    const pitch = rowHeight || across;
    const named = classy && pitch >= LEGIBLE && (rowHeight > 0 || across >= TILE_NAMED);
    show(this.#names, named);
    this.#box.classList.toggle('beside', rowHeight > 0);
    if (named && this.#names.textContent !== classes.join('')) {
      this.#names.replaceChildren(...classes.map((name) => h('li', {}, name)));
    }
    this.#names.style.setProperty('--pitch', `${pitch}px`);
  }

  #save(): void {
    void this.attempt(async () => {
      const saved = await this.trainer!.exportParameters();
      const name = words.file(this.trainer!.metrics?.step ?? 0);
      download(name, saved as Uint8Array<ArrayBuffer>, 'application/octet-stream');
    });
  }
}
