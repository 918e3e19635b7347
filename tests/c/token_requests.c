/* What a token endpoint is asked, and when: the table "The token request", on the wire. */
#define _GNU_SOURCE
#include "token_endpoint.h"

static zeebe_channel *oauth(const gateway *g, const char *scope, const char *audience, int32_t authentication)
{
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = NULL;
    zeebe_channel *channel = NULL;
    OK(zeebe_insecure_channel_credentials_new(&credentials));
    token.client_authentication = authentication;
    options.grpc_address = gateway_address(g, "plaintext");
    options.client_id = "my client";
    options.client_secret = "s+:%/\xc3\xa9";
    options.authorization_server = token_url(g, "http", "token_http");
    options.scope = scope;
    options.audience = audience;
    options.channel_credentials = credentials;
    options.token_options = &token;
    OK(zeebe_create_oauth2_client_credentials_channel(&options, &channel));
    zeebe_channel_credentials_free(credentials);
    return channel;
}

static zeebe_channel *cloud(const gateway *g, const char *scope, int32_t authentication)
{
    zeebe_camunda_cloud_channel_options options = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    token.client_authentication = authentication;
    options.cluster_id = "c";
    options.oauth2.client_id = "my client";
    options.oauth2.client_secret = "s+:%/\xc3\xa9";
    options.oauth2.authorization_server = token_url(g, "http", "token_http");
    options.oauth2.scope = scope;
    options.oauth2.token_options = &token;
    OK(zeebe_create_camunda_cloud_channel(&options, &channel));
    return channel;
}

static void retrieve_token(const zeebe_channel *channel)
{
    tally t = TALLY_INIT;
    OK(zeebe_channel_retrieve_token(channel, on_done, &t));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.failures == 0);
}

/* What is sent for it, and nothing before the first call; frees the channel. */
static void asks(const gateway *g, zeebe_channel *channel, const char *authorization, const char *body)
{
    char expected[1024];
    char *json = NULL;
    int32_t state;
    long before = requests(g);
    OK(zeebe_channel_get_state(channel, 0, &state));
    OK(zeebe_channel_describe(channel, &json));
    zeebe_string_free(json);
    CHECK(requests(g) == before);
    answer(g, "status=200", TOKEN);
    retrieve_token(channel);
    CHECK(requests(g) == before + 1);
    json = gateway_ask(g, "GET /token-request", NULL, 0);
    snprintf(expected, sizeof expected, "\"authorization\":%s", authorization);
    CHECK(strstr(json, expected));
    CHECK(strstr(json, "\"content_type\":\"application/x-www-form-urlencoded\"") && strstr(json, "\"accept\":\"application/json\""));
    snprintf(expected, sizeof expected, "\"body\":\"%s\"", body);
    if (!strstr(json, expected)) fprintf(stderr, "%s, not %s\n", json, expected);
    CHECK(strstr(json, expected));
    free(json);
    zeebe_channel_free(channel);
}

#define SECRET "client_id=my+client&client_secret=s%2B%3A%25%2F%C3%A9"
#define PLAIN_PAIR "\"Basic bXkgY2xpZW50OnMrOiUvw6k=\""                       /* my client:s+:%/é */
#define ENCODED_PAIR "\"Basic bXklMjBjbGllbnQ6cyUyQiUzQSUyNSUyRiVDMyVBOQ==\"" /* my%20client:s%2B%3A%25%2F%C3%A9 */
#define GRANT "grant_type=client_credentials"

static void the_token_request_is_the_references(const gateway *g)
{
    asks(g, oauth(g, NULL, "aud", 0), PLAIN_PAIR, GRANT "&audience=aud");
    asks(g, oauth(g, "a b:*", "", 0), PLAIN_PAIR, GRANT "&scope=a+b%3A%2A");
    asks(g, oauth(g, "a", "aud", ZEEBE_CLIENT_AUTHENTICATION_BASIC), PLAIN_PAIR, GRANT "&scope=a&audience=aud");
    asks(g, oauth(g, "", "", ZEEBE_CLIENT_AUTHENTICATION_BASIC_RFC6749), ENCODED_PAIR, GRANT);
    asks(g, oauth(g, "a", "", ZEEBE_CLIENT_AUTHENTICATION_BODY), "null", GRANT "&" SECRET "&scope=a");
    asks(g, cloud(g, NULL, 0), "null", GRANT "&" SECRET "&audience=zeebe.camunda.io");
    asks(g, cloud(g, "a", 0), "null", GRANT "&" SECRET "&scope=a&audience=zeebe.camunda.io");
    asks(g, cloud(g, NULL, ZEEBE_CLIENT_AUTHENTICATION_BASIC), PLAIN_PAIR, GRANT "&audience=zeebe.camunda.io");
}

/* "nothing when the channel is made; prefetch is our own option" */
static void prefetch_asks_when_the_plugin_is_made(const gateway *g)
{
    long before = requests(g);
    answer(g, "status=200", TOKEN);
    zeebe_metadata_plugin *plugin = plugin_new(g, (plugin_arguments){.token.prefetch = 1});
    UNTIL(requests(g) != before);
    fetched f = fetch(plugin);
    CHECK(strcmp(f.text, "Bearer t0ken") == 0);
    CHECK(requests(g) == before + 1);
    zeebe_metadata_plugin_free(plugin);
}

/* "other scope than asked: … describe show the granted scope" */
static void the_granted_scope_is_shown(const gateway *g)
{
    char *json = NULL;
    zeebe_channel *channel = oauth(g, "asked", "", ZEEBE_CLIENT_AUTHENTICATION_BASIC);
    answer(g, "status=200", "{'access_token':'t0ken','scope':'granted'}");
    retrieve_token(channel);
    OK(zeebe_channel_describe(channel, &json));
    CHECK(strstr(json, "\"granted\"") && strstr(json, "\"asked\"") && !strstr(json, "t0ken"));
    zeebe_string_free(json);
    zeebe_channel_free(channel);
}

static void refused(const gateway *g, const zeebe_channel *channel, int status, const char *told)
{
    char request[64];
    snprintf(request, sizeof request, "POST /fail?status=%d&count=9", status);
    gateway_tell(g, request);
    ended end = topology(channel);
    gateway_tell(g, "POST /fail?status=14&count=0");
    if (end.status == status && (told ? strstr(end.message, told) != NULL : !strstr(end.message, "scope"))) return;
    fprintf(stderr, "%d, not \"%s\": %s\n", end.status, told ? told : "", end.message);
    exit(1);
}

/* A scope that is misspelt some servers leave out of the token without a word: who then refuses the token is the gateway. */
static void a_gateway_that_refuses_the_token_is_told_with_the_scope_that_was_asked_for(const gateway *g)
{
    static const struct {
        const char *scope, *answer, *told;
    } TOKENS[] = {
        {"misspelt one", "{'access_token':'t0ken'}",
         "the scope \"misspelt one\" was asked for, and the token endpoint did not say which one it granted"},
        {"misspelt two", "{'access_token':'t0ken','scope':''}", "the scope \"misspelt two\" was asked for, and the token endpoint granted \"\""},
        {"misspelt three", "{'access_token':'t0ken','scope':'three'}",
         "the scope \"misspelt three\" was asked for, and the token endpoint granted \"three\""},
        {"right", "{'access_token':'t0ken','scope':'right'}", NULL},
        {"", "{'access_token':'t0ken','scope':'whatever'}", NULL},
    };
    for (size_t i = 0; i < sizeof TOKENS / sizeof *TOKENS; i++) {
        zeebe_channel *channel = oauth_channel(g, (oauth_arguments){.address = gateway_address(g, "plaintext"), .scope = TOKENS[i].scope});
        answer(g, "status=200&count=9", TOKENS[i].answer);
        CHECK(topology(channel).status == 0);
        refused(g, channel, ZEEBE_STATUS_PERMISSION_DENIED, TOKENS[i].told);
        refused(g, channel, ZEEBE_STATUS_NOT_FOUND, NULL);
        usleep(1300000); /* then the token is old enough to be replaced; the next is refused as well */
        refused(g, channel, ZEEBE_STATUS_UNAUTHENTICATED, TOKENS[i].told);
        refused(g, channel, ZEEBE_STATUS_UNAUTHENTICATED, TOKENS[i].told);
        answer(g, "status=200&count=0", "");
        zeebe_channel_free(channel);
    }
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    the_token_request_is_the_references(&g);
    prefetch_asks_when_the_plugin_is_made(&g);
    the_granted_scope_is_shown(&g);
    a_gateway_that_refuses_the_token_is_told_with_the_scope_that_was_asked_for(&g);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
