/*
 * The public C API of kiln: what the command line and the bindings may use, and nothing else.
 *
 * Every function that returns int: non-negative is the value, negative is a KILN_E_* status, and
 * kiln_error() then holds a sentence (kiln_error_column() a column, for the notation). Nothing
 * prints, nothing aborts. Objects are integer handles; a stale or wrong one is KILN_E_HANDLE.
 *
 * Options are text, `key=value` on lines of their own, with the keys of the command line without
 * the dashes ("lr=0.01\nepochs=5\n"). kiln_options() is the table of all of them. Structured
 * results are JSON left in kiln_text() until the next call that leaves text; such functions return
 * its length.
 *
 * Images cross this border in the course's order: (N, C, H, W). One thread at a time may call.
 */
#ifndef KILN_H
#define KILN_H

#include <stdint.h>

#include "base/status.h"

/* ---- the library ----------------------------------------------------------------------------- */

const char *kiln_version(void);
const char *kiln_mode(void);  /* "strict" or "fused", as built */
int kiln_lanes(void);         /* floats in a vector, as built */
int kiln_fused_probe(void);   /* 1 when a * b + c is one rounding here: relaxed SIMD may not be */
/* Returns the number in use; KILN_E_STATE while any net is alive. */
int kiln_threads_use(int threads);
/* Threaded WebAssembly only, KILN_E_STATE elsewhere: each worker of the pool calls _run with its
 * number, 1..threads-1, and does not come back; where it traps, it calls _fail, and the job it was
 * part of traps as well. */
int kiln_worker_run(int thread);
int kiln_worker_fail(void);
const char *kiln_text(void);
void *kiln_alloc(int bytes);  /* buffers for the caller; NULL when there is no room */
void kiln_free(void *buffer);
int kiln_memory_used(void);   /* bytes in nets, data sets and trainers, in KiB */

/* Text: the table of options, [{"name","type","default","min","max","choices","live","group",
 * "help"}]. live: may be changed while training. */
int kiln_options(void);
/* Text: the presets, [{"name","title","net","options":{...},"note"}], the nets of the course and of
 * the page. */
int kiln_presets(void);

/* ---- nets (class Model) ---------------------------------------------------------------------- */

/* Text: {"layers":[{"name","kind","text","output":[..],"parameters","flops","bytes","algorithm",
 * "unread"}],"parameters","flops","bytes","notation"}. FLOPs are of one image forward (a
 * multiply-add is two). options: input=CxHxW (3x32x32), batch=. "unread" counts rows and columns of
 * the input a filter or window never covers. */
int kiln_summary(const char *notation, const char *options);

/* options: input=CxHxW, batch= (largest batch), seed=, init= (he | xavier | gaussian SCALE),
 * keep=1 keeps every activation and gradient for kiln_net_inspect. Returns a handle. */
int kiln_net_create(const char *notation, const char *options);
int kiln_net_destroy(int net);
int kiln_net_classes(int net);
int kiln_net_input_size(int net); /* C·H·W */

/* Tensors are numbered from 0: parameters first, then running statistics. Data in the course's
 * shapes. Text: [{"name":"conv1.w","shape":[32,3,7,7],"size":4704,"parameter":true,
 * "regularised":true,"layer":0}]. */
int kiln_net_tensors(int net);
int kiln_net_tensor_get(int net, int tensor, float *out);
int kiln_net_tensor_set(int net, int tensor, const float *values);
/* Of the last kiln_net_loss_and_gradients. */
int kiln_net_gradient_get(int net, int tensor, float *out);

/* scores (n, classes); x (n, C, H, W); n <= batch. train != 0: batch statistics and dropout. */
int kiln_net_scores(int net, float *scores, const float *x, int n, int train);
/* Mean loss of the batch plus 0.5·reg·ΣW², train mode as the course's loss(X, y). y in
 * 0..classes-1. */
int kiln_net_loss(int net, double *loss, const float *x, const int *y, int n, double reg);
int kiln_net_loss_and_gradients(int net, double *loss, const float *x, const int *y, int n,
                                double reg);

/* Layers are those of the summary. what: 0 the output, 1 its gradient. Of image `image` of the last
 * pass, as (C, H, W) or (D). out may be NULL. Returns the number of floats. The net must be made
 * with keep=1. */
int kiln_net_inspect(int net, int layer, int what, int image, float *out);
/* on: 1 starts. Text: milliseconds by layer of the training passes since the last call, and how
 * many these were: [{"name","forward","backward","calls"}]. */
int kiln_net_profile(int net, int on);
/* Text: sixteen hexadecimal digits over the bits of all tensors in order. */
int kiln_net_hash(int net);

/* Numeric gradients in double against this library's, for each layer of a net on random data.
 * options as kiln_net_create. Text: [{"layer":"conv1","tensor":"dw","relativeError":1e-7,
 * "share":1e-8,"entries":10}], share: the largest difference by the tensor's largest gradient. */
int kiln_gradcheck(const char *notation, const char *options);

/* ---- data sets (class Dataset) --------------------------------------------------------------- */

enum { KILN_TRAIN, KILN_VALIDATION, KILN_TEST };

/* The procedural ten-class set. options: data-seed=, train=, validation=, test= (numbers of
 * images). */
int kiln_data_builtin(const char *options);
/* An empty CIFAR-10 set, to be filled and then finished. */
int kiln_data_create(void);
/* A whole .bin file; the name decides train or test (test*.bin) and stands in messages. */
int kiln_data_add_file(int data, const char *name, const uint8_t *bytes, int size);
/* The next bytes of an unpacked tar archive, in pieces of any size. Returns the records read so
 * far. */
int kiln_data_feed_tar(int data, const uint8_t *bytes, int size);
/* No more bytes: checks that nothing is cut short, splits (options: validation=1000, train=, test=:
 * at most so many images) and computes means and deviations of the training images. */
int kiln_data_finish(int data, const char *options);
int kiln_data_destroy(int data);
/* Text: {"name","classes":[..],"shape":[3,32,32],"train","validation","test","mean":[..],
 * "std":[..],"hash"}. */
int kiln_data_info(int data);
/* Pixels of image i of a split as (C, H, W) bytes; returns its label. */
int kiln_data_image(int data, int split, int i, uint8_t *out);
/* Images first .. first + n - 1 as the net sees them, normalised, (n, C, H, W), and their labels.
 * options: normalize=channel | mean-image | none. */
int kiln_data_batch(int data, int split, int first, int n, const char *options, float *x, int *y);
/* kNN on raw pixels (assignment 1): returns the number of the first `test` test images that the
 * first `train` training images get right with k neighbours; predictions (test) may be NULL. */
int kiln_data_knn(int data, int k, int train, int test, int *predictions);

/* ---- training (class Trainer) ---------------------------------------------------------------- */

enum {
    KILN_STEPPED = 1,   /* a step was taken */
    KILN_EPOCH = 2,     /* an epoch ended, its accuracies are in kiln_trainer_metrics */
    KILN_DONE = 4,      /* all epochs done, or stopped early */
    KILN_BEST = 8       /* a new best validation accuracy; parameters were kept */
};

/* Borrows the data set, which must outlive the trainer. options: all of kiln_options(). Returns a
 * handle. */
int kiln_trainer_create(int data, const char *options);
int kiln_trainer_destroy(int trainer);
/* A live option, at once. */
int kiln_trainer_set(int trainer, const char *key, const char *value);
/* Text: all options and their present values, one object. */
int kiln_trainer_options(int trainer);
/* One step. Returns flags. KILN_E_DIVERGED when loss or gradient is not finite: the parameters are
 * then those before the step. */
int kiln_trainer_step(int trainer);
/* Text: {"step","epoch","steps","epochs","loss","dataLoss","regLoss","accuracy" (of the batch),
 * "lr","gradientNorm","updateRatio","trainAccuracy","valAccuracy","bestValAccuracy","bestEpoch"}
 * after the last step or epoch; null where not yet known. */
int kiln_trainer_metrics(int trainer);
/* Text: {"loss":[[step, loss]..],
 * "epochs":[{"epoch","step","trainLoss","trainAccuracy","valAccuracy","lr"}..]}. */
int kiln_trainer_history(int trainer);
/* Images first .. first + n - 1 of a split in test mode. Returns the number right; adds to
 * *loss_sum and confusion (classes x classes, row = label) where not NULL. views: 1, 2 (flips) or
 * 10 (flips and shifts) averaged. */
int kiln_trainer_evaluate(int trainer, int split, int first, int n, int views, double *loss_sum,
                          int *confusion);
/* probabilities (n, classes) of n images (C, H, W) bytes. */
int kiln_trainer_predict(int trainer, const uint8_t *images, int n, int views,
                         float *probabilities);
/* Runs image i of a split forward and backward with the present parameters. Returns a net handle,
 * owned by the trainer, for kiln_net_inspect. */
int kiln_trainer_inspect(int trainer, int split, int i);
/* The trainer's own net, for kiln_net_tensors, _tensor_get, _profile, _hash. */
int kiln_trainer_net(int trainer);
/* Puts back the parameters of the best validation accuracy. */
int kiln_trainer_restore_best(int trainer);
/* Writes a checkpoint (DESIGN.md section 7: safetensors) into a buffer of the trainer: returns its
 * size in bytes. */
int kiln_trainer_save(int trainer);
const uint8_t *kiln_trainer_saved(int trainer);
/* A trainer that goes on where the checkpoint ended; options override what the checkpoint says
 * where they are live. */
int kiln_trainer_resume(int data, const uint8_t *bytes, int size, const char *options);
/* Text: the metadata of a checkpoint, checked:
 * {"net","options":{..},"step","epoch","mode","data",..}. */
int kiln_checkpoint_info(const uint8_t *bytes, int size);
/* The parameters alone as safetensors, in the same buffer. */
int kiln_trainer_export(int trainer);

/* ---- the course's layer functions ------------------------------------------------------------ */
/* For people who check their homework: the course's shapes and conventions, computed by the
 * library. A negative result is KILN_E_ARG, KILN_E_SHAPE or KILN_E_MEMORY. Caches are what the
 * caller kept: inputs and outputs. */

int kiln_layer_affine_forward(float *out, const float *x, const float *w, const float *b, int N,
                              int D, int M);
int kiln_layer_affine_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                               const float *w, int N, int D, int M);
int kiln_layer_relu_forward(float *out, const float *x, int n);
int kiln_layer_relu_backward(float *dx, const float *dout, const float *x, int n);
/* x (N, C, H, W), w (F, C, HH, WW); out (N, F, OH, OW). */
int kiln_layer_conv_forward(float *out, const float *x, const float *w, const float *b, int N,
                            int C, int H, int W, int F, int HH, int WW, int stride, int pad);
int kiln_layer_conv_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                             const float *w, int N, int C, int H, int W, int F, int HH, int WW,
                             int stride, int pad);
int kiln_layer_max_pool_forward(float *out, const float *x, int N, int C, int H, int W,
                                int pool_height, int pool_width, int stride);
int kiln_layer_max_pool_backward(float *dx, const float *dout, const float *x, int N, int C, int H,
                                 int W, int pool_height, int pool_width, int stride);
/* x (N, D), or (N, C, H, W) for the spatial form with S = H·W > 1 (plain: D = C, S = 1). train != 0
 * updates the running statistics in place; mean and inv_std (C) are the cache of backward. */
int kiln_layer_batchnorm_forward(float *out, float *mean, float *inv_std, float *running_mean,
                                 float *running_var, const float *x, const float *gamma,
                                 const float *beta, int N, int C, int S, float eps, double momentum,
                                 int train);
/* alt = 0: the staged graph of nine steps; alt = 1: the closed form. */
int kiln_layer_batchnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                                  const float *x, const float *gamma, const float *mean,
                                  const float *inv_std, int N, int C, int S, int alt);
int kiln_layer_layernorm_forward(float *out, float *mean, float *inv_std, const float *x,
                                 const float *gamma, const float *beta, int N, int D, float eps);
int kiln_layer_layernorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                                  const float *x, const float *gamma, const float *mean,
                                  const float *inv_std, int N, int D);
/* x (N, C, S) with S = H·W; gamma, beta (C); mean, inv_std (N, G). */
int kiln_layer_groupnorm_forward(float *out, float *mean, float *inv_std, const float *x,
                                 const float *gamma, const float *beta, int N, int C, int S, int G,
                                 float eps);
int kiln_layer_groupnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                                  const float *x, const float *gamma, const float *mean,
                                  const float *inv_std, int N, int C, int S, int G);
/* keep: the course's p, the probability to keep, in (0, 1]. mask (n) holds 0 or 1 / keep. */
int kiln_layer_dropout_forward(float *out, float *mask, const float *x, int n, float keep,
                               uint32_t seed);
/* Dropout backward: dout · mask. */
int kiln_layer_multiply(float *out, const float *x, const float *y, int n);
/* loss (1); dx (N, C). */
int kiln_layer_softmax_loss(double *loss, float *dx, const float *x, const int *y, int N, int C,
                            float smoothing);
int kiln_layer_svm_loss(double *loss, float *dx, const float *x, const int *y, int N, int C);
/* Update rules in place on w and the state the course names: velocity; cache; m, v and t (t is
 * raised before use). */
int kiln_layer_sgd(float *w, const float *dw, int n, float lr);
int kiln_layer_sgd_momentum(float *w, const float *dw, float *velocity, int n, float lr,
                            float momentum);
int kiln_layer_rmsprop(float *w, const float *dw, float *cache, int n, float lr, double decay_rate,
                       float eps);
int kiln_layer_adam(float *w, const float *dw, float *m, float *v, int n, float lr, double beta1,
                    double beta2, float eps, int t);

#endif
