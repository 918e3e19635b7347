/* A job worker with blocking threads: each takes a job, works, completes it, and waits for the next. Ends in order at SIGTERM or SIGINT: jobs at
 * work are completed first, the others go back. The gateway is the environment's: ZEEBE_ADDRESS, ...
 *
 *     cc -pthread worker-blocking.c $(pkg-config --cflags --libs zeebe) -o worker && ./worker JOB_TYPE
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "worker.h"

enum { THREADS = 4 };

static int status = EXIT_SUCCESS;

static void on_ended(void *user_data, int32_t outcome, const zeebe_error *error) { report((int64_t)(intptr_t)user_data, outcome, error); }

static void *thread(void *worker)
{
    zeebe_job *job;
    zeebe_error *end;
    while ((end = zeebe_job_worker_next(worker, -1, &job)) == NULL) {
        void *key = (void *)(intptr_t)zeebe_job_key(job);
        if (work(job)) must("complete", zeebe_job_complete(job, "{\"done\": true}", on_ended, key));
        else must("fail", zeebe_job_fail(job, ZEEBE_RETRIES_ONE_LESS, -1, "not today", NULL, on_ended, key));
        zeebe_job_free(job);
    }
    if (zeebe_error_kind(end) != ZEEBE_ERROR_KIND_SHUTDOWN) { /* which is the end after a close */
        fprintf(stderr, "worker: %s\n", zeebe_error_message(end));
        status = EXIT_FAILURE;
        kill(getpid(), SIGTERM); /* main waits for it */
    }
    zeebe_error_free(end);
    return NULL;
}

int main(int argc, char **argv)
{
    int signal;
    sigset_t signals; /* blocked in all threads; main takes them */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    zeebe_channel *channel;
    must("channel", zeebe_create_channel_from_environment(NULL, &channel));
    zeebe_job_worker_options options = worker_options(argc == 2 ? argv[1] : NULL);
    options.handlers_at_once = THREADS; /* no more lie ready than are worked on */
    zeebe_job_worker *worker;
    must("worker", zeebe_job_worker_start(channel, &options, NULL, NULL, &worker));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, thread, worker);

    sigwait(&signals, &signal);
    zeebe_job_worker_close(worker);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    zeebe_job_worker_free(worker);
    zeebe_channel_free(channel);
    must("shutdown", zeebe_runtime_shutdown(5000));
    return status;
}
