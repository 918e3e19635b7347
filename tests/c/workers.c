/* A worker of examples/ while its gateway is killed and its connections are reset: what it reports complete was complete, what was
   complete it reports, be it as unknown, and in the end no job is left. usage: workers PROGRAM [ARGUMENT…] */
#define _GNU_SOURCE
#include "gateway.h"

/* A killed gateway's jobs are gone, so each counts its keys from a number of its own: ROUND * KEYS. */
enum { KILLS = 6, LAST = KILLS + 1, JOBS = 300, KEYS = 10000 };

enum outcome { COMPLETED, NOT_COMPLETED, UNKNOWN, NONE };
static const char *const WORDS[] = {"completed ", "not completed ", "unknown "};

/* What is known of a job, by its number. */
struct job {
    char created;
    char left;      /* not complete when its gateway was looked at for the last time */
    int reports[3]; /* of the worker, by their outcome */
};

static struct job jobs[(LAST + 1) * KEYS];
static pid_t worker;
static FILE *reports;
static gateway g;
static zeebe_channel *channel;

static struct job *job_of(int64_t key)
{
    int64_t number = key & ((INT64_C(1) << 51) - 1); /* without its partition */
    CHECK(number < (LAST + 1) * KEYS);
    return &jobs[number];
}

static void start_worker(char **arguments)
{
    int out[2];
    posix_spawn_file_actions_t actions;
    CHECK(pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    setenv("ZEEBE_ADDRESS", gateway_address(&g, "plaintext"), 1);
    setenv("ZEEBE_INSECURE_CONNECTION", "true", 1);
    CHECK(posix_spawnp(&worker, arguments[0], &actions, NULL, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    reports = fdopen(out[0], "r");
    setvbuf(reports, NULL, _IONBF, 0); /* so that poll() sees what waits */
    CHECK(reports);
}

/* Waits for the worker's next line, and says in which round its job became what; NONE: the worker has ended. */
static enum outcome next_report(int *round)
{
    char line[4096];
    struct pollfd told = {.fd = fileno(reports), .events = POLLIN};
    if (poll(&told, 1, patience_s() * 1000) != 1) waited_in_vain("a worker's next report", __FILE__, __LINE__);
    if (!fgets(line, sizeof line, reports)) return NONE;
    const char *key = strpbrk(line, "0123456789");
    CHECK(key);
    struct job *job = job_of(strtoll(key, NULL, 10));
    CHECK(job->created);
    enum outcome outcome = line[0] == 'c' ? COMPLETED : line[0] == 'n' ? NOT_COMPLETED : UNKNOWN;
    CHECK(strncmp(line, WORDS[outcome], strlen(WORDS[outcome])) == 0);
    job->reports[outcome]++;
    *round = (int)(job - jobs) / KEYS;
    return outcome;
}

static void read_completions(int in_round, int count)
{
    while (count > 0) {
        int round;
        enum outcome outcome = next_report(&round);
        CHECK(outcome != NONE);
        count -= outcome == COMPLETED && round == in_round;
    }
}

/* Calls `found` with each job that the gateway has; returns how many. */
static int gateway_jobs(void (*found)(struct job *))
{
    char *state = gateway_ask(&g, "GET /state", NULL, 0), *at = strstr(state, "\"jobs\":["), *end;
    int count = 0;
    CHECK(at && (end = strchr(at, ']')));
    *end = 0;
    for (; (at = strstr(at, "\"key\":")); count++) found(job_of(strtoll(at += 6, NULL, 10)));
    free(state);
    return count;
}

static void is_created(struct job *job) { job->created = 1; }
static void is_left(struct job *job) { job->left = 1; }
static void is_there(struct job *job) { CHECK(job->created); }

/* Jobs for the worker, which does not run meanwhile. */
static void create_jobs(void)
{
    for (int i = 0; i < JOBS; i++) {
        char *answer = NULL;
        OK(zeebe_channel_json_call_sync(channel, "CreateProcessInstance", "{\"bpmnProcessId\":\"large\",\"version\":-1}", NULL, &answer));
        zeebe_string_free(answer);
    }
    CHECK(gateway_jobs(is_created) >= JOBS);
}

static void start_gateway(int round, const char *port)
{
    char first_key[16];
    snprintf(first_key, sizeof first_key, "%d", round * KEYS);
    gateway_start_with(&g, port, "--first-key", first_key);
    gateway_tell(&g, "POST /latency?ms=20"); /* so that calls are under way when something happens */
}

/* Kills the gateway while the worker works; if `looked_at`, at a moment when it is known which jobs are complete. */
static void kill_gateway(int round, int looked_at)
{
    read_completions(round, JOBS / 8);
    if (!looked_at) {
        gateway_kill(&g);
        return;
    }
    gateway_tell(&g, "POST /freeze");
    int left = gateway_jobs(is_left), complete = 0, of;
    gateway_kill(&g);
    for (int i = round * KEYS; i < (round + 1) * KEYS; i++) {
        if (!jobs[i].created || jobs[i].left) continue;
        complete++;
        while (!jobs[i].reports[COMPLETED] && !jobs[i].reports[UNKNOWN]) CHECK(next_report(&of) != NONE);
    }
    CHECK(complete >= JOBS / 8 && left + complete == JOBS);
}

/* The gateway stays, and so do its jobs. */
static void reset_connections(void)
{
    for (int i = 0; i < 4; i++) {
        read_completions(LAST, JOBS / 8);
        gateway_tell(&g, "POST /reset-connections");
    }
    UNTIL(gateway_jobs(is_there) <= 0); /* some come again after their time-out */
}

/* Ends it in order, and reads all that it has to say; returns how many of its jobs have an unknown end. */
static int end_worker(void)
{
    int round, unknown = 0;
    enum outcome outcome;
    kill(worker, SIGTERM);
    while ((outcome = next_report(&round)) != NONE) unknown += outcome == UNKNOWN;
    CHECK(ENDED(worker) == 0);
    fclose(reports);
    return unknown;
}

static void check_reports(void)
{
    int lines[3] = {0}, complete = 0, left = 0;
    for (int round = 1; round <= LAST; round++) {
        int looked_at = round % 2 == 0 || round == LAST;
        for (int i = round * KEYS; i < (round + 1) * KEYS; i++) {
            const struct job *job = &jobs[i];
            for (int outcome = 0; outcome < 3; outcome++) lines[outcome] += job->reports[outcome];
            CHECK(job->reports[COMPLETED] + job->left <= 1);
            left += job->left;
            if (!job->created || job->left || !looked_at) continue;
            CHECK(job->reports[COMPLETED] || job->reports[UNKNOWN]);
            complete += !job->reports[COMPLETED];
        }
    }
    printf("%d completed, %d not, %d unknown, of which at least %d were complete\n", lines[COMPLETED], lines[NOT_COMPLETED], lines[UNKNOWN],
           complete);
    CHECK(lines[UNKNOWN] > 0 && left > 0);
}

int main(int count, char **arguments)
{
    char port[16], type[] = "large";
    CHECK(count > 1);
    alarm(300);
    char **command = calloc((size_t)count + 1, sizeof *command);
    CHECK(command);
    memcpy(command, arguments + 1, sizeof *command * ((size_t)count - 1));
    command[count - 1] = type;

    start_gateway(1, "0");
    snprintf(port, sizeof port, "%s", gateway_get(&g, "plaintext"));
    channel =
        channel_new((channel_arguments){.address = gateway_address(&g, "plaintext"),
                                        .options = {NUMBER("grpc.initial_reconnect_backoff_ms", 100), NUMBER("grpc.max_reconnect_backoff_ms", 100)}});
    start_worker(command);
    kill(worker, SIGSTOP);
    for (int round = 1;; round++) {
        deploy_process(channel);
        create_jobs();
        kill(worker, SIGCONT);
        if (round == LAST) break;
        kill_gateway(round, round % 2 == 0);
        kill(worker, SIGSTOP);
        start_gateway(round + 1, port);
    }
    reset_connections();
    end_worker();

    create_jobs();
    start_worker(command);
    read_completions(LAST, JOBS / 16);
    CHECK(end_worker() == 0); /* no connection was lost */
    gateway_jobs(is_left);
    check_reports();
    zeebe_channel_free(channel);
    free(command);
    gateway_stop(&g);
    return 0;
}
