/**
 * One image on its way through the network: the outputs of every layer, and the gradients of the
 * loss by them. Set `image` to the number of the image.
 */

import css from './styles/layers.css?inline';
import type { Inspection } from '../bindings/types.js';
import { h, setText } from './dom.js';
import { draw } from './draw.js';
import { enlarger } from './enlarge.js';
import { general, shape as shapeText } from './format.js';
import {
  extent,
  grey,
  picture,
  put,
  saturated,
  tiles,
  type Paint,
} from './pixels.js';
import { Poller } from './poll.js';
import { viewStrings as strings } from './strings-views.js';
import { shownSplit, type LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.layers;
const MOST_MAPS = 32;
const MOST_UNITS = 256;
const UNIT = 4; // own pixels of one number of a vector, shown twice as large
const UNIT_SCALE = 2;
const EVERY = 1500; // milliseconds

type Layer = Inspection['layers'][number];

/** A picture that is in no data set: (C, H, W) bytes for images of this shape. */
export interface Photo {
  name: string;
  pixels: Uint8Array;
  shape: string;
}

/** Outputs or gradients of a layer: a picture, or a list where each number is a class's. */
interface Part {
  node: HTMLElement;
  canvas: HTMLCanvasElement;
  range: HTMLElement;
  list: { swatch: HTMLElement; value: HTMLElement }[];
}

interface Row {
  node: HTMLElement;
  outputs: Part;
  gradients: Part;
}

export class LayerView extends View {
  readonly #picture = h('canvas', {
    class: 'pixels picture',
    width: 32,
    height: 32,
    role: 'img',
    'aria-label': words.title,
  });
  readonly #name = h('p', { class: 'note' });
  readonly #rows = h('div', { class: 'rows' });
  readonly #poller = new Poller(
    () => this.#ask(),
    () => this.visible && this.trainer !== null,
    (error) => this.failed(error),
    EVERY,
  );
  #made: Row[] = [];
  #madeFor = '';
  #image = 0;
  #photo: Photo | null = null;

  constructor() {
    super(css);
  }

  /** The number of the image among those shown (shownSplit). */
  get image(): number {
    return this.#image;
  }

  set image(image: number) {
    this.#image = image;
    this.photo = null;
  }

  /** A picture of one's own in the place of an image; null for the image. */
  set photo(photo: Photo | null) {
    this.#photo = photo;
    this.#poller.now();
  }

  protected override build(): void {
    const caption = (): string => this.#name.textContent ?? '';
    const enlarge = enlarger(this.root, caption, [{ canvas: this.#picture, caption }]);
    this.root.append(
      h(
        'figure',
        {},
        h('h2', {}, words.title),
        h('div', { class: 'row' }, this.#picture, this.#name, enlarge),
        this.#rows,
        h('figcaption', {}, words.caption, ' ', words.scale),
      ),
    );
  }

  protected override attach(trainer: LiveTrainer): void {
    this.on('progress', () => {
      if (!this.#photo) this.#poller.poke(); // which takes a copy of the net: at epochs will do
    });
    this.on('epoch', () => this.#poller.now());
    this.on('state', () => this.#poller.now());
    this.onRun(() => {
      if (this.#photo?.shape !== trainer.dataset.shape.join()) this.#photo = null;
      this.#poller.now();
    });
    this.#poller.now();
  }

  protected override appeared(): void {
    this.#poller.now();
  }

  async #ask(): Promise<void> {
    const trainer = this.trainer!;
    const split = shownSplit(trainer.dataset);
    const index = Math.min(this.#image, trainer.dataset[split] - 1);
    const photo = this.#photo;
    const { summary } = trainer;
    const asked = photo ? trainer.inspect(photo.pixels) : trainer.inspect(split, index);
    const found = await asked.catch((error: unknown) => {
      if (!photo) throw error;
      if (trainer.summary !== summary) return null; // another run came meanwhile
      if (photo === this.#photo) this.#photo = null; // what fails once is not asked for again
      throw error;
    });
    if (!found) return;
    const { classes, shape } = trainer.dataset;
    draw(this.#picture, () => {
      const truth = classes[found.label] ?? '';
      const label = photo
        ? words.photo(photo.name, truth)
        : words.image(strings.images[split], index, truth);
      put(this.#picture, picture(found.image, shape), 2);
      this.#picture.setAttribute('aria-label', label);
      setText(this.#name, label);
    });
    const layers = found.layers.filter(({ kind }) => kind !== 'flatten'); // the same numbers again
    this.#prepare(layers, classes);
    layers.forEach((layer, i) => {
      const row = this.#made[i]!;
      draw(row.outputs, () => fill(row.outputs, layer, layer.output, false));
      draw(row.gradients, () => fill(row.gradients, layer, layer.gradient, true));
    });
  }

  /** The rows stay while the layers and the classes do. */
  #prepare(layers: Layer[], classes: string[]): void {
    const names = layers.map(({ name, shape }) => `${name} ${shapeText(shape)}`);
    const key = [...names, ...classes].join();
    if (key === this.#madeFor) return;
    this.#madeFor = key;
    const size = ({ shape }: Layer): number => shape.reduce((a, b) => a * b, 1);
    const last = layers.findLastIndex((layer) => size(layer) !== classes.length);
    this.#made = layers.map((layer, i) => this.#row(layer, i > last ? classes : []));
    this.#rows.replaceChildren(...this.#made.map(({ node }) => node));
  }

  #row(layer: Layer, classes: string[]): Row {
    const text = shapeText(layer.shape);
    const outputs = part(words.outputs, words.outputLabel(layer.name, text), classes);
    const gradients = part(words.gradients, words.gradientLabel(layer.name, text), classes);
    const parts = layer.shape[0]!;
    const most = layer.shape.length === 3 ? MOST_MAPS : MOST_UNITS;
    const name = `${layer.name} ${text}`;
    const head = h(
      'h3',
      {},
      layer.name,
      h('span', { class: 'note' }, ` ${text}`, parts > most ? `, ${words.of(most, parts)}` : ''),
    );
    const caption = (label: string, { range }: Part): string => `${label} ${range.textContent}`;
    const enlarge =
      classes.length > 0
        ? null
        : enlarger(this.root, () => name, [
            { canvas: outputs.canvas, caption: () => caption(words.outputs, outputs) },
            { canvas: gradients.canvas, caption: () => caption(words.gradients, gradients) },
          ]);
    const node = h(
      'section',
      { class: 'layer', 'aria-label': layer.name },
      h('div', {}, head, enlarge),
      outputs.node,
      gradients.node,
    );
    return { node, outputs, gradients };
  }
}

function part(name: string, label: string, classes: string[]): Part {
  const canvas = h('canvas', {
    class: 'pixels',
    width: 1,
    height: 1,
    role: 'img',
    'aria-label': label,
  });
  const range = h('span', { class: 'note' });
  const list = classes.map((text) => {
    const swatch = h('span', { class: 'swatch' });
    const value = h('span');
    return { swatch, value, node: h('li', {}, swatch, h('span', {}, text), value) };
  });
  const node = h(
    'div',
    {},
    classes.length > 0
      ? h('ol', { class: 'classes', 'aria-label': label }, ...list.map((item) => item.node))
      : canvas,
    h('p', {}, `${name} `, range),
  );
  return { node, canvas, range, list };
}

/**
 * Maps as tiles, a vector as a row of squares, a number for each class by name; gradients about
 * zero, outputs from lowest to highest.
 */
function fill(
  { node, canvas, range, list }: Part,
  layer: Layer,
  values: Float32Array,
  signed: boolean,
): void {
  const [low, high] = extent(values);
  setText(range, words.range(general(low), general(high)));
  const paint = signed ? saturated(values, low, high) : grey(values, low, high);
  if (list.length > 0) {
    const colour = new Uint8ClampedArray(4);
    list.forEach(({ swatch, value }, i) => {
      paint(colour, 0, i);
      swatch.style.background = `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
      setText(value, general(values[i]));
    });
    return;
  }
  const space = node.clientWidth || 280;
  const [maps = 1, height = 1, width = 1] = layer.shape;
  if (layer.shape.length === 3 && height * width > 1) {
    const scale = width >= 20 ? 1 : width >= 10 ? 2 : width >= 5 ? 4 : 6;
    const columns = Math.floor((space + scale) / ((width + 1) * scale));
    put(
      canvas,
      tiles(Math.min(maps, MOST_MAPS), height, width, columns, (data, at, y, x, tile) =>
        paint(data, at, (tile * height + y) * width + x),
      ),
      scale,
    );
  } else {
    canvas.classList.add('vector');
    const columns = Math.floor(space / ((UNIT + 1) * UNIT_SCALE));
    const number = Math.min(values.length, MOST_UNITS);
    const square: Paint = (data, at, _y, _x, tile) => paint(data, at, tile);
    put(canvas, tiles(number, UNIT, UNIT, columns, square), UNIT_SCALE);
  }
}
