/* Job workers: how jobs come and end, what is sent again, and how a worker ends. usage: job_worker [callback-threads] */
#include "job_worker.h"
#include "one_task.h"

#include <stdatomic.h>

enum { QUIET_MS = 300 };

static int threads; /* for callbacks; 0: none of their own */

static void wrong_use_is_refused(const gateway *g, const zeebe_channel *channel)
{
    (void)g;
    zeebe_job_worker_handler handler = ZEEBE_JOB_WORKER_HANDLER_INIT;
    zeebe_job_worker_options options;
    zeebe_job_worker *worker = NULL;
    zeebe_completion_queue *queue = queue_new();
    zeebe_job *job = NULL;
    char *text = NULL;
    handler.on_job = desk_on_job;
#define REFUSED(say, what)                                                                                                     \
    do {                                                                                                                       \
        options = worker_of("t");                                                                                              \
        say;                                                                                                                   \
        FAILS(zeebe_job_worker_start(channel, &options, &handler, NULL, &worker), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, what);    \
        FAILS(zeebe_job_worker_start(channel, &options, NULL, NULL, &worker), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, what);        \
        FAILS(zeebe_job_worker_start_on_queue(channel, &options, queue, 1, &worker), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, what); \
    } while (0)
    const char *none[1] = {NULL}, *bad[1] = {"\xff"};
    REFUSED(options.job_type = NULL, "worker_options.job_type is not given");
    REFUSED(options.job_type = "", "worker_options.job_type is not given");
    REFUSED(options.job_type = "\xff", "worker_options.job_type is not UTF-8");
    REFUSED(options.worker_name = "\xff", "worker_options.worker_name is not UTF-8");
    REFUSED(options.job_timeout_ms = -1, "worker_options.job_timeout_ms is -1");
    REFUSED(options.max_jobs_active = 100001, "worker_options.max_jobs_active is 100001");
    REFUSED(options.handlers_at_once = -1, "worker_options.handlers_at_once is -1");
    REFUSED(options.fetch_variables_count = 1, "worker_options.fetch_variables is NULL");
    REFUSED((options.fetch_variables = none, options.fetch_variables_count = 1), "worker_options.fetch_variables is NULL");
    REFUSED((options.tenant_ids = bad, options.tenant_ids_count = 1), "worker_options.tenant_ids is not UTF-8");
    REFUSED(options.polls_alone = 2, "worker_options.polls_alone is 2");
    REFUSED(options.extend_timeout = -1, "worker_options.extend_timeout is -1");
    REFUSED(options.leave_freed_jobs = 2, "worker_options.leave_freed_jobs is 2");
    REFUSED(options.forward_trace_context = 2, "worker_options.forward_trace_context is 2");
    REFUSED(options.watchdog_ms = -1, "worker_options.watchdog_ms is -1");
    REFUSED(options.stream_timeout_ms = -1, "worker_options.stream_timeout_ms is -1");
    REFUSED(options.poll_interval_ms = -1, "worker_options.poll_interval_ms is -1");
    REFUSED(options.request_timeout_ms = -1, "worker_options.request_timeout_ms is -1");
    REFUSED(options.backoff_min_ms = 5001, "worker_options.backoff_min_ms is 5001 ms, more than worker_options.backoff_max_ms");
    REFUSED(options.backoff_max_ms = -1, "worker_options.backoff_max_ms is -1");
    REFUSED(options.backoff_factor_percent = 99, "worker_options.backoff_factor_percent is 99: it is 100 to 1000 percent");
    REFUSED(options.backoff_jitter_percent = 101, "worker_options.backoff_jitter_percent is 101");
    REFUSED(options.retry_backoff_ms = -1, "worker_options.retry_backoff_ms is -1");
    REFUSED(options.grace_ms = -2, "worker_options.grace_ms is -2");
    options = worker_of("t");
    FAILS(zeebe_job_worker_start(NULL, &options, &handler, NULL, &worker), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "channel is NULL");
    FAILS(zeebe_job_worker_start(channel, NULL, &handler, NULL, &worker), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "job_type");
    FAILS(zeebe_job_worker_start(channel, &options, &handler, NULL, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "worker is NULL");
    FAILS(zeebe_job_worker_start_on_queue(channel, &options, NULL, 1, &worker), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    handler.on_job = NULL;
    FAILS(zeebe_job_worker_start(channel, &options, &handler, NULL, &worker), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "handler.on_job is NULL");
    zeebe_completion_queue_shutdown(queue);
    FAILS(zeebe_job_worker_start_on_queue(channel, &options, queue, 1, &worker), ZEEBE_ERROR_KIND_SHUTDOWN, "queue");
    is_drained(queue);
    zeebe_completion_queue_free(queue);
    CHECK(!worker);
    FAILS(zeebe_job_worker_next(NULL, 0, &job), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "worker is NULL");
    FAILS(zeebe_job_complete(NULL, NULL, NULL, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "job is NULL");
    FAILS(zeebe_job_worker_stats(NULL, &text), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "worker is NULL");
    FAILS(zeebe_job_workers_prometheus(NULL, 1, &text), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "workers is NULL");
    FAILS(zeebe_job_workers_prometheus((const zeebe_job_worker *const[]){NULL}, 1, &text), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "worker is NULL");
    zeebe_job_worker_close(NULL);
    zeebe_job_worker_free(NULL);
    zeebe_job_free(NULL);
    size_t length = 7;
    CHECK(!zeebe_job_worker_ref(NULL) && !zeebe_job_ref(NULL) && !zeebe_job_key(NULL) && !zeebe_job_type(NULL, &length) && length == 0);
    CHECK(!zeebe_job_message(NULL, NULL) && !zeebe_job_deadline(NULL) && !zeebe_job_retries(NULL));
}

static void complete(desk *d, const zeebe_job *job) { OK(zeebe_job_complete(job, "{\"done\":true}", desk_on_end, d)); }

static void jobs_are_completed_in_parallel(const gateway *g, const zeebe_channel *channel)
{
    enum { JOBS = 200 };
    desk d = DESK_INIT;
    d.work = complete;
    start_jobs(channel, JOBS / 2, 10);
    zeebe_job_worker *worker = worker_start(channel, worker_of("large"), &d);
    start_jobs(channel, JOBS / 2, 10);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == JOBS);
    CHECK(worker_number(worker, "activated") == JOBS && worker_number(worker, "completed") == JOBS && worker_number(worker, "failed") == 0);
    UNTIL(worker_number(worker, "jobs_here") == 0);
    char *text = NULL;
    OK(zeebe_job_workers_prometheus((const zeebe_job_worker *const[]){worker, worker}, 2, &text));
    CHECK(strstr(text, "zeebe_job_worker_jobs_completed_total{type=\"large\",worker=\"w\"} 200\n"));
    CHECK(strstr(text, "zeebe_job_worker_handler_seconds_count{type=\"large\",worker=\"w\"} 200\n"));
    CHECK(strstr(text, "zeebe_job_worker_queue_seconds_bucket{type=\"large\",worker=\"w\",le=\"+Inf\"} 200\n"));
    zeebe_string_free(text);
    CHECK(has_no_jobs(g));
    worker_end(worker, &d, 0);
    CHECK(d.most_at_once <= (threads ? threads : 1) && d.ends[ZEEBE_JOB_OUTCOME_ENDED] == JOBS);
    /* Another handle is the same worker. */
    desk again = DESK_INIT;
    worker = worker_start(channel, worker_of("large"), &again);
    zeebe_job_worker *other = zeebe_job_worker_ref(worker);
    zeebe_job_worker_free(worker);
    start_jobs(channel, 1, 10);
    complete(&again, desk_job(&again, 0));
    DESK_AWAIT(&again, again.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    desk_clear(&again);
    worker_end(other, &again, 0);
}

static void is_text(const char *(*of)(const zeebe_job *, size_t *), const zeebe_job *job, const char *said)
{
    size_t length = 0;
    const char *text = of(job, &length);
    if (strcmp(text, said)) fprintf(stderr, "%s is not %s\n", text, said);
    CHECK(strcmp(text, said) == 0 && length == strlen(said) && of(job, NULL) == text);
}

static void a_job_says_what_it_is(const gateway *g, const zeebe_channel *channel)
{
    desk d = DESK_INIT;
    deploy(channel, "told", "<z:header key=\"h\" value=\"v\"/>", "acme");
    const char *const variables[] = {"a", "c"}, *const tenants[] = {"acme"};
    zeebe_job_worker_options options = worker_of("told");
    options.fetch_variables = variables;
    options.fetch_variables_count = 2;
    options.tenant_ids = tenants;
    options.tenant_ids_count = 1;
    options.job_timeout_ms = 600000;
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    create(channel, "told", "{\\\"a\\\":1,\\\"b\\\":2}", "acme");
    const zeebe_job *job = desk_job(&d, 0);
    is_text(zeebe_job_type, job, "told");
    is_text(zeebe_job_bpmn_process_id, job, "told");
    is_text(zeebe_job_element_id, job, "t");
    is_text(zeebe_job_custom_headers, job, "{\"h\":\"v\"}");
    is_text(zeebe_job_worker_name, job, "w");
    is_text(zeebe_job_variables, job, "{\"a\":1}");
    is_text(zeebe_job_tenant_id, job, "acme");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t left = zeebe_job_deadline(job) - now.tv_sec * INT64_C(1000);
    CHECK(zeebe_job_key(job) && zeebe_job_process_instance_key(job) && zeebe_job_process_definition_key(job) && zeebe_job_element_instance_key(job));
    CHECK(zeebe_job_retries(job) == 2 && zeebe_job_process_definition_version(job) == 1 && left > 0 && left < 602000);
    CHECK(zeebe_job_kind(job) == 0 && zeebe_job_listener_event_type(job) == 6);
    size_t length = 0;
    char *json = NULL;
    const uint8_t *message = zeebe_job_message(job, &length);
    OK(zeebe_response_to_json("StreamActivatedJobs", message, length, &json));
    CHECK(strstr(json, "\"type\":\"told\"") && strstr(json, "\"tenantId\":\"acme\""));
    zeebe_string_free(json);
    OK(zeebe_response_to_json("StreamActivatedJobs", message, length, &json));
    CHECK(strstr(json, "\"variables\":{\"a\":1}") && strstr(json, "\"customHeaders\":{\"h\":\"v\"}") && strstr(json, "\"type\":\"told\""));
    zeebe_string_free(json);
    complete(&d, job);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    is_text(zeebe_job_type, job, "told"); /* also after its end */
    desk_clear(&d);
    worker_end(worker, &d, 0);
    CHECK(has_no_jobs(g));
}

static void a_job_ends_once(const gateway *g, const zeebe_channel *channel)
{
    (void)g;
    desk d = DESK_INIT;
    zeebe_job_worker *worker = worker_start(channel, worker_of("large"), &d);
    zeebe_completion_queue *queue = queue_new();
    start_jobs(channel, 1, 10);
    const zeebe_job *job = desk_job(&d, 0);
    FAILS(zeebe_job_complete(job, "\xff", NULL, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "variables is not UTF-8");
    FAILS(zeebe_job_fail(job, -2, 0, NULL, NULL, NULL, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "retries is -2");
    FAILS(zeebe_job_throw_error(job, NULL, NULL, NULL, NULL, NULL), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "code is NULL");
    FAILS(zeebe_job_complete_on_queue(job, NULL, NULL, 1), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "queue is NULL");
    complete(&d, job);
#define SECOND(call) FAILS(call, ZEEBE_ERROR_KIND_ILLEGAL_STATE, "was ended before")
    SECOND(zeebe_job_complete(job, NULL, desk_on_end, &d));
    SECOND(zeebe_job_fail(job, 1, 0, NULL, NULL, desk_on_end, &d));
    SECOND(zeebe_job_throw_error(job, "x", NULL, NULL, desk_on_end, &d));
    SECOND(zeebe_job_complete_on_queue(job, NULL, queue, 1));
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    SECOND(zeebe_job_fail_on_queue(job, 1, 0, NULL, NULL, queue, 1));
    SECOND(zeebe_job_throw_error_on_queue(job, "x", NULL, NULL, queue, 1));
    /* A queue that refuses its event leaves the job as it was, and what was refused is not waited for. */
    zeebe_completion_queue_shutdown(queue);
    is_drained(queue);
    start_jobs(channel, 1, 10);
    job = desk_job(&d, 1);
    FAILS(zeebe_job_complete_on_queue(job, NULL, queue, 1), ZEEBE_ERROR_KIND_SHUTDOWN, "queue");
    complete(&d, job);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 2);
    zeebe_completion_queue_free(queue);
    desk_clear(&d);
    worker_end(worker, &d, 0);
}

static void jobs_fail_and_throw_errors(const gateway *g, const zeebe_channel *channel)
{
    desk d = DESK_INIT;
    deploy(channel, "fails", "", "");
    zeebe_job_worker_options options = worker_of("fails");
    options.retry_backoff_ms = QUIET_MS;
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    create(channel, "fails", "{}", "");
    const zeebe_job *job = desk_job(&d, 0);
    CHECK(zeebe_job_retries(job) == 2);
    int64_t began = now_ms();
    OK(zeebe_job_fail(job, ZEEBE_RETRIES_ONE_LESS, -1, "not today", "{\"why\":1}", desk_on_end, &d));
    job = desk_job(&d, 1);
    CHECK(now_ms() - began >= QUIET_MS - 50 && zeebe_job_retries(job) == 1 && strstr(zeebe_job_variables(job, NULL), "\"why\":1"));
    OK(zeebe_job_fail(job, 7, 0, NULL, NULL, desk_on_end, &d));
    job = desk_job(&d, 2);
    CHECK(zeebe_job_retries(job) == 7);
    OK(zeebe_job_fail(job, 0, 0, "no more", NULL, desk_on_end, &d));
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 3);
    char *incidents = gateway_ask(g, "GET /incidents", NULL, 0);
    CHECK(strstr(incidents, "no more"));
    free(incidents);
    create(channel, "fails", "{}", "");
    OK(zeebe_job_throw_error(desk_job(&d, 3), "boom", "it went off", "{}", desk_on_end, &d));
    create(channel, "fails", "{}", "");
    OK(zeebe_job_throw_error(desk_job(&d, 4), "unheard of", "nobody minds", NULL, desk_on_end, &d));
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 5);
    incidents = gateway_ask(g, "GET /incidents", NULL, 0);
    CHECK(strstr(incidents, "unheard of: nobody minds") && !strstr(incidents, "it went off"));
    free(incidents);
    CHECK(worker_number(worker, "failed") == 3 && worker_number(worker, "thrown") == 2);
    desk_clear(&d);
    worker_end(worker, &d, 0);
}

static void forget(desk *d, const zeebe_job *job) { (void)d, (void)job; }

static void a_job_that_is_freed_fails_or_is_left(const gateway *g, const zeebe_channel *channel)
{
    desk d = DESK_INIT, left = DESK_INIT;
    deploy(channel, "freed", "", "");
    d.work = left.work = forget;
    create(channel, "freed", "{}", "");
    zeebe_job_worker *worker = worker_start(channel, worker_of("freed"), &d);
    UNTIL(worker_number(worker, "failed") == 2); /* twice, and then an incident */
    char *incidents = gateway_ask(g, "GET /incidents", NULL, 0);
    CHECK(strstr(incidents, "let go of the job"));
    free(incidents);
    worker_end(worker, &d, 0);
    zeebe_job_worker_options options = worker_of("freed");
    options.leave_freed_jobs = 1;
    options.job_timeout_ms = 500;
    options.poll_interval_ms = 100;
    worker = worker_start(channel, options, &left);
    create(channel, "freed", "{}", "");
    UNTIL(worker_number(worker, "left") >= 3);
    UNTIL(worker_number(worker, "jobs_here") == 0);
    CHECK(worker_number(worker, "failed") == 0);
    worker_end(worker, &left, 0);
}

static void no_more_is_here_than_may_be(const gateway *g, const zeebe_channel *channel)
{
    (void)g;
    enum { JOBS = 40, ACTIVE = 6, HANDLERS = 2 };
    desk d = DESK_INIT;
    zeebe_job_worker_options options = worker_of("large");
    options.max_jobs_active = ACTIVE;
    options.handlers_at_once = HANDLERS;
    start_jobs(channel, JOBS, 10);
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    for (int done = 0; done < JOBS; done++) {
        DESK_AWAIT(&d, d.count > done);
        if (done + ACTIVE < JOBS) UNTIL(worker_number(worker, "jobs_here") >= ACTIVE); /* refilled at once, one by one */
        if (done % 16 == 0) usleep(QUIET_MS * 1000);
        long here = worker_number(worker, "jobs_here");
        pthread_mutex_lock(&d.mutex);
        CHECK(d.count <= done + HANDLERS && here <= ACTIVE + 1);
        pthread_mutex_unlock(&d.mutex);
        complete(&d, d.jobs[done]);
    }
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == JOBS);
    desk_clear(&d);
    worker_end(worker, &d, 0);
}

/* Of a worker on a queue: its jobs, their ends and its own end are events. */
static void jobs_are_events(const gateway *g, const zeebe_channel *channel)
{
    (void)g;
    enum { JOBS = 50, WORKER = 5 };
    zeebe_completion_queue *queue = queue_new();
    zeebe_job_worker_options options = worker_of("large");
    zeebe_job_worker *worker = NULL;
    zeebe_job *job = NULL;
    OK(zeebe_job_worker_start_on_queue(channel, &options, queue, WORKER, &worker));
    FAILS(zeebe_job_worker_next(worker, 0, &job), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "queue");
    start_jobs(channel, JOBS, 10);
    int jobs = 0, ends = 0;
    while (ends < JOBS) {
        zeebe_event event = take_one(queue);
        if (event.event_type == ZEEBE_EVENT_TYPE_JOB) {
            CHECK(event.tag == WORKER && event.job && zeebe_job_key(event.job) && !event.error);
            jobs++;
            uint64_t tag = 100 + (uint64_t)jobs;
            if (jobs % 3 == 0) OK(zeebe_job_fail_on_queue(event.job, 0, 0, "no", NULL, queue, tag));
            else if (jobs % 3 == 1) OK(zeebe_job_throw_error_on_queue(event.job, "unheard of", NULL, NULL, queue, tag));
            else OK(zeebe_job_complete_on_queue(event.job, "{\"a\":1}", queue, tag));
        } else {
            CHECK(event.event_type == ZEEBE_EVENT_TYPE_JOB_ENDED && event.tag > 100 && event.outcome == ZEEBE_JOB_OUTCOME_ENDED && !event.error);
            ends++;
        }
        clear(&event);
        CHECK(!event.job);
    }
    CHECK(jobs == JOBS);
    zeebe_job_worker_close(worker);
    zeebe_event event = take_one(queue);
    CHECK(event.event_type == ZEEBE_EVENT_TYPE_CLOSE && event.tag == WORKER && !event.error && event.metadata);
    clear(&event);
    zeebe_completion_queue_shutdown(queue);
    is_drained(queue);
    zeebe_completion_queue_free(queue);
    zeebe_job_worker_free(worker);
    /* A queue that is freed ends the worker, and leaves what it held to its time-out. */
    queue = queue_new();
    OK(zeebe_job_worker_start_on_queue(channel, &options, queue, WORKER, &worker));
    start_jobs(channel, 3, 10);
    UNTIL(worker_number(worker, "activated") == 3);
    zeebe_completion_queue_free(queue);
    UNTIL(worker_number(worker, "jobs_here") == 0);
    CHECK(worker_number(worker, "failed") == 0 && worker_number(worker, "not_ended") == 0);
    zeebe_job_worker_free(worker);
    /* The same while many wait behind the few that it held. */
    start_jobs(channel, 300, 10);
    for (int round = 0; round < 5; round++) {
        options.max_jobs_active = 200;
        options.handlers_at_once = 1 + round;
        options.job_timeout_ms = 300;
        options.poll_interval_ms = 50;
        queue = queue_new();
        OK(zeebe_job_worker_start_on_queue(channel, &options, queue, WORKER, &worker));
        UNTIL(worker_number(worker, "activated") >= 10 * (round + 1));
        zeebe_completion_queue_free(queue);
        UNTIL(worker_number(worker, "jobs_here") == 0);
        CHECK(worker_number(worker, "failed") == 0 && worker_number(worker, "completed") == 0);
        zeebe_job_worker_free(worker);
    }
}

typedef struct {
    const zeebe_job_worker *worker;
    int jobs;
} taker;

static void *take_jobs(void *argument)
{
    taker *t = argument;
    for (;;) {
        zeebe_job *job = NULL;
        zeebe_error *end = zeebe_job_worker_next(t->worker, -1, &job);
        if (end) {
            CHECK(zeebe_error_kind(end) == ZEEBE_ERROR_KIND_SHUTDOWN && strstr(zeebe_error_message(end), "the worker has ended"));
            zeebe_error_free(end);
            return NULL;
        }
        CHECK(job);
        OK(zeebe_job_complete(job, NULL, NULL, NULL));
        zeebe_job_free(job);
        t->jobs++;
    }
}

static void jobs_are_taken_by_threads(const gateway *g, const zeebe_channel *channel)
{
    (void)g;
    enum { JOBS = 100, TAKERS = 4 };
    zeebe_job_worker_options options = worker_of("large");
    zeebe_job_worker *worker = NULL;
    zeebe_job *job = NULL;
    pthread_t thread[TAKERS];
    taker takers[TAKERS];
    OK(zeebe_job_worker_start(channel, &options, NULL, NULL, &worker));
    OK(zeebe_job_worker_next(worker, 0, &job));
    CHECK(!job);
    OK(zeebe_job_worker_next(worker, 20, &job));
    CHECK(!job);
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (taker){worker, 0};
        CHECK(pthread_create(&thread[i], NULL, take_jobs, &takers[i]) == 0);
    }
    start_jobs(channel, JOBS, 10);
    UNTIL(worker_number(worker, "completed") == JOBS);
    zeebe_job_worker_close(worker);
    int jobs = 0;
    for (int i = 0; i < TAKERS; i++) {
        JOIN(thread[i]);
        jobs += takers[i].jobs;
    }
    CHECK(jobs == JOBS);
    zeebe_job_worker_free(worker);
    /* What nobody has taken goes back at a close. */
    start_jobs(channel, 10, 10);
    OK(zeebe_job_worker_start(channel, &options, NULL, NULL, &worker));
    OK(zeebe_job_worker_next(worker, -1, &job));
    UNTIL(worker_number(worker, "activated") == 10);
    zeebe_job_worker_close(worker);
    zeebe_job *none = NULL;
    OK(zeebe_job_worker_next(worker, 100, &none));
    UNTIL(worker_number(worker, "given_back") == 9);
    OK(zeebe_job_complete(job, NULL, NULL, NULL));
    zeebe_job_free(job);
    FAILS(zeebe_job_worker_next(worker, -1, &none), ZEEBE_ERROR_KIND_SHUTDOWN, "the worker has ended");
    CHECK(!none && worker_number(worker, "completed") == 1 && worker_number(worker, "failed") == 0);
    zeebe_job_worker_free(worker);
    /* A worker that is freed leaves them. */
    OK(zeebe_job_worker_start(channel, &options, NULL, NULL, &worker));
    for (int i = 0; i < 9; i++) {
        OK(zeebe_job_worker_next(worker, -1, &job)); /* at once: they were given back */
        OK(zeebe_job_complete(job, NULL, NULL, NULL));
        zeebe_job_free(job);
    }
    UNTIL(worker_number(worker, "completed") == 9);
    zeebe_job_worker_free(worker);
}

static void complete_and_close(desk *d, const zeebe_job *job)
{
    complete(d, job);
    zeebe_job_worker_close(d->worker);
}

static void complete_and_free(desk *d, const zeebe_job *job)
{
    zeebe_error *refused = zeebe_job_complete(job, NULL, NULL, NULL);
    CHECK(!refused || zeebe_error_kind(refused) == ZEEBE_ERROR_KIND_SHUTDOWN); /* on another thread the free came first */
    zeebe_error_free(refused);
    zeebe_job_worker *worker = NULL;
    pthread_mutex_lock(&d->mutex);
    worker = d->worker;
    d->worker = NULL;
    pthread_mutex_unlock(&d->mutex);
    zeebe_job_worker_free(worker); /* the last handle, or NULL */
}

/* A callback may end its worker, in order or at once. */
static void a_callback_ends_its_worker(const gateway *g, const zeebe_channel *channel)
{
    (void)g;
    desk closed = DESK_INIT, freed = DESK_INIT, rest = DESK_INIT;
    closed.work = complete_and_close;
    freed.work = complete_and_free;
    rest.work = complete;
    start_jobs(channel, 20, 10);
    zeebe_job_worker *worker = worker_start(channel, worker_of("large"), &closed);
    DESK_AWAIT(&closed, closed.destroyed == 1);
    CHECK(closed.close_status == 0 && closed.ends[ZEEBE_JOB_OUTCOME_ENDED] >= 1);
    zeebe_job_worker_free(worker);
    zeebe_job_worker_options options = worker_of("large");
    options.job_timeout_ms = 1000;
    start_jobs(channel, 20, 10);
    worker_start(channel, options, &freed);
    DESK_AWAIT(&freed, freed.destroyed == 1);
    CHECK(freed.close_status == ZEEBE_STATUS_CANCELLED && !freed.worker);
    options.poll_interval_ms = 100;
    worker = worker_start(channel, options, &rest); /* of what it left, some after their time-out */
    UNTIL(worker_number(worker, "completed") >= 15);
    UNTIL(has_no_jobs(g));
    worker_end(worker, &rest, 0);
}

static desk *shared;
static atomic_int turn;

static void *end_some(void *argument)
{
    (void)argument;
    for (;;) {
        int n = turn++;
        pthread_mutex_lock(&shared->mutex);
        while (shared->count <= n && !shared->closes) pthread_cond_wait(&shared->changed, &shared->mutex);
        zeebe_job *job = shared->count > n ? shared->jobs[n] : NULL;
        if (job) shared->jobs[n] = NULL;
        pthread_mutex_unlock(&shared->mutex);
        if (!job) return NULL;
        zeebe_job *other = zeebe_job_ref(job);
        zeebe_job_free(job);
        if (n % 3) complete(shared, other);
        else OK(zeebe_job_fail(other, 1, 0, "again", NULL, desk_on_end, shared)); /* it comes again */
        zeebe_job_free(other);
    }
}

static void jobs_end_on_any_thread(const gateway *g, const zeebe_channel *channel)
{
    enum { JOBS = 300, THREADS = 6 };
    desk d = DESK_INIT;
    pthread_t thread[THREADS];
    shared = &d;
    turn = 0;
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&thread[i], NULL, end_some, NULL) == 0);
    zeebe_job_worker *worker = worker_start(channel, worker_of("large"), &d);
    start_jobs(channel, JOBS, 10);
    UNTIL(worker_number(worker, "completed") >= JOBS && has_no_jobs(g));
    CHECK(worker_number(worker, "completed") == JOBS);
    worker_end(worker, &d, 0);
    CHECK(d.ends[ZEEBE_JOB_OUTCOME_ENDED] == d.count && d.ends[2] == 0 && d.ends[3] == 0);
    for (int i = 0; i < THREADS; i++) JOIN(thread[i]);
}

static void an_end_is_sent_again(const gateway *g, const zeebe_channel *channel)
{
    zeebe_channel *other = channel_to(g); /* whose connection nothing happens to */
    desk d = DESK_INIT;
    d.work = complete;
    zeebe_job_worker *worker = worker_start(channel, worker_of("large"), &d);
    gateway_tell(g, "POST /fail?status=14&count=3&rpc=CompleteJob");
    start_jobs(other, 1, 10);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    CHECK(worker_number(worker, "sent_again") == 3);
    gateway_tell(g, "POST /fail?status=8&count=20&rpc=CompleteJob"); /* back-pressure */
    start_jobs(other, 10, 10);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 11);
    CHECK(worker_number(worker, "sent_again") == 23);
    /* A connection that is lost before anything is answered, an answer that was reset: the job is ended once. */
    gateway_tell(g, "POST /fault?kind=reset&at=headers&count=1&rpc=CompleteJob");
    start_jobs(other, 1, 10);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 12);
    gateway_tell(g, "POST /fault?kind=rst&reason=2&at=headers&count=1&rpc=CompleteJob");
    start_jobs(other, 1, 10);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 13);
    CHECK(has_no_jobs(g));
    /* One that was turn, and whose answer was lost, is not there any more: perhaps we were it. */
    gateway_tell(g, "POST /fault?kind=reset&at=trailers&count=1&rpc=CompleteJob");
    start_jobs(other, 1, 10);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_UNKNOWN] == 1);
    CHECK(d.end_status == ZEEBE_STATUS_NOT_FOUND && has_no_jobs(g));
    CHECK(worker_number(worker, "unknown") == 1 && worker_number(worker, "not_ended") == 0);
    worker_end(worker, &d, 0);
    zeebe_channel_free(other);
}

static void what_cannot_pass_is_told(const gateway *g, const zeebe_channel *channel)
{
    const int32_t statuses[] = {ZEEBE_STATUS_INVALID_ARGUMENT, ZEEBE_STATUS_NOT_FOUND,           ZEEBE_STATUS_PERMISSION_DENIED,
                                ZEEBE_STATUS_UNIMPLEMENTED,    ZEEBE_STATUS_FAILED_PRECONDITION, ZEEBE_STATUS_UNAUTHENTICATED};
    const int count = sizeof statuses / sizeof *statuses;
    desk d = DESK_INIT;
    zeebe_job_worker_options options = worker_of("large");
    options.job_timeout_ms = 600000;
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    for (int i = 0; i < count; i++) {
        char request[128];
        snprintf(request, sizeof request, "POST /fail?status=%d&count=1&rpc=CompleteJob", statuses[i]);
        gateway_tell(g, request);
        start_jobs(channel, 1, 10);
        complete(&d, desk_job(&d, i));
        DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_NOT_ENDED] == i + 1);
        CHECK(d.end_status == statuses[i]);
    }
    /* Variables that are no JSON object, and more than may be sent. */
    start_jobs(channel, 2, 10);
    desk_job(&d, count + 1);
    OK(zeebe_job_complete(desk_job(&d, count), "[]", desk_on_end, &d));
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_NOT_ENDED] == count + 1);
    CHECK(d.end_status == ZEEBE_STATUS_INVALID_ARGUMENT && worker_number(worker, "sent_again") == 0);
    desk_clear(&d);
    worker_end(worker, &d, 0);
    /* INTERNAL says nothing of what was done. */
    desk unknown = DESK_INIT;
    unknown.work = complete;
    gateway_tell(g, "POST /fail?status=13&count=1&rpc=CompleteJob");
    worker = worker_start(channel, worker_of("large"), &unknown);
    start_jobs(channel, 1, 10);
    DESK_AWAIT(&unknown, unknown.ends[ZEEBE_JOB_OUTCOME_UNKNOWN] == 1);
    worker_end(worker, &unknown, 0);
}

static void a_job_gets_more_time_while_it_is_worked_on(const gateway *g, const zeebe_channel *channel)
{
    desk d = DESK_INIT;
    zeebe_job_worker_options options = worker_of("large");
    options.job_timeout_ms = 3000; /* asked for more halfway: who is slow has as long */
    options.extend_timeout = 1;
    options.poll_interval_ms = 100;
    gateway_tell(g, "POST /fail?status=14&count=1&rpc=UpdateJobTimeout"); /* is asked again */
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    start_jobs(channel, 1, 10);
    const zeebe_job *job = desk_job(&d, 0);
    int64_t deadline = zeebe_job_deadline(job);
    UNTIL(zeebe_job_deadline(job) > deadline + 4000); /* the third, at 4.5 s */
    CHECK(d.count == 1);
    complete(&d, job);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    CHECK(worker_number(worker, "extended") >= 3 && worker_number(worker, "late") == 0);
    /* A job that is gone says so. */
    start_jobs(channel, 1, 10);
    job = desk_job(&d, 1);
    deadline = zeebe_job_deadline(job);
    char request[128], *answer = NULL;
    snprintf(request, sizeof request, "{\"jobKey\":\"%lld\"}", (long long)zeebe_job_key(job));
    OK(zeebe_channel_json_call_sync(channel, "CompleteJob", request, NULL, &answer));
    zeebe_string_free(answer);
    UNTIL(zeebe_job_deadline(job) < deadline);
    complete(&d, job);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_NOT_ENDED] == 1);
    CHECK(d.end_status == ZEEBE_STATUS_NOT_FOUND);
    /* A gateway that knows no such call is asked once. */
    gateway_tell(g, "POST /fail?status=12&count=1000&rpc=UpdateJobTimeout");
    long before = gateway_count(g, "UpdateJobTimeout");
    start_jobs(channel, 1, 10);
    desk_job(&d, 3); /* it comes again */
    CHECK(gateway_count(g, "UpdateJobTimeout") == before + 1);
    complete(&d, d.jobs[3]);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 2);
    gateway_tell(g, "POST /fail?status=12&count=0&rpc=UpdateJobTimeout");
    desk_clear(&d);
    worker_end(worker, &d, 0);
}

static atomic_int late_records, expired_records;

static void on_log(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    const char *message = zeebe_log_record_message(record);
    late_records += zeebe_log_record_level(record) == ZEEBE_LOG_LEVEL_WARN && strstr(message, "ms after its deadline");
    expired_records += zeebe_log_record_level(record) == ZEEBE_LOG_LEVEL_WARN && strstr(message, "waited for a handler past its deadline");
}

static void deadlines_are_minded(const gateway *g, const zeebe_channel *channel)
{
    (void)g;
    desk d = DESK_INIT;
    zeebe_job_worker_options options = worker_of("large");
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_WARN, on_log, NULL, NULL));
    options.job_timeout_ms = 700;
    options.handlers_at_once = 1;
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    start_jobs(channel, 2, 10);
    desk_job(&d, 0);
    UNTIL(worker_number(worker, "expired") >= 1); /* the second waited behind it */
    UNTIL(expired_records >= 1);
    complete(&d, d.jobs[0]); /* sent all the same, and nobody else had it */
    UNTIL(worker_number(worker, "late") >= 1 && late_records >= 1);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_OFF, NULL, NULL, NULL));
    for (int next = 1; d.ends[ZEEBE_JOB_OUTCOME_ENDED] < 2; next++) {
        complete(&d, desk_job(&d, next));
        DESK_AWAIT(&d, d.ends[1] + d.ends[2] + d.ends[3] == next + 1);
    }
    desk_clear(&d);
    worker_end(worker, &d, 0);
}

static void a_close_gives_back_and_waits_for_its_grace(const gateway *g, const zeebe_channel *channel)
{
    enum { JOBS = 10 };
    desk d = DESK_INIT, heir = DESK_INIT;
    zeebe_job_worker_options options = worker_of("large");
    options.handlers_at_once = 2;
    options.job_timeout_ms = 600000;
    start_jobs(channel, JOBS, 10);
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    UNTIL(worker_number(worker, "activated") == JOBS);
    DESK_AWAIT(&d, d.count == 2);
    int32_t retries = zeebe_job_retries(d.jobs[0]);
    zeebe_job_worker_close(worker);
    UNTIL(worker_number(worker, "given_back") == JOBS - 2);
    /* They come to another at once, as they were. */
    zeebe_job_worker *other = worker_start(channel, worker_of("large"), &heir);
    DESK_AWAIT(&heir, heir.count == JOBS - 2);
    for (int i = 0; i < heir.count; i++) {
        CHECK(zeebe_job_retries(heir.jobs[i]) == retries);
        complete(&heir, heir.jobs[i]);
    }
    DESK_AWAIT(&heir, heir.ends[ZEEBE_JOB_OUTCOME_ENDED] == JOBS - 2);
    CHECK(!d.closes);
    complete(&d, d.jobs[0]);
    complete(&d, d.jobs[1]);
    worker_end(worker, &d, 0);
    CHECK(d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 2 && has_no_jobs(g));
    desk_clear(&d);
    desk_clear(&heir);
    worker_end(other, &heir, 0);
    /* A grace that passes. */
    desk late = DESK_INIT;
    options.grace_ms = 100;
    worker = worker_start(channel, options, &late);
    start_jobs(channel, 1, 10);
    const zeebe_job *job = desk_job(&late, 0);
    worker_end(worker, &late, ZEEBE_STATUS_DEADLINE_EXCEEDED);
    CHECK(strstr(late.close_message, "1 jobs are left"));
    FAILS(zeebe_job_complete(job, NULL, NULL, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "the worker has ended");
    desk_clear(&late);
    /* None at all. */
    desk none = DESK_INIT;
    options.grace_ms = ZEEBE_GRACE_NONE;
    worker = worker_start(channel, options, &none);
    start_jobs(channel, 1, 10);
    desk_job(&none, 0);
    worker_end(worker, &none, ZEEBE_STATUS_DEADLINE_EXCEEDED);
    desk_clear(&none);
}

static void a_free_ends_it_at_once(const gateway *g, const zeebe_channel *channel)
{
    desk d = DESK_INIT;
    zeebe_job_worker_options options = worker_of("large");
    options.handlers_at_once = 1;
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    start_jobs(channel, 3, 10);
    const zeebe_job *job = desk_job(&d, 0);
    UNTIL(worker_number(worker, "activated") == 3);
    long before = gateway_count(g, "FailJob");
    zeebe_job_worker_free(worker);
    DESK_AWAIT(&d, d.destroyed == 1);
    CHECK(d.close_status == ZEEBE_STATUS_CANCELLED);
    FAILS(zeebe_job_fail(job, 0, 0, NULL, NULL, NULL, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "the worker has ended");
    desk_clear(&d); /* after the worker: nothing follows */
    CHECK(gateway_count(g, "FailJob") == before);
}

static void what_cannot_pass_ends_the_worker(const gateway *g, const zeebe_channel *channel)
{
    const int32_t statuses[] = {ZEEBE_STATUS_PERMISSION_DENIED, ZEEBE_STATUS_NOT_FOUND, ZEEBE_STATUS_UNAUTHENTICATED, ZEEBE_STATUS_INVALID_ARGUMENT};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        for (int alone = 0; alone < 2; alone++) {
            desk d = DESK_INIT;
            char request[128];
            zeebe_job_worker_options options = worker_of("nobody");
            options.polls_alone = alone;
            snprintf(request, sizeof request, "POST /fail?status=%d&count=1&rpc=%s", statuses[i], alone ? "ActivateJobs" : "StreamActivatedJobs");
            gateway_tell(g, request);
            zeebe_job_worker *worker = worker_start(channel, options, &d);
            DESK_AWAIT(&d, d.destroyed == 1);
            CHECK(d.close_status == statuses[i]);
            zeebe_job_worker_free(worker);
        }
    }
    /* A gateway that has no streams is polled alone; one that has no polls either is no gateway. */
    desk polled = DESK_INIT, nothing = DESK_INIT;
    polled.work = complete;
    gateway_tell(g, "POST /fail?status=12&count=1&rpc=StreamActivatedJobs");
    zeebe_job_worker *worker = worker_start(channel, worker_of("large"), &polled);
    start_jobs(channel, 3, 10);
    DESK_AWAIT(&polled, polled.ends[ZEEBE_JOB_OUTCOME_ENDED] == 3);
    worker_end(worker, &polled, 0);
    gateway_tell(g, "POST /fail?status=12&count=1000");
    worker = worker_start(channel, worker_of("large"), &nothing);
    DESK_AWAIT(&nothing, nothing.destroyed == 1);
    CHECK(nothing.close_status == ZEEBE_STATUS_UNIMPLEMENTED);
    gateway_tell(g, "POST /fail?status=12&count=0");
    zeebe_job_worker_free(worker);
}

static void polls_alone_bring_jobs_and_slow_down(const gateway *g, const zeebe_channel *channel)
{
    desk d = DESK_INIT;
    d.work = complete;
    zeebe_job_worker_options options = worker_of("large");
    options.polls_alone = 1;
    options.poll_interval_ms = 10;
    options.request_timeout_ms = 2000;
    options.backoff_min_ms = 200;
    options.backoff_max_ms = 60000;
    options.backoff_factor_percent = 1000;
    options.backoff_jitter_percent = ZEEBE_JITTER_NONE;
    long streams = gateway_count(g, "StreamActivatedJobs"), polls = gateway_count(g, "ActivateJobs");
    start_jobs(channel, 20, 10);
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 20);
    UNTIL(gateway_count(g, "open_calls") == 1); /* the gateway holds one */
    start_jobs(channel, 1, 10);
    DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 21);
    CHECK(gateway_count(g, "StreamActivatedJobs") == streams);
    /* Back-pressure: 10 ms would be 50 polls. */
    gateway_tell(g, "POST /fail?status=8&count=1000&rpc=ActivateJobs");
    start_jobs(channel, 1, 10); /* ends the one that is held */
    DESK_AWAIT(&d, d.errors >= 1);
    polls = gateway_count(g, "ActivateJobs");
    usleep(500 * 1000);
    CHECK(gateway_count(g, "ActivateJobs") <= polls + 2 && worker_number(worker, "activated") >= 21);
    gateway_tell(g, "POST /fail?status=8&count=0&rpc=ActivateJobs");
    worker_end(worker, &d, 0);
    /* A stream that is replaced for its age brings what comes. */
    desk aged = DESK_INIT;
    aged.work = complete;
    options = worker_of("large");
    options.stream_timeout_ms = 50;
    worker = worker_start(channel, options, &aged);
    UNTIL(gateway_count(g, "StreamActivatedJobs") >= streams + 4);
    start_jobs(channel, 20, 10);
    DESK_AWAIT(&aged, aged.ends[ZEEBE_JOB_OUTCOME_ENDED] == 20);
    worker_end(worker, &aged, 0);
}

static void the_trace_of_a_job_is_handed_on(const gateway *g, const zeebe_channel *channel)
{
    deploy(channel, "traced",
           "<z:header key=\"traceparent\" value=\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"/>"
           "<z:header key=\"baggage\" value=\"a=b\"/><z:header key=\"other\" value=\"x\"/>",
           "");
    for (int forward = 0; forward < 2; forward++) {
        desk d = DESK_INIT;
        d.work = complete;
        zeebe_job_worker_options options = worker_of("traced");
        options.forward_trace_context = forward;
        zeebe_metadata *metadata = NULL;
        OK(zeebe_metadata_new(&metadata));
        OK(zeebe_metadata_add(metadata, "own", (const uint8_t *)"mine", 4));
        options.metadata = metadata;
        zeebe_job_worker *worker = worker_start(channel, options, &d);
        zeebe_metadata_free(metadata);
        create(channel, "traced", "{}", "");
        DESK_AWAIT(&d, d.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
        char *calls = gateway_ask(g, "GET /calls?last=1&rpc=CompleteJob", NULL, 0); /* it polls meanwhile */
        CHECK(strstr(calls, "CompleteJob") && strstr(calls, "mine") && !strstr(calls, "\"other\""));
        CHECK(!strstr(calls, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") == !forward && !strstr(calls, "a=b") == !forward);
        free(calls);
        worker_end(worker, &d, 0);
    }
}

/* What ends a channel or the runtime ends its workers; handles stay safe. */
static long open_streams(const gateway *g)
{
    char *state = gateway_ask(g, "GET /state", NULL, 0);
    long streams = json_number(state, "streams");
    free(state);
    return streams;
}

static void ends_of_others_end_it(const gateway *g, const zeebe_channel *channel)
{
    desk d = DESK_INIT;
    tally closed = TALLY_INIT;
    zeebe_job_worker *worker = worker_start(channel, worker_of("large"), &d);
    start_jobs(channel, 2, 10);
    desk_job(&d, 1);
    OK(zeebe_channel_close(channel, 0, on_done, &closed));
    tally_wait(&closed, &closed.calls, 1);
    CHECK(d.destroyed == 1 && d.close_status == ZEEBE_STATUS_CANCELLED);
    FAILS(zeebe_job_complete(d.jobs[0], NULL, NULL, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "ended");
    desk_clear(&d);
    zeebe_job_worker_free(worker);
    zeebe_job_worker_options refused = worker_of("large");
    zeebe_job_worker_handler handler = ZEEBE_JOB_WORKER_HANDLER_INIT;
    handler.on_job = desk_on_job;
    worker = NULL;
    FAILS(zeebe_job_worker_start(channel, &refused, &handler, &d, &worker), ZEEBE_ERROR_KIND_SHUTDOWN, "closed");
    FAILS(zeebe_job_worker_start(channel, &refused, NULL, NULL, &worker), ZEEBE_ERROR_KIND_SHUTDOWN, "closed");
    CHECK(!worker);
    /* In a child of fork() they are of no use, and do no harm. */
    zeebe_channel *another = channel_to(g);
    desk parent = DESK_INIT;
    UNTIL(open_streams(g) == 0); /* a job would go to who has hung up a moment ago */
    worker = worker_start(another, worker_of("large"), &parent);
    start_jobs(another, 2, 10);
    desk_job(&parent, 1);
    pid_t child = under_valgrind() ? -1 : fork(); /* what the child keeps would be its leak */
    if (child == 0) {
        char *text = NULL;
        zeebe_job *none = NULL;
        FAILS(zeebe_job_complete(parent.jobs[0], NULL, NULL, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "fork()");
        FAILS(zeebe_job_worker_next(worker, 0, &none), ZEEBE_ERROR_KIND_SHUTDOWN, "fork()");
        FAILS(zeebe_job_worker_stats(worker, &text), ZEEBE_ERROR_KIND_SHUTDOWN, "fork()");
        CHECK(zeebe_job_key(parent.jobs[0]) && strcmp(zeebe_job_type(parent.jobs[1], NULL), "large") == 0);
        zeebe_job_worker_close(worker);
        desk_clear(&parent);
        zeebe_job_worker_free(worker);
        _exit(0);
    }
    CHECK(child < 0 || ENDED(child) == 0);
    complete(&parent, parent.jobs[0]); /* of the parent's they still are */
    DESK_AWAIT(&parent, parent.ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    /* The runtime, with a job at work, one whose end is stuck, and one in a queue that nobody takes from. */
    gateway_tell(g, "POST /fault?kind=stuck&at=headers&count=1&rpc=CompleteJob");
    start_jobs(another, 1, 10);
    desk_job(&parent, 2);
    complete(&parent, parent.jobs[1]);
    zeebe_completion_queue *queue = queue_new();
    zeebe_job_worker *queued = NULL, *taken = NULL;
    zeebe_job_worker_options options = worker_of("large");
    OK(zeebe_job_worker_start_on_queue(another, &options, queue, 1, &queued));
    OK(zeebe_job_worker_start(another, &options, NULL, NULL, &taken));
    OK(zeebe_runtime_shutdown(-1));
    CHECK(parent.destroyed == 1 && parent.close_status == ZEEBE_STATUS_CANCELLED && parent.ends[ZEEBE_JOB_OUTCOME_UNKNOWN] == 1);
    FAILS(zeebe_job_complete(parent.jobs[2], NULL, NULL, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "shutdown");
    desk_clear(&parent);
    zeebe_event event;
    do {
        event = take_one(queue);
        int32_t type = event.event_type, status = event.grpc_status;
        clear(&event);
        if (type == ZEEBE_EVENT_TYPE_CLOSE) {
            CHECK(status == ZEEBE_STATUS_CANCELLED);
            break;
        }
    } while (1);
    zeebe_job *job = NULL;
    zeebe_error *end;
    while (!(end = zeebe_job_worker_next(taken, -1, &job))) zeebe_job_free(job);
    CHECK(zeebe_error_grpc_status(end) == ZEEBE_STATUS_CANCELLED || zeebe_error_kind(end) == ZEEBE_ERROR_KIND_SHUTDOWN);
    zeebe_error_free(end);
    zeebe_job_worker_free(taken);
    zeebe_job_worker_free(queued);
    zeebe_job_worker_free(worker);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(another);
}

/* A thread of the program's that completes whatever comes, until the queue has been shut down and is empty. */
typedef struct {
    zeebe_completion_queue *queue;
    const char *variables;
    atomic_int accepted, told, closes;
} completer;

static void *complete_until_the_end(void *given)
{
    enum { OF_JOBS = 1, OF_ENDS = 2 };
    completer *c = given;
    for (;;) {
        zeebe_event event;
        size_t count;
        zeebe_error *over = zeebe_completion_queue_next(c->queue, patience_s() * 1000, &event, sizeof event, 1, &count);
        if (over) {
            zeebe_error_free(over);
            return NULL;
        }
        if (count == 0) waited_in_vain("an event", __FILE__, __LINE__);
        if (event.event_type == ZEEBE_EVENT_TYPE_JOB) {
            zeebe_error *refused = zeebe_job_complete_on_queue(event.job, c->variables, c->queue, OF_ENDS);
            CHECK(!refused || zeebe_error_kind(refused) == ZEEBE_ERROR_KIND_SHUTDOWN);
            c->accepted += !refused;
            zeebe_error_free(refused);
        }
        c->told += event.event_type == ZEEBE_EVENT_TYPE_JOB_ENDED;
        c->closes += event.event_type == ZEEBE_EVENT_TYPE_CLOSE;
        clear(&event);
    }
}

/* Whatever the program's threads do meanwhile: each end that was taken is told, and the worker's, once. What they do takes a while, for their
   variables are compressed. */
static void the_runtimes_end_meets_ends_of_jobs(const gateway *g, const zeebe_channel *channel)
{
    enum { THREADS = 3, SIZE = 1 << 20 };
    const int rounds = under_valgrind() ? 2 : 10;
    char *variables = malloc(SIZE + 1);
    CHECK(variables);
    snprintf(variables, SIZE + 1, "{\"a\":\"%*d\"}", SIZE - 8, 1);
    (void)channel;
    for (int round = 0; round < rounds; round++) {
        zeebe_channel *own = channel_new((channel_arguments){.address = gateway_address(g, "plaintext"),
                                                             .options = {NUMBER("grpc.default_compression_algorithm", ZEEBE_COMPRESSION_GZIP)}});
        completer c = {.queue = queue_new(), .variables = variables};
        pthread_t completers[THREADS];
        zeebe_job_worker_options options = worker_of("large");
        options.job_timeout_ms = 1000;
        zeebe_job_worker *worker = NULL;
        start_jobs(own, 40, 10);
        OK(zeebe_job_worker_start_on_queue(own, &options, c.queue, 1, &worker));
        for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&completers[i], NULL, complete_until_the_end, &c) == 0);
        UNTIL(c.told > round % 3);
        OK(zeebe_runtime_shutdown(-1));
        for (int i = 0; i < THREADS; i++) JOIN(completers[i]);
        CHECK(c.closes == 1 && c.told == c.accepted);
        zeebe_job_worker_free(worker);
        zeebe_completion_queue_free(c.queue);
        zeebe_channel_free(own);
    }
    free(variables);
}

static void with_a_gateway(const char *listener, void (*test)(const gateway *, const zeebe_channel *))
{
    gateway g;
    char ca[65536] = "";
    gateway_start(&g, "0");
    zeebe_channel *channel;
    if (listener) {
        FILE *in = fopen(gateway_get(&g, "ca"), "r");
        CHECK(in && fread(ca, 1, sizeof ca - 1, in) > 0);
        fclose(in);
        channel = secure(gateway_address(&g, listener), ca);
    } else {
        channel = channel_to(&g);
    }
    deploy_process(channel);
    test(&g, channel);
    zeebe_channel_free(channel);
    gateway_stop(&g);
}

typedef void (*test)(const gateway *g, const zeebe_channel *channel);

/* No stream is left after a test, or the gateway gives it the next test's jobs, which are then nobody's until their time-out. */
static void run(const gateway *g, const zeebe_channel *channel, const test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tests[i](g, channel);
        UNTIL(gateway_count(g, "open_calls") == 0);
    }
}

#define RUN(...) run(g, channel, (const test[]){__VA_ARGS__}, sizeof (const test[]){__VA_ARGS__} / sizeof(test))

static void over_tls(const gateway *g, const zeebe_channel *channel) { RUN(jobs_are_completed_in_parallel, an_end_is_sent_again); }

static void in_turn(const gateway *g, const zeebe_channel *channel)
{
    RUN(wrong_use_is_refused, jobs_are_completed_in_parallel, a_job_says_what_it_is, a_job_ends_once, no_more_is_here_than_may_be,
        jobs_are_taken_by_threads, jobs_end_on_any_thread, a_callback_ends_its_worker, an_end_is_sent_again, polls_alone_bring_jobs_and_slow_down,
        the_trace_of_a_job_is_handed_on, jobs_fail_and_throw_errors, a_job_that_is_freed_fails_or_is_left);
}

static void with_jobs_left_over(const gateway *g, const zeebe_channel *channel)
{
    RUN(a_close_gives_back_and_waits_for_its_grace, a_free_ends_it_at_once, jobs_are_events);
}

static void of_deadlines(const gateway *g, const zeebe_channel *channel) { RUN(deadlines_are_minded, a_job_gets_more_time_while_it_is_worked_on); }

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
        options.callback_threads = threads = 4;
        OK(zeebe_runtime_configure(&options));
    }
    with_a_gateway(NULL, in_turn);
    with_a_gateway("tls", over_tls);
    with_a_gateway(NULL, with_jobs_left_over);
    with_a_gateway(NULL, of_deadlines);
    with_a_gateway(NULL, what_cannot_pass_ends_the_worker); /* and no job of another test comes */
    with_a_gateway(NULL, what_cannot_pass_is_told);
    with_a_gateway(NULL, the_runtimes_end_meets_ends_of_jobs);
    with_a_gateway(NULL, ends_of_others_end_it);
    return 0;
}
