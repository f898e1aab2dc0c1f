/** kiln-nn: what the package offers. */

import './platform.js';
import * as layers from './course-layers.js';
import * as optim from './optim.js';

/** The course's layer functions: use after `await ready()`. */
export { layers };

/** The course's update rules: use after `await ready()`. */
export { optim };

export { ready, version, type ReadyOptions } from './instance.js';
export { doubleTensor, tensor, zeros } from './tensor.js';
export { Model, type ModelOptions, type Tensors } from './model.js';
export {
  Dataset, type DatasetOptions, type DatasetSource, type LoadHooks, type Normalisation,
} from './dataset.js';
export type { DataFile } from './sources.js';
export { forgetStoredDataset, storedDataset, storedFiles } from './storage.js';
export {
  Trainer, type ResetInit, type TrainerEvents, type TrainerInit,
} from './trainer.js';
export {
  EXPORT_FORMATS, exportCheckpoint, exportFormats, importWeights,
  type ExportFormat, type ExportOptions, type FormatInfo, type ImportedTensor,
  type ImportedWeights, type ImportOptions,
} from './formats.js';
export { KilnError, type KilnErrorCode } from './errors.js';
export type { LoadOptions, WasmSource } from './wasm.js';
export type * from './layers.js';
export type * from './norms.js';
export type * from './losses.js';
export type * from './optim.js';
export type * from './types.js';
