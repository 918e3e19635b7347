/* Completion queues: batches, descriptors, many threads, back-pressure, and every way one ends. */
#define _GNU_SOURCE
#include "queue.h"

#include <sys/epoll.h>

#define STREAM_JOBS "/gateway_protocol.Gateway/StreamActivatedJobs"

static void unary(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, zeebe_call **call)
{
    OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, tag, call));
}

static void wait_for(const gateway *g, const char *counter, long count) { UNTIL(gateway_count(g, counter) == count); }

static void ends_are_taken_in_batches(const zeebe_channel *channel)
{
    enum { CALLS = 1000 };
    static char seen[CALLS];
    zeebe_completion_queue *queue = queue_new();
    zeebe_event events[64];
    memset(seen, 0, sizeof seen);
    CHECK(take(queue, 0, events, 64) == 0 && take(queue, 1, events, 64) == 0);
    for (uint64_t tag = 0; tag < CALLS; tag++) unary(channel, queue, tag, NULL);
    for (int left = CALLS; left > 0;) {
        size_t count = take(queue, 20000, events, 64);
        CHECK(count > 0);
        for (size_t i = 0; i < count; i++) {
            size_t length;
            CHECK(events[i].event_type == ZEEBE_EVENT_TYPE_UNARY && events[i].grpc_status == 0 && events[i].tag < CALLS && !seen[events[i].tag]++);
            CHECK(events[i].data == zeebe_buffer_data(zeebe_response_message(events[i].response), &length) && events[i].length == length &&
                  length > 0);
        }
        zeebe_events_clear(events, sizeof *events, count);
        left -= (int)count;
    }
    zeebe_completion_queue_free(queue);
}

static void an_event_owns_its_data(const zeebe_channel *channel)
{
    zeebe_completion_queue *queue = queue_new();
    unary(channel, queue, 7, NULL);
    zeebe_event event = take_one(queue);
    zeebe_completion_queue_free(queue); /* what was taken needs no queue */
    zeebe_response *kept = event.response;
    event.response = NULL;
    clear(&event);
    size_t length;
    CHECK(zeebe_buffer_data(zeebe_response_message(kept), &length) && length > 0 && zeebe_response_trailers(kept));
    zeebe_response_free(kept);
}

static void unary_message(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.discard_metadata = 1;
    OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, &options, queue, tag, NULL));
}

static void messages_are_copied_into_the_programs_block(const zeebe_channel *channel)
{
    enum { CALLS = 20 };
    zeebe_completion_queue *queue = queue_new();
    zeebe_event events[4], single;
    uint8_t block[4096];
    size_t count, length, room;
    unary(channel, queue, 0, NULL);
    OK(zeebe_completion_queue_take(queue, 20000, &single, sizeof single, 1, NULL, 0, &count)); /* no block: owned */
    CHECK(count == 1 && single.response && single.data == zeebe_buffer_data(zeebe_response_message(single.response), &length));
    for (uint64_t tag = 1; tag <= CALLS; tag++) unary_message(channel, queue, tag);
    for (int left = CALLS; left > 0; left -= (int)count) {
        const uint8_t *at = block;
        OK(zeebe_completion_queue_take(queue, 20000, events, sizeof *events, 4, block, sizeof block, &count));
        CHECK(count > 0);
        for (size_t i = 0; i < count; at += events[i++].length) {
            CHECK(events[i].event_type == ZEEBE_EVENT_TYPE_UNARY && events[i].data == at && events[i].length == length);
            CHECK(!events[i].response && !memcmp(at, single.data, length)); /* nothing of it is left to be freed */
        }
    }
    /* Short of one byte: it comes as it would without a block, of which nothing is used. */
    memset(block, 0xa5, sizeof block);
    room = length - 1;
    unary_message(channel, queue, 1);
    OK(zeebe_completion_queue_take(queue, 20000, events, sizeof *events, 1, block, room, &count));
    CHECK(count == 1 && events[0].response && !memcmp(events[0].data, single.data, length) && block[0] == 0xa5 && block[room] == 0xa5);
    CHECK(zeebe_metadata_count(zeebe_response_initial_metadata(events[0].response)) == 0);
    clear(&events[0]);
    /* Metadata that were not discarded are not lost for the copy. */
    unary(channel, queue, 2, NULL);
    OK(zeebe_completion_queue_take(queue, 20000, events, sizeof *events, 1, block, sizeof block, &count));
    CHECK(count == 1 && events[0].data == block && zeebe_metadata_count(zeebe_response_initial_metadata(events[0].response)) > 0);
    clear(&events[0]);
    clear(&single);
    zeebe_completion_queue_free(queue);
}

static void a_stream_tells_everything_in_order(const zeebe_channel *channel)
{
    zeebe_completion_queue *queue = queue_new();
    zeebe_call *call = NULL;
    int32_t types[16];
    size_t count = 0;
    OK(zeebe_channel_start_call_on_queue(channel, TOPOLOGY, NULL, queue, 3, &call));
    OK(zeebe_call_send_message(call, NULL, 0));
    OK(zeebe_call_half_close(call));
    do {
        zeebe_event event = take_one(queue);
        CHECK(event.tag == 3 && count < 16);
        types[count++] = event.event_type;
        CHECK((event.event_type == ZEEBE_EVENT_TYPE_MESSAGE) == (event.message != NULL) && !event.error);
        CHECK((event.event_type == ZEEBE_EVENT_TYPE_INITIAL_METADATA || event.event_type == ZEEBE_EVENT_TYPE_CLOSE) == (event.metadata != NULL));
        clear(&event);
    } while (types[count - 1] != ZEEBE_EVENT_TYPE_CLOSE);
    const int32_t expected[] = {ZEEBE_EVENT_TYPE_READY, ZEEBE_EVENT_TYPE_INITIAL_METADATA, ZEEBE_EVENT_TYPE_MESSAGE, ZEEBE_EVENT_TYPE_CLOSE};
    CHECK(count == 4 && !memcmp(types, expected, sizeof expected));
    zeebe_call_free(call);
    /* A failure has trailers too, if only none. */
    OK(zeebe_channel_start_call_on_queue(channel, "/gateway_protocol.Gateway/Nothing", NULL, queue, 4, &call));
    zeebe_event event;
    for (event = take_one(queue); event.event_type == ZEEBE_EVENT_TYPE_READY; event = take_one(queue)) clear(&event);
    CHECK(event.event_type == ZEEBE_EVENT_TYPE_CLOSE && event.grpc_status == ZEEBE_STATUS_UNIMPLEMENTED &&
          zeebe_error_grpc_status(event.error) == ZEEBE_STATUS_UNIMPLEMENTED && event.metadata);
    clear(&event);
    zeebe_call_free(call);
    zeebe_completion_queue_free(queue);
}

static void a_cancelled_call_ends_on_its_queue(const zeebe_channel *channel)
{
    zeebe_completion_queue *queue = queue_new();
    zeebe_call *one = long_poll(channel, queue, 1, NULL), *two = long_poll(channel, queue, 2, NULL);
    zeebe_call_cancel(one, "enough");
    zeebe_call_free(two); /* the last handle */
    for (int left = 2; left > 0;) {
        zeebe_event event = take_one(queue);
        if (event.event_type == ZEEBE_EVENT_TYPE_CLOSE) {
            CHECK(event.grpc_status == ZEEBE_STATUS_CANCELLED && (event.tag == 2 || strstr(zeebe_error_message(event.error), "enough")));
            left--;
        }
        clear(&event);
    }
    zeebe_call_free(one);
    zeebe_completion_queue_free(queue);
}

static void a_descriptor_is_readable_while_events_wait(const zeebe_channel *channel)
{
    zeebe_completion_queue *queue = queue_new();
    zeebe_event event;
    int32_t fd = -1, again = -1;
    OK(zeebe_completion_queue_post(queue, 1)); /* before anyone asked for it */
    OK(zeebe_completion_queue_fd(queue, &fd));
    OK(zeebe_completion_queue_fd(queue, &again));
    CHECK(fd == again && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && readable(fd, 0));
    CHECK(take(queue, 0, &event, 1) == 1 && event.event_type == ZEEBE_EVENT_TYPE_POSTED && event.tag == 1 && !readable(fd, 0));
    OK(zeebe_completion_queue_post(queue, 2));
    OK(zeebe_completion_queue_post(queue, 3));
    CHECK(take(queue, 0, &event, 1) == 1 && event.tag == 2 && readable(fd, 0)); /* one is left */
    CHECK(take(queue, 0, &event, 1) == 1 && event.tag == 3 && !readable(fd, 0));
    unary(channel, queue, 4, NULL);
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    CHECK(poll(&poller, 1, 20000) == 1 && take(queue, 0, &event, 1) == 1 && event.tag == 4);
    clear(&event);
    /* Once it is drained for good, nobody is left waiting on it. */
    unary(channel, queue, 5, NULL);
    zeebe_completion_queue_shutdown(queue);
    CHECK(poll(&poller, 1, 20000) == 1 && take(queue, 0, &event, 1) == 1 && event.tag == 5 && readable(fd, 0));
    clear(&event);
    zeebe_completion_queue_free(queue);
}

static void edge_triggered_epoll_misses_nothing(const zeebe_channel *channel)
{
    enum { CALLS = 2000, AT_ONCE = 50 };
    zeebe_completion_queue *queue = queue_new();
    struct epoll_event ready = {.events = EPOLLIN | EPOLLET};
    zeebe_event events[16];
    int32_t fd;
    uint64_t started = 0, done = 0;
    OK(zeebe_completion_queue_fd(queue, &fd));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ready) == 0);
    while (started < AT_ONCE) unary(channel, queue, started++, NULL);
    while (done < CALLS) {
        size_t count;
        CHECK(epoll_wait(epoll, &ready, 1, 20000) == 1);
        while ((count = take(queue, 0, events, 16)) > 0) { /* until there are none, as an edge asks for */
            zeebe_events_clear(events, sizeof *events, count);
            for (done += count; count-- && started < CALLS;) unary(channel, queue, started++, NULL);
        }
    }
    close(epoll);
    zeebe_completion_queue_free(queue);
}

static long writes(void)
{
    char line[128];
    long count = -1;
    FILE *io = fopen("/proc/self/io", "r");
    CHECK(io);
    while (fgets(line, sizeof line, io)) sscanf(line, "syscw: %ld", &count);
    fclose(io);
    CHECK(count >= 0);
    return count;
}

static void a_busy_queue_costs_no_system_call_an_event(void)
{
    enum { POSTS = 10000 };
    zeebe_completion_queue *queue = queue_new();
    static zeebe_event events[POSTS];
    int32_t fd;
    OK(zeebe_completion_queue_fd(queue, &fd));
    long before = writes();
    for (int i = 0; i < POSTS; i++) OK(zeebe_completion_queue_post(queue, 0));
    long cost = writes() - before;
    CHECK(cost >= 1 && cost < 100); /* one, and what the I/O threads do beside it */
    CHECK(take(queue, 0, events, POSTS) == POSTS);
    zeebe_completion_queue_free(queue);
}

typedef struct {
    zeebe_completion_queue *queue;
    _Atomic int *seen;
    size_t tags;
    size_t taken;
} taker;

static void *take_until_shutdown(void *argument)
{
    taker *t = argument;
    zeebe_event events[8];
    size_t count;
    zeebe_error *error;
    while (!(error = zeebe_completion_queue_next(t->queue, -1, events, sizeof *events, 8, &count))) {
        CHECK(count > 0);
        for (size_t i = 0; i < count; i++) {
            CHECK(events[i].tag < t->tags);
            t->seen[events[i].tag]++;
        }
        t->taken += count;
        zeebe_events_clear(events, sizeof *events, count);
    }
    CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN);
    zeebe_error_free(error);
    zeebe_completion_queue_free(t->queue);
    return NULL;
}

static void many_threads_take_from_one_queue(const zeebe_channel *channel)
{
    enum { TAKERS = 8, EVENTS = 2000 };
    static _Atomic int seen[EVENTS];
    taker takers[TAKERS];
    pthread_t threads[TAKERS];
    zeebe_completion_queue *queue = queue_new();
    size_t taken = 0;
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (taker){zeebe_completion_queue_ref(queue), seen, EVENTS, 0};
        CHECK(pthread_create(&threads[i], NULL, take_until_shutdown, &takers[i]) == 0);
    }
    for (uint64_t tag = 0; tag < EVENTS; tag++) {
        if (tag % 2) OK(zeebe_completion_queue_post(queue, tag));
        else unary(channel, queue, tag, NULL);
    }
    zeebe_completion_queue_shutdown(queue); /* while calls are under way */
    FAILS(zeebe_completion_queue_post(queue, 0), ZEEBE_ERROR_KIND_SHUTDOWN, "queue");
    FAILS(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, 0, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "queue");
    zeebe_completion_queue_free(queue);
    for (int i = 0; i < TAKERS; i++) {
        JOIN(threads[i]);
        taken += takers[i].taken;
    }
    CHECK(taken == EVENTS);
    for (int i = 0; i < EVENTS; i++) CHECK(seen[i] == 1);
}

static void freeing_a_queue_cancels_its_calls(const gateway *g, const zeebe_channel *channel)
{
    zeebe_completion_queue *queue = queue_new(), *other = zeebe_completion_queue_ref(queue);
    zeebe_call *calls[4];
    for (int i = 0; i < 4; i++) calls[i] = long_poll(channel, queue, 0, NULL);
    OK(zeebe_completion_queue_post(queue, 1)); /* is lost */
    wait_for(g, "open_calls", 4);
    zeebe_completion_queue_free(queue);
    CHECK(gateway_count(g, "open_calls") == 4);
    zeebe_completion_queue_free(other);
    wait_for(g, "open_calls", 0);
    for (int i = 0; i < 4; i++) zeebe_call_free(calls[i]);
}

static void a_channels_close_comes_after_the_ends_of_its_calls(const gateway *g)
{
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    zeebe_completion_queue *queue = queue_new();
    zeebe_event event;
    tally t = TALLY_INIT;
    zeebe_call *call = long_poll(channel, queue, 9, NULL);
    OK(zeebe_channel_close(channel, 0, on_done, &t));
    tally_wait(&t, &t.calls, 1);
    int32_t type;
    do {
        CHECK(take(queue, 0, &event, 1) == 1); /* is there already */
        type = event.event_type;
        CHECK(type != ZEEBE_EVENT_TYPE_CLOSE || event.grpc_status == ZEEBE_STATUS_CANCELLED);
        clear(&event);
    } while (type != ZEEBE_EVENT_TYPE_CLOSE);
    zeebe_call_free(call);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
}

/* The jobs of `count` instances, each with a variable of 100 KB. */
static void make_jobs(const zeebe_channel *channel, int count)
{
    static const char process[] =
        "<?xml version=\"1.0\"?><definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" "
        "xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\" targetNamespace=\"t\">"
        "<process id=\"large\" isExecutable=\"true\"><startEvent id=\"s\"/><sequenceFlow id=\"f\" sourceRef=\"s\" targetRef=\"t\"/>"
        "<serviceTask id=\"t\"><extensionElements><zeebe:taskDefinition type=\"large\"/></extensionElements></serviceTask>"
        "<sequenceFlow id=\"g\" sourceRef=\"t\" targetRef=\"e\"/><endEvent id=\"e\"/></process></definitions>";
    static char json[120000];
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *end = json + sprintf(json, "{\"resources\":[{\"name\":\"large.bpmn\",\"content\":\"");
    for (size_t i = 0; i < sizeof process - 1; i += 3) {
        unsigned char three[3] = {0};
        size_t left = sizeof process - 1 - i;
        memcpy(three, process + i, left < 3 ? left : 3);
        *end++ = digits[three[0] >> 2];
        *end++ = digits[(three[0] & 3) << 4 | three[1] >> 4];
        *end++ = left > 1 ? digits[(three[1] & 15) << 2 | three[2] >> 6] : '=';
        *end++ = left > 2 ? digits[three[2] & 63] : '=';
    }
    strcpy(end, "\"}]}");
    char *answer = NULL;
    OK(zeebe_channel_json_call_sync(channel, "DeployResource", json, NULL, &answer));
    zeebe_string_free(answer);
    end = json + sprintf(json, "{\"bpmnProcessId\":\"large\",\"version\":-1,\"variables\":\"{\\\"v\\\":\\\"");
    memset(end, 'x', 100000);
    strcpy(end + 100000, "\\\"}\"}");
    for (int i = 0; i < count; i++) {
        OK(zeebe_channel_json_call_sync(channel, "CreateProcessInstance", json, NULL, &answer));
        zeebe_string_free(answer);
    }
}

static void a_slow_taker_holds_memory_flat(const gateway *g, const zeebe_channel *channel)
{
    enum { JOBS = 400 };
    zeebe_completion_queue *queue = queue_new();
    zeebe_buffer *request = NULL;
    zeebe_call *call = NULL;
    size_t length;
    int messages = 0;
    OK(zeebe_request_from_json("StreamActivatedJobs", "{\"type\":\"large\",\"worker\":\"w\",\"timeout\":\"600000\"}", &request));
    const uint8_t *data = zeebe_buffer_data(request, &length);
    OK(zeebe_channel_start_call_on_queue(channel, STREAM_JOBS, NULL, queue, 1, &call));
    OK(zeebe_call_send_message(call, data, length));
    OK(zeebe_call_half_close(call));
    wait_for(g, "open_calls", 1);
    long before = resident_kib();
    zeebe_channel *another = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    make_jobs(another, JOBS);             /* 40 MB */
    CHECK(topology(channel).status == 0); /* the connection is not held up */
    /* memcheck keeps 20 MB of what was freed. */
    CHECK(under_valgrind() || resident_kib() - before < 16 * 1024);
    while (messages < JOBS) {
        zeebe_event event = take_one(queue);
        messages += event.event_type == ZEEBE_EVENT_TYPE_MESSAGE && event.length > 100000;
        CHECK(event.event_type != ZEEBE_EVENT_TYPE_CLOSE);
        clear(&event);
    }
    zeebe_channel_free(another);
    zeebe_call_free(call);
    zeebe_buffer_free(request);
    zeebe_completion_queue_free(queue);
    wait_for(g, "open_calls", 0);
}

typedef struct {
    zeebe_completion_queue *queue;
    tally *t;
} callback_state;

static void take_in_a_callback(void *user_data, const zeebe_error *error)
{
    callback_state *state = user_data;
    zeebe_event event;
    size_t count;
    CHECK(!error);
    FAILS(zeebe_completion_queue_next(state->queue, -1, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_completion_queue_next(state->queue, 1000, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_completion_queue_take(state->queue, 1000, &event, sizeof event, 1, NULL, 0, &count), ZEEBE_ERROR_KIND_ILLEGAL_STATE,
          "zeebe_completion_queue_take with a time-out");
    CHECK(take(state->queue, 0, &event, 1) == 0); /* does not block */
    OK(zeebe_completion_queue_post(state->queue, 6));
    tally_end(state->t, NULL);
}

static void wrong_use_is_refused(const gateway *g, const zeebe_channel *channel)
{
    zeebe_completion_queue *queue = queue_new();
    tally t = TALLY_INIT;
    zeebe_event event, none;
    size_t count = 5;
    int32_t fd;
    FAILS(zeebe_completion_queue_new(NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    FAILS(zeebe_completion_queue_fd(NULL, &fd), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    FAILS(zeebe_completion_queue_fd(queue, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "fd is NULL");
    FAILS(zeebe_completion_queue_next(NULL, 0, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    FAILS(zeebe_completion_queue_next(queue, 0, NULL, sizeof event, 1, &count), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "events is NULL");
    FAILS(zeebe_completion_queue_next(queue, 0, &event, sizeof event, 0, &count), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "capacity");
    FAILS(zeebe_completion_queue_next(queue, 0, &event, 8, 1, &count), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "event_size is 8");
    FAILS(zeebe_completion_queue_next(queue, 0, &event, sizeof event, 1, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "count is NULL");
    FAILS(zeebe_completion_queue_take(NULL, 0, &event, sizeof event, 1, NULL, 0, &count), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    FAILS(zeebe_completion_queue_take(queue, 0, &event, sizeof event, 1, NULL, 8, &count), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "block is NULL");
    FAILS(zeebe_completion_queue_post(NULL, 1), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    FAILS(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, NULL, 1, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    CHECK(count == 5);
    zeebe_completion_queue_shutdown(NULL);
    zeebe_completion_queue_free(NULL);
    zeebe_events_clear(NULL, sizeof event, 1);
    CHECK(!zeebe_completion_queue_ref(NULL));
    memset(&none, 0, sizeof none);
    zeebe_events_clear(&none, sizeof none, 1); /* of type NONE */

    callback_state state = {queue, &t};
    zeebe_channel *closing = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    OK(zeebe_channel_close(closing, 0, take_in_a_callback, &state));
    tally_wait(&t, &t.calls, 1);
    event = take_one(queue);
    CHECK(event.tag == 6 && event.event_type == ZEEBE_EVENT_TYPE_POSTED);
    zeebe_channel_free(closing);
    zeebe_completion_queue_free(queue);
}

/* A program that was compiled with a later header. */
static void a_larger_event_is_filled_with_zeros(const zeebe_channel *channel)
{
    struct {
        zeebe_event event;
        uint64_t later[2];
    } events[2];
    zeebe_completion_queue *queue = queue_new();
    size_t count;
    memset(events, 0xff, sizeof events);
    OK(zeebe_completion_queue_post(queue, 1));
    unary(channel, queue, 2, NULL);
    for (size_t got = 0; got < 2; got += count) OK(zeebe_completion_queue_next(queue, 20000, &events[got].event, sizeof events[0], 2 - got, &count));
    for (int i = 0; i < 2; i++) CHECK(events[i].event.tag == (uint64_t)i + 1 && !events[i].later[0] && !events[i].later[1]);
    zeebe_events_clear(&events[0].event, sizeof events[0], 2);
    CHECK(!events[1].event.response);
    zeebe_completion_queue_free(queue);
}

/* Last: ends of calls that the end of the runtime brought can still be taken, and a thread that waits learns of it. */
static void the_end_of_the_runtime_ends_queues(zeebe_channel *channel)
{
    static _Atomic int seen[1];
    zeebe_completion_queue *queue = queue_new(), *idle = queue_new();
    taker waiting = {zeebe_completion_queue_ref(idle), seen, 1, 0};
    pthread_t thread;
    zeebe_event event;
    size_t count;
    int32_t closes = 0;
    CHECK(pthread_create(&thread, NULL, take_until_shutdown, &waiting) == 0);
    zeebe_call *call = long_poll(channel, queue, 1, NULL);
    OK(zeebe_runtime_shutdown(-1));
    JOIN(thread);
    CHECK(waiting.taken == 0);
    zeebe_error *error;
    while (!(error = zeebe_completion_queue_next(queue, -1, &event, sizeof event, 1, &count))) {
        CHECK(count == 1);
        if (event.event_type == ZEEBE_EVENT_TYPE_CLOSE) {
            CHECK(event.grpc_status == ZEEBE_STATUS_CANCELLED && zeebe_error_may_have_been_processed(event.error));
            closes++;
        }
        clear(&event);
    }
    CHECK(closes == 1 && zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN);
    zeebe_error_free(error);
    FAILS(zeebe_completion_queue_post(queue, 1), ZEEBE_ERROR_KIND_SHUTDOWN, "shutdown");
    zeebe_call_free(call);
    zeebe_channel_free(channel);
    zeebe_completion_queue_free(queue);
    zeebe_completion_queue_free(idle);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(&g, "plaintext")});
    ends_are_taken_in_batches(channel);
    an_event_owns_its_data(channel);
    messages_are_copied_into_the_programs_block(channel);
    a_stream_tells_everything_in_order(channel);
    a_cancelled_call_ends_on_its_queue(channel);
    a_descriptor_is_readable_while_events_wait(channel);
    edge_triggered_epoll_misses_nothing(channel);
    a_busy_queue_costs_no_system_call_an_event();
    many_threads_take_from_one_queue(channel);
    freeing_a_queue_cancels_its_calls(&g, channel);
    a_channels_close_comes_after_the_ends_of_its_calls(&g);
    a_slow_taker_holds_memory_flat(&g, channel);
    wrong_use_is_refused(&g, channel);
    a_larger_event_is_filled_with_zeros(channel);
    int before = descriptors();
    zeebe_completion_queue *queue = queue_new();
    int32_t fd;
    OK(zeebe_completion_queue_fd(queue, &fd));
    zeebe_completion_queue_free(queue);
    CHECK(descriptors() == before);
    the_end_of_the_runtime_ends_queues(channel);
    gateway_stop(&g);
    return 0;
}
