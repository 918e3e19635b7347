/* Protocol Buffers by hand, for messages of services that the library has no JSON form of. */
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include "check.h"

/* A message being written. {0} is empty; pb_free() when done. */
typedef struct {
    uint8_t *data;
    size_t length, capacity;
} pb;

static inline void pb_free(pb *message)
{
    free(message->data);
    *message = (pb){0};
}

/* Room for `length` bytes at the end. */
static inline uint8_t *pb_extend(pb *message, size_t length)
{
    if (message->length + length > message->capacity) {
        message->capacity = 2 * (message->length + length);
        message->data = realloc(message->data, message->capacity);
        CHECK(message->data);
    }
    message->length += length;
    return message->data + message->length - length;
}

static inline void pb_varint(pb *message, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *pb_extend(message, 1) = (uint8_t)(value | 0x80);
    *pb_extend(message, 1) = (uint8_t)value;
}

static inline void pb_number(pb *message, int field, uint64_t value)
{
    pb_varint(message, (uint64_t)field << 3);
    pb_varint(message, value);
}

/* `bytes` may be NULL: zeros. */
static inline void pb_bytes(pb *message, int field, const void *bytes, size_t length)
{
    pb_varint(message, (uint64_t)field << 3 | 2);
    pb_varint(message, length);
    uint8_t *room = pb_extend(message, length);
    if (bytes) memcpy(room, bytes, length);
    else memset(room, 0, length);
}

/* A message as a field of another; frees it. */
static inline void pb_nested(pb *message, int field, pb nested)
{
    pb_bytes(message, field, nested.length ? (const void *)nested.data : "", nested.length);
    pb_free(&nested);
}

/* What is read: the bytes of a message, borrowed. */
typedef struct {
    const uint8_t *data;
    size_t length;
} pb_view;

static inline uint64_t pb_read_varint(pb_view *view)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        CHECK(view->length && shift < 64);
        uint8_t byte = *view->data++;
        view->length--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return value;
    }
}

/* The first such field: bytes to `bytes`, a number to `number`; either may be NULL. 0: there is none. */
static inline int pb_find(pb_view message, int field, pb_view *bytes, uint64_t *number)
{
    while (message.length) {
        uint64_t key = pb_read_varint(&message), value = pb_read_varint(&message);
        pb_view content = {message.data, (size_t)value};
        CHECK((key & 7) == 0 || (key & 7) == 2);
        if ((key & 7) == 2) {
            CHECK(value <= message.length);
            message.data += value;
            message.length -= (size_t)value;
        }
        if (key >> 3 != (uint64_t)field) continue;
        CHECK((key & 7) == 2 ? bytes != NULL : number != NULL);
        if (bytes) *bytes = content;
        if (number) *number = value;
        return 1;
    }
    return 0;
}

#endif
