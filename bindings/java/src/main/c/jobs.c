/* Job streams: jobs, failures and the end are posted to the completion queue. */
#include "glue.h"

/* Without memory a job is dropped; the gateway gives it to another worker after its time-out. */
static void on_job(void *user_data, const zeebe_buffer *message)
{
    posted *end = user_data;
    posted *post = posted_new(POSTED_JOB, end->queue, end->id);
    if (post == NULL)
        return;
    post->job = zeebe_buffer_ref(message);
    posted_send(post);
}

/* Without memory a failure is not told; it counts in the channel's stats all the same. */
static void on_error(void *user_data, const zeebe_error *error, int64_t failures, int64_t pause_ms)
{
    posted *end = user_data;
    posted *post = posted_new(POSTED_JOB_ERROR, end->queue, end->id);
    if (post == NULL)
        return;
    post->error = zeebe_error_ref(error);
    post->failures = failures;
    post->pause_ms = pause_ms;
    posted_send(post);
}

static void on_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    (void)trailers;
    posted *end = user_data;
    end->error = zeebe_error_ref(error);
    posted_send(end);
}

/* org.libzeebe.JobStreamBuilder packs the arguments in this order. */
EXPORT(jlong, jobStreamStart)(JNIEnv *env, jclass class, jlong channel, jlongArray fields, jbyteArray bytes, jlong queue, jlong id, jlongArray out)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, fields, bytes)) {
        zeebe_job_stream_options options = ZEEBE_JOB_STREAM_OPTIONS_INIT;
        zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
        zeebe_metadata *metadata = NULL;
        zeebe_job_stream *stream = NULL;
        options.max_buffered_jobs = next_number(&in);
        options.watchdog_ms = next_number(&in);
        options.poll_interval_ms = next_number(&in);
        options.manual_requests = 1;
        if (next_number(&in))
            options.on_error = on_error;
        error = next_metadata(&in, &metadata);
        options.metadata = metadata;
        size_t length;
        const uint8_t *request = next_bytes(&in, &length);
        posted *end = posted_new(POSTED_DONE, queue_of(queue), id);
        handler.on_message = on_job;
        handler.on_close = on_close;
        /* Without memory for the end there is no handler, which is refused. */
        if (error == NULL)
            error = zeebe_channel_stream_jobs(HANDLE(zeebe_channel, channel), request, length, &options, end == NULL ? NULL : &handler, end, &stream);
        zeebe_metadata_free(metadata);
        if (error == NULL)
            give(env, out, stream);
        else if (end != NULL)
            posted_free(end);
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(jlong, jobStreamRequest)(JNIEnv *env, jclass class, jlong stream, jlong count)
{
    (void)env, (void)class;
    return NUMBER(zeebe_job_stream_request(HANDLE(zeebe_job_stream, stream), count));
}

EXPORT(void, jobStreamClose)(JNIEnv *env, jclass class, jlong stream)
{
    (void)env, (void)class;
    zeebe_job_stream_close(HANDLE(zeebe_job_stream, stream));
}

EXPORT(void, jobStreamFree)(JNIEnv *env, jclass class, jlong stream)
{
    (void)env, (void)class;
    zeebe_job_stream_free(HANDLE(zeebe_job_stream, stream));
}
