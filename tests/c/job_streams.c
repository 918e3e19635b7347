/* Job streams that do not stall: pushed and polled jobs, silence, restarts, a slow program, and every way they end. */
#define _GNU_SOURCE
#include "jobs.h"

#include <stdatomic.h>

enum { NEVER = 3600000 };

/* A program that takes jobs. */
typedef struct {
    tally t;
    zeebe_job_stream *stream;
    int64_t keys[4096];
    int frees; /* its stream, in the callback */
    int doubled;
    int errors; /* told to on_error; the rest of the last one */
    int32_t error_status;
    int64_t in_a_row, pause_ms;
    char error[256];
} worker;

#define WORKER_INIT {.t = TALLY_INIT}

static void on_error(void *user_data, const zeebe_error *error, int64_t failures, int64_t pause_ms)
{
    worker *w = user_data;
    pthread_mutex_lock(&w->t.mutex);
    CHECK(w->t.calls == 0 && error);
    w->errors++;
    w->error_status = zeebe_error_grpc_status(error);
    w->in_a_row = failures;
    w->pause_ms = pause_ms;
    snprintf(w->error, sizeof w->error, "%s", zeebe_error_message(error));
    pthread_cond_broadcast(&w->t.changed);
    pthread_mutex_unlock(&w->t.mutex);
}

/* WARN records of job streams. */
static atomic_int warnings;

static void on_log(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    if (strstr(zeebe_log_record_message(record), "a job stream fails")) warnings++;
}

/* ActivatedJob begins with its key. */
static int64_t key_of(const zeebe_buffer *job)
{
    size_t length;
    const uint8_t *data = zeebe_buffer_data(job, &length);
    uint64_t key = 0;
    CHECK(length > 2 && data[0] == 0x08);
    for (size_t i = 1, shift = 0; i < length; i++, shift += 7) {
        key |= (uint64_t)(data[i] & 0x7f) << shift;
        if (data[i] < 0x80) return (int64_t)key;
    }
    exit(1);
}

static void on_job(void *user_data, const zeebe_buffer *job)
{
    worker *w = user_data;
    int64_t key = key_of(job);
    CHECK(w->t.calls == 0);
    for (int i = 0; i < w->t.messages; i++) w->doubled += w->keys[i] == key;
    CHECK(w->t.messages < 4096);
    w->keys[w->t.messages] = key;
    on_message(&w->t, job);
    if (w->frees) zeebe_job_stream_free(w->stream);
}

static zeebe_call_handler handler_of_jobs(void)
{
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_message = on_job;
    handler.on_close = on_close;
    handler.destroy = on_destroy;
    return handler;
}

static zeebe_job_stream_options polling_every(int64_t poll_interval_ms)
{
    zeebe_job_stream_options options = ZEEBE_JOB_STREAM_OPTIONS_INIT;
    options.poll_interval_ms = poll_interval_ms;
    options.on_error = on_error;
    return options;
}

static void stream_jobs(worker *w, const zeebe_channel *channel, const char *type, const zeebe_job_stream_options *options)
{
    zeebe_call_handler handler = handler_of_jobs();
    zeebe_buffer *request = request_for(type);
    size_t length;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    OK(zeebe_channel_stream_jobs(channel, data, length, options, &handler, w, &w->stream));
    zeebe_buffer_free(request);
}

static void wait_for_gateway(const gateway *g, const char *counter, long until) { UNTIL(gateway_count(g, counter) >= until); }

static void wait_for_stat(const zeebe_channel *channel, const char *stat, long until) { UNTIL(stats_number(channel, stat) >= until); }

/* It ended with this status (0: in order), once, and its user data is gone. */
static void ended_with(worker *w, int32_t status)
{
    tally_wait(&w->t, &w->t.destroyed, 1);
    if (w->t.calls != 1 || w->t.failures != (status != 0) || w->t.status != status || w->doubled) {
        fprintf(stderr, "ended with %d, not %d; %d ends, %d jobs, %d of them double\n", w->t.status, status, w->t.calls, w->t.messages, w->doubled);
        exit(1);
    }
}

static void close_and_free(worker *w)
{
    zeebe_job_stream_close(w->stream);
    zeebe_job_stream_close(w->stream);
    ended_with(w, 0);
    zeebe_job_stream_free(w->stream);
}

static void arguments_are_checked(const zeebe_channel *channel)
{
    zeebe_call_handler handler = handler_of_jobs();
    zeebe_job_stream_options options = polling_every(-1);
    zeebe_job_stream *stream = NULL;
    const uint8_t broken[] = {0xff};
#define REFUSED(request, length, options_, handler_, text) \
    FAILS(zeebe_channel_stream_jobs(channel, request, length, options_, handler_, NULL, &stream), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, text)
    REFUSED(broken, 1, NULL, &handler, "StreamActivatedJobsRequest");
    REFUSED(NULL, 1, NULL, &handler, "request is NULL");
    REFUSED(NULL, 0, &options, &handler, "poll_interval_ms is -1");
    options = polling_every(0);
    options.max_buffered_jobs = 100001;
    REFUSED(NULL, 0, &options, &handler, "max_buffered_jobs is 100001");
    options = polling_every(0);
    options.reserved = 1;
    REFUSED(NULL, 0, &options, &handler, "reserved");
    options = polling_every(0);
    options.manual_requests = 2;
    REFUSED(NULL, 0, &options, &handler, "manual_requests");
    handler.on_close = NULL;
    REFUSED(NULL, 0, NULL, &handler, "on_close is NULL");
    FAILS(zeebe_channel_stream_jobs(channel, NULL, 0, NULL, &handler, NULL, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "stream is NULL");
    CHECK(!stream && !zeebe_job_stream_ref(NULL));
    zeebe_job_stream_close(NULL);
    zeebe_job_stream_free(NULL);
    worker w = WORKER_INIT;
    options = polling_every(NEVER);
    stream_jobs(&w, channel, "nobody", &options);
    FAILS(zeebe_job_stream_request(w.stream, 1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "manual_requests");
    FAILS(zeebe_job_stream_request(w.stream, 0), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "count is 0");
    close_and_free(&w);
}

static void jobs_are_pushed(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    worker w = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(NEVER);
    arguments_are_checked(channel);
    gateway_stop(&g);
    zeebe_channel_free(channel);

    gateway_start(&g, "0");
    channel = channel_to(&g);
    deploy_process(channel);
    stream_jobs(&w, channel, "large", &options);
    wait_until_it_streams(&g);
    start_jobs(channel, 100, 10);
    tally_wait(&w.t, &w.t.messages, 100);
    CHECK(stats_number(channel, "pushed") == 100 && stats_number(channel, "polled") == 0);
    close_and_free(&w);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

/* A stream that is open and brings nothing. */
static void a_silent_stream_loses_no_job_and_is_replaced(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    worker w = WORKER_INIT, eager = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(NEVER);
    gateway_tell(&g, "POST /mute-streams?on=1");
    deploy_process(channel);
    start_jobs(channel, 100, 10); /* more than one poll may bring */
    stream_jobs(&w, channel, "large", &options);
    tally_wait(&w.t, &w.t.messages, 100);
    CHECK(stats_number(channel, "polled") == 100 && stats_number(channel, "pushed") == 0);
    close_and_free(&w);

    options = polling_every(100);
    options.watchdog_ms = 300;
    stream_jobs(&eager, channel, "large", &options);
    wait_for_gateway(&g, "StreamActivatedJobs", 2);
    start_jobs(channel, 10, 10);
    tally_wait(&eager.t, &eager.t.messages, 10);
    CHECK(stats_number(channel, "pushed") == 0);
    wait_for_stat(channel, "reopened", 3);
    wait_for_gateway(&g, "streams_reset", 3); /* the first worker's, and two that were replaced */
    gateway_tell(&g, "POST /mute-streams?on=0");
    while (stats_number(channel, "pushed") == 0) start_jobs(channel, 1, 10);
    close_and_free(&eager);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

static void a_killed_gateway_is_waited_for(void)
{
    gateway g;
    gateway_start(&g, "0");
    char port[16];
    snprintf(port, sizeof port, "%s", gateway_get(&g, "plaintext"));
    zeebe_channel *channel = channel_to(&g);
    worker w = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(200);
    stream_jobs(&w, channel, "large", &options);
    for (int round = 1; round <= 3; round++) {
        deploy_process(channel);
        start_jobs(channel, 20, 10);
        pthread_mutex_lock(&w.t.mutex);
        AWAIT(&w.t.changed, &w.t.mutex, w.t.messages >= 20);
        w.t.messages = 0; /* a new gateway gives the same keys */
        pthread_mutex_unlock(&w.t.mutex);
        wait_for_stat(channel, "reopened", round - 1); /* polls may have brought the jobs before the stream was open */
        gateway_kill(&g);
        gateway_start(&g, port);
    }
    wait_for_stat(channel, "reopened", 3);
    close_and_free(&w);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

/* A slow program: what has arrived is delivered, though the call that brought it is over when the job stream is closed. */
static void what_came_before_the_gateway_went_is_delivered(void)
{
    enum { JOBS = 150, LEAST = 100 /* bytes of a small job on the wire */, LAST = 20000 };
    for (int asked = 0; asked <= 10; asked += 10) {
        gateway g;
        gateway_start(&g, "0");
        zeebe_channel *channel = channel_to(&g);
        worker w = WORKER_INIT;
        zeebe_job_stream_options options = polling_every(NEVER);
        options.max_buffered_jobs = 10;
        options.manual_requests = 1;
        deploy_process(channel);
        stream_jobs(&w, channel, "large", &options);
        wait_until_it_streams(&g);
        long before = stats_number(channel, "bytes_received");
        start_jobs(channel, JOBS, 10);
        start_jobs(channel, 1, LAST); /* when some of this one is here, all before it are */
        UNTIL(stats_number(channel, "bytes_received") >= before + JOBS * LEAST + LAST / 2);
        if (asked) OK(zeebe_job_stream_request(w.stream, asked));
        tally_wait(&w.t, &w.t.messages, asked);
        gateway_kill(&g);
        UNTIL(stats_number(channel, "open_calls") <= 0); /* the end has been seen */
        close_and_free(&w);
        CHECK(w.t.messages >= JOBS);
        zeebe_channel_free(channel);
    }
}

static void what_it_goes_on_after_is_told(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    worker w = WORKER_INIT, large = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(NEVER);
    char *stats = NULL;
    tally log = TALLY_INIT;
    log_begins(on_log, &log);
    deploy_process(channel);
    gateway_tell(&g, "POST /fail?status=14&count=3&rpc=StreamActivatedJobs&message=no+leader");
    stream_jobs(&w, channel, "large", &options);
    tally_wait(&w.t, &w.errors, 3);
    CHECK(w.errors == 3 && w.error_status == ZEEBE_STATUS_UNAVAILABLE && w.in_a_row == 3 && w.pause_ms > 300 && strstr(w.error, "leader"));
    OK(zeebe_channel_stats(channel, &stats));
    CHECK(strstr(stats, "\"failed\":{\"UNAVAILABLE\":3}") && strstr(stats, "leader"));
    zeebe_string_free(stats);
    wait_for_gateway(&g, "StreamActivatedJobs", 4); /* a poll may bring the job before */
    start_jobs(channel, 1, 10);
    tally_wait(&w.t, &w.t.messages, 1);
    /* What will hardly pass is told at once. */
    int before = warnings;
    gateway_tell(&g, "POST /fault?kind=http&status=404&count=1&rpc=StreamActivatedJobs"); /* a proxy without the route */
    gateway_tell(&g, "POST /reset-connections");
    tally_wait(&w.t, &w.errors, 5);
    CHECK(w.error_status == ZEEBE_STATUS_UNIMPLEMENTED && strstr(w.error, "404"));
    close_and_free(&w);

    /* Jobs as long as the gateway's own limit come; longer ones never do, and that is said. */
    options = polling_every(NEVER);
    stream_jobs(&large, channel, "large", &options);
    wait_until_it_streams(&g);
    start_jobs(channel, 1, 4500000);
    tally_wait(&large.t, &large.t.messages, 1);
    CHECK(large.errors == 0);
    start_jobs(channel, 1, 5300000);
    tally_wait(&large.t, &large.errors, 1);
    CHECK(large.error_status == ZEEBE_STATUS_RESOURCE_EXHAUSTED && strstr(large.error, "5242880") &&
          strstr(large.error, "grpc.max_receive_message_length"));
    zeebe_channel_free(channel);
    close_and_free(&large);
    log_ends(&log);
    CHECK(before >= 0 && warnings > before);
    gateway_stop(&g);
}

/* A proxy cuts each stream after a time; it is there again after the first pause, not after ever longer ones. */
static void a_stream_that_is_cut_again_and_again_is_soon_there_again(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    worker w = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(NEVER);
    warnings = 0;
    tally log = TALLY_INIT;
    log_begins(on_log, &log);
    stream_jobs(&w, channel, "nobody", &options);
    for (int round = 1; round <= 8; round++) {
        wait_for_gateway(&g, "StreamActivatedJobs", round);
        usleep(1500000); /* longer than the pause of 250 ms, a fifth more at most, for one who is slow, too */
        if (round == 8) gateway_tell(&g, "POST /fault?kind=cut&ms=400&reason=2&count=4&rpc=StreamActivatedJobs"); /* as Envoy does */
        gateway_tell(&g, "POST /reset-connections");
        tally_wait(&w.t, &w.errors, round);
        CHECK(w.pause_ms <= 300 && w.in_a_row == 1);
    }
    for (int round = 9; round <= 12; round++) {
        tally_wait(&w.t, &w.errors, round);
        CHECK(w.error_status == ZEEBE_STATUS_INTERNAL && w.pause_ms <= 300 && w.in_a_row == 1);
    }
    log_ends(&log);
    CHECK(warnings == 0);
    close_and_free(&w);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

/* Whatever it is: by the program, the channel's stats and the log, until it passes. */
static void what_fails_again_and_again_is_heard_of(void)
{
    static const struct {
        const char *fault, *name;
        int32_t status;
    } FAULTS[] = {
        {"POST /fault?kind=http&status=404&count=4&rpc=StreamActivatedJobs", "\"UNIMPLEMENTED\":4", ZEEBE_STATUS_UNIMPLEMENTED},
        {"POST /fault?kind=http&status=200&count=4&rpc=StreamActivatedJobs", "\"UNKNOWN\":4", ZEEBE_STATUS_UNKNOWN},
        {"POST /fault?kind=http&status=502&count=4&rpc=StreamActivatedJobs", "\"UNAVAILABLE\":4", ZEEBE_STATUS_UNAVAILABLE},
        {"POST /fail?status=13&count=4&rpc=StreamActivatedJobs", "\"INTERNAL\":4", ZEEBE_STATUS_INTERNAL},
        {"POST /fault?kind=rst&at=headers&reason=2&count=4&rpc=StreamActivatedJobs", "\"INTERNAL\":4", ZEEBE_STATUS_INTERNAL},
        {"POST /fault?kind=rst&at=data&reason=2&count=4&rpc=StreamActivatedJobs", "\"INTERNAL\":4", ZEEBE_STATUS_INTERNAL},
    };
    gateway g;
    gateway_start(&g, "0");
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) {
        zeebe_channel *channel = channel_to(&g);
        worker w = WORKER_INIT;
        zeebe_job_stream_options options = polling_every(NEVER);
        char *stats = NULL;
        deploy_process(channel);
        gateway_tell(&g, FAULTS[i].fault);
        warnings = 0;
        tally log = TALLY_INIT;
        log_begins(on_log, &log);
        stream_jobs(&w, channel, "large", &options);
        tally_wait(&w.t, &w.errors, 4);
        OK(zeebe_channel_stats(channel, &stats));
        if (w.error_status != FAULTS[i].status || w.in_a_row != 4 || w.pause_ms < 700 || !strstr(stats, FAULTS[i].name)) {
            fprintf(stderr, "%s: status %d, %d in a row, %d ms: %s\n", FAULTS[i].fault, w.error_status, (int)w.in_a_row, (int)w.pause_ms, stats);
            exit(1);
        }
        zeebe_string_free(stats);
        wait_for_gateway(&g, "StreamActivatedJobs", 5 * (long)(i + 1)); /* it passes */
        start_jobs(channel, 3, 10);
        tally_wait(&w.t, &w.t.messages, 3);
        close_and_free(&w);
        CHECK(w.errors == 4);
        log_ends(&log);
        CHECK(warnings >= 2);
        zeebe_channel_free(channel);
    }
    gateway_stop(&g);
}

static void on_error_that_closes(void *user_data, const zeebe_error *error, int64_t failures, int64_t pause_ms)
{
    worker *w = user_data;
    on_error(user_data, error, failures, pause_ms);
    if (failures == 2) zeebe_job_stream_close(w->stream);
    if (failures == 2 && w->frees) zeebe_job_stream_free(w->stream);
}

static void on_error_may_end_the_job_stream(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    gateway_tell(&g, "POST /fail?status=13&count=100&rpc=StreamActivatedJobs");
    for (int frees = 0; frees < 2; frees++) {
        worker w = WORKER_INIT;
        zeebe_job_stream_options options = polling_every(NEVER);
        options.on_error = on_error_that_closes;
        w.frees = frees;
        stream_jobs(&w, channel, "nobody", &options);
        ended_with(&w, frees ? ZEEBE_STATUS_CANCELLED : ZEEBE_STATUS_OK);
        CHECK(w.errors == 2);
        if (!frees) zeebe_job_stream_free(w.stream);
    }
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

static void errors_pass_or_end_it(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    worker blank = WORKER_INIT, forbidden = WORKER_INIT, unlucky = WORKER_INIT, polling = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(NEVER);
    deploy_process(channel);
    stream_jobs(&blank, channel, "", &options);
    ended_with(&blank, 3);
    zeebe_job_stream_free(blank.stream);

    gateway_tell(&g, "POST /fail?status=7&count=1&rpc=StreamActivatedJobs");
    stream_jobs(&forbidden, channel, "large", &options);
    ended_with(&forbidden, 7);
    zeebe_job_stream_free(forbidden.stream);

    long reopened = stats_number(channel, "reopened");
    gateway_tell(&g, "POST /fail?status=14&count=3&rpc=StreamActivatedJobs");
    stream_jobs(&unlucky, channel, "large", &options);
    wait_for_stat(channel, "reopened", reopened + 3);
    start_jobs(channel, 10, 10);
    tally_wait(&unlucky.t, &unlucky.t.messages, 10);
    close_and_free(&unlucky);

    gateway_tell(&g, "POST /fail?status=12&count=1&rpc=StreamActivatedJobs");
    stream_jobs(&polling, channel, "large", &options);
    start_jobs(channel, 1, 10); /* long polls: it comes at once */
    tally_wait(&polling.t, &polling.t.messages, 1);
    gateway_tell(&g, "POST /fail?status=12&count=1&rpc=ActivateJobs");
    start_jobs(channel, 1, 10);
    ended_with(&polling, 12);
    CHECK(polling.t.messages <= 2);
    zeebe_job_stream_free(polling.stream);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

/* How many jobs nobody has; it takes them. */
static int take_the_rest(const zeebe_channel *channel)
{
    char *answer = NULL;
    int count = 0;
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.max_receive_message_length = -1;
    OK(zeebe_channel_json_call_sync(channel, "ActivateJobs",
                                    "{\"type\":\"large\",\"worker\":\"r\",\"timeout\":600000,\"maxJobsToActivate\":9999,\"requestTimeout\":-1}",
                                    &options, &answer));
    for (const char *at = answer; (at = strstr(at, "\"key\":")); at++) count++;
    zeebe_string_free(answer);
    return count;
}

static void a_slow_program_stops_the_gateway(void)
{
    enum { JOBS = 300, BUFFERED = 4, WINDOW = 65535, SIZE = 2000, GATEWAYS = 32 /* waiting in the gateway */ };
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    worker w = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(50);
    options.max_buffered_jobs = BUFFERED;
    options.watchdog_ms = 100;
    options.manual_requests = 1;
    deploy_process(channel);
    stream_jobs(&w, channel, "large", &options);
    start_jobs(channel, JOBS, SIZE);
    UNTIL(stats_number(channel, "pushed") + stats_number(channel, "polled") >= BUFFERED);
    usleep(1500000); /* polls and replacements of the stream are due by now many times, but for the full buffer */
    int taken = JOBS - take_the_rest(channel);
    CHECK(taken <= 2 * (BUFFERED + 1) + 2 * (WINDOW / SIZE + 1) + 2 * GATEWAYS); /* of two streams, if one was being replaced */
    CHECK(w.t.messages == 0);
    CHECK(stats_number(channel, "pushed") + stats_number(channel, "polled") <= 2 * (BUFFERED + 1));
    OK(zeebe_job_stream_request(w.stream, 1));
    tally_wait(&w.t, &w.t.messages, 1);
    OK(zeebe_job_stream_request(w.stream, 6));
    tally_wait(&w.t, &w.t.messages, 7);
    CHECK(w.t.messages == 7);
    zeebe_job_stream_close(w.stream); /* what came is delivered, asked for or not */
    ended_with(&w, 0);
    CHECK(w.t.messages > 7 && w.t.messages == stats_number(channel, "pushed") + stats_number(channel, "polled"));
    zeebe_job_stream_free(w.stream);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

static void a_job_stream_ends_in_every_way(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_to(&g);
    worker freed = WORKER_INIT, inside = WORKER_INIT, closed = WORKER_INIT, left = WORKER_INIT;
    zeebe_job_stream_options options = polling_every(NEVER);
    tally done = TALLY_INIT;
    deploy_process(channel);
    options.manual_requests = 1;
    stream_jobs(&freed, channel, "large", &options);
    start_jobs(channel, 5, 10);
    UNTIL(stats_number(channel, "pushed") + stats_number(channel, "polled") >= 5);
    zeebe_job_stream *another = zeebe_job_stream_ref(freed.stream);
    zeebe_job_stream_free(freed.stream);
    OK(zeebe_job_stream_request(another, 2));
    tally_wait(&freed.t, &freed.t.messages, 2);
    zeebe_job_stream_free(another);
    ended_with(&freed, 1);
    CHECK(freed.t.messages == 2);

    options.manual_requests = 0;
    inside.frees = 1;
    gateway_tell(&g, "POST /mute-streams?on=1"); /* so that all come at once */
    start_jobs(channel, 5, 10);
    stream_jobs(&inside, channel, "large", &options);
    ended_with(&inside, 1);
    CHECK(inside.t.messages == 1);

    stream_jobs(&closed, channel, "nobody", &options);
    OK(zeebe_channel_close(channel, 100, on_done, &done));
    tally_wait(&done, &done.calls, 1);
    CHECK(closed.t.calls == 1);
    ended_with(&closed, 1);
    zeebe_job_stream_free(closed.stream);
    zeebe_call_handler handler = handler_of_jobs();
    FAILS(zeebe_channel_stream_jobs(channel, NULL, 0, NULL, &handler, &closed, &closed.stream), ZEEBE_ERROR_KIND_SHUTDOWN, "closed");
    zeebe_channel_free(channel);

    channel = channel_to(&g);
    stream_jobs(&left, channel, "nobody", &options);
    wait_for_gateway(&g, "open_calls", 1);
    OK(zeebe_runtime_shutdown(-1));
    CHECK(left.t.destroyed == 1);
    ended_with(&left, 1);
    zeebe_job_stream_close(left.stream);
    FAILS(zeebe_job_stream_request(left.stream, 1), ZEEBE_ERROR_KIND_SHUTDOWN, "shutdown");
    zeebe_job_stream_free(left.stream);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "callback-threads") == 0) {
        zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
        options.callback_threads = 2;
        OK(zeebe_runtime_configure(&options));
    }
    jobs_are_pushed();
    a_silent_stream_loses_no_job_and_is_replaced();
    a_killed_gateway_is_waited_for();
    what_came_before_the_gateway_went_is_delivered();
    what_it_goes_on_after_is_told();
    a_stream_that_is_cut_again_and_again_is_soon_there_again();
    what_fails_again_and_again_is_heard_of();
    on_error_may_end_the_job_stream();
    errors_pass_or_end_it();
    a_slow_program_stops_the_gateway();
    a_job_stream_ends_in_every_way();
    return 0;
}
