/* The public tables: kiln.h, kiln_options and kiln_presets. */
#include "api/api_text.h"
#include "base/status.h"
#include "kiln.h"
#include "train/options.h"
#include "train/presets.h"

int kiln_options(void)
{
    kiln_train_options_table(kiln_text_begin());
    return kiln_text_end();
}

int kiln_presets(void)
{
    KILN_TRY(kiln_presets_json(kiln_text_begin()));
    return kiln_text_end();
}
