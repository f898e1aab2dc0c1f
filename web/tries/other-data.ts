/** A checkpoint of other data than the page has: how well it does on these. */

import { percent, sentence } from '../format.js';
import { explain, shownSplit, type LiveTrainer } from '../live-trainer.js';
import type { Notices } from '../notices.js';
import { otherDataWords as words } from './strings-tries.js';

export interface OtherRun {
  name: string;
  bytes: Uint8Array;
  /** What differs. */
  message: string;
}

/** Says why the run is not gone on with, and offers to evaluate it; the present run stays. */
export function offerEvaluation(trainer: LiveTrainer, notices: Notices, run: OtherRun): void {
  const { name, bytes, message } = run;
  const evaluate = async (): Promise<void> => {
    const split = shownSplit(trainer.dataset);
    notices.say('question', words.working(name));
    try {
      const { correct, count, accuracy } = await trainer.evaluate(split, { checkpoint: bytes });
      const { name: data } = trainer.dataset;
      notices.say('question', words.found(name, split, data, correct, count, percent(accuracy)), [
        { text: words.close, act: () => {} }]);
    } catch (error) {
      notices.clear('question');
      notices.say('problem', sentence(explain(error).message));
    }
  };
  notices.say('question', sentence(message), [
    { text: words.evaluate, act: () => void evaluate() },
    { text: words.close, act: () => {} },
  ], true);
}
