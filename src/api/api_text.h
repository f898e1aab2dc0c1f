/* The text behind kiln_text(): the functions of kiln.h that leave JSON write it here. */
#ifndef KILN_API_API_TEXT_H
#define KILN_API_API_TEXT_H

#include "base/json.h"

/* kiln_json *j = kiln_text_begin();  kiln_json_object(j, NULL);  ...  return kiln_text_end(); */
kiln_json *kiln_text_begin(void);
int kiln_text_end(void); /* the length of the text, or KILN_E_MEMORY */

#endif
