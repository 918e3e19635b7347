/* Job workers outlast what fails on their own side: a token source, a place among the calls that wait for a connection. */
#include "job_worker.h"
#include "one_task.h"

/* A token source whose tokens are good for the calls that wait for them alone; it fails once with `fails`, if that is a status. */
typedef struct {
    tally t;
    int32_t fails;
} source;

enum { NO_FAILURE = -1 };

static void retrieve(void *user_data, zeebe_token_request *request)
{
    source *s = user_data;
    zeebe_token token = ZEEBE_TOKEN_INIT;
    token.access_token = "t";
    token.expires_in = -1;
    pthread_mutex_lock(&s->t.mutex);
    int32_t fails = s->fails;
    s->fails = NO_FAILURE;
    pthread_mutex_unlock(&s->t.mutex);
    if (fails == NO_FAILURE) OK(zeebe_token_request_complete(request, &token));
    else OK(zeebe_token_request_fail(request, fails, "not now", -1));
    zeebe_token_request_free(request);
    if (fails != NO_FAILURE) tally_end(&s->t, NULL);
}

static void on_source_destroyed(void *user_data) { on_destroy(&((source *)user_data)->t); }

static void fail_once(source *s, int32_t status)
{
    pthread_mutex_lock(&s->t.mutex);
    s->fails = status;
    pthread_mutex_unlock(&s->t.mutex);
}

static zeebe_channel *channel_with(const gateway *g, source *s)
{
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_secure_channel_options channel_options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    zeebe_channel_credentials *plain = NULL, *both = NULL;
    zeebe_channel *channel = NULL;
    options.retrieve = retrieve;
    options.destroy = on_source_destroyed;
    OK(zeebe_oauth2_metadata_plugin_new(&options, s, &plugin));
    OK(zeebe_insecure_channel_credentials_new(&plain));
    OK(zeebe_composite_channel_credentials_new(plain, plugin, &both));
    channel_options.grpc_address = gateway_address(g, "plaintext");
    channel_options.channel_credentials = both;
    OK(zeebe_create_secure_channel(&channel_options, &channel));
    zeebe_channel_credentials_free(both);
    zeebe_channel_credentials_free(plain);
    zeebe_metadata_plugin_free(plugin);
    return channel;
}

/* The statuses with which a source may fail, but for the two that say that the program is refused. */
static const int32_t PASSING[] = {ZEEBE_STATUS_CANCELLED,          ZEEBE_STATUS_UNKNOWN,       ZEEBE_STATUS_INVALID_ARGUMENT,
                                  ZEEBE_STATUS_DEADLINE_EXCEEDED,  ZEEBE_STATUS_NOT_FOUND,     ZEEBE_STATUS_ALREADY_EXISTS,
                                  ZEEBE_STATUS_RESOURCE_EXHAUSTED, ZEEBE_STATUS_ABORTED,       ZEEBE_STATUS_FAILED_PRECONDITION,
                                  ZEEBE_STATUS_OUT_OF_RANGE,       ZEEBE_STATUS_UNIMPLEMENTED, ZEEBE_STATUS_INTERNAL,
                                  ZEEBE_STATUS_UNAVAILABLE,        ZEEBE_STATUS_DATA_LOSS};
enum { COUNT = sizeof PASSING / sizeof *PASSING };

/* All at once: after a failure a source is left alone for a second. Each has jobs of its own type. */
static void a_source_that_fails_once_costs_neither_worker_nor_end(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *plain = channel_to(&g), *channels[COUNT];
    static source sources[COUNT];
    static desk desks[COUNT];
    zeebe_job_worker *workers[COUNT];
    char types[COUNT][16];
    for (int i = 0; i < COUNT; i++) {
        sources[i] = (source){TALLY_INIT, PASSING[i]};
        desks[i] = (desk)DESK_INIT;
        snprintf(types[i], sizeof types[i], "type-%d", i);
        deploy(plain, types[i], "", "");
        channels[i] = channel_with(&g, &sources[i]);
        zeebe_job_worker_options options = worker_of(types[i]);
        options.poll_interval_ms = 600000; /* what fails is the stream, then the end */
        workers[i] = worker_start(channels[i], options, &desks[i]);
        create(plain, types[i], "{}", "");
    }
    for (int i = 0; i < COUNT; i++) {
        const zeebe_job *job = desk_job(&desks[i], 0);
        CHECK(sources[i].t.calls == 1);
        fail_once(&sources[i], PASSING[i]);
        OK(zeebe_job_complete(job, NULL, desk_on_end, &desks[i]));
    }
    for (int i = 0; i < COUNT; i++) {
        DESK_AWAIT(&desks[i], desks[i].ends[ZEEBE_JOB_OUTCOME_ENDED] + desks[i].ends[ZEEBE_JOB_OUTCOME_NOT_ENDED] == 1);
        CHECK(desks[i].ends[ZEEBE_JOB_OUTCOME_ENDED] == 1 && sources[i].t.calls == 2);
        worker_end(workers[i], &desks[i], 0);
        desk_clear(&desks[i]);
        zeebe_channel_free(channels[i]);
        tally_wait(&sources[i].t, &sources[i].t.destroyed, 1);
    }
    CHECK(has_no_jobs(&g));
    zeebe_channel_free(plain);
    gateway_stop(&g);
}

/* Who is refused a token ends its worker, as one whom the gateway refuses. */
static void a_source_that_is_refused_ends_the_worker(void)
{
    const int32_t refusals[] = {ZEEBE_STATUS_PERMISSION_DENIED, ZEEBE_STATUS_UNAUTHENTICATED};
    gateway g;
    gateway_start(&g, "0");
    for (int i = 0; i < 2; i++) {
        source s = {TALLY_INIT, refusals[i]};
        desk d = DESK_INIT;
        zeebe_channel *channel = channel_with(&g, &s);
        zeebe_job_worker *worker = worker_start(channel, worker_of("t"), &d);
        DESK_AWAIT(&d, d.destroyed == 1);
        CHECK(d.close_status == refusals[i]);
        zeebe_job_worker_free(worker);
        zeebe_channel_free(channel);
        tally_wait(&s.t, &s.t.destroyed, 1);
    }
    gateway_stop(&g);
}

/* The stream waits for a connection, and no other call may: the end that is refused is sent again while the job is ours. The gateway that
   comes back has the same process and job, by the same keys. */
static void a_queue_of_calls_that_is_full_costs_no_end(void)
{
    gateway g;
    char port[16];
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
    const zeebe_channel_option soon[] = {NUMBER("grpc.initial_reconnect_backoff_ms", 100), NUMBER("grpc.max_reconnect_backoff_ms", 100)};
    zeebe_channel *channel = NULL;
    desk d = DESK_INIT;
    gateway_start(&g, "0");
    snprintf(port, sizeof port, "%s", gateway_get(&g, "plaintext"));
    connection.max_waiting_calls = 1;
    options.grpc_address = gateway_address(&g, "plaintext");
    options.connection_options = &connection;
    options.channel_options = soon;
    options.channel_options_count = 2;
    OK(zeebe_create_insecure_channel(&options, &channel));
    deploy(channel, "t", "", "");
    create(channel, "t", "{}", "");
    zeebe_job_worker_options worker_options = worker_of("t");
    worker_options.leave_freed_jobs = 1;
    zeebe_job_worker *worker = worker_start(channel, worker_options, &d);
    const zeebe_job *job = desk_job(&d, 0);
    gateway_kill(&g);
    UNTIL(stats_number(channel, "waiting_calls") == 1);
    OK(zeebe_job_complete(job, NULL, desk_on_end, &d));
    UNTIL(worker_number(worker, "sent_again") + worker_number(worker, "not_ended") > 0);
    CHECK(worker_number(worker, "not_ended") == 0);
    gateway_start_with(&g, port, "--misbehave", "/fail?status=14&count=1000000&rpc=CompleteJob");
    zeebe_channel *other = channel_to(&g);
    deploy(other, "t", "", "");
    create(other, "t", "{}", "");
    gateway_tell(&g, "POST /fail?status=14&count=0");
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] + d.ends[ZEEBE_JOB_OUTCOME_NOT_ENDED] + d.ends[ZEEBE_JOB_OUTCOME_UNKNOWN] == 1);
    CHECK(d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    desk_clear(&d); /* it may have come again */
    worker_end(worker, &d, 0);
    zeebe_channel_free(other);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

int main(void)
{
    a_queue_of_calls_that_is_full_costs_no_end();
    a_source_that_fails_once_costs_neither_worker_nor_end();
    a_source_that_is_refused_ends_the_worker();
    return 0;
}
