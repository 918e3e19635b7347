/* Every answer that a token endpoint may give, on the wire: a row each of the table "The token answer". */
#define _GNU_SOURCE
#include "token_endpoint.h"

#define MIB (1 << 20)

/* How an answer ends: with the token `t0ken`, or in one of five ways. */
typedef enum { USED, REFUSED, WRONG_URL, PASSING, UNUSABLE } outcome;

static const struct {
    int32_t kind, status, retryable;
} ENDS[] = {
    [USED] = {ZEEBE_ERROR_KIND_NONE, 0, 0},
    [REFUSED] = {ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS, ZEEBE_STATUS_UNAUTHENTICATED, 0},
    [WRONG_URL] = {ZEEBE_ERROR_KIND_SETTINGS, ZEEBE_STATUS_UNAUTHENTICATED, 0},
    [PASSING] = {ZEEBE_ERROR_KIND_RPC, ZEEBE_STATUS_UNAVAILABLE, 1},
    [UNUSABLE] = {ZEEBE_ERROR_KIND_RPC, ZEEBE_STATUS_UNAVAILABLE, 0},
};

static void ends(const char *row, const fetched *f, outcome end, const char *says)
{
    int used = end == USED;
    int as_said = f->kind == ENDS[end].kind && f->status == ENDS[end].status && f->retryable == ENDS[end].retryable;
    int well = used ? strcmp(f->text, "Bearer t0ken") == 0
                    : f->source == ZEEBE_ERROR_SOURCE_TOKEN_ENDPOINT && strstr(f->text, says) && !strstr(f->text, "t0ken");
    if (as_said && well) return;
    fprintf(stderr, "%s: kind %d, status %d, source %d, retryable %d: %s\n", row, f->kind, f->status, f->source, f->retryable, f->text);
    exit(1);
}

#define OAUTH_ERROR "{'error':'invalid_client','error_description':'no such client'}"
#define TYPE(type) "{'access_token':'t0ken','token_type':" type "}"
#define WITH(members) "{'access_token':'t0ken'," members "}"

static const struct {
    const char *row, *parameters, *body;
    outcome end;
    const char *says;
} ROWS[] = {
    {"2xx with a token", "status=200", TOKEN, USED, ""},
    {"2xx with a token", "status=201", TOKEN, USED, ""},
    {"other status with a token in it", "status=401", TOKEN, REFUSED, "401"},
    {"other status with a token in it", "status=404", TOKEN, WRONG_URL, "404"},
    {"other status with a token in it", "status=500", TOKEN, PASSING, "500"},
    {"3xx", "status=302", TOKEN, UNUSABLE, "a redirect to nowhere"},
    {"3xx", "status=307&header=location:/other?t0ken", "", UNUSABLE, "/other: redirects are not followed"},
    {"3xx", "status=302&header=location:https://u:t0ken@login.example:1/a/login?t0ken%23t0ken", "", UNUSABLE,
     "a redirect to https://login.example:1/a/login: "},
    {"error object", "status=401", OAUTH_ERROR, REFUSED, "401 Unauthorized: (invalid_client) no such client"},
    {"error object: whose", "status=401", OAUTH_ERROR, REFUSED, "/oauth/token, asked by client \"demo-client\", answered 401 Unauthorized: "},
    {"error object", "status=200", OAUTH_ERROR, REFUSED, "(invalid_client) no such client"},
    {"error object", "status=418", OAUTH_ERROR, REFUSED, "(invalid_client)"},
    {"error object", "status=503", OAUTH_ERROR, PASSING, "(invalid_client)"},
    {"error object: 400, 401, 403", "status=400", "", REFUSED, "400"},
    {"error object: 400, 401, 403", "status=401", "<html>", REFUSED, "401"},
    {"error object: 400, 401, 403", "status=403", "{}", REFUSED, "403"},
    {"error object: other 4xx", "status=404", "<html>", WRONG_URL, "is the URL of the token endpoint right?"},
    {"error object: other 4xx", "status=405", "", WRONG_URL, "405"},
    {"5xx, 408, 429", "status=500", "", PASSING, "500"},
    {"5xx, 408, 429", "status=503", "<html>", PASSING, "503"},
    {"5xx, 408, 429", "status=408", "", PASSING, "408"},
    {"5xx, 408, 429", "status=429", OAUTH_ERROR, PASSING, "429"},
    {"a page", "status=200&content_type=text/html", "<html>t0ken</html>", UNUSABLE,
     "what is no JSON object: a page without a title; is the URL of the token endpoint right?"},
    {"a page", "status=200", "<!doctype html><title>Sign in</title>", UNUSABLE, "a page with the title \"Sign in\""},
    {"a page", "status=404", "<html><title>Not\nFound</title>", WRONG_URL, "404 Not Found: a page with the title \"Not Found\""},
    {"a page", "status=502&content_type=text/html", "<h1>Bad</h1>", PASSING, "a page without a title"},
    {"not JSON", "status=200", "t0ken", PASSING, "what is no JSON object"},
    {"not JSON", "status=200", "['t0ken']", PASSING, "what is no JSON object"},
    {"not JSON", "status=200", "", PASSING, "an empty body"},
    {"not JSON", "status=204", "", PASSING, "answered 204 No Content with an empty body"},
    {"NaN, Infinity", "status=200", WITH("'expires_in':NaN"), PASSING, "no JSON"},
    {"NaN, Infinity", "status=200", WITH("'expires_in':Infinity"), PASSING, "no JSON"},
    {"token_type mac, DPoP", "status=200", TYPE("'mac'"), UNUSABLE, "token_type is \"mac\", not bearer"},
    {"token_type mac, DPoP", "status=200", TYPE("'DPoP'"), UNUSABLE, "token_type is \"DPoP\", not bearer"},
    {"token_type mac, DPoP", "status=200", TYPE("7"), UNUSABLE, "token_type is no string"},
    {"bearer in any case, missing, null and empty", "status=200", TYPE("'bearer'"), USED, ""},
    {"bearer in any case, missing, null and empty", "status=200", TYPE("'BEARER'"), USED, ""},
    {"bearer in any case, missing, null and empty", "status=200", TYPE("null"), USED, ""},
    {"bearer in any case, missing, null and empty", "status=200", TYPE("''"), USED, ""},
    {"access_token empty", "status=200", "{'access_token':''}", UNUSABLE, "access_token is empty"},
    {"access_token null", "status=200", "{'access_token':null}", UNUSABLE, "it has no access_token"},
    {"access_token not there", "status=200", "{}", UNUSABLE, "it has no access_token"},
    {"access_token not a string", "status=200", "{'access_token':7}", UNUSABLE, "access_token is no string"},
    {"access_token with characters no header may hold", "status=200", "{'access_token':'a\\u0001t0ken'}", UNUSABLE, "characters"},
    {"access_token with characters no header may hold", "status=200", "{'access_token':'t0ken\\r\\nx: y'}", UNUSABLE, "characters"},
    {"access_token with characters no header may hold", "status=200", "{'access_token':'t0ken\xc3\xa9'}", UNUSABLE, "characters"},
    {"access_token with spaces", "status=200", "{'access_token':'t0ken a'}", UNUSABLE, "characters"},
    {"form-encoded body", "status=200", "access_token=t0ken&expires_in=60", USED, ""},
    {"form-encoded body: an error", "status=401", "error=invalid_client&error_description=no+such", REFUSED, "(invalid_client) no such"},
    {"wrong content type", "status=200&content_type=text/html", TOKEN, USED, ""},
    {"error object: RFC 9457", "status=401", "{'title':'No','detail':'such client','status':401}", REFUSED, "401 Unauthorized: (No) such client"},
    {"error object: message", "status=400", "{'message':'no such client'}", REFUSED, "400 Bad Request: no such client"},
    {"error object: Okta", "status=401", "{'errorCode':'E0000011','errorSummary':'no such client'}", REFUSED, "(E0000011) no such client"},
    {"error object: Google", "status=401", "{'error':{'code':401,'message':'no such client','status':'UNAUTHENTICATED'}}", REFUSED,
     "(UNAUTHENTICATED) no such client"},
    {"error object: WWW-Authenticate",
     "status=401&header=www-authenticate:Bearer%20error=%22invalid_client%22,%20error_description=%22no%20such%20client%22", "", REFUSED,
     "(invalid_client) no such client"},
    {"403 without a body", "status=403", "", REFUSED, "as Glewlwyd refuses"},
    {"method", "status=401", OAUTH_ERROR, REFUSED, "; client authentication was basic; if id and secret are right"},
    {"method", "status=401&header=www-authenticate:Basic%20realm=x", OAUTH_ERROR, REFUSED, "no such client; client authentication was basic"},
    {"passing codes", "status=400", "{'error':'temporarily_unavailable'}", PASSING, "(temporarily_unavailable)"},
    {"passing codes", "status=401", "{'error':'server_error'}", PASSING, "(server_error)"},
    {"passing codes", "status=200", "{'error':'slow_down'}", PASSING, "(slow_down)"},
    {"403 with a rate limit", "status=403&retry_after=7", "{}", PASSING, "403"},
    {"403 with a rate limit", "status=403&header=ratelimit-remaining:0", "{}", PASSING, "403"},
    {"403 with a rate limit", "status=403", "{'message':'API rate limit exceeded'}", PASSING, "rate limit"},
    {"407", "status=407", "", UNUSABLE, "a proxy on the way answered 407"},
    {"wrong URL", "status=400", "{'error':'unsupported_grant_type'}", REFUSED, "is the URL of the token endpoint right?"},
    {"gzip", "status=200&encoding=gzip", TOKEN, USED, ""},
    {"chunked", "status=200&framing=chunked", TOKEN, USED, ""},
    {"HTTP/1.0", "status=200&framing=close", TOKEN, USED, ""},
    {"BOM before the JSON", "status=200", "\xef\xbb\xbf" TOKEN, USED, ""},
    {"expires_at", "status=200", WITH("'expires_at':1"), USED, ""},
    {"error null or empty beside a token", "status=200", WITH("'error':null"), USED, ""},
    {"error null or empty beside a token", "status=200", WITH("'error':''"), USED, ""},
    {"other scope than asked", "status=200", WITH("'scope':'less'"), USED, ""},
    {"scope in the answer that is no string", "status=200", WITH("'scope':['a','b']"), USED, ""},
    {"scope in the answer that is no string", "status=200", WITH("'scope':7"), USED, ""},
};

static void every_answer_has_its_end(const gateway *g)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        long before = requests(g);
        answer(g, ROWS[i].parameters, ROWS[i].body);
        fetched f = fetch_once(g, (plugin_arguments){0});
        ends(ROWS[i].row, &f, ROWS[i].end, ROWS[i].says);
        CHECK(requests(g) == before + 1);
    }
}

/* "3xx … never followed …, naming the target's origin": the other place would give a token, and would count. */
static void a_redirect_is_never_followed(const gateway *g)
{
    static const int STATUSES[] = {301, 302, 303, 307, 308};
    gateway other;
    gateway_start(&other, "0");
    for (size_t i = 0; i < sizeof STATUSES / sizeof *STATUSES; i++) {
        char parameters[256], origin[128];
        snprintf(origin, sizeof origin, "http://%s", gateway_address(&other, "token_http"));
        snprintf(parameters, sizeof parameters, "status=%d&header=location:%s/oauth/token?t0ken", STATUSES[i], origin);
        answer(g, parameters, "");
        fetched f = fetch_once(g, (plugin_arguments){0});
        ends("3xx", &f, UNUSABLE, origin);
    }
    CHECK(requests(&other) == 0);
    fetched f = fetch_once(&other, (plugin_arguments){0}); /* it would have counted */
    CHECK(f.kind == ZEEBE_ERROR_KIND_NONE && requests(&other) == 1);
    gateway_stop(&other);
}

/* "Retry-After honoured (seconds or date, at most 300 s)" */
static void retry_after_is_seconds_or_a_date_and_bounded(const gateway *g)
{
    answer(g, "status=503&retry_after=7", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 7000);
    answer(g, "status=429&retry_after=9999", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 300000);
    answer(g, "status=503&retry_after=Fri,%2031%20Dec%209999%2023:59:59%20GMT", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 300000);
    answer(g, "status=503&retry_after=soon", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms < 0);
    answer(g, "status=503&retry_after=1.5", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 1500);
    answer(g, "status=503&header=x-retry-after:7", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 7000);
    answer(g, "status=403&header=x-retry-after:7", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 7000);
    answer(g, "status=429&header=ratelimit-reset:7", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 7000);
    answer(g, "status=400&retry_after=7", "{'error':'slow_down'}");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms == 7000);
    answer(g, "status=401&retry_after=7", "");
    CHECK(fetch_once(g, (plugin_arguments){0}).retry_after_ms < 0);
}

/* "no connection, time-out"; "connect and total time-out … options" */
static void no_connection_and_time_outs_are_passing(const gateway *g)
{
    fetched f = fetch_once(g, (plugin_arguments){.url = token_url(g, "http", "refused")});
    ends("no connection", &f, PASSING, "token request to http://127.0.0.1:");
    answer(g, "status=200&hold=1", TOKEN);
    f = fetch_once(g, (plugin_arguments){.token.timeout_ms = 300});
    ends("time-out", &f, PASSING, "did not answer in time");
    answer(g, "status=200&count=0", ""); /* lets the held one go */
    if (!strstr(g->ports, "\"blackhole\"")) return;
    f = fetch_once(g, (plugin_arguments){.url = token_url(g, "http", "blackhole"), .token.connect_timeout_ms = 300});
    ends("connect time-out", &f, PASSING, "did not answer in time");
}

/* "body over 1 MiB … refused": one of exactly 1 MiB is read. */
static void a_body_over_a_mebibyte_is_refused(const gateway *g)
{
    static char body[MIB + 1];
    memset(body, ' ', sizeof body);
    memcpy(body, "{\"access_token\":\"t0ken\"}", 24);
    for (size_t over = 0; over < 2; over++) {
        free(gateway_ask(g, "POST /token-answer?status=200", body, MIB + over));
        fetched f = fetch_once(g, (plugin_arguments){0});
        ends("body over 1 MiB", &f, over ? UNUSABLE : USED, "more than 1048576 bytes");
    }
}

/* Whether the token is good `leeway` seconds before its expiry, and not a hundred more. */
static void lives(const gateway *g, const char *row, const char *members, int64_t expire_in, int64_t seconds)
{
    char body[256];
    snprintf(body, sizeof body, "{'access_token':'t0ken'%s}", members);
    for (int more = 0; more < 2; more++) {
        int32_t expired = -1;
        answer(g, "status=200", body);
        zeebe_metadata_plugin *plugin = plugin_new(g, (plugin_arguments){.leeway = more ? seconds + 1 : seconds - 100, .expire_in = expire_in});
        fetched f = fetch(plugin);
        ends(row, &f, USED, "");
        OK(zeebe_metadata_plugin_is_token_expired(plugin, &expired));
        if (expired != more) fprintf(stderr, "%s: %s\n", row, members);
        CHECK(expired == more);
        zeebe_metadata_plugin_free(plugin);
    }
}

static void expires_in_is_a_number_or_its_text_else_expire_in_else_five_minutes(const gateway *g)
{
    static const char *NUMBERS[] = {",'expires_in':3600", ",'expires_in':3600.7", ",'expires_in':'3600'", ",'expires_in':' 3600 '"};
    static const char *OTHERS[] = {",'expires_in':'soon'", ",'expires_in':[3600]", ",'expires_in':{}", ",'expires_in':true"};
    static const char *MISSING[] = {"", ",'expires_in':null"};
    for (int i = 0; i < 4; i++) lives(g, "expires_in", NUMBERS[i], 0, 3600);
    for (int i = 0; i < 4; i++) lives(g, "other expires_in", OTHERS[i], i % 2 ? 1000 : 0, i % 2 ? 1000 : 300);
    for (int i = 0; i < 2; i++) lives(g, "missing or null", MISSING[i], 0, 300);
    for (int i = 0; i < 2; i++) lives(g, "missing or null", MISSING[i], 1000, 1000);
    lives(g, "expires_at", ",'expires_at':1,'expires_in':3600", 0, 3600);
}

/* "zero or negative: used for the calls that waited for it, then fetched anew" */
static void a_token_that_has_expired_is_used_by_those_who_waited(const gateway *g)
{
    static const char *BODIES[] = {WITH("'expires_in':0"), WITH("'expires_in':-5")};
    for (int i = 0; i < 2; i++) {
        zeebe_metadata_plugin *plugin = plugin_new(g, (plugin_arguments){0});
        long before = requests(g);
        answer(g, "status=200&count=2", BODIES[i]);
        for (int fetches = 1; fetches <= 2; fetches++) {
            fetched f = fetch(plugin);
            ends("zero or negative", &f, USED, "");
            CHECK(requests(g) == before + fetches);
        }
        zeebe_metadata_plugin_free(plugin);
    }
}

static void expire_in_below_0_is_refused_when_the_plugin_is_made(const gateway *g)
{
    zeebe_oauth2_client_credentials_metadata_plugin_options options = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
    zeebe_metadata_plugin *plugin = NULL;
    options.client_id = options.client_secret = "x";
    options.authorization_server = token_url(g, "http", "token_http");
    options.expire_in = -1;
    FAILS(zeebe_oauth2_client_credentials_metadata_plugin_new(&options, &plugin), ZEEBE_ERROR_KIND_INVALID_ARGUMENT, "expire_in is -1");
}

static void spaces_around_the_token_url_are_trimmed(const gateway *g)
{
    char url[160];
    snprintf(url, sizeof url, " \t%s \n", token_url(g, "http", "token_http"));
    answer(g, "status=200", TOKEN);
    fetched f = fetch_once(g, (plugin_arguments){.url = url});
    ends("spaces around the token URL", &f, USED, "");
}

/* A file that the ports file names. */
static void read_pem(const gateway *g, const char *name, char *text, size_t size)
{
    FILE *in = fopen(gateway_get(g, name), "r");
    CHECK(in);
    text[fread(text, 1, size - 1, in)] = 0;
    fclose(in);
}

/* By HTTP/1.1, which every endpoint speaks, also where ALPN lets it choose. */
static void the_token_request_is_http_1(const gateway *g)
{
    char ca[65536];
    read_pem(g, "ca", ca, sizeof ca);
    for (int tls = 0; tls < 2; tls++) {
        answer(g, "status=200", TOKEN);
        fetched f = fetch_once(g, (plugin_arguments){.url = tls ? token_url(g, "https", "token_https") : NULL, .token.token_ca = ca});
        ends("HTTP/1.1", &f, USED, "");
        char *json = gateway_ask(g, "GET /token-request", NULL, 0);
        CHECK(strstr(json, "\"version\":\"HTTP/1.1\""));
        free(json);
    }
}

/* "TLS roots of the token endpoint: … the option token_ca" */
static void the_roots_of_the_token_endpoint_are_token_ca(const gateway *g)
{
    static const char *NAMES[] = {"ca", "other_ca"};
    for (int i = 0; i < 2; i++) {
        char ca[65536];
        read_pem(g, NAMES[i], ca, sizeof ca);
        answer(g, i ? "status=200&count=0" : "status=200", TOKEN);
        fetched f = fetch_once(g, (plugin_arguments){.url = token_url(g, "https", "token_https"), .token.token_ca = ca});
        ends("TLS roots", &f, i ? UNUSABLE : USED, "UnknownIssuer");
        CHECK(!i || strstr(f.text, "token_ca"));
    }
}

/* "a proxy that answers 407 is blamed, and named": for http:// it answers in the endpoint's place, for https:// in the tunnel's. */
static void a_proxy_that_refuses_is_blamed_and_named(const gateway *g)
{
    char proxy[128], named[160];
    snprintf(proxy, sizeof proxy, "http://user:pr0xy-p4ss@%s", gateway_address(g, "proxy_407"));
    snprintf(named, sizeof named,
             "the proxy %s (token_options.http_proxy) answered 407 Proxy Authentication Required; the user or password in token_options.http_proxy "
             "is wrong",
             gateway_address(g, "proxy_407"));
    for (int tls = 0; tls < 2; tls++) {
        fetched f = fetch_once(g, (plugin_arguments){.url = tls ? "https://login.example/oauth/token" : "http://login.example/oauth/token",
                                                     .token = {.http_proxy = proxy, .allow_insecure_token_url = 1}});
        ends("407", &f, UNUSABLE, named);
        CHECK(!strstr(f.text, "p4ss"));
    }
}

/* What goes on for as long as it is read: the time-out counts, the request ends, and others have their turn meanwhile. */
static void an_answer_that_never_ends_is_passing(const gateway *g)
{
    static const char *const ENDLESS[] = {"endless_interim", "endless_chunk"};
    for (int i = 0; i < 2; i++) {
        fetched f = fetch_once(g, (plugin_arguments){.url = token_url(g, "http", ENDLESS[i]), .token.timeout_ms = 5000});
        ends(ENDLESS[i], &f, PASSING, "the token request to http://127.0.0.1:");
    }
}

/* A page of a proxy's that is none is no reason to ask again for ever. */
static void broken_gzip_of_a_refusal_is_the_refusal(const gateway *g)
{
    answer(g, "status=401&header=content-encoding:gzip", "");
    fetched f = fetch_once(g, (plugin_arguments){0});
    ends("gzip of nothing", &f, REFUSED, "401 Unauthorized");
    answer(g, "status=401&header=content-encoding:gzip", "no gzip");
    f = fetch_once(g, (plugin_arguments){0});
    ends("broken gzip", &f, REFUSED, "401 Unauthorized");
    answer(g, "status=200&header=content-encoding:gzip", "no gzip");
    f = fetch_once(g, (plugin_arguments){0});
    ends("broken gzip", &f, PASSING, "broken gzip");
}

/* RFC 9110 section 4.2.4: userinfo is not sent, and not shown. */
static void user_and_password_of_the_token_url_are_not_sent(const gateway *g)
{
    static const int32_t METHODS[] = {ZEEBE_CLIENT_AUTHENTICATION_BASIC, ZEEBE_CLIENT_AUTHENTICATION_BODY};
    for (int i = 0; i < 2; i++) {
        char url[160];
        snprintf(url, sizeof url, "http://user:ur1-p4ss@%s/oauth/token", gateway_address(g, "token_http"));
        fetched f = fetch_once(g, (plugin_arguments){.url = url, .token.client_authentication = METHODS[i]});
        CHECK(f.kind == ZEEBE_ERROR_KIND_NONE);
        char *json = gateway_ask(g, "GET /token-request", NULL, 0);
        CHECK(strstr(json, i ? "\"authorization\":null" : "\"authorization\":\"Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=\"") && !strstr(json, "ur1"));
        free(json);
        answer(g, "status=401", OAUTH_ERROR);
        f = fetch_once(g, (plugin_arguments){.url = url, .token.client_authentication = METHODS[i]});
        ends("userinfo", &f, REFUSED, "the token endpoint http://127.0.0.1:");
        CHECK(!strstr(f.text, "ur1-p4ss"));
    }
}

/* Of the metadata that name the token endpoint, too. By variables, and so before there are threads. */
static void metadata_that_are_late_say_when_to_come_again(const gateway *g)
{
    static const struct {
        const char *answer;
        int64_t pause;
        int32_t retryable;
    } LATE[] = {
        {"POST /discovery-answer?status=503&retry_after=7", 7000, 1},
        {"POST /discovery-answer?status=429&retry_after=1.5", 1500, 1},
        {"POST /discovery-answer?status=403&header=x-retry-after:2", 2000, 1},
        {"POST /discovery-answer?status=500", -1, 1},
        {"POST /discovery-answer?status=403", -1, 0},
        {"POST /discovery-answer?status=404&retry_after=7", -1, 0},
    };
    char issuer[128];
    snprintf(issuer, sizeof issuer, "http://%s", gateway_address(g, "token_http"));
    CHECK(!setenv("CAMUNDA_GRPC_ADDRESS", gateway_address(g, "plaintext"), 1) && !setenv("ZEEBE_INSECURE_CONNECTION", "true", 1));
    CHECK(!setenv("CAMUNDA_CLIENT_SECRET", "demo-secret", 1) && !setenv("CAMUNDA_TOKEN_AUDIENCE", "zeebe-api", 1) &&
          !setenv("CAMUNDA_ISSUER_URL", issuer, 1));
    zeebe_channel *channels[sizeof LATE / sizeof *LATE] = {NULL};
    for (size_t i = 0; i < sizeof LATE / sizeof *LATE; i++) {
        char id[32];
        snprintf(id, sizeof id, "client-%zu", i); /* so that no two share a pause */
        CHECK(setenv("CAMUNDA_CLIENT_ID", id, 1) == 0);
        OK(zeebe_create_channel_from_environment(NULL, &channels[i]));
    }
    for (const char *const *name = (const char *[]){"CAMUNDA_GRPC_ADDRESS", "ZEEBE_INSECURE_CONNECTION", "CAMUNDA_CLIENT_ID", "CAMUNDA_CLIENT_SECRET",
                                                    "CAMUNDA_TOKEN_AUDIENCE", "CAMUNDA_ISSUER_URL", NULL};
         *name; name++)
        unsetenv(*name);
    for (size_t i = 0; i < sizeof LATE / sizeof *LATE; i++) {
        zeebe_response *response = NULL;
        gateway_tell(g, LATE[i].answer);
        zeebe_error *error = zeebe_channel_unary_call_sync(channels[i], TOPOLOGY, NULL, 0, NULL, &response);
        if (!error || zeebe_error_retry_after_ms(error) != LATE[i].pause || zeebe_error_is_retryable(error) != LATE[i].retryable ||
            zeebe_error_source(error) != ZEEBE_ERROR_SOURCE_TOKEN_ENDPOINT) {
            fprintf(stderr, "%s: %lld, %s\n", LATE[i].answer, (long long)zeebe_error_retry_after_ms(error), error ? zeebe_error_message(error) : "");
            exit(1);
        }
        zeebe_error_free(error);
        zeebe_channel_free(channels[i]);
    }
}

int main(void)
{
    gateway g;
    gateway_start(&g, "0");
    metadata_that_are_late_say_when_to_come_again(&g);
    every_answer_has_its_end(&g);
    a_redirect_is_never_followed(&g);
    retry_after_is_seconds_or_a_date_and_bounded(&g);
    no_connection_and_time_outs_are_passing(&g);
    a_body_over_a_mebibyte_is_refused(&g);
    expires_in_is_a_number_or_its_text_else_expire_in_else_five_minutes(&g);
    a_token_that_has_expired_is_used_by_those_who_waited(&g);
    expire_in_below_0_is_refused_when_the_plugin_is_made(&g);
    spaces_around_the_token_url_are_trimmed(&g);
    the_token_request_is_http_1(&g);
    the_roots_of_the_token_endpoint_are_token_ca(&g);
    a_proxy_that_refuses_is_blamed_and_named(&g);
    an_answer_that_never_ends_is_passing(&g);
    broken_gzip_of_a_refusal_is_the_refusal(&g);
    user_and_password_of_the_token_url_are_not_sent(&g);
    OK(zeebe_runtime_shutdown(-1));
    gateway_stop(&g);
    return 0;
}
