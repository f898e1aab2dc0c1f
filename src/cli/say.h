/*
 * Sentences on stderr that tell why something could not be done. They are kept as well, for who
 * reports a run that failed: the last line of --json and of --log.
 */
#ifndef KILN_CLI_SAY_H
#define KILN_CLI_SAY_H

/* Prints as printf does, what is printable; a sentence may come in pieces. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);
/* All that was said, as one line; "" where nothing was. It lives until the next cli_say. */
const char *cli_said(void);
void cli_forget(void); /* from now on nothing was said */
/* Control characters, which a terminal might obey, become '?', but for the ends of lines. text. */
char *cli_printable(char *text);
/* Bytes that are no UTF-8 (of the name of a file, or a character that was cut) become '?'. text. */
char *cli_clean(char *text);

#endif
