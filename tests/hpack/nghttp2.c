// nghttp2's deflater: encodes fields.txt to nghttp2.txt; with `decode FILE` checks that FILE says the same.
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 32, LONGEST = 1 << 16 };

static void check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "nghttp2: %s\n", what);
        exit(1);
    }
}

static void decode(nghttp2_hd_inflater *inflater, const char *line, const nghttp2_nv *fields, size_t count)
{
    static uint8_t block[LONGEST];
    size_t length = 0;
    for (; line[2 * length] != '\n' && line[2 * length]; ++length) {
        unsigned byte;
        check(sscanf(line + 2 * length, "%2x", &byte) == 1, "no hexadecimal number");
        block[length] = (uint8_t)byte;
    }
    const uint8_t *at = block;
    for (size_t found = 0;;) {
        nghttp2_nv field;
        int flags = 0;
        ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, at, length, 1);
        check(taken >= 0, "a block cannot be decoded");
        at += taken;
        length -= (size_t)taken;
        if (flags & NGHTTP2_HD_INFLATE_EMIT) {
            check(found < count && field.namelen == fields[found].namelen && field.valuelen == fields[found].valuelen &&
                      !memcmp(field.name, fields[found].name, field.namelen) && !memcmp(field.value, fields[found].value, field.valuelen),
                  "another field");
            ++found;
        }
        if (flags & NGHTTP2_HD_INFLATE_FINAL) {
            check(found == count, "too few fields");
            break;
        }
    }
    nghttp2_hd_inflate_end_headers(inflater);
}

int main(int argc, char **argv)
{
    nghttp2_hd_deflater *deflater;
    nghttp2_hd_inflater *inflater;
    check(!nghttp2_hd_deflate_new(&deflater, 4096) && !nghttp2_hd_inflate_new(&inflater), "no memory");
    int decodes = argc > 2 && !strcmp(argv[1], "decode");
    FILE *story = fopen("fields.txt", "r");
    FILE *blocks = decodes ? fopen(argv[2], "r") : fopen("nghttp2.txt", "w");
    check(story && blocks, "no file");
    static char line[LONGEST];
    static uint8_t block[LONGEST];
    nghttp2_nv fields[MOST_FIELDS];
    size_t count = 0;
    while (fgets(line, sizeof line, story)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '!') {
            check(!nghttp2_hd_deflate_change_table_size(deflater, (size_t)atol(line + 1)), "no such size");
        } else if (strcmp(line, ".")) {
            check(count < MOST_FIELDS, "too many fields");
            char *copy = strdup(line);
            char *value = strchr(copy, '\t');
            fields[count++] = (nghttp2_nv){
                .name = (uint8_t *)copy,
                .value = (uint8_t *)value + 1,
                .namelen = (size_t)(value - copy),
                .valuelen = strlen(value + 1),
                .flags = count % 5 ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX,
            };
        } else {
            if (decodes) {
                check(fgets(line, sizeof line, blocks) != NULL, "too few blocks");
                decode(inflater, line, fields, count);
            } else {
                ssize_t length = nghttp2_hd_deflate_hd(deflater, block, sizeof block, fields, count);
                check(length >= 0, "a block cannot be encoded");
                for (ssize_t at = 0; at < length; ++at) {
                    fprintf(blocks, "%02x", block[at]);
                }
                fputc('\n', blocks);
            }
            while (count) {
                free(fields[--count].name);
            }
        }
    }
    nghttp2_hd_deflate_del(deflater);
    nghttp2_hd_inflate_del(inflater);
    return fclose(blocks) || fclose(story);
}
