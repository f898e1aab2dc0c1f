/**
 * The public functions of src and what each takes: the one table from which come the types of
 * Wasm.call() and the checks at the border, so that no number is read as an address.
 */

import { kindOf } from './check.js';
import { KilnError } from './errors.js';

export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Memory that C writes to: copied back after the call, and copied in before it when `copyIn`. */
export interface Output<T extends Numbers> {
  array: T;
  copyIn: boolean;
}

/** What a call may pass: numbers and text by value, arrays copied, null for C's NULL. */
export type Argument = number | string | Numbers | Output<Numbers> | null;

/**
 * A word for each argument, in the order and with the names of kiln.h. F32, F64, I32 and U8 are
 * arrays that C reads; with `out`, arrays made by fills() or updates() (wasm.ts) that it writes;
 * with `?`, null may stand for them.
 */
const SIGNATURES = {
  // the library
  kiln_lanes: '',
  kiln_fused_probe: '',
  kiln_threads_use: 'int',
  kiln_memory_used: '',
  kiln_options: '',
  kiln_presets: '',

  // nets
  kiln_summary: 'text text',
  kiln_net_create: 'text text',
  kiln_net_destroy: 'int',
  kiln_net_classes: 'int',
  kiln_net_input_size: 'int',
  kiln_net_tensors: 'int',
  kiln_net_tensor_get: 'int int F32out',
  kiln_net_tensor_set: 'int int F32',
  kiln_net_gradient_get: 'int int F32out',
  kiln_net_scores: 'int F32out F32 int int',
  kiln_net_loss: 'int F64out F32 I32 int float',
  kiln_net_loss_and_gradients: 'int F64out F32 I32 int float',
  kiln_net_inspect: 'int int int int F32out?',
  kiln_net_profile: 'int int',
  kiln_net_hash: 'int',

  // data sets
  kiln_data_builtin: 'text',
  kiln_data_builtin_create: 'text',
  kiln_data_builtin_draw: 'int int',
  kiln_data_create: '',
  kiln_data_kind: 'text U8 int int',
  kiln_data_add_file: 'int text U8 int int',
  kiln_data_feed_tar: 'int U8 int',
  kiln_data_finish: 'int text',
  kiln_data_destroy: 'int',
  kiln_data_info: 'int',
  kiln_data_image: 'int int int U8out?',
  kiln_data_batch: 'int int int int text F32out I32out?',
  kiln_data_knn: 'int int int int int I32out?',

  // training
  kiln_trainer_create: 'int text',
  kiln_trainer_destroy: 'int',
  kiln_trainer_set: 'int text text',
  kiln_trainer_options: 'int',
  kiln_trainer_step: 'int',
  kiln_trainer_check_in_slices: 'int int',
  kiln_trainer_metrics: 'int',
  kiln_trainer_history: 'int',
  kiln_survey_create: 'int int int int float',
  kiln_survey_next: 'int int',
  kiln_survey_result: 'int F64out? I32out?',
  kiln_survey_destroy: 'int',
  kiln_trainer_predict: 'int U8 int int F32out',
  kiln_trainer_inspect: 'int int int',
  kiln_trainer_net: 'int',
  kiln_trainer_restore_best: 'int',
  kiln_trainer_save: 'int',
  kiln_trainer_export: 'int',
  kiln_trainer_load: 'int U8 int text',
  kiln_trainer_resume: 'int U8 int text',
  kiln_trainer_begin: 'int U8 int text',
  kiln_net_fill: 'int U8 int',
  kiln_checkpoint_info: 'U8 int',

  // gradient checks, formats, receipts and constants, in the second module (extras.ts)
  kiln_constants: '',
  kiln_gradcheck: 'text text',
  kiln_gradcheck_create: 'text text',
  kiln_gradcheck_next: 'int',
  kiln_gradcheck_destroy: 'int',
  kiln_formats: '',
  kiln_export: 'text U8 int',
  kiln_import: 'text text U8 int',
  kiln_receipt: 'U8 int',
} as const;

/**
 * The course's layer functions. Each has a twin in double, its name with _double behind it, in the
 * second module.
 */
const COURSE = {
  kiln_layer_affine_forward: 'F32out F32 F32 F32 int int int',
  kiln_layer_affine_backward: 'F32out F32out F32out F32 F32 F32 int int int',
  kiln_layer_relu_forward: 'F32out F32 int',
  kiln_layer_relu_backward: 'F32out F32 F32 int',
  kiln_layer_conv_forward: 'F32out F32 F32 F32 int int int int int int int int int',
  kiln_layer_conv_backward: 'F32out F32out F32out F32 F32 F32 int int int int int int int int int',
  kiln_layer_max_pool_forward: 'F32out F32 int int int int int int int',
  kiln_layer_max_pool_backward: 'F32out F32 F32 int int int int int int int',
  kiln_layer_batchnorm_forward:
    'F32out F32out F32out F32out F32out F32 F32 F32 int int int float float int',
  kiln_layer_batchnorm_backward: 'F32out F32out F32out F32 F32 F32 F32 F32 int int int int',
  kiln_layer_layernorm_forward: 'F32out F32out F32out F32 F32 F32 int int float',
  kiln_layer_layernorm_backward: 'F32out F32out F32out F32 F32 F32 F32 F32 int int',
  kiln_layer_groupnorm_forward: 'F32out F32out F32out F32 F32 F32 int int int int float',
  kiln_layer_groupnorm_backward: 'F32out F32out F32out F32 F32 F32 F32 F32 int int int int',
  kiln_layer_dropout_forward: 'F32out F32out F32 int float uint',
  kiln_layer_multiply: 'F32out F32 F32 int',
  kiln_layer_softmax_loss: 'F64out F32out F32 I32 int int float',
  kiln_layer_svm_loss: 'F64out F32out F32 I32 int int',
  kiln_layer_sgd: 'F32out F32 int float',
  kiln_layer_sgd_momentum: 'F32out F32 F32out int float float',
  kiln_layer_rmsprop: 'F32out F32 F32out int float float float',
  kiln_layer_adam: 'F32out F32 F32out F32out int float float float float int',
} as const;

interface Kinds {
  int: number;
  uint: number;
  float: number;
  text: string;
  F32: Float32Array;
  F64: Float64Array;
  I32: Int32Array;
  U8: Uint8Array;
  F32out: Output<Float32Array>;
  F64out: Output<Float64Array>;
  U8out: Output<Uint8Array>;
  'F32out?': Output<Float32Array> | null;
  'F64out?': Output<Float64Array> | null;
  'I32out?': Output<Int32Array> | null;
  'U8out?': Output<Uint8Array> | null;
}

type Parse<S extends string> =
  S extends '' ? []
  : S extends `${infer First extends keyof Kinds} ${infer Rest}` ? [Kinds[First], ...Parse<Rest>]
  : S extends keyof Kinds ? [Kinds[S]] : never;

export type CourseName = keyof typeof COURSE;
type PlainName = keyof typeof SIGNATURES;
export type ExportName = PlainName | CourseName | `${CourseName}_double`;
export type KilnExports =
  { [K in PlainName]: (...args: Parse<(typeof SIGNATURES)[K]>) => number } &
  { [K in CourseName]: (...args: Parse<(typeof COURSE)[K]>) => number } &
  { [K in `${CourseName}_double`]: (...args: Argument[]) => number };

/** The words of a function; undefined where C has none of this name. */
export function signatureOf(name: string): string[] | undefined {
  const { [name.replace(/_double$/, '')]: course } = COURSE as Record<string, string>;
  const words = name.endsWith('_double')
    ? course?.replaceAll('F32', 'F64')
    : course ?? (SIGNATURES as Record<string, string>)[name];
  return words?.split(' ').filter((word) => word !== '');
}

const ARRAYS: Record<string, string> = {
  F32: 'Float32Array', F64: 'Float64Array', I32: 'Int32Array', U8: 'Uint8Array',
};

/** Throws E_ARG unless the arguments are what the function takes. */
export function checkArguments(name: string, args: readonly unknown[]): void {
  const words = signatureOf(name);
  if (words === undefined) throw new KilnError('E_ARG', `the library has no ${name}`);
  if (args.length !== words.length) {
    throw new KilnError('E_ARG', `${name}: ${args.length} arguments, not ${words.length}`);
  }
  words.forEach((word, i) => {
    if (!fits(word, args[i])) {
      throw new KilnError('E_ARG', `${name}: argument ${i + 1} is ${kindOf(args[i])}, not ${word}`);
    }
  });
}

function fits(word: string, value: unknown): boolean {
  switch (word) {
    case 'text': return typeof value === 'string';
    case 'float': return typeof value === 'number';
    case 'int': return Number.isInteger(value) && value === ((value as number) | 0);
    case 'uint': return Number.isInteger(value) && value === ((value as number) >>> 0);
    default: break;
  }
  if (word.endsWith('?')) return value === null || fits(word.slice(0, -1), value);
  const array = word.endsWith('out') ? (value as Output<Numbers> | null)?.array : value;
  return kindOf(array) === ARRAYS[word.slice(0, word.startsWith('U8') ? 2 : 3)];
}
