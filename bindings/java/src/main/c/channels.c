/* Channels: org.libzeebe.ZeebeChannelBuilder packs what the four are made of. */
#include "glue.h"

enum { INSECURE, SECURE, OAUTH2, CAMUNDA_CLOUD, ENVIRONMENT };

static void next_connection(arguments *in, zeebe_connection_options *options)
{
    options->connect_address = next_text(in);
    options->timeout_ms = next_number(in);
    options->wait_for_ready = (int32_t)next_number(in);
    options->allow_insecure_gateway = (int32_t)next_number(in);
    options->max_waiting_calls = next_number(in);
}

/* NULL: out of memory, or none. */
static zeebe_channel_option *next_channel_options(arguments *in, size_t *count)
{
    *count = (size_t)next_number(in);
    zeebe_channel_option *options = calloc(*count + 1, sizeof *options);
    for (size_t i = 0; i < *count; i++) {
        zeebe_channel_option option;
        option.key = next_text(in);
        option.string = next_text(in);
        option.integer = next_number(in);
        if (options != NULL) options[i] = option;
    }
    if (options == NULL) *count = 0;
    return options;
}

static void next_token_options(arguments *in, zeebe_token_options *options)
{
    options->client_authentication = (int32_t)next_number(in);
    options->allow_insecure_token_url = (int32_t)next_number(in);
    options->prefetch = (int32_t)next_number(in);
    options->connect_timeout_ms = next_number(in);
    options->timeout_ms = next_number(in);
    options->token_ca = next_text(in);
    options->private_key = next_text(in);
    options->certificate_chain = next_text(in);
    options->key_id = next_text(in);
    options->assertion_audience = next_text(in);
    options->send_root_certificate = (int32_t)next_number(in);
    options->http_proxy = next_text(in);
    options->cache_path = next_text(in);
}

static zeebe_error *create_insecure(const char *address, const zeebe_channel_option *options, size_t count,
                                    const zeebe_connection_options *connection, zeebe_channel **channel)
{
    zeebe_insecure_channel_options all = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    all.grpc_address = address;
    all.channel_options = options;
    all.channel_options_count = count;
    all.connection_options = connection;
    return zeebe_create_insecure_channel(&all, channel);
}

static zeebe_error *create_secure(const char *address, const zeebe_channel_option *options, size_t count,
                                  const zeebe_channel_credentials *credentials, const zeebe_connection_options *connection, zeebe_channel **channel)
{
    zeebe_secure_channel_options all = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    all.grpc_address = address;
    all.channel_options = options;
    all.channel_options_count = count;
    all.channel_credentials = credentials;
    all.connection_options = connection;
    return zeebe_create_secure_channel(&all, channel);
}

static zeebe_error *create_authorized(arguments *in, int is_cloud, const char *address, const zeebe_channel_option *options, size_t count,
                                      const zeebe_channel_credentials *credentials, const zeebe_connection_options *connection,
                                      zeebe_channel **channel)
{
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_oauth2_client_credentials_channel_options all = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    all.grpc_address = address;
    all.client_id = next_text(in);
    all.client_secret = next_text(in);
    all.authorization_server = next_text(in);
    all.scope = next_text(in);
    all.audience = next_text(in);
    all.leeway = next_number(in);
    all.expire_in = next_number(in);
    next_token_options(in, &token);
    all.token_options = &token;
    all.channel_credentials = credentials;
    all.channel_options = options;
    all.channel_options_count = count;
    all.connection_options = connection;
    if (!is_cloud) return zeebe_create_oauth2_client_credentials_channel(&all, channel);

    zeebe_camunda_cloud_channel_options cloud = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT;
    cloud.oauth2 = all;
    cloud.cluster_id = next_text(in);
    cloud.region = next_text(in);
    return zeebe_create_camunda_cloud_channel(&cloud, channel);
}

EXPORT(jlong, channelNew)(JNIEnv *env, jclass class, jint form, jbyteArray bytes, jint length, jlong handle, jlongArray out)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        const zeebe_channel_credentials *credentials = HANDLE(zeebe_channel_credentials, handle);
        zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
        zeebe_metadata *metadata = NULL;
        zeebe_channel *channel = NULL;
        size_t count;
        next_connection(&in, &connection);
        const char *address = next_text(&in);
        zeebe_channel_option *options = next_channel_options(&in, &count);
        error = next_metadata(&in, &metadata);
        connection.metadata = metadata;
        if (error == NULL) switch (form) {
            case INSECURE: error = create_insecure(address, options, count, &connection, &channel); break;
            case SECURE: error = create_secure(address, options, count, credentials, &connection, &channel); break;
            case OAUTH2:
            case CAMUNDA_CLOUD:
                error = create_authorized(&in, form == CAMUNDA_CLOUD, address, options, count, credentials, &connection, &channel);
                break;
            default: error = zeebe_create_channel_from_environment(&connection, &channel); break;
            }
        if (error == NULL) give(env, out, channel);
        zeebe_metadata_free(metadata);
        free(options);
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(void, channelFree)(JNIEnv *env, jclass class, jlong channel)
{
    (void)env, (void)class;
    zeebe_error_free(zeebe_channel_close(HANDLE(zeebe_channel, channel), -1, NULL, NULL));
    zeebe_channel_free(HANDLE(zeebe_channel, channel));
}

EXPORT(jlong, channelDescribe)(JNIEnv *env, jclass class, jlong channel, jboolean stats, jobjectArray out)
{
    (void)class;
    char *json = NULL;
    zeebe_error *error =
        stats ? zeebe_channel_stats(HANDLE(zeebe_channel, channel), &json) : zeebe_channel_describe(HANDLE(zeebe_channel, channel), &json);
    if (error == NULL) give_text(env, out, json);
    return NUMBER(error);
}

EXPORT(jlong, channelsPrometheus)(JNIEnv *env, jclass class, jlongArray channels, jobjectArray out)
{
    (void)class;
    size_t count;
    const void **all = handles(env, channels, &count);
    char *text = NULL;
    zeebe_error *error = zeebe_channels_prometheus((const zeebe_channel *const *)all, count, &text);
    free(all);
    if (error == NULL) give_text(env, out, text);
    return NUMBER(error);
}

EXPORT(jlong, channelGetState)(JNIEnv *env, jclass class, jlong channel, jboolean connect, jlongArray out)
{
    (void)class;
    int32_t state;
    zeebe_error *error = zeebe_channel_get_state(HANDLE(zeebe_channel, channel), connect, &state);
    if (error == NULL) {
        jlong number = state;
        (*env)->SetLongArrayRegion(env, out, 0, 1, &number);
    }
    return NUMBER(error);
}

EXPORT(jlong, channelWaitForStateChange)(JNIEnv *env, jclass class, jlong channel, jint last, jlong queue, jlong id)
{
    (void)env, (void)class;
    return NUMBER(zeebe_channel_wait_for_state_change_on_queue(HANDLE(zeebe_channel, channel), last, -1, queue_of(queue), (uint64_t)id));
}

EXPORT(jlong, channelClose)(JNIEnv *env, jclass class, jlong channel, jlong grace_ms, jlong queue, jlong id)
{
    (void)env, (void)class;
    return NUMBER(zeebe_channel_close_on_queue(HANDLE(zeebe_channel, channel), grace_ms, queue_of(queue), (uint64_t)id));
}

EXPORT(jlong, channelRetrieveToken)(JNIEnv *env, jclass class, jlong channel, jlong queue, jlong id)
{
    (void)env, (void)class;
    return NUMBER(zeebe_channel_retrieve_token_on_queue(HANDLE(zeebe_channel, channel), queue_of(queue), (uint64_t)id));
}

EXPORT(jlong, pluginRetrieveToken)(JNIEnv *env, jclass class, jlong plugin, jlong queue, jlong id)
{
    (void)env, (void)class;
    return NUMBER(zeebe_metadata_plugin_retrieve_token_on_queue(HANDLE(zeebe_metadata_plugin, plugin), queue_of(queue), (uint64_t)id));
}
