/* The chaos of chaos.c for all that ends on completion queues: calls, job streams, closes, waits and tokens; shared queues, threads in _next, queues that are shut down or freed under
   their calls, and the end of the library in the midst of it, several times. Each call of a queue that was drained has
   exactly one end, one of a queue that was freed has one at most, and nothing is left.
   usage: chaos_queues CALLS [SEED]; ADDRESS is the gateway's */
#define _GNU_SOURCE
#include "chaos.h"

enum { QUEUES = 4, KEPT = 4, MOST_TAKERS = 3, MOST_EVENTS = 16 };

/* One call or its like, or one event of the program's own. Its queue has it until the queue is over. */
typedef struct record {
    struct record *next;
    atomic_int ends;
    int32_t end_type; /* NONE: it was refused */
} record;

/* A queue with the threads that take from it. Who lets go of it last counts what came of its calls. */
typedef struct {
    zeebe_completion_queue *queue;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a call has ended, or nobody takes any more */
    record *records;
    uint64_t seed;
    int takers;
    atomic_int holders, abandoned;
} shared_queue;

static atomic_long started, completed, succeeded, lost, refused, shutdowns, queues_drained, queues_freed, events_seen;
static atomic_long living_queues;
static pthread_mutex_t queues_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queues_changed = PTHREAD_COND_INITIALIZER;
static shared_queue *queues[QUEUES];
static zeebe_metadata_plugin *plugin; /* of this epoch */

static record *record_new(shared_queue *q, int32_t end_type)
{
    record *r = calloc(1, sizeof *r);
    CHECK(r);
    r->end_type = end_type;
    pthread_mutex_lock(&q->mutex);
    r->next = q->records;
    q->records = r;
    pthread_mutex_unlock(&q->mutex);
    return r;
}

/* Nothing can come any more: what has not ended is lost, which only freeing a queue may do. */
static void queue_over(shared_queue *q)
{
    while (q->records) {
        record *r = q->records;
        q->records = r->next;
        if (r->end_type != ZEEBE_EVENT_TYPE_NONE) CHECK(r->ends == 1 || (r->ends == 0 && q->abandoned));
        if (r->end_type != ZEEBE_EVENT_TYPE_NONE && r->end_type != ZEEBE_EVENT_TYPE_POSTED) r->ends ? completed++ : lost++;
        free(r);
    }
    if (q->abandoned) queues_freed++;
    else queues_drained++;
    pthread_mutex_destroy(&q->mutex);
    pthread_cond_destroy(&q->changed);
    free(q);
    pthread_mutex_lock(&queues_mutex);
    living_queues--;
    pthread_cond_broadcast(&queues_changed);
    pthread_mutex_unlock(&queues_mutex);
}

static void queue_release(shared_queue *q)
{
    if (atomic_fetch_sub(&q->holders, 1) == 1) queue_over(q);
}

static void seen(shared_queue *q, const zeebe_event *event)
{
    record *r = (record *)(uintptr_t)event->tag;
    int32_t status = event->grpc_status, kind = zeebe_error_kind(event->error);
    events_seen++;
    if (q->takers == 1) CHECK(r->ends == 0); /* with more of them one may overtake another */
    CHECK(kind == ZEEBE_ERROR_KIND_NONE || kind == ZEEBE_ERROR_KIND_RPC || kind == ZEEBE_ERROR_KIND_SHUTDOWN);
    if (event->event_type != r->end_type) {
        CHECK(r->end_type == ZEEBE_EVENT_TYPE_CLOSE && !event->error == (event->event_type != ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR));
        CHECK(event->event_type == ZEEBE_EVENT_TYPE_INITIAL_METADATA || event->event_type == ZEEBE_EVENT_TYPE_MESSAGE ||
              event->event_type == ZEEBE_EVENT_TYPE_READY || event->event_type == ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR);
        return;
    }
    CHECK(status == 0 || status == ZEEBE_STATUS_CANCELLED || status == ZEEBE_STATUS_DEADLINE_EXCEEDED || status == ZEEBE_STATUS_UNIMPLEMENTED ||
          status == ZEEBE_STATUS_UNAVAILABLE);
    CHECK(!event->error == (status == 0) && (event->event_type != ZEEBE_EVENT_TYPE_UNARY || !event->error == (event->response != NULL)));
    CHECK(event->event_type == ZEEBE_EVENT_TYPE_DONE || (event->event_type == ZEEBE_EVENT_TYPE_CLOSE) == (event->metadata != NULL));
    if (status == 0 && event->event_type != ZEEBE_EVENT_TYPE_POSTED) succeeded++;
    pthread_mutex_lock(&q->mutex);
    CHECK(r->ends++ == 0);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->mutex);
}

typedef struct {
    shared_queue *q;
    zeebe_completion_queue *reference;
    uint64_t random;
} taker;

static void *take(void *argument)
{
    taker *t = argument;
    shared_queue *q = t->q;
    zeebe_error *error = NULL;
    while (!q->abandoned) {
        zeebe_event events[MOST_EVENTS];
        size_t count = 0;
        int64_t timeout_ms = (int64_t)below(&t->random, 4) - 1;
        error = zeebe_completion_queue_next(t->reference, timeout_ms, events, sizeof *events, 1 + below(&t->random, MOST_EVENTS), &count);
        if (error) break;
        for (size_t i = 0; i < count; i++) {
            if (events[i].tag) seen(q, &events[i]);
            if (below(&t->random, 8) == 0) { /* kept beyond the event */
                zeebe_response_free(events[i].response);
                events[i].response = NULL;
            }
        }
        zeebe_events_clear(events, sizeof *events, count);
    }
    CHECK(!error || zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN);
    zeebe_error_free(error);
    if (q->abandoned) zeebe_error_free(zeebe_completion_queue_post(t->reference, 0)); /* the next one out */
    zeebe_completion_queue_free(t->reference);
    queue_release(q);
    free(t);
    return NULL;
}

static shared_queue *queue_new(uint64_t *random)
{
    shared_queue *q = calloc(1, sizeof *q);
    CHECK(q && pthread_mutex_init(&q->mutex, NULL) == 0 && pthread_cond_init(&q->changed, NULL) == 0);
    OK(zeebe_completion_queue_new(&q->queue));
    q->takers = 1 + (int)below(random, MOST_TAKERS);
    q->holders = 1 + q->takers;
    living_queues++;
    if (below(random, 2)) {
        int32_t fd;
        zeebe_error *error = zeebe_completion_queue_fd(q->queue, &fd);
        CHECK(!error || (shutting_down && zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN));
        zeebe_error_free(error);
    }
    for (int i = 0; i < q->takers; i++) {
        pthread_t thread;
        taker *t = calloc(1, sizeof *t);
        CHECK(t);
        *t = (taker){q, zeebe_completion_queue_ref(q->queue), *random + (uint64_t)i + 1};
        CHECK(pthread_create(&thread, NULL, take, t) == 0 && pthread_detach(thread) == 0);
    }
    return q;
}

/* Ends a queue in order, so that everything is taken from it, or by letting go of it. */
static void queue_end(shared_queue *q, int in_order)
{
    if (in_order) zeebe_completion_queue_shutdown(q->queue);
    else {
        pthread_mutex_lock(&q->mutex);
        q->abandoned = 1;
        pthread_cond_broadcast(&q->changed);
        pthread_mutex_unlock(&q->mutex);
        zeebe_error_free(zeebe_completion_queue_post(q->queue, 0));
    }
    zeebe_completion_queue_free(q->queue);
    queue_release(q);
}

static shared_queue *borrow_queue(unsigned index, zeebe_completion_queue **reference)
{
    pthread_mutex_lock(&queues_mutex);
    shared_queue *q = queues[index];
    q->holders++;
    *reference = zeebe_completion_queue_ref(q->queue);
    pthread_mutex_unlock(&queues_mutex);
    return q;
}

static void replace_queue(unsigned index, uint64_t *random)
{
    shared_queue *fresh = queue_new(random);
    pthread_mutex_lock(&queues_mutex);
    shared_queue *old = queues[index];
    queues[index] = fresh;
    pthread_mutex_unlock(&queues_mutex);
    queue_end(old, (int)below(random, 2));
}

/* A call or a job stream whose handle is kept for a while. */
typedef struct {
    zeebe_call *call;
    zeebe_job_stream *stream;
    shared_queue *q; /* held */
    record *record;
    int is_endless;
} kept;

static void answer(void *user_data, zeebe_token_request *request)
{
    zeebe_token token = ZEEBE_TOKEN_INIT;
    (void)user_data;
    token.access_token = "t0ken";
    token.expires_in = -1; /* so that each asks for its own */
    OK(zeebe_token_request_complete(request, &token));
    zeebe_token_request_free(request);
}

/* Starts what is no call. */
static zeebe_error *start_another(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t tag, uint64_t *random, kept *k)
{
    int64_t timeout_ms = below(random, 4) ? 200 : below(random, 5);
    zeebe_error *error;
    switch (below(random, 6)) {
    case 0: return zeebe_channel_wait_for_state_change_on_queue(channel, (int32_t)below(random, 5), timeout_ms, queue, tag);
    case 1: return zeebe_channel_wait_ready_on_queue(channel, timeout_ms, queue, tag);
    case 2: return zeebe_metadata_plugin_retrieve_token_on_queue(plugin, queue, tag);
    case 3: return zeebe_metadata_plugin_get_metadata_on_queue(plugin, "https://zeebe", "Topology", queue, tag);
    case 4: {
        zeebe_channel *own = insecure(env("ADDRESS"));
        error = zeebe_channel_close_on_queue(own, timeout_ms, queue, tag);
        zeebe_channel_free(own);
        return error;
    }
    default: {
        size_t length;
        const uint8_t *request = zeebe_buffer_data(jobs_request, &length);
        k->is_endless = 1;
        k->record->end_type = ZEEBE_EVENT_TYPE_CLOSE;
        return zeebe_channel_stream_jobs_on_queue(channel, request, length, NULL, queue, tag, &k->stream);
    }
    }
}

/* Starts a call of any kind or something else, or posts. */
static zeebe_error *start(const zeebe_channel *channel, const zeebe_completion_queue *queue, uint64_t *random, kept *k)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_error *error;
    unsigned kind = below(random, 9);
    options.timeout_ms = below(random, 4) ? 2000 : 1 + below(random, 5);
    options.wait_for_ready = (int32_t)below(random, 3);
    k->is_endless = kind == 6;
    k->record = record_new(k->q, kind == 0  ? ZEEBE_EVENT_TYPE_POSTED
                                 : kind < 4 ? ZEEBE_EVENT_TYPE_UNARY
                                 : kind < 7 ? ZEEBE_EVENT_TYPE_CLOSE
                                            : ZEEBE_EVENT_TYPE_DONE);
    uint64_t tag = (uintptr_t)k->record;
    if (kind == 0) {
        error = zeebe_completion_queue_post(queue, tag);
    } else if (kind < 4) {
        error = zeebe_channel_unary_call_on_queue(channel, kind == 3 ? "/a.B/C" : TOPOLOGY, NULL, 0, &options, queue, tag, &k->call);
    } else if (kind >= 7) {
        error = start_another(channel, queue, tag, random, k);
    } else {
        size_t length = 0;
        const uint8_t *message = k->is_endless ? zeebe_buffer_data(jobs_request, &length) : NULL;
        error = zeebe_channel_start_call_on_queue(channel, k->is_endless ? STREAM_JOBS : TOPOLOGY, &options, queue, tag, &k->call);
        if (!error) {
            zeebe_error_free(zeebe_call_send_message(k->call, message, length)); /* it may have ended already */
            zeebe_error_free(zeebe_call_half_close(k->call));
        }
    }
    if (!error && kind != 0) started++;
    return error;
}

static void let_go(kept *k, uint64_t *random)
{
    if (!k->q) return;
    if (!k->is_endless && below(random, 2)) { /* in peace */
        pthread_mutex_lock(&k->q->mutex);
        AWAIT(&k->q->changed, &k->q->mutex, k->record->ends || k->q->abandoned);
        pthread_mutex_unlock(&k->q->mutex);
    }
    zeebe_call *late = below(random, 2) ? zeebe_call_ref(k->call) : NULL;
    if (below(random, 2)) zeebe_call_cancel(k->call, "chaos");
    if (below(random, 2)) zeebe_job_stream_close(k->stream);
    zeebe_job_stream_free(k->stream);
    zeebe_call_free(k->call);
    zeebe_call_cancel(late, NULL);
    zeebe_call_free(late);
    queue_release(k->q);
    *k = (kept){0};
}

static void *chaos(void *argument)
{
    uint64_t random = *(uint64_t *)argument;
    kept some[KEPT] = {0};
    for (long i = 0; i < calls_of_thread; i++) {
        zeebe_completion_queue *queue;
        kept *k = &some[below(&random, KEPT)];
        attempt();
        let_go(k, &random);
        zeebe_channel *channel = borrow_channel(below(&random, CHANNELS));
        k->q = borrow_queue(below(&random, QUEUES), &queue);
        zeebe_error *error = start(channel, queue, &random, k);
        zeebe_completion_queue_free(queue);
        zeebe_channel_free(channel);
        if (error) {
            CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN);
            zeebe_error_free(error);
            k->record->end_type = ZEEBE_EVENT_TYPE_NONE;
            queue_release(k->q);
            *k = (kept){0};
            refused++;
        }
        if (below(&random, 3) == 0) let_go(k, &random);
        if (below(&random, 200) == 0) replace_channel(below(&random, CHANNELS), &random);
        if (below(&random, 100) == 0) replace_queue(below(&random, QUEUES), &random);
    }
    for (int i = 0; i < KEPT; i++) let_go(&some[i], &random);
    return NULL;
}

/* From new channels and queues to the end of the library, which comes while the threads still start calls. */
static void epoch(uint64_t *random)
{
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    begin_epoch();
    options.retrieve = answer;
    OK(zeebe_oauth2_metadata_plugin_new(&options, NULL, &plugin));
    for (int i = 0; i < QUEUES; i++) queues[i] = queue_new(random);
    run_threads(chaos, random);
    shutdowns++;
    free_channels();
    zeebe_metadata_plugin_free(plugin);
    for (int i = 0; i < QUEUES; i++) queue_end(queues[i], 1);
    pthread_mutex_lock(&queues_mutex); /* each is drained by its takers */
    AWAIT(&queues_changed, &queues_mutex, living_queues <= 0);
    pthread_mutex_unlock(&queues_mutex);
    OK(zeebe_runtime_shutdown(-1)); /* of what was begun after the first */
    CHECK(started == completed + lost && closed == closes);
}

int main(int argc, char **argv)
{
    run_epochs(argc, argv, epoch);
    printf("%ld calls: %ld ended, %ld of them well, %ld on queues that were freed before; %ld refused; %ld queues drained, %ld freed\n", started,
           completed, succeeded, lost, refused, queues_drained, queues_freed);
    CHECK(shutdowns == EPOCHS && queues_drained > 0 && succeeded > 0 && succeeded < completed && events_seen > completed);
    return 0;
}
