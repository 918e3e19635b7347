/* Credentials, plugins, and the token source in Java. */
#include "glue.h"

EXPORT(jlong, credentialsNew)(JNIEnv *env, jclass class, jint kind, jbyteArray bytes, jint length, jlongArray out)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_channel_credentials *credentials = NULL;
        zeebe_ssl_channel_credentials_options options = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
        options.root_certificates = next_text(&in);
        options.private_key = next_text(&in);
        options.certificate_chain = next_text(&in);
        switch (kind) {
        case 0: error = zeebe_ssl_channel_credentials_new(&options, &credentials); break;
        case 1: error = zeebe_insecure_channel_credentials_new(&credentials); break;
        default: error = zeebe_local_channel_credentials_new(&credentials); break;
        }
        if (error == NULL) give(env, out, credentials);
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(jlong, credentialsComposite)(JNIEnv *env, jclass class, jlong base, jlong plugin, jlongArray out)
{
    (void)class;
    zeebe_channel_credentials *credentials = NULL;
    zeebe_error *error =
        zeebe_composite_channel_credentials_new(HANDLE(zeebe_channel_credentials, base), HANDLE(zeebe_metadata_plugin, plugin), &credentials);
    if (error == NULL) give(env, out, credentials);
    return NUMBER(error);
}

EXPORT(void, credentialsFree)(JNIEnv *env, jclass class, jlong credentials)
{
    (void)env, (void)class;
    zeebe_channel_credentials_free(HANDLE(zeebe_channel_credentials, credentials));
}

/* With one text: a bearer token; with two: user name and password. */
EXPORT(jlong, pluginNew)(JNIEnv *env, jclass class, jboolean basic, jbyteArray bytes, jint length, jlongArray out)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_metadata_plugin *plugin = NULL;
        const char *first = next_text(&in);
        error = basic ? zeebe_basic_metadata_plugin_new(first, next_text(&in), &plugin) : zeebe_bearer_metadata_plugin_new(first, &plugin);
        if (error == NULL) give(env, out, plugin);
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(jlong, pluginSetToken)(JNIEnv *env, jclass class, jlong plugin, jbyteArray bytes, jint length)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length))
        error = zeebe_bearer_metadata_plugin_set_token(HANDLE(zeebe_metadata_plugin, plugin), next_text(&in));
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(jlong, pluginIsTokenExpired)(JNIEnv *env, jclass class, jlong plugin, jlongArray out)
{
    (void)class;
    int32_t expired;
    zeebe_error *error = zeebe_metadata_plugin_is_token_expired(HANDLE(zeebe_metadata_plugin, plugin), &expired);
    if (error == NULL) {
        jlong number = expired;
        (*env)->SetLongArrayRegion(env, out, 0, 1, &number);
    }
    return NUMBER(error);
}

EXPORT(void, pluginFree)(JNIEnv *env, jclass class, jlong plugin)
{
    (void)env, (void)class;
    zeebe_metadata_plugin_free(HANDLE(zeebe_metadata_plugin, plugin));
}

/* Without memory the request is freed unanswered, which fails it. */
static void on_retrieve(void *user_data, zeebe_token_request *request)
{
    posted *source = user_data;
    posted *post = posted_new(POSTED_TOKEN_REQUEST, source->queue, source->id);
    if (post == NULL) {
        zeebe_token_request_free(request);
        return;
    }
    post->request = request;
    posted_send(post);
}

static void on_cancel(void *user_data, const zeebe_token_request *request)
{
    (void)request;
    posted *source = user_data;
    posted *post = posted_new(POSTED_TOKEN_CANCEL, source->queue, source->id);
    if (post != NULL) posted_send(post);
}

static void on_destroy(void *user_data) { posted_send(user_data); }

EXPORT(jlong, pluginFromSource)(JNIEnv *env, jclass class, jbyteArray bytes, jint length, jlong queue, jlong id, jlongArray out)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
        zeebe_metadata_plugin *plugin = NULL;
        posted *source = posted_new(POSTED_DESTROY, queue_of(queue), id);
        options.retrieve = source == NULL ? NULL : on_retrieve;
        options.cancel = on_cancel;
        options.destroy = on_destroy;
        options.leeway = next_number(&in);
        options.expire_in = next_number(&in);
        error = zeebe_oauth2_metadata_plugin_new(&options, source, &plugin);
        if (error == NULL) give(env, out, plugin);
        else if (source != NULL) posted_free(source);
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(jlong, tokenComplete)(JNIEnv *env, jclass class, jlong request, jbyteArray bytes, jint length)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_token token = ZEEBE_TOKEN_INIT;
        token.access_token = next_text(&in);
        token.scope = next_text(&in);
        token.expires_in = next_number(&in);
        error = zeebe_token_request_complete(HANDLE(zeebe_token_request, request), &token);
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(jlong, tokenFail)(JNIEnv *env, jclass class, jlong request, jbyteArray bytes, jint length)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        int32_t status = (int32_t)next_number(&in);
        const char *message = next_text(&in);
        error = zeebe_token_request_fail(HANDLE(zeebe_token_request, request), status, message, next_number(&in));
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(void, tokenFree)(JNIEnv *env, jclass class, jlong request)
{
    (void)env, (void)class;
    zeebe_token_request_free(HANDLE(zeebe_token_request, request));
}
