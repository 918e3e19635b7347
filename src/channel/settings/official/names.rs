//! Every variable that an official client of Camunda 8 reads, and what is to be said of one that a channel does not use.
//!
//! Data. Each list is in order of precedence: `CAMUNDA_` before `ZEEBE_`.

pub(super) const ADDRESS: [&str; 3] = [
    "CAMUNDA_GRPC_ADDRESS",
    "ZEEBE_GRPC_ADDRESS",
    "ZEEBE_ADDRESS",
];
pub(super) const HOST: &str = "ZEEBE_HOST";
pub(super) const PORT: &str = "ZEEBE_PORT";
pub(super) const SECURE: &str = "CAMUNDA_SECURE_CONNECTION";
pub(super) const INSECURE: &str = "ZEEBE_INSECURE_CONNECTION";

pub(super) const TOKEN_URL: [&str; 3] = [
    "CAMUNDA_OAUTH_URL",
    "CAMUNDA_AUTHORIZATION_SERVER_URL",
    "ZEEBE_AUTHORIZATION_SERVER_URL",
];
pub(super) const WELL_KNOWN_URL: &str = "CAMUNDA_WELL_KNOWN_CONFIGURATION_URL";
pub(super) const ISSUER_URL: &str = "CAMUNDA_ISSUER_URL";
pub(super) const AUDIENCE: [&str; 3] = [
    "CAMUNDA_TOKEN_AUDIENCE",
    "CAMUNDA_ZEEBE_OAUTH_AUDIENCE",
    "ZEEBE_TOKEN_AUDIENCE",
];
pub(super) const SCOPE: [&str; 2] = ["CAMUNDA_TOKEN_SCOPE", "ZEEBE_TOKEN_SCOPE"];
pub(super) const RESOURCE: [&str; 2] = ["CAMUNDA_TOKEN_RESOURCE", "ZEEBE_TOKEN_RESOURCE"];
pub(super) const AUTHENTICATION: &str = "ZEEBE_CLIENT_AUTHENTICATION";
pub(super) const CONNECT_TIMEOUT: [&str; 2] =
    ["CAMUNDA_AUTH_CONNECT_TIMEOUT", "ZEEBE_AUTH_CONNECT_TIMEOUT"];
/// Java's, then Go's.
pub(super) const TIMEOUT: [&str; 3] = [
    "CAMUNDA_AUTH_READ_TIMEOUT",
    "ZEEBE_AUTH_READ_TIMEOUT",
    "ZEEBE_AUTH_REQUEST_TIMEOUT",
];

pub(super) const STRATEGY: &str = "CAMUNDA_AUTH_STRATEGY";
pub(super) const OAUTH_DISABLED: &str = "CAMUNDA_OAUTH_DISABLED";
pub(super) const BASIC_USERNAME: &str = "CAMUNDA_BASIC_AUTH_USERNAME";
pub(super) const BASIC_PASSWORD: &str = "CAMUNDA_BASIC_AUTH_PASSWORD";
pub(super) const BEARER_TOKEN: &str = "CAMUNDA_OAUTH_TOKEN";

/// Paths, and one that holds the certificates themselves.
pub(super) const CA: [&str; 4] = [
    "CAMUNDA_CA_CERTIFICATE_PATH",
    "ZEEBE_CA_CERTIFICATE_PATH",
    "CAMUNDA_CUSTOM_ROOT_CERT_PATH",
    CA_STRING,
];
/// Of every gRPC program of a machine, so that one which does without it owes no word.
pub(super) const GRPC_CA: &str = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";
pub(super) const CA_STRING: &str = "CAMUNDA_CUSTOM_ROOT_CERT_STRING";
pub(super) const CERTIFICATE: &str = "CAMUNDA_CUSTOM_CERT_CHAIN_PATH";
pub(super) const KEY: &str = "CAMUNDA_CUSTOM_PRIVATE_KEY_PATH";

pub(super) const AUTHORITY: [&str; 2] = ["CAMUNDA_OVERRIDE_AUTHORITY", "ZEEBE_OVERRIDE_AUTHORITY"];
pub(super) const KEEPALIVE: [&str; 3] = [
    "CAMUNDA_KEEP_ALIVE",
    "ZEEBE_KEEP_ALIVE",
    "GRPC_KEEPALIVE_TIME_MS",
];
pub(super) const KEEPALIVE_TIMEOUT: &str = "GRPC_KEEPALIVE_TIMEOUT_MS";

/// Variables, why none of them is used where nothing more exact is known, and what to do.
pub(super) struct Group {
    pub(super) names: &'static [&'static str],
    pub(super) why: &'static str,
    pub(super) hint: &'static str,
}

const NO_TOKEN: &str = "the channel asks for no token";
const TO_HAVE_ONE: &str = "to have one, set CAMUNDA_CLIENT_ID and CAMUNDA_CLIENT_SECRET, and no other CAMUNDA_AUTH_STRATEGY than OAUTH";
const PLAINTEXT: &str = "nothing of the channel goes over TLS";
const TO_HAVE_TLS: &str =
    "for TLS, unset ZEEBE_INSECURE_CONNECTION and give the address as grpcs://";
const OF_REST: &str = "it is for Camunda's REST API, and a channel speaks gRPC";
const OF_CALLS: &str = "it is of workers and calls, and libzeebe makes channels";
const KEY_STORE: &str = "it is of a PKCS#12 or JKS key store, and libzeebe reads PEM files";
const TOKEN_FILE: &str =
    "libzeebe keeps tokens in no file unless the program says so, and its format is its own";

/// All there are, those that a channel can use first.
#[rustfmt::skip]
pub(super) const ALL: &[Group] = &[
    Group { names: &ADDRESS, why: "CAMUNDA_CLUSTER_ID gives the address", hint: "to reach this address, unset CAMUNDA_CLUSTER_ID" },
    Group { names: &[HOST, PORT], why: "another variable gives the address", hint: "to reach this address, unset the other one" },
    Group { names: &[SECURE, INSECURE], why: "Camunda's cloud is reached over TLS alone", hint: "to reach another gateway, unset CAMUNDA_CLUSTER_ID" },
    Group { names: &["CAMUNDA_CLUSTER_ID"], why: "the channel goes elsewhere", hint: "unset it" },
    Group { names: &["CAMUNDA_CLUSTER_REGION"], why: "it belongs to CAMUNDA_CLUSTER_ID, which is not set", hint: "set that, too, or unset this one" },
    Group { names: &["CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID", "CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET"], why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &TOKEN_URL, why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &[WELL_KNOWN_URL, ISSUER_URL], why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &AUDIENCE, why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &SCOPE, why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &RESOURCE, why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &[AUTHENTICATION], why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &CONNECT_TIMEOUT, why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &TIMEOUT, why: NO_TOKEN, hint: TO_HAVE_ONE },
    Group { names: &[STRATEGY], why: "CAMUNDA_OAUTH_DISABLED comes before it", hint: "unset one of the two" },
    Group { names: &[OAUTH_DISABLED], why: "another variable comes before it", hint: "unset one of the two" },
    Group { names: &[BASIC_USERNAME, BASIC_PASSWORD], why: "the channel's credentials are others", hint: "for HTTP Basic, set CAMUNDA_AUTH_STRATEGY to BASIC" },
    Group { names: &[BEARER_TOKEN], why: "it is used with CAMUNDA_AUTH_STRATEGY=BEARER alone", hint: "set that, too, or unset this one" },
    Group { names: &CA, why: PLAINTEXT, hint: TO_HAVE_TLS },
    Group { names: &[CERTIFICATE, KEY], why: PLAINTEXT, hint: TO_HAVE_TLS },
    Group { names: &AUTHORITY, why: "another variable comes before it", hint: "unset one of the two" },
    Group { names: &KEEPALIVE, why: "another variable comes before it", hint: "unset one of the two" },
    Group { names: &[KEEPALIVE_TIMEOUT], why: "another variable comes before it", hint: "unset one of the two" },

    Group {
        names: &[
            "CAMUNDA_SSL_CLIENT_KEYSTORE_PATH", "CAMUNDA_SSL_CLIENT_KEYSTORE_SECRET", "CAMUNDA_SSL_CLIENT_KEYSTORE_KEY_SECRET",
            "ZEEBE_SSL_CLIENT_KEYSTORE_PATH", "ZEEBE_SSL_CLIENT_KEYSTORE_SECRET", "ZEEBE_SSL_CLIENT_KEYSTORE_KEY_SECRET",
        ],
        why: KEY_STORE,
        hint: "write its key and its certificates to PEM files (openssl pkcs12 -in STORE -nodes) and name them in CAMUNDA_CUSTOM_PRIVATE_KEY_PATH and CAMUNDA_CUSTOM_CERT_CHAIN_PATH",
    },
    Group {
        names: &[
            "CAMUNDA_SSL_CLIENT_TRUSTSTORE_PATH", "CAMUNDA_SSL_CLIENT_TRUSTSTORE_SECRET",
            "ZEEBE_SSL_CLIENT_TRUSTSTORE_PATH", "ZEEBE_SSL_CLIENT_TRUSTSTORE_SECRET",
        ],
        why: KEY_STORE,
        hint: "write its certificates to a PEM file (openssl pkcs12 -in STORE -nokeys) and name it in CAMUNDA_CA_CERTIFICATE_PATH",
    },
    Group {
        names: &[
            "CAMUNDA_CLIENT_ASSERTION_KEYSTORE_PATH", "CAMUNDA_CLIENT_ASSERTION_KEYSTORE_PASSWORD",
            "CAMUNDA_CLIENT_ASSERTION_KEYSTORE_KEY_ALIAS", "CAMUNDA_CLIENT_ASSERTION_KEYSTORE_KEY_PASSWORD",
        ],
        why: KEY_STORE,
        hint: "write its key to a PEM file (openssl pkcs12 -in STORE -nodes -nocerts), name it in CAMUNDA_CUSTOM_PRIVATE_KEY_PATH, and set ZEEBE_CLIENT_AUTHENTICATION=private_key_jwt",
    },
    Group {
        names: &[
            "CAMUNDA_CLIENT_CONFIG_PATH", "ZEEBE_CLIENT_CONFIG_PATH", "CAMUNDA_TOKEN_CACHE_DIR", "CAMUNDA_TOKEN_DISK_CACHE_DISABLE",
            "CAMUNDA_OAUTH_CACHE_DIR", "ZEEBE_CACHE",
        ],
        why: TOKEN_FILE,
        hint: "unset it; a program can name a file in token_options.cache_path, but never one of another client",
    },
    Group {
        names: &[
            "CAMUNDA_REST_ADDRESS", "ZEEBE_REST_ADDRESS", "CAMUNDA_PREFER_REST", "ZEEBE_PREFER_REST", "CAMUNDA_MAX_HTTP_CONNECTIONS",
            "CAMUNDA_MTLS_CERT", "CAMUNDA_MTLS_CERT_PATH", "CAMUNDA_MTLS_KEY", "CAMUNDA_MTLS_KEY_PATH",
            "CAMUNDA_MTLS_CA", "CAMUNDA_MTLS_CA_PATH", "CAMUNDA_MTLS_KEY_PASSPHRASE",
        ],
        why: OF_REST,
        hint: "unset it; of gRPC are CAMUNDA_GRPC_ADDRESS, CAMUNDA_CA_CERTIFICATE_PATH, CAMUNDA_CUSTOM_CERT_CHAIN_PATH and CAMUNDA_CUSTOM_PRIVATE_KEY_PATH",
    },
    Group { names: &["CAMUNDA_OAUTH_SCOPE", "CAMUNDA_CREDENTIALS_SCOPES"], why: "only Camunda's REST clients and its console read it", hint: "for the scope of a token, set CAMUNDA_TOKEN_SCOPE" },
    Group { names: &["CAMUNDA_OAUTH_TIMEOUT_MS"], why: "only Camunda's REST clients read it", hint: "for how long a token may take, set CAMUNDA_AUTH_READ_TIMEOUT" },
    Group {
        names: &[
            "CAMUNDA_TASKLIST_BASE_URL", "CAMUNDA_OPERATE_BASE_URL", "CAMUNDA_OPTIMIZE_BASE_URL", "CAMUNDA_MODELER_BASE_URL", "CAMUNDA_ADMIN_BASE_URL",
            "CAMUNDA_CONSOLE_BASE_URL", "CAMUNDA_CONSOLE_CLIENT_ID", "CAMUNDA_CONSOLE_CLIENT_SECRET", "CAMUNDA_CONSOLE_OAUTH_AUDIENCE",
            "CAMUNDA_TASKLIST_OAUTH_AUDIENCE", "CAMUNDA_OPERATE_OAUTH_AUDIENCE", "CAMUNDA_OPTIMIZE_OAUTH_AUDIENCE", "CAMUNDA_MODELER_OAUTH_AUDIENCE",
        ],
        why: "it is of another of Camunda's products, whose API is REST",
        hint: "unset it",
    },
    Group {
        names: &[
            "CAMUNDA_DEFAULT_TENANT_ID", "ZEEBE_DEFAULT_TENANT_ID", "CAMUNDA_TENANT_ID", "ZEEBE_TENANT_ID",
            "CAMUNDA_DEFAULT_JOB_WORKER_TENANT_IDS", "ZEEBE_DEFAULT_JOB_WORKER_TENANT_IDS", "CAMUNDA_DEFAULT_JOB_WORKER_TENANT_FILTER_MODE",
        ],
        why: "the tenant is each request's own",
        hint: "write it into tenantId and tenantIds of the requests",
    },
    Group {
        names: &[
            "CAMUNDA_CLIENT_WORKER_STREAM_ENABLED", "ZEEBE_CLIENT_WORKER_STREAM_ENABLED",
            "ZEEBE_GRPC_WORKER_LONGPOLL_SECONDS", "ZEEBE_GRPC_WORKER_POLL_INTERVAL_MS",
        ],
        why: OF_CALLS,
        hint: "give it to a job stream as options",
    },
    Group {
        names: &[
            "CAMUNDA_CLIENT_USE_DEFAULT_RETRY_POLICY", "ZEEBE_CLIENT_USE_DEFAULT_RETRY_POLICY",
            "ZEEBE_GRPC_CLIENT_RETRY", "ZEEBE_GRPC_CLIENT_MAX_RETRIES", "ZEEBE_GRPC_CLIENT_MAX_RETRY_TIMEOUT_SECONDS",
        ],
        why: "calls are sent again by the policy of grpc.service_config alone",
        hint: "give the channel option grpc.service_config to one of the other constructors",
    },
];
