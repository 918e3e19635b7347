// SPDX-License-Identifier: Apache-2.0
// Enumerations and constants of zeebe.h. New ones may appear in any of them. Part of zeebe.hpp.
#ifndef ZEEBE_CONSTANTS_HPP
#define ZEEBE_CONSTANTS_HPP

#include <cstdint>
#include <zeebe.h>

namespace zeebe {

/// The connectivity of a channel, with gRPC's numbers.
enum class Connectivity : std::int32_t {
    idle = ZEEBE_CONNECTIVITY_IDLE,
    connecting = ZEEBE_CONNECTIVITY_CONNECTING,
    ready = ZEEBE_CONNECTIVITY_READY,
    transient_failure = ZEEBE_CONNECTIVITY_TRANSIENT_FAILURE,
    shutdown = ZEEBE_CONNECTIVITY_SHUTDOWN,
};

/// Whether a call waits while the gateway cannot be reached, or fails with the reason.
enum class WaitForReady : std::int32_t {
    channel_default = ZEEBE_WAIT_FOR_READY_DEFAULT,
    yes = ZEEBE_WAIT_FOR_READY_YES,
    no = ZEEBE_WAIT_FOR_READY_NO,
};

/// How messages are compressed.
enum class Compression : std::int32_t {
    channel_default = ZEEBE_COMPRESSION_DEFAULT,
    identity = ZEEBE_COMPRESSION_IDENTITY,
    gzip = ZEEBE_COMPRESSION_GZIP,
};

/// How the client proves who it is to the token endpoint.
enum class ClientAuthentication : std::int32_t {
    /// `basic` for OAuth channels, `body` for Camunda's cloud.
    channel_default = ZEEBE_CLIENT_AUTHENTICATION_DEFAULT,
    /// HTTP Basic of id and secret as they are.
    basic = ZEEBE_CLIENT_AUTHENTICATION_BASIC,
    /// HTTP Basic of id and secret, each form-encoded first (RFC 6749 section 2.3.1).
    basic_rfc6749 = ZEEBE_CLIENT_AUTHENTICATION_BASIC_RFC6749,
    /// `client_id` and `client_secret` in the body.
    body = ZEEBE_CLIENT_AUTHENTICATION_BODY,
    /// An assertion that `private_key` signs (RFC 7523). Needs no secret.
    private_key_jwt = ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT,
    /// `certificate_chain` on the TLS connection (RFC 8705). Needs no secret.
    tls = ZEEBE_CLIENT_AUTHENTICATION_TLS,
};

/// How much is logged.
enum class LogLevel : std::int32_t {
    off = ZEEBE_LOG_LEVEL_OFF,
    /// What lost something.
    error = ZEEBE_LOG_LEVEL_ERROR,
    /// What a person should look at: failed connections, ignored options.
    warn = ZEEBE_LOG_LEVEL_WARN,
    /// Rare events: a token came.
    info = ZEEBE_LOG_LEVEL_INFO,
    debug = ZEEBE_LOG_LEVEL_DEBUG,
    trace = ZEEBE_LOG_LEVEL_TRACE,
};

/// What an Event of a completion queue is about.
enum class EventType : std::int32_t {
    none = ZEEBE_EVENT_TYPE_NONE,
    /// A unary call has ended: Event::result().
    unary = ZEEBE_EVENT_TYPE_UNARY,
    /// An answer began: Event::metadata().
    initial_metadata = ZEEBE_EVENT_TYPE_INITIAL_METADATA,
    /// A message or a job came: Event::message().
    message = ZEEBE_EVENT_TYPE_MESSAGE,
    /// More may be sent; advice.
    ready = ZEEBE_EVENT_TYPE_READY,
    /// A call, a job stream or a worker has ended: Event::metadata() are the trailers, Event::end() says how.
    close = ZEEBE_EVENT_TYPE_CLOSE,
    /// CompletionQueue::post().
    posted = ZEEBE_EVENT_TYPE_POSTED,
    /// Anything else has ended: Event::end() says how; Event::state() or Event::metadata() is what it gave.
    done = ZEEBE_EVENT_TYPE_DONE,
    /// A job stream or a worker goes on after a failure: Event::error(), Event::failures(), Event::pause().
    job_stream_error = ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR,
    /// A worker gives a job: Event::job().
    job = ZEEBE_EVENT_TYPE_JOB,
    /// The end of a job was settled: Event::end().
    job_ended = ZEEBE_EVENT_TYPE_JOB_ENDED,
};

/// What became of a job's end.
enum class JobOutcome : std::int32_t {
    none = ZEEBE_JOB_OUTCOME_NONE,
    /// The gateway has taken it.
    ended = ZEEBE_JOB_OUTCOME_ENDED,
    /// The gateway has not taken it, and will not.
    not_ended = ZEEBE_JOB_OUTCOME_NOT_ENDED,
    /// An answer was lost: it may have been taken, or not.
    unknown = ZEEBE_JOB_OUTCOME_UNKNOWN,
};

} // namespace zeebe

#endif
