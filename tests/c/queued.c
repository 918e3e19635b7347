/* What is asynchronous beside calls ends on a completion queue: once, with what a callback would get, in every order of ends. */
#include "queue.h"
#include "token_endpoint.h"

enum { STATE, READY, TOKEN_OF_PLUGIN, METADATA, CLOSE, JOBS, KINDS };

enum { TAG = 7, OTHER_TAG = 8 };

/* Something of each kind that does not end by itself. */
typedef struct {
    zeebe_channel *channel; /* to nobody */
    zeebe_metadata_plugin *plugin;
    zeebe_token_request *request; /* the plugin's; NULL: not asked */
    zeebe_call *call;             /* holds up a close */
    zeebe_completion_queue *calls;
    zeebe_job_stream *stream;
} pending;

static void retrieve(void *user_data, zeebe_token_request *request)
{
    pending *p = user_data;
    __atomic_store_n(&p->request, request, __ATOMIC_RELEASE);
}

static pending *pending_new(void)
{
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_call_options waiting = ZEEBE_CALL_OPTIONS_INIT;
    pending *p = calloc(1, sizeof *p);
    CHECK(p);
    options.retrieve = retrieve;
    waiting.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    p->channel = insecure("127.0.0.1:1");
    p->calls = queue_new();
    OK(zeebe_oauth2_metadata_plugin_new(&options, p, &p->plugin));
    OK(zeebe_channel_unary_call_on_queue(p->channel, TOPOLOGY, NULL, 0, &waiting, p->calls, 0, &p->call));
    return p;
}

static zeebe_error *begin(pending *p, int kind, const zeebe_completion_queue *queue, uint64_t tag)
{
    static const uint8_t request[] = {0x0a, 1, 't', 0x12, 1, 'w', 0x18, 0xe8, 0x07}; /* type, worker, timeout */
    switch (kind) {
    case STATE: return zeebe_channel_wait_for_state_change_on_queue(p->channel, ZEEBE_CONNECTIVITY_TRANSIENT_FAILURE, -1, queue, tag);
    case READY: return zeebe_channel_wait_ready_on_queue(p->channel, -1, queue, tag);
    case TOKEN_OF_PLUGIN: return zeebe_metadata_plugin_retrieve_token_on_queue(p->plugin, queue, tag);
    case METADATA: return zeebe_metadata_plugin_get_metadata_on_queue(p->plugin, "https://zeebe", "Topology", queue, tag);
    case CLOSE: return zeebe_channel_close_on_queue(p->channel, -1, queue, tag);
    default: {
        zeebe_job_stream *stream = NULL;
        zeebe_error *error = zeebe_channel_stream_jobs_on_queue(p->channel, request, sizeof request, NULL, queue, tag, &stream);
        if (!error) p->stream = stream;
        return error;
    }
    }
}

static int32_t state_of(const zeebe_channel *channel)
{
    int32_t state;
    OK(zeebe_channel_get_state(channel, 0, &state));
    return state;
}

/* A state watch needs a state to wait in. */
static void prepare(pending *p, int kind)
{
    if (kind == STATE) UNTIL(state_of(p->channel) == ZEEBE_CONNECTIVITY_TRANSIENT_FAILURE);
}

/* Whatever waits comes to its end. */
static void finish(pending *p, int kind)
{
    zeebe_token token = ZEEBE_TOKEN_INIT;
    token.access_token = "t0ken";
    switch (kind) {
    case TOKEN_OF_PLUGIN:
    case METADATA:
        UNTIL(__atomic_load_n(&p->request, __ATOMIC_ACQUIRE));
        OK(zeebe_token_request_complete(p->request, &token));
        break;
    case CLOSE: zeebe_call_cancel(p->call, NULL); break;
    case JOBS: zeebe_job_stream_close(p->stream); break;
    default: OK(zeebe_channel_close(p->channel, 0, NULL, NULL));
    }
}

static void pending_free(pending *p)
{
    zeebe_job_stream_free(p->stream);
    zeebe_call_free(p->call);
    zeebe_completion_queue_free(p->calls);
    zeebe_channel_free(p->channel);
    zeebe_token_request_free(p->request);
    zeebe_metadata_plugin_free(p->plugin);
}

/* The one end of `kind`, after failures that a job stream goes on after; its status. */
static int32_t takes_its_end(const zeebe_completion_queue *queue, int kind)
{
    zeebe_event event = take_one(queue);
    while (kind == JOBS && event.event_type == ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR) {
        CHECK(event.tag == TAG && event.error && event.failures > 0 && event.pause_ms >= 0);
        clear(&event);
        event = take_one(queue);
    }
    int32_t status = event.grpc_status;
    CHECK(event.tag == TAG && event.event_type == (kind == JOBS ? ZEEBE_EVENT_TYPE_CLOSE : ZEEBE_EVENT_TYPE_DONE));
    CHECK(zeebe_error_grpc_status(event.error) == status && !event.message && !event.response && !event.length);
    CHECK(!event.metadata == !(kind == JOBS || (kind == METADATA && status == 0)));
    clear(&event);
    return status;
}

static int32_t expected_status(int kind) { return kind == STATE || kind == READY ? ZEEBE_STATUS_UNAVAILABLE /* SHUTDOWN */ : ZEEBE_STATUS_OK; }

static void a_queue_that_was_shut_down_refuses_it(int kind)
{
    pending *p = pending_new();
    zeebe_completion_queue *queue = queue_new();
    prepare(p, kind);
    zeebe_completion_queue_shutdown(queue);
    FAILS(begin(p, kind, queue, TAG), ZEEBE_ERROR_KIND_SHUTDOWN, "completion queue was shut down");
    is_drained(queue);
    CHECK(state_of(p->channel) != ZEEBE_CONNECTIVITY_SHUTDOWN && !p->stream && !p->request);
    zeebe_completion_queue_free(queue);
    pending_free(p);
    free(p);
}

static void a_queue_that_is_shut_down_waits_for_it(int kind)
{
    pending *p = pending_new();
    zeebe_completion_queue *queue = queue_new();
    prepare(p, kind);
    OK(begin(p, kind, queue, TAG));
    zeebe_completion_queue_shutdown(queue);
    FAILS(begin(p, kind == CLOSE ? METADATA : kind, queue, OTHER_TAG), ZEEBE_ERROR_KIND_SHUTDOWN, "");
    finish(p, kind);
    CHECK(takes_its_end(queue, kind) == expected_status(kind));
    is_drained(queue);
    zeebe_completion_queue_free(queue);
    pending_free(p);
    free(p);
}

static void a_queue_that_is_freed_loses_its_end_and_nothing_else(int kind)
{
    pending *p = pending_new();
    zeebe_completion_queue *queue = queue_new();
    tally t = TALLY_INIT;
    prepare(p, kind);
    OK(begin(p, kind, queue, TAG));
    zeebe_completion_queue_free(queue);
    finish(p, kind);
    OK(zeebe_channel_close(p->channel, 0, on_done, &t)); /* a job stream was cancelled by that, and holds up nothing */
    tally_wait(&t, &t.calls, 1);
    CHECK(state_of(p->channel) == ZEEBE_CONNECTIVITY_SHUTDOWN);
    pending_free(p);
    free(p);
}

static void the_close_of_its_channel_ends_it(int kind)
{
    if (kind == TOKEN_OF_PLUGIN || kind == METADATA) return; /* have none */
    pending *p = pending_new();
    zeebe_completion_queue *queue = queue_new(), *closes = queue_new();
    prepare(p, kind);
    OK(begin(p, kind, queue, TAG));
    OK(zeebe_channel_close_on_queue(p->channel, 0, kind == JOBS ? queue : closes, OTHER_TAG));
    CHECK(takes_its_end(queue, kind) == (kind == JOBS ? ZEEBE_STATUS_CANCELLED : expected_status(kind)));
    zeebe_event closed = take_one(kind == JOBS ? queue : closes); /* after the end of what ran */
    CHECK(closed.tag == OTHER_TAG && closed.event_type == ZEEBE_EVENT_TYPE_DONE && !closed.error);
    FAILS(begin(p, JOBS, queue, TAG), ZEEBE_ERROR_KIND_SHUTDOWN, "closed");
    zeebe_completion_queue_shutdown(queue); /* what was refused is not waited for */
    is_drained(queue);
    zeebe_completion_queue_free(queue);
    zeebe_completion_queue_free(closes);
    pending_free(p);
    free(p);
}

static void handles_that_are_freed_early_do_no_harm(int kind)
{
    pending *p = pending_new();
    zeebe_completion_queue *queue = queue_new(), *another = zeebe_completion_queue_ref(queue);
    zeebe_channel *kept = zeebe_channel_ref(p->channel);
    prepare(p, kind);
    OK(begin(p, kind, queue, TAG));
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(p->channel);
    zeebe_metadata_plugin_free(p->plugin);
    p->plugin = NULL;
    p->channel = kept;
    if (kind == JOBS) {
        zeebe_job_stream_free(p->stream);
        p->stream = NULL;
        CHECK(takes_its_end(another, kind) == ZEEBE_STATUS_CANCELLED);
    } else {
        finish(p, kind);
        CHECK(takes_its_end(another, kind) == expected_status(kind));
    }
    zeebe_completion_queue_shutdown(another);
    is_drained(another);
    zeebe_completion_queue_free(another);
    pending_free(p);
    free(p);
}

/* The end that it owes can still be taken. */
static void the_end_of_the_runtime_ends_it(int kind)
{
    pending *p = pending_new();
    zeebe_completion_queue *queue = queue_new();
    prepare(p, kind);
    OK(begin(p, kind, queue, TAG));
    OK(zeebe_runtime_shutdown(-1));
    int32_t status = takes_its_end(queue, kind);
    CHECK(status == ZEEBE_STATUS_CANCELLED || status == ZEEBE_STATUS_UNAVAILABLE);
    is_drained(queue);
    FAILS(begin(p, kind, queue, TAG), ZEEBE_ERROR_KIND_SHUTDOWN, "shutdown");
    zeebe_completion_queue_free(queue);
    pending_free(p);
    free(p);
}

/* The child has nothing of it; the parent's goes on. */
static void a_fork_leaves_it_to_the_parent(int kind)
{
    if (under_valgrind()) return; /* what the child keeps would be its leak */
    pending *p = pending_new();
    zeebe_completion_queue *queue = queue_new();
    prepare(p, kind);
    OK(begin(p, kind, queue, TAG));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        zeebe_event event;
        size_t count;
        alarm((unsigned)patience_s());
        FAILS(begin(p, kind, queue, TAG), ZEEBE_ERROR_KIND_SHUTDOWN, "fork");
        FAILS(zeebe_completion_queue_next(queue, -1, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_SHUTDOWN, "fork");
        zeebe_completion_queue_free(queue);
        zeebe_job_stream_free(p->stream);
        zeebe_channel_free(p->channel);
        _exit(0);
    }
    CHECK(ENDED(child) == 0);
    finish(p, kind);
    CHECK(takes_its_end(queue, kind) == expected_status(kind));
    zeebe_completion_queue_free(queue);
    pending_free(p);
    free(p);
}

static void wrong_use_is_refused(int kind)
{
    pending *p = pending_new();
    zeebe_channel *channel = p->channel;
    zeebe_metadata_plugin *plugin = p->plugin;
    zeebe_completion_queue *queue = queue_new();
    FAILS(begin(p, kind, NULL, TAG), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    p->channel = NULL;
    p->plugin = NULL;
    FAILS(begin(p, kind, queue, TAG), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "is NULL");
    p->channel = channel;
    p->plugin = plugin;
    CHECK(state_of(p->channel) != ZEEBE_CONNECTIVITY_SHUTDOWN);
    zeebe_completion_queue_shutdown(queue);
    is_drained(queue); /* what was refused is not waited for */
    zeebe_completion_queue_free(queue);
    pending_free(p);
    free(p);
}

static zeebe_event done(const zeebe_completion_queue *queue, uint64_t tag, int32_t status)
{
    zeebe_event event = take_one(queue);
    CHECK(event.tag == tag && event.event_type == ZEEBE_EVENT_TYPE_DONE && event.grpc_status == status && !event.error == !status);
    return event;
}

static void an_event_gives_what_a_callback_gives(const gateway *g)
{
    zeebe_completion_queue *queue = queue_new();
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    zeebe_event event;
    OK(zeebe_channel_wait_for_state_change_on_queue(channel, ZEEBE_CONNECTIVITY_IDLE, 10, queue, 1));
    event = done(queue, 1, ZEEBE_STATUS_DEADLINE_EXCEEDED);
    CHECK(event.state == ZEEBE_CONNECTIVITY_IDLE && strstr(zeebe_error_message(event.error), "10 ms"));
    clear(&event);
    OK(zeebe_channel_wait_for_state_change_on_queue(channel, ZEEBE_CONNECTIVITY_READY, -1, queue, 2)); /* it is another already */
    event = done(queue, 2, 0);
    OK(zeebe_channel_wait_ready_on_queue(channel, -1, queue, 3));
    event = done(queue, 3, 0);
    OK(zeebe_channel_wait_for_state_change_on_queue(channel, ZEEBE_CONNECTIVITY_IDLE, -1, queue, 4));
    event = done(queue, 4, 0);
    CHECK(event.state == ZEEBE_CONNECTIVITY_READY);
    FAILS(zeebe_channel_wait_for_state_change_on_queue(channel, 5, -1, queue, 5), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "last_state is 5");
    FAILS(zeebe_channel_retrieve_token_on_queue(channel, queue, 5), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "OAuth2");
    OK(zeebe_channel_close_on_queue(channel, 0, queue, 6));
    event = done(queue, 6, 0);
    OK(zeebe_channel_wait_ready_on_queue(channel, -1, queue, 7));
    event = done(queue, 7, ZEEBE_STATUS_UNAVAILABLE);
    CHECK(zeebe_error_kind(event.error) == ZEEBE_ERROR_KIND_SHUTDOWN);
    clear(&event);
    zeebe_channel_free(channel);

    channel = insecure("127.0.0.1:1");
    OK(zeebe_channel_wait_ready_on_queue(channel, 2000, queue, 8));
    event = done(queue, 8, ZEEBE_STATUS_DEADLINE_EXCEEDED);
    CHECK(strstr(zeebe_error_message(event.error), "refused"));
    clear(&event);
    zeebe_channel_free(channel);

    channel = oauth_channel(g, (oauth_arguments){.address = gateway_address(g, "plaintext_oauth")});
    OK(zeebe_channel_retrieve_token_on_queue(channel, queue, 9));
    event = done(queue, 9, 0);
    gateway_tell(g, "POST /token-answer?status=401&count=1");
    OK(zeebe_channel_retrieve_token_on_queue(channel, queue, 10));
    event = done(queue, 10, ZEEBE_STATUS_UNAUTHENTICATED);
    CHECK(zeebe_error_kind(event.error) == ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    clear(&event);
    zeebe_channel_free(channel);

    zeebe_metadata_plugin *plugin = plugin_new(g, (plugin_arguments){0});
    size_t length;
    OK(zeebe_metadata_plugin_get_metadata_on_queue(plugin, "https://zeebe", "Topology", queue, 11));
    event = done(queue, 11, 0);
    CHECK(strcmp(zeebe_metadata_key(event.metadata, 0), "authorization") == 0 &&
          !strncmp((const char *)zeebe_metadata_value(event.metadata, 0, &length), "Bearer ", 7));
    clear(&event);
    OK(zeebe_metadata_plugin_retrieve_token_on_queue(plugin, queue, 12));
    event = done(queue, 12, 0);
    zeebe_metadata_plugin_free(plugin);
    zeebe_completion_queue_shutdown(queue);
    is_drained(queue);
    zeebe_completion_queue_free(queue);
}

/* Of calls that wait for a connection there are as many as the program allows; one that gives up makes room. */
static void so_many_calls_wait_and_others_are_told(void)
{
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
    zeebe_completion_queue *queue = queue_new();
    zeebe_channel *channel = NULL;
    zeebe_call *first = NULL;
    options.grpc_address = "127.0.0.1:1"; /* nobody */
    options.connection_options = &connection;
    connection.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    connection.max_waiting_calls = 2;
    OK(zeebe_create_insecure_channel(&options, &channel));
    for (int i = 0; i < 2; i++) OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, TAG, i ? NULL : &first));
    UNTIL(stats_number(channel, "waiting_calls") == 2);
    OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, OTHER_TAG, NULL));
    zeebe_event event = take_one(queue);
    CHECK(event.tag == OTHER_TAG && event.grpc_status == ZEEBE_STATUS_RESOURCE_EXHAUSTED && !zeebe_error_may_have_been_processed(event.error));
    CHECK(zeebe_error_source(event.error) == ZEEBE_ERROR_SOURCE_LIBRARY && !zeebe_error_is_retryable(event.error));
    CHECK(strstr(zeebe_error_message(event.error), "2 calls wait for a connection already, as many as connection_options.max_waiting_calls allows"));
    clear(&event);
    zeebe_call_cancel(first, NULL);
    event = take_one(queue);
    CHECK(event.tag == TAG && event.grpc_status == ZEEBE_STATUS_CANCELLED);
    clear(&event);
    OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, TAG, NULL));
    UNTIL(stats_number(channel, "waiting_calls") == 2);
    zeebe_call_free(first);
    OK(zeebe_channel_close(channel, 0, NULL, NULL));
    zeebe_channel_free(channel);
    for (int i = 0; i < 2; i++) {
        event = take_one(queue);
        CHECK(event.tag == TAG && event.error);
        clear(&event);
    }
    zeebe_completion_queue_free(queue);

    connection.max_waiting_calls = -1;
    queue = queue_new();
    OK(zeebe_create_insecure_channel(&options, &channel));
    for (int i = 0; i < 5000; i++) OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, TAG, NULL));
    UNTIL(stats_number(channel, "waiting_calls") == 5000);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
}

int main(void)
{
    static void (*const orders[])(int) = {
        wrong_use_is_refused,
        a_queue_that_was_shut_down_refuses_it,
        a_queue_that_is_shut_down_waits_for_it,
        a_queue_that_is_freed_loses_its_end_and_nothing_else,
        the_close_of_its_channel_ends_it,
        handles_that_are_freed_early_do_no_harm,
        a_fork_leaves_it_to_the_parent,
        the_end_of_the_runtime_ends_it,
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        for (int kind = 0; kind < KINDS; kind++) orders[i](kind);
    gateway g;
    gateway_start(&g, "0");
    an_event_gives_what_a_callback_gives(&g);
    so_many_calls_wait_and_others_are_told();
    gateway_stop(&g);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
