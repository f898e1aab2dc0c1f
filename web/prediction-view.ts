/**
 * Test images with the classes the network takes them for. Tells `kiln-image` with the number of
 * one when it is chosen, for the view of the layers.
 */

import barCss from './styles/bars.css?inline';
import css from './styles/predictions.css?inline';
import type { DatasetInfo, Prediction, Split } from '../bindings/types.js';
import { h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { enlarger } from './enlarge.js';
import { bars, guesses, type Bars, type Guess } from './guesses.js';
import { picture } from './pixels.js';
import { Poller } from './poll.js';
import { viewStrings as strings } from './strings-views.js';
import { hasScores, shownSplit, type LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.predictions;
const PAGE = 12;
const BARS = 3;
const EVERY = 1000; // milliseconds

interface Card {
  button: HTMLButtonElement;
  canvas: HTMLCanvasElement;
  mark: HTMLElement;
  truth: HTMLElement;
  /** All of it for those who do not see it. */
  sentence: HTMLElement;
  bars: Bars;
  index: number;
  /** Which image the canvas has. */
  drawn: string;
}

export class PredictionView extends View {
  readonly #cards: Card[] = Array.from({ length: PAGE }, () => this.#card());
  readonly #enlarge = enlarger(this.root, () => words.chosen, () => {
    const { canvas, sentence } = this.#chosenCard;
    return [{ canvas, caption: () => sentence.textContent ?? '' }];
  });
  readonly #range = h('span', { class: 'note' });
  readonly #score = h('span', { class: 'note score' });
  readonly #caption = h('figcaption', {}, words.caption);
  readonly #poller = new Poller(
    () => this.#ask(),
    () => this.visible && this.trainer !== null,
    (error) => this.failed(error),
    EVERY,
  );
  #first = 0;
  #chosen = 0;

  constructor() {
    super(css + barCss);
  }

  protected override build(): void {
    const turn = (by: number, text: string): HTMLElement =>
      h('button', { type: 'button', onclick: () => this.#turn(by) }, text);
    this.root.append(
      h(
        'figure',
        {},
        h(
          'div',
          { class: 'row head' },
          h('h2', {}, words.title),
          this.#score,
          h(
            'div',
            { class: 'row turn' },
            turn(-PAGE, words.previous),
            this.#range,
            turn(PAGE, words.next),
          ),
          this.#enlarge,
        ),
        h('div', { class: 'cards' }, ...this.#cards.map(({ button }) => button)),
        this.#caption,
      ),
    );
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

  #card(): Card {
    const canvas = h('canvas', { class: 'pixels', width: 32, height: 32, 'aria-hidden': 'true' });
    const mark = h('span', { class: 'mark' });
    const truth = h('span', { class: 'truth' });
    const sentence = h('span', { class: 'unseen' });
    const three = bars(BARS);
    const button = h(
      'button',
      { type: 'button', class: 'card', 'aria-pressed': 'false', hidden: true },
      canvas,
      sentence,
      h(
        'span',
        { class: 'text', 'aria-hidden': 'true' },
        h('span', { class: 'title' }, mark, truth),
        ...three.nodes,
      ),
    );
    const card: Card = { button, canvas, mark, truth, sentence, bars: three, index: -1, drawn: '' };
    button.addEventListener('click', () => this.#choose(card));
    button.addEventListener('dblclick', () => this.#enlarge.click());
    return card;
  }

  /** The chosen one, or the first of those that are shown. */
  get #chosenCard(): Card {
    return this.#cards.find(({ index }) => index === this.#chosen) ?? this.#cards[0]!;
  }

  #choose(card: Card): void {
    this.#chosen = card.index;
    for (const { button, index } of this.#cards) {
      button.setAttribute('aria-pressed', String(index === this.#chosen));
    }
    this.tell('kiln-image', card.index);
  }

  #turn(by: number): void {
    if (!this.trainer) return;
    const { dataset } = this.trainer;
    const total = dataset[shownSplit(dataset)];
    const last = Math.max(0, Math.floor((total - 1) / PAGE) * PAGE);
    const first = this.#first + by;
    this.#first = first > last ? 0 : first < 0 ? last : first;
    this.#poller.now();
  }

  async #ask(): Promise<void> {
    const trainer = this.trainer!;
    const { dataset } = trainer;
    const split = shownSplit(dataset);
    const total = dataset[split];
    if (this.#first >= total) this.#first = 0;
    const first = this.#first;
    const indices = Array.from({ length: Math.min(PAGE, total - first) }, (_, i) => first + i);
    const predictions = await trainer.predict(split, indices);
    const scores = hasScores(trainer.summary);
    const right = this.#cards.map((card, i) => {
      const prediction = predictions[i];
      const found = prediction ? guesses(prediction.probabilities, scores) : [];
      draw(card, () => {
        show(card.button, prediction !== undefined);
        if (prediction) fill(card, prediction, found, split, dataset);
        card.button.setAttribute('aria-pressed', String(card.index === this.#chosen));
      });
      return prediction !== undefined && isRight(prediction, found);
    });
    draw(this, () => {
      setText(this.#caption, scores ? words.caption + words.scores : words.caption);
      setText(this.#range, words.range(first + 1, first + predictions.length, total));
      setText(this.#score, words.score(right.filter(Boolean).length, predictions.length));
    });
  }
}

/** Not so once the run has diverged: what is no number is no guess. */
function isRight({ label, probabilities }: Prediction, [first]: readonly Guess[]): boolean {
  return first?.k === label && Number.isFinite(probabilities[label]);
}

/** Shows the prediction in the card. */
function fill(
  card: Card,
  prediction: Prediction,
  found: readonly Guess[],
  split: Split,
  dataset: DatasetInfo,
): void {
  const { classes, shape, hash } = dataset;
  const { index, label, image } = prediction;
  const drawn = `${hash} ${split} ${index}`;
  if (card.drawn !== drawn) {
    const pixels = picture(image, shape);
    card.canvas.width = pixels.width;
    card.canvas.height = pixels.height;
    card.canvas.getContext('2d')!.putImageData(pixels, 0, 0);
    card.drawn = drawn;
    card.index = index;
  }
  const right = isRight(prediction, found);
  setText(card.mark, right ? words.right : words.wrong);
  setText(card.truth, classes[label] ?? String(label));
  card.button.classList.toggle('wrong', !right);
  card.bars.fill(found, classes, label);
  const { k = 0, text = '' } = found[0] ?? {};
  setText(
    card.sentence,
    words.image(
      strings.images[split],
      index,
      classes[label] ?? '',
      classes[k] ?? '',
      text,
      right,
    ),
  );
}
