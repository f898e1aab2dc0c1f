/** kiln-nn: what the package offers. */

import './platform.js';
import * as activationsAndWindows from './layers.js';
import * as losses from './losses.js';
import * as norms from './norms.js';
import * as optim from './optim.js';

const {
  affineForward, affineBackward, reluForward, reluBackward, convForward, convBackward,
  maxPoolForward, maxPoolBackward,
} = activationsAndWindows;

/** The course's layer functions: use after `await ready()`. */
export const layers = {
  affineForward, affineBackward, reluForward, reluBackward, convForward, convBackward,
  maxPoolForward, maxPoolBackward, ...norms, ...losses,
};

/** The course's update rules: use after `await ready()`. */
export { optim };

export { ready, version, type ReadyOptions } from './instance.js';
export { doubleTensor, tensor, zeros } from './tensor.js';
export { Model, type ModelOptions, type Tensors } from './model.js';
export {
  Dataset, type DatasetOptions, type DatasetSource, type LoadHooks, type Normalisation,
} from './dataset.js';
export type { DataFile } from './sources.js';
export { storedDataset, forgetStoredDataset } from './storage.js';
export {
  Trainer, type ResetInit, type TrainerEvents, type TrainerInit,
} from './trainer.js';
export {
  EXPORT_FORMATS, exportCheckpoint, exportFormats,
  type ExportFormat, type ExportOptions, type FormatInfo,
} from './formats.js';
export { KilnError, type KilnErrorCode } from './errors.js';
export type { LoadOptions, WasmSource } from './wasm.js';
export type * from './layers.js';
export type * from './norms.js';
export type * from './losses.js';
export type * from './optim.js';
export type * from './types.js';
