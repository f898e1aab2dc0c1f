/** Pictures that people bring, as the network sees them, and what it takes them for. */

import barCss from './styles/bars.css?inline';
import css from './styles/photo.css?inline';
import { h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { enlarger } from './enlarge.js';
import { bars, guesses, type Bars } from './guesses.js';
import { isPhoto } from './pictures/file-kinds.js';
import { picture, put } from './pixels.js';
import { Poller } from './poll.js';
import { photoWords as words } from './strings-photo.js';
import { strings } from './strings.js';
import { explain, hasScores, type LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

/** Pictures that are shown; of more than these, dropped together, a data set is made. */
export const MOST = 6;
const BARS = 3;
const EVERY = 1000; // milliseconds
const SCALE = 3; // CSS pixels for each of a picture's own

interface Photo {
  name: string;
  /** (C, H, W) of the data set. */
  pixels: Uint8Array;
}

interface Card {
  photo: Photo;
  node: HTMLElement;
  canvas: HTMLCanvasElement;
  bars: Bars;
}

export class PhotoView extends View {
  readonly #file = h('input', {
    type: 'file',
    id: 'photo',
    class: 'unseen',
    accept: 'image/*',
    multiple: true,
    tabindex: '-1',
    'aria-hidden': 'true',
    onchange: () => this.#picked(),
  });
  readonly #remove = h(
    'button',
    { type: 'button', class: 'plain', onclick: () => this.#show([]) },
    words.remove,
  );
  readonly #enlarge = enlarger(this.root, () => words.all, () =>
    this.#shown.map(({ canvas }) => ({ canvas, caption: () => canvas.ariaLabel ?? '' })),
  );
  readonly #said = h('p', { class: 'said', role: 'status' });
  readonly #cards = h('div', { class: 'photos' });
  readonly #caption = h('figcaption', {}, words.caption);
  readonly #poller = new Poller(
    () => this.#ask(),
    () => this.visible && this.trainer !== null && this.#shown.length > 0,
    (error) => this.failed(error),
    EVERY,
  );
  #shown: Card[] = [];
  #shape = '';

  constructor() {
    super(css + barCss);
  }

  protected override build(): void {
    const choose = h(
      'button',
      { type: 'button', onclick: () => this.#file.click() },
      words.choose,
    );
    this.#offer(false);
    this.root.append(
      h(
        'figure',
        {},
        h('h2', {}, words.title),
        h('div', { class: 'row' }, choose, this.#file, this.#enlarge, this.#remove),
        h('p', { class: 'note' }, words.hint),
        this.#said,
        this.#cards,
        this.#caption,
      ),
    );
  }

  protected override attach(trainer: LiveTrainer): void {
    this.ownerDocument.addEventListener('paste', (event) => this.#pasted(event), {
      signal: this.signal,
    });
    this.on('progress', () => this.#poller.poke());
    this.on('epoch', () => this.#poller.now());
    this.on('state', () => this.#poller.now());
    this.onRun(() => {
      if (this.#shape !== trainer.dataset.shape.join()) this.#show([]);
      this.#poller.now();
    });
    this.#poller.now();
  }

  protected override appeared(): void {
    this.#poller.now();
  }

  /** Reads the files and shows them in place of those before; what cannot be read says why. */
  async take(files: readonly File[]): Promise<void> {
    const trainer = this.trainer;
    if (!trainer || files.length === 0) return;
    const { shape } = trainer.dataset;
    const problems = files.length > MOST ? [words.most(MOST, files.length)] : [];
    const photos: Photo[] = [];
    for (const file of files.slice(0, MOST)) {
      try {
        const { readPicture } = await import('./pictures/read-picture.js');
        const name = file.name || words.unnamed;
        photos.push({ name, pixels: await readPicture(file, name, shape) });
      } catch (error) {
        problems.push(explain(error).message);
      }
    }
    if (photos.length > 0) {
      this.#shape = shape.join();
      this.#show(photos);
    }
    setText(this.#said, problems.join(' '));
    this.scrollIntoView({ block: 'nearest' });
    this.#poller.now();
  }

  #picked(): void {
    const files = [...(this.#file.files ?? [])];
    this.#file.value = '';
    void this.take(files);
  }

  #pasted(event: ClipboardEvent): void {
    const photos = [...(event.clipboardData?.files ?? [])].filter(isPhoto);
    if (photos.length === 0) return;
    event.preventDefault();
    void this.take(photos);
  }

  #show(photos: Photo[]): void {
    this.#shown = photos.map((photo) => {
      const canvas = h('canvas', { class: 'pixels', role: 'img', 'aria-label': photo.name });
      const likeliest = bars(BARS);
      const node = h(
        'div',
        { class: 'photo' },
        canvas,
        h('div', { class: 'text' }, h('span', { class: 'name' }, photo.name), ...likeliest.nodes,
          this.#inside(photo)),
      );
      put(canvas, picture(photo.pixels, this.#shape.split(',').map(Number)), SCALE);
      return { photo, node, canvas, bars: likeliest };
    });
    this.#cards.replaceChildren(...this.#shown.map(({ node }) => node));
    setText(this.#said, '');
    this.#offer(photos.length > 0);
  }

  /** Shows the picture in the view of the layers: tells `kiln-photo`. */
  #inside(photo: Photo): HTMLButtonElement {
    const shape = this.#shape;
    const act = (): void => this.tell('kiln-photo', { ...photo, shape });
    const button = h('button', { type: 'button', class: 'plain', onclick: act }, words.inside);
    button.setAttribute('aria-label', words.insideOf(photo.name));
    return button;
  }

  /** What can be done with pictures, where there are some. */
  #offer(some: boolean): void {
    for (const node of [this.#enlarge, this.#remove, this.#caption]) show(node, some);
  }

  async #ask(): Promise<void> {
    const trainer = this.trainer!;
    const { classes, shape } = trainer.dataset;
    if (shape.join() !== this.#shape) return;
    const scores = hasScores(trainer.summary);
    const untrained = (trainer.metrics?.step ?? 0) === 0;
    for (const card of this.#shown) {
      const found = guesses(await trainer.classify(card.photo.pixels), scores);
      const best = `${classes[found[0]?.k ?? 0] ?? ''} ${found[0]?.text ?? ''}`;
      draw(card, () => {
        card.bars.fill(found, classes);
        card.canvas.setAttribute('aria-label', words.label(card.photo.name, best));
      });
    }
    draw(this, () => {
      const text = words.caption + (scores ? strings.predictions.scores : '');
      setText(this.#caption, untrained ? words.untrained : text);
      this.#caption.classList.toggle('untrained', untrained);
    });
  }
}
