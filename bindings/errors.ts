/**
 * The one error class of the package. `code` is stable and for programs, `message` is a
 * sentence for people.
 */

/** Codes of the C library, by its negative status (src/base/status.h). */
const STATUS_CODES: Record<number, KilnErrorCode> = {
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

export class KilnError extends Error {
  readonly code: KilnErrorCode;
  readonly column: number | undefined;

  constructor(code: KilnErrorCode, message: string, details: KilnErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'KilnError';
    this.code = code;
    this.column = details.column;
  }

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
