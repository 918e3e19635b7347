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

static zeebe_channel *create_channel(void)
{
    static zeebe_channel_credentials *credentials; /* shared by all channels */
    zeebe_channel *channel = NULL;
    if (run.ca == NULL) {
        zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
        options.grpc_address = run.address;
        check("channel", zeebe_create_insecure_channel(&options, &channel));
        return channel;
    }
    if (credentials == NULL) {
        zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
        ssl.root_certificates = run.ca;
        check("credentials", zeebe_ssl_channel_credentials_new(&ssl, &credentials));
    }
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    options.grpc_address = run.address;
    options.channel_credentials = credentials;
    check("channel", zeebe_create_secure_channel(&options, &channel));
    return channel;
}

#endif
