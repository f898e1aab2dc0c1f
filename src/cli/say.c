/* Sentences on stderr, kept; see say.h. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROOM 1024 /* bytes; what does not fit is on stderr alone */

static char said[ROOM];

/* Of three or four bytes: longer than it must be, a surrogate, or beyond the last code point. */
static int is_no_code_point(const unsigned char *p)
{
    return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
           (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
}

void cli_say(const char *format, ...)
{
    static char text[16384]; /* a net has 8 kB */
    const size_t used = strlen(said);
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fputs(cli_printable(text), stderr);
    strncat(said, text, sizeof said - used - 1);
}

char *cli_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        const int of_latin_1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0; /* two bytes */

        if (of_latin_1) *p++ = '?';
        if (of_latin_1 || (*p < ' ' && *p != '\n' && *p != '\t') || *p == 127) *p = '?';
    }
    return text;
}

/* As much of the text as there is room for. */
static size_t append(char line[ROOM], size_t used, const char *text, size_t length)
{
    if (length > ROOM - 1 - used) length = ROOM - 1 - used;
    memcpy(line + used, text, length);
    return used + length;
}

const char *cli_said(void)
{
    static char line[ROOM];
    const char *from = said;
    size_t used = 0;

    while (*from) {
        size_t length;

        if (strncmp(from, "kiln: ", 6) == 0) from += 6; /* begins each sentence */
        length = strcspn(from, "\n");
        used = append(line, used, from, length);
        from += length;
        from += strspn(from, "\n");
        if (*from) used = append(line, used, "; ", 2); /* longer than the "\n" that it replaces */
    }
    line[used] = 0;
    return cli_clean(line);
}

void cli_forget(void)
{
    said[0] = 0;
}

char *cli_clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p;) {
        const int more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : -1;
        int found = 0;

        while (found < more && (p[found + 1] & 0xc0) == 0x80) found++;
        if (more < 0 || found < more || *p > 0xf4 || is_no_code_point(p)) *p = '?', found = 0;
        p += found + 1;
    }
    return text;
}
