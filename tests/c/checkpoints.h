/* Runs over a small data set, their files, and forgeries of these, for the tests of checkpoints. */
#ifndef KILN_TESTS_CHECKPOINTS_H
#define KILN_TESTS_CHECKPOINTS_H

#include "net/safetensors.h"
#include "runs.h"
#include "train/checkpoint.h"

#define TRAIN 60
#define NET "net=conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.3 - affine 10 - softmax\n"
#define VERSION "1.2.3"

static inline void advance(kiln_run *r, int64_t to)
{
    while (r->place.step < to) must_step(r);
}

typedef struct {
    kiln_arena arena;
    size_t size;
} file;

static inline file save(kiln_run *r)
{
    file f;

    if (kiln_checkpoint_write(r, VERSION, &f.arena, &f.size) < 0) CHECK_FAIL("%s", kiln_error());
    return f;
}

static inline int load(kiln_run **r, file f, const char *options)
{
    return kiln_checkpoint_read(r, &data, (const uint8_t *)f.arena.base, f.size, options);
}

static inline kiln_run *must_load(file f, const char *options)
{
    kiln_run *r;

    if (load(&r, f, options) < 0) CHECK_FAIL("%s", kiln_error());
    return r;
}

/* The file with one entry or tensor replaced, hashed anew. */
typedef struct {
    const char *key, *value; /* of the metadata; value NULL: left out */
    const char *tensor; /* changed by `how` */
    enum { KEEP, DROP, RESHAPE, SPOIL, RENAME, RETYPE } how;
    const char *sentence;
} change;

static inline file forge(file f, const change *c)
{
    static float spoilt[1 << 16];
    kiln_safetensors s;
    file out;
    int tensors = 0, entries = 0;

    assert_int_equal(kiln_safetensors_read(&s, (uint8_t *)f.arena.base, f.size, "x"), KILN_OK);
    for (int i = 0; i < s.entries; i++) {
        kiln_metadata e = s.entry[i];

        if (!strcmp(e.key, "kiln.hash")) continue;
        if (c->key && !strcmp(e.key, c->key)) e.value = c->value;
        if (e.value) s.entry[entries++] = e;
    }
    for (int i = 0; i < s.tensors; i++) {
        kiln_safetensor t = s.tensor[i];

        if (c->tensor && !strcmp(t.name, c->tensor)) {
            if (c->how == DROP) continue;
            if (c->how == RESHAPE && t.dims > 1) t.shape[0] *= t.shape[1], t.shape[1] = 1;
            if (c->how == RESHAPE && t.dims == 1) t.shape[1] = 1, t.dims = 2;
            if (c->how == RETYPE) t.type = t.type == KILN_F32 ? KILN_I32 : KILN_F32;
            if (c->how == RENAME) t.name = "stranger";
            if (c->how == SPOIL) {
                memcpy(spoilt, t.data, t.bytes);
                spoilt[0] = NAN;
                t.data = spoilt;
            }
        }
        s.tensor[tensors++] = t;
    }
    if (kiln_safetensors_write(&out.arena, &out.size, s.tensor, tensors, s.entry, entries) < 0)
        CHECK_FAIL("%s", kiln_error());
    kiln_safetensors_free(&s);
    return out;
}

static inline int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), TRAIN, 20, 10);
}

#endif
