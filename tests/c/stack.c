/* The least stack of a thread that calls the library: 128 KiB, as musl gives; with messages that nest as deep as is taken, and deeper. */
#define _GNU_SOURCE
#include "gateway.h"

#define NEST "/deep.Nest/Deeper"

static gateway g;
static char ca[16384], key[8192], chain[16384];

/* In `out`: `times` of `open`, then `inner`, then as many of `close`. */
static const char *deep(char *out, const char *open, int times, const char *inner, const char *close)
{
    char *end = out;
    for (int i = 0; i < times; i++) end = stpcpy(end, open);
    end = stpcpy(end, inner);
    for (int i = 0; i < times; i++) end = stpcpy(end, close);
    return out;
}

/* Writes the field's head before `at`; returns where it begins. */
static uint8_t *before(uint8_t *at, uint8_t field, size_t length)
{
    uint8_t head[8] = {(uint8_t)(field << 3 | 2)};
    size_t size = 1;
    do {
        head[size++] = (uint8_t)((length & 127) | (length > 127 ? 128 : 0));
        length >>= 7;
    } while (length);
    return memcpy(at - size, head, size);
}

/* A message in this field of a message, and so on; or in field 5 an Any with one, and so on. Returns the length. */
static size_t deep_message(uint8_t *out, size_t capacity, int times, uint8_t field)
{
    static const char TYPE[] = "\x0a\x0dx/deep.Nested";
    uint8_t *end = out + capacity, *at = end;
    for (int i = 0; i < times; i++) {
        if (field == 5) {
            at = before(at, 2, (size_t)(end - at));
            at -= sizeof TYPE - 1;
            memcpy(at, TYPE, sizeof TYPE - 1);
        }
        at = before(at, field, (size_t)(end - at));
    }
    size_t length = (size_t)(end - at);
    memmove(out, at, length);
    return length;
}

static void to_bytes(const char *method, const char *json, int accepted)
{
    zeebe_buffer *buffer = NULL;
    zeebe_error *error = zeebe_request_from_json(method, json, &buffer);
    if ((error == NULL) != accepted) fprintf(stderr, "%s of %zu bytes: %s\n", method, strlen(json), error ? zeebe_error_message(error) : "accepted");
    CHECK((error == NULL) == accepted);
    CHECK(!error || zeebe_error_kind(error) == ZEEBE_ERROR_KIND_INVALID_ARGUMENT);
    zeebe_error_free(error);
    zeebe_buffer_free(buffer);
}

static void to_json(const char *method, const uint8_t *message, size_t length, int accepted)
{
    char *json = NULL;
    zeebe_error *error = zeebe_response_to_json(method, message, length, &json);
    if ((error == NULL) != accepted) fprintf(stderr, "%s of %zu bytes: %s\n", method, length, error ? zeebe_error_message(error) : "accepted");
    CHECK((error == NULL) == accepted);
    CHECK(!error || zeebe_error_kind(error) == ZEEBE_ERROR_KIND_INVALID_ARGUMENT);
    zeebe_error_free(error);
    zeebe_string_free(json);
}

static void service_config(const char *text)
{
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel_option option = TEXT("grpc.service_config", text);
    zeebe_channel *channel = NULL;
    options.channel_options = &option;
    options.channel_options_count = 1;
    zeebe_error_free(zeebe_create_insecure_channel(&options, &channel));
    zeebe_channel_free(channel);
}

static void *nested(void *unused)
{
    static const int DEPTHS[] = {1, 7, 8, 9, 20, 40, 60, 90};
    char *text = malloc(8 << 20);
    uint8_t *bytes = malloc(8 << 20);
    CHECK(text && bytes);
    for (size_t i = 0; i < sizeof DEPTHS / sizeof *DEPTHS; i++) {
        int depth = DEPTHS[i];
        to_bytes(NEST, deep(text, "{\"inner\":", depth, "{}", "}"), 1);
        to_bytes(NEST, deep(text, "{\"many\":[", depth / 2, "{}", "]}"), 1);
        to_bytes(NEST, deep(text, "{\"map\":{\"k\":", depth / 2, "{}", "}}"), 1);
        char *inner = strdup(deep(text, "{\"a\":", depth, "[1]", "}"));
        to_bytes(NEST, deep(text, "{\"object\":", 1, inner, "}"), depth <= 40); /* each is three messages */
        free(inner);
        to_json(NEST, bytes, deep_message(bytes, 1 << 20, depth, 1), 1);
        to_json(NEST, bytes, deep_message(bytes, 1 << 20, depth / 2, 5), 1);
    }
    for (int depth = 200; depth <= 200000; depth *= 10) {
        to_bytes(NEST, deep(text, "{\"inner\":", depth, "{}", "}"), 0);
        to_bytes(NEST, deep(text, "{\"object\":{\"a\":", depth, "{}", "}}"), 0);
        to_bytes(NEST, deep(text, "[", depth, "", ""), 0);
        to_bytes("CompleteJob", deep(text, "{\"variables\":", depth, "1", "}"), 0);
        to_json(NEST, bytes, deep_message(bytes, 8 << 20, depth, 1), 0);
        to_json(NEST, bytes, deep_message(bytes, 8 << 20, depth, 5), 0); /* each Any begins anew for who counts within one alone */
        service_config(deep(text, "[", depth, "", "]"));
        service_config(deep(text, "{\"a\":", depth, "1", "}"));
    }
    service_config(deep(text, "{\"a\":", 120, "1", "}"));
    free(text);
    free(bytes);
    return unused;
}

/* What a program does first, all on the same little stack. */
static void *first_steps(void *unused)
{
    zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_call_options call = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_oauth2_client_credentials_metadata_plugin_options oauth = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = NULL, *composite = NULL;
    zeebe_metadata_plugin *plugin = NULL;
    zeebe_channel *channel = NULL;
    char *json = NULL;
    ssl.root_certificates = ca;
    ssl.private_key = key;
    ssl.certificate_chain = chain;
    OK(zeebe_ssl_channel_credentials_new(&ssl, &credentials));
    token.client_authentication = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
    token.private_key = key;
    oauth.token_options = &token;
    oauth.client_id = "demo-client";
    oauth.authorization_server = "https://login.example/token";
    OK(zeebe_oauth2_client_credentials_metadata_plugin_new(&oauth, &plugin));
    OK(zeebe_composite_channel_credentials_new(credentials, plugin, &composite));
    options.grpc_address = gateway_address(&g, "mtls");
    options.channel_credentials = credentials;
    OK(zeebe_create_secure_channel(&options, &channel));
    call.timeout_ms = 20000;
    OK(zeebe_channel_json_call_sync(channel, "Topology", "{}", &call, &json));
    zeebe_string_free(json);
    OK(zeebe_channel_describe(channel, &json));
    zeebe_string_free(json);
    zeebe_channel_free(channel);
    zeebe_channel_credentials_free(composite);
    zeebe_channel_credentials_free(credentials);
    zeebe_metadata_plugin_free(plugin);
    return unused;
}

static void *register_set(void *unused)
{
    static uint8_t set[1 << 20];
    FILE *in = fopen(env("DEEP"), "r");
    CHECK(in);
    size_t length = fread(set, 1, sizeof set, in);
    fclose(in);
    OK(zeebe_register_descriptor_set(set, length));
    /* FileDescriptorSet.file.message_type.nested_type.nested_type...: broken or not, no overflow. */
    length = deep_message(set, sizeof set, 2000, 3);
    zeebe_error_free(zeebe_register_descriptor_set(set, length));
    return unused;
}

static void on_little_stack(void *(*work)(void *))
{
    pthread_t thread;
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 128 * 1024) == 0);
    CHECK(pthread_create(&thread, &attributes, work, NULL) == 0 && pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

static void read_file(const char *name, char *text, size_t size)
{
    FILE *in = fopen(gateway_get(&g, name), "r");
    CHECK(in && fread(text, 1, size - 1, in) > 0);
    fclose(in);
}

int main(void)
{
    gateway_start(&g, "0");
    read_file("ca", ca, sizeof ca);
    read_file("client_key", key, sizeof key);
    read_file("client_certificate", chain, sizeof chain);
    on_little_stack(register_set);
    on_little_stack(nested);
    on_little_stack(first_steps);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
