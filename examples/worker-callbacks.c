/* A job worker with callbacks: no thread of its own works; main only waits for the end. Ends in order at SIGTERM or SIGINT:
 * jobs that came are completed first. The gateway is the environment's: ZEEBE_ADDRESS, ...
 *
 *     cc -pthread worker-callbacks.c $(pkg-config --cflags --libs zeebe) -o worker && ./worker JOB_TYPE
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "worker.h"

static zeebe_channel *channel;
static zeebe_job_stream *stream;
static sem_t ended;
static int status = EXIT_SUCCESS;

static void on_completed(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    int64_t *key = user_data;
    (void)response;
    report(*key, error);
    free(key);
    must("next job", zeebe_job_stream_request(stream, 1));
}

static void on_job(void *user_data, const zeebe_buffer *job)
{
    (void)user_data;
    int64_t *key = malloc(sizeof *key);
    if (key == NULL) abort();
    *key = job_key(job);

    /* The work is done here. It may take its time: callbacks have threads of their own, see main. */

    zeebe_buffer *request = complete_request(*key);
    size_t length = 0;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    zeebe_call_options options = complete_options();
    must("CompleteJob", zeebe_channel_unary_call(channel, COMPLETE_JOB, data, length, &options, on_completed, key, NULL));
    zeebe_buffer_free(request);
}

/* After the last job. */
static void on_end(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    (void)user_data, (void)trailers;
    if (error != NULL) {
        fprintf(stderr, "job stream: %s\n", zeebe_error_message(error));
        status = EXIT_FAILURE;
        kill(getpid(), SIGTERM); /* main waits for it */
    }
    sem_post(&ended);
}

/* After the last call. */
static void on_closed(void *user_data, const zeebe_error *error)
{
    (void)user_data, (void)error;
    sem_post(&ended);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: worker-callbacks JOB_TYPE\n");
        return EXIT_FAILURE;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    sem_init(&ended, 0, 0);

    zeebe_runtime_options runtime = ZEEBE_RUNTIME_OPTIONS_INIT;
    runtime.callback_threads = 2; /* a slow callback then holds up no other call */
    must("runtime", zeebe_runtime_configure(&runtime));
    must("channel", zeebe_create_channel_from_environment(NULL, &channel));

    open_stream(channel, argv[1], on_job, on_end, MAX_JOBS, &stream);

    int signal;
    sigwait(&signals, &signal);
    zeebe_job_stream_close(stream);
    sem_wait(&ended);
    must("close", zeebe_channel_close(channel, -1, on_closed, NULL));
    sem_wait(&ended);

    zeebe_job_stream_free(stream);
    zeebe_channel_free(channel);
    must("shutdown", zeebe_runtime_shutdown(5000));
    return status;
}
