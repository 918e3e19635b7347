/* The client `zeebe`: libzeebe through its C API, with callbacks on its I/O thread. */
#include <semaphore.h>

#include "channel.h"

static sem_t ended;

/* One of the calls in flight: as it ends, the next one starts. */
struct slot {
    zeebe_channel *channel;
    uint64_t from;
};

static size_t under_way; /* changed on the I/O thread only, once calls run */

static void on_unary(void *user_data, const zeebe_error *error, const zeebe_response *response);

static void start_unary(struct slot *slot)
{
    check("unary call", zeebe_channel_unary_call(slot->channel, TOPOLOGY, NULL, 0, &DEADLINE, on_unary, slot, NULL));
}

static void on_unary(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    struct slot *slot = user_data;
    (void)response;
    check("unary call", error);
    uint64_t now = now_ns();
    if (meter_call(&meter, slot->from, now)) {
        slot->from = now;
        start_unary(slot);
    } else if (--under_way == 0) {
        sem_post(&ended);
    }
}

static void measure_unary(void)
{
    zeebe_channel *channel = create_channel();
    struct slot *slots = calloc(run.in_flight, sizeof *slots);
    check("connection", zeebe_channel_wait_ready(channel, 30000));
    under_way = run.in_flight;
    meter = meter_start(&run);
    for (size_t i = 0; i < run.in_flight; i++) {
        slots[i] = (struct slot){channel, now_ns()};
        start_unary(&slots[i]);
    }
    sem_wait(&ended);
    zeebe_channel_free(channel);
    free(slots);
}

static int over; /* written on the I/O thread before `ended` is posted */

static void on_message(void *user_data, const zeebe_buffer *message)
{
    static uint64_t uncounted;
    (void)user_data, (void)message;
    /* A clock read for each message would be part of what is measured. */
    if (++uncounted == 64) {
        over = !meter_count(&meter, now_ns(), uncounted);
        uncounted = 0;
    }
}

static void on_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    (void)user_data, (void)trailers;
    check("stream", error);
    sem_post(&ended);
}

static void measure_stream(void)
{
    zeebe_channel *channel = create_channel();
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_message = on_message;
    handler.on_close = on_close;
    check("connection", zeebe_channel_wait_ready(channel, 30000));
    meter = meter_start(&run);
    while (!over) {
        zeebe_call *call = NULL;
        check("stream", zeebe_channel_start_call(channel, STREAM_ACTIVATED_JOBS, &DEADLINE, &handler, NULL, &call));
        check("request", zeebe_call_send_message(call, NULL, 0));
        check("request", zeebe_call_half_close(call));
        sem_wait(&ended);
        zeebe_call_free(call);
    }
    zeebe_channel_free(channel);
}

static void on_job_ended(void *user_data, int32_t outcome, const zeebe_error *error)
{
    (void)user_data, (void)outcome;
    if (over) return;
    check("end of a job", error);
    over = !meter_count(&meter, now_ns(), 1);
    if (over) sem_post(&ended);
}

static void on_job(void *user_data, const zeebe_job *job)
{
    (void)user_data;
    if (!over) check("end of a job", zeebe_job_complete(job, "{\"paid\":true}", on_job_ended, NULL));
}

static void measure_jobs(void)
{
    zeebe_channel *channel = create_channel();
    zeebe_job_worker_options options = ZEEBE_JOB_WORKER_OPTIONS_INIT;
    zeebe_job_worker_handler handler = ZEEBE_JOB_WORKER_HANDLER_INIT;
    zeebe_job_worker *worker = NULL;
    options.job_type = "payment";
    options.max_jobs_active = (int64_t)run.in_flight;
    handler.on_job = on_job;
    check("connection", zeebe_channel_wait_ready(channel, 30000));
    meter = meter_start(&run);
    check("worker", zeebe_job_worker_start(channel, &options, &handler, NULL, &worker));
    sem_wait(&ended);
    zeebe_job_worker_free(worker);
    zeebe_channel_free(channel);
}

static void start_cold(struct slot *slot);

static void on_closed(void *user_data, const zeebe_error *error)
{
    struct slot *slot = user_data;
    check("close", error);
    zeebe_channel_free(slot->channel);
    if (meter_call(&meter, slot->from, now_ns())) start_cold(slot);
    else sem_post(&ended);
}

static void on_first_call(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    struct slot *slot = user_data;
    (void)response;
    check("first call", error);
    check("close", zeebe_channel_close(slot->channel, 0, on_closed, slot));
}

static void start_cold(struct slot *slot)
{
    slot->from = now_ns();
    slot->channel = create_channel();
    check("first call", zeebe_channel_unary_call(slot->channel, TOPOLOGY, NULL, 0, &DEADLINE, on_first_call, slot, NULL));
}

static void measure_cold(void)
{
    struct slot slot;
    meter = meter_start(&run);
    start_cold(&slot);
    sem_wait(&ended);
}

static void call_once(zeebe_channel *channel)
{
    zeebe_response *response = NULL;
    check("call", zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &DEADLINE, &response));
    zeebe_response_free(response);
}

/* KiB for each channel. */
static double measure_idle(void)
{
    /* What the first one needs, the process needs once. */
    zeebe_channel *first = create_channel();
    call_once(first);
    zeebe_channel **channels = calloc(run.in_flight, sizeof *channels);
    double before = rss_kib();
    for (size_t i = 0; i < run.in_flight; i++) call_once(channels[i] = create_channel());
    double each = (rss_kib() - before) / (double)run.in_flight;
    for (size_t i = 0; i < run.in_flight; i++) zeebe_channel_free(channels[i]);
    zeebe_channel_free(first);
    free(channels);
    return each;
}

static size_t to_come;

static void on_held(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    (void)user_data, (void)response;
    check("call", error);
    if (--to_come == 0) sem_post(&ended);
}

static void start_held(zeebe_channel *channel)
{
    check("call", zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &DEADLINE, on_held, NULL, NULL));
}

/* KiB for each call. */
static double measure_held(void)
{
    zeebe_channel *channel = create_channel(), *next = create_channel();
    check("connection", zeebe_channel_wait_ready(channel, 30000));
    to_come = run.in_flight + 1;
    double before = rss_kib();
    for (size_t i = 0; i < run.in_flight; i++) start_held(channel);
    /* The I/O thread does what it is told in order: when this one is connected, those are sent. */
    check("connection", zeebe_channel_wait_ready(next, 30000));
    double each = (rss_kib() - before) / (double)run.in_flight;
    start_held(channel);
    sem_wait(&ended);
    zeebe_channel_free(next);
    zeebe_channel_free(channel);
    return each;
}

int main(int argc, char **argv)
{
    char version[32];
    run = run_parse(argc, argv);
    sem_init(&ended, 0, 0);
    snprintf(version, sizeof version, "libzeebe %s", zeebe_version());

    if (strcmp(run.row, "idle") == 0) {
        rss_print(measure_idle(), version);
    } else if (strcmp(run.row, "held") == 0) {
        rss_print(measure_held(), version);
    } else {
        if (strcmp(run.row, "unary") == 0) measure_unary();
        else if (strcmp(run.row, "stream") == 0) measure_stream();
        else if (strcmp(run.row, "cold") == 0) measure_cold();
        else if (strcmp(run.row, "jobs") == 0) measure_jobs();
        else fail(run.row, "no such row");
        meter_print(&meter, version);
    }
    zeebe_error_free(zeebe_runtime_shutdown(5000));
    return EXIT_SUCCESS;
}
