/** The look at the test images that ends a run: one, whoever wants its accuracy. */

import type { Evaluation } from '../../bindings/types.js';
import type { LiveTrainer } from '../live-trainer.js';

/** By what stands for a run; it may go on after its end, and have another. */
const looks = new WeakMap<object, { step: number; look: Promise<Evaluation> }>();

/** In as many views as the run's options say. Rejects as evaluate() does, and may be tried anew. */
export function testLook(trainer: LiveTrainer): Promise<Evaluation> {
  const run = trainer.summary;
  const step = trainer.metrics?.step ?? 0;
  const known = looks.get(run);
  if (known?.step === step) return known.look;
  const look = trainer.evaluate('test');
  looks.set(run, { step, look });
  look.catch(() => looks.delete(run));
  return look;
}
