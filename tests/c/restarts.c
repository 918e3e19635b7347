/* Load on a gateway that is killed or stopped and started again, over and over: each call completes exactly once, and
   memory and descriptors stay. usage: restarts SECONDS PERIOD_MS */
#define _GNU_SOURCE
#include "gateway.h"

#include <stdatomic.h>

enum { IN_FLIGHT = 64, SLOTS = 1 << 16 };

static zeebe_channel *channel;
static atomic_int stop, running;
static atomic_long started, completed, succeeded, unavailable, late;
static atomic_int open_calls[SLOTS]; /* by number, modulo: a call must end once before its slot is used again */

static void start(long number);

static void on_end(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    long number = (long)(intptr_t)user_data;
    int32_t status = zeebe_error_grpc_status(error);
    CHECK(!error != !response);
    CHECK(atomic_fetch_sub(&open_calls[number % SLOTS], 1) == 1);
    CHECK(!error || status == ZEEBE_STATUS_UNAVAILABLE || status == ZEEBE_STATUS_DEADLINE_EXCEEDED);
    if (!error) succeeded++;
    else if (status == ZEEBE_STATUS_UNAVAILABLE) unavailable++;
    else late++;
    completed++;
    if (stop) running--;
    else start(started++);
}

static void start(long number)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.timeout_ms = 5000;
    options.wait_for_ready = number % 2 ? ZEEBE_WAIT_FOR_READY_YES : ZEEBE_WAIT_FOR_READY_NO;
    CHECK(atomic_fetch_add(&open_calls[number % SLOTS], 1) == 0);
    OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, &options, on_end, (void *)(intptr_t)number, NULL));
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    int64_t end = now_ms() + atol(argv[1]) * 1000;
    long period = atol(argv[2]), restarts = 0, memory = 0;
    int open = 0;
    gateway g;
    char port[16];
    gateway_start(&g, "0");
    snprintf(port, sizeof port, "%s", gateway_get(&g, "plaintext"));
    channel =
        channel_new((channel_arguments){.address = gateway_address(&g, "plaintext"),
                                        .options = {NUMBER("grpc.initial_reconnect_backoff_ms", 100), NUMBER("grpc.max_reconnect_backoff_ms", 500)}});
    running = IN_FLIGHT;
    for (int i = 0; i < IN_FLIGHT; i++) start(started++);
    while (now_ms() < end || restarts < 4) {
        usleep((useconds_t)period * 1000);
        if (++restarts % 2) gateway_kill(&g);
        else gateway_stop(&g);
        usleep(200000); /* nobody listens for a while: that is the point */
        gateway_start(&g, port);
        OK(zeebe_channel_wait_ready(channel, 10000));
        if (restarts == 2) {
            memory = resident_kib();
            open = descriptors();
        }
    }
    long grown = resident_kib() - memory;
    int more = descriptors() - open;
    stop = 1;
    UNTIL(!running);
    CHECK(completed == started);
    CHECK(topology(channel).status == 0);
    printf("%ld restarts, %ld calls: %ld succeeded, %ld unavailable, %ld late; memory %+ld KiB, descriptors %+d\n", restarts, (long)completed,
           (long)succeeded, (long)unavailable, (long)late, grown, more);
    CHECK(restarts >= 3 && succeeded > 0 && unavailable > 0);
    CHECK(grown < 4096 && more <= 1); /* one: the connection of this moment */
    zeebe_channel_free(channel);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
