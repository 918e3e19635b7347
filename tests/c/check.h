/* What the C tests share: checks that end the program with a line saying what was not so. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for pthread_timedjoin_np() */
#endif

#include "zeebe.h"
#include "zeebe.h" /* again, on purpose */

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

#define OK(call)                                                                                        \
    do {                                                                                                \
        zeebe_error *failed = (call);                                                                   \
        if (failed) {                                                                                   \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, zeebe_error_message(failed)); \
            exit(1);                                                                                    \
        }                                                                                               \
    } while (0)

/* The call fails with this kind, and says `text` somewhere. */
#define FAILS(call, expected_kind, text)                                                                            \
    do {                                                                                                            \
        zeebe_error *failed = (call);                                                                               \
        if (!failed || zeebe_error_kind(failed) != (expected_kind) || !strstr(zeebe_error_message(failed), text)) { \
            fprintf(stderr, "%s:%d: %s: kind %d, %s\n", __FILE__, __LINE__, #call, zeebe_error_kind(failed),        \
                    failed ? zeebe_error_message(failed) : "no error");                                             \
            exit(1);                                                                                                \
        }                                                                                                           \
        CHECK(zeebe_error_grpc_status(failed) != ZEEBE_STATUS_OK);                                                  \
        zeebe_error_free(failed);                                                                                   \
    } while (0)

static inline int under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

/* Waits are a minute long at most, ten under valgrind and sanitizers: what is longer will not come. It ends the program, which says what
   was waited for. */
static inline int patience_s(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 600;
#endif
    return under_valgrind() ? 600 : 60;
}

/* Of a wait that begins now. */
static inline struct timespec patience_ends(void)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end); /* by which pthread_cond_timedwait() goes, and its like */
    end.tv_sec += patience_s();
    return end;
}

static inline int is_over(struct timespec end)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > end.tv_sec;
}

_Noreturn static inline void waited_in_vain(const char *what, const char *where, int line)
{
    fprintf(stderr, "%s:%d: waited %d s in vain for: %s\n", where, line, patience_s(), what);
    abort();
}

/* With the mutex: until the condition is so; `changed` tells of each change. */
#define AWAIT_AT(changed, mutex, condition, what, where, line)                                                     \
    do {                                                                                                           \
        const struct timespec limit = patience_ends();                                                             \
        while (!(condition))                                                                                       \
            if (pthread_cond_timedwait(changed, mutex, &limit) && !(condition)) waited_in_vain(what, where, line); \
    } while (0)

#define AWAIT(changed, mutex, condition) AWAIT_AT(changed, mutex, condition, #condition, __FILE__, __LINE__)

/* Until the condition, which nothing tells of, is so. */
#define UNTIL(condition)                                                        \
    do {                                                                        \
        const struct timespec limit = patience_ends();                          \
        while (!(condition)) {                                                  \
            if (is_over(limit)) waited_in_vain(#condition, __FILE__, __LINE__); \
            usleep(1000);                                                       \
        }                                                                       \
    } while (0)

#define JOIN(thread)                                                                                               \
    do {                                                                                                           \
        const struct timespec limit = patience_ends();                                                             \
        if (pthread_timedjoin_np(thread, NULL, &limit)) waited_in_vain("the end of " #thread, __FILE__, __LINE__); \
    } while (0)

#define SEM_WAIT(semaphore)                                                     \
    do {                                                                        \
        const struct timespec limit = patience_ends();                          \
        while (sem_timedwait(semaphore, &limit))                                \
            if (is_over(limit)) waited_in_vain(#semaphore, __FILE__, __LINE__); \
    } while (0)

/* The wait status of a process that has ended. */
#define ENDED(child) child_ended(child, #child, __FILE__, __LINE__)

static inline int child_ended(pid_t child, const char *name, const char *where, int line)
{
    const struct timespec end = patience_ends();
    int status = -1;
    pid_t ended;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0) {
        if (is_over(end)) waited_in_vain(name, where, line);
        usleep(1000);
    }
    CHECK(ended == child);
    return status;
}

/* Counts callbacks, and waits for them. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int calls;
    int failures;
    int messages;
    int destroyed;
    int32_t kind;
    int32_t status;
} tally;

#define TALLY_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, 0, 0, 0}

static inline void tally_end(tally *t, const zeebe_error *error)
{
    pthread_mutex_lock(&t->mutex);
    t->calls++;
    if (error) {
        t->failures++;
        t->kind = zeebe_error_kind(error);
        t->status = zeebe_error_grpc_status(error);
    }
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->mutex);
}

#define tally_wait(t, count, until) tally_wait_at(t, count, until, "*" #count " >= " #until, __FILE__, __LINE__)

static inline void tally_wait_at(tally *t, const int *count, int until, const char *what, const char *where, int line)
{
    pthread_mutex_lock(&t->mutex);
    AWAIT_AT(&t->changed, &t->mutex, *count >= until, what, where, line);
    pthread_mutex_unlock(&t->mutex);
}

static inline void on_done(void *user_data, const zeebe_error *error) { tally_end(user_data, error); }

static inline void on_unary(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    CHECK(!error != !response);
    tally_end(user_data, error);
}

static inline void on_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    CHECK(trailers);
    tally_end(user_data, error);
}

static inline void on_message(void *user_data, const zeebe_buffer *message)
{
    tally *t = user_data;
    CHECK(zeebe_buffer_data(message, NULL));
    pthread_mutex_lock(&t->mutex);
    t->messages++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->mutex);
}

static inline void on_destroy(void *user_data)
{
    tally *t = user_data;
    pthread_mutex_lock(&t->mutex);
    t->destroyed++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->mutex);
}

#define TOPOLOGY "/gateway_protocol.Gateway/Topology"

/* Warnings go to `on_log` from here on; its user data is `log`, a tally. */
static inline void log_begins(zeebe_log_callback on_log, tally *log) { OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_WARN, on_log, log, on_destroy)); }

/* What was logged by now has been told when this returns. */
static inline void log_ends(tally *log)
{
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_OFF, NULL, NULL, NULL));
    tally_wait(log, &log->destroyed, 1);
}

static inline const char *env(const char *name)
{
    const char *value = getenv(name);
    CHECK(value);
    return value;
}

/* A PEM file named by a variable. */
static inline char *file(const char *name)
{
    FILE *in = fopen(env(name), "r");
    CHECK(in);
    char *text = calloc(1, 65536);
    CHECK(text && fread(text, 1, 65535, in) > 0);
    fclose(in);
    return text;
}

/* 0 with ThreadSanitizer, most of whose memory is what it remembers of the program's. */
static inline long resident_kib(void)
{
#if defined(__SANITIZE_THREAD__)
    return 0;
#else
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    CHECK(statm && fscanf(statm, "%*d %ld", &pages) == 1);
    fclose(statm);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
#endif
}

static inline int descriptors(void)
{
    int count = 0;
    DIR *open = opendir("/proc/self/fd");
    CHECK(open);
    while (readdir(open)) count++;
    closedir(open);
    return count;
}

static inline zeebe_channel *insecure(const char *address)
{
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    options.grpc_address = address;
    OK(zeebe_create_insecure_channel(&options, &channel));
    return channel;
}

static inline zeebe_channel_credentials *trusting(const char *ca)
{
    zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = NULL;
    ssl.root_certificates = ca;
    OK(zeebe_ssl_channel_credentials_new(&ssl, &credentials));
    return credentials;
}

static inline zeebe_channel *secure(const char *address, const char *ca)
{
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = trusting(ca);
    zeebe_channel *channel = NULL;
    options.grpc_address = address;
    options.channel_credentials = credentials;
    OK(zeebe_create_secure_channel(&options, &channel));
    zeebe_channel_credentials_free(credentials);
    return channel;
}

#endif
