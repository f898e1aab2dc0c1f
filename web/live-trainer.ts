/**
 * What the views ask of a trainer: the part of the class Trainer of kiln-nn they use. A view is
 * given one as its property `trainer` and listens to its events; nothing else connects the views.
 */

import type { ExportFormat, FormatInfo, ImportedTensor } from '../bindings/formats.js';
import type {
  Backend,
  DataProgress,
  DatasetInfo,
  EpochEvent,
  Evaluation,
  History,
  Inspection,
  LayerTime,
  Metrics,
  NamedTensor,
  OptionInfo,
  Prediction,
  Preset,
  Progress,
  RunState,
  Split,
  StateEvent,
  StoredDataset,
  Summary,
} from '../bindings/types.js';

export interface LiveTrainer extends EventTarget {
  readonly backend: Backend;
  readonly dataset: DatasetInfo;
  readonly summary: Summary;
  readonly state: RunState;
  readonly metrics: Metrics | null;
  /** What is left of the run when its worker is no more. */
  readonly lastCheckpoint?: { bytes: Uint8Array; step: number; epoch: number } | null;
  start(): Promise<unknown>;
  pause(): Promise<unknown>;
  step(): Promise<unknown>;
  set(key: string, value: string | number | boolean): Promise<unknown>;
  reset(change?: Change): Promise<unknown>;
  firstFilters(): Promise<NamedTensor | null>;
  parameters(names: readonly string[]): Promise<NamedTensor[]>;
  /** An image of a split, or one's own. */
  inspect(of: Split | Uint8Array, index?: number): Promise<Inspection>;
  evaluate(
    split: Split,
    options?: { count?: number; views?: number; signal?: AbortSignal; checkpoint?: Uint8Array },
  ): Promise<Evaluation>;
  predict(split: Split, indices: number[], options?: { views?: number }): Promise<Prediction[]>;
  classify(image: Uint8Array): Promise<Float32Array>;
  layerTimes(): Promise<LayerTime[]>;
  history(): Promise<History>;
  /** Of the parameters. */
  hash?(): Promise<string>;
  save(): Promise<Uint8Array>;
  exportParameters(): Promise<Uint8Array>;
  export(format: ExportFormat): Promise<Uint8Array>;
  formats(): Promise<FormatInfo[]>;
  receipt(): Promise<string>;
  /** Resolves to what the file held. */
  load(bytes: Uint8Array): Promise<'run' | 'weights'>;
  /** What went where as load() took another program's weights. */
  readonly imported?: ImportedTensor[];
  restoreBest(): Promise<unknown>;
  options(): Promise<Record<string, unknown>>;
  summarise(net: string, freeze?: string): Promise<Summary>;
  optionTable(): Promise<OptionInfo[]>;
  presets(): Promise<Preset[]>;
}

export type DataSource =
  'builtin' | { files: File[]; store: true } | { url: string; store: true } | { stored: true };

export interface Change {
  net?: string;
  options?: Record<string, string>;
  data?: DataSource;
  signal?: AbortSignal;
}

/** The data set in the browser's private storage. */
export interface DataStore {
  /** Whether the browser gives this page any such storage. */
  available(): Promise<boolean>;
  info(): Promise<StoredDataset | null>;
  /** As they came; none where none is kept. */
  files(): Promise<File[]>;
  forget(): Promise<unknown>;
}

/** The events of a trainer and what their detail holds. */
export interface TrainerEvents {
  progress: Progress;
  epoch: EpochEvent;
  state: StateEvent;
  error: { code: string; message: string };
  dataprogress: DataProgress;
}

export type { History, Progress, Split };

/** Whose images are shown: test images, where the data set has some. */
export function shownSplit({ test, validation }: DatasetInfo): Split {
  return test > 0 ? 'test' : validation > 0 ? 'validation' : 'train';
}

/** Whether the outputs of the net are scores of a hinge loss, which know no probabilities. */
export function hasScores({ layers }: Summary): boolean {
  return layers.at(-1)?.kind === 'svm';
}

/** The sentence of an error, and the column where it has one. */
export function explain(error: unknown): { code: string; message: string; column?: number } {
  const { code, message, column } = error as {
    code?: unknown;
    message?: unknown;
    column?: unknown;
  };
  return {
    code: typeof code === 'string' ? code : 'E_UNKNOWN',
    message: typeof message === 'string' && message !== '' ? message : String(error),
    ...(typeof column === 'number' && column > 0 ? { column } : {}),
  };
}
