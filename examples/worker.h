/* What two of the worker examples share: their worker, the work, and a line on what became of a job. */
#ifndef WORKER_H
#define WORKER_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zeebe.h>

/* For what cannot go on without. */
static inline void must(const char *what, const zeebe_error *error)
{
    if (error == NULL) return;
    fprintf(stderr, "%s: %s\n", what, zeebe_error_message(error));
    exit(EXIT_FAILURE);
}

static inline zeebe_job_worker_options worker_options(const char *type)
{
    zeebe_job_worker_options options = ZEEBE_JOB_WORKER_OPTIONS_INIT;
    options.job_type = type;
    options.worker_name = "example";
    options.job_timeout_ms = 10000; /* then the gateway gives a job to another worker */
    options.retry_backoff_ms = 1000;
    return options;
}

/* Whether a job is done: what a program of its own does, it does here. */
static inline int work(const zeebe_job *job) { return strstr(zeebe_job_variables(job, NULL), "\"fail\"") == NULL; }

/* What became of a job. Whatever is not complete comes again, so nothing is lost. But "unknown" may be complete: work whose effects must not
 * happen twice has to be recognised by the job's key. */
static inline void report(int64_t key, int32_t outcome, const zeebe_error *error)
{
    static const char *const words[] = {"", "completed", "not completed", "unknown"};
    printf("%s %" PRId64 "%s%s\n", words[outcome], key, error ? ": " : "", error ? zeebe_error_message(error) : "");
    fflush(stdout);
}

#endif
