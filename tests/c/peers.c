/* What a real server or reverse proxy makes of calls. Each case has a channel of its own, and prints one line: "CASE: ok", or how it failed.
   usage: peers HOST:PORT CA_FILE|- CASE...; `drain` prints "drain: running" when the peer may begin to drain. */
#define _GNU_SOURCE
#include "outcome.h"
#include "test_service.h"

#include <limits.h>

enum { LARGE = 1500000, SHORT_MESSAGES = 240000, SHORT_PAYLOAD = 4, MANY = 450, LONG_VALUE = 10240, LANES = 16 };
enum { MORE_THAN_A_CONNECTION_HAS = 4500, A_CONNECTION_HAS = 1000, IDLE_MS = 2000, IDLE_CHANNELS = 32, APART_MS = 8 };
enum { SLEEP_US = 20000000, PARAMETERS_INTERVAL = 2, SILENCE_MS = 6000 };

static char *ca;
static const char *address;

static void add_parameters_after(pb *message, size_t size, uint64_t interval_us)
{
    pb parameters = {0};
    pb_number(&parameters, PARAMETERS_SIZE, size);
    pb_number(&parameters, PARAMETERS_INTERVAL, interval_us);
    pb_nested(message, OUTPUT_PARAMETERS, parameters);
}

/* How many connections the channel has made so far. */
static long connections(void)
{
    char *json = NULL;
    long sum = 0;
    OK(zeebe_channel_stats(channel, &json));
    for (const char *rest = json; (rest = strstr(rest, "\"connections\":")); rest++) sum += json_number(rest, "connections");
    zeebe_string_free(json);
    return sum;
}

/* The end of a call, and of the call. */
static zeebe_error *end_of(kept_call *c)
{
    wait_for_end(c);
    zeebe_error *error = zeebe_error_ref(c->error);
    free_call(c);
    return error;
}

static zeebe_error *unary_case(void)
{
    kept_call c;
    start_unary(&c, SERVICE "EmptyCall", (pb){0}, patience());
    return end_of(&c);
}

static zeebe_error *large(void)
{
    kept_call c;
    start_unary(&c, SERVICE "UnaryCall", simple_request(LARGE, LARGE), patience());
    wait_for_end(&c);
    if (!c.error) has_payload(&c, 0, LARGE);
    return end_of(&c);
}

static zeebe_error *with_metadata(const char *key, const char *value, void (*check)(const kept_call *))
{
    kept_call c;
    zeebe_metadata *metadata = NULL;
    zeebe_call_options options = patience();
    OK(zeebe_metadata_new(&metadata));
    OK(zeebe_metadata_add(metadata, INITIAL, (const uint8_t *)INITIAL_VALUE, strlen(INITIAL_VALUE)));
    OK(zeebe_metadata_add(metadata, TRAILING, (const uint8_t *)TRAILING_VALUE, strlen(TRAILING_VALUE)));
    OK(zeebe_metadata_add(metadata, key, (const uint8_t *)value, strlen(value)));
    options.metadata = metadata;
    start_unary(&c, SERVICE "UnaryCall", simple_request(1, 1), options);
    wait_for_end(&c);
    check(&c);
    zeebe_metadata_free(metadata);
    return end_of(&c);
}

static void came_back(const kept_call *c)
{
    if (c->error) return;
    has_pair(c->initial, INITIAL, INITIAL_VALUE);
    has_pair(c->trailers, TRAILING, TRAILING_VALUE);
}

static zeebe_error *metadata(void) { return with_metadata("x-other", "a value", came_back); }

/* 10 KiB that Huffman's code does not make shorter. */
static zeebe_error *long_header(void)
{
    static char value[LONG_VALUE + 1];
    memset(value, 'X', LONG_VALUE);
    return with_metadata("x-long", value, came_back);
}

/* The servers answer x-fail with a status of this code and message, and details; before any message. */
#define FAILURE "50 % \303\274 of it"

static void has_failed(const kept_call *c)
{
    size_t length;
    pb_view text, any;
    uint64_t code;
    const uint8_t *details = zeebe_error_details(c->error, &length);
    CHECK(zeebe_error_grpc_status(c->error) == ZEEBE_STATUS_FAILED_PRECONDITION && !strcmp(zeebe_error_message(c->error), FAILURE));
    pb_view status = {details, length};
    CHECK(details && pb_find(status, 1, NULL, &code) && code == ZEEBE_STATUS_FAILED_PRECONDITION);
    CHECK(pb_find(status, 2, &text, NULL) && text.length == strlen(FAILURE) && !memcmp(text.data, FAILURE, text.length));
    CHECK(pb_find(status, 3, &any, NULL) && any.length);
}

static zeebe_error *details(void)
{
    zeebe_error_free(with_metadata("x-fail", "1", has_failed));
    return NULL;
}

/* Counts the messages of a stream, which are all alike. */
static void on_short_message(void *user_data, const zeebe_buffer *message)
{
    CHECK(content(message).length == 2 + 2 + SHORT_PAYLOAD);
    on_message(user_data, message);
}

static zeebe_error *kept;

static void keep_error(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    kept = zeebe_error_ref(error);
    on_close(user_data, error, trailers);
}

static zeebe_error *short_messages(void)
{
    tally t = TALLY_INIT;
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_call *call = NULL;
    pb message = {0};
    options.timeout_ms = 10 * PATIENCE_MS; /* some servers take long */
    for (int i = 0; i < SHORT_MESSAGES; i++) add_parameters(&message, SHORT_PAYLOAD);
    handler.on_message = on_short_message;
    handler.on_close = keep_error;
    OK(zeebe_channel_start_call(channel, SERVICE "StreamingOutputCall", &options, &handler, &t, &call));
    OK(zeebe_call_send_message(call, message.data, message.length));
    OK(zeebe_call_half_close(call));
    pb_free(&message);
    for (int count = 10000; count <= SHORT_MESSAGES; count += 10000) {
        pthread_mutex_lock(&t.mutex);
        AWAIT(&t.changed, &t.mutex, t.messages >= count || t.calls);
        pthread_mutex_unlock(&t.mutex);
    }
    tally_wait(&t, &t.calls, 1);
    zeebe_call_free(call);
    CHECK(kept || t.messages == SHORT_MESSAGES);
    return kept;
}

static void converse(kept_call *c, int round)
{
    send_message(c, output_request(1000, 1000));
    wait_for_message(c, round);
    has_payload(c, round - 1, 1000);
}

static zeebe_error *streams(void)
{
    kept_call c;
    uint64_t sum;
    start(&c, SERVICE "FullDuplexCall", patience());
    for (int i = 1; i <= STREAM; i++) converse(&c, i);
    OK(zeebe_call_half_close(c.call));
    ends_with(&c, 0);
    free_call(&c);
    start(&c, SERVICE "StreamingInputCall", patience());
    for (int i = 0; i < 100; i++) {
        pb message = {0};
        add_payload(&message, INPUT_PAYLOAD, 1000);
        send_message(&c, message);
    }
    OK(zeebe_call_half_close(c.call));
    wait_for_end(&c);
    if (!c.error) CHECK(pb_find(content(c.messages[0]), INPUT_RESPONSE_SIZE, NULL, &sum) && sum == 100000);
    return end_of(&c);
}

static zeebe_error *on_the_same_connection(long before)
{
    zeebe_error *error = unary_case();
    if (!error) CHECK(connections() == before);
    return error;
}

static zeebe_error *cancel(void)
{
    kept_call c;
    start(&c, SERVICE "FullDuplexCall", patience());
    converse(&c, 1);
    long before = connections();
    zeebe_call_cancel(c.call, NULL);
    ends_with(&c, ZEEBE_STATUS_CANCELLED);
    free_call(&c);
    return on_the_same_connection(before);
}

/* A stream of an answer and, 20 s later, of another; or without the first. */
static void start_silent(kept_call *c, int answers, int64_t timeout_ms)
{
    pb message = {0};
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    start(c, SERVICE "StreamingOutputCall", options);
    for (int i = 0; i < answers; i++) add_parameters(&message, 1);
    add_parameters_after(&message, 1, SLEEP_US);
    send_message(c, message);
    OK(zeebe_call_half_close(c->call));
}

static zeebe_error *deadline(void)
{
    kept_call c;
    zeebe_error_free(unary_case());
    long before = connections();
    start_silent(&c, 1, 500);
    ends_with(&c, ZEEBE_STATUS_DEADLINE_EXCEEDED);
    free_call(&c);
    return on_the_same_connection(before);
}

static zeebe_error *silent(int answers)
{
    kept_call c;
    start_silent(&c, answers, SILENCE_MS);
    return end_of(&c);
}

static zeebe_error *silent_before_headers(void) { return silent(0); }

static zeebe_error *silent_after_headers(void) { return silent(1); }

static zeebe_error *in_turn(void)
{
    zeebe_error *error = unary_case();
    long before = connections();
    for (int i = 1; i < MANY && !error; i++) error = unary_case();
    if (!error) CHECK(connections() == before);
    return error;
}

static zeebe_error *at_once(void)
{
    static kept_call calls[MANY];
    zeebe_error *error = NULL;
    for (int i = 0; i < MANY; i++) start_unary(&calls[i], SERVICE "EmptyCall", (pb){0}, patience());
    for (int i = 0; i < MANY; i++) {
        zeebe_error *its = end_of(&calls[i]);
        if (error) zeebe_error_free(its);
        else error = its;
    }
    return error;
}

/* Calls that go on until they are to stop, or one fails. */
static struct {
    pthread_mutex_t mutex;
    int done, stopped;
    zeebe_error *error;
} lanes = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void *lane(void *unused)
{
    (void)unused;
    for (int goes_on = 1; goes_on;) {
        zeebe_error *error = unary_case();
        pthread_mutex_lock(&lanes.mutex);
        lanes.done++;
        if (lanes.error) zeebe_error_free(error);
        else lanes.error = error;
        goes_on = !lanes.stopped && !lanes.error;
        pthread_mutex_unlock(&lanes.mutex);
    }
    return NULL;
}

/* How many calls have ended; INT_MAX as soon as one has failed. */
static int done(void)
{
    pthread_mutex_lock(&lanes.mutex);
    int count = lanes.error ? INT_MAX : lanes.done;
    pthread_mutex_unlock(&lanes.mutex);
    return count;
}

static void start_lanes(pthread_t *threads)
{
    for (int i = 0; i < LANES; i++) CHECK(pthread_create(&threads[i], NULL, lane, NULL) == 0);
}

static void stop_lanes(pthread_t *threads)
{
    pthread_mutex_lock(&lanes.mutex);
    lanes.stopped = 1;
    pthread_mutex_unlock(&lanes.mutex);
    for (int i = 0; i < LANES; i++) JOIN(threads[i]);
}

/* Calls past the number of requests after which the proxy ends a connection, several times. */
static zeebe_error *many(void)
{
    pthread_t threads[LANES];
    start_lanes(threads);
    UNTIL(done() >= MORE_THAN_A_CONNECTION_HAS);
    stop_lanes(threads);
    CHECK(lanes.error || connections() > MORE_THAN_A_CONNECTION_HAS / A_CONNECTION_HAS);
    return lanes.error;
}

/* Calls about when the proxy ends their connections, which have no streams then: a bit before, a bit after, and long after. */
static zeebe_error *idle(void)
{
    zeebe_channel *mine = channel, *channels[IDLE_CHANNELS];
    int64_t called_ms[IDLE_CHANNELS];
    zeebe_error *error = NULL;
    long made = 0;
    for (int i = 0; i < IDLE_CHANNELS; i++) channels[i] = insecure(address);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < IDLE_CHANNELS; i++) {
            const int near_ms = (i - IDLE_CHANNELS / 2) * APART_MS;
            if (round) sleep_until(called_ms[i] + IDLE_MS + (round == 3 ? IDLE_MS / 2 : near_ms));
            channel = channels[i];
            zeebe_error *its = unary_case();
            called_ms[i] = now_ms();
            if (error) zeebe_error_free(its);
            else error = its;
        }
    }
    for (int i = 0; i < IDLE_CHANNELS; i++) {
        channel = channels[i];
        made += connections();
        zeebe_channel_free(channels[i]);
    }
    channel = mine;
    CHECK(error || made >= 2 * IDLE_CHANNELS);
    return error;
}

/* A stream that has had an answer has another, and ends. */
static zeebe_error *goes_on(kept_call *c)
{
    pb message = output_request(1000, 1000);
    zeebe_error *refused = zeebe_call_send_message(c->call, message.data, message.length);
    pb_free(&message);
    if (!refused) refused = zeebe_call_half_close(c->call);
    zeebe_error_free(refused); /* it says no more than that: the call's own error says why */
    wait_for_end(c);
    if (!c->error) {
        CHECK(c->count == 2);
        has_payload(c, 1, 1000);
    }
    return end_of(c);
}

/* Streams and calls while the connection is drained and another takes its place. */
static zeebe_error *drain(void)
{
    kept_call open[STREAM];
    pthread_t threads[LANES];
    for (int i = 0; i < STREAM; i++) {
        start(&open[i], SERVICE "FullDuplexCall", patience());
        converse(&open[i], 1);
    }
    long before = connections();
    start_lanes(threads);
    UNTIL(done() >= LANES);
    printf("drain: running\n");
    fflush(stdout);
    UNTIL(connections() > before || done() == INT_MAX);
    for (int count = done(); done() < INT_MAX && done() < count + 500;) usleep(1000);
    stop_lanes(threads);
    for (int i = 0; i < STREAM; i++) {
        zeebe_error *error = goes_on(&open[i]);
        if (lanes.error) zeebe_error_free(error);
        else lanes.error = error;
    }
    return lanes.error;
}

static const struct {
    const char *name;
    zeebe_error *(*run)(void);
} cases[] = {
    {"unary", unary_case},
    {"large", large},
    {"metadata", metadata},
    {"details", details},
    {"short messages", short_messages},
    {"streams", streams},
    {"cancel", cancel},
    {"deadline", deadline},
    {"in turn", in_turn},
    {"at once", at_once},
    {"long header", long_header},
    {"drain", drain},
    {"many", many},
    {"idle", idle},
    {"silent before headers", silent_before_headers},
    {"silent after headers", silent_after_headers},
};

int main(int argc, char **argv)
{
    CHECK(argc > 3);
    address = argv[1];
    if (strcmp(argv[2], "-") != 0) {
        setenv("CA", argv[2], 1);
        ca = file("CA");
    }
    for (int i = 3; i < argc; i++) {
        size_t number = 0;
        while (number < sizeof cases / sizeof *cases && strcmp(cases[number].name, argv[i])) number++;
        CHECK(number < sizeof cases / sizeof *cases);
        channel = ca ? secure(address, ca) : insecure(address);
        zeebe_error *error = cases[number].run();
        print_outcome(argv[i], error, address);
        zeebe_error_free(error);
        zeebe_channel_free(channel);
    }
    free(ca);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
