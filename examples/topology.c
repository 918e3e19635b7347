/* Prints the topology of the Zeebe gateway that the environment names: ZEEBE_ADDRESS, CAMUNDA_CLIENT_ID, ...
 *
 *     cc topology.c $(pkg-config --cflags --libs zeebe) -o topology && ./topology
 */
#include <stdio.h>
#include <stdlib.h>
#include <zeebe.h>

int main(void)
{
    zeebe_channel *channel = NULL;
    char *topology = NULL;

    zeebe_error *error = zeebe_create_channel_from_environment(NULL, &channel);
    if (error == NULL) {
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        options.timeout_ms = 10000;
        error = zeebe_channel_json_call_sync(channel, "Topology", "{}", &options, &topology);
    }

    if (error == NULL) puts(topology);
    else fprintf(stderr, "topology: %s\n", zeebe_error_message(error));

    int status = error == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
    zeebe_error_free(error);
    zeebe_string_free(topology);
    zeebe_channel_free(channel);
    return status;
}
