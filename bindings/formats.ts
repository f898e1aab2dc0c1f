/** The formats in which a model leaves: a checkpoint's bytes as a file of other programs. */

import { checkText, kindOf } from './check.js';
import { KilnError } from './errors.js';
import { loadExtras } from './extras.js';
import { optionText } from './options.js';
import type { WasmSource } from './wasm-source.js';

/** The names in the table of src/formats/formats.c, under a test. */
export const EXPORT_FORMATS = [
  'safetensors', 'npz', 'onnx', 'onnx-normalized', 'pytorch', 'pytorch-weights', 'tfjs', 'csv',
  'csv-losses', 'json', 'markdown', 'latex',
] as const;

/** The name of a format. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A row of that table. */
export interface FormatInfo {
  name: ExportFormat;
  /** Of its files: "npz". */
  ending: string;
  holds: 'parameters' | 'history' | 'summary';
  /** What it is for. */
  sentence: string;
}

/** What exports may be told. */
export interface ExportOptions {
  /** Where extras.wasm comes from, if not from beside this script; the first call decides. */
  extras?: WasmSource | undefined;
}

/**
 * All formats, in the order in which lists show them; extras: where their module comes from.
 * E_WASM_LOAD.
 */
export async function exportFormats({ extras }: ExportOptions = {}): Promise<FormatInfo[]> {
  return (await loadExtras(extras)).json('kiln_formats');
}

/**
 * A checkpoint (Trainer.save, `kiln train --save`), or an export of one (then without curves), as
 * the bytes of a file of that format: those that `kiln export --format` writes, which are the
 * caller's. extras: where the module of formats comes from. E_ARG for an unknown format, or what
 * the format has no words for; E_CHECKPOINT, E_MEMORY, E_WASM_LOAD.
 */
export async function exportCheckpoint(bytes: Uint8Array, format: ExportFormat,
  { extras }: ExportOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  checkText('export', 'format', format);
  if (kindOf(bytes) !== 'Uint8Array') {
    throw new KilnError('E_ARG', `export: a checkpoint is a Uint8Array, not ${kindOf(bytes)}`);
  }
  const wasm = await loadExtras(extras);
  return wasm.exported(wasm.call('kiln_export', format, bytes, bytes.length));
}

/** Where one of a net's tensors came from. */
export interface ImportedTensor {
  /** kiln's name, "affine1.w". */
  tensor: string;
  shape: number[];
  /** The array of the file; null for none, where the tensor begins as it always does. */
  from: string | null;
  how: 'as it is' | 'transposed' | 'start value';
}

/** Weights of another program, read. */
export interface ImportedWeights {
  /** An export, as Trainer.load and Model.load take it; of kiln's own file that file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** What went where, tensor by tensor; of kiln's own file nothing. */
  table: ImportedTensor[];
}

/** What imports may be told. */
export interface ImportOptions extends ExportOptions {
  /** The net that the weights are of; left out: the one that the file names. */
  net?: string | undefined;
  /** The size of its images, [1, 28, 28]; left out: what the file says, else [3, 32, 32]. */
  input?: readonly number[] | undefined;
}

/**
 * Weights of another program as an export of kiln's: a safetensors file (PyTorch's) or an .npz of
 * numpy.savez (the course's W1, b1, ...). Arrays are matched by name, or by order and shape, and
 * transposed where PyTorch stores them so; float32 and float64. The bytes are copied. net: the net
 * that the weights are of; input: the size of its images; extras: where the module of formats comes
 * from. E_ARG where no net is known, E_NOTATION; E_CHECKPOINT for what does not fit, lacks a tensor
 * or has one too many; E_MEMORY, E_WASM_LOAD.
 */
export async function importWeights(
  bytes: Uint8Array, { net = '', input, extras }: ImportOptions = {}): Promise<ImportedWeights> {
  if (kindOf(bytes) !== 'Uint8Array') {
    throw new KilnError('E_ARG', `import: weights are a Uint8Array, not ${kindOf(bytes)}`);
  }
  checkText('import', 'net', net);
  const wasm = await loadExtras(extras);
  const size = wasm.call('kiln_import', net, optionText({ input }), bytes, bytes.length);
  if (size === 0) return { bytes: new Uint8Array(bytes), table: [] };
  return { bytes: wasm.exported(size), table: wasm.lastJson() };
}

const ZIP = [0x50, 0x4b, 0x03, 0x04];

/** Is it a file of another program, by how it begins, or by what kiln's own reader says of it? */
export function isForeign(bytes: Uint8Array, error?: unknown): boolean {
  if (ZIP.every((byte, i) => bytes[i] === byte)) return true;
  return error instanceof KilnError && /none that kiln wrote/.test(error.message);
}
