/** The formats in which a model leaves: a checkpoint's bytes as a file of other programs. */

import { checkText, kindOf } from './check.js';
import { KilnError } from './errors.js';
import { loadExtras } from './extras.js';
import type { WasmSource } from './wasm-source.js';

/** The names in the table of src/formats/formats.c, under a test. */
export const EXPORT_FORMATS = [
  'safetensors', 'npz', 'onnx', 'onnx-normalized', 'pytorch', 'tfjs', 'csv', 'csv-losses',
  'json', 'markdown', 'latex',
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
