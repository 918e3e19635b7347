/* What the parts of the JNI glue share. The glue translates between org.libzeebe.Native and zeebe.h and holds no behaviour:
 * handles cross as longs, text as UTF-8 bytes, and no reference to a Java object is kept. */
#ifndef GLUE_H
#define GLUE_H

#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zeebe.h>

#define EXPORT(type, name) JNIEXPORT type JNICALL Java_org_libzeebe_Native_##name
#define HANDLE(type, number) ((type *)(intptr_t)(number))
#define NUMBER(pointer) ((jlong)(intptr_t)(pointer))

/* Arguments as org.libzeebe.Arguments packs them, one after the other: numbers of eight bytes in native order, unaligned, and text ended by NUL. */
typedef struct {
    const char *next;
    char *bytes;
    jsize length;
    char few[1024]; /* where there is room in it, nothing is allocated */
} arguments;

/* 0: out of memory, and Java throws. End it with arguments_end() in both cases. */
int arguments_begin(JNIEnv *env, arguments *in, jbyteArray bytes, jint length);
void arguments_end(arguments *in);

static inline int64_t next_number(arguments *in)
{
    int64_t number;
    memcpy(&number, in->next, sizeof number);
    in->next += sizeof number;
    return number;
}

static inline const uint8_t *next_bytes(arguments *in, size_t *length)
{
    *length = (size_t)next_number(in);
    const char *bytes = in->next;
    in->next += *length;
    return (const uint8_t *)bytes;
}

/* NULL: not given. */
static inline const char *next_text(arguments *in)
{
    int64_t length = next_number(in);
    if (length < 0) return NULL;
    const char *text = in->next;
    in->next += length + 1;
    return text;
}

/* Pairs of metadata; `*metadata` is NULL if there are none. */
zeebe_error *next_metadata(arguments *in, zeebe_metadata **metadata);

/* Writes one handle. */
static inline void give(JNIEnv *env, jlongArray out, void *handle)
{
    jlong number = NUMBER(handle);
    (*env)->SetLongArrayRegion(env, out, 0, 1, &number);
}

/* Writes text that the library gave out, and frees it. */
void give_text(JNIEnv *env, jobjectArray out, char *text);

/* Java throws it. */
void out_of_memory(JNIEnv *env);

/* Native handles, to be freed. NULL and 0: out of memory, and Java throws. */
const void **handles(JNIEnv *env, jlongArray numbers, size_t *count);

/* A copy. NULL: out of memory, and Java throws. */
jbyteArray bytes_of(JNIEnv *env, const void *bytes, size_t length);

/* A job's texts, as org.libzeebe.JobFields reads them. */
enum { JOB_TEXTS = 7 };
const char *job_text(const zeebe_job *job, int which, size_t *length);

/* The completion queue behind a handle of queueNew. */
zeebe_completion_queue *queue_of(jlong handle);

/* What a completion queue's POSTED events say; a tag is its address. It owns what it points to. */
enum { POSTED_TOKEN_REQUEST = 1, POSTED_TOKEN_CANCEL, POSTED_DESTROY, POSTED_LOG };

typedef struct {
    int32_t kind;
    int32_t level; /* of a log record */
    int64_t id;
    zeebe_token_request *request;
    char *target, *text; /* of a log record */
    zeebe_completion_queue *queue;
} posted;

/* NULL: out of memory. */
posted *posted_new(int32_t kind, const zeebe_completion_queue *queue, int64_t id);
void posted_free(posted *post);
/* Hands it to its queue, or to this one; frees it, should that be shut down. */
void posted_send(posted *post);
void posted_send_to(posted *post, const zeebe_completion_queue *queue);

#endif
