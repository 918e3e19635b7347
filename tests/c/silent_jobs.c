/* Job workers at the development gateway, each through a reverse proxy of its own, whose streams are silent for longer than the proxy waits:
   a job that comes then is brought at once, by the stream or by what took its place. Prints "silent jobs: ok".
   usage: silent_jobs SECONDS GATEWAY_PORT ADDRESS... */
#define _GNU_SOURCE
#include "job_worker.h"
#include "one_task.h"

enum { MOST = 16, SOON_MS = 20000 };

static void work(desk *d, const zeebe_job *job) { OK(zeebe_job_complete(job, NULL, desk_on_end, d)); }

int main(int argc, char **argv)
{
    const int count = argc - 3;
    CHECK(count > 0 && count <= MOST);
    gateway g;
    static desk desks[MOST];
    char types[MOST][16];
    zeebe_channel *channels[MOST];
    zeebe_job_worker *workers[MOST];
    gateway_start(&g, argv[2]);
    zeebe_channel *direct = channel_to(&g);
    for (int i = 0; i < count; i++) {
        desks[i] = (desk)DESK_INIT;
        desks[i].work = work;
        snprintf(types[i], sizeof types[i], "silent-%d", i);
        deploy(direct, types[i], "", "");
        channels[i] = channel_new((channel_arguments){.address = argv[3 + i]});
        UNTIL(is_reachable(channels[i]));
        zeebe_job_worker_options options = worker_of(types[i]);
        options.poll_interval_ms = 600000; /* what comes, comes by the stream */
        options.job_timeout_ms = 600000;
        workers[i] = worker_start(channels[i], options, &desks[i]);
    }
    for (int i = 0; i < count; i++) {
        create(direct, types[i], "{}", "");
        DESK_AWAIT(&desks[i], desks[i].ends[ZEEBE_JOB_OUTCOME_ENDED] == 1);
    }
    sleep_until(now_ms() + atol(argv[1]) * 1000); /* the silence itself */
    for (int i = 0; i < count; i++) {
        int64_t began = now_ms();
        create(direct, types[i], "{}", "");
        DESK_AWAIT(&desks[i], desks[i].ends[ZEEBE_JOB_OUTCOME_ENDED] == 2);
        int64_t took = now_ms() - began;
        if (took > SOON_MS) fprintf(stderr, "%s: after %lld ms\n", argv[3 + i], (long long)took);
        CHECK(took <= SOON_MS);
    }
    for (int i = 0; i < count; i++) {
        worker_end(workers[i], &desks[i], 0);
        zeebe_channel_free(channels[i]);
    }
    zeebe_channel_free(direct);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    printf("silent jobs: ok\n");
    return 0;
}
