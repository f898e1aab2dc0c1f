/*
 * The last error sentence. One buffer: errors are made and read on the calling thread only (worker
 * threads of the pool run kernels, which never fail).
 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

static char sentence[1024];
static int column_of_error;

const char *kiln_error(void)
{
    return sentence;
}

int kiln_error_column(void)
{
    return column_of_error;
}

int kiln_fail(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    column_of_error = 0;
    return status;
}

int kiln_fail_at(int status, int column, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    column_of_error = column;
    return status;
}

int kiln_status_exit(int status)
{
#define EXIT_CODE(name, code, exit_code, cause, remedy) [-(code)] = exit_code,
    static const unsigned char exit_code[] = {KILN_STATUSES(EXIT_CODE)};
#undef EXIT_CODE

    if (status >= 0) return 0;
    return status > -(int)sizeof exit_code ? exit_code[-status] : 1;
}
