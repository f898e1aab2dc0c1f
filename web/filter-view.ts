/**
 * The first layer's weights as small images, each scaled to its own full range (the course's
 * visualize_grid).
 */

import css from './styles/filters.css?inline';
import type { NamedTensor } from '../bindings/types.js';
import { h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { balanced, extent, put, tiles } from './pixels.js';
import { Poller } from './poll.js';
import { strings } from './strings.js';
import type { LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.filters;
const MOST = 100;
const TILE_LEAST = 36; // CSS pixels a tile should have, about
const TILE_MOST = 72;
const EVERY = 500; // milliseconds

/** First-layer weights in one form: `number` tiles of (C, H, W), read by index. */
interface Bank {
  number: number;
  shape: readonly [number, number, number];
  what: string;
  at(tile: number, i: number): number;
}

export class FilterView extends View {
  readonly #canvas = h('canvas', { class: 'pixels', role: 'img', 'aria-label': words.title });
  readonly #names = h('ol', { class: 'names' });
  readonly #caption = h('figcaption');
  readonly #box = h('div', {}, this.#canvas, this.#names);
  readonly #poller = new Poller(
    () => this.#ask(),
    () => this.visible && this.trainer !== null,
    (error) => this.tell('kiln-problem', error),
    EVERY,
  );

  constructor() {
    super(css);
  }

  protected override build(): void {
    this.root.append(h('figure', {}, h('h2', {}, words.title), this.#box, this.#caption));
  }

  protected override attach(_trainer: LiveTrainer): void {
    this.on('progress', () => this.#poller.poke());
    this.on('epoch', () => this.#poller.now());
    this.on('state', () => this.#poller.now());
    this.onRun(() => this.#poller.now());
    this.#poller.now();
  }

  protected override appeared(): void {
    this.#poller.now();
  }

  async #ask(): Promise<void> {
    const trainer = this.trainer!;
    const weights = await trainer.firstFilters();
    const bank = weights && bankOf(weights, trainer.dataset.shape);
    draw(this, () => this.#show(bank, trainer.dataset.classes));
  }

  #show(bank: Bank | null, classes: string[]): void {
    show(this.#box, bank !== null);
    setText(this.#caption, bank ? words.caption(bank.what) : words.none);
    if (!bank) return;
    const [channels, , width] = bank.shape;
    const room = this.#box.clientWidth || 320;
    const least = Math.max(1, Math.round(TILE_LEAST / width));
    const columns = balanced(
      Math.min(bank.number, MOST),
      Math.floor((room + least) / ((width + 1) * least)),
    );
    const scale = Math.max(
      least,
      Math.min(Math.floor(room / (columns * (width + 1))), Math.ceil(TILE_MOST / width)),
    );
    const named = bank.number === classes.length && channels === 3 && width > 11;
    put(this.#canvas, paint(bank, columns), scale);
    this.#canvas.setAttribute('aria-label', words.label(bank.what));
    show(this.#names, named && columns >= bank.number);
    if (named && this.#names.childElementCount !== bank.number) {
      this.#names.replaceChildren(...classes.map((name) => h('li', {}, name)));
    }
    this.#names.style.setProperty('--tile', `${(width + 1) * scale}px`);
  }
}

function paint({ number, shape: [channels, height, width], at }: Bank, columns: number): ImageData {
  const plane = height * width;
  const shown = Math.min(number, MOST);
  const ranges = Array.from({ length: shown }, (_, tile) =>
    extent(Float32Array.from({ length: channels * plane }, (_, i) => at(tile, i))),
  );
  return tiles(shown, height, width, columns, (data, to, y, x, tile) => {
    const [low, high] = ranges[tile]!;
    const gain = high > low ? 255 / (high - low) : 0;
    for (let c = 0; c < 3; c++) {
      data[to + c] = gain * (at(tile, (c % channels) * plane + y * width + x) - low);
    }
    data[to + 3] = 255;
  });
}

/** (F, C, HH, WW) filters, or the (D, M) weights of an affine layer on an image of D numbers. */
function bankOf({ data, shape }: NamedTensor, image: number[]): Bank | null {
  if (shape.length === 4) {
    const [number, channels, height, width] = shape as [number, number, number, number];
    const size = channels * height * width;
    return {
      number,
      shape: [channels, height, width],
      what: words.conv(number, height, width),
      at: (tile, i) => data[tile * size + i]!,
    };
  }
  const [size = 0, number = 0] = shape;
  const [channels = 3, height = 32, width = 32] = image;
  if (size !== channels * height * width) return null;
  return {
    number,
    shape: [channels, height, width],
    what: words.affine(number),
    at: (tile, i) => data[i * number + tile]!,
  };
}
