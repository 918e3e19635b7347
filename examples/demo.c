/* The life of a job over each of libzeebe's four channels.
 *
 * For every channel: its settings and where each came from, the gateway's topology, a process deployed, an instance of
 * it created, its job streamed and completed. Exits 0 only if all of that worked on all four.
 *
 *     demo CA_FILE TLS_ADDRESS OAUTH_ADDRESS CLOUD_CONNECT_ADDRESS
 *
 * The other settings come from the environment: ZEEBE_ADDRESS for the insecure channel, CAMUNDA_CLIENT_ID,
 * CAMUNDA_CLIENT_SECRET, CAMUNDA_OAUTH_URL and CAMUNDA_CLUSTER_ID. `run-demo` starts a gateway and gives all of it.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zeebe.h>

enum { TIMEOUT_S = 10, KEY_SIZE = 24 };

/* ---- what is printed ---- */

static void row(const char *label, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("   %-22s", label);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

/* Whether `what` failed; if so, says why. Every error that a function returns is ours to free. */
static int failed(const char *what, zeebe_error *error)
{
    if (error == NULL) return 0;
    row("FAILED", "%s: %s", what, zeebe_error_message(error));
    zeebe_error_free(error);
    return 1;
}

/* ---- JSON ---- */

/* A string, without its quotes, or a number, inside a JSON text. */
struct value {
    const char *start;
    int length;
};

/* The value of the first "key" in `json`; its start is NULL if there is none. Enough for answers of a known form whose
 * strings need no escapes: a program of your own will use a JSON library. */
static struct value find(const char *json, const char *key)
{
    struct value value = {NULL, 0};
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);

    const char *at = strstr(json, quoted);
    for (; at != NULL; at = strstr(at, quoted)) {
        at += strlen(quoted);
        at += strspn(at, " ");
        if (*at == ':') {
            value.start = at + 1 + strspn(at + 1, " ");
            size_t length = *value.start == '"' ? strcspn(++value.start, "\"") : strcspn(value.start, ",}] \n");
            value.length = (int)length;
            break;
        }
    }
    return value;
}

/* Keys are 64-bit integers; in JSON they are strings, so they stay text here. */
static void copy_key(struct value value, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%.*s", value.length, value.start == NULL ? "" : value.start);
}

/* Bytes, such as a resource's content, are base64 in JSON. The text returned is the caller's. */
static char *base64(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text);
    char *encoded = calloc((length + 2) / 3 * 4 + 1, 1);
    if (encoded == NULL) abort();

    for (size_t in = 0, out = 0; in < length; in += 3, out += 4) {
        size_t count = length - in < 3 ? length - in : 3;
        unsigned group = 0;
        for (size_t i = 0; i < 3; i++) group = group << 8 | (i < count ? (unsigned char)text[in + i] : 0u);
        for (size_t i = 0; i < 4; i++) encoded[out + i] = i <= count ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
    return encoded;
}

/* ---- the steps of a job's life; each returns whether it worked ---- */

static int print_settings(const zeebe_channel *channel)
{
    static const char *const names[] = {
        "grpc_address", "cluster_id", "region", "client_id", "client_secret", "authorization_server", "scope", "audience", "leeway", "expire_in",
    };
    char *description = NULL;
    if (failed("describe", zeebe_channel_describe(channel, &description))) return 0;

    struct value target = find(description, "target");
    struct value security = find(description, "security");
    row("target", "%.*s over %.*s", target.length, target.start, security.length, security.start);

    const char *settings = find(description, "settings").start;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct value setting = find(settings, names[i]);
        if (setting.start == NULL) continue; /* no setting of this kind of channel */
        struct value value = find(setting.start, "value");
        struct value origin = find(setting.start, "origin");
        if (value.length == 4 && strncmp(value.start, "null", 4) == 0) value = (struct value){"none", 4};
        row(names[i], "%-42.*s %.*s", value.length, value.start, origin.length, origin.start);
    }
    zeebe_string_free(description);
    return 1;
}

static int print_topology(const zeebe_channel *channel)
{
    char *answer = NULL;
    if (failed("Topology", zeebe_channel_json_call_sync(channel, "Topology", "{}", NULL, &answer))) return 0;

    struct value version = find(answer, "gatewayVersion");
    struct value brokers = find(answer, "clusterSize");
    struct value partitions = find(answer, "partitionsCount");
    row("topology", "gateway %.*s, brokers: %.*s, partitions: %.*s", version.length, version.start, brokers.length, brokers.start, partitions.length,
        partitions.start);
    zeebe_string_free(answer);
    return 1;
}

/* Deploys a process of one service task; its id and the type of its jobs are `name`. */
static int deploy_process(const zeebe_channel *channel, const char *name)
{
    static const char bpmn[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                               "<bpmn:definitions xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\"\n"
                               "    xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\" targetNamespace=\"http://bpmn.io/schema/bpmn\">\n"
                               "  <bpmn:process id=\"%s\" isExecutable=\"true\">\n"
                               "    <bpmn:startEvent id=\"start\"/>\n"
                               "    <bpmn:sequenceFlow id=\"to-work\" sourceRef=\"start\" targetRef=\"work\"/>\n"
                               "    <bpmn:serviceTask id=\"work\">\n"
                               "      <bpmn:extensionElements><zeebe:taskDefinition type=\"%s\"/></bpmn:extensionElements>\n"
                               "    </bpmn:serviceTask>\n"
                               "    <bpmn:sequenceFlow id=\"to-end\" sourceRef=\"work\" targetRef=\"end\"/>\n"
                               "    <bpmn:endEvent id=\"end\"/>\n"
                               "  </bpmn:process>\n"
                               "</bpmn:definitions>\n";
    char process[2048];
    snprintf(process, sizeof process, bpmn, name, name);
    char *content = base64(process);
    char request[4096];
    snprintf(request, sizeof request, "{\"resources\": [{\"name\": \"%s.bpmn\", \"content\": \"%s\"}]}", name, content);
    free(content);

    char *answer = NULL;
    if (failed("DeployResource", zeebe_channel_json_call_sync(channel, "DeployResource", request, NULL, &answer))) return 0;

    struct value id = find(answer, "bpmnProcessId");
    struct value version = find(answer, "version");
    struct value key = find(answer, "processDefinitionKey");
    row("process deployed", "%.*s version %.*s, key %.*s", id.length, id.start, version.length, version.start, key.length, key.start);
    zeebe_string_free(answer);
    return 1;
}

static int create_instance(const zeebe_channel *channel, const char *name, char instance_key[KEY_SIZE])
{
    char request[256];
    snprintf(request, sizeof request, "{\"bpmnProcessId\": \"%s\", \"version\": -1, \"variables\": \"{\\\"answer\\\": 42}\"}", name);

    char *answer = NULL;
    if (failed("CreateProcessInstance", zeebe_channel_json_call_sync(channel, "CreateProcessInstance", request, NULL, &answer))) return 0;

    copy_key(find(answer, "processInstanceKey"), instance_key);
    row("instance created", "key %s", instance_key);
    zeebe_string_free(answer);
    return 1;
}

static int complete_job(const zeebe_channel *channel, const char *job_key)
{
    char request[128];
    snprintf(request, sizeof request, "{\"jobKey\": \"%s\", \"variables\": \"{\\\"done\\\": true}\"}", job_key);

    char *answer = NULL;
    if (failed("CompleteJob", zeebe_channel_json_call_sync(channel, "CompleteJob", request, NULL, &answer))) return 0;

    row("job completed", "key %s", job_key);
    zeebe_string_free(answer);
    return 1;
}

/* ---- the stream of jobs: callbacks on a library thread, and a main thread that waits for them ---- */

struct job_stream {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char *job;          /* the first one, as JSON */
    zeebe_error *error; /* why the stream ended, or why its job could not be read */
    int ended;          /* no callback will run any more */
};

static void on_message(void *user_data, const zeebe_buffer *message)
{
    struct job_stream *stream = user_data;
    size_t length = 0;
    const uint8_t *data = zeebe_buffer_data(message, &length);

    pthread_mutex_lock(&stream->mutex);
    if (stream->job == NULL && stream->error == NULL) stream->error = zeebe_response_to_json("StreamActivatedJobs", data, length, &stream->job);
    pthread_cond_signal(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
}

static void on_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    struct job_stream *stream = user_data;
    (void)trailers;

    pthread_mutex_lock(&stream->mutex);
    if (stream->error == NULL) stream->error = zeebe_error_ref(error); /* borrowed: a reference keeps it */
    pthread_mutex_unlock(&stream->mutex);
}

/* Runs once, after all others: from here on the stream's memory is the main thread's alone. */
static void on_destroy(void *user_data)
{
    struct job_stream *stream = user_data;

    pthread_mutex_lock(&stream->mutex);
    stream->ended = 1;
    pthread_cond_signal(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
}

enum until { JOB_CAME, STREAM_ENDED };

/* Waits for either; returns 0 if it did not come in time. */
static int wait_for(struct job_stream *stream, enum until until)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += 2 * TIMEOUT_S; /* the calls' own deadline comes first */

    int timed_out = 0;
    pthread_mutex_lock(&stream->mutex);
    while (!stream->ended && (until == STREAM_ENDED || (stream->job == NULL && stream->error == NULL)) && !timed_out)
        timed_out = pthread_cond_timedwait(&stream->changed, &stream->mutex, &deadline) != 0;
    pthread_mutex_unlock(&stream->mutex);
    return !timed_out;
}

static zeebe_error *start_stream(const zeebe_channel *channel, const char *type, struct job_stream *stream, zeebe_call **call)
{
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_message = on_message;
    handler.on_close = on_close;
    handler.destroy = on_destroy;

    char json[256];
    snprintf(json, sizeof json, "{\"type\": \"%s\", \"worker\": \"demo\", \"timeout\": \"60000\"}", type);
    zeebe_buffer *request = NULL;
    zeebe_error *error = zeebe_request_from_json("StreamActivatedJobs", json, &request);
    if (error == NULL) error = zeebe_channel_start_call(channel, "/gateway_protocol.Gateway/StreamActivatedJobs", NULL, &handler, stream, call);
    if (error == NULL) {
        size_t length = 0;
        const uint8_t *data = zeebe_buffer_data(request, &length);
        error = zeebe_call_send_last_message(*call, data, length);
    }
    zeebe_buffer_free(request);
    return error;
}

/* Streams jobs of a type until the first one comes. */
static int stream_job(const zeebe_channel *channel, const char *type, const char *instance_key, char job_key[KEY_SIZE])
{
    struct job_stream stream = {.job = NULL};
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&stream.changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&stream.mutex, NULL);

    zeebe_call *call = NULL;
    int streamed = !failed("StreamActivatedJobs", start_stream(channel, type, &stream, &call));
    if (call != NULL) {
        if (streamed) wait_for(&stream, JOB_CAME);
        zeebe_call_cancel(call, "one job is enough");
        zeebe_call_free(call);
        if (!wait_for(&stream, STREAM_ENDED)) {
            row("FAILED", "StreamActivatedJobs: the stream does not end");
            exit(EXIT_FAILURE); /* callbacks may still use `stream`, so there is no way back */
        }
    }

    if (streamed && stream.job == NULL) {
        const char *reason = stream.error == NULL ? "the stream ended" : zeebe_error_message(stream.error);
        row("FAILED", "StreamActivatedJobs: no job came: %s", reason);
        streamed = 0;
    }
    if (streamed) {
        char job_instance_key[KEY_SIZE];
        copy_key(find(stream.job, "key"), job_key);
        copy_key(find(stream.job, "processInstanceKey"), job_instance_key);
        row("job streamed", "key %s of instance %s", job_key, job_instance_key);
        streamed = strcmp(job_instance_key, instance_key) == 0;
        if (!streamed) row("FAILED", "StreamActivatedJobs: the job is another instance's");
    }
    zeebe_error_free(stream.error);
    zeebe_string_free(stream.job);
    pthread_mutex_destroy(&stream.mutex);
    pthread_cond_destroy(&stream.changed);
    return streamed;
}

/* ---- the four channels ---- */

/* What the command line gives. */
struct gateway {
    const char *tls_address;
    const char *oauth_address;
    const char *cloud_connect_address;
    char *ca; /* PEM */
    zeebe_channel_credentials *credentials;
    zeebe_connection_options connection;
};

/* The address is ZEEBE_ADDRESS. */
static zeebe_error *create_insecure(const struct gateway *gateway, zeebe_channel **channel)
{
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    options.connection_options = &gateway->connection;
    return zeebe_create_insecure_channel(&options, channel);
}

/* Without channel_credentials, the platform's certificate authorities count. */
static zeebe_error *create_secure(const struct gateway *gateway, zeebe_channel **channel)
{
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    options.grpc_address = gateway->tls_address;
    options.channel_credentials = gateway->credentials;
    options.connection_options = &gateway->connection;
    return zeebe_create_secure_channel(&options, channel);
}

/* Client and token URL are CAMUNDA_CLIENT_ID, CAMUNDA_CLIENT_SECRET and CAMUNDA_OAUTH_URL. */
static zeebe_error *create_oauth2(const struct gateway *gateway, zeebe_channel **channel)
{
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    token.token_ca = gateway->ca;

    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    options.grpc_address = gateway->oauth_address;
    options.audience = "zeebe-api";
    options.leeway = 30;
    options.channel_credentials = gateway->credentials;
    options.token_options = &token;
    options.connection_options = &gateway->connection;
    return zeebe_create_oauth2_client_credentials_channel(&options, channel);
}

/* As above, and the cluster is CAMUNDA_CLUSTER_ID. What is dialled is the development gateway; TLS still asks it for
 * the cluster's name. */
static zeebe_error *create_cloud(const struct gateway *gateway, zeebe_channel **channel)
{
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    token.token_ca = gateway->ca;

    zeebe_connection_options connection = gateway->connection;
    connection.connect_address = gateway->cloud_connect_address;

    zeebe_camunda_cloud_channel_options options = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT;
    options.oauth2.channel_credentials = gateway->credentials;
    options.oauth2.token_options = &token;
    options.oauth2.connection_options = &connection;
    return zeebe_create_camunda_cloud_channel(&options, channel);
}

static const struct {
    const char *title;
    const char *process;
    zeebe_error *(*create)(const struct gateway *gateway, zeebe_channel **channel);
} channels[] = {
    {"Insecure channel", "demo-insecure", create_insecure},
    {"Secure channel", "demo-secure", create_secure},
    {"OAuth2 client credentials channel", "demo-oauth2", create_oauth2},
    {"Camunda cloud channel", "demo-cloud", create_cloud},
};

static int serve(const zeebe_channel *channel, const char *process)
{
    char instance_key[KEY_SIZE];
    char job_key[KEY_SIZE];
    return print_settings(channel) && print_topology(channel) && deploy_process(channel, process) &&
           create_instance(channel, process, instance_key) && stream_job(channel, process, instance_key, job_key) && complete_job(channel, job_key);
}

/* All of a file that holds no NUL, such as PEM. The text is the caller's; NULL if it cannot be read. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    char *text = NULL;
    size_t capacity = 0;
    ssize_t length = getdelim(&text, &capacity, '\0', file);
    fclose(file);
    if (length < 0) {
        free(text);
        return NULL;
    }
    return text;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: demo CA_FILE TLS_ADDRESS OAUTH_ADDRESS CLOUD_CONNECT_ADDRESS\n");
        return EXIT_FAILURE;
    }
    struct gateway gateway = {
        .tls_address = argv[2],
        .oauth_address = argv[3],
        .cloud_connect_address = argv[4],
        .ca = read_file(argv[1]),
        .connection = ZEEBE_CONNECTION_OPTIONS_INIT,
    };
    gateway.connection.timeout_ms = TIMEOUT_S * 1000; /* of every call that sets none of its own */
    if (gateway.ca == NULL) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    zeebe_ssl_channel_credentials_options tls = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
    tls.root_certificates = gateway.ca;
    if (failed("TLS credentials", zeebe_ssl_channel_credentials_new(&tls, &gateway.credentials))) {
        free(gateway.ca);
        return EXIT_FAILURE;
    }

    int count = sizeof channels / sizeof *channels;
    int served = 0;
    printf("libzeebe %s\n", zeebe_version());
    for (int i = 0; i < count; i++) {
        printf("\n%d  %s\n", i + 1, channels[i].title);
        zeebe_channel *channel = NULL;
        if (!failed("channel", channels[i].create(&gateway, &channel))) served += serve(channel, channels[i].process);
        zeebe_channel_free(channel);
    }
    printf("\n%d of %d channels served a job from its creation to its completion.\n", served, count);

    zeebe_channel_credentials_free(gateway.credentials);
    free(gateway.ca);
    if (failed("shutdown", zeebe_runtime_shutdown(TIMEOUT_S * 1000))) return EXIT_FAILURE;
    return served == count ? EXIT_SUCCESS : EXIT_FAILURE;
}
