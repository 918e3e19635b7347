/* The life of a token on the wire: one fetch for all, renewal, back-off, refusal by the gateway. */
#define _GNU_SOURCE
#include "token_endpoint.h"

#include <malloc.h>

static zeebe_channel *oauth_to(const gateway *g, const char *listener, int64_t leeway)
{
    return oauth_channel(g, (oauth_arguments){.address = gateway_address(g, listener), .leeway = leeway});
}

static zeebe_channel *oauth(const gateway *g) { return oauth_to(g, "plaintext_oauth", 0); }

static void a_thousand_calls_without_a_token_make_one_request(const gateway *g)
{
    enum { CALLS = 1000 };
    long before = requests(g);
    zeebe_channel *channel = oauth(g);
    tally t = TALLY_INIT;
    for (int i = 0; i < CALLS; i++) OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, on_unary, &t, NULL));
    tally_wait(&t, &t.calls, CALLS);
    CHECK(t.failures == 0 && requests(g) == before + 1);
    zeebe_channel_free(channel);
}

/* The first pause is a second, less a fifth: what is said of it holds for so long. */
static int in_the_pause(int64_t began) { return now_ms() - began < 800; }

static void calls_in_the_pause_after_a_failure_fail_at_once_or_wait_if_they_may(const gateway *g)
{
    zeebe_channel *channel = oauth(g);
    long before = requests(g);
    gateway_tell(g, "POST /token-answer?status=503");
    int64_t began = now_ms();
    ended end = topology(channel);
    CHECK(end.status == ZEEBE_STATUS_UNAVAILABLE && end.retryable && !end.processed && strstr(end.message, "503"));
    end = topology(channel);
    CHECK(stats_number(channel, "unavailable") == stats_number(channel, "failures") && stats_number(channel, "refused") == 0);
    CHECK(!in_the_pause(began) ||
          (end.status == ZEEBE_STATUS_UNAVAILABLE && strstr(end.message, "the next token request is in") && requests(g) == before + 1));
    end = call_it(channel, TOPOLOGY, 20000, ZEEBE_WAIT_FOR_READY_YES);
    CHECK(end.status == 0 && requests(g) == before + 2);
    zeebe_channel_free(channel);
}

static void a_refusal_is_not_retried_and_says_so(const gateway *g)
{
    zeebe_channel *channel = oauth(g);
    long before = requests(g);
    char *json = NULL;
    gateway_tell(g, "POST /token-answer?status=401&count=2");
    int64_t began = now_ms();
    for (int i = 0; i < 2; i++) { /* patient or not; who waited would wait for 20 s */
        ended end = call_it(channel, TOPOLOGY, 20000, i ? ZEEBE_WAIT_FOR_READY_YES : ZEEBE_WAIT_FOR_READY_NO);
        CHECK(end.status == ZEEBE_STATUS_UNAUTHENTICATED && !end.retryable && end.took_ms < 10000);
    }
    CHECK(!in_the_pause(began) || requests(g) == before + 1);
    gateway_tell(g, "POST /token-answer?status=200&count=0");
    /* retrieve_token asks all the same. */
    tally t = TALLY_INIT;
    before = requests(g);
    OK(zeebe_channel_retrieve_token(channel, on_done, &t));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.failures == 0 && topology(channel).status == 0 && requests(g) == before + 1);
    CHECK(stats_number(channel, "refused") == stats_number(channel, "failures") && stats_number(channel, "unavailable") == 0);
    OK(zeebe_channel_stats(channel, &json));
    CHECK(strstr(json, "\"last_request_ms\":") && !strstr(json, "\"last_request_ms\":null"));
    zeebe_string_free(json);
    zeebe_channel_free(channel);
}

static void a_token_that_the_gateway_refuses_is_replaced_once(const gateway *g)
{
    zeebe_channel *channel = oauth(g);
    int64_t began = now_ms();
    CHECK(topology(channel).status == 0);
    long before = requests(g);
    gateway_tell(g, "POST /revoke-tokens");
    int32_t status = topology(channel).status;
    /* A token younger than the first step, a second, is not replaced: no storm. (If this took longer, it was no longer young.) */
    CHECK(now_ms() - began >= 1000 || (status == ZEEBE_STATUS_UNAUTHENTICATED && requests(g) == before));
    usleep(1300000); /* only time makes it old enough */
    CHECK(topology(channel).status == 0);
    CHECK(requests(g) == before + 1 && stats_number(channel, "replayed") == 1);
    /* A streaming call likewise. */
    usleep(2100000);
    gateway_tell(g, "POST /revoke-tokens");
    stream_topology(channel);
    CHECK(requests(g) == before + 2);
    zeebe_channel_free(channel);
}

static void tokens_are_renewed_before_a_call_must_wait(void)
{
    gateway g;
    gateway_start_with(&g, "0", "--token-lifetime", "2");
    zeebe_channel *channel = oauth(&g);
    CHECK(topology(channel).status == 0);
    gateway_tell(&g, "POST /latency?ms=0");
    for (int64_t end = now_ms() + 5000; now_ms() < end;) CHECK(topology(channel).status == 0);
    CHECK(requests(&g) >= 3 && requests(&g) <= 5);
    CHECK(stats_number(channel, "requests") == requests(&g) && stats_number(channel, "renewals") == requests(&g) - 1);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

static struct {
    pthread_mutex_t mutex;
    char text[4096];
    int warnings;
} leeway_log = {PTHREAD_MUTEX_INITIALIZER, "", 0};

static void on_leeway_log(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    if (!strstr(zeebe_log_record_message(record), "leeway")) return;
    pthread_mutex_lock(&leeway_log.mutex);
    leeway_log.warnings++;
    snprintf(leeway_log.text, sizeof leeway_log.text, "%s", zeebe_log_record_message(record));
    pthread_mutex_unlock(&leeway_log.mutex);
}

/* One that was given is kept to, and said once; the gateway's tokens live an hour. */
static void a_leeway_that_leaves_nothing_of_a_token_is_warned_of_once(const gateway *g)
{
    static const struct {
        int64_t leeway;
        const char *told;
        int requests;
    } ROWS[] = {
        {3600, "the leeway of 3600 s leaves little of a token that lives 3600 s: every call needs a new token", 3},
        {INT64_MAX, "every call needs a new token", 3},
        {1800, "the leeway of 1800 s leaves little of a token that lives 3600 s: more than half of it goes unused", 1},
        {1799, NULL, 1},
        {ZEEBE_LEEWAY_NONE, NULL, 1},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char *json = NULL, leeway[64];
        leeway_log.warnings = 0;
        tally log = TALLY_INIT;
        log_begins(on_leeway_log, &log);
        zeebe_channel *channel = oauth_to(g, "plaintext_oauth", ROWS[i].leeway);
        long before = requests(g);
        for (int call = 0; call < 3; call++) CHECK(topology(channel).status == 0);
        log_ends(&log);
        OK(zeebe_channel_describe(channel, &json));
        snprintf(leeway, sizeof leeway, "\"leeway\":%lld", (long long)(ROWS[i].leeway < 0 ? 0 : ROWS[i].leeway));
        if (leeway_log.warnings != (ROWS[i].told != NULL) || !strstr(leeway_log.text, ROWS[i].told ? ROWS[i].told : "") || !strstr(json, leeway) ||
            requests(g) != before + ROWS[i].requests) {
            fprintf(stderr, "%lld: %d warnings, %ld requests: %s; %s\n", (long long)ROWS[i].leeway, leeway_log.warnings, requests(g) - before,
                    leeway_log.text, json);
            exit(1);
        }
        zeebe_string_free(json);
        zeebe_channel_free(channel);
    }
}

static zeebe_channel *sharing(const gateway *g, const char *scope, int64_t leeway, int64_t timeout_ms)
{
    return oauth_channel(g, (oauth_arguments){
                                .address = gateway_address(g, "plaintext_oauth"),
                                .scope = scope,
                                .leeway = leeway,
                                .token = {.timeout_ms = timeout_ms, .connect_timeout_ms = timeout_ms},
                            });
}

static void equal_credentials_share_a_token_while_one_of_them_lives(const gateway *g)
{
    long before = requests(g);
    zeebe_channel *one = sharing(g, "shared", 5, 0), *two = sharing(g, "shared", 30, 9000), *other = sharing(g, "another", 5, 0);
    CHECK(topology(one).status == 0 && topology(two).status == 0 && requests(g) == before + 1);
    CHECK(topology(other).status == 0 && requests(g) == before + 2);
    zeebe_channel_free(one);
    zeebe_channel *three = sharing(g, "shared", 5, 0);
    CHECK(topology(three).status == 0 && requests(g) == before + 2);
    zeebe_channel_free(two);
    zeebe_channel_free(three);
    zeebe_channel_free(other);
}

/* A token of 300 s is due 30 s (more or less a fifth) before its leeway: for the one at once, for the other in minutes. */
static void the_longer_leeway_renews_for_all_who_share(void)
{
    gateway g;
    gateway_start_with(&g, "0", "--token-lifetime", "300");
    zeebe_metadata_plugin *longer = plugin_new(&g, (plugin_arguments){.scope = "shared", .leeway = 290});
    zeebe_metadata_plugin *shorter = plugin_new(&g, (plugin_arguments){.scope = "shared", .leeway = 5, .token = {.timeout_ms = 9000}});
    fetched old = fetch(shorter);
    CHECK(!old.kind && strcmp(fetch(shorter).text, old.text) == 0 && requests(&g) == 1);
    CHECK(strcmp(fetch(longer).text, old.text) == 0);
    for (int64_t until = now_ms() + 20000; strcmp(fetch(shorter).text, old.text) == 0;) CHECK(now_ms() < until);
    CHECK(requests(&g) == 2);
    zeebe_metadata_plugin_free(longer);
    zeebe_metadata_plugin_free(shorter);
    gateway_stop(&g);
}

static void the_programs_own_credentials_are_sent(const gateway *g)
{
    zeebe_metadata_plugin *bearer = NULL, *basic = NULL;
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_response *response = NULL;
    tally t = TALLY_INIT;
    int32_t expired;
    OK(zeebe_bearer_metadata_plugin_new("of-mine", &bearer));
    OK(zeebe_basic_metadata_plugin_new("user", "p\xc3\xa4ss:word", &basic));
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext_oauth")});
    options.credentials = bearer;
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response), ZEEBE_ERROR_KIND_RPC, "token");
    char *calls = gateway_ask(g, "GET /calls?last=1", NULL, 0);
    CHECK(strstr(calls, "\"authorization\":\"Bearer"));
    free(calls);
    CHECK(strcmp(fetch(bearer).text, "Bearer of-mine") == 0);
    OK(zeebe_bearer_metadata_plugin_set_token(bearer, "another"));
    CHECK(strcmp(fetch(bearer).text, "Bearer another") == 0);
    FAILS(zeebe_bearer_metadata_plugin_set_token(bearer, "with space"), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "characters");
    FAILS(zeebe_bearer_metadata_plugin_set_token(basic, "t"), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "no bearer");
    FAILS(zeebe_basic_metadata_plugin_new("a:b", "c", &basic), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "colon");
    FAILS(zeebe_metadata_plugin_is_token_expired(bearer, &expired), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "fetches no token");
    FAILS(zeebe_metadata_plugin_retrieve_token(basic, on_done, &t), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "fetches no token");
    options.credentials = basic;
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response), ZEEBE_ERROR_KIND_RPC, "token");
    calls = gateway_ask(g, "GET /calls?last=1", NULL, 0);
    CHECK(strstr(calls, "\"authorization\":\"Basic"));
    free(calls);
    zeebe_metadata_plugin_free(bearer);
    zeebe_metadata_plugin_free(basic);
    zeebe_channel_free(channel);
}

static void a_fetch_that_outlives_a_calls_deadline_serves_the_next(const gateway *g)
{
    zeebe_channel *channel = oauth_to(g, "plaintext", 0); /* which takes any token */
    long before = requests(g);
    answer(g, "status=200&hold=1&count=9", TOKEN);
    for (int i = 0; i < 2; i++) CHECK(call_it(channel, TOPOLOGY, 1500, ZEEBE_WAIT_FOR_READY_YES).status == ZEEBE_STATUS_DEADLINE_EXCEEDED);
    UNTIL(requests(g) != before);
    /* retrieve_token joins the fetch under way. */
    tally t = TALLY_INIT;
    OK(zeebe_channel_retrieve_token(channel, on_done, &t));
    UNTIL(stats_number(channel, "waiting") >= 1); /* it has joined; else the fetch may be over before */
    gateway_tell(g, "POST /token-answer?status=200&count=0");
    tally_wait(&t, &t.calls, 1);
    CHECK(t.failures == 0 && topology(channel).status == 0 && requests(g) == before + 1);
    zeebe_channel_free(channel);
}

/* Also not what would renew their tokens in an hour. */
static void plugins_that_are_freed_leave_nothing_behind(const gateway *g)
{
    enum { PLUGINS = 500, BYTES = 100 };
    size_t before = 0;
    for (int round = 0; round < 2; round++) { /* the first is to warm up */
        before = mallinfo2().uordblks;
        for (int i = 0; i < PLUGINS; i++) {
            zeebe_metadata_plugin *plugin = plugin_new(g, (plugin_arguments){0});
            CHECK(!fetch(plugin).kind && !fetch(plugin).kind);
            zeebe_metadata_plugin_free(plugin);
        }
    }
    for (int64_t until = now_ms() + 10000; mallinfo2().uordblks > before + PLUGINS * BYTES; usleep(5000)) CHECK(now_ms() < until);
}

/* A token of a minute, as Keycloak's master realm gives it: one fetch for all calls, and describe shows the leeway. */
static void a_leeway_that_was_not_given_is_at_most_half_of_the_life(const gateway *g)
{
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = NULL;
    zeebe_channel *channel = NULL;
    char *json = NULL;
    OK(zeebe_insecure_channel_credentials_new(&credentials));
    options.grpc_address = gateway_address(g, "plaintext");
    options.client_id = "demo-client";
    options.client_secret = "demo-secret";
    options.authorization_server = token_url(g, "http", "token_http");
    options.audience = "";
    options.scope = "of a minute";
    options.channel_credentials = credentials;
    OK(zeebe_create_oauth2_client_credentials_channel(&options, &channel));
    answer(g, "status=200&count=2", "{'access_token':'t0ken','expires_in':60}");
    for (int i = 0; i < 3; i++) {
        zeebe_response *response = NULL;
        OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
        zeebe_response_free(response);
    }
    CHECK(stats_number(channel, "requests") == 1);
    OK(zeebe_channel_describe(channel, &json));
    CHECK(strstr(json, "\"oauth2\":{") && strstr(strstr(json, "\"oauth2\":{"), "\"leeway\":30"));
    zeebe_string_free(json);
    answer(g, "status=200&count=0", "");
    zeebe_channel_free(channel);
    zeebe_channel_credentials_free(credentials);
}

static void a_leeway_as_long_as_the_lifetime_means_a_fetch_for_every_call(const gateway *g)
{
    zeebe_channel *channel = oauth_to(g, "plaintext_oauth", 4000);
    long before = requests(g);
    for (int calls = 1; calls <= 3; calls++) CHECK(topology(channel).status == 0 && requests(g) == before + calls);
    zeebe_channel_free(channel);
}

static void a_renewal_that_fails_leaves_the_old_token_in_use(void)
{
    gateway g;
    gateway_start_with(&g, "0", "--token-lifetime", "300");
    zeebe_channel *channel = oauth_to(&g, "plaintext_oauth", 299); /* it is due at once, and past its leeway in a second */
    CHECK(topology(channel).status == 0);
    gateway_tell(&g, "POST /token-answer?status=503&count=1000");
    for (int64_t end = now_ms() + 3000; now_ms() < end;) CHECK(topology(channel).status == 0);
    CHECK(stats_number(channel, "failures") >= 1 && requests(&g) <= 5);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

static void a_token_goes_in_plaintext_to_loopback_only_unless_allowed(void)
{
    zeebe_metadata_plugin *plugin = NULL;
    zeebe_channel_credentials *plain = NULL, *both = NULL;
    zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    OK(zeebe_bearer_metadata_plugin_new("t", &plugin));
    OK(zeebe_insecure_channel_credentials_new(&plain));
    OK(zeebe_composite_channel_credentials_new(plain, plugin, &both));
    options.channel_credentials = both;
    options.connection_options = &connection;
    options.grpc_address = "zeebe.example:1";
    FAILS(zeebe_create_secure_channel(&options, &channel), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "allow_insecure_gateway");
    CHECK(!channel);
    setenv("ZEEBE_ADDRESS", "zeebe.example:1", 1);
    options.grpc_address = NULL;
    FAILS(zeebe_create_secure_channel(&options, &channel), ZEEBE_ERROR_KIND_SETTINGS, "environment:ZEEBE_ADDRESS");
    connection.allow_insecure_gateway = 1;
    OK(zeebe_create_secure_channel(&options, &channel));
    zeebe_channel_free(channel);
    unsetenv("ZEEBE_ADDRESS");
    connection.allow_insecure_gateway = 0;
    options.grpc_address = "127.1.2.3:1";
    OK(zeebe_create_secure_channel(&options, &channel));
    zeebe_channel_free(channel);
    zeebe_channel_credentials_free(plain);
    zeebe_channel_credentials_free(both);
    zeebe_metadata_plugin_free(plugin);
}

static void no_token_is_fetched_for_a_gateway_that_cannot_be_reached(const gateway *g)
{
    zeebe_channel *channel = oauth_to(g, "refused", 0);
    long before = requests(g);
    CHECK(topology(channel).status == ZEEBE_STATUS_UNAVAILABLE && requests(g) == before);
    zeebe_channel_free(channel);
}

static void the_callers_own_authorization_replaces_the_plugins_and_the_later_plugin_wins(const gateway *g)
{
    zeebe_metadata *metadata = NULL;
    zeebe_metadata_plugin *basic = NULL;
    zeebe_response *response = NULL;
    zeebe_channel *channel = oauth_to(g, "plaintext", 0);
    OK(zeebe_metadata_new(&metadata));
    OK(zeebe_metadata_add(metadata, "authorization", (const uint8_t *)"Own value", 9));
    OK(zeebe_basic_metadata_plugin_new("u", "p", &basic));
    for (int own = 0; own < 2; own++) {
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        options.credentials = basic; /* after the channel's */
        options.metadata = own ? metadata : NULL;
        OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response));
        zeebe_response_free(response);
        char *calls = gateway_ask(g, "GET /calls?last=1", NULL, 0);
        CHECK(strstr(calls, own ? "\"authorization\":\"Own \xe2\x80\xa6\"" : "\"authorization\":\"Basic \xe2\x80\xa6\"")); /* and nothing else */
        free(calls);
    }
    zeebe_metadata_free(metadata);
    zeebe_metadata_plugin_free(basic);
    zeebe_channel_free(channel);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    a_thousand_calls_without_a_token_make_one_request(&g);
    equal_credentials_share_a_token_while_one_of_them_lives(&g);
    the_longer_leeway_renews_for_all_who_share();
    the_programs_own_credentials_are_sent(&g);
    calls_in_the_pause_after_a_failure_fail_at_once_or_wait_if_they_may(&g);
    a_refusal_is_not_retried_and_says_so(&g);
    a_token_that_the_gateway_refuses_is_replaced_once(&g);
    a_fetch_that_outlives_a_calls_deadline_serves_the_next(&g);
    plugins_that_are_freed_leave_nothing_behind(&g);
    a_leeway_as_long_as_the_lifetime_means_a_fetch_for_every_call(&g);
    a_leeway_that_leaves_nothing_of_a_token_is_warned_of_once(&g);
    a_leeway_that_was_not_given_is_at_most_half_of_the_life(&g);
    no_token_is_fetched_for_a_gateway_that_cannot_be_reached(&g);
    a_token_goes_in_plaintext_to_loopback_only_unless_allowed();
    the_callers_own_authorization_replaces_the_plugins_and_the_later_plugin_wins(&g);
    a_renewal_that_fails_leaves_the_old_token_in_use();
    tokens_are_renewed_before_a_call_must_wait();
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
