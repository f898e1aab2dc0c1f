// How much is drawn in a frame, and how often: by a clock that the test moves.

import { describe, expect, test } from '@jest/globals';

import { Painter, type Clock } from '../../web/draw.js';

/** A browser whose layout and painting take `extra` milliseconds a frame, and 0.5 more a job. */
class Browser implements Clock {
  time = 0;
  frames: number[] = [];
  #jobs = 0;
  #queue: { at: number; act: () => void }[] = [];

  constructor(readonly extra: number) {}

  now = (): number => this.time;
  frame = (act: () => void): void => {
    this.#queue.push({ at: this.time + 1, act: () => this.#frame(act) });
  };
  painted = (act: () => void): void => {
    this.#queue.push({ at: this.time, act });
  };
  after = (milliseconds: number, act: () => void): void => {
    this.#queue.push({ at: this.time + milliseconds, act });
  };

  /** A job that takes so long. */
  job = (milliseconds: number, done: () => unknown = () => {}) => (): void => {
    this.#jobs++;
    this.time += milliseconds;
    done();
  };

  run(until: number): void {
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at);
      const next = this.#queue[0];
      if (!next || next.at > until) return;
      this.#queue.shift();
      this.time = Math.max(this.time, next.at);
      next.act();
    }
  }

  #frame(act: () => void): void {
    const before = this.#jobs;
    act();
    const done = this.#jobs - before;
    this.frames.push(done);
    this.time += this.extra + done / 2;
  }
}

/** Ten views that all want to be drawn every 50 ms, for four seconds: how often each was. */
function drawTen(browser: Browser, milliseconds: number): number[] {
  const painter = new Painter(browser);
  const drawn = Array.from({ length: 10 }, () => 0);
  const owners = drawn.map(() => ({}));
  const ask = (): void => {
    owners.forEach((owner, i) => painter.draw(owner, browser.job(milliseconds, () => drawn[i]!++)));
    browser.after(50, ask);
  };
  ask();
  browser.run(4000);
  return drawn;
}

describe('a painter', () => {
  test('does the latest job of an owner, once', () => {
    const browser = new Browser(0);
    const painter = new Painter(browser);
    const done: string[] = [];
    const owner = {};
    painter.draw(owner, () => void done.push('first'));
    painter.draw(owner, () => void done.push('second'));
    painter.draw({}, () => void done.push('other'));
    const gone = {};
    painter.draw(gone, () => void done.push('never'));
    painter.undraw(gone);
    browser.run(1000);
    expect(done).toEqual(['second', 'other']);
  });

  test('leaves what does not fit for the next frame', () => {
    const browser = new Browser(0);
    const painter = new Painter(browser);
    for (const milliseconds of [3, 3, 9, 1]) painter.draw({}, browser.job(milliseconds));
    browser.run(1000);
    expect(browser.frames).toEqual([2, 1, 1]);
  });

  test('draws each view as often as it asks where that is cheap', () => {
    const browser = new Browser(1);
    for (const times of drawTen(browser, 0.1)) expect(times).toBeGreaterThan(75);
  });

  test('draws one view a frame where frames are long, each in its turn, and rests between', () => {
    const browser = new Browser(30);
    const drawn = drawTen(browser, 3);
    expect(browser.frames.slice(4)).toEqual(browser.frames.slice(4).map(() => 1));
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeLessThanOrEqual(1);
    const busy = browser.frames.length * (30 + 3 + 0.5);
    expect(busy).toBeLessThan(4000 / 2.8); // a third of the time, and some of the first frames
    expect(busy).toBeGreaterThan(4000 / 4);
  });
});
