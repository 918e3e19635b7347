/* The host's own token source: answered once, from any thread, failed in every way, freed, and abandoned by channel or runtime.
   (That it is cancelled after 30 s is a unit test with a clock of its own.) */
#define _GNU_SOURCE
#include "gateway.h"

/* Keeps each request until a test takes it. */
typedef struct {
    tally t;
    zeebe_token_request *request;
} source;

#define SOURCE_INIT {TALLY_INIT, NULL}

static void retrieve(void *user_data, zeebe_token_request *request)
{
    source *s = user_data;
    s->request = request;
    tally_end(&s->t, NULL);
}

static void on_source_destroyed(void *user_data) { on_destroy(&((source *)user_data)->t); }

/* The request that was asked for `asked` times. */
static zeebe_token_request *taken(source *s, int asked)
{
    tally_wait(&s->t, &s->t.calls, asked);
    return s->request;
}

static zeebe_metadata_plugin *plugin_new(source *s)
{
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    options.retrieve = retrieve;
    options.destroy = on_source_destroyed;
    OK(zeebe_oauth2_metadata_plugin_new(&options, s, &plugin));
    return plugin;
}

static void plugin_free(zeebe_metadata_plugin *plugin, source *s)
{
    zeebe_metadata_plugin_free(plugin);
    tally_wait(&s->t, &s->t.destroyed, 1);
}

/* How a call with the plugin ends. */
typedef struct {
    tally t;
    int32_t source;
    int32_t retryable;
    int64_t retry_after_ms;
    char message[512];
} outcome;

#define OUTCOME_INIT {TALLY_INIT, 0, 0, 0, ""}

static void on_outcome(void *user_data, const zeebe_error *error)
{
    outcome *o = user_data;
    o->source = zeebe_error_source(error);
    o->retryable = zeebe_error_is_retryable(error);
    o->retry_after_ms = zeebe_error_retry_after_ms(error);
    if (error) snprintf(o->message, sizeof o->message, "%s", zeebe_error_message(error));
    tally_end(&o->t, error);
}

static void a_second_answer_is_an_illegal_state(void)
{
    source s = SOURCE_INIT;
    outcome o = OUTCOME_INIT;
    zeebe_token token = ZEEBE_TOKEN_INIT;
    zeebe_metadata_plugin *plugin = plugin_new(&s);
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_outcome, &o));
    zeebe_token_request *request = taken(&s, 1);
    token.access_token = "a b";
    FAILS(zeebe_token_request_complete(request, &token), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "characters");
    FAILS(zeebe_token_request_fail(request, 17, "", -1), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "17");
    token.access_token = "t";
    OK(zeebe_token_request_complete(request, &token));
    FAILS(zeebe_token_request_complete(request, &token), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "before");
    FAILS(zeebe_token_request_fail(request, ZEEBE_STATUS_UNAVAILABLE, "", -1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "before");
    zeebe_token_request_free(request);
    tally_wait(&o.t, &o.t.calls, 1);
    CHECK(o.t.failures == 0);
    plugin_free(plugin, &s);
}

/* "may not end a call with OK, …: INTERNAL, the original in the text (gRFC A54)"; retry_after is honoured. */
static void every_status_is_passed_on_but_those_of_grfc_a54(void)
{
    static const char INTERNAL[17] = {[0] = 1, [3] = 1, [5] = 1, [6] = 1, [9] = 1, [10] = 1, [11] = 1, [15] = 1};
    source s = SOURCE_INIT;
    outcome o = OUTCOME_INIT;
    zeebe_metadata_plugin *plugin = plugin_new(&s);
    for (int32_t status = 0; status <= 16; status++) {
        OK(zeebe_metadata_plugin_retrieve_token(plugin, on_outcome, &o));
        zeebe_token_request *request = taken(&s, status + 1);
        OK(zeebe_token_request_fail(request, status, "the reason", 1234 + status));
        zeebe_token_request_free(request);
        tally_wait(&o.t, &o.t.calls, status + 1);
        CHECK(o.t.status == (INTERNAL[status] ? 13 : status));
        CHECK(o.t.kind == (status == ZEEBE_STATUS_UNAUTHENTICATED ? ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS : ZEEBE_ERROR_KIND_RPC));
        CHECK(o.source == ZEEBE_ERROR_SOURCE_CALLER && o.retryable == (status == ZEEBE_STATUS_UNAVAILABLE) && o.retry_after_ms == 1234 + status);
        CHECK(strstr(o.message, "the reason") && !strstr(o.message, "which no call may end with") == !INTERNAL[status]);
    }
    plugin_free(plugin, &s);
}

static void a_request_freed_unanswered_is_unavailable(void)
{
    source s = SOURCE_INIT;
    outcome o = OUTCOME_INIT;
    zeebe_metadata_plugin *plugin = plugin_new(&s);
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_outcome, &o));
    zeebe_token_request_free(taken(&s, 1));
    tally_wait(&o.t, &o.t.calls, 1);
    CHECK(o.t.status == ZEEBE_STATUS_UNAVAILABLE && o.retryable && strstr(o.message, "without an answer"));
    plugin_free(plugin, &s);
}

static void *answer_elsewhere(void *request)
{
    zeebe_token token = ZEEBE_TOKEN_INIT;
    token.access_token = "t";
    OK(zeebe_token_request_complete(request, &token));
    zeebe_token_request_free(request);
    return NULL;
}

/* A call outlives channel and plugin, which are freed while it waits for its token; another thread gives it. */
static void a_plugin_in_use_by_a_call_outlives_its_free(const gateway *g)
{
    source s = SOURCE_INIT;
    tally calls = TALLY_INIT;
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    pthread_t thread;
    zeebe_metadata_plugin *plugin = plugin_new(&s);
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    options.credentials = plugin;
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &options, on_unary, &calls, NULL));
    zeebe_metadata_plugin_free(plugin);
    zeebe_channel_free(channel);
    zeebe_token_request *request = taken(&s, 1);
    CHECK(calls.calls == 0 && s.t.destroyed == 0);
    CHECK(pthread_create(&thread, NULL, answer_elsewhere, request) == 0);
    tally_wait(&calls, &calls.calls, 1);
    CHECK(calls.failures == 0);
    JOIN(thread);
    tally_wait(&s.t, &s.t.destroyed, 1);
}

/* "a gateway's UNAUTHENTICATED asks it again": once it is older than the first step, a second. */
static void a_token_that_the_gateway_refuses_is_asked_for_again(const gateway *g)
{
    source s = SOURCE_INIT;
    tally calls = TALLY_INIT;
    outcome o = OUTCOME_INIT;
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = plugin_new(&s);
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext_oauth")});
    options.credentials = plugin;
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_outcome, &o));
    answer_elsewhere(taken(&s, 1));
    tally_wait(&o.t, &o.t.calls, 1);
    usleep(1300000); /* only time makes it old enough */
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &options, on_unary, &calls, NULL));
    answer_elsewhere(taken(&s, 2));
    tally_wait(&calls, &calls.calls, 1);
    CHECK(calls.status == ZEEBE_STATUS_UNAUTHENTICATED && s.t.calls == 2); /* a second refusal is returned */
    zeebe_channel_free(channel);
    plugin_free(plugin, &s);
}

/* Those who wait are told; the request is still to be freed, and an answer is of no use any more. */
static void a_shutdown_ends_a_fetch(void)
{
    source s = SOURCE_INIT;
    outcome o = OUTCOME_INIT;
    zeebe_token token = ZEEBE_TOKEN_INIT;
    zeebe_metadata_plugin *plugin = plugin_new(&s);
    token.access_token = "t";
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_outcome, &o));
    zeebe_token_request *request = taken(&s, 1);
    OK(zeebe_runtime_shutdown(-1));
    CHECK(o.t.calls == 1 && o.t.failures == 1);
    OK(zeebe_token_request_complete(request, &token));
    zeebe_token_request_free(request);
    FAILS(zeebe_metadata_plugin_retrieve_token(plugin, on_outcome, &o), ZEEBE_ERROR_KIND_SHUTDOWN, "");
    plugin_free(plugin, &s);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    a_second_answer_is_an_illegal_state();
    every_status_is_passed_on_but_those_of_grfc_a54();
    a_request_freed_unanswered_is_unavailable();
    a_plugin_in_use_by_a_call_outlives_its_free(&g);
    a_token_that_the_gateway_refuses_is_asked_for_again(&g);
    a_shutdown_ends_a_fetch();
    gateway_stop(&g);
    return 0;
}
