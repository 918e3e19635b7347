/* The development gateway for C tests: started, told to misbehave, stopped, killed and started again.
   GATEWAY is the program; SCRATCH a directory for its ports files. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

typedef struct {
    pid_t pid;
    int input; /* the gateway ends when it is closed */
    char ports[8192];
} gateway;

/* `port` of the plaintext listener: "0" is any; `option` with its value, or NULL. */
static inline void gateway_start_with(gateway *g, const char *port, const char *option, const char *value)
{
    static int count;
    char directory[1000], path[1024], line[1024];
    int in[2], out[2];
    posix_spawn_file_actions_t actions;
    snprintf(directory, sizeof directory, "%s/%d", env("SCRATCH"), count++); /* kept: a killed gateway would not remove its own */
    CHECK(mkdir(directory, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, "%s/ports.json", directory);
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    char *arguments[] = {(char *)env("GATEWAY"), "--exit-with-stdin", "--ports-file", path,          "--directory", directory,
                         "--plaintext-port",     (char *)port,        (char *)option, (char *)value, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    CHECK(posix_spawn(&g->pid, arguments[0], &actions, NULL, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    g->input = in[1];
    struct pollfd ready = {.fd = out[0], .events = POLLIN};
    if (poll(&ready, 1, patience_s() * 1000) != 1) waited_in_vain("a gateway that is ready", __FILE__, __LINE__);
    FILE *output = fdopen(out[0], "r"); /* one ready line, after the ports file is whole */
    CHECK(output && fgets(line, sizeof line, output) && strstr(line, "ready"));
    fclose(output);
    FILE *ports = fopen(path, "r");
    CHECK(ports);
    g->ports[fread(g->ports, 1, sizeof g->ports - 1, ports)] = 0;
    fclose(ports);
}

static inline void gateway_start(gateway *g, const char *port) { gateway_start_with(g, port, NULL, NULL); }

static inline void gateway_wait(gateway *g)
{
    close(g->input);
    (void)ENDED(g->pid);
    g->pid = 0;
}

static inline void gateway_stop(gateway *g) { gateway_wait(g); }

static inline void gateway_kill(gateway *g)
{
    kill(g->pid, SIGKILL);
    gateway_wait(g);
}

/* The value of a text or number in the ports file, in a buffer that the next four calls leave alone. */
static inline const char *gateway_get(const gateway *g, const char *name)
{
    static _Thread_local char values[4][512];
    static _Thread_local int next;
    char key[128];
    char *value = values[next++ % 4];
    snprintf(key, sizeof key, "\"%s\"", name);
    const char *found = strstr(g->ports, key);
    CHECK(found);
    found = strchr(found, ':') + 1;
    found += strspn(found, " \"");
    snprintf(value, sizeof values[0], "%.*s", (int)strcspn(found, "\",}\n"), found);
    return value;
}

static inline const char *gateway_address(const gateway *g, const char *listener)
{
    static _Thread_local char addresses[8][64];
    static _Thread_local int next;
    char *address = addresses[next++ % 8];
    snprintf(address, sizeof addresses[0], "127.0.0.1:%s", gateway_get(g, listener));
    return address;
}

/* A request to the control port, such as "POST /goaway"; the answer's body is the caller's to free. */
static inline char *gateway_ask(const gateway *g, const char *request, const void *body, size_t length)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(gateway_get(g, "control")))};
    size_t capacity = 1 << 20, got = 0;
    char head[512], *answer = malloc(capacity);
    ssize_t count;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    const struct timeval patience = {.tv_sec = patience_s()};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(answer && fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    int size = snprintf(head, sizeof head, "%s HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-length: %zu\r\n\r\n", request, length);
    CHECK(write(fd, head, (size_t)size) == size && write(fd, length ? body : "", length) == (ssize_t)length);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    while ((count = read(fd, answer + got, capacity - got - 1)) > 0) got += (size_t)count;
    if (count < 0 && errno == EAGAIN) waited_in_vain(request, __FILE__, __LINE__);
    close(fd);
    answer[got] = 0;
    char *end = strstr(answer, "\r\n\r\n");
    if (!end || strncmp(answer, "HTTP/1.1 200", 12)) {
        fprintf(stderr, "%s: %s\n", request, answer);
        exit(1);
    }
    memmove(answer, end + 4, strlen(end + 4) + 1);
    return answer;
}

static inline void gateway_tell(const gateway *g, const char *request) { free(gateway_ask(g, request, NULL, 0)); }

/* The number behind a key in JSON; -1: not there. */
static inline long json_number(const char *json, const char *key)
{
    char quoted[128];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *found = strstr(json, quoted);
    if (!found) return -1;
    return strtol(found + strlen(quoted), NULL, 10);
}

static inline long gateway_count(const gateway *g, const char *counter)
{
    char *counters = gateway_ask(g, "GET /counters", NULL, 0);
    long count = json_number(counters, counter);
    free(counters);
    return count;
}

static inline long stats_number(const zeebe_channel *channel, const char *key)
{
    char *json = NULL;
    OK(zeebe_channel_stats(channel, &json));
    long number = json_number(json, key);
    zeebe_string_free(json);
    return number;
}

static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* By now_ms(). */
static inline void sleep_until(int64_t when_ms)
{
    for (int64_t left; (left = when_ms - now_ms()) > 0;) usleep((useconds_t)left * 1000);
}

/* A channel with options, in pairs of key and number or text. */
typedef struct {
    const char *address;
    const char *ca; /* NULL: plaintext */
    zeebe_channel_option options[8];
} channel_arguments;

#define NUMBER(k, v) {.key = (k), .integer = (v)}
#define TEXT(k, v) {.key = (k), .string = (v)}

static inline zeebe_channel *channel_new(channel_arguments arguments)
{
    zeebe_insecure_channel_options plain = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    zeebe_secure_channel_options secured = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    size_t count = 0;
    while (count < 8 && arguments.options[count].key) count++;
    if (!arguments.ca) {
        plain.grpc_address = arguments.address;
        plain.channel_options = arguments.options;
        plain.channel_options_count = count;
        OK(zeebe_create_insecure_channel(&plain, &channel));
        return channel;
    }
    zeebe_channel_credentials *credentials = trusting(arguments.ca);
    secured.grpc_address = arguments.address;
    secured.channel_options = arguments.options;
    secured.channel_options_count = count;
    secured.channel_credentials = credentials;
    OK(zeebe_create_secure_channel(&secured, &channel));
    zeebe_channel_credentials_free(credentials);
    return channel;
}

/* The process "large", whose one job has the type "large"; waits for the gateway. */
static inline void deploy_process(const zeebe_channel *channel)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    char *answer = NULL;
    options.timeout_ms = 20000;
    options.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    const char *deploy =
        "{\"resources\":[{\"name\":\"large.bpmn\",\"content\":"
        "\"PGRlZmluaXRpb25zIHhtbG5zPSJodHRwOi8vd3d3Lm9tZy5vcmcvc3BlYy9CUE1OLzIwMTAwNTI0L01PREVMIiB4bWxuczp6PSJodHRwOi8vY2FtdW5kYS5vcmcvc2NoZW1hL3plZW"
        "JlLzEuMCI+"
        "PHByb2Nlc3MgaWQ9ImxhcmdlIiBpc0V4ZWN1dGFibGU9InRydWUiPjxzdGFydEV2ZW50IGlkPSJzIi8+PHNlcnZpY2VUYXNrIGlkPSJ0Ij48ZXh0ZW5zaW9uRWxlbWVudHM+"
        "PHo6dGFza0RlZmluaXRpb24gdHlwZT0ibGFyZ2UiLz48L2V4dGVuc2lvbkVsZW1lbnRzPjwvc2VydmljZVRhc2s+"
        "PGVuZEV2ZW50IGlkPSJlIi8+"
        "PHNlcXVlbmNlRmxvdyBpZD0iMSIgc291cmNlUmVmPSJzIiB0YXJnZXRSZWY9InQiLz48c2VxdWVuY2VGbG93IGlkPSIyIiBzb3VyY2VSZWY9InQiIHRhcmdldFJlZj0iZSIvPjwvcHJv"
        "Y2Vzcz48L2RlZmluaXRpb25zPg==\"}]}";
    OK(zeebe_channel_json_call_sync(channel, "DeployResource", deploy, &options, &answer));
    zeebe_string_free(answer);
}

/* How a call ended. */
typedef struct {
    int32_t status;
    int32_t processed; /* may_have_been_processed */
    int32_t retryable;
    int32_t source;
    int64_t took_ms;
    char message[1024];
} ended;

static inline ended call_it(const zeebe_channel *channel, const char *method, int64_t timeout_ms, int32_t wait_for_ready)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_response *response = NULL;
    ended end = {0};
    int64_t began = now_ms();
    options.timeout_ms = timeout_ms;
    options.wait_for_ready = wait_for_ready;
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, method, NULL, 0, &options, &response);
    end.took_ms = now_ms() - began;
    CHECK(!error != !response);
    if (error) {
        end.status = zeebe_error_grpc_status(error);
        end.processed = zeebe_error_may_have_been_processed(error);
        end.retryable = zeebe_error_is_retryable(error);
        end.source = zeebe_error_source(error);
        snprintf(end.message, sizeof end.message, "%s", zeebe_error_message(error));
        zeebe_error_free(error);
    }
    zeebe_response_free(response);
    return end;
}

static inline ended topology(const zeebe_channel *channel) { return call_it(channel, TOPOLOGY, 20000, ZEEBE_WAIT_FOR_READY_DEFAULT); }

static inline int is_reachable(const zeebe_channel *channel) { return topology(channel).status == 0; }

/* A call in a thread of its own, which `calling` is. */
typedef struct {
    const zeebe_channel *channel;
    ended end;
} background;

static inline void *calling(void *argument)
{
    background *b = argument;
    b->end = topology(b->channel);
    return NULL;
}

/* The same as a streaming call of one message, which must succeed. */
static inline void stream_topology(const zeebe_channel *channel)
{
    tally t = TALLY_INIT;
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_call *call = NULL;
    handler.on_message = on_message;
    handler.on_close = on_close;
    OK(zeebe_channel_start_call(channel, TOPOLOGY, NULL, &handler, &t, &call));
    OK(zeebe_call_send_message(call, NULL, 0));
    OK(zeebe_call_half_close(call));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.calls == 1 && t.failures == 0 && t.messages == 1);
    zeebe_call_free(call);
}

#endif
