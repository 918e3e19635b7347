/* A bug in the library is a log record and an error: nothing of it is printed. Against a library that panics when told to. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>

zeebe_error *zeebe_test_panic(int32_t place);

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char text[65536];
    int records;
} said = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, "", 0};

static void on_log(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    if (zeebe_log_record_level(record) != ZEEBE_LOG_LEVEL_ERROR) return;
    pthread_mutex_lock(&said.mutex);
    strncat(said.text, zeebe_log_record_message(record), sizeof said.text - strlen(said.text) - 2);
    strcat(said.text, "\n");
    said.records++;
    pthread_cond_broadcast(&said.changed);
    pthread_mutex_unlock(&said.mutex);
}

/* The next record, which must come, and names its place in the source. */
static void wait_for(const char *text)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 60;
    pthread_mutex_lock(&said.mutex);
    while (!said.records && pthread_cond_timedwait(&said.changed, &said.mutex, &end) == 0) continue;
    if (said.records != 1 || !strstr(said.text, text) || !strstr(said.text, "src/capi/library.rs:"))
        fprintf(stderr, "%d records: %s\n", said.records, said.text);
    CHECK(said.records == 1 && strstr(said.text, text) && strstr(said.text, "src/capi/library.rs:") && !strstr(said.text, "secret"));
    said.records = 0;
    *said.text = 0;
    pthread_mutex_unlock(&said.mutex);
}

static void all_of_them(void)
{
    static const char *TEXTS[] = {"on purpose: 0", "on purpose: 1", "on purpose: 2", "on purpose: 3", NULL, "on purpose: 5", "src/capi/library.rs"};
    for (int32_t place = 0; place < 7; place++) {
        zeebe_error *error = zeebe_test_panic(place);
        if (error) {
            CHECK(zeebe_error_kind(error) == ZEEBE_ERROR_KIND_INTERNAL && strstr(zeebe_error_message(error), "src/capi/library.rs:"));
            CHECK(!strstr(zeebe_error_message(error), "secret"));
        }
        CHECK(error || (place != 0 && place != 6)); /* elsewhere: the call has nothing of it */
        zeebe_error_free(error);
        if (TEXTS[place]) wait_for(TEXTS[place]);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    char printed[4096];
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), before = dup(2);
    CHECK(file >= 0 && before >= 0 && dup2(file, 2) == 2);
    options.callback_threads = argc > 1;
    OK(zeebe_runtime_configure(&options));
    zeebe_error_free(zeebe_test_panic(0)); /* nobody listens yet */
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_ERROR, on_log, NULL, NULL));
    all_of_them();
    /* What number 4 left is dropped at the end; the log ends last. */
    OK(zeebe_runtime_shutdown(-1));
    CHECK(dup2(before, 2) == 2);
    ssize_t length = pread(file, printed, sizeof printed - 1, 0);
    CHECK(length >= 0);
    printed[length] = 0;
    if (length) fprintf(stderr, "printed: %s\n", printed);
    CHECK(length == 0);
    CHECK(strstr(said.text, "on purpose: 4"));
    return 0;
}
