/* Messages as JSON by RPC name, and descriptor sets that the program brings. PLAINTEXT is the gateway's address; NEWER, CUSTOM and
   INCOMPLETE are files with descriptor sets. */
#include "check.h"

static zeebe_channel *channel;

static zeebe_buffer *request(const char *method, const char *json) {
  zeebe_buffer *message = NULL;
  OK(zeebe_request_from_json(method, json, &message));
  return message;
}

static void refused(const char *method, const char *json, const char *reason) {
  zeebe_buffer *message = NULL;
  FAILS(zeebe_request_from_json(method, json, &message), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, reason);
  CHECK(!message);
}

static char *response(const char *method, const void *message, size_t length) {
  char *json = NULL;
  OK(zeebe_response_to_json(method, message, length, &json));
  return json;
}

/* The request's own message printed, by a method that takes and gives the same. */
static void prints(const char *method, const char *given, const char *expected) {
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

static void call(const char *method, const char *json, const char *expected) {
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

static zeebe_error *register_set(const char *name) {
  uint8_t bytes[65536];
  FILE *in = fopen(env(name), "r");
  CHECK(in);
  size_t length = fread(bytes, 1, sizeof bytes, in);
  fclose(in);
  CHECK(length > 0 && length < sizeof bytes);
  return zeebe_register_descriptor_set(bytes, length);
}

static void requests_are_checked_and_errors_name_the_place(void) {
  zeebe_buffer_free(request("Topology", "{}"));
  zeebe_buffer_free(request("/gateway_protocol.Gateway/CompleteJob", "{\"jobKey\": \"9223372036854775807\"}"));
  refused("Nonsense", "{}", "\"Nonsense\" is no RPC");
  refused("/a.B/C", "{}", "/a.B/C");
  refused("DeployResource", "{\"resources\":[{\"name\":\"a\"},{\"foo\":1}]}", "resources[1].foo");
  refused("DeployResource", "{\"resources\":[{\"name\":\"a\",\"name\":\"a\"}]}", "resources[0].name: it is given twice");
  refused("CompleteJob", "{\"jobKey\":9223372036854775808}", "jobKey");
  refused("CompleteJob", "{\"jobKey\":-9223372036854775809}", "jobKey: a number out of range");
  refused("CompleteJob", "{\"variables\":{}}", "variables: invalid type");
  refused("FailJob", "{\"retries\":2147483648}", "retries");
  refused("Topology", "{", "EOF");
  char *deep = malloc(1 << 20);
  CHECK(deep);
  memset(deep, '[', 1 << 20);
  memcpy(deep, "{\"variables\":", 13);
  deep[(1 << 20) - 1] = 0;
  refused("CompleteJob", deep, "recursion limit");
  free(deep);
}

static void answers_show_all_fields_but_those_unknown(void) {
  const uint8_t unknown[] = {0x20, 7, 0xf8, 0x3f, 1}; /* processInstanceKey 7; field 1023 */
  char *json = response("CreateProcessInstance", unknown, sizeof unknown);
  CHECK(strcmp(json, "{\"processDefinitionKey\":\"0\",\"bpmnProcessId\":\"\",\"version\":0,\"processInstanceKey\":\"7\","
                     "\"tenantId\":\"\",\"tags\":[]}") == 0);
  zeebe_string_free(json);
  json = NULL;
  FAILS(zeebe_response_to_json("CreateProcessInstance", (const uint8_t *)"\xff", 1, &json), ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
        "CreateProcessInstanceResponse");
  CHECK(!json);
  zeebe_error *error = zeebe_response_to_json("CreateProcessInstance", (const uint8_t *)"\xff", 1, &json);
  CHECK(zeebe_error_may_have_been_processed(error)); /* an answer that cannot be read is an answer */
  zeebe_error_free(error);
}

static void calls_of_every_kind(void) {
  char *answer = NULL;
  call("Topology", "{}", "\"clusterSize\":1");
  call("ActivateJobs", "{\"type\":\"nobody\",\"worker\":\"w\",\"timeout\":1000,\"maxJobsToActivate\":1,\"requestTimeout\":-1}", "[]");
  FAILS(zeebe_channel_json_call_sync(channel, "StreamActivatedJobs", "{}", NULL, &answer), ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
        "zeebe_channel_start_call");
  FAILS(zeebe_channel_json_call_sync(channel, "ActivateJobs", "{\"foo\":1}", NULL, &answer), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "foo");
  FAILS(zeebe_channel_json_call_sync(channel, "ActivateJobs", "{}", NULL, &answer), ZEEBE_ERROR_KIND_RPC, "blank");
}

static void a_custom_service_is_known_once_it_is_registered(void) {
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
         "\"image\":\"\",\"weight\":0.0,\"drawnBy\":\"\"}},\"drawn\":\"2026-01-02T03:04:05Z\",\"image\":\"AP8=\",\"weight\":\"NaN\",\"drawnBy\":\"\"}");
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

static void *look_up(void *unused) {
  for (int i = 0; i < 200; i++) zeebe_buffer_free(request("/custom.Shapes/Draw", "{\"area\":1}"));
  return unused;
}

static void sets_are_registered_while_others_are_used(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, look_up, NULL) == 0);
  for (int i = 0; i < 20; i++) OK(register_set("CUSTOM"));
  for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void a_newer_gateway_takes_the_place_of_the_built_in_one(void) {
  FAILS(zeebe_register_descriptor_set((const uint8_t *)"\xff", 1), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "descriptor set");
  FAILS(zeebe_register_descriptor_set(NULL, 0), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "no service");
  FAILS(zeebe_register_descriptor_set(NULL, 1), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "descriptor_set is NULL");
  call("Topology", "{}", "\"clusterSize\":1");
  OK(register_set("NEWER"));
  call("Topology", "{\"verbose\":true}", "{\"nodes\":1}");
  refused("CompleteJob", "{}", "CompleteJob");
}

int main(void) {
  channel = insecure(env("PLAINTEXT"));
  requests_are_checked_and_errors_name_the_place();
  answers_show_all_fields_but_those_unknown();
  calls_of_every_kind();
  a_custom_service_is_known_once_it_is_registered();
  sets_are_registered_while_others_are_used();
  a_newer_gateway_takes_the_place_of_the_built_in_one();
  zeebe_channel_free(channel);
  OK(zeebe_runtime_shutdown(-1));
  return 0;
}
