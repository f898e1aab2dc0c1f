/* Writing zip archives; see zip.h. */
#include "formats/zip.h"

#include <limits.h>
#include <string.h>

#include "base/status.h"

#define DATE 0x21 /* 1 January 1980, the first there is */

uint32_t kiln_crc32(uint32_t crc, const uint8_t *bytes, size_t size)
{
    uint32_t table[256];

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320u : 0);
    }
    crc = ~crc;
    for (size_t i = 0; i < size; i++) crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return ~crc;
}

/* What a local header and the directory say alike of a file: versions to the length of its name. */
static void put_facts(kiln_bytes *b, uint32_t crc, size_t size, const char *name)
{
    kiln_bytes_little_endian(b, 20, 2); /* zip 2.0 opens it */
    kiln_bytes_little_endian(b, 0, 4);  /* no flags; stored */
    kiln_bytes_little_endian(b, (uint64_t)DATE << 16, 4);
    kiln_bytes_little_endian(b, crc, 4);
    kiln_bytes_little_endian(b, size, 4); /* packed, and unpacked */
    kiln_bytes_little_endian(b, size, 4);
    kiln_bytes_little_endian(b, strlen(name), 2);
    kiln_bytes_little_endian(b, 0, 2); /* nothing extra */
}

int kiln_zip_add(kiln_zip *z, const char *name, const void *head, size_t head_size,
                 const void *data, size_t size)
{
    const size_t at = z->out->size;
    const uint32_t crc = kiln_crc32(kiln_crc32(0, head, head_size), data, size);

    if (at + head_size + size > INT_MAX)
        return kiln_fail(KILN_E_MEMORY, "zip: the file would have more than %d bytes", INT_MAX);
    kiln_bytes_text(z->out, "PK\x03\x04");
    put_facts(z->out, crc, head_size + size, name);
    kiln_bytes_text(z->out, name);
    kiln_bytes_put(z->out, head, head_size);
    kiln_bytes_put(z->out, data, size);

    kiln_bytes_text(&z->directory, "PK\x01\x02");
    kiln_bytes_little_endian(&z->directory, 20, 2); /* made by zip 2.0 */
    put_facts(&z->directory, crc, head_size + size, name);
    kiln_bytes_zeros(&z->directory, 10); /* no comment, disk 0, attributes */
    kiln_bytes_little_endian(&z->directory, at, 4);
    kiln_bytes_text(&z->directory, name);
    z->count++;
    return KILN_OK;
}

int kiln_zip_take(kiln_zip *z, const char *name, kiln_bytes *file)
{
    int status = kiln_bytes_end(file);

    if (status >= 0) status = kiln_zip_add(z, name, NULL, 0, file->arena.base, file->size);
    kiln_bytes_free(file);
    return status;
}

int kiln_zip_end(kiln_zip *z, int status)
{
    const size_t at = z->out->size, bytes = z->directory.size;

    if (status >= 0) status = kiln_bytes_end(&z->directory);
    if (status >= 0) {
        kiln_bytes_put(z->out, z->directory.arena.base, bytes);
        kiln_bytes_text(z->out, "PK\x05\x06");
        kiln_bytes_zeros(z->out, 4); /* disk 0 of 0 */
        kiln_bytes_little_endian(z->out, (uint64_t)z->count, 2);
        kiln_bytes_little_endian(z->out, (uint64_t)z->count, 2);
        kiln_bytes_little_endian(z->out, bytes, 4);
        kiln_bytes_little_endian(z->out, at, 4);
        kiln_bytes_zeros(z->out, 2); /* no comment */
    }
    kiln_bytes_free(&z->directory);
    return status;
}
