/* A small JSON reader and writer for the conformance driver: RFC 8259, UTF-8, and nothing beyond it.
 * Numbers stay as they are written, so no integer loses digits and a number can be passed on as text. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    char *text; /* a string, decoded, or a number as written; NUL-terminated, though a string may hold a NUL itself */
    size_t length;
    char *key; /* of a member of an object */
    size_t key_length;
    struct json *child; /* the first element or member */
    struct json *next;
};

/* Reads one value that fills the whole text; NULL and the reason, a constant, if there is none. */
struct json *json_parse(const char *text, size_t length, const char **reason);
void json_free(struct json *value);

/* The member of that name, the last if there are several; NULL if there is none or `object` is no object. */
const struct json *json_member(const struct json *object, const char *name);

/* A NULL value is written as null. */
void json_write(FILE *file, const struct json *value);
void json_write_text(FILE *file, const char *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
