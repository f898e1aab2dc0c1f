/**
 * Start, pause, step and reset, each a button of its own that never means anything else, and where
 * the run is: state, epoch, step, images a second, time left, backend. Tells `kiln-start`,
 * `kiln-step` and `kiln-reset`: the element around knows whether what it shows can be trained on.
 */

import css from './styles/run-bar.css?inline';
import { explainer, h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { count, duration, epochNumber } from './format.js';
import { Announcer, showState, steadyButton } from './run-controls.js';
import { strings } from './strings.js';
import type { LiveTrainer } from './live-trainer.js';
import { View } from './view.js';

const words = strings.run;
const CALM = 0.15; // weight of the newest speed in the one that is shown

export class RunBar extends View {
  readonly #start = this.#button(words.start, () => this.tell('kiln-start'), 'main');
  readonly #pause = this.#button(words.pause, () => this.#do((t) => t.pause()));
  readonly #step = this.#button(words.step, () => this.tell('kiln-step'));
  readonly #reset = this.#button(words.reset, () => this.tell('kiln-reset'));
  readonly #state = h('dd', { class: 'state' }, strings.loading);
  readonly #epoch = h('dd');
  readonly #stepNumber = h('dd');
  readonly #speed = h('dd');
  readonly #eta = h('dd');
  readonly #bar = h('progress', { max: '1', value: '0', 'aria-label': words.progress });
  readonly #live = new Announcer();
  readonly #backend = h('summary');
  readonly #why = h('p', { class: 'note' });
  #timeLeft: number | null = null;
  #speedShown = 0;

  constructor() {
    super(css);
  }

  /** The library could not be loaded: says so where the state stands. */
  unavailable(): void {
    setText(this.#state, words.unavailable);
  }

  protected override build(): void {
    const terms = h('p', { class: 'note terms' }, words.terms);
    const item = (name: string, value: HTMLElement, kind: string): HTMLElement =>
      h('div', { class: kind }, h('dt', {}, name), value);
    this.root.append(
      h(
        'div',
        { class: 'bar', role: 'group', 'aria-label': words.label },
        h(
          'div',
          { class: 'buttons' },
          this.#start,
          this.#pause,
          this.#step,
          this.#reset,
          explainer(words.explain, terms),
        ),
        h(
          'dl',
          {},
          item(words.state, this.#state, 'state'),
          item(words.epoch, this.#epoch, 'epoch'),
          item(words.stepNumber, this.#stepNumber, 'step'),
          item(words.speed, this.#speed, 'speed'),
          item(words.eta, this.#eta, 'eta'),
        ),
        h('details', { class: 'backend' }, this.#backend, this.#why),
      ),
      terms,
      this.#bar,
      this.#live.node,
    );
    this.#update();
  }

  protected override attach(trainer: LiveTrainer): void {
    const { variant, mode, threads, reason } = trainer.backend;
    setText(this.#backend, words.backend(variant, mode, threads));
    setText(this.#why, `${words.why}: ${reason}`);
    this.on('progress', (progress) => {
      this.#timeLeft = progress.eta;
      const { imagesPerSecond: speed } = progress;
      if (speed > 0) {
        this.#speedShown += (speed - this.#speedShown) * (this.#speedShown === 0 ? 1 : CALM);
      }
      draw(this, () => this.#update());
    });
    this.onRun(() => {
      this.#timeLeft = null;
      this.#speedShown = 0;
      this.#update();
    });
    this.on('state', () => this.#update());
    this.on('epoch', ({ epoch, trainAccuracy, valAccuracy }) => {
      const last = epoch >= (trainer.metrics?.epochs ?? Infinity); // how it ended the page says
      if (!last) this.#live.epoch(epoch, trainAccuracy, valAccuracy);
    });
    this.#update();
  }

  #button(text: string, act: () => void, kind = ''): HTMLButtonElement {
    return steadyButton(text, act, { class: kind, disabled: true });
  }

  #do(act: (trainer: LiveTrainer) => Promise<unknown>): void {
    const trainer = this.trainer;
    if (trainer) void this.attempt(() => act(trainer));
  }

  #update(): void {
    const trainer = this.trainer;
    const state = trainer?.state ?? 'ready';
    const { step = 0, steps = 0, epoch = 0, epochs = 0 } = trainer?.metrics ?? {};
    const running = state === 'running';
    for (const button of [this.#start, this.#pause, this.#step, this.#reset]) {
      button.disabled = trainer === null;
    }
    showState([['start', this.#start], ['pause', this.#pause], ['step', this.#step],
      ['reset', this.#reset]], state, step);
    if (trainer) setText(this.#state, words.states[state]);
    show(this.#backend, trainer !== null);
    const at = Math.min(epoch, epochs);
    setText(this.#epoch, epochs ? `${epochNumber(at)} / ${epochNumber(epochs)}` : '–');
    setText(this.#stepNumber, steps ? `${count(step)} / ${count(steps)}` : count(step));
    setText(this.#speed, this.#speedShown > 0 ? count(this.#speedShown) : '–');
    setText(this.#eta, running ? duration(this.#timeLeft) : '–');
    this.#bar.value = steps ? step / steps : 0;
  }
}
