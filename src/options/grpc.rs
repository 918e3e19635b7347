//! The channel arguments of gRPC that this library honours: grpc/grpc `include/grpc/impl/channel_arg_names.h`.

use super::{Absent, Number, Spec, Takes, Unit};

const MAX: i64 = i32::MAX as i64;

const fn number(unit: Unit, least: i64, default: i64) -> Takes {
    Takes::Number(Number {
        unit,
        least,
        most: MAX,
        default: Absent::Value(default),
        has_none: false,
    })
}

/// 0 or 1.
const fn flag(default: i64) -> Takes {
    Takes::Number(Number {
        unit: Unit::Count,
        least: 0,
        most: 1,
        default: Absent::Value(default),
        has_none: false,
    })
}

macro_rules! options {
    ($($name:ident = $key:literal, $takes:expr;)*) => {
        $(
            #[doc = concat!("`", $key, "`.")]
            pub static $name: Spec = Spec { place: "", name: $key, takes: $takes };
        )*

        /// Each once.
        pub static ALL: &[&Spec] = &[$(&$name),*];
    };
}

#[rustfmt::skip]
options! {
    KEEPALIVE_TIME = "grpc.keepalive_time_ms", number(Unit::Milliseconds, 0, 45_000);
    KEEPALIVE_TIMEOUT = "grpc.keepalive_timeout_ms", number(Unit::Milliseconds, 1, 20_000);
    KEEPALIVE_PERMIT_WITHOUT_CALLS = "grpc.keepalive_permit_without_calls", flag(0);
    MAX_RECEIVE_MESSAGE_LENGTH = "grpc.max_receive_message_length", number(Unit::Bytes, -1, 4 * 1024 * 1024);
    MAX_SEND_MESSAGE_LENGTH = "grpc.max_send_message_length", number(Unit::Bytes, -1, -1);
    MAX_METADATA_SIZE = "grpc.max_metadata_size", number(Unit::Bytes, 0, 16_384);
    SSL_TARGET_NAME_OVERRIDE = "grpc.ssl_target_name_override", Takes::Text;
    DEFAULT_AUTHORITY = "grpc.default_authority", Takes::Text;
    PRIMARY_USER_AGENT = "grpc.primary_user_agent", Takes::Text;
    SECONDARY_USER_AGENT = "grpc.secondary_user_agent", Takes::Text;
    INITIAL_RECONNECT_BACKOFF = "grpc.initial_reconnect_backoff_ms", number(Unit::Milliseconds, 100, 1_000);
    MIN_RECONNECT_BACKOFF = "grpc.min_reconnect_backoff_ms", number(Unit::Milliseconds, 100, 20_000);
    MAX_RECONNECT_BACKOFF = "grpc.max_reconnect_backoff_ms", number(Unit::Milliseconds, 100, 120_000);
    LB_POLICY_NAME = "grpc.lb_policy_name", Takes::OneOf(&["pick_first", "round_robin"]);
    SERVICE_CONFIG = "grpc.service_config", Takes::Text;
    ENABLE_RETRIES = "grpc.enable_retries", flag(1);
    HTTP_PROXY = "grpc.http_proxy", Takes::Text;
    ENABLE_HTTP_PROXY = "grpc.enable_http_proxy", flag(1);
    CLIENT_IDLE_TIMEOUT = "grpc.client_idle_timeout_ms", number(Unit::Milliseconds, 0, 1_800_000);
    // 1 is deflate, which gRPC servers do not offer.
    DEFAULT_COMPRESSION_ALGORITHM = "grpc.default_compression_algorithm", Takes::Named(&[(0, "identity"), (2, "gzip")]);
    DNS_MIN_TIME_BETWEEN_RESOLUTIONS = "grpc.dns_min_time_between_resolutions_ms", number(Unit::Milliseconds, 0, 30_000);
    // A quarter of it halves the rate of streams of 1 KiB messages.
    LOOKAHEAD_BYTES = "grpc.http2.lookahead_bytes", number(Unit::Bytes, 65_535, 2 * 1024 * 1024);
}
