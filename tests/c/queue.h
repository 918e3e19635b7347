/* Completion queues in C tests: made, and taken from. */
#ifndef QUEUE_H
#define QUEUE_H

#include "gateway.h"

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

/* Nothing is left to come. */
static inline void is_drained(const zeebe_completion_queue *queue)
{
    zeebe_event event;
    size_t count;
    FAILS(zeebe_completion_queue_next(queue, patience_s() * 1000, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_SHUTDOWN, "shut down");
}

#endif
