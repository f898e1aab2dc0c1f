/**
 * A curve that grows for hours and stays small: when it is full, neighbouring points are averaged
 * two by two and each later point stands for twice as many steps. No allocation grows with the run.
 */

export class Series {
  xs: number[] = [];
  ys: number[] = [];
  #stride = 1;
  #sumX = 0;
  #sumY = 0;
  #pending = 0;

  constructor(readonly capacity = 1000) {}

  get length(): number {
    return this.xs.length;
  }

  push(x: number, y: number): void {
    if (!Number.isFinite(y)) return;
    this.#sumX += x;
    this.#sumY += y;
    if (++this.#pending < this.#stride) return;
    this.xs.push(this.#sumX / this.#pending);
    this.ys.push(this.#sumY / this.#pending);
    this.#sumX = this.#sumY = this.#pending = 0;
    if (this.xs.length >= this.capacity) this.#halve();
  }

  /** Forgets the points from x on: a run that diverged goes back. */
  cut(x: number): void {
    while (this.xs.length > 0 && this.xs.at(-1)! >= x) {
      this.xs.pop();
      this.ys.pop();
    }
    this.#sumX = this.#sumY = this.#pending = 0;
  }

  clear(): void {
    this.xs = [];
    this.ys = [];
    this.#stride = 1;
    this.#sumX = this.#sumY = this.#pending = 0;
  }

  #halve(): void {
    const half = this.xs.length >> 1;
    for (let i = 0; i < half; i++) {
      this.xs[i] = (this.xs[2 * i]! + this.xs[2 * i + 1]!) / 2;
      this.ys[i] = (this.ys[2 * i]! + this.ys[2 * i + 1]!) / 2;
    }
    this.xs.length = half;
    this.ys.length = half;
    this.#stride *= 2;
  }
}

/**
 * The average around each point, weights falling off by beta a point on both sides, where beta
 * reaches about `window` points. Taken from both sides it does not lag behind a fall or a rise; at
 * the ends it is of what is there.
 */
export function smooth(ys: readonly number[], window: number): number[] {
  const before = sums(ys, window);
  const after = sums([...ys].reverse(), window).reverse();
  return ys.map((y, i) => { // y is in both
    const [sum, weight] = before[i]!;
    return (sum + after[i]![0] - y) / (weight + after[i]![1] - 1);
  });
}

/** The average of each point and those before it: nothing that comes later reaches back. */
export function smoothPast(ys: readonly number[], window: number): number[] {
  return sums(ys, window).map(([sum, weight]) => sum / weight);
}

/** Of each point and those before it: the sum by weights, and the sum of the weights. */
function sums(ys: readonly number[], window: number): [sum: number, weight: number][] {
  const beta = 1 - 1 / Math.max(1, window);
  let sum = 0;
  let weight = 0;
  return ys.map((y) => {
    sum = beta * sum + y;
    weight = beta * weight + 1;
    return [sum, weight];
  });
}
