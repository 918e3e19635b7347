/* Bad input gets a clear error, and nothing is written: NULL, wrong sizes, bad UTF-8, out of range. No gateway. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#define INVALID ZEEBE_ERROR_KIND_INVALID_ARGUMENT

static void null_is_allowed_where_the_header_says(void)
{
    size_t length = 7;
    CHECK(strlen(zeebe_version()) >= 5);
    CHECK(zeebe_error_kind(NULL) == ZEEBE_ERROR_KIND_NONE && zeebe_error_source(NULL) == ZEEBE_ERROR_SOURCE_NONE);
    CHECK(zeebe_error_grpc_status(NULL) == ZEEBE_STATUS_OK && !zeebe_error_message(NULL) && zeebe_error_retry_after_ms(NULL) == -1);
    CHECK(!zeebe_error_is_retryable(NULL) && !zeebe_error_may_have_been_processed(NULL));
    CHECK(!zeebe_error_details(NULL, &length) && length == 0);
    CHECK(!zeebe_error_initial_metadata(NULL) && !zeebe_error_trailers(NULL) && !zeebe_error_ref(NULL));
    CHECK(!zeebe_buffer_data(NULL, &length) && !zeebe_buffer_ref(NULL) && !zeebe_metadata_count(NULL));
    CHECK(!zeebe_metadata_key(NULL, 0) && !zeebe_metadata_value(NULL, 0, NULL) && !zeebe_metadata_ref(NULL));
    CHECK(!zeebe_response_message(NULL) && !zeebe_response_initial_metadata(NULL) && !zeebe_response_trailers(NULL));
    CHECK(!zeebe_response_ref(NULL) && !zeebe_channel_ref(NULL) && !zeebe_channel_credentials_ref(NULL));
    CHECK(!zeebe_metadata_plugin_ref(NULL) && !zeebe_call_ref(NULL) && !zeebe_call_is_ready(NULL));
    CHECK(!zeebe_log_record_level(NULL) && !zeebe_log_record_target(NULL) && !zeebe_log_record_message(NULL));
    zeebe_error_free(NULL);
    zeebe_string_free(NULL);
    zeebe_buffer_free(NULL);
    zeebe_metadata_free(NULL);
    zeebe_response_free(NULL);
    zeebe_channel_free(NULL);
    zeebe_channel_credentials_free(NULL);
    zeebe_metadata_plugin_free(NULL);
    zeebe_token_request_free(NULL);
    zeebe_call_free(NULL);
    zeebe_call_cancel(NULL, NULL);
}

/* And writes within the size that it is told. */
#define SAYS_WHAT_THE_MACRO_SAYS(type, init)                                        \
    do {                                                                            \
        const type macro = init;                                                    \
        struct {                                                                    \
            type made;                                                              \
            char behind[8];                                                         \
        } at;                                                                       \
        memset(&at, 0x55, sizeof at);                                               \
        type##_init(&at.made, 8);                                                   \
        CHECK(at.made.size == (size_t)0x5555555555555555);                          \
        type##_init(&at.made, sizeof at.made);                                      \
        CHECK(memcmp(&macro, &at.made, sizeof macro) == 0 && at.behind[0] == 0x55); \
        type##_init(NULL, sizeof at.made);                                          \
    } while (0)

static void init_functions_say_what_the_macros_say(void)
{
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_token_options, ZEEBE_TOKEN_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_token, ZEEBE_TOKEN_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_connection_options, ZEEBE_CONNECTION_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_insecure_channel_options, ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_secure_channel_options, ZEEBE_SECURE_CHANNEL_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_oauth2_client_credentials_channel_options, ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_camunda_cloud_channel_options, ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_job_worker_handler, ZEEBE_JOB_WORKER_HANDLER_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_call_options, ZEEBE_CALL_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_oauth2_client_credentials_metadata_plugin_options, ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_oauth2_metadata_plugin_options, ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_ssl_channel_credentials_options, ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_runtime_options, ZEEBE_RUNTIME_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_job_worker_options, ZEEBE_JOB_WORKER_OPTIONS_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_call_handler, ZEEBE_CALL_HANDLER_INIT);
    SAYS_WHAT_THE_MACRO_SAYS(zeebe_job_stream_options, ZEEBE_JOB_STREAM_OPTIONS_INIT);
}

static void statuses_have_names(void)
{
    CHECK(!strcmp(zeebe_status_name(ZEEBE_STATUS_OK), "OK") && !strcmp(zeebe_status_name(ZEEBE_STATUS_NOT_FOUND), "NOT_FOUND"));
    CHECK(!strcmp(zeebe_status_name(ZEEBE_STATUS_UNAUTHENTICATED), "UNAUTHENTICATED"));
    CHECK(!strcmp(zeebe_status_name(17), "UNKNOWN") && !strcmp(zeebe_status_name(-1), "UNKNOWN"));
    CHECK(!strcmp(zeebe_status_name(INT32_MAX), "UNKNOWN") && !strcmp(zeebe_status_name(INT32_MIN), "UNKNOWN"));
}

static void null_is_refused_elsewhere(void)
{
    char *text = NULL;
    zeebe_call *call = NULL;
    FAILS(zeebe_get_zeebe_address(NULL, NULL), INVALID, "address is NULL");
    FAILS(zeebe_get_camunda_address("a", "b", NULL), INVALID, "address is NULL");
    FAILS(zeebe_create_insecure_channel(NULL, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_create_secure_channel(NULL, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_create_oauth2_client_credentials_channel(NULL, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_create_camunda_cloud_channel(NULL, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_create_channel_from_environment(NULL, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_channel_describe(NULL, &text), INVALID, "channel is NULL");
    FAILS(zeebe_channel_wait_ready(NULL, 0), INVALID, "channel is NULL");
    FAILS(zeebe_channel_close(NULL, 0, NULL, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_channel_retrieve_token(NULL, on_done, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_channel_unary_call(NULL, TOPOLOGY, NULL, 0, NULL, on_unary, NULL, NULL), INVALID, "channel is NULL");
    FAILS(zeebe_channel_start_call(NULL, TOPOLOGY, NULL, NULL, NULL, &call), INVALID, "channel is NULL");
    FAILS(zeebe_call_send_message(NULL, NULL, 0), INVALID, "call is NULL");
    FAILS(zeebe_call_half_close(NULL), INVALID, "call is NULL");
    FAILS(zeebe_call_request(NULL, 1), INVALID, "call is NULL");
    FAILS(zeebe_call_set_message_compression(NULL, 1), INVALID, "call is NULL");
    FAILS(zeebe_metadata_new(NULL), INVALID, "metadata is NULL");
    FAILS(zeebe_ssl_channel_credentials_new(NULL, NULL), INVALID, "credentials is NULL");
    FAILS(zeebe_insecure_channel_credentials_new(NULL), INVALID, "credentials is NULL");
    FAILS(zeebe_local_channel_credentials_new(NULL), INVALID, "credentials is NULL");
    FAILS(zeebe_composite_channel_credentials_new(NULL, NULL, NULL), INVALID, "credentials is NULL");
    FAILS(zeebe_token_request_complete(NULL, NULL), INVALID, "request is NULL");
    FAILS(zeebe_token_request_fail(NULL, ZEEBE_STATUS_UNAVAILABLE, NULL, -1), INVALID, "request is NULL");
    FAILS(zeebe_response_to_json("Topology", NULL, 3, &text), INVALID, "message is NULL");
    FAILS(zeebe_channels_prometheus(NULL, 1, &text), INVALID, "channels is NULL");
    FAILS(zeebe_channels_prometheus(NULL, SIZE_MAX, &text), INVALID, "channels is NULL");
    FAILS(zeebe_channels_prometheus((const zeebe_channel *const[]){NULL}, 1, &text), INVALID, "a channel is NULL");
    FAILS(zeebe_channels_prometheus((const zeebe_channel *const[]){NULL}, SIZE_MAX, &text), INVALID, "the length of channels is");
    FAILS(zeebe_channels_prometheus(NULL, 0, NULL), INVALID, "text is NULL");
    FAILS(zeebe_set_log_level(6), INVALID, "level is 6");
    FAILS(zeebe_set_log_level(-1), INVALID, "level is -1");
    FAILS(zeebe_set_log_level(ZEEBE_LOG_LEVEL_WARN), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "no log callback");
    FAILS(zeebe_request_from_json(NULL, "{}", NULL), INVALID, "message is NULL");
    CHECK(!text && !call);
}

static void options_grow_both_ways_and_are_checked(void)
{
    zeebe_channel *channel = NULL;
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    options.size = 0;
    FAILS(zeebe_create_insecure_channel(&options, &channel), INVALID, "size is 0");
    options.size = sizeof options;
    options.grpc_address = "\xff";
    FAILS(zeebe_create_insecure_channel(&options, &channel), INVALID, "grpc_address is not UTF-8");
    options.grpc_address = NULL;
    options.channel_options_count = 1;
    FAILS(zeebe_create_insecure_channel(&options, &channel), INVALID, "channel_options is NULL");
    zeebe_channel_option option = {"grpc.keepalive_time_ms", NULL, -1};
    options.channel_options = &option;
    FAILS(zeebe_create_insecure_channel(&options, &channel), INVALID, "grpc.keepalive_time_ms is -1");
    option.integer = 1;
    zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
    connection.timeout_ms = ZEEBE_TIMEOUT_NONE;
    options.connection_options = &connection;
    FAILS(zeebe_create_insecure_channel(&options, &channel), INVALID, "connection_options.timeout_ms is -1: it is milliseconds; 0: none");
    options.connection_options = NULL;
    CHECK(!channel);

    /* A program compiled against a later header, with one field more. */
    struct {
        zeebe_insecure_channel_options known;
        uint64_t added;
    } later = {options, 0};
    later.known.size = sizeof later;
    OK(zeebe_create_insecure_channel(&later.known, &channel));
    zeebe_channel_free(channel);
    later.added = 1;
    channel = NULL;
    FAILS(zeebe_create_insecure_channel(&later.known, &channel), INVALID, "does not know");
    CHECK(!channel);

    zeebe_oauth2_client_credentials_channel_options oauth = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    FAILS(zeebe_create_oauth2_client_credentials_channel(&oauth, &channel), ZEEBE_ERROR_KIND_SETTINGS,
          "No CAMUNDA_CLIENT_ID or ZEEBE_CLIENT_ID provided!");
    oauth.client_id = oauth.client_secret = oauth.audience = "x";
    oauth.authorization_server = "http://login.example/token";
    FAILS(zeebe_create_oauth2_client_credentials_channel(&oauth, &channel), INVALID, "allow_insecure_token_url");
    oauth.leeway = -2;
    FAILS(zeebe_create_oauth2_client_credentials_channel(&oauth, &channel), INVALID, "leeway is -2");
    setenv("CAMUNDA_OAUTH_URL", "http://login.example/token", 1);
    oauth.leeway = 0;
    oauth.authorization_server = NULL;
    FAILS(zeebe_create_oauth2_client_credentials_channel(&oauth, &channel), ZEEBE_ERROR_KIND_SETTINGS, "environment:CAMUNDA_OAUTH_URL");
    unsetenv("CAMUNDA_OAUTH_URL");
}

static void unusable_targets_fail_each_call_and_are_described(void)
{
    char *json = NULL;
    int32_t state = -1;
    zeebe_response *response = NULL;
    zeebe_channel *channel = insecure(" zeebe.example:1");
    OK(zeebe_channel_describe(channel, &json));
    CHECK(strstr(json, "\"problem\":\"the target"));
    zeebe_string_free(json);
    OK(zeebe_channel_get_state(channel, 1, &state));
    CHECK(state == ZEEBE_CONNECTIVITY_TRANSIENT_FAILURE);
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response), INVALID, "cannot be used");
    FAILS(zeebe_channel_unary_call_sync(channel, "Topolgy", NULL, 0, NULL, &response), INVALID, "did you mean Topology?");
    FAILS(zeebe_channel_unary_call_sync(channel, "Topology", NULL, 0, NULL, &response), INVALID, "cannot be used");
    FAILS(zeebe_channel_unary_call_sync(channel, "/Topology", NULL, 0, NULL, &response), INVALID, "is no path");
    FAILS(zeebe_channel_retrieve_token(channel, on_done, NULL), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "no OAuth2");
    zeebe_channel_free(channel);
}

static void metadata_and_json(void)
{
    zeebe_metadata *metadata = NULL, *shared;
    zeebe_buffer *message = NULL;
    size_t length = 0;
    OK(zeebe_metadata_new(&metadata));
    OK(zeebe_metadata_add(metadata, "a", (const uint8_t *)"x", 1));
    shared = zeebe_metadata_ref(metadata);
    OK(zeebe_metadata_add(metadata, "b-bin", (const uint8_t *)"\0\xff", 2));
    FAILS(zeebe_metadata_add(metadata, "A", NULL, 0), INVALID, "lower-case");
    FAILS(zeebe_metadata_add(metadata, "te", NULL, 0), INVALID, "reserved");
    CHECK(zeebe_metadata_count(metadata) == 2 && zeebe_metadata_count(shared) == 1);
    CHECK(strcmp(zeebe_metadata_key(metadata, 1), "b-bin") == 0 && !zeebe_metadata_key(metadata, 2));
    CHECK(memcmp(zeebe_metadata_value(metadata, 1, &length), "\0\xff", 2) == 0 && length == 2);
    zeebe_metadata_free(shared);
    zeebe_metadata_free(metadata);
    FAILS(zeebe_request_from_json("Topology", "{\"x\":1}", &message), INVALID, "x");
    FAILS(zeebe_request_from_json("Nonsense", "{}", &message), INVALID, "Nonsense");
    FAILS(zeebe_request_from_json("Topology", "{", &message), INVALID, "JSON");
    OK(zeebe_request_from_json("CompleteJob", "{\"jobKey\":\"7\"}", &message));
    CHECK(memcmp(zeebe_buffer_data(message, &length), "\x08\x07", 2) == 0 && length == 2);
    zeebe_buffer_free(message);
}

static void credentials_that_do_not_parse(void)
{
    zeebe_channel_credentials *credentials = NULL;
    zeebe_ssl_channel_credentials_options options = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
    options.root_certificates = "nonsense";
    FAILS(zeebe_ssl_channel_credentials_new(&options, &credentials), ZEEBE_ERROR_KIND_TLS, "no PEM certificate");
    options.root_certificates = NULL;
    options.private_key = "x";
    FAILS(zeebe_ssl_channel_credentials_new(&options, &credentials), INVALID, "options.certificate_chain is missing");
    CHECK(!credentials);
    zeebe_oauth2_client_credentials_metadata_plugin_options oauth = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    oauth.client_id = oauth.client_secret = "x";
    oauth.authorization_server = "https://login.example/token";
    oauth.token_options = &token;
    token.token_ca = "nonsense";
    FAILS(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), ZEEBE_ERROR_KIND_TLS, "token_options.token_ca holds no PEM");
    token.token_ca = NULL;
    token.private_key = token.certificate_chain = "nonsense";
    FAILS(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), ZEEBE_ERROR_KIND_TLS, "token_options.private_key holds no PEM");
    token.private_key = token.certificate_chain = NULL;
    token.timeout_ms = -1;
    FAILS(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin), INVALID, "timeout_ms is -1: it is milliseconds");
    CHECK(!plugin);
}

int main(void)
{
    null_is_allowed_where_the_header_says();
    init_functions_say_what_the_macros_say();
    statuses_have_names();
    null_is_refused_elsewhere();
    options_grow_both_ways_and_are_checked();
    unusable_targets_fail_each_call_and_are_described();
    metadata_and_json();
    credentials_that_do_not_parse();
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
