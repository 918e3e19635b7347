/* Four job workers, two of them slow, while connections are reset and the gateway is killed, over and over: no job is lost, none is ended
   twice, and memory and descriptors stay. usage: job_worker_restarts SECONDS PERIOD_MS */
#define _GNU_SOURCE
#include "job_worker.h"

#include <stdatomic.h>

enum { WORKERS = 4, SLOW_MS = 20, AT_ONCE = 200, NUMBERS = 1 << 21, KEYS = 1 << 13 };

/* What was told of a job, by its number: each gateway counts its keys from a number of its own. */
static struct {
    atomic_int given, ends[4];
} jobs[NUMBERS];

static atomic_int settled;
static desk desks[WORKERS];

static int number_of(int64_t key)
{
    int64_t number = key & ((INT64_C(1) << 51) - 1); /* without its partition */
    CHECK(number > 0 && number < NUMBERS);
    return (int)number;
}

static void on_end(void *number, int32_t outcome, const zeebe_error *error)
{
    CHECK(!error == (outcome == ZEEBE_JOB_OUTCOME_ENDED));
    jobs[(intptr_t)number].ends[outcome]++;
    settled++;
}

static void work(desk *d, const zeebe_job *job)
{
    intptr_t number = number_of(zeebe_job_key(job));
    jobs[number].given++;
    if ((d - desks) % 2) usleep(SLOW_MS * 1000);
    OK(zeebe_job_complete(job, "{\"done\":true}", on_end, (void *)number));
}

static void create(const zeebe_channel *channel, int count)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.wait_for_ready = ZEEBE_WAIT_FOR_READY_YES;
    options.timeout_ms = 20000;
    for (int i = 0; i < count; i++) {
        char *answer = NULL;
        zeebe_error *error =
            zeebe_channel_json_call_sync(channel, "CreateProcessInstance", "{\"bpmnProcessId\":\"large\",\"version\":-1}", &options, &answer);
        /* Sent before the reset of its connection was seen: its instance is there, or not. */
        CHECK(!error || (zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAVAILABLE && zeebe_error_may_have_been_processed(error)));
        zeebe_error_free(error);
        zeebe_string_free(answer);
    }
}

static zeebe_channel *channel_of(const gateway *g)
{
    return channel_new(
        (channel_arguments){.address = gateway_address(g, "plaintext"),
                            .options = {NUMBER("grpc.initial_reconnect_backoff_ms", 100), NUMBER("grpc.max_reconnect_backoff_ms", 500)}});
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    long period = atol(argv[2]), memory = 0;
    int open = 0, kills = 0, resets = 0;
    gateway g;
    char port[16], first_key[16];
    zeebe_runtime_options runtime = ZEEBE_RUNTIME_OPTIONS_INIT;
    runtime.callback_threads = WORKERS;
    OK(zeebe_runtime_configure(&runtime));
    gateway_start(&g, "0");
    snprintf(port, sizeof port, "%s", gateway_get(&g, "plaintext"));
    zeebe_channel *channel = channel_of(&g), *other = channel_of(&g);
    deploy_process(other);
    zeebe_job_worker *workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        desks[i] = (desk)DESK_INIT;
        desks[i].work = work;
        zeebe_job_worker_options options = worker_of("large");
        options.job_timeout_ms = 2000;
        options.poll_interval_ms = 500;
        options.extend_timeout = i == 3;
        workers[i] = worker_start(channel, options, &desks[i]);
    }
    for (int64_t end = now_ms() + atol(argv[1]) * 1000; now_ms() < end || kills + resets < 6;) {
        create(other, AT_ONCE);
        usleep((useconds_t)period * 1000);
        if (kills + resets == 4) {
            memory = resident_kib();
            open = descriptors();
        }
        if ((kills + resets) % 2) {
            gateway_tell(&g, "POST /reset-connections");
            resets++;
            continue;
        }
        /* The jobs that it has go with it. Of those that it had, none ends later but by having ended. */
        gateway_kill(&g);
        snprintf(first_key, sizeof first_key, "%d", ++kills * KEYS);
        CHECK((kills + 1) * KEYS < NUMBERS);
        gateway_start_with(&g, port, "--first-key", first_key);
        deploy_process(other);
    }
    create(other, AT_ONCE);
    UNTIL(has_no_jobs(&g)); /* some come again after their time-out */
    long grown = resident_kib() - memory;
    int more = descriptors() - open;
    for (int i = 0; i < WORKERS; i++) {
        worker_end(workers[i], &desks[i], 0);
        CHECK(desks[i].closes == 1);
    }
    int done = 0, unknown = 0, not_ended = 0;
    for (int i = 0; i < NUMBERS; i++) {
        int of_one[4];
        for (int outcome = 0; outcome < 4; outcome++) of_one[outcome] = jobs[i].ends[outcome];
        CHECK(of_one[ZEEBE_JOB_OUTCOME_ENDED] <= 1);               /* none is ended twice */
        CHECK(of_one[1] + of_one[2] + of_one[3] == jobs[i].given); /* each that was given has its end, once */
        done += of_one[ZEEBE_JOB_OUTCOME_ENDED];
        not_ended += of_one[ZEEBE_JOB_OUTCOME_NOT_ENDED];
        unknown += of_one[ZEEBE_JOB_OUTCOME_UNKNOWN];
        /* The last gateway had all of its own to the end: not one was lost. */
        if (i >= kills * KEYS && jobs[i].given) CHECK(of_one[ZEEBE_JOB_OUTCOME_ENDED] || of_one[ZEEBE_JOB_OUTCOME_UNKNOWN]);
    }
    printf("%d kills, %d resets: %d jobs ended, %d did not, %d nobody knows; memory %+ld KiB, descriptors %+d\n", kills, resets, done, not_ended,
           unknown, grown, more);
    CHECK(kills >= 2 && resets >= 2 && done >= 2 * AT_ONCE && settled == done + unknown + not_ended);
    CHECK(grown < 8192 && more <= 2); /* the connections of this moment */
    zeebe_channel_free(channel);
    zeebe_channel_free(other);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
