/* See glue.h. SPDX-License-Identifier: Apache-2.0 */
#include "glue.h"

#include "_cgo_export.h"

#include <string.h>

zeebe_error *zeebego_next(const zeebe_completion_queue *queue, zeebego_batch *batch)
{
    zeebe_events_clear(batch->events, sizeof(zeebe_event), batch->count);
    batch->count = 0;
    for (size_t i = 0; i < batch->ended_count; i++) zeebe_call_free(batch->ended[i]);
    batch->ended_count = 0;
    zeebe_error *error =
        zeebe_completion_queue_take(queue, 0, batch->events, sizeof(zeebe_event), ZEEBEGO_BATCH, batch->block, sizeof batch->block, &batch->count);
    for (zeebe_event *event = batch->events; event < batch->events + batch->count; event++)
        if (event->job) event->data = zeebe_job_message(event->job, &event->length);
    return error;
}

/* ---- calls ---- */

/* A path with its NUL, which Go's strings have not: in `buffer` if it fits. */
typedef struct {
    char buffer[256];
    char *text;
} path;

static const char *path_set(path *p, const char *method, size_t length)
{
    p->text = length < sizeof p->buffer ? p->buffer : malloc(length + 1);
    if (!p->text) abort();
    memcpy(p->text, method, length);
    p->text[length] = 0;
    return p->text;
}

static void path_free(path *p)
{
    if (p->text != p->buffer) free(p->text);
}

static zeebe_error *call_options(zeebe_call_options *to, int64_t timeout_ms, const uint8_t *metadata, size_t metadata_length,
                                 const zeebego_options *options, zeebe_metadata **unpacked)
{
    to->timeout_ms = timeout_ms;
    if (options) {
        to->authority = options->authority;
        to->credentials = options->credentials;
        to->max_receive_message_length = options->max_receive_message_length;
        to->wait_for_ready = options->wait_for_ready;
        to->compression = options->compression;
        to->max_buffered_messages = options->max_buffered_messages;
        to->max_buffered_bytes = options->max_buffered_bytes;
    }
    if (!metadata_length) return NULL;
    zeebe_error *error = zeebego_unpack_metadata(metadata, metadata_length, unpacked);
    to->metadata = *unpacked;
    return error;
}

zeebego_started zeebego_unary(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, int wants_call, int wants_metadata,
                              const char *method, size_t method_length, const uint8_t *message, size_t length, int64_t timeout_ms,
                              const uint8_t *metadata, size_t metadata_length, const zeebego_options *options)
{
    zeebego_started started = {NULL, NULL};
    zeebe_call_options to = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_metadata *unpacked = NULL;
    path p;
    to.discard_metadata = !wants_metadata;
    started.error = call_options(&to, timeout_ms, metadata, metadata_length, options, &unpacked);
    if (!started.error) {
        started.error = zeebe_channel_unary_call_on_queue(channel, path_set(&p, method, method_length), message, length, &to, queue, tag,
                                                          wants_call ? &started.call : NULL);
        path_free(&p);
    }
    zeebe_metadata_free(unpacked);
    return started;
}

zeebego_started zeebego_stream(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, const char *method,
                               size_t method_length, int64_t timeout_ms, const uint8_t *metadata, size_t metadata_length,
                               const zeebego_options *options)
{
    zeebego_started started = {NULL, NULL};
    zeebe_call_options to = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_metadata *unpacked = NULL;
    path p;
    to.manual_requests = ZEEBE_REQUESTS_TAKEN;
    started.error = call_options(&to, timeout_ms, metadata, metadata_length, options, &unpacked);
    if (!started.error) {
        started.error = zeebe_channel_start_call_on_queue(channel, path_set(&p, method, method_length), &to, queue, tag, &started.call);
        path_free(&p);
    }
    zeebe_metadata_free(unpacked);
    return started;
}

zeebego_sent zeebego_send(const zeebe_call *call, const uint8_t *message, size_t length, int is_last)
{
    zeebe_error *error = is_last ? zeebe_call_send_last_message(call, message, length) : zeebe_call_send_message(call, message, length);
    return (zeebego_sent){error, error ? 1 : zeebe_call_is_ready(call)};
}

/* ---- errors and metadata ---- */

void zeebego_read_error(const zeebe_error *error, zeebego_failure *failure)
{
    failure->kind = zeebe_error_kind(error);
    failure->source = zeebe_error_source(error);
    failure->grpc_status = zeebe_error_grpc_status(error);
    failure->retryable = zeebe_error_is_retryable(error);
    failure->may_have_been_processed = zeebe_error_may_have_been_processed(error);
    failure->retry_after_ms = zeebe_error_retry_after_ms(error);
    failure->message = zeebe_error_message(error);
    failure->option = zeebe_error_option(error);
    failure->details = zeebe_error_details(error, &failure->details_length);
    failure->initial_metadata = zeebe_error_initial_metadata(error);
    failure->trailers = zeebe_error_trailers(error);
}

uint8_t *zeebego_pack_metadata(const zeebe_metadata *metadata, size_t *length)
{
    size_t count = zeebe_metadata_count(metadata), total = 0, value_length = 0;
    *length = 0;
    if (!count) return NULL;
    for (size_t i = 0; i < count; i++) {
        zeebe_metadata_value(metadata, i, &value_length);
        total += 2 * sizeof(uint32_t) + strlen(zeebe_metadata_key(metadata, i)) + 1 + value_length;
    }
    uint8_t *packed = malloc(total), *at = packed;
    if (!packed) abort();
    for (size_t i = 0; i < count; i++) {
        const char *key = zeebe_metadata_key(metadata, i);
        const uint8_t *value = zeebe_metadata_value(metadata, i, &value_length);
        uint32_t lengths[2] = {(uint32_t)strlen(key), (uint32_t)value_length};
        memcpy(at, lengths, sizeof lengths);
        at += sizeof lengths;
        memcpy(at, key, lengths[0] + 1);
        at += lengths[0] + 1;
        if (lengths[1]) memcpy(at, value, lengths[1]);
        at += lengths[1];
    }
    *length = total;
    return packed;
}

zeebe_error *zeebego_unpack_metadata(const uint8_t *packed, size_t length, zeebe_metadata **metadata)
{
    const uint8_t *end = packed + length;
    *metadata = NULL;
    zeebe_error *error = zeebe_metadata_new(metadata);
    while (!error && packed < end) {
        uint32_t lengths[2];
        memcpy(lengths, packed, sizeof lengths);
        packed += sizeof lengths;
        error = zeebe_metadata_add(*metadata, (const char *)packed, packed + lengths[0] + 1, lengths[1]);
        packed += lengths[0] + 1 + lengths[1];
    }
    return error;
}

/* ---- job streams ---- */

zeebe_error *zeebego_stream_jobs(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, const uint8_t *request,
                                 size_t length, const uint8_t *metadata, size_t metadata_length, const zeebego_jobs_options *options,
                                 zeebe_job_stream **stream)
{
    zeebe_job_stream_options to = ZEEBE_JOB_STREAM_OPTIONS_INIT;
    zeebe_metadata *unpacked = NULL;
    to.max_buffered_jobs = options->max_buffered_jobs;
    to.max_buffered_job_bytes = options->max_buffered_job_bytes;
    to.watchdog_ms = options->watchdog_ms;
    to.poll_interval_ms = options->poll_interval_ms;
    to.manual_requests = ZEEBE_REQUESTS_TAKEN;
    zeebe_error *error = metadata_length ? zeebego_unpack_metadata(metadata, metadata_length, &unpacked) : NULL;
    to.metadata = unpacked;
    if (!error) error = zeebe_channel_stream_jobs_on_queue(channel, request, length, &to, queue, tag, stream);
    zeebe_metadata_free(unpacked);
    return error;
}

/* ---- job workers ---- */

zeebe_error *zeebego_end_job(zeebe_job *job, const zeebe_completion_queue *queue, uint64_t tag, int how, int32_t retries, int64_t retry_backoff_ms,
                             const char *code, const char *message, const char *variables)
{
    zeebe_error *error = how == ZEEBEGO_COMPLETE ? zeebe_job_complete_on_queue(job, variables, queue, tag)
                         : how == ZEEBEGO_FAIL   ? zeebe_job_fail_on_queue(job, retries, retry_backoff_ms, message, variables, queue, tag)
                                                 : zeebe_job_throw_error_on_queue(job, code, message, variables, queue, tag);
    if (!error) zeebe_job_free(job);
    return error;
}

/* ---- what calls Go ---- */

static void on_retrieve(void *user_data, zeebe_token_request *request) { zeebegoRetrieve((uintptr_t)user_data, request); }

static void on_retrieve_cancel(void *user_data, const zeebe_token_request *request)
{
    (void)user_data;
    zeebegoRetrieveCancel((zeebe_token_request *)request);
}

static void on_destroy(void *user_data) { zeebegoDestroy((uintptr_t)user_data); }

zeebe_error *zeebego_token_source_new(uintptr_t handle, int64_t leeway, int64_t expire_in, zeebe_metadata_plugin **plugin)
{
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    options.retrieve = on_retrieve;
    options.cancel = on_retrieve_cancel;
    options.destroy = on_destroy;
    options.leeway = leeway;
    options.expire_in = expire_in;
    return zeebe_oauth2_metadata_plugin_new(&options, (void *)handle, plugin);
}

static void on_log(void *user_data, const zeebe_log_record *record)
{
    zeebegoLog((uintptr_t)user_data, zeebe_log_record_level(record), (char *)zeebe_log_record_target(record),
               (char *)zeebe_log_record_message(record));
}

zeebe_error *zeebego_set_log(int32_t level, uintptr_t handle)
{
    return zeebe_set_log_callback(level, handle ? on_log : NULL, (void *)handle, handle ? on_destroy : NULL);
}
