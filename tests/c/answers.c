/* What an HTTP answer comes to: gRPC's tables of statuses, row by row, which of them wins, and metadata that is too long. */
#define _GNU_SOURCE
#include "gateway.h"

static gateway g;
static zeebe_channel *channel;

/* The next call gets this: headers a line each, and after an empty line the trailers. */
static void answer(int status, const char *text, size_t length)
{
    char request[64];
    snprintf(request, sizeof request, "POST /fault?kind=answer&status=%d", status);
    free(gateway_ask(&g, request, text, length));
}

static void fails(const char *what, ended end, int32_t code, const char *message)
{
    int retryable = code == ZEEBE_STATUS_UNAVAILABLE || code == ZEEBE_STATUS_RESOURCE_EXHAUSTED;
    if (end.status == code && end.retryable == retryable && end.processed && strstr(end.message, message)) return;
    fprintf(stderr, "%s: status %d, not %d; processed %d, retryable %d: %s\n", what, end.status, code, end.processed, end.retryable, end.message);
    exit(1);
}

static void expect(int status, const char *text, int32_t code, const char *message)
{
    char what[512];
    answer(status, text, strlen(text));
    snprintf(what, sizeof what, "HTTP %d, %s", status, text);
    fails(what, topology(channel), code, message);
    CHECK(topology(channel).status == 0);
}

/* "HTTP to gRPC Status Code Mapping". */
static const struct {
    int http;
    int32_t code;
} MAPPING[] = {
    {200, ZEEBE_STATUS_UNKNOWN},       {201, ZEEBE_STATUS_UNKNOWN},     {204, ZEEBE_STATUS_UNKNOWN},         {301, ZEEBE_STATUS_UNKNOWN},
    {304, ZEEBE_STATUS_UNKNOWN},       {400, ZEEBE_STATUS_INTERNAL},    {401, ZEEBE_STATUS_UNAUTHENTICATED}, {403, ZEEBE_STATUS_PERMISSION_DENIED},
    {404, ZEEBE_STATUS_UNIMPLEMENTED}, {405, ZEEBE_STATUS_UNKNOWN},     {408, ZEEBE_STATUS_UNKNOWN},         {413, ZEEBE_STATUS_UNKNOWN},
    {418, ZEEBE_STATUS_UNKNOWN},       {429, ZEEBE_STATUS_UNAVAILABLE}, {431, ZEEBE_STATUS_INTERNAL},        {499, ZEEBE_STATUS_UNKNOWN},
    {500, ZEEBE_STATUS_UNKNOWN},       {501, ZEEBE_STATUS_UNKNOWN},     {502, ZEEBE_STATUS_UNAVAILABLE},     {503, ZEEBE_STATUS_UNAVAILABLE},
    {504, ZEEBE_STATUS_UNAVAILABLE},   {505, ZEEBE_STATUS_UNKNOWN},     {599, ZEEBE_STATUS_UNKNOWN},         {799, ZEEBE_STATUS_UNKNOWN},
};

static void each_http_status_has_its_code_unless_there_is_a_grpc_status(void)
{
    for (size_t i = 0; i < sizeof MAPPING / sizeof *MAPPING; i++) {
        int http = MAPPING[i].http;
        int32_t code = MAPPING[i].code;
        char number[16];
        snprintf(number, sizeof number, "HTTP %d", http);
        expect(http, "content-type:text/html", code, number);
        expect(http, "", code, "no content type");
        expect(http, "content-type:text/html\ngrpc-status:5", code, number); /* it does not say that it is gRPC */
        expect(http, "content-type:application/grpc", code, "no grpc-status");
        expect(http, "content-type:application/grpc\ngrpc-status:5\ngrpc-message:none", ZEEBE_STATUS_NOT_FOUND, "none");
        if (http == 204 || http == 304) continue; /* without a body by definition */
        expect(http, "content-type:application/grpc\n\ngrpc-status:5\ngrpc-message:none", ZEEBE_STATUS_NOT_FOUND, "none");
        expect(http, "content-type:application/grpc\n\nother:1", code, "no grpc-status");
        expect(http, "content-type:application/grpc\n\n", code, "no grpc-status");
        const char *good = "content-type:application/grpc\n\ngrpc-status:0";
        answer(http, good, strlen(good));
        CHECK(topology(channel).status == 0);
    }
    /* Trailers come before what the headers said. */
    expect(200, "content-type:application/grpc\ngrpc-status:14\ngrpc-message:early\n\n", ZEEBE_STATUS_UNAVAILABLE, "early");
    expect(200, "content-type:application/grpc\ngrpc-status:0\n\ngrpc-status:9\ngrpc-message:late", ZEEBE_STATUS_FAILED_PRECONDITION, "late");
    expect(503, "content-type:application/grpc\ngrpc-status:14\n\ngrpc-status:9\ngrpc-message:late", ZEEBE_STATUS_FAILED_PRECONDITION, "late");
    expect(200, "content-type:application/grpc\ngrpc-status:0", ZEEBE_STATUS_INTERNAL, "no message");
}

static void content_types_are_compared_whole_and_without_case(void)
{
    static const char *const ours[] = {"application/grpc",       "application/grpc+proto",
                                       "application/grpc+json",  "application/grpc;charset=utf-8",
                                       "application/grpc ; a=b", "application/grpc+proto; a=\"b;c\"",
                                       "Application/GRPC",       "APPLICATION/GRPC+PROTO",
                                       " application/grpc "};
    static const char *const others[] = {"application/grpc-web",
                                         "application/grpc-web+proto",
                                         "application/grpc-web-text",
                                         "application/grpcfoo",
                                         "application/grp",
                                         "application/",
                                         "application/json",
                                         "text/html",
                                         "",
                                         "application /grpc",
                                         "application/grpc, text/html",
                                         "application/grpc text",
                                         "xapplication/grpc",
                                         "application/grpc+pro to",
                                         "grpc",
                                         "application/grpc\ncontent-type:text/html"};
    char text[256];
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        snprintf(text, sizeof text, "content-type:%s\ngrpc-status:5\ngrpc-message:none", ours[i]);
        expect(200, text, ZEEBE_STATUS_NOT_FOUND, "none");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(text, sizeof text, "content-type:%s\ngrpc-status:5\ngrpc-message:none", others[i]);
        expect(200, text, ZEEBE_STATUS_UNKNOWN, "in place of gRPC, with the content type");
        snprintf(text, sizeof text, "content-type:%s\n\ngrpc-status:0", others[i]);
        expect(200, text, ZEEBE_STATUS_UNKNOWN, "in place of gRPC");
    }
}

static void odd_statuses_are_unknown_and_shown(void)
{
    static const char *const odd[] = {"17", "99", "-1", "+5", "00", "05", "5.0", "five", "", "1 4", "0x5", "4294967301", "0,5"};
    char text[256], shown[64];
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        snprintf(shown, sizeof shown, "\"%s\"", odd[i]);
        snprintf(text, sizeof text, "content-type:application/grpc\ngrpc-status:%s\ngrpc-message:why", odd[i]);
        expect(200, text, ZEEBE_STATUS_UNKNOWN, shown);
        expect(503, text, ZEEBE_STATUS_UNKNOWN, "why; ");
        snprintf(text, sizeof text, "content-type:application/grpc\n\ngrpc-status:%s", odd[i]);
        expect(200, text, ZEEBE_STATUS_UNKNOWN, shown);
    }
    for (int code = 1; code <= 16; code++) {
        snprintf(text, sizeof text, "content-type:application/grpc\ngrpc-status:%d\ngrpc-message:said%%20so", code);
        expect(200, text, code, "said so");
        snprintf(text, sizeof text, "content-type:application/grpc\n\ngrpc-status: %d \ngrpc-message:said%%20so", code);
        expect(200, text, code, "said so");
    }
    expect(200, "content-type:application/grpc\ngrpc-status:0\ngrpc-status:5", ZEEBE_STATUS_UNKNOWN, "two grpc-status, \"0\" and \"5\"");
    expect(200, "content-type:application/grpc\ngrpc-status:5\ngrpc-status:5", ZEEBE_STATUS_NOT_FOUND, "");
}

static int64_t retry_after(int status, const char *text)
{
    zeebe_response *response = NULL;
    answer(status, text, strlen(text));
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response);
    CHECK(error);
    int64_t pause = zeebe_error_retry_after_ms(error);
    zeebe_error_free(error);
    return pause;
}

static void a_proxy_says_when_to_come_back(void)
{
    CHECK(retry_after(503, "content-type:text/html\nretry-after:7") == 7000);
    CHECK(retry_after(429, "retry-after:1.5") == 1500);
    CHECK(retry_after(503, "retry-after:0") == 0);
    CHECK(retry_after(503, "retry-after:9999") == 300000);
    CHECK(retry_after(503, "x-retry-after:2") == 2000);
    CHECK(retry_after(429, "ratelimit-reset:3") == 3000);
    CHECK(retry_after(503, "content-type:application/grpc\nretry-after:7") == 7000); /* and no grpc-status */
    CHECK(retry_after(503, "retry-after:soon") == -1);
    CHECK(retry_after(503, "retry-after:-1") == -1);
    CHECK(retry_after(503, "") == -1);
    CHECK(retry_after(200, "content-type:application/grpc\ngrpc-status:14\nretry-after:7") == -1); /* gRPC says it otherwise */
    CHECK(retry_after(200, "content-type:application/grpc\ngrpc-status:14\ngrpc-retry-pushback-ms:8") == 8);
    /* A google.rpc.Status with a google.rpc.RetryInfo of 2.5 s; a pushback comes first. */
    const char *details = "GjYKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SCgoICAIQgMq17gE=";
    char text[256];
    snprintf(text, sizeof text, "content-type:application/grpc\ngrpc-status:8\ngrpc-status-details-bin:%s", details);
    CHECK(retry_after(200, text) == 2500);
    snprintf(text, sizeof text, "content-type:application/grpc\ngrpc-status:8\ngrpc-retry-pushback-ms:8\ngrpc-status-details-bin:%s", details);
    CHECK(retry_after(200, text) == 8);
    time_t soon = time(NULL) + 100;
    struct tm date;
    strftime(text, sizeof text, "retry-after:%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &date));
    int64_t pause = retry_after(503, text);
    CHECK(pause > 60000 && pause <= 100000);
}

typedef struct {
    tally t;
    int32_t status, processed;
    size_t length, details;
    int said; /* that the message was cut */
} closed;

static void judge(closed *c, const zeebe_error *error)
{
    const char *message = zeebe_error_message(error);
    CHECK(error && zeebe_error_kind(error) == ZEEBE_ERROR_KIND_RPC && zeebe_error_source(error) == ZEEBE_ERROR_SOURCE_GATEWAY);
    c->status = zeebe_error_grpc_status(error);
    c->processed = zeebe_error_may_have_been_processed(error);
    c->length = strspn(message, "x");
    c->said = strstr(message, "cut") && strstr(message, "grpc.max_metadata_size allows");
    zeebe_error_details(error, &c->details);
}

static void on_end(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    closed *c = user_data;
    (void)trailers;
    judge(c, error);
    tally_end(&c->t, error);
}

/* How the answer ends a call of each kind. */
static closed end_of(int kind, const char *text, size_t length)
{
    closed c = {.t = TALLY_INIT};
    zeebe_response *response = NULL;
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call *call = NULL;
    char *json = NULL;
    answer(200, text, length);
    if (kind == 0) {
        zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response);
        judge(&c, error);
        zeebe_error_free(error);
    } else if (kind == 1) {
        zeebe_error *error = zeebe_channel_json_call_sync(channel, "Topology", "{}", NULL, &json);
        judge(&c, error);
        zeebe_error_free(error);
    } else {
        handler.on_close = on_end;
        OK(zeebe_channel_start_call(channel, TOPOLOGY, NULL, &handler, &c, &call));
        OK(zeebe_call_send_message(call, NULL, 0));
        OK(zeebe_call_half_close(call));
        tally_wait(&c.t, &c.t.calls, 1);
        zeebe_call_free(call);
    }
    return c;
}

/* Zeebe's validator writes 12 KB and more. */
static void a_long_rejection_keeps_its_status(void)
{
    enum { LIMIT = 16384, FIELDS = 11 + 1 + 32 + 12 + 32 }; /* grpc-status: 3 and the name of grpc-message */
    static const struct {
        size_t length, kept;
    } rows[] = {
        {0, 0},
        {9000, 9000},
        {12000, 12000},
        {LIMIT - FIELDS, LIMIT - FIELDS},
        {LIMIT - FIELDS + 1, LIMIT - FIELDS},
        {20000, LIMIT - FIELDS},
        {1 << 20, LIMIT - FIELDS},
    };
    const char *heads[] = {"content-type:application/grpc\n\ngrpc-status:3\ngrpc-message:",
                           "content-type:application/grpc\ngrpc-status:3\ngrpc-message:"};
    char *text = malloc(2 << 20);
    CHECK(text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int shape = 0; shape < 2; shape++) {
            for (int kind = 0; kind < 3; kind++) {
                size_t head = strlen(heads[shape]), length = rows[i].length;
                memcpy(text, heads[shape], head);
                memset(text + head, 'x', length);
                closed c = end_of(kind, text, head + length);
                int at_limit = shape == 1 && rows[i].length + FIELDS > LIMIT - 200; /* other headers count there, too */
                if (c.status != ZEEBE_STATUS_INVALID_ARGUMENT || !c.processed ||
                    (!at_limit && (c.length != rows[i].kept || c.said != (length > c.length))) || (at_limit && !c.said)) {
                    fprintf(stderr, "a message of %zu, shape %d, kind %d: status %d, processed %d, %zu kept, said %d\n", length, shape, kind,
                            c.status, c.processed, c.length, c.said);
                    exit(1);
                }
                CHECK(topology(channel).status == 0);
            }
        }
    }
    /* Details are whole, whatever they take, and leave something of the message. */
    size_t length = (size_t)sprintf(text, "content-type:application/grpc\n\ngrpc-status:3\ngrpc-message:xxx\ngrpc-status-details-bin:");
    memset(text + length, 'A', 40000);
    for (int kind = 0; kind < 3; kind++) {
        closed c = end_of(kind, text, length + 40000);
        CHECK(c.status == ZEEBE_STATUS_INVALID_ARGUMENT && c.details == 30000 && c.length == 3 && !c.said);
    }
    free(text);
}

static size_t of_key(const zeebe_metadata *metadata, const char *key)
{
    size_t length = 0;
    for (size_t i = 0; i < zeebe_metadata_count(metadata); i++) {
        if (!strcmp(zeebe_metadata_key(metadata, i), key)) zeebe_metadata_value(metadata, i, &length);
    }
    return length;
}

static void metadata_beyond_the_limit_is_left_out_and_the_answer_is_good(void)
{
    char *text = malloc(1 << 20);
    CHECK(text);
    for (int place = 0; place < 2; place++) {
        for (size_t length = 10; length <= 300000; length *= 100) {
            zeebe_response *response = NULL;
            size_t at = (size_t)sprintf(text, "content-type:application/grpc\nshort:1\n%s:", place ? "\ngrpc-status:0\nshort:1\nlarge" : "large");
            memset(text + at, 'x', length);
            at += length;
            if (!place) at += (size_t)sprintf(text + at, "\n\ngrpc-status:0");
            answer(200, text, at);
            OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
            const zeebe_metadata *metadata = place ? zeebe_response_trailers(response) : zeebe_response_initial_metadata(response);
            CHECK(of_key(metadata, "short") == 1 && of_key(metadata, "large") == (length < 16384 ? length : 0));
            zeebe_response_free(response);
        }
    }
    /* A failure says that there was more. */
    size_t at = (size_t)sprintf(text, "content-type:application/grpc\n\ngrpc-status:8\ngrpc-message:busy\ngrpc-retry-pushback-ms:9\nlarge:");
    memset(text + at, 'x', 100000);
    answer(200, text, at + 100000);
    zeebe_response *response = NULL;
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response);
    CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_RESOURCE_EXHAUSTED && zeebe_error_is_retryable(error) &&
          zeebe_error_retry_after_ms(error) == 9);
    CHECK(!strncmp(zeebe_error_message(error), "busy (some metadata is left out: ", 33) && !of_key(zeebe_error_trailers(error), "large"));
    zeebe_error_free(error);
    free(text);
}

/* 103 before the real answer is passed over (RFC 9110 section 15.2). */
static void informational_answers_are_passed_over(void)
{
    static const uint8_t headers[] = {0, 0, 5, 1, 4, 0, 0, 0, 3, 0x08, 3, '1', '0', '3'};
    background b = {channel, {0}};
    pthread_t thread;
    CHECK(topology(channel).status == 0); /* on stream 1 */
    long calls = gateway_count(&g, "Topology");
    gateway_tell(&g, "POST /latency?ms=2000");
    CHECK(pthread_create(&thread, NULL, calling, &b) == 0);
    UNTIL(gateway_count(&g, "Topology") > calls);
    free(gateway_ask(&g, "POST /inject", headers, sizeof headers));
    gateway_tell(&g, "POST /latency?ms=0");
    JOIN(thread);
    CHECK(b.end.status == 0);
}

static void the_service_config_may_shorten_limits_and_shows_what_it_cannot_do(void)
{
    const char *config =
        "{\"methodConfig\":[{\"name\":[{}],\"maxRequestMessageBytes\":\"4\",\"maxResponseMessageBytes\":1.0}],\"healthCheckConfig\":{}}";
    zeebe_channel *limited =
        channel_new((channel_arguments){.address = gateway_address(&g, "plaintext"), .options = {TEXT("grpc.service_config", config)}});
    zeebe_response *response = NULL;
    char *described = NULL;
    ended end = topology(limited);
    CHECK(end.status == ZEEBE_STATUS_RESOURCE_EXHAUSTED &&
          strstr(end.message, "than the 1 that maxResponseMessageBytes of the service config allows"));
    zeebe_error *error = zeebe_channel_unary_call_sync(limited, TOPOLOGY, (const uint8_t *)"12345", 5, NULL, &response);
    CHECK(zeebe_error_grpc_status(error) == ZEEBE_STATUS_RESOURCE_EXHAUSTED && !zeebe_error_may_have_been_processed(error));
    CHECK(strstr(zeebe_error_message(error), "of 5 bytes is longer than the 4 that maxRequestMessageBytes of the service config allows"));
    zeebe_error_free(error);
    OK(zeebe_channel_describe(limited, &described));
    CHECK(strstr(described, "\"not_honoured\":[\"healthCheckConfig\"]"));
    zeebe_string_free(described);
    zeebe_channel_free(limited);
    /* Of the option and the config the lower one is named. */
    config = "{\"methodConfig\":[{\"name\":[{}],\"maxRequestMessageBytes\":5,\"maxResponseMessageBytes\":5}]}";
    limited = channel_new((channel_arguments){
        .address = gateway_address(&g, "plaintext"),
        .options = {TEXT("grpc.service_config", config), NUMBER("grpc.max_send_message_length", 4), NUMBER("grpc.max_receive_message_length", 3)}});
    CHECK(strstr(topology(limited).message, "than the 3 that grpc.max_receive_message_length allows"));
    error = zeebe_channel_unary_call_sync(limited, TOPOLOGY, (const uint8_t *)"12345", 5, NULL, &response);
    CHECK(strstr(zeebe_error_message(error), "than the 4 that grpc.max_send_message_length allows"));
    zeebe_error_free(error);
    zeebe_channel_free(limited);
}

int main(void)
{
    gateway_start(&g, "0");
    channel = channel_new((channel_arguments){.address = gateway_address(&g, "plaintext")});
    informational_answers_are_passed_over();
    each_http_status_has_its_code_unless_there_is_a_grpc_status();
    content_types_are_compared_whole_and_without_case();
    odd_statuses_are_unknown_and_shown();
    a_proxy_says_when_to_come_back();
    a_long_rejection_keeps_its_status();
    metadata_beyond_the_limit_is_left_out_and_the_answer_is_good();
    the_service_config_may_shorten_limits_and_shows_what_it_cannot_do();
    zeebe_channel_free(channel);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
