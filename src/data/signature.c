/*
 * Signatures of the files of data sets, and of files that people take for such: other versions,
 * archives of other kinds, pictures, what a server sends in place of a file.
 *
 * A record of CIFAR-10 begins with its label, 0..9, and no signature below begins with such a byte
 * but those of safetensors (a length), looked at only where the size is known and no number of
 * records, and of MNIST's kind, whose header has to agree with the size, or where that is not known
 * with what images can be.
 */
#include "data/signature.h"

#include <string.h>

#include "base/status.h"
#include "data/archive.h"
#include "data/reader.h"

#define WANTED "kiln reads cifar-10-binary.tar.gz and its .bin files, CIFAR-100's, MNIST's"

typedef struct {
    int at;            /* byte where the signature stands */
    const char *bytes; /* as hexadecimal digits */
    const char *what, *remedy;
} signature;

static const char picture[] = "a picture is no data set; " WANTED;
static const char unpack[] = "unpack it first; " WANTED;
static const char other_version[] = "CIFAR-10's Python and MATLAB versions are of this kind, and "
                                    "kiln reads the binary one, cifar-10-binary.tar.gz";

static const signature signatures[] = {
    {0, "504b0304", "a zip archive", unpack},
    {0, "504b0506", "an empty zip archive", WANTED},
    {0, "fd377a585a00", "an xz archive", unpack},
    {0, "425a68", "a bzip2 archive", unpack},
    {0, "28b52ffd", "a zstd archive", unpack},
    {0, "377abcaf271c", "a 7z archive", unpack},
    {0, "526172211a07", "a RAR archive", unpack},
    {0, "89504e470d0a1a0a", "a PNG picture", picture},
    {0, "ffd8ff", "a JPEG picture", picture},
    {0, "47494638", "a GIF picture", picture},
    {8, "57454250", "a WebP picture", picture},
    {4, "66747970", "a picture or film (HEIC, AVIF, MP4)", picture},
    {0, "25504446", "a PDF document", WANTED},
    {0, "4d41544c414220", "a MATLAB file", other_version},
    {0, "894844460d0a1a0a", "a MATLAB or HDF5 file", other_version},
    {0, "934e554d5059", "a NumPy array", other_version},
    {0, "8002", "a Python pickle", other_version},
    {0, "8003", "a Python pickle", other_version},
    {0, "8004", "a Python pickle", other_version},
    {0, "8005", "a Python pickle", other_version},
};
enum { SIGNATURES = sizeof signatures / sizeof *signatures };

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int matches(const signature *s, const uint8_t *head, int size)
{
    const int length = (int)strlen(s->bytes) / 2;

    if (s->at + length > size) return 0;
    for (int i = 0; i < length; i++)
        if (head[s->at + i] != 16 * digit(s->bytes[2 * i]) + digit(s->bytes[2 * i + 1])) return 0;
    return 1;
}

/* A length of eight bytes, then a JSON object. */
static int is_safetensors(const uint8_t *head, int size)
{
    static const uint8_t zeros[4];

    return size >= 10 && head[8] == '{' && (head[9] == '"' || head[9] == '}' || head[9] == ' ') &&
           memcmp(head + 4, zeros, sizeof zeros) == 0;
}

/* `<` and the beginning of a name or declaration, after spaces and a byte order mark. */
static int is_markup(const uint8_t *head, int size)
{
    int i = size >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < size && (head[i] == ' ' || (head[i] >= '\t' && head[i] <= '\r'))) i++;
    if (i + 1 >= size || head[i] != '<') return 0;
    return head[i + 1] == '!' || head[i + 1] == '?' || (head[i + 1] | 32) == 'h';
}

static int is_cifar100_name(const char *name)
{
    return strcmp(name, "train.bin") == 0 || strcmp(name, "test.bin") == 0;
}

/* Records of 3074 bytes: two labels, below 20 and below 100. A file of CIFAR-10 that is cut short
 * may have such a size; so there must be many of these labels, or the number or name be right. */
static int is_cifar100(const char *path, const uint8_t *head, int size, int64_t total)
{
    const int64_t record = kiln_format_bytes(&kiln_format_cifar100);
    char name[KILN_NAME_SIZE];
    int seen = 0;

    kiln_reader_name(name, path);
    if (total < 0 || is_cifar100_name(name)) return is_cifar100_name(name);
    if (total == 0 || total % record != 0) return 0;
    for (int64_t at = 0; at + 1 < size; at += record, seen++)
        if (head[at] >= 20 || head[at + 1] >= 100) return 0;
    return seen >= 4 || total == 10000 * record || total == 50000 * record;
}

static int begins_as_idx(const uint8_t *head, int size)
{
    return size >= 4 && memcmp(head, "\0\0\x08", 3) == 0 && (head[3] == 1 || head[3] == 3);
}

static int64_t word_at(const uint8_t *bytes)
{
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/* MNIST's kind, with a header that agrees with the size. */
static int is_idx(const uint8_t *head, int size, int64_t total)
{
    int64_t count, H = 1, W = 1;

    if (!begins_as_idx(head, size) || size < (head[3] == 3 ? 16 : 8)) return 0;
    count = word_at(head + 4);
    if (head[3] == 3) H = word_at(head + 8), W = word_at(head + 12);
    if (H < 1 || W < 1 || H > KILN_SIDE_MAX || W > KILN_SIDE_MAX) return 0;
    if (total < 0) return count > 0 && count <= 1000000;
    return total == (head[3] == 3 ? 16 : 8) + count * H * W;
}

static int ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), wanted = strlen(end);

    return length >= wanted && strcmp(name + length - wanted, end) == 0;
}

int kiln_signature_read(const char *name, const uint8_t *head, int size, int64_t total)
{
    const char *what = NULL, *remedy = WANTED;
    const int records = size > 0 && head[0] < kiln_format_cifar10.classes &&
                        (total < 0 || total % kiln_format_bytes(&kiln_format_cifar10) == 0);

    if (size >= 2 && head[0] == 0x1f && head[1] == 0x8b) return KILN_IS_GZIP;
    if (kiln_archive_begins(head, size) || ends_in(name, ".tar")) return KILN_IS_TAR;
    if (size >= 8 && memcmp(head, "KILNSET ", 8) == 0) return KILN_IS_KILNSET;
    if (ends_in(name, "fine_label_names.txt")) return KILN_IS_NAMES;
    if (is_idx(head, size, total)) return KILN_IS_IDX;
    if (records && total < 0 && is_cifar100(name, head, size, total)) return KILN_IS_CIFAR100;
    if (records) return KILN_IS_RECORDS;
    for (int i = 0; i < SIGNATURES && !what; i++)
        if (matches(&signatures[i], head, size)) {
            what = signatures[i].what;
            remedy = signatures[i].remedy;
        }
    if (is_safetensors(head, size)) {
        what = "a safetensors file";
        remedy = "it holds a net and no images: load it as a checkpoint";
    } else if (is_markup(head, size)) {
        what = "a web page (HTML)";
        remedy = "the server sent it in place of the file: fetch the file again";
    } else if (is_cifar100(name, head, size, total)) {
        return KILN_IS_CIFAR100;
    } else if (begins_as_idx(head, size)) {
        return KILN_IS_IDX;
    } else if (!what && strstr(name, "-idx")) {
        what = "an idx file of another kind";
    }
    if (!what) return KILN_IS_RECORDS;
    return kiln_fail(KILN_E_DATA, "%s: is %s; %s", name, what, remedy);
}

/* ---- names ----------------------------------------------------------------------------------- */

const char *kiln_signature_set(const char *name)
{
    static const char *const cifar100[] = {"train", "test", "meta", "train.mat", "test.mat",
                                           "meta.mat"};

    for (size_t i = 0; i < sizeof cifar100 / sizeof *cifar100; i++)
        if (strcmp(name, cifar100[i]) == 0)
            return i < 3 ? "CIFAR-100's Python version" : "CIFAR-100's MATLAB version";
    if (strncmp(name, "data_batch_", 11) != 0 && strncmp(name, "test_batch", 10) != 0 &&
        strncmp(name, "batches.meta", 12) != 0)
        return NULL;
    if (ends_in(name, ".mat")) return "CIFAR-10's MATLAB version";
    return strchr(name, '.') && !ends_in(name, ".meta") ? NULL : "CIFAR-10's Python version";
}
