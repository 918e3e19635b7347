/* A client of gRPC's TestService, the service of its interoperability cases: its messages, and calls with what came of them. */
#ifndef TEST_SERVICE_H
#define TEST_SERVICE_H

#include "gateway.h"
#include "protobuf.h"

#define SERVICE "/grpc.testing.TestService/"
#define INITIAL "x-grpc-test-echo-initial"
#define INITIAL_VALUE "test_initial_metadata_value"
#define TRAILING "x-grpc-test-echo-trailing-bin"
#define TRAILING_VALUE "\xab\xab\xab"

enum { LARGE_REQUEST = 271828, LARGE_RESPONSE = 314159, PATIENCE_MS = 60000, STREAM = 4 };

static zeebe_channel *channel;

/* The fields of the service's messages; SimpleResponse and StreamingOutputCallResponse have a payload, too. */
enum { PAYLOAD_BODY = 2, STATUS_CODE = 1, STATUS_MESSAGE = 2, BOOL_VALUE = 1 };
enum { SIMPLE_RESPONSE_SIZE = 2, SIMPLE_PAYLOAD = 3, SIMPLE_RESPONSE_COMPRESSED = 6, SIMPLE_STATUS = 7, SIMPLE_EXPECT_COMPRESSED = 8 };
enum { INPUT_PAYLOAD = 1, INPUT_EXPECT_COMPRESSED = 2, INPUT_RESPONSE_SIZE = 1 };
enum { OUTPUT_PARAMETERS = 2, OUTPUT_PAYLOAD = 3, OUTPUT_STATUS = 7, PARAMETERS_SIZE = 1, PARAMETERS_COMPRESSED = 3 };
enum { RESPONSE_PAYLOAD = 1 };

static inline void add_payload(pb *message, int field, size_t size)
{
    pb payload = {0};
    pb_bytes(&payload, PAYLOAD_BODY, NULL, size);
    pb_nested(message, field, payload);
}

static inline void add_status(pb *message, int field, int code, const char *text)
{
    pb status = {0};
    pb_number(&status, STATUS_CODE, (uint64_t)code);
    pb_bytes(&status, STATUS_MESSAGE, text, strlen(text));
    pb_nested(message, field, status);
}

static inline pb simple_request(size_t response_size, size_t payload_size)
{
    pb message = {0};
    pb_number(&message, SIMPLE_RESPONSE_SIZE, response_size);
    add_payload(&message, SIMPLE_PAYLOAD, payload_size);
    return message;
}

static inline void add_parameters(pb *message, size_t size)
{
    pb parameters = {0};
    pb_number(&parameters, PARAMETERS_SIZE, size);
    pb_nested(message, OUTPUT_PARAMETERS, parameters);
}

static inline pb output_request(size_t response_size, size_t payload_size)
{
    pb message = {0};
    add_parameters(&message, response_size);
    add_payload(&message, OUTPUT_PAYLOAD, payload_size);
    return message;
}

/* A call and what came of it. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    zeebe_call *call;
    zeebe_buffer *messages[STREAM];
    int count; /* of messages */
    int ended, destroyed;
    zeebe_error *error;
    zeebe_metadata *initial, *trailers;
} kept_call;

static inline void locked(kept_call *c) { pthread_mutex_lock(&c->mutex); }

static inline void unlocked(kept_call *c)
{
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

static inline void keep_initial_metadata(void *user_data, const zeebe_metadata *metadata)
{
    kept_call *c = user_data;
    locked(c);
    CHECK(!c->initial && !c->count && !c->ended);
    c->initial = zeebe_metadata_ref(metadata);
    unlocked(c);
}

static inline void keep_message(void *user_data, const zeebe_buffer *message)
{
    kept_call *c = user_data;
    locked(c);
    CHECK(c->count < STREAM && !c->ended);
    c->messages[c->count++] = zeebe_buffer_ref(message);
    unlocked(c);
}

static inline void keep_end(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    kept_call *c = user_data;
    locked(c);
    CHECK(!c->ended++);
    c->error = zeebe_error_ref(error);
    c->trailers = zeebe_metadata_ref(trailers);
    unlocked(c);
}

static inline void keep_destroyed(void *user_data)
{
    kept_call *c = user_data;
    locked(c);
    CHECK(c->ended && !c->destroyed++);
    unlocked(c);
}

static inline void keep_response(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    CHECK(!error != !response);
    if (response) {
        keep_initial_metadata(user_data, zeebe_response_initial_metadata(response));
        keep_message(user_data, zeebe_response_message(response));
    }
    keep_end(user_data, error, response ? zeebe_response_trailers(response) : zeebe_error_trailers(error));
    keep_destroyed(user_data);
}

static inline zeebe_call_options patience(void)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.timeout_ms = PATIENCE_MS;
    return options;
}

static inline void start(kept_call *c, const char *method, zeebe_call_options options)
{
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_initial_metadata = keep_initial_metadata;
    handler.on_message = keep_message;
    handler.on_close = keep_end;
    handler.destroy = keep_destroyed;
    *c = (kept_call){.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    OK(zeebe_channel_start_call(channel, method, &options, &handler, c, &c->call));
}

static inline void send_message(kept_call *c, pb message)
{
    OK(zeebe_call_send_message(c->call, message.data, message.length));
    pb_free(&message);
}

static inline void wait_for_message(kept_call *c, int count)
{
    locked(c);
    AWAIT(&c->changed, &c->mutex, c->count >= count || c->ended);
    CHECK(c->count == count);
    unlocked(c);
}

static inline void wait_for_end(kept_call *c)
{
    locked(c);
    AWAIT(&c->changed, &c->mutex, c->destroyed);
    unlocked(c);
}

/* Waits for the end, which must have this status; free_call() when done. */
static inline void ends_with(kept_call *c, int32_t status)
{
    wait_for_end(c);
    if (zeebe_error_grpc_status(c->error) != status) {
        fprintf(stderr, "status %d: %s\n", zeebe_error_grpc_status(c->error), c->error ? zeebe_error_message(c->error) : "");
        exit(1);
    }
}

static inline void free_call(kept_call *c)
{
    zeebe_call_free(c->call);
    for (int i = 0; i < c->count; i++) zeebe_buffer_free(c->messages[i]);
    zeebe_error_free(c->error);
    zeebe_metadata_free(c->initial);
    zeebe_metadata_free(c->trailers);
}

static inline void start_unary(kept_call *c, const char *method, pb message, zeebe_call_options options)
{
    *c = (kept_call){.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    OK(zeebe_channel_unary_call(channel, method, message.data, message.length, &options, keep_response, c, &c->call));
    pb_free(&message);
}

static inline void unary(kept_call *c, const char *method, pb message, zeebe_call_options options, int32_t status)
{
    start_unary(c, method, message, options);
    ends_with(c, status);
    CHECK(c->count == (status == 0));
}

static inline pb_view content(const zeebe_buffer *buffer)
{
    pb_view view;
    view.data = zeebe_buffer_data(buffer, &view.length);
    return view;
}

/* The message has a payload of so many zeros. */
static inline void has_payload(const kept_call *c, int index, size_t size)
{
    pb_view payload, body;
    CHECK(index < c->count && pb_find(content(c->messages[index]), RESPONSE_PAYLOAD, &payload, NULL));
    CHECK(pb_find(payload, PAYLOAD_BODY, &body, NULL) && body.length == size);
    for (size_t i = 0; i < size; i++) CHECK(body.data[i] == 0);
}

static inline void has_pair(const zeebe_metadata *metadata, const char *key, const char *value)
{
    for (size_t i = 0; i < zeebe_metadata_count(metadata); i++) {
        size_t length;
        const uint8_t *found = zeebe_metadata_value(metadata, i, &length);
        if (!strcmp(zeebe_metadata_key(metadata, i), key) && length == strlen(value) && !memcmp(found, value, length)) return;
    }
    fprintf(stderr, "no such metadata: %s\n", key);
    exit(1);
}

#endif
