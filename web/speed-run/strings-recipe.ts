/** What the list of a recipe's pieces says. */

const signed = (points: number): string =>
  `${points < 0 ? '−' : '+'}${Math.abs(points).toFixed(2)} points`;
const speed = (share: number): string => `${Math.round(100 * share)} % of the images a second`;

export const recipeWords = {
  title: 'What a recipe is made of',
  lead:
    'Switch a piece off or on: network and settings become the recipe without it, or with it, ' +
    'and are used from the next reset on. What each does, and why, tells',
  page: 'a page of its own',
  recipe: 'Recipe',
  all: 'The whole recipe',
  within: 'Its pieces',
  others: 'What it does without',
  measured: (of: { preset: string; seeds: number; chance: number }): string =>
    `Measured with “${of.preset}” and ${of.seeds} seeds on CIFAR-10’s validation images, six ` +
    `views averaged, against the whole recipe; ${(100 * of.chance).toFixed(1)} points may be ` +
    'chance. In a larger recipe a piece may be worth another amount.',
  nothingMeasured: 'What the pieces are worth is not measured yet: “make pieces” does it.',
  instead: (what: string): string => `Without it: ${what}.`,
  cost: (what: string): string => `Its cost: ${what}.`,
  unknown: 'Not measured yet.',
  without: (points: number, share: number): string =>
    `Without it: ${signed(points)}, ${speed(share)}.`,
  with: (points: number, share: number): string => `With it: ${signed(points)}, ${speed(share)}.`,
  views: (points: number): string => `Six views of every image give ${signed(points)}.`,
  another:
    'The set-up is none of these recipes: to choose one, or to switch a piece, makes it that one.',
  isWhole: (title: string): string => `The set-up is “${title}”, whole.`,
  differs: (title: string, what: string): string =>
    `The set-up is “${title}” but for: ${what}.`,
};
