/* What the public functions of nets share: kiln.h, kiln_net_create's options. */
#ifndef KILN_API_API_NET_H
#define KILN_API_API_NET_H

#include "net/net.h"

/* input=, batch=, seed=, init=, keep= over the defaults; KILN_E_ARG. `text` may be NULL. */
int kiln_net_options_text(kiln_net_options *o, const char *text);

#endif
