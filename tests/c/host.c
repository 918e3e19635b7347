/* What a host sets up: callback threads, logs without secrets, mutual TLS, its own plugins; and what callbacks may not do. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#define SECRET "demo-secret"

static tally logs = TALLY_INIT;

static void on_log(void *user_data, const zeebe_log_record *record)
{
    CHECK(user_data == &logs && zeebe_log_record_level(record) >= ZEEBE_LOG_LEVEL_ERROR);
    CHECK(strncmp(zeebe_log_record_target(record), "zeebe", 5) == 0);
    CHECK(!strstr(zeebe_log_record_message(record), SECRET) && !strstr(zeebe_log_record_message(record), "Bearer"));
    pthread_mutex_lock(&logs.mutex);
    logs.messages++;
    pthread_mutex_unlock(&logs.mutex);
}

static void a_runtime_is_configured_before_it_runs(void)
{
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    options.io_threads = -1;
    FAILS(zeebe_runtime_configure(&options), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "io_threads is -1");
    options.io_threads = 2;
    options.callback_threads = 2;
    options.thread_name = "host";
    OK(zeebe_runtime_configure(&options));
    FAILS(zeebe_set_log_callback(9, on_log, &logs, on_destroy), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "level is 9");
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_TRACE, on_log, &logs, on_destroy));
}

static zeebe_channel *shared;

static void on_unary_that_blocks(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    (void)error, (void)response;
    zeebe_response *other = NULL;
    FAILS(zeebe_channel_unary_call_sync(shared, TOPOLOGY, NULL, 0, NULL, &other), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_channel_wait_ready(shared, -1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_runtime_shutdown(-1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    tally_end(user_data, NULL);
}

static void callbacks_may_not_block(void)
{
    tally t = TALLY_INIT;
    shared = insecure(env("PLAINTEXT"));
    for (int i = 0; i < 100; i++) OK(zeebe_channel_unary_call(shared, TOPOLOGY, NULL, 0, NULL, on_unary_that_blocks, &t, NULL));
    tally_wait(&t, &t.calls, 100);
    FAILS(zeebe_runtime_configure(NULL), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "runs already");
    zeebe_channel_free(shared);
}

static void mutual_tls_needs_a_certificate(void)
{
    char *ca = file("CA"), *key = file("CLIENT_KEY"), *chain = file("CLIENT_CERTIFICATE");
    zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = NULL;
    zeebe_channel *channel = NULL;
    zeebe_response *response = NULL;
    ssl.root_certificates = ca;
    ssl.private_key = key;
    ssl.certificate_chain = chain;
    OK(zeebe_ssl_channel_credentials_new(&ssl, &credentials));
    options.grpc_address = env("MTLS");
    options.channel_credentials = credentials;
    OK(zeebe_create_secure_channel(&options, &channel));
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    zeebe_response_free(response);
    zeebe_channel_free(channel);
    zeebe_channel_credentials_free(credentials);
    channel = secure(env("MTLS"), ca);
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_RPC, "");
    zeebe_channel_free(channel);
    free(ca), free(key), free(chain);
}

static void on_metadata(void *user_data, const zeebe_error *error, const zeebe_metadata *metadata)
{
    size_t length = 0;
    CHECK(!error && zeebe_metadata_count(metadata) == 1 && strcmp(zeebe_metadata_key(metadata, 0), "authorization") == 0);
    CHECK(memcmp(zeebe_metadata_value(metadata, 0, &length), "Bearer ", 7) == 0 && length > 7);
    tally_end(user_data, NULL);
}

static void a_plugin_of_its_own(void)
{
    tally got = TALLY_INIT, retrieved = TALLY_INIT;
    char *ca = file("CA");
    zeebe_metadata_plugin *plugin = NULL;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_oauth2_client_credentials_metadata_plugin_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    int32_t expired = -1;
    FAILS(zeebe_oauth2_client_credentials_metadata_plugin_new(&options, &plugin), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "client_id is missing");
    token.token_ca = ca;
    options.client_id = "demo-client";
    options.client_secret = SECRET;
    options.authorization_server = env("TOKEN_URL");
    options.token_options = &token;
    OK(zeebe_oauth2_client_credentials_metadata_plugin_new(&options, &plugin));
    OK(zeebe_metadata_plugin_get_metadata(plugin, "https://zeebe", "Topology", on_metadata, &got));
    tally_wait(&got, &got.calls, 1);
    OK(zeebe_metadata_plugin_is_token_expired(plugin, &expired));
    CHECK(expired == 0);
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_done, &retrieved));
    tally_wait(&retrieved, &retrieved.calls, 1);
    CHECK(retrieved.failures == 0);
    zeebe_metadata_plugin_free(plugin);
    free(ca);
}

/* Answers with a status that no call may end with, then with nothing. */
static void retrieve_badly(void *user_data, zeebe_token_request *request)
{
    tally *t = user_data;
    if (t->calls == 0) OK(zeebe_token_request_fail(request, ZEEBE_STATUS_NOT_FOUND, "not found", -1));
    zeebe_token_request_free(request);
    tally_end(t, NULL);
}

static void a_token_source_that_fails(void)
{
    tally source = TALLY_INIT, done = TALLY_INIT;
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    options.retrieve = retrieve_badly;
    options.destroy = on_destroy;
    OK(zeebe_oauth2_metadata_plugin_new(&options, &source, &plugin));
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_done, &done));
    tally_wait(&done, &done.calls, 1);
    CHECK(done.failures == 1 && done.status == ZEEBE_STATUS_INTERNAL);
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_done, &done));
    tally_wait(&done, &done.calls, 2);
    CHECK(done.failures == 2 && done.status == ZEEBE_STATUS_UNAVAILABLE);
    zeebe_metadata_plugin_free(plugin);
    tally_wait(&source, &source.destroyed, 1);
}

static int unwanted;

static void on_connected(void *user_data, const zeebe_log_record *record)
{
    tally *connected = user_data;
    const char *message = zeebe_log_record_message(record);
    FAILS(zeebe_set_log_level(ZEEBE_LOG_LEVEL_OFF), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "may only read its record");
    if (strncmp(message, "connected to ", 13) != 0) return;
    pthread_mutex_lock(&connected->mutex);
    if (strstr(message, env("PLAINTEXT"))) unwanted++;
    else connected->messages++;
    pthread_cond_broadcast(&connected->changed);
    pthread_mutex_unlock(&connected->mutex);
}

static void call_once(zeebe_channel *channel)
{
    zeebe_response *response = NULL;
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    zeebe_response_free(response);
    zeebe_channel_free(channel);
}

/* Connections are told at DEBUG: the one over plaintext while nobody wants that, the one over TLS while somebody does. */
static void the_log_has_more_or_less_while_it_runs(void)
{
    char *ca = file("CA");
    tally connected = TALLY_INIT;
    FAILS(zeebe_set_log_level(9), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "level is 9");
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_WARN, on_connected, &connected, on_destroy));
    call_once(insecure(env("PLAINTEXT")));
    OK(zeebe_set_log_level(ZEEBE_LOG_LEVEL_DEBUG));
    call_once(secure(env("TLS"), ca));
    tally_wait(&connected, &connected.messages, 1);
    OK(zeebe_set_log_level(ZEEBE_LOG_LEVEL_OFF));
    call_once(insecure(env("PLAINTEXT")));
    OK(zeebe_set_log_level(ZEEBE_LOG_LEVEL_TRACE));
    call_once(secure(env("TLS"), ca));
    tally_wait(&connected, &connected.messages, 2);
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_OFF, NULL, NULL, NULL));
    tally_wait(&connected, &connected.destroyed, 1);
    CHECK(unwanted == 0 && connected.messages == 2);
    FAILS(zeebe_set_log_level(ZEEBE_LOG_LEVEL_WARN), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "no log callback");
    free(ca);
}

int main(void)
{
    a_runtime_is_configured_before_it_runs();
    callbacks_may_not_block();
    mutual_tls_needs_a_certificate();
    a_plugin_of_its_own();
    a_token_source_that_fails();
    the_log_has_more_or_less_while_it_runs();
    OK(zeebe_runtime_shutdown(-1));
    CHECK(logs.messages > 0 && logs.destroyed == 1); /* nothing runs any more, so no lock */
    return 0;
}
