/* What the clients in C and C++ share: how they are told what to run, and how they measure.
 * src/run.rs is the agreement; src/meter.rs measures the same way in Rust. */
#ifndef METER_H
#define METER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TOPOLOGY "/gateway_protocol.Gateway/Topology"
#define STREAM_ACTIVATED_JOBS "/gateway_protocol.Gateway/StreamActivatedJobs"

/* Ends the program; what it says is for the reader of the terminal. */
static inline void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

struct run {
    const char *address;
    const char *ca; /* PEM text; NULL: plaintext */
    const char *row;
    size_t in_flight;
    double seconds;
    const char *token; /* a bearer token that each call carries; NULL: none */
};

static inline char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = (char *)calloc(1, 65536);
    if (file == NULL || text == NULL || fread(text, 1, 65535, file) == 0) fail(path, "cannot be read");
    fclose(file);
    return text;
}

static inline struct run run_parse(int argc, char **argv)
{
    if (argc != 6) fail(argv[0], "usage: ADDRESS CA ROW IN_FLIGHT SECONDS");
    struct run run;
    run.address = argv[1];
    run.ca = strcmp(argv[2], "-") == 0 ? NULL : read_text(argv[2]);
    run.row = argv[3];
    run.in_flight = strtoul(argv[4], NULL, 10);
    run.seconds = strtod(argv[5], NULL);
    run.token = getenv("TOKEN");
    return run;
}

static inline uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Processor time of this process so far, user and system. */
static inline double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static inline double rss_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;
    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2) fail("/proc/self/statm", "cannot be read");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* Used by one thread at a time. */
struct meter {
    uint64_t span;
    uint64_t begin; /* when the warm-up is over */
    uint64_t from;  /* when measuring began; 0: it has not */
    uint64_t to;    /* when it ended */
    double cpu;     /* at `from`, then of the whole */
    uint64_t count;
    uint32_t *latencies; /* in nanoseconds */
    size_t recorded, capacity;
    double rss_from, rss_most; /* in KiB; 0: not measured */
};

static inline struct meter meter_start(const struct run *run)
{
    struct meter meter;
    memset(&meter, 0, sizeof meter);
    meter.span = (uint64_t)(run->seconds * 1e9);
    meter.begin = now_ns() + meter.span / 5;
    return meter;
}

/* Counts `count` calls or messages that ended by `now`. 1: it goes on, 0: it is over. */
static inline int meter_count(struct meter *meter, uint64_t now, uint64_t count)
{
    if (meter->to != 0) return 0;
    if (meter->from == 0) {
        if (now >= meter->begin) {
            meter->from = now;
            meter->cpu = cpu_us();
        }
        return 1;
    }
    meter->count += count;
    if (now < meter->from + meter->span) return 1;
    meter->to = now;
    meter->cpu = cpu_us() - meter->cpu;
    return 0;
}

/* Counts a call that took from `from` to `now`. */
static inline int meter_call(struct meter *meter, uint64_t from, uint64_t now)
{
    if (meter->from != 0 && meter->to == 0) {
        if (meter->recorded == meter->capacity) {
            meter->capacity = meter->capacity == 0 ? 65536 : meter->capacity * 2;
            meter->latencies = (uint32_t *)realloc(meter->latencies, meter->capacity * sizeof *meter->latencies);
            if (meter->latencies == NULL) fail("latencies", "out of memory");
        }
        meter->latencies[meter->recorded++] = (uint32_t)(now - from);
    }
    return meter_count(meter, now, 1);
}

/* Looks at the process's memory, while it is measured. */
static inline void meter_rss(struct meter *meter)
{
    if (meter->from == 0) return;
    double now = rss_kib();
    if (meter->rss_from == 0) meter->rss_from = now;
    if (now > meter->rss_most) meter->rss_most = now;
}

static inline int compare_latencies(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static inline void meter_print(struct meter *meter, const char *version)
{
    printf("{\"version\":\"%s\",\"count\":%llu,\"seconds\":%.6f,\"cpu_us\":%.3f", version, (unsigned long long)meter->count,
           (double)(meter->to - meter->from) / 1e9, meter->cpu / (double)meter->count);
    if (meter->recorded > 0) {
        qsort(meter->latencies, meter->recorded, sizeof *meter->latencies, compare_latencies);
        printf(",\"p50_us\":%.1f,\"p99_us\":%.1f", meter->latencies[meter->recorded / 2] / 1e3, meter->latencies[meter->recorded * 99 / 100] / 1e3);
    }
    if (meter->rss_from > 0) printf(",\"rss_from_kib\":%.0f,\"rss_most_kib\":%.0f", meter->rss_from, meter->rss_most);
    puts("}");
}

static inline void rss_print(double rss_kib_each, const char *version) { printf("{\"version\":\"%s\",\"rss_kib\":%.2f}\n", version, rss_kib_each); }

#endif
