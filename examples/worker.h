/* What the three worker examples share: their stream of jobs, a job's key, and a line on what became of a job. */
#ifndef WORKER_H
#define WORKER_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zeebe.h>

#define COMPLETE_JOB "/gateway_protocol.Gateway/CompleteJob"

/* Jobs at work at once, and how long one is ours before the gateway gives it to another worker. */
enum { MAX_JOBS = 32, JOB_TIMEOUT_MS = 10000 };

/* For what cannot go on without. */
static inline void must(const char *what, const zeebe_error *error)
{
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", what, zeebe_error_message(error));
        exit(EXIT_FAILURE);
    }
}

/* Opens a stream of jobs of a type, of which `at_work` are here at most: a job ended makes room for the next. */
static inline void open_stream(const zeebe_channel *channel, const char *type, zeebe_message_callback on_job, zeebe_close_callback on_end,
                               int at_work, zeebe_job_stream **stream)
{
    char json[256];
    zeebe_buffer *request = NULL;
    snprintf(json, sizeof json, "{\"type\": \"%s\", \"worker\": \"example\", \"timeout\": %d}", type, JOB_TIMEOUT_MS);
    must("job type", zeebe_request_from_json("StreamActivatedJobs", json, &request));
    size_t length = 0;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    zeebe_job_stream_options options = ZEEBE_JOB_STREAM_OPTIONS_INIT;
    options.manual_requests = 1;
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_message = on_job;
    handler.on_close = on_end;
    must("job stream", zeebe_channel_stream_jobs(channel, data, length, &options, &handler, NULL, stream));
    must("first jobs", zeebe_job_stream_request(*stream, at_work));
    zeebe_buffer_free(request);
}

/* Free it with zeebe_buffer_free(). */
static inline zeebe_buffer *complete_request(int64_t key)
{
    char json[128];
    zeebe_buffer *request = NULL;
    snprintf(json, sizeof json, "{\"jobKey\": %" PRId64 ", \"variables\": \"{\\\"done\\\": true}\"}", key);
    must("CompleteJob", zeebe_request_from_json("CompleteJob", json, &request));
    return request;
}

/* A job's JSON begins with its key; what else it has, a program of your own will read with a JSON library. */
static inline int64_t job_key(const zeebe_buffer *job)
{
    size_t length = 0;
    const uint8_t *data = zeebe_buffer_data(job, &length);
    char *json = NULL;
    int64_t key = 0;
    must("job", zeebe_response_to_json("StreamActivatedJobs", data, length, &json));
    sscanf(json, " { \"key\" : \"%" SCNd64, &key);
    zeebe_string_free(json);
    return key;
}

/* While the gateway is away a job waits, but not longer than it is ours. */
static inline zeebe_call_options complete_options(void)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.timeout_ms = JOB_TIMEOUT_MS / 2;
    options.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    return options;
}

/* What became of a job. Whatever is not complete comes again after its time-out, so nothing is lost. But "unknown" may be
 * complete: work whose effects must not happen twice has to be recognised by the job's key. */
static inline void report(int64_t key, const zeebe_error *error)
{
    const int32_t not_found = 5; /* the gateway has no such job: its time was up and another completed it, or it was cancelled */
    if (error == NULL) printf("completed %" PRId64 "\n", key);
    else if (!zeebe_error_may_have_been_processed(error) || zeebe_error_grpc_status(error) == not_found)
        printf("not completed %" PRId64 ": %s\n", key, zeebe_error_message(error));
    else printf("unknown %" PRId64 ": %s\n", key, zeebe_error_message(error));
    fflush(stdout);
}

#endif
