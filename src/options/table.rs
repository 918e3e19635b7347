//! The table of options: one group a struct of the header, in the order of its fields.

use super::{Absent, Number, Spec, Takes, Unit};

/// The options of one struct of the header, but for its size and what is reserved.
#[derive(Debug)]
pub struct Group {
    /// The struct's name, without `zeebe_`.
    pub name: &'static str,
    /// In the order of the struct's fields.
    pub options: &'static [&'static Spec],
}

const DAY_MS: i64 = 24 * 3_600_000;

const fn number(unit: Unit, most: i64, default: Absent, has_none: bool) -> Takes {
    Takes::Number(Number {
        unit,
        least: 1,
        most,
        default,
        has_none,
    })
}

/// Pauses do not shrink.
const fn backoff_factor() -> Takes {
    Takes::Number(Number {
        unit: Unit::Percent,
        least: 100,
        most: 1000,
        default: Absent::Value(160),
        has_none: false,
    })
}

macro_rules! options {
    ($($name:ident = $place:literal $field:literal, $takes:expr;)*) => {
        $(
            #[doc = concat!("`", $place, ".", $field, "`.")]
            pub static $name: Spec = Spec { place: $place, name: $field, takes: $takes };
        )*

        /// Each once.
        pub static ALL: &[&Spec] = &[$(&$name),*];
    };
}

#[rustfmt::skip]
options! {
    CONNECT_ADDRESS = "connection_options" "connect_address", Takes::Text;
    CONNECTION_METADATA = "connection_options" "metadata", Takes::Object;
    CONNECTION_TIMEOUT = "connection_options" "timeout_ms", number(Unit::Milliseconds, i64::MAX, Absent::Is("none"), false);
    CONNECTION_WAIT_FOR_READY = "connection_options" "wait_for_ready", Takes::Constant("WAIT_FOR_READY");
    ALLOW_INSECURE_GATEWAY = "connection_options" "allow_insecure_gateway", Takes::Flag;
    MAX_WAITING_CALLS = "connection_options" "max_waiting_calls", number(Unit::Count, 1_000_000, Absent::Value(4096), true);

    CLIENT_AUTHENTICATION = "token_options" "client_authentication", Takes::Constant("CLIENT_AUTHENTICATION");
    ALLOW_INSECURE_TOKEN_URL = "token_options" "allow_insecure_token_url", Takes::Flag;
    PREFETCH = "token_options" "prefetch", Takes::Flag;
    TOKEN_CONNECT_TIMEOUT = "token_options" "connect_timeout_ms", number(Unit::Milliseconds, i64::MAX, Absent::Value(10_000), false);
    TOKEN_TIMEOUT = "token_options" "timeout_ms", number(Unit::Milliseconds, i64::MAX, Absent::Value(30_000), false);
    TOKEN_CA = "token_options" "token_ca", Takes::Pem;
    TOKEN_PRIVATE_KEY = "token_options" "private_key", Takes::Pem;
    TOKEN_CERTIFICATE_CHAIN = "token_options" "certificate_chain", Takes::Pem;
    KEY_ID = "token_options" "key_id", Takes::Text;
    TOKEN_HTTP_PROXY = "token_options" "http_proxy", Takes::Text;
    CACHE_PATH = "token_options" "cache_path", Takes::Text;
    ASSERTION_AUDIENCE = "token_options" "assertion_audience", Takes::Text;
    SEND_ROOT_CERTIFICATE = "token_options" "send_root_certificate", Takes::Flag;

    GRPC_ADDRESS = "options" "grpc_address", Takes::Text;
    CHANNEL_CREDENTIALS = "options" "channel_credentials", Takes::Object;
    CHANNEL_OPTIONS = "options" "channel_options", Takes::List;
    CHANNEL_OPTIONS_COUNT = "options" "channel_options_count", Takes::Object;
    CONNECTION_OPTIONS = "options" "connection_options", Takes::Object;
    CLIENT_ID = "options" "client_id", Takes::Text;
    CLIENT_SECRET = "options" "client_secret", Takes::Text;
    AUTHORIZATION_SERVER = "options" "authorization_server", Takes::Text;
    SCOPE = "options" "scope", Takes::Text;
    AUDIENCE = "options" "audience", Takes::Text;
    LEEWAY = "options" "leeway", number(Unit::Seconds, i64::MAX, Absent::Value(60), true);
    EXPIRE_IN = "options" "expire_in", number(Unit::Seconds, i64::MAX, Absent::Is("not given"), false);
    TOKEN_OPTIONS = "options" "token_options", Takes::Object;
    CLUSTER_ID = "options" "cluster_id", Takes::Text;
    REGION = "options" "region", Takes::Text;
    OAUTH2 = "options" "oauth2", Takes::Object;
    RETRIEVE = "options" "retrieve", Takes::Object;
    CANCEL = "options" "cancel", Takes::Object;
    DESTROY = "options" "destroy", Takes::Object;

    ROOT_CERTIFICATES = "options" "root_certificates", Takes::Pem;
    PRIVATE_KEY = "options" "private_key", Takes::Pem;
    CERTIFICATE_CHAIN = "options" "certificate_chain", Takes::Pem;

    TIMEOUT = "options" "timeout_ms", number(Unit::Milliseconds, i64::MAX, Absent::Is("the channel's"), true);
    METADATA = "options" "metadata", Takes::Object;
    CREDENTIALS = "options" "credentials", Takes::Object;
    AUTHORITY = "options" "authority", Takes::Text;
    MAX_RECEIVE_MESSAGE_LENGTH = "options" "max_receive_message_length", number(Unit::Bytes, i32::MAX as i64, Absent::Is("the channel's"), true);
    WAIT_FOR_READY = "options" "wait_for_ready", Takes::Constant("WAIT_FOR_READY");
    COMPRESSION = "options" "compression", Takes::Constant("COMPRESSION");
    MANUAL_REQUESTS = "options" "manual_requests", Takes::Constant("REQUESTS");
    DISCARD_METADATA = "options" "discard_metadata", Takes::Flag;
    MAX_BUFFERED_MESSAGES = "options" "max_buffered_messages", number(Unit::Count, 100_000, Absent::Value(8192), false);
    MAX_BUFFERED_BYTES = "options" "max_buffered_bytes", number(Unit::Bytes, i32::MAX as i64, Absent::Value(2 * 1024 * 1024), false);

    MAX_BUFFERED_JOBS = "options" "max_buffered_jobs", number(Unit::Count, 100_000, Absent::Value(32), false);
    MAX_BUFFERED_JOB_BYTES = "options" "max_buffered_job_bytes", number(Unit::Bytes, i32::MAX as i64, Absent::Value(2 * 1024 * 1024), false);
    WATCHDOG = "options" "watchdog_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Value(60_000), false);
    POLL_INTERVAL = "options" "poll_interval_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Value(10_000), false);
    ON_ERROR = "options" "on_error", Takes::Object;
    USER_DATA = "options" "user_data", Takes::Object;

    JOB_TYPE = "worker_options" "job_type", Takes::Text;
    WORKER_NAME = "worker_options" "worker_name", Takes::Text;
    JOB_TIMEOUT = "worker_options" "job_timeout_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Value(300_000), false);
    MAX_JOBS_ACTIVE = "worker_options" "max_jobs_active", number(Unit::Count, 100_000, Absent::Value(32), false);
    HANDLERS_AT_ONCE = "worker_options" "handlers_at_once", number(Unit::Count, 100_000, Absent::Is("as many as may be active"), false);
    FETCH_VARIABLES = "worker_options" "fetch_variables", Takes::List;
    FETCH_VARIABLES_COUNT = "worker_options" "fetch_variables_count", Takes::Object;
    TENANT_IDS = "worker_options" "tenant_ids", Takes::List;
    TENANT_IDS_COUNT = "worker_options" "tenant_ids_count", Takes::Object;
    POLLS_ALONE = "worker_options" "polls_alone", Takes::Flag;
    EXTEND_TIMEOUT = "worker_options" "extend_timeout", Takes::Flag;
    LEAVE_FREED_JOBS = "worker_options" "leave_freed_jobs", Takes::Flag;
    FORWARD_TRACE_CONTEXT = "worker_options" "forward_trace_context", Takes::Flag;
    WORKER_WATCHDOG = "worker_options" "watchdog_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Value(60_000), false);
    STREAM_TIMEOUT = "worker_options" "stream_timeout_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Is("none"), false);
    WORKER_POLL_INTERVAL = "worker_options" "poll_interval_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Value(10_000), false);
    REQUEST_TIMEOUT = "worker_options" "request_timeout_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Value(10_000), false);
    BACKOFF_MIN = "worker_options" "backoff_min_ms", number(Unit::Milliseconds, DAY_MS, Absent::Value(50), false);
    BACKOFF_MAX = "worker_options" "backoff_max_ms", number(Unit::Milliseconds, DAY_MS, Absent::Value(5_000), false);
    BACKOFF_FACTOR = "worker_options" "backoff_factor_percent", backoff_factor();
    BACKOFF_JITTER = "worker_options" "backoff_jitter_percent", number(Unit::Percent, 100, Absent::Value(10), true);
    RETRY_BACKOFF = "worker_options" "retry_backoff_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Is("none"), false);
    GRACE = "worker_options" "grace_ms", number(Unit::Milliseconds, 366 * DAY_MS, Absent::Value(10_000), true);
    WORKER_METADATA = "worker_options" "metadata", Takes::Object;

    IO_THREADS = "options" "io_threads", number(Unit::Count, 64, Absent::Value(1), false);
    CALLBACK_THREADS = "options" "callback_threads", number(Unit::Count, 256, Absent::Is("none"), false);
    THREAD_NAME = "options" "thread_name", Takes::Text;
    CALLER_DRIVEN = "options" "caller_driven", Takes::Flag;
}

/// Each struct of options once; an option that several have is in each.
#[rustfmt::skip]
pub static GROUPS: &[Group] = &[
    Group { name: "runtime_options", options: &[&IO_THREADS, &CALLBACK_THREADS, &THREAD_NAME, &CALLER_DRIVEN] },
    Group { name: "ssl_channel_credentials_options", options: &[&ROOT_CERTIFICATES, &PRIVATE_KEY, &CERTIFICATE_CHAIN] },
    Group { name: "token_options", options: &[
        &CLIENT_AUTHENTICATION, &ALLOW_INSECURE_TOKEN_URL, &PREFETCH, &TOKEN_CONNECT_TIMEOUT, &TOKEN_TIMEOUT, &TOKEN_CA,
        &TOKEN_PRIVATE_KEY, &TOKEN_CERTIFICATE_CHAIN, &KEY_ID, &TOKEN_HTTP_PROXY, &CACHE_PATH, &ASSERTION_AUDIENCE,
        &SEND_ROOT_CERTIFICATE,
    ] },
    Group { name: "oauth2_client_credentials_metadata_plugin_options", options: &[
        &CLIENT_ID, &CLIENT_SECRET, &AUTHORIZATION_SERVER, &SCOPE, &AUDIENCE, &LEEWAY, &EXPIRE_IN, &TOKEN_OPTIONS,
    ] },
    Group { name: "oauth2_metadata_plugin_options", options: &[&RETRIEVE, &CANCEL, &DESTROY, &LEEWAY, &EXPIRE_IN] },
    Group { name: "connection_options", options: &[
        &CONNECT_ADDRESS, &CONNECTION_METADATA, &CONNECTION_TIMEOUT, &CONNECTION_WAIT_FOR_READY, &ALLOW_INSECURE_GATEWAY,
        &MAX_WAITING_CALLS,
    ] },
    Group { name: "insecure_channel_options", options: &[
        &GRPC_ADDRESS, &CHANNEL_OPTIONS, &CHANNEL_OPTIONS_COUNT, &CONNECTION_OPTIONS,
    ] },
    Group { name: "secure_channel_options", options: &[
        &GRPC_ADDRESS, &CHANNEL_OPTIONS, &CHANNEL_OPTIONS_COUNT, &CHANNEL_CREDENTIALS, &CONNECTION_OPTIONS,
    ] },
    Group { name: "oauth2_client_credentials_channel_options", options: &[
        &GRPC_ADDRESS, &CLIENT_ID, &CLIENT_SECRET, &AUTHORIZATION_SERVER, &SCOPE, &AUDIENCE, &CHANNEL_CREDENTIALS, &CHANNEL_OPTIONS,
        &CHANNEL_OPTIONS_COUNT, &LEEWAY, &EXPIRE_IN, &TOKEN_OPTIONS, &CONNECTION_OPTIONS,
    ] },
    Group { name: "camunda_cloud_channel_options", options: &[&CLUSTER_ID, &REGION, &OAUTH2] },
    Group { name: "call_options", options: &[
        &TIMEOUT, &METADATA, &CREDENTIALS, &AUTHORITY, &MAX_RECEIVE_MESSAGE_LENGTH, &WAIT_FOR_READY, &COMPRESSION, &MANUAL_REQUESTS,
        &DISCARD_METADATA, &MAX_BUFFERED_MESSAGES, &MAX_BUFFERED_BYTES,
    ] },
    Group { name: "job_stream_options", options: &[
        &METADATA, &MAX_BUFFERED_JOBS, &WATCHDOG, &POLL_INTERVAL, &MANUAL_REQUESTS, &ON_ERROR, &MAX_BUFFERED_JOB_BYTES, &USER_DATA, &DESTROY,
    ] },
    Group { name: "job_worker_options", options: &[
        &JOB_TYPE, &WORKER_NAME, &JOB_TIMEOUT, &MAX_JOBS_ACTIVE, &HANDLERS_AT_ONCE, &FETCH_VARIABLES, &FETCH_VARIABLES_COUNT, &TENANT_IDS,
        &TENANT_IDS_COUNT, &POLLS_ALONE, &EXTEND_TIMEOUT, &LEAVE_FREED_JOBS, &FORWARD_TRACE_CONTEXT, &WORKER_WATCHDOG, &STREAM_TIMEOUT,
        &WORKER_POLL_INTERVAL, &REQUEST_TIMEOUT, &BACKOFF_MIN, &BACKOFF_MAX, &BACKOFF_FACTOR, &BACKOFF_JITTER, &RETRY_BACKOFF, &GRACE,
        &WORKER_METADATA,
    ] },
];
