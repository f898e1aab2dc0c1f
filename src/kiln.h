/*
 * The public C API of kiln: what a program or the bindings may use, and nothing else.
 *
 * Results. Every function that returns int: non-negative is the value, negative is a KILN_E_*
 * status, and kiln_error() then holds a sentence (kiln_error_column() a column, for the notation).
 * Nothing prints, nothing aborts, and a call that fails leaves its objects as they were. One thread
 * at a time may call.
 *
 * Objects are integer handles, always positive: the arguments `net`, `data`, `trainer` and `check`.
 * Who creates one destroys it by the function _destroy of its kind, which returns 0; a handle that
 * was destroyed, or that is of another kind, is KILN_E_HANDLE in every function that takes one and
 * never a wild pointer. 64 may live at a time (KILN_E_MEMORY). Arrays belong to the caller and are
 * not kept after the call: `bytes` are as many as `size` says, 1..2^31 - 1.
 *
 * Options are text, `key=value` on lines of their own, with the keys of the command line without
 * the dashes ("lr=0.01\nepochs=5\n"); NULL and "" are none. An unknown key or a value out of range
 * is KILN_E_ARG in every function that takes `options`. Structured results are JSON left in
 * kiln_text(); such functions ("Text: ...") return its length in bytes, or KILN_E_MEMORY.
 *
 * Arrays are row-major, images (N, C, H, W) as in the course. Sizes are of int32, at least 1. What
 * a comment says of a group of functions without a blank line between them goes for each of them.
 *
 * Names. What is public bears KILN_API here and is declared in no other header; the names of the
 * inside never stand here, and the built library hides them. Exports come from the mark.
 */
#ifndef KILN_H
#define KILN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what is public. */
#ifndef KILN_API
#define KILN_API
#endif

/* ---- statuses -------------------------------------------------------------------------------- */

#ifndef KILN_STATUS_CODES
#define KILN_STATUS_CODES
/* kiln_constants() tells causes, remedies and the program's exit codes. */
enum {
    KILN_OK = 0,
    KILN_E_ARG = -1,        /* an argument or option that is unknown, or out of its range */
    KILN_E_SHAPE = -2,      /* sizes that do not fit each other */
    KILN_E_NOTATION = -3,   /* a net that the arrow notation does not allow; it has a column */
    KILN_E_MEMORY = -4,     /* more memory than there is, or than the limit allows */
    KILN_E_DATA = -5,       /* a data file that is damaged, or is none that kiln reads */
    KILN_E_CHECKPOINT = -6, /* a checkpoint that is damaged, of another program or other data */
    KILN_E_DIVERGED = -7,   /* a loss or parameter that is not finite */
    KILN_E_HANDLE = -8,     /* an object that was destroyed, or is of another kind */
    KILN_E_STATE = -9,      /* a call that is not possible now */
    KILN_E_IO = -10,        /* a file that could not be read or written (the program alone) */
    KILN_E_SPLIT = -11      /* a file whose name does not say if it is for training or for test */
};
#endif

/* The sentence of the last failure, without a line end; overwritten by the next one, never NULL. */
KILN_API const char *kiln_error(void);
/* Its column in the notation in bytes, counted from 1; 0 where it has none. */
KILN_API int kiln_error_column(void);

/* ---- the library ----------------------------------------------------------------------------- */

/* "0.1.0". This and the next string live as long as the program. */
KILN_API const char *kiln_version(void);
/* "strict" (two roundings for a·b + c) or "fused" (one), as built. */
KILN_API const char *kiln_mode(void);
/* Floats in a vector, as built: 1, 4, 8 or 16. Results do not depend on it. */
KILN_API int kiln_lanes(void);
/* 1 when a·b + c is one rounding here, else 0: relaxed SIMD may do either. */
KILN_API int kiln_fused_probe(void);
/* threads in 1..16, the caller's included; returns the number in use, fewer where the machine gives
 * no more. Results do not depend on it. KILN_E_STATE while a net, trainer or gradient check is
 * alive, KILN_E_ARG out of range. */
KILN_API int kiln_threads_use(int threads);
/* Threaded WebAssembly only, KILN_E_STATE elsewhere: each worker of the pool calls _run with its
 * number `thread`, 1..threads-1, and does not come back; where it traps, it calls _fail, and the
 * job it was part of traps as well. */
KILN_API int kiln_worker_run(int thread);
KILN_API int kiln_worker_fail(void);
/* What the last function of "Text: ..." left, UTF-8, zero terminated; "" where that failed. It
 * belongs to the library and lives until the next such function. */
KILN_API const char *kiln_text(void);
/* Memory for the caller's arrays: so many bytes, 16-byte aligned at least. It is the caller's until
 * kiln_free(buffer); NULL when there is none, or bytes < 0. kiln_free(NULL) does nothing. */
KILN_API void *kiln_alloc(int bytes);
KILN_API void kiln_free(void *buffer);
/* KiB (1,024 bytes, rounded up) that nets, data sets, trainers and texts hold. */
KILN_API int kiln_memory_used(void);
/* Text: what bindings would otherwise copy from here: {"statuses":[{"name":"E_ARG","status":-1,
 * "exit","cause","remedy"}],"splits":["train",..],"flags":{"stepped":1,..},"views":[1,2,6,10],
 * "threads" (the most),"elements" (of one array of a layer function, the most)}. */
KILN_API int kiln_constants(void);
/* Text: the table of options, [{"name","type","default","min","max","choices","live","group",
 * "help","usedBy","words"}]. type: int, float, choice, text, flag; min and max with int and float;
 * live: may be changed while training. usedBy: {"optimizer":["momentum",..]}, the choices that read
 * it (absent: all do). words, of init and augment: [{"name","min","max" (of the number behind it),
 * "needs" (another word)}..]. */
KILN_API int kiln_options(void);
/* Text: [{"name","title","net","options":{...},"note"}], the nets of the course and the page. */
KILN_API int kiln_presets(void);

/* ---- nets (class Model) ---------------------------------------------------------------------- */

/* Text: {"layers":[{"name","kind","text","attributes":{..},"output":[C,H,W] or [D],"parameters",
 * "frozen","flops","bytes","algorithm","unread","column","end"}],"parameters","frozen","flops",
 * "bytes","memory","backwardFlops","early","heldFlops","notation"}. "attributes" are the layer's
 * arguments by name, those that the notation leaves out as well: {"window":2,"stride":2}; a "pad"
 * of -1 keeps the image's size on odd sides. "frozen" counts the parameters, among "parameters",
 * that freeze leaves as they are. FLOPs are of one image forward (a multiply-add is two),
 * backwardFlops backward. "early", where the net has such, are the parameters that whiten-epochs
 * stops training, and heldFlops those backward from then on. Bytes are those of activations and
 * parameters, "memory" the bytes that a net of that batch takes in all; "unread" counts rows and
 * columns of the input that no filter or window covers; "column".."end" is the layer's place in the
 * notation. options: input=CxHxW (3x32x32), batch=, freeze= (as the option of a run), steps=1 (adds
 * "steps", the list that a training step runs by: {pass, layers, images at a time, groups,
 * transient}). KILN_E_NOTATION, KILN_E_SHAPE, KILN_E_MEMORY, KILN_E_ARG. The net is not made.
 * Source of the notation: cs231n, "ConvNet architectures"; of the sizes, (W - F + 2P) / S + 1,
 * "Convolutional layer". */
KILN_API int kiln_summary(const char *notation, const char *options);

/* Makes the net of a notation. options: input=CxHxW, batch= (largest batch, 1..65536), seed=
 * (uint32), init= (he | xavier | gaussian SCALE, then perhaps dirac: the first filters of
 * convolutions pass their channel on; He et al. 2015, equation 10; Glorot and Bengio 2010, equation
 * 12), freeze= layers and parameters that get no gradient, as the option of a run, keep=1 keeps
 * every activation and gradient for kiln_net_inspect. Returns a handle, to be given to
 * kiln_net_destroy. KILN_E_NOTATION, KILN_E_SHAPE, KILN_E_ARG, KILN_E_MEMORY. */
KILN_API int kiln_net_create(const char *notation, const char *options);
/* Returns 0. KILN_E_STATE for a trainer's own net, which goes with its trainer. */
KILN_API int kiln_net_destroy(int net);
/* How many scores the net gives for an image: the outputs of its last layer, 1 or more. */
KILN_API int kiln_net_classes(int net);
/* C·H·W, the floats of one image that the net takes. */
KILN_API int kiln_net_input_size(int net);

/* Tensors are numbered from 0: trained parameters first, then running statistics and parameters
 * that are not trained, which have no gradient. Data in the course's shapes. Text:
 * [{"name":"conv1.w","shape":[32,3,7,7],"size":4704,"parameter":true,"trained":true,
 * "regularised":true,"layer":0}], and "early":true where whiten-epochs ends the training. */
KILN_API int kiln_net_tensors(int net);
/* Copies the values of tensor number `tensor`, as many floats as its "size" and in its "shape", to
 * out, or from values; returns their number. KILN_E_ARG for no such tensor, or a NULL array. Values
 * set are not checked. */
KILN_API int kiln_net_tensor_get(int net, int tensor, float *out);
KILN_API int kiln_net_tensor_set(int net, int tensor, const float *values);
/* As _tensor_get, to out the gradient of tensor number `tensor` by the last
 * kiln_net_loss_and_gradients; zeros before one. What is not trained has none: KILN_E_ARG. */
KILN_API int kiln_net_gradient_get(int net, int tensor, float *out);

/* scores (n, classes), before the softmax; x (n, C, H, W), normalised as the caller wants it; n in
 * 1..batch, else KILN_E_ARG. train != 0: batch statistics and dropout. KILN_E_SHAPE, here and
 * below, for a single image in train mode where a batchnorm would have one value a channel. */
KILN_API int kiln_net_scores(int net, float *scores, const float *x, int n, int train);
/* *loss: mean over the n images x (n, C, H, W) plus 0.5·reg·ΣW², in train mode as the course's
 * loss(X, y); W are the "regularised" tensors. y (n) in 0..classes-1, n in 1..batch, reg in 0..1e6,
 * else KILN_E_ARG; KILN_E_SHAPE as above. The gradients are read by kiln_net_gradient_get. Source:
 * cs231n, assignment 2, cnn.py and fc_net.py. */
KILN_API int kiln_net_loss(int net, double *loss, const float *x, const int *y, int n, double reg);
KILN_API int kiln_net_loss_and_gradients(int net, double *loss, const float *x, const int *y, int n,
                                         double reg);

/* To out the values of one layer, numbered from 0 as in the summary; what: 0 its output, 1 the
 * gradient of its output. Of image number `image` of the last pass, as (C, H, W) or (D); out may be
 * NULL. Returns the number of floats. KILN_E_ARG for no such layer or `what`, and for an image that
 * the last pass did not have; KILN_E_STATE unless the net was made with keep=1. */
KILN_API int kiln_net_inspect(int net, int layer, int what, int image, float *out);
/* on: 1 starts the clocks, 0 stops them. Text: milliseconds by layer of the training passes since
 * the last call, and how many these were: [{"name","forward","backward","calls"}]. */
KILN_API int kiln_net_profile(int net, int on);
/* Text: sixteen hexadecimal digits, FNV-1a over the bits of all tensors in order. */
KILN_API int kiln_net_hash(int net);

/* Numeric gradients in double (central differences, h = 1e-5) against this library's, for each
 * layer of the net that the notation names, on random data. options and errors as kiln_net_create.
 * Text: [{"layer":"conv1","tensor":"dw","relativeError":1e-7,"share":1e-8,"entries":10,"kinks":0}].
 * relativeError is the course's rel_error, share the largest difference by the tensor's largest
 * gradient, kinks the entries left out because they lie at a corner. Source: cs231n,
 * gradient_check.py, and "Gradient checks". */
KILN_API int kiln_gradcheck(const char *notation, const char *options);
/* The same layer by layer: _create (notation and options as above) returns a handle, to be given to
 * _destroy. Text of _next: the rows of the next layer, and after the last one an empty text. */
KILN_API int kiln_gradcheck_create(const char *notation, const char *options);
KILN_API int kiln_gradcheck_next(int check);
KILN_API int kiln_gradcheck_destroy(int check);

/* ---- data sets (class Dataset) --------------------------------------------------------------- */

enum { KILN_TRAIN, KILN_VALIDATION, KILN_TEST }; /* numbers of the splits */

/* The procedural ten-class set of 32x32 RGB images. options: data-seed= (uint32, 1), train=,
 * validation=, test= (numbers of images, to 100,000; 8000, 1000, 1000). Returns a handle, to be
 * given to kiln_data_destroy. KILN_E_ARG, KILN_E_MEMORY. */
KILN_API int kiln_data_builtin(const char *options);
/* The same in pieces: _create (options as above) returns the handle of a set to be drawn, _draw
 * draws so many images more, at least 1, and returns how many are left; at 0 the set is finished
 * and may be used. The standard set, of no options, is so at once: each of its images is drawn when
 * it is first wanted. KILN_E_ARG; _draw: KILN_E_STATE for a set that is not the built-in one. */
KILN_API int kiln_data_builtin_create(const char *options);
KILN_API int kiln_data_builtin_draw(int data, int images);
/* An empty set, to be filled and then finished: until then KILN_E_STATE for who uses it.
 * Returns a handle, to be given to kiln_data_destroy. KILN_E_MEMORY. */
KILN_API int kiln_data_create(void);
/* What the file `name` is, by `head`, its first `size` bytes (512 are enough), and the `total` of
 * them, -1 where that is not known: a file to be added whole, a gzip to unpack, or a tar archive.
 * KILN_E_DATA for what is known to be something else, with a sentence that says what it is and what
 * to do. */
enum { KILN_FILE_RECORDS, KILN_FILE_GZIP, KILN_FILE_TAR };
KILN_API int kiln_data_kind(const char *name, const uint8_t *head, int size, int total);
/* A whole file, known by its bytes, and what it holds: records of CIFAR-10 or CIFAR-100 (whose
 * fine_label_names.txt may come too), images or labels of MNIST's kind, or a kiln set (the format
 * stands in src/data/kilnset.c). split: KILN_TRAIN, KILN_TEST, or KILN_BY_NAME for the official
 * names; any other name is then KILN_E_SPLIT, and the caller may ask and try again. The name stands
 * in messages. Returns 0. KILN_E_DATA for a file that is none, for the same images as in an earlier
 * file, and for files of two data sets; KILN_E_STATE once finished. A refused file leaves the set
 * as it was. */
enum { KILN_BY_NAME = -1 };
KILN_API int kiln_data_add_file(int data, const char *name, const uint8_t *bytes, int size,
                                int split);
/* The next bytes of an unpacked tar, in pieces of any size. Returns the records read so far.
 * KILN_E_DATA for what is no archive of CIFAR-10 or CIFAR-100, KILN_E_STATE once finished. */
KILN_API int kiln_data_feed_tar(int data, const uint8_t *bytes, int size);
/* No more bytes: checks that nothing is cut short (KILN_E_DATA), splits (options: validation=1000,
 * train=, test=: at most so many images) and computes means and deviations of the training images.
 * A kiln set that is not split is split by data-seed= (uint32, 1), of every class its share:
 * validation= and test= are a tenth each where they are left out. KILN_E_STATE for a set that is
 * finished. */
KILN_API int kiln_data_finish(int data, const char *options);
/* Returns 0. Trainers that borrow the set answer KILN_E_HANDLE from then on; they are still to be
 * destroyed. */
KILN_API int kiln_data_destroy(int data);
/* Text: {"name","classes":[..],"shape":[C,H,W],"train","validation","test","mean":[..],
 * "std":[..],"hash"}. Means and deviations of a channel, in 0..255. KILN_E_STATE, here and below,
 * for a set that is not finished. */
KILN_API int kiln_data_info(int data);
/* Pixels of image i, counted from 0, of a split as (C, H, W) bytes 0..255, where out is not NULL;
 * returns its label. KILN_E_ARG, here and below, for images or a split that are not there. */
KILN_API int kiln_data_image(int data, int split, int i, uint8_t *out);
/* Images first .. first + n - 1 of a split as the net sees them, normalised, x (n, C, H, W), and
 * their labels y (n), which may be NULL; x may not. options: normalize=channel | mean-image |
 * none. */
KILN_API int kiln_data_batch(int data, int split, int first, int n, const char *options, float *x,
                             int *y);
/* kNN on raw pixels by Euclidean distance, exact: returns how many of the test images
 * first .. first + n - 1 the first `train` training images get right with k neighbours, 1..train,
 * else KILN_E_ARG; predictions (n), labels, may be NULL. Equal distances and equal votes go to the
 * smaller label; an image at distance 0 decides alone. Source: cs231n, k_nearest_neighbor.py. */
KILN_API int kiln_data_knn(int data, int k, int train, int first, int n, int *predictions);

/* ---- training (class Trainer) ---------------------------------------------------------------- */

/* Flags of a step. */
enum {
    KILN_STEPPED = 1,   /* a step was taken */
    KILN_EPOCH = 2,     /* an epoch ended, its accuracies are in kiln_trainer_metrics */
    KILN_DONE = 4,      /* all epochs done, or stopped early */
    KILN_BEST = 8,      /* a new best validation accuracy; parameters were kept */
    KILN_CHECKING = 16, /* the check of an epoch's end is under way: call on */
    KILN_RECOVERED = 32 /* alone: the loss was not finite, the run went back (option recover) */
};

/* Borrows the data set, which must be finished and outlive the trainer. options: of kiln_options();
 * where they name no net, the first preset's hold that they leave out; a preset's net ends in as
 * many scores as the data have classes. Returns a handle, to be
 * given to kiln_trainer_destroy. KILN_E_NOTATION, KILN_E_ARG, KILN_E_SHAPE: the net does not fit
 * the data; KILN_E_STATE: the data set is not finished; KILN_E_MEMORY, whose sentence names a batch
 * that would fit. */
KILN_API int kiln_trainer_create(int data, const char *options);
/* Returns 0. With the trainer go its nets and what it saved; the data set stays. */
KILN_API int kiln_trainer_destroy(int trainer);
/* Sets the option `key`, which must be live, to value, at once; returns 0. KILN_E_ARG, also for an
 * option that is not live. A larger batch may make the net anew: the handle of kiln_trainer_net is
 * then no longer valid and is to be asked for again (KILN_E_MEMORY: it stays as it was). */
KILN_API int kiln_trainer_set(int trainer, const char *key, const char *value);
/* Text: all options and their present values, one object of strings. */
KILN_API int kiln_trainer_options(int trainer);
/* One step. Returns flags. KILN_E_DIVERGED when loss or gradient is not finite: the run is then
 * back at its last sane state, an earlier step, and can be saved and go on with a smaller lr. With
 * the option recover it goes on by itself, with a tenth of lr and the rule's state zero:
 * KILN_RECOVERED, and kiln_error() says from where. KILN_E_STATE when the run is over. */
KILN_API int kiln_trainer_step(int trainer);
/* From now on the check at an epoch's end is done in slices of so many images, 0 for all at once:
 * until it is done kiln_trainer_step returns KILN_CHECKING. Returns 0; KILN_E_ARG below 0. */
KILN_API int kiln_trainer_check_in_slices(int trainer, int images);
/* Text: {"step","epoch","steps","epochs","loss","dataLoss","regLoss","accuracy" (of the batch),
 * "lr","gradientNorm","updateRatio","trainLoss" (mean over the steps of the last epoch),
 * "trainAccuracy","valAccuracy","bestValAccuracy","bestEpoch"}
 * after the last step or epoch; null where not yet known. Accuracies in 0..1. */
KILN_API int kiln_trainer_metrics(int trainer);
/* Text: {"loss":[[step, loss]..],
 * "epochs":[{"epoch","step","trainLoss","trainAccuracy","valAccuracy","lr"}..]}, oldest first,
 * thinned evenly where they are many; then "changed": null, or what keeps the run from being had
 * again by training anew with its options: the name of one that was changed on the way, "mode",
 * "weights" (it began with those of a file), or "best" (it went back to them). */
KILN_API int kiln_trainer_history(int trainer);
/* Images first .. first + n - 1 of a split in test mode. Returns the number right; adds the sum of
 * their losses to *loss_sum and their counts to confusion (classes, classes; row = label) where not
 * NULL. views: 1, 2 (flips), 6 or 10 (flips, shifts) averaged. KILN_E_ARG for other views, or
 * images that are not there; KILN_E_DIVERGED where a score or a loss is not finite. */
KILN_API int kiln_trainer_evaluate(int trainer, int split, int first, int n, int views,
                                   double *loss_sum, int *confusion);
/* An evaluation that looks twice: first at the first `count` images of a split in one view each,
 * then in `views` at the least confident `share` of them, 0..1, whose largest probability is the
 * least; with a share of 1 each is looked at in all views at once. views 0: both as the options
 * eval-views and eval-share say. Returns a handle, to be given to kiln_survey_destroy. KILN_E_ARG,
 * KILN_E_MEMORY. Source: the speed run of hiverge, with a quarter of the images and six views. */
KILN_API int kiln_survey_create(int trainer, int split, int count, int views, double share);
/* A survey's next `images` looks, 0 for all the rest: returns how many are left, 0 when it is over.
 * The trainer may take steps in between. KILN_E_DIVERGED where a score or a loss is not finite. */
KILN_API int kiln_survey_next(int survey, int images);
/* Of a survey that is over: returns the number right; loss_sum (of the plain view) and confusion as
 * kiln_trainer_evaluate. KILN_E_STATE before. */
KILN_API int kiln_survey_result(int survey, double *loss_sum, int *confusion);
/* Ends a survey, over or not; returns 0. */
KILN_API int kiln_survey_destroy(int survey);
/* probabilities (n, classes), each row of sum 1, of images (n, C, H, W), bytes 0..255 that are
 * normalised as the training images are; views as above, else KILN_E_ARG. Returns 0. */
KILN_API int kiln_trainer_predict(int trainer, const uint8_t *images, int n, int views,
                                  float *probabilities);
/* Runs image i of a split forward and backward with the present parameters. Returns a net handle
 * for kiln_net_inspect that belongs to the trainer and lives as long; its values are those of the
 * newest call. KILN_E_ARG for an image that is not there, KILN_E_MEMORY. */
KILN_API int kiln_trainer_inspect(int trainer, int split, int i);
/* The trainer's own net, for kiln_net_tensors, _tensor_get, _profile, _hash. The handle belongs to
 * the trainer and lives until it is destroyed or kiln_trainer_set changes the batch. */
KILN_API int kiln_trainer_net(int trainer);
/* Puts back the parameters of the best validation accuracy; returns 0, or KILN_E_STATE where there
 * is none. */
KILN_API int kiln_trainer_restore_best(int trainer);
/* Writes a checkpoint (safetensors: tensors, and the run's state as metadata) into a buffer of the
 * trainer; returns its size in bytes. _export writes the parameters alone. KILN_E_MEMORY leaves
 * the buffer as it was. */
KILN_API int kiln_trainer_save(int trainer);
KILN_API int kiln_trainer_export(int trainer);
/* That buffer: it belongs to the trainer and lives until the next save or export, or the trainer's
 * end. NULL before the first one, or with KILN_E_HANDLE in kiln_error(). */
KILN_API const uint8_t *kiln_trainer_saved(int trainer);
/* A new trainer that goes on where the checkpoint in `bytes` ended, bit for bit, over the data set
 * it was trained on; options override what the checkpoint says where they are live. Borrows the
 * data and returns a handle as kiln_trainer_create. KILN_E_CHECKPOINT, also for other data;
 * KILN_E_ARG, KILN_E_STATE, KILN_E_MEMORY. */
KILN_API int kiln_trainer_resume(int data, const uint8_t *bytes, int size, const char *options);
/* A trainer of the checkpoint or export in `bytes` to evaluate and predict with, or to export from,
 * over any data set of the same shape and number of classes, also without training images; images
 * are normalised as the training data were. It takes no steps (KILN_E_STATE). options and errors as
 * above, but for those of other data. A net that subtracts the mean image needs its own data set to
 * be evaluated (KILN_E_DATA). */
KILN_API int kiln_trainer_load(int data, const uint8_t *bytes, int size, const char *options);
/* A new run, at step 0, that begins with the weights and running statistics of the checkpoint or
 * export in `bytes`, over any data set of its shape. options as kiln_trainer_create; net and
 * normalize are the file's where they are left out, and another net is KILN_E_ARG. Where the data
 * have another number of classes the last affine or conv begins anew, with as many outputs, and so
 * does what stands behind it. Returns a handle. KILN_E_CHECKPOINT, and what kiln_trainer_create
 * says. */
KILN_API int kiln_trainer_begin(int data, const uint8_t *bytes, int size, const char *options);
/* Copies the weights and running statistics of the checkpoint or export in `bytes` into a net of
 * the same notation and input. KILN_E_CHECKPOINT; KILN_E_ARG, KILN_E_SHAPE for another net. */
KILN_API int kiln_net_fill(int net, const uint8_t *bytes, int size);
/* Text: the metadata of the checkpoint or export in `bytes`, after all of it was checked:
 * {"hasRun","version","net","mode","data","dataHash","normalize","sameMode","classes":[..],
 * "input":[C,H,W],"mean":[..],"std":[..]}, and of a checkpoint (hasRun: true) also "seed","step",
 * "epoch","bestEpoch","bestValAccuracy","options":{..}. What is described here can be gone on with
 * on its data, but for a batch or memory that this machine does not grant. KILN_E_CHECKPOINT. */
KILN_API int kiln_checkpoint_info(const uint8_t *bytes, int size);

#ifdef __cplusplus
}
#endif

#include "kiln_layers.h" /* the course's layer functions */

#endif
