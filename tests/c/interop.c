/* gRPC's interoperability cases, by their names and with their sizes, against a server of gRPC's TestService.
   usage: interop HOST:PORT CA_FILE|- CASE... */
#define _GNU_SOURCE
#include "test_service.h"

static const size_t request_sizes[STREAM] = {27182, 8, 1828, 45904};
static const size_t response_sizes[STREAM] = {31415, 9, 2653, 58979};

static void add_bool(pb *message, int field, int value)
{
    pb wrapped = {0};
    pb_number(&wrapped, BOOL_VALUE, (uint64_t)value);
    pb_nested(message, field, wrapped);
}

static zeebe_call_options compressed(int32_t compression)
{
    zeebe_call_options options = patience();
    options.compression = compression;
    return options;
}

static void empty_unary(void)
{
    kept_call c;
    unary(&c, SERVICE "EmptyCall", (pb){0}, patience(), 0);
    CHECK(content(c.messages[0]).length == 0);
    free_call(&c);
}

static void large_unary(void)
{
    kept_call c;
    unary(&c, SERVICE "UnaryCall", simple_request(LARGE_RESPONSE, LARGE_REQUEST), patience(), 0);
    has_payload(&c, 0, LARGE_RESPONSE);
    free_call(&c);
}

static void has_aggregated(const kept_call *c, uint64_t size)
{
    uint64_t sum;
    CHECK(c->count == 1 && pb_find(content(c->messages[0]), INPUT_RESPONSE_SIZE, NULL, &sum) && sum == size);
}

static void client_streaming(void)
{
    kept_call c;
    start(&c, SERVICE "StreamingInputCall", patience());
    for (int i = 0; i < STREAM; i++) {
        pb message = {0};
        add_payload(&message, INPUT_PAYLOAD, request_sizes[i]);
        send_message(&c, message);
    }
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, 0);
    has_aggregated(&c, 74922);
    free_call(&c);
}

static void server_streaming(void)
{
    kept_call c;
    pb message = {0};
    for (int i = 0; i < STREAM; i++) add_parameters(&message, response_sizes[i]);
    start(&c, SERVICE "StreamingOutputCall", patience());
    send_message(&c, message);
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, 0);
    CHECK(c.count == STREAM);
    for (int i = 0; i < STREAM; i++) has_payload(&c, i, response_sizes[i]);
    free_call(&c);
}

static void ping_pong(void)
{
    kept_call c;
    start(&c, SERVICE "FullDuplexCall", patience());
    for (int i = 0; i < STREAM; i++) {
        send_message(&c, output_request(response_sizes[i], request_sizes[i]));
        wait_for_message(&c, i + 1);
        has_payload(&c, i, response_sizes[i]);
    }
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, 0);
    CHECK(c.count == STREAM);
    free_call(&c);
}

static void empty_stream(void)
{
    kept_call c;
    start(&c, SERVICE "FullDuplexCall", patience());
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, 0);
    CHECK(c.count == 0);
    free_call(&c);
}

static void custom_metadata(void)
{
    kept_call c;
    zeebe_metadata *metadata = NULL;
    zeebe_call_options options = patience();
    OK(zeebe_metadata_new(&metadata));
    OK(zeebe_metadata_add(metadata, INITIAL, (const uint8_t *)INITIAL_VALUE, strlen(INITIAL_VALUE)));
    OK(zeebe_metadata_add(metadata, TRAILING, (const uint8_t *)TRAILING_VALUE, strlen(TRAILING_VALUE)));
    options.metadata = metadata;

    unary(&c, SERVICE "UnaryCall", simple_request(LARGE_RESPONSE, LARGE_REQUEST), options, 0);
    has_pair(c.initial, INITIAL, INITIAL_VALUE);
    has_pair(c.trailers, TRAILING, TRAILING_VALUE);
    free_call(&c);

    start(&c, SERVICE "FullDuplexCall", options);
    send_message(&c, output_request(LARGE_RESPONSE, LARGE_REQUEST));
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, 0);
    has_payload(&c, 0, LARGE_RESPONSE);
    has_pair(c.initial, INITIAL, INITIAL_VALUE);
    has_pair(c.trailers, TRAILING, TRAILING_VALUE);
    free_call(&c);
    zeebe_metadata_free(metadata);
}

static void unary_status(const char *text)
{
    kept_call c;
    pb message = {0};
    add_status(&message, SIMPLE_STATUS, 2, text);
    unary(&c, SERVICE "UnaryCall", message, patience(), 2);
    CHECK(!strcmp(zeebe_error_message(c.error), text));
    free_call(&c);
}

static void status_code_and_message(void)
{
    kept_call c;
    pb message = {0};
    const char *text = "test status message";
    unary_status(text);
    start(&c, SERVICE "FullDuplexCall", patience());
    add_status(&message, OUTPUT_STATUS, 2, text);
    send_message(&c, message);
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, ZEEBE_STATUS_UNKNOWN);
    CHECK(!strcmp(zeebe_error_message(c.error), text));
    free_call(&c);
}

static void special_status_message(void) { unary_status("\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"); }

static void unimplemented(const char *method)
{
    kept_call c;
    unary(&c, method, (pb){0}, patience(), 12);
    free_call(&c);
}

static void unimplemented_method(void) { unimplemented(SERVICE "UnimplementedCall"); }

static void unimplemented_service(void) { unimplemented("/grpc.testing.UnimplementedService/UnimplementedCall"); }

static void cancel_after_begin(void)
{
    kept_call c;
    start(&c, SERVICE "StreamingInputCall", patience());
    zeebe_call_cancel(c.call, NULL);
    ends_with(&c, ZEEBE_STATUS_CANCELLED);
    CHECK(c.count == 0);
    free_call(&c);
}

static void cancel_after_first_response(void)
{
    kept_call c;
    start(&c, SERVICE "FullDuplexCall", patience());
    send_message(&c, output_request(response_sizes[0], request_sizes[0]));
    wait_for_message(&c, 1);
    has_payload(&c, 0, response_sizes[0]);
    zeebe_call_cancel(c.call, NULL);
    ends_with(&c, ZEEBE_STATUS_CANCELLED);
    free_call(&c);
}

static void timeout_on_sleeping_server(void)
{
    kept_call c;
    pb message = {0};
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.timeout_ms = 1;
    add_payload(&message, OUTPUT_PAYLOAD, request_sizes[0]);
    start(&c, SERVICE "FullDuplexCall", options);
    zeebe_error_free(zeebe_call_send_message(c.call, message.data, message.length)); /* it may have ended already */
    pb_free(&message);
    ends_with(&c, ZEEBE_STATUS_DEADLINE_EXCEEDED);
    free_call(&c);
}

/* The compression cases: what the server says of requests, and what came over the wire of answers. */

static void client_compressed_unary(void)
{
    static const struct {
        int32_t compression;
        int expected;
        int32_t status;
    } rounds[] = {
        {ZEEBE_COMPRESSION_IDENTITY, 1, 3}, /* a lie: does the server look at all? */
        {ZEEBE_COMPRESSION_GZIP, 1, 0},
        {ZEEBE_COMPRESSION_IDENTITY, 0, 0},
        {ZEEBE_COMPRESSION_GZIP, 0, 3},
    };
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        kept_call c;
        pb message = simple_request(LARGE_RESPONSE, LARGE_REQUEST);
        add_bool(&message, SIMPLE_EXPECT_COMPRESSED, rounds[i].expected);
        unary(&c, SERVICE "UnaryCall", message, compressed(rounds[i].compression), rounds[i].status);
        if (rounds[i].status == 0) has_payload(&c, 0, LARGE_RESPONSE);
        free_call(&c);
    }
}

static void server_compressed_unary(void)
{
    for (int is_compressed = 0; is_compressed < 2; is_compressed++) {
        kept_call c;
        pb message = simple_request(LARGE_RESPONSE, LARGE_REQUEST);
        long before = stats_number(channel, "bytes_received");
        add_bool(&message, SIMPLE_RESPONSE_COMPRESSED, is_compressed);
        unary(&c, SERVICE "UnaryCall", message, patience(), 0);
        has_payload(&c, 0, LARGE_RESPONSE);
        CHECK((stats_number(channel, "bytes_received") - before < LARGE_RESPONSE) == is_compressed);
        free_call(&c);
    }
}

/* One stream; each message is sent compressed or not, and says that it is or is not. */
static void compressed_stream(const size_t *sizes, size_t count, const int *compresses, const int *expects, int32_t status)
{
    kept_call c;
    int64_t sum = 0;
    start(&c, SERVICE "StreamingInputCall", compressed(ZEEBE_COMPRESSION_GZIP));
    for (size_t i = 0; i < count; i++) {
        pb message = {0};
        add_payload(&message, INPUT_PAYLOAD, sizes[i]);
        add_bool(&message, INPUT_EXPECT_COMPRESSED, expects[i]);
        OK(zeebe_call_set_message_compression(c.call, compresses[i]));
        zeebe_error *error = zeebe_call_send_message(c.call, message.data, message.length);
        CHECK(!error || status); /* a refused stream may have ended already */
        zeebe_error_free(error);
        pb_free(&message);
        sum += (int64_t)sizes[i];
    }
    zeebe_error_free(zeebe_call_half_close(c.call));
    ends_with(&c, status);
    if (status == 0) has_aggregated(&c, sum);
    free_call(&c);
}

static void client_compressed_streaming(void)
{
    const size_t sizes[] = {27182, 45904};
    const int yes[] = {1}, no[] = {0}, first[] = {1, 0}, second[] = {0, 1};
    compressed_stream(sizes, 1, no, yes, 3); /* a lie: does the server look at all? */
    compressed_stream(sizes, 1, yes, no, 3);
    compressed_stream(sizes, 2, first, first, 0);
    compressed_stream(sizes, 2, second, second, 0);
}

static void server_compressed_streaming(void)
{
    enum { COMPRESSED = 31415, PLAIN = 92653 };
    kept_call c;
    pb message = {0};
    long before = stats_number(channel, "bytes_received");
    for (int plain = 0; plain < 2; plain++) {
        pb parameters = {0};
        pb_number(&parameters, PARAMETERS_SIZE, plain ? PLAIN : COMPRESSED);
        add_bool(&parameters, PARAMETERS_COMPRESSED, !plain);
        pb_nested(&message, OUTPUT_PARAMETERS, parameters);
    }
    start(&c, SERVICE "StreamingOutputCall", patience());
    send_message(&c, message);
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, 0);
    CHECK(c.count == 2);
    has_payload(&c, 0, COMPRESSED);
    has_payload(&c, 1, PLAIN);
    long received = stats_number(channel, "bytes_received") - before;
    CHECK(PLAIN < received && received < PLAIN + COMPRESSED);
    free_call(&c);
}

#define CASE(function) {#function, function}
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    CASE(empty_unary),
    CASE(large_unary),
    CASE(client_streaming),
    CASE(server_streaming),
    CASE(ping_pong),
    CASE(empty_stream),
    CASE(custom_metadata),
    CASE(status_code_and_message),
    CASE(special_status_message),
    CASE(unimplemented_method),
    CASE(unimplemented_service),
    CASE(cancel_after_begin),
    CASE(cancel_after_first_response),
    CASE(timeout_on_sleeping_server),
    CASE(client_compressed_unary),
    CASE(server_compressed_unary),
    CASE(client_compressed_streaming),
    CASE(server_compressed_streaming),
};

int main(int argc, char **argv)
{
    CHECK(argc > 3);
    if (!strcmp(argv[2], "-")) channel = insecure(argv[1]);
    else {
        setenv("CA", argv[2], 1);
        char *ca = file("CA");
        channel = secure(argv[1], ca);
        free(ca);
    }
    OK(zeebe_channel_wait_ready(channel, PATIENCE_MS));
    for (int i = 3; i < argc; i++) {
        size_t number = 0;
        while (number < sizeof cases / sizeof *cases && strcmp(cases[number].name, argv[i])) number++;
        CHECK(number < sizeof cases / sizeof *cases);
        cases[number].run();
        printf("%s: ok\n", argv[i]);
        fflush(stdout);
    }
    zeebe_channel_free(channel);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
