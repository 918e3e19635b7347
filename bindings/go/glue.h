/* What of zeebe.h is better done on C's side: calls that would cross the border several times, and the few callbacks. No pointer to Go's memory is kept here. SPDX-License-Identifier: Apache-2.0 */
#ifndef ZEEBEGO_GLUE_H
#define ZEEBEGO_GLUE_H

#include <stdlib.h>
#include <zeebe.h>

/* ---- the queue ---- */

enum { ZEEBEGO_BATCH = 128, ZEEBEGO_BLOCK = 256 * 1024 };

/* Events on their way to Go with the bytes of their messages, and the handles of calls that have ended, freed with the next crossing. */
typedef struct {
    size_t count;
    size_t ended_count;
    zeebe_event events[ZEEBEGO_BATCH];
    zeebe_call *ended[ZEEBEGO_BATCH];
    uint8_t block[ZEEBEGO_BLOCK];
} zeebego_batch;

/* Frees what the batch had, and takes the events that wait; `data` of a job is its message. */
zeebe_error *zeebego_next(const zeebe_completion_queue *queue, zeebego_batch *batch);

/* ---- calls ---- */

typedef struct {
    zeebe_call *call;
    zeebe_error *error;
} zeebego_started;

/* What call options say beyond a time-out. `metadata` is packed. All may be 0. */
typedef struct {
    const char *authority;
    const zeebe_metadata_plugin *credentials;
    int64_t max_receive_message_length;
    int32_t wait_for_ready;
    int32_t compression;
    int64_t max_buffered_messages, max_buffered_bytes;
} zeebego_options;

/* Starts a unary call; `wants_call` 0: without a handle; `wants_metadata` 0: an answer without metadata. */
zeebego_started zeebego_unary(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, int wants_call, int wants_metadata,
                              const char *method, size_t method_length, const uint8_t *message, size_t length, int64_t timeout_ms,
                              const uint8_t *metadata, size_t metadata_length, const zeebego_options *options);

/* Starts a call of any kind. */
zeebego_started zeebego_stream(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, const char *method,
                               size_t method_length, int64_t timeout_ms, const uint8_t *metadata, size_t metadata_length,
                               const zeebego_options *options);

/* Sends, perhaps half-closes, and says whether more can be sent at once. */
typedef struct {
    zeebe_error *error;
    int32_t ready;
} zeebego_sent;

zeebego_sent zeebego_send(const zeebe_call *call, const uint8_t *message, size_t length, int is_last);

/* ---- errors and metadata ---- */

typedef struct {
    int32_t kind, source, grpc_status, retryable, may_have_been_processed;
    int64_t retry_after_ms;
    const char *message, *option;
    const uint8_t *details;
    size_t details_length;
    const zeebe_metadata *initial_metadata, *trailers;
} zeebego_failure;

/* Borrowed from the error. */
void zeebego_read_error(const zeebe_error *error, zeebego_failure *failure);

/* Packed metadata: for each pair the lengths of key and value as uint32_t, the key, a NUL, the value. free() it; NULL: none. */
uint8_t *zeebego_pack_metadata(const zeebe_metadata *metadata, size_t *length);
zeebe_error *zeebego_unpack_metadata(const uint8_t *packed, size_t length, zeebe_metadata **metadata);

/* ---- job streams ---- */

/* All may be 0. */
typedef struct {
    int64_t max_buffered_jobs, max_buffered_job_bytes, watchdog_ms, poll_interval_ms;
} zeebego_jobs_options;

zeebe_error *zeebego_stream_jobs(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, const uint8_t *request,
                                 size_t length, const uint8_t *metadata, size_t metadata_length, const zeebego_jobs_options *options,
                                 zeebe_job_stream **stream);

/* ---- job workers ---- */

enum { ZEEBEGO_COMPLETE, ZEEBEGO_FAIL, ZEEBEGO_THROW_ERROR };

/* Ends a job as `how` says, with those of the others that it has, and frees its handle, unless that is refused. */
zeebe_error *zeebego_end_job(zeebe_job *job, const zeebe_completion_queue *queue, uint64_t tag, int how, int32_t retries, int64_t retry_backoff_ms,
                             const char *code, const char *message, const char *variables);

/* ---- what calls Go, on a library thread: rare events only ---- */

zeebe_error *zeebego_token_source_new(uintptr_t handle, int64_t leeway, int64_t expire_in, zeebe_metadata_plugin **plugin);
zeebe_error *zeebego_set_log(int32_t level, uintptr_t handle);

#endif
