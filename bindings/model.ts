/** A net on its own: scores, losses and gradients as the course's model classes give them. */

import { bindMethods } from './bound.js';
import { checkNumber, kindOf } from './check.js';
import { KilnError } from './errors.js';
import { doublesInstance, instance, ready } from './instance.js';
import { optionText } from './options.js';
import { checkFloats, checkLabels, shapeText, sizeOf } from './tensor.js';
import type {
  CheckpointInfo, GradientCheck, LayerTime, Summary, Tensor, TensorInfo,
} from './types.js';
import { fills, type Wasm } from './wasm.js';

/** An unknown name is an error, in types and when called. */
export interface ModelOptions {
  /** Size of one image: [3, 32, 32] where left out. */
  input?: string | readonly number[] | undefined;
  /** The most images that loss() takes at once. */
  batch?: number | undefined;
  seed?: number | undefined;
  /** 'he', 'xavier' or 'gaussian 1e-3'; ' dirac' behind it: first filters pass a channel on. */
  init?: string | undefined;
  /** Layers and parameters that get no gradient, by name: 'conv*, batchnorm1.gamma'. */
  freeze?: string | undefined;
}

/** Tensors by name: conv1.w, conv1.b, ...; copies, which belong to the caller. */
export type Tensors = Record<string, Tensor>;

/**
 * A net in the library's memory, in the caller's thread: it works at once. Results are copies. It
 * owns its memory until dispose(); afterwards every method throws E_HANDLE. Source: cs231n,
 * assignment 2, cnn.py and fc_net.py, whose loss(X, y) this is.
 */
export class Model {
  /** The notation as the library writes it. */
  readonly net: string;
  /** Shapes, parameters and costs of each layer. */
  readonly summary: Summary;
  /** Scores that the net gives for an image. */
  readonly classes: number;
  /** Strength of the L2 term 0.5·reg·ΣW² in loss(), on weights alone. */
  reg = 0;

  readonly #wasm: Wasm;
  readonly #tensors: TensorInfo[];
  readonly #batch: number;
  readonly #input: number[];
  #handle: number | null;

  /**
   * Makes the net of a notation, with start values by the options seed and init. Wants `await
   * ready()` before, else E_STATE; Model.create() does both. Images are (N, ...input), 3x32x32 at
   * first. E_NOTATION, E_SHAPE, E_MEMORY; E_ARG for an option.
   */
  constructor(net: string, options: ModelOptions & { reg?: number } = {}) {
    const { reg = 0, batch = 100, input = [3, 32, 32], freeze, ...others } = options;
    this.#wasm = instance();
    this.#batch = batch;
    this.#input = sizesOf(input);
    this.reg = checkNumber('Model', 'reg', reg, 0);
    const sizes = optionText({ input: this.#input, batch, freeze });
    const text = checkNotation(net);
    this.summary = this.#wasm.json('kiln_summary', text, sizes);
    this.net = this.summary.notation;
    this.#handle = this.#wasm.call('kiln_net_create', text, sizes + optionText(others));
    this.classes = this.#wasm.call('kiln_net_classes', this.#handle);
    this.#tensors = this.#wasm.json('kiln_net_tensors', this.#handle);
    bindMethods(this);
  }

  /**
   * Loads the library where that is still to be done, and makes a net. options and errors as the
   * constructor; E_WASM_LOAD.
   */
  static async create(net: string, options: ModelOptions & { reg?: number } = {}): Promise<Model> {
    await ready();
    return new Model(net, options);
  }

  /**
   * The net of a checkpoint or of an export, with its weights and running statistics, for images
   * of the size it was trained on. bytes is the file, which is copied; of options, batch and reg
   * are as the constructor's. Loads the library where that is still to be done. E_CHECKPOINT,
   * E_MEMORY, E_ARG, E_WASM_LOAD.
   */
  static async load(
    bytes: Uint8Array, options: Pick<ModelOptions, 'batch'> & { reg?: number } = {},
  ): Promise<Model> {
    if (kindOf(bytes) !== 'Uint8Array') {
      throw new KilnError('E_ARG', `load: a checkpoint is a Uint8Array, not ${kindOf(bytes)}`);
    }
    await ready();
    const wasm = instance();
    const { net, input } =
      wasm.json<CheckpointInfo>('kiln_checkpoint_info', bytes, bytes.length);
    const model = new Model(net, { ...options, input });
    try {
      wasm.call('kiln_net_fill', model.#alive(), bytes, bytes.length);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  }

  /**
   * Shapes, parameters and FLOPs (of one image forward) of a net that is not made; of the options,
   * input, batch and freeze count. Wants `await ready()` before, else E_STATE. E_NOTATION,
   * E_SHAPE, E_ARG.
   */
  static summarise(net: string, options: ModelOptions = {}): Summary {
    const { input = [3, 32, 32], ...others } = options;
    const text = optionText({ input: sizesOf(input), ...others });
    return instance().json('kiln_summary', checkNotation(net), text);
  }

  /**
   * The gradients of each layer of a net against numeric ones in double (central differences, h =
   * 1e-5), on random data by the options. Works at once and may take seconds. It is of the second
   * module, whose build is simd: wants `await ready({ doubles: true })` before, else E_STATE.
   * E_NOTATION, E_SHAPE, E_ARG, E_MEMORY. Source: gradient_check.py.
   */
  static gradcheck(net: string, options: ModelOptions = {}): GradientCheck[] {
    return doublesInstance().json('kiln_gradcheck', checkNotation(net), optionText({ ...options }));
  }

  /**
   * A copy of every parameter by name, in the course's shapes: conv1.w (F, C, HH, WW), affine1.w
   * (D, M), conv1.b (F), ...
   */
  parameters(): Tensors {
    return this.#collect((tensor) => tensor.parameter);
  }

  /** As parameters(), with the running statistics of batch normalisations. */
  state(): Tensors {
    return this.#collect(() => true);
  }

  /**
   * Replaces the values of the parameter or running statistic `name` by data, as many floats as its
   * shape has, which are copied. E_ARG for an unknown name, E_SHAPE for another number of values.
   */
  setParameter(name: string, data: Float32Array | Tensor): void {
    const handle = this.#alive();
    const index = this.#tensors.findIndex((tensor) => tensor.name === name);
    if (index < 0) {
      const names = this.#tensors.map((tensor) => tensor.name).join(', ');
      throw new KilnError('E_ARG', `setParameter: no tensor "${name}"; there are ${names}`);
    }
    const { shape } = this.#tensors[index]!;
    const values = 'shape' in data ? data.data : data;
    checkFloats('setParameter', name, { data: values, shape });
    this.#wasm.call('kiln_net_tensor_set', handle, index, values);
  }

  /**
   * Scores (N, classes), before the softmax, in test mode, of x (N, C, H, W) or (N, C·H·W), any N.
   * E_SHAPE, E_ARG.
   */
  scores(x: Tensor): Tensor {
    const handle = this.#alive();
    const N = this.#images('scores', x);
    const size = sizeOf(this.#input);
    const scores = new Float32Array(N * this.classes);
    for (let first = 0; first < N; first += this.#batch) {
      const n = Math.min(this.#batch, N - first);
      const part = scores.subarray(first * this.classes, (first + n) * this.classes);
      const images = x.data.subarray(first * size, (first + n) * size);
      this.#wasm.call('kiln_net_scores', handle, fills(part), images, n, 0);
    }
    return { data: scores, shape: [N, this.classes] };
  }

  /**
   * Mean loss of a batch plus 0.5·reg·ΣW², in training mode. x (N, C, H, W) or (N, C·H·W), N to
   * `batch`; y (N) labels 0..classes-1. E_SHAPE, E_ARG.
   */
  loss(x: Tensor, y: ArrayLike<number>): number {
    return this.#loss('kiln_net_loss', 'loss', x, y);
  }

  /**
   * The loss of x and y, as loss(), and its gradient by the name of every trained parameter, in its
   * shape.
   */
  lossAndGradients(x: Tensor, y: ArrayLike<number>): { loss: number; gradients: Tensors } {
    const loss = this.#loss('kiln_net_loss_and_gradients', 'lossAndGradients', x, y);
    const handle = this.#alive();
    const gradients: Tensors = {};
    this.#tensors.forEach(({ name, shape, size, trained }, i) => {
      if (!trained) return;
      const data = new Float32Array(size);
      this.#wasm.call('kiln_net_gradient_get', handle, i, fills(data));
      gradients[name] = { data, shape: [...shape] };
    });
    return { loss, gradients };
  }

  /** Sixteen hexadecimal digits over the bits of all tensors: equal for equal nets. */
  hash(): string {
    return this.#wasm.text('kiln_net_hash', this.#alive());
  }

  /** Milliseconds by layer of the training passes since the last call; the first call starts the
   *  clocks. */
  layerTimes(): LayerTime[] {
    return this.#wasm.json('kiln_net_profile', this.#alive(), 1);
  }

  /** Gives the memory back. Calling it twice is fine; anything else afterwards throws. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = null;
    if (handle !== null && this.#wasm.broken === null) {
      this.#wasm.call('kiln_net_destroy', handle);
    }
  }

  #alive(): number {
    if (this.#handle !== null) return this.#handle;
    throw new KilnError('E_HANDLE', 'this Model was disposed');
  }

  #collect(wanted: (tensor: TensorInfo) => boolean): Tensors {
    const handle = this.#alive();
    const all: Tensors = {};
    this.#tensors.forEach((tensor, i) => {
      if (!wanted(tensor)) return;
      const data = new Float32Array(tensor.size);
      this.#wasm.call('kiln_net_tensor_get', handle, i, fills(data));
      all[tensor.name] = { data, shape: [...tensor.shape] };
    });
    return all;
  }

  #loss(f: 'kiln_net_loss' | 'kiln_net_loss_and_gradients', where: string, x: Tensor,
    y: ArrayLike<number>): number {
    const handle = this.#alive();
    const N = this.#images(where, x);
    const labels = checkLabels(where, y, N, this.classes);
    const loss = new Float64Array(1);
    this.#wasm.call(
      f, handle, fills(loss), x.data, labels, N, checkNumber(where, 'reg', this.reg, 0));
    return loss[0]!;
  }

  /** N of x (N, C, H, W), or of (N, C·H·W). */
  #images(where: string, x: Tensor): number {
    const [N, ...image] = checkFloats(where, 'x', x) as [number, ...number[]];
    const fits = image.join() === this.#input.join() ||
      (image.length === 1 && image[0] === sizeOf(this.#input));
    if (!fits) {
      throw new KilnError('E_SHAPE', `${where}: x must have the shape ` +
        `${shapeText(['N', ...this.#input])}, not ${shapeText(x.shape)}`);
    }
    return N;
  }
}

function checkNotation(net: unknown): string {
  if (typeof net === 'string') return net;
  throw new KilnError('E_ARG', `net: a text in the arrow notation, not ${kindOf(net)}`);
}

/** "3x32x32" or [3, 32, 32]. */
function sizesOf(input: string | readonly number[]): number[] {
  const sizes = typeof input === 'string' ? input.split(/x/i).map(Number) : [...input];
  if (sizes.length === 3 && sizes.every((n) => Number.isInteger(n) && n >= 1)) return sizes;
  throw new KilnError('E_ARG', `input: sizes as [3, 32, 32] or "3x32x32", not ${String(input)}`);
}
