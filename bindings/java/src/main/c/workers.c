/* Job workers, and what is done with their jobs. */
#include "glue.h"

enum { COMPLETE, FAIL, THROW_ERROR };

typedef const char *text_of(const zeebe_job *, size_t *);

const char *job_text(const zeebe_job *job, int which, size_t *length)
{
    static text_of *const texts[JOB_TEXTS] = {zeebe_job_type,        zeebe_job_bpmn_process_id, zeebe_job_element_id, zeebe_job_tenant_id,
                                              zeebe_job_worker_name, zeebe_job_custom_headers,  zeebe_job_variables};
    return texts[which](job, length);
}

/* NULL: out of memory, or none. */
static const char **next_texts(arguments *in, size_t *count)
{
    *count = (size_t)next_number(in);
    const char **texts = *count == 0 ? NULL : calloc(*count, sizeof *texts);
    for (size_t i = 0; i < *count; i++) {
        const char *text = next_text(in);
        if (texts != NULL) texts[i] = text;
    }
    return texts;
}

/* org.libzeebe.JobWorkerBuilder packs the arguments in this order. */
EXPORT(jlong, jobWorkerStart)(JNIEnv *env, jclass class, jlong channel, jbyteArray bytes, jint length, jlong queue, jlong id, jlongArray out)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_job_worker_options options = ZEEBE_JOB_WORKER_OPTIONS_INIT;
        zeebe_metadata *metadata = NULL;
        zeebe_job_worker *worker = NULL;
        options.job_type = next_text(&in);
        options.worker_name = next_text(&in);
        options.job_timeout_ms = next_number(&in);
        options.max_jobs_active = next_number(&in);
        options.handlers_at_once = next_number(&in);
        options.polls_alone = (int32_t)next_number(&in);
        options.extend_timeout = (int32_t)next_number(&in);
        options.leave_freed_jobs = (int32_t)next_number(&in);
        options.forward_trace_context = (int32_t)next_number(&in);
        options.watchdog_ms = next_number(&in);
        options.stream_timeout_ms = next_number(&in);
        options.poll_interval_ms = next_number(&in);
        options.request_timeout_ms = next_number(&in);
        options.backoff_min_ms = next_number(&in);
        options.backoff_max_ms = next_number(&in);
        options.backoff_factor_percent = next_number(&in);
        options.backoff_jitter_percent = next_number(&in);
        options.retry_backoff_ms = next_number(&in);
        options.grace_ms = next_number(&in);
        const char **variables = next_texts(&in, &options.fetch_variables_count);
        const char **tenants = next_texts(&in, &options.tenant_ids_count);
        options.fetch_variables = variables;
        options.tenant_ids = tenants;
        error = next_metadata(&in, &metadata);
        options.metadata = metadata;
        if (error == NULL) error = zeebe_job_worker_start_on_queue(HANDLE(zeebe_channel, channel), &options, queue_of(queue), (uint64_t)id, &worker);
        zeebe_metadata_free(metadata);
        free(variables);
        free(tenants);
        if (error == NULL) give(env, out, worker);
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(void, jobWorkerClose)(JNIEnv *env, jclass class, jlong worker)
{
    (void)env, (void)class;
    zeebe_job_worker_close(HANDLE(zeebe_job_worker, worker));
}

EXPORT(jlong, jobWorkerStats)(JNIEnv *env, jclass class, jlong worker, jobjectArray out)
{
    (void)class;
    char *json = NULL;
    zeebe_error *error = zeebe_job_worker_stats(HANDLE(zeebe_job_worker, worker), &json);
    if (error == NULL) give_text(env, out, json);
    return NUMBER(error);
}

EXPORT(jlong, jobWorkersPrometheus)(JNIEnv *env, jclass class, jlongArray workers, jobjectArray out)
{
    (void)class;
    size_t count;
    const void **all = handles(env, workers, &count);
    char *text = NULL;
    zeebe_error *error = zeebe_job_workers_prometheus((const zeebe_job_worker *const *)all, count, &text);
    free(all);
    if (error == NULL) give_text(env, out, text);
    return NUMBER(error);
}

EXPORT(void, jobWorkerFree)(JNIEnv *env, jclass class, jlong worker)
{
    (void)env, (void)class;
    zeebe_job_worker_free(HANDLE(zeebe_job_worker, worker));
}

EXPORT(jbyteArray, jobText)(JNIEnv *env, jclass class, jlong job, jint which)
{
    (void)class;
    size_t length;
    const char *text = job_text(HANDLE(zeebe_job, job), which, &length);
    return bytes_of(env, text, length);
}

EXPORT(jbyteArray, jobMessage)(JNIEnv *env, jclass class, jlong job)
{
    (void)class;
    size_t length;
    const uint8_t *message = zeebe_job_message(HANDLE(zeebe_job, job), &length);
    return bytes_of(env, message, length);
}

EXPORT(jlong, jobDeadline)(JNIEnv *env, jclass class, jlong job)
{
    (void)env, (void)class;
    return zeebe_job_deadline(HANDLE(zeebe_job, job));
}

/* org.libzeebe.NativeJob packs the arguments in this order. */
EXPORT(jlong, jobEnd)(JNIEnv *env, jclass class, jlong handle, jint kind, jbyteArray bytes, jint length, jlong queue, jlong id)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        const zeebe_job *job = HANDLE(zeebe_job, handle);
        const zeebe_completion_queue *on = queue_of(queue);
        uint64_t tag = (uint64_t)id;
        const char *variables = next_text(&in);
        const char *message = next_text(&in);
        const char *code = next_text(&in);
        int64_t retries = next_number(&in);
        int64_t backoff_ms = next_number(&in);
        switch (kind) {
        case COMPLETE: error = zeebe_job_complete_on_queue(job, variables, on, tag); break;
        case FAIL: error = zeebe_job_fail_on_queue(job, (int32_t)retries, backoff_ms, message, variables, on, tag); break;
        default: error = zeebe_job_throw_error_on_queue(job, code, message, variables, on, tag); break;
        }
    }
    arguments_end(&in);
    return NUMBER(error);
}

EXPORT(void, jobFree)(JNIEnv *env, jclass class, jlong job)
{
    (void)env, (void)class;
    zeebe_job_free(HANDLE(zeebe_job, job));
}
