/**
 * Tensors {data, shape}: making them, and checking those that come from outside, with a
 * sentence for each fault.
 */

import { kindOf } from './check.js';
import { KilnError } from './errors.js';
import type { AnyTensor, DoubleTensor, Tensor } from './types.js';

/**
 * A float tensor from data, numbers in row-major order, and its shape. A Float32Array is taken as
 * it is, without a copy. E_SHAPE where the shape wants another number of values, or is none.
 */
export function tensor(data: ArrayLike<number>, shape: number[]): Tensor {
  const values = kindOf(data) === 'Float32Array' ? (data as Float32Array) : Float32Array.from(data);
  const made = { data: values, shape: [...shape] };
  checkTensor('tensor', 'data', made);
  return made;
}

/** As tensor(data, shape), in double: a Float64Array is taken as it is, without a copy. E_SHAPE. */
export function doubleTensor(data: ArrayLike<number>, shape: number[]): DoubleTensor {
  const values = kindOf(data) === 'Float64Array' ? (data as Float64Array) : Float64Array.from(data);
  const made = { data: values, shape: [...shape] };
  checkTensor('doubleTensor', 'data', made);
  return made;
}

/** A new float tensor of zeros, of this shape. */
export function zeros(shape: readonly number[]): Tensor {
  return { data: new Float32Array(sizeOf(shape)), shape: [...shape] };
}

/** Zeros of a shape, float or double as `like` is. */
export function zerosLike<T extends AnyTensor>(like: T, shape: readonly number[]): T {
  return { data: floatsLike(like, sizeOf(shape)), shape: [...shape] } as T;
}

/** n zeros, float or double as `like` is. */
export function floatsLike<T extends AnyTensor>(like: T, n: number): T['data'] {
  return isDouble(like) ? new Float64Array(n) : new Float32Array(n);
}

export function copyOf<T extends AnyTensor>(t: T): T {
  return { data: t.data.slice(), shape: [...t.shape] } as T;
}

export function isDouble(t: AnyTensor): t is DoubleTensor {
  return kindOf(t.data) === 'Float64Array';
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** "(2, 3, 4)", as the course writes shapes. */
export function shapeText(shape: readonly (number | string)[]): string {
  return `(${shape.join(', ')})`;
}

/** A tensor of floats, as all but the course's functions want them. */
export function checkFloats(where: string, name: string, t: Tensor): number[] {
  const shape = checkTensor(where, name, t);
  if (!isDouble(t)) return shape;
  throw new KilnError('E_ARG', `${where}: ${name}.data must be a Float32Array, not Float64Array`);
}

/** Any tensor, or one of a given rank; returns its shape. */
export function checkTensor(
  where: string, name: string, t: AnyTensor, ...ranks: number[]): number[] {
  if (typeof t !== 'object' || t === null || !Array.isArray(t.shape) || !('data' in t)) {
    throw new KilnError('E_ARG', `${where}: ${name} must be a tensor {data, shape}`);
  }
  if (kindOf(t.data) !== 'Float32Array' && kindOf(t.data) !== 'Float64Array') {
    throw new KilnError('E_ARG',
      `${where}: ${name}.data must be a Float32Array or Float64Array, not ${kindOf(t.data)}`);
  }
  if (t.shape.length === 0 || !t.shape.every((n) => Number.isInteger(n) && n >= 1)) {
    throw new KilnError(
      'E_SHAPE', `${where}: ${name}.shape ${shapeText(t.shape)} must hold whole numbers from 1 up`);
  }
  if (t.data.length !== sizeOf(t.shape)) {
    throw new KilnError('E_SHAPE', `${where}: ${name} has ${t.data.length} values, but its shape ` +
      `${shapeText(t.shape)} wants ${sizeOf(t.shape)}`);
  }
  if (ranks.length > 0 && !ranks.includes(t.shape.length)) {
    throw new KilnError('E_SHAPE', `${where}: ${name} must have ${ranks.join(' or ')} ` +
      `${ranks[0] === 1 && ranks.length === 1 ? 'dimension' : 'dimensions'}, ` +
      `not the shape ${shapeText(t.shape)}`);
  }
  return t.shape;
}

/** A tensor of exactly this shape. */
export function checkShape<T extends AnyTensor>(
  where: string, name: string, t: T, shape: readonly number[]): T {
  checkTensor(where, name, t);
  if (t.shape.length !== shape.length || shape.some((n, i) => n !== t.shape[i])) {
    throw new KilnError('E_SHAPE', `${where}: ${name} must have the shape ${shapeText(shape)}, ` +
      `not ${shapeText(t.shape)}`);
  }
  return t;
}

/**
 * A vector of n values; leading and trailing ones in its shape do not matter: (1, C, 1, 1) is
 * one, too.
 */
export function checkVector<T extends AnyTensor>(
  where: string, name: string, t: T, n: number): T {
  const shape = checkTensor(where, name, t);
  if (t.data.length !== n || shape.filter((m) => m > 1).length > 1) {
    throw new KilnError(
      'E_SHAPE', `${where}: ${name} must have the shape (${n}), not ${shapeText(shape)}`);
  }
  return t;
}

/** N class labels, 0..classes-1, as C wants them. */
export function checkLabels(
  where: string, y: ArrayLike<number>, N: number, classes: number): Int32Array {
  if (typeof y !== 'object' || y === null || y.length !== N) {
    throw new KilnError('E_SHAPE', `${where}: y must hold ${N} labels, one for each row of x`);
  }
  for (let i = 0; i < N; i++) {
    const label = y[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new KilnError(
        'E_ARG', `${where}: y[${i}] is ${String(label)}, but labels are 0 to ${classes - 1}`);
    }
  }
  return Int32Array.from(y);
}
