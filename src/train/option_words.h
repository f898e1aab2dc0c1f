/* Options whose values are words, some with a number: init (gaussian 0.001), augment (flip,crop4).
 */
#ifndef KILN_TRAIN_OPTION_WORDS_H
#define KILN_TRAIN_OPTION_WORDS_H

#include "train/options.h"

/* he | xavier | gaussian SCALE, and behind it dirac or nothing. */
typedef struct {
    int kind; /* KILN_INIT_* */
    double scale; /* of gaussian; else 0 */
    int dirac;
} kiln_init;

/* The scale is from 0 to scale_max. KILN_E_ARG with a sentence. */
int kiln_init_read(kiln_init *out, const char *text, double scale_max);

/* From init_text and augment_text to init, init_scale, augment and augmented. KILN_E_ARG with a
 * sentence. */
int kiln_option_words_read(kiln_train_options *o);

/* The member "words" of an option's description: [{"name","min","max","needs"}..]; nothing for
 * options of other types. */
void kiln_option_words_json(const char *option, kiln_json *j);

#endif
