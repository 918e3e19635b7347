/* What a channel is, by gRPC's documents: states, idleness, balancing, drains, limits of streams, windows, targets. */
#define _GNU_SOURCE
#include "gateway.h"

#include <netdb.h>

/* ---- a resolver of our own: the library's lookups come here, and only one name is known, once it is set */

static _Atomic(const char *) gateway_test; /* the addresses of gateway.test, separated by commas */
static _Atomic(int) lookups;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    const char *list = gateway_test;
    struct addrinfo *head = NULL, **end = &head;
    char *copy, *each, *rest;
    (void)service;
    if (strcmp(node, "gateway.test") == 0) lookups++;
    copy = strdup(strcmp(node, "localhost") == 0 ? "127.0.0.1" : list ? list : "");
    for (each = strtok_r(copy, ",", &rest); each; each = strtok_r(NULL, ",", &rest)) {
        struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in6));
        struct sockaddr *address = (struct sockaddr *)(info + 1);
        int v6 = strchr(each, ':') != NULL;
        address->sa_family = v6 ? AF_INET6 : AF_INET;
        CHECK(inet_pton(address->sa_family, each,
                        v6 ? (void *)&((struct sockaddr_in6 *)address)->sin6_addr : (void *)&((struct sockaddr_in *)address)->sin_addr) == 1);
        *info = (struct addrinfo){.ai_family = address->sa_family,
                                  .ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM,
                                  .ai_addr = address,
                                  .ai_addrlen = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)};
        *end = info;
        end = &info->ai_next;
    }
    free(copy);
    *result = head;
    return head ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

/* ---- states */

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int calls;
    int32_t state;
    int32_t kind;
} change;

static int stats_have(const zeebe_channel *channel, const char *text)
{
    char *json = NULL;
    OK(zeebe_channel_stats(channel, &json));
    int found = strstr(json, text) != NULL;
    zeebe_string_free(json);
    return found;
}

static int has_endpoint(const zeebe_channel *channel, const char *address)
{
    char text[64];
    snprintf(text, sizeof text, "\"endpoint\":\"%s:", address);
    return stats_have(channel, text);
}

static int is_ready(const zeebe_channel *channel, const char *endpoint)
{
    char text[96];
    snprintf(text, sizeof text, "\"endpoint\":\"%s\",\"state\":\"READY\"", endpoint);
    return stats_have(channel, text);
}

static void on_state(void *user_data, const zeebe_error *error, int32_t state)
{
    change *c = user_data;
    pthread_mutex_lock(&c->mutex);
    c->calls++;
    c->state = state;
    c->kind = error ? zeebe_error_kind(error) : 0;
    if (error && zeebe_error_grpc_status(error) == ZEEBE_STATUS_DEADLINE_EXCEEDED) c->kind = -4;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

/* The next state after `last`; -4 if none comes in time. */
static int32_t next_state(const zeebe_channel *channel, int32_t last, int64_t timeout_ms)
{
    change c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
    OK(zeebe_channel_wait_for_state_change(channel, last, timeout_ms, on_state, &c));
    pthread_mutex_lock(&c.mutex);
    AWAIT(&c.changed, &c.mutex, c.calls);
    pthread_mutex_unlock(&c.mutex);
    CHECK(c.kind ? c.state == last : c.state != last);
    return c.kind ? c.kind : c.state;
}

static int32_t state_of(const zeebe_channel *channel)
{
    int32_t state = -1;
    OK(zeebe_channel_get_state(channel, 0, &state));
    return state;
}

static void wait_state(const zeebe_channel *channel, int32_t wanted)
{
    for (int32_t state = state_of(channel); state != wanted; state = next_state(channel, state, 30000)) CHECK(state >= 0);
}

static void states_change_as_grpc_draws_them(const gateway *g)
{
    int32_t state;
    change c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
    zeebe_channel *channel =
        channel_new((channel_arguments){.address = gateway_address(g, "plaintext"), .options = {NUMBER("grpc.client_idle_timeout_ms", 3000)}});
    CHECK(state_of(channel) == ZEEBE_CONNECTIVITY_IDLE);
    CHECK(next_state(channel, ZEEBE_CONNECTIVITY_IDLE, 50) == -4); /* nobody connects */
    CHECK(next_state(channel, ZEEBE_CONNECTIVITY_READY, -1) == ZEEBE_CONNECTIVITY_IDLE);
    OK(zeebe_channel_get_state(channel, 1, &state));
    CHECK(state == ZEEBE_CONNECTIVITY_CONNECTING || state == ZEEBE_CONNECTIVITY_READY);
    wait_state(channel, ZEEBE_CONNECTIVITY_READY);
    /* Used, it stays; unused for three seconds, it goes IDLE; the next call connects again. */
    CHECK(topology(channel).status == 0);
    CHECK(next_state(channel, ZEEBE_CONNECTIVITY_READY, 30000) == ZEEBE_CONNECTIVITY_IDLE);
    CHECK(stats_number(channel, "connections") == 1);
    CHECK(topology(channel).status == 0);
    CHECK(stats_number(channel, "connections") == 2);
    /* A drain without calls. */
    gateway_tell(g, "POST /goaway");
    CHECK(next_state(channel, ZEEBE_CONNECTIVITY_READY, 5000) == ZEEBE_CONNECTIVITY_IDLE);
    FAILS(zeebe_channel_wait_for_state_change(channel, 7, 0, on_state, &c), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "last_state is 7");
    FAILS(zeebe_channel_wait_for_state_change(channel, 0, 0, NULL, &c), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "callback");
    /* A close ends those who watch. */
    OK(zeebe_channel_wait_for_state_change(channel, ZEEBE_CONNECTIVITY_IDLE, -1, on_state, &c));
    OK(zeebe_channel_close(channel, 0, NULL, NULL));
    pthread_mutex_lock(&c.mutex);
    AWAIT(&c.changed, &c.mutex, c.calls);
    pthread_mutex_unlock(&c.mutex);
    CHECK(c.kind == ZEEBE_ERROR_KIND_SHUTDOWN && c.state == ZEEBE_CONNECTIVITY_SHUTDOWN);
    zeebe_channel_free(channel);
}

static void it_never_gives_up(void)
{
    gateway g;
    char address[64], port[16];
    gateway_start(&g, "0");
    snprintf(port, sizeof port, "%s", gateway_get(&g, "plaintext"));
    snprintf(address, sizeof address, "127.0.0.1:%s", port);
    gateway_kill(&g);
    zeebe_channel *channel = channel_new((channel_arguments){
        .address = address, .options = {NUMBER("grpc.initial_reconnect_backoff_ms", 100), NUMBER("grpc.max_reconnect_backoff_ms", 200)}});
    CHECK(topology(channel).status == ZEEBE_STATUS_UNAVAILABLE);
    UNTIL(stats_number(channel, "failed_attempts") >= 3); /* by itself */
    gateway_start(&g, port);
    OK(zeebe_channel_wait_ready(channel, 10000));
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

/* ---- balancing */

static void round_robin_uses_all_and_survives_one(void)
{
    gateway g[3];
    char address[128];
    for (int i = 0; i < 3; i++) gateway_start(&g[i], "0");
    snprintf(address, sizeof address, "ipv4:%s,%s,%s", gateway_address(&g[0], "plaintext"), gateway_address(&g[1], "plaintext"),
             gateway_address(&g[2], "plaintext"));
    zeebe_channel *channel = channel_new((channel_arguments){
        .address = address, .options = {TEXT("grpc.lb_policy_name", "round_robin"), NUMBER("grpc.initial_reconnect_backoff_ms", 100)}});
    CHECK(topology(channel).status == 0);
    for (int i = 0; i < 3; i++) UNTIL(gateway_count(&g[i], "open_connections") >= 1);
    for (int i = 0; i < 3; i++) UNTIL(is_ready(channel, gateway_address(&g[i], "plaintext"))); /* the channel knows, too */
    for (int i = 0; i < 30; i++) CHECK(topology(channel).status == 0);
    for (int i = 0; i < 3; i++) CHECK(gateway_count(&g[i], "Topology") >= 9);
    /* One drains, with calls all the while: none fails. */
    for (int i = 0; i < 60; i++) {
        if (i % 20 == 10) gateway_tell(&g[1], "POST /goaway");
        CHECK(topology(channel).status == 0);
    }
    /* One dies: once that is known, no call fails. */
    gateway_kill(&g[0]);
    UNTIL(stats_have(channel, "refused"));
    for (int i = 0; i < 100; i++) CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
    gateway_stop(&g[1]);
    gateway_stop(&g[2]);
}

/* ---- limits of streams: `limited` allows four on a connection */

static void long_polls_do_not_keep_other_calls_waiting(const gateway *g)
{
    enum { POLLS = 40 };
    tally t = TALLY_INIT;
    zeebe_call *calls[POLLS];
    zeebe_buffer *request = NULL;
    size_t length;
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "limited")});
    OK(zeebe_request_from_json("ActivateJobs",
                               "{\"type\":\"none\",\"worker\":\"w\",\"timeout\":1000,\"maxJobsToActivate\":1,\"requestTimeout\":60000}", &request));
    const uint8_t *data = zeebe_buffer_data(request, &length);
    for (int i = 0; i < POLLS; i++) {
        OK(zeebe_channel_unary_call(channel, "/gateway_protocol.Gateway/ActivateJobs", data, length, NULL, on_unary, &t, &calls[i]));
        if (i == 15) CHECK(topology(channel).status == 0); /* four connections are full: it opens a fifth */
    }
    /* Eight connections are the most: 32 polls run, the others wait in their order. */
    UNTIL(stats_number(channel, "waiting_calls") == POLLS - 32);
    UNTIL(gateway_count(g, "open_calls") == 32);
    zeebe_call_cancel(calls[0], NULL);
    tally_wait(&t, &t.calls, 1);
    UNTIL(stats_number(channel, "waiting_calls") == POLLS - 33);
    zeebe_call_cancel(calls[32], NULL); /* it had its turn, so another one gets it */
    UNTIL(stats_number(channel, "waiting_calls") == POLLS - 34);
    for (int i = 0; i < POLLS; i++) zeebe_call_free(calls[i]);
    tally_wait(&t, &t.calls, POLLS);
    CHECK(t.failures == POLLS && t.status == ZEEBE_STATUS_CANCELLED);
    UNTIL(gateway_count(g, "open_calls") == 0);
    CHECK(topology(channel).status == 0);
    zeebe_buffer_free(request);
    zeebe_channel_free(channel);
}

/* ---- targets */

static void every_form_of_target_connects(const gateway *g)
{
    char address[256];
    const char *port = gateway_get(g, "plaintext");
    const struct {
        const char *form;
        const char *value;
    } FORMS[] = {
        {"localhost:%s", port},         {"dns:///localhost:%s", port}, {"dns:127.0.0.1:%s", port},          {"http://127.0.0.1:%s", port},
        {"grpc://localhost:%s/", port}, {"ipv4:127.0.0.1:%s", port},   {"unix:%s", gateway_get(g, "unix")}, {"unix://%s", gateway_get(g, "unix")},
    };
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        snprintf(address, sizeof address, FORMS[i].form, FORMS[i].value);
        zeebe_channel *channel = channel_new((channel_arguments){.address = address});
        ended end = topology(channel);
        if (end.status) fprintf(stderr, "%s: %s\n", address, end.message);
        CHECK(end.status == 0);
        zeebe_channel_free(channel);
    }
    if (!strstr(g->ports, "\"plaintext_v6\"")) return;
    /* The first loopback interface, by name and by number. */
    static const char *const V6[] = {"ipv6:[::1]:%s",       "ipv6:[::1%%lo]:%s",     "ipv6:[::1%%1]:%s",      "[::1%%lo]:%s",
                                     "dns:///[::1%%lo]:%s", "http://[::1%%25lo]:%s", "grpc://[::1%%251]:%s/", "ipv6:[::1%%none0]:1,[::1%%lo]:%s"};
    for (size_t i = 0; i < sizeof V6 / sizeof *V6; i++) {
        snprintf(address, sizeof address, V6[i], gateway_get(g, "plaintext_v6"));
        zeebe_channel *channel = channel_new((channel_arguments){.address = address});
        ended end = topology(channel);
        if (end.status) fprintf(stderr, "%s: %s\n", address, end.message);
        CHECK(end.status == 0);
        zeebe_channel_free(channel);
    }
    zeebe_channel *channel = channel_new((channel_arguments){.address = "[::1%none0]:26500"});
    ended end = topology(channel);
    CHECK(end.status == ZEEBE_STATUS_UNAVAILABLE && !end.processed &&
          strstr(end.message, "cannot connect to [::1%none0]:26500: there is no network interface \"none0\""));
    zeebe_channel_free(channel);
}

static void a_dead_address_does_not_block_a_living_one(const gateway *g)
{
    char address[256];
    snprintf(address, sizeof address, "ipv4:%s,%s,%s", gateway_address(g, "blackhole"), gateway_address(g, "refused"),
             gateway_address(g, "plaintext"));
    zeebe_channel *channel = channel_new((channel_arguments){.address = address});
    ended end = topology(channel);
    CHECK(end.status == 0 && end.took_ms >= 200 && end.took_ms < 5000); /* after RFC 8305's 250 ms */
    zeebe_channel_free(channel);
}

static void names_are_looked_up_again_after_failure(const gateway *g)
{
    char address[64];
    snprintf(address, sizeof address, "gateway.test:%s", gateway_get(g, "plaintext"));
    gateway_test = NULL;
    lookups = 0;
    zeebe_channel *channel = channel_new((channel_arguments){
        .address = address, .options = {NUMBER("grpc.initial_reconnect_backoff_ms", 100), NUMBER("grpc.max_reconnect_backoff_ms", 100)}});
    ended end = topology(channel);
    CHECK(end.status == ZEEBE_STATUS_UNAVAILABLE && !end.processed && end.retryable && strstr(end.message, "cannot resolve gateway.test"));
    gateway_test = "127.0.0.1";
    OK(zeebe_channel_wait_ready(channel, 10000));
    CHECK(topology(channel).status == 0);
    /* What was found is used for 30 s, also when the connection is lost. */
    int before = lookups;
    gateway_tell(g, "POST /reset-connections");
    wait_state(channel, ZEEBE_CONNECTIVITY_IDLE);
    CHECK(topology(channel).status == 0);
    CHECK(lookups == before);
    zeebe_channel_free(channel);
    /* With 0 ms each attempt looks, and round_robin follows what it finds. */
    gateway_test = "127.0.0.1,127.0.0.2";
    channel = channel_new((channel_arguments){
        .address = address, .options = {TEXT("grpc.lb_policy_name", "round_robin"), NUMBER("grpc.dns_min_time_between_resolutions_ms", 0)}});
    CHECK(topology(channel).status == 0);
    CHECK(stats_have(channel, "127.0.0.1:") && stats_have(channel, "127.0.0.2:"));
    gateway_test = "127.0.0.1";
    gateway_tell(g, "POST /reset-connections");
    UNTIL(!has_endpoint(channel, "127.0.0.2"));
    OK(zeebe_channel_wait_ready(channel, 10000));
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
}

/* A lookup that is asked for too early comes at the end of the shortest time, and one that fails is tried again; the
   connections that there are stay well, and ask for nothing. */
static void round_robin_looks_up_again_when_it_may(const gateway *g)
{
    static const int shortest[] = {1500, 0};
    char address[64];
    snprintf(address, sizeof address, "gateway.test:%s", gateway_get(g, "plaintext"));
    for (int i = 0; i < 2; i++) {
        gateway_test = "127.0.0.1";
        zeebe_channel *channel =
            channel_new((channel_arguments){.address = address,
                                            .options = {TEXT("grpc.lb_policy_name", "round_robin"), NUMBER("grpc.initial_reconnect_backoff_ms", 100),
                                                        NUMBER("grpc.dns_min_time_between_resolutions_ms", shortest[i])}});
        lookups = 0;
        int64_t began = now_ms();
        CHECK(topology(channel).status == 0 && lookups == 1);
        gateway_test = i ? NULL : "127.0.0.1,127.0.0.2";
        gateway_tell(g, "POST /reset-connections");
        UNTIL(stats_number(channel, "connections") >= 2); /* those go on that are known */
        CHECK(topology(channel).status == 0);
        if (i) UNTIL(lookups >= 3);
        gateway_test = "127.0.0.1,127.0.0.2";
        UNTIL(has_endpoint(channel, "127.0.0.2"));
        CHECK(i || (lookups >= 2 && now_ms() - began >= shortest[i]));
        CHECK(now_ms() - began < shortest[i] + 5000);
        CHECK(topology(channel).status == 0);
        zeebe_channel_free(channel);
    }
}

/* ---- flow control: what an aborted call was sent counts as read */

static void aborted_calls_give_their_window_back(const gateway *g)
{
    enum { ROUNDS = 24, LARGE = 1 << 20 }; /* each leaves a stream's 256 KiB unread; the connection's window is 4 MiB */
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    char *json = malloc(LARGE + 1024);
    zeebe_buffer *request = NULL;
    size_t length;
    int head = sprintf(json, "{\"bpmnProcessId\":\"large\",\"version\":-1,\"variables\":\"{\\\"a\\\":\\\"");
    memset(json + head, 'x', LARGE);
    strcpy(json + head + LARGE, "\\\"}\"}");
    char *answer = NULL;
    deploy_process(channel);
    OK(zeebe_channel_json_call_sync(channel, "CreateProcessInstance", json, NULL, &answer));
    zeebe_string_free(answer);
    OK(zeebe_request_from_json("ActivateJobs", "{\"type\":\"large\",\"worker\":\"w\",\"timeout\":1,\"maxJobsToActivate\":1,\"requestTimeout\":10000}",
                               &request));
    const uint8_t *data = zeebe_buffer_data(request, &length);
    for (int i = 0; i < ROUNDS; i++) {
        tally t = TALLY_INIT;
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
        zeebe_call *call = NULL;
        long before = stats_number(channel, "bytes_received");
        handler.on_message = on_message;
        handler.on_close = on_close;
        options.manual_requests = i < ROUNDS - 1; /* and never asks */
        OK(zeebe_channel_start_call(channel, "/gateway_protocol.Gateway/ActivateJobs", &options, &handler, &t, &call));
        OK(zeebe_call_send_message(call, data, length));
        OK(zeebe_call_half_close(call));
        if (options.manual_requests) {
            UNTIL(stats_number(channel, "bytes_received") >= before + 200000);
            zeebe_call_cancel(call, NULL);
        } else {
            tally_wait(&t, &t.messages, 1); /* the whole megabyte still comes */
        }
        tally_wait(&t, &t.calls, 1);
        zeebe_call_free(call);
    }
    zeebe_buffer_free(request);
    zeebe_channel_free(channel);
    free(json);
}

static void messages_are_compressed_when_asked(const gateway *g)
{
    static const char *const listeners[] = {"plaintext", "gzip"};
    for (int i = 0; i < 2; i++) {
        zeebe_channel *channel = channel_new(
            (channel_arguments){.address = gateway_address(g, listeners[i]), .options = {NUMBER("grpc.default_compression_algorithm", i ? 2 : 0)}});
        CHECK(topology(channel).status == 0);
        char *calls = gateway_ask(g, "GET /calls?last=1", NULL, 0);
        CHECK(strstr(calls, "\"grpc-accept-encoding\":\"identity,gzip\""));
        CHECK(!strstr(calls, "\"grpc-encoding\":\"gzip\"") == !i);
        free(calls);
        zeebe_channel_free(channel);
    }
}

static void sessions_are_resumed(const gateway *g, const char *ca)
{
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "tls"), .ca = ca});
    long resumed = gateway_count(g, "resumed");
    CHECK(topology(channel).status == 0);
    gateway_tell(g, "POST /reset-connections");
    wait_state(channel, ZEEBE_CONNECTIVITY_IDLE);
    CHECK(topology(channel).status == 0);
    CHECK(gateway_count(g, "resumed") == resumed + 1);
    zeebe_channel_free(channel);
}

static void names_are_overridden(const gateway *g, const char *ca)
{
    const struct {
        const char *key, *name;
        int32_t status;
    } NAMES[] = {
        {"grpc.ssl_target_name_override", "localhost", 0},
        {"grpc.ssl_target_name_override", "wrong.example", 14},
        {"grpc.default_authority", "localhost:1", 0},
        {"grpc.default_authority", "wrong.example:1", 14},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        zeebe_channel *channel =
            channel_new((channel_arguments){.address = gateway_address(g, "tls"), .ca = ca, .options = {TEXT(NAMES[i].key, NAMES[i].name)}});
        ended end = topology(channel);
        CHECK(end.status == NAMES[i].status && (end.status == 0 || strstr(end.message, "as wrong.example failed")));
        zeebe_channel_free(channel);
    }
}

static void the_user_agent_says_who_calls(const gateway *g)
{
    zeebe_channel *channel =
        channel_new((channel_arguments){.address = gateway_address(g, "plaintext"),
                                        .options = {TEXT("grpc.primary_user_agent", "shop/1"), TEXT("grpc.secondary_user_agent", "till/2")}});
    CHECK(topology(channel).status == 0);
    char *calls = gateway_ask(g, "GET /calls?last=1", NULL, 0);
    CHECK(strstr(calls, "\"user-agent\":\"shop/1 grpc-c-libzeebe/") && strstr(calls, " till/2\""));
    free(calls);
    zeebe_channel_free(channel);
}

static void the_service_config_has_time_outs_and_patience(const gateway *g)
{
    const char *hasty = "{\"methodConfig\":[{\"name\":[{}],\"timeout\":\"1.5s\"}]}";
    const char *patient = "{\"methodConfig\":[{\"name\":[{}],\"waitForReady\":true}]}";
    zeebe_channel *channel =
        channel_new((channel_arguments){.address = gateway_address(g, "plaintext"), .options = {TEXT("grpc.service_config", hasty)}});
    gateway_tell(g, "POST /fault?kind=stuck&at=headers");
    ended end = topology(channel);
    CHECK(end.status == ZEEBE_STATUS_DEADLINE_EXCEEDED && end.took_ms >= 1500 && end.took_ms < 10000);
    zeebe_channel_free(channel);
    channel = channel_new((channel_arguments){.address = gateway_address(g, "refused"), .options = {TEXT("grpc.service_config", patient)}});
    end = call_it(channel, TOPOLOGY, 2000, ZEEBE_WAIT_FOR_READY_DEFAULT);
    CHECK(end.status == ZEEBE_STATUS_DEADLINE_EXCEEDED && strstr(end.message, "refused"));
    zeebe_channel_free(channel);
}

/* Of a channel, started where it cannot connect meanwhile: on its I/O thread, which is all channels'. */
typedef struct {
    zeebe_channel *channel;
    tally calls;
} three_calls;

static void start_three(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    three_calls *three = user_data;
    (void)response;
    CHECK(!error);
    for (int i = 0; i < 3; i++) OK(zeebe_channel_unary_call(three->channel, TOPOLOGY, NULL, 0, NULL, on_unary, &three->calls, NULL));
}

/* A round trip less. That the peer speaks HTTP/2 is known by its answer alone, as before. */
static void the_first_calls_go_out_with_the_first_that_is_said(const gateway *g, const char *ca)
{
    zeebe_channel *other = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    CHECK(topology(other).status == 0);
    for (int secured = 0; secured < 2; secured++) {
        long before = gateway_count(g, "early_calls");
        three_calls three = {
            channel_new((channel_arguments){.address = gateway_address(g, secured ? "tls" : "plaintext"), .ca = secured ? ca : NULL}), TALLY_INIT};
        OK(zeebe_channel_unary_call(other, TOPOLOGY, NULL, 0, NULL, start_three, &three, NULL));
        tally_wait(&three.calls, &three.calls.calls, 3);
        CHECK(three.calls.failures == 0 && gateway_count(g, "early_calls") == before + 3);
        CHECK(stats_number(three.channel, "replayed") == 0);
        zeebe_channel_free(three.channel);
    }
    zeebe_channel_free(other);
}

/* Those that wait for a gateway wait through peers that take the connection, and the calls on it, and are none. */
static void a_call_on_what_is_no_gateway_waits_for_one(const gateway *g)
{
    static const char *const LISTENERS[] = {"silent", "http1"};
    for (size_t i = 0; i < sizeof LISTENERS / sizeof *LISTENERS; i++) {
        zeebe_channel *channel = channel_new(
            (channel_arguments){.address = gateway_address(g, LISTENERS[i]),
                                .options = {NUMBER("grpc.min_reconnect_backoff_ms", 100), NUMBER("grpc.initial_reconnect_backoff_ms", 100)}});
        ended end = call_it(channel, TOPOLOGY, 3000, ZEEBE_WAIT_FOR_READY_YES);
        CHECK(end.status == ZEEBE_STATUS_DEADLINE_EXCEEDED && !end.processed && strstr(end.message, "waiting for a connection"));
        CHECK(stats_number(channel, "failed_attempts") > 1 && stats_number(channel, "replayed") == 0);
        zeebe_channel_free(channel);
    }
}

/* The kernel of a gateway that stands still takes what is said to it, and the gateway reads that once it goes on. */
static void a_gateway_that_stood_still_gets_no_call_twice_nor_one_that_waits_for_ready(const gateway *g)
{
    for (int waits = 0; waits < 2; waits++) {
        zeebe_channel *channel = channel_new(
            (channel_arguments){.address = gateway_address(g, "plaintext"),
                                .options = {NUMBER("grpc.min_reconnect_backoff_ms", 2000), NUMBER("grpc.initial_reconnect_backoff_ms", 100)}});
        long before = gateway_count(g, "Topology");
        int status; /* it stands still a moment after kill() has returned */
        CHECK(kill(g->pid, SIGSTOP) == 0 && waitpid(g->pid, &status, WUNTRACED) == g->pid && WIFSTOPPED(status));
        ended end = call_it(channel, TOPOLOGY, 6000, waits ? ZEEBE_WAIT_FOR_READY_YES : ZEEBE_WAIT_FOR_READY_NO);
        CHECK(end.status == (waits ? ZEEBE_STATUS_DEADLINE_EXCEEDED : ZEEBE_STATUS_UNAVAILABLE) && end.processed == !waits);
        CHECK(strstr(end.message, "took longer than 2000 ms") && stats_number(channel, "replayed") == 0);
        CHECK(kill(g->pid, SIGCONT) == 0);
        CHECK(call_it(channel, TOPOLOGY, -1, ZEEBE_WAIT_FOR_READY_YES).status == 0);
        UNTIL(gateway_count(g, "open_connections") <= 1); /* what stood in the others was read */
        CHECK(gateway_count(g, "Topology") - before <= (waits ? 1 : 2));
        zeebe_channel_free(channel);
    }
}

/* There is a pause before each attempt but the first, and each is longer. */
static void a_gateway_that_takes_leave_at_once_is_not_dialled_round_and_round(const gateway *g)
{
    static const char *const POLICIES[] = {"pick_first", "round_robin"};
    for (size_t i = 0; i < sizeof POLICIES / sizeof *POLICIES; i++) {
        zeebe_channel *channel =
            channel_new((channel_arguments){.address = gateway_address(g, "leaving"),
                                            .options = {TEXT("grpc.lb_policy_name", POLICIES[i]), NUMBER("grpc.initial_reconnect_backoff_ms", 200)}});
        ended end = call_it(channel, TOPOLOGY, 1500, ZEEBE_WAIT_FOR_READY_YES);
        CHECK(end.status == ZEEBE_STATUS_DEADLINE_EXCEEDED && !end.processed && strstr(end.message, "sent GOAWAY NO_ERROR (0)"));
        long connections = stats_number(channel, "connections");
        CHECK(connections > 1 && connections < 8 && stats_number(channel, "failed_attempts") >= connections - 1);
        zeebe_channel_free(channel);
        /* Nor by calls that go out with the preface, one after the other. */
        channel = channel_new(
            (channel_arguments){.address = gateway_address(g, "leaving"),
                                .options = {TEXT("grpc.lb_policy_name", POLICIES[i]), NUMBER("grpc.initial_reconnect_backoff_ms", 60000)}});
        for (int calls = 0; calls < 50; calls++) {
            end = call_it(channel, TOPOLOGY, 20000, ZEEBE_WAIT_FOR_READY_NO);
            CHECK(end.status == ZEEBE_STATUS_UNAVAILABLE && !end.processed);
        }
        CHECK(stats_number(channel, "connections") <= 2);
        zeebe_channel_free(channel);
    }
}

static void its_numbers_are_for_prometheus_too(const gateway *g)
{
    zeebe_channel *used = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    zeebe_channel *unused = channel_new((channel_arguments){.address = gateway_address(g, "gzip")});
    char *text = NULL, line[256];
    CHECK(topology(used).status == 0 && topology(used).status == 0);
    OK(zeebe_channels_prometheus((const zeebe_channel *const[]){unused, used}, 2, &text));
#define HAS(place, channel, metric, label, value)                                                                                             \
    snprintf(line, sizeof line, "\n" metric "{channel=\"" #place "\",grpc_target=\"%s\"" label "} " value "\n", gateway_address(g, channel)); \
    CHECK(strstr(text, line))
    HAS(1, "plaintext", "zeebe_channel_calls_started_total", "", "2");
    HAS(1, "plaintext", "zeebe_channel_calls_ended_total", ",grpc_status=\"OK\"", "2");
    HAS(1, "plaintext", "zeebe_channel_state", ",state=\"READY\"", "1");
    HAS(1, "plaintext", "zeebe_channel_connections_total", ",endpoint=\"\"", "1");
    HAS(0, "gzip", "zeebe_channel_calls_started_total", "", "0");
    HAS(0, "gzip", "zeebe_channel_state", ",state=\"IDLE\"", "1");
#undef HAS
    const char *type = strstr(text, "# TYPE zeebe_channel_calls_started_total counter\n");
    CHECK(type && !strstr(type + 1, "# TYPE zeebe_channel_calls_started_total"));
    zeebe_string_free(text);
    OK(zeebe_channels_prometheus(NULL, 0, &text));
    CHECK(!strstr(text, "\nzeebe_channel"));
    zeebe_string_free(text);
    zeebe_channel_free(unused);
    zeebe_channel_free(used);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    setenv("CA", gateway_get(&g, "ca"), 1);
    char *ca = file("CA");
    states_change_as_grpc_draws_them(&g);
    its_numbers_are_for_prometheus_too(&g);
    it_never_gives_up();
    round_robin_uses_all_and_survives_one();
    long_polls_do_not_keep_other_calls_waiting(&g);
    every_form_of_target_connects(&g);
    a_dead_address_does_not_block_a_living_one(&g);
    names_are_looked_up_again_after_failure(&g);
    round_robin_looks_up_again_when_it_may(&g);
    aborted_calls_give_their_window_back(&g);
    messages_are_compressed_when_asked(&g);
    sessions_are_resumed(&g, ca);
    names_are_overridden(&g, ca);
    the_user_agent_says_who_calls(&g);
    the_service_config_has_time_outs_and_patience(&g);
    the_first_calls_go_out_with_the_first_that_is_said(&g, ca);
    a_call_on_what_is_no_gateway_waits_for_one(&g);
    a_gateway_that_takes_leave_at_once_is_not_dialled_round_and_round(&g);
    a_gateway_that_stood_still_gets_no_call_twice_nor_one_that_waits_for_ready(&g);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    free(ca);
    return 0;
}
