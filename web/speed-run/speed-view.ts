/**
 * The speed run: a goal or a time is chosen, and the view shows plan, clock, splits and what came
 * of it. What it does stands in speed-run.ts, what it reckons with in speed-plan.ts.
 */

import measuredHere from 'virtual:measured';

import css from './speed-view.css?inline';
import snippetCss from '../styles/snippet.css?inline';
import { copyText, define, h, link, setText, show } from '../dom.js';
import { draw } from '../draw.js';
import { duration, percent, sentence } from '../format.js';
import { holdPlace } from '../hold-place.js';
import type { LiveTrainer } from '../live-trainer.js';
import { downloadReceipt } from '../receipt-file.js';
import { Announcer } from '../run-controls.js';
import type { RunDesk } from '../run-desk.js';
import { ARCHIVES } from '../spellings.js';
import { strings } from '../strings.js';
import { View } from '../view.js';
import type { Measured, MeasuredRecipe } from './build-measured.js';
import { RaceChart } from './race-chart.js';
import { recipesOf, type Recipe } from './speed-plan.js';
import { SpeedRun } from './speed-run.js';
import { speedWords as words } from './strings-speed.js';

const REAL = 'cifar10';
const MINUTES = { least: 0.1, most: 600, usual: 5 };
const TICK = 500; // milliseconds
/** Apart from the plan by more than this share of it, an end is early or late. */
const ON_TIME = 0.02;
const SLOW = 1.1;
/** Milliseconds after the first step until the views above show the run's net, too. */
const SETTLED = 3000;

function called(data: string): string {
  return data === 'builtin' ? words.builtin : strings.data.names[data] ?? data;
}

export class SpeedView extends View {
  readonly #aim = h('select', { id: 'aim', onchange: () => {
    show(this.#wrong, false);
    this.#settle();
  } });
  readonly #minutes = h('input', {
    id: 'minutes', type: 'number', min: MINUTES.least, max: MINUTES.most, step: 'any',
    value: MINUTES.usual,
  });
  readonly #budget = h('div', { class: 'row' },
    h('label', { for: 'minutes' }, words.minutes), this.#minutes);
  readonly #start = h('button', { type: 'button', class: 'main', disabled: true,
    onclick: () => this.#go() }, words.go);
  readonly #cancel = h('button', { type: 'button', hidden: true,
    onclick: () => this.#speedRun?.cancel() }, words.cancel);
  readonly #place = h('p', { class: 'note' });
  readonly #wrong = h('p', { class: 'problem', role: 'alert', hidden: true });
  readonly #said = h('p', { class: 'said' });
  readonly #trouble = h('p', { class: 'trouble', hidden: true });
  readonly #clock = h('dd', { class: 'clock' });
  readonly #planned = h('dd');
  readonly #ends = h('dd');
  readonly #apart = h('dd', { class: 'note' });
  readonly #reached = h('dd');
  readonly #figures = h('dl', { hidden: true },
    h('div', {}, h('dt', {}, words.elapsed), this.#clock),
    h('div', {}, h('dt', {}, words.of), this.#planned),
    h('div', {}, h('dt', {}, words.ends), this.#ends, this.#apart),
    h('div', {}, h('dt', {}, words.reached), this.#reached));
  readonly #score = h('p', { class: 'score' });
  readonly #line = h('pre', { tabindex: '0', role: 'region', 'aria-label': words.share });
  readonly #shared = h('span', { class: 'note', role: 'status' });
  readonly #hint = h('p', { class: 'note' });
  readonly #receipt = h('button', { type: 'button',
    onclick: () => setText(this.#shared, downloadReceipt(this.#speedRun!.result!.receipt!)) },
  words.receipt);
  readonly #result = h('div', { class: 'result', hidden: true },
    this.#score,
    h('h3', {}, words.share),
    this.#line,
    h('div', { class: 'row' },
      h('button', { type: 'button', onclick: () => void this.#copy() }, words.copy),
      this.#receipt,
      this.#shared),
    this.#hint);
  readonly #chart = new RaceChart();
  readonly #live = new Announcer();
  readonly #measured: Measured = measuredHere;
  #recipes: Recipe[] = [];
  #desk: RunDesk | null = null;
  #speedRun: SpeedRun | null = null;
  #held: AbortController | null = null;
  #told = '';
  #timer = 0;

  constructor() {
    super(snippetCss + css);
    this.root.adoptedStyleSheets.push(this.#chart.style);
  }

  /** Where runs are asked for. */
  set desk(desk: RunDesk) {
    this.#desk = desk;
    this.#settle();
  }

  protected override build(): void {
    this.upgradeProperty('desk');
    this.root.append(
      h('h2', {}, words.title),
      h('p', { class: 'note' }, words.lead),
      h('div', { class: 'row' },
        h('label', { for: 'aim' }, words.aim), this.#aim, this.#budget, this.#start, this.#cancel),
      this.#wrong,
      this.#place,
      this.#said,
      this.#figures,
      this.#trouble,
      this.#result,
      this.#chart.node,
      this.#live.node,
    );
    show(this.#chart.node, false);
  }

  protected override attach(trainer: LiveTrainer): void {
    void this.attempt(async () => {
      this.#recipes = recipesOf(await trainer.presets());
      this.#aim.replaceChildren(h('option', { value: '' }, words.budget),
        ...this.#recipes.map(({ name, title }) => h('option', { value: name }, title)));
      this.#settle();
    });
    this.on('state', () => this.#settle());
    this.#timer = window.setInterval(() => {
      if (this.visible && this.#speedRun && !this.#speedRun.over) this.#redraw();
    }, TICK);
    this.signal.addEventListener('abort', () => clearInterval(this.#timer));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#speedRun?.dispose();
    this.#held?.abort();
    this.#chart.close();
  }

  protected override appeared(): void {
    this.#redraw();
  }

  #go(): void {
    const trainer = this.trainer;
    if (!trainer || !this.#desk || this.#busy) return;
    const goal = this.#recipes.find(({ name }) => name === this.#aim.value);
    const minutes = Number(this.#minutes.value);
    const right = minutes >= MINUTES.least && minutes <= MINUTES.most;
    setText(this.#wrong, goal || right ? '' : words.badMinutes(MINUTES.least, MINUTES.most));
    show(this.#wrong, !goal && !right);
    if (!goal && !right) return;
    this.#speedRun?.dispose();
    this.#chart.open();
    this.#held?.abort();
    const held = this.#held = new AbortController();
    holdPlace(this, held.signal); // the views above show each net that is measured
    this.#speedRun = new SpeedRun(trainer, this.#desk, this.#recipes,
      goal ? { goal } : { seconds: 60 * minutes }, () => this.#redraw());
    setText(this.#shared, '');
    void this.#speedRun.go().then(() => setTimeout(() => held.abort(), SETTLED));
    this.#redraw();
  }

  get #busy(): boolean {
    return this.#speedRun !== null && !this.#speedRun.over;
  }

  /** What can be asked for, on these data. */
  #settle(): void {
    const { trainer } = this;
    if (!trainer) return;
    show(this.#budget, this.#aim.value === '');
    this.#start.disabled = this.#recipes.length === 0 || this.#desk === null || this.#busy;
    show(this.#cancel, this.#speedRun?.phase === 'measuring');
    const { name } = trainer.dataset;
    const text = name === REAL ? words.ready : words.rehearsal(called(name));
    if (this.#place.dataset['text'] === text) return;
    this.#place.dataset['text'] = text;
    this.#place.replaceChildren(text,
      ...(name === REAL ? [] : [' ', link(strings.data.whereUrl), '.']));
  }

  #redraw(): void {
    draw(this, () => this.#show());
  }

  #show(): void {
    this.#settle();
    const run = this.#speedRun;
    if (!run) return;
    const text = this.#sentence(run);
    setText(this.#said, text);
    if (text !== this.#told) this.#live.say(this.#told = text);
    const { timeline, planned, end } = run;
    show(this.#figures, timeline !== null && (!run.over || run.phase === 'done'));
    setText(this.#clock, duration(run.passed));
    setText(this.#planned, duration(planned));
    setText(this.#ends, duration(run.result?.seconds ?? end));
    const apart = (run.result?.seconds ?? end) - planned;
    setText(this.#apart, Math.abs(apart) < Math.max(1, ON_TIME * planned) ? words.onTime
      : apart < 0 ? words.early(-apart) : words.late(apart));
    setText(this.#reached, percent(run.splits.at(-1)?.validation));
    const trouble = this.#whatAils(run);
    setText(this.#trouble, trouble);
    show(this.#trouble, trouble !== '');
    this.#chart.show(run, this.#known(run)?.curve ?? null);
    this.#showResult(run);
  }

  /** What was measured of the run's recipe, on these data. */
  #known({ plan }: SpeedRun): MeasuredRecipe | undefined {
    if (!plan || this.trainer?.dataset.name !== REAL) return undefined;
    return this.#measured.recipes[plan.recipe.name];
  }

  #sentence({ phase, plan, aim, measured, problem, work }: SpeedRun): string {
    switch (phase) {
      case 'measuring': return words.measuring(measured);
      case 'stopped': return words.stopped;
      case 'replaced': return words.replaced;
      case 'failed': return words.failed(problem);
      case 'testing': return words.testing(work!.test, work!.looks);
      default:
    }
    if (!plan) return '';
    const { recipe, epochs, seconds } = plan;
    if (plan.kind === 'short') {
      return words.short('seconds' in aim ? aim.seconds : 0, recipe.title, epochs, seconds,
        plan.whole);
    }
    const known = this.#known(this.#speedRun!);
    return words.plan(recipe.title, epochs, recipe.epochs, this.#speedRun!.planned) +
      (epochs < recipe.epochs ? words.less(recipe.title, this.#speedRun!.whole) : '') +
      (known && epochs >= recipe.epochs ? words.published(known) : '');
  }

  /** Why the end is not where it was planned. */
  #whatAils(run: SpeedRun): string {
    if (run.phase !== 'running') return '';
    if (this.trainer?.state === 'paused') return words.paused;
    if (run.slowness < SLOW) return '';
    return run.hidden ? words.hidden : words.slower(run.slowness);
  }

  #showResult({ result, plan, planned }: SpeedRun): void {
    show(this.#result, result !== null);
    if (!result || !plan) return;
    const { options, data, images, seconds, threads, mode, hash, link, obstacle } = result;
    const name = called(data);
    const accuracy = percent(result.accuracy, 2);
    setText(this.#score,
      `${words.result(accuracy, images, name)}, ${words.ended(seconds, planned)}.`);
    const { seed = '1', 'eval-views': views = '1', 'eval-share': share = '1' } = options;
    setText(this.#line, words.line({
      preset: plan.recipe.name, epochs: plan.epochs, changed: obstacle !== '', seed, accuracy,
      data: name, images, views: Number(views), share: Number(share), seconds, threads, mode, hash,
      link, rehearsal: data !== REAL,
    }));
    this.#receipt.disabled = obstacle !== '';
    setText(this.#hint, obstacle !== '' ? sentence(obstacle)
      : words.receiptHint(mode, data === 'builtin' ? '' : ARCHIVES[data] ?? 'FILES'));
  }

  async #copy(): Promise<void> {
    setText(this.#shared, await copyText(this.#line) ? words.copied : words.notCopied);
  }
}

define({ 'kiln-speed-view': SpeedView });
