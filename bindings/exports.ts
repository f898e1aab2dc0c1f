/**
 * The functions of src/kiln.h with the types of their arguments. Types only. `const` memory in
 * C is a plain typed array here, memory that C fills or changes is an Output made by fills() or
 * updates() (wasm.ts).
 */

export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Memory that C writes to: copied back after the call, and copied in before it when `copyIn`. */
export interface Output<T extends Numbers> {
  array: T;
  copyIn: boolean;
}

type F32 = Float32Array;
type U8 = Uint8Array;
type OutF32 = Output<Float32Array>;
type OutF64 = Output<Float64Array>;
type OutI32 = Output<Int32Array>;
type Status = number;

/** What a call may pass: numbers and text by value, arrays copied, null for C's NULL. */
export type Argument = number | string | Numbers | Output<Numbers> | null;

export interface KilnExports {
  // the library
  kiln_lanes(): number;
  kiln_fused_probe(): number;
  kiln_threads_use(threads: number): Status;
  kiln_memory_used(): number;
  kiln_constants(): Status;
  kiln_options(): Status;
  kiln_presets(): Status;

  // nets
  kiln_summary(notation: string, options: string): Status;
  kiln_net_create(notation: string, options: string): Status;
  kiln_net_destroy(net: number): Status;
  kiln_net_classes(net: number): Status;
  kiln_net_input_size(net: number): Status;
  kiln_net_tensors(net: number): Status;
  kiln_net_tensor_get(net: number, tensor: number, out: OutF32): Status;
  kiln_net_tensor_set(net: number, tensor: number, values: F32): Status;
  kiln_net_gradient_get(net: number, tensor: number, out: OutF32): Status;
  kiln_net_scores(net: number, scores: OutF32, x: F32, n: number, train: number): Status;
  kiln_net_loss(
    net: number, loss: OutF64, x: F32, y: Int32Array, n: number, reg: number): Status;
  kiln_net_loss_and_gradients(
    net: number, loss: OutF64, x: F32, y: Int32Array, n: number, reg: number): Status;
  kiln_net_inspect(
    net: number, layer: number, what: number, image: number, out: OutF32 | null): Status;
  kiln_net_profile(net: number, on: number): Status;
  kiln_net_hash(net: number): Status;
  kiln_gradcheck(notation: string, options: string): Status;
  kiln_gradcheck_create(notation: string, options: string): Status;
  kiln_gradcheck_next(check: number): Status;
  kiln_gradcheck_destroy(check: number): Status;

  // data sets
  kiln_data_builtin(options: string): Status;
  kiln_data_create(): Status;
  kiln_data_add_file(data: number, name: string, bytes: U8, size: number): Status;
  kiln_data_feed_tar(data: number, bytes: U8, size: number): Status;
  kiln_data_finish(data: number, options: string): Status;
  kiln_data_destroy(data: number): Status;
  kiln_data_info(data: number): Status;
  kiln_data_image(data: number, split: number, i: number, out: Output<Uint8Array>): Status;
  kiln_data_batch(data: number, split: number, first: number, n: number, options: string,
    x: OutF32, y: OutI32): Status;
  kiln_data_knn(
    data: number, k: number, train: number, test: number, predictions: OutI32 | null): Status;

  // training
  kiln_trainer_create(data: number, options: string): Status;
  kiln_trainer_destroy(trainer: number): Status;
  kiln_trainer_set(trainer: number, key: string, value: string): Status;
  kiln_trainer_options(trainer: number): Status;
  kiln_trainer_step(trainer: number): Status;
  kiln_trainer_metrics(trainer: number): Status;
  kiln_trainer_history(trainer: number): Status;
  kiln_trainer_evaluate(trainer: number, split: number, first: number, n: number, views: number,
    lossSum: OutF64 | null, confusion: OutI32 | null): Status;
  kiln_trainer_predict(
    trainer: number, images: U8, n: number, views: number, probabilities: OutF32): Status;
  kiln_trainer_inspect(trainer: number, split: number, i: number): Status;
  kiln_trainer_net(trainer: number): Status;
  kiln_trainer_restore_best(trainer: number): Status;
  kiln_trainer_save(trainer: number): Status;
  kiln_trainer_resume(data: number, bytes: U8, size: number, options: string): Status;
  kiln_checkpoint_info(bytes: U8, size: number): Status;
  kiln_trainer_export(trainer: number): Status;

  // the course's layer functions
  kiln_layer_affine_forward(
    out: OutF32, x: F32, w: F32, b: F32, N: number, D: number, M: number): Status;
  kiln_layer_affine_backward(dx: OutF32, dw: OutF32, db: OutF32, dout: F32, x: F32, w: F32,
    N: number, D: number, M: number): Status;
  kiln_layer_relu_forward(out: OutF32, x: F32, n: number): Status;
  kiln_layer_relu_backward(dx: OutF32, dout: F32, x: F32, n: number): Status;
  kiln_layer_conv_forward(out: OutF32, x: F32, w: F32, b: F32, N: number, C: number, H: number,
    W: number, F: number, HH: number, WW: number, stride: number, pad: number): Status;
  kiln_layer_conv_backward(dx: OutF32, dw: OutF32, db: OutF32, dout: F32, x: F32, w: F32,
    N: number, C: number, H: number, W: number, F: number, HH: number, WW: number,
    stride: number, pad: number): Status;
  kiln_layer_max_pool_forward(out: OutF32, x: F32, N: number, C: number, H: number, W: number,
    poolHeight: number, poolWidth: number, stride: number): Status;
  kiln_layer_max_pool_backward(dx: OutF32, dout: F32, x: F32, N: number, C: number, H: number,
    W: number, poolHeight: number, poolWidth: number, stride: number): Status;
  kiln_layer_batchnorm_forward(out: OutF32, mean: OutF32, invStd: OutF32, runningMean: OutF32,
    runningVar: OutF32, x: F32, gamma: F32, beta: F32, N: number, C: number, S: number,
    eps: number, momentum: number, train: number): Status;
  kiln_layer_batchnorm_backward(dx: OutF32, dgamma: OutF32, dbeta: OutF32, dout: F32, x: F32,
    gamma: F32, mean: F32, invStd: F32, N: number, C: number, S: number, alt: number): Status;
  kiln_layer_layernorm_forward(out: OutF32, mean: OutF32, invStd: OutF32, x: F32, gamma: F32,
    beta: F32, N: number, D: number, eps: number): Status;
  kiln_layer_layernorm_backward(dx: OutF32, dgamma: OutF32, dbeta: OutF32, dout: F32, x: F32,
    gamma: F32, mean: F32, invStd: F32, N: number, D: number): Status;
  kiln_layer_groupnorm_forward(out: OutF32, mean: OutF32, invStd: OutF32, x: F32, gamma: F32,
    beta: F32, N: number, C: number, S: number, G: number, eps: number): Status;
  kiln_layer_groupnorm_backward(dx: OutF32, dgamma: OutF32, dbeta: OutF32, dout: F32, x: F32,
    gamma: F32, mean: F32, invStd: F32, N: number, C: number, S: number, G: number): Status;
  kiln_layer_dropout_forward(
    out: OutF32, mask: OutF32, x: F32, n: number, keep: number, seed: number): Status;
  kiln_layer_multiply(out: OutF32, x: F32, y: F32, n: number): Status;
  kiln_layer_softmax_loss(loss: OutF64, dx: OutF32, x: F32, y: Int32Array, N: number, C: number,
    smoothing: number): Status;
  kiln_layer_svm_loss(
    loss: OutF64, dx: OutF32, x: F32, y: Int32Array, N: number, C: number): Status;
  kiln_layer_sgd(w: OutF32, dw: F32, n: number, lr: number): Status;
  kiln_layer_sgd_momentum(
    w: OutF32, dw: F32, velocity: OutF32, n: number, lr: number, momentum: number): Status;
  kiln_layer_rmsprop(w: OutF32, dw: F32, cache: OutF32, n: number, lr: number,
    decayRate: number, eps: number): Status;
  kiln_layer_adam(w: OutF32, dw: F32, m: OutF32, v: OutF32, n: number, lr: number,
    beta1: number, beta2: number, eps: number, t: number): Status;
}
