/* No secret gets out: every path that touches one is driven with the log at TRACE, and all that the library said is searched. */
#define _GNU_SOURCE
#include "token_endpoint.h"

#define CLIENT_ID "unmistakable-client"
#define CLIENT_SECRET "c1ient+s3cret/\xc3\xa9%!"
#define ISSUED "issu3d-t0ken"
#define OF_THE_HOST "h0st-t0ken"
#define BEARER "b3arer-t0ken"
#define PASSWORD "bas1c p4ss:word"
#define PROXY_PASSWORD "pr0xy-p4ss"
#define URL_PASSWORD "ur1-p4ss"
#define ADDRESS_PASSWORD "addr3ss-p4ss"
#define OPTION_SECRET "0pti0n-s3cret"
#define METADATA_SECRET "m3tadata-s3cret"
#define JWT "eyJhbGciOi" /* how all begin, assertions too */
#define KEY_BODY "k3yBodyOfPrivateKey"

/* All that the library said. */
static struct {
    pthread_mutex_t mutex;
    char *text;
    size_t length, capacity;
    long records;
} said = {PTHREAD_MUTEX_INITIALIZER, NULL, 0, 0, 0};

static void hear(const void *bytes, size_t length)
{
    pthread_mutex_lock(&said.mutex);
    if (said.length + length + 2 > said.capacity) {
        said.capacity = 2 * (said.length + length + 2);
        said.text = realloc(said.text, said.capacity);
        CHECK(said.text);
    }
    if (length) memcpy(said.text + said.length, bytes, length);
    said.length += length;
    said.text[said.length++] = '\n';
    pthread_mutex_unlock(&said.mutex);
}

static void hear_text(const char *text)
{
    if (text) hear(text, strlen(text));
}

static void on_log(void *user_data, const zeebe_log_record *record)
{
    (void)user_data;
    hear_text(zeebe_log_record_target(record));
    hear_text(zeebe_log_record_message(record));
    said.records++;
}

static void hear_metadata(const zeebe_metadata *metadata)
{
    for (size_t i = 0; i < zeebe_metadata_count(metadata); i++) {
        size_t length = 0;
        const uint8_t *value = zeebe_metadata_value(metadata, i, &length);
        hear_text(zeebe_metadata_key(metadata, i));
        hear(value, length);
    }
}

/* With all that it can be asked for; returns its status. */
static int32_t hear_error(const zeebe_error *error)
{
    size_t length = 0;
    const uint8_t *details = zeebe_error_details(error, &length);
    hear(details, length);
    hear_text(zeebe_error_message(error));
    hear_metadata(zeebe_error_initial_metadata(error));
    hear_metadata(zeebe_error_trailers(error));
    return zeebe_error_grpc_status(error);
}

static int32_t hear_failure(zeebe_error *error)
{
    int32_t status = hear_error(error);
    zeebe_error_free(error);
    return status;
}

static void on_heard(void *user_data, const zeebe_error *error)
{
    hear_error(error);
    tally_end(user_data, error);
}

static int32_t call(const zeebe_channel *channel, const zeebe_metadata_plugin *plugin)
{
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_response *response = NULL;
    options.credentials = plugin;
    options.timeout_ms = 20000;
    zeebe_error *error = zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response);
    hear_metadata(zeebe_response_initial_metadata(response));
    hear_metadata(zeebe_response_trailers(response));
    zeebe_response_free(response);
    return hear_failure(error);
}

static void hear_facts(const zeebe_channel *channel)
{
    char *json = NULL;
    OK(zeebe_channel_describe(channel, &json));
    hear_text(json);
    zeebe_string_free(json);
    OK(zeebe_channel_stats(channel, &json));
    hear_text(json);
    zeebe_string_free(json);
}

static int32_t retrieve_token(const zeebe_channel *channel)
{
    tally t = TALLY_INIT;
    OK(zeebe_channel_retrieve_token(channel, on_heard, &t));
    tally_wait(&t, &t.calls, 1);
    return t.status;
}

static zeebe_channel *oauth(const gateway *g, oauth_arguments arguments)
{
    if (!arguments.address) arguments.address = gateway_address(g, "plaintext");
    arguments.client_id = CLIENT_ID;
    arguments.client_secret = CLIENT_SECRET;
    return oauth_channel(g, arguments);
}

#define TOKEN_ISSUED "{'access_token':'" ISSUED "'}"

static void answers_of_every_kind(const gateway *g)
{
    static const struct {
        const char *parameters, *body;
        int32_t status;
    } ANSWERS[] = {
        {"status=200", TOKEN_ISSUED, 0},
        {"status=200&count=0", "", ZEEBE_STATUS_UNAUTHENTICATED}, /* the endpoint's own: it does not know this client */
        {"status=401", TOKEN_ISSUED, ZEEBE_STATUS_UNAUTHENTICATED},
        {"status=503", TOKEN_ISSUED, ZEEBE_STATUS_UNAVAILABLE},
        {"status=404", TOKEN_ISSUED, ZEEBE_STATUS_UNAUTHENTICATED},
        {"status=307&header=location:http://127.0.0.1:1/?token=" ISSUED, "", ZEEBE_STATUS_UNAVAILABLE},
        {"status=200", ISSUED, ZEEBE_STATUS_UNAVAILABLE},
        {"status=200", "['" ISSUED "']", ZEEBE_STATUS_UNAVAILABLE},
        {"status=200", "{'access_token':'" ISSUED "','token_type':'mac'}", ZEEBE_STATUS_UNAVAILABLE},
        {"status=200", "{'access_token':'" ISSUED " and more'}", ZEEBE_STATUS_UNAVAILABLE},
        {"status=200", "{'access_token':'" ISSUED "','error':'invalid_scope'}", ZEEBE_STATUS_UNAUTHENTICATED},
        {"status=200", "{'access_token':'" ISSUED "','expires_in':'soon','scope':7}", 0},
    };
    for (int32_t authentication = ZEEBE_CLIENT_AUTHENTICATION_BASIC; authentication <= ZEEBE_CLIENT_AUTHENTICATION_BODY; authentication++) {
        for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
            zeebe_channel *channel = oauth(g, (oauth_arguments){.token = {.client_authentication = authentication}});
            answer(g, ANSWERS[i].parameters, ANSWERS[i].body);
            CHECK(call(channel, NULL) == ANSWERS[i].status);
            hear_facts(channel);
            zeebe_channel_free(channel);
        }
    }
}

static void a_gateway_that_refuses_and_a_renewal(const gateway *g)
{
    zeebe_channel *channel = oauth(g, (oauth_arguments){.address = gateway_address(g, "plaintext_oauth")});
    answer(g, "status=200", TOKEN_ISSUED);
    CHECK(call(channel, NULL) == 16);
    hear_facts(channel);
    zeebe_channel_free(channel);
    channel = oauth(g, (oauth_arguments){.leeway = 29});
    answer(g, "status=200&count=9", "{'access_token':'" ISSUED "','expires_in':30}");
    CHECK(call(channel, NULL) == 0 && call(channel, NULL) == 0); /* it is due at once */
    while (stats_number(channel, "renewals") < 1) CHECK(call(channel, NULL) == 0);
    CHECK(retrieve_token(channel) == 0);
    hear_facts(channel);
    zeebe_channel_free(channel);
    answer(g, "status=200&count=0", "");
}

static void base64(const char *text, const char *last_digits, char *out);

/* The client's secret as a server may write it. */
static const char *ECHOES[] = {
    CLIENT_SECRET,
    "c1ient%2Bs3cret%2F%C3%A9%25%21", /* a form's */
    "c1ient%2bs3cret%2f%c3%a9%25!",   /* a URL's */
    "%63%31%69%65%6e%74%2b%73%33%63%72%65%74%2f%c3%a9%25%21",
    "c1ient+s3cret\\\\/\\\\u00e9%!", /* JSON in JSON */
    "c1ient&#43;s3cret&#x2F;&#233;%!",
    "c1ient+s3cret/\xc3\x83\xc2\xa9%!",                     /* taken for Latin-1 */
    "YzFpZW50K3MzY3JldC/DqSUh",                             /* base64 */
    "YzFpZW50K3MzY3JldC_DqSUh",                             /* base64url */
    "dW5taXN0YWthYmxlLWNsaWVudDpjMWllbnQrczNjcmV0L8OpJSE=", /* Basic */
    "dW5taXN0YWthYmxlLWNsaWVudDpjMWllbnQrczNjcmV0L8OpJSE",
    "dW5taXN0YWthYmxlLWNsaWVudDpjMWllbnQlMkJzM2NyZXQlMkYlQzMlQTklMjUlMjE=", /* Basic of RFC 6749 */
    "63316965 6e742b73 33637265 742fc3a9 2521",
    "[99, 49, 105, 101, 110, 116, 43, 115, 51, 99, 114, 101, 116, 47, 195, 169, 37, 33]",
};

static void servers_that_repeat_the_secret(const gateway *g)
{
    static const struct {
        const char *parameters, *body;
        int32_t status;
    } PLACES[] = {
        {"status=401", "{'error':'invalid_client','error_description':'no such client: %s'}", 16},
        {"status=401", "{'error':'x%sy'}", 16},
        {"status=400", "{'error':'invalid_client','error_uri':'https://a/?s=%s'}", 16},
        {"status=503", "{'title':'No','detail':'secret=%s'}", 14},
        {"status=401", "{'error':{'message':'%s','status':'NO'}}", 16},
        {"status=200", "{'access_token':'" ISSUED "','token_type':'%s'}", 14},
        {"status=200", "{'access_token':'" ISSUED "','scope':'%s " ISSUED "'}", 0},
        {"status=404&content_type=text/html", "<html><title>%s</title>", 16},
        {"status=500&content_type=text/plain", "what is %s?", 14},
    };
    for (size_t place = 0; place < sizeof PLACES / sizeof *PLACES; place++) {
        for (size_t echo = 0; echo < sizeof ECHOES / sizeof *ECHOES; echo++) {
            char body[1024];
            snprintf(body, sizeof body, PLACES[place].body, ECHOES[echo]);
            zeebe_channel *channel = oauth(g, (oauth_arguments){.token = {.client_authentication = ZEEBE_CLIENT_AUTHENTICATION_BODY}});
            answer(g, PLACES[place].parameters, body);
            CHECK(call(channel, NULL) == PLACES[place].status);
            hear_facts(channel);
            zeebe_channel_free(channel);
        }
    }
    static const char *HEADERS[] = {
        "status=401&header=www-authenticate:Bearer%%20error=%%22%s%%22",
        "status=302&header=location:/login/%s",
    };
    for (size_t place = 0; place < 2; place++) {
        char parameters[256], base[64];
        base64(CLIENT_ID ":" CLIENT_SECRET, "+/", base);
        snprintf(parameters, sizeof parameters, HEADERS[place], base);
        zeebe_channel *channel = oauth(g, (oauth_arguments){0});
        answer(g, parameters, "");
        CHECK(call(channel, NULL) == (place ? 14 : 16));
        hear_facts(channel);
        zeebe_channel_free(channel);
    }
}

/* In its status, as it came and in base64. */
static void a_gateway_that_repeats_the_token(const gateway *g)
{
    char token[64];
    base64("Bearer " ISSUED "...", "+/", token);
    const char *messages[] = {"Bearer%20" ISSUED "%20is%20unknown", "xx" ISSUED "yy", token, "issu3d%252Dt0ken"};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        char request[256];
        zeebe_channel *channel = oauth(g, (oauth_arguments){0});
        answer(g, "status=200", TOKEN_ISSUED);
        snprintf(request, sizeof request, "POST /fail?status=7&message=%s", messages[i]);
        free(gateway_ask(g, request, NULL, 0));
        CHECK(call(channel, NULL) == 7);
        hear_facts(channel);
        zeebe_channel_free(channel);
    }
    zeebe_metadata_plugin *plugin;
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext")});
    OK(zeebe_basic_metadata_plugin_new("user", PASSWORD, &plugin));
    free(gateway_ask(g, "POST /fail?status=3&message=user%20has%20not%20bas1c%20p4ss:word", NULL, 0));
    CHECK(call(channel, plugin) == 3);
    zeebe_metadata_plugin_free(plugin);
    zeebe_channel_free(channel);
}

static void failures_of_tls_and_of_proxies(const gateway *g)
{
    char proxy[128];
    snprintf(proxy, sizeof proxy, "http://user:" PROXY_PASSWORD "@%s", gateway_address(g, "proxy_407"));
    oauth_arguments arguments[] = {
        {.url = token_url(g, "https", "token_https")},
        {.url = token_url(g, "https", "token_https"), .token = {.http_proxy = proxy}},
        {.proxy = proxy},
    };
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        zeebe_channel *channel = oauth(g, arguments[i]);
        CHECK(call(channel, NULL) == 14);
        hear_facts(channel);
        zeebe_channel_free(channel);
    }
}

/* Keys that are none, where each thing that takes PEM may get them: as a file of variables has them, cut off, not to be decoded, elsewhere. */
static void keys_that_cannot_be_read(void)
{
    static const char *KEYS[] = {
        KEY_BODY,
        "-----BEGIN PRIVATE KEY-----\n" KEY_BODY "\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\\n" KEY_BODY,
        "-----BEGIN PRIVATE KEY-----\\n" KEY_BODY "\\n-----END PRIVATE KEY-----\\n",
        "-----BEGIN PRIVATE KEY-----\n" KEY_BODY,
        "-----BEGIN PRIVATE KEY-----\n" KEY_BODY "!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" KEY_BODY "\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN " KEY_BODY "-----\n-----END " KEY_BODY "-----\n",
        "-----BEGIN " KEY_BODY " PRIVATE KEY",
        "----BEGIN PRIVATE KEY-----\n" KEY_BODY,
        "-----END " KEY_BODY "-----",
        "\xff\n-----BEGIN CERTIFICATE-----\n" KEY_BODY "\xff",
    };
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        for (int where = 0; where < 8; where++) {
            zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
            zeebe_token_options token = ZEEBE_TOKEN_OPTIONS_INIT;
            zeebe_oauth2_client_credentials_metadata_plugin_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
            zeebe_channel_credentials *credentials = NULL;
            zeebe_metadata_plugin *plugin = NULL;
            if (where == 0) ssl.private_key = ssl.certificate_chain = KEYS[i];
            if (where == 1) ssl.root_certificates = KEYS[i];
            if (where == 2) token.token_ca = KEYS[i];
            if (where == 3) token.private_key = token.certificate_chain = KEYS[i];
            if (where == 4) token.private_key = KEYS[i];
            if (where == 4) token.client_authentication = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT;
            if (where == 5) token.private_key = KEYS[i]; /* without a certificate */
            if (where == 6) token.http_proxy = KEYS[i];
            if (where == 7) token.key_id = KEYS[i];
            options.client_id = CLIENT_ID;
            options.client_secret = CLIENT_SECRET;
            options.authorization_server = "https://login.example/token";
            options.token_options = &token;
            zeebe_error *error = where < 2 ? zeebe_ssl_channel_credentials_new(&ssl, &credentials)
                                           : zeebe_oauth2_client_credentials_metadata_plugin_new(&options, &plugin);
            CHECK(error || where == 6); /* a word alone can be a proxy's name */
            hear_failure(error);
            zeebe_metadata_plugin_free(plugin);
        }
    }
}

/* A key where a variable names a file. */
static void keys_in_place_of_paths(void)
{
    static const char *VARIABLES[] = {"CAMUNDA_CUSTOM_PRIVATE_KEY_PATH", "CAMUNDA_CUSTOM_CERT_CHAIN_PATH", "ZEEBE_CA_CERTIFICATE_PATH",
                                      "CAMUNDA_CUSTOM_ROOT_CERT_STRING"};
    CHECK(setenv("ZEEBE_ADDRESS", "127.0.0.1:1", 1) == 0);
    for (int i = 0; i < 4; i++) {
        zeebe_channel *channel = NULL;
        CHECK(setenv(VARIABLES[i], "-----BEGIN PRIVATE KEY-----\\n" KEY_BODY, 1) == 0);
        zeebe_error *error = zeebe_create_channel_from_environment(NULL, &channel);
        if (!error) {
            CHECK(call(channel, NULL) != 0);
            hear_facts(channel);
            zeebe_channel_free(channel);
        }
        hear_failure(error);
        CHECK(unsetenv(VARIABLES[i]) == 0);
    }
    CHECK(unsetenv("ZEEBE_ADDRESS") == 0);
}

/* What is no place for a password, with one: all that a channel says of it. */
static void passwords_where_none_belongs(const gateway *g)
{
    static const char *ADDRESSES[] = {
        "https://user:" ADDRESS_PASSWORD "@zeebe.invalid:1",
        "http://user:" ADDRESS_PASSWORD "@zeebe.invalid:1",
        "user:" ADDRESS_PASSWORD "@zeebe.invalid",
        "dns://user:" ADDRESS_PASSWORD "@8.8.8.8/zeebe.invalid",
        "dns:///user:" ADDRESS_PASSWORD "@zeebe.invalid:1",
        "ipv4:user:" ADDRESS_PASSWORD "@1.2.3.4:1",
        "ipv6:[user:" ADDRESS_PASSWORD "@::1]:1",
        "ftp://user:" ADDRESS_PASSWORD "@zeebe.invalid",
        "https://user:" ADDRESS_PASSWORD "%40zeebe.invalid",
        "https://user:" ADDRESS_PASSWORD "/@zeebe.invalid",
        "https://user:" ADDRESS_PASSWORD " @zeebe.invalid",
        "https://zeebe.invalid/?password=" ADDRESS_PASSWORD,
        "u:x://" ADDRESS_PASSWORD "@zeebe.invalid",
    };
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof *ADDRESSES; i++) {
        for (int where = 0; where < 5; where++) {
            zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
            zeebe_connection_options connection = ZEEBE_CONNECTION_OPTIONS_INIT;
            zeebe_channel_option option[] = {TEXT("", ADDRESSES[i])};
            zeebe_channel *channel = NULL;
            zeebe_error *error;
            options.grpc_address = gateway_address(g, "refused");
            options.connection_options = &connection;
            options.channel_options = option;
            options.channel_options_count = where > 1;
            connection.timeout_ms = 20000;
            if (where == 0) options.grpc_address = ADDRESSES[i];
            if (where == 1) connection.connect_address = ADDRESSES[i];
            if (where == 2) option->key = "grpc.http_proxy";
            if (where == 3) option->key = "grpc.default_authority";
            if (where == 4) option->key = "an.address";
            CHECK(setenv("ZEEBE_ADDRESS", ADDRESSES[i], 1) == 0);
            error = zeebe_create_secure_channel(&options, &channel);
            if (!error) {
                CHECK(call(channel, NULL) != 0);
                hear_facts(channel);
                zeebe_channel_free(channel);
            }
            hear_failure(error);
            CHECK(setenv("grpc_proxy", ADDRESSES[i], 1) == 0 && setenv("ZEEBE_OVERRIDE_AUTHORITY", ADDRESSES[i], 1) == 0);
            error = zeebe_create_channel_from_environment(&connection, &channel);
            if (!error) {
                CHECK(call(channel, NULL) != 0);
                hear_facts(channel);
                zeebe_channel_free(channel);
            }
            hear_failure(error);
            options.grpc_address = "zeebe.invalid"; /* a proxy of a variable is for what is not loopback */
            options.channel_options_count = 0;
            connection.connect_address = NULL;
            OK(zeebe_create_secure_channel(&options, &channel));
            CHECK(call(channel, NULL) != 0);
            hear_facts(channel);
            zeebe_channel_free(channel);
            CHECK(unsetenv("grpc_proxy") == 0 && unsetenv("ZEEBE_OVERRIDE_AUTHORITY") == 0 && unsetenv("ZEEBE_ADDRESS") == 0);
        }
    }
}

static void secrets_of_the_programs_own_options(const gateway *g)
{
    static const char *KEYS[] = {"authorization: Bearer " METADATA_SECRET, "authorization=" METADATA_SECRET, "Bearer " METADATA_SECRET};
    zeebe_metadata *metadata = NULL;
    OK(zeebe_metadata_new(&metadata));
    for (int i = 0; i < 3; i++) hear_failure(zeebe_metadata_add(metadata, KEYS[i], (const uint8_t *)"v", 1));
    hear_failure(zeebe_metadata_add(metadata, "authorization", (const uint8_t *)METADATA_SECRET "\n", sizeof METADATA_SECRET));
    OK(zeebe_metadata_add(metadata, "authorization", (const uint8_t *)METADATA_SECRET, sizeof METADATA_SECRET - 1));
    channel_arguments arguments = {
        .address = gateway_address(g, "plaintext"),
        .options = {TEXT("an.access_token", OPTION_SECRET), TEXT("grpc.ssl.private_key", OPTION_SECRET),
                    TEXT("grpc.http_proxy", "http://user:" PROXY_PASSWORD "@127.0.0.1:1")},
    };
    zeebe_channel *channel = channel_new(arguments);
    zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
    zeebe_response *response = NULL;
    options.metadata = metadata;
    options.authority = "user:" ADDRESS_PASSWORD "@zeebe.invalid";
    options.timeout_ms = 20000;
    CHECK(hear_failure(zeebe_channel_unary_call_sync(channel, TOPOLOGY, NULL, 0, &options, &response)) != 0);
    hear_facts(channel);
    zeebe_channel_free(channel);
    zeebe_metadata_free(metadata);
}

/* A token URL with a user and a password: that cannot be used, that nobody answers, that is refused when the plugin is made. */
static void a_token_url_with_a_password(const gateway *g)
{
    char urls[3][256];
    snprintf(urls[0], sizeof urls[0], "http://user:" URL_PASSWORD "@%s/oauth/token", gateway_address(g, "refused"));
    snprintf(urls[1], sizeof urls[1], "ftp://user:" URL_PASSWORD "@localhost/oauth/token");
    snprintf(urls[2], sizeof urls[2], "http://user:" URL_PASSWORD "/@localhost/oauth/token");
    for (int i = 0; i < 3; i++) {
        zeebe_channel *channel = oauth(g, (oauth_arguments){.url = urls[i]});
        CHECK(call(channel, NULL) == (i ? 16 : 14));
        hear_facts(channel);
        zeebe_channel_free(channel);
    }
    zeebe_oauth2_client_credentials_metadata_plugin_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    options.client_id = CLIENT_ID;
    options.client_secret = CLIENT_SECRET;
    options.authorization_server = "http://user:" URL_PASSWORD "@login.example/oauth/token";
    zeebe_error *error = zeebe_oauth2_client_credentials_metadata_plugin_new(&options, &plugin);
    CHECK(error);
    hear_failure(error);
}

static void read_file(const char *name, char *text, size_t size)
{
    FILE *in = fopen(name, "r");
    CHECK(in);
    text[fread(text, 1, size - 1, in)] = 0;
    fclose(in);
}

static char key_line[65]; /* the first of the client's key, after its head */

/* A key that is good: it belongs to a certificate, and signs assertions, which are as good as a secret while they last. */
static void a_clients_key(const gateway *g)
{
    char key[4096], chain[8192], ca[8192];
    read_file(gateway_get(g, "client_key"), key, sizeof key);
    read_file(gateway_get(g, "client_certificate"), chain, sizeof chain);
    read_file(gateway_get(g, "ca"), ca, sizeof ca);
    snprintf(key_line, sizeof key_line, "%s", strchr(key, '\n') + 1);
    CHECK(strcspn(key_line, "\n") == 64);
    static const struct {
        int32_t authentication, status;
    } METHODS[] = {{ZEEBE_CLIENT_AUTHENTICATION_TLS, 0}, {ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT, 16}}; /* whose key the gateway does not know */
    for (int i = 0; i < 2; i++) {
        zeebe_token_options token = {
            .client_authentication = METHODS[i].authentication, .token_ca = ca, .private_key = key, .certificate_chain = chain};
        oauth_arguments arguments = {.address = gateway_address(g, "plaintext"), .url = token_url(g, "https", "token_mtls"), .token = token};
        zeebe_channel *channel = oauth_channel(g, arguments);
        CHECK(call(channel, NULL) == METHODS[i].status && stats_number(channel, "requests") == 1);
        hear_facts(channel);
        zeebe_channel_free(channel);
    }
}

static void give(void *user_data, zeebe_token_request *request)
{
    (void)user_data;
    zeebe_token token = ZEEBE_TOKEN_INIT;
    token.access_token = OF_THE_HOST " with a space";
    hear_failure(zeebe_token_request_complete(request, &token));
    token.access_token = OF_THE_HOST;
    OK(zeebe_token_request_complete(request, &token));
    hear_failure(zeebe_token_request_complete(request, &token));
    zeebe_token_request_free(request);
}

static void the_programs_own(const gateway *g)
{
    zeebe_oauth2_metadata_plugin_options options = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugins[3];
    options.retrieve = give;
    OK(zeebe_oauth2_metadata_plugin_new(&options, NULL, &plugins[0]));
    OK(zeebe_bearer_metadata_plugin_new(BEARER, &plugins[1]));
    OK(zeebe_basic_metadata_plugin_new("user", PASSWORD, &plugins[2]));
    hear_failure(zeebe_bearer_metadata_plugin_set_token(plugins[1], BEARER " and a space"));
    zeebe_channel *channel = channel_new((channel_arguments){.address = gateway_address(g, "plaintext_oauth")});
    for (int i = 0; i < 3; i++) {
        CHECK(call(channel, plugins[i]) == 16);
        zeebe_metadata_plugin_free(plugins[i]);
    }
    hear_facts(channel);
    zeebe_channel_free(channel);
}

static int was_said(const char *text) { return memmem(said.text, said.length, text, strlen(text)) != NULL; }

/* Whole groups alone: what follows depends on it. */
static void base64(const char *text, const char *last_digits, char *out)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned char *in = (const unsigned char *)text;
    size_t length = strlen(text) / 3 * 3;
    for (size_t i = 0; i < length; i += 3) {
        unsigned group = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) {
            unsigned digit = group >> shift & 63;
            *out++ = digit < 62 ? DIGITS[digit] : last_digits[digit - 62];
        }
    }
    *out = 0;
}

/* Each byte as `format` has it, if `kept` does not have it. */
static void spelt(const char *text, const char *kept, const char *format, char *out)
{
    *out = 0;
    for (; *text; text++) out += sprintf(out, strchr(kept, *text) ? "%c" : format, (unsigned char)*text);
}

/* As it is, or in any spelling that a program, a protocol or a `Debug` has. */
static int got_out(const char *secret)
{
    static const char UNRESERVED[] = "-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char FORM[] = "*-._ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char LETTERS[] = " !#$%&()*+,-./:;<=>?@[]^_`{|}~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const struct {
        const char *kept, *format;
    } SPELLINGS[] = {{UNRESERVED, "%%%02X"}, {UNRESERVED, "%%%02x"}, {FORM, "%%%02X"}, {FORM, "%%%02x"}, {LETTERS, "\\x%02x"},
                     {"", "%02x"},           {"", "%02X"},           {"", "%d, "},     {"", "%d,"},      {"", "%d "},
                     {"", "%02x "},          {"", "%02x:"},          {"", "\\x%02x"},  {"", "0x%02x, "}};
    static const char *LAST_DIGITS[] = {"+/", "-_"};
    char text[2048], form[2048];
    for (size_t i = 0; strcmp(secret, CLIENT_SECRET) == 0 && i < sizeof ECHOES / sizeof *ECHOES; i++) {
        if (was_said(ECHOES[i])) return 1; /* as servers write it */
    }
    if (was_said(secret)) return 1;
    for (size_t i = 0; i < sizeof SPELLINGS / sizeof *SPELLINGS; i++) {
        spelt(secret, SPELLINGS[i].kept, SPELLINGS[i].format, text);
        size_t length = strlen(text);
        while (length && strchr(", :", text[length - 1]) && !*SPELLINGS[i].kept) text[--length] = 0; /* what stands between has no last */
        if (was_said(text)) return 1;
        size_t at = 0;
        for (char *from = text; *from; at++) { /* as forms have spaces */
            form[at] = strncmp(from, "%20", 3) ? *from : '+';
            from += strncmp(from, "%20", 3) ? 1 : 3;
        }
        form[at] = 0;
        if (was_said(form)) return 1;
    }
    for (int skipped = 0; skipped < 3; skipped++) { /* wherever it begins in a group of three */
        for (int i = 0; i < 2; i++) {
            base64(secret + skipped, LAST_DIGITS[i], text);
            if (was_said(text)) return 1;
        }
    }
    return 0;
}

static void the_search_finds_what_is_there(void)
{
    static const char SECRET[] = "t3 ?/\xc3\xa9\x7f\"s";
    static const char *SAID[] = {
        "Id: t3 ?/\xc3\xa9\x7f\"s",
        "t3%20%3F%2F%C3%A9%7F%22s",
        "t3%20%3f%2f%c3%a9%7f%22s",
        "t3+%3F%2F%C3%A9%7F%22s",
        "a=t3+%3f%2f%c3%a9%7f%22s&",
        "7433203f2fc3a97f2273",
        "7433203F2FC3A97F2273",
        "[7, 116, 51, 32, 63, 47, 195, 169, 127, 34, 115]",
        "[116,51,32,63,47,195,169,127,34,115]",
        "t3 ?/\\xc3\\xa9\\x7f\\x22s",
        "74:33:20:3f:2f:c3:a9:7f:22:73",
        "dDMgPy/DqX8icw==" /* and moved by one, by two */,
        "aWQ6OnQzID8vw6l/InM",
        "OnQzID8vw6l_InM6",
        "OjpAdDMgPy_DqX8icw",
    };
    char text[512];
    CHECK(said.records > 0 && was_said(CLIENT_ID) && was_said("a token came") && was_said("no token came"));
    size_t length = said.length;
    CHECK(!got_out(SECRET));
    for (size_t i = 0; i < sizeof SAID / sizeof *SAID; i++) {
        hear_text(SAID[i]);
        if (!got_out(SECRET)) fprintf(stderr, "not found in %s\n", SAID[i]);
        CHECK(got_out(SECRET));
        said.length = length;
    }
    base64("id:t3 ?/\xc3\xa9\x7f\"s..", "+/", text);
    hear_text(text);
    CHECK(got_out(SECRET));
    said.length = length;
}

int main(void)
{
    static const char *SECRETS[] = {CLIENT_SECRET, ISSUED,          OF_THE_HOST, BEARER,   PASSWORD, PROXY_PASSWORD, URL_PASSWORD, ADDRESS_PASSWORD,
                                    OPTION_SECRET, METADATA_SECRET, KEY_BODY,    key_line, JWT};
    gateway g;
    gateway_start(&g, "0");
    OK(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_TRACE, on_log, NULL, NULL));
    answers_of_every_kind(&g);
    servers_that_repeat_the_secret(&g);
    a_gateway_that_refuses_and_a_renewal(&g);
    a_gateway_that_repeats_the_token(&g);
    failures_of_tls_and_of_proxies(&g);
    keys_that_cannot_be_read();
    keys_in_place_of_paths();
    passwords_where_none_belongs(&g);
    secrets_of_the_programs_own_options(&g);
    a_token_url_with_a_password(&g);
    a_clients_key(&g);
    the_programs_own(&g);
    OK(zeebe_runtime_shutdown(-1)); /* no record comes any more */
    the_search_finds_what_is_there();
    for (size_t i = 0; i < sizeof SECRETS / sizeof *SECRETS; i++) {
        if (got_out(SECRETS[i])) fprintf(stderr, "got out: %s\n", SECRETS[i]);
        CHECK(!got_out(SECRETS[i]));
    }
    free(said.text);
    gateway_stop(&g);
    return 0;
}
