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

  constructor(readonly capacity = 2000) {}

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
 * The exponential moving average over about `window` points, with Adam's correction for its start
 * at zero, so that the first values are not pulled down.
 */
export function smooth(ys: readonly number[], window: number): number[] {
  const beta = 1 - 1 / Math.max(1, window);
  let mean = 0;
  let weight = 1;
  return ys.map((y) => {
    mean = beta * mean + (1 - beta) * y;
    weight *= beta;
    return mean / (1 - weight);
  });
}
