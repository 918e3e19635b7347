/* Which certificates are trusted, and how they may be written: over real TLS, with the gateway and with the token endpoint. */
#define _GNU_SOURCE
#include "token_endpoint.h"

typedef struct {
    char text[16384];
} pem;

static pem read_pem(const gateway *g, const char *name)
{
    pem read = {{0}};
    FILE *in = fopen(gateway_get(g, name), "r");
    CHECK(in && fread(read.text, 1, sizeof read.text - 1, in) > 0);
    fclose(in);
    return read;
}

static ended try_listener(const gateway *g, const char *listener, const char *roots, const char *name)
{
    channel_arguments arguments = {.address = gateway_address(g, listener), .ca = roots};
    if (name) arguments.options[0] = (zeebe_channel_option)TEXT("grpc.ssl_target_name_override", name);
    zeebe_channel *channel = channel_new(arguments);
    ended end = topology(channel);
    zeebe_channel_free(channel);
    return end;
}

/* With the roots in the file that the environment names. */
static ended try_file(const gateway *g, const char *listener, const char *roots, size_t length)
{
    zeebe_channel *channel = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s/roots.pem", env("SCRATCH"));
    FILE *out = fopen(path, "w");
    CHECK(out && fwrite(roots, 1, length, out) == length && fclose(out) == 0);
    CHECK(setenv("ZEEBE_CA_CERTIFICATE_PATH", path, 1) == 0 && setenv("ZEEBE_ADDRESS", gateway_address(g, listener), 1) == 0);
    OK(zeebe_create_channel_from_environment(NULL, &channel));
    CHECK(unsetenv("ZEEBE_CA_CERTIFICATE_PATH") == 0 && unsetenv("ZEEBE_ADDRESS") == 0);
    ended end = topology(channel);
    zeebe_channel_free(channel);
    return end;
}

static int refused(ended end, const char *text)
{
    if (end.status != 14 || !strstr(end.message, text)) fprintf(stderr, "status %d: %s\n", end.status, end.message);
    return end.status == 14 && strstr(end.message, text) != NULL;
}

/* As `openssl req -x509` makes it: an authority's and a server's at once. */
static void a_root_may_be_the_servers_own(const gateway *g)
{
    pem own = read_pem(g, "self_signed_certificate"), expired = read_pem(g, "self_signed_expired_certificate"),
        other = read_pem(g, "self_signed_other_certificate"), ca = read_pem(g, "ca");
    char both[33000];
    CHECK(try_listener(g, "self_signed", own.text, NULL).status == 0);
    CHECK(try_listener(g, "self_signed", own.text, "localhost").status == 0);
    CHECK(try_file(g, "self_signed", own.text, strlen(own.text)).status == 0);
    snprintf(both, sizeof both, "%s%s", other.text, own.text);
    CHECK(try_listener(g, "self_signed", both, NULL).status == 0);
    CHECK(refused(try_listener(g, "self_signed", own.text, "other.example"), "other.example"));
    CHECK(refused(try_listener(g, "self_signed", other.text, NULL), "certificate"));
    CHECK(refused(try_listener(g, "self_signed", ca.text, NULL), "certificate"));
    CHECK(refused(try_listener(g, "self_signed_expired", expired.text, NULL), "expired"));
    CHECK(refused(try_listener(g, "self_signed_expired", own.text, NULL), "certificate"));
    CHECK(refused(try_file(g, "self_signed", other.text, strlen(other.text)), "certificate"));
    /* What an authority signed is judged as before. */
    snprintf(both, sizeof both, "%s%s", own.text, ca.text);
    CHECK(try_listener(g, "tls", both, NULL).status == 0);
    CHECK(refused(try_listener(g, "tls", own.text, NULL), "certificate"));
}

/* A key by mistake, as a file and in place of one's path: nothing of it is told. */
static void what_is_no_root_of_the_platform_is_not_shown(const gateway *g)
{
    static const char *const TEXTS[] = {"-----BEGIN PRIVATE KEY-----\nSECRET%\n-----END PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\\nSECRET",
                                        "-----BEGIN SECRET-----\nMAA=\n-----END SECRET-----\n"};
    char path[1024];
    snprintf(path, sizeof path, "%s/no-roots.pem", env("SCRATCH"));
    CHECK(unsetenv("SSL_CERT_FILE") == 0 && unsetenv("SSL_CERT_DIR") == 0); /* of the machine */
    for (size_t i = 0; i < 3 * sizeof TEXTS / sizeof *TEXTS; i++) {
        const char *text = TEXTS[i / 3], *variable = i % 3 == 2 ? "SSL_CERT_DIR" : "SSL_CERT_FILE";
        zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
        zeebe_channel *channel = NULL;
        FILE *out = fopen(path, "w");
        CHECK(out && fputs(text, out) >= 0 && fclose(out) == 0);
        CHECK(setenv(variable, i % 3 ? text : path, 1) == 0);
        options.grpc_address = gateway_address(g, "tls");
        OK(zeebe_create_secure_channel(&options, &channel));
        ended end = topology(channel);
        CHECK(refused(end, "the platform has no root certificates (SSL_CERT_FILE or SSL_CERT_DIR can name some)") && !strstr(end.message, "SECRET"));
        zeebe_channel_free(channel);
        CHECK(unsetenv(variable) == 0);
    }
}

/* The platform's roots are nobody's own. */
static void a_root_of_the_platform_is_an_authority_alone(const gateway *g)
{
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    CHECK(setenv("SSL_CERT_FILE", gateway_get(g, "self_signed_certificate"), 1) == 0);
    options.grpc_address = gateway_address(g, "self_signed");
    OK(zeebe_create_secure_channel(&options, &channel));
    CHECK(refused(topology(channel), "certificate"));
    zeebe_channel_free(channel);
    CHECK(unsetenv("SSL_CERT_FILE") == 0);
}

static void a_token_endpoint_is_trusted_alike(const gateway *g)
{
    pem own = read_pem(g, "self_signed_certificate"), other = read_pem(g, "self_signed_other_certificate");
    const char *url = token_url(g, "https", "token_self_signed");
    fetched f = fetch_once(g, (plugin_arguments){.url = url, .token = {.token_ca = own.text}});
    if (f.status) fprintf(stderr, "%s\n", f.text);
    CHECK(f.status == 0);
    CHECK(fetch_once(g, (plugin_arguments){.url = url, .token = {.token_ca = other.text}}).status == 14);
}

/* The one that is needed comes second: who drops it, cannot connect. */
static void certificates_are_read_as_people_write_them(const gateway *g)
{
    static const struct {
        const char *before, *between, *end;
        const char *error; /* NULL: both are read */
    } SHAPES[] = {
        {"# M\xfcller\n", "\xe4\n", "", NULL},
        {"\xef\xbb\xbf", "\xef\xbb\xbf", "", NULL},
        {"Bag Attributes\n    friendlyName: x\n", "subject=/CN=x\n", "\n\n", NULL},
        {"", "", "", NULL}, /* glued, as what is read has no last line end */
        {" \t", "   ", "  ", NULL},
        {"", "-----BEGIN CERTIFICATE-----\n", "", "is cut off"},
        {"-----END CERTIFICATE-----\n", "", "", "did not begin"},
        {"", "-----BEGIN TRUSTED CERTIFICATE-----\nMAA=\n-----END TRUSTED CERTIFICATE-----\n", "", "openssl x509"},
        {"", "\n-----BEGIN CERTIFICATE-----\nMA%A=\n-----END CERTIFICATE-----\n", "", "base64"},
    };
    pem first = read_pem(g, "other_ca"), second = read_pem(g, "ca"), key = read_pem(g, "client_key"), chain = read_pem(g, "client_certificate");
    while (strchr("\r\n", first.text[strlen(first.text) - 1])) first.text[strlen(first.text) - 1] = 0;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        char text[40000];
        zeebe_channel_credentials *credentials = NULL;
        zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
        int length = snprintf(text, sizeof text, "%s%s%s%s%s", SHAPES[i].before, first.text, SHAPES[i].between, second.text, SHAPES[i].end);
        if (!SHAPES[i].error) {
            CHECK(try_listener(g, "tls", text, NULL).status == 0);
            CHECK(try_file(g, "tls", text, (size_t)length).status == 0);
            continue;
        }
        ssl.root_certificates = text;
        FAILS(zeebe_ssl_channel_credentials_new(&ssl, &credentials), ZEEBE_ERROR_KIND_TLS, SHAPES[i].error);
        ended end = try_file(g, "tls", text, (size_t)length);
        CHECK(end.status == 14 && strstr(end.message, SHAPES[i].error) && strstr(end.message, "ZEEBE_CA_CERTIFICATE_PATH"));
    }
    /* One file for both, key first, for mutual TLS. */
    char both[33000];
    zeebe_channel_credentials *credentials = NULL;
    zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
    zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = NULL;
    snprintf(both, sizeof both, "\xef\xbb\xbf# Schl\xfcssel\n%s%s", key.text, chain.text);
    ssl.root_certificates = second.text;
    ssl.private_key = ssl.certificate_chain = both;
    OK(zeebe_ssl_channel_credentials_new(&ssl, &credentials));
    options.grpc_address = gateway_address(g, "mtls");
    options.channel_credentials = credentials;
    OK(zeebe_create_secure_channel(&options, &channel));
    CHECK(topology(channel).status == 0);
    zeebe_channel_free(channel);
    zeebe_channel_credentials_free(credentials);
    ssl.certificate_chain = second.text;
    FAILS(zeebe_ssl_channel_credentials_new(&ssl, &credentials), ZEEBE_ERROR_KIND_TLS, "private_key does not belong to the first certificate");
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    a_root_may_be_the_servers_own(&g);
    what_is_no_root_of_the_platform_is_not_shown(&g);
    a_root_of_the_platform_is_an_authority_alone(&g);
    a_token_endpoint_is_trusted_alike(&g);
    certificates_are_read_as_people_write_them(&g);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
