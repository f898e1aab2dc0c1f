/* Protocol Buffers, writing: see protobuf.h. */
#include "formats/protobuf.h"

#include <string.h>

enum { VARINT = 0, LENGTH = 2, FIXED32 = 5 }; /* wire types */

#define LENGTH_BYTES 5

static void put_varint(kiln_bytes *b, uint64_t value)
{
    do {
        const uint8_t byte = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));

        kiln_bytes_put(b, &byte, 1);
        value >>= 7;
    } while (value);
}

static void put_tag(kiln_bytes *b, int field, int type)
{
    put_varint(b, (uint64_t)field << 3 | (uint64_t)type);
}

void kiln_proto_int(kiln_bytes *b, int field, int64_t value)
{
    put_tag(b, field, VARINT);
    put_varint(b, (uint64_t)value);
}

void kiln_proto_float(kiln_bytes *b, int field, float value)
{
    put_tag(b, field, FIXED32);
    kiln_bytes_put(b, &value, sizeof value);
}

void kiln_proto_text(kiln_bytes *b, int field, const char *text)
{
    kiln_proto_data(b, field, text, strlen(text));
}

void kiln_proto_data(kiln_bytes *b, int field, const void *data, size_t size)
{
    put_tag(b, field, LENGTH);
    put_varint(b, size);
    kiln_bytes_put(b, data, size);
}

size_t kiln_proto_open(kiln_bytes *b, int field)
{
    put_tag(b, field, LENGTH);
    kiln_bytes_zeros(b, LENGTH_BYTES);
    return b->size;
}

void kiln_proto_close(kiln_bytes *b, size_t opened)
{
    uint64_t length = b->size - opened;

    if (b->failed) return;
    for (int i = 0; i < LENGTH_BYTES; i++, length >>= 7)
        b->arena.base[opened - LENGTH_BYTES + (size_t)i] =
            (char)((length & 127) | (i + 1 < LENGTH_BYTES ? 128 : 0));
}
