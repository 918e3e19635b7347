/* Job streams on completion queues: jobs, failures and the end are events, what is not taken holds up the gateway, and no job is lost.
   Also what calls and job streams on a queue may have waiting. */
#include "jobs.h"
#include "queue.h"

enum { NEVER = 3600000, QUIET_MS = 300, MOST = 4096 };

typedef struct {
    zeebe_completion_queue *queue;
    zeebe_job_stream *stream;
    int jobs, errors, closes;
    int32_t status;   /* of the close */
    int32_t failures; /* of the last error */
    int64_t pause_ms;
} worker;

static worker worker_new(const zeebe_channel *channel, const char *type, zeebe_job_stream_options options)
{
    worker w = {.queue = queue_new()};
    zeebe_buffer *request = request_for(type);
    size_t length;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    if (!options.poll_interval_ms) options.poll_interval_ms = NEVER;
    OK(zeebe_channel_stream_jobs_on_queue(channel, data, length, &options, w.queue, 5, &w.stream));
    zeebe_buffer_free(request);
    return w;
}

static void note(worker *w, zeebe_event *event)
{
    CHECK(event->tag == 5 && w->closes == 0);
    switch (event->event_type) {
    case ZEEBE_EVENT_TYPE_MESSAGE:
        CHECK(event->message && event->data == zeebe_buffer_data(event->message, NULL) && event->length && event->data[0] == 0x08 && !event->error);
        w->jobs++;
        break;
    case ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR:
        CHECK(event->error && event->grpc_status == zeebe_error_grpc_status(event->error));
        w->errors++;
        w->failures = event->failures;
        w->pause_ms = event->pause_ms;
        break;
    default:
        CHECK(event->event_type == ZEEBE_EVENT_TYPE_CLOSE && event->metadata);
        w->closes++;
        w->status = event->grpc_status;
    }
    clear(event);
}

static void take_jobs(worker *w, int until)
{
    while (w->jobs < until) {
        zeebe_event event = take_one(w->queue);
        note(w, &event);
    }
}

/* What comes by itself, until nothing does for a while. */
static int take_what_comes(worker *w)
{
    zeebe_event event;
    int before = w->jobs;
    while (take(w->queue, QUIET_MS, &event, 1) == 1) note(w, &event);
    return w->jobs - before;
}

static void take_the_end(worker *w, int32_t status)
{
    while (!w->closes) {
        zeebe_event event = take_one(w->queue);
        note(w, &event);
    }
    CHECK(w->status == status);
    zeebe_completion_queue_shutdown(w->queue);
    is_drained(w->queue);
}

static void worker_free(worker *w)
{
    zeebe_job_stream_free(w->stream);
    zeebe_completion_queue_free(w->queue);
}

static long brought(const zeebe_channel *channel) { return stats_number(channel, "pushed") + stats_number(channel, "polled"); }

static const zeebe_job_stream_options DEFAULTS = ZEEBE_JOB_STREAM_OPTIONS_INIT;

static void wrong_use_is_refused(const zeebe_channel *channel)
{
    zeebe_job_stream_options options = DEFAULTS;
    zeebe_completion_queue *queue = queue_new();
    zeebe_job_stream *stream = NULL;
#define REFUSED(options_, queue_, out, text) \
    FAILS(zeebe_channel_stream_jobs_on_queue(channel, NULL, 0, options_, queue_, 1, out), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, text)
    REFUSED(NULL, NULL, &stream, "queue is NULL");
    REFUSED(NULL, queue, NULL, "stream is NULL");
    options.max_buffered_job_bytes = -1;
    REFUSED(&options, queue, &stream, "options.max_buffered_job_bytes is -1");
    options = DEFAULTS;
    options.manual_requests = 3;
    REFUSED(&options, queue, &stream, "options.manual_requests is 3");
    zeebe_call_options call = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call *none = NULL;
    handler.on_close = on_close;
    call.manual_requests = ZEEBE_REQUESTS_TAKEN;
    FAILS(zeebe_channel_start_call(channel, TOPOLOGY, &call, &handler, NULL, &none), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "options.manual_requests");
    call.manual_requests = 0;
    call.max_buffered_messages = 100001;
    FAILS(zeebe_channel_start_call_on_queue(channel, TOPOLOGY, &call, queue, 1, &none), ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
          "options.max_buffered_messages is 100001");
    call.max_buffered_messages = 0;
    call.max_buffered_bytes = INT64_C(1) << 31;
    FAILS(zeebe_channel_start_call_on_queue(channel, TOPOLOGY, &call, queue, 1, &none), ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
          "options.max_buffered_bytes");
    zeebe_completion_queue_shutdown(queue);
    is_drained(queue);
    zeebe_completion_queue_free(queue);
    CHECK(!stream && !none);
}

static void jobs_are_events_and_a_close_is_the_last(const gateway *g, const zeebe_channel *channel)
{
    enum { JOBS = 100, LEAST = 100 /* bytes of a small job on the wire */, LAST = 20000 };
    worker w = worker_new(channel, "large", DEFAULTS);
    wait_until_it_streams(g);
    long before = stats_number(channel, "bytes_received");
    start_jobs(channel, JOBS, 10);
    start_jobs(channel, 1, LAST); /* when some of this one is here, all before it are */
    take_jobs(&w, 50);
    UNTIL(brought(channel) >= 50 + 32); /* as many as may wait */
    UNTIL(stats_number(channel, "bytes_received") >= before + JOBS * LEAST + LAST / 2);
    zeebe_job_stream_close(w.stream);
    zeebe_job_stream_close(w.stream);
    take_the_end(&w, 0); /* what came is still there, and what the window had */
    CHECK(w.jobs >= JOBS && brought(channel) == w.jobs);
    worker_free(&w);
}

/* Neither the queue nor the job stream has more than it may. */
static void what_is_not_taken_holds_up_the_gateway(const zeebe_channel *channel)
{
    enum { JOBS = 100, MAY_WAIT = 4, SIZE = 2000 };
    zeebe_job_stream_options options = DEFAULTS;
    options.max_buffered_jobs = MAY_WAIT;
    long before = brought(channel);
    worker w = worker_new(channel, "large", options);
    start_jobs(channel, JOBS, SIZE);
    UNTIL(brought(channel) >= before + MAY_WAIT);
    usleep(QUIET_MS * 1000);
    CHECK(brought(channel) <= before + MAY_WAIT + 1);
    zeebe_event events[MOST];
    size_t count = take(w.queue, 0, events, MOST);
    CHECK(count >= MAY_WAIT / 2 && count <= MAY_WAIT + 1);
    for (size_t i = 0; i < count; i++) note(&w, &events[i]);
    take_jobs(&w, JOBS);
    zeebe_job_stream_close(w.stream);
    take_the_end(&w, 0);
    CHECK(w.jobs == JOBS);
    worker_free(&w);
    /* The same by bytes. */
    options = DEFAULTS;
    options.max_buffered_job_bytes = 2 * SIZE;
    before = brought(channel);
    w = worker_new(channel, "large", options);
    start_jobs(channel, JOBS, SIZE);
    UNTIL(brought(channel) >= before + 2);
    usleep(QUIET_MS * 1000);
    CHECK(brought(channel) <= before + 3);
    take_jobs(&w, JOBS);
    zeebe_job_stream_close(w.stream);
    take_the_end(&w, 0);
    worker_free(&w);
}

/* What an event gave waits on, until the program says that it was taken. */
static void jobs_count_until_they_are_said_to_be_taken(const zeebe_channel *channel)
{
    enum { JOBS = 60, MAY_WAIT = 10 };
    zeebe_job_stream_options options = DEFAULTS;
    options.max_buffered_jobs = MAY_WAIT;
    options.manual_requests = ZEEBE_REQUESTS_TAKEN;
    worker w = worker_new(channel, "large", options);
    start_jobs(channel, JOBS, 10);
    take_jobs(&w, MAY_WAIT);
    CHECK(take_what_comes(&w) <= 1);
    while (w.jobs < JOBS) {
        int before = w.jobs;
        OK(zeebe_job_stream_request(w.stream, MAY_WAIT));
        take_jobs(&w, before + 1);
        CHECK(w.jobs + take_what_comes(&w) - before <= MAY_WAIT + 2);
    }
    OK(zeebe_job_stream_request(w.stream, INT64_MAX)); /* of what there is */
    zeebe_job_stream_close(w.stream);
    take_the_end(&w, 0);
    CHECK(w.jobs == JOBS);
    worker_free(&w);
}

static void jobs_come_as_they_are_asked_for(const zeebe_channel *channel)
{
    zeebe_job_stream_options options = DEFAULTS;
    options.manual_requests = ZEEBE_REQUESTS_MANUAL;
    long before = brought(channel);
    worker w = worker_new(channel, "large", options);
    start_jobs(channel, 10, 10);
    UNTIL(brought(channel) >= before + 10);
    CHECK(take_what_comes(&w) == 0);
    OK(zeebe_job_stream_request(w.stream, 3));
    take_jobs(&w, 3);
    CHECK(take_what_comes(&w) == 0);
    zeebe_job_stream_close(w.stream); /* what came is delivered, asked for or not */
    take_the_end(&w, 0);
    CHECK(w.jobs == 10);
    worker_free(&w);
}

static void failures_are_events(const gateway *g, const zeebe_channel *channel)
{
    gateway_tell(g, "POST /fail?status=14&count=3&rpc=StreamActivatedJobs&message=no+leader");
    worker w = worker_new(channel, "large", DEFAULTS);
    for (int32_t failures = 1; failures <= 3; failures++) {
        zeebe_event event = take_one(w.queue);
        CHECK(event.event_type == ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR && strstr(zeebe_error_message(event.error), "leader"));
        CHECK(event.grpc_status == ZEEBE_STATUS_UNAVAILABLE && event.failures == failures && event.pause_ms > 0);
        note(&w, &event);
    }
    start_jobs(channel, 1, 10);
    take_jobs(&w, 1);
    zeebe_job_stream_close(w.stream);
    take_the_end(&w, 0);
    CHECK(w.errors == 3);
    worker_free(&w);
    /* One that cannot pass is the end. */
    gateway_tell(g, "POST /fail?status=7&count=1&rpc=StreamActivatedJobs");
    w = worker_new(channel, "large", DEFAULTS);
    take_the_end(&w, ZEEBE_STATUS_PERMISSION_DENIED);
    CHECK(w.errors == 0);
    worker_free(&w);
}

static void on_error(void *user_data, const zeebe_error *error, int64_t failures, int64_t pause_ms)
{
    CHECK(failures > 0 && pause_ms > 0);
    tally_end(user_data, error);
}

/* A program that wants them at once, though it takes nothing, gets them by a function. */
static void failures_are_told_to_a_function(const gateway *g, const zeebe_channel *channel)
{
    tally t = TALLY_INIT, refused = TALLY_INIT;
    zeebe_job_stream_options options = DEFAULTS;
    zeebe_job_stream *none = NULL;
    zeebe_completion_queue *queue = queue_new();
    options.on_error = on_error;
    options.destroy = on_destroy;
    options.user_data = &refused;
    zeebe_completion_queue_shutdown(queue);
    FAILS(zeebe_channel_stream_jobs_on_queue(channel, NULL, 0, &options, queue, 1, &none), ZEEBE_ERROR_KIND_SHUTDOWN, "queue");
    zeebe_completion_queue_free(queue);
    options.user_data = &t;
    gateway_tell(g, "POST /fail?status=14&count=3&rpc=StreamActivatedJobs");
    worker w = worker_new(channel, "large", options);
    tally_wait(&t, &t.calls, 3);
    CHECK(t.failures == 3 && t.status == ZEEBE_STATUS_UNAVAILABLE && !t.destroyed);
    start_jobs(channel, 1, 10);
    take_jobs(&w, 1);
    zeebe_job_stream_close(w.stream);
    take_the_end(&w, 0);
    tally_wait(&t, &t.destroyed, 1);
    CHECK(w.errors == 0 && t.calls == 3 && t.destroyed == 1 && !refused.destroyed);
    worker_free(&w);
}

/* Nobody takes: one failure is in the queue, and the last ones wait behind it. Then they come, in their order, and the end. */
static void a_program_that_takes_nothing_is_told_of_the_last_failures(const gateway *g, const zeebe_channel *channel)
{
    zeebe_job_stream_options options = DEFAULTS;
    options.poll_interval_ms = 10;
    gateway_tell(g, "POST /fail?status=14&count=1000000&rpc=ActivateJobs");
    long before = gateway_count(g, "ActivateJobs");
    worker w = worker_new(channel, "nobody", options);
    UNTIL(gateway_count(g, "ActivateJobs") >= before + 40);
    gateway_tell(g, "POST /fail?status=14&count=0&rpc=ActivateJobs");
    zeebe_job_stream_close(w.stream);
    zeebe_event event = take_one(w.queue);
    CHECK(event.failures == 1);
    note(&w, &event);
    take_the_end(&w, 0);
    CHECK(w.errors == 1 + 16 && w.failures >= 39);
    worker_free(&w);
}

/* What is in the queue stays there for who takes; what was not yet is given back. */
static void a_cancel_leaves_what_is_in_the_queue(const zeebe_channel *channel)
{
    long before = brought(channel);
    worker w = worker_new(channel, "large", DEFAULTS);
    start_jobs(channel, 10, 10);
    UNTIL(brought(channel) >= before + 10);
    CHECK(topology(channel).status == 0); /* by then the thread has told of them */
    zeebe_job_stream_free(w.stream);
    w.stream = NULL;
    take_the_end(&w, ZEEBE_STATUS_CANCELLED);
    CHECK(w.jobs == 10);
    worker_free(&w);
}

static void ends_of_others_end_it(const gateway *g, zeebe_channel *channel)
{
    /* Its queue, which is shut down: it goes on, to its own end. */
    worker w = worker_new(channel, "large", DEFAULTS);
    zeebe_completion_queue_shutdown(w.queue);
    start_jobs(channel, 5, 10);
    take_jobs(&w, 5);
    zeebe_job_stream_close(w.stream);
    take_the_end(&w, 0);
    worker_free(&w);
    /* Its queue, which is freed, with jobs in it. */
    long before = brought(channel);
    w = worker_new(channel, "large", DEFAULTS);
    start_jobs(channel, 5, 10);
    UNTIL(brought(channel) >= before + 5);
    zeebe_completion_queue_free(w.queue);
    UNTIL(gateway_count(g, "open_calls") == 0);
    zeebe_job_stream_free(w.stream);
    /* Its channel. */
    w = worker_new(channel, "nobody", DEFAULTS);
    OK(zeebe_channel_close_on_queue(channel, 0, w.queue, 5));
    zeebe_event event;
    for (event = take_one(w.queue); event.event_type == ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR; event = take_one(w.queue)) clear(&event); /* refused */
    CHECK(event.event_type == ZEEBE_EVENT_TYPE_CLOSE && event.grpc_status == ZEEBE_STATUS_CANCELLED);
    clear(&event);
    event = take_one(w.queue);
    CHECK(event.event_type == ZEEBE_EVENT_TYPE_DONE && !event.error);
    worker_free(&w);
    /* The runtime, with jobs in the queue. */
    zeebe_channel *another = channel_to(g);
    w = worker_new(another, "large", DEFAULTS);
    start_jobs(another, 5, 10);
    take_jobs(&w, 1);
    UNTIL(brought(another) >= 5);
    OK(zeebe_runtime_shutdown(-1));
    take_the_end(&w, ZEEBE_STATUS_CANCELLED);
    CHECK(w.jobs == 5);
    worker_free(&w);
    zeebe_channel_free(another);
}

static zeebe_call *stream_call(const zeebe_channel *channel, const zeebe_completion_queue *queue, const zeebe_call_options *options)
{
    zeebe_buffer *request = request_for("large");
    zeebe_call *call = NULL;
    size_t length;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    OK(zeebe_channel_start_call_on_queue(channel, "/gateway_protocol.Gateway/StreamActivatedJobs", options, queue, 5, &call));
    OK(zeebe_call_send_message(call, data, length));
    OK(zeebe_call_half_close(call));
    zeebe_buffer_free(request);
    return call;
}

static int messages_at_once(const zeebe_completion_queue *queue)
{
    static zeebe_event events[MOST];
    size_t count = take(queue, 0, events, MOST);
    int messages = 0;
    for (size_t i = 0; i < count; i++) messages += events[i].event_type == ZEEBE_EVENT_TYPE_MESSAGE;
    zeebe_events_clear(events, sizeof *events, count);
    return messages;
}

/* Of a call, too: by number and by bytes, each alone, and until they are said to be taken. */
static void a_call_has_no_more_waiting_than_it_may(const gateway *g, const zeebe_channel *channel)
{
    enum { JOBS = 50, SIZE = 2000 };
    const struct {
        int64_t messages, bytes;
        int32_t requests;
        int at_once;
    } rows[] = {
        {3, 0, 0, 3},   {0, 2 * SIZE, 0, 2}, {0, 1, 0, 1}, {1, 0, 0, 1}, {5, 0, ZEEBE_REQUESTS_TAKEN, 5}, {0, 3 * SIZE, ZEEBE_REQUESTS_TAKEN, 3},
        {0, 0, 0, JOBS}};
    zeebe_channel *other = channel_to(g);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        options.max_buffered_messages = rows[i].messages;
        options.max_buffered_bytes = rows[i].bytes;
        options.manual_requests = rows[i].requests;
        zeebe_completion_queue *queue = queue_new();
        zeebe_call *call = stream_call(channel, queue, &options);
        UNTIL(gateway_count(g, "open_calls") == 1);
        long received = stats_number(channel, "bytes_received");
        start_jobs(other, JOBS, SIZE);
        UNTIL(stats_number(channel, "bytes_received") >= received + (long)rows[i].at_once * SIZE);
        usleep(QUIET_MS * 1000); /* in which all would come */
        int got = messages_at_once(queue);
        if (got != rows[i].at_once) fprintf(stderr, "row %zu: %d messages wait\n", i, got);
        CHECK(got == rows[i].at_once);
        for (int more; got < JOBS; got += more) {
            if (rows[i].requests) {
                usleep(QUIET_MS * 1000);
                CHECK(messages_at_once(queue) == 0);
                OK(zeebe_call_request(call, rows[i].at_once));
            }
            UNTIL((more = messages_at_once(queue)) > 0);
            if (rows[i].requests) more += (usleep(QUIET_MS * 1000), messages_at_once(queue));
            CHECK(more <= rows[i].at_once);
            if (got > 3 * rows[i].at_once && rows[i].requests) break; /* enough seen */
        }
        zeebe_call_free(call);
        zeebe_completion_queue_free(queue);
        UNTIL(gateway_count(g, "open_calls") == 0);
        worker rest = worker_new(other, "large", DEFAULTS); /* nothing is left for the next */
        take_what_comes(&rest);
        worker_free(&rest);
        UNTIL(gateway_count(g, "open_calls") == 0);
    }
    zeebe_channel_free(other);
}

static void with_a_gateway(void (*test)(const gateway *, zeebe_channel *))
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    deploy_process(channel);
    test(&g, channel);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

static void in_turn(const gateway *g, zeebe_channel *channel)
{
    jobs_are_events_and_a_close_is_the_last(g, channel);
    what_is_not_taken_holds_up_the_gateway(channel);
    jobs_count_until_they_are_said_to_be_taken(channel);
    jobs_come_as_they_are_asked_for(channel);
    failures_are_events(g, channel);
    failures_are_told_to_a_function(g, channel);
    a_cancel_leaves_what_is_in_the_queue(channel);
    a_program_that_takes_nothing_is_told_of_the_last_failures(g, channel);
    wrong_use_is_refused(channel);
}

static void of_calls(const gateway *g, zeebe_channel *channel) { a_call_has_no_more_waiting_than_it_may(g, channel); }

int main(void)
{
    with_a_gateway(in_turn);
    with_a_gateway(of_calls);
    with_a_gateway(ends_of_others_end_it);
    return 0;
}
