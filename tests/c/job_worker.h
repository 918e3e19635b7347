/* Job workers in C tests: a desk that their jobs lie on until the test ends them, and that notes all that is told. */
#ifndef JOB_WORKER_H
#define JOB_WORKER_H

#include "jobs.h"
#include "queue.h"

enum { DESK = 4096 };

typedef struct desk {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*work)(struct desk *, const zeebe_job *); /* in on_job; NULL: the job is kept */
    zeebe_job *jobs[DESK];
    int count;                 /* jobs that were kept */
    int at_once, most_at_once; /* on_job */
    int ends[4];               /* told, by outcome */
    int32_t end_status;        /* of the last end that had an error */
    int errors, closes, destroyed;
    int32_t close_status;
    char close_message[512];
    zeebe_job_worker *worker; /* before the first job */
} desk;

#define DESK_INIT {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}

#define DESK_AWAIT(d, condition)                        \
    do {                                                \
        pthread_mutex_lock(&(d)->mutex);                \
        AWAIT(&(d)->changed, &(d)->mutex, (condition)); \
        pthread_mutex_unlock(&(d)->mutex);              \
    } while (0)

static inline void desk_change(desk *d, int *count, int by)
{
    pthread_mutex_lock(&d->mutex);
    *count += by;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

static inline void desk_on_job(void *user_data, const zeebe_job *job)
{
    desk *d = user_data;
    pthread_mutex_lock(&d->mutex);
    CHECK(!d->closes && d->count < DESK);
    if (++d->at_once > d->most_at_once) d->most_at_once = d->at_once;
    if (!d->work) d->jobs[d->count++] = zeebe_job_ref(job);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    if (d->work) d->work(d, job);
    desk_change(d, &d->at_once, -1);
}

static inline void desk_on_end(void *user_data, int32_t outcome, const zeebe_error *error)
{
    desk *d = user_data;
    CHECK(outcome >= ZEEBE_JOB_OUTCOME_ENDED && outcome <= ZEEBE_JOB_OUTCOME_UNKNOWN && !error == (outcome == ZEEBE_JOB_OUTCOME_ENDED));
    pthread_mutex_lock(&d->mutex);
    CHECK(!d->closes);
    d->ends[outcome]++;
    if (error) d->end_status = zeebe_error_grpc_status(error);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

static inline void desk_on_error(void *user_data, const zeebe_error *error, int64_t failures, int64_t pause_ms)
{
    desk *d = user_data;
    CHECK(error && failures > 0 && pause_ms >= 0);
    desk_change(d, &d->errors, 1);
}

static inline void desk_on_close(void *user_data, const zeebe_error *error)
{
    desk *d = user_data;
    pthread_mutex_lock(&d->mutex);
    CHECK(!d->closes && !d->destroyed && !d->at_once);
    d->closes++;
    d->close_status = zeebe_error_grpc_status(error);
    snprintf(d->close_message, sizeof d->close_message, "%s", error ? zeebe_error_message(error) : "");
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

static inline void desk_on_destroy(void *user_data)
{
    desk *d = user_data;
    CHECK(d->closes == 1);
    desk_change(d, &d->destroyed, 1);
}

static inline zeebe_job_worker_options worker_of(const char *type)
{
    zeebe_job_worker_options options = ZEEBE_JOB_WORKER_OPTIONS_INIT;
    options.job_type = type;
    options.worker_name = "w";
    options.backoff_min_ms = 10;
    options.backoff_max_ms = 200;
    return options;
}

static inline zeebe_job_worker *worker_start(const zeebe_channel *channel, zeebe_job_worker_options options, desk *d)
{
    zeebe_job_worker_handler handler = ZEEBE_JOB_WORKER_HANDLER_INIT;
    handler.on_job = desk_on_job;
    handler.on_error = desk_on_error;
    handler.on_close = desk_on_close;
    handler.destroy = desk_on_destroy;
    OK(zeebe_job_worker_start(channel, &options, &handler, d, &d->worker));
    return d->worker;
}

static inline void worker_end(zeebe_job_worker *worker, desk *d, int32_t status)
{
    zeebe_job_worker_close(worker);
    DESK_AWAIT(d, d->destroyed == 1);
    if (d->close_status != status) fprintf(stderr, "closed with %d: %s\n", d->close_status, d->close_message);
    CHECK(d->close_status == status);
    zeebe_job_worker_free(worker);
}

static inline long worker_number(const zeebe_job_worker *worker, const char *key)
{
    char *json = NULL;
    OK(zeebe_job_worker_stats(worker, &json));
    long number = json_number(json, key);
    CHECK(number >= 0);
    zeebe_string_free(json);
    return number;
}

/* The job that was kept as the n-th, once it came. */
static inline zeebe_job *desk_job(desk *d, int n)
{
    DESK_AWAIT(d, d->count > n);
    return d->jobs[n];
}

static inline void desk_clear(desk *d)
{
    for (int i = 0; i < d->count; i++) zeebe_job_free(d->jobs[i]);
    d->count = 0;
}

static inline int has_no_jobs(const gateway *g)
{
    char *state = gateway_ask(g, "GET /state", NULL, 0);
    int none = strstr(state, "\"jobs\":[]") != NULL;
    free(state);
    return none;
}

#endif
