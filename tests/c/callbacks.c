/* Callbacks, on the I/O threads and on threads of their own: what delays what, their order, what they may not call, and how a shutdown,
   a fork and an exit find them.
   usage: callbacks [exit | under-valgrind] */
#define _GNU_SOURCE
#include "check.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>

static zeebe_channel *channel;

static void configure(int32_t callback_threads)
{
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    options.callback_threads = callback_threads;
    OK(zeebe_runtime_configure(&options));
    channel = insecure(env("PLAINTEXT"));
}

static void end_epoch(void)
{
    OK(zeebe_runtime_shutdown(-1));
    zeebe_channel_free(channel);
}

/* Keeps callbacks inside until it is opened. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int is_open, inside, left;
} gate;

#define GATE_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0}

static void gate_pass(gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->inside++;
    pthread_cond_broadcast(&g->changed);
    AWAIT(&g->changed, &g->mutex, g->is_open);
    g->left++;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

static void gate_await(gate *g, const int *count, int until)
{
    pthread_mutex_lock(&g->mutex);
    AWAIT(&g->changed, &g->mutex, *count >= until);
    pthread_mutex_unlock(&g->mutex);
}

static void gate_open(gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->is_open = 1;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

static void stay_with_answer(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    CHECK(!error && response);
    gate_pass(user_data);
}

static void stay_with_message(void *user_data, const zeebe_buffer *message)
{
    CHECK(message);
    gate_pass(user_data);
}

static void ignore_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers) { (void)user_data, (void)error, (void)trailers; }

static zeebe_call *start_topology(const zeebe_call_handler *handler, void *user_data)
{
    zeebe_call *call = NULL;
    OK(zeebe_channel_start_call(channel, TOPOLOGY, NULL, handler, user_data, &call));
    OK(zeebe_call_send_message(call, NULL, 0));
    OK(zeebe_call_half_close(call));
    return call;
}

/* Every callback thread is inside a callback; calls that need none still end, on the same connection. */
static void slow_callbacks_delay_no_io(int callback_threads)
{
    gate g = GATE_INIT;
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    zeebe_response *response = NULL;
    zeebe_completion_queue *queue = NULL;
    zeebe_event event;
    size_t count;
    handler.on_message = stay_with_message;
    handler.on_close = ignore_close;
    zeebe_call *slow = start_topology(&handler, &g);
    gate_await(&g, &g.inside, 1);
    const int more = 4 * callback_threads; /* so that each thread has one */
    for (int i = 0; i < more; i++) OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, stay_with_answer, &g, NULL));
    gate_await(&g, &g.inside, callback_threads);
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    zeebe_response_free(response);
    OK(zeebe_completion_queue_new(&queue));
    OK(zeebe_channel_unary_call_on_queue(channel, TOPOLOGY, NULL, 0, NULL, queue, 1, NULL));
    OK(zeebe_completion_queue_next(queue, patience_s() * 1000, &event, sizeof event, 1, &count));
    CHECK(count == 1 && event.event_type == ZEEBE_EVENT_TYPE_UNARY && event.grpc_status == 0);
    zeebe_events_clear(&event, sizeof event, 1);
    zeebe_completion_queue_free(queue);
    CHECK(g.left == 0);
    gate_open(&g);
    gate_await(&g, &g.left, 1 + more);
    zeebe_call_free(slow);
}

/* What one call was told, in this order. */
typedef struct {
    atomic_int inside;
    int ready, initial, messages, closed;
    tally *all;
} told;

static told *enter(void *user_data)
{
    told *t = user_data;
    CHECK(atomic_fetch_add(&t->inside, 1) == 0); /* never two at once */
    CHECK(!t->closed);
    return t;
}

static void leave(told *t) { t->inside--; }

static void told_ready(void *user_data)
{
    told *t = enter(user_data);
    CHECK(!t->initial && !t->messages);
    t->ready++;
    leave(t);
}

static void told_initial(void *user_data, const zeebe_metadata *metadata)
{
    told *t = enter(user_data);
    CHECK(metadata && t->ready && !t->initial++ && !t->messages);
    leave(t);
}

static void told_message(void *user_data, const zeebe_buffer *message)
{
    told *t = enter(user_data);
    CHECK(message && t->initial && !t->messages++);
    leave(t);
}

static void told_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    told *t = enter(user_data);
    CHECK(!error && trailers && t->messages == 1);
    t->closed = 1;
    leave(t);
}

static void told_destroy(void *user_data)
{
    told *t = user_data;
    CHECK(t->closed && t->inside == 0);
    on_destroy(t->all);
}

static void callbacks_of_a_call_come_in_order(void)
{
    enum { CALLS = 300 };
    static told calls[CALLS];
    static zeebe_call *handles[CALLS];
    tally all = TALLY_INIT;
    zeebe_call_handler handler = {sizeof handler, told_initial, told_message, told_ready, told_close, told_destroy};
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < CALLS; i++) {
        calls[i].all = &all;
        handles[i] = start_topology(&handler, &calls[i]);
    }
    tally_wait(&all, &all.destroyed, CALLS);
    for (int i = 0; i < CALLS; i++) zeebe_call_free(handles[i]);
}

/* Everything that blocks, and may not here; what does not block, may. */
static void try_everything(void)
{
    zeebe_response *response = NULL;
    zeebe_completion_queue *queue = NULL;
    zeebe_event event;
    size_t count = 0;
    char *json = NULL;
    FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_channel_json_call_sync(channel, "Topology", "{}", NULL, &json), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_channel_json_call_sync(channel, "ActivateJobs", "{\"type\":\"none\",\"timeout\":1000,\"maxJobsToActivate\":1}", NULL, &json),
          ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread"); /* whose answer is a stream */
    FAILS(zeebe_channel_wait_ready(channel, -1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_channel_wait_ready(channel, 0), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_runtime_shutdown(-1), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_runtime_shutdown(0), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    FAILS(zeebe_runtime_configure(NULL), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "runs already");
    OK(zeebe_completion_queue_new(&queue));
    FAILS(zeebe_completion_queue_next(queue, -1, &event, sizeof event, 1, &count), ZEEBE_ERROR_KIND_ILLEGAL_STATE, "library thread");
    OK(zeebe_completion_queue_post(queue, 1));
    OK(zeebe_completion_queue_next(queue, 0, &event, sizeof event, 1, &count));
    CHECK(count == 1 && event.event_type == ZEEBE_EVENT_TYPE_POSTED);
    zeebe_completion_queue_free(queue);
}

static void on_nothing(void *user_data, const zeebe_error *error, const zeebe_response *response) { (void)user_data, (void)error, (void)response; }

/* A callback may start calls, cancel and free them, and free a channel. */
static void try_what_is_allowed(void)
{
    zeebe_call *call = NULL;
    zeebe_channel *another = zeebe_channel_ref(channel);
    OK(zeebe_channel_unary_call(another, TOPOLOGY, NULL, 0, NULL, on_nothing, NULL, &call));
    zeebe_call_cancel(call, "not needed");
    zeebe_call_free(call);
    zeebe_channel_free(another);
}

static void trying_answer(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    CHECK(!error && response);
    try_everything(), try_what_is_allowed();
    tally_end(user_data, error);
}

static void trying_ready(void *user_data) { (void)user_data, try_everything(), try_what_is_allowed(); }

static void trying_initial(void *user_data, const zeebe_metadata *metadata) { (void)user_data, (void)metadata, try_everything(); }

static void trying_message(void *user_data, const zeebe_buffer *message)
{
    try_everything(), try_what_is_allowed();
    on_message(user_data, message);
}

static void trying_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    try_everything(), try_what_is_allowed();
    on_close(user_data, error, trailers);
}

static void trying_destroy(void *user_data)
{
    try_everything(), try_what_is_allowed();
    on_destroy(user_data);
}

static void trying_done(void *user_data, const zeebe_error *error)
{
    try_everything(), try_what_is_allowed();
    tally_end(user_data, error);
}

static void trying_state(void *user_data, const zeebe_error *error, int32_t state)
{
    (void)state;
    trying_done(user_data, error);
}

static void no_callback_may_block(void)
{
    tally unary = TALLY_INIT, stream = TALLY_INIT, close = TALLY_INIT, state = TALLY_INIT;
    zeebe_call_handler handler = {sizeof handler, trying_initial, trying_message, trying_ready, trying_close, trying_destroy};
    zeebe_channel *closing = insecure(env("PLAINTEXT"));
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, trying_answer, &unary, NULL));
    zeebe_call *call = start_topology(&handler, &stream);
    OK(zeebe_channel_wait_for_state_change(closing, ZEEBE_CONNECTIVITY_READY, -1, trying_state, &state)); /* at once: it is not */
    tally_wait(&state, &state.calls, 1);
    OK(zeebe_channel_close(closing, -1, trying_done, &close));
    tally_wait(&unary, &unary.calls, 1);
    tally_wait(&stream, &stream.destroyed, 1);
    tally_wait(&close, &close.calls, 1);
    CHECK(unary.failures + stream.failures + close.failures + state.failures == 0 && stream.messages == 1 && stream.calls == 1);
    zeebe_call_free(call);
    zeebe_channel_free(closing);
}

/* Last of an epoch: a shutdown that may not wait says what holds it up; one that may, returns after the callback. */
static void a_shutdown_waits_for_callbacks(void)
{
    gate g = GATE_INIT;
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, stay_with_answer, &g, NULL));
    gate_await(&g, &g.inside, 1);
    FAILS(zeebe_runtime_shutdown(20), ZEEBE_ERROR_KIND_RPC, "callback");
    CHECK(g.left == 0);
    gate_open(&g);
    OK(zeebe_runtime_shutdown(-1));
    CHECK(g.left == 1);
}

static void *shut_down(void *argument)
{
    (void)argument;
    OK(zeebe_runtime_shutdown(-1));
    return NULL;
}

/* What is made while a shutdown waits for a callback belongs to the time after it. */
static void a_queue_made_during_a_shutdown_is_of_the_next_epoch(void)
{
    gate g = GATE_INIT;
    pthread_t thread;
    zeebe_completion_queue *queue = NULL;
    zeebe_event event;
    size_t count;
    zeebe_error *error;
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, stay_with_answer, &g, NULL));
    gate_await(&g, &g.inside, 1);
    CHECK(pthread_create(&thread, NULL, shut_down, NULL) == 0);
    UNTIL((error = zeebe_channel_close(channel, 0, NULL, NULL))); /* until it has begun */
    CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN);
    zeebe_error_free(error);
    OK(zeebe_completion_queue_new(&queue));
    gate_open(&g);
    JOIN(thread);
    OK(zeebe_completion_queue_post(queue, 1));
    OK(zeebe_completion_queue_next(queue, 0, &event, sizeof event, 1, &count));
    CHECK(count == 1 && event.event_type == ZEEBE_EVENT_TYPE_POSTED);
    zeebe_completion_queue_free(queue);
}

/* The child has none of the parent's threads, whatever they were at; the parent goes on. */
static void a_fork_during_a_callback(int32_t callback_threads)
{
    gate g = GATE_INIT;
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, stay_with_answer, &g, NULL));
    gate_await(&g, &g.inside, 1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        zeebe_channel *old = channel;
        zeebe_response *response = NULL;
        alarm(30);
        FAILS(zeebe_channel_unary_call_sync(old, TOPOLOGY, NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_SHUTDOWN, "fork");
        zeebe_channel_free(old);
        configure(callback_threads);
        callbacks_of_a_call_come_in_order();
        no_callback_may_block();
        end_epoch();
        CHECK(g.left == 0);
        _exit(0);
    }
    CHECK(ENDED(child) == 0);
    CHECK(g.left == 0);
    gate_open(&g);
    gate_await(&g, &g.left, 1);
}

/* With a callback inside that never returns, and calls under way. */
static void exit_during_a_callback(void)
{
    static gate g = GATE_INIT;
    for (int i = 0; i < 100; i++) OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, stay_with_answer, &g, NULL));
    gate_await(&g, &g.inside, 1);
    exit(0);
}

int main(int argc, char **argv)
{
    int exits = argc > 1 && strcmp(argv[1], "exit") == 0;
    int under_valgrind = argc > 1 && !exits; /* to which what a child keeps of its parent's is a leak */
    for (int32_t callback_threads = 0; callback_threads <= 3; callback_threads++) {
        if (exits) callback_threads = 2;
        configure(callback_threads);
        if (exits) exit_during_a_callback();
        if (callback_threads) slow_callbacks_delay_no_io(callback_threads);
        callbacks_of_a_call_come_in_order();
        no_callback_may_block();
        if (!under_valgrind) a_fork_during_a_callback(callback_threads);
        a_shutdown_waits_for_callbacks();
        end_epoch();
        configure(callback_threads);
        a_queue_made_during_a_shutdown_is_of_the_next_epoch();
        end_epoch();
    }
    return 0;
}
