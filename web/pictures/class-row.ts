/** One class of a set of own pictures: its name, how many it has, and the pictures. */

import { h, setText, show } from '../dom.js';
import { picture } from '../pixels.js';
import { ownWords as words } from './strings-own.js';
import type { Group, Item } from './picture-list.js';
import { SEEN } from './picture-set.js';

const STEP = 240; // pictures more at a press

export interface RowActs {
  renamed(group: Group, name: string): void;
  marked(item: Item, on: boolean): void;
  removed(group: Group): void;
}

interface Tile {
  button: HTMLButtonElement;
  canvas: HTMLCanvasElement;
  item: Item | null;
  drawn: Uint8Array | null;
}

export class ClassRow {
  readonly node: HTMLElement;
  group: Group;
  readonly #acts: RowActs;
  readonly #name: HTMLInputElement;
  readonly #count = h('span', { class: 'note' });
  readonly #tiles = h('div', { class: 'tiles' });
  readonly #more = h('button', { type: 'button', class: 'plain', onclick: () => this.#all() });
  readonly #made: Tile[] = [];
  #most = SEEN;
  #redraw: () => void = () => {};

  constructor(group: Group, acts: RowActs) {
    this.group = group;
    this.#acts = acts;
    this.#name = h('input', {
      type: 'text',
      dir: 'auto',
      value: group.name,
      list: 'classes',
      'aria-label': words.className,
      placeholder: words.noName,
      oninput: () => acts.renamed(this.group, this.#name.value),
    });
    const remove = h(
      'button',
      { type: 'button', class: 'plain', onclick: () => acts.removed(this.group) },
      words.leaveOutClass,
    );
    this.node = h(
      'section',
      {},
      h('div', { class: 'row' }, this.#name, this.#count, remove),
      this.#tiles,
      this.#more,
    );
  }

  #all(): void {
    this.#most += STEP;
    this.#redraw();
  }

  show(group: Group, shape: readonly number[], marked: ReadonlySet<Item>): void {
    this.group = group;
    this.#redraw = () => this.show(this.group, shape, marked);
    if (this.#name.value !== group.name) this.#name.value = group.name;
    const { items } = group;
    setText(this.#count, words.pictures(items.length));
    const n = Math.min(items.length, this.#most);
    while (this.#made.length < n) this.#made.push(this.#tile());
    this.#made.forEach((tile, i) => fill(tile, i < n ? items[i]! : null, shape, marked));
    show(this.#more, items.length > n);
    setText(this.#more, words.showAll(items.length));
  }

  #tile(): Tile {
    const canvas = h('canvas', { class: 'pixels', width: 1, height: 1 });
    const mark = (): void => {
      const on = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(on));
      if (tile.item) this.#acts.marked(tile.item, on);
    };
    const button = h(
      'button',
      { type: 'button', class: 'tile', 'aria-pressed': 'false', onclick: mark },
      canvas,
    );
    const tile: Tile = { button, canvas, item: null, drawn: null };
    this.#tiles.append(button);
    return tile;
  }
}

function fill(
  tile: Tile,
  item: Item | null,
  shape: readonly number[],
  marked: ReadonlySet<Item>,
): void {
  const { button, canvas } = tile;
  show(button, item !== null);
  tile.item = item;
  if (!item) return;
  if (button.title !== item.path) {
    button.title = item.path;
    button.setAttribute('aria-label', item.path);
  }
  button.setAttribute('aria-pressed', String(marked.has(item)));
  if (tile.drawn === item.pixels) return;
  tile.drawn = item.pixels;
  const [, height = 32, width = 32] = shape;
  canvas.width = width; // and with it, it is empty
  canvas.height = height;
  if (item.pixels) canvas.getContext('2d')!.putImageData(picture(item.pixels, shape), 0, 0);
}
