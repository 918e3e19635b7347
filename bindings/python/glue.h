/* What the binding has beside zeebe.h. */

/** A token request that waits for a Python thread. */
typedef struct zeebepy_token_waiting zeebepy_token_waiting;

/** The token sources' mailbox: library threads put requests in, without Python, and a thread of ours takes them. */
typedef struct {
    zeebe_completion_queue *queue;
    zeebepy_token_waiting *first;
    int32_t lock;
} zeebepy_mailbox;

/** A token source: whose requests they are. */
typedef struct {
    zeebepy_mailbox *mailbox;
    uint64_t id;
} zeebepy_token_source;

zeebe_error *zeebepy_token_plugin_new(zeebepy_mailbox *mailbox, uint64_t id, int64_t leeway, int64_t expire_in, zeebe_metadata_plugin **plugin);

/** Clears a batch of events, and frees the handles of calls that ended in it. */
void zeebepy_clear(zeebe_event *events, size_t count, zeebe_call **ended, size_t ended_count);

/** Takes a request, or NULL; whose it is goes to `id`, where 0 with `ended` 1 says that a source is of no more use. */
zeebe_token_request *zeebepy_mailbox_take(zeebepy_mailbox *mailbox, uint64_t *id, int32_t *ended);

/** Sends the records of the log from now on to `descriptor`, the sending end of a socket of packets, which ends after the last one; at once with an error, or
 * without memory. */
zeebe_error *zeebepy_log_start(int32_t level, int32_t descriptor);
