/* What is better done many at a time; token sources; and the log. The library has a thread of its own for each of these two, which must not wait for Python, and must never see
 * its end. So a request for a token is put aside, and a queue tells a thread of Python's that there is one; a record of the log is sent over a socket. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct zeebepy_token_waiting {
    zeebepy_token_waiting *next;
    zeebe_token_request *request; /* NULL: the source has ended */
    uint64_t id;
};

/* Held for a few instructions. */
static void lock(zeebepy_mailbox *mailbox)
{
    while (__atomic_exchange_n(&mailbox->lock, 1, __ATOMIC_ACQUIRE)) {
    }
}

static void unlock(zeebepy_mailbox *mailbox) { __atomic_store_n(&mailbox->lock, 0, __ATOMIC_RELEASE); }

static void put(zeebepy_token_source *source, zeebe_token_request *request)
{
    zeebepy_mailbox *mailbox = source->mailbox;
    zeebepy_token_waiting *waiting = malloc(sizeof *waiting);
    if (waiting == NULL) {
        zeebe_token_request_free(request);
        return;
    }
    *waiting = (zeebepy_token_waiting){NULL, request, source->id};
    lock(mailbox);
    zeebepy_token_waiting **last = &mailbox->first;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = waiting;
    unlock(mailbox);
    zeebe_error_free(zeebe_completion_queue_post(mailbox->queue, 0)); /* fails with the runtime's end, when nobody waits for tokens */
}

static void retrieve(void *source, zeebe_token_request *request) { put(source, request); }

static void destroy(void *source)
{
    put(source, NULL);
    free(source);
}

zeebe_error *zeebepy_token_plugin_new(zeebepy_mailbox *mailbox, uint64_t id, int64_t leeway, int64_t expire_in, zeebe_metadata_plugin **plugin)
{
    zeebepy_token_source *source = malloc(sizeof *source);
    if (source == NULL) {
        *plugin = NULL; /* MemoryError */
        return NULL;
    }
    *source = (zeebepy_token_source){mailbox, id};
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    options.retrieve = retrieve;
    options.destroy = destroy;
    options.leeway = leeway;
    options.expire_in = expire_in;
    zeebe_error *error = zeebe_oauth2_metadata_plugin_new(&options, source, plugin);
    if (error != NULL) {
        free(source);
    }
    return error;
}

zeebe_token_request *zeebepy_mailbox_take(zeebepy_mailbox *mailbox, uint64_t *id, int32_t *ended)
{
    lock(mailbox);
    zeebepy_token_waiting *waiting = mailbox->first;
    if (waiting != NULL) {
        mailbox->first = waiting->next;
    }
    unlock(mailbox);
    *id = 0;
    *ended = 0;
    if (waiting == NULL) {
        return NULL;
    }
    zeebe_token_request *request = waiting->request;
    *id = waiting->id;
    *ended = request == NULL;
    free(waiting);
    return request;
}

void zeebepy_clear(zeebe_event *events, size_t count, zeebe_call **ended, size_t ended_count)
{
    zeebe_events_clear(events, sizeof *events, count);
    for (size_t i = 0; i < ended_count; i++) {
        zeebe_call_free(ended[i]);
    }
}

/* Where the records go. The library's thread has it until their end: it is not Python's to free. */
typedef struct {
    int32_t descriptor;
    uint64_t dropped;
} log_end;

/* One packet: the level, how many were dropped before, where it is from, its text, which may be cut. A reader that is late costs records, and no time. */
static void send_record(void *user_data, const zeebe_log_record *record)
{
    log_end *log = user_data;
    char text[8192];
    int length = snprintf(text, sizeof text, "%d %llu %s %s", (int)zeebe_log_record_level(record), (unsigned long long)log->dropped,
                          zeebe_log_record_target(record), zeebe_log_record_message(record));
    size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    if (send(log->descriptor, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        log->dropped++;
    } else {
        log->dropped = 0;
    }
}

/* Python closes it then, or in a child of fork(): whoever closes it must know that its number is not another's yet. */
static void end_records(void *user_data)
{
    log_end *log = user_data;
    shutdown(log->descriptor, SHUT_WR);
    free(log);
}

zeebe_error *zeebepy_log_start(int32_t level, int32_t descriptor)
{
    log_end *log = malloc(sizeof *log);
    if (log == NULL) {
        shutdown(descriptor, SHUT_WR);
        return NULL;
    }
    *log = (log_end){descriptor, 0};
    zeebe_error *error = zeebe_set_log_callback(level, send_record, log, end_records);
    if (error != NULL) {
        end_records(log);
    }
    return error;
}
