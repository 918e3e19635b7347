/* So many calls, with callbacks, and nothing else: tests/instructions.rs counts what they cost.
   ADDRESS unary|stream COUNT IN_FLIGHT; TOKEN in the environment is a bearer token that each call carries. */
#include "check.h"

static const zeebe_call_options OPTIONS = {.size = sizeof(zeebe_call_options), .timeout_ms = 600000};

static zeebe_channel *channel;
static sem_t ended;
static long to_start, in_flight; /* changed on the I/O thread only, once calls run */

static void create_channel(const char *address)
{
    const char *token = getenv("TOKEN");
    zeebe_channel_credentials *local = NULL, *with_token = NULL;
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    OK(zeebe_local_channel_credentials_new(&local));
    options.grpc_address = address;
    options.channel_credentials = local;
    if (token) {
        zeebe_metadata_plugin *plugin = NULL;
        OK(zeebe_bearer_metadata_plugin_new(token, &plugin));
        OK(zeebe_composite_channel_credentials_new(local, plugin, &with_token));
        zeebe_metadata_plugin_free(plugin);
        options.channel_credentials = with_token;
    }
    OK(zeebe_create_secure_channel(&options, &channel));
    zeebe_channel_credentials_free(with_token);
    zeebe_channel_credentials_free(local);
    OK(zeebe_channel_wait_ready(channel, patience_s() * 1000));
}

static void on_response(void *user_data, const zeebe_error *error, const zeebe_response *response);

static void start_unary(void)
{
    OK(zeebe_channel_unary_call(channel, "/gateway_protocol.Gateway/Topology", NULL, 0, &OPTIONS, on_response, NULL, NULL));
}

static void on_response(void *user_data, const zeebe_error *error, const zeebe_response *response)
{
    (void)user_data, (void)response;
    CHECK(error == NULL);
    if (to_start > 0) {
        to_start--;
        start_unary();
    } else if (--in_flight == 0) {
        sem_post(&ended);
    }
}

static void unary(void)
{
    to_start -= in_flight;
    for (long i = in_flight; i > 0; i--) start_unary();
    SEM_WAIT(&ended);
}

static void pass_over(void *user_data, const zeebe_buffer *message) { (void)user_data, (void)message; }

static void on_end(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers)
{
    (void)user_data, (void)trailers;
    CHECK(error == NULL);
    sem_post(&ended);
}

static void stream(void)
{
    zeebe_call_handler handler = ZEEBE_CALL_HANDLER_INIT;
    handler.on_message = pass_over;
    handler.on_close = on_end;
    for (; to_start > 0; to_start--) {
        zeebe_call *call = NULL;
        OK(zeebe_channel_start_call(channel, "/gateway_protocol.Gateway/StreamActivatedJobs", &OPTIONS, &handler, NULL, &call));
        OK(zeebe_call_send_message(call, NULL, 0));
        OK(zeebe_call_half_close(call));
        SEM_WAIT(&ended);
        zeebe_call_free(call);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 5);
    sem_init(&ended, 0, 0);
    to_start = atol(argv[3]);
    in_flight = atol(argv[4]);
    create_channel(argv[1]);
    if (strcmp(argv[2], "unary") == 0) unary();
    else stream();
    zeebe_channel_free(channel);
    OK(zeebe_runtime_shutdown(patience_s() * 1000));
    return 0;
}
