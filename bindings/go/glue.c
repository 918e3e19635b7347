/* See glue.h. SPDX-License-Identifier: Apache-2.0 */
#include "glue.h"

#include "_cgo_export.h"

#include <pthread.h>
#include <string.h>

zeebe_error *zeebego_next(const zeebe_completion_queue *queue, zeebego_batch *batch) {
  zeebe_events_clear(batch->events, sizeof(zeebe_event), batch->count);
  batch->count = 0;
  for (size_t i = 0; i < batch->ended_count; i++) zeebe_call_free(batch->ended[i]);
  batch->ended_count = 0;
  return zeebe_completion_queue_next(queue, 0, batch->events, sizeof(zeebe_event), ZEEBEGO_BATCH, &batch->count);
}

/* ---- calls ---- */

/* A path with its NUL, which Go's strings have not: in `buffer` if it fits. */
typedef struct {
  char buffer[256];
  char *text;
} path;

static const char *path_set(path *p, const char *method, size_t length) {
  p->text = length < sizeof p->buffer ? p->buffer : malloc(length + 1);
  if (!p->text) abort();
  memcpy(p->text, method, length);
  p->text[length] = 0;
  return p->text;
}

static void path_free(path *p) {
  if (p->text != p->buffer) free(p->text);
}

static zeebe_error *call_options(zeebe_call_options *to, int64_t timeout_ms, const uint8_t *metadata, size_t metadata_length,
                                 const zeebego_options *options, zeebe_metadata **unpacked) {
  to->timeout_ms = timeout_ms;
  if (options) {
    to->authority = options->authority;
    to->credentials = options->credentials;
    to->max_receive_message_length = options->max_receive_message_length;
    to->wait_for_ready = options->wait_for_ready;
    to->compression = options->compression;
  }
  if (!metadata_length) return NULL;
  zeebe_error *error = zeebego_unpack_metadata(metadata, metadata_length, unpacked);
  to->metadata = *unpacked;
  return error;
}

zeebego_started zeebego_unary(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, int wants_call,
                              const char *method, size_t method_length, const uint8_t *message, size_t length, int64_t timeout_ms,
                              const uint8_t *metadata, size_t metadata_length, const zeebego_options *options) {
  zeebego_started started = {NULL, NULL};
  zeebe_call_options to = ZEEBE_CALL_OPTIONS_INIT;
  zeebe_metadata *unpacked = NULL;
  path p;
  started.error = call_options(&to, timeout_ms, metadata, metadata_length, options, &unpacked);
  if (!started.error) {
    started.error = zeebe_channel_unary_call_on_queue(channel, path_set(&p, method, method_length), message, length, &to, queue, tag,
                                                      wants_call ? &started.call : NULL);
    path_free(&p);
  }
  zeebe_metadata_free(unpacked);
  return started;
}

zeebego_started zeebego_stream(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, int64_t requested,
                               const char *method, size_t method_length, int64_t timeout_ms, const uint8_t *metadata,
                               size_t metadata_length, const zeebego_options *options) {
  zeebego_started started = {NULL, NULL};
  zeebe_call_options to = ZEEBE_CALL_OPTIONS_INIT;
  zeebe_metadata *unpacked = NULL;
  path p;
  to.manual_requests = 1;
  started.error = call_options(&to, timeout_ms, metadata, metadata_length, options, &unpacked);
  if (!started.error) {
    started.error = zeebe_channel_start_call_on_queue(channel, path_set(&p, method, method_length), &to, queue, tag, &started.call);
    path_free(&p);
  }
  zeebe_metadata_free(unpacked);
  if (started.call) zeebe_error_free(zeebe_call_request(started.call, requested));
  return started;
}

zeebego_sent zeebego_send(const zeebe_call *call, const uint8_t *message, size_t length, int half_close) {
  zeebego_sent sent = {zeebe_call_send_message(call, message, length), 1};
  if (sent.error) return sent;
  if (half_close) sent.error = zeebe_call_half_close(call);
  sent.ready = zeebe_call_is_ready(call);
  return sent;
}

/* ---- errors and metadata ---- */

void zeebego_read_error(const zeebe_error *error, zeebego_failure *failure) {
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

uint8_t *zeebego_pack_metadata(const zeebe_metadata *metadata, size_t *length) {
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

zeebe_error *zeebego_unpack_metadata(const uint8_t *packed, size_t length, zeebe_metadata **metadata) {
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

/* ---- callbacks that come once ---- */

zeebego_waiter *zeebego_waiter_new(const zeebe_completion_queue *queue, uint64_t tag) {
  zeebego_waiter *waiter = calloc(1, sizeof *waiter);
  if (!waiter) abort();
  waiter->owners = 2;
  waiter->queue = zeebe_completion_queue_ref(queue);
  waiter->tag = tag;
  return waiter;
}

void zeebego_waiter_free(zeebego_waiter *waiter) {
  if (__atomic_sub_fetch(&waiter->owners, 1, __ATOMIC_ACQ_REL)) return;
  zeebe_completion_queue_free(waiter->queue);
  zeebe_error_free(waiter->error);
  free(waiter);
}

static void on_state(void *user_data, const zeebe_error *error, int32_t state) {
  zeebego_waiter *waiter = user_data;
  waiter->error = zeebe_error_ref(error);
  waiter->state = state;
  /* Refused only when the queue ends, and then Go wakes all that wait. */
  zeebe_error_free(zeebe_completion_queue_post(waiter->queue, waiter->tag));
  zeebego_waiter_free(waiter);
}

static void on_done(void *user_data, const zeebe_error *error) { on_state(user_data, error, 0); }

static zeebe_error *unless_failed(zeebe_error *error, zeebego_waiter *waiter) {
  if (error) zeebego_waiter_free(waiter);
  return error;
}

zeebe_error *zeebego_wait_for_state_change(const zeebe_channel *channel, int32_t last_state, int64_t timeout_ms, zeebego_waiter *waiter) {
  return unless_failed(zeebe_channel_wait_for_state_change(channel, last_state, timeout_ms, on_state, waiter), waiter);
}

zeebe_error *zeebego_retrieve_token(const zeebe_channel *channel, zeebego_waiter *waiter) {
  return unless_failed(zeebe_channel_retrieve_token(channel, on_done, waiter), waiter);
}

zeebe_error *zeebego_plugin_retrieve_token(const zeebe_metadata_plugin *plugin, zeebego_waiter *waiter) {
  return unless_failed(zeebe_metadata_plugin_retrieve_token(plugin, on_done, waiter), waiter);
}

zeebe_error *zeebego_close(const zeebe_channel *channel, int64_t grace_ms, zeebego_waiter *waiter) {
  return unless_failed(zeebe_channel_close(channel, grace_ms, on_done, waiter), waiter);
}

/* ---- job streams ---- */

struct zeebego_jobs {
  pthread_mutex_t mutex;
  int owners;
  zeebe_completion_queue *queue;
  uint64_t tag;
  zeebe_buffer **buffers; /* those of `first` to `first + count` */
  size_t first, count, capacity;
  zeebego_job_failure failures[ZEEBEGO_FAILURES];
  size_t failure_count;
  int told; /* an event was posted for what waits */
  int closed;
  zeebe_error *error;
};

zeebego_jobs *zeebego_jobs_new(const zeebe_completion_queue *queue, uint64_t tag) {
  zeebego_jobs *jobs = calloc(1, sizeof *jobs);
  if (!jobs) abort();
  pthread_mutex_init(&jobs->mutex, NULL);
  jobs->owners = 2;
  jobs->queue = zeebe_completion_queue_ref(queue);
  jobs->tag = tag;
  return jobs;
}

void zeebego_jobs_free(zeebego_jobs *jobs) {
  if (__atomic_sub_fetch(&jobs->owners, 1, __ATOMIC_ACQ_REL)) return;
  for (size_t i = 0; i < jobs->count; i++) zeebe_buffer_free(jobs->buffers[jobs->first + i]);
  for (size_t i = 0; i < jobs->failure_count; i++) zeebe_error_free(jobs->failures[i].error);
  free(jobs->buffers);
  zeebe_completion_queue_free(jobs->queue);
  zeebe_error_free(jobs->error);
  pthread_mutex_destroy(&jobs->mutex);
  free(jobs);
}

/* Unlocks. */
static void tell(zeebego_jobs *jobs) {
  int told = jobs->told;
  jobs->told = 1;
  pthread_mutex_unlock(&jobs->mutex);
  if (!told) zeebe_error_free(zeebe_completion_queue_post(jobs->queue, jobs->tag));
}

static void on_job(void *user_data, const zeebe_buffer *message) {
  zeebego_jobs *jobs = user_data;
  pthread_mutex_lock(&jobs->mutex);
  if (jobs->first + jobs->count == jobs->capacity) {
    if (jobs->first) {
      memmove(jobs->buffers, jobs->buffers + jobs->first, jobs->count * sizeof *jobs->buffers);
      jobs->first = 0;
    } else {
      jobs->capacity = jobs->capacity ? 2 * jobs->capacity : 16;
      jobs->buffers = realloc(jobs->buffers, jobs->capacity * sizeof *jobs->buffers);
      if (!jobs->buffers) abort();
    }
  }
  jobs->buffers[jobs->first + jobs->count++] = zeebe_buffer_ref(message);
  tell(jobs);
}

static void on_jobs_error(void *user_data, const zeebe_error *error, int64_t in_a_row, int64_t pause_ms) {
  zeebego_jobs *jobs = user_data;
  pthread_mutex_lock(&jobs->mutex);
  if (jobs->failure_count == ZEEBEGO_FAILURES) {
    zeebe_error_free(jobs->failures[0].error);
    jobs->failure_count--;
    memmove(jobs->failures, jobs->failures + 1, jobs->failure_count * sizeof *jobs->failures);
  }
  jobs->failures[jobs->failure_count++] = (zeebego_job_failure){zeebe_error_ref(error), in_a_row, pause_ms};
  tell(jobs);
}

static void on_jobs_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers) {
  zeebego_jobs *jobs = user_data;
  (void)trailers;
  pthread_mutex_lock(&jobs->mutex);
  jobs->closed = 1;
  jobs->error = zeebe_error_ref(error);
  tell(jobs);
}

static void on_jobs_destroy(void *user_data) { zeebego_jobs_free(user_data); }

zeebe_error *zeebego_stream_jobs(const zeebe_channel *channel, const uint8_t *request, size_t length, const uint8_t *metadata,
                                 size_t metadata_length, int64_t max_buffered_jobs, int64_t watchdog_ms, int64_t poll_interval_ms,
                                 int32_t tells_failures, zeebego_jobs *jobs, zeebe_job_stream **stream) {
  zeebe_job_stream_options options = ZEEBE_JOB_STREAM_OPTIONS_INIT;
  zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
  zeebe_metadata *unpacked = NULL;
  handler.on_message = on_job;
  handler.on_close = on_jobs_close;
  handler.destroy = on_jobs_destroy;
  options.max_buffered_jobs = max_buffered_jobs;
  options.watchdog_ms = watchdog_ms;
  options.poll_interval_ms = poll_interval_ms;
  options.manual_requests = 1;
  if (tells_failures) options.on_error = on_jobs_error;
  zeebe_error *error = metadata_length ? zeebego_unpack_metadata(metadata, metadata_length, &unpacked) : NULL;
  options.metadata = unpacked;
  if (!error) error = zeebe_channel_stream_jobs(channel, request, length, &options, &handler, jobs, stream);
  if (error) zeebego_jobs_free(jobs);
  zeebe_metadata_free(unpacked);
  return error;
}

int zeebego_jobs_take(zeebego_jobs *jobs, zeebego_jobs_taken *taken) {
  pthread_mutex_lock(&jobs->mutex);
  taken->count = jobs->count < ZEEBEGO_BATCH ? jobs->count : ZEEBEGO_BATCH;
  for (size_t i = 0; i < taken->count; i++) {
    taken->buffers[i] = jobs->buffers[jobs->first + i];
    taken->data[i] = zeebe_buffer_data(taken->buffers[i], &taken->lengths[i]);
  }
  taken->failure_count = jobs->failure_count;
  memcpy(taken->failures, jobs->failures, jobs->failure_count * sizeof *jobs->failures);
  jobs->failure_count = 0;
  jobs->first += taken->count;
  jobs->count -= taken->count;
  taken->closed = jobs->closed && !jobs->count;
  taken->error = taken->closed ? jobs->error : NULL;
  if (taken->closed) jobs->error = NULL;
  int more = jobs->count > 0;
  if (!more) jobs->told = 0;
  pthread_mutex_unlock(&jobs->mutex);
  return more;
}

void zeebego_jobs_taken_clear(zeebego_jobs_taken *taken) {
  for (size_t i = 0; i < taken->count; i++) zeebe_buffer_free(taken->buffers[i]);
  taken->count = 0;
}

/* ---- what calls Go ---- */

static void on_retrieve(void *user_data, zeebe_token_request *request) { zeebegoRetrieve((uintptr_t)user_data, request); }

static void on_retrieve_cancel(void *user_data, const zeebe_token_request *request) {
  (void)user_data;
  zeebegoRetrieveCancel((zeebe_token_request *)request);
}

static void on_destroy(void *user_data) { zeebegoDestroy((uintptr_t)user_data); }

zeebe_error *zeebego_token_source_new(uintptr_t handle, int64_t leeway, int64_t expire_in, zeebe_metadata_plugin **plugin) {
  zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
  options.retrieve = on_retrieve;
  options.cancel = on_retrieve_cancel;
  options.destroy = on_destroy;
  options.leeway = leeway;
  options.expire_in = expire_in;
  return zeebe_oauth2_metadata_plugin_new(&options, (void *)handle, plugin);
}

static void on_log(void *user_data, const zeebe_log_record *record) {
  zeebegoLog((uintptr_t)user_data, zeebe_log_record_level(record), (char *)zeebe_log_record_target(record),
             (char *)zeebe_log_record_message(record));
}

zeebe_error *zeebego_set_log(int32_t level, uintptr_t handle) {
  return zeebe_set_log_callback(level, handle ? on_log : NULL, (void *)handle, handle ? on_destroy : NULL);
}
