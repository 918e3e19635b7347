/* Tokens in a file: one request for many processes and for a restart; what is not ours is left alone; what is refused goes. */
#define _GNU_SOURCE
#include "token_endpoint.h"

#include <sys/file.h>
#include <sys/stat.h>

static char path[1024];
static char warning[1024]; /* the last about the file */
static pthread_mutex_t logs = PTHREAD_MUTEX_INITIALIZER;

static void on_log(void *user_data, const zeebe_log_record *record)
{
    const char *message = zeebe_log_record_message(record);
    (void)user_data;
    CHECK(!strstr(message, "demo-secret") && !strstr(message, "Bearer"));
    pthread_mutex_lock(&logs);
    if (strstr(message, "token cache")) snprintf(warning, sizeof warning, "%s", message);
    pthread_mutex_unlock(&logs);
}

static int warned(const char *text)
{
    pthread_mutex_lock(&logs);
    int found = strstr(warning, text) != NULL;
    pthread_mutex_unlock(&logs);
    return found;
}

static zeebe_channel *cached(const gateway *g, oauth_arguments arguments)
{
    arguments.scope = "cached";
    return oauth_channel(g, arguments);
}

/* By the file alone: roots with a remark of their own keep the plugins of one process apart. */
static zeebe_channel *here(const gateway *g, int64_t timeout_ms)
{
    static int count;
    char roots[16384];
    size_t length = 0;
    FILE *in = fopen(gateway_get(g, "ca"), "r");
    CHECK(in && (length = fread(roots, 1, sizeof roots - 16, in)) > 0);
    fclose(in);
    snprintf(roots + length, 16, "\n# %d\n", count++);
    zeebe_token_options token = {.cache_path = path, .timeout_ms = timeout_ms, .token_ca = roots};
    return cached(g, (oauth_arguments){.address = gateway_address(g, "plaintext_oauth"), .token = token});
}

static void content(char *text, size_t size)
{
    struct stat found;
    FILE *in = stat(path, &found) == 0 && S_ISREG(found.st_mode) ? fopen(path, "r") : NULL;
    size_t got = in ? fread(text, 1, size - 1, in) : 0;
    text[got] = 0;
    if (in) fclose(in);
}

static void put(const char *text, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
    close(fd);
}

/* Processes that begin at once, when their standard input ends. */
static void run_processes(const gateway *g, const char *program, int count)
{
    pid_t processes[16];
    int start[2];
    char url[128];
    CHECK(pipe2(start, O_CLOEXEC) == 0);
    snprintf(url, sizeof url, "http://%s/oauth/token", gateway_address(g, "token_http"));
    char *arguments[] = {(char *)program, (char *)gateway_address(g, "plaintext_oauth"), url, path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, start[0], 0);
    for (int i = 0; i < count; i++) CHECK(posix_spawn(&processes[i], program, &actions, NULL, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < count; i++) {
        CHECK(ENDED(processes[i]) == 0);
    }
}

static int one_process(char **arguments)
{
    char byte;
    zeebe_channel *channel = cached(NULL, (oauth_arguments){.address = arguments[1], .url = arguments[2], .token = {.cache_path = arguments[3]}});
    CHECK(read(0, &byte, 1) == 0);
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}

static void ten_processes_and_a_restart_make_one_request(const gateway *g, const char *program)
{
    struct stat found;
    long before = requests(g);
    run_processes(g, program, 10);
    CHECK(requests(g) == before + 1);
    CHECK(stat(path, &found) == 0 && (found.st_mode & 07777) == 0600);
    zeebe_channel *channel = here(g, 0);
    CHECK(topology(channel).status == 0 && requests(g) == before + 1);
    CHECK(stats_number(channel, "from_file") == 1);
    zeebe_channel_free(channel);
}

static void retrieve_token_writes_but_does_not_read(const gateway *g)
{
    char old[8192], new[8192];
    zeebe_channel *channel = here(g, 0);
    tally t = TALLY_INIT;
    long before = requests(g);
    content(old, sizeof old);
    OK(zeebe_channel_retrieve_token(channel, on_done, &t));
    tally_wait(&t, &t.calls, 1);
    content(new, sizeof new);
    CHECK(t.failures == 0 && requests(g) == before + 1 && strcmp(old, new) != 0);
    zeebe_channel_free(channel);
}

static void a_refused_token_goes_from_the_file(const gateway *g)
{
    char old[8192], new[8192];
    zeebe_channel *channel = here(g, 0);
    CHECK(topology(channel).status == 0 && stats_number(channel, "from_file") == 1);
    gateway_tell(g, "POST /revoke-tokens");
    long before = requests(g);
    CHECK(topology(channel).status == 0 && requests(g) == before + 1); /* one of the file is never too young */
    zeebe_channel_free(channel);
    /* Also if no other comes. */
    channel = here(g, 0);
    CHECK(topology(channel).status == 0 && requests(g) == before + 1);
    gateway_tell(g, "POST /revoke-tokens");
    gateway_tell(g, "POST /token-answer?status=503&count=100");
    content(old, sizeof old);
    CHECK(topology(channel).status != 0);
    UNTIL((content(new, sizeof new), !strstr(new, "access_token")));
    CHECK(strstr(old, "access_token"));
    gateway_tell(g, "POST /token-answer?status=200&count=0");
    zeebe_channel_free(channel);
}

/* A call succeeds by a request of its own, with a warning, and what is there stays. */
static void is_left_alone(const gateway *g, const char *why)
{
    char old[8192], new[8192];
    long before = requests(g);
    content(old, sizeof old);
    zeebe_channel *channel = here(g, 0);
    CHECK(topology(channel).status == 0 && requests(g) == before + 1);
    content(new, sizeof new);
    CHECK(strcmp(old, new) == 0);
    zeebe_channel_free(channel);
    UNTIL(warned(why)); /* records come on a thread of their own */
    unlink(path);
}

static void what_is_not_ours_is_left_alone(const gateway *g)
{
    char target[1100];
    put("broken", 0600);
    is_left_alone(g, "no token cache of this version");
    put("{\"version\":1,\"tokens\":{}}", 0644);
    is_left_alone(g, "others than its owner");
    snprintf(target, sizeof target, "%s.target", path);
    put("{\"version\":1,\"tokens\":{}}", 0600);
    CHECK(rename(path, target) == 0 && symlink(target, path) == 0);
    is_left_alone(g, "symbolic link");
    CHECK(mkfifo(path, 0600) == 0); /* which nobody writes to */
    is_left_alone(g, "no file");
    if (geteuid() == 0) { /* only then can a file be given away */
        put("{\"version\":1,\"tokens\":{}}", 0600);
        CHECK(chown(path, 12345, (gid_t)-1) == 0);
        is_left_alone(g, "another user");
    }
}

static void a_lock_that_is_held_delays_a_call_but_does_not_stop_it(const gateway *g)
{
    char lock[1100];
    snprintf(lock, sizeof lock, "%s.lock", path);
    int fd = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0);
    long before = requests(g);
    zeebe_channel *channel = here(g, 2000);
    CHECK(topology(channel).status == 0 && requests(g) == before + 1);
    CHECK(access(path, F_OK) != 0);
    zeebe_channel_free(channel);
    close(fd);
}

static void a_lock_that_is_no_file_holds_nobody(const gateway *g)
{
    char lock[1100];
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(lock);
    CHECK(mkfifo(lock, 0600) == 0);
    is_left_alone(g, "its lock file cannot be opened");
    unlink(lock);
}

int main(int count, char **arguments)
{
    gateway g;
    if (count == 4) return one_process(arguments);
    snprintf(path, sizeof path, "%s/tokens.json", env("SCRATCH"));
    unlink(path);
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_TRACE, on_log, NULL, NULL));
    gateway_start(&g, "0");
    ten_processes_and_a_restart_make_one_request(&g, arguments[0]);
    retrieve_token_writes_but_does_not_read(&g);
    a_refused_token_goes_from_the_file(&g);
    what_is_not_ours_is_left_alone(&g);
    a_lock_that_is_held_delays_a_call_but_does_not_stop_it(&g);
    a_lock_that_is_no_file_holds_nobody(&g);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
