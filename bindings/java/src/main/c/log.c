/* The library's log, posted to the completion queue. */
#include "glue.h"

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copied = malloc(size);
    return copied == NULL ? NULL : memcpy(copied, text, size);
}

/* Here only a few functions of the library may be called, and none of a reference. Without memory a record is lost. */
static void on_record(void *user_data, const zeebe_log_record *record)
{
    posted *end = user_data;
    posted *post = posted_new(POSTED_LOG, NULL, end->id);
    if (post == NULL) return;
    post->level = zeebe_log_record_level(record);
    post->target = copy(zeebe_log_record_target(record));
    post->text = copy(zeebe_log_record_message(record));
    if (post->target == NULL || post->text == NULL) posted_free(post);
    else posted_send_to(post, end->queue);
}

static void on_destroy(void *user_data) { posted_send(user_data); }

/* Its last event is the end of these records: when others are asked for, or none. */
EXPORT(jlong, logStart)(JNIEnv *env, jclass class, jint level, jlong queue, jlong id)
{
    (void)env, (void)class;
    posted *end = posted_new(POSTED_DESTROY, queue_of(queue), id);
    zeebe_error *error = zeebe_set_log_callback(level, end == NULL ? NULL : on_record, end, end == NULL ? NULL : on_destroy);
    if (error != NULL && end != NULL) posted_free(end);
    return NUMBER(error);
}

EXPORT(void, logStop)(JNIEnv *env, jclass class)
{
    (void)env, (void)class;
    zeebe_error_free(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_OFF, NULL, NULL, NULL));
}
