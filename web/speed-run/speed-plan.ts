/**
 * The plan of a speed run, without a clock of its own: from what a machine needs for a step and for
 * an image looked at, which recipe fits into a time and for how many epochs, when each step of it
 * is due, and, from what has passed so far, when it will end.
 *
 *   seconds(s steps) = early·min(s, e) + held·max(0, s - e) + image·looked(s)
 *
 * with e the steps that train the whitening's bias, and looked(s) the training and validation
 * images that were checked at the ends of epochs. The last look is at the test images, `looks`
 * times each. A learning rate that falls to the last step wants the number of steps before the
 * first one, so a plan is made once, and a run that turns out slower is told, not cut.
 */

/** A preset that is named after the accuracy it reaches. */
export interface Recipe {
  name: string;
  title: string;
  net: string;
  options: Record<string, string>;
  /** Share of the test images, 0..1. */
  goal: number;
  epochs: number;
  batch: number;
  /** Epochs that train the whitening's bias; Infinity where all do. */
  whitenEpochs: number;
}

/** Seconds, as measured: of a step at first and once the whitening stays, of a look at an image. */
export interface Pace {
  early: number;
  held: number;
  image: number;
}

/** Images of a run, and how often each test image is looked at. */
export interface Work {
  train: number;
  validation: number;
  /** Training images that are looked at when an epoch ends. */
  checked: number;
  test: number;
  looks: number;
}

/** When what is due, in seconds from the first step. */
export interface Timeline {
  steps: number;
  /** After so many steps, with the checks of the epochs that have ended. */
  at(step: number): number;
  /** The steps at which epochs end, the last one included. */
  ends: number[];
  /** With the look at the test images. */
  total: number;
}

/** What was measured of a recipe. */
export interface Candidate {
  recipe: Recipe;
  pace: Pace;
}

export type Plan =
  | { kind: 'run'; recipe: Recipe; pace: Pace; epochs: number; seconds: number }
  /** Not even the least makes sense: what that, and a whole recipe, would take. */
  | { kind: 'short'; recipe: Recipe; epochs: number; seconds: number; whole: number };

/** Share of a budget that is planned; the rest is for what varies. */
export const AIM = 0.97;
/** Fewer epochs of a recipe teach too little. */
export const LEAST_EPOCHS = 1;
const MOST_EPOCHS = 10_000; // the library's
/** A larger net computes its operations up to so many times as fast. */
const GAIN = 2.5;

/** The recipes among presets, by what they reach. */
export function recipesOf(
  presets: readonly { name: string; title: string; net: string; options: Record<string, string> }[],
): Recipe[] {
  return presets.flatMap(({ name, title, net, options }) => {
    const goal = /^(\d+)-percent$/.exec(name)?.[1];
    if (goal === undefined) return [];
    const whiten = Number(options['whiten-epochs'] ?? -1);
    return [{
      name, title, net, options,
      goal: Number(goal) / 100,
      epochs: Number(options['epochs']),
      batch: Number(options['batch']),
      whitenEpochs: whiten < 0 ? Infinity : whiten,
    }];
  }).sort((a, b) => a.goal - b.goal);
}

export function stepsPerEpoch(train: number, batch: number): number {
  return Math.max(1, Math.floor(train / batch));
}

export function timeline({ recipe, pace }: Candidate, work: Work, epochs: number): Timeline {
  const perEpoch = stepsPerEpoch(work.train, recipe.batch);
  const whole = Math.floor(epochs);
  const steps = Math.max(1, whole * perEpoch + Math.round((epochs - whole) * perEpoch));
  const early = Math.ceil(recipe.whitenEpochs * perEpoch);
  const check = (Math.min(work.checked, work.train) + work.validation) * pace.image;
  const ends = Array.from({ length: Math.floor(steps / perEpoch) }, (_, i) => (i + 1) * perEpoch);
  if (ends.at(-1) !== steps) ends.push(steps);
  const at = (step: number): number =>
    pace.early * Math.min(step, early) + pace.held * Math.max(0, step - early) +
    check * (Math.floor(step / perEpoch) + Number(step === steps && step % perEpoch !== 0));
  return { steps, at, ends, total: at(steps) + work.test * work.looks * pace.image };
}

/** The most epochs, to the hundredth, that end within so many seconds; 0 where none do. */
export function epochsWithin(candidate: Candidate, work: Work, seconds: number): number {
  let [fits, fails] = [0, 100 * MOST_EPOCHS + 1];
  while (fails - fits > 1) {
    const middle = Math.floor((fits + fails) / 2);
    if (timeline(candidate, work, middle / 100).total <= seconds) fits = middle;
    else fails = middle;
  }
  return fits / 100;
}

/** A recipe as it is, whatever it takes. */
export function planGoal(candidate: Candidate, work: Work): Plan {
  const { recipe, pace } = candidate;
  const { total } = timeline(candidate, work, recipe.epochs);
  return { kind: 'run', recipe, pace, epochs: recipe.epochs, seconds: total };
}

/**
 * The recipe that reaches most of those that fit whole, for as many epochs as there is time for;
 * where none fits, the one that is over first, for as many of its epochs as fit. `seconds`: left.
 */
export function planBudget(
  candidates: readonly Candidate[], work: Work, seconds: number): Plan {
  const whole = (one: Candidate): number => timeline(one, work, one.recipe.epochs).total;
  const byTime = [...candidates].sort((a, b) => whole(a) - whole(b));
  const fitting = candidates.filter((one) => whole(one) <= seconds);
  const chosen = fitting.sort((a, b) => b.recipe.goal - a.recipe.goal)[0] ?? byTime[0]!;
  const { recipe, pace } = chosen;
  const least = fitting.length > 0 ? recipe.epochs : LEAST_EPOCHS;
  const epochs = Math.max(epochsWithin(chosen, work, AIM * seconds),
    fitting.length > 0 ? recipe.epochs : 0);
  if (epochs < least) {
    return { kind: 'short', recipe, epochs: LEAST_EPOCHS,
      seconds: timeline(chosen, work, LEAST_EPOCHS).total, whole: whole(chosen) };
  }
  return { kind: 'run', recipe, pace, epochs, seconds: timeline(chosen, work, epochs).total };
}

/**
 * Whether a net of so many times the operations of a measured one might fit whole: what cannot is
 * not worth the time of measuring it.
 */
export function mayFit(
  recipe: Recipe, times: number, measured: Pace, work: Work, seconds: number): boolean {
  const factor = Math.max(1, times / GAIN);
  const [early, held, image] = [measured.early, measured.held, measured.image]
    .map((value) => value * factor);
  const pace = { early: early!, held: held!, image: image! };
  return timeline({ recipe, pace }, work, recipe.epochs).total <= seconds;
}

/** Whether a step of one takes as long as one of the other: they differ in epochs alone. */
export function samePace(a: Recipe, b: Recipe): boolean {
  const rest = ({ net, options: { epochs: _, ...others } }: Recipe): string =>
    JSON.stringify([net, Object.entries(others).sort()]);
  return rest(a) === rest(b);
}

/** A moment of a run: seconds that have passed, and those that were planned until there. */
export interface Mark {
  passed: number;
  planned: number;
}

const LEAST_WINDOW = 10; // seconds
const WINDOW = 0.05; // of the run

/** How many times as long as planned the last part of the run took; 1 until that is known. */
export function slowness(marks: readonly Mark[], total: number): number {
  const last = marks.at(-1);
  if (!last) return 1;
  const window = Math.max(LEAST_WINDOW, WINDOW * total);
  const inside = marks.find(({ passed }) => last.passed - passed <= window)!;
  // Where steps are rarer than that, as in a hidden tab, it is the last one.
  const first = inside === last ? marks.at(-2) ?? last : inside;
  const planned = last.planned - first.planned;
  const passed = last.passed - first.passed;
  return planned > 0 && passed >= window / 4 ? passed / planned : 1;
}

/** Seconds at which a run will end that goes on as its last part went. */
export function forecast(marks: readonly Mark[], total: number, passed: number): number {
  const last = marks.at(-1) ?? { passed: 0, planned: 0 };
  const rest = (total - last.planned) * slowness(marks, total);
  return Math.max(passed, last.passed + rest);
}

/** The value of a published curve after so many epochs; null before its first, and past its end. */
export function published(
  curve: { epochs: readonly number[]; validation: readonly number[] }, at: number,
): number | null {
  const right = curve.epochs.findIndex((epoch) => epoch >= at - 1e-9);
  if (right < 0) return null;
  if (Math.abs(curve.epochs[right]! - at) < 1e-9) return curve.validation[right]!;
  if (right === 0) return null;
  const [a, b] = [curve.epochs[right - 1]!, curve.epochs[right]!];
  const [low, high] = [curve.validation[right - 1]!, curve.validation[right]!];
  return low + ((high - low) * (at - a)) / (b - a);
}
