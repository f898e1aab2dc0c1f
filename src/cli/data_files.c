/*
 * Data sets from files: an archive (.tar.gz, by zlib, or .tar), a folder of .bin files, or .bin
 * files named one by one with commas. What a file is, its first bytes tell.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "files.h"
#include "kiln.h"

#define PIECE (1 << 18)
#define PATH_SIZE 4096

/* ---- archives -------------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    FILE *file;
    z_stream z;
    uint8_t in[PIECE], out[PIECE];
} archive;

static int bad_data(const char *path, const char *what)
{
    fprintf(stderr, "kiln: %s: %s\n", path, what);
    return CLI_BAD_DATA;
}

/* Feeds a plain tar. */
static int feed_plain(archive *a, int data)
{
    size_t got;

    while ((got = fread(a->in, 1, PIECE, a->file)) > 0) {
        const int status = kiln_data_feed_tar(data, a->in, (int)got);

        if (status < 0) return cli_fail_in(a->path, status);
    }
    return ferror(a->file) ? bad_data(a->path, strerror(errno)) : 0;
}

/* Unpacks what there is in z.next_in. *ended: the gzip's checksum was read and is right. */
static int inflate_piece(archive *a, int data, int *ended)
{
    while (a->z.avail_in > 0 && !*ended) {
        int result, status;

        a->z.next_out = a->out;
        a->z.avail_out = PIECE;
        result = inflate(&a->z, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR) {
            fprintf(stderr, "kiln: %s: no memory to unpack it\n", a->path);
            return CLI_NO_MEMORY;
        }
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            fprintf(stderr, "kiln: %s: the gzip is damaged (%s)\n", a->path,
                    a->z.msg ? a->z.msg : "unreadable");
            return CLI_BAD_DATA;
        }
        status = kiln_data_feed_tar(data, a->out, PIECE - (int)a->z.avail_out);
        if (status < 0) return cli_fail_in(a->path, status);
        *ended = result == Z_STREAM_END;
    }
    return *ended && a->z.avail_in > 0 ? bad_data(a->path, "bytes after the end of the gzip") : 0;
}

static int feed_gzip(archive *a, int data)
{
    int ended = 0, code = 0;
    size_t got;

    memset(&a->z, 0, sizeof a->z);
    if (inflateInit2(&a->z, 16 + MAX_WBITS) != Z_OK) { /* 16: gzip, with its checksum */
        fprintf(stderr, "kiln: %s: no memory to unpack it\n", a->path);
        return CLI_NO_MEMORY;
    }
    while (code == 0 && (got = fread(a->in, 1, PIECE, a->file)) > 0) {
        a->z.next_in = a->in;
        a->z.avail_in = (uInt)got;
        code = ended ? bad_data(a->path, "bytes after the end of the gzip")
                     : inflate_piece(a, data, &ended);
    }
    inflateEnd(&a->z);
    if (code == 0 && ferror(a->file)) return bad_data(a->path, strerror(errno));
    if (code == 0 && !ended) return bad_data(a->path, "the gzip is cut short");
    return code;
}

static int add_archive(const char *path, int gzip, int data)
{
    archive *a = malloc(sizeof *a);
    int code;

    if (!a) {
        fprintf(stderr, "kiln: %s: no memory to unpack it\n", path);
        return CLI_NO_MEMORY;
    }
    a->path = path;
    a->file = fopen(path, "rb");
    if (!a->file) {
        free(a);
        return bad_data(path, strerror(errno));
    }
    code = gzip ? feed_gzip(a, data) : feed_plain(a, data);
    fclose(a->file);
    free(a);
    return code;
}

/* ---- files and folders ----------------------------------------------------------------------- */

static int ends_in(const char *text, const char *end)
{
    const size_t length = strlen(text), wanted = strlen(end);

    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static int add_file(const char *path, int data)
{
    uint8_t start[264] = {0};
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    int size = 0, status;
    size_t got;

    if (!file) return bad_data(path, strerror(errno));
    got = fread(start, 1, sizeof start, file);
    fclose(file);
    if (got == 0) return bad_data(path, "the file is empty");
    if (start[0] == 0x1f && start[1] == 0x8b) return add_archive(path, 1, data);
    if (memcmp(start + 257, "ustar", 5) == 0 || ends_in(path, ".tar"))
        return add_archive(path, 0, data);
    bytes = cli_file_read(path, &size);
    if (!bytes) return CLI_BAD_DATA;
    status = kiln_data_add_file(data, path, bytes, size);
    free(bytes);
    return status < 0 ? cli_fail(status) : 0; /* the sentence names the file */
}

static int is_records(const struct dirent *entry)
{
    return ends_in(entry->d_name, ".bin");
}

/* All .bin files of a folder, or of the folder that the archive unpacks to. */
static int add_folder(const char *path, int data)
{
    static const char inner[] = "cifar-10-batches-bin";
    char file[PATH_SIZE + 300];
    struct dirent **entry;
    struct stat about;
    const int count = scandir(path, &entry, is_records, alphasort);
    int code = 0;

    if (count < 0) return bad_data(path, strerror(errno));
    for (int i = 0; i < count; i++) {
        snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);
        if (code == 0) code = add_file(file, data);
        free(entry[i]);
    }
    free(entry);
    if (count > 0) return code;
    snprintf(file, sizeof file, "%s/%s", path, inner);
    if (!ends_in(path, inner) && stat(file, &about) == 0) return add_folder(file, data);
    return bad_data(path, "there are no .bin files in this folder");
}

static int add_path(const char *path, int data)
{
    struct stat about;
    char one[PATH_SIZE];

    if (stat(path, &about) == 0)
        return S_ISDIR(about.st_mode) ? add_folder(path, data) : add_file(path, data);
    if (!strchr(path, ',')) return bad_data(path, strerror(errno));
    for (const char *p = path; *p;) { /* several, with commas */
        const int length = (int)strcspn(p, ",");
        int code;

        snprintf(one, sizeof one, "%.*s", length, p);
        code = length > 0 && stat(one, &about) != 0 ? bad_data(one, strerror(errno))
               : length > 0                         ? add_file(one, data)
                                                    : 0;
        if (code) return code;
        p += length + (p[length] == ',');
    }
    return 0;
}

int cli_data_open(const cli_arguments *a)
{
    const char *path = a->value[CLI_DATA];
    int data, status, code;
    char text[512];

    if (!path || strcmp(path, "builtin") == 0) {
        cli_arguments_pick(a, " train validation test data-seed ", text, sizeof text);
        data = kiln_data_builtin(text);
        return data < 0 ? -cli_fail(data) : data;
    }
    cli_arguments_pick(a, " train validation test ", text, sizeof text);
    data = kiln_data_create();
    if (data < 0) return -cli_fail(data);
    code = add_path(path, data);
    if (code == 0 && (status = kiln_data_finish(data, text)) < 0) code = cli_fail_in(path, status);
    if (code == 0) return data;
    kiln_data_destroy(data);
    return -code;
}
