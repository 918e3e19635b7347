/* One client of an authorization server, and what its calls come to: `token_servers AUTHENTICATION EXPECTED [WORDS]`. The
   environment has GATEWAY, TOKEN_URL, CLIENT_ID, AUDIENCE, SCOPE, and what the client has: CLIENT_SECRET, or PRIVATE_KEY (a
   file) and KEY_ID. */
#define _GNU_SOURCE
#include "gateway.h"

static int32_t authentication(const char *name)
{
    if (!strcmp(name, "basic")) return ZEEBE_CLIENT_AUTHENTICATION_BASIC;
    if (!strcmp(name, "basic_rfc6749")) return ZEEBE_CLIENT_AUTHENTICATION_BASIC_RFC6749;
    if (!strcmp(name, "body")) return ZEEBE_CLIENT_AUTHENTICATION_BODY;
    CHECK(!strcmp(name, "private_key_jwt"));
    return ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
}

static zeebe_channel *oauth(const char *method)
{
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = NULL;
    zeebe_channel *channel = NULL;
    char *key = NULL;
    token.client_authentication = authentication(method);
    OK(zeebe_insecure_channel_credentials_new(&credentials));
    options.grpc_address = env("GATEWAY");
    options.authorization_server = env("TOKEN_URL");
    options.client_id = env("CLIENT_ID");
    if (token.client_authentication == ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT) {
        token.private_key = key = file("PRIVATE_KEY");
        token.key_id = env("KEY_ID");
    } else {
        options.client_secret = env("CLIENT_SECRET");
    }
    options.audience = env("AUDIENCE");
    options.scope = env("SCOPE");
    options.leeway = 2; /* a server counts in whole seconds */
    options.channel_credentials = credentials;
    options.token_options = &token;
    OK(zeebe_create_oauth2_client_credentials_channel(&options, &channel));
    zeebe_channel_credentials_free(credentials);
    free(key);
    return channel;
}

static void no_call_fails_over_two_renewals(const zeebe_channel *channel)
{
    int64_t end = now_ms() + 120000;
    while (stats_number(channel, "renewals") < 2) {
        ended call = topology(channel);
        if (call.status) fprintf(stderr, "%s\n", call.message);
        CHECK(call.status == ZEEBE_STATUS_OK && now_ms() < end);
        usleep(20000); /* leaves the server its time */
    }
    CHECK(topology(channel).status == ZEEBE_STATUS_OK);
    CHECK(stats_number(channel, "replayed") == 0); /* the gateway never refused a token */
}

static void the_server_refuses(const zeebe_channel *channel, const char *words)
{
    zeebe_response *response = NULL;
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response);
    CHECK(error);
    const char *message = zeebe_error_message(error), *secret = getenv("CLIENT_SECRET");
    if (!strstr(message, words)) fprintf(stderr, "%s\n", message);
    CHECK(strstr(message, words));
    CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAUTHENTICATED && !zeebe_error_is_retryable(error) &&
          !zeebe_error_may_have_been_processed(error));
    CHECK(!secret || !strstr(message, secret));
    zeebe_error_free(error);
}

static void the_gateway_refuses(const zeebe_channel *channel, const char *words)
{
    ended call = topology(channel);
    CHECK(call.status == ZEEBE_STATUS_UNAUTHENTICATED && strstr(call.message, words));
}

static void a_call_succeeds(const zeebe_channel *channel)
{
    ended call = topology(channel);
    if (call.status) fprintf(stderr, "%s\n", call.message);
    CHECK(call.status == ZEEBE_STATUS_OK);
}

int main(int count, char **arguments)
{
    CHECK(count == 3 || count == 4);
    const char *expected = arguments[2], *words = count == 4 ? arguments[3] : "";
    zeebe_channel *channel = oauth(arguments[1]);
    if (!strcmp(expected, "renewals")) no_call_fails_over_two_renewals(channel);
    else if (!strcmp(expected, "token")) a_call_succeeds(channel);
    else if (!strcmp(expected, "refused")) the_server_refuses(channel, words);
    else if (!strcmp(expected, "refused-by-gateway")) the_gateway_refuses(channel, words);
    else CHECK(!"an expectation");
    zeebe_channel_free(channel);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
