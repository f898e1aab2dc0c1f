// The plan of a speed run: what fits into a time, on fast machines and slow ones.

import { describe, expect, test } from '@jest/globals';

import { settled, type Tick } from '../../web/speed-run/pace.js';
import {
  AIM, epochsWithin, forecast, LEAST_EPOCHS, mayFit, planBudget, planGoal, published, recipesOf,
  samePace, slowness, timeline, type Candidate, type Mark, type Work,
} from '../../web/speed-run/speed-plan.js';

const preset = (name: string, epochs: string, more = {}): Parameters<typeof recipesOf>[0][number] =>
  ({ name, title: name, net: 'affine 10 - softmax',
    options: { epochs, batch: '256', 'whiten-epochs': '1', ...more } });
const recipes = recipesOf([preset('90-percent', '9'), preset('batchnorm', '10'),
  preset('80-percent', '3.5'), preset('94-percent', '10', { 'whiten-epochs': '-1' })]);
const CIFAR: Work = { train: 49_000, validation: 1000, checked: 1000, test: 10_000, looks: 2.5 };
const BUILTIN: Work = { train: 8000, validation: 1000, checked: 1000, test: 1000, looks: 2.5 };

/** Each recipe on a machine that trains so many images of the smallest a second. */
function candidates(speed: number): Candidate[] {
  const costs: Record<string, number> = { '80-percent': 1, '90-percent': 2.8, '94-percent': 19 };
  return recipes.map((recipe) => {
    const held = (256 * costs[recipe.name]!) / speed;
    return { recipe, pace: { early: 1.2 * held, held, image: held / 256 / 3 } };
  });
}
const named = (speed: number, name: string): Candidate =>
  candidates(speed).find(({ recipe }) => recipe.name === name)!;

test('recipes are the presets that are named after what they reach', () => {
  expect(recipes.map(({ name, goal, epochs, batch, whitenEpochs }) =>
    [name, goal, epochs, batch, whitenEpochs])).toEqual([
    ['80-percent', 0.8, 3.5, 256, 1], ['90-percent', 0.9, 9, 256, 1],
    ['94-percent', 0.94, 10, 256, Infinity]]);
});

describe('the timeline', () => {
  test('counts steps as the library does, each check and the look at the test images', () => {
    const { recipe } = named(1, '80-percent');
    const pace = { early: 3, held: 2, image: 0.001 };
    const { steps, ends, at, total } = timeline({ recipe, pace }, CIFAR, 3.5);
    expect(steps).toBe(3 * 191 + 96); // 49,000 / 256 rounded down; half of it rounded up
    expect(ends).toEqual([191, 382, 573, 669]);
    expect(at(1)).toBe(3);
    expect(at(190)).toBe(190 * 3);
    expect(at(191)).toBeCloseTo(191 * 3 + 2);
    expect(at(192)).toBeCloseTo(191 * 3 + 2 + 2);
    expect(at(668)).toBeCloseTo(191 * 3 + 477 * 2 + 3 * 2);
    expect(at(669)).toBeCloseTo(191 * 3 + 478 * 2 + 4 * 2);
    expect(total).toBeCloseTo(at(669) + 25);
  });

  test('of whole epochs ends with the check of the last one, once', () => {
    const { recipe } = named(1, '90-percent');
    const pace = { early: 1, held: 1, image: 0.001 };
    const { steps, ends, at } = timeline({ recipe, pace }, CIFAR, 2);
    expect([steps, ends]).toEqual([382, [191, 382]]);
    expect(at(382)).toBeCloseTo(382 + 2 * 2);
  });

  test('of data smaller than a batch has a step an epoch', () => {
    const { steps } = timeline(named(1000, '80-percent'), { ...BUILTIN, train: 100 }, 2.2);
    expect(steps).toBe(2);
  });

  test('only grows', () => {
    const line = timeline(named(3000, '90-percent'), CIFAR, 4.37);
    for (let step = 1; step <= line.steps; step++) {
      expect(line.at(step)).toBeGreaterThan(line.at(step - 1));
    }
    expect(line.total).toBeGreaterThan(line.at(line.steps));
  });
});

const SPEEDS = [1, 20, 150, 700, 3000, 12_000, 60_000, 1e6];
const BUDGETS = [6, 10, 30, 60, 120, 300, 900, 1800, 3600, 36_000];

describe.each([['CIFAR-10', CIFAR], ['the built-in set', BUILTIN]])('on %s', (_, work) => {
  test.each(SPEEDS)('%d images a second: whatever is planned is over in time', (speed) => {
    const all = candidates(speed);
    for (const budget of BUDGETS) {
      const plan = planBudget(all, work, budget);
      const one = all.find(({ recipe }) => recipe === plan.recipe)!;
      if (plan.kind === 'short') {
        expect(plan.epochs).toBe(LEAST_EPOCHS);
        expect(plan.seconds).toBeGreaterThan(AIM * budget);
        // It tells what would do.
        expect(planBudget(all, work, plan.seconds / AIM + 1e-6).kind).toBe('run');
        for (const other of all) {
          expect(timeline(other, work, other.recipe.epochs).total).toBeGreaterThan(budget);
        }
        continue;
      }
      expect(plan.seconds).toBe(timeline(one, work, plan.epochs).total);
      expect(plan.seconds).toBeLessThanOrEqual(budget);
      expect(plan.epochs).toBeGreaterThanOrEqual(LEAST_EPOCHS);
      // The time is used: a step or an epoch's check more would be too much.
      const step = (1 / Math.floor(work.train / 256)) * 1.5 + 0.01;
      const longer = timeline(one, work, plan.epochs + step).total;
      if (plan.epochs < 10_000) expect(longer).toBeGreaterThan(AIM * budget);
      // Nothing that reaches more would have fitted whole.
      for (const other of all.filter(({ recipe }) => recipe.goal > plan.recipe.goal)) {
        expect(timeline(other, work, other.recipe.epochs).total).toBeGreaterThan(budget);
      }
    }
  });

  test('more time never chooses less', () => {
    for (const speed of SPEEDS) {
      let before = 0;
      for (const budget of BUDGETS) {
        const plan = planBudget(candidates(speed), work, budget);
        if (plan.kind !== 'run') continue;
        expect(plan.recipe.goal).toBeGreaterThanOrEqual(before);
        before = plan.recipe.goal;
      }
    }
  });
});

test('a recipe that fits whole, but not with a margin, is trained whole', () => {
  const one = named(3000, '90-percent');
  const whole = timeline(one, CIFAR, 9).total;
  expect(planBudget([one], CIFAR, 1.001 * whole)).toMatchObject({ kind: 'run', epochs: 9 });
});

test('too little time for a whole recipe trains a part of the fastest one', () => {
  const whole = timeline(named(3000, '80-percent'), CIFAR, 3.5).total;
  const plan = planBudget(candidates(3000), CIFAR, 0.6 * whole);
  expect(plan).toMatchObject({ kind: 'run', recipe: { name: '80-percent' } });
  expect(plan.epochs).toBeLessThan(3.5);
});

test('no time at all, and less than none, is told and not planned', () => {
  for (const budget of [0, -5, 0.001]) {
    expect(planBudget(candidates(3000), CIFAR, budget)).toMatchObject({ kind: 'short', epochs: 1 });
  }
});

test('a goal is trained as it is, whatever it takes', () => {
  const one = named(20, '94-percent');
  const plan = planGoal(one, CIFAR);
  expect(plan).toMatchObject({ kind: 'run', epochs: 10 });
  expect(plan.seconds).toBe(timeline(one, CIFAR, 10).total);
});

test('recipes that differ in epochs alone have one pace', () => {
  const [short, long, other] = recipesOf([preset('93-percent', '6'), preset('94-percent', '10'),
    preset('95-percent', '10', { batch: '512' })]);
  expect(samePace(short!, long!)).toBe(true);
  expect(samePace(short!, other!)).toBe(false);
  expect(samePace(short!, { ...long!, net: 'affine 5 - affine 10 - softmax' })).toBe(false);
});

test('no number of epochs is more than fits', () => {
  const one = named(3000, '80-percent');
  expect(epochsWithin(one, CIFAR, 0)).toBe(0);
  for (const seconds of [9, 47, 333]) {
    const epochs = epochsWithin(one, CIFAR, seconds);
    expect(timeline(one, CIFAR, epochs).total).toBeLessThanOrEqual(seconds);
    expect(timeline(one, CIFAR, epochs + 0.02).total).toBeGreaterThan(seconds);
  }
});

test('a net that cannot fit is not measured, one that might is', () => {
  const { pace } = named(3000, '80-percent');
  const big = named(3000, '94-percent').recipe;
  expect(mayFit(big, 19, pace, CIFAR, 120)).toBe(false);
  expect(mayFit(big, 19, pace, CIFAR, 3600)).toBe(true);
  // Whatever the plan would choose is measured.
  for (const seconds of BUDGETS) {
    const whole = timeline(named(3000, '90-percent'), CIFAR, 9).total;
    const { recipe } = named(3000, '90-percent');
    if (whole <= seconds) expect(mayFit(recipe, 2.8, pace, CIFAR, seconds)).toBe(true);
  }
});

test('a pace is known once two stretches agree, and else is that of all but the first', () => {
  /** Stretches of ten steps, of so many milliseconds a step each. */
  const ticks = (...paces: number[]): Tick[] => paces.reduce<Tick[]>(
    (all, ms) => [...all, { at: all.at(-1)!.at + 10 * ms, step: all.at(-1)!.step + 10 }],
    [{ at: 0, step: 0 }]);
  expect(settled(ticks(90, 50), false)).toBeNull();
  expect(settled(ticks(90, 50, 51), false)).toBeCloseTo(0.0505);
  expect(settled(ticks(90), true)).toBeCloseTo(0.09);
  expect(settled(ticks(90, 50, 60), true)).toBeCloseTo(0.055);
  const wandering = [90, 50, 60, 40, 60];
  expect(settled(ticks(...wandering), false)).toBeNull();
  expect(settled(ticks(...wandering, 80), false)).toBeCloseTo(0.058);
});

describe('the forecast', () => {
  const marks = (factor: (planned: number) => number): Mark[] => {
    const found: Mark[] = [];
    let passed = 0;
    for (let planned = 0; planned <= 100; planned++) {
      found.push({ planned, passed });
      passed += factor(planned);
    }
    return found;
  };

  test('is the plan before anything is known', () => {
    expect(forecast([], 200, 0)).toBe(200);
    expect(slowness([], 200)).toBe(1);
    expect(slowness([{ passed: 3, planned: 1 }], 200)).toBe(1);
  });

  test('keeps what goes as planned', () => {
    expect(forecast(marks(() => 1), 200, 100)).toBeCloseTo(200);
  });

  test('of a machine that is slower throughout moves with it', () => {
    const all = marks(() => 1.5);
    expect(slowness(all, 200)).toBeCloseTo(1.5);
    expect(forecast(all, 200, 150)).toBeCloseTo(300);
  });

  test('of steps that are rarer than the window goes by the last one', () => {
    expect(slowness([{ passed: 15, planned: 15 }, { passed: 75, planned: 30 }], 200)).toBe(4);
  });

  test('of a machine that became slower goes by its last part', () => {
    const all = marks((planned) => (planned < 60 ? 1 : 3));
    expect(slowness(all, 200)).toBeCloseTo(3);
    expect(forecast(all, 200, 180)).toBeCloseTo(60 + 40 * 3 + 100 * 3);
  });

  test('is never before now, also where no step has come for long', () => {
    expect(forecast(marks(() => 1), 200, 900)).toBe(900);
  });
});

test('a published curve is read between its epochs, and says nothing past its last', () => {
  const curve = { epochs: [1, 2, 3, 3.5], validation: [0.5, 0.6, 0.7, 0.8] };
  expect(published(curve, 0.9)).toBeNull();
  expect(published(curve, 1)).toBeCloseTo(0.5);
  expect(published(curve, 1.5)).toBeCloseTo(0.55);
  expect(published(curve, 3.25)).toBeCloseTo(0.75);
  expect(published(curve, 3.5)).toBe(0.8);
  expect(published(curve, 3.6)).toBeNull();
});
