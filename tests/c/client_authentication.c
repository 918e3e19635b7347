/* How a client proves who it is to the token endpoint without a secret: signed assertions and certificates. */
#define _GNU_SOURCE
#include "gateway.h"

typedef struct {
    int32_t method;
    const char *client_id;
    const char *private_key;
    const char *certificate_chain;
    const char *key_id;
    const char *url;
    const char *audience;
    int32_t sends_root;
} client;

static char *ca;

static zeebe_error *try_plugin(client c, zeebe_metadata_plugin **plugin)
{
    zeebe_oauth2_client_credentials_metadata_plugin_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    token.client_authentication = c.method;
    token.token_ca = ca;
    token.private_key = c.private_key;
    token.certificate_chain = c.certificate_chain;
    token.key_id = c.key_id;
    token.assertion_audience = c.audience;
    token.send_root_certificate = c.sends_root;
    options.client_id = c.client_id ? c.client_id : "signer";
    options.authorization_server = c.url ? c.url : env("TOKEN_URL");
    options.token_options = &token;
    if (c.method < ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT) options.client_secret = "demo-secret";
    return zeebe_oauth2_client_credentials_metadata_plugin_new(&options, plugin);
}

typedef struct {
    tally t;
    char message[1024];
} outcome;

static void on_fetched(void *user_data, const zeebe_error *error)
{
    outcome *o = user_data;
    if (error) snprintf(o->message, sizeof o->message, "%s", zeebe_error_message(error));
    tally_end(&o->t, error);
}

/* One fetch: 0 if a token came, else the kind of the error. */
static int32_t fetch(client c, const char *message)
{
    zeebe_metadata_plugin *plugin = NULL;
    outcome o = {TALLY_INIT, ""};
    OK(try_plugin(c, &plugin));
    OK(zeebe_metadata_plugin_retrieve_token(plugin, on_fetched, &o));
    tally_wait(&o.t, &o.t.calls, 1);
    zeebe_metadata_plugin_free(plugin);
    if (!strstr(o.message, message) || strstr(o.message, "PRIVATE KEY")) {
        fprintf(stderr, "not said: %s, but: %s\n", message, o.message);
        exit(1);
    }
    return o.t.failures ? o.t.kind : 0;
}

static void assertions_are_signed_by_rsa_and_p256_keys(void)
{
    char *rsa = file("RSA_KEY"), *ec = file("EC_KEY"), *sec1 = file("SEC1_KEY");
    int32_t method = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
    CHECK(fetch((client){.method = method, .private_key = rsa}, "") == 0);
    CHECK(fetch((client){.method = method, .private_key = ec, .key_id = "second"}, "") == 0);
    CHECK(fetch((client){.method = method, .private_key = sec1}, "") == 0);
    /* Each assertion is another one: the endpoint takes none twice. */
    zeebe_metadata_plugin *plugin = NULL;
    OK(try_plugin((client){.method = method, .private_key = ec}, &plugin));
    for (int i = 1; i <= 2; i++) {
        tally t = TALLY_INIT;
        OK(zeebe_metadata_plugin_retrieve_token(plugin, on_done, &t));
        tally_wait(&t, &t.calls, 1);
        CHECK(t.failures == 0);
    }
    zeebe_metadata_plugin_free(plugin);
    free(rsa);
    free(ec);
    free(sec1);
}

static void another_key_or_client_is_refused(void)
{
    char *other = file("OTHER_KEY"), *ec = file("EC_KEY");
    int32_t method = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
    CHECK(fetch((client){.method = method, .private_key = other}, "no key of client signer signed it") == ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    CHECK(fetch((client){.method = method, .private_key = ec, .client_id = "demo-client"}, "no key of client demo-client") ==
          ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    free(other);
    free(ec);
}

/* The endpoint takes its own URL alone, and a URL's user and password are no part of it. */
static void the_audience_is_the_url_or_what_the_program_says(void)
{
    char *ec = file("EC_KEY"), with_password[256];
    int32_t method = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
    const char *url = env("TOKEN_URL");
    CHECK(fetch((client){.method = method, .private_key = ec, .audience = url}, "") == 0);
    CHECK(fetch((client){.method = method, .private_key = ec, .audience = "https://other.example/token"},
                "another aud than \"https://other.example/token\"") == ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    snprintf(with_password, sizeof with_password, "https://user:pass@%s", url + strlen("https://"));
    CHECK(fetch((client){.method = method, .private_key = ec, .url = with_password}, "") == 0);
    free(ec);
}

static void certificates_authenticate_a_client(void)
{
    char *key = file("CLIENT_KEY"), *chain = file("CLIENT_CERTIFICATE");
    int32_t method = ZEEBE_CLIENT_AUTHENTICATION_TLS;
    CHECK(fetch((client){.method = method, .private_key = key, .certificate_chain = chain, .client_id = "demo-client", .url = env("TOKEN_MTLS_URL")},
                "") == 0);
    CHECK(fetch((client){.method = method, .private_key = key, .certificate_chain = chain, .client_id = "nobody", .url = env("TOKEN_MTLS_URL")},
                "no client has this id") == ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    /* An endpoint that does not look at the certificate wants a secret. */
    CHECK(fetch((client){.method = method, .private_key = key, .certificate_chain = chain, .client_id = "demo-client"}, "secret is missing") ==
          ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    /* Over http no certificate can be shown. */
    CHECK(fetch((client){.method = method, .private_key = key, .certificate_chain = chain, .url = "http://localhost:1/oauth/token"},
                "no client certificate can be shown") == ZEEBE_ERROR_KIND_SETTINGS);
    free(key);
    free(chain);
}

static void shows_certificates(const char *key, const char *chain, int32_t sends_root, const char *expected)
{
    CHECK(fetch((client){.method = ZEEBE_CLIENT_AUTHENTICATION_TLS,
                         .private_key = key,
                         .certificate_chain = chain,
                         .client_id = "demo-client",
                         .url = env("TOKEN_MTLS_URL"),
                         .sends_root = sends_root},
                "") == 0);
    gateway g;
    snprintf(g.ports, sizeof g.ports, "{\"control\":%s}", env("CONTROL"));
    char *json = gateway_ask(&g, "GET /token-request", NULL, 0);
    if (!strstr(json, expected)) fprintf(stderr, "not %s: %s\n", expected, json);
    CHECK(strstr(json, expected));
    free(json);
}

/* Servers have it, and some count; Spring, say, wants it all the same. */
static void a_root_behind_the_certificate_is_sent_only_if_told(void)
{
    char *key = file("CLIENT_KEY"), *chain = file("CLIENT_CERTIFICATE"), whole[65536];
    snprintf(whole, sizeof whole, "%s%s", chain, ca);
    shows_certificates(key, whole, 0, "\"certificates\":1");
    shows_certificates(key, whole, 1, "\"certificates\":2");
    shows_certificates(key, chain, 0, "\"certificates\":1");
    shows_certificates(key, chain, 1, "\"certificates\":1");
    free(key);
    free(chain);
}

/* The same where variables name the certificate. Before there are threads. */
static void a_root_in_the_file_of_a_variable_is_not_sent(void)
{
    char *chain = file("CLIENT_CERTIFICATE"), path[] = "/tmp/zeebe-chain-XXXXXX";
    zeebe_channel *channel = NULL;
    gateway g;
    tally t = TALLY_INIT;
    FILE *out = fdopen(mkstemp(path), "w");
    CHECK(out && fputs(chain, out) >= 0 && fputs(ca, out) >= 0 && fclose(out) == 0);
    const char *const variables[][2] = {
        {"ZEEBE_ADDRESS", env("TLS_OAUTH")},
        {"CAMUNDA_CLIENT_ID", "demo-client"},
        {"CAMUNDA_OAUTH_URL", env("TOKEN_MTLS_URL")},
        {"ZEEBE_CLIENT_AUTHENTICATION", "tls"},
        {"CAMUNDA_CA_CERTIFICATE_PATH", env("CA")},
        {"CAMUNDA_CUSTOM_CERT_CHAIN_PATH", path},
        {"CAMUNDA_CUSTOM_PRIVATE_KEY_PATH", env("CLIENT_KEY")},
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) CHECK(setenv(variables[i][0], variables[i][1], 1) == 0);
    OK(zeebe_create_channel_from_environment(NULL, &channel));
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) CHECK(unsetenv(variables[i][0]) == 0);
    OK(zeebe_channel_retrieve_token(channel, on_done, &t));
    tally_wait(&t, &t.calls, 1);
    CHECK(t.failures == 0);
    snprintf(g.ports, sizeof g.ports, "{\"control\":%s}", env("CONTROL"));
    char *json = gateway_ask(&g, "GET /token-request", NULL, 0);
    CHECK(strstr(json, "\"certificates\":1"));
    free(json);
    free(chain);
    zeebe_channel_free(channel);
    CHECK(unlink(path) == 0);
}

static void a_certificate_goes_with_every_method(void)
{
    char *key = file("CLIENT_KEY"), *chain = file("CLIENT_CERTIFICATE"), *ec = file("EC_KEY");
    const char *url = env("TOKEN_MTLS_URL");
    int32_t basic = ZEEBE_CLIENT_AUTHENTICATION_BASIC, jwt = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
    CHECK(fetch((client){.method = basic, .private_key = key, .certificate_chain = chain, .client_id = "demo-client", .url = url}, "") == 0);
    /* The certificate's key signs, too, which is no key that the gateway knows of this client. */
    CHECK(fetch((client){.method = jwt, .private_key = key, .certificate_chain = chain, .client_id = "demo-client", .url = url},
                "no key of client demo-client") == ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS);
    /* Without a certificate the handshake fails, and says why; another one is not known. */
    CHECK(fetch((client){.method = basic, .client_id = "demo-client", .url = url},
                "our certificate is meant, token_options.certificate_chain: the token endpoint asks for one") == ZEEBE_ERROR_KIND_RPC);
    CHECK(fetch((client){.method = basic, .client_id = "demo-client", .url = url}, "CertificateRequired") == ZEEBE_ERROR_KIND_RPC);
    CHECK(fetch((client){.method = jwt, .private_key = ec, .url = url}, "CertificateRequired") == ZEEBE_ERROR_KIND_RPC);
    free(key);
    free(chain);
    free(ec);
}

static void what_is_missing_or_of_no_use_is_refused(void)
{
    char *key = file("CLIENT_KEY"), *chain = file("CLIENT_CERTIFICATE"), *ec = file("EC_KEY"), *p384 = file("P384_KEY");
    int32_t basic = ZEEBE_CLIENT_AUTHENTICATION_BASIC, jwt = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT, tls = ZEEBE_CLIENT_AUTHENTICATION_TLS;
    int32_t invalid = ZEEBE_ERROR_KIND_INVALID_ARGUMENT;
    zeebe_metadata_plugin *plugin = NULL;
    FAILS(try_plugin((client){.method = jwt}, &plugin), invalid, "private_key is missing");
    FAILS(try_plugin((client){.method = tls}, &plugin), invalid, "token_options.certificate_chain are missing");
    FAILS(try_plugin((client){.method = tls, .private_key = key}, &plugin), invalid, "certificate_chain is missing");
    FAILS(try_plugin((client){.method = tls, .certificate_chain = chain}, &plugin), invalid, "private_key is missing");
    FAILS(try_plugin((client){.method = basic, .private_key = key}, &plugin), invalid, "certificate_chain is missing");
    FAILS(try_plugin((client){.method = basic, .key_id = "k"}, &plugin), invalid, "key_id");
    FAILS(try_plugin((client){.method = basic, .audience = "a"}, &plugin), invalid, "token_options.assertion_audience");
    FAILS(try_plugin((client){.method = basic, .sends_root = 2}, &plugin), invalid, "token_options.send_root_certificate");
    FAILS(try_plugin((client){.method = 6}, &plugin), invalid, "client_authentication 6");
    FAILS(try_plugin((client){.method = jwt, .private_key = p384}, &plugin), invalid, "P-256");
    FAILS(try_plugin((client){.method = jwt, .private_key = "no key"}, &plugin), ZEEBE_ERROR_KIND_TLS, "private_key");
    FAILS(try_plugin((client){.method = tls, .private_key = key, .certificate_chain = "no PEM"}, &plugin), ZEEBE_ERROR_KIND_TLS, "certificate_chain");
    FAILS(try_plugin((client){.method = tls, .private_key = ec, .certificate_chain = chain}, &plugin), ZEEBE_ERROR_KIND_TLS,
          "private_key does not belong to the first certificate of token_options.certificate_chain");
    CHECK(!plugin);
    free(key);
    free(chain);
    free(ec);
    free(p384);
}

/* The whole way: an OAuth channel without any secret, whose description shows none. */
static void a_channel_needs_no_secret(void)
{
    zeebe_oauth2_client_credentials_channel_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT;
    zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
    zeebe_channel_credentials *credentials = trusting(ca);
    zeebe_channel *channel = NULL;
    zeebe_response *response = NULL;
    char *ec = file("EC_KEY"), *json = NULL;
    options.grpc_address = env("TLS_OAUTH");
    options.client_id = "signer";
    options.authorization_server = env("TOKEN_URL");
    options.audience = "zeebe-api";
    options.channel_credentials = credentials;
    FAILS(zeebe_create_oauth2_client_credentials_channel(&options, &channel), ZEEBE_ERROR_KIND_SETTINGS, "CLIENT_SECRET");
    token.client_authentication = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
    token.token_ca = ca;
    token.private_key = ec;
    options.token_options = &token;
    OK(zeebe_create_oauth2_client_credentials_channel(&options, &channel));
    OK(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, NULL, &response));
    OK(zeebe_channel_describe(channel, &json));
    CHECK(strstr(json, "\"client_secret\":{\"value\":null,\"origin\":\"default\"}"));
    CHECK(strstr(json, "\"client_authentication\":\"private_key_jwt\"") && !strstr(json, "PRIVATE KEY"));
    zeebe_string_free(json);
    zeebe_response_free(response);
    zeebe_channel_free(channel);
    zeebe_channel_credentials_free(credentials);
    free(ec);
}

int main(void)
{
    ca = file("CA");
    a_root_in_the_file_of_a_variable_is_not_sent();
    assertions_are_signed_by_rsa_and_p256_keys();
    another_key_or_client_is_refused();
    the_audience_is_the_url_or_what_the_program_says();
    certificates_authenticate_a_client();
    a_root_behind_the_certificate_is_sent_only_if_told();
    a_certificate_goes_with_every_method();
    what_is_missing_or_of_no_use_is_refused();
    a_channel_needs_no_secret();
    OK(zeebe_runtime_shutdown(-1));
    free(ca);
    return 0;
}
