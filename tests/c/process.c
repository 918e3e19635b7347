/* The library in its process: default signals and a gateway that resets, fork, exit, shutdown, many channels. */
#define _DEFAULT_SOURCE
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static void resets_end_calls_and_not_the_program(zeebe_channel *channel, int times)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    options.timeout_ms = 20000;
    for (int i = 0; i < times; i++) {
        zeebe_response *response = NULL;
        zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response);
        CHECK(error && zeebe_error_grpc_status(error) == ZEEBE_STATUS_UNAVAILABLE);
        zeebe_error_free(error);
    }
    zeebe_channel_free(channel);
}

static void a_forked_child_frees_old_handles_and_makes_new_ones(void)
{
    zeebe_channel *channel = insecure(env("PLAINTEXT"));
    zeebe_response *response = NULL;
    OK(zeebe_channel_wait_ready(channel, 10000));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(30);
        FAILS(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response), ZEEBE_ERROR_KIND_SHUTDOWN, "fork");
        zeebe_channel_free(channel);
        zeebe_channel *own = insecure(env("PLAINTEXT"));
        OK(zeebe_channel_unary_call_sync(own, TOPOLOGY, NULL, 0, NULL, &response));
        zeebe_response_free(response);
        zeebe_channel_free(own);
        OK(zeebe_runtime_shutdown(-1));
        _exit(0);
    }
    CHECK(ENDED(child) == 0);
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    zeebe_response_free(response);
    zeebe_channel_free(channel);
}

static void shutdown_delivers_what_is_owed_and_begins_anew(void)
{
    tally t = TALLY_INIT;
    zeebe_channel *old = insecure(env("PLAINTEXT"));
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_buffer *request = NULL;
    size_t length = 0;
    OK(zeebe_request_from_json("ActivateJobs",
                               "{\"type\":\"none\",\"worker\":\"w\",\"timeout\":1000,\"maxJobsToActivate\":1,\"requestTimeout\":60000}", &request));
    const uint8_t *data = zeebe_buffer_data(request, &length);
    for (int i = 0; i < 10; i++)
        OK(zeebe_channel_unary_call(old, "/gateway_protocol.Gateway/ActivateJobs", data, length, &options, on_unary, &t, NULL));
    OK(zeebe_runtime_shutdown(-1));
    CHECK(t.calls == 10 && t.failures == 10 && t.status == ZEEBE_STATUS_CANCELLED);
    FAILS(zeebe_channel_unary_call(old, TOPOLOGY, NULL, 0, NULL, on_unary, &t, NULL), ZEEBE_ERROR_KIND_SHUTDOWN, "shutdown");
    zeebe_channel_free(old);
    zeebe_buffer_free(request);
    resets_end_calls_and_not_the_program(insecure(env("RESET")), 1);
}

/* One of each kind: an OAuth and a cloud channel differ from these in their settings only. */
static void make_and_free(int channels)
{
    zeebe_oauth2_client_credentials_channel_options oauth = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_camunda_cloud_channel_options cloud = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT;
    oauth.client_id = oauth.client_secret = oauth.audience = cloud.oauth2.client_id = cloud.oauth2.client_secret = cloud.cluster_id = "x";
    oauth.authorization_server = "https://login.example/token";
    for (int i = 0; i < channels; i++) {
        zeebe_channel *made[4] = {NULL, NULL, NULL, NULL};
        OK(zeebe_create_insecure_channel(NULL, &made[0]));
        OK(zeebe_create_secure_channel(NULL, &made[1]));
        OK(zeebe_create_oauth2_client_credentials_channel(&oauth, &made[2]));
        OK(zeebe_create_camunda_cloud_channel(&cloud, &made[3]));
        for (int kind = 0; kind < 4; kind++) zeebe_channel_free(made[kind]);
    }
}

static void ten_thousand_channels_of_each_kind_leave_nothing(void)
{
    make_and_free(1000);
    long before = resident_kib();
    int open = descriptors();
    make_and_free(10000);
    CHECK(resident_kib() - before < 4096);
    CHECK(descriptors() == open);
}

static void on_exit_nothing(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    (void)user_data, (void)error, (void)response;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "exit") == 0) { /* with calls in flight */
        zeebe_channel *channel = insecure(env("PLAINTEXT"));
        for (int i = 0; i < 100; i++) OK(zeebe_channel_unary_call(channel, TOPOLOGY, NULL, 0, NULL, on_exit_nothing, NULL, NULL));
        exit(0);
    }
    int resets = atoi(env("RESETS"));
    char *ca = file("CA");
    /* What a child keeps of its parent's is a leak to valgrind, and valgrind's own memory grows. */
    int under_valgrind = argc > 2;
    if (!under_valgrind) a_forked_child_frees_old_handles_and_makes_new_ones();
    resets_end_calls_and_not_the_program(insecure(env("RESET")), resets);
    resets_end_calls_and_not_the_program(secure(env("RESET_TLS"), ca), resets);
    free(ca);
    shutdown_delivers_what_is_owed_and_begins_anew();
    if (!under_valgrind) ten_thousand_channels_of_each_kind_leave_nothing();
    OK(zeebe_runtime_shutdown(-1));
    return 0;
}
