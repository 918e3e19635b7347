/* A job worker with blocking threads: each takes a job, works, completes it, and waits for the next. Ends in order at
 * SIGTERM or SIGINT: jobs that came are completed first. The gateway is the environment's: ZEEBE_ADDRESS, ...
 *
 *     cc -pthread worker-blocking.c $(pkg-config --cflags --libs zeebe) -o worker && ./worker JOB_TYPE
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "worker.h"

enum { THREADS = 4 };

static zeebe_channel *channel;
static zeebe_job_stream *stream;
static zeebe_completion_queue *jobs; /* from the library's thread to ours */
static int status = EXIT_SUCCESS;

/* On a library thread, which must not block: the job goes to one of ours. */
static void on_job(void *user_data, const zeebe_buffer *job)
{
    (void)user_data;
    must("job", zeebe_completion_queue_post(jobs, (uintptr_t)zeebe_buffer_ref(job)));
}

/* After the last job. What the queue holds is still taken from it. */
static void on_end(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    (void)user_data, (void)trailers;
    if (error != NULL) {
        fprintf(stderr, "job stream: %s\n", zeebe_error_message(error));
        status = EXIT_FAILURE;
        kill(getpid(), SIGTERM); /* main waits for it */
    }
    zeebe_completion_queue_shutdown(jobs);
}

static void work(const zeebe_buffer *job)
{
    int64_t key = job_key(job);

    /* The work is done here. */

    zeebe_buffer *request = complete_request(key);
    size_t length = 0;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    zeebe_call_options options = complete_options();
    zeebe_response *response = NULL;
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, COMPLETE_JOB, data, length, &options, &response);
    report(key, error);
    zeebe_error_free(error);
    zeebe_response_free(response);
    zeebe_buffer_free(request);
}

static void *thread(void *unused)
{
    zeebe_event event;
    size_t count = 0;
    zeebe_error *end = NULL;
    while ((end = zeebe_completion_queue_next(jobs, -1, &event, sizeof event, 1, &count)) == NULL) {
        zeebe_buffer *job = (zeebe_buffer *)(uintptr_t)event.tag;
        work(job);
        zeebe_buffer_free(job);
        must("next job", zeebe_job_stream_request(stream, 1));
    }
    zeebe_error_free(end); /* SHUTDOWN: the stream has ended, and every job was taken */
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: worker-blocking JOB_TYPE\n");
        return EXIT_FAILURE;
    }
    /* Blocked in all threads; main takes them. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    must("channel", zeebe_create_channel_from_environment(NULL, &channel));
    must("queue", zeebe_completion_queue_new(&jobs));

    open_stream(channel, argv[1], on_job, on_end, THREADS, &stream);

    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, thread, NULL);

    int signal;
    sigwait(&signals, &signal);
    zeebe_job_stream_close(stream);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);

    zeebe_job_stream_free(stream);
    zeebe_completion_queue_free(jobs);
    zeebe_channel_free(channel);
    must("shutdown", zeebe_runtime_shutdown(5000));
    return status;
}
