/* Makes a channel by the environment and prints its description; with "topology" it then asks the gateway. What fails is printed
   as "error: " and its message. Log records go to standard error. */
#include "check.h"

static void on_record(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    fprintf(stderr, "log %d: %s\n", zeebe_log_record_level(record), zeebe_log_record_message(record));
}

static int failed(zeebe_error *error)
{
    if (error) printf("error: %s\n", zeebe_error_message(error));
    zeebe_error_free(error);
    return error != NULL;
}

int main(int argc, char **argv)
{
    zeebe_channel *channel = NULL;
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    char *text = NULL;
    options.timeout_ms = 20000;
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_WARN, on_record, NULL, NULL));
    if (!failed(zeebe_create_channel_from_environment(NULL, &channel))) {
        OK(zeebe_channel_describe(channel, &text));
        puts(text);
        zeebe_string_free(text);
        if (argc > 1 && !strcmp(argv[1], "topology") && !failed(zeebe_channel_json_call_sync(channel, "Topology", "{}", &options, &text))) {
            puts("topology");
            zeebe_string_free(text);
        }
    }
    zeebe_channel_free(channel);
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_OFF, NULL, NULL, NULL));
    OK(zeebe_runtime_shutdown(10000)); /* delivers what was logged */
    return 0;
}
