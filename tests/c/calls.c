/* Calls, tokens and failures against the development gateway: what ends how, and exactly once. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

static zeebe_call_options timeout(int64_t timeout_ms)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    return options;
}

static zeebe_channel *oauth(const char *secret)
{
    static char *ca;
    if (!ca) ca = file("CA");
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    zeebe_channel_credentials *credentials = trusting(ca);
    token.token_ca = ca;
    options.grpc_address = env("TLS_OAUTH");
    options.client_id = "demo-client";
    options.client_secret = secret;
    options.authorization_server = env("TOKEN_URL");
    options.audience = "zeebe-api";
    options.channel_credentials = credentials;
    options.token_options = &token;
    OK(zeebe_create_oauth2_client_credentials_channel(&options, &channel));
    zeebe_channel_credentials_free(credentials);
    return channel;
}

static void a_call_succeeds_and_unknown_methods_do_not(void)
{
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    zeebe_call_options options = timeout(10000);
    zeebe_response *response = NULL;
    char *json = NULL;
    int32_t state = -1;
    OK(zeebe_channel_wait_ready(channel, 10000));
    OK(zeebe_channel_get_state(channel, 0, &state));
    CHECK(state == ZEEBE_CONNECTIVITY_READY);
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response));
    CHECK(zeebe_buffer_data(zeebe_response_message(response), NULL));
    zeebe_response_free(response);
    OK(zeebe_channel_json_call_sync(channel, "Topology", "{}", &options, &json));
    CHECK(strstr(json, "\"gatewayVersion\""));
    zeebe_string_free(json);
    FAILS(zeebe_channel_unary_call_sync(channel, "/a.B/C", NULL, 0, &options, &response), ZEEBE_ERROR_KIND_RPC, "");
    FAILS(zeebe_channel_json_call_sync(channel, "CompleteJob", "{\"jobKey\":1}", &options, &json), ZEEBE_ERROR_KIND_RPC, "1");
    FAILS(zeebe_channel_json_call_sync(channel, "StreamActivatedJobs", "{}", &options, &json), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "start_call");
    zeebe_channel_free(channel);
}

static void many_calls_complete_once_each(void)
{
    enum { CALLS = 500 };
    tally t = TALLY_INIT;
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    zeebe_call_options options = timeout(30000);
    for (int i = 0; i < CALLS; i++) OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &options, on_unary, &t, NULL));
    zeebe_channel_free(channel); /* ends nothing */
    tally_wait(&t, &t.calls, CALLS);
    CHECK(t.failures == 0);
}

static zeebe_call *stream(zeebe_channel *channel, tally *t, int64_t timeout_ms)
{
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call_options options = timeout(timeout_ms);
    zeebe_call *call = NULL;
    zeebe_buffer *request = NULL;
    size_t length = 0;
    handler.on_message = on_message;
    handler.on_close = on_close;
    handler.destroy = on_destroy;
    OK(zeebe_request_from_json("StreamActivatedJobs", "{\"type\":\"nobody\",\"worker\":\"w\",\"timeout\":1000}", &request));
    OK(zeebe_channel_start_call(channel, "/gateway_protocol.Gateway/StreamActivatedJobs", &options, &handler, t, &call));
    const uint8_t *data = zeebe_buffer_data(request, &length);
    OK(zeebe_call_send_message(call, data, length));
    OK(zeebe_call_half_close(call));
    FAILS(zeebe_call_half_close(call), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "half-closed");
    FAILS(zeebe_call_send_message(call, data, length), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "half-closed");
    zeebe_buffer_free(request);
    return call;
}

static void streams_end_by_cancel_free_deadline_and_close(void)
{
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    tally cancelled = TALLY_INIT, freed = TALLY_INIT, late = TALLY_INIT, closed = TALLY_INIT, done = TALLY_INIT;
    OK(zeebe_channel_wait_ready(channel, 10000));
    zeebe_call *call = stream(channel, &cancelled, 0);
    zeebe_call_cancel(call, "enough");
    tally_wait(&cancelled, &cancelled.destroyed, 1);
    CHECK(cancelled.calls == 1 && cancelled.status == ZEEBE_STATUS_CANCELLED);
    zeebe_call_free(call);
    zeebe_call_free(stream(channel, &freed, 0));
    tally_wait(&freed, &freed.destroyed, 1);
    CHECK(freed.calls == 1 && freed.status == ZEEBE_STATUS_CANCELLED);
    call = stream(channel, &late, 100);
    tally_wait(&late, &late.destroyed, 1);
    CHECK(late.calls == 1 && late.status == ZEEBE_STATUS_DEADLINE_EXCEEDED);
    zeebe_call_free(call);
    call = stream(channel, &closed, 0);
    OK(zeebe_channel_close(channel, 0, on_done, &done));
    tally_wait(&done, &done.calls, 1);
    CHECK(closed.calls == 1 && closed.status == ZEEBE_STATUS_CANCELLED && done.failures == 0);
    FAILS(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, on_unary, NULL, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "closed");
    zeebe_call_free(call);
    zeebe_channel_free(channel);
    tally_wait(&closed, &closed.destroyed, 1);
}

static void failures_say_what_and_where(void)
{
    zeebe_response *response = NULL;
    zeebe_call_options options = timeout(10000);
    zeebe_channel *channel = insecure("127.0.0.1:1");
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response);
    CHECK(error && zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAVAILABLE && zeebe_error_is_retryable(error));
    CHECK(!zeebe_error_may_have_been_processed(error) && zeebe_error_source(error) == ZEEBE_ERROR_SOURCE_TRANSPORT);
    CHECK(strstr(zeebe_error_message(error), "127.0.0.1:1") && strstr(zeebe_error_message(error), "refused"));
    zeebe_error_free(error);
    options = timeout(200);
    options.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response), ZEEBE_ERROR_KIND_RPC, "refused");
    zeebe_channel_free(channel);

    options = timeout(10000);
    char *other = file("OTHER_CA");
    channel = secure(env("TLS"), other);
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response), ZEEBE_ERROR_KIND_RPC, "UnknownIssuer");
    zeebe_channel_free(channel);
    free(other);
}

static void tokens(void)
{
    zeebe_response *response = NULL;
    zeebe_call_options options = timeout(20000);
    tally t = TALLY_INIT;
    zeebe_channel *channel = oauth("demo-secret");
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response));
    zeebe_response_free(response);
    OK(zeebe_channel_retrieve_token(channel, on_done, &t));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.failures == 0);
    char *json = NULL;
    OK(zeebe_channel_describe(channel, &json));
    CHECK(strstr(json, "\"state\":\"valid\"") && !strstr(json, "demo-secret"));
    zeebe_string_free(json);
    zeebe_channel_free(channel);
    channel = oauth("wrong");
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response), ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS,
          "(invalid_client)");
    zeebe_channel_free(channel);
    char *ca = file("CA"); /* no token at all */
    channel = secure(env("TLS_OAUTH"), ca);
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response);
    CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAUTHENTICATED && zeebe_error_source(error) == ZEEBE_ERROR_SOURCE_GATEWAY);
    zeebe_error_free(error);
    zeebe_channel_free(channel);
    free(ca);
}

/* The host's own token source, wrong on purpose: the gateway refuses what it did not issue. */
static void retrieve(void *user_data, zeebe_token_request *request)
{
    tally *t = user_data;
    zeebe_token token = ZEEBE_TOKEN_INIT;
    token.access_token = "of-the-host";
    OK(zeebe_token_request_complete(request, &token));
    FAILS(zeebe_token_request_complete(request, &token), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "before");
    zeebe_token_request_free(request);
    tally_end(t, NULL);
}

static void a_hosts_token_is_sent(void)
{
    tally t = TALLY_INIT;
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    zeebe_channel_credentials *base = NULL, *both = NULL;
    zeebe_channel *channel = NULL;
    zeebe_response *response = NULL;
    int32_t expired = -1;
    options.retrieve = retrieve;
    options.destroy = on_destroy;
    OK(zeebe_oauth2_metadata_plugin_new(&options, &t, &plugin));
    OK(zeebe_metadata_plugin_is_token_expired(plugin, &expired));
    CHECK(expired == 1);
    OK(zeebe_local_channel_credentials_new(&base));
    OK(zeebe_composite_channel_credentials_new(base, plugin, &both));
    zeebe_secure_channel_options secure_options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    secure_options.grpc_address = env("PLAINTEXT_OAUTH");
    secure_options.channel_credentials = both;
    OK(zeebe_create_secure_channel(&secure_options, &channel));
    zeebe_call_options call = timeout(10000);
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &call, &response);
    CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAUTHENTICATED);
    zeebe_error_free(error);
    CHECK(t.calls == 1);
    zeebe_channel_free(channel);
    zeebe_channel_credentials_free(base);
    zeebe_channel_credentials_free(both);
    zeebe_metadata_plugin_free(plugin);
    tally_wait(&t, &t.destroyed, 1);
}

static zeebe_response *kept_response;
static zeebe_error *kept_error;

static void keep(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    kept_error = zeebe_error_ref(error);
    kept_response = zeebe_response_ref(response);
    tally_end(user_data, error);
}

static void what_a_callback_lends_is_kept_by_a_reference(void)
{
    tally t = TALLY_INIT;
    size_t length = 0;
    zeebe_call *call = NULL, *another;
    zeebe_channel *channel = insecure(env("PLAINTEXT")), *same = zeebe_channel_ref(channel);
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, keep, &t, &call));
    another = zeebe_call_ref(call);
    zeebe_call_free(call);
    tally_wait(&t, &t.calls, 1);
    CHECK(kept_response && !kept_error);
    zeebe_buffer *message = zeebe_buffer_ref(zeebe_response_message(kept_response));
    CHECK(zeebe_response_initial_metadata(kept_response) && zeebe_response_trailers(kept_response));
    zeebe_response_free(kept_response);
    CHECK(zeebe_buffer_data(message, &length) && length > 0);
    zeebe_buffer_free(message);
    zeebe_call_cancel(another, "late"); /* after the end nothing happens */
    zeebe_call_free(another);
    zeebe_channel_free(channel);
    OK(zeebe_channel_unary_call(same, "/a.B/C", NULL, 0, NULL, keep, &t, NULL));
    tally_wait(&t, &t.calls, 2);
    CHECK(!kept_response && zeebe_error_grpc_status(kept_error) == ZEEBE_STATUS_UNIMPLEMENTED);
    zeebe_error_free(kept_error);
    zeebe_channel_free(same);
}

static void on_ready(void *user_data) { on_destroy(user_data); }

static void messages_come_as_they_are_asked_for(void)
{
    tally t = TALLY_INIT, ready = TALLY_INIT;
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    zeebe_call_options options = timeout(10000);
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call *call = NULL;
    options.manual_requests = 1;
    handler.on_message = on_message;
    handler.on_close = on_close;
    OK(zeebe_channel_start_call(channel, TOPOLOGY, &options, &handler, &t, &call));
    FAILS(zeebe_call_request(call, 0), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "count is 0");
    OK(zeebe_call_send_message(call, NULL, 0));
    OK(zeebe_call_half_close(call));
    CHECK(t.messages == 0 && t.calls == 0);
    OK(zeebe_call_request(call, 1));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.messages == 1 && t.failures == 0);
    zeebe_call_free(call);

    options.manual_requests = 0;
    handler.on_ready = on_ready;
    handler.on_message = NULL;
    handler.on_close = on_close;
    OK(zeebe_channel_start_call(channel, TOPOLOGY, &options, &handler, &ready, &call));
    tally_wait(&ready, &ready.destroyed, 1); /* counts on_ready here */
    CHECK(zeebe_call_is_ready(call));
    FAILS(zeebe_call_request(call, 1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "manual_requests");
    FAILS(zeebe_call_set_message_compression(call, 2), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "enabled is 2");
    OK(zeebe_call_set_message_compression(call, 0));
    OK(zeebe_call_half_close(call));
    CHECK(!zeebe_call_is_ready(call)); /* a message would be refused */
    zeebe_call_free(call);
    tally_wait(&ready, &ready.calls, 1);
    zeebe_channel_free(channel);
}

static void only_messages_are_refused_after_the_end(void)
{
    tally t = TALLY_INIT;
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    zeebe_call_options options = timeout(10000);
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call *call = NULL;
    handler.on_close = on_close;
    OK(zeebe_channel_start_call(channel, TOPOLOGY, &options, &handler, &t, &call));
    zeebe_call_cancel(call, NULL);
    tally_wait(&t, &t.calls, 1);
    FAILS(zeebe_call_send_message(call, NULL, 0), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "has ended");
    OK(zeebe_call_half_close(call));
    FAILS(zeebe_call_half_close(call), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "half-closed before");
    zeebe_call_free(call);
    zeebe_channel_free(channel);
}

static void a_unary_call_takes_no_more_messages(void)
{
    tally t = TALLY_INIT;
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    zeebe_call *call = NULL;
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, on_unary, &t, &call));
    FAILS(zeebe_call_send_message(call, (const uint8_t *)"x", 1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "");
    FAILS(zeebe_call_half_close(call), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "half-closed");
    CHECK(!zeebe_call_is_ready(call));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.failures == 0);
    zeebe_call_free(call);
    zeebe_channel_free(channel);
}

typedef struct {
    tally t;
    zeebe_call *call;
} cancelling;

static void cancel_in_a_callback(void *user_data, const zeebe_buffer *message)
{
    cancelling *c = user_data;
    on_message(&c->t, message);
    zeebe_call_cancel(c->call, "seen enough");
}

/* The end of the answer has mostly arrived with its message; what came first counts all the same. */
static void a_cancel_in_a_callback_comes_before_what_was_not_delivered(void)
{
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_message = cancel_in_a_callback;
    handler.on_close = on_close;
    handler.destroy = on_destroy;
    for (int i = 0; i < 100; i++) {
        cancelling c = {TALLY_INIT, NULL};
        OK(zeebe_channel_start_call(channel, TOPOLOGY, NULL, &handler, &c, &c.call));
        OK(zeebe_call_send_message(c.call, NULL, 0));
        OK(zeebe_call_half_close(c.call));
        tally_wait(&c.t, &c.t.destroyed, 1);
        CHECK(c.t.messages == 1 && c.t.calls == 1 && c.t.status == ZEEBE_STATUS_CANCELLED);
        zeebe_call_free(c.call);
    }
    zeebe_channel_free(channel);
}

static void metadata_and_connect_address_reach_the_gateway(void)
{
    zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    zeebe_metadata *metadata = NULL;
    zeebe_response *response = NULL;
    OK(zeebe_metadata_new(&metadata));
    OK(zeebe_metadata_add(metadata, "x-host", (const uint8_t *)"c", 1));
    connection.metadata = metadata;
    connection.timeout_ms = 10000;
    connection.connect_address = env("PLAINTEXT");
    options.grpc_address = "zeebe.example:26500"; /* is never looked up */
    options.connection_options = &connection;
    OK(zeebe_create_insecure_channel(&options, &channel));
    zeebe_metadata_free(metadata);
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    zeebe_response_free(response);
    zeebe_channel_free(channel);
}

static void a_shutdown_ends_calls_that_have_hardly_begun(void)
{
    enum { CALLS = 200 };
    tally t = TALLY_INIT;
    zeebe_call *calls[CALLS];
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    OK(zeebe_channel_wait_ready(channel, 10000));
    for (int i = 0; i < CALLS; i++) calls[i] = stream(channel, &t, 0);
    OK(zeebe_runtime_shutdown(-1));
    CHECK(t.calls == CALLS && t.failures == CALLS && t.destroyed == CALLS);
    for (int i = 0; i < CALLS; i++) zeebe_call_free(calls[i]);
    zeebe_channel_free(channel);
}

int main(void)
{
    what_a_callback_lends_is_kept_by_a_reference();
    messages_come_as_they_are_asked_for();
    a_unary_call_takes_no_more_messages();
    only_messages_are_refused_after_the_end();
    a_cancel_in_a_callback_comes_before_what_was_not_delivered();
    metadata_and_connect_address_reach_the_gateway();
    a_call_succeeds_and_unknown_methods_do_not();
    many_calls_complete_once_each();
    streams_end_by_cancel_free_deadline_and_close();
    failures_say_what_and_where();
    tokens();
    a_hosts_token_is_sent();
    a_shutdown_ends_calls_that_have_hardly_begun();
    return 0;
}
