/** The events of a Trainer, and EventTarget with their types. */

import type { DataProgress, EpochEvent, ErrorEvent_, Progress, StateEvent } from './types.js';

/** Every event is a CustomEvent with this in `detail`. */
export interface TrainerEvents {
  progress: Progress;
  epoch: EpochEvent;
  state: StateEvent;
  error: ErrorEvent_;
  dataprogress: DataProgress;
}

type Listener<K extends keyof TrainerEvents> = (event: CustomEvent<TrainerEvents[K]>) => void;

type AnyListener = ((event: Event) => void) | { handleEvent(event: Event): void } | null;

/** EventTarget, with the types of these events. */
export interface TrainerTarget {
  addEventListener<K extends keyof TrainerEvents>(
    type: K, listener: Listener<K>, options?: AddEventListenerOptions | boolean): void;
  addEventListener(type: string, listener: AnyListener,
    options?: AddEventListenerOptions | boolean): void;
  removeEventListener<K extends keyof TrainerEvents>(
    type: K, listener: Listener<K>, options?: EventListenerOptions | boolean): void;
  removeEventListener(type: string, listener: AnyListener,
    options?: EventListenerOptions | boolean): void;
  dispatchEvent(event: Event): boolean;
}
export const TrainerTarget = EventTarget as unknown as new () => TrainerTarget;
