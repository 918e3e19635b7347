/* A peer that floods its connection: the connection ends, and says so; on the same thread the calls of another channel go on, a
   deadline of the flooded one is kept, and no memory is lost to the flood. */
#define _GNU_SOURCE
#include "gateway.h"

/* More than a credit lasts for, twice over. */
#define FRAMES 20000
/* Calls of the other channel, before and beside a flood. */
#define CALLS 100

typedef struct {
    const char *name;
    uint8_t frame[17];
    size_t length;
} flood;

static const flood FLOODS[] = {
    {"PING", {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, 17},
    {"SETTINGS", {0, 0, 0, 4, 0, 0, 0, 0, 0}, 9},
    {"WINDOW_UPDATE", {0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 13},
    {"PRIORITY", {0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7}, 14},
    {"RST_STREAM of a stream that has ended", {0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8}, 13},
    {"DATA without data, of a stream that has ended", {0, 0, 0, 0, 0, 0, 0, 0, 1}, 9},
    {"frames that nobody knows", {0, 0, 0, 0x77, 0, 0, 0, 0, 0}, 9},
};

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t median_us(const zeebe_channel *channel)
{
    int64_t took[CALLS];
    for (int i = 0; i < CALLS; i++) {
        int64_t began = now_us();
        CHECK(topology(channel).status == 0);
        took[i] = now_us() - began;
    }
    qsort(took, CALLS, sizeof *took, by_size);
    return took[CALLS / 2];
}

typedef struct {
    const gateway *g;
    const flood *kind;
} flooding;

static void *begin_flood(void *argument)
{
    flooding *f = argument;
    uint8_t *frames = malloc(FRAMES * f->kind->length);
    CHECK(frames);
    for (size_t i = 0; i < FRAMES; i++) memcpy(frames + i * f->kind->length, f->kind->frame, f->kind->length);
    free(gateway_ask(f->g, "POST /inject", frames, FRAMES * f->kind->length));
    free(frames);
    return NULL;
}

static void others_do_not_notice(const gateway *g, const zeebe_channel *beside, const flood *kind)
{
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    background held = {channel, {0}};
    flooding f = {g, kind};
    pthread_t caller, flooder;
    CHECK(topology(channel).status == 0);
    long calls = gateway_count(g, "Topology");
    gateway_tell(g, "POST /fault?kind=stuck&at=headers");
    CHECK(pthread_create(&caller, NULL, calling, &held) == 0);
    UNTIL(gateway_count(g, "Topology") > calls);
    int64_t before = median_us(beside);
    CHECK(pthread_create(&flooder, NULL, begin_flood, &f) == 0);
    int64_t meanwhile = median_us(beside);
    JOIN(flooder);
    JOIN(caller);
    printf("%s: another channel's call takes %lld us at the median, %lld us beside it\n", kind->name, (long long)before, (long long)meanwhile);
    CHECK(held.end.status == ZEEBE_STATUS_UNAVAILABLE && strstr(held.end.message, "ENHANCE_YOUR_CALM"));
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
}

int main(void)
{
    gateway flooded, other;
    gateway_start(&flooded, "0");
    gateway_start(&other, "0");
    zeebe_channel *beside = channel_new((channel_arguments){.address = gateway_address(&other, "plaintext")});
    CHECK(topology(beside).status == 0);
    /* What the first of each needs, the process needs once. */
    long memory = 0;
    for (int round = 0; round < 2; round++) {
        if (round) memory = resident_kib();
        for (size_t i = 0; i < sizeof FLOODS / sizeof *FLOODS; i++) others_do_not_notice(&flooded, beside, &FLOODS[i]);
    }
    CHECK(resident_kib() - memory < 1024);
    zeebe_channel_free(beside);
    OK(zeebe_runtime_shutdown(5000));
    gateway_stop(&flooded);
    gateway_stop(&other);
    return 0;
}
