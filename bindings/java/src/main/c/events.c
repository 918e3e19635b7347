/* Completion queues: many events are written into one direct buffer, so that one crossing takes them all.
 *
 * org.libzeebe.Event reads what is written here, and must change with it. Numbers are in native order, unaligned. */
#include "glue.h"

enum { BATCH = 256, INLINE_MAX = 16384, BLOCK = 1 << 16 };

/* A queue, and the events that are taken but not yet handed over, with their messages, as far as there is room. One thread takes. */
typedef struct {
    zeebe_completion_queue *queue;
    zeebe_event events[BATCH];
    size_t count, next;
    uint8_t block[BLOCK];
} reader;

zeebe_completion_queue *queue_of(jlong handle) { return ((reader *)HANDLE(void, handle))->queue; }

/* Counts on when the room is used up, so that it tells how much is needed. */
typedef struct {
    uint8_t *start;
    size_t size, room;
} writer;

static void write_bytes(writer *out, const void *bytes, size_t length)
{
    if (length > 0 && out->size + length <= out->room) memcpy(out->start + out->size, bytes, length);
    out->size += length;
}

static void write_i32(writer *out, int32_t number) { write_bytes(out, &number, sizeof number); }
static void write_i64(writer *out, int64_t number) { write_bytes(out, &number, sizeof number); }

static void write_block(writer *out, const void *bytes, size_t length)
{
    write_i32(out, (int32_t)length);
    write_bytes(out, bytes, length);
}

static void write_metadata(writer *out, const zeebe_metadata *metadata)
{
    size_t count = zeebe_metadata_count(metadata);
    write_i32(out, (int32_t)count);
    for (size_t i = 0; i < count; i++) {
        size_t length;
        const char *key = zeebe_metadata_key(metadata, i);
        const uint8_t *value = zeebe_metadata_value(metadata, i, &length);
        write_block(out, key, strlen(key));
        write_block(out, value, length);
    }
}

static void write_error(writer *out, const zeebe_error *error)
{
    write_i32(out, error == NULL ? 0 : zeebe_error_kind(error));
    if (error == NULL) return;
    size_t length;
    const char *message = zeebe_error_message(error);
    const char *option = zeebe_error_option(error);
    const uint8_t *details = zeebe_error_details(error, &length);
    write_i32(out, zeebe_error_source(error));
    write_i32(out, zeebe_error_grpc_status(error));
    write_i32(out, zeebe_error_is_retryable(error));
    write_i32(out, zeebe_error_may_have_been_processed(error));
    write_i64(out, zeebe_error_retry_after_ms(error));
    write_block(out, message, strlen(message));
    write_block(out, option, option == NULL ? 0 : strlen(option));
    write_block(out, details, length);
}

/* A long message that is not in the block goes by its handle, which Java then owns. */
static int goes_by_handle(const zeebe_event *event) { return event->message != NULL && event->length > INLINE_MAX; }

static void write_message(writer *out, const zeebe_event *event)
{
    write_i32(out, (int32_t)event->length);
    if (!goes_by_handle(event)) write_bytes(out, event->data, event->length);
}

/* org.libzeebe.JobFields reads it. A long text is -1, and Java asks for it: jobText. */
static void write_job(writer *out, const zeebe_job *job)
{
    write_i64(out, zeebe_job_key(job));
    write_i64(out, zeebe_job_process_instance_key(job));
    write_i64(out, zeebe_job_process_definition_key(job));
    write_i64(out, zeebe_job_element_instance_key(job));
    write_i32(out, zeebe_job_process_definition_version(job));
    write_i32(out, zeebe_job_retries(job));
    write_i32(out, zeebe_job_kind(job));
    write_i32(out, zeebe_job_listener_event_type(job));
    for (int which = 0; which < JOB_TEXTS; which++) {
        size_t length;
        const char *text = job_text(job, which, &length);
        if (length > INLINE_MAX) write_i32(out, -1);
        else write_block(out, text, length);
    }
}

static void write_posted(writer *out, const posted *post)
{
    if (post == NULL) {
        write_i32(out, 0);
        return;
    }
    write_i32(out, post->kind);
    if (post->kind == POSTED_LOG) {
        write_i32(out, post->level);
        write_block(out, post->target, strlen(post->target));
        write_block(out, post->text, strlen(post->text));
    }
}

static const posted *post_of(const zeebe_event *event) { return event->event_type == ZEEBE_EVENT_TYPE_POSTED ? HANDLE(posted, event->tag) : NULL; }

/* Whose it is; 0: nobody's. */
static int64_t id_of(const zeebe_event *event)
{
    if (event->event_type != ZEEBE_EVENT_TYPE_POSTED) return (int64_t)event->tag;
    const posted *post = post_of(event);
    return post == NULL ? 0 : post->id;
}

/* What is Java's from then on: a job, a request for a token or a long message. */
static const void *handle_of(const zeebe_event *event)
{
    const posted *post = post_of(event);
    if (post != NULL) return post->request;
    return event->job != NULL ? (const void *)event->job : goes_by_handle(event) ? event->message : NULL;
}

/* So much is known also of an event that Java cannot read: how long the rest is, whose it is, its type, and the handle that it brings. */
enum { HEAD = 4 + 8 + 4 + 8 };

static void set_length(const writer *out, size_t at)
{
    int32_t length = (int32_t)(out->size - at - sizeof length);
    memcpy(out->start + at, &length, sizeof length);
}

static void write_event(writer *out, const zeebe_event *event)
{
    write_i32(out, 0); /* set_length() */
    write_i64(out, id_of(event));
    write_i32(out, event->event_type);
    write_i64(out, NUMBER(handle_of(event)));
    switch (event->event_type) {
    case ZEEBE_EVENT_TYPE_UNARY:
        write_error(out, event->error);
        if (event->error != NULL) {
            write_metadata(out, zeebe_error_initial_metadata(event->error));
            write_metadata(out, zeebe_error_trailers(event->error));
        } else {
            write_metadata(out, zeebe_response_initial_metadata(event->response));
            write_metadata(out, zeebe_response_trailers(event->response));
            write_message(out, event);
        }
        break;
    case ZEEBE_EVENT_TYPE_INITIAL_METADATA: write_metadata(out, event->metadata); break;
    case ZEEBE_EVENT_TYPE_MESSAGE: write_message(out, event); break;
    case ZEEBE_EVENT_TYPE_CLOSE:
        write_error(out, event->error);
        write_metadata(out, event->metadata);
        break;
    case ZEEBE_EVENT_TYPE_DONE: write_error(out, event->error); break;
    case ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR:
        write_error(out, event->error);
        write_i64(out, event->failures);
        write_i64(out, event->pause_ms);
        break;
    case ZEEBE_EVENT_TYPE_JOB: write_job(out, event->job); break;
    case ZEEBE_EVENT_TYPE_JOB_ENDED:
        write_i32(out, event->outcome);
        write_error(out, event->error);
        break;
    case ZEEBE_EVENT_TYPE_POSTED: write_posted(out, post_of(event)); break;
    default: break;
    }
}

/* A long message outlives its response. */
static void keep_message(zeebe_event *event)
{
    if (event->response != NULL && event->length > INLINE_MAX && event->message == NULL)
        event->message = zeebe_buffer_ref(zeebe_response_message(event->response));
}

/* Frees what was written, but for what Java now owns. */
static void hand_over(zeebe_event *event)
{
    if (goes_by_handle(event)) event->message = NULL;
    event->job = NULL;
    if (event->event_type == ZEEBE_EVENT_TYPE_POSTED && event->tag != 0) {
        posted *post = HANDLE(posted, event->tag);
        post->request = NULL;
        posted_free(post);
    }
    zeebe_events_clear(event, sizeof *event, 1);
}

posted *posted_new(int32_t kind, const zeebe_completion_queue *queue, int64_t id)
{
    posted *post = calloc(1, sizeof *post);
    if (post != NULL) {
        post->kind = kind;
        post->id = id;
        post->queue = zeebe_completion_queue_ref(queue);
    }
    return post;
}

void posted_free(posted *post)
{
    zeebe_token_request_free(post->request);
    free(post->target);
    free(post->text);
    zeebe_completion_queue_free(post->queue);
    free(post);
}

void posted_send_to(posted *post, const zeebe_completion_queue *queue)
{
    zeebe_error *error = zeebe_completion_queue_post(queue, (uint64_t)(intptr_t)post);
    if (error != NULL) {
        zeebe_error_free(error);
        posted_free(post);
    }
}

/* Who takes the post frees it, maybe before the function has returned: the queue is no longer its own by then. */
void posted_send(posted *post)
{
    zeebe_completion_queue *queue = post->queue;
    post->queue = NULL;
    posted_send_to(post, queue);
    zeebe_completion_queue_free(queue);
}

EXPORT(jlong, queueNew)(JNIEnv *env, jclass class, jlongArray out)
{
    (void)class;
    reader *reader = calloc(1, sizeof *reader);
    zeebe_error *error = zeebe_completion_queue_new(reader == NULL ? NULL : &reader->queue);
    if (error == NULL) give(env, out, reader);
    else free(reader);
    return NUMBER(error);
}

EXPORT(void, queueFree)(JNIEnv *env, jclass class, jlong handle)
{
    (void)env, (void)class;
    reader *reader = HANDLE(void, handle);
    zeebe_completion_queue_free(reader->queue);
    /* Who did the I/O goes, and what it leaves to do, such as to close sockets, is done first. An error: there are threads for it. */
    zeebe_error_free(zeebe_runtime_poll(0));
    free(reader);
}

/* Wakes the thread that takes. */
EXPORT(void, queueWake)(JNIEnv *env, jclass class, jlong handle)
{
    (void)env, (void)class;
    zeebe_error_free(zeebe_completion_queue_post(queue_of(handle), 0));
}

/* Waits for events and writes them to `buffer`, which is direct: returns how many bytes, or minus what one event alone needs, unless it is to be cut:
 * then its head is all that is written; INT64_MIN: the runtime was shut down. */
EXPORT(jlong, queueTake)(JNIEnv *env, jclass class, jlong handle, jobject buffer, jboolean cut)
{
    (void)class;
    reader *reader = HANDLE(void, handle);
    writer out = {(*env)->GetDirectBufferAddress(env, buffer), 0, (size_t)(*env)->GetDirectBufferCapacity(env, buffer)};
    if (reader->next == reader->count) {
        reader->next = reader->count = 0;
        zeebe_error *error =
            zeebe_completion_queue_take(reader->queue, -1, reader->events, sizeof(zeebe_event), BATCH, reader->block, BLOCK, &reader->count);
        if (error != NULL) {
            zeebe_error_free(error);
            return INT64_MIN;
        }
    }
    while (reader->next < reader->count) {
        zeebe_event *event = &reader->events[reader->next];
        size_t before = out.size;
        keep_message(event);
        write_event(&out, event);
        int fits = out.size <= out.room;
        if (!fits && before > 0) {
            out.size = before;
            break;
        }
        if (!fits && !cut) return -(jlong)out.size;
        if (!fits) out.size = HEAD;
        set_length(&out, before);
        hand_over(event);
        reader->next++;
        if (!fits) break; /* who reads on finds that nothing is there */
    }
    return (jlong)out.size;
}

/* The error behind a handle, as bytes; frees it. NULL: out of memory, and Java throws. */
EXPORT(jbyteArray, errorTake)(JNIEnv *env, jclass class, jlong handle)
{
    (void)class;
    zeebe_error *error = HANDLE(zeebe_error, handle);
    writer measure = {NULL, 0, 0};
    write_error(&measure, error);
    jbyteArray bytes = (*env)->NewByteArray(env, (jsize)measure.size);
    writer out = {malloc(measure.size), 0, measure.size};
    if (bytes != NULL && out.start != NULL) {
        write_error(&out, error);
        (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)out.size, (const jbyte *)out.start);
    }
    free(out.start);
    zeebe_error_free(error);
    return bytes;
}

EXPORT(void, bufferFree)(JNIEnv *env, jclass class, jlong buffer)
{
    (void)env, (void)class;
    zeebe_buffer_free(HANDLE(zeebe_buffer, buffer));
}

/* Copies a message, and frees it. */
EXPORT(void, bufferTake)(JNIEnv *env, jclass class, jlong handle, jbyteArray bytes)
{
    (void)class;
    size_t length;
    zeebe_buffer *buffer = HANDLE(zeebe_buffer, handle);
    const uint8_t *data = zeebe_buffer_data(buffer, &length);
    (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)length, (const jbyte *)data);
    zeebe_buffer_free(buffer);
}
