/* Lines of --json on stdout; see events.h. */
#include "events.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

static kiln_json line;

kiln_json *cli_event(const char *name)
{
    kiln_json_begin(&line);
    kiln_json_object(&line, NULL);
    kiln_json_string(&line, "event", name);
    return &line;
}

int cli_event_end(kiln_json *j)
{
    kiln_json_close(j);
    if (kiln_json_end(j) < 0) return ENOMEM;
    if (puts(kiln_json_text(j)) < 0 || fflush(stdout) != 0) return errno;
    return 0;
}

double cli_rounded(double x, double parts)
{
    return rint(x * parts) / parts;
}
