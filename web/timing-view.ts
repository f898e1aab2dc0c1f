/** Where the time of a step goes: a bar for each layer, forward and backward. */

import css from './styles/timing.css?inline';
import type { LayerTime } from '../bindings/types.js';
import { h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { percent } from './format.js';
import { Poller } from './poll.js';
import { viewStrings as strings } from './strings-views.js';
import type { LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.timing;
const EVERY = 2000; // milliseconds

interface Row {
  node: HTMLTableRowElement;
  name: HTMLElement;
  cells: HTMLElement[];
  bar: HTMLElement;
}

export class TimingView extends View {
  readonly #body = h('tbody');
  readonly #table = h(
    'table',
    {},
    h('caption', { class: 'unseen' }, words.table),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...[words.layer, words.forward, words.backward, words.share].map((text) =>
          h('th', { scope: 'col' }, text),
        ),
        h('td', { class: 'wide' }),
      ),
    ),
    this.#body,
  );
  readonly #empty = h('p', { class: 'note' }, words.empty);
  readonly #poller = new Poller(
    () => this.#ask(),
    () => this.trainer !== null,
    (error) => this.failed(error),
    EVERY,
  );
  #rows: Row[] = [];

  constructor() {
    super(css);
  }

  protected override build(): void {
    show(this.#table, false);
    this.root.append(
      h(
        'figure',
        {},
        h('h2', {}, words.title),
        this.#empty,
        this.#table,
        h('figcaption', {}, words.caption),
      ),
    );
  }

  protected override attach(_trainer: LiveTrainer): void {
    // The first question starts the clocks; the last one, when the run rests, has them all.
    this.on('progress', () => {
      if (this.visible) this.#poller.poke();
    });
    this.on('state', () => this.#poller.now());
    this.onRun(() => {
      show(this.#table, false);
      show(this.#empty, true);
    });
    this.#poller.now();
  }

  protected override appeared(): void {
    this.#poller.now();
  }

  async #ask(): Promise<void> {
    const times = (await this.trainer!.layerTimes()).filter(({ calls }) => calls > 0);
    if (times.length > 0) draw(this, () => this.#show(times));
  }

  #show(times: LayerTime[]): void {
    show(this.#table, true);
    show(this.#empty, false);
    while (this.#rows.length < times.length) this.#rows.push(this.#row());
    this.#body.replaceChildren(...this.#rows.slice(0, times.length).map(({ node }) => node));
    const total = times.reduce(
      (sum, { forward, backward, calls }) => sum + (forward + backward) / calls,
      0,
    );
    const largest = Math.max(
      ...times.map(({ forward, backward, calls }) => (forward + backward) / calls),
    );
    times.forEach(({ name, forward, backward, calls }, i) => {
      const row = this.#rows[i]!;
      setText(row.name, name);
      [
        (forward / calls).toFixed(2),
        (backward / calls).toFixed(2),
        percent((forward + backward) / calls / total, 0),
      ].forEach((text, k) => setText(row.cells[k]!, text));
      row.bar.style.setProperty('--forward', (forward / calls / largest).toFixed(3));
      row.bar.style.setProperty('--backward', (backward / calls / largest).toFixed(3));
    });
  }

  #row(): Row {
    const name = h('th', { scope: 'row' });
    const cells = [h('td'), h('td'), h('td')];
    const bar = h('div', { class: 'bar' });
    return { node: h('tr', {}, name, ...cells, h('td', { class: 'wide' }, bar)), name, cells, bar };
  }
}
