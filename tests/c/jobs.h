/* Jobs of the process "large" for C tests: a channel that has few of them on the way, the request for their stream, instances. */
#ifndef JOBS_H
#define JOBS_H

#include "gateway.h"

static inline zeebe_channel *channel_to(const gateway *g)
{
    channel_arguments arguments = {
        .address = gateway_address(g, "plaintext"),
        .options = {NUMBER("grpc.initial_reconnect_backoff_ms", 100), NUMBER("grpc.max_reconnect_backoff_ms", 100),
                    NUMBER("grpc.http2.lookahead_bytes", 65535)},
    };
    return channel_new(arguments);
}

static inline zeebe_buffer *request_for(const char *type)
{
    char json[256];
    zeebe_buffer *request = NULL;
    snprintf(json, sizeof json, "{\"type\":\"%s\",\"worker\":\"w\",\"timeout\":600000}", type);
    OK(zeebe_request_from_json("StreamActivatedJobs", json, &request));
    return request;
}

static inline void start_jobs(const zeebe_channel *channel, int count, size_t variable_size)
{
    char *json = malloc(variable_size + 256), *answer = NULL;
    CHECK(json);
    int head = sprintf(json, "{\"bpmnProcessId\":\"large\",\"version\":-1,\"variables\":\"{\\\"a\\\":\\\"");
    memset(json + head, 'x', variable_size);
    strcpy(json + head + variable_size, "\\\"}\"}");
    for (int i = 0; i < count; i++) {
        OK(zeebe_channel_json_call_sync(channel, "CreateProcessInstance", json, NULL, &answer));
        zeebe_string_free(answer);
    }
    free(json);
}

/* The stream is there, and the poll that follows its opening is over. */
static inline void wait_until_it_streams(const gateway *g)
{
    UNTIL(gateway_count(g, "ActivateJobs") >= 1);
    UNTIL(gateway_count(g, "open_calls") == 1);
}

#endif
