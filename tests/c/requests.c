/* What a request is on the wire. Its headers are as long as the gateway says that it takes (SETTINGS_MAX_HEADER_LIST_SIZE; the development
   gateway: 16384 bytes). A longer one is refused here: servers such as grpc-java's end the connection for it, with all its calls. */
#define _GNU_SOURCE
#include "gateway.h"

enum { LIMIT = 16384 };

static gateway g;

static zeebe_call_options with_value(zeebe_metadata **metadata, const char *key, size_t length)
{
    static uint8_t value[4 * LIMIT];
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    memset(value, 'x', sizeof value);
    OK(zeebe_metadata_new(metadata));
    OK(zeebe_metadata_add(*metadata, key, value, length));
    options.metadata = *metadata;
    options.timeout_ms = 20000;
    return options;
}

/* How long the headers are that the error is about; 0: the call was good. */
static long refused(const zeebe_error *error)
{
    static const char before[] = "the request's headers are ";
    if (!error) return 0;
    const char *message = zeebe_error_message(error);
    if (zeebe_error_grpc_status(error) != ZEEBE_STATUS_RESOURCE_EXHAUSTED || strncmp(message, before, strlen(before)) != 0) {
        fprintf(stderr, "%d, %s\n", zeebe_error_grpc_status(error), message);
        exit(1);
    }
    CHECK(strstr(message, "16384") && strstr(message, gateway_get(&g, "plaintext")));
    CHECK(zeebe_error_source(error) == ZEEBE_ERROR_SOURCE_LIBRARY);
    CHECK(!zeebe_error_may_have_been_processed(error) && !zeebe_error_is_retryable(error));
    return strtol(message + strlen(before), NULL, 10);
}

static long unary(const zeebe_channel *channel, const char *key, size_t length)
{
    zeebe_metadata *metadata = NULL;
    zeebe_call_options options = with_value(&metadata, key, length);
    zeebe_response *response = NULL;
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response);
    long size = refused(error);
    zeebe_error_free(error);
    zeebe_response_free(response);
    zeebe_metadata_free(metadata);
    return size;
}

typedef struct {
    tally t;
    long size;
} closed;

static void keep_size(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    closed *c = user_data;
    c->size = refused(error);
    on_close(&c->t, error, trailers);
}

static long streaming(const zeebe_channel *channel, const char *key, size_t length)
{
    zeebe_metadata *metadata = NULL;
    zeebe_call_options options = with_value(&metadata, key, length);
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call *call = NULL;
    closed c = {TALLY_INIT, 0};
    handler.on_close = keep_size;
    OK(zeebe_channel_start_call(channel, TOPOLOGY, &options, &handler, &c, &call));
    zeebe_error_free(zeebe_call_send_message(call, NULL, 0)); /* it may have ended already */
    zeebe_error_free(zeebe_call_half_close(call));
    tally_wait(&c.t, &c.t.calls, 1);
    zeebe_call_free(call);
    zeebe_metadata_free(metadata);
    return c.size;
}

/* `encoded`: as how many bytes `group` bytes of a value go out. */
static void headers_are_as_long_as_the_gateway_takes(long (*call)(const zeebe_channel *, const char *, size_t), const char *key, long group,
                                                     long encoded)
{
    enum { TOO_LONG = 30000 };
    zeebe_channel *channel = insecure(gateway_address(&g, "plaintext"));
    CHECK(call(channel, key, TOO_LONG) > LIMIT); /* also before the gateway has said so */
    CHECK(call(channel, key, 1000) == 0);
    long calls = gateway_count(&g, "Topology");
    long excess = call(channel, key, TOO_LONG) - LIMIT;
    CHECK(excess > 0);
    long longest = TOO_LONG - (excess + encoded - 1) / encoded * group;
    CHECK(call(channel, key, (size_t)(longest + group)) > LIMIT);
    CHECK(gateway_count(&g, "Topology") == calls);
    CHECK(call(channel, key, (size_t)(longest - group)) == 0); /* h2 refuses one that is just as long as it says */
    CHECK(stats_number(channel, "connections") == 1 && stats_number(channel, "replayed") == 0);
    zeebe_channel_free(channel);
}

/* A server may hold a client to account for small frames that do not end their stream: h2's closes a connection of which a hundred are unread. */
static void a_last_message_ends_the_request_in_its_own_frame(void)
{
    enum { CALLS = 100 };
    zeebe_channel *channel = insecure(gateway_address(&g, "plaintext"));
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    tally t = TALLY_INIT;
    handler.on_message = on_message;
    handler.on_close = on_close;
    long before = gateway_count(&g, "empty_data");
    for (int i = 0; i < CALLS; i++) {
        zeebe_call *call = NULL;
        OK(zeebe_channel_start_call(channel, TOPOLOGY, NULL, &handler, &t, &call));
        OK(zeebe_call_send_last_message(call, NULL, 0));
        FAILS(zeebe_call_send_last_message(call, NULL, 0), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "");
        FAILS(zeebe_call_half_close(call), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "half-closed before");
        tally_wait(&t, &t.calls, i + 1);
        zeebe_call_free(call);
    }
    CHECK(t.failures == 0 && t.messages == CALLS);
    CHECK(gateway_count(&g, "empty_data") == before);

    /* Too long a message half-closes nothing. */
    zeebe_channel *limited =
        channel_new((channel_arguments){.address = gateway_address(&g, "plaintext"), .options = {NUMBER("grpc.max_send_message_length", 1)}});
    zeebe_call *call = NULL;
    OK(zeebe_channel_start_call(limited, TOPOLOGY, NULL, &handler, &t, &call));
    FAILS(zeebe_call_send_last_message(call, (const uint8_t *)"long", 4), ZEEBE_ERROR_KIND_RPC, "");
    OK(zeebe_call_send_message(call, NULL, 0));
    OK(zeebe_call_half_close(call));
    tally_wait(&t, &t.calls, CALLS + 1);
    CHECK(t.failures == 0);
    zeebe_call_free(call);
    zeebe_channel_free(limited);
    zeebe_channel_free(channel);
}

int main(void)
{
    gateway_start(&g, "0");
    headers_are_as_long_as_the_gateway_takes(unary, "x-long", 1, 1);
    headers_are_as_long_as_the_gateway_takes(unary, "x-long-bin", 3, 4); /* Base64 */
    headers_are_as_long_as_the_gateway_takes(streaming, "x-long", 1, 1);
    a_last_message_ends_the_request_in_its_own_frame();
    gateway_stop(&g);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
