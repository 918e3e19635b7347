/* A peer that is alive by TCP and dead in truth: keepalive notices it, its streams end, and the channel goes elsewhere. */
#define _GNU_SOURCE
#include "gateway.h"

#include <malloc.h>

static _Atomic(int) fewer_pings;

static pid_t stopped;

/* Who waits for our end waits for that of the gateway, too. */
static void go_on(void)
{
    if (stopped) kill(stopped, SIGCONT);
}

static void on_log(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    if (strstr(zeebe_log_record_message(record),
               "GOAWAY ENHANCE_YOUR_CALM (11) \"too_many_pings\": it had enough of this client's pings, which come every 90000 ms"))
        fewer_pings++;
}

static void a_stopped_gateway_is_noticed_and_left(void)
{
    enum { TIME = 10000, TIMEOUT = 1000 }; /* ten seconds is the shortest keepalive */
    gateway g[2];
    char address[128];
    gateway_start(&g[0], "0");
    gateway_start(&g[1], "0");
    snprintf(address, sizeof address, "ipv4:%s,%s", gateway_address(&g[0], "plaintext"), gateway_address(&g[1], "plaintext"));
    zeebe_channel *channel = channel_new(
        (channel_arguments){.address = address, .options = {NUMBER("grpc.keepalive_time_ms", TIME), NUMBER("grpc.keepalive_timeout_ms", TIMEOUT)}});
    CHECK(topology(channel).status == 0);
    CHECK(gateway_count(&g[0], "open_connections") == 1);
    /* Two without calls, of which one may ping all the same. */
    zeebe_channel *quiet =
        channel_new((channel_arguments){.address = gateway_address(&g[1], "plaintext"), .options = {NUMBER("grpc.keepalive_time_ms", TIME)}});
    zeebe_channel *pinging =
        channel_new((channel_arguments){.address = gateway_address(&g[1], "plaintext"),
                                        .options = {NUMBER("grpc.keepalive_time_ms", TIME), NUMBER("grpc.keepalive_permit_without_calls", 1)}});
    OK(zeebe_channel_wait_ready(quiet, 10000));
    OK(zeebe_channel_wait_ready(pinging, 10000));
    tally t = TALLY_INIT;
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call *call = NULL;
    zeebe_buffer *request = NULL;
    size_t length;
    handler.on_message = on_message;
    handler.on_close = on_close;
    OK(zeebe_request_from_json("StreamActivatedJobs", "{\"type\":\"none\",\"worker\":\"w\",\"timeout\":1000}", &request));
    OK(zeebe_channel_start_call(channel, "/gateway_protocol.Gateway/StreamActivatedJobs", NULL, &handler, &t, &call));
    const uint8_t *data = zeebe_buffer_data(request, &length);
    OK(zeebe_call_send_message(call, data, length));
    OK(zeebe_call_half_close(call));
    UNTIL(gateway_count(&g[0], "StreamActivatedJobs") >= 1);
    kill(g[0].pid, SIGSTOP);
    stopped = g[0].pid;
    CHECK(atexit(go_on) == 0);
    int64_t began = now_ms();
    tally_wait(&t, &t.calls, 1);
    int64_t took = now_ms() - began;
    CHECK(t.failures == 1 && t.status == ZEEBE_STATUS_UNAVAILABLE && t.messages == 0);
    CHECK(took >= TIMEOUT && took <= TIME + TIMEOUT + 10000);
    CHECK(stats_number(channel, "pings") >= 1);
    /* The dead one still accepts connections; only its handshake tells. */
    ended end = topology(channel);
    CHECK(end.status == 0 && end.took_ms < 5000);
    CHECK(gateway_count(&g[1], "open_connections") == 3);
    CHECK(stats_number(pinging, "pings") >= 1 && stats_number(pinging, "round_trip_us") >= 1);
    CHECK(stats_number(quiet, "pings") == 0);
    zeebe_channel_free(quiet);
    zeebe_channel_free(pinging);
    zeebe_call_free(call);
    zeebe_buffer_free(request);
    zeebe_channel_free(channel);
    go_on();
    stopped = 0;
    gateway_stop(&g[0]);
    gateway_stop(&g[1]);
}

/* By a connection that is looked after and has no calls. */
static void the_memory_of_many_calls_is_given_back_once_none_are_left(void)
{
    enum { CALLS = 1000, LEFT = 200 * CALLS }; /* where it was more than 500 bytes a call; what is left is the thread's */
    static const uint8_t request[4096];
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel =
        channel_new((channel_arguments){.address = gateway_address(&g, "plaintext"),
                                        .options = {NUMBER("grpc.keepalive_time_ms", 10000), NUMBER("grpc.keepalive_permit_without_calls", 1)}});
    CHECK(topology(channel).status == 0);
    gateway_tell(&g, "POST /latency?ms=500"); /* so that they are all there at once */
    const size_t before = mallinfo2().uordblks;
    tally t = TALLY_INIT;
    for (int i = 0; i < CALLS; i++) OK(zeebe_channel_unary_call(channel, TOPOLOGY, request, sizeof request, NULL, on_unary, &t, NULL));
    tally_wait(&t, &t.calls, CALLS);
    UNTIL(stats_number(channel, "pings") >= 1);
    UNTIL(mallinfo2().uordblks < before + LEFT);
    gateway_tell(&g, "POST /latency?ms=0");
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

static void a_gateway_that_complains_gets_fewer_pings(void)
{
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(&g, "plaintext")});
    CHECK(topology(channel).status == 0);
    int32_t state = ZEEBE_CONNECTIVITY_READY;
    gateway_tell(&g, "POST /goaway?code=11"); /* of something else */
    UNTIL((zeebe_error_free(zeebe_channel_get_state(channel, 0, &state)), state != ZEEBE_CONNECTIVITY_READY));
    CHECK(fewer_pings == 0);
    CHECK(topology(channel).status == 0);
    gateway_tell(&g, "POST /goaway?code=11&debug=too_many_pings");
    UNTIL(fewer_pings);
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

int main(void)
{
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_WARN, on_log, NULL, NULL));
    a_gateway_that_complains_gets_fewer_pings();
    the_memory_of_many_calls_is_given_back_once_none_are_left();
    a_stopped_gateway_is_noticed_and_left();
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
