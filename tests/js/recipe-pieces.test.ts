// The pieces of recipes: each changes something, alone and with others, and the library takes it.

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';
import { compose, differences, PIECES, type Composed } from '../../web/speed-run/compose.js';
import { recipesOf, type Recipe } from '../../web/speed-run/speed-plan.js';

let trainer: Trainer;
let recipes: Recipe[];

beforeAll(async () => {
  trainer = await Trainer.create({
    data: 'builtin', options: { train: 300, validation: 20, test: 20 } });
  recipes = recipesOf(await trainer.presets());
});
afterAll(() => trainer?.dispose());

const own = ({ net, options }: Recipe): Composed => ({ net, options });
const names = PIECES.map(({ name }) => name);

test('there are recipes, and no two pieces of one name', () => {
  expect(recipes.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['80-percent', '90-percent']));
  expect(new Set(names).size).toBe(names.length);
});

test('nothing changed is the recipe itself', () => {
  for (const recipe of recipes) {
    expect(compose(own(recipe), new Set())).toEqual(own(recipe));
    expect(differences(own(recipe), compose(own(recipe), new Set()))).toEqual([]);
  }
});

test.each(names)('%s: its change is one, and the library trains with it', async (name) => {
  for (const recipe of recipes) {
    const whole = { net: recipe.net, options: { 'eval-views': '6', ...recipe.options } };
    const made = compose(whole, new Set([name]));
    const told = differences(whole, made);
    expect(told.length).toBeGreaterThan(0);
    const { net, options } = made;
    await trainer.reset({ net, options });
    if (recipe === recipes[0]) await trainer.step(); // the others are the same layers, wider
    const used = await trainer.options();
    expect(used).toMatchObject({ ...options, net });
  }
});

test('a piece acts also where others are changed', () => {
  // Which may hide it: of what they decide it says nothing more.
  const hidden: Record<string, string[]> = { 'alternating flips': ['flips'], silu: ['gelu'] };
  for (const name of names) {
    const others = names.filter((other) => other !== name && !hidden[name]?.includes(other));
    for (const other of others) {
      const [recipe] = recipes;
      const without = compose(own(recipe!), new Set([other]));
      const both = compose(own(recipe!), new Set([other, name]));
      if (!['a frozen bias', 'whitening', 'weight decay', 'small batches'].includes(name)) {
        expect([name, other, both]).not.toEqual([name, other, without]);
      }
    }
  }
});

test('no list of augmentations is left empty or with a word twice', () => {
  for (const recipe of recipes) {
    const { augment } = compose(own(recipe), new Set(['flips', 'shifts'])).options;
    expect(augment).toBe('none');
    const all = compose(own(recipe), new Set(['alternating flips', 'jitter'])).options;
    const words = all['augment']!.split(',');
    expect(new Set(words).size).toBe(words.length);
    expect(words).toEqual(['flip', 'crop2', 'reflect', 'brightness14', 'contrast13']);
  }
});

test('what differs is told once a layer, and by the names of settings', () => {
  const whole = { net: 'conv 3x3x8 - gelu - conv 3x3x8 - gelu', options: { lr: '1', batch: '2' } };
  const other = { net: 'conv 3x3x8 - relu - conv 3x3x8 - relu', options: { lr: '3', batch: '2' } };
  expect(differences(whole, other)).toEqual(['gelu → relu', 'lr 1 → 3']);
});
