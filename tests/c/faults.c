/* The fault table: what a real failure on a real socket does to a call. Status, whether it may have been processed,
   whether the same request may succeed later, how often it was sent again, how long it took; and the channel lives on. */
#define _GNU_SOURCE
#include "gateway.h"

#include <stdatomic.h>

typedef struct {
    const char *name;
    const char *fault; /* asked of the control port before the call */
    int32_t status;    /* 0: the call succeeds, sent again */
    int32_t processed;
    int32_t retryable;
    long replayed;
    const char *message; /* part of it */
} expected;

/* One call, on a channel whose connection is up, that meets the fault. */
static const expected ON_A_CONNECTION[] = {
    {"reset before headers", "POST /fault?kind=reset&at=headers", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0,
     "lost: the peer reset the connection (RST, ECONNRESET)"},
    {"reset before data", "POST /fault?kind=reset&at=data", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0,
     "lost: the peer reset the connection (RST, ECONNRESET)"},
    {"reset before trailers", "POST /fault?kind=reset&at=trailers", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0,
     "lost: the peer reset the connection (RST, ECONNRESET)"},
    {"close before headers", "POST /fault?kind=close&at=headers", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0, "lost: the peer closed the connection (FIN)"},
    {"an unknown code", "POST /fault?kind=rst&at=headers&reason=4096", ZEEBE_STATUS_INTERNAL, 1, 0, 0, "RST_STREAM with the unknown code 4096"},
    {"REFUSED_STREAM once", "POST /fault?kind=rst&at=headers&reason=7", ZEEBE_STATUS_OK, 0, 0, 1, ""},
    {"REFUSED_STREAM twice", "POST /fault?kind=rst&at=headers&reason=7&count=2", ZEEBE_STATUS_UNAVAILABLE, 0, 1, 1,
     "reset the call: RST_STREAM REFUSED_STREAM (7)"},
    {"REFUSED_STREAM after headers", "POST /fault?kind=rst&at=data&reason=7", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0,
     "reset the call: RST_STREAM REFUSED_STREAM (7)"},
    {"CANCEL", "POST /fault?kind=rst&at=headers&reason=8", ZEEBE_STATUS_CANCELLED, 1, 0, 0, "reset the call: RST_STREAM CANCEL (8)"},
    {"ENHANCE_YOUR_CALM", "POST /fault?kind=rst&at=headers&reason=11", ZEEBE_STATUS_RESOURCE_EXHAUSTED, 1, 1, 0,
     "reset the call: RST_STREAM ENHANCE_YOUR_CALM (11)"},
    {"INADEQUATE_SECURITY", "POST /fault?kind=rst&at=headers&reason=12", ZEEBE_STATUS_PERMISSION_DENIED, 1, 0, 0,
     "reset the call: RST_STREAM INADEQUATE_SECURITY (12)"},
    {"INTERNAL_ERROR in trailers", "POST /fault?kind=rst&at=trailers&reason=2", ZEEBE_STATUS_INTERNAL, 1, 0, 0,
     "reset the call: RST_STREAM INTERNAL_ERROR (2)"},
    {"stuck before headers", "POST /fault?kind=stuck&at=headers", ZEEBE_STATUS_DEADLINE_EXCEEDED, 1, 0, 0, "waiting for the answer"},
    {"stuck before data", "POST /fault?kind=stuck&at=data", ZEEBE_STATUS_DEADLINE_EXCEEDED, 1, 0, 0, "waiting for the answer"},
    {"stuck before trailers", "POST /fault?kind=stuck&at=trailers", ZEEBE_STATUS_DEADLINE_EXCEEDED, 1, 0, 0, "waiting for the answer"},
    {"oversized headers", "POST /fault?kind=large-headers&bytes=100000", ZEEBE_STATUS_OK, 0, 0, 0, ""},
    {"HTTP 502", "POST /fault?kind=http&status=502&content_type=text/html", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0, "HTTP 502"},
    {"HTTP 401", "POST /fault?kind=http&status=401&content_type=text/html", ZEEBE_STATUS_UNAUTHENTICATED, 1, 0, 0, "HTTP 401"},
    {"no trailers", "POST /fault?kind=no-trailers", ZEEBE_STATUS_UNKNOWN, 1, 0, 0, "grpc-status"},
    {"a proxy's page after the message", "POST /fault?kind=page", ZEEBE_STATUS_INTERNAL, 1, 0, 0, "a page of HTML where a message should begin"},
    {"no message", "POST /fault?kind=no-message", ZEEBE_STATUS_INTERNAL, 1, 0, 0, "no message"},
    {"two messages", "POST /fault?kind=two-messages", ZEEBE_STATUS_INTERNAL, 1, 0, 0, "two messages"},
    {"cut message", "POST /fault?kind=cut-message", ZEEBE_STATUS_INTERNAL, 1, 0, 0, "within a message"},
    {"unknown encoding", "POST /fault?kind=unknown-encoding", ZEEBE_STATUS_INTERNAL, 1, 0, 0, "snappy"},
    {"compressed without encoding", "POST /fault?kind=flag-without-encoding", ZEEBE_STATUS_INTERNAL, 1, 0, 0, "compress"},
    {"unknown status", "POST /fault?kind=unknown-status", ZEEBE_STATUS_UNKNOWN, 1, 0, 0, ""},
    {"status", "POST /fail?status=5&message=none", ZEEBE_STATUS_NOT_FOUND, 1, 0, 0, "none"},
};

static void expect(const expected *row, ended end)
{
    if (end.status == row->status && end.processed == row->processed && end.retryable == row->retryable && strstr(end.message, row->message)) return;
    fprintf(stderr, "%s: status %d, processed %d, retryable %d: %s\n", row->name, end.status, end.processed, end.retryable, end.message);
    exit(1);
}

static void each_fault_has_its_status_and_the_channel_lives_on(const gateway *g, const char *listener, const char *ca)
{
    for (size_t i = 0; i < sizeof ON_A_CONNECTION / sizeof *ON_A_CONNECTION; i++) {
        const expected *row = &ON_A_CONNECTION[i];
        zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, listener), .ca = ca});
        CHECK(topology(channel).status == 0);
        gateway_tell(g, row->fault);
        ended end = call_it(channel, TOPOLOGY, row->status == ZEEBE_STATUS_DEADLINE_EXCEEDED ? 300 : 20000, ZEEBE_WAIT_FOR_READY_DEFAULT);
        expect(row, end);
        CHECK(end.took_ms < 5000);
        CHECK(!strstr(end.message, "RST_STREAM") || end.source == ZEEBE_ERROR_SOURCE_TRANSPORT); /* a proxy may have sent it */
        CHECK(stats_number(channel, "replayed") == row->replayed);
        CHECK(topology(channel).status == 0);
        zeebe_channel_free(channel);
    }
}

typedef struct {
    const char *name;
    const char *listener;
    int secure;
    int64_t at_least_ms;
    int processed;
    const char *message;
} unreachable;

/* With a connect deadline of 400 ms where that is to pass. All may succeed later; what says nothing may have processed what it took. */
static const unreachable UNREACHABLE[] = {
    {"refused", "refused", 0, 0, 0, "onnection refused"},
    {"blackholed", "blackhole", 0, 400, 0, "took longer than 400 ms"},
    {"an HTTP/2 handshake that hangs", "silent", 0, 400, 1, "took longer than 400 ms"},
    {"a TLS handshake that hangs", "silent", 1, 400, 0, "took longer than 400 ms"},
    {"HTTP/1", "http1", 0, 0, 0, "it speaks HTTP/1 and not HTTP/2: it answered \"HTTP/1.1 404 Not Found\""},
    {"plaintext to TLS", "tls", 0, 0, 0, "it speaks TLS, and this channel is plaintext"},
    {"TLS to plaintext", "plaintext", 1, 0, 0, "it speaks HTTP/2 in plaintext, and this channel is secure"},
    {"no h2 by ALPN", "no_alpn", 1, 0, 0, "ALPN"},
};

static void what_cannot_be_reached_fails_fast_and_says_why(const gateway *g, const char *ca)
{
    for (size_t i = 0; i < sizeof UNREACHABLE / sizeof *UNREACHABLE; i++) {
        const unreachable *u = &UNREACHABLE[i];
        zeebe_channel *channel =
            channel_new((channel_arguments){.address = gateway_address(g, u->listener),
                                            .ca = u->secure ? ca : NULL,
                                            .options = {NUMBER("grpc.min_reconnect_backoff_ms", u->at_least_ms ? u->at_least_ms : 20000)}});
        ended end = topology(channel);
        expect(&(expected){u->name, "", ZEEBE_STATUS_UNAVAILABLE, u->processed, 1, 0, u->message}, end);
        CHECK(end.took_ms >= u->at_least_ms && end.took_ms < u->at_least_ms + 5000);
        /* In the pause the next call fails at once, with the same reason; one that waits for ready ends at its deadline. */
        int32_t state;
        OK(zeebe_channel_get_state(channel, 0, &state));
        if (state == ZEEBE_CONNECTIVITY_TRANSIENT_FAILURE) CHECK(strstr(topology(channel).message, u->message));
        end = call_it(channel, TOPOLOGY, 200, ZEEBE_WAIT_FOR_READY_YES);
        CHECK(end.status == ZEEBE_STATUS_DEADLINE_EXCEEDED && !end.processed && strstr(end.message, u->message));
        zeebe_channel_free(channel);
    }
}

/* A call that the gateway holds at `at`, while something is done to its connection. */
static ended while_stuck(const gateway *g, const zeebe_channel *channel, const char *stuck, const char *request, const void *body, size_t length)
{
    background b = {channel, {0}};
    pthread_t thread;
    CHECK(topology(channel).status == 0);
    long before = gateway_count(g, "Topology");
    gateway_tell(g, stuck);
    CHECK(pthread_create(&thread, NULL, calling, &b) == 0);
    UNTIL(gateway_count(g, "Topology") > before); /* it may still have the one before among its open calls */
    free(gateway_ask(g, request, body, length));
    JOIN(thread);
    return b.end;
}

static void goaway_spares_what_it_covers_and_the_rest_is_sent_again(const gateway *g)
{
    const char *stuck = "POST /fault?kind=stuck&at=headers";
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    /* Without open calls. */
    CHECK(topology(channel).status == 0);
    gateway_tell(g, "POST /goaway");
    CHECK(topology(channel).status == 0);
    /* A call that it covers finishes. */
    long calls = gateway_count(g, "Topology");
    gateway_tell(g, "POST /latency?ms=300");
    background b = {channel, {0}};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, calling, &b) == 0);
    UNTIL(gateway_count(g, "Topology") > calls);
    gateway_tell(g, "POST /goaway");
    gateway_tell(g, "POST /latency?ms=0");
    CHECK(topology(channel).status == 0); /* on another connection */
    JOIN(thread);
    CHECK(b.end.status == 0);
    /* One that it does not cover is sent again, once. (So were those above that crossed the GOAWAY.) */
    long before = stats_number(channel, "replayed");
    expect(&(expected){"GOAWAY 0", "", ZEEBE_STATUS_OK, 0, 0, 0, ""},
           while_stuck(g, channel, stuck, "POST /goaway?code=0&last_stream_id=0", NULL, 0));
    CHECK(stats_number(channel, "replayed") == before + 1);
    zeebe_channel_free(channel);
}

/* GOAWAY, then FIN, in the midst of a call: both are told. What may be a secret that the peer was sent is not. */
static void the_end_of_a_connection_is_told_as_it_came(const gateway *g, const char *ca)
{
    static const struct {
        const char *request, *message;
    } ENDS[] = {
        {"POST /goaway?code=0&close=1", "the peer sent GOAWAY NO_ERROR (0), then closed the connection (FIN)"},
        {"POST /goaway?code=11&close=1", "the peer sent GOAWAY ENHANCE_YOUR_CALM (11), then closed the connection (FIN)"},
        {"POST /goaway?code=11&close=1&debug=session%20timed_out,%20max%2060",
         "the peer sent GOAWAY ENHANCE_YOUR_CALM (11) \"session timed_out, max 60\", then closed"},
        {"POST /goaway?code=2&last_stream_id=3&close=1&debug=of%20eyJhbGciOiJSUzI1NiJ9.abc%20x",
         "the peer sent GOAWAY INTERNAL_ERROR (2) \"of … x\", of which the last stream is 3, then closed"},
        {"POST /goaway?code=2&close=1&debug=authorization:%20Bearer%20secret", "the peer sent GOAWAY INTERNAL_ERROR (2) \"…\", then closed"},
        {"POST /goaway?code=65536&close=1", "the peer sent GOAWAY with the unknown code 65536, then closed"},
        {"POST /reset-connections", "the peer reset the connection (RST, ECONNRESET)"},
    };
    for (size_t i = 0; i < 2 * sizeof ENDS / sizeof *ENDS; i++) {
        size_t row = i / 2;
        zeebe_channel *channel =
            channel_new((channel_arguments){.address = gateway_address(g, i % 2 ? "tls" : "plaintext"), .ca = i % 2 ? ca : NULL});
        ended end = while_stuck(g, channel, "POST /fault?kind=stuck&at=headers", ENDS[row].request, NULL, 0);
        expect(&(expected){ENDS[row].request, "", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0, ENDS[row].message}, end);
        CHECK(end.source == ZEEBE_ERROR_SOURCE_TRANSPORT && !strstr(end.message, "broken pipe") && !strstr(end.message, "eyJ") &&
              !strstr(end.message, "secret"));
        CHECK(topology(channel).status == 0);
        zeebe_channel_free(channel);
    }
    /* As a proxy does with a connection that says nothing for long. */
    gateway other;
    gateway_start(&other, "0");
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(&other, "plaintext")});
    background b = {channel, {0}};
    pthread_t thread;
    CHECK(topology(channel).status == 0);
    gateway_tell(&other, "POST /fault?kind=stuck&at=headers");
    CHECK(pthread_create(&thread, NULL, calling, &b) == 0);
    UNTIL(gateway_count(&other, "Topology") == 2);
    usleep(1100000); /* the silence itself */
    gateway_kill(&other);
    JOIN(thread);
    expect(&(expected){"silence", "", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0, "ms without traffic, as proxies and firewalls do with idle ones"}, b.end);
    zeebe_channel_free(channel);
}

static void broken_frames_end_the_connection_and_not_the_channel(const gateway *g)
{
    /* SETTINGS of five bytes; HEADERS on stream 0; DATA on a stream that never was; a frame of 16 MiB; no frame at all. */
    static const struct {
        const char *name;
        uint8_t bytes[16];
        size_t length;
    } FRAMES[] = {
        {"FRAME_SIZE_ERROR", {0, 0, 5, 4, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5}, 14},
        {"HEADERS on stream 0", {0, 0, 1, 1, 4, 0, 0, 0, 0, 0x82}, 10},
        {"DATA on an idle stream", {0, 0, 1, 0, 0, 0x7f, 0, 0, 1, 0}, 10},
        {"a frame that is too long", {0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1}, 9},
    };
    for (size_t i = 0; i < sizeof FRAMES / sizeof *FRAMES; i++) {
        zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
        ended end = while_stuck(g, channel, "POST /fault?kind=stuck&at=headers", "POST /inject", FRAMES[i].bytes, FRAMES[i].length);
        expect(&(expected){FRAMES[i].name, "", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0, "lost"}, end);
        CHECK(topology(channel).status == 0);
        zeebe_channel_free(channel);
    }
}

static void retries_follow_the_policy(const gateway *g)
{
    const char *policy =
        "{\"methodConfig\":[{\"name\":[{\"service\":\"gateway_protocol.Gateway\"}],\"retryPolicy\":{\"maxAttempts\":3,"
        "\"initialBackoff\":\"0.02s\",\"maxBackoff\":\"0.05s\",\"backoffMultiplier\":2,\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}],"
        "\"retryThrottling\":{\"maxTokens\":20,\"tokenRatio\":1}}";
    channel_arguments arguments = {.address = gateway_address(g, "plaintext"), .options = {TEXT("grpc.service_config", policy)}};
    zeebe_channel *channel = channel_new(arguments);
    gateway_tell(g, "POST /fail?status=14&count=2");
    CHECK(topology(channel).status == 0);
    CHECK(stats_number(channel, "retried") == 2);
    char *calls = gateway_ask(g, "GET /calls?last=1", NULL, 0);
    CHECK(strstr(calls, "\"grpc-previous-rpc-attempts\":\"2\""));
    free(calls);
    gateway_tell(g, "POST /fail?status=14&count=3");
    CHECK(topology(channel).status == ZEEBE_STATUS_UNAVAILABLE); /* three attempts are all */
    CHECK(stats_number(channel, "retried") == 4);
    gateway_tell(g, "POST /fail?status=8&count=1");
    CHECK(topology(channel).status == ZEEBE_STATUS_RESOURCE_EXHAUSTED); /* not of the policy */
    CHECK(stats_number(channel, "retried") == 4);
    /* What the gateway says of when counts. */
    gateway_tell(g, "POST /fault?kind=pushback&ms=300&status=14");
    int64_t began = now_ms();
    CHECK(topology(channel).status == 0 && now_ms() - began >= 300);
    gateway_tell(g, "POST /fault?kind=pushback&ms=-1&status=14");
    CHECK(topology(channel).status == ZEEBE_STATUS_UNAVAILABLE);
    CHECK(stats_number(channel, "retried") == 5);
    /* Failures outweigh successes: no more retries. */
    gateway_tell(g, "POST /fail?status=14&count=60");
    long before = stats_number(channel, "retried");
    int failed = 0;
    for (int i = 0; i < 20; i++) failed += topology(channel).status == ZEEBE_STATUS_UNAVAILABLE;
    CHECK(failed == 20 && stats_number(channel, "retried") - before < 10);
    gateway_tell(g, "POST /fail?status=14&count=0");
    zeebe_channel_free(channel);
    arguments.options[1] = (zeebe_channel_option)NUMBER("grpc.enable_retries", 0);
    channel = channel_new(arguments);
    gateway_tell(g, "POST /fail?status=14&count=1");
    CHECK(topology(channel).status == ZEEBE_STATUS_UNAVAILABLE);
    /* Who tries again by itself learns when. */
    for (int asked = 0; asked < 2; asked++) {
        zeebe_response *response = NULL;
        gateway_tell(g, asked ? "POST /fault?kind=pushback&ms=300&status=14" : "POST /fault?kind=pushback&ms=-1&status=14");
        zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response);
        CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAVAILABLE && zeebe_error_retry_after_ms(error) == (asked ? 300 : -1));
        zeebe_error_free(error);
    }
    CHECK(stats_number(channel, "retried") == 0);
    zeebe_channel_free(channel);
}

/* The first attempt reached the gateway, the second reached nobody: what the first may have done counts. */
static void a_last_attempt_that_reached_nobody_hides_no_earlier_one(void)
{
    const char *policy = "{\"methodConfig\":[{\"name\":[{}],\"retryPolicy\":{\"maxAttempts\":2,\"initialBackoff\":\"0.01s\",\"maxBackoff\":\"0.01s\","
                         "\"backoffMultiplier\":1,\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}]}";
    gateway g;
    gateway_start(&g, "0");
    zeebe_channel *channel =
        channel_new((channel_arguments){.address = gateway_address(&g, "plaintext"), .options = {TEXT("grpc.service_config", policy)}});
    background b = {channel, {0}};
    pthread_t thread;
    CHECK(topology(channel).status == 0);
    gateway_tell(&g, "POST /fault?kind=stuck&at=headers");
    CHECK(pthread_create(&thread, NULL, calling, &b) == 0);
    UNTIL(gateway_count(&g, "Topology") == 2);
    gateway_kill(&g);
    JOIN(thread);
    expect(&(expected){"the second attempt", "", ZEEBE_STATUS_UNAVAILABLE, 1, 1, 0, "refused"}, b.end);
    CHECK(stats_number(channel, "retried") == 1);
    zeebe_channel_free(channel);
}

/* More was sent than is kept: the call cannot be sent again, and no counter says that it was. */
static void what_cannot_be_sent_again_is_not_counted(const gateway *g)
{
    enum { LENGTH = 300000 };
    static const char *const refusals[] = {"POST /fault?kind=rst&at=headers&reason=7", "POST /fail?status=14&count=1"};
    const char *policy = "{\"methodConfig\":[{\"name\":[{}],\"retryPolicy\":{\"maxAttempts\":5,\"initialBackoff\":\"0.01s\",\"maxBackoff\":\"0.01s\","
                         "\"backoffMultiplier\":1,\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}]}";
    uint8_t *message = calloc(1, LENGTH);
    /* A field that the gateway does not know: number 1000, of bytes. */
    static const uint8_t head[] = {0xc2, 0x3e, 0xda, 0xa7, 0x12};
    memcpy(message, head, sizeof head);
    for (int i = 0; i < 2; i++) {
        tally t = TALLY_INIT;
        zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
        zeebe_call *call = NULL;
        zeebe_channel *channel =
            channel_new((channel_arguments){.address = gateway_address(g, "plaintext"), .options = {TEXT("grpc.service_config", policy)}});
        handler.on_message = on_message;
        handler.on_close = on_close;
        gateway_tell(g, refusals[i]);
        gateway_tell(g, "POST /freeze"); /* there is no connection before the message: it goes out whole */
        OK(zeebe_channel_start_call(channel, TOPOLOGY, NULL, &handler, &t, &call));
        OK(zeebe_call_send_message(call, message, LENGTH));
        OK(zeebe_call_half_close(call));
        gateway_tell(g, "POST /thaw");
        tally_wait(&t, &t.calls, 1);
        CHECK(t.failures == 1 && t.status == ZEEBE_STATUS_UNAVAILABLE);
        CHECK(stats_number(channel, "replayed") == 0 && stats_number(channel, "retried") == 0);
        zeebe_call_free(call);
        zeebe_channel_free(channel);
    }
    free(message);
}

static void not_processed(zeebe_error *error, int32_t kind)
{
    if (!error || zeebe_error_kind(error) != kind || zeebe_error_may_have_been_processed(error)) {
        fprintf(stderr, "kind %d, processed %d: %s\n", zeebe_error_kind(error), zeebe_error_may_have_been_processed(error),
                error ? zeebe_error_message(error) : "");
        exit(1);
    }
    zeebe_error_free(error);
}

static void what_was_never_sent_says_so(const gateway *g)
{
    zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
    zeebe_camunda_cloud_channel_options cloud = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = NULL;
    zeebe_channel *made = NULL;
    zeebe_response *response = NULL;
    zeebe_buffer *buffer = NULL;
    char *answer = NULL;
    zeebe_call_options late = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_channel *channel =
        channel_new((channel_arguments){.address = gateway_address(g, "plaintext"), .options = {NUMBER("grpc.max_send_message_length", 10)}});
    not_processed(zeebe_channel_unary_call_sync(channel, "no path", NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_INVALID_ARGUMENT);
    not_processed(zeebe_request_from_json("Topology", "{\"a\":1}", &buffer), ZEEBE_ERROR_KIND_INVALID_ARGUMENT);
    not_processed(zeebe_channel_json_call_sync(channel, "Topology", "{", NULL, &answer), ZEEBE_ERROR_KIND_INVALID_ARGUMENT);
    not_processed(zeebe_channel_unary_call_sync(channel, TOPOLOGY, (const uint8_t *)"more than ten", 13, NULL, &response), ZEEBE_ERROR_KIND_RPC);
    not_processed(zeebe_channel_retrieve_token(channel, on_done, NULL), ZEEBE_ERROR_KIND_ILLEGAL_STATE);
    ssl.root_certificates = "no PEM";
    not_processed(zeebe_ssl_channel_credentials_new(&ssl, &credentials), ZEEBE_ERROR_KIND_TLS);
    not_processed(zeebe_create_camunda_cloud_channel(&cloud, &made), ZEEBE_ERROR_KIND_SETTINGS);
    OK(zeebe_channel_close(channel, 0, NULL, NULL));
    not_processed(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_SHUTDOWN);
    zeebe_channel_free(channel);
    channel = channel_new((channel_arguments){.address = gateway_address(g, "refused")});
    not_processed(zeebe_channel_wait_ready(channel, 10), ZEEBE_ERROR_KIND_RPC);
    late.timeout_ms = 100;
    late.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    not_processed(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &late, &response), ZEEBE_ERROR_KIND_RPC);
    not_processed(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_RPC);
    zeebe_channel_free(channel);
}

/* What was opened on a connection that had ended, and not written, goes over another. */
static void no_call_fails_for_a_connection_that_ended_before_it(const gateway *g)
{
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    for (int i = 0; i < 100; i++) {
        CHECK(topology(channel).status == 0);
        gateway_tell(g, "POST /reset-connections");
        ended end = topology(channel);
        if (end.status) fprintf(stderr, "round %d: %s\n", i, end.message);
        CHECK(end.status == 0);
    }
    zeebe_channel_free(channel);
}

static void a_streaming_call_is_sent_again_whole(const gateway *g)
{
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    CHECK(topology(channel).status == 0);
    gateway_tell(g, "POST /fault?kind=rst&at=headers&reason=7");
    stream_topology(channel);
    CHECK(stats_number(channel, "replayed") == 1);
    zeebe_channel_free(channel);
}

/* When the deadline and the reset are both due. */
static int64_t due_ms;
static atomic_int is_held_up;

static void hold_up(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    is_held_up = 1;
    sleep_until(due_ms);
    on_unary(user_data, error, response);
}

/* The gateway keeps the deadline, too, and a proxy ends the call with a code of its own then: this may be read before the timer here has
   fired. The I/O thread is held up until both are due; so the reset is first, whatever the timer's precision. */
static void a_reset_after_the_deadline_is_the_deadlines(const gateway *g)
{
    static const uint8_t request[] = {0x0a, 1, 't', 0x12, 1, 'w', 0x18, 0xe8, 0x07}; /* type, worker, timeout */
    static const char *const ways[] = {
        "POST /fault?kind=cut&ms=2000&reason=2&rpc=StreamActivatedJobs",
        "POST /fault?kind=cut&ms=2000&reason=5&rpc=StreamActivatedJobs",
        "POST /fault?kind=cut&ms=2000&reason=8&rpc=StreamActivatedJobs",
    };
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        zeebe_channel *channel = insecure(gateway_address(g, "plaintext"));
        tally stream = TALLY_INIT, unary = TALLY_INIT;
        zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        zeebe_call *call = NULL, *held_up = NULL;
        topology(channel);
        gateway_tell(g, ways[way]);
        options.timeout_ms = 2200;
        handler.on_close = on_close;
        long before = gateway_count(g, "StreamActivatedJobs");
        OK(zeebe_channel_start_call(channel, "/gateway_protocol.Gateway/StreamActivatedJobs", &options, &handler, &stream, &call));
        OK(zeebe_call_send_message(call, request, sizeof request));
        OK(zeebe_call_half_close(call));
        UNTIL(gateway_count(g, "StreamActivatedJobs") > before);
        due_ms = now_ms() + 2500;
        options.timeout_ms = 20000;
        OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &options, hold_up, &unary, &held_up));
        tally_wait(&unary, &unary.calls, 1);
        tally_wait(&stream, &stream.calls, 1);
        if (stream.status != ZEEBE_STATUS_DEADLINE_EXCEEDED) {
            fprintf(stderr, "%s: status %d\n", ways[way], stream.status);
            exit(1);
        }
        zeebe_call_free(call);
        zeebe_call_free(held_up);
        zeebe_channel_free(channel);
    }
}

/* The I/O thread is held up until a call's deadline and a GOAWAY that says it was not processed are both there: nobody wants it any more. */
static void nothing_is_sent_again_after_its_deadline(const gateway *g)
{
    zeebe_channel *channel = insecure(gateway_address(g, "plaintext"));
    tally late = TALLY_INIT, other = TALLY_INIT;
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_call *call = NULL, *held_up = NULL;
    topology(channel);
    long before = gateway_count(g, "Topology");
    gateway_tell(g, "POST /fault?kind=stuck&at=headers");
    options.timeout_ms = 2000;
    due_ms = now_ms() + 2500;
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &options, on_unary, &late, &call));
    UNTIL(gateway_count(g, "Topology") > before);
    options.timeout_ms = 20000;
    is_held_up = 0;
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &options, hold_up, &other, &held_up));
    UNTIL(is_held_up);
    gateway_tell(g, "POST /goaway?code=0&last_stream_id=0");
    tally_wait(&other, &other.calls, 1);
    tally_wait(&late, &late.calls, 1);
    CHECK(late.status == ZEEBE_STATUS_DEADLINE_EXCEEDED);
    CHECK(gateway_count(g, "Topology") == before + 2);
    zeebe_call_free(call);
    zeebe_call_free(held_up);
    zeebe_channel_free(channel);
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    setenv("CA", gateway_get(&g, "ca"), 1);
    char *ca = file("CA");
    each_fault_has_its_status_and_the_channel_lives_on(&g, "plaintext", NULL);
    each_fault_has_its_status_and_the_channel_lives_on(&g, "tls", ca);
    what_cannot_be_reached_fails_fast_and_says_why(&g, ca);
    goaway_spares_what_it_covers_and_the_rest_is_sent_again(&g);
    the_end_of_a_connection_is_told_as_it_came(&g, ca);
    broken_frames_end_the_connection_and_not_the_channel(&g);
    retries_follow_the_policy(&g);
    no_call_fails_for_a_connection_that_ended_before_it(&g);
    a_streaming_call_is_sent_again_whole(&g);
    a_last_attempt_that_reached_nobody_hides_no_earlier_one();
    what_cannot_be_sent_again_is_not_counted(&g);
    what_was_never_sent_says_so(&g);
    a_reset_after_the_deadline_is_the_deadlines(&g);
    nothing_is_sent_again_after_its_deadline(&g);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    free(ca);
    return 0;
}
