/**
 * The numbers of the last step as a row: loss and its parts, batch accuracy, rate, gradient, update
 * ratio, best. Tells `kiln-health` with how the run fares when that changes, and `kiln-recovered`
 * with the step from which a run that diverged went on by itself.
 */

import css from './styles/readout.css?inline';
import type { Metrics } from '../bindings/types.js';
import { explainer, h, setText } from './dom.js';
import { draw } from './draw.js';
import { fixed, general, percent } from './format.js';
import { Health } from './health.js';
import { viewStrings as strings } from './strings-views.js';
import type { LiveTrainer, Progress } from './live-trainer.js';
import { View } from './view.js';

const words = strings.readout;

/** The course's rule of thumb: updates of about a thousandth of the weights. */
const RATIO_LOW = 1e-4;
const RATIO_HIGH = 1e-2;
const LOWERED = 0.3;

interface Item {
  value: HTMLElement;
  note: HTMLElement;
}

export class ReadoutView extends View {
  readonly #list = h('dl', { 'aria-label': words.label });
  readonly #loss = this.#item(words.loss, words.smoothed);
  readonly #batch = this.#item(words.batch, words.smoothed);
  readonly #best = this.#item(words.best, words.bestNone);
  readonly #lr = this.#item(words.lr, words.lrNote);
  readonly #gradient = this.#item(words.gradient, words.gradientNote);
  readonly #ratio = this.#item(words.ratio, words.ratioHint);
  readonly #health = new Health();
  #highestLr = 0;

  constructor() {
    super(css);
  }

  protected override build(): void {
    const terms = h('p', { class: 'note' }, words.terms);
    this.root.append(this.#list, explainer(words.explain, terms), terms);
  }

  protected override attach(trainer: LiveTrainer): void {
    this.on('progress', (progress) => {
      this.#examine(progress.points);
      draw(this, () => this.#fill(progress));
    });
    this.on('error', () => this.#health.ended());
    this.on('epoch', () => draw(this, () => this.#fill(trainer.metrics)));
    this.onRun(() => {
      this.#highestLr = 0;
      this.#health.begin();
      void this.#remember(trainer);
      draw(this, () => this.#fill(trainer.metrics));
    });
    this.on('state', () => draw(this, () => this.#fill(trainer.metrics)));
    this.#fill(trainer.metrics);
  }

  /** A run that was opened in its middle began with the loss that its history has first. */
  async #remember(trainer: LiveTrainer): Promise<void> {
    if (!trainer.metrics) return;
    const history = await this.attempt(() => trainer.history());
    this.#health.begin(history?.loss[0]?.[1]);
  }

  #examine(points: Progress['points']): void {
    const { diverging } = this.#health;
    const back = this.#health.push(points);
    if (back !== null) this.tell('kiln-recovered', back);
    else if (this.#health.diverging !== diverging) this.tell('kiln-health', this.#health);
  }

  #item(name: string, note: string): Item {
    const item = { value: h('dd', {}, '–'), note: h('dd', { class: 'note' }, note) };
    this.#list.append(h('div', {}, h('dt', {}, name), item.value, item.note));
    return item;
  }

  #fill(m: Metrics | null): void {
    const begun = m !== null && m.step > 0;
    const { diverging } = this.#health;
    this.#loss.value.parentElement!.classList.toggle('alarm', diverging);
    setText(this.#loss.value, begun ? fixed(m.loss) : '–');
    setText(
      this.#loss.note,
      diverging
        ? words.diverging
        : begun
          ? words.lossParts(fixed(m.dataLoss, 2), fixed(m.regLoss, 2))
          : words.smoothed,
    );
    setText(this.#batch.value, begun ? percent(m.accuracy, 0) : '–');
    setText(this.#best.value, percent(m?.bestValAccuracy));
    setText(this.#best.note, m?.bestEpoch ? words.bestEpoch(m.bestEpoch) : words.bestNone);
    setText(this.#lr.value, begun ? general(m.lr, 3) : '–');
    setText(this.#lr.note, diverging ? words.ratioHigh : words.lrNote);
    setText(this.#gradient.value, begun ? general(m.gradientNorm, 3) : '–');
    const ratio = begun ? m.updateRatio : null;
    setText(this.#ratio.value, general(ratio));
    setText(this.#ratio.note, begun ? this.#advice(m) : words.ratioHint);
  }

  /**
   * A rule of thumb is no news while the loss comes down: it advises where the run is in trouble.
   * Where the schedule itself has lowered the rate, a small ratio is meant.
   */
  #advice({ lr, updateRatio: ratio }: Metrics): string {
    this.#highestLr = Math.max(this.#highestLr, lr);
    if (ratio === null || !(ratio > 0)) return words.ratioHint;
    if (ratio > RATIO_HIGH) return this.#health.learning ? words.ratioHint : words.ratioHigh;
    const lowered = lr < LOWERED * this.#highestLr;
    return ratio < RATIO_LOW && !lowered ? words.ratioLow : words.ratioHint;
  }
}
