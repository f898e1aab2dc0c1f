/**
 * The pictures behind a cell of the table of confusions. Those of a kiln set may be given another
 * class, or be left out; that takes effect at the next reset.
 */

import css from './own-pictures.css?inline';
import baseCss from '../styles/base.css?inline';
import type { Prediction, Split } from '../../bindings/types.js';
import { download, h, setText, sheet, show } from '../dom.js';
import { explain, type DataStore, type LiveTrainer } from '../live-trainer.js';
import type { Notices } from '../notices.js';
import { picture } from '../pixels.js';
import type { RunDesk } from '../run-desk.js';
import { amend, type Amendment } from './amendments.js';
import { readHead } from './kilnset.js';
import { cellWords as words } from './strings-own.js';

const AT_ONCE = 50; // images that are asked for together
const PAGE = 40; // pictures that are shown before more are asked for

/** A cell: images of class `truth` that are taken for `said`. */
export interface Cell {
  split: Split;
  truth: number;
  said: number;
  /** Images in it when the table was made. */
  count: number;
}

export interface CellParts {
  trainer: LiveTrainer;
  desk: RunDesk;
  store: DataStore | null;
  notices: Notices;
}

/** The changes that wait, and of which data set. */
interface Pending {
  hash: string;
  changes: Map<string, Amendment>;
}
const pending = new WeakMap<RunDesk, Pending>();

function changesOf({ trainer, desk }: CellParts): Map<string, Amendment> {
  const { hash } = trainer.dataset;
  let found = pending.get(desk);
  if (found?.hash !== hash) {
    found = { hash, changes: new Map() };
    pending.set(desk, found);
  }
  return found.changes;
}

/** The file of the present data set, where it is a kiln set: a name alone may lie. */
async function setFile({ desk, store }: CellParts): Promise<File | null> {
  const { data } = desk.setUp;
  if (typeof data !== 'object' || 'url' in data) return null;
  const files = 'files' in data ? data.files : ((await store?.files()) ?? []);
  const [file] = files;
  return files.length === 1 && file && (await readHead(file)) ? file : null;
}

async function amended(parts: CellParts): Promise<File | null> {
  const changes = [...changesOf(parts).values()];
  const file = changes.length > 0 ? await setFile(parts) : null;
  return file && amend(file, changes);
}

/** What waits is said under the run bar, too, where it stays. */
function tell(parts: CellParts): void {
  const changes = changesOf(parts);
  const { notices, desk } = parts;
  desk.amended = () => amended(parts);
  if (changes.size === 0) return notices.clear('amended');
  notices.say('amended', words.waiting(changes.size), [
    { text: words.reset, act: () => desk.reset() },
    { text: words.forget, act: () => changes.clear() },
  ]);
}

/** The pictures in the cell, in order, some at a time; looked at as often as for the table. */
async function* find({ trainer, desk }: CellParts, { split, truth, said }: Cell):
  AsyncGenerator<Prediction> {
  const views = Number(desk.setUp.inUse['eval-views'] ?? 1);
  const total = trainer.dataset[split];
  for (let first = 0; first < total; first += AT_ONCE) {
    const n = Math.min(AT_ONCE, total - first);
    const indices = Array.from({ length: n }, (_, i) => first + i);
    const some = await trainer.predict(split, indices, { views });
    for (const one of some) {
      const { label, probabilities } = one;
      if (label === truth && probabilities.indexOf(Math.max(...probabilities)) === said) yield one;
    }
  }
}

/** Opens the dialog. Rejects where the run is no more. */
export async function showCell(root: ShadowRoot, parts: CellParts, cell: Cell): Promise<void> {
  const file = await setFile(parts);
  const host = h('div', { class: 'cell-pictures' });
  const inner = host.attachShadow({ mode: 'open' });
  inner.adoptedStyleSheets = [sheet(baseCss), sheet(css)];
  const { dataset } = parts.trainer;
  const { classes } = dataset;
  const tiles = h('div', { class: 'cards' });
  const status = h('p', { class: 'note', role: 'status' }, words.looking);
  const more = h('button', { type: 'button' }, words.more);
  const save = h('button', { type: 'button' }, words.save);
  const close = h('button', { type: 'button', onclick: () => dialog.close() }, words.close);
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'title' },
    h('h2', { id: 'title' }, words.title(classes[cell.truth] ?? '', classes[cell.said] ?? '')),
    h('p', { class: 'note' }, file ? words.lead : words.noSet),
    h('div', { class: 'scrolls' }, tiles),
    status,
    h('div', { class: 'row' }, more, save, close),
  );
  const changed = (): void => {
    tell(parts);
    const n = changesOf(parts).size;
    if (n > 0) setText(status, words.waiting(n));
    show(save, file !== null && n > 0);
  };
  show(save, false);
  show(more, false);
  save.addEventListener('click', () => void saveFile(parts));
  dialog.addEventListener('close', () => host.remove());
  inner.append(dialog);
  root.append(host);
  dialog.showModal();
  if (file) changed();
  const found = find(parts, cell);
  const next = async (): Promise<void> => {
    show(more, false);
    for (let shown = 0; shown < PAGE && dialog.open; shown++) {
      const { done, value } = await found.next();
      if (parts.trainer.dataset !== dataset) return dialog.close(); // other data came
      if (done) return setText(status, words.all(tiles.childElementCount, cell.count));
      tiles.append(card(parts, cell, value, file !== null, changed));
    }
    setText(status, words.some(tiles.childElementCount));
    show(more, true);
  };
  const goOn = (): void => void next().catch((error: unknown) =>
    setText(status, explain(error).message));
  more.addEventListener('click', goOn);
  goOn();
}

async function saveFile(parts: CellParts): Promise<void> {
  const file = await amended(parts);
  if (!file) return;
  download(file.name, new Uint8Array(await file.arrayBuffer()), 'application/octet-stream');
}

function card(
  parts: CellParts,
  { split }: Cell,
  { index, label, image }: Prediction,
  canChange: boolean,
  changed: () => void,
): HTMLElement {
  const { classes, shape } = parts.trainer.dataset;
  const [, height = 32, width = 32] = shape;
  const name = words.image(split, index);
  const canvas = h('canvas', { class: 'pixels', width, height, role: 'img', 'aria-label': name });
  canvas.getContext('2d')!.putImageData(picture(image, shape), 0, 0);
  if (!canChange) return h('div', { class: 'card' }, canvas);
  const key = `${split} ${index}`;
  const now = changesOf(parts).get(key);
  const chosen = now ? (now.to ?? -1) : label;
  const choice = h(
    'select',
    {
      'aria-label': words.really(name),
      onchange: () => {
        const to = Number(choice.value);
        if (to === label) changesOf(parts).delete(key);
        else changesOf(parts).set(key, { label, image, to: to < 0 ? null : to });
        changed();
      },
    },
    ...classes.map((text, value) => h('option', { value, selected: value === chosen }, text)),
    h('option', { value: -1, selected: chosen === -1 }, words.leaveOut),
  );
  return h('div', { class: 'card' }, canvas, choice);
}
