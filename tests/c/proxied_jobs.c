/* A job worker at the development gateway through a reverse proxy whose time-out ends a silent stream, that is reloaded under load, and
   whose gateway is killed and started again: no job is lost, and no call that need not be. Prints "jobs: running" when the proxy may be
   reloaded, and how it ended, as peers.c does. usage: proxied_jobs WORKER_ADDRESS CALLS_ADDRESS GATEWAY_PORT */
#define _GNU_SOURCE
#include "job_worker.h"
#include "outcome.h"

#include <stdatomic.h>

enum { FEW = 20, MANY = 400, PAUSE_US = 5000, CUTS = 2, LATER_KEYS = 1 << 20 };

static atomic_int given, settled, ends[4];

static void on_end(void *unused, int32_t outcome, const zeebe_error *error)
{
    (void)unused;
    CHECK(!error == (outcome == ZEEBE_JOB_OUTCOME_ENDED));
    ends[outcome]++;
    settled++;
}

static void work(desk *d, const zeebe_job *job)
{
    (void)d;
    given++;
    OK(zeebe_job_complete(job, "{\"done\":true}", on_end, NULL));
}

static zeebe_error *failure; /* of a call, the first */
static int created;

static void create(const zeebe_channel *channel, int count)
{
    for (int i = 0; i < count; i++) {
        char *answer = NULL;
        zeebe_error *error =
            zeebe_channel_json_call_sync(channel, "CreateProcessInstance", "{\"bpmnProcessId\":\"large\",\"version\":-1}", NULL, &answer);
        if (!error) created++;
        if (failure) zeebe_error_free(error);
        else failure = error;
        zeebe_string_free(answer);
        usleep(PAUSE_US);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    gateway g;
    desk d = DESK_INIT;
    char first_key[16];
    zeebe_job_worker_options options = worker_of("large");
    gateway_start(&g, argv[3]);
    zeebe_channel *channel = channel_new((channel_arguments){.address = argv[1]});
    zeebe_channel *calls = channel_new((channel_arguments){.address = argv[2]});
    UNTIL(is_reachable(channel) && is_reachable(calls));
    deploy_process(calls);
    options.job_timeout_ms = 3000;     /* a job on a stream that the proxy has just ended comes again */
    options.poll_interval_ms = 600000; /* what comes, comes by the stream, or by the poll as it is opened anew */
    options.watchdog_ms = 6000;        /* of a proxy that ends no stream */
    d.work = work;
    zeebe_job_worker *worker = worker_start(channel, options, &d);
    create(calls, FEW);
    UNTIL(has_no_jobs(&g));

    for (int i = 0; i < CUTS; i++) {
        long streams = gateway_count(&g, "StreamActivatedJobs");
        UNTIL(gateway_count(&g, "StreamActivatedJobs") > streams);
        create(calls, FEW);
        UNTIL(has_no_jobs(&g));
    }

    printf("jobs: running\n");
    fflush(stdout);
    create(calls, MANY);
    UNTIL(has_no_jobs(&g));
    UNTIL(settled == given);
    if (!failure) CHECK(ends[ZEEBE_JOB_OUTCOME_ENDED] <= created && ends[ZEEBE_JOB_OUTCOME_ENDED] + ends[ZEEBE_JOB_OUTCOME_UNKNOWN] >= created);

    gateway_kill(&g);
    UNTIL(topology(calls).status == ZEEBE_STATUS_UNAVAILABLE);
    snprintf(first_key, sizeof first_key, "%d", LATER_KEYS);
    gateway_start_with(&g, argv[3], "--first-key", first_key);
    UNTIL(is_reachable(calls));
    deploy_process(calls);
    create(calls, FEW);
    UNTIL(has_no_jobs(&g));
    worker_end(worker, &d, 0);
    CHECK(settled == given);

    print_outcome("jobs", failure, argv[2]);
    zeebe_error_free(failure);
    zeebe_channel_free(channel);
    zeebe_channel_free(calls);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
