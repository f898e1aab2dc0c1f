/*
 * The table of training options, and the three things done with it: reading, printing, describing.
 * A row holds where the value lies in kiln_train_options, so an option is added by one row here and
 * one member in options.h.
 */
#include "train/options.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/keyvalue.h"
#include "base/status.h"
#include "train/evaluate.h"
#include "train/option_words.h"
#include "train/presets.h"
#include "train/rules.h"

enum type { INT, FLOAT, CHOICE, TEXT, FLAG };

typedef struct {
    const char *name;
    enum type type;
    const char *value; /* default */
    double min, max; /* INT, FLOAT */
    const char *const *choices; /* CHOICE: ends with NULL */
    size_t offset, size;
    int live;
    const char *group, *help;
} row;

#define AT(member) offsetof(kiln_train_options, member), sizeof(((kiln_train_options *)0)->member)
#define FIXED 0
#define LIVE 1
#define NONE NULL

/* By the numbers of the choices; NULL behind the last. */
static const char *const draws[] = {[KILN_DRAW_SHUFFLE] = "shuffle",
                                    [KILN_DRAW_REPLACEMENT] = "replacement",
                                    [KILN_DRAW_REPLACEMENT + 1] = NULL};
#define X(name) #name,
static const char *const optimizers[] = {KILN_RULES(X) NULL};
static const char *const schedules[] = {KILN_SCHEDULES(X) NULL};
#undef X

/* What a schedule reads besides lr and warmup; a rule's row says it of rules. */
static const struct {
    const char *option, *schedules[4];
} schedule_reads[] = {
    {"lr-decay", {"step", "exponential"}},
    {"decay-every", {"step"}},
    {"start-lr", {"onecycle", "linear"}},
    {"final-lr", {"cosine", "onecycle", "linear"}},
};

static const row table[] = {
    {"net", TEXT, KILN_DEFAULT_NET, 0, 0, NONE, AT(net), FIXED, "net",
     "the architecture, in the arrow notation"},
    {"init", TEXT, "he", 0, 0, NONE, AT(init_text), FIXED, "net",
     "first weights: he, xavier, or gaussian and a scale (gaussian 0.001); dirac behind it: the "
     "first filters of convolutions pass their channel on (he dirac)"},
    {"freeze", TEXT, "none", 0, 0, NONE, AT(freeze), FIXED, "net",
     "none, or a list of layers and parameters that are not trained, as summary names them; * fits "
     "any characters: conv*,batchnorm1.gamma"},
    {"seed", INT, "1", 0, 4294967295.0, NONE, AT(seed), FIXED, "net",
     "decides the first weights and everything drawn later"},

    {"data-seed", INT, "1", 0, 4294967295.0, NONE, AT(data_seed), FIXED, "data",
     "seed of the built-in set, and of splitting a set that is not split"},
    {"train", INT, "-1", -1, 1e6, NONE, AT(train), FIXED, "data", "training images used; -1: all"},
    {"validation", INT, "-1", -1, 1e6, NONE, AT(validation), FIXED, "data",
     "validation images; -1: the standard number"},
    {"test", INT, "-1", -1, 1e6, NONE, AT(test), FIXED, "data", "test images; -1: all"},
    {"normalize", CHOICE, "channel", 0, 0, kiln_normalize_names, AT(normalize), FIXED, "data",
     "channel: mean 0 and deviation 1; mean-image: minus the mean image, as the course does"},
    {"draw", CHOICE, "shuffle", 0, 0, draws, AT(draw), FIXED, "data",
     "batches from a new order each epoch, or drawn with replacement"},
    {"augment", TEXT, "none", 0, 0, NONE, AT(augment_text), LIVE, "data",
     "none, or a list of flip, altflip (each image mirrored every other epoch), cropN, reflect "
     "(pads crops by mirror), brightnessN and contrastN (per cent), cutoutN: flip,crop4"},

    {"epochs", FLOAT, "8", 0.01, 10000, NONE, AT(epochs), LIVE, "training",
     "passes over the training images; 7.5 ends in the middle of the eighth"},
    {"whiten-epochs", FLOAT, "-1", -1, 10000, NONE, AT(whiten_epochs), LIVE, "training",
     "epochs in which the bias of whiten is trained; then it stays, and what led to it costs "
     "nothing; -1: all"},
    {"batch", INT, "64", 1, 65536, NONE, AT(batch), LIVE, "training", "images in a step"},
    {"max-steps", INT, "0", 0, 2e9, NONE, AT(max_steps), LIVE, "training",
     "stop after so many steps; 0: no limit"},
    {"optimizer", CHOICE, "adam", 0, 0, optimizers, AT(optimizer), FIXED, "training",
     "the update rule"},
    {"lr", FLOAT, "0.01", 0, 1000, NONE, AT(lr), LIVE, "training",
     "learning rate, before the schedule"},
    {"bias-lr", FLOAT, "1", 0, 1000, NONE, AT(bias_lr), LIVE, "training",
     "times lr: the rate of biases and of the shifts of norms"},
    {"head-lr", FLOAT, "1", 0, 1000, NONE, AT(head_lr), LIVE, "training",
     "times lr: the rate of the last layer's weights, which make the scores"},
    {"filter-lr", FLOAT, "1", 0, 1000, NONE, AT(filter_lr), LIVE, "training",
     "times lr: the rate of convolutions' filters"},
    {"momentum", FLOAT, "0.9", 0, 0.9999, NONE, AT(momentum), LIVE, "training",
     "share of the last step kept: of momentum, nesterov and muon"},
    {"decay-rate", FLOAT, "0.99", 0, 0.99999, NONE, AT(decay_rate), FIXED, "training",
     "decay of the squared gradients: of rmsprop"},
    {"beta1", FLOAT, "0.9", 0, 0.9999, NONE, AT(beta1), FIXED, "training",
     "decay of the first moment: of adam, adamw, and muon's adamw"},
    {"beta2", FLOAT, "0.999", 0, 0.999999, NONE, AT(beta2), FIXED, "training",
     "decay of the second moment: of adam, adamw, and muon's adamw"},
    {"eps", FLOAT, "1e-08", 1e-12, 1, NONE, AT(eps), FIXED, "training",
     "keeps rmsprop, adam, adamw and muon from dividing by zero"},
    {"schedule", CHOICE, "onecycle", 0, 0, schedules, AT(schedule_kind), LIVE, "training",
     "how the learning rate changes"},
    {"warmup", FLOAT, "0", 0, 1000, NONE, AT(warmup), LIVE, "training",
     "epochs in which the rate rises; 0: none (onecycle: three tenths of the run)"},
    {"lr-decay", FLOAT, "0.95", 1e-6, 1, NONE, AT(lr_decay), LIVE, "training",
     "factor of the schedules step and exponential"},
    {"decay-every", INT, "10", 1, 10000, NONE, AT(decay_every), LIVE, "training",
     "epochs between the drops of the schedule step"},
    {"start-lr", FLOAT, "0.04", 0, 1, NONE, AT(start_lr), LIVE, "training",
     "first factor of the schedule onecycle, and of linear with a warmup"},
    {"final-lr", FLOAT, "0", 0, 1, NONE, AT(final_lr), LIVE, "training",
     "last factor of the schedules cosine, onecycle and linear"},
    {"lookahead", INT, "0", 0, 10000, NONE, AT(lookahead), FIXED, "training",
     "steps between two looks of an average of the net, which it then goes on from; 0: none"},
    {"lookahead-decay", FLOAT, "0.95", 0, 0.99999, NONE, AT(lookahead_decay), FIXED, "training",
     "share of lookahead's average kept a step at the end of the run; the cube of progress less "
     "before"},

    {"reg", FLOAT, "0", 0, 1000, NONE, AT(reg), LIVE, "regularisation",
     "adds 0.5 reg sum(W^2) to the loss (weights only)"},
    {"weight-decay", FLOAT, "0", 0, 1, NONE, AT(weight_decay), LIVE, "regularisation",
     "weights shrink by lr times this each step; adam: added to the gradient instead, times w"},
    {"bias-decay", FLOAT, "0", 0, 1000, NONE, AT(bias_decay), LIVE, "regularisation",
     "times weight-decay: the decay of biases and of the shifts of norms"},
    {"head-decay", FLOAT, "1", 0, 1000, NONE, AT(head_decay), LIVE, "regularisation",
     "times weight-decay: the decay of the last layer's weights"},
    {"filter-decay", FLOAT, "1", 0, 1000, NONE, AT(filter_decay), LIVE, "regularisation",
     "times weight-decay: the decay of convolutions' filters"},
    {"clip", FLOAT, "0", 0, 1e6, NONE, AT(clip), LIVE, "regularisation",
     "largest norm of the gradient; 0: no limit"},
    {"dropout", FLOAT, "-1", -1, 0.99, NONE, AT(dropout), LIVE, "regularisation",
     "share dropped by all dropout layers; -1: as the net says"},

    {"check-first", FLAG, "0", 0, 1, NONE, AT(check_first), FIXED, "checks",
     "accuracies after the first step too, as the course's Solver"},
    {"check-train", INT, "1000", 0, 1e6, NONE, AT(check_train), LIVE, "checks",
     "training images drawn for an epoch's training accuracy"},
    {"check-val", INT, "0", 0, 1e6, NONE, AT(check_val), LIVE, "checks",
     "validation images looked at each epoch; 0: all"},
    {"eval-views", CHOICE, "1", 0, 0, kiln_views_names, AT(eval_views), LIVE, "checks",
     "views of an image averaged when a net is evaluated: 1, 2 (its mirror image), 6 (both moved "
     "along the diagonal) or 10; not in the check of an epoch"},
    {"eval-share", FLOAT, "1", 0, 1, NONE, AT(eval_share), LIVE, "checks",
     "share of the images, the least confident, that gets eval-views; the others get one view"},
    {"patience", INT, "0", 0, 10000, NONE, AT(patience), LIVE, "checks",
     "stop after so many epochs without a better validation accuracy; 0: never"},
    {"recover", FLAG, "0", 0, 1, NONE, AT(recover), LIVE, "checks",
     "when the loss blows up go back to the last sane state with a tenth of lr"},
    {"memory", INT, "0", 0, 1e6, NONE, AT(memory), LIVE, "checks",
     "most MB for the net of a checkpoint that is read; 0: 1000, and 4 kB more a byte of the file"},
};

#define ROWS ((int)(sizeof table / sizeof *table))

static int choice_count(const row *r)
{
    int count = 0;

    while (r->choices[count]) count++;
    return count;
}

static const row *find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (!strcmp(table[i].name, name)) return &table[i];
    return NULL;
}

static int64_t *whole(const row *r, const kiln_train_options *o)
{
    return (int64_t *)((char *)o + r->offset);
}

static double *real(const row *r, const kiln_train_options *o)
{
    return (double *)((char *)o + r->offset);
}

static char *text_of(const row *r, const kiln_train_options *o)
{
    return (char *)o + r->offset;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int store(const row *r, kiln_train_options *o, const kiln_keyvalue *pair)
{
    int flag;

    switch (r->type) {
    case INT: return kiln_value_int(pair, (int64_t)r->min, (int64_t)r->max, whole(r, o));
    case FLOAT: return kiln_value_double(pair, r->min, r->max, real(r, o));
    case FLAG:
        KILN_TRY(kiln_value_bool(pair, &flag));
        *whole(r, o) = flag;
        return KILN_OK;
    case CHOICE:
        KILN_TRY(flag = kiln_value_choice(pair, r->choices, choice_count(r)));
        *whole(r, o) = flag;
        return KILN_OK;
    case TEXT:
        if (strlen(pair->value) >= r->size)
            return kiln_fail(KILN_E_ARG, "%s: the value is longer than %d characters", r->name,
                             (int)r->size - 1);
        memset(text_of(r, o), 0, r->size);
        strcpy(text_of(r, o), pair->value);
    }
    return KILN_OK;
}

static int derive(kiln_train_options *o)
{
    KILN_TRY(kiln_option_words_read(o));
    if (o->dropout < 0 && o->dropout != -1)
        return kiln_fail(KILN_E_ARG, "dropout: %g is neither a share from 0 to 0.99 nor -1",
                         o->dropout);
    if (o->whiten_epochs < 0 && o->whiten_epochs != -1)
        return kiln_fail(KILN_E_ARG, "whiten-epochs: %g is neither 0 or more nor -1",
                         o->whiten_epochs);
    if (o->lr == 0) return kiln_fail(KILN_E_ARG, "lr: must be more than 0, up to 1000");
    o->schedule = (kiln_schedule){(int)o->schedule_kind, o->warmup, o->lr_decay,
                                  (int)o->decay_every, o->start_lr, o->final_lr};
    return KILN_OK;
}

static int same_value(const row *r, const kiln_train_options *a, const kiln_train_options *b)
{
    if (r->type == TEXT) return !strcmp(text_of(r, a), text_of(r, b));
    return !memcmp((const char *)a + r->offset, (const char *)b + r->offset, r->size);
}

static int read_pair(kiln_train_options *o, const kiln_keyvalue *pair, int which)
{
    const row *r = find(pair->key);
    const char *names[ROWS];
    kiln_train_options before;

    if (!r) {
        for (int i = 0; i < ROWS; i++) names[i] = table[i].name;
        return kiln_key_unknown(pair->key, names, ROWS);
    }
    if (which == KILN_OPTIONS_LIVE && !r->live) before = *o;
    KILN_TRY(store(r, o, pair));
    if (which == KILN_OPTIONS_LIVE && !r->live && !same_value(r, &before, o))
        return kiln_fail(KILN_E_ARG, "%s: cannot change while training; start a new run", r->name);
    return KILN_OK;
}

int kiln_train_options_read(kiln_train_options *o, const char *text, int which)
{
    kiln_train_options next = *o;
    kiln_keyvalue pair;
    int more;

    while ((more = kiln_keyvalue_next(&text, &pair)) > 0) KILN_TRY(read_pair(&next, &pair, which));
    KILN_TRY(more);
    KILN_TRY(derive(&next));
    *o = next;
    return KILN_OK;
}

int kiln_train_options_check(const kiln_train_options *o)
{
    if (o->patience && o->validation == 0)
        return kiln_fail(KILN_E_ARG, "patience=%d waits for a better validation accuracy, and "
                                     "validation=0 leaves no images for one; drop one of them",
                         (int)o->patience);
    if (o->check_val && o->validation == 0)
        return kiln_fail(KILN_E_ARG, "check-val=%d asks for validation images, and validation=0 "
                                     "leaves none; drop one of them", (int)o->check_val);
    if (o->warmup > o->epochs)
        return kiln_fail(KILN_E_ARG, "warmup=%g is longer than epochs=%g: the rate would never "
                                     "reach lr", o->warmup, o->epochs);
    return KILN_OK;
}

const char *kiln_train_options_changed(const kiln_train_options *a, const kiln_train_options *b)
{
    for (const row *r = table; r < table + ROWS; r++)
        if (!same_value(r, a, b) && strncmp(r->name, "eval-", 5) && strcmp(r->name, "memory"))
            return r->name;
    return NULL;
}

void kiln_train_options_default(kiln_train_options *o)
{
    kiln_keyvalue pair;
    int status = KILN_OK;

    memset(o, 0, sizeof *o);
    for (int i = 0; i < ROWS && status >= 0; i++) {
        snprintf(pair.key, sizeof pair.key, "%s", table[i].name);
        snprintf(pair.value, sizeof pair.value, "%s", table[i].value);
        status = store(&table[i], o, &pair);
    }
    if (status >= 0) status = derive(o);
    assert(status >= 0);
}

/* ---- printing -------------------------------------------------------------------------------- */

/* The value as the text that reads back to it. */
static const char *value_text(const row *r, const kiln_train_options *o, char buffer[KILN_DIGITS])
{
    switch (r->type) {
    case FLOAT: return kiln_digits(buffer, *real(r, o));
    case CHOICE: return r->choices[*whole(r, o)];
    case TEXT: return text_of(r, o);
    case INT:
    case FLAG: break;
    }
    snprintf(buffer, KILN_DIGITS, "%lld", (long long)*whole(r, o));
    return buffer;
}

void kiln_train_options_print(const kiln_train_options *o, char *text, int size)
{
    char buffer[KILN_DIGITS];
    int used = 0;

    text[0] = 0;
    for (int i = 0; i < ROWS && used < size; i++)
        used += snprintf(text + used, (size_t)(size - used), "%s=%s\n", table[i].name,
                         value_text(&table[i], o, buffer));
    assert(used < size);
}

void kiln_train_options_json(const kiln_train_options *o, kiln_json *j)
{
    char buffer[KILN_DIGITS];

    for (int i = 0; i < ROWS; i++)
        kiln_json_string(j, table[i].name, value_text(&table[i], o, buffer));
}

static int rule_reads(const kiln_rule *rule, const char *option)
{
    for (size_t i = 0; i < sizeof rule->options / sizeof *rule->options; i++)
        if (rule->options[i] && !strcmp(rule->options[i], option)) return 1;
    return 0;
}

/* "usedBy":{"optimizer":["momentum",...]}: the choices that read this option; left out where all
 * do. */
static void used_by_json(const char *option, kiln_json *j)
{
    int open = 0;

    for (int i = 0; i < KILN_RULE_COUNT; i++) {
        if (!rule_reads(kiln_rule_table[i], option)) continue;
        if (!open) kiln_json_object(j, "usedBy"), kiln_json_array(j, "optimizer");
        open = 1;
        kiln_json_string(j, NULL, kiln_rule_table[i]->name);
    }
    for (size_t i = 0; i < sizeof schedule_reads / sizeof *schedule_reads; i++) {
        if (strcmp(schedule_reads[i].option, option)) continue;
        kiln_json_object(j, "usedBy"), kiln_json_array(j, "schedule");
        open = 1;
        for (int k = 0; schedule_reads[i].schedules[k]; k++)
            kiln_json_string(j, NULL, schedule_reads[i].schedules[k]);
    }
    if (open) kiln_json_close(j), kiln_json_close(j);
}

void kiln_train_options_table(kiln_json *j)
{
    static const char *const types[] = {"int", "float", "choice", "text", "flag"};

    kiln_json_array(j, NULL);
    for (const row *r = table; r < table + ROWS; r++) {
        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", r->name);
        kiln_json_string(j, "type", types[r->type]);
        kiln_json_string(j, "default", r->value);
        if (r->type == INT || r->type == FLOAT) {
            kiln_json_number(j, "min", r->min);
            kiln_json_number(j, "max", r->max);
        }
        if (r->type == CHOICE) {
            kiln_json_array(j, "choices");
            for (int i = 0; r->choices[i]; i++) kiln_json_string(j, NULL, r->choices[i]);
            kiln_json_close(j);
        }
        kiln_json_bool(j, "live", r->live);
        kiln_json_string(j, "group", r->group);
        kiln_json_string(j, "help", r->help);
        used_by_json(r->name, j);
        kiln_option_words_json(r->name, j);
        kiln_json_close(j);
    }
    kiln_json_close(j);
}
