/**
 * Start, pause, step and reset, and where the run is: state, epoch, step, images a second, time
 * left, backend. Tells `kiln-reset` with { start } when a new run is wanted: the element around
 * knows the settings.
 */

import css from './styles/run-bar.css?inline';
import { h, setText, show } from './dom.js';
import { draw } from './draw.js';
import { count, duration } from './format.js';
import { strings } from './strings.js';
import type { LiveTrainer, Progress } from './live-trainer.js';
import { View } from './view.js';

const words = strings.run;
const CALM = 0.15; // weight of the newest speed in the one that is shown
const ANNOUNCE_EVERY = 10_000; // milliseconds: a screen reader should not chatter

export class RunBar extends View {
  readonly #go = h(
    'button',
    { class: 'main', type: 'button', onclick: (event: MouseEvent) => this.#toggle(event) },
    words.start,
  );
  readonly #step = h(
    'button',
    { type: 'button', title: words.stepHint, onclick: () => this.#do((t) => t.step()) },
    words.step,
  );
  readonly #reset = h(
    'button',
    {
      type: 'button',
      title: words.resetHint,
      onclick: () => this.tell('kiln-reset', { start: false }),
    },
    words.reset,
  );
  readonly #state = h('dd', { class: 'state' });
  readonly #epoch = h('dd');
  readonly #stepNumber = h('dd');
  readonly #speed = h('dd');
  readonly #eta = h('dd');
  readonly #bar = h('progress', { max: '1', value: '0', 'aria-label': words.progress });
  readonly #live = h('p', { class: 'unseen', role: 'status' });
  readonly #backend = h('summary');
  readonly #why = h('p', { class: 'note' });
  #progress: Progress | null = null;
  #speedShown = 0;
  #announced = -ANNOUNCE_EVERY;

  constructor() {
    super(css);
  }

  protected override build(): void {
    const item = (name: string, value: HTMLElement, kind: string): HTMLElement =>
      h('div', { class: kind }, h('dt', {}, name), value);
    this.root.append(
      h(
        'div',
        { class: 'bar', role: 'group', 'aria-label': words.label },
        h('div', { class: 'buttons' }, this.#go, this.#step, this.#reset),
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
      this.#bar,
      this.#live,
    );
    this.#update();
  }

  protected override attach(trainer: LiveTrainer): void {
    const { variant, mode, threads, reason } = trainer.backend;
    setText(this.#backend, words.backend(variant, mode, threads));
    setText(this.#why, `${words.why}: ${reason}`);
    this.on('progress', (progress) => {
      this.#progress = progress;
      this.#speedShown +=
        (progress.imagesPerSecond - this.#speedShown) * (this.#speedShown === 0 ? 1 : CALM);
      draw(this, () => this.#update());
    });
    this.onRun(() => {
      this.#progress = null;
      this.#speedShown = 0;
      this.#update();
    });
    this.on('state', ({ state }) => {
      this.#update();
      if (state === 'done' || state === 'failed')
        this.#say(words.announceState(words.states[state]), true);
    });
    this.on('epoch', (e) =>
      this.#say(words.announceEpoch(e.epoch, e.trainAccuracy, e.valAccuracy), false),
    );
    this.#update();
  }

  #toggle({ detail: clicks }: MouseEvent): void {
    const state = this.trainer?.state;
    if (clicks > 1 && state === 'running') return; // a double click starts, too
    if (state === 'done' || state === 'failed') this.tell('kiln-reset', { start: true });
    else if (state === 'running') this.#do((t) => t.pause());
    else this.#do((t) => t.start());
  }

  #do(act: (trainer: LiveTrainer) => Promise<unknown>): void {
    const trainer = this.trainer;
    if (trainer) void this.attempt(() => act(trainer));
  }

  #say(text: string, important: boolean): void {
    const now = performance.now();
    if (!important && now - this.#announced < ANNOUNCE_EVERY) return;
    this.#announced = now;
    setText(this.#live, text);
  }

  #update(): void {
    const trainer = this.trainer;
    const state = trainer?.state ?? 'ready';
    for (const button of [this.#go, this.#step, this.#reset]) button.disabled = trainer === null;
    this.#step.disabled ||= state === 'running' || state === 'done' || state === 'failed';
    setText(
      this.#go,
      {
        ready: words.start,
        running: words.pause,
        paused: words.resume,
        done: words.again,
        failed: words.again,
      }[state],
    );
    setText(this.#state, trainer ? words.states[state] : strings.loading);
    show(this.#backend, trainer !== null);
    const metrics = this.#progress ?? trainer?.metrics ?? null;
    const { step = 0, steps = 0, epoch = 0, epochs = 0 } = metrics ?? {};
    setText(this.#epoch, epochs ? `${count(epoch)} / ${count(epochs)}` : '–');
    setText(this.#stepNumber, steps ? `${count(step)} / ${count(steps)}` : count(step));
    setText(this.#speed, this.#speedShown > 0 ? count(this.#speedShown) : '–');
    setText(this.#eta, state === 'running' ? duration(this.#progress?.eta) : '–');
    this.#bar.value = steps ? step / steps : 0;
  }
}
