/* Options that are refused are named: in the message, and as data. What times may be. No gateway. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#define BAD "\xff" /* no UTF-8 */

/* The call fails, and its error names this option and says it in full. */
static void names(zeebe_error *error, const char *option, int line)
{
    const char *named = zeebe_error_option(error);
    if (!named || strcmp(named, option) || !strstr(zeebe_error_message(error), option)) {
        fprintf(stderr, "%s:%d: option %s: %s\n", __FILE__, line, named ? named : "NULL", error ? zeebe_error_message(error) : "no error");
        exit(1);
    }
    zeebe_error_free(error);
}
#define NAMES(call, option) names(call, option, __LINE__)

static void names_those_of_constructors(void)
{
    zeebe_channel *channel = NULL;
#define REFUSED(type, INIT, function, field, value)             \
    do {                                                        \
        type options = INIT;                                    \
        options.field = value;                                  \
        NAMES(function(&options, &channel), "options." #field); \
    } while (0)
#define INSECURE(field, value) \
    REFUSED(zeebe_insecure_channel_options, ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT, zeebe_create_insecure_channel, field, value)
#define SECURE(field, value) REFUSED(zeebe_secure_channel_options, ZEEBE_SECURE_CHANNEL_OPTIONS_INIT, zeebe_create_secure_channel, field, value)
#define OAUTH(field, value)                                                                                        \
    REFUSED(zeebe_oauth2_client_credentials_channel_options, ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT, \
            zeebe_create_oauth2_client_credentials_channel, field, value)
#define CLOUD(field, value) \
    REFUSED(zeebe_camunda_cloud_channel_options, ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT, zeebe_create_camunda_cloud_channel, field, value)
/* Within the cloud's options they are called as they are alone. */
#define CLOUD_OAUTH(field, value)                                                               \
    do {                                                                                        \
        zeebe_camunda_cloud_channel_options options = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT; \
        options.oauth2.field = value;                                                           \
        NAMES(zeebe_create_camunda_cloud_channel(&options, &channel), "options." #field);       \
    } while (0)
    INSECURE(grpc_address, BAD);
    SECURE(grpc_address, BAD);
    OAUTH(grpc_address, BAD);
    OAUTH(client_id, BAD);
    OAUTH(client_secret, BAD);
    OAUTH(authorization_server, BAD);
    OAUTH(scope, BAD);
    OAUTH(audience, BAD);
    OAUTH(leeway, -2);
    OAUTH(expire_in, -1);
    CLOUD_OAUTH(grpc_address, BAD);
    CLOUD_OAUTH(grpc_address, "localhost:26500"); /* the cluster says it */
    CLOUD_OAUTH(client_id, BAD);
    CLOUD_OAUTH(client_secret, BAD);
    CLOUD(cluster_id, BAD);
    CLOUD(region, BAD);
    CLOUD_OAUTH(authorization_server, BAD);
    CLOUD_OAUTH(scope, BAD);
    CLOUD_OAUTH(audience, BAD);
    CLOUD_OAUTH(leeway, INT64_MIN);
    CLOUD_OAUTH(expire_in, INT64_MIN);
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    options.channel_options_count = 1;
    NAMES(zeebe_create_insecure_channel(&options, &channel), "options.channel_options");
    zeebe_channel_option option = {NULL, NULL, 1};
    options.channel_options = &option;
    NAMES(zeebe_create_insecure_channel(&options, &channel), "options.channel_options");
    /* gRPC's own names are the same in all languages. */
    option.key = "grpc.keepalive_time_ms";
    option.integer = -1;
    zeebe_error *error = zeebe_create_insecure_channel(&options, &channel);
    CHECK(error && !zeebe_error_option(error) && strstr(zeebe_error_message(error), "grpc.keepalive_time_ms"));
    zeebe_error_free(error);
    CHECK(!channel);
}

static void names_those_of_connections(void)
{
    zeebe_channel *channel = NULL;
#define CONNECTION(field, value)                                                                           \
    do {                                                                                                   \
        zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;                               \
        connection.field = value;                                                                          \
        NAMES(zeebe_create_channel_from_environment(&connection, &channel), "connection_options." #field); \
    } while (0)
    CONNECTION(connect_address, BAD);
    CONNECTION(connect_address, "no port ");
    CONNECTION(timeout_ms, ZEEBE_TIMEOUT_NONE);
    CONNECTION(wait_for_ready, 3);
    CONNECTION(allow_insecure_gateway, 2);
    CONNECTION(max_waiting_calls, -2);
    CONNECTION(max_waiting_calls, 1000001);
    /* What would help is named, too. */
    zeebe_oauth2_client_credentials_channel_options oauth = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    OK(zeebe_insecure_channel_credentials_new((zeebe_channel_credentials **)&oauth.channel_credentials));
    oauth.client_id = oauth.client_secret = oauth.audience = "x";
    oauth.authorization_server = "https://login.example/token";
    oauth.grpc_address = "zeebe.example:26500";
    NAMES(zeebe_create_oauth2_client_credentials_channel(&oauth, &channel), "connection_options.allow_insecure_gateway");
    zeebe_channel_credentials_free((zeebe_channel_credentials *)oauth.channel_credentials);
    CHECK(!channel);
}

static void names_those_of_tokens(void)
{
    zeebe_metadata_plugin *plugin = NULL;
    zeebe_oauth2_client_credentials_metadata_plugin_options oauth = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "options.client_id");
    oauth.client_id = "x";
    NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "options.client_secret");
    oauth.client_secret = "x";
    NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "options.authorization_server");
    oauth.authorization_server = "https://login.example/token";
    oauth.leeway = -2;
    NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "options.leeway");
    oauth.leeway = 0;
#define TOKEN_OPTIONS(field, value, named)                                                                   \
    do {                                                                                                     \
        zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;                                                \
        token.field = value;                                                                                 \
        oauth.token_options = &token;                                                                        \
        NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "token_options." named); \
    } while (0)
    TOKEN_OPTIONS(client_authentication, 6, "client_authentication");
    TOKEN_OPTIONS(allow_insecure_token_url, 2, "allow_insecure_token_url");
    TOKEN_OPTIONS(prefetch, -1, "prefetch");
    TOKEN_OPTIONS(connect_timeout_ms, -1, "connect_timeout_ms");
    TOKEN_OPTIONS(timeout_ms, INT64_MIN, "timeout_ms");
    TOKEN_OPTIONS(token_ca, BAD, "token_ca");
    TOKEN_OPTIONS(token_ca, "nonsense", "token_ca");
    TOKEN_OPTIONS(key_id, BAD, "key_id");
    TOKEN_OPTIONS(key_id, "x", "key_id");
    TOKEN_OPTIONS(http_proxy, BAD, "http_proxy");
    TOKEN_OPTIONS(http_proxy, "socks://x", "http_proxy");
    TOKEN_OPTIONS(cache_path, BAD, "cache_path");
    /* Of two that belong together, the one that is missing. */
    TOKEN_OPTIONS(client_authentication, ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT, "private_key");
    TOKEN_OPTIONS(client_authentication, ZEEBE_CLIENT_AUTHENTICATION_TLS, "private_key");
    TOKEN_OPTIONS(private_key, BAD, "certificate_chain"); /* PEM may have any encoding around it */
    TOKEN_OPTIONS(certificate_chain, BAD, "private_key");
    TOKEN_OPTIONS(private_key, "x", "certificate_chain");
    TOKEN_OPTIONS(certificate_chain, "x", "private_key");
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    oauth.token_options = &token;
    token.private_key = token.certificate_chain = "nonsense";
    NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "token_options.private_key");
    token.certificate_chain = NULL;
    token.client_authentication = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
    NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "token_options.private_key");
    oauth.token_options = NULL;
    oauth.authorization_server = "http://login.example/token";
    NAMES(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), "token_options.allow_insecure_token_url");
    zeebe_oauth2_metadata_plugin_options source = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    NAMES(zeebe_oauth2_metadata_plugin_new(&source, NULL, &plugin), "options.retrieve");
    CHECK(!plugin);

    zeebe_channel_credentials *credentials = NULL;
#define SSL_OPTIONS(field, value, named)                                                        \
    do {                                                                                        \
        zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT; \
        ssl.field = value;                                                                      \
        NAMES(zeebe_ssl_channel_credentials_new(&ssl, &credentials), "options." named);         \
    } while (0)
    SSL_OPTIONS(root_certificates, "nonsense", "root_certificates");
    SSL_OPTIONS(root_certificates, BAD, "root_certificates");
    /* Of two that belong together, the one that is missing. PEM may have any encoding around it. */
    SSL_OPTIONS(private_key, BAD, "certificate_chain");
    SSL_OPTIONS(certificate_chain, BAD, "private_key");
    CHECK(!credentials);
}

static void names_those_of_calls_job_streams_and_the_runtime(void)
{
    zeebe_channel *channel = insecure("127.0.0.1:1");
    zeebe_response *response = NULL;
    zeebe_job_stream *stream = NULL;
#define CALL(field, value)                                                                                        \
    do {                                                                                                          \
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;                                                     \
        options.field = value;                                                                                    \
        NAMES(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response), "options." #field); \
    } while (0)
    CALL(timeout_ms, -2);
    CALL(authority, BAD);
    CALL(max_receive_message_length, INT64_C(1) << 31);
    CALL(wait_for_ready, -1);
    CALL(compression, 3);
    CALL(manual_requests, 3);
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    tally t = TALLY_INIT;
    handler.on_close = on_close;
#define JOBS(field, value)                                                                                      \
    do {                                                                                                        \
        zeebe_job_stream_options options = ZEEBE_JOB_STREAM_OPTIONS_INIT;                                       \
        options.field = value;                                                                                  \
        NAMES(zeebe_channel_stream_jobs(channel, NULL, 0, &options, &handler, &t, &stream), "options." #field); \
    } while (0)
    JOBS(max_buffered_jobs, -1);
    JOBS(watchdog_ms, -1);
    JOBS(poll_interval_ms, INT64_MAX);
    JOBS(manual_requests, 3);
    CHECK(!response && !stream && t.calls == 0);
    zeebe_channel_free(channel);
#define RUNTIME(field, value)                                        \
    do {                                                             \
        zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;  \
        options.field = value;                                       \
        NAMES(zeebe_runtime_configure(&options), "options." #field); \
    } while (0)
    RUNTIME(io_threads, 65);
    RUNTIME(callback_threads, -1);
    RUNTIME(thread_name, BAD);
    RUNTIME(thread_name, "more than eight");
}

/* No other error has one, and another handle on an error has the same. */
static void is_the_errors_own(void)
{
    zeebe_channel *channel = NULL;
    CHECK(!zeebe_error_option(NULL));
    zeebe_error *error = zeebe_create_insecure_channel(NULL, NULL);
    CHECK(error && !zeebe_error_option(error));
    zeebe_error_free(error);
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    options.grpc_address = BAD;
    error = zeebe_create_insecure_channel(&options, &channel);
    zeebe_error *other = zeebe_error_ref(error);
    zeebe_error_free(error);
    NAMES(other, "options.grpc_address");
}

static void on_state(void *user_data, const zeebe_error *error, int32_t state)
{
    CHECK(error || state != ZEEBE_CONNECTIVITY_IDLE);
    tally_end(user_data, error);
}

/* No time is so long that it cannot be waited for. Nobody listens, at the gateway and at the token endpoint. */
static void times_may_be_the_longest(void)
{
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    zeebe_response *response = NULL;
    zeebe_completion_queue *queue = NULL;
    tally fetched = TALLY_INIT, changed = TALLY_INIT, closed = TALLY_INIT;
    options.grpc_address = "127.0.0.1:1";
    options.client_id = options.client_secret = options.audience = "x";
    options.authorization_server = "http://127.0.0.1:1/token";
    options.leeway = options.expire_in = INT64_MAX;
    options.token_options = &token;
    options.connection_options = &connection;
    token.connect_timeout_ms = token.timeout_ms = connection.timeout_ms = INT64_MAX;
    OK(zeebe_create_oauth2_client_credentials_channel(&options, &channel));
    OK(zeebe_channel_wait_for_state_change(channel, ZEEBE_CONNECTIVITY_IDLE, INT64_MAX, on_state, &changed));
    for (int own = 0; own < 2; own++) {
        zeebe_call_options call = ZEEBE_CALL_OPTIONS_INIT;
        call.timeout_ms = own ? INT64_MAX : 0;
        zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &call, &response);
        CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAVAILABLE);
        zeebe_error_free(error);
    }
    OK(zeebe_channel_retrieve_token(channel, on_done, &fetched));
    tally_wait(&fetched, &fetched.calls, 1);
    CHECK(fetched.failures == 1 && fetched.status == ZEEBE_STATUS_UNAVAILABLE);
    tally_wait(&changed, &changed.calls, 1);
    CHECK(changed.failures == 0);
    OK(zeebe_channel_close(channel, INT64_MAX, on_done, &closed));
    tally_wait(&closed, &closed.calls, 1);
    CHECK(closed.failures == 0);
    zeebe_channel_free(channel);
    zeebe_event event;
    size_t count = 0;
    OK(zeebe_completion_queue_new(&queue));
    OK(zeebe_completion_queue_post(queue, 7));
    OK(zeebe_completion_queue_next(queue, INT64_MAX, &event, sizeof event, 1, &count));
    CHECK(count == 1 && event.tag == 7);
    zeebe_completion_queue_free(queue);
}

int main(void)
{
    names_those_of_constructors();
    names_those_of_connections();
    names_those_of_tokens();
    names_those_of_calls_job_streams_and_the_runtime();
    is_the_errors_own();
    times_may_be_the_longest();
    OK(zeebe_runtime_shutdown(INT64_MAX));
    return 0;
}
