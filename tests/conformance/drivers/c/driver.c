/* The conformance driver for C: answers each line of standard input, a call as JSON, with one line of JSON that says
 * what zeebe.h made of it. It uses the public API and nothing else. */
#define _POSIX_C_SOURCE 200809L

#include "json.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zeebe.h>

enum { TOKEN_WAIT_S = 10, SHUTDOWN_MS = 5000 };

/* ---- arguments ---- */

struct arguments {
    const struct json *values;
    zeebe_channel_option *options;
    const char *failure; /* why they cannot be passed on; the first reason counts */
};

static void fail(struct arguments *arguments, const char *reason)
{
    if (arguments->failure == NULL) arguments->failure = reason;
}

/* The text of a string, or of a number as it is written. */
static const char *as_text(struct arguments *arguments, const struct json *value)
{
    if (value->type != JSON_STRING && value->type != JSON_NUMBER) fail(arguments, "an argument is neither a string nor a number");
    else if (strlen(value->text) != value->length) fail(arguments, "a string with U+0000 cannot be passed to C");
    return value->text;
}

static int64_t as_integer(struct arguments *arguments, const struct json *value)
{
    char *end = NULL;
    errno = 0;
    long long integer = value->type == JSON_NUMBER ? strtoll(value->text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0) fail(arguments, "an argument is no 64-bit integer");
    return integer;
}

/* Absent or null: not given. */
static const struct json *given(const struct arguments *arguments, const char *name)
{
    const struct json *value = json_member(arguments->values, name);
    return value == NULL || value->type == JSON_NULL ? NULL : value;
}

static const char *text(struct arguments *arguments, const char *name)
{
    const struct json *value = given(arguments, name);
    return value == NULL ? NULL : as_text(arguments, value);
}

/* For scope and audience: null is explicitly none, which C says as "". */
static const char *text_or_none(struct arguments *arguments, const char *name)
{
    const struct json *value = json_member(arguments->values, name);
    return value != NULL && value->type == JSON_NULL ? "" : text(arguments, name);
}

static int64_t integer(struct arguments *arguments, const char *name)
{
    const struct json *value = given(arguments, name);
    return value == NULL ? 0 : as_integer(arguments, value);
}

/* A time in seconds. C has whole ones, so a fraction is rounded up here, as the durations of the other languages are in their bindings. */
static int64_t seconds_of(struct arguments *arguments, const char *name)
{
    const struct json *value = given(arguments, name);
    if (value == NULL || value->type != JSON_NUMBER || strpbrk(value->text, ".eE") == NULL) return integer(arguments, name);
    double exact = strtod(value->text, NULL);
    if (!(exact > -9e18 && exact < 9e18)) {
        fail(arguments, "a time is no 64-bit integer");
        return 0;
    }
    int64_t whole = (int64_t)exact;
    return whole + ((double)whole < exact);
}

/* In C 0 is not given, so no leeway has a constant of its own. */
static int64_t leeway(struct arguments *arguments)
{
    int64_t seconds = seconds_of(arguments, "leeway");
    return seconds == 0 && given(arguments, "leeway") != NULL ? ZEEBE_LEEWAY_NONE : seconds;
}

/* A list of [key, string or integer]; the array belongs to `arguments`. */
static const zeebe_channel_option *channel_options(struct arguments *arguments, const char *name, size_t *count)
{
    const struct json *list = given(arguments, name);
    if (list == NULL) return NULL;

    size_t length = 0;
    for (const struct json *pair = list->child; pair != NULL; pair = pair->next) length++;
    arguments->options = calloc(length + 1, sizeof *arguments->options);
    if (arguments->options == NULL || list->type != JSON_ARRAY) {
        fail(arguments, "the channel options are no list");
        return NULL;
    }
    for (const struct json *pair = list->child; pair != NULL; pair = pair->next) {
        zeebe_channel_option *option = &arguments->options[*count];
        const struct json *key = pair->child;
        const struct json *value = key == NULL ? NULL : key->next;
        if (pair->type != JSON_ARRAY || value == NULL || value->next != NULL || key->type != JSON_STRING) {
            fail(arguments, "a channel option is no pair of a key and a value");
            break;
        }
        option->key = as_text(arguments, key);
        if (value->type == JSON_STRING) option->string = as_text(arguments, value);
        else option->integer = as_integer(arguments, value);
        ++*count;
    }
    return arguments->options;
}

/* ---- the functions ---- */

/* One of the two is set: some take a default, some do not. */
static const struct {
    const char *name;
    zeebe_error *(*get)(char **value);
    zeebe_error *(*get_or)(const char *default_value, char **value);
} utilities[] = {
    {"get_zeebe_address", NULL, zeebe_get_zeebe_address},
    {"get_camunda_oauth_url", NULL, zeebe_get_camunda_oauth_url},
    {"get_camunda_client_id", zeebe_get_camunda_client_id, NULL},
    {"get_camunda_client_secret", zeebe_get_camunda_client_secret, NULL},
    {"get_camunda_cluster_id", zeebe_get_camunda_cluster_id, NULL},
    {"get_camunda_cluster_region", NULL, zeebe_get_camunda_cluster_region},
    {"get_camunda_token_audience", NULL, zeebe_get_camunda_token_audience},
};

static zeebe_error *create_insecure(struct arguments *arguments, zeebe_channel **channel)
{
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    options.grpc_address = text(arguments, "grpc_address");
    options.channel_options = channel_options(arguments, "channel_options", &options.channel_options_count);
    return zeebe_create_insecure_channel(&options, channel);
}

/* C has no function for this: it is what a channel makes of its options. */
static zeebe_error *create_for_options(struct arguments *arguments, zeebe_channel **channel)
{
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    options.channel_options = channel_options(arguments, "options", &options.channel_options_count);
    return zeebe_create_insecure_channel(&options, channel);
}

static zeebe_error *create_secure(struct arguments *arguments, zeebe_channel **channel)
{
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    options.grpc_address = text(arguments, "grpc_address");
    options.channel_options = channel_options(arguments, "channel_options", &options.channel_options_count);
    return zeebe_create_secure_channel(&options, channel);
}

static void add_oauth2(struct arguments *arguments, zeebe_oauth2_client_credentials_channel_options *options)
{
    options->client_id = text(arguments, "client_id");
    options->client_secret = text(arguments, "client_secret");
    options->authorization_server = text(arguments, "authorization_server");
    options->scope = text_or_none(arguments, "scope");
    options->audience = text_or_none(arguments, "audience");
    options->channel_options = channel_options(arguments, "channel_options", &options->channel_options_count);
    options->leeway = leeway(arguments);
    options->expire_in = seconds_of(arguments, "expire_in");
}

static zeebe_error *create_oauth2(struct arguments *arguments, zeebe_channel **channel)
{
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    options.grpc_address = text(arguments, "grpc_address");
    add_oauth2(arguments, &options);
    return zeebe_create_oauth2_client_credentials_channel(&options, channel);
}

static zeebe_error *create_cloud(struct arguments *arguments, zeebe_channel **channel)
{
    zeebe_camunda_cloud_channel_options options = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT;
    options.cluster_id = text(arguments, "cluster_id");
    options.region = text(arguments, "region");
    add_oauth2(arguments, &options.oauth2);
    return zeebe_create_camunda_cloud_channel(&options, channel);
}

static const char options_function[] = "get_channel_options";

static const struct {
    const char *name;
    zeebe_error *(*create)(struct arguments *arguments, zeebe_channel **channel);
} constructors[] = {
    {options_function, create_for_options},         {"create_insecure_channel", create_insecure},
    {"create_secure_channel", create_secure},       {"create_oauth2_client_credentials_channel", create_oauth2},
    {"create_camunda_cloud_channel", create_cloud},
};

/* ---- fetching a token ---- */

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int done;
};

static void on_token(void *user_data, const zeebe_error *error)
{
    struct waiter *waiter = user_data;
    (void)error;
    pthread_mutex_lock(&waiter->mutex);
    waiter->done = 1;
    pthread_cond_signal(&waiter->changed);
    pthread_mutex_unlock(&waiter->mutex);
}

/* Whatever the outcome: what counts is the request that the token endpoint sees. */
static void retrieve_token(const zeebe_channel *channel)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter == NULL) return;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter->changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&waiter->mutex, NULL);

    zeebe_error *error = zeebe_channel_retrieve_token(channel, on_token, waiter);
    int finished = error != NULL; /* then nothing is called back */
    if (!finished) {
        struct timespec deadline;
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += TOKEN_WAIT_S;
        int timed_out = 0;
        pthread_mutex_lock(&waiter->mutex);
        while (!waiter->done && !timed_out) timed_out = pthread_cond_timedwait(&waiter->changed, &waiter->mutex, &deadline) != 0;
        finished = waiter->done;
        pthread_mutex_unlock(&waiter->mutex);
    }
    zeebe_error_free(error);
    if (finished) { /* else the callback is still to come, and needs it */
        pthread_cond_destroy(&waiter->changed);
        pthread_mutex_destroy(&waiter->mutex);
        free(waiter);
    }
}

/* ---- answers ---- */

static void begin_answer(const struct json *id)
{
    putchar('{');
    if (id != NULL) {
        fputs("\"id\": ", stdout);
        json_write(stdout, id);
        fputs(", ", stdout);
    }
}

static void answer_text(const struct json *id, const char *name, const char *value)
{
    begin_answer(id);
    printf("\"%s\": ", name);
    json_write_text(stdout, value, strlen(value));
    puts("}");
}

/* The name that all languages share, or else that of the kind. */
static const char *error_type(const zeebe_error *error)
{
    switch (zeebe_error_kind(error)) {
    case ZEEBE_ERROR_KIND_SETTINGS: return "SettingsError";
    case ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS: return "InvalidOAuthCredentialsError";
    case ZEEBE_ERROR_KIND_INVALID_ARGUMENT: return "INVALID_ARGUMENT";
    case ZEEBE_ERROR_KIND_ILLEGAL_STATE: return "ILLEGAL_STATE";
    case ZEEBE_ERROR_KIND_TLS: return "TLS";
    case ZEEBE_ERROR_KIND_RPC: return "RPC";
    case ZEEBE_ERROR_KIND_SHUTDOWN: return "SHUTDOWN";
    default: return "INTERNAL";
    }
}

static void answer_error(const struct json *id, const zeebe_error *error)
{
    const char *message = zeebe_error_message(error);
    begin_answer(id);
    printf("\"raises\": {\"type\": \"%s\", \"message\": ", error_type(error));
    json_write_text(stdout, message, strlen(message));
    puts("}}");
}

static void write_options(const struct json *description)
{
    const struct json *options = json_member(description, "channel_options");
    putchar('[');
    for (const struct json *option = options == NULL ? NULL : options->child; option != NULL; option = option->next) {
        fputs(option == options->child ? "[" : ", [", stdout);
        json_write(stdout, json_member(option, "key"));
        fputs(", ", stdout);
        json_write(stdout, json_member(option, "value"));
        putchar(']');
    }
    putchar(']');
}

static void write_resolved(const struct json *description)
{
    static const char *const names[] = {"client_id", "authorization_server", "scope", "audience", "leeway", "expire_in"};
    const struct json *settings = json_member(description, "settings");
    putchar('{');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        printf("\"%s\": ", names[i]);
        json_write(stdout, json_member(json_member(settings, names[i]), "value"));
        fputs(", ", stdout);
    }
    fputs("\"client_authentication\": ", stdout);
    json_write(stdout, json_member(json_member(description, "oauth2"), "client_authentication"));
    putchar('}');
}

static void answer_channel(const struct json *id, const char *function, const zeebe_channel *channel)
{
    char *text = NULL;
    zeebe_error *error = zeebe_channel_describe(channel, &text);
    if (error != NULL) {
        answer_error(id, error);
        zeebe_error_free(error);
        return;
    }
    const char *reason = NULL;
    struct json *description = json_parse(text, strlen(text), &reason);
    zeebe_string_free(text);
    if (description == NULL) {
        answer_text(id, "failed", reason);
        return;
    }

    begin_answer(id);
    if (strcmp(function, options_function) == 0) {
        fputs("\"returns\": ", stdout);
        write_options(description);
    } else {
        const struct json *oauth2 = json_member(description, "oauth2");
        fputs("\"target\": ", stdout);
        json_write(stdout, json_member(description, "target"));
        fputs(", \"options\": ", stdout);
        write_options(description);
        if (oauth2 != NULL && oauth2->type == JSON_OBJECT) {
            fputs(", \"resolved\": ", stdout);
            write_resolved(description);
        }
    }
    puts("}");
    json_free(description);
}

/* ---- requests ---- */

/* Whether `function` is a utility; if so, it is answered. */
static int call_utility(const struct json *id, const char *function, struct arguments *arguments)
{
    char *value = NULL;
    zeebe_error *error = NULL;

    if (strcmp(function, "get_camunda_address") == 0) {
        const char *cluster_id = text(arguments, "cluster_id");
        error = zeebe_get_camunda_address(cluster_id, text(arguments, "cluster_region"), &value);
    } else {
        size_t count = sizeof utilities / sizeof *utilities;
        size_t i = 0;
        while (i < count && strcmp(utilities[i].name, function) != 0) i++;
        if (i == count) return 0;
        error = utilities[i].get != NULL ? utilities[i].get(&value) : utilities[i].get_or(text(arguments, "default"), &value);
    }

    if (arguments->failure != NULL) answer_text(id, "failed", arguments->failure);
    else if (error != NULL) answer_error(id, error);
    else answer_text(id, "returns", value);
    zeebe_error_free(error);
    zeebe_string_free(value);
    return 1;
}

/* Whether `function` makes a channel; if so, it is answered. */
static int call_constructor(const struct json *id, const char *function, struct arguments *arguments, int wants_token)
{
    size_t count = sizeof constructors / sizeof *constructors;
    size_t i = 0;
    while (i < count && strcmp(constructors[i].name, function) != 0) i++;
    if (i == count) return 0;

    zeebe_channel *channel = NULL;
    zeebe_error *error = constructors[i].create(arguments, &channel);
    if (arguments->failure != NULL) {
        answer_text(id, "failed", arguments->failure);
    } else if (error != NULL) {
        answer_error(id, error);
    } else {
        if (wants_token) retrieve_token(channel);
        answer_channel(id, function, channel);
    }
    zeebe_error_free(error);
    zeebe_channel_free(channel);
    return 1;
}

static void answer_request(const struct json *request)
{
    const struct json *id = json_member(request, "id");
    const struct json *function = json_member(request, "function");
    const struct json *token = json_member(request, "retrieve_token");
    struct arguments arguments = {.values = json_member(request, "arguments")};

    if (function == NULL || function->type != JSON_STRING) answer_text(id, "failed", "the request names no function");
    else if (arguments.values != NULL && arguments.values->type != JSON_OBJECT) answer_text(id, "failed", "the arguments are no object");
    else if (!call_utility(id, function->text, &arguments) &&
             !call_constructor(id, function->text, &arguments, token != NULL && token->type == JSON_TRUE))
        answer_text(id, "failed", "the function is unknown");
    free(arguments.options);
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int status = EXIT_SUCCESS;

    while (status == EXIT_SUCCESS && (length = getline(&line, &capacity, stdin)) >= 0) {
        const char *reason = NULL;
        struct json *request = json_parse(line, (size_t)length, &reason);
        if (request == NULL) answer_text(NULL, "failed", reason);
        else answer_request(request);
        json_free(request);
        if (fflush(stdout) != 0) status = EXIT_FAILURE; /* nobody reads the answers any more */
    }
    free(line);

    zeebe_error *error = zeebe_runtime_shutdown(SHUTDOWN_MS);
    if (error != NULL) {
        fprintf(stderr, "driver: %s\n", zeebe_error_message(error));
        zeebe_error_free(error);
        status = EXIT_FAILURE;
    }
    return status;
}
