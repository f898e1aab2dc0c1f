/**
 * How the course's functions reach C: each is there twice, for floats and, with `_double` behind
 * its name, for doubles, in the second module. The first tensor of a call decides, and the others
 * must be of its kind.
 */

import { kindOf } from './check.js';
import { KilnError } from './errors.js';
import { signatureOf, type Argument, type CourseName, type ExportName } from './exports.js';
import { doublesInstance, instance } from './instance.js';
import { isDouble } from './tensor.js';
import type { AnyTensor } from './types.js';

/**
 * Calls the C function `name` of the course with `args` in the order of kiln_layers.h, the double
 * one where `like`, the first tensor of the user's call, is double. E_ARG for an array of the other
 * kind; otherwise the errors of the C function. Arrays go in and out as wasm.ts copies them;
 * nothing is kept.
 */
export function compute(like: AnyTensor, name: CourseName, ...args: Argument[]): void {
  const double = isDouble(like);
  const full: ExportName = double ? `${name}_double` : name;
  const wanted = kindOf(like.data);
  signatureOf(full)!.forEach((word, i) => {
    if (!/^F(32|64)/.test(word) || `Float${word.slice(1, 3)}Array` !== wanted) return;
    const given = args[i] as { array?: unknown } | null;
    const kind = kindOf(given?.array ?? given);
    if (kind !== wanted) {
      throw new KilnError('E_ARG', `${name.replace('kiln_layer_', '')}: the first array is a ` +
        `${wanted}, another a ${kind}; give all of one kind`);
    }
  });
  const wasm = double ? doublesInstance() : instance();
  (wasm.call as (name: string, ...args: Argument[]) => number).call(wasm, full, ...args);
}
