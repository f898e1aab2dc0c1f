/*
 * Presets (cs231n assignments 1 and 2; Karpathy, ConvNetJS CIFAR-10 demo; He et al. 2016). Options
 * are those of the course where it names them; the others were found by short searches on CIFAR-10
 * and the built-in set.
 */
#include "train/presets.h"

#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/status.h"

/* The nets of Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU": three groups of two
 * convolutions behind a whitening layer, here with fewer filters, smaller batches and Muon. THIRD
 * is one convolution more where it costs little, in the last group, around which a shortcut leads
 * as in the 96 % net of that paper. */
#define NORM "batchnorm fixed momentum 0.6 - gelu"
#define CONV(F) "conv 3x3x" F " nobias - "
#define GROUP(F) CONV(F) "maxpool 2 - " NORM " - " CONV(F) NORM " - "
#define THIRD(F) "residual(" CONV(F) NORM ") - "
#define RECIPE(A, B, C, MORE) "whiten 2x2 - gelu - " GROUP(A) GROUP(B) GROUP(C) MORE \
    "maxpool 3 - affine 10 nobias - scale 0.111 - softmax smoothing 0.2"
#define RECIPE_OPTIONS \
    "optimizer=muon\nmomentum=0.6\nlr=0.015\nfilter-lr=3\nweight-decay=0.1\n" \
    "schedule=linear\nwhiten-epochs=0.2\naugment=altflip,crop2,reflect\n"

/* The two that differ in epochs alone. */
#define LARGE RECIPE("64", "256", "256", THIRD("256"))
#define LARGE_OPTIONS "batch=256\ninit=gaussian 0.02 dirac\n" RECIPE_OPTIONS

/*
 * The default net starts from small weights: its batchnorm makes up for their size, and the first
 * noise is soon outgrown, so that the filters show edges and colours within seconds.
 */
const kiln_preset kiln_preset_table[] = {
    {"default", "Small convnet", KILN_DEFAULT_NET,
     "epochs=7\nlr=0.03\nschedule=onecycle\ninit=gaussian 0.01\n",
     "Learns the built-in set within a minute."},
    {"linear-softmax", "Linear softmax", "affine 10 - softmax",
     "epochs=10\nbatch=200\noptimizer=momentum\nlr=0.0003\nreg=0.03\nschedule=cosine\n"
     "init=gaussian 0.0001\n",
     "Assignment 1: one weight image a class, softmax loss."},
    {"linear-svm", "Linear SVM", "affine 10 - svm",
     "epochs=10\nbatch=200\noptimizer=momentum\nlr=0.0001\nreg=0.1\nschedule=cosine\n"
     "init=gaussian 0.0001\n",
     "Assignment 1: one weight image a class, hinge loss with margin 1."},
    {"two-layer", "Two-layer net", "affine 200 - relu - affine 10 - softmax",
     "epochs=10\nbatch=200\noptimizer=momentum\nlr=0.01\nreg=0.003\nschedule=exponential\n"
     "lr-decay=0.9\n",
     "Assignment 1 and 2: TwoLayerNet."},
    {"fully-connected", "Fully connected, batchnorm",
     "[affine 256 - batchnorm - relu - dropout 0.2]x3 - affine 10 - softmax",
     "epochs=10\nbatch=100\noptimizer=adam\nlr=0.001\nschedule=cosine\n",
     "Assignment 2: FullyConnectedNet with normalisation and dropout."},
    {"three-layer", "Three-layer convnet",
     "conv 7x7x32 - relu - maxpool 2 - affine 100 - relu - affine 10 - softmax",
     "epochs=5\nbatch=50\noptimizer=adam\nlr=0.001\nschedule=constant\nreg=0.001\ninit=gaussian "
     "0.001\n"
     "normalize=mean-image\ncheck-first=1\n",
     "Assignment 2: ThreeLayerConvNet with its defaults."},
    {"three-layer-500", "Three-layer convnet, wide",
     "conv 7x7x32 - relu - maxpool 2 - affine 500 - relu - affine 10 - softmax",
     "epochs=1\nbatch=50\noptimizer=adam\nlr=0.001\nschedule=constant\nreg=0.001\ninit=gaussian "
     "0.001\n"
     "normalize=mean-image\ndraw=replacement\ncheck-first=1\n",
     "Assignment 2: one epoch passes 40 % on its training images."},
    {"convnetjs", "ConvNetJS's net",
     "conv 5x5x16 - relu - maxpool 2 - conv 5x5x20 - relu - maxpool 2 - conv 5x5x20 - relu - "
     "maxpool 2 - affine 10 - softmax",
     "epochs=10\nbatch=32\noptimizer=adamw\nlr=0.002\nschedule=onecycle\nweight-decay=0.0001\n"
     "augment=flip,crop2\n",
     "The CIFAR-10 demo of ConvNetJS."},
    {"batchnorm", "Batchnorm net",
     "[conv 3x3x32 - batchnorm - relu]x2 - maxpool 2 - [conv 3x3x64 - batchnorm - relu]x2 - "
     "maxpool 2 - [conv 3x3x128 - batchnorm - relu]x2 - avgpool - affine 10 - softmax",
     "epochs=10\nbatch=64\noptimizer=nesterov\nlr=0.1\nschedule=onecycle\nweight-decay=0.0005\n"
     "augment=flip,crop4\n",
     "Passes 75 % on CIFAR-10 within ten epochs."},
    {"residual", "Small residual net",
     "conv 3x3x16 - batchnorm - relu - "
     "[residual(conv 3x3x16 - batchnorm - relu - conv 3x3x16 - batchnorm) - relu]x2 - "
     "residual(conv 3x3x32 stride 2 - batchnorm - relu - conv 3x3x32 - batchnorm | "
     "conv 1x1x32 stride 2 - batchnorm) - relu - "
     "residual(conv 3x3x64 stride 2 - batchnorm - relu - conv 3x3x64 - batchnorm | "
     "conv 1x1x64 stride 2 - batchnorm) - relu - avgpool - affine 10 - softmax",
     "epochs=10\nbatch=64\noptimizer=nesterov\nlr=0.1\nschedule=onecycle\nweight-decay=0.0005\n"
     "augment=flip,crop4\n",
     "Shortcuts around pairs of convolutions."},
    {"80-percent", "80 % in seconds",
     RECIPE("24", "40", "40", ""),
     "epochs=2\nbatch=128\ninit=he dirac\n" RECIPE_OPTIONS,
     "Whitened patches, filters that start as the identity: 80 % of CIFAR-10."},
    {"90-percent", "90 % while you get a coffee",
     RECIPE("40", "72", "104", ""),
     "epochs=6\nbatch=256\ninit=he dirac\n" RECIPE_OPTIONS,
     "Twice the filters: 90 % in six views."},
    {"93-percent", "93 % over lunch",
     LARGE, "epochs=6\n" LARGE_OPTIONS,
     "The record's filters: 93 % in six views."},
    {"94-percent", "94 % within an hour",
     LARGE, "epochs=11\n" LARGE_OPTIONS,
     "The same for longer."},
};

const int kiln_preset_count = sizeof kiln_preset_table / sizeof *kiln_preset_table;

int kiln_preset_read(kiln_train_options *o, const char *text)
{
    const char *at = text;
    kiln_keyvalue pair;
    int named = 0, more;

    while ((more = kiln_keyvalue_next(&at, &pair)) > 0)
        if (strcmp(pair.key, "net") == 0) named = 1;
    if (more < 0) return more;
    kiln_train_options_default(o);
    if (!named)
        KILN_TRY(kiln_train_options_read(o, kiln_preset_table[0].options, KILN_OPTIONS_ALL));
    return kiln_train_options_read(o, text, KILN_OPTIONS_ALL);
}

void kiln_preset_fit(kiln_train_options *o, int classes)
{
    static const char last[] = "affine 10";
    const size_t length = sizeof last - 1;
    const char *end = NULL;
    char tail[64], number[24];

    for (int i = 0; i < kiln_preset_count && !end; i++)
        if (strcmp(o->net, kiln_preset_table[i].net) == 0) end = o->net;
    for (const char *p = end; p && (p = strstr(p, last)); p++) end = p;
    if (!end || end == o->net + strlen(o->net) || classes == 10) return;
    snprintf(tail, sizeof tail, "%s", end + length);
    snprintf(number, sizeof number, "affine %d", classes);
    if ((size_t)(end - o->net) + strlen(number) + strlen(tail) < sizeof o->net)
        sprintf(o->net + (end - o->net), "%s%s", number, tail);
}

int kiln_presets_json(kiln_json *j)
{
    kiln_keyvalue pair;

    kiln_json_array(j, NULL);
    for (int i = 0; i < kiln_preset_count; i++) {
        const kiln_preset *p = &kiln_preset_table[i];
        const char *options = p->options;
        int more;

        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", p->name);
        kiln_json_string(j, "title", p->title);
        kiln_json_string(j, "net", p->net);
        kiln_json_object(j, "options");
        while ((more = kiln_keyvalue_next(&options, &pair)) > 0)
            kiln_json_string(j, pair.key, pair.value);
        KILN_TRY(more);
        kiln_json_close(j);
        kiln_json_string(j, "note", p->note);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    return KILN_OK;
}
