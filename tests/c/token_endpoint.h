/* The development gateway's token endpoint for C tests: what it is to answer, and plugins that ask it. */
#ifndef TOKEN_ENDPOINT_H
#define TOKEN_ENDPOINT_H

#include "gateway.h"

#define TOKEN "{'access_token':'t0ken'}"

/* What a plugin came back with. */
typedef struct {
    tally done;
    int32_t kind;
    int32_t status;
    int32_t source;
    int32_t retryable;
    int64_t retry_after_ms;
    char text[1024]; /* what stands in `authorization`, or why nothing does */
} fetched;

static inline void on_metadata(void *user_data, const zeebe_error *error, const zeebe_metadata *metadata)
{
    fetched *f = user_data;
    f->kind = zeebe_error_kind(error);
    f->status = zeebe_error_grpc_status(error);
    f->source = zeebe_error_source(error);
    f->retryable = zeebe_error_is_retryable(error);
    f->retry_after_ms = zeebe_error_retry_after_ms(error);
    size_t length = 0;
    const uint8_t *value = zeebe_metadata_value(metadata, 0, &length);
    if (error) snprintf(f->text, sizeof f->text, "%s", zeebe_error_message(error));
    else snprintf(f->text, sizeof f->text, "%.*s", (int)length, (const char *)value);
    tally_end(&f->done, error);
}

static inline fetched fetch(const zeebe_metadata_plugin *plugin)
{
    fetched f = {.done = TALLY_INIT};
    OK(zeebe_metadata_plugin_get_metadata(plugin, "https://zeebe", "Topology", on_metadata, &f));
    tally_wait(&f.done, &f.done.calls, 1);
    return f;
}

typedef struct {
    const char *url;   /* NULL: the gateway's */
    const char *scope; /* NULL: one of its own, so that no two tests share a token or a pause */
    int64_t leeway;
    int64_t expire_in;
    zeebe_token_options token;
} plugin_arguments;

static inline const char *token_url(const gateway *g, const char *scheme, const char *listener)
{
    static char urls[4][128];
    static int next;
    char *url = urls[next++ % 4];
    snprintf(url, sizeof urls[0], "%s://%s/oauth/token", scheme, gateway_address(g, listener));
    return url;
}

static inline zeebe_metadata_plugin *plugin_new(const gateway *g, plugin_arguments arguments)
{
    static int count;
    zeebe_oauth2_client_credentials_metadata_plugin_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    char scope[32];
    snprintf(scope, sizeof scope, "row-%d", count++);
    options.client_id = "demo-client";
    options.client_secret = "demo-secret";
    options.authorization_server = arguments.url ? arguments.url : token_url(g, "http", "token_http");
    options.scope = arguments.scope ? arguments.scope : scope;
    options.leeway = arguments.leeway ? arguments.leeway : ZEEBE_LEEWAY_NONE;
    options.expire_in = arguments.expire_in;
    arguments.token.size = sizeof arguments.token;
    options.token_options = &arguments.token;
    OK(zeebe_oauth2_client_credentials_metadata_plugin_new(&options, &plugin));
    return plugin;
}

static inline fetched fetch_once(const gateway *g, plugin_arguments arguments)
{
    zeebe_metadata_plugin *plugin = plugin_new(g, arguments);
    fetched f = fetch(plugin);
    zeebe_metadata_plugin_free(plugin);
    return f;
}

/* An OAuth channel of the development gateway. */
typedef struct {
    const char *address;
    const char *url;       /* NULL: the gateway's */
    const char *client_id; /* NULL: one that it knows */
    const char *client_secret;
    const char *scope; /* NULL: one of its own, so that no two channels share a token or a pause */
    int64_t leeway;
    const char *proxy; /* to the gateway */
    zeebe_token_options token;
} oauth_arguments;

static inline zeebe_channel *oauth_channel(const gateway *g, oauth_arguments arguments)
{
    static int count;
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_channel_option proxy = TEXT("grpc.http_proxy", arguments.proxy);
    zeebe_channel_credentials *credentials = NULL;
    zeebe_channel *channel = NULL;
    char scope[32];
    snprintf(scope, sizeof scope, "channel-%d", count++);
    OK(zeebe_insecure_channel_credentials_new(&credentials));
    options.grpc_address = arguments.address;
    options.client_id = arguments.client_id ? arguments.client_id : "demo-client";
    options.client_secret = arguments.client_secret ? arguments.client_secret : "demo-secret";
    options.audience = "zeebe-api";
    options.authorization_server = arguments.url ? arguments.url : token_url(g, "http", "token_http");
    options.scope = arguments.scope ? arguments.scope : scope;
    options.leeway = arguments.leeway ? arguments.leeway : ZEEBE_LEEWAY_NONE;
    options.channel_credentials = credentials;
    options.channel_options = &proxy;
    options.channel_options_count = arguments.proxy != NULL;
    arguments.token.size = sizeof arguments.token;
    options.token_options = &arguments.token;
    OK(zeebe_create_oauth2_client_credentials_channel(&options, &channel));
    zeebe_channel_credentials_free(credentials);
    return channel;
}

/* The next token request gets this answer. In `body` ' stands for ". */
static inline void answer(const gateway *g, const char *parameters, const char *body)
{
    char request[512], text[1024];
    size_t length = strlen(body);
    CHECK(length < sizeof text);
    for (size_t i = 0; i < length; i++) text[i] = body[i] == '\'' ? '"' : body[i];
    snprintf(request, sizeof request, "POST /token-answer?%s", parameters);
    free(gateway_ask(g, request, text, length));
}

static inline long requests(const gateway *g) { return gateway_count(g, "token_requests"); }

#endif
