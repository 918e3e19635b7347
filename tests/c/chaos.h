/* What the two chaos programs share: chance, channels that are closed and replaced under their calls, and epochs that end with the
   library's end in the midst of them. */
#ifndef CHAOS_H
#define CHAOS_H

#include "gateway.h"

#include <semaphore.h>
#include <stdatomic.h>

enum { THREADS = 64, CHANNELS = 6, EPOCHS = 5 };

#define STREAM_JOBS "/gateway_protocol.Gateway/StreamActivatedJobs"

static atomic_long closed, closes;
static atomic_int shutting_down;
static atomic_long attempted;
static long calls_of_thread, until_shutdown;
static sem_t in_the_midst;
static pthread_mutex_t channels_mutex = PTHREAD_MUTEX_INITIALIZER;
static zeebe_channel *channels[CHANNELS];
static zeebe_buffer *jobs_request;

/* xorshift64*, one a thread. */
static unsigned below(uint64_t *random, unsigned limit)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return (unsigned)((*random * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

/* Of a stream that never ends by itself. */
static zeebe_buffer *endless_request(void)
{
    zeebe_buffer *request = NULL;
    OK(zeebe_request_from_json("StreamActivatedJobs", "{\"type\":\"nobody\",\"worker\":\"w\",\"timeout\":1000}", &request));
    return request;
}

static void open_channels(void)
{
    for (int i = 0; i < CHANNELS; i++) channels[i] = insecure(env("ADDRESS"));
}

static void free_channels(void)
{
    for (int i = 0; i < CHANNELS; i++) zeebe_channel_free(channels[i]);
}

static zeebe_channel *borrow_channel(unsigned index)
{
    pthread_mutex_lock(&channels_mutex);
    zeebe_channel *channel = zeebe_channel_ref(channels[index]);
    pthread_mutex_unlock(&channels_mutex);
    return channel;
}

static void on_closed(void *user_data, const zeebe_error *error)
{
    (void)user_data;
    CHECK(!error || shutting_down); /* the runtime's end cuts a grace short */
    closed++;
}

/* Closes a channel under its calls, or lets it go; a new one takes its place. */
static void replace_channel(unsigned index, uint64_t *random)
{
    zeebe_channel *fresh = insecure(env("ADDRESS"));
    pthread_mutex_lock(&channels_mutex);
    zeebe_channel *old = channels[index];
    channels[index] = fresh;
    pthread_mutex_unlock(&channels_mutex);
    if (below(random, 3)) {
        zeebe_error *error = zeebe_channel_close(old, below(random, 20), on_closed, NULL);
        CHECK(!error || (shutting_down && zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN));
        if (!error) closes++;
        zeebe_error_free(error);
    }
    zeebe_channel_free(old);
}

/* Each call that a thread is about to start. */
static void attempt(void)
{
    if (++attempted == until_shutdown) sem_post(&in_the_midst);
}

/* New channels, and among the calls to come the one with which the library's end comes. */
static void begin_epoch(void)
{
    shutting_down = 0;
    until_shutdown = attempted + calls_of_thread * THREADS * 5 / 6;
    open_channels();
}

/* The library ends while the threads still start calls. */
static void run_threads(void *(*chaos)(void *seed), uint64_t *random)
{
    uint64_t seeds[THREADS];
    pthread_t workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        below(random, 2);
        seeds[i] = *random;
        CHECK(pthread_create(&workers[i], NULL, chaos, &seeds[i]) == 0);
    }
    SEM_WAIT(&in_the_midst);
    shutting_down = 1;
    OK(zeebe_runtime_shutdown(-1));
    for (int i = 0; i < THREADS; i++) JOIN(workers[i]);
}

static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    while (readdir(tasks)) count++;
    closedir(tasks);
    return count;
}

/* All epochs, by the program's arguments; afterwards no thread or descriptor is left. */
static void run_epochs(int argc, char **argv, void (*epoch)(uint64_t *random))
{
    CHECK(argc > 1);
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)now_ms();
    uint64_t random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    int threads_before = threads(), descriptors_before = descriptors();
    calls_of_thread = atol(argv[1]) / THREADS / EPOCHS;
    fprintf(stderr, "%s: seed %llu\n", argv[0], (unsigned long long)seed); /* also when a check ends the program */
    CHECK(calls_of_thread > 0 && sem_init(&in_the_midst, 0, 0) == 0);
    jobs_request = endless_request();
    for (int i = 0; i < EPOCHS; i++) epoch(&random);
    zeebe_buffer_free(jobs_request);
    UNTIL(threads() <= threads_before); /* a joined thread leaves /proc a moment later */
    CHECK(descriptors() == descriptors_before);
}

#endif
