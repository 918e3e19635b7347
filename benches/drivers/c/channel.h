/* What the clients on libzeebe share: their run, and how they make a channel. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <zeebe.h>

#include "../meter.h"

static const zeebe_call_options DEADLINE = {.size = sizeof(zeebe_call_options), .timeout_ms = 30000};

static struct run run;
static struct meter meter;

static void check(const char *what, const zeebe_error *error)
{
    if (error != NULL) fail(what, zeebe_error_message(error));
}

static zeebe_channel_credentials *create_credentials(void)
{
    zeebe_channel_credentials *transport = NULL, *credentials = NULL;
    if (run.ca == NULL) {
        check("credentials", zeebe_local_channel_credentials_new(&transport));
    } else {
        zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
        ssl.root_certificates = run.ca;
        check("credentials", zeebe_ssl_channel_credentials_new(&ssl, &transport));
    }
    if (run.token == NULL) return transport;
    zeebe_metadata_plugin *plugin = NULL;
    check("token", zeebe_bearer_metadata_plugin_new(run.token, &plugin));
    check("credentials", zeebe_composite_channel_credentials_new(transport, plugin, &credentials));
    zeebe_metadata_plugin_free(plugin);
    zeebe_channel_credentials_free(transport);
    return credentials;
}

static zeebe_channel *create_channel(void)
{
    static zeebe_channel_credentials *credentials; /* shared by all channels */
    zeebe_channel *channel = NULL;
    if (credentials == NULL) credentials = create_credentials();
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    options.grpc_address = run.address;
    options.channel_credentials = credentials;
    check("channel", zeebe_create_secure_channel(&options, &channel));
    return channel;
}

#endif
