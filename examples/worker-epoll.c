/* A job worker on an epoll loop: one thread waits for jobs, for their ends, and for whatever else the program has. Ends in order at SIGTERM or SIGINT:
 * jobs at work are completed first, the others go back. The gateway is the environment's: ZEEBE_ADDRESS, ...
 *
 *     cc worker-epoll.c $(pkg-config --cflags --libs zeebe) -o worker && ./worker JOB_TYPE
 */
#define _GNU_SOURCE

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "worker.h"

enum { BATCH = 64 };

static zeebe_completion_queue *queue;
static zeebe_error *end;
static int has_ended;

/* The work is done here, or begun: a loop must not be kept waiting. The end of a job has its key as its tag. */
static void take(zeebe_event *event)
{
    uint64_t key = (uint64_t)zeebe_job_key(event->job);
    if (event->event_type == ZEEBE_EVENT_TYPE_JOB_ENDED) {
        report((int64_t)event->tag, event->outcome, event->error);
    } else if (event->event_type == ZEEBE_EVENT_TYPE_CLOSE) {
        has_ended = 1;
        end = zeebe_error_ref(event->error);
    } else if (event->event_type == ZEEBE_EVENT_TYPE_JOB) {
        if (work(event->job)) must("complete", zeebe_job_complete_on_queue(event->job, "{\"done\": true}", queue, key));
        else must("fail", zeebe_job_fail_on_queue(event->job, ZEEBE_RETRIES_ONE_LESS, -1, "not today", NULL, queue, key));
    }
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) return;
    perror("epoll_ctl");
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC), queue_fd = -1, epoll = epoll_create1(EPOLL_CLOEXEC);

    zeebe_channel *channel;
    zeebe_job_worker *worker;
    zeebe_job_worker_options options = worker_options(argc == 2 ? argv[1] : NULL);
    must("channel", zeebe_create_channel_from_environment(NULL, &channel));
    must("queue", zeebe_completion_queue_new(&queue));
    must("descriptor", zeebe_completion_queue_fd(queue, &queue_fd));
    must("worker", zeebe_job_worker_start_on_queue(channel, &options, queue, 0, &worker));
    watch(epoll, signal_fd);
    watch(epoll, queue_fd);

    while (!has_ended) {
        struct epoll_event ready;
        if (epoll_wait(epoll, &ready, 1, -1) < 1) continue; /* interrupted */
        if (ready.data.fd == signal_fd) {
            struct signalfd_siginfo signal;
            if (read(signal_fd, &signal, sizeof signal) == sizeof signal) zeebe_job_worker_close(worker);
            continue;
        }
        zeebe_event events[BATCH];
        size_t count = 0;
        must("events", zeebe_completion_queue_next(queue, 0, events, sizeof *events, BATCH, &count));
        for (size_t i = 0; i < count; i++) take(&events[i]);
        zeebe_events_clear(events, sizeof *events, count);
    }
    must("worker", end);
    zeebe_job_worker_free(worker);
    zeebe_completion_queue_free(queue);
    zeebe_channel_free(channel);
    close(epoll);
    close(signal_fd);
    must("shutdown", zeebe_runtime_shutdown(5000));
    return EXIT_SUCCESS;
}
