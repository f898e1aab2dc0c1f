/**
 * Drawing in the frames of the page, a few milliseconds a frame: the views hand in jobs, a later
 * job of the same owner replaces the earlier one, and what does not fit into this frame is drawn in
 * the next. Where frames take long, which is so on a slow or busy machine, fewer are drawn. In a
 * hidden tab there are no frames, so nothing is drawn there while the training goes on in its
 * worker.
 */

const FRAME_BUDGET = 4; // milliseconds of jobs in a frame; layout and painting come on top
const MOST_JOBS = 16; // in a frame, where frames take no time
const LONG = 20; // milliseconds of a frame, layout and painting included: the next does less
const REST = 2; // so many times as long as a frame took the page's thread is left to others
const LONGEST_REST = 400; // milliseconds

/** What the painter has of the browser. */
export interface Clock {
  now(): number;
  frame(act: () => void): void;
  /** Once what the present frame has changed is laid out and painted. */
  painted(act: () => void): void;
  after(milliseconds: number, act: () => void): void;
}

export class Painter {
  readonly #clock: Clock;
  readonly #jobs = new Map<object, () => void>();
  /** A frame is asked for, or under way, or rested from. */
  #engaged = false;
  /** Jobs that the next frame may do. */
  #most = MOST_JOBS / 4;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs the job in a coming frame, once, instead of any job this owner has waiting. */
  draw(owner: object, job: () => void): void {
    this.#jobs.set(owner, job);
    this.#request();
  }

  /** Takes back the waiting job of an owner. */
  undraw(owner: object): void {
    this.#jobs.delete(owner);
  }

  /** Runs all waiting jobs at once, and those that they hand in. */
  drawNow(): void {
    for (const [owner, job] of this.#jobs) {
      this.#jobs.delete(owner);
      run(job);
    }
  }

  #request(): void {
    if (this.#engaged || this.#jobs.size === 0) return;
    this.#engaged = true;
    this.#clock.frame(() => this.#frame());
  }

  #frame(): void {
    const start = this.#clock.now();
    this.#clock.painted(() => this.#rest(this.#clock.now() - start));
    let left = this.#most;
    for (const [owner, job] of this.#jobs) {
      this.#jobs.delete(owner);
      run(job);
      if (--left <= 0 || this.#clock.now() - start >= FRAME_BUDGET) break;
    }
  }

  #rest(took: number): void {
    if (took > LONG) this.#most = Math.ceil(this.#most / 2);
    else if (took < LONG / 2) this.#most = Math.min(this.#most + 1, MOST_JOBS);
    this.#clock.after(Math.min(REST * took, LONGEST_REST), () => {
      this.#engaged = false;
      this.#request();
    });
  }
}

/** What fails keeps no other from being drawn. */
function run(job: () => void): void {
  try {
    job();
  } catch (error) {
    reportError(error);
  }
}

const painter = new Painter({
  now: () => performance.now(),
  frame: (act) => void requestAnimationFrame(act),
  painted(act) {
    // A message that is sent in a frame arrives when the frame is done.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      act();
    };
    port2.postMessage(null);
  },
  after: (milliseconds, act) => void setTimeout(act, milliseconds),
});

/** Runs the job in a coming frame, once, instead of any job this owner has waiting. */
export function draw(owner: object, job: () => void): void {
  painter.draw(owner, job);
}

/** Takes back the waiting job of an owner. */
export function undraw(owner: object): void {
  painter.undraw(owner);
}

/** Runs what waits to be drawn at once, as before printing. */
export function drawNow(): void {
  painter.drawNow();
}

/** Whether people asked for little movement: then views draw once an epoch. */
export function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
