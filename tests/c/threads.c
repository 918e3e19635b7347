/* No more threads: the process has all that it may have (pthread_create fails with EAGAIN, as at a container's limit of pids).
   A function that needs one says so; a channel that is there goes on, and so does the fetch of its token. */
#define _GNU_SOURCE
#include "gateway.h"
#include "token_endpoint.h"

#include <dlfcn.h>
#include <netdb.h>

/* ---- the library's threads are made here, or not */

static _Atomic(int) refuse, refused;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    static int (*_Atomic make)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (refuse) {
        refused++;
        return EAGAIN;
    }
    if (!make) {
        void *found = dlsym(RTLD_NEXT, "pthread_create");
        int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
        CHECK(found);
        memcpy(&real, &found, sizeof real);
        make = real;
    }
    return make(thread, attributes, body, argument);
}

/* ---- and so are its names: slow.test is being looked up as long as `slow` is set; all others are 127.0.0.1 */

static _Atomic(int) slow, waiting;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in));
    struct sockaddr_in *address = (struct sockaddr_in *)(info + 1);
    (void)service;
    if (!strcmp(node, "slow.test")) {
        waiting++;
        UNTIL(!slow);
        waiting--;
    }
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *info = (struct addrinfo){.ai_family = AF_INET,
                              .ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM,
                              .ai_addr = (struct sockaddr *)address,
                              .ai_addrlen = sizeof *address};
    *result = info;
    return 0;
}

void freeaddrinfo(struct addrinfo *info) { free(info); }

/* ---- */

static zeebe_channel *within(int64_t connect_ms, const char *name, const char *port)
{
    char address[64];
    snprintf(address, sizeof address, "%s:%s", name, port);
    return channel_new(
        (channel_arguments){.address = address,
                            .options = {NUMBER("grpc.min_reconnect_backoff_ms", connect_ms), NUMBER("grpc.initial_reconnect_backoff_ms", 100),
                                        NUMBER("grpc.max_reconnect_backoff_ms", 100)}});
}

static zeebe_channel *to(const char *name, const char *port) { return within(20000, name, port); }

static void on_log(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    (void)record;
}

static void a_start_without_threads_is_an_error_and_the_next_one_is_not(const gateway *g)
{
    zeebe_response *response = NULL;
    zeebe_channel *channel = to("gateway.test", gateway_get(g, "plaintext"));
    refuse = 1;
    for (int i = 0; i < 2; i++) {
        zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response);
        CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAVAILABLE && zeebe_error_is_retryable(error) &&
              !zeebe_error_may_have_been_processed(error));
        CHECK(strstr(zeebe_error_message(error), "cannot start a thread"));
        zeebe_error_free(error);
    }
    FAILS(zeebe_channel_wait_ready(channel, 10), ZEEBE_ERROR_KIND_RPC, "cannot start a thread");
    tally none = TALLY_INIT; /* where a function fails, destroy never runs */
    FAILS(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_WARN, on_log, &none, on_destroy), ZEEBE_ERROR_KIND_RPC, "cannot start a thread");
    CHECK(!none.destroyed);
    refuse = 0;
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
}

/* By name, over TLS with the platform's roots, which are read, and with a token, which is fetched by name. */
static void channels_connect_without_further_threads(const gateway *g)
{
    zeebe_secure_channel_options secured = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    char address[64], url[96];
    zeebe_channel *channels[3] = {0};
    channels[0] = to("gateway.test", gateway_get(g, "plaintext"));
    snprintf(address, sizeof address, "localhost:%s", gateway_get(g, "tls"));
    secured.grpc_address = address;
    OK(zeebe_create_secure_channel(&secured, &channels[1]));
    snprintf(url, sizeof url, "http://localhost:%s/oauth/token", gateway_get(g, "token_http"));
    channels[2] = oauth_channel(g, (oauth_arguments){.address = gateway_address(g, "plaintext_oauth"), .url = url});
    refuse = 1;
    for (int i = 0; i < 3; i++) {
        ended end = topology(channels[i]);
        if (end.status) fprintf(stderr, "%d: %s\n", i, end.message);
        CHECK(end.status == 0);
    }
    tally t = TALLY_INIT;
    OK(zeebe_channel_retrieve_token(channels[2], on_done, &t));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.failures == 0);
    refuse = 0;
    for (int i = 0; i < 3; i++) zeebe_channel_free(channels[i]);
}

static void a_lookup_that_hangs_holds_up_others_only_while_no_thread_can_be_had(const gateway *g)
{
    const char *port = gateway_get(g, "plaintext");
    zeebe_channel *hanging[3] = {within(400, "slow.test", port), within(400, "slow.test", port), within(400, "slow.test", port)};
    zeebe_channel *other = to("gateway.test", port), *late = to("gateway.test", port);
    int32_t state;
    slow = 1;
    for (int i = 0; i < 3; i++) OK(zeebe_channel_get_state(hanging[i], 1, &state));
    UNTIL(waiting >= 3);
    CHECK(topology(other).status == 0); /* it has a thread of its own */
    refuse = 1;
    refused = 0;
    ended end = topology(late); /* one had one before, which is idle now */
    CHECK(end.status == 0);
    zeebe_channel_free(late);
    late = within(400, "slow.test", port);
    zeebe_channel *last = within(400, "gateway.test", port);
    OK(zeebe_channel_get_state(late, 1, &state));
    UNTIL(waiting >= 4);
    end = topology(last); /* all hang, and there are no more: a failed attempt, with a reason */
    CHECK(end.status == ZEEBE_STATUS_UNAVAILABLE && end.retryable && !end.processed && strstr(end.message, "took longer than 400 ms") && refused > 0);
    OK(zeebe_channel_get_state(last, 0, &state));
    refuse = 0;
    OK(zeebe_channel_wait_ready(last, 10000)); /* although they still hang */
    CHECK(topology(last).status == 0 && waiting >= 4);
    CHECK(topology(hanging[0]).status == ZEEBE_STATUS_UNAVAILABLE);
    slow = 0;
    for (int i = 0; i < 3; i++) {
        OK(zeebe_channel_wait_ready(hanging[i], 10000));
        CHECK(topology(hanging[i]).status == 0);
        zeebe_channel_free(hanging[i]);
    }
    zeebe_channel_free(other);
    zeebe_channel_free(late);
    zeebe_channel_free(last);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    setenv("SSL_CERT_FILE", gateway_get(&g, "ca"), 1);
    a_start_without_threads_is_an_error_and_the_next_one_is_not(&g);
    channels_connect_without_further_threads(&g);
    a_lookup_that_hangs_holds_up_others_only_while_no_thread_can_be_had(&g);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
