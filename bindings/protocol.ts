/**
 * What page and worker say to each other; types only. The page sends calls, each with an id
 * that its answer carries; the worker sends events of the run besides. A run is what open,
 * reset or load began: its number tells events of the present run from stale ones.
 */

import type { DatasetSource } from './dataset.js';
import type { ErrorMessage } from './errors.js';
import type { ExportFormat, FormatInfo, ImportedTensor } from './formats.js';
import type { Options } from './options.js';
import type {
  Backend, DatasetInfo, Evaluation, GradientCheck, Held, History, Inspection, LayerTime, Metrics,
  NamedTensor, OptionInfo, Prediction, Preset, RunState, Split, Summary, TrainerEvent,
} from './types.js';
import type { LoadOptions } from './wasm.js';

/** Raised when a page and a worker of different versions could not talk. */
export const PROTOCOL = 1;

/** What a run begins with. */
export interface RunInfo {
  run: number;
  dataset: DatasetInfo;
  summary: Summary;
  options: Record<string, string>;
  /** Those of the options that were given: with them the same run can begin again. */
  given: Options;
  state: RunState;
  metrics: Metrics | null;
  /** Of a run that began with another program's weights. */
  imported?: ImportedTensor[];
}

export interface StateInfo {
  state: RunState;
  metrics: Metrics | null;
}

export type OptionValues = Record<string, string>;

/** Every call by name: its parameters and its result. */
export interface Calls {
  open: [
    { wasm: Omit<LoadOptions, 'signal'>; data: DatasetSource; options: Options },
    RunInfo & { backend: Backend; version: string },
  ];
  /** `options` are changes: the worker knows those of the present run. */
  reset: [{ options: Options; data?: DatasetSource | undefined }, RunInfo];
  load: [{ bytes: Uint8Array; options: Options }, RunInfo & { held: Held }];
  start: [object, StateInfo];
  pause: [object, StateInfo];
  step: [object, StateInfo];
  restoreBest: [object, StateInfo];
  /** Resolves to all options. */
  set: [{ key: string; value: string }, { options: OptionValues; given: Options }];
  options: [object, OptionValues];
  parameters: [{ names?: readonly string[] | undefined }, NamedTensor[]];
  firstFilters: [object, NamedTensor | null];
  inspect: [{ of: Split | Uint8Array; index: number }, Inspection];
  evaluate: [{
    split: Split; count?: number | undefined;
    views?: number | undefined; share?: number | undefined;
    checkpoint?: Uint8Array | undefined;
  }, Evaluation];
  predict: [{ split: Split; indices: readonly number[]; views: number }, Prediction[]];
  classify: [{ image: Uint8Array; views: number }, Float32Array];
  layerTimes: [object, LayerTime[]];
  history: [object, History];
  save: [{ parametersOnly: boolean }, Uint8Array];
  export: [{ format: ExportFormat }, Uint8Array];
  formats: [object, FormatInfo[]];
  hash: [object, string];
  receipt: [object, string];
  summarise: [{ net: string; freeze?: string | undefined }, Summary];
  gradcheck: [{ net: string }, GradientCheck[]];
  optionTable: [object, OptionInfo[]];
  presets: [object, Preset[]];
}

export type CallName = keyof Calls;
export type Params<K extends CallName> = Calls[K][0];
export type Result<K extends CallName> = Calls[K][1];

/** A discriminated union on `type`. */
export type CallMessage = { [K in CallName]: { type: K; id: number; params: Params<K> } }[CallName];

export type ToWorker =
  | CallMessage
  | { type: 'cancel'; target: number } // the id of a call, which ends early where it can
  | { type: 'ping' };

/** A checkpoint of a run that goes, for the page to keep: the worker may not live to give one. */
export interface KeptState {
  type: 'kept';
  step: number;
  epoch: number;
  bytes: Uint8Array<ArrayBuffer>;
}

export type WorkerEvent = TrainerEvent | KeptState;

export type FromWorker =
  | { type: 'hello'; protocol: number }
  | { type: 'pong' }
  | { type: 'silence'; milliseconds: number } // which one step of the present run may take
  | { type: 'result'; id: number; value: unknown }
  | { type: 'failure'; id: number; error: ErrorMessage }
  | { type: 'event'; run: number; event: WorkerEvent }
  | { type: 'fatal'; error: ErrorMessage }; // the worker is of no more use
