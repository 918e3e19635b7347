/* A job worker on an epoll loop: one thread waits for jobs, for the ends of calls, and for whatever else the program has.
 * Ends in order at SIGTERM or SIGINT: jobs that came are completed first. The gateway is the environment's: ZEEBE_ADDRESS, ...
 *
 *     cc worker-epoll.c $(pkg-config --cflags --libs zeebe) -o worker && ./worker JOB_TYPE
 */
#define _GNU_SOURCE

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "worker.h"

enum { BATCH = 64, NO_JOB = 0 };

static zeebe_channel *channel;
static zeebe_job_stream *stream;
static zeebe_completion_queue *queue;
static zeebe_error *stream_error;
static int stream_ended, running; /* calls; both are the loop's */

/* On a library thread: the job goes to the loop's. */
static void on_job(void *user_data, const zeebe_buffer *job)
{
    (void)user_data;
    must("job", zeebe_completion_queue_post(queue, (uintptr_t)zeebe_buffer_ref(job)));
}

/* After the last job. */
static void on_end(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    (void)user_data, (void)trailers;
    stream_error = zeebe_error_ref(error); /* borrowed: a reference keeps it */
    must("end", zeebe_completion_queue_post(queue, NO_JOB));
}

/* Its end will be an event, with the job's key as its tag. */
static void start(const zeebe_buffer *job)
{
    int64_t key = job_key(job);

    /* The work is done here, or begun: a loop must not be kept waiting. */

    zeebe_buffer *request = complete_request(key);
    size_t length = 0;
    const uint8_t *data = zeebe_buffer_data(request, &length);
    zeebe_call_options options = complete_options();
    must("CompleteJob", zeebe_channel_unary_call_on_queue(channel, COMPLETE_JOB, data, length, &options, queue, (uint64_t)key, NULL));
    running++;
    zeebe_buffer_free(request);
}

static void take(const zeebe_event *event)
{
    if (event->event_type == ZEEBE_EVENT_TYPE_UNARY) {
        report((int64_t)event->tag, event->error);
        running--;
        must("next job", zeebe_job_stream_request(stream, 1));
    } else if (event->tag == NO_JOB) {
        stream_ended = 1;
    } else {
        zeebe_buffer *job = (zeebe_buffer *)(uintptr_t)event->tag;
        start(job);
        zeebe_buffer_free(job);
    }
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        perror("epoll_ctl");
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: worker-epoll JOB_TYPE\n");
        return EXIT_FAILURE;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    int queue_fd = -1;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    must("channel", zeebe_create_channel_from_environment(NULL, &channel));
    must("queue", zeebe_completion_queue_new(&queue));
    must("descriptor", zeebe_completion_queue_fd(queue, &queue_fd));
    watch(epoll, signal_fd);
    watch(epoll, queue_fd);

    open_stream(channel, argv[1], on_job, on_end, MAX_JOBS, &stream);

    while (!stream_ended || running > 0) {
        struct epoll_event ready;
        if (epoll_wait(epoll, &ready, 1, -1) < 1) continue; /* interrupted */
        if (ready.data.fd == signal_fd) {
            struct signalfd_siginfo signal;
            if (read(signal_fd, &signal, sizeof signal) == sizeof signal) zeebe_job_stream_close(stream);
            continue;
        }
        zeebe_event events[BATCH];
        size_t count = 0;
        must("events", zeebe_completion_queue_next(queue, 0, events, sizeof *events, BATCH, &count));
        for (size_t i = 0; i < count; i++) take(&events[i]);
        zeebe_events_clear(events, sizeof *events, count);
    }
    must("job stream", stream_error);

    zeebe_job_stream_free(stream);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
    close(epoll);
    close(signal_fd);
    must("shutdown", zeebe_runtime_shutdown(5000));
    return EXIT_SUCCESS;
}
