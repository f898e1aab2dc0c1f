/* The options init and augment, whose values are words; see option_words.h. */
#include "train/option_words.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/status.h"
#include "net/net.h"

#define CROP_MAX 8 /* pixels */
#define CUTOUT_MAX 32
#define JITTER_MAX 100 /* per cent */
#define GAUSSIAN_MAX 100

/* What the words of the options init and augment may be: a word, or a word and a number. */
typedef struct {
    const char *option, *name;
    double min, max; /* of the number; max 0: none */
    const char *needs; /* another word of the same option; NULL: none */
    const char *unit; /* of the number, */
    size_t at; /* and its place in kiln_augment */
} word;

#define NO_NUMBER 0, 0
#define ALONE NULL, NULL, 0
#define AT(member) offsetof(kiln_augment, member)

static const word words[] = {
    {"init", "he", NO_NUMBER, ALONE},
    {"init", "xavier", NO_NUMBER, ALONE},
    {"init", "gaussian", 0, GAUSSIAN_MAX, ALONE},
    {"init", "dirac", NO_NUMBER, ALONE},
    {"augment", "flip", NO_NUMBER, ALONE},
    {"augment", "altflip", NO_NUMBER, ALONE},
    {"augment", "crop", 1, CROP_MAX, NULL, "pixels", AT(crop)},
    {"augment", "reflect", NO_NUMBER, "crop", NULL, 0},
    {"augment", "brightness", 1, JITTER_MAX, NULL, "per cent", AT(brightness)},
    {"augment", "contrast", 1, JITTER_MAX, NULL, "per cent", AT(contrast)},
    {"augment", "cutout", 1, CUTOUT_MAX, NULL, "pixels", AT(cutout)},
};

#define WORDS (sizeof words / sizeof *words)

int kiln_init_read(kiln_init *out, const char *text, double scale_max)
{
    static const char *const names[] = {
        [KILN_INIT_HE] = "he", [KILN_INIT_XAVIER] = "xavier", [KILN_INIT_GAUSSIAN] = "gaussian"};
    static const char dirac[] = " dirac";
    const size_t length = strlen(text), end = strlen(dirac);
    const int identity = length >= end && !strcmp(text + length - end, dirac);
    kiln_keyvalue pair = {.key = "init"};
    char *scale;

    snprintf(pair.value, sizeof pair.value, "%.*s", (int)(identity ? length - end : length), text);
    scale = pair.value + strcspn(pair.value, " ");
    if (*scale) *scale++ = 0;
    *out = (kiln_init){.dirac = identity};
    KILN_TRY(out->kind = kiln_value_choice(&pair, names, 3));
    if (out->kind != KILN_INIT_GAUSSIAN)
        return *scale ? kiln_fail(KILN_E_ARG, "init: %s takes no number", names[out->kind])
                      : KILN_OK;
    if (!*scale)
        return kiln_fail(KILN_E_ARG, "init: gaussian needs a scale, as in \"gaussian 0.001\"");
    memmove(pair.value, scale, strlen(scale) + 1);
    return kiln_value_double(&pair, 0, scale_max, &out->scale);
}

static int read_init(kiln_train_options *o)
{
    kiln_init init;

    KILN_TRY(kiln_init_read(&init, o->init_text, GAUSSIAN_MAX));
    o->init = init.kind, o->init_scale = init.scale, o->dirac = init.dirac;
    return KILN_OK;
}

/* `text` is the word of row w and its number, which goes to *augment: 1, or 0 where it is not. */
static int read_sized(const char *text, const word *w, kiln_augment *augment)
{
    const size_t length = strlen(w->name);
    kiln_keyvalue pair = {.key = "augment"};
    int64_t value;

    if (strcmp(w->option, pair.key) || w->max == 0 || strncmp(text, w->name, length)) return 0;
    snprintf(pair.value, sizeof pair.value, "%s", text + length);
    if (kiln_value_int(&pair, (int64_t)w->min, (int64_t)w->max, &value) < 0)
        return kiln_fail(KILN_E_ARG, "augment: %s wants its %s, %g to %g, as in %s%g", w->name,
                         w->unit, w->min, w->max, w->name, w->max / 2);
    *(int *)((char *)augment + w->at) = (int)value;
    return 1;
}

static int unknown_augment(const char *text)
{
    static const char *const examples[] = {"none", "flip", "altflip", "crop4", "reflect",
                                           "brightness14", "contrast13", "cutout8"};
    const char *near = kiln_closest(text, examples, (int)(sizeof examples / sizeof *examples));

    return kiln_fail(KILN_E_ARG,
                     "augment: \"%s\" is none of flip, altflip, cropN, reflect, brightnessN, "
                     "contrastN, cutoutN%s%s%s", text,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Which of the ways to mirror were named. */
typedef struct {
    int random, alternating;
} mirrors;

static int read_word(const char *text, kiln_augment *augment, mirrors *m)
{
    int known = !*text || !strcmp(text, "none");

    for (const word *w = words; !known && w < words + WORDS; w++)
        KILN_TRY(known = read_sized(text, w, augment));
    if (known) return KILN_OK;
    if (!strcmp(text, "flip"))
        m->random = 1;
    else if (!strcmp(text, "altflip"))
        m->alternating = 1;
    else if (!strcmp(text, "reflect"))
        augment->crop_pad = KILN_PAD_REFLECT;
    else
        return unknown_augment(text);
    return KILN_OK;
}

/* none, or a list of words */
static int read_augment(kiln_train_options *o)
{
    const char *at = o->augment_text;
    kiln_augment *a = &o->augment;
    mirrors m = {0, 0};
    char text[KILN_OPTION_TEXT];

    memset(a, 0, sizeof *a);
    a->crop_pad = KILN_PAD_ZERO;
    while (*at) {
        const size_t length = strcspn(at, ", ");

        snprintf(text, sizeof text, "%.*s", (int)length, at);
        at += length + strspn(at + length, ", ");
        KILN_TRY(read_word(text, a, &m));
    }
    if (m.random && m.alternating)
        return kiln_fail(KILN_E_ARG, "augment: flip and altflip are two ways to mirror; name one");
    a->flip = m.alternating ? KILN_FLIP_ALTERNATING : m.random ? KILN_FLIP_RANDOM : 0;
    if (a->crop_pad == KILN_PAD_REFLECT && !a->crop)
        return kiln_fail(KILN_E_ARG, "augment: reflect says how crops are padded; name a crop too, "
                                     "as in crop4,reflect");
    o->augmented = a->flip || a->crop || a->cutout || a->brightness || a->contrast;
    return KILN_OK;
}

int kiln_option_words_read(kiln_train_options *o)
{
    KILN_TRY(read_init(o));
    return read_augment(o);
}

/* "words":[{"name":"crop","min":1,"max":8,"unit":"pixels"},...] of an option whose value is a list
 * of words. */
void kiln_option_words_json(const char *option, kiln_json *j)
{
    int open = 0;

    for (size_t i = 0; i < WORDS; i++) {
        if (strcmp(words[i].option, option)) continue;
        if (!open) kiln_json_array(j, "words");
        open = 1;
        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", words[i].name);
        if (words[i].max > 0) {
            kiln_json_number(j, "min", words[i].min);
            kiln_json_number(j, "max", words[i].max);
        }
        if (words[i].unit) kiln_json_string(j, "unit", words[i].unit);
        if (words[i].needs) kiln_json_string(j, "needs", words[i].needs);
        kiln_json_close(j);
    }
    if (open) kiln_json_close(j);
}
