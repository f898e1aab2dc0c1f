/*
 * What a receipt says twice, and has to say alike; see receipt.h. What it claims of the training
 * only training shows.
 */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "formats/receipt.h"
#include "train/presets.h"

/* The number in which a net first differs from a preset's: how many classes it is for, if nothing
 * else is another. 0 where none is there, or nothing differs. */
static int classes_of(const char *net, const char *preset)
{
    size_t i = 0;

    while (net[i] && net[i] == preset[i]) i++;
    if (!net[i] && !preset[i]) return 0;
    while (i && net[i - 1] >= '0' && net[i - 1] <= '9') i--;
    return (int)strtol(net + i, NULL, 10);
}

/* The first option that is another one in the preset, "net" before all; NULL: they are alike. */
static const char *differs(const kiln_preset *preset, const kiln_train_options *o)
{
    static kiln_train_options p;
    const int classes = classes_of(o->net, preset->net);

    kiln_train_options_default(&p);
    strcpy(p.net, preset->net);
    if (kiln_train_options_read(&p, preset->options, KILN_OPTIONS_ALL) < 0) return "text";
    if (classes > 0) kiln_preset_fit(&p, classes);
    p.seed = o->seed, p.data_seed = o->data_seed;
    p.train = o->train, p.validation = o->validation, p.test = o->test;
    p.check_train = o->check_train, p.check_val = o->check_val;
    return kiln_train_options_changed(&p, o);
}

/* The options of a receipt; KILN_E_ARG for what this kiln does not know. */
static int read_options(kiln_train_options *o, const kiln_receipt_run *run)
{
    kiln_train_options_default(o);
    return kiln_train_options_read(o, run->options, KILN_OPTIONS_ALL);
}

const char *kiln_receipt_preset(const kiln_receipt_run *run)
{
    static kiln_train_options o;

    if (read_options(&o, run) < 0) return "";
    for (int i = 0; i < kiln_preset_count; i++)
        if (!differs(&kiln_preset_table[i], &o)) return kiln_preset_table[i].name;
    return "";
}

static int check_preset(const kiln_receipt_run *run)
{
    static kiln_train_options o;
    const kiln_preset *preset = NULL;
    const char *what;

    for (int i = 0; i < kiln_preset_count; i++)
        if (strcmp(kiln_preset_table[i].name, run->preset) == 0) preset = &kiln_preset_table[i];
    if (!preset)
        return kiln_fail(KILN_E_DATA, "receipt: this kiln knows no preset \"%s\"", run->preset);
    if (read_options(&o, run) < 0) return KILN_E_DATA;
    what = differs(preset, &o);
    if (!what) return KILN_OK;
    return kiln_fail(KILN_E_ARG, "receipt: it is not of the preset %s, whose %s is another one",
                     run->preset, what);
}

int kiln_receipt_check(const kiln_receipt_run *run)
{
    const kiln_receipt_epoch *last = run->epochs + run->epoch_count - 1;

    if (!run->best && strcmp(last->hash, run->end) != 0)
        return kiln_fail(KILN_E_ARG, "receipt: its end is %s, but its last epoch left %s", run->end,
                         last->hash);
    return *run->preset ? check_preset(run) : KILN_OK;
}
