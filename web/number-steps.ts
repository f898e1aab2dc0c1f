/**
 * Where the arrow keys take a number field: rates and strengths are chosen by factors, so the next
 * number is the next of 1, 2, 5, 10 … Shares close to one are chosen by what is left of them:
 * 0.8, 0.9, 0.95, 0.98 …
 */

const SERIES = [1, 2, 5, 10];
const DIGITS = 12; // of the numbers that are made: floating point leaves crumbs after them
const SAME = 1e-9;

/** The span of the logarithmic sliders, by option; a number outside it can still be typed. */
export const LOGARITHMIC: Record<string, { low: number; high: number; zero: boolean }> = {
  lr: { low: 1e-5, high: 1, zero: false },
  reg: { low: 1e-6, high: 1, zero: true },
};

const FIRST: Record<string, number> = {
  lr: 1e-6,
  reg: 1e-6,
  'weight-decay': 1e-4,
  eps: 1e-12,
  'start-lr': 0.01,
  'final-lr': 0.01,
};
const USUAL_FIRST = 0.1;

/** Numbers that are counted one by one, though parts of one are allowed: 7.5 epochs. */
export const COUNTED: readonly string[] = ['epochs'];

/** The options that have a first number of their own. */
export const WITH_FIRST: readonly string[] = Object.keys(FIRST);

/** The first number above zero that the arrow keys give an option. */
export function firstOf(name: string): number {
  return FIRST[name] ?? USUAL_FIRST;
}

interface Range {
  min: number;
  max: number;
  /** The smallest number above zero that makes sense. */
  first: number;
}

/** The next number from `value`, NaN where the field is empty; null where there is none. */
export function nextNumber(
  value: number,
  direction: 'up' | 'down',
  { min, max, first }: Range,
): number | null {
  const up = direction === 'up';
  if (Number.isNaN(value) || value <= 0) return up ? first : null;
  const share = max <= 1 && (up ? value >= 0.5 : value > 0.5);
  const next = share ? 1 - ladder(1 - value, !up) : ladder(value, up);
  if (!up && next < first * (1 - SAME)) return min <= 0 ? 0 : null;
  const within = Math.min(max, Math.max(min, Number(next.toPrecision(DIGITS))));
  return within === value ? null : within;
}

/** The next of … 0.5, 1, 2, 5, 10 … above or below. */
function ladder(value: number, up: boolean): number {
  const power = 10 ** Math.floor(Math.log10(value) + SAME);
  const rungs = SERIES.map((n) => n * power);
  return up
    ? rungs.find((rung) => rung > value * (1 + SAME))!
    : (rungs.findLast((rung) => rung < value * (1 - SAME)) ?? power / 2);
}
