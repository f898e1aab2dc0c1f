/* Reading and writing whole files; see files.h. Data sets are in data_files.c. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "kiln.h"

#define FILE_MAX 2000000000
#define PATH_SIZE 4096

/* ---- failures -------------------------------------------------------------------------------- */

int cli_fail(int status)
{
    fprintf(stderr, "kiln: %s\n", kiln_error());
    return kiln_status_exit(status);
}

/* Bytes of the notation count as columns; those that go on a character take no place on the screen.
 * */
int cli_fail_net(const char *net, int status)
{
    const int column = kiln_error_column(); /* 0: the failure is not about the notation */
    int place = 0;

    for (int i = 0; i < column - 1 && net[i]; i++) place += (net[i] & 0xc0) != 0x80;
    if (column > 0) fprintf(stderr, "  %s\n  %*s^\n", net, place, "");
    return cli_fail(status);
}

int cli_fail_in(const char *file, int status)
{
    fprintf(stderr, "kiln: %s: %s\n", file, kiln_error());
    return kiln_status_exit(status);
}

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "kiln: %s: %s: %s\n", path, what, strerror(errno));
    return CLI_FAILED;
}

/* ---- in -------------------------------------------------------------------------------------- */

static int read_all(int fd, uint8_t *bytes, int64_t size)
{
    for (int64_t at = 0; at < size;) {
        const ssize_t got = read(fd, bytes + at, (size_t)(size - at));

        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) {
            errno = EIO; /* shorter than it was a moment ago */
            return -1;
        }
        at += got;
    }
    return 0;
}

uint8_t *cli_file_read(const char *path, int *size)
{
    const int fd = open(path, O_RDONLY);
    uint8_t *bytes = NULL;
    struct stat about;

    if (fd < 0 || fstat(fd, &about) < 0) {
        complain(path, "cannot be read");
    } else if (S_ISDIR(about.st_mode) || about.st_size > FILE_MAX) {
        fprintf(stderr, "kiln: %s: is %s\n", path,
                S_ISDIR(about.st_mode) ? "a folder, not a file" : "larger than 2 GB");
    } else if (!(bytes = malloc((size_t)about.st_size + 1))) {
        fprintf(stderr, "kiln: %s: there is no room for %lld bytes\n", path,
                (long long)about.st_size);
    } else if (read_all(fd, bytes, about.st_size) < 0) {
        complain(path, "cannot be read");
        free(bytes);
        bytes = NULL;
    } else {
        *size = (int)about.st_size;
    }
    if (fd >= 0) close(fd);
    return bytes;
}

/* ---- out ------------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *bytes, int64_t size)
{
    for (int64_t at = 0; at < size;) {
        const ssize_t put = write(fd, bytes + at, (size_t)(size - at));

        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -1;
        at += put;
    }
    return 0;
}

static int sync_folder(const char *path)
{
    char copy[PATH_SIZE];
    int fd, status;

    snprintf(copy, sizeof copy, "%s", path);
    fd = open(dirname(copy), O_RDONLY);
    if (fd < 0) return -1;
    status = fsync(fd);
    close(fd);
    return status;
}

/* The bytes, on the disk, under a name of their own. */
static int write_new(const char *path, const void *bytes, int64_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int status;

    if (fd < 0) return -1;
    status = write_all(fd, bytes, size);
    if (status == 0) status = fsync(fd);
    if (close(fd) < 0) status = -1;
    return status;
}

static int write_into(const char *path, const void *bytes, int64_t size)
{
    const int fd = open(path, O_WRONLY);
    int status;

    if (fd < 0) return -1;
    status = write_all(fd, bytes, size);
    return close(fd) < 0 ? -1 : status;
}

/* Complains, and leaves no part of a file behind. */
static int give_up(const char *part, const char *path, const char *what)
{
    const int code = complain(path, what);

    unlink(part);
    return code;
}

int cli_file_save(const char *path, const void *bytes, int64_t size)
{
    char part[PATH_SIZE + 8], before[PATH_SIZE + 8];
    struct stat about;

    if (strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, bytes, size) < 0 ? complain("stdout", "cannot be written")
                                                         : 0;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) /* a device or pipe: just into it */
        return write_into(path, bytes, size) < 0 ? complain(path, "cannot be written") : 0;
    snprintf(part, sizeof part, "%s.part", path);
    snprintf(before, sizeof before, "%s.prev", path);
    if (write_new(part, bytes, size) < 0) return give_up(part, path, "cannot be written");
    /* A second name for the last good file: there is never a moment without one. Where links cannot
     * be made there is just no .prev. */
    if (access(path, F_OK) == 0) {
        unlink(before);
        if (link(path, before) < 0 && errno != EPERM && errno != ENOTSUP)
            return give_up(part, before, "cannot be written");
    }
    if (rename(part, path) < 0) return give_up(part, path, "cannot be put in place");
    return sync_folder(path) < 0 ? complain(path, "its folder cannot be written to the disk") : 0;
}

int cli_file_check(const char *path)
{
    char copy[PATH_SIZE];
    const char *folder;
    struct stat about;

    if (strcmp(path, "-") == 0) return 0;
    if (!*path || strlen(path) >= PATH_SIZE) {
        fprintf(stderr, "kiln: the name of the file to write is %s\n",
                *path ? "too long" : "empty");
        return CLI_USAGE;
    }
    snprintf(copy, sizeof copy, "%s", path);
    folder = dirname(copy);
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        fprintf(stderr, "kiln: %s: is a folder; name a file in it\n", path);
        return CLI_USAGE;
    }
    if (access(folder, W_OK) == 0) return 0;
    fprintf(stderr, "kiln: %s: the folder %s cannot be written to: %s\n", path, folder,
            strerror(errno));
    return CLI_USAGE;
}
