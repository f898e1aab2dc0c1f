/**
 * The shapes of everything that crosses from the library to its users: results of the C library
 * as JSON, events of a training run, and the options of the classes. Types only.
 */

/** A tensor: row-major values and their shape, as in the course (N, C, H, W). */
export interface Tensor {
  data: Float32Array;
  shape: number[];
}

/** The same in double, for the course's functions alone. */
export interface DoubleTensor {
  data: Float64Array;
  shape: number[];
}

/**
 * What the course's functions take: all arrays of a call float, or all double, and the results are
 * of that kind. Doubles are computed by the naive loops of the reference, so that numeric gradients
 * with h = 1e-5 agree to 1e-8.
 */
export type AnyTensor = Tensor | DoubleTensor;

/** One row of the table of options: what the command line, the page and the element offer. */
export interface OptionInfo {
  name: string;
  type: 'int' | 'float' | 'choice' | 'text' | 'flag';
  default: string;
  min?: number;
  max?: number;
  choices?: string[];
  /** May be changed while training. */
  live: boolean;
  group: string;
  help: string;
  /** The choices of other options that read this one; left out where all do. */
  usedBy?: Record<string, string[]>;
  /** Of a list: its words, their numbers' ranges and units, and the word that one needs. */
  words?: { name: string; min?: number; max?: number; unit?: string; needs?: string }[];
}

/** A net of the course or the page by its name, with the options that go with it. */
export interface Preset {
  name: string;
  title: string;
  net: string;
  options: Record<string, string>;
  note: string;
}

/**
 * What a layer is and costs: FLOPs of one image forward, bytes of its activations and parameters.
 */
export interface LayerSummary {
  name: string;
  kind: string;
  text: string;
  /** Its arguments by name, also those that the notation leaves out. */
  attributes: Record<string, number | boolean>;
  /** Output of one image: [C, H, W] or [D]. */
  output: number[];
  parameters: number;
  /** How many of them the option freeze leaves as they are. */
  frozen: number;
  flops: number;
  bytes: number;
  algorithm?: string;
  unread?: number;
}

/** A net layer by layer, and the sums of their costs. */
export interface Summary {
  notation: string;
  layers: LayerSummary[];
  parameters: number;
  frozen: number;
  flops: number;
  bytes: number;
  /** FLOPs of one image's backward pass. */
  backwardFlops: number;
  /** What the option whiten-epochs ends the training of, and FLOPs backward from then on. */
  early?: string[];
  heldFlops?: number;
}

/** What is known of a tensor of a net, whose values are asked for by its name. */
export interface TensorInfo {
  name: string;
  shape: number[];
  size: number;
  parameter: boolean;
  /** false: it has no gradient, like a batchnorm's fixed scale and all running statistics. */
  trained: boolean;
  regularised: boolean;
  layer: number;
}

/** The part of a data set that images are taken from. */
export type Split = 'train' | 'validation' | 'test';

/**
 * A data set: numbers of images by split; shape is [C, H, W], mean and std of a channel, in 0..255.
 */
export interface DatasetInfo {
  name: string;
  classes: string[];
  shape: number[];
  train: number;
  validation: number;
  test: number;
  mean: number[];
  std: number[];
  hash: string;
}

/** Which of the builds runs, and why that one. */
export interface Backend {
  variant: 'relaxed' | 'simd' | 'relaxed-threads' | 'simd-threads';
  mode: 'strict' | 'fused';
  lanes: number;
  threads: number;
  /** A sentence in two parts: why this arithmetic; why so many threads. */
  reason: string;
}

/** Values after a step; accuracies in 0..1; null where not yet known. */
export interface Metrics {
  step: number;
  steps: number;
  epoch: number;
  epochs: number;
  loss: number;
  dataLoss: number;
  regLoss: number;
  accuracy: number;
  lr: number;
  gradientNorm: number | null;
  updateRatio: number | null;
  /** Mean loss of the steps of the last epoch that was checked. */
  trainLoss: number | null;
  trainAccuracy: number | null;
  valAccuracy: number | null;
  bestValAccuracy: number | null;
  bestEpoch: number | null;
}

/** At most ten a second: everything since the last one. */
export interface Progress extends Metrics {
  type: 'progress';
  /** Loss and batch accuracy of every step since the last progress event, oldest first. */
  points: { step: number; loss: number; accuracy: number }[];
  imagesPerSecond: number;
  /** Seconds to the end of the last epoch, by the pace so far; null while paused. */
  eta: number | null;
}

/** What a loop over a Trainer gets: one progress event, or several that came between two turns. */
export interface JoinedProgress extends Progress {
  /** Progress events in this one; the figures are those of the last, `points` are of all. */
  merged: number;
  /** Points, the oldest, that were let go because the loop was 50,000 behind; see history(). */
  skipped: number;
}

/** An epoch has ended; accuracies in 0..1. best: of all so far, by validation accuracy. */
export interface EpochEvent {
  type: 'epoch';
  epoch: number;
  step: number;
  trainLoss: number;
  trainAccuracy: number;
  valAccuracy: number;
  lr: number;
  best: boolean;
}

/** Reading a data set, and keeping it in the browser's private storage. */
export interface DataProgress {
  type: 'dataprogress';
  phase: 'reading' | 'storing' | 'ready';
  /** Bytes of the source so far; total is null where the source does not tell. */
  loaded: number;
  total: number | null;
  /** Images found so far. */
  records: number;
  /** Why the data set could not be kept, where that was asked for. */
  note?: string;
}

/** Loss of the run so far, and the accuracies of its epochs. */
export interface History {
  /** [step, loss], oldest first. */
  loss: [number, number][];
  epochs: Omit<EpochEvent, 'type' | 'best'>[];
  /**
   * What keeps the run from being had again by training anew with its options: one that was changed
   * on the way, 'mode', 'weights' (it began with a file's) or 'best' (it went back to them).
   */
  changed: string | null;
}

/** One row of a gradient check: the library's gradient against a numeric one in double. */
export interface GradientCheck {
  layer: string;
  tensor: string;
  /** The worst |a - n| / max(1e-8, |a| + |n|) of the entries, the course's rel_error. */
  relativeError: number;
  /** The largest difference by the tensor's largest gradient: rounding leaves it small. */
  share: number;
  entries: number;
}

/** What a file of kiln holds: a run to go on with, or the weights of a net alone. */
export type Held = 'run' | 'weights';

/** What a checkpoint, or an export of the weights alone, says of itself. */
export interface CheckpointInfo {
  hasRun: boolean;
  net: string;
  /** Of one image: [C, H, W]. */
  input: number[];
  normalize: string;
  mode: Backend['mode'];
  /** Of a run: these three and what kiln.h lists. */
  options?: Record<string, string>;
  step?: number;
  epoch?: number;
  [key: string]: unknown;
}

/** A checkpoint that was kept while a run went. */
export interface KeptCheckpoint {
  /** A safetensors file, as save() gives it. */
  bytes: Uint8Array;
  step: number;
  epoch: number;
}

/** What lies in the browser's private storage. */
export interface StoredDataset {
  name: string;
  files: { name: string; size: number }[];
  bytes: number;
  /** When it was kept, as milliseconds since 1970. */
  savedAt: number;
}

/** Where a run is: steps are taken while it is running. */
export type RunState = 'ready' | 'running' | 'paused' | 'done' | 'failed';

/** The run has changed its state. */
export interface StateEvent {
  type: 'state';
  state: RunState;
  /** There where a run that failed is back at its start. */
  metrics?: null;
}

/** The run has failed; its code and sentence, as KilnError has them. */
export interface ErrorEvent_ {
  type: 'error';
  code: string;
  message: string;
}

/** What a Trainer tells while it works: the detail of its events. */
export type TrainerEvent = Progress | EpochEvent | StateEvent | ErrorEvent_ | DataProgress;

/** First-layer filters, or any tensor: shape (F, C, HH, WW) or (D, M). */
export interface NamedTensor extends Tensor {
  name: string;
}

/** Output of a layer for an image, and the gradient of the loss by it: (C, H, W) or (D). */
export interface InspectedLayer {
  name: string;
  kind: string;
  shape: number[];
  output: Float32Array;
  gradient: Float32Array;
}

/**
 * Outputs and gradients of every layer for one image; for one's own, which has no label, as of the
 * likeliest class. E_ARG, E_MEMORY; E_SHAPE for a size that the net does not take, E_DATA where
 * images are normalised by the mean image, which only its own data set has.
 */
export interface Inspection {
  label: number;
  /** Raw pixels, (C, H, W). */
  image: Uint8Array;
  probabilities: Float32Array;
  layers: InspectedLayer[];
}

/** What Trainer.evaluate() looks at, and how often. */
export interface EvaluateOptions {
  /** The first so many images of the split; all at first. */
  count?: number | undefined;
  /** 1, 2, 6 or 10 averaged; else as the options eval-views and eval-share say. */
  views?: number | undefined;
  /** 0..1: the least confident images alone get the views, the others one. 1 at first. */
  share?: number | undefined;
  signal?: AbortSignal | undefined;
  /**
   * A checkpoint or an export in the place of the present run: of whatever data, for images of this
   * shape and number of classes, which are normalised as it was trained. E_CHECKPOINT, E_DATA.
   */
  checkpoint?: Uint8Array | undefined;
}

/** How well a net does on images; accuracy in 0..1, loss the mean of an image. */
export interface Evaluation {
  split: Split;
  count: number;
  correct: number;
  accuracy: number;
  loss: number;
  /** classes x classes, row = true class. */
  confusion: Int32Array;
}

/** An image (C, H, W; 0..255), its label, and the probability of each class. */
export interface Prediction {
  index: number;
  label: number;
  image: Uint8Array;
  probabilities: Float32Array;
}

/** Milliseconds that a layer took in so many calls, training passes. */
export interface LayerTime {
  name: string;
  forward: number;
  backward: number;
  calls: number;
}
