/* A runtime without I/O threads, which the program's threads drive: as they take events, poll, or block. */
#include "jobs.h"
#include "queue.h"
#include "token_endpoint.h"

#include <sys/epoll.h>

static void driven_by_the_caller(void)
{
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    options.caller_driven = 1;
    OK(zeebe_runtime_configure(&options));
}

/* Of this process, those whose name has it. */
static int threads_called(const char *part)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *comm = fopen(path, "r");
        if (!comm) continue;
        if (fgets(name, sizeof name, comm) && strstr(name, part)) count++;
        fclose(comm);
    }
    closedir(tasks);
    return count;
}

static int runtime_fd(void)
{
    int32_t fd = -1;
    OK(zeebe_runtime_fd(&fd));
    return fd;
}

static int queue_fd(const zeebe_completion_queue *queue)
{
    int32_t fd = -1;
    OK(zeebe_completion_queue_fd(queue, &fd));
    return fd;
}

static void unary(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag)
{
    OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, tag, NULL));
}

static void what_is_configured_wrongly_is_refused(void)
{
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    int32_t fd;
    options.caller_driven = 2;
    FAILS(zeebe_runtime_configure(&options), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "options.caller_driven is 2, neither 0 nor 1");
    options.caller_driven = 1;
    options.io_threads = 2;
    FAILS(zeebe_runtime_configure(&options), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "options.io_threads is 2, and with caller_driven there are none");
    options.io_threads = 0;
    options.reserved = 1;
    FAILS(zeebe_runtime_configure(&options), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "reserved");
    FAILS(zeebe_runtime_poll(0), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "caller_driven");
    FAILS(zeebe_runtime_fd(&fd), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "caller_driven");
    OK(zeebe_runtime_shutdown(-1));
    FAILS(zeebe_runtime_fd(NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "fd is NULL");
}

static void a_blocking_call_drives_itself(const gateway *g)
{
    zeebe_channel *channel = channel_to(g);
    zeebe_response *response = NULL;
    OK(zeebe_channel_wait_ready(channel, 20000));
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    zeebe_response_free(response);
    CHECK(threads_called("zeebe-io") == 0);
    zeebe_channel_free(channel);
}

/* The loop of an event loop: waits on the descriptor alone, takes until none came. */
static void an_event_loop_gets_all(const gateway *g)
{
    enum { CALLS = 2000, AT_ONCE = 100 };
    static char seen[CALLS];
    zeebe_channel *channel = channel_to(g);
    zeebe_completion_queue *queue = queue_new();
    zeebe_event events[16];
    struct epoll_event ready, interest = {.events = EPOLLIN | EPOLLET};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    uint64_t begun = 0;
    int taken = 0;
    CHECK(loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, queue_fd(queue), &interest) == 0);
    for (; begun < AT_ONCE; begun++) unary(channel, queue, begun);
    while (taken < CALLS) {
        CHECK(epoll_wait(loop, &ready, 1, patience_s() * 1000) == 1);
        for (size_t count; (count = take(queue, 0, events, 16)) > 0;) {
            for (size_t i = 0; i < count; i++) {
                CHECK(events[i].event_type == ZEEBE_EVENT_TYPE_UNARY && events[i].grpc_status == 0 && !seen[events[i].tag]++);
                if (begun < CALLS) unary(channel, queue, begun++);
            }
            zeebe_events_clear(events, sizeof *events, count);
            taken += (int)count;
        }
    }
    /* Nothing is left to do: the loop sleeps, but for times that were set for what has ended since. */
    int wakes = 0;
    for (int i = 0; i < 20; i++) {
        wakes += readable(queue_fd(queue), 10);
        CHECK(take(queue, 0, events, 16) == 0);
    }
    CHECK(wakes < 5);
    CHECK(threads_called("zeebe-io") == 0);
    close(loop);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
}

/* A deadline makes the descriptor readable, and so does what another thread posts or begins. */
static void *begin_soon(void *queue)
{
    usleep(20000);
    OK(zeebe_completion_queue_post(queue, 8));
    return NULL;
}

typedef struct {
    const zeebe_channel *channel;
    zeebe_completion_queue *queue;
} begun;

static void *begin_call(void *begun_by_it)
{
    begun *b = begun_by_it;
    usleep(20000);
    unary(b->channel, b->queue, 9);
    return NULL;
}

static void times_and_other_threads_wake_the_loop(const gateway *g)
{
    zeebe_channel *channel = channel_to(g);
    zeebe_completion_queue *queue = queue_new();
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_event event;
    pthread_t thread;
    size_t count = 0;
    options.timeout_ms = 300;
    OK(zeebe_channel_wait_ready(channel, 20000));
    int64_t began = now_ms();
    zeebe_call *call = long_poll(channel, queue, 7, &options);
    int wakes = 0;
    do {
        CHECK(readable(queue_fd(queue), patience_s() * 1000));
        while ((count = take(queue, 0, &event, 1)) > 0 && event.event_type != ZEEBE_EVENT_TYPE_CLOSE) clear(&event);
        wakes++;
    } while (!count);
    CHECK(event.tag == 7 && event.grpc_status == ZEEBE_STATUS_DEADLINE_EXCEEDED && now_ms() - began >= 300 && wakes < 100);
    clear(&event);
    zeebe_call_free(call);

    while (take(queue, 0, &event, 1)) clear(&event);
    CHECK(pthread_create(&thread, NULL, begin_soon, queue) == 0);
    CHECK(readable(queue_fd(queue), patience_s() * 1000));
    event = take_one(queue);
    CHECK(event.tag == 8 && event.event_type == ZEEBE_EVENT_TYPE_POSTED);
    JOIN(thread);

    while (take(queue, 0, &event, 1)) clear(&event);
    begun b = {channel, queue};
    CHECK(pthread_create(&thread, NULL, begin_call, &b) == 0);
    CHECK(readable(queue_fd(queue), patience_s() * 1000));
    event = take_one(queue);
    CHECK(event.tag == 9 && event.event_type == ZEEBE_EVENT_TYPE_UNARY);
    clear(&event);
    JOIN(thread);

    /* Whoever waits in a take is woken by a post, too. */
    CHECK(pthread_create(&thread, NULL, begin_soon, queue) == 0);
    event = take_one(queue);
    CHECK(event.tag == 8);
    JOIN(thread);
    CHECK(take(queue, 30, &event, 1) == 0);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
}

/* Callbacks run on the thread that polls, where nothing may block. */
typedef struct {
    pthread_t thread;
    int calls;
} polled;

static void on_polled(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    polled *p = user_data;
    zeebe_response *none = NULL;
    CHECK(!error && response && pthread_equal(p->thread, pthread_self()));
    FAILS(zeebe_runtime_poll(0), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_runtime_shutdown(0), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    CHECK(!none);
    p->calls++;
}

static void callbacks_run_where_it_is_polled(const gateway *g)
{
    zeebe_channel *channel = channel_to(g);
    polled p = {pthread_self(), 0};
    int fd = runtime_fd();
    for (int i = 0; i < 10; i++) OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, on_polled, &p, NULL));
    CHECK(p.calls == 0);
    while (p.calls < 10) {
        CHECK(readable(fd, patience_s() * 1000));
        OK(zeebe_runtime_poll(0));
    }
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, on_polled, &p, NULL));
    for (int64_t end = now_ms() + patience_s() * 1000; p.calls < 11 && now_ms() < end;) OK(zeebe_runtime_poll(1000));
    CHECK(p.calls == 11);
    OK(zeebe_runtime_poll(1)); /* nothing to do: it waits no longer than that */
    zeebe_channel_free(channel);
}

/* Many threads that block, take and poll at once: one drives, and who leaves hands on. */
typedef struct {
    const zeebe_channel *channel;
    int calls;
    int by_queue;
} caller;

#define DRIVE_UNTIL(condition)                                                                                          \
    do {                                                                                                                \
        for (int64_t end = now_ms() + patience_s() * 1000; !(condition) && now_ms() < end;) OK(zeebe_runtime_poll(10)); \
        CHECK(condition);                                                                                               \
    } while (0)

/* It never blocks, and tells nothing of others: the answer that has come by then is left to who drives. */
static void a_close_of_a_worker_takes_no_turn(const gateway *g)
{
    zeebe_channel *channel = channel_to(g);
    tally t = TALLY_INIT;
    zeebe_job_worker_options options = ZEEBE_JOB_WORKER_OPTIONS_INIT;
    zeebe_job_worker *worker = NULL;
    zeebe_job *job = NULL;
    int fd = runtime_fd();
    OK(zeebe_channel_wait_ready(channel, 20000));
    options.job_type = "nobody";
    OK(zeebe_job_worker_start(channel, &options, NULL, NULL, &worker));
    DRIVE_UNTIL(gateway_count(g, "ActivateJobs") > 0 && gateway_count(g, "open_calls") == 1);
    gateway_tell(g, "POST /freeze");
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, on_unary, &t, NULL));
    DRIVE_UNTIL(!readable(fd, 0)); /* it is on the wire */
    gateway_tell(g, "POST /thaw");
    CHECK(readable(fd, patience_s() * 1000));
    zeebe_job_worker_close(worker);
    CHECK(t.calls == 0);
    DRIVE_UNTIL(t.calls == 1);
    CHECK(t.failures == 0);
    FAILS(zeebe_job_worker_next(worker, -1, &job), ZEEBE_ERROR_KIND_SHUTDOWN, "the worker has ended");
    zeebe_job_worker_free(worker);
    zeebe_channel_free(channel);
}

static void *call_many(void *one)
{
    caller *c = one;
    zeebe_completion_queue *queue = c->by_queue ? queue_new() : NULL;
    for (int i = 0; i < c->calls; i++) {
        if (queue) {
            unary(c->channel, queue, (uint64_t)i);
            zeebe_event event = take_one(queue);
            CHECK(event.tag == (uint64_t)i && event.grpc_status == 0);
            clear(&event);
        } else {
            zeebe_response *response = NULL;
            OK(zeebe_channel_unary_call_sync(c->channel, TOPOLOGY, NULL, 0, NULL, &response));
            zeebe_response_free(response);
        }
    }
    zeebe_completion_queue_free(queue);
    return NULL;
}

static _Atomic int stops;

static void *poll_on(void *nothing)
{
    while (!stops) OK(zeebe_runtime_poll(20));
    return nothing;
}

static void many_threads_drive_in_turn(const gateway *g)
{
    enum { THREADS = 8 };
    int calls = under_valgrind() ? 20 : 300;
    zeebe_channel *channel = channel_to(g);
    pthread_t threads[THREADS], poller;
    caller callers[THREADS];
    for (int polls = 0; polls < 2; polls++) {
        stops = 0;
        if (polls) CHECK(pthread_create(&poller, NULL, poll_on, NULL) == 0);
        for (int i = 0; i < THREADS; i++) {
            callers[i] = (caller){channel, calls, i % 2};
            CHECK(pthread_create(&threads[i], NULL, call_many, &callers[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) JOIN(threads[i]);
        stops = 1;
        if (polls) JOIN(poller);
    }
    zeebe_channel_free(channel);
}

static void tokens_and_job_streams_are_driven(const gateway *g)
{
    char url[96];
    snprintf(url, sizeof url, "http://localhost:%s/oauth/token", gateway_get(g, "token_http"));
    zeebe_channel *channel = oauth_channel(g, (oauth_arguments){.address = gateway_address(g, "plaintext_oauth"), .url = url});
    zeebe_response *response = NULL;
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    zeebe_response_free(response);
    zeebe_channel_free(channel);

    channel = channel_to(g);
    deploy_process(channel);
    zeebe_completion_queue *queue = queue_new();
    zeebe_job_stream *stream = NULL;
    zeebe_buffer *request = request_for("large");
    size_t length;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    OK(zeebe_channel_stream_jobs_on_queue(channel, data, length, NULL, queue, 1, &stream));
    zeebe_buffer_free(request);
    start_jobs(channel, 5, 10);
    for (int i = 0; i < 5; i++) {
        zeebe_event event = take_one(queue);
        CHECK(event.event_type == ZEEBE_EVENT_TYPE_MESSAGE);
        clear(&event);
    }
    zeebe_job_stream_close(stream);
    zeebe_event event = take_one(queue);
    CHECK(event.event_type == ZEEBE_EVENT_TYPE_CLOSE && event.grpc_status == 0);
    clear(&event);
    zeebe_job_stream_free(stream);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
}

static void *take_to_the_end(void *queue)
{
    zeebe_event event;
    size_t count;
    zeebe_error *error;
    while (!(error = zeebe_completion_queue_next(queue, -1, &event, sizeof event, 1, &count))) clear(&event);
    CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN);
    zeebe_error_free(error);
    return NULL;
}

static void the_end_comes_to_who_drives_and_who_does_not(const gateway *g)
{
    for (int thread_waits = 0; thread_waits < 2; thread_waits++) {
        zeebe_channel *channel = channel_to(g);
        zeebe_completion_queue *queue = queue_new(), *idle = queue_new();
        zeebe_call_options patient = ZEEBE_CALL_OPTIONS_INIT;
        zeebe_call *call = NULL;
        zeebe_event event;
        size_t count;
        pthread_t thread;
        patient.timeout_ms = ZEEBE_TIMEOUT_NONE;
        OK(zeebe_channel_wait_ready(channel, 20000));
        OK(zeebe_channel_start_call_on_queue(channel, "/gateway_protocol.Gateway/StreamActivatedJobs", &patient, queue, 1, &call));
        if (thread_waits) CHECK(pthread_create(&thread, NULL, take_to_the_end, idle) == 0);
        OK(zeebe_runtime_shutdown(-1));
        if (thread_waits) JOIN(thread);
        do {
            event = take_one(queue);
        } while (event.event_type != ZEEBE_EVENT_TYPE_CLOSE && (clear(&event), 1));
        CHECK(event.grpc_status == ZEEBE_STATUS_CANCELLED || event.grpc_status == ZEEBE_STATUS_UNAVAILABLE);
        clear(&event);
        FAILS(zeebe_completion_queue_next(queue, -1, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_SHUTDOWN, "shut down");
        zeebe_call_free(call);
        zeebe_channel_free(channel);
        zeebe_completion_queue_free(queue);
        zeebe_completion_queue_free(idle);
    }
    a_blocking_call_drives_itself(g); /* the next runtime is driven, too */
}

static void a_forked_child_begins_anew(const gateway *g)
{
    zeebe_channel *channel = channel_to(g);
    zeebe_completion_queue *queue = queue_new();
    OK(zeebe_channel_wait_ready(channel, 20000));
    unary(channel, queue, 1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        zeebe_event event;
        size_t count;
        zeebe_response *response = NULL;
        FAILS(zeebe_completion_queue_next(queue, 0, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_SHUTDOWN, "fork");
        FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_SHUTDOWN, "fork");
        zeebe_channel_free(channel);
        zeebe_completion_queue_free(queue);
        driven_by_the_caller();
        a_blocking_call_drives_itself(g);
        OK(zeebe_runtime_shutdown(-1));
        _exit(0);
    }
    CHECK(ENDED(child) == 0);
    zeebe_event event = take_one(queue);
    CHECK(event.tag == 1 && event.grpc_status == 0);
    clear(&event);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    what_is_configured_wrongly_is_refused();
    driven_by_the_caller();
    a_blocking_call_drives_itself(&g);
    an_event_loop_gets_all(&g);
    times_and_other_threads_wake_the_loop(&g);
    callbacks_run_where_it_is_polled(&g);
    a_close_of_a_worker_takes_no_turn(&g);
    many_threads_drive_in_turn(&g);
    tokens_and_job_streams_are_driven(&g);
    if (!under_valgrind()) a_forked_child_begins_anew(&g); /* what the parent had, a child loses on purpose */
    the_end_comes_to_who_drives_and_who_does_not(&g);
    gateway_stop(&g);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
