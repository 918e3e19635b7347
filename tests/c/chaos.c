/* Many threads do at random what programs do in bad moments: cancel, free, close; several times the library ends in the midst of it. Each call
   completes exactly once, what stands for it is destroyed once and after that, and threads and descriptors come back.
   usage: chaos CALLS [SEED]; ADDRESS is the gateway's */
#define _GNU_SOURCE
#include "chaos.h"

enum { KEPT = 4 };

/* One call. The thread that starts it and its completion each hold it; who comes last frees it. */
typedef struct {
    atomic_int holders, ended, destroyed;
    sem_t over;
} record;

static atomic_long started, completed, succeeded, destroyed, refused;

static record *record_new(void)
{
    record *r = calloc(1, sizeof *r);
    CHECK(r && sem_init(&r->over, 0, 0) == 0);
    r->holders = 2;
    return r;
}

static void record_release(record *r)
{
    if (atomic_fetch_sub(&r->holders, 1) == 1) free(r);
}

static void end(record *r, const zeebe_error *error)
{
    int32_t kind = zeebe_error_kind(error), status = zeebe_error_grpc_status(error);
    CHECK(atomic_fetch_add(&r->ended, 1) == 0 && r->destroyed == 0);
    CHECK(kind == ZEEBE_ERROR_KIND_NONE || kind == ZEEBE_ERROR_KIND_RPC || kind == ZEEBE_ERROR_KIND_SHUTDOWN);
    CHECK(kind != ZEEBE_ERROR_KIND_RPC || status == ZEEBE_STATUS_CANCELLED || status == ZEEBE_STATUS_DEADLINE_EXCEEDED ||
          status == ZEEBE_STATUS_UNIMPLEMENTED || status == ZEEBE_STATUS_UNAVAILABLE);
    if (!error) succeeded++;
    completed++;
}

static void destroy(void *user_data)
{
    record *r = user_data;
    CHECK(r->ended == 1 && atomic_fetch_add(&r->destroyed, 1) == 0);
    destroyed++;
    sem_post(&r->over);
    record_release(r);
}

static void on_answer(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    CHECK(!error != !response);
    zeebe_response_free(zeebe_response_ref(response));
    end(user_data, error);
    destroy(user_data);
}

static void on_stream_message(void *user_data, const zeebe_buffer *message)
{
    record *r = user_data;
    CHECK(r->ended == 0);
    zeebe_buffer_free(zeebe_buffer_ref(message));
}

static void on_stream_end(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    CHECK(trailers);
    end(user_data, error);
}

/* Each kind of call starts one; on an error there is none, and nothing will come. */
typedef zeebe_error *starter(const zeebe_channel *channel, const zeebe_call_options *options, record *r, zeebe_call **call);

static zeebe_error *unary(const zeebe_channel *channel, const zeebe_call_options *options, record *r, zeebe_call **call)
{
    return zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, options, on_answer, r, call);
}

static zeebe_error *unknown(const zeebe_channel *channel, const zeebe_call_options *options, record *r, zeebe_call **call)
{
    return zeebe_channel_unary_call(channel, "/a.B/C", NULL, 0, options, on_answer, r, call);
}

static zeebe_error *streaming(const zeebe_channel *channel, const char *method, const uint8_t *message, size_t length,
                              const zeebe_call_options *options, record *r, zeebe_call **call)
{
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_message = on_stream_message;
    handler.on_close = on_stream_end;
    handler.destroy = destroy;
    zeebe_error *error = zeebe_channel_start_call(channel, method, options, &handler, r, call);
    if (error) return error;
    zeebe_error_free(zeebe_call_send_message(*call, message, length)); /* it may have ended already */
    zeebe_error_free(zeebe_call_half_close(*call));
    return NULL;
}

static zeebe_error *short_stream(const zeebe_channel *channel, const zeebe_call_options *options, record *r, zeebe_call **call)
{
    return streaming(channel, TOPOLOGY, NULL, 0, options, r, call);
}

/* It never ends by itself. */
static zeebe_error *endless_stream(const zeebe_channel *channel, const zeebe_call_options *options, record *r, zeebe_call **call)
{
    size_t length;
    const uint8_t *message = zeebe_buffer_data(jobs_request, &length);
    return streaming(channel, STREAM_JOBS, message, length, options, r, call);
}

static starter *const kinds[] = {unary, unary, unknown, short_stream, short_stream, endless_stream};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct {
    zeebe_call *call;
    record *record;
    starter *kind;
} kept;

static void let_go(kept *k, uint64_t *random)
{
    if (!k->record) return;
    if (k->kind != endless_stream && below(random, 2)) /* in peace */
        SEM_WAIT(&k->record->over);
    zeebe_call *late = below(random, 2) ? zeebe_call_ref(k->call) : NULL;
    if (below(random, 2)) zeebe_call_cancel(k->call, below(random, 2) ? "chaos" : NULL);
    zeebe_call_free(k->call);
    zeebe_call_cancel(late, NULL);
    zeebe_call_free(late);
    record_release(k->record);
    *k = (kept){0};
}

static void *chaos(void *argument)
{
    uint64_t random = *(uint64_t *)argument;
    kept some[KEPT] = {0};
    for (long i = 0; i < calls_of_thread; i++) {
        kept *k = &some[below(&random, KEPT)];
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        attempt();
        let_go(k, &random);
        options.timeout_ms = below(&random, 4) ? 2000 : 1 + below(&random, 5);
        options.wait_for_ready = (int32_t)below(&random, 3);
        zeebe_channel *channel = borrow_channel(below(&random, CHANNELS));
        *k = (kept){NULL, record_new(), kinds[below(&random, KINDS)]};
        zeebe_error *error = k->kind(channel, &options, k->record, &k->call);
        if (error) { /* the channel was closed in the meantime, or the library has ended */
            CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_SHUTDOWN);
            zeebe_error_free(error);
            free(k->record);
            *k = (kept){0};
            refused++;
        } else {
            started++;
        }
        zeebe_channel_free(channel);
        if (below(&random, 3) == 0) let_go(k, &random);
        if (below(&random, 200) == 0) replace_channel(below(&random, CHANNELS), &random);
    }
    for (int i = 0; i < KEPT; i++) let_go(&some[i], &random);
    return NULL;
}

/* From new channels to the end of the library, which comes while the threads still start calls. */
static void epoch(uint64_t *random)
{
    begin_epoch();
    run_threads(chaos, random);
    free_channels();
    OK(zeebe_runtime_shutdown(-1)); /* of what was begun after the first, some of it under way still */
    CHECK(started == completed && started == destroyed && closed == closes);
}

int main(int argc, char **argv)
{
    run_epochs(argc, argv, epoch);
    CHECK(succeeded > 0 && succeeded < completed && refused > 0 && started + refused == attempted);
    printf("%ld calls, %ld of them succeeded; %ld refused by channels that had ended, of which %ld were closed\n", started, succeeded, refused,
           closed);
    return 0;
}
