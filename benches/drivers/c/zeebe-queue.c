/* The clients `zeebe-queue` and, with CALLER_DRIVEN, `zeebe-driven`: libzeebe through its C API, with a completion queue that the program's
 * one thread takes from in batches, and drives or does not. */
#include "channel.h"

enum { BATCH = 256, BLOCK = 1 << 18 };

static zeebe_channel *channel;
static zeebe_completion_queue *queue;

/* What happened since, at least one event; the last batch is done with. */
static size_t next_batch(zeebe_event *events)
{
    static uint8_t block[BLOCK];
    static size_t count;
    zeebe_events_clear(events, sizeof *events, count);
    check("queue", zeebe_completion_queue_take(queue, -1, events, sizeof *events, BATCH, block, BLOCK, &count));
    return count;
}

static void start_unary(uint64_t slot)
{
    zeebe_call_options options = DEADLINE;
    options.discard_metadata = 1;
    check("unary call", zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, &options, queue, slot, NULL));
}

static void measure_unary(void)
{
    static zeebe_event events[BATCH];
    uint64_t *from = calloc(run.in_flight, sizeof *from); /* of the call in each slot; as it ends, the next one starts */
    meter = meter_start(&run);
    for (size_t slot = 0; slot < run.in_flight; slot++) {
        from[slot] = now_ns();
        start_unary(slot);
    }
    for (size_t under_way = run.in_flight; under_way > 0;) {
        size_t count = next_batch(events);
        for (size_t i = 0; i < count; i++) {
            uint64_t slot = events[i].tag, now = now_ns();
            check("unary call", events[i].error);
            if (meter_call(&meter, from[slot], now)) {
                from[slot] = now;
                start_unary(slot);
            } else {
                under_way--;
            }
        }
    }
    free(from);
}

/* As a program that has ten times as much to do as to receive: it waits until `taken` messages are due, at a tenth of the
 * rate of the warm-up. */
static void wait_until_due(uint64_t taken)
{
    static uint64_t from, warmed_up;
    if (meter.from == 0) return;
    if (from == 0) {
        from = meter.from;
        warmed_up = taken;
    }
    uint64_t due = from + (taken - warmed_up) * 10 * (meter.span / 5) / warmed_up;
    struct timespec time = {(time_t)(due / 1000000000), (long)(due % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    meter_rss(&meter);
}

static void measure_stream(int slowly)
{
    static zeebe_event events[BATCH];
    uint64_t taken = 0;
    meter = meter_start(&run);
    for (int over = 0; !over;) {
        zeebe_call *call = NULL;
        check("stream", zeebe_channel_start_call_on_queue(channel, STREAM_ACTIVATED_JOBS, &DEADLINE, queue, 0, &call));
        check("request", zeebe_call_send_message(call, NULL, 0));
        check("request", zeebe_call_half_close(call));
        for (int closed = 0; !closed;) {
            uint64_t messages = 0;
            size_t count = next_batch(events);
            for (size_t i = 0; i < count; i++) {
                messages += events[i].event_type == ZEEBE_EVENT_TYPE_MESSAGE;
                closed |= events[i].event_type == ZEEBE_EVENT_TYPE_CLOSE;
                if (events[i].event_type == ZEEBE_EVENT_TYPE_CLOSE && !(over && slowly)) check("stream", events[i].error);
            }
            taken += messages;
            over = !meter_count(&meter, now_ns(), messages);
            if (over && slowly) zeebe_call_cancel(call, "it is over"); /* the rest would take long */
            else if (slowly) wait_until_due(taken);
        }
        zeebe_call_free(call);
    }
}

int main(int argc, char **argv)
{
    char version[32];
    run = run_parse(argc, argv);
    snprintf(version, sizeof version, "libzeebe %s", zeebe_version());
#ifdef CALLER_DRIVEN
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    options.caller_driven = 1;
    check("runtime", zeebe_runtime_configure(&options));
#endif
    channel = create_channel();
    check("queue", zeebe_completion_queue_new(&queue));
    check("connection", zeebe_channel_wait_ready(channel, 30000));

    if (strcmp(run.row, "unary") == 0) measure_unary();
    else if (strcmp(run.row, "stream") == 0) measure_stream(0);
    else if (strcmp(run.row, "slow") == 0) measure_stream(1);
    else fail(run.row, "no such row");
    meter_print(&meter, version);

    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
    zeebe_error_free(zeebe_runtime_shutdown(5000));
    return EXIT_SUCCESS;
}
