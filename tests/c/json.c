/* Messages as JSON by RPC name, and descriptor sets that the program brings. PLAINTEXT is the gateway's address; NEWER, CUSTOM and
   INCOMPLETE are files with descriptor sets. */
#include "check.h"

static zeebe_channel *channel;

static zeebe_buffer *request(const char *method, const char *json)
{
    zeebe_buffer *message = NULL;
    OK(zeebe_request_from_json(method, json, &message));
    return message;
}

static void refused(const char *method, const char *json, const char *reason)
{
    zeebe_buffer *message = NULL;
    FAILS(zeebe_request_from_json(method, json, &message), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, reason);
    CHECK(!message);
}

static char *response(const char *method, const void *message, size_t length)
{
    char *json = NULL;
    OK(zeebe_response_to_json(method, message, length, &json));
    return json;
}

/* The request's own message printed, by a method that takes and gives the same. */
static void prints(const char *method, const char *given, const char *expected)
{
    size_t length;
    zeebe_buffer *message = request(method, given);
    const uint8_t *data = zeebe_buffer_data(message, &length);
    char *json = response(method, data, length);
    if (strcmp(json, expected) != 0) {
        fprintf(stderr, "%s\n%s\n", json, expected);
        exit(1);
    }
    zeebe_string_free(json);
    zeebe_buffer_free(message);
}

static void call(const char *method, const char *json, const char *expected)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    char *answer = NULL;
    options.timeout_ms = 20000;
    OK(zeebe_channel_json_call_sync(channel, method, json, &options, &answer));
    if (!strstr(answer, expected)) {
        fprintf(stderr, "%s: %s has no %s\n", method, answer, expected);
        exit(1);
    }
    zeebe_string_free(answer);
}

static zeebe_error *register_set(const char *name)
{
    uint8_t bytes[65536];
    FILE *in = fopen(env(name), "r");
    CHECK(in);
    size_t length = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    CHECK(length > 0 && length < sizeof bytes);
    return zeebe_register_descriptor_set(bytes, length);
}

static void requests_are_checked_and_errors_name_the_place(void)
{
    zeebe_buffer_free(request("Topology", "{}"));
    zeebe_buffer_free(request("/gateway_protocol.Gateway/CompleteJob", "{\"jobKey\": \"9223372036854775807\"}"));
    refused("Nonsense", "{}", "\"Nonsense\" is no RPC");
    refused("/a.B/C", "{}", "/a.B/C");
    refused("DeployResource", "{\"resources\":[{\"name\":\"a\"},{\"foo\":1}]}", "resources[1].foo");
    refused("DeployResource", "{\"resources\":[{\"name\":\"a\",\"name\":\"a\"}]}", "resources[0].name: it is given twice");
    refused("CompleteJob", "{\"jobKey\":9223372036854775808}", "jobKey");
    refused("CompleteJob", "{\"jobKey\":-9223372036854775809}", "jobKey: a number out of range");
    refused("CompleteJob", "{\"variables\":[]}", "variables: invalid type");
    zeebe_buffer_free(request("CompleteJob", "{\"variables\":{\"a\":{}}}"));
    refused("CompletJob", "{}", "did you mean CompleteJob?");
    refused("FailJob", "{\"retries\":2147483648}", "retries");
    refused("Topology", "{", "EOF");
    char *deep = malloc(1 << 20);
    CHECK(deep);
    memset(deep, '[', 1 << 20);
    deep[(1 << 20) - 1] = 0;
    memcpy(deep, "{\"variables\":", 13);
    refused("CompleteJob", deep, "variables: ");
    memcpy(deep, "{\"resources\":", 13);
    refused("DeployResource", deep, "recursion limit");
    free(deep);
}

static void answers_show_all_fields_but_those_unknown(void)
{
    const uint8_t unknown[] = {0x20, 7, 0xf8, 0x3f, 1}; /* processInstanceKey 7; field 1023 */
    char *json = response("CreateProcessInstance", unknown, sizeof unknown);
    CHECK(strcmp(json, "{\"processDefinitionKey\":\"0\",\"bpmnProcessId\":\"\",\"version\":0,\"processInstanceKey\":\"7\","
                       "\"tenantId\":\"\",\"tags\":[]}") == 0);
    zeebe_string_free(json);
    json = NULL;
    FAILS(zeebe_response_to_json("StreamActivatedJobs", (const uint8_t *)"\xff", 1, &json), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "ActivatedJob");
    FAILS(zeebe_response_to_json("CreateProcessInstance", (const uint8_t *)"\xff", 1, &json), ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
          "CreateProcessInstanceResponse");
    CHECK(!json);
    zeebe_error *error = zeebe_response_to_json("CreateProcessInstance", (const uint8_t *)"\xff", 1, &json);
    CHECK(zeebe_error_may_have_been_processed(error)); /* an answer that cannot be read is an answer */
    zeebe_error_free(error);
}

typedef struct {
    const char *name;
    const char *bytes;
    size_t length;
    const char *reason;
} unreadable;

#define BYTES(text) text, sizeof(text) - 1

static void refused_bytes(const char *method, const unreadable *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *json = NULL;
        zeebe_error *error = zeebe_response_to_json(method, (const uint8_t *)rows[i].bytes, rows[i].length, &json);
        if (zeebe_error_kind(error) != ZEEBE_ERROR_KIND_INVALID_ARGUMENT || !strstr(zeebe_error_message(error), rows[i].reason)) {
            fprintf(stderr, "%s: kind %d: %s\n", rows[i].name, zeebe_error_kind(error), error ? zeebe_error_message(error) : json);
            exit(1);
        }
        CHECK(!json);
        zeebe_error_free(error);
    }
}

/* Whatever the bytes are, it is they that are wrong. */
static void bytes_that_are_no_such_message_are_refused(void)
{
    static const unreadable broken[] = {
        {"a length beyond the end", BYTES("\x12\x05p"), "no gateway_protocol.CreateProcessInstanceResponse"},
        {"a varint without end", BYTES("\x20\xff"), "no gateway_protocol"},
        {"a varint of eleven bytes", BYTES("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "no gateway_protocol"},
        {"field number 0", BYTES("\x00\x01"), "no gateway_protocol"},
        {"wire type 7", BYTES("\x27"), "no gateway_protocol"},
        {"a number where text is", BYTES("\x10\x01"), "no gateway_protocol"},
        {"text where a number is", BYTES("\x22\x01p"), "no gateway_protocol"},
        {"a group where text is", BYTES("\x13\x14"), "no gateway_protocol"},
        {"a group without end", BYTES("\xfb\x3f"), "no gateway_protocol"},
        {"the end of no group", BYTES("\xfc\x3f"), "no gateway_protocol"},
        {"the end of another group", BYTES("\xfb\x3f\x84\x40"), "no gateway_protocol"},
        {"text that is not UTF-8", BYTES("\x12\x02\xc3\x28"), "no gateway_protocol"},
        {"half a surrogate pair", BYTES("\x12\x03\xed\xa0\x80"), "no gateway_protocol"},
    };
    refused_bytes("CreateProcessInstance", broken, sizeof broken / sizeof *broken);
    enum { DEEP = 1 << 20 };
    unreadable deep = {"groups within groups", malloc(DEEP), DEEP, "no gateway_protocol"};
    CHECK(deep.bytes);
    for (size_t i = 0; i < DEEP; i += 2) memcpy((char *)deep.bytes + i, "\xfb\x3f", 2);
    refused_bytes("CreateProcessInstance", &deep, 1);
    free((char *)deep.bytes);
}

/* Readable, but JSON has no words for it. */
static void messages_without_a_json_form_are_refused(void)
{
    static const unreadable wordless[] = {
        {"an Any of an unknown type", BYTES("\x0a\x0d\x0a\x0b\x78\x2e\x63\x6f\x6d\x2f\x6e\x6f\x2e\x4e\x6f"),
         "custom.Wrapped has no JSON form: message 'no.No' not found"},
        {"an Any of no type", BYTES("\x0a\x00"), "no JSON form"},
        {"an Any whose type is no URL", BYTES("\x0a\x03\x0a\x01x"), "no JSON form"},
        {"an Any that holds no such message",
         BYTES("\x0a\x17\x0a\x12\x78\x2e\x63\x6f\x6d\x2f\x63\x75\x73\x74\x6f\x6d\x2e\x53\x68\x61\x70\x65\x12\x01\xff"), "no JSON form"},
        {"a Duration beyond ten thousand years", BYTES("\x12\x07\x08\x81\xbc\xae\xce\x97\x09"), "no JSON form"},
        {"a Duration of more than a second of nanoseconds", BYTES("\x12\x06\x10\x80\x94\xeb\xdc\x03"), "no JSON form"},
        {"a Timestamp after the year 9999", BYTES("\x1a\x07\x08\x80\x83\xd1\xff\xaf\x07"), "no JSON form"},
        {"a Timestamp before the year 1", BYTES("\x1a\x0b\x08\xff\x91\xb8\xc3\x98\xfe\xff\xff\xff\x01"), "no JSON form"},
        {"a FieldMask that no camel case stands for", BYTES("\x22\x03\x0a\x01\x41"), "no JSON form"},
        {"a Value that is no number", BYTES("\x2a\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f"), "no JSON form"},
        {"a Duration cut off", BYTES("\x12\x02\x08\xff"), "no custom.Wrapped"},
    };
    refused_bytes("/custom.Shapes/Wrap", wordless, sizeof wordless / sizeof *wordless);
    prints("/custom.Shapes/Wrap",
           "{\"duration\":\"1.5s\",\"signed\":9007199254740992.0,\"unsigned\":1.8446744073709549568e19,\"numbers\":[1e18,\"-1\"],\"named\":{\"a\":-"
           "9223372036854775808}}",
           "{\"duration\":\"1.500s\",\"signed\":\"9007199254740992\",\"unsigned\":\"18446744073709549568\",\"numbers\":[\"1000000000000000000\",\"-"
           "1\"],\"named\":{\"a\":\"-9223372036854775808\"}}");
    refused("/custom.Shapes/Wrap", "{\"signed\":9223372036854775808}", "signed: a number out of range");
    refused("/custom.Shapes/Wrap", "{\"signed\":9007199254740993.0}", "signed: a number with more digits");
    refused("/custom.Shapes/Wrap", "{\"unsigned\":18446744073709551616}", "unsigned: a number out of range");
    refused("/custom.Shapes/Wrap", "{\"unsigned\":-1}", "unsigned: a number out of range");
    refused("/custom.Shapes/Wrap", "{\"numbers\":[1,1e20]}", "numbers[1]: a number out of range");
    refused("/custom.Shapes/Wrap", "{\"numbers\":[1.5]}", "numbers[0]: a number that is not whole");
    refused("/custom.Shapes/Wrap", "{\"named\":{\"a\":9007199254740993e0}}", "named.a: a number with more digits");
}

static void calls_of_every_kind(void)
{
    char *answer = NULL;
    call("Topology", "{}", "\"clusterSize\":1");
    call("ActivateJobs", "{\"type\":\"nobody\",\"worker\":\"w\",\"timeout\":1000,\"maxJobsToActivate\":1,\"requestTimeout\":-1}", "[]");
    FAILS(zeebe_channel_json_call_sync(channel, "StreamActivatedJobs", "{}", NULL, &answer), ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
          "zeebe_channel_start_call");
    FAILS(zeebe_channel_json_call_sync(channel, "ActivateJobs", "{\"foo\":1}", NULL, &answer), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "foo");
    FAILS(zeebe_channel_json_call_sync(channel, "ActivateJobs", "{}", NULL, &answer), ZEEBE_ERROR_KIND_RPC, "blank");
}

static void a_custom_service_is_known_once_it_is_registered(void)
{
    char *answer = NULL;
    refused("/custom.Shapes/Draw", "{}", "/custom.Shapes/Draw");
    FAILS(register_set("INCOMPLETE"), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "google/protobuf/timestamp.proto");
    refused("/custom.Shapes/Draw", "{}", "/custom.Shapes/Draw");
    OK(register_set("CUSTOM"));
    OK(register_set("CUSTOM"));
    prints("/custom.Shapes/Draw",
           "{\"colour\":\"RED\",\"area\":18446744073709551615,\"corners\":0,\"parts\":{\"a\":{\"colour\":9}},"
           "\"drawn\":\"2026-01-02T03:04:05Z\",\"image\":\"AP8\",\"weight\":\"NaN\"}",
           "{\"colour\":\"RED\",\"area\":\"18446744073709551615\",\"corners\":0,\"parts\":{\"a\":{\"colour\":9,\"area\":\"0\",\"parts\":{},"
           "\"image\":\"\",\"weight\":0.0,\"drawnBy\":\"\"}},\"drawn\":\"2026-01-02T03:04:05Z\",\"image\":\"AP8=\",\"weight\":\"NaN\",\"drawnBy\":"
           "\"\"}");
    refused("/custom.Shapes/Draw", "{\"parts\":{\"a\":{\"b\":1}}}", "parts.a.b: there is no such field");
    refused("/custom.Shapes/Draw", "{\"parts\":{\"a\":{},\"a\":{}}}", "parts.a: it is given twice");
    refused("/custom.Shapes/Draw", "{\"drawnBy\":\"a\",\"drawn_by\":\"b\"}", "drawn_by: it is given twice");
    refused("/custom.Shapes/Draw", "{\"colour\":\"GREEN\"}", "colour: unrecognized enum value 'GREEN'");
    refused("/custom.Shapes/Draw", "{\"area\":-1}", "area");
    refused("/custom.Shapes/Draw", "{\"area\":18446744073709551616}", "area: a number out of range");
    refused("Draw", "{}", "\"Draw\"");
    FAILS(zeebe_channel_json_call_sync(channel, "/custom.Shapes/Draw", "{}", NULL, &answer), ZEEBE_ERROR_KIND_RPC, "");
    FAILS(zeebe_channel_json_call_sync(channel, "/custom.Shapes/Watch", "{}", NULL, &answer), ZEEBE_ERROR_KIND_RPC, "");
    FAILS(zeebe_channel_json_call_sync(channel, "/custom.Shapes/Collect", "{}", NULL, &answer), ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
          "zeebe_channel_start_call");
    call("Topology", "{}", "\"clusterSize\":1"); /* the gateway's protocol is still there */
}

static void *look_up(void *unused)
{
    for (int i = 0; i < 200; i++) zeebe_buffer_free(request("/custom.Shapes/Draw", "{\"area\":1}"));
    return unused;
}

static void sets_are_registered_while_others_are_used(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, look_up, NULL) == 0);
    for (int i = 0; i < 20; i++) OK(register_set("CUSTOM"));
    for (int i = 0; i < 3; i++) JOIN(threads[i]);
}

static void a_newer_gateway_takes_the_place_of_the_built_in_one(void)
{
    FAILS(zeebe_register_descriptor_set((const uint8_t *)"\xff", 1), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "descriptor set");
    FAILS(zeebe_register_descriptor_set(NULL, 0), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "no service");
    FAILS(zeebe_register_descriptor_set(NULL, 1), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "descriptor_set is NULL");
    call("Topology", "{}", "\"clusterSize\":1");
    OK(register_set("NEWER"));
    call("Topology", "{\"verbose\":true}", "{\"nodes\":1}");
    /* An answer that this protocol cannot read: the message was published all the same. */
    char *answer = NULL;
    zeebe_error *error = zeebe_channel_json_call_sync(channel, "PublishMessage", "{\"name\":\"m\",\"correlationKey\":\"k\"}", NULL, &answer);
    CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_RPC && zeebe_error_grpc_status(error) == ZEEBE_STATUS_INTERNAL && !answer);
    CHECK(zeebe_error_may_have_been_processed(error) && strstr(zeebe_error_message(error), "gateway_protocol.PublishMessageResponse"));
    zeebe_error_free(error);
    refused("CompleteJob", "{}", "CompleteJob");
}

int main(void)
{
    channel = insecure(env("PLAINTEXT"));
    requests_are_checked_and_errors_name_the_place();
    answers_show_all_fields_but_those_unknown();
    bytes_that_are_no_such_message_are_refused();
    calls_of_every_kind();
    a_custom_service_is_known_once_it_is_registered();
    messages_without_a_json_form_are_refused();
    sets_are_registered_while_others_are_used();
    a_newer_gateway_takes_the_place_of_the_built_in_one();
    zeebe_channel_free(channel);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
