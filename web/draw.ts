/**
 * Drawing in the frames of the page, a few milliseconds a frame: the views hand in jobs, a later
 * job of the same owner replaces the earlier one, and what does not fit into this frame is drawn in
 * the next. In a hidden tab there are no frames, so nothing is drawn there while the training goes
 * on in its worker.
 */

const FRAME_BUDGET = 8; // milliseconds

const jobs = new Map<object, () => void>();
let requested = false;

function frame(): void {
  const start = performance.now();
  requested = false;
  for (const [owner, job] of jobs) {
    jobs.delete(owner);
    job();
    if (performance.now() - start > FRAME_BUDGET) break;
  }
  request();
}

function request(): void {
  if (requested || jobs.size === 0) return;
  requested = true;
  requestAnimationFrame(frame);
}

/** Runs the job in a coming frame, once, instead of any job this owner has waiting. */
export function draw(owner: object, job: () => void): void {
  jobs.set(owner, job);
  request();
}

/** Takes back the waiting job of an owner. */
export function undraw(owner: object): void {
  jobs.delete(owner);
}

/** Whether people asked for little movement: then views draw once an epoch. */
export function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
