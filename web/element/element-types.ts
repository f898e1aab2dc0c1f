/** What a program in TypeScript knows of <kiln-trainer> besides its methods. */

import type { TrainOptions } from '../../bindings/options.js';
import type { Trainer } from '../../bindings/trainer.js';
import type { EpochEvent, Progress, StateEvent } from '../../bindings/types.js';

/** Its events and their details; none of them bubbles. */
export interface KilnTrainerEventMap {
  ready: CustomEvent<{ trainer: Trainer }>;
  progress: CustomEvent<Progress>;
  epoch: CustomEvent<EpochEvent>;
  checkpoint: CustomEvent<{ bytes: Uint8Array; step: number; epoch: number }>;
  statechange: CustomEvent<StateEvent>;
  error: CustomEvent<{ code: string; message: string }>;
}

/** An attribute as a property: read as its text, null where it is not there. */
type Attribute = string | number | boolean | null;
type WithoutDashes<Name> = Name extends `${string}-${string}` ? never : Name;
type Own = 'preset' | 'views' | 'controls' | 'layout' | 'theme' | 'loading' | 'threads' | 'variant';

/** Of this name every node has a method, as far as types go. */
type OfNodes = 'normalize';

/** Options of the library, weightDecay for weight-decay, and the element's own. */
export type AttributeProperties =
  { [K in Exclude<WithoutDashes<keyof TrainOptions>, OfNodes> | Own]: Attribute } &
  { autostart: boolean; persist: boolean };

/** A set-up in words: behind the page's address, as a <kiln-trainer>, as a line for a shell. */
export type Spelling = 'link' | 'tag' | 'command';
