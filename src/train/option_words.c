/* The options init and augment, whose values are words; see option_words.h. */
#include "train/option_words.h"

#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/status.h"
#include "net/net.h"

#define CROP_MAX 8 /* pixels */
#define CUTOUT_MAX 32
#define GAUSSIAN_MAX 100

/* What the words of the options init and augment may be: a word, or a word and a number. */
typedef struct {
    const char *option, *name;
    double min, max; /* of the number; max 0: none */
    const char *needs; /* another word of the same option; NULL: none */
} word;

static const word words[] = {
    {"init", "he", 0, 0, NULL},
    {"init", "xavier", 0, 0, NULL},
    {"init", "gaussian", 0, GAUSSIAN_MAX, NULL},
    {"init", "dirac", 0, 0, NULL},
    {"augment", "flip", 0, 0, NULL},
    {"augment", "altflip", 0, 0, NULL},
    {"augment", "crop", 1, CROP_MAX, NULL},
    {"augment", "reflect", 0, 0, "crop"},
    {"augment", "cutout", 1, CUTOUT_MAX, NULL},
};

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

/* `word` is `name` and a number in 1..max, which goes to *out. */
static int read_sized(const char *word, const char *name, int max, int *out)
{
    const size_t length = strlen(name);
    kiln_keyvalue pair = {.key = "augment"};
    int64_t value;

    if (strncmp(word, name, length)) return 0;
    snprintf(pair.value, sizeof pair.value, "%s", word + length);
    if (kiln_value_int(&pair, 1, max, &value) < 0)
        return kiln_fail(KILN_E_ARG, "augment: %s wants its pixels, 1 to %d, as in %s%d", name, max,
                         name, max / 2);
    *out = (int)value;
    return 1;
}

/* none, or a list of flip, altflip, cropN, reflect, cutoutN */
static int read_augment(kiln_train_options *o)
{
    static const char *const names[] = {"none", "flip", "altflip", "crop4", "reflect",
                                        "cutout8"};
    const char *at = o->augment_text;
    int random = 0, alternating = 0;
    char word[KILN_OPTION_TEXT];

    memset(&o->augment, 0, sizeof o->augment);
    o->augment.crop_pad = KILN_PAD_ZERO;
    while (*at) {
        const size_t length = strcspn(at, ", ");
        int known;

        snprintf(word, sizeof word, "%.*s", (int)length, at);
        at += length + strspn(at + length, ", ");
        if (!*word || !strcmp(word, "none")) continue;
        known = read_sized(word, "crop", CROP_MAX, &o->augment.crop);
        if (!known) known = read_sized(word, "cutout", CUTOUT_MAX, &o->augment.cutout);
        if (known < 0) return known;
        if (known) continue;
        if (!strcmp(word, "flip"))
            random = 1;
        else if (!strcmp(word, "altflip"))
            alternating = 1;
        else if (!strcmp(word, "reflect"))
            o->augment.crop_pad = KILN_PAD_REFLECT;
        else {
            const char *near = kiln_closest(word, names, 6);

            return kiln_fail(KILN_E_ARG,
                             "augment: \"%s\" is none of flip, altflip, cropN, reflect, "
                             "cutoutN%s%s%s", word,
                             near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        }
    }
    if (random && alternating)
        return kiln_fail(KILN_E_ARG, "augment: flip and altflip are two ways to mirror; name one");
    o->augment.flip = alternating ? KILN_FLIP_ALTERNATING : random ? KILN_FLIP_RANDOM : 0;
    if (o->augment.crop_pad == KILN_PAD_REFLECT && !o->augment.crop)
        return kiln_fail(KILN_E_ARG, "augment: reflect says how crops are padded; name a crop too, "
                                     "as in crop4,reflect");
    o->augmented = o->augment.flip || o->augment.crop || o->augment.cutout;
    return KILN_OK;
}

int kiln_option_words_read(kiln_train_options *o)
{
    KILN_TRY(read_init(o));
    return read_augment(o);
}

/* "words":[{"name":"crop","min":1,"max":8},...] of an option whose value is a list of words. */
void kiln_option_words_json(const char *option, kiln_json *j)
{
    int open = 0;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].option, option)) continue;
        if (!open) kiln_json_array(j, "words");
        open = 1;
        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", words[i].name);
        if (words[i].max > 0) {
            kiln_json_number(j, "min", words[i].min);
            kiln_json_number(j, "max", words[i].max);
        }
        if (words[i].needs) kiln_json_string(j, "needs", words[i].needs);
        kiln_json_close(j);
    }
    if (open) kiln_json_close(j);
}
