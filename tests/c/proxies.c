/* Proxies: for the gateway and for the token endpoint, each on its own. PROXY and PROXY_WITH_PASSWORD are ports of real
   proxies; the second wants user:secret. */
#define _GNU_SOURCE
#include "token_endpoint.h"

static ended through(const char *address, const char *ca, const char *proxy)
{
    zeebe_channel *channel = channel_new((channel_arguments){
        .address = address, .ca = ca, .options = {TEXT("grpc.http_proxy", proxy), NUMBER("grpc.min_reconnect_backoff_ms", 2000)}});
    ended end = topology(channel);
    if (end.status == 0) {
        char *stats = NULL;
        OK(zeebe_channel_stats(channel, &stats));
        CHECK(strstr(stats, "through the proxy"));
        zeebe_string_free(stats);
    }
    zeebe_channel_free(channel);
    return end;
}

static const char *at(const char *format, const char *port)
{
    static _Thread_local char urls[4][128];
    static _Thread_local int next;
    char *url = urls[next++ % 4];
    snprintf(url, sizeof urls[0], format, port);
    return url;
}

static void the_gateway_is_reached_through_a_proxy(const gateway *g, const char *ca)
{
    CHECK(through(gateway_address(g, "plaintext"), NULL, at("http://127.0.0.1:%s", env("PROXY"))).status == 0);
    CHECK(through(gateway_address(g, "tls"), ca, at("127.0.0.1:%s", env("PROXY"))).status == 0);
    CHECK(through(gateway_address(g, "tls"), ca, at("http://user:secret@127.0.0.1:%s", env("PROXY_WITH_PASSWORD"))).status == 0);
}

static void a_proxy_that_refuses_is_named(const gateway *g)
{
    const struct {
        const char *proxy;
        int32_t retryable;
        const char *message;
    } REFUSALS[] = {
        {at("127.0.0.1:%s", env("PROXY_WITH_PASSWORD")), 0, "grpc.http_proxy has no user and password"},
        {at("user:wrong@127.0.0.1:%s", env("PROXY_WITH_PASSWORD")), 0, "is wrong"},
        {gateway_address(g, "proxy_407"), 0, "407"},
        {gateway_address(g, "proxy_502"), 1, "502"},
        {gateway_address(g, "silent"), 1, "took longer than 2000 ms"},
        {gateway_address(g, "refused"), 1, "refused"},
    };
    for (size_t i = 0; i < sizeof REFUSALS / sizeof *REFUSALS; i++) {
        ended end = through(gateway_address(g, "plaintext"), NULL, REFUSALS[i].proxy);
        if (end.status != ZEEBE_STATUS_UNAVAILABLE || end.processed || end.retryable != REFUSALS[i].retryable ||
            !strstr(end.message, REFUSALS[i].message) || strstr(end.message, "wrong@")) {
            fprintf(stderr, "%s: %d, %d, %s\n", REFUSALS[i].proxy, end.status, end.retryable, end.message);
            exit(1);
        }
    }
}

static void variables_name_proxies_too(const gateway *g)
{
    char url[64];
    snprintf(url, sizeof url, "http://%s", gateway_address(g, "proxy_407"));
    setenv("https_proxy", url, 1);
    zeebe_channel *channel = channel_new((channel_arguments){.address = "zeebe.invalid:26500"});
    CHECK(strstr(topology(channel).message, "https_proxy has no user"));
    zeebe_channel_free(channel);
    /* Loopback is reached directly, and so is what NO_PROXY lists, and all without enable_http_proxy. */
    channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
    setenv("NO_PROXY", "10.0.0.0/8,.invalid", 1);
    channel = channel_new((channel_arguments){.address = "zeebe.invalid:26500"});
    CHECK(strstr(topology(channel).message, "cannot resolve zeebe.invalid"));
    zeebe_channel_free(channel);
    unsetenv("NO_PROXY");
    channel = channel_new((channel_arguments){.address = "zeebe.invalid:26500", .options = {NUMBER("grpc.enable_http_proxy", 0)}});
    CHECK(strstr(topology(channel).message, "cannot resolve zeebe.invalid"));
    zeebe_channel_free(channel);
    /* One that cannot be used ends calls, as a target does. */
    setenv("https_proxy", "socks5://127.0.0.1:1", 1);
    channel = channel_new((channel_arguments){.address = "zeebe.invalid:26500"});
    ended end = topology(channel);
    CHECK(end.status == ZEEBE_STATUS_UNAUTHENTICATED && !end.retryable && strstr(end.message, "https_proxy"));
    zeebe_channel_free(channel);
    unsetenv("https_proxy");
}

static ended token_through(const gateway *g, const char *listener, const char *ca, const char *proxy)
{
    const char *url = at(ca ? "https://127.0.0.1:%s/oauth/token" : "http://127.0.0.1:%s/oauth/token", gateway_get(g, listener));
    zeebe_token_options token = {.http_proxy = proxy, .token_ca = ca};
    zeebe_channel *channel = oauth_channel(g, (oauth_arguments){.address = gateway_address(g, "plaintext_oauth"), .url = url, .token = token});
    ended end = topology(channel);
    zeebe_channel_free(channel);
    return end;
}

static void the_token_endpoint_has_a_proxy_of_its_own(const gateway *g, const char *ca)
{
    const char *proxy = at("http://user:secret@127.0.0.1:%s", env("PROXY_WITH_PASSWORD"));
    CHECK(token_through(g, "token_http", NULL, proxy).status == 0);
    CHECK(token_through(g, "token_https", ca, proxy).status == 0);
    CHECK(token_through(g, "token_https", ca, gateway_address(g, "refused")).status == ZEEBE_STATUS_UNAVAILABLE);
    CHECK(token_through(g, "token_https", ca, gateway_address(g, "proxy_502")).status == ZEEBE_STATUS_UNAVAILABLE);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    setenv("CA", gateway_get(&g, "ca"), 1);
    char *ca = file("CA");
    the_gateway_is_reached_through_a_proxy(&g, ca);
    a_proxy_that_refuses_is_named(&g);
    variables_name_proxies_too(&g);
    the_token_endpoint_has_a_proxy_of_its_own(&g, ca);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    free(ca);
    return 0;
}
