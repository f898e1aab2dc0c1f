/**
 * One speed run: measures, plans, trains, looks at the test images, and keeps the time of it all.
 * Who shows it hears that something has changed, and reads the rest here.
 */

import type { Evaluation } from '../../bindings/types.js';
import { explain, type LiveTrainer } from '../live-trainer.js';
import type { RunDesk } from '../run-desk.js';
import { testLook } from '../tries/test-look.js';
import { measureEarly, measureHeld, Stopped, stretchFor } from './pace.js';
import {
  forecast, mayFit, planBudget, planGoal, samePace, slowness, timeline,
  type Candidate, type Mark, type Plan, type Recipe, type Timeline, type Work,
} from './speed-plan.js';

/** A goal, or seconds that all of it may take. */
export type Aim = { goal: Recipe } | { seconds: number };

export type Phase =
  'measuring' | 'running' | 'testing' | 'done' | 'short' | 'stopped' | 'replaced' | 'failed';

export interface Split {
  /** Epochs that are over; the last may be a part of one. */
  epoch: number;
  /** Of the run, 0..1. */
  share: number;
  planned: number;
  passed: number;
  validation: number;
}

/** What came of it, as it was then: data and settings of the page may be others by now. */
export interface Result {
  accuracy: number | null;
  hash: string;
  seconds: number;
  link: string;
  /** The data set's name, and how many test images it has. */
  data: string;
  images: number;
  options: Readonly<Record<string, string>>;
  threads: number;
  mode: string;
  /** null where training anew would not give the run, for this reason. */
  receipt: string | null;
  obstacle: string;
}

/** The looks at a test image that end a run, where its recipe does not say. */
export const VIEWS = { 'eval-views': '6', 'eval-share': '0.25' };

export class SpeedRun {
  phase: Phase = 'measuring';
  /** Titles of the recipes that are measured. */
  measured: string[] = [];
  plan: Plan | null = null;
  timeline: Timeline | null = null;
  /** Seconds from the press to the first step. */
  before = 0;
  readonly marks: Mark[] = [];
  readonly splits: Split[] = [];
  work: Work | null = null;
  result: Result | null = null;
  problem = '';
  /** The tab was out of sight while it trained. */
  hidden = false;
  readonly aim: Aim;
  readonly #trainer: LiveTrainer;
  readonly #desk: RunDesk;
  readonly #recipes: readonly Recipe[];
  readonly #changed: () => void;
  readonly #begun = performance.now();
  readonly #listening = new AbortController();
  readonly #cancel = new AbortController();
  #run: object | null = null;

  constructor(trainer: LiveTrainer, desk: RunDesk, recipes: readonly Recipe[], aim: Aim,
    changed: () => void) {
    this.#trainer = trainer;
    this.#desk = desk;
    this.#recipes = recipes;
    this.aim = aim;
    this.#changed = changed;
  }

  /** Seconds since the press. */
  get passed(): number {
    return this.result?.seconds ?? this.#sincePress;
  }

  get #sincePress(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Seconds, from the press, that all of it takes by the plan. */
  get planned(): number {
    return this.before + (this.timeline?.total ?? 0);
  }

  /** The same of the whole recipe. */
  get whole(): number {
    if (!this.plan || this.plan.kind !== 'run') return 0;
    const { recipe, pace } = this.plan;
    return this.before + timeline({ recipe, pace }, this.work!, recipe.epochs).total;
  }

  /** And by how it has gone since. */
  get end(): number {
    const total = this.timeline?.total ?? 0;
    return this.before + forecast(this.marks, total, this.#sincePress - this.before);
  }

  /** How many times as long as measured a step takes by now. */
  get slowness(): number {
    return slowness(this.marks, this.timeline?.total ?? 0);
  }

  get over(): boolean {
    return this.phase !== 'measuring' && this.phase !== 'running' && this.phase !== 'testing';
  }

  /** Ends the measuring; a run that goes is the run bar's to stop. */
  cancel(): void {
    this.#cancel.abort();
  }

  /** Listens no more. */
  dispose(): void {
    this.#cancel.abort();
    this.#listening.abort();
  }

  /** Resolves when the run goes, or is over before it began. */
  async go(): Promise<void> {
    try {
      await this.#desk.take(() => this.#prepare());
      if (this.phase !== 'running') return this.#changed();
      this.#listen();
      this.before = this.#sincePress;
      await this.#trainer.start();
      this.#changed();
    } catch (error) {
      const stopped = error instanceof Stopped || explain(error).code === 'E_ABORTED';
      this.#leave(stopped ? 'stopped' : 'failed', explain(error).message);
    }
  }

  /** Measures and plans; where nothing comes of it, the set-up that is shown is back in use. */
  async #prepare(): Promise<void> {
    const { setUp } = this.#desk;
    try {
      const options = setUp.usual;
      this.plan = await this.#measure(options);
      if (this.plan.kind === 'short') {
        await setUp.apply();
        this.phase = 'short';
        return;
      }
      const { recipe, pace, epochs } = this.plan;
      await setUp.choose(recipe.net,
        { ...options, ...VIEWS, ...recipe.options, epochs: String(epochs) });
      this.timeline = timeline({ recipe, pace }, this.work!, epochs);
      this.#run = this.#trainer.summary;
      this.phase = 'running';
    } catch (error) {
      await setUp.apply();
      throw error;
    }
  }

  #workOf(recipe: Recipe, options: Record<string, string>): Work {
    const { train, validation, test } = this.#trainer.dataset;
    const { 'eval-views': views, 'eval-share': share } = { ...VIEWS, ...recipe.options };
    const part = Number(share);
    return {
      train, validation, test,
      checked: Number(options['check-train']),
      looks: part < 1 ? 1 + part * Number(views) : Number(views),
    };
  }

  async #measure(options: Record<string, string>): Promise<Plan> {
    const { aim } = this;
    const trainer = this.#trainer;
    const own = 'goal' in aim ? [aim.goal] : await this.#byCost();
    const measuring = { trainer, options, signal: this.#cancel.signal,
      stretch: 'goal' in aim ? stretchFor(300) : stretchFor(aim.seconds) };
    // Which recipe it will be, a short look at each tells; that one gets the longer.
    const survey = own.length > 1 ? { ...measuring, stretch: stretchFor(0) } : measuring;
    const found: Candidate[] = [];
    const flops: number[] = [];
    const left = (): number => 'goal' in aim ? Infinity : aim.seconds - this.#sincePress;
    for (const recipe of own) {
      const work = this.work = this.#workOf(recipe, options);
      const { flops: forward, backwardFlops } = await trainer.summarise(recipe.net);
      const last = found.at(-1);
      const times = (forward + backwardFlops) / (flops.at(-1) ?? 1);
      if (last && !mayFit(recipe, times, last.pace, work, left())) break;
      const same = found.find((one) => samePace(one.recipe, recipe));
      if (!same) {
        this.measured.push(recipe.title);
        this.#changed();
      }
      flops.push(forward + backwardFlops);
      found.push({ recipe, pace: same?.pace ?? await measureHeld(survey, recipe) });
    }
    const choose = (of: Candidate[]): Plan =>
      'goal' in aim ? planGoal(of[0]!, this.work!) : planBudget(of, this.work!, left());
    const { recipe } = choose(found);
    this.work = this.#workOf(recipe, options);
    const pace = survey.stretch < measuring.stretch ? await measureHeld(measuring, recipe)
      : found.find((one) => one.recipe === recipe)!.pace;
    const early = recipe.whitenEpochs > 0 ? await measureEarly(measuring, recipe) : pace.held;
    const plan = choose([{ recipe, pace: { ...pace, early } }]);
    if (plan.kind === 'run') return plan;
    return { ...plan, seconds: plan.seconds + this.#sincePress,
      whole: plan.whole + this.#sincePress };
  }

  /** The recipes, the cheapest step first. */
  async #byCost(): Promise<Recipe[]> {
    const costs = await Promise.all(this.#recipes.map(async (recipe) => {
      const { flops, backwardFlops } = await this.#trainer.summarise(recipe.net);
      return { recipe, cost: flops + backwardFlops };
    }));
    return costs.sort((a, b) => a.cost - b.cost).map(({ recipe }) => recipe);
  }

  #listen(): void {
    const trainer = this.#trainer;
    const { signal } = this.#listening;
    const on = (type: string, act: (event: Event) => void): void =>
      trainer.addEventListener(type, act, { signal });
    on('progress', () => this.#mark());
    on('epoch', (event) => this.#split((event as CustomEvent).detail));
    on('error', (event) => this.#leave('failed', explain((event as CustomEvent).detail).message));
    on('state', () => {
      if (trainer.summary !== this.#run) this.#leave('replaced');
      else if (trainer.state === 'done' && this.phase === 'running') void this.#finish();
      else this.#changed();
    });
    document.addEventListener('visibilitychange', () => { this.hidden ||= document.hidden; },
      { signal });
  }

  #mark(): void {
    const { step = 0 } = this.#trainer.metrics ?? {};
    if (this.phase !== 'running' || step === 0) return;
    const mark = { passed: this.#sincePress - this.before, planned: this.timeline!.at(step) };
    this.marks.push(mark);
    this.#changed();
  }

  #split({ step, valAccuracy }: { step: number; valAccuracy: number }): void {
    if (this.phase !== 'running') return;
    const { steps, at, ends } = this.timeline!;
    this.splits.push({
      epoch: step / ends[0]!,
      share: step / steps,
      planned: this.before + at(step),
      passed: this.#sincePress,
      validation: valAccuracy,
    });
    this.#changed();
  }

  async #finish(): Promise<void> {
    this.phase = 'testing';
    this.#changed();
    const trainer = this.#trainer;
    try {
      const look: Evaluation | null = trainer.dataset.test > 0 ? await testLook(trainer) : null;
      const hash = await trainer.hash?.() ?? '';
      if (this.over) return; // replaced meanwhile
      const seconds = this.#sincePress;
      const { name: data, test: images } = trainer.dataset;
      const { threads, mode } = trainer.backend;
      const link = location.href.replace(/#.*$/, '') + this.#desk.setUp.hash;
      const options = { ...this.#desk.setUp.inUse };
      const [receipt, obstacle] = await trainer.receipt().then((text) => [text, ''],
        (error: unknown) => [null, explain(error).message]);
      if (this.over) return;
      this.result = { accuracy: look?.accuracy ?? null, hash, seconds, link, data, images,
        options, threads, mode, receipt: receipt ?? null, obstacle: obstacle ?? '' };
      this.phase = 'done';
      this.#changed();
    } catch (error) {
      this.#leave('failed', explain(error).message);
    }
  }

  #leave(phase: 'stopped' | 'failed' | 'replaced', problem = ''): void {
    if (this.over) return;
    this.phase = phase;
    this.problem = problem;
    this.#listening.abort();
    this.#changed();
  }
}
