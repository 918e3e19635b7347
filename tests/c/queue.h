/* Completion queues in C tests: made, and taken from. */
#ifndef QUEUE_H
#define QUEUE_H

#include "gateway.h"

#define ACTIVATE_JOBS "/gateway_protocol.Gateway/ActivateJobs"

static inline zeebe_completion_queue *queue_new(void)
{
    zeebe_completion_queue *queue = NULL;
    OK(zeebe_completion_queue_new(&queue));
    return queue;
}

static inline size_t take(const zeebe_completion_queue *queue, int64_t timeout_ms, zeebe_event *events, size_t capacity)
{
    size_t count = 12345;
    OK(zeebe_completion_queue_next(queue, timeout_ms, events, sizeof *events, capacity, &count));
    CHECK(count <= capacity);
    return count;
}

/* Exactly one event. */
#define take_one(queue) take_one_at(queue, "an event of " #queue, __FILE__, __LINE__)

static inline zeebe_event take_one_at(const zeebe_completion_queue *queue, const char *what, const char *where, int line)
{
    zeebe_event event;
    if (take(queue, patience_s() * 1000, &event, 1) != 1) waited_in_vain(what, where, line);
    return event;
}

static inline void clear(zeebe_event *event)
{
    zeebe_events_clear(event, sizeof *event, 1);
    CHECK(event->event_type == ZEEBE_EVENT_TYPE_NONE && !event->response && !event->error && !event->message && !event->metadata);
}

/* At once, or in so long. */
static inline int readable(int fd, int timeout_ms)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, timeout_ms) == 1;
}

/* A call that ends only when it is cancelled, or late: a long poll. */
static inline zeebe_call *long_poll(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag,
                                    const zeebe_call_options *options)
{
    zeebe_buffer *request = NULL;
    zeebe_call *call = NULL;
    size_t length;
    OK(zeebe_request_from_json(
        "ActivateJobs", "{\"type\":\"none\",\"worker\":\"w\",\"timeout\":\"1000\",\"maxJobsToActivate\":1,\"requestTimeout\":\"600000\"}", &request));
    const uint8_t *data = zeebe_buffer_data(request, &length);
    OK(zeebe_channel_start_call_on_queue(channel, ACTIVATE_JOBS, options, queue, tag, &call));
    OK(zeebe_call_send_message(call, data, length));
    OK(zeebe_call_half_close(call));
    zeebe_buffer_free(request);
    return call;
}

/* Nothing is left to come. */
static inline void is_drained(const zeebe_completion_queue *queue)
{
    zeebe_event event;
    size_t count;
    FAILS(zeebe_completion_queue_next(queue, patience_s() * 1000, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_SHUTDOWN, "shut down");
}

#endif
