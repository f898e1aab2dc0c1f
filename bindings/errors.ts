/**
 * The one error class of the package. `code` is stable and for programs, `message` is a
 * sentence for people.
 */

/** Codes of the C library, by its negative status; a test compares them with src/base/status.h. */
const STATUS_CODES: Readonly<Record<number, KilnErrorCode>> = {
  [-1]: 'E_ARG',
  [-2]: 'E_SHAPE',
  [-3]: 'E_NOTATION',
  [-4]: 'E_MEMORY',
  [-5]: 'E_DATA',
  [-6]: 'E_CHECKPOINT',
  [-7]: 'E_DIVERGED',
  [-8]: 'E_HANDLE',
  [-9]: 'E_STATE',
  [-10]: 'E_IO',
  [-11]: 'E_SPLIT',
};

/** What went wrong, for programs: these names stay. REMEDIES says what helps against each. */
export type KilnErrorCode =
  | 'E_ARG' // an argument or option out of range or unknown
  | 'E_SHAPE' // sizes that do not fit each other
  | 'E_NOTATION' // the arrow notation; `column` tells where
  | 'E_MEMORY' // does not fit; the sentence has the number of bytes
  | 'E_DATA' // malformed data file
  | 'E_CHECKPOINT' // malformed or foreign checkpoint
  | 'E_DIVERGED' // a loss or parameter is not finite
  | 'E_HANDLE' // a disposed object
  | 'E_STATE' // not possible now
  | 'E_IO' // reading or writing a file failed
  | 'E_SPLIT' // a file whose name does not say whether it holds training or test images
  | 'E_TRAP' // the WebAssembly instance broke down and is of no more use
  | 'E_WASM_LOAD' // the WebAssembly module could not be fetched, compiled or started
  | 'E_WORKER_LOAD' // the worker did not start
  | 'E_WORKER_DIED' // the worker ended by an error of its own
  | 'E_WORKER_SILENT' // the worker stopped answering
  | 'E_FETCH' // a data set's address could not be read
  | 'E_QUOTA' // the private storage is full
  | 'E_STORAGE' // there is no private storage here
  | 'E_ABORTED' // by an AbortSignal or dispose()
  | 'E_PROTOCOL'; // page and worker do not understand each other

/** What helps against any error of a code. Those of C are src/base/status.h's, under a test. */
export const REMEDIES: Readonly<Record<KilnErrorCode, string>> = {
  E_ARG: 'correct what the sentence names',
  E_SHAPE: 'give arrays of the shapes that the sentence names',
  E_NOTATION: 'correct it at the column that is given',
  E_MEMORY: 'take a smaller net or batch, or free what is no longer used',
  E_DATA: 'fetch the file again, or name the right one',
  E_CHECKPOINT: 'use an earlier copy of it, or the data it was trained on',
  E_DIVERGED: 'lower the learning rate, and go on from the last good state',
  E_HANDLE: 'use handles no longer than their objects live',
  E_STATE: 'do first what the sentence names',
  E_IO: 'look at its path, its rights and the space that is left',
  E_SPLIT: 'say which, or give it its official name',
  E_TRAP: 'make a new object, and load the last checkpoint into it',
  E_WASM_LOAD: 'see that the .wasm files lie where the sentence looks for them',
  E_WORKER_LOAD: 'see that worker.js lies where the sentence looks for it, and may be started',
  E_WORKER_DIED: 'reset, or load the last checkpoint',
  E_WORKER_SILENT: 'reset, or load the last checkpoint; raise silenceLimit for a slower machine',
  E_FETCH: 'see that the address answers, and lets this page read it (CORS)',
  E_QUOTA: 'free space, or go on without keeping the data',
  E_STORAGE: 'go on without keeping the data, or use a page by https',
  E_ABORTED: 'nothing: it was asked for',
  E_PROTOCOL: 'take all files from one version of the package',
};

export interface KilnErrorDetails {
  /** E_NOTATION: where in the notation, counted from 1. */
  column?: number | undefined;
  cause?: unknown;
}

/** Structured clones of errors lose their class: this crosses from the worker instead. */
export interface ErrorMessage {
  code: KilnErrorCode;
  message: string;
  column?: number | undefined;
}

/** What every function of the package throws, and every promise rejects with. */
export class KilnError extends Error {
  /** Which kind of error it is. */
  readonly code: KilnErrorCode;
  /** E_NOTATION: where in the notation, counted from 1. */
  readonly column: number | undefined;

  /** An error of this code with a message, a sentence for people; details: a column, a cause. */
  constructor(code: KilnErrorCode, message: string, details: KilnErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'KilnError';
    this.code = code;
    this.column = details.column;
  }

  /** What helps, in words. */
  get remedy(): string {
    return REMEDIES[this.code];
  }

  /** The error that crossed from the worker as its code, message and column. */
  static fromMessage({ code, message, column }: ErrorMessage): KilnError {
    return new KilnError(code, message, { column });
  }
}

/** The code of a negative status of the C library. */
export function codeOfStatus(status: number): KilnErrorCode {
  return STATUS_CODES[status] ?? 'E_STATE';
}

/** Any thrown value as something that can cross to the page. */
export function toErrorMessage(error: unknown): ErrorMessage {
  if (error instanceof KilnError) {
    return { code: error.code, message: error.message, column: error.column };
  }
  if (isAbort(error)) return { code: 'E_ABORTED', message: 'aborted' };
  return { code: 'E_STATE', message: `unexpected: ${sentenceOf(error)}` };
}

/** Any thrown value as a KilnError; `code` is for those that have none. */
export function toKilnError(error: unknown, code: KilnErrorCode, what: string): KilnError {
  if (error instanceof KilnError) return error;
  if (isAbort(error)) return new KilnError('E_ABORTED', `${what}: aborted`, { cause: error });
  return new KilnError(code, `${what}: ${sentenceOf(error)}`, { cause: error });
}

export function throwIfAborted(signal: AbortSignal | undefined | null, what: string): void {
  if (signal?.aborted) throw new KilnError('E_ABORTED', `${what}: aborted`);
}

function isAbort(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'AbortError';
}

function sentenceOf(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' && message !== '' ? message : String(error);
}
