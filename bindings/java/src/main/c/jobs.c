/* Job streams. */
#include "glue.h"

/* org.libzeebe.JobStreamBuilder packs the arguments in this order. */
EXPORT(jlong, jobStreamStart)(JNIEnv *env, jclass class, jlong channel, jbyteArray bytes, jint length, jlong queue, jlong id, jlongArray out)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_job_stream_options options = ZEEBE_JOB_STREAM_OPTIONS_INIT;
        zeebe_metadata *metadata = NULL;
        zeebe_job_stream *stream = NULL;
        options.max_buffered_jobs = next_number(&in);
        options.max_buffered_job_bytes = next_number(&in);
        options.watchdog_ms = next_number(&in);
        options.poll_interval_ms = next_number(&in);
        options.manual_requests = ZEEBE_REQUESTS_TAKEN;
        error = next_metadata(&in, &metadata);
        options.metadata = metadata;
        size_t size;
        const uint8_t *request = next_bytes(&in, &size);
        if (error == NULL)
            error =
                zeebe_channel_stream_jobs_on_queue(HANDLE(zeebe_channel, channel), request, size, &options, queue_of(queue), (uint64_t)id, &stream);
        zeebe_metadata_free(metadata);
        if (error == NULL) give(env, out, stream);
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
