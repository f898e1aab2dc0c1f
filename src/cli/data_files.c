/*
 * Data sets from files: an archive (.tar.gz, by zlib, or .tar), a folder of files, files named one
 * by one with commas, packed or not, or standard input. What a file is, its first bytes tell; what
 * it holds, its name, or train= or test= before it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "files.h"
#include "kiln.h"
#include "pictures.h"
#include "say.h"

#define PIECE (1 << 18)
#define PATH_SIZE 4096
#define LARGEST_FILE 200000000 /* bytes that are read whole */
#define HEAD 512               /* bytes that tell what a file is */

static cli_form form;      /* of the pictures of a folder, .. */
static int pictures_added; /* where one was found */

static int bad_data(const char *path, const char *what)
{
    cli_say("kiln: %s: %s\n", path, what);
    return CLI_BAD_DATA;
}

/* ---- one file -------------------------------------------------------------------------------- */

typedef struct {
    const char *path; /* for messages */
    int fd, split;
    z_stream z;
    int ended, padded; /* a whole gzip was read; zeros came after it */
    int64_t have;      /* bytes in `in` */
    int is_tar;        /* of what was unpacked; -1: not known yet */
    uint8_t *whole;    /* what was unpacked and is no archive; NULL for none */
    int whole_size;
    uint8_t in[PIECE], out[PIECE];
} stream;

/* The next piece. 0 or an exit code; at the end there are no bytes. */
static int next_piece(stream *s)
{
    s->have = cli_read(s->fd, s->in, PIECE);
    return s->have < 0 ? bad_data(s->path, strerror(errno)) : 0;
}

static int feed_plain(stream *s, int data)
{
    int code = 0;

    while (s->have > 0 && code == 0) {
        const int status = kiln_data_feed_tar(data, s->in, (int)s->have);

        if (status < 0) return cli_fail_in(s->path, status);
        code = next_piece(s);
    }
    return code;
}

/* After a gzip: another one, whose bytes follow on those of the first, or zeros to the end, which
 * tapes and block devices add. 0 when z goes on, 1 when there is nothing left, or an exit code. */
static int next_member(stream *s)
{
    for (; s->z.avail_in > 0 && *s->z.next_in == 0; s->z.next_in++, s->z.avail_in--) s->padded = 1;
    if (s->z.avail_in == 0) return 1;
    if (s->padded || *s->z.next_in != 0x1f)
        return bad_data(s->path, "bytes after the end of the gzip");
    s->ended = 0;
    inflateReset(&s->z);
    return 0;
}

static int refuse_split(const stream *s)
{
    if (s->split == KILN_BY_NAME) return 0;
    return bad_data(s->path, "is an archive, which says itself what is for training and what for "
                             "testing: leave out train= or test=");
}

/* Keeps what was unpacked, until it is whole or known to be an archive. */
static int keep_unpacked(stream *s)
{
    const int got = PIECE - (int)s->z.avail_out;
    uint8_t *larger = realloc(s->whole, (size_t)s->whole_size + PIECE);

    if (!larger) {
        cli_say("kiln: %s: no memory to unpack it\n", s->path);
        return CLI_NO_MEMORY;
    }
    s->whole = larger;
    memcpy(s->whole + s->whole_size, s->out, (size_t)got);
    s->whole_size += got;
    return s->whole_size > LARGEST_FILE ? bad_data(s->path, "unpacks to more than a data set has")
                                        : 0;
}

/* What a packed file is: its name counts without .gz. */
static int kind_unpacked(const stream *s)
{
    char name[PATH_SIZE];
    const int length = (int)strlen(s->path);
    const int is_gz = length > 3 && strcmp(s->path + length - 3, ".gz") == 0;

    snprintf(name, sizeof name, "%.*s", is_gz ? length - 3 : length, s->path);
    return kiln_data_kind(name, s->whole, s->whole_size < HEAD ? s->whole_size : HEAD, -1);
}

/* By what was unpacked so far: an archive is fed from now on. */
static int decide(stream *s, int data)
{
    int status = kind_unpacked(s), code;

    if (status < 0) return cli_fail(status);
    s->is_tar = status == KILN_FILE_TAR;
    if (!s->is_tar) return 0;
    if ((code = refuse_split(s))) return code;
    status = kiln_data_feed_tar(data, s->whole, s->whole_size);
    free(s->whole);
    s->whole = NULL;
    return status < 0 ? cli_fail_in(s->path, status) : 0;
}

/* The next bytes that were unpacked. */
static int take_unpacked(stream *s, int data)
{
    int status = 0, code;

    if (s->is_tar == 1) {
        status = kiln_data_feed_tar(data, s->out, PIECE - (int)s->z.avail_out);
        return status < 0 ? cli_fail_in(s->path, status) : 0;
    }
    if ((code = keep_unpacked(s)) || s->is_tar == 0 || s->whole_size < HEAD) return code;
    return decide(s, data);
}

/* Unpacks what there is in z.next_in. */
static int inflate_piece(stream *s, int data)
{
    while (s->z.avail_in > 0) {
        int result, status;

        if (s->ended && (status = next_member(s))) return status == 1 ? 0 : status;
        s->z.next_out = s->out;
        s->z.avail_out = PIECE;
        result = inflate(&s->z, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR) {
            cli_say("kiln: %s: no memory to unpack it\n", s->path);
            return CLI_NO_MEMORY;
        }
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            cli_say("kiln: %s: the gzip is damaged (%s)\n", s->path,
                    s->z.msg ? s->z.msg : "unreadable");
            return CLI_BAD_DATA;
        }
        if ((status = take_unpacked(s, data))) return status;
        s->ended = result == Z_STREAM_END;
    }
    return 0;
}

static int add_bytes(const stream *s, int data, const uint8_t *bytes, int size)
{
    const char *given = s->fd == STDIN_FILENO ? "-" : s->path;
    const int status = kiln_data_add_file(data, s->path, bytes, size, s->split);

    if (status >= 0) return 0;
    cli_fail(status); /* the sentence names the file */
    if (status == KILN_E_SPLIT)
        cli_say("kiln: training images: --data train=%s, test images: --data test=%s\n",
                given, given);
    return CLI_BAD_DATA;
}

static int feed_gzip(stream *s, int data)
{
    int code = 0;

    if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) { /* 16: gzip, with its checksum */
        cli_say("kiln: %s: no memory to unpack it\n", s->path);
        return CLI_NO_MEMORY;
    }
    while (code == 0 && s->have > 0) {
        s->z.next_in = s->in;
        s->z.avail_in = (uInt)s->have;
        code = inflate_piece(s, data);
        if (code == 0) code = next_piece(s);
    }
    inflateEnd(&s->z);
    if (code == 0 && !s->ended) code = bad_data(s->path, "the gzip is cut short");
    if (code == 0 && s->is_tar < 0) code = decide(s, data); /* fewer bytes than a head */
    if (code == 0 && s->is_tar != 1) code = add_bytes(s, data, s->whole, s->whole_size);
    free(s->whole);
    return code;
}

static int add_records(stream *s, int data)
{
    int size, code;
    uint8_t *bytes = cli_read_rest(s->fd, s->path, s->in, s->have, LARGEST_FILE, &size);

    if (!bytes) return CLI_BAD_DATA;
    code = add_bytes(s, data, bytes, size);
    free(bytes);
    return code;
}

/* The file or pipe behind fd, by its first bytes. */
static int add_stream(stream *s, int data)
{
    struct stat about;
    int total = -1, kind, code = next_piece(s);

    if (code) return code;
    if (s->have == 0) return bad_data(s->path, "the file is empty");
    if (fstat(s->fd, &about) == 0 && S_ISREG(about.st_mode))
        total = about.st_size < 2000000000 ? (int)about.st_size : 2000000000;
    if ((kind = kiln_data_kind(s->path, s->in, (int)s->have, total)) < 0) return cli_fail(kind);
    if (kind == KILN_FILE_RECORDS) return add_records(s, data);
    if (kind == KILN_FILE_GZIP) return feed_gzip(s, data);
    return (code = refuse_split(s)) ? code : feed_plain(s, data);
}

static int add_file(const char *path, int split, int data)
{
    const int from_stdin = strcmp(path, "-") == 0;
    stream *s = calloc(1, sizeof *s);
    int code;

    if (!s) {
        cli_say("kiln: %s: no memory to read it\n", path);
        return CLI_NO_MEMORY;
    }
    s->path = from_stdin ? "standard input" : path;
    s->split = split;
    s->is_tar = -1;
    s->fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY);
    code = s->fd < 0 ? bad_data(path, strerror(errno)) : add_stream(s, data);
    if (s->fd > STDIN_FILENO) close(s->fd);
    free(s);
    return code;
}

/* ---- folders --------------------------------------------------------------------------------- */

static int ends_in(const char *text, const char *end)
{
    const size_t length = strlen(text), wanted = strlen(end);

    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* Not what macOS leaves beside a file, ._NAME. */
static int is_records(const struct dirent *entry)
{
    static const char *const ends[] = {".bin", "-ubyte", "-ubyte.gz", ".kilnset",
                                       "fine_label_names.txt"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (entry->d_name[0] != '.' && ends_in(entry->d_name, ends[i])) return 1;
    return 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A folder without records: the first file in it that is known tells what it is. */
static int refuse_folder(const char *path)
{
    char file[PATH_SIZE + 300];
    uint8_t head[512];
    struct dirent **entry;
    struct stat about;
    const int count = scandir(path, &entry, is_visible, alphasort);
    int told = 0;

    for (int i = 0; i < count; i++) {
        snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);
        free(entry[i]);
        if (told || stat(file, &about) < 0 || !S_ISREG(about.st_mode)) continue;

        const int fd = open(file, O_RDONLY);
        const int64_t got = fd < 0 ? 0 : cli_read(fd, head, sizeof head);
        const int kind = got <= 0 ? 0 : kiln_data_kind(file, head, (int)got, -1);

        if (kind < 0) cli_fail(kind);
        told = kind < 0;
        if (fd >= 0) close(fd);
    }
    if (count >= 0) free(entry);
    return told ? CLI_BAD_DATA : bad_data(path, "there are neither files of a data set nor folders "
                                            "of pictures in this folder");
}

/* All files of images in a folder, or of what the archive unpacks to in it, or the archive. */
static int add_folder(const char *path, int split, int data)
{
    static const char *const inner[] = {"cifar-10-batches-bin", "cifar-10-binary.tar.gz",
                                        "cifar-100-binary", "cifar-100-binary.tar.gz"};
    char file[PATH_SIZE + 300];
    struct dirent **entry;
    struct stat about;
    const int count = scandir(path, &entry, is_records, alphasort);
    int code = 0;

    if (count < 0) return bad_data(path, strerror(errno));
    for (int i = 0; i < count; i++) {
        snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);
        if (code == 0) code = add_file(file, split, data);
        free(entry[i]);
    }
    free(entry);
    if (count > 0) return code;
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        snprintf(file, sizeof file, "%s/%s", path, inner[i]);
        if (ends_in(path, inner[i]) || stat(file, &about) != 0) continue;
        return S_ISDIR(about.st_mode) ? add_folder(file, split, data) : add_file(file, split, data);
    }
    if (!cli_pictures_are_in(path)) return refuse_folder(path);
    pictures_added = 1;
    return cli_pictures_add(data, path, &form);
}

/* ---- --data ---------------------------------------------------------------------------------- */

/* Takes train= or test= off the path. */
static const char *take_split(const char *path, int *split)
{
    *split = KILN_BY_NAME;
    if (strncmp(path, "train=", 6) == 0) {
        *split = KILN_TRAIN;
        return path + 6;
    }
    if (strncmp(path, "test=", 5) == 0) {
        *split = KILN_TEST;
        return path + 5;
    }
    return path;
}

static int add_one(const char *given, int data)
{
    struct stat about;
    int split = KILN_BY_NAME;
    const char *path = stat(given, &about) == 0 ? given : take_split(given, &split);

    if (strcmp(path, "-") == 0) return add_file(path, split, data);
    if (stat(path, &about) < 0) return bad_data(path, strerror(errno));
    return S_ISDIR(about.st_mode) ? add_folder(path, split, data) : add_file(path, split, data);
}

/* One, or several with commas. */
static int add_path(const char *given, int data)
{
    struct stat about;
    char one[PATH_SIZE];
    int code = 0;

    if (stat(given, &about) == 0 || !strchr(given, ',')) return add_one(given, data);
    for (const char *p = given; *p && code == 0;) {
        const int length = (int)strcspn(p, ",");

        snprintf(one, sizeof one, "%.*s", length, p);
        if (length > 0) code = add_one(one, data);
        p += length + (p[length] == ',');
    }
    return code;
}

/* The form of pictures has no meaning for other data. */
static int check_form(const cli_arguments *a)
{
    const int option = a->value[CLI_FIT] ? CLI_FIT : CLI_INPUT;

    if (pictures_added || !a->value[option]) return 0;
    cli_say("kiln: --%s says how a folder of pictures is read; these data are none\n",
            cli_own_name(option));
    return CLI_USAGE;
}

int cli_data_open(const cli_arguments *a)
{
    const char *path = a->value[CLI_DATA];
    int data, status, code;
    char text[512];

    pictures_added = 0;
    if ((code = cli_form_read(&form, a))) return -code;
    if ((!path || strcmp(path, "builtin") == 0) && (code = check_form(a))) return -code;
    if (!path || strcmp(path, "builtin") == 0) {
        cli_arguments_pick(a, " train validation test data-seed ", text, sizeof text);
        data = kiln_data_builtin(text);
        return data < 0 ? -cli_fail(data) : data;
    }
    cli_arguments_pick(a, " train validation test data-seed ", text, sizeof text);
    data = kiln_data_create();
    if (data < 0) return -cli_fail(data);
    code = add_path(path, data);
    if (code == 0) code = check_form(a);
    if (code == 0 && (status = kiln_data_finish(data, text)) < 0) code = cli_fail_in(path, status);
    if (code == 0) return data;
    kiln_data_destroy(data);
    return -code;
}
