/* A small JSON reader and writer: see json.h. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* Deeper values are refused: the reader calls itself. */
enum { MAX_DEPTH = 64 };

struct reader {
    const char *at;
    const char *end;
    const char *reason; /* why the text is refused, once it is */
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        perror("json");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static void *refuse(struct reader *reader, const char *reason)
{
    reader->reason = reason;
    return NULL;
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\n\r", *reader->at, 4) != NULL) reader->at++;
}

static int accept(struct reader *reader, char expected)
{
    if (reader->at == reader->end || *reader->at != expected) return 0;
    reader->at++;
    return 1;
}

/* ---- strings ---- */

/* The length of the UTF-8 sequence that begins here; 0 if it is none. */
static size_t sequence_length(const unsigned char *bytes, size_t available)
{
    unsigned char lead = bytes[0];
    size_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    if (length == 0 || length > available) return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80) return 0;
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    if ((lead == 0xE0 && bytes[1] < 0xA0) || (lead == 0xED && bytes[1] > 0x9F) || (lead == 0xF0 && bytes[1] < 0x90) ||
        (lead == 0xF4 && bytes[1] > 0x8F))
        return 0;
    return length;
}

static char *encode(char *out, unsigned long code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

/* Four hexadecimal digits; -1 if there are fewer. */
static long read_hex(struct reader *reader)
{
    if (reader->end - reader->at < 4) return -1;
    long unit = 0;
    for (int i = 0; i < 4; i++) {
        char digit = *reader->at++;
        if (digit >= '0' && digit <= '9') unit = unit * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f') unit = unit * 16 + (digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F') unit = unit * 16 + (digit - 'A' + 10);
        else return -1;
    }
    return unit;
}

/* What follows \u: a code point, in two escapes if it lies beyond U+FFFF; -1 if it is none. */
static long read_code_point(struct reader *reader)
{
    long unit = read_hex(reader);
    if (unit < 0xD800 || unit > 0xDFFF) return unit;
    if (unit > 0xDBFF || !accept(reader, '\\') || !accept(reader, 'u')) return -1;
    long low = read_hex(reader);
    if (low < 0xDC00 || low > 0xDFFF) return -1;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/* One escape, from behind its backslash; returns where the text goes on, NULL if the escape is none. */
static char *read_escape(struct reader *reader, char *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";

    if (accept(reader, 'u')) {
        long code = read_code_point(reader);
        return code < 0 ? NULL : encode(out, (unsigned long)code);
    }
    const char *name = reader->at < reader->end ? memchr(names, *reader->at, sizeof names - 1) : NULL;
    if (name == NULL) return NULL;
    reader->at++;
    *out++ = meanings[name - names];
    return out;
}

/* A string, from behind its opening quote. */
static char *read_string(struct reader *reader, size_t *length)
{
    const char *close = reader->at;
    while (close < reader->end && *close != '"') close += *close == '\\' && reader->end - close > 1 ? 2 : 1;
    if (close >= reader->end) return refuse(reader, "a string does not end");

    /* No escape is shorter than what it means. */
    char *text = allocate((size_t)(close - reader->at) + 1);
    char *out = text;
    while (out != NULL && !accept(reader, '"')) {
        if (accept(reader, '\\')) {
            out = read_escape(reader, out);
            continue;
        }
        size_t count = sequence_length((const unsigned char *)reader->at, (size_t)(reader->end - reader->at));
        if (count == 0 || (unsigned char)*reader->at < 0x20) {
            out = NULL;
            continue;
        }
        memcpy(out, reader->at, count);
        out += count;
        reader->at += count;
    }
    if (out == NULL) {
        free(text);
        return refuse(reader, "a string holds what is no UTF-8, a control character or an unknown escape");
    }
    *length = (size_t)(out - text);
    return text;
}

/* ---- values ---- */

static struct json *new_value(enum json_type type)
{
    struct json *value = allocate(sizeof *value);
    value->type = type;
    return value;
}

static size_t skip_digits(struct reader *reader)
{
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') reader->at++;
    return (size_t)(reader->at - start);
}

static struct json *read_number(struct reader *reader)
{
    const char *start = reader->at;
    accept(reader, '-');
    const char *integer = reader->at;
    int valid = skip_digits(reader) > 0 && (*integer != '0' || reader->at == integer + 1);
    if (valid && accept(reader, '.')) valid = skip_digits(reader) > 0;
    if (valid && (accept(reader, 'e') || accept(reader, 'E'))) {
        if (!accept(reader, '+')) accept(reader, '-');
        valid = skip_digits(reader) > 0;
    }
    if (!valid) return refuse(reader, "what stands for a value is none");

    struct json *value = new_value(JSON_NUMBER);
    value->length = (size_t)(reader->at - start);
    value->text = allocate(value->length + 1);
    memcpy(value->text, start, value->length);
    return value;
}

static struct json *read_word(struct reader *reader)
{
    static const struct {
        const char *word;
        enum json_type type;
    } words[] = {{"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word);
        if ((size_t)(reader->end - reader->at) >= length && memcmp(reader->at, words[i].word, length) == 0) {
            reader->at += length;
            return new_value(words[i].type);
        }
    }
    return read_number(reader);
}

static struct json *read_value(struct reader *reader, int depth);

/* One element, or one member with its key. */
static struct json *read_item(struct reader *reader, enum json_type parent, int depth)
{
    if (parent == JSON_ARRAY) return read_value(reader, depth);

    skip_space(reader);
    if (!accept(reader, '"')) return refuse(reader, "a member of an object has no name");
    size_t length = 0;
    char *key = read_string(reader, &length);
    if (key == NULL) return NULL;
    skip_space(reader);
    struct json *value = accept(reader, ':') ? read_value(reader, depth) : refuse(reader, "a member has no colon");
    if (value == NULL) {
        free(key);
        return NULL;
    }
    value->key = key;
    value->key_length = length;
    return value;
}

/* An array or an object, from behind its opening bracket. */
static struct json *read_items(struct reader *reader, enum json_type type, int depth)
{
    char close = type == JSON_ARRAY ? ']' : '}';
    struct json *value = new_value(type);
    struct json **last = &value->child;

    skip_space(reader);
    if (accept(reader, close)) return value;
    do {
        *last = read_item(reader, type, depth + 1);
        if (*last == NULL) break;
        last = &(*last)->next;
        skip_space(reader);
    } while (accept(reader, ','));

    if (reader->reason == NULL && !accept(reader, close)) refuse(reader, "an array or an object does not end");
    if (reader->reason != NULL) {
        json_free(value);
        return NULL;
    }
    return value;
}

static struct json *read_value(struct reader *reader, int depth)
{
    if (depth > MAX_DEPTH) return refuse(reader, "the text is nested too deeply");
    skip_space(reader);
    if (accept(reader, '[')) return read_items(reader, JSON_ARRAY, depth);
    if (accept(reader, '{')) return read_items(reader, JSON_OBJECT, depth);
    if (accept(reader, '"')) {
        size_t length = 0;
        char *text = read_string(reader, &length);
        if (text == NULL) return NULL;
        struct json *value = new_value(JSON_STRING);
        value->text = text;
        value->length = length;
        return value;
    }
    return read_word(reader);
}

struct json *json_parse(const char *text, size_t length, const char **reason)
{
    struct reader reader = {.at = text, .end = text + length, .reason = NULL};
    struct json *value = read_value(&reader, 0);
    skip_space(&reader);
    if (value != NULL && reader.at != reader.end) {
        json_free(value);
        value = refuse(&reader, "something follows the value");
    }
    *reason = reader.reason;
    return value;
}

void json_free(struct json *value)
{
    while (value != NULL) {
        struct json *next = value->next;
        json_free(value->child);
        free(value->text);
        free(value->key);
        free(value);
        value = next;
    }
}

const struct json *json_member(const struct json *object, const char *name)
{
    const struct json *found = NULL;
    if (object == NULL || object->type != JSON_OBJECT) return NULL;
    for (const struct json *member = object->child; member != NULL; member = member->next)
        if (member->key_length == strlen(name) && memcmp(member->key, name, member->key_length) == 0) found = member;
    return found;
}

/* ---- writing ---- */

void json_write_text(FILE *file, const char *text, size_t length)
{
    fputc('"', file);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20) fprintf(file, "\\u%04x", byte);
        else if (byte == '"' || byte == '\\') fprintf(file, "\\%c", byte);
        else fputc(byte, file);
    }
    fputc('"', file);
}

static void write_items(FILE *file, const struct json *value)
{
    for (const struct json *item = value->child; item != NULL; item = item->next) {
        if (item != value->child) fputs(", ", file);
        if (value->type == JSON_OBJECT) {
            json_write_text(file, item->key, item->key_length);
            fputs(": ", file);
        }
        json_write(file, item);
    }
}

void json_write(FILE *file, const struct json *value)
{
    switch (value == NULL ? JSON_NULL : value->type) {
    case JSON_NULL: fputs("null", file); break;
    case JSON_FALSE: fputs("false", file); break;
    case JSON_TRUE: fputs("true", file); break;
    case JSON_NUMBER: fputs(value->text, file); break;
    case JSON_STRING: json_write_text(file, value->text, value->length); break;
    case JSON_ARRAY:
        fputc('[', file);
        write_items(file, value);
        fputc(']', file);
        break;
    case JSON_OBJECT:
        fputc('{', file);
        write_items(file, value);
        fputc('}', file);
        break;
    }
}
