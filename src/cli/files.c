/* Reading and writing whole files; see files.h. Data sets are in data_files.c. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "kiln.h"
#include "say.h"

#define FILE_MAX 2000000000
#define MEGA 1000000
#define PATH_SIZE 4096
#define PART_SIZE (PATH_SIZE + 16)

/* ---- failures -------------------------------------------------------------------------------- */

int cli_fail(int status)
{
    cli_say("kiln: %s\n", kiln_error());
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
    cli_say("kiln: %s: %s\n", file, kiln_error());
    return kiln_status_exit(status);
}

static int complain(const char *path, const char *what)
{
    cli_say("kiln: %s: %s: %s\n", path, what, strerror(errno));
    return CLI_FAILED;
}

/* ---- in -------------------------------------------------------------------------------------- */

int64_t cli_read(int fd, void *bytes, int64_t size)
{
    int64_t at = 0;

    while (at < size) {
        const ssize_t got = read(fd, (char *)bytes + at, (size_t)(size - at));

        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        at += got;
    }
    return at;
}

static uint8_t *no_room(const char *path, uint8_t *bytes, int64_t size)
{
    cli_say("kiln: %s: there is no memory for %lld bytes\n", path, (long long)size);
    free(bytes);
    return NULL;
}

/* Pipes do not say how much will come: the buffer doubles until all is there. */
uint8_t *cli_read_rest(int fd, const char *path, const void *head, int64_t have, int64_t most,
                       int *size)
{
    struct stat about;
    int64_t capacity = 1 << 16;
    uint8_t *bytes;

    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) capacity = about.st_size;
    capacity = (capacity < most ? capacity : most) + 1; /* one more: the end must be seen */
    if (capacity < have + 1) capacity = have + 1;
    if (!(bytes = malloc((size_t)capacity))) return no_room(path, NULL, capacity);
    if (have) memcpy(bytes, head, (size_t)have);
    for (;;) {
        const int64_t got = cli_read(fd, bytes + have, capacity - have);
        uint8_t *larger;

        if (got < 0) {
            complain(path, "cannot be read");
            free(bytes);
            return NULL;
        }
        have += got;
        if (have < capacity || have > most) break;
        capacity = 2 * capacity < most + 1 ? 2 * capacity : most + 1;
        if (!(larger = realloc(bytes, (size_t)capacity))) return no_room(path, bytes, capacity);
        bytes = larger;
    }
    *size = (int)have;
    return bytes;
}

uint8_t *cli_file_read(const char *path, int *size)
{
    return cli_file_read_small(path, FILE_MAX, size);
}

uint8_t *cli_file_read_small(const char *path, int most, int *size)
{
    const int from_stdin = strcmp(path, "-") == 0;
    const int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY);
    uint8_t *bytes = NULL;
    struct stat about;

    if (fd < 0 || fstat(fd, &about) < 0) {
        complain(path, "cannot be read");
    } else if (S_ISDIR(about.st_mode)) {
        cli_say("kiln: %s: is a folder, not a file\n", path);
    } else {
        bytes = cli_read_rest(fd, path, NULL, 0, most, size);
        if (bytes && *size > most) {
            cli_say("kiln: %s: is larger than %d %s\n", path, most / (most < MEGA ? 1000 : MEGA),
                    most < MEGA ? "kB" : "MB");
            free(bytes);
            bytes = NULL;
        }
    }
    if (fd >= 0 && !from_stdin) close(fd);
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

static mode_t mode_of_new_files(void)
{
    const mode_t mask = umask(0);

    umask(mask);
    return 0666 & ~mask;
}

/* While a new file is half there, a signal that would end the program waits, or the half would
 * stay behind. Returns what to give back. */
static sigset_t hold_signals(void)
{
    sigset_t ending, before;

    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, &before);
    return before;
}

static int release_signals(sigset_t before, int code)
{
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* The bytes, on the disk, under a name of their own beside `path`, which is put into `part`.
 * mkstemp() takes no name that exists, as a file or as a link, so two processes that save to one
 * path cannot write into each other's file. */
static int write_new(char *part, const char *path, const void *bytes, int64_t size, mode_t mode)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int fd, status, reason;

    snprintf(part, PART_SIZE, "%.*s%.200s.part-XXXXXX", (int)(name - path), path, name);
    if ((fd = mkstemp(part)) < 0) {
        part[0] = 0;
        return -1;
    }
    status = write_all(fd, bytes, size);
    if (status == 0) status = fchmod(fd, mode);
    if (status == 0) status = fsync(fd);
    reason = errno;
    if (close(fd) < 0 && status == 0) return -1;
    errno = reason;
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

/* Gives the last good file its second name, PATH.prev, so that there is never a moment without
 * one. Where that cannot be, the new file is saved all the same. */
static void keep_previous(const char *path, const char *part)
{
    static int told;
    char link_name[PART_SIZE + 8], before[PATH_SIZE + 8];

    snprintf(link_name, sizeof link_name, "%s.prev", part);
    snprintf(before, sizeof before, "%s.prev", path);
    if (link(path, link_name) < 0) return; /* no links here */
    if (rename(link_name, before) < 0 && !told) {
        cli_say("kiln: %s: cannot be written (%s); the file before is not kept\n", before,
                strerror(errno));
        told = 1;
    }
    unlink(link_name); /* still there where both were names of one file */
}

/* `about` is what is there now; NULL: nothing. */
static int replace(const char *path, const struct stat *about, const void *bytes, int64_t size)
{
    const mode_t mode = about ? about->st_mode & 0777 : mode_of_new_files();
    char part[PART_SIZE];
    int code;

    if (write_new(part, path, bytes, size, mode) < 0) {
        code = complain(path, "cannot be written");
        if (part[0]) unlink(part);
        return code;
    }
    if (about) keep_previous(path, part);
    if (rename(part, path) < 0) {
        code = complain(path, "cannot be put in place");
        unlink(part);
        return code;
    }
    return sync_folder(path) < 0 ? complain(path, "its folder cannot be written to the disk") : 0;
}

int cli_file_save(const char *path, const void *bytes, int64_t size)
{
    char target[PATH_MAX];
    struct stat about;
    int exists;

    if (strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, bytes, size) < 0 ? complain("stdout", "cannot be written")
                                                         : 0;
    exists = stat(path, &about) == 0;
    if (exists && !S_ISREG(about.st_mode)) /* a device or pipe: just into it */
        return write_into(path, bytes, size) < 0 ? complain(path, "cannot be written") : 0;
    if (exists && realpath(path, target)) path = target; /* a link stays one */

    const sigset_t before = hold_signals();

    return release_signals(before, replace(path, exists ? &about : NULL, bytes, size));
}

static int check_device(const char *path)
{
    if (access(path, W_OK) == 0) return 0;
    complain(path, "cannot be written");
    return CLI_USAGE;
}

/* What access() says is no promise, least of all to root: a new file is made, and taken away. */
static int check_new(const char *path)
{
    const sigset_t before = hold_signals();
    char part[PART_SIZE];
    const int made = write_new(part, path, "", 0, mode_of_new_files());

    if (made < 0) complain(path, "cannot be written");
    if (part[0]) unlink(part);
    return release_signals(before, made < 0 ? CLI_USAGE : 0);
}

/* Why there is no file of this name. */
static int errno_of_stat(const char *path)
{
    struct stat about;

    return lstat(path, &about) < 0 ? errno : ENOENT; /* a link that leads nowhere is replaced */
}

int cli_file_check(const char *path)
{
    char copy[PATH_SIZE];
    const char *folder;
    struct stat about;
    int exists;

    if (strcmp(path, "-") == 0) return 0;
    if (!*path || strlen(path) >= PATH_SIZE) {
        cli_say("kiln: the name of the file to write is %s\n",
                *path ? "too long" : "empty");
        return CLI_USAGE;
    }
    snprintf(copy, sizeof copy, "%s", path);
    folder = dirname(copy);
    exists = stat(path, &about) == 0;
    if (path[strlen(path) - 1] == '/' || (exists && S_ISDIR(about.st_mode))) {
        cli_say("kiln: %s: is a folder; name a file in it\n", path);
        return CLI_USAGE;
    }
    if (access(folder, W_OK) < 0) {
        cli_say("kiln: %s: the folder %s cannot be written to: %s\n", path, folder,
                strerror(errno));
        return CLI_USAGE;
    }
    if (!exists && errno_of_stat(path) != ENOENT) /* a name that is too long, say */
        return complain(path, "cannot be written"), CLI_USAGE;
    return exists && !S_ISREG(about.st_mode) ? check_device(path) : check_new(path);
}

int cli_folder_make(const char *path)
{
    struct stat about;

    if (mkdir(path, 0777) == 0) return 0;
    if (errno == EEXIST && stat(path, &about) == 0 && S_ISDIR(about.st_mode)) return 0;
    cli_say("kiln: %s: cannot be made a folder: %s\n", path, strerror(errno));
    return CLI_USAGE;
}
