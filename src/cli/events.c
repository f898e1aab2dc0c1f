/* Lines of --json on stdout; see events.h. */
#include "events.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "say.h"

static kiln_json line;
static int failure; /* errno of the first line that stdout did not take */

kiln_json *cli_event(const char *name)
{
    kiln_json_begin(&line);
    kiln_json_object(&line, NULL);
    kiln_json_string(&line, "event", name);
    return &line;
}

const char *cli_event_text(kiln_json *j)
{
    kiln_json_close(j);
    return kiln_json_end(j) < 0 ? NULL : kiln_json_text(j);
}

int cli_event_print(const char *text)
{
    if (!text) return ENOMEM;
    if (puts(text) >= 0 && fflush(stdout) == 0) return 0;
    if (!failure) failure = errno;
    return errno;
}

int cli_event_end(kiln_json *j)
{
    return cli_event_print(cli_event_text(j));
}

int cli_output_end(int code)
{
    const int flushed = fflush(stdout);

    if (flushed != 0 && !failure) failure = errno;
    if (flushed == 0 && !ferror(stdout)) return code;
    if (code) return code; /* which was said */
    cli_say("kiln: stdout: cannot be written%s%s\n", failure ? ": " : "",
            failure ? strerror(failure) : "");
    return CLI_FAILED;
}

double cli_rounded(double x, double parts)
{
    return rint(x * parts) / parts;
}
