/*
 * Protocol Buffers' wire format, writing only (protobuf.dev, "Encoding"): fields one after the
 * other into growing bytes. A message inside another is opened, written and closed; its length
 * stands before it in five bytes, of which readers ignore the zeros, so that it can be filled in
 * when it is known.
 */
#ifndef KILN_FORMATS_PROTOBUF_H
#define KILN_FORMATS_PROTOBUF_H

#include "formats/bytes.h"

void kiln_proto_int(kiln_bytes *b, int field, int64_t value);
void kiln_proto_float(kiln_bytes *b, int field, float value);
void kiln_proto_text(kiln_bytes *b, int field, const char *text);
void kiln_proto_data(kiln_bytes *b, int field, const void *data, size_t size); /* below 4 GiB */

size_t kiln_proto_open(kiln_bytes *b, int field); /* returns what _close is to be given */
void kiln_proto_close(kiln_bytes *b, size_t opened);

#endif
