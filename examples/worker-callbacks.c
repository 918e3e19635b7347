/* A job worker with callbacks, whole in this file. At SIGTERM or SIGINT jobs at work are completed, the others go back. The gateway is the
 * environment's: ZEEBE_ADDRESS, ...
 *     cc worker-callbacks.c $(pkg-config --cflags --libs zeebe) -o worker && ./worker JOB_TYPE */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zeebe.h>

static void must(const zeebe_error *error)
{
    if (error) exit((fprintf(stderr, "%s\n", zeebe_error_message(error)), EXIT_FAILURE));
}

/* What is "unknown" may be complete: an answer was lost. Whatever is not complete comes again. */
static void on_ended(void *key, int32_t outcome, const zeebe_error *error)
{
    const char *const words[] = {"", "completed", "not completed", "unknown"};
    printf("%s %" PRIdPTR ": %s\n", words[outcome], (intptr_t)key, error ? zeebe_error_message(error) : "well");
    fflush(stdout);
}

static void on_job(void *unused, const zeebe_job *job)
{
    void *key = ((void)unused, (void *)(intptr_t)zeebe_job_key(job));
    if (strstr(zeebe_job_variables(job, NULL), "\"fail\"")) must(zeebe_job_fail(job, ZEEBE_RETRIES_ONE_LESS, 1000, "not today", NULL, on_ended, key));
    else must(zeebe_job_complete(job, "{\"done\": true}", on_ended, key));
}

static void on_close(void *status, const zeebe_error *error)
{
    if (error) fprintf(stderr, "the worker ended: %s\n", zeebe_error_message(error));
    *(int *)status = error ? EXIT_FAILURE : EXIT_SUCCESS;
    kill(getpid(), SIGUSR1);
}

int main(int argc, char **argv)
{
    int signal, status;
    sigset_t signals; /* blocked in all threads: main takes them */
    sigemptyset(&signals);
    for (int i = 0; i < 3; i++) sigaddset(&signals, (int[]){SIGINT, SIGTERM, SIGUSR1}[i]);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    zeebe_runtime_options runtime = {.size = sizeof runtime, .callback_threads = 4}; /* on which jobs are worked on */
    zeebe_job_worker_options options = {.size = sizeof options, .job_type = argc == 2 ? argv[1] : NULL, .job_timeout_ms = 10000};
    zeebe_job_worker_handler handler = {.size = sizeof handler, .on_job = on_job, .on_close = on_close};
    zeebe_channel *channel;
    zeebe_job_worker *worker;
    must(zeebe_runtime_configure(&runtime));
    must(zeebe_create_channel_from_environment(NULL, &channel));
    must(zeebe_job_worker_start(channel, &options, &handler, &status, &worker));
    for (sigwait(&signals, &signal); signal != SIGUSR1; sigwait(&signals, &signal)) zeebe_job_worker_close(worker);
    zeebe_job_worker_free(worker);
    zeebe_channel_free(channel);
    must(zeebe_runtime_shutdown(5000));
    return status;
}
