/* libzeebe: a gRPC channel to a Zeebe gateway. Generated from the Rust sources: do not edit.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Conventions
 *
 * 0  Bytes are a pointer and a length; the pointer may be NULL when the length is 0.
 * 1  No struct, bool or enum by value, in or out: int32_t, int64_t, uint64_t, size_t and pointers
 *     only. Flags are int32_t, 0 or 1.
 * 2  Returns zeebe_error *: NULL is success, else owned by the caller. Out-parameters are written
 *     only on success, and required but for the `call` of unary calls and any `length`. A local
 *     time-out is RPC, DEADLINE_EXCEEDED.
 * 3  X * returned, or written to X **, is owned: one _free each. const X * returned is borrowed
 *     from the object it was asked of, until that is freed. const X * or const char * given is
 *     copied. What a callback receives as const is borrowed until it returns; _ref keeps it longer,
 *     without a copy; a non-const X * given to a callback is its own.
 * 4  Structs that begin with `size` may grow at the end; in them 0 and NULL always mean "not
 *     given", so {size, 0…} is what _INIT says. Where 0 is a value of its own, a named constant
 *     stands for it (ZEEBE_LEEWAY_NONE). What an array holds, and any struct without `size`, never
 *     changes; zeebe_event alone may, its size goes with each call.
 * 5  Any thread, at once, on one handle, but for _free, which needs that no other call on this same
 *     pointer is running: give each thread its own _ref, which is a pointer of its own. _free,
 *     _ref, accessors and void functions take NULL. So a callback that frees a call holds a
 *     reference of its own while the starting thread still works on `*call`. No _free blocks; each
 *     may be called inside any callback but the log's. Only *_sync, zeebe_channel_wait_ready,
 *     zeebe_completion_queue_next and _take, and zeebe_job_worker_next with a time-out,
 *     zeebe_runtime_poll and zeebe_runtime_shutdown block; on a library thread they return
 *     ILLEGAL_STATE.
 * 6  A callback runs on a library thread, never inside the function that was given it. Those of one
 *     call never overlap and happen one after another. `call` is written before the first.
 *     `destroy` runs exactly once, after the last. If the function that takes it returns an error,
 *     destroy never runs: free user_data yourself.
 * 7  Parameters timeout_ms: < 0 forever, 0 do not wait. New constants may appear in any
 *     enumeration: an unknown error kind is judged by its grpc_status.
 * 8  In a child of fork(): functions on an older handle return SHUTDOWN, its callbacks and destroys
 *     never run, its _free does nothing (the memory stays); new handles work if no program thread
 *     was in a zeebe_* call at the fork.
 * 9  Library threads block every signal, SIGPIPE too; no handler is ever installed. exit() joins
 *     nothing, so a callback may run beside static destructors: a program that cannot bear that
 *     calls zeebe_runtime_shutdown() first. A callback must not unwind (throw, longjmp, panic).
 * 10 A bug in the library is an error of kind INTERNAL and a log record, which say where it is; the
 *     library prints nothing. (A Rust program that links it as a crate shares its panic hook: the
 *     one set before hears of all panics but the library's, one set later replaces the library's.)
 * 11 A thread that calls the library has 128 KiB of stack or more.
 */

#ifndef ZEEBE_H
#define ZEEBE_H

#include <stddef.h>
#include <stdint.h>

/** Of the header's version; zeebe_version() is the library's. */
#define ZEEBE_VERSION_MAJOR 0
/** Of the header's version. */
#define ZEEBE_VERSION_MINOR 1
/** Of the header's version. */
#define ZEEBE_VERSION_PATCH 0

#ifndef ZEEBE_API
#  if defined(__GNUC__)
#    define ZEEBE_API __attribute__((visibility("default")))
#  else
#    define ZEEBE_API
#  endif
#endif

/** A leeway of no seconds; 0 is "not given". */
#define ZEEBE_LEEWAY_NONE (-1)
/**
 * A call without a deadline, in ::zeebe_call_options, where 0 is "not given"; in
 * ::zeebe_connection_options 0 says that.
 */
#define ZEEBE_TIMEOUT_NONE (-1)
/** Of zeebe_job_fail(): one retry less than the job has. */
#define ZEEBE_RETRIES_ONE_LESS (-1)
/** No grace at all, in ::zeebe_job_worker_options, where 0 is "not given". */
#define ZEEBE_GRACE_NONE (-1)
/** No jitter at all, in ::zeebe_job_worker_options, where 0 is "not given". */
#define ZEEBE_JITTER_NONE (-1)

#ifdef __cplusplus
extern "C" {
#endif

/* ============================================================================================== */
/* Handles
 *
 * Opaque. Each has a _free, and most a _ref.
 */

/** A log record, only ever lent to the log callback. */
typedef struct zeebe_log_record zeebe_log_record;

/** Why a function or a call failed. Owned by who received it: zeebe_error_free(). */
typedef struct zeebe_error zeebe_error;

/** Immutable bytes, counted. Owned by who received it: zeebe_buffer_free(). */
typedef struct zeebe_buffer zeebe_buffer;

/** Ordered key/value pairs of a call. Owned by who received it: zeebe_metadata_free(). */
typedef struct zeebe_metadata zeebe_metadata;

/**
 * What secures a channel's connections and authenticates its calls; any number of channels may
 * share it. Owned by who received it: zeebe_channel_credentials_free().
 */
typedef struct zeebe_channel_credentials zeebe_channel_credentials;

/** A request for a token, owned by the host's token source: zeebe_token_request_free(). */
typedef struct zeebe_token_request zeebe_token_request;

/**
 * Adds metadata to calls; channels and calls share it. Owned by who received it:
 * zeebe_metadata_plugin_free().
 */
typedef struct zeebe_metadata_plugin zeebe_metadata_plugin;

/** A virtual connection to a gateway. Owned by who received it: zeebe_channel_free(). */
typedef struct zeebe_channel zeebe_channel;

/** A call under way. Owned by who received it: zeebe_call_free(). */
typedef struct zeebe_call zeebe_call;

/**
 * Message, initial metadata and trailers of a call that ended OK; counted. Owned by who received
 * it: zeebe_response_free().
 */
typedef struct zeebe_response zeebe_response;

/**
 * Where the ends and events of what was begun wait to be taken. Owned by who received it:
 * zeebe_completion_queue_free().
 */
typedef struct zeebe_completion_queue zeebe_completion_queue;

/** A job stream. Owned by who received it: zeebe_job_stream_free(). */
typedef struct zeebe_job_stream zeebe_job_stream;

/** A job worker. Owned by who received it: zeebe_job_worker_free(). */
typedef struct zeebe_job_worker zeebe_job_worker;

/** A job of a worker. Owned by who received it: zeebe_job_free(). */
typedef struct zeebe_job zeebe_job;

/* ============================================================================================== */
/* The library
 *
 * Its version, threads, log and strings, and the settings that the environment holds.
 */

/** How much is logged: the level of zeebe_set_log_callback() and of a record. */
enum ZeebeLogLevel
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** Nothing. */
  ZEEBE_LOG_LEVEL_OFF = 0,
  /** What lost something. */
  ZEEBE_LOG_LEVEL_ERROR = 1,
  /** What a person should look at: failed connections, ignored options. */
  ZEEBE_LOG_LEVEL_WARN = 2,
  /** Rare events: a token came. */
  ZEEBE_LOG_LEVEL_INFO = 3,
  /** Connections and what happens to them. */
  ZEEBE_LOG_LEVEL_DEBUG = 4,
  /** Everything. */
  ZEEBE_LOG_LEVEL_TRACE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeLogLevel ZeebeLogLevel;
#else
typedef int32_t ZeebeLogLevel;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** Releases what `user_data` stands for: once, after the last callback that got it. */
typedef void (*zeebe_destroy)(void *user_data);

/**
 * Gets each record, one at a time, in order, on a thread of its own. It may call the
 * zeebe_log_record_ functions, zeebe_completion_queue_post() and zeebe_error_free() only.
 */
typedef void (*zeebe_log_callback)(void *user_data, const zeebe_log_record *record);

/** Of the process's runtime. Initialise it with ::ZEEBE_RUNTIME_OPTIONS_INIT. */
typedef struct {
  /** `sizeof(zeebe_runtime_options)`. */
  size_t size;
  /** Threads that drive connections. A connection stays on one of them. It is 1 to 64; 0: 1. */
  int32_t io_threads;
  /**
   * Threads for callbacks. Without them callbacks run on the I/O threads, and a slow one delays all
   * I/O there. It is 1 to 256; 0: none.
   */
  int32_t callback_threads;
  /** How their names begin, at most 8 bytes, such as `zeebe`; NULL: `zeebe`. */
  const char *thread_name;
  /**
   * 1: no I/O threads; the program's threads do the I/O, while they take events
   * (zeebe_completion_queue_take()), poll (zeebe_runtime_poll()) or block in any function of the
   * library, and callbacks without threads of their own run on them. For programs with an event
   * loop, or with one thread that reads for all: nothing is handed from thread to thread. Linux
   * only. See zeebe_runtime_poll(). 0: `io_threads`.
   */
  int32_t caller_driven;
  /** Must be 0. */
  uint32_t reserved;
} zeebe_runtime_options;
/** Nothing given. */
#define ZEEBE_RUNTIME_OPTIONS_INIT \
  { sizeof(zeebe_runtime_options), 0, 0, NULL, 0, 0 }

/**
 * What ::ZEEBE_RUNTIME_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_runtime_options_init(zeebe_runtime_options *options, size_t size);

/**
 * The version of the library that runs, for example `"0.1.0"`. Static: do not free it.
 *
 * ZEEBE_VERSION_MAJOR and its like are the header's.
 *
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_version(void);

/**
 * Sets how many threads the runtime will have, if any. Before the first connection; NULL: the
 * defaults. It holds for runtimes that begin after a zeebe_runtime_shutdown(), too, and not in a
 * forked child.
 *
 * ILLEGAL_STATE: the runtime runs already. INVALID_ARGUMENT: out of range.
 *
 * @param options Copied. NULL: nothing given.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_runtime_configure(const zeebe_runtime_options *options);

/**
 * Of a caller-driven runtime, writes a descriptor to `fd` that is readable when
 * zeebe_runtime_poll() has something to do: I/O, a time that is up, or what another thread began.
 *
 * It is the library's: only poll it, by level- or edge-triggered epoll, and not after
 * zeebe_runtime_shutdown(). ILLEGAL_STATE: the runtime has I/O threads. INVALID_ARGUMENT: NULL.
 * INTERNAL: no descriptors are left.
 *
 * @param fd Out.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_runtime_fd(int32_t *fd);

/**
 * Of a caller-driven runtime, does what there is to do, and waits for the first of it `timeout_ms`
 * at most (< 0: for ever; 0: not at all).
 *
 * Callbacks run in here. Who takes events from a completion queue needs no poll beside that:
 * zeebe_completion_queue_next() and zeebe_completion_queue_take() do the same, and
 * zeebe_completion_queue_fd() is readable for both. Any number of threads may poll or wait: one
 * drives, and the next goes on when it leaves. After a take that gave events, take again before you
 * wait on a descriptor, until none came: what begins meanwhile calls nobody, since the taker comes
 * back. Calls end and deadlines pass only while some thread polls, takes or waits: a program that
 * does neither for long looks dead to its gateway. Names are still looked up, and files read, on
 * threads of the library's. In a child of fork() a runtime of its own begins, with I/O threads
 * unless it is configured anew.
 *
 * ILLEGAL_STATE: the runtime has I/O threads; or in a callback.
 *
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_runtime_poll(int64_t timeout_ms);

/**
 * Cancels all calls, delivers their completions, and waits for the library's threads.
 *
 * For the program, at its end, never for a binding. On success no callback is running and none will
 * run, the log callback's included; older handles return SHUTDOWN and are still to be freed, and a
 * new one starts a fresh runtime. `timeout_ms` < 0 waits for ever.
 * RPC, DEADLINE_EXCEEDED: a callback has not returned yet; call it again. ILLEGAL_STATE: on a
 *   library thread.
 *
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_runtime_shutdown(int64_t timeout_ms);

/**
 * Sends the library's log records of `level` and more urgent ones to `callback`; NULL: to nobody.
 *
 * Replaces the callback before, whose `destroy` runs after its last record. Records hold no token
 * and no secret. A slow callback loses records, and is told how many; it delays nothing.
 * INVALID_ARGUMENT: an unknown level. ILLEGAL_STATE: in the log callback itself.
 *
 * @param level One of the ZEEBE_LOG_LEVEL_ constants.
 * @param callback Gets the records, one at a time. NULL: nobody does.
 * @param user_data The program's, handed to the callbacks as it is.
 * @param destroy Called once, after the last record. May be NULL.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_set_log_callback(int32_t level, zeebe_log_callback callback,
    void *user_data, zeebe_destroy destroy);

/**
 * Changes how much the log callback gets from now on: records of `level` and more urgent ones.
 *
 * The callback stays as it is; with ZEEBE_LOG_LEVEL_OFF it gets nothing until another level is set.
 * Records that wait for it still come.
 * INVALID_ARGUMENT: an unknown level. ILLEGAL_STATE: zeebe_set_log_callback() has set no callback,
 *   or set it with ZEEBE_LOG_LEVEL_OFF; in the log callback itself.
 *
 * @param level One of the ZEEBE_LOG_LEVEL_ constants.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_set_log_level(int32_t level);

/**
 * The level of a record: one of the ZEEBE_LOG_LEVEL_ constants; OFF for NULL.
 *
 * @param record Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_log_record_level(const zeebe_log_record *record);

/**
 * The part of the library that it comes from. Borrowed from the record; NULL for NULL.
 *
 * @param record Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_log_record_target(const zeebe_log_record *record);

/**
 * The record's text, UTF-8. Borrowed from the record; NULL for NULL.
 *
 * @param record Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_log_record_message(const zeebe_log_record *record);

/**
 * Frees a string that the library gave out, after overwriting it: it may be a secret. NULL is
 * allowed.
 *
 * @param string Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_string_free(char *string);

/** Called once; `error` is NULL on success, else borrowed until it returns. */
typedef void (*zeebe_done_callback)(void *user_data, const zeebe_error *error);

/**
 * The gateway's address: `ZEEBE_ADDRESS`, else `default_value`, else `localhost:26500`.
 *
 * NULL and "" count as not given. Reads the environment as getenv() does: not while another thread
 * changes it.
 * SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `address` is NULL,
 *   `default_value` is not UTF-8.
 *
 * @param default_value UTF-8, copied. NULL: none.
 * @param address Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_zeebe_address(const char *default_value, char **address);

/**
 * The token URL: `CAMUNDA_OAUTH_URL`, else `ZEEBE_AUTHORIZATION_SERVER_URL`, else `default_value`.
 *
 * NULL and "" count as not given. Reads the environment as getenv() does: not while another thread
 * changes it.
 * SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `url` is NULL,
 *   `default_value` is not UTF-8.
 *
 * @param default_value UTF-8, copied. NULL: none.
 * @param url Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_camunda_oauth_url(const char *default_value, char **url);

/**
 * The client id: `CAMUNDA_CLIENT_ID`, else `ZEEBE_CLIENT_ID`.
 *
 * NULL and "" count as not given. Reads the environment as getenv() does: not while another thread
 * changes it.
 * SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `client_id` is NULL.
 *
 * @param client_id Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_camunda_client_id(char **client_id);

/**
 * The client secret: `CAMUNDA_CLIENT_SECRET`, else `ZEEBE_CLIENT_SECRET`.
 *
 * NULL and "" count as not given. Reads the environment as getenv() does: not while another thread
 * changes it.
 * SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `client_secret` is
 *   NULL.
 *
 * @param client_secret Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_camunda_client_secret(char **client_secret);

/**
 * The cluster's id: `CAMUNDA_CLUSTER_ID`.
 *
 * NULL and "" count as not given. Reads the environment as getenv() does: not while another thread
 * changes it.
 * SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `cluster_id` is NULL.
 *
 * @param cluster_id Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_camunda_cluster_id(char **cluster_id);

/**
 * The cluster's region: `CAMUNDA_CLUSTER_REGION`, else `default_value`.
 *
 * NULL and "" count as not given. Reads the environment as getenv() does: not while another thread
 * changes it.
 * SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `cluster_region` is
 *   NULL, `default_value` is not UTF-8.
 *
 * @param default_value UTF-8, copied. NULL: none.
 * @param cluster_region Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_camunda_cluster_region(const char *default_value,
    char **cluster_region);

/**
 * The token's audience: `CAMUNDA_TOKEN_AUDIENCE`, else `ZEEBE_TOKEN_AUDIENCE`, else
 * `default_value`.
 *
 * NULL and "" count as not given. Reads the environment as getenv() does: not while another thread
 * changes it.
 * SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `audience` is NULL,
 *   `default_value` is not UTF-8.
 *
 * @param default_value UTF-8, copied. NULL: none.
 * @param audience Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_camunda_token_audience(const char *default_value, char **audience);

/**
 * The address of a cluster in Camunda's cloud: `CLUSTER_ID.CLUSTER_REGION.zeebe.camunda.io:443`.
 *
 * Reads no variable.
 * SETTINGS: one of the two is NULL or "". INVALID_ARGUMENT: `address` is NULL, an argument is not
 *   UTF-8.
 *
 * @param cluster_id UTF-8, copied. Not NULL.
 * @param cluster_region UTF-8, copied. Not NULL.
 * @param address Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_get_camunda_address(const char *cluster_id, const char *cluster_region,
    char **address);

/* ============================================================================================== */
/* Errors
 *
 * Why a function or a call failed, and gRPC's status codes.
 */

/**
 * What went wrong, as returned by zeebe_error_kind().
 *
 * New kinds may appear: judge an unknown one by its zeebe_error_grpc_status().
 */
enum ZeebeErrorKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** No error: the kind of NULL. */
  ZEEBE_ERROR_KIND_NONE = 0,
  /** An argument is NULL, malformed or out of range. Status 3. */
  ZEEBE_ERROR_KIND_INVALID_ARGUMENT = 1,
  /** The function cannot be used now or here. Status 9. */
  ZEEBE_ERROR_KIND_ILLEGAL_STATE = 2,
  /** A setting is missing or cannot be used. Status 9; 16 when it ends a call. */
  ZEEBE_ERROR_KIND_SETTINGS = 3,
  /** The token endpoint refused the client. Status 16. Trying again does not help. */
  ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS = 4,
  /** A certificate or key does not parse. Status 14. */
  ZEEBE_ERROR_KIND_TLS = 5,
  /** A call ended with a gRPC status, or a wait with a time-out. */
  ZEEBE_ERROR_KIND_RPC = 6,
  /** The channel or the runtime was shut down, or the handle is a parent process's. Status 14. */
  ZEEBE_ERROR_KIND_SHUTDOWN = 7,
  /** A bug in the library: a panic was caught. Status 13. */
  ZEEBE_ERROR_KIND_INTERNAL = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeErrorKind ZeebeErrorKind;
#else
typedef int32_t ZeebeErrorKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** Who says so, as returned by zeebe_error_source(). */
enum ZeebeErrorSource
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** No error: the source of NULL. */
  ZEEBE_ERROR_SOURCE_NONE = 0,
  /** The program: an argument, a cancel, its own token source. */
  ZEEBE_ERROR_SOURCE_CALLER = 1,
  /** The OAuth2 authorization server. */
  ZEEBE_ERROR_SOURCE_TOKEN_ENDPOINT = 2,
  /** Network, TLS, HTTP/2, or a proxy on the way. */
  ZEEBE_ERROR_SOURCE_TRANSPORT = 3,
  /** The gateway's own answer. */
  ZEEBE_ERROR_SOURCE_GATEWAY = 4,
  /** This library: a deadline, a limit, a shutdown. */
  ZEEBE_ERROR_SOURCE_LIBRARY = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeErrorSource ZeebeErrorSource;
#else
typedef int32_t ZeebeErrorSource;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The kind of an error: one of the ZEEBE_ERROR_KIND_ constants. NULL has kind NONE.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_error_kind(const zeebe_error *error);

/**
 * Who says so: one of the ZEEBE_ERROR_SOURCE_ constants. NULL has source NONE.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_error_source(const zeebe_error *error);

/**
 * The gRPC status: one of the ZEEBE_STATUS_ constants. OK only for NULL.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_error_grpc_status(const zeebe_error *error);

/**
 * What happened, in English, as UTF-8, for people and logs: it never holds a secret.
 *
 * The gateway's own text where it said why; its end is cut, and this is said, where it is longer
 * than grpc.max_metadata_size allows. Borrowed from the error. NULL for NULL.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_error_message(const zeebe_error *error);

/**
 * The option that is at fault or would help, such as "token_options.allow_insecure_token_url";
 * NULL: none, or none that is known.
 *
 * It is the first of those that the message names, each in full: a field, behind `token_options.`,
 * `connection_options.`, or `options.` for the struct that the function itself takes. So a binding
 * can say its own names. Borrowed from the error.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_error_option(const zeebe_error *error);

/**
 * 1 if the same request may succeed later, whatever its idempotence, else 0.
 *
 * UNAVAILABLE, the gateway's back-pressure (RESOURCE_EXHAUSTED) and passing token failures; not
 * ABORTED or DEADLINE_EXCEEDED, and not a limit of this library.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_error_is_retryable(const zeebe_error *error);

/**
 * 0 only if the gateway certainly did nothing with the call, else 1.
 *
 * Ask it before repeating what must not happen twice. 0 for NULL.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_error_may_have_been_processed(const zeebe_error *error);

/**
 * How long the peer asks to wait before the next try, in milliseconds; -1 if it said nothing.
 *
 * The gateway by grpc-retry-pushback-ms (gRFC A6) or a google.rpc.RetryInfo among its details; a
 * proxy or the token endpoint by Retry-After, X-Retry-After or RateLimit-Reset, at most 300 s.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int64_t zeebe_error_retry_after_ms(const zeebe_error *error);

/**
 * The bytes of grpc-status-details-bin (a google.rpc.Status), decoded; NULL and length 0: none.
 *
 * Borrowed from the error. `length` may be NULL.
 *
 * @param error Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const uint8_t *zeebe_error_details(const zeebe_error *error, size_t *length);

/**
 * The metadata that came before the failure; NULL if none came. Borrowed from the error.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const zeebe_metadata *zeebe_error_initial_metadata(const zeebe_error *error);

/**
 * The trailers that came with the failure; NULL if none came. Borrowed from the error.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const zeebe_metadata *zeebe_error_trailers(const zeebe_error *error);

/**
 * Another handle on the same error, to be freed on its own; how a callback keeps one. NULL for
 * NULL.
 *
 * @param error Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_error_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_error_ref(const zeebe_error *error);

/**
 * Frees an error. NULL is allowed.
 *
 * @param error Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_error_free(zeebe_error *error);

/**
 * gRPC's status codes (https://grpc.io/docs/guides/status-codes/), as returned by
 * zeebe_error_grpc_status().
 */
enum ZeebeStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** No error: the status of NULL. */
  ZEEBE_STATUS_OK = 0,
  /** The program, or the gateway, ended the call. */
  ZEEBE_STATUS_CANCELLED = 1,
  /** An error without a better status. */
  ZEEBE_STATUS_UNKNOWN = 2,
  /** An argument is wrong, whatever the state. */
  ZEEBE_STATUS_INVALID_ARGUMENT = 3,
  /** The time was up; what was asked for may have been done. */
  ZEEBE_STATUS_DEADLINE_EXCEEDED = 4,
  /** What was asked for is not there. */
  ZEEBE_STATUS_NOT_FOUND = 5,
  /** What was to be made is there already. */
  ZEEBE_STATUS_ALREADY_EXISTS = 6,
  /** The client is known, and may not. */
  ZEEBE_STATUS_PERMISSION_DENIED = 7,
  /** A limit, or the gateway's back-pressure. */
  ZEEBE_STATUS_RESOURCE_EXHAUSTED = 8,
  /** The state does not allow it. */
  ZEEBE_STATUS_FAILED_PRECONDITION = 9,
  /** It was given up, by a conflict most often. */
  ZEEBE_STATUS_ABORTED = 10,
  /** Past the end of a range. */
  ZEEBE_STATUS_OUT_OF_RANGE = 11,
  /** The gateway has no such function. */
  ZEEBE_STATUS_UNIMPLEMENTED = 12,
  /** Something that must hold does not. */
  ZEEBE_STATUS_INTERNAL = 13,
  /** Not now: the same may succeed later. */
  ZEEBE_STATUS_UNAVAILABLE = 14,
  /** Data is lost or damaged. */
  ZEEBE_STATUS_DATA_LOSS = 15,
  /** Nobody showed, or could show, who calls. */
  ZEEBE_STATUS_UNAUTHENTICATED = 16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeStatus ZeebeStatus;
#else
typedef int32_t ZeebeStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * gRPC's name of a status code, such as "NOT_FOUND" for ZEEBE_STATUS_NOT_FOUND; that of a number
 * which is none is "UNKNOWN", as gRPC takes it. Static.
 *
 * @param grpc_status One of the ZEEBE_STATUS_ constants.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_status_name(int32_t grpc_status);

/* ============================================================================================== */
/* Buffers
 *
 * Immutable bytes.
 */

/**
 * The bytes of a buffer. Borrowed from it. `length` may be NULL; NULL and length 0 for NULL.
 *
 * @param buffer Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const uint8_t *zeebe_buffer_data(const zeebe_buffer *buffer, size_t *length);

/**
 * Another handle on the same bytes. They are not copied, but for those of a short message that a
 * callback was lent. NULL for NULL.
 *
 * @param buffer Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_buffer_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_buffer *zeebe_buffer_ref(const zeebe_buffer *buffer);

/**
 * Frees a buffer. NULL is allowed.
 *
 * @param buffer Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_buffer_free(zeebe_buffer *buffer);

/* ============================================================================================== */
/* Metadata
 *
 * Keys and values that go with a call: at its start, and at its end as trailers.
 */

/**
 * Makes empty metadata. INVALID_ARGUMENT: `metadata` is NULL.
 *
 * @param metadata Out: the caller's, zeebe_metadata_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_metadata_new(zeebe_metadata **metadata);

/**
 * Adds a pair at the end; the same key may be added again.
 *
 * Keys have lower-case letters, digits, `_`, `-` and `.` only. The value of a key that ends in
 * `-bin` is raw bytes (the wire's base64 is the library's part), any other is printable ASCII (gRPC
 * over HTTP/2, "Custom-Metadata"). Not concurrently with another call on this handle; it ends what
 * was borrowed from it. INVALID_ARGUMENT: not so, or a key that gRPC or HTTP/2 reserves.
 *
 * @param metadata Taken. NULL is allowed.
 * @param key UTF-8, copied. Not NULL.
 * @param value So many bytes, copied.
 * @param length Of the bytes before it.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_metadata_add(zeebe_metadata *metadata, const char *key,
    const uint8_t *value, size_t length);

/**
 * How many pairs there are; 0 for NULL.
 *
 * @param metadata Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API size_t zeebe_metadata_count(const zeebe_metadata *metadata);

/**
 * The key at `index`, borrowed from the metadata; NULL past the end.
 *
 * @param metadata Lent for the call. NULL is allowed.
 * @param index From 0 on.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_metadata_key(const zeebe_metadata *metadata, size_t index);

/**
 * The value at `index`, borrowed from the metadata; raw bytes for a `-bin` key. NULL past the end.
 *
 * `length` may be NULL. A value is not NUL-terminated.
 *
 * @param metadata Lent for the call. NULL is allowed.
 * @param index From 0 on.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const uint8_t *zeebe_metadata_value(const zeebe_metadata *metadata, size_t index,
    size_t *length);

/**
 * Another handle on the same pairs, shared until one of the two is added to. NULL for NULL.
 *
 * @param metadata Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_metadata_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_metadata *zeebe_metadata_ref(const zeebe_metadata *metadata);

/**
 * Frees metadata. NULL is allowed.
 *
 * @param metadata Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_metadata_free(zeebe_metadata *metadata);

/* ============================================================================================== */
/* Credentials
 *
 * What secures a channel's connections.
 */

/**
 * Of zeebe_ssl_channel_credentials_new(): PEM text, not paths. Initialise it with
 * ::ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_ssl_channel_credentials_options)`. */
  size_t size;
  /**
   * A server may also show one of these itself: it is trusted if its name and its time fit. NULL:
   * the platform's; `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
   */
  const char *root_certificates;
  /** With `certificate_chain`: the program's own, for mutual TLS. A secret. */
  const char *private_key;
  /** NULL: none. */
  const char *certificate_chain;
} zeebe_ssl_channel_credentials_options;
/** Nothing given. */
#define ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT \
  { sizeof(zeebe_ssl_channel_credentials_options), NULL, NULL, NULL }

/**
 * What ::ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT says, for languages that have no macros of C:
 * nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_ssl_channel_credentials_options_init(
   
    zeebe_ssl_channel_credentials_options *options, size_t size);

/**
 * TLS. NULL options: the platform's roots and no certificate of one's own.
 *
 * PEM text is parsed here; what stands around its blocks may have any encoding. The platform's
 * roots are read at the first connect.
 * TLS: something does not parse, and which line it is, or key and certificate do not belong
 *   together.
 * INVALID_ARGUMENT: `credentials` is NULL, key or chain without the other.
 *
 * @param options Copied. NULL: nothing given.
 * @param credentials Out: the caller's, zeebe_channel_credentials_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_ssl_channel_credentials_new(
   
    const zeebe_ssl_channel_credentials_options *options, zeebe_channel_credentials **credentials);

/**
 * Plaintext. Plugins are refused with it beyond loopback, unless the channel allows it.
 *
 * INVALID_ARGUMENT: `credentials` is NULL.
 *
 * @param credentials Out: the caller's, zeebe_channel_credentials_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_insecure_channel_credentials_new(
   
    zeebe_channel_credentials **credentials);

/**
 * Plaintext that never leaves the machine: for loopback and unix: targets only.
 *
 * INVALID_ARGUMENT: `credentials` is NULL.
 *
 * @param credentials Out: the caller's, zeebe_channel_credentials_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_local_channel_credentials_new(
   
    zeebe_channel_credentials **credentials);

/**
 * `base` with a plugin more. Of several plugins the later wins. Neither argument is taken over.
 *
 * INVALID_ARGUMENT: an argument is NULL.
 *
 * @param base Lent for the call. Not NULL.
 * @param plugin Lent for the call. Not NULL.
 * @param credentials Out: the caller's, zeebe_channel_credentials_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_composite_channel_credentials_new(
   
    const zeebe_channel_credentials *base, const zeebe_metadata_plugin *plugin,
    zeebe_channel_credentials **credentials);

/**
 * Another handle on the same credentials. NULL for NULL.
 *
 * @param credentials Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_channel_credentials_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_channel_credentials *zeebe_channel_credentials_ref(
   
    const zeebe_channel_credentials *credentials);

/**
 * Frees credentials; channels made with them keep working. NULL is allowed.
 *
 * @param credentials Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_channel_credentials_free(zeebe_channel_credentials *credentials);

/* ============================================================================================== */
/* Plugins
 *
 * What authenticates calls: tokens of an authorization server, of the program's own, or fixed.
 */

/** How the client proves who it is to the token endpoint. */
enum ZeebeClientAuthentication
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * BASIC for OAuth channels, BODY for Camunda's cloud and zeebe_create_channel_from_environment().
   */
  ZEEBE_CLIENT_AUTHENTICATION_DEFAULT = 0,
  /** HTTP Basic of id and secret as they are. */
  ZEEBE_CLIENT_AUTHENTICATION_BASIC = 1,
  /**
   * HTTP Basic of id and secret, each form-encoded first (RFC 6749 section 2.3.1), a space as
   * `%20`.
   */
  ZEEBE_CLIENT_AUTHENTICATION_BASIC_RFC6749 = 2,
  /** client_id and client_secret in the body. */
  ZEEBE_CLIENT_AUTHENTICATION_BODY = 3,
  /**
   * An assertion that `private_key` signs (RFC 7523): RS256 or ES256. No client_secret is needed or
   * looked for.
   */
  ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT = 4,
  /**
   * client_id in the body, and `certificate_chain` on the TLS connection (RFC 8705). No
   * client_secret is needed or looked for.
   */
  ZEEBE_CLIENT_AUTHENTICATION_TLS = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeClientAuthentication ZeebeClientAuthentication;
#else
typedef int32_t ZeebeClientAuthentication;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How the token endpoint is asked. Certificates are PEM text, not paths. Initialise it with
 * ::ZEEBE_TOKEN_OPTIONS_INIT.
 *
 * Channels and plugins of a process share their token while one of them lives, if URL, id, secret,
 * method, scope, audience and what stands here are equal, time-outs and `prefetch` aside. Each
 * keeps its own leeway and `expire_in`; a request goes by the time-outs of the one that began it.
 */
typedef struct {
  /** `sizeof(zeebe_token_options)`. */
  size_t size;
  /** One of the ZEEBE_CLIENT_AUTHENTICATION_ constants. */
  int32_t client_authentication;
  /** 1: an http:// URL beyond loopback is allowed. The secret can be read on the way. */
  int32_t allow_insecure_token_url;
  /** 1: the token is fetched when the channel is made, in the background. */
  int32_t prefetch;
  /** Must be 0. */
  uint32_t reserved;
  /** Until the endpoint, or its proxy, is connected. It is milliseconds; 0: 10000. */
  int64_t connect_timeout_ms;
  /** Of the whole request. It is milliseconds; 0: 30000. */
  int64_t timeout_ms;
  /**
   * Roots that the endpoint's certificate is checked against, or that it shows itself; NULL: the
   * platform's.
   */
  const char *token_ca;
  /**
   * The client's own: PKCS#8, PKCS#1 or SEC1. A secret. Signs with PRIVATE_KEY_JWT, where it is RSA
   * of 2048 bits or more, or P-256. Belongs to `certificate_chain` if that is given, with
   * PRIVATE_KEY_JWT too: one key for both. NULL: none.
   */
  const char *private_key;
  /**
   * Shown on the TLS connection to the endpoint, whatever the method; its own certificate first.
   * Needs `private_key`. NULL: none.
   */
  const char *certificate_chain;
  /** `kid` of what PRIVATE_KEY_JWT signs, and only for that. NULL: not sent. */
  const char *key_id;
  /**
   * `http://[user:password@]host:port`; NULL: for channels, the variables `https_proxy` or
   * `http_proxy`, by the URL, and `no_proxy`, each also in upper case, loopback excepted. Not that
   * of the gateway: `grpc.http_proxy`.
   */
  const char *http_proxy;
  /**
   * A file that tokens are kept in, for other processes and for the next start; beside it come one
   * that ends in `.lock` and, for moments, one in `.new`. Of processes that need a token at once,
   * one asks for it and the others wait, as long as `timeout_ms`. The lock is one for the whole
   * file: clients that should not wait for each other need files of their own. Only its owner may
   * read it (mode 600); what is there and is another's, readable by others, a symbolic link or no
   * token file is left alone, with a warning. Tokens are found by URL, id, method, scope and
   * audience, not by secret: after a change of the secret alone the old token serves until its end.
   * What the gateway refuses goes. NULL: tokens stay in memory.
   */
  const char *cache_path;
  /**
   * `aud` of what PRIVATE_KEY_JWT signs, and only for that: what the server calls its token
   * endpoint, or its issuer, where that is not the URL that it is asked by (RFC 7523 section 3).
   * NULL: the token URL, without user and password.
   */
  const char *assertion_audience;
  /**
   * 1: of a `certificate_chain` that ends in a root, the root is shown, too. 0: it is left out,
   * which a server has or does not trust (RFC 8446 section 4.4.2); some count certificates. One
   * that stands alone is shown in any case.
   */
  int32_t send_root_certificate;
  /** Must be 0. */
  uint32_t reserved_2;
} zeebe_token_options;
/** Nothing given. */
#define ZEEBE_TOKEN_OPTIONS_INIT \
  { sizeof(zeebe_token_options), 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, \
    0 }

/**
 * What ::ZEEBE_TOKEN_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_token_options_init(zeebe_token_options *options, size_t size);

/** Asks for a token. `request` is owned: answer it, at once or later, and free it in any case. */
typedef void (*zeebe_retrieve_callback)(void *user_data, zeebe_token_request *request);

/** Advice that `request` is no longer waited for. It is borrowed here, and must still be freed. */
typedef void (*zeebe_retrieve_cancel_callback)(void *user_data, const zeebe_token_request *request);

/** A bearer token, as a host's token source gives it. Initialise it with ::ZEEBE_TOKEN_INIT. */
typedef struct {
  /** `sizeof(zeebe_token)`. */
  size_t size;
  /** Printable ASCII without spaces. A secret. */
  const char *access_token;
  /** What was granted; may be NULL. */
  const char *scope;
  /**
   * Seconds from now; 0: unknown; < 0: it has ended, so that the calls that wait for it get it, and
   * no other.
   */
  int64_t expires_in;
} zeebe_token;
/** Nothing given. */
#define ZEEBE_TOKEN_INIT \
  { sizeof(zeebe_token), NULL, NULL, 0 }

/**
 * What ::ZEEBE_TOKEN_INIT says, for languages that have no macros of C: nothing given.
 *
 * `token` has `size` bytes, which the caller's declaration says: one of an older header has fewer.
 * NULL, or fewer than the first release's: nothing is written.
 *
 * @param token Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_token_init(zeebe_token *token, size_t size);

/**
 * Answers with a token. ILLEGAL_STATE: answered before. After a cancel it is ignored.
 *
 * INVALID_ARGUMENT: NULL, or a token that no header may hold (RFC 6750 section 2.1).
 *
 * @param request Lent for the call. Not NULL.
 * @param token Copied. Not NULL.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_token_request_complete(const zeebe_token_request *request,
    const zeebe_token *token);

/**
 * Answers with a failure. `retry_after_ms` < 0: unknown.
 *
 * A status that says something about the call itself (OK, INVALID_ARGUMENT, NOT_FOUND,
 * ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, DATA_LOSS) becomes INTERNAL (gRFC
 * A54).
 * ILLEGAL_STATE: answered before. INVALID_ARGUMENT: NULL, or no gRPC status.
 *
 * @param request Lent for the call. Not NULL.
 * @param grpc_status One of the ZEEBE_STATUS_ constants.
 * @param message UTF-8, copied. NULL: none.
 * @param retry_after_ms Milliseconds; < 0: unknown.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_token_request_fail(const zeebe_token_request *request,
    int32_t grpc_status, const char *message, int64_t retry_after_ms);

/**
 * Frees a request; one that is unanswered fails with UNAVAILABLE. NULL is allowed.
 *
 * @param request Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_token_request_free(zeebe_token_request *request);

/**
 * Called once; exactly one of `error` and `metadata` is not NULL. Both are borrowed until it
 * returns.
 */
typedef void (*zeebe_metadata_callback)(void *user_data,
                                        const zeebe_error *error,
                                        const zeebe_metadata *metadata);

/**
 * Of zeebe_oauth2_client_credentials_metadata_plugin_new(), which reads no environment. Initialise
 * it with ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_oauth2_client_credentials_metadata_plugin_options)`. */
  size_t size;
  /** Required. */
  const char *client_id;
  /** Required, unless `client_authentication` needs none. */
  const char *client_secret;
  /** The token URL. Required. */
  const char *authorization_server;
  /** NULL or "": none. */
  const char *scope;
  /** NULL or "": none. */
  const char *audience;
  /**
   * How long before its expiry a token counts as expired; where it is not given, at most half of
   * the token's life.
   * ZEEBE_LEEWAY_NONE: not before. It is seconds; 0: 60, -1: none.
   */
  int64_t leeway;
  /** How long a token is good that does not say so itself. It is seconds; 0: not given. */
  int64_t expire_in;
  /** NULL: the defaults. */
  const zeebe_token_options *token_options;
} zeebe_oauth2_client_credentials_metadata_plugin_options;
/** Nothing given. */
#define ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT \
  { sizeof(zeebe_oauth2_client_credentials_metadata_plugin_options), NULL, NULL, NULL, NULL, \
    NULL, 0, 0, NULL }

/**
 * What ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT says, for languages that have
 * no macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_oauth2_client_credentials_metadata_plugin_options_init(
   
    zeebe_oauth2_client_credentials_metadata_plugin_options *options, size_t size);

/**
 * Of zeebe_oauth2_metadata_plugin_new(). Initialise it with
 * ::ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_oauth2_metadata_plugin_options)`. */
  size_t size;
  /** Asked for a token. Required. */
  zeebe_retrieve_callback retrieve;
  /** Told that a request is late; may be NULL. */
  zeebe_retrieve_cancel_callback cancel;
  /** May be NULL. */
  zeebe_destroy destroy;
  /**
   * How long before its expiry a token counts as expired; where it is not given, at most half of
   * the token's life.
   * ZEEBE_LEEWAY_NONE: not before. It is seconds; 0: 60, -1: none.
   */
  int64_t leeway;
  /** How long a token is good that does not say so itself. It is seconds; 0: not given. */
  int64_t expire_in;
} zeebe_oauth2_metadata_plugin_options;
/** Nothing given. */
#define ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT \
  { sizeof(zeebe_oauth2_metadata_plugin_options), NULL, NULL, NULL, 0, 0 }

/**
 * What ::ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT says, for languages that have no macros of C:
 * nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_oauth2_metadata_plugin_options_init(
   
    zeebe_oauth2_metadata_plugin_options *options, size_t size);

/**
 * Authenticates with the host's own tokens: `retrieve` is asked, at most once at a time, and
 * answers through its request, at once or later, from any thread, within 30 s.
 *
 * INVALID_ARGUMENT: `plugin` or `retrieve` is NULL, a number is out of range.
 *
 * @param options Copied. NULL: nothing given.
 * @param user_data The program's, handed to the callbacks as it is.
 * @param plugin Out: the caller's, zeebe_metadata_plugin_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_oauth2_metadata_plugin_new(
   
    const zeebe_oauth2_metadata_plugin_options *options, void *user_data,
    zeebe_metadata_plugin **plugin);

/**
 * Authenticates with the client credentials grant (RFC 6749 section 4.4). Reads no environment.
 *
 * No request is made before a token is needed. INVALID_ARGUMENT: `plugin` is NULL, an id, secret or
 * URL is missing, a number is out of range, an http:// URL beyond loopback, a key or certificate is
 * missing or of no use here.
 * TLS: a key or certificate does not parse.
 *
 * @param options Copied. NULL: nothing given.
 * @param plugin Out: the caller's, zeebe_metadata_plugin_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_oauth2_client_credentials_metadata_plugin_new(
   
    const zeebe_oauth2_client_credentials_metadata_plugin_options *options,
    zeebe_metadata_plugin **plugin);

/**
 * What the plugin would add to a call: for tests and for other transports.
 *
 * `service_url` and `method_name` are for plugins that tell calls apart; those of this version do
 * not. May fetch a token. INVALID_ARGUMENT: an argument is NULL or not UTF-8.
 *
 * @param plugin Lent for the call. Not NULL.
 * @param service_url UTF-8, copied. Not NULL.
 * @param method_name UTF-8, copied. Not NULL.
 * @param callback Called on a library thread. Not NULL.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_metadata_plugin_get_metadata(const zeebe_metadata_plugin *plugin,
    const char *service_url, const char *method_name, zeebe_metadata_callback callback,
    void *user_data);

/**
 * The same as an event of type DONE with `tag` and `metadata`, taken by
 * zeebe_completion_queue_next(). SHUTDOWN also: the queue was shut down.
 *
 * @param plugin Lent for the call. Not NULL.
 * @param service_url UTF-8, copied. Not NULL.
 * @param method_name UTF-8, copied. Not NULL.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_metadata_plugin_get_metadata_on_queue(
   
    const zeebe_metadata_plugin *plugin, const char *service_url, const char *method_name,
    const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Writes 1 to `expired` if a call would need a new token now, else 0. ILLEGAL_STATE: the plugin
 * fetches no token.
 *
 * @param plugin Lent for the call. Not NULL.
 * @param expired Out.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_metadata_plugin_is_token_expired(const zeebe_metadata_plugin *plugin,
    int32_t *expired);

/**
 * Fetches a token, even if there is a good one; joins a fetch under way.
 *
 * INVALID_ARGUMENT: `plugin` or `callback` is NULL. ILLEGAL_STATE: the plugin fetches no token. To
 *   the callback: as zeebe_channel_retrieve_token().
 *
 * @param plugin Lent for the call. Not NULL.
 * @param callback Called on a library thread. Not NULL.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_metadata_plugin_retrieve_token(const zeebe_metadata_plugin *plugin,
    zeebe_done_callback callback, void *user_data);

/**
 * The same as an event of type DONE with `tag`, taken by zeebe_completion_queue_next(). SHUTDOWN
 * also: the queue was shut down.
 *
 * @param plugin Lent for the call. Not NULL.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_metadata_plugin_retrieve_token_on_queue(
   
    const zeebe_metadata_plugin *plugin, const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Another handle on the same plugin. NULL for NULL.
 *
 * @param plugin Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_metadata_plugin_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_metadata_plugin *zeebe_metadata_plugin_ref(const zeebe_metadata_plugin *plugin);

/**
 * Frees a plugin; channels and calls that use it keep it alive. NULL is allowed.
 *
 * @param plugin Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_metadata_plugin_free(zeebe_metadata_plugin *plugin);

/**
 * Authenticates with a bearer token that the program has (RFC 6750), copied.
 *
 * For tokens that something else fetches and renews: replace it with
 * zeebe_bearer_metadata_plugin_set_token().
 * INVALID_ARGUMENT: an argument is NULL, or the token is empty or has characters that no header may
 *   hold.
 *
 * @param token UTF-8, copied. Not NULL.
 * @param plugin Out: the caller's, zeebe_metadata_plugin_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_bearer_metadata_plugin_new(const char *token,
    zeebe_metadata_plugin **plugin);

/**
 * Replaces the token, for calls that start from now on; calls under way keep theirs. Any thread,
 * also while calls use it.
 *
 * INVALID_ARGUMENT: as zeebe_bearer_metadata_plugin_new(); the old token stays. ILLEGAL_STATE:
 *   another kind of plugin.
 *
 * @param plugin Lent for the call. Not NULL.
 * @param token UTF-8, copied. Not NULL.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_bearer_metadata_plugin_set_token(const zeebe_metadata_plugin *plugin,
    const char *token);

/**
 * Authenticates with user name and password by HTTP Basic (RFC 7617), as UTF-8, copied:
 * self-managed Camunda from 8.8 on.
 *
 * INVALID_ARGUMENT: an argument is NULL, or the user name has a colon.
 *
 * @param username UTF-8, copied. Not NULL.
 * @param password UTF-8, copied. Not NULL.
 * @param plugin Out: the caller's, zeebe_metadata_plugin_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_basic_metadata_plugin_new(const char *username, const char *password,
    zeebe_metadata_plugin **plugin);

/* ============================================================================================== */
/* Channels
 *
 * How a gateway is reached: the constructors, and what a channel can be asked.
 */

/** A channel option: a gRPC channel argument. Never changes. */
typedef struct {
  /** Such as `grpc.keepalive_time_ms`. Not NULL. */
  const char *key;
  /** The value, if it is a string; else NULL. */
  const char *string;
  /** The value, if `string` is NULL; within 32 bits. */
  int64_t integer;
} zeebe_channel_option;

/**
 * How a channel connects, and what every call of it starts from. Initialise it with
 * ::ZEEBE_CONNECTION_OPTIONS_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_connection_options)`. */
  size_t size;
  /**
   * `host:port` or `unix:path` to dial in place of the target's address; TLS name and authority
   * stay the target's. NULL: the target's.
   */
  const char *connect_address;
  /** Sent with every call. Copied. NULL: none. */
  const zeebe_metadata *metadata;
  /**
   * Of every call that does not set its own. ZEEBE_TIMEOUT_NONE, as anything < 0, is
   * INVALID_ARGUMENT here. It is milliseconds; 0: none.
   */
  int64_t timeout_ms;
  /** One of the ZEEBE_WAIT_FOR_READY_ constants, for every call that does not set its own. */
  int32_t wait_for_ready;
  /** 1: tokens may be sent in plaintext beyond loopback. They can be read on the way. */
  int32_t allow_insecure_gateway;
  /**
   * The limit of calls that wait for a connection, or for a stream where the gateway allows no
   * more; others fail at once with RESOURCE_EXHAUSTED. It is 1 to 1000000; 0: 4096, -1: none.
   */
  int64_t max_waiting_calls;
} zeebe_connection_options;
/** Nothing given. */
#define ZEEBE_CONNECTION_OPTIONS_INIT \
  { sizeof(zeebe_connection_options), NULL, NULL, 0, 0, 0, 0 }

/**
 * What ::ZEEBE_CONNECTION_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_connection_options_init(zeebe_connection_options *options, size_t size);

/** Of zeebe_create_insecure_channel(). Initialise it with ::ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT. */
typedef struct {
  /** `sizeof(zeebe_insecure_channel_options)`. */
  size_t size;
  /**
   * The target: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. NULL: by
   * the environment.
   */
  const char *grpc_address;
  /**
   * An array of `channel_options_count`; may be NULL when that is 0. Of duplicates the first
   * counts.
   */
  const zeebe_channel_option *channel_options;
  /** How many. */
  size_t channel_options_count;
  /** NULL: the defaults. */
  const zeebe_connection_options *connection_options;
} zeebe_insecure_channel_options;
/** Nothing given. */
#define ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT \
  { sizeof(zeebe_insecure_channel_options), NULL, NULL, 0, NULL }

/**
 * What ::ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT says, for languages that have no macros of C: nothing
 * given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_insecure_channel_options_init(zeebe_insecure_channel_options *options,
    size_t size);

/** Of zeebe_create_secure_channel(). Initialise it with ::ZEEBE_SECURE_CHANNEL_OPTIONS_INIT. */
typedef struct {
  /** `sizeof(zeebe_secure_channel_options)`. */
  size_t size;
  /**
   * The target: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. NULL: by
   * the environment.
   */
  const char *grpc_address;
  /**
   * An array of `channel_options_count`; may be NULL when that is 0. Of duplicates the first
   * counts.
   */
  const zeebe_channel_option *channel_options;
  /** How many. */
  size_t channel_options_count;
  /** NULL: ssl credentials with the platform's roots. */
  const zeebe_channel_credentials *channel_credentials;
  /** NULL: the defaults. */
  const zeebe_connection_options *connection_options;
} zeebe_secure_channel_options;
/** Nothing given. */
#define ZEEBE_SECURE_CHANNEL_OPTIONS_INIT \
  { sizeof(zeebe_secure_channel_options), NULL, NULL, 0, NULL, NULL }

/**
 * What ::ZEEBE_SECURE_CHANNEL_OPTIONS_INIT says, for languages that have no macros of C: nothing
 * given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_secure_channel_options_init(zeebe_secure_channel_options *options,
    size_t size);

/**
 * Of zeebe_create_oauth2_client_credentials_channel(). Initialise it with
 * ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_oauth2_client_credentials_channel_options)`. */
  size_t size;
  /**
   * The target: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. NULL: by
   * the environment.
   */
  const char *grpc_address;
  /** NULL: `CAMUNDA_CLIENT_ID`, `ZEEBE_CLIENT_ID`. */
  const char *client_id;
  /**
   * NULL: `CAMUNDA_CLIENT_SECRET`, `ZEEBE_CLIENT_SECRET`. Ignored where `client_authentication`
   *   needs none.
   */
  const char *client_secret;
  /** The token URL. NULL: `CAMUNDA_OAUTH_URL`, `ZEEBE_AUTHORIZATION_SERVER_URL`. */
  const char *authorization_server;
  /** NULL or "": none. */
  const char *scope;
  /** NULL: `CAMUNDA_TOKEN_AUDIENCE`, `ZEEBE_TOKEN_AUDIENCE`. "": none. */
  const char *audience;
  /** NULL: ssl credentials with the platform's roots. */
  const zeebe_channel_credentials *channel_credentials;
  /**
   * An array of `channel_options_count`; may be NULL when that is 0. Of duplicates the first
   * counts.
   */
  const zeebe_channel_option *channel_options;
  /** How many. */
  size_t channel_options_count;
  /**
   * How long before its expiry a token counts as expired; where it is not given, at most half of
   * the token's life.
   * ZEEBE_LEEWAY_NONE: not before. It is seconds; 0: 60, -1: none.
   */
  int64_t leeway;
  /** How long a token is good that does not say so itself. It is seconds; 0: not given. */
  int64_t expire_in;
  /** NULL: the defaults. */
  const zeebe_token_options *token_options;
  /** NULL: the defaults. */
  const zeebe_connection_options *connection_options;
} zeebe_oauth2_client_credentials_channel_options;
/** Nothing given. */
#define ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT \
  { sizeof(zeebe_oauth2_client_credentials_channel_options), NULL, NULL, NULL, NULL, NULL, NULL, \
    NULL, NULL, 0, 0, 0, NULL, NULL }

/**
 * What ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT says, for languages that have no
 * macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_oauth2_client_credentials_channel_options_init(
   
    zeebe_oauth2_client_credentials_channel_options *options, size_t size);

/**
 * Of zeebe_create_camunda_cloud_channel(). Initialise it with
 * ::ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_camunda_cloud_channel_options)`. */
  size_t size;
  /** NULL: `CAMUNDA_CLUSTER_ID`. */
  const char *cluster_id;
  /** NULL: `CAMUNDA_CLUSTER_REGION`, `bru-2`. */
  const char *region;
  /**
   * The rest, but for its grpc_address, which is the cluster's and must be NULL. What is not given
   * is also Camunda's: the token URL, and the audience `zeebe.camunda.io`. It stays last, for it
   * may grow.
   */
  zeebe_oauth2_client_credentials_channel_options oauth2;
} zeebe_camunda_cloud_channel_options;
/** Nothing given. */
#define ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT \
  { sizeof(zeebe_camunda_cloud_channel_options), NULL, NULL, \
    ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT }

/**
 * What ::ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT says, for languages that have no macros of C:
 * nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_camunda_cloud_channel_options_init(
   
    zeebe_camunda_cloud_channel_options *options, size_t size);

/**
 * Makes a channel without TLS. NULL options: everything by the environment.
 *
 * Does no I/O. The target is `grpc_address`, else `ZEEBE_ADDRESS`, else `localhost:26500`. Free
 * `*channel` with zeebe_channel_free(). A target that cannot be used makes a channel all the same:
 * its calls end at once with INVALID_ARGUMENT, and zeebe_channel_describe() shows why under
 * `problem`.
 * INVALID_ARGUMENT: `channel` is NULL, text is not UTF-8, an option out of range. SETTINGS: a
 *   variable is not UTF-8.
 *
 * @param options Copied. NULL: nothing given.
 * @param channel Out: the caller's, zeebe_channel_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_create_insecure_channel(const zeebe_insecure_channel_options *options,
    zeebe_channel **channel);

/**
 * Makes a channel secured by `channel_credentials`, TLS with the platform's roots by default.
 *
 * As zeebe_create_insecure_channel() otherwise. INVALID_ARGUMENT also: a plugin over plaintext
 * beyond loopback without `allow_insecure_gateway` (SETTINGS if the address came from a variable).
 *
 * @param options Copied. NULL: nothing given.
 * @param channel Out: the caller's, zeebe_channel_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_create_secure_channel(const zeebe_secure_channel_options *options,
    zeebe_channel **channel);

/**
 * Makes a channel whose every call carries an OAuth2 client-credentials token (Camunda 8
 * Self-Managed).
 *
 * Does no I/O, unless `token_options.prefetch` starts a fetch in the background. Missing values
 * come from the environment, as each option says. Wrong credentials are no error here: they end the
 * first call, or zeebe_channel_retrieve_token().
 * SETTINGS: a required value is neither an argument nor a variable; a value from a variable is
 *   refused.
 * INVALID_ARGUMENT: as zeebe_create_secure_channel(); an http:// token URL beyond loopback without
 *   `allow_insecure_token_url`; a key or certificate for the token endpoint is missing or of no
 *   use. TLS: one of them does not parse.
 *
 * @param options Copied. NULL: nothing given.
 * @param channel Out: the caller's, zeebe_channel_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_create_oauth2_client_credentials_channel(
   
    const zeebe_oauth2_client_credentials_channel_options *options, zeebe_channel **channel);

/**
 * Makes a channel to a cluster in Camunda's cloud; `ZEEBE_ADDRESS` is not read.
 *
 * As zeebe_create_oauth2_client_credentials_channel() otherwise.
 *
 * @param options Copied. NULL: nothing given.
 * @param channel Out: the caller's, zeebe_channel_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_create_camunda_cloud_channel(
   
    const zeebe_camunda_cloud_channel_options *options, zeebe_channel **channel);

/**
 * Makes one of the four channels, by the variables alone; `options` may be NULL.
 *
 * Reads every variable of Camunda's official clients that a channel can use; docs/moving.md lists
 * them in their order. One that is empty is not given. Of those that are set and not used, each is
 * logged as a warning and stands in zeebe_channel_describe() under `unused_variables`.
 *
 * - Which: a client id, `CAMUNDA_CLUSTER_ID` or a token URL: OAuth, with the cluster id the
 *   cloud's; `CAMUNDA_BASIC_AUTH_USERNAME`: HTTP Basic; `CAMUNDA_AUTH_STRATEGY` (NONE, OAUTH,
 *   BASIC, BEARER) comes before them.
 * - Address: `CAMUNDA_GRPC_ADDRESS`, `ZEEBE_GRPC_ADDRESS`, `ZEEBE_ADDRESS`, then `ZEEBE_HOST` and
 *   `ZEEBE_PORT`, else `localhost:26500`. Its scheme decides between plaintext (grpc, http) and TLS
 *   (grpcs, https); without one `CAMUNDA_SECURE_CONNECTION`, then `ZEEBE_INSECURE_CONNECTION`; else
 *   TLS.
 * - Token URL: `CAMUNDA_OAUTH_URL`, `CAMUNDA_AUTHORIZATION_SERVER_URL`,
 *   `ZEEBE_AUTHORIZATION_SERVER_URL`, else Camunda's cloud. Without an audience none is sent, but
 *   to the cloud's. The secret goes in the body, as the official clients send it, unless
 *   `ZEEBE_CLIENT_AUTHENTICATION` says otherwise.
 * - Files of certificates and keys are read here, but that of the roots, which is read at the first
 *   connect.
 *
 * Errors as the four; also SETTINGS: a value that cannot be used, or a file that cannot be read.
 * TLS: its content does not parse.
 *
 * @param options Copied. NULL: nothing given.
 * @param channel Out: the caller's, zeebe_channel_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_create_channel_from_environment(
   
    const zeebe_connection_options *options, zeebe_channel **channel);

/** The connectivity of a channel, with gRPC's numbers. */
enum ZeebeConnectivity
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** Not connected; the next call connects. */
  ZEEBE_CONNECTIVITY_IDLE = 0,
  /** Connecting. */
  ZEEBE_CONNECTIVITY_CONNECTING = 1,
  /** Connected. */
  ZEEBE_CONNECTIVITY_READY = 2,
  /** The last attempt failed; the next one waits for its back-off. */
  ZEEBE_CONNECTIVITY_TRANSIENT_FAILURE = 3,
  /** Closed. */
  ZEEBE_CONNECTIVITY_SHUTDOWN = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeConnectivity ZeebeConnectivity;
#else
typedef int32_t ZeebeConnectivity;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Called once; `error` is NULL on success, else borrowed until it returns. `state` is a
 * ZEEBE_CONNECTIVITY_ constant.
 */
typedef void (*zeebe_state_callback)(void *user_data, const zeebe_error *error, int32_t state);

/**
 * Writes the connectivity to `state`, a ZEEBE_CONNECTIVITY_ constant; 1 for `try_to_connect` leaves
 * IDLE.
 *
 * Never blocks. SHUTDOWN: the runtime was shut down. INVALID_ARGUMENT: an argument is NULL or out
 * of range.
 *
 * @param channel Lent for the call. Not NULL.
 * @param try_to_connect 1 or 0.
 * @param state Out.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_get_state(const zeebe_channel *channel, int32_t try_to_connect,
    int32_t *state);

/**
 * Calls `callback` once the connectivity is another than `last_state`, at once if it is already.
 *
 * Does not connect: zeebe_channel_get_state() does. Waits `timeout_ms` at most (< 0: for ever);
 * `state` is what it is then. To the callback: RPC, DEADLINE_EXCEEDED: it did not change in time;
 * SHUTDOWN: the channel was closed.
 * INVALID_ARGUMENT: an argument is NULL or `last_state` no ZEEBE_CONNECTIVITY_ constant. Never
 *   blocks.
 *
 * @param channel Lent for the call. Not NULL.
 * @param last_state One of the ZEEBE_CONNECTIVITY_ constants.
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @param callback Called on a library thread. Not NULL.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_wait_for_state_change(const zeebe_channel *channel,
    int32_t last_state, int64_t timeout_ms, zeebe_state_callback callback, void *user_data);

/**
 * The same as an event of type DONE with `tag`, taken by zeebe_completion_queue_next(). SHUTDOWN
 * also: the queue was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param last_state One of the ZEEBE_CONNECTIVITY_ constants.
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_wait_for_state_change_on_queue(const zeebe_channel *channel,
    int32_t last_state, int64_t timeout_ms, const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Connects and blocks until the channel is READY, through failures, `timeout_ms` at most (< 0: for
 * ever).
 *
 * RPC, DEADLINE_EXCEEDED with the last reason: not in time. ILLEGAL_STATE: on a library thread.
 * SHUTDOWN: the channel was closed. INVALID_ARGUMENT or SETTINGS: the channel cannot be used.
 *
 * @param channel Lent for the call. Not NULL.
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_wait_ready(const zeebe_channel *channel, int64_t timeout_ms);

/**
 * The same without blocking: the end is an event of type DONE with `tag`, taken by
 * zeebe_completion_queue_next(), with the `error`.
 *
 * INVALID_ARGUMENT: NULL. SHUTDOWN: the queue or the runtime was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_wait_ready_on_queue(const zeebe_channel *channel,
    int64_t timeout_ms, const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Fetches a token for an OAuth channel, even if there is a good one; joins a fetch under way. Needs
 * no gateway.
 *
 * ILLEGAL_STATE: the channel has no OAuth. To the callback: INVALID_OAUTH_CREDENTIALS: the endpoint
 *   refused the client;
 * RPC, UNAVAILABLE: it cannot be reached or its answer cannot be used; SETTINGS: the URL is wrong.
 *
 * @param channel Lent for the call. Not NULL.
 * @param callback Called on a library thread. Not NULL.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_retrieve_token(const zeebe_channel *channel,
    zeebe_done_callback callback, void *user_data);

/**
 * The same as an event of type DONE with `tag`, taken by zeebe_completion_queue_next(). SHUTDOWN
 * also: the queue was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_retrieve_token_on_queue(const zeebe_channel *channel,
    const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Writes the channel's settings with their origin, its options and its token's state as JSON. No
 * secret is in it.
 *
 * `*json` is owned: zeebe_string_free(). Its form is part of the ABI: `version` 1, `kind`,
 * `target`, `security`, `settings`, `channel_options`, `oauth2`, `problem`, `unused_variables` (of
 * zeebe_create_channel_from_environment(): `name`, `why` it is not used, and a `hint` what to do
 * about it).
 * INVALID_ARGUMENT: an argument is NULL. SHUTDOWN: the runtime was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param json Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_describe(const zeebe_channel *channel, char **json);

/**
 * Writes counters as JSON: what happened since the channel was made. No secret is in it. Always on,
 * and cheap.
 *
 * `*json` is owned: zeebe_string_free(). Its form is part of the ABI: `version` 1; `state` and, by
 * subchannel, `subchannels[].state` by gRPC's names; `last_error`; `calls` with `started`,
 * `running`, `ended` by status, `retried` (by policy), `replayed` (not processed, so sent again);
 * `job_streams` with `reopened`, `failed` by status, `last_error`, and the jobs `pushed` and
 * `polled`; `waiting_calls`; by subchannel `endpoint`, `peer`, `open_calls`, `connections`,
 * `failed_attempts`, `bytes_sent`, `bytes_received`, `pings`, `round_trip_us` (of the last ping;
 * null before one); `oauth2`, null without it, with `state` as in zeebe_channel_describe(),
 * `expires_in_seconds`, and of the token, which channels with equal credentials share
 * (::zeebe_token_options): `requests`, `from_file` (of the requests, those that `cache_path`
 * answered), `failures`, `failures_by_reason` (`refused` by the endpoint, `unavailable`,
 * `settings`), `renewals` (of the requests, those ahead of expiry), `rejected` (by a gateway, and
 * replaced), `waiting`, `last_request_ms` (of the last that brought a token; null before one).
 * INVALID_ARGUMENT: an argument is NULL. SHUTDOWN: the runtime was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param json Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_stats(const zeebe_channel *channel, char **json);

/**
 * Writes the numbers of zeebe_channel_stats() of all these channels as Prometheus reads them (text
 * format 0.0.4).
 *
 * Labels are `channel`, its place in `channels` from 0, and `grpc_target`, as OpenTelemetry's
 * `grpc.target` is called there; of ends also `grpc_status`, of connections `endpoint`, which is
 * empty but for round_robin. Counters end in `_total`, times are in seconds:
 * `zeebe_channel_calls_ended_total`, `zeebe_channel_token_expires_in_seconds`. Give it all channels
 * of a program in one call, in the same order each time: each metric is described once in a text.
 * `*text` is owned: zeebe_string_free().
 * INVALID_ARGUMENT: an argument, or a channel, is NULL. SHUTDOWN: the runtime was shut down.
 *
 * @param channels So many channels, lent for the call.
 * @param count How many.
 * @param text Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channels_prometheus(const zeebe_channel *const *channels, size_t count,
    char **text);

/**
 * Closes the channel: new calls fail at once; running ones get `grace_ms` (< 0: for ever), then end
 * CANCELLED.
 *
 * `callback` comes after the last of their completions; it may be NULL. Never blocks. A second
 * close may only shorten. To the callback: RPC, CANCELLED: zeebe_runtime_shutdown() came within the
 * grace.
 *
 * @param channel Lent for the call. Not NULL.
 * @param grace_ms Milliseconds; < 0: for ever, 0: at once.
 * @param callback Called once, on a library thread. NULL: nobody is told.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_close(const zeebe_channel *channel, int64_t grace_ms,
    zeebe_done_callback callback, void *user_data);

/**
 * The same as an event of type DONE with `tag`, after those of its calls that end on the same
 * queue, taken by zeebe_completion_queue_next(). SHUTDOWN: the queue was shut down, and the channel
 * is not closed.
 *
 * @param channel Lent for the call. Not NULL.
 * @param grace_ms Milliseconds; < 0: for ever, 0: at once.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_close_on_queue(const zeebe_channel *channel, int64_t grace_ms,
    const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Another handle on the same channel. NULL for NULL.
 *
 * @param channel Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_channel_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_channel *zeebe_channel_ref(const zeebe_channel *channel);

/**
 * Frees a channel. The last one ends nothing: running calls go on, and the connections close after
 * them. NULL is allowed.
 *
 * @param channel Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_channel_free(zeebe_channel *channel);

/* ============================================================================================== */
/* Calls
 *
 * Unary and streaming, with callbacks, on a completion queue, or blocking.
 */

/** Whether a call waits while the gateway cannot be reached, or fails with the reason. */
enum ZeebeWaitForReady
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** The channel's default, which is NO. */
  ZEEBE_WAIT_FOR_READY_DEFAULT = 0,
  /** Waits until its deadline. */
  ZEEBE_WAIT_FOR_READY_YES = 1,
  /** Fails with the last connection error. */
  ZEEBE_WAIT_FOR_READY_NO = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeWaitForReady ZeebeWaitForReady;
#else
typedef int32_t ZeebeWaitForReady;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** How messages are compressed. */
enum ZeebeCompression
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** The channel's default. */
  ZEEBE_COMPRESSION_DEFAULT = 0,
  /** Not at all. */
  ZEEBE_COMPRESSION_IDENTITY = 1,
  /** With gzip. */
  ZEEBE_COMPRESSION_GZIP = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeCompression ZeebeCompression;
#else
typedef int32_t ZeebeCompression;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** How the messages of a call come, or the jobs of a job stream. */
enum ZeebeRequests
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** By themselves. */
  ZEEBE_REQUESTS_AUTOMATIC = 0,
  /** Only as zeebe_call_request() asks for them. */
  ZEEBE_REQUESTS_MANUAL = 1,
  /**
   * On a queue alone: by themselves, and zeebe_call_request() says how many the program has taken;
   * until then they count as waiting. For who takes events for others, which take their time.
   */
  ZEEBE_REQUESTS_TAKEN = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeRequests ZeebeRequests;
#else
typedef int32_t ZeebeRequests;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** Of one call. Initialise it with ::ZEEBE_CALL_OPTIONS_INIT. */
typedef struct {
  /** `sizeof(zeebe_call_options)`. */
  size_t size;
  /**
   * Of the whole call. ZEEBE_TIMEOUT_NONE: none. It is milliseconds; 0: the channel's, -1: none.
   */
  int64_t timeout_ms;
  /** Copied. A key here replaces the channel's and a plugin's. NULL: none. */
  const zeebe_metadata *metadata;
  /** For this call, after the channel's. NULL: none. */
  const zeebe_metadata_plugin *credentials;
  /** What `:authority` says. NULL: the channel's. */
  const char *authority;
  /** What an answer's message may have. It is 1 to 2147483647 bytes; 0: the channel's, -1: none. */
  int64_t max_receive_message_length;
  /** One of the ZEEBE_WAIT_FOR_READY_ constants. */
  int32_t wait_for_ready;
  /**
   * One of the ZEEBE_COMPRESSION_ constants; DEFAULT is the channel's. Compressed answers are
   * always taken.
   */
  int32_t compression;
  /** One of the ZEEBE_REQUESTS_ constants. */
  int32_t manual_requests;
  /**
   * 1: the metadata of a unary call that ends OK are not wanted, and its response has none. 0: it
   * has them.
   */
  int32_t discard_metadata;
  /**
   * On a queue: messages that came and wait until they are taken. When so many wait, the call is
   * read on once half of them were taken; what fills the stream's window meanwhile
   * (`grpc.http2.lookahead_bytes`) comes all the same. It is 1 to 100000; 0: 8192.
   */
  int64_t max_buffered_messages;
  /**
   * The same in bytes, of which each message has 256 more. One message always may wait. It is 1 to
   * 2147483647 bytes; 0: 2097152.
   */
  int64_t max_buffered_bytes;
} zeebe_call_options;
/** Nothing given. */
#define ZEEBE_CALL_OPTIONS_INIT \
  { sizeof(zeebe_call_options), 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0 }

/**
 * What ::ZEEBE_CALL_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_call_options_init(zeebe_call_options *options, size_t size);

/**
 * Queues a message, copied; never waits. ILLEGAL_STATE: after half_close, the call has ended, or it
 * is unary.
 *
 * RPC, RESOURCE_EXHAUSTED: longer than the send limit.
 *
 * @param call Lent for the call. Not NULL.
 * @param message So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_call_send_message(const zeebe_call *call, const uint8_t *message,
    size_t length);

/**
 * zeebe_call_send_message() and zeebe_call_half_close() in one, of the last message, or the only
 * one: both go out in one frame, where two calls may need two. What is refused half-closes nothing.
 * Errors as zeebe_call_send_message().
 *
 * @param call Lent for the call. Not NULL.
 * @param message So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_call_send_last_message(const zeebe_call *call, const uint8_t *message,
    size_t length);

/**
 * 1 if more can be sent at once, 0 if it would only be buffered, or refused; advice.
 *
 * @param call Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_call_is_ready(const zeebe_call *call);

/**
 * Whether the messages sent from now on may be compressed: 1, as at the start, or 0, which is
 * gRPC's NO_COMPRESS.
 *
 * Without effect on a call that does not compress: see `compression` of ::zeebe_call_options.
 * INVALID_ARGUMENT: `enabled` is neither 0 nor 1.
 *
 * @param call Lent for the call. Not NULL.
 * @param enabled 1 or 0.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_call_set_message_compression(const zeebe_call *call, int32_t enabled);

/**
 * Says that no more messages follow. ILLEGAL_STATE: said before, or the call is unary.
 *
 * Unlike zeebe_call_send_message() it does not mind that the call has ended, for nothing of the
 * program's is lost then.
 *
 * @param call Lent for the call. Not NULL.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_call_half_close(const zeebe_call *call);

/**
 * Asks for `count` messages more, or says that so many were taken: see manual_requests of the
 * options, without which it is ILLEGAL_STATE. INVALID_ARGUMENT: `count` < 1.
 *
 * @param call Lent for the call. Not NULL.
 * @param count How many.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_call_request(const zeebe_call *call, int64_t count);

/**
 * Ends the call with CANCELLED; `reason` may be NULL. What came first counts; after the end nothing
 * happens.
 *
 * @param call NULL is allowed.
 * @param reason UTF-8, copied. NULL: none.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_call_cancel(const zeebe_call *call, const char *reason);

/**
 * Another handle on the same call. NULL for NULL.
 *
 * @param call Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_call_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_call *zeebe_call_ref(const zeebe_call *call);

/**
 * Frees a call's handle; the last one cancels a call that has not ended, and its end still comes.
 * NULL is allowed.
 *
 * @param call Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_call_free(zeebe_call *call);

/**
 * The message. Borrowed from the response; NULL for NULL.
 *
 * @param response Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const zeebe_buffer *zeebe_response_message(const zeebe_response *response);

/**
 * The initial metadata, perhaps empty. Borrowed from the response; NULL for NULL.
 *
 * @param response Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const zeebe_metadata *zeebe_response_initial_metadata(const zeebe_response *response);

/**
 * The trailers, perhaps empty. Borrowed from the response; NULL for NULL.
 *
 * @param response Lent for the call. NULL is allowed.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const zeebe_metadata *zeebe_response_trailers(const zeebe_response *response);

/**
 * Another handle on the same response; how a callback keeps one. Nothing is copied but a short
 * message that a callback was lent. NULL for NULL.
 *
 * @param response Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_response_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_response *zeebe_response_ref(const zeebe_response *response);

/**
 * Frees a response. NULL is allowed.
 *
 * @param response Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_response_free(zeebe_response *response);

/**
 * Called once; exactly one of `error` and `response` is not NULL. Both are borrowed until it
 * returns.
 */
typedef void (*zeebe_unary_callback)(void *user_data,
                                     const zeebe_error *error,
                                     const zeebe_response *response);

/**
 * Starts a unary call; `callback` gets its end, once, on a library thread.
 *
 * `method` is a path such as `/gateway_protocol.Gateway/Topology`, or the gateway's RPC by name,
 * `message` its encoded request, both copied. `call` may be NULL; else it is written before the
 * callback runs, and freeing it early cancels the call.
 * INVALID_ARGUMENT: NULL, not UTF-8, out of range. RPC, RESOURCE_EXHAUSTED: the message is longer
 *   than the send limit.
 * SHUTDOWN: the channel is closed, or the runtime was shut down. Never blocks.
 *
 * @param channel Lent for the call. Not NULL.
 * @param method UTF-8, copied. Not NULL.
 * @param message So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @param options Copied. NULL: nothing given.
 * @param callback Called on a library thread. Not NULL.
 * @param user_data The program's, handed to the callbacks as it is.
 * @param call Out: the caller's, zeebe_call_free(). NULL: not wanted.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_unary_call(const zeebe_channel *channel, const char *method,
    const uint8_t *message, size_t length, const zeebe_call_options *options,
    zeebe_unary_callback callback, void *user_data, zeebe_call **call);

/**
 * Starts a unary call whose end is an event of type UNARY with `tag`, taken by
 * zeebe_completion_queue_next().
 *
 * All else as zeebe_channel_unary_call(). SHUTDOWN also: the queue was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param method UTF-8, copied. Not NULL.
 * @param message So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @param options Copied. NULL: nothing given.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @param call Out: the caller's, zeebe_call_free(). NULL: not wanted.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_unary_call_on_queue(const zeebe_channel *channel,
    const char *method, const uint8_t *message, size_t length, const zeebe_call_options *options,
    const zeebe_completion_queue *queue, uint64_t tag, zeebe_call **call);

/**
 * Makes a unary call and blocks until it ends; give it a time-out.
 *
 * `*response` is owned: zeebe_response_free(). Errors: as zeebe_channel_unary_call(), and how the
 * call ended, most often RPC with the gateway's status. ILLEGAL_STATE: on a library thread.
 *
 * @param channel Lent for the call. Not NULL.
 * @param method UTF-8, copied. Not NULL.
 * @param message So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @param options Copied. NULL: nothing given.
 * @param response Out: the caller's, zeebe_response_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_unary_call_sync(const zeebe_channel *channel,
    const char *method, const uint8_t *message, size_t length, const zeebe_call_options *options,
    zeebe_response **response);

/** The gateway's first metadata; not called for an answer that has none. */
typedef void (*zeebe_initial_metadata_callback)(void *user_data, const zeebe_metadata *metadata);

/** A message of the stream. A slow callback slows the sender. */
typedef void (*zeebe_message_callback)(void *user_data, const zeebe_buffer *message);

/** More may be sent. */
typedef void (*zeebe_ready_callback)(void *user_data);

/** The end: `error` is NULL if the status is OK; `trailers` is never NULL. */
typedef void (*zeebe_close_callback)(void *user_data,
                                     const zeebe_error *error,
                                     const zeebe_metadata *trailers);

/**
 * What is told about a call of zeebe_channel_start_call(). All run in order, never two at once, on
 * library threads. Initialise it with ::ZEEBE_CALL_HANDLER_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_call_handler)`. */
  size_t size;
  /** May be NULL. */
  zeebe_initial_metadata_callback on_initial_metadata;
  /** May be NULL. */
  zeebe_message_callback on_message;
  /** More may be sent; advice. May be NULL. */
  zeebe_ready_callback on_ready;
  /** Once, last. Required. */
  zeebe_close_callback on_close;
  /** After on_close; may be NULL. */
  zeebe_destroy destroy;
} zeebe_call_handler;
/** Nothing given. */
#define ZEEBE_CALL_HANDLER_INIT \
  { sizeof(zeebe_call_handler), NULL, NULL, NULL, NULL, NULL }

/**
 * What ::ZEEBE_CALL_HANDLER_INIT says, for languages that have no macros of C: nothing given.
 *
 * `handler` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param handler Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_call_handler_init(zeebe_call_handler *handler, size_t size);

/**
 * Starts a call of any kind; the handler learns what happens, and on_close how it ends, once and
 * last.
 *
 * Send with zeebe_call_send_message(), then zeebe_call_half_close(), or with
 * zeebe_call_send_last_message(), also a single request. `*call` is written before the first
 * callback; freeing its last handle cancels the call, and on_close still comes. Errors as
 * zeebe_channel_unary_call(); INVALID_ARGUMENT also: `handler`, its on_close or `call` is NULL.
 *
 * @param channel Lent for the call. Not NULL.
 * @param method UTF-8, copied. Not NULL.
 * @param options Copied. NULL: nothing given.
 * @param handler Copied. Not NULL.
 * @param user_data The program's, handed to the callbacks as it is.
 * @param call Out: the caller's, zeebe_call_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_start_call(const zeebe_channel *channel, const char *method,
    const zeebe_call_options *options, const zeebe_call_handler *handler, void *user_data,
    zeebe_call **call);

/**
 * Starts a call of any kind; what happens to it are events with `tag`, taken by
 * zeebe_completion_queue_next().
 *
 * INITIAL_METADATA, if the answer has some; MESSAGE; READY, when more may be sent; CLOSE, once and
 *   last. Messages that are not taken slow the sender. `call` and errors as for
 *   zeebe_channel_start_call(); SHUTDOWN also: the queue was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param method UTF-8, copied. Not NULL.
 * @param options Copied. NULL: nothing given.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @param call Out: the caller's, zeebe_call_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_start_call_on_queue(const zeebe_channel *channel,
    const char *method, const zeebe_call_options *options, const zeebe_completion_queue *queue,
    uint64_t tag, zeebe_call **call);

/* ============================================================================================== */
/* Completion queues
 *
 * Where ends and events of calls are taken in batches, by threads or by an event loop.
 */

/**
 * What an event is about, and which of its fields are set. New types may appear: clear them unread.
 */
enum ZeebeEventType
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** None: an event that was cleared. */
  ZEEBE_EVENT_TYPE_NONE = 0,
  /** A unary call has ended: `response`, or else `error`. */
  ZEEBE_EVENT_TYPE_UNARY = 1,
  /** An answer began: `metadata`. */
  ZEEBE_EVENT_TYPE_INITIAL_METADATA = 2,
  /** A message came, or a job: `message`. */
  ZEEBE_EVENT_TYPE_MESSAGE = 3,
  /** More may be sent; advice. */
  ZEEBE_EVENT_TYPE_READY = 4,
  /**
   * A call has ended: `metadata`, which are the trailers and never NULL, and `error` unless the
   * status is OK. Or a job stream, without trailers, or a job worker; with `error` unless it was
   * closed in order.
   */
  ZEEBE_EVENT_TYPE_CLOSE = 5,
  /** zeebe_completion_queue_post(). */
  ZEEBE_EVENT_TYPE_POSTED = 6,
  /**
   * Anything else that was begun on the queue has ended: `error`, unless it went well; `state` of
   * zeebe_channel_wait_for_state_change_on_queue(), `metadata` of
   * zeebe_metadata_plugin_get_metadata_on_queue().
   */
  ZEEBE_EVENT_TYPE_DONE = 7,
  /**
   * A job stream goes on after a failure, as ::zeebe_job_stream_error_callback says: `error`,
   * `failures`, `pause_ms`. While one is not taken, nothing follows of its job stream, and the last
   * 16 failures wait. Of a job worker the same.
   */
  ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR = 8,
  /** A worker gives a job: `job`. */
  ZEEBE_EVENT_TYPE_JOB = 9,
  /** The end of a job was settled: `outcome`, and `error` unless it is ENDED. */
  ZEEBE_EVENT_TYPE_JOB_ENDED = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeEventType ZeebeEventType;
#else
typedef int32_t ZeebeEventType;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What happened. It owns what its pointers point to: zeebe_events_clear(); set one to NULL to keep
 * what it points to.
 *
 * It may grow in later versions: its size goes with each call.
 */
typedef struct {
  /** As it was given for what this is about. */
  uint64_t tag;
  /** One of the ZEEBE_EVENT_TYPE_ constants. */
  int32_t event_type;
  /** Of what has an `error` or might: the error's, or 0 (OK). */
  int32_t grpc_status;
  /**
   * Of UNARY and MESSAGE: the message's bytes, owned by `response` or `message`, or in the block of
   * zeebe_completion_queue_take().
   */
  const uint8_t *data;
  /** How many. */
  size_t length;
  /** zeebe_buffer_free(). NULL if not set, as all of these. */
  zeebe_buffer *message;
  /** zeebe_response_free(). */
  zeebe_response *response;
  /** zeebe_metadata_free(). */
  zeebe_metadata *metadata;
  /** zeebe_error_free(). */
  zeebe_error *error;
  /** One of the ZEEBE_CONNECTIVITY_ constants. */
  int32_t state;
  /** In a row, with this one; 2 147 483 647 if there were more. */
  int32_t failures;
  /** Until the next try. */
  int64_t pause_ms;
  /** zeebe_job_free(). */
  zeebe_job *job;
  /** One of the ZEEBE_JOB_OUTCOME_ constants. */
  int32_t outcome;
  /** 0. */
  uint32_t reserved;
} zeebe_event;

/**
 * Frees what the first `count` of `events` own, and makes them of type NONE. NULL is allowed.
 *
 * `event_size` is `sizeof(zeebe_event)`, as it was for zeebe_completion_queue_next().
 *
 * @param events The program's array. NULL is allowed.
 * @param event_size `sizeof(zeebe_event)`.
 * @param count How many.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_events_clear(zeebe_event *events, size_t event_size, size_t count);

/**
 * Makes a completion queue. INVALID_ARGUMENT: `queue` is NULL.
 *
 * @param queue Out: the caller's, zeebe_completion_queue_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_completion_queue_new(zeebe_completion_queue **queue);

/**
 * Writes a descriptor to `fd` that is readable while zeebe_completion_queue_next() would not wait,
 * also by level- and edge-triggered epoll.
 *
 * It is the library's: only poll it, and not after the queue's last handle was freed. With an
 * edge-triggered loop, or a thread beside it, take events until there are none. A queue whose
 * descriptor nobody asked for has none.
 * INVALID_ARGUMENT: NULL. INTERNAL: the process has no descriptors left. SHUTDOWN: after
 *   zeebe_runtime_shutdown().
 *
 * @param queue Lent for the call. Not NULL.
 * @param fd Out.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_completion_queue_fd(const zeebe_completion_queue *queue, int32_t *fd);

/**
 * Takes up to `capacity` events, which came in this order, into `events`, and writes to `count` how
 * many; waits for the first one `timeout_ms` at most (< 0: for ever; 0: not at all).
 *
 * `event_size` is `sizeof(zeebe_event)`. Time-out: `*count` is 0. The events own their data:
 * zeebe_events_clear(). Any number of threads may take from one queue; the events of one tag come
 * in order, but threads may overtake one another.
 * SHUTDOWN: the queue or the runtime was shut down, and nothing is left to come. ILLEGAL_STATE:
 *   with a `timeout_ms` other than 0 on a library thread. INVALID_ARGUMENT: NULL, `capacity` 0, a
 *   wrong `event_size`.
 *
 * @param queue Lent for the call. Not NULL.
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @param events The program's array.
 * @param event_size `sizeof(zeebe_event)`.
 * @param capacity How many fit into `events`.
 * @param count Out: how many came.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's; any with a `timeout_ms` of 0. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_completion_queue_next(const zeebe_completion_queue *queue,
    int64_t timeout_ms, zeebe_event *events, size_t event_size, size_t capacity, size_t *count);

/**
 * Takes events as zeebe_completion_queue_next() does, and copies their messages into `block`, of
 * `block_size` bytes, while there is room: for a program that copies them anyway, into memory of
 * its own.
 *
 * The `data` of an event of type UNARY or MESSAGE then points into `block`, its `message` is NULL,
 * and so is its `response` unless that has metadata: most events own nothing, and what all pointers
 * of are NULL needs no zeebe_events_clear(). A message that does not fit comes as from
 * zeebe_completion_queue_next(), and shorter ones after it may still be copied. `block` is the
 * program's: the library writes to it in here only. NULL where `block_size` is 0. Threads and
 * errors as zeebe_completion_queue_next()'s, and INVALID_ARGUMENT: `block` is NULL, `block_size`
 * not 0.
 *
 * @param queue Lent for the call. Not NULL.
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @param events The program's array.
 * @param event_size `sizeof(zeebe_event)`.
 * @param capacity How many fit into `events`.
 * @param block The program's memory. NULL: none.
 * @param block_size How many bytes it has.
 * @param count Out.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's; any with a `timeout_ms` of 0. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_completion_queue_take(const zeebe_completion_queue *queue,
    int64_t timeout_ms, zeebe_event *events, size_t event_size, size_t capacity, uint8_t *block,
    size_t block_size, size_t *count);

/**
 * Adds an event of type POSTED with `tag`, from any thread or callback: how an event loop is woken
 * for something else.
 *
 * SHUTDOWN: the queue or the runtime was shut down. INVALID_ARGUMENT: NULL.
 *
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_completion_queue_post(const zeebe_completion_queue *queue,
    uint64_t tag);

/**
 * Refuses posts and what would begin here from now on; what runs still ends here. NULL is allowed.
 *
 * Once all have ended and all was taken, zeebe_completion_queue_next() returns SHUTDOWN, to every
 * thread, and the descriptor stays readable. zeebe_runtime_shutdown() shuts down every queue.
 *
 * @param queue NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_completion_queue_shutdown(const zeebe_completion_queue *queue);

/**
 * Another handle on the same queue. NULL for NULL.
 *
 * @param queue Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_completion_queue_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_completion_queue *zeebe_completion_queue_ref(const zeebe_completion_queue *queue);

/**
 * Frees a queue's handle; the last one cancels its calls and job streams, and events not taken are
 * lost. NULL is allowed.
 *
 * @param queue Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_completion_queue_free(zeebe_completion_queue *queue);

/* ============================================================================================== */
/* Job streams
 *
 * Jobs of one type, pushed, that go on by themselves.
 */

/**
 * A failure that a job stream goes on after: it may pass, and may not, as a job that is longer than
 * what may be received.
 *
 * `failures`: so many in a row, with this one; of the stream and of the polls beside it each on its
 * own; a job, 30 s of life, or the cut of a stream that was taken on and outlived the pause before
 * it (and 250 ms), as a proxy cuts each, begins anew. `pause_ms`: until the next try. `error` is
 * lent for the call. Runs as on_message does, never beside it, also while jobs wait for
 * zeebe_job_stream_request(); a program that is slow is told of the last 16.
 */
typedef void (*zeebe_job_stream_error_callback)(void *user_data,
                                                const zeebe_error *error,
                                                int64_t failures,
                                                int64_t pause_ms);

/**
 * Of zeebe_channel_stream_jobs() and its like. Initialise it with ::ZEEBE_JOB_STREAM_OPTIONS_INIT.
 */
typedef struct {
  /** `sizeof(zeebe_job_stream_options)`. */
  size_t size;
  /** Sent with every call. Copied. NULL: none. */
  const zeebe_metadata *metadata;
  /**
   * Jobs that wait here for a slow on_message, on a queue until they are taken, or for
   * zeebe_job_stream_request(). When so many wait, the gateway is asked for no more, but for what
   * fills the stream's window (`grpc.http2.lookahead_bytes`). It is 1 to 100000; 0: 32.
   */
  int64_t max_buffered_jobs;
  /**
   * A stream that brought no job for so long is opened anew. It is 1 to 31622400000 milliseconds;
   * 0: 60000.
   */
  int64_t watchdog_ms;
  /**
   * How often ActivateJobs looks for jobs that the stream did not bring, ± 10 %. It is 1 to
   * 31622400000 milliseconds; 0: 10000.
   */
  int64_t poll_interval_ms;
  /** One of the ZEEBE_REQUESTS_ constants, here for zeebe_job_stream_request(). */
  int32_t manual_requests;
  /** Must be 0. */
  uint32_t reserved;
  /**
   * Told of each failure that the job stream goes on after. It gets the user data of the handler,
   * or on a queue that of the options. May be NULL: on a queue failures are events then.
   */
  zeebe_job_stream_error_callback on_error;
  /**
   * As max_buffered_jobs, in bytes, of which each job has 256 more. One job always may wait. It is
   * 1 to 2147483647 bytes; 0: 2097152.
   */
  int64_t max_buffered_job_bytes;
  /** On a queue: on_error's. */
  void *user_data;
  /** On a queue, with on_error: of user_data, after the end. May be NULL. */
  zeebe_destroy destroy;
} zeebe_job_stream_options;
/** Nothing given. */
#define ZEEBE_JOB_STREAM_OPTIONS_INIT \
  { sizeof(zeebe_job_stream_options), NULL, 0, 0, 0, 0, 0, NULL, 0, NULL, NULL }

/**
 * What ::ZEEBE_JOB_STREAM_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_stream_options_init(zeebe_job_stream_options *options, size_t size);

/**
 * Streams the jobs of one type, for as long as the program wants: on_message gets one encoded
 * ActivatedJob at a time.
 *
 * `request` is an encoded StreamActivatedJobsRequest, copied. StreamActivatedJobs is opened, and
 * opened anew with a growing pause after it is lost or fails with what may pass; while the gateway
 * cannot be reached it waits. Beside it ActivateJobs, with what both requests have in common, finds
 * jobs that the stream missed. A gateway that has no StreamActivatedJobs is polled alone. The
 * channel's time-out does not count. A job that came may come again, once its time-out has passed,
 * as from any worker.
 *
 * What fails and is tried again is not passed over in silence: a WARN record from the second time
 * in a row on (from the first, if the error is not retryable and no proxy's cut), `job_streams` of
 * zeebe_channel_stats(), and the options' on_error. A job may have 5 MiB, unless
 * `grpc.max_receive_message_length` is given.
 *
 * Of the handler, on_message and on_close are called; on_initial_metadata and on_ready are not.
 * on_close comes once, last, with NULL after zeebe_job_stream_close(), else with why it ended: what
 * cannot pass (such as INVALID_ARGUMENT, PERMISSION_DENIED, UNAUTHENTICATED, NOT_FOUND), or
 * CANCELLED by zeebe_job_stream_free(), zeebe_channel_close() or zeebe_runtime_shutdown().
 * `*stream` is written before the first callback.
 * INVALID_ARGUMENT: NULL, out of range, or bytes that are no such request. SHUTDOWN: as
 *   zeebe_channel_start_call(). Never blocks.
 *
 * @param channel Lent for the call. Not NULL.
 * @param request So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @param options Copied. NULL: nothing given.
 * @param handler Copied. Not NULL.
 * @param user_data The program's, handed to the callbacks as it is.
 * @param stream Out: the caller's, zeebe_job_stream_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_stream_jobs(const zeebe_channel *channel,
    const uint8_t *request, size_t length, const zeebe_job_stream_options *options,
    const zeebe_call_handler *handler, void *user_data, zeebe_job_stream **stream);

/**
 * The same with events with `tag`, taken by zeebe_completion_queue_next(): MESSAGE for each job,
 * JOB_STREAM_ERROR, and CLOSE, once and last.
 *
 * Jobs that are not taken count as waiting: see max_buffered_jobs. What is in the queue when the
 * job stream ends is still there to be taken. SHUTDOWN also: the queue was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param request So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @param options Copied. NULL: nothing given.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @param stream Out: the caller's, zeebe_job_stream_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_stream_jobs_on_queue(const zeebe_channel *channel,
    const uint8_t *request, size_t length, const zeebe_job_stream_options *options,
    const zeebe_completion_queue *queue, uint64_t tag, zeebe_job_stream **stream);

/**
 * Asks for `count` jobs more, or says that so many were taken: see manual_requests of the options,
 * without which it is ILLEGAL_STATE. INVALID_ARGUMENT: `count` < 1.
 *
 * @param stream Lent for the call. Not NULL.
 * @param count How many.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_stream_request(const zeebe_job_stream *stream, int64_t count);

/**
 * Ends a job stream in order: the gateway is asked for nothing more, the jobs that came are
 * delivered, asked for or not, then on_close.
 *
 * A poll under way is waited for, a second at most. After the end nothing happens.
 *
 * @param stream NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_stream_close(const zeebe_job_stream *stream);

/**
 * Another handle on the same job stream. NULL for NULL.
 *
 * @param stream Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_job_stream_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_job_stream *zeebe_job_stream_ref(const zeebe_job_stream *stream);

/**
 * Frees a job stream's handle; the last one cancels a job stream that has not ended, also one that
 * is closing: jobs that wait are dropped (the gateway gives them to another worker after their
 * time-out), and on_close still comes, with CANCELLED. NULL is allowed.
 *
 * @param stream Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_stream_free(zeebe_job_stream *stream);

/* ============================================================================================== */
/* Job workers
 *
 * Jobs of one type, worked on: by callbacks, from a completion queue, or one at a time.
 */

/** Of a job worker. Initialise it with ::ZEEBE_JOB_WORKER_OPTIONS_INIT. */
typedef struct {
  /** `sizeof(zeebe_job_worker_options)`. */
  size_t size;
  /** The type of the jobs. Required. */
  const char *job_type;
  /** What the gateway calls the worker. NULL: `libzeebe`. */
  const char *worker_name;
  /**
   * How long a job is this worker's; then the gateway gives it to another. It is 1 to 31622400000
   * milliseconds; 0: 300000.
   */
  int64_t job_timeout_ms;
  /**
   * Jobs that are here at most, from their arrival until their end is known: a slow worker leaves
   * the rest with the gateway, but for what fills the stream's window
   * (`grpc.http2.lookahead_bytes`). It is 1 to 100000; 0: 32.
   */
  int64_t max_jobs_active;
  /**
   * Of those, how many the program works on at once: jobs that it was given and that have not
   * ended. The others wait here. It is 1 to 100000; 0: as many as may be active.
   */
  int64_t handlers_at_once;
  /** The names of the variables that jobs have. NULL: all. */
  const char *const *fetch_variables;
  /** How many. */
  size_t fetch_variables_count;
  /** The tenants whose jobs come. NULL: the default tenant's. */
  const char *const *tenant_ids;
  /** How many. */
  size_t tenant_ids_count;
  /** 1: no stream of jobs is opened, ActivateJobs alone brings them. */
  int32_t polls_alone;
  /**
   * 1: half of a job's time before its time-out passes while the program works on it,
   * UpdateJobTimeout asks for as much anew. A job that is not ours any more then (NOT_FOUND) is
   * told of by zeebe_job_deadline() and a WARN record. A gateway without that call (UNIMPLEMENTED)
   * is not asked again.
   */
  int32_t extend_timeout;
  /**
   * 1: a job whose last handle is freed without an end is left to its time-out, and does not fail.
   */
  int32_t leave_freed_jobs;
  /**
   * 1: `traceparent`, `tracestate` and `baggage` of a job's headers are metadata of the call that
   * ends it.
   */
  int32_t forward_trace_context;
  /**
   * A stream that brought no job for so long is opened anew. It is 1 to 31622400000 milliseconds;
   * 0: 60000.
   */
  int64_t watchdog_ms;
  /**
   * A stream is opened anew after so long, whatever it brings: so the streams of many workers
   * spread over gateways that come and go. It is 1 to 31622400000 milliseconds; 0: none.
   */
  int64_t stream_timeout_ms;
  /**
   * How often ActivateJobs looks for jobs that the stream did not bring, ± 10 %. With polls_alone:
   * from the beginning of one that found nothing to the next. It is 1 to 31622400000 milliseconds;
   * 0: 10000.
   */
  int64_t poll_interval_ms;
  /**
   * How long the gateway may hold an ActivateJobs while it has no jobs (with polls_alone), and
   * until the call that ends a job is sent again. It is 1 to 31622400000 milliseconds; 0: 10000.
   */
  int64_t request_timeout_ms;
  /**
   * The first pause after a poll that failed, or before an end is sent again. It is 1 to 86400000
   * milliseconds; 0: 50.
   */
  int64_t backoff_min_ms;
  /** The longest. It is 1 to 86400000 milliseconds; 0: 5000. */
  int64_t backoff_max_ms;
  /** What a pause is to the one before. It is 100 to 1000 percent; 0: 160. */
  int64_t backoff_factor_percent;
  /** How far a pause may be off, by chance. It is 1 to 100 percent; 0: 10, -1: none. */
  int64_t backoff_jitter_percent;
  /**
   * Of a job that fails, until it comes again, unless its end says it. It is 1 to 31622400000
   * milliseconds; 0: none.
   */
  int64_t retry_backoff_ms;
  /**
   * How long zeebe_job_worker_close() waits for jobs that the program works on. It is 1 to
   * 31622400000 milliseconds; 0: 10000, -1: none.
   */
  int64_t grace_ms;
  /** Sent with every call. Copied. NULL: none. */
  const zeebe_metadata *metadata;
} zeebe_job_worker_options;
/** Nothing given. */
#define ZEEBE_JOB_WORKER_OPTIONS_INIT \
  { sizeof(zeebe_job_worker_options), NULL, NULL, 0, 0, 0, NULL, 0, NULL, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0, 0, 0, 0, 0, NULL }

/**
 * What ::ZEEBE_JOB_WORKER_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
 *
 * `options` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param options Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_worker_options_init(zeebe_job_worker_options *options, size_t size);

/**
 * A job for the program, which ends it, here or later, on any thread. `job` is lent for the call:
 * zeebe_job_ref() keeps it.
 */
typedef void (*zeebe_job_callback)(void *user_data, const zeebe_job *job);

/** What is told about a job worker. Initialise it with ::ZEEBE_JOB_WORKER_HANDLER_INIT. */
typedef struct {
  /** `sizeof(zeebe_job_worker_handler)`. */
  size_t size;
  /**
   * A job. With `callback_threads` of the runtime's options it runs on all of these at once, also
   * beside itself, and may take its time; without, on the channel's I/O thread, which it holds up.
   * Required.
   */
  zeebe_job_callback on_job;
  /**
   * Told of each failure of the worker's stream and polls that the worker goes on after; a program
   * that is slow, of some. May be NULL.
   */
  zeebe_job_stream_error_callback on_error;
  /**
   * The worker has ended: once, last; `error` is NULL after a zeebe_job_worker_close() that all
   * jobs ended in. May be NULL.
   */
  zeebe_done_callback on_close;
  /** Of the user data, after on_close. May be NULL. */
  zeebe_destroy destroy;
} zeebe_job_worker_handler;
/** Nothing given. */
#define ZEEBE_JOB_WORKER_HANDLER_INIT \
  { sizeof(zeebe_job_worker_handler), NULL, NULL, NULL, NULL }

/**
 * What ::ZEEBE_JOB_WORKER_HANDLER_INIT says, for languages that have no macros of C: nothing given.
 *
 * `handler` has `size` bytes, which the caller's declaration says: one of an older header has
 * fewer. NULL, or fewer than the first release's: nothing is written.
 *
 * @param handler Out: the program's memory. NULL: nothing is written.
 * @param size `sizeof` the struct, as the program knows it.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_worker_handler_init(zeebe_job_worker_handler *handler, size_t size);

/**
 * Starts a worker: on_job of `handler` gets jobs of one type; or, with a `handler` of NULL,
 * zeebe_job_worker_next() takes them.
 *
 * Jobs come by a stream that goes on by itself, as zeebe_channel_stream_jobs() says, and by polls
 * beside it; a gateway without StreamActivatedJobs is polled alone. Each ends once, by
 * zeebe_job_complete(), zeebe_job_fail() or zeebe_job_throw_error(), on any thread.
 * RESOURCE_EXHAUSTED, the gateway's back-pressure, makes the worker poll less often, and send fewer
 * ends at once, until it passes; no job comes for one whose end waits. A job that waits here for a
 * handler past its deadline is let go of.
 *
 * What cannot pass ends the worker, with on_close: INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED
 * or UNAUTHENTICATED of the stream or the polls (of a job's end it is only that end's),
 * UNIMPLEMENTED of both. Jobs that the program works on have their grace then, as after
 * zeebe_job_worker_close(). `*worker` is written before the first callback. Errors:
 * INVALID_ARGUMENT: NULL, out of range, no `job_type`, or no on_job.
 * SHUTDOWN: as zeebe_channel_start_call(). Never blocks.
 *
 * @param channel Lent for the call. Not NULL.
 * @param worker_options Copied. Not NULL.
 * @param handler Copied. NULL: zeebe_job_worker_next() takes the jobs.
 * @param user_data The program's, handed to the callbacks as it is.
 * @param worker Out: the caller's, zeebe_job_worker_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_worker_start(const zeebe_channel *channel,
    const zeebe_job_worker_options *worker_options, const zeebe_job_worker_handler *handler,
    void *user_data, zeebe_job_worker **worker);

/**
 * Starts a worker whose jobs are events of type JOB with `tag`, taken by
 * zeebe_completion_queue_next(); JOB_STREAM_ERROR, and CLOSE, once and last.
 *
 * A job in the queue is one that the program works on. All else as zeebe_job_worker_start().
 * SHUTDOWN also: the queue was shut down.
 *
 * @param channel Lent for the call. Not NULL.
 * @param worker_options Copied. Not NULL.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @param worker Out: the caller's, zeebe_job_worker_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_worker_start_on_queue(const zeebe_channel *channel,
    const zeebe_job_worker_options *worker_options, const zeebe_completion_queue *queue,
    uint64_t tag, zeebe_job_worker **worker);

/**
 * Takes a job of a worker that was started without a handler; waits for one `timeout_ms` at most (<
 * 0: for ever; 0: not at all).
 *
 * `*job` is owned: zeebe_job_free(); NULL: none came in time. Any number of threads may take.
 * SHUTDOWN: the worker was closed and has ended, and no job is left, or the runtime was shut down.
 *   Any other error: why the worker ended by itself. ILLEGAL_STATE: the worker has a handler or a
 *   queue; with a `timeout_ms` other than 0 on a library thread. INVALID_ARGUMENT: NULL.
 *
 * @param worker Lent for the call. Not NULL.
 * @param timeout_ms Milliseconds; < 0: for ever, 0: not at all.
 * @param job Out: the caller's, zeebe_job_free(), or NULL.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's; any with a `timeout_ms` of 0. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_worker_next(const zeebe_job_worker *worker, int64_t timeout_ms,
    zeebe_job **job);

/**
 * Ends a worker in order: no more jobs come, those that the program works on may end within
 * `grace_ms` of the worker's options, and their ends are sent; then on_close. NULL is allowed.
 *
 * Jobs that no handler has yet, and that zeebe_job_worker_next() has not given, go back to the
 * gateway at once: they fail with the retries that they have, which costs none, and come again, to
 * whoever asks. What has not ended when the grace is over is left to its time-out, and on_close
 * gets DEADLINE_EXCEEDED; a callback that still runs then is waited for. Close a worker before its
 * channel: a channel that closes lets no new call begin, such as the end of a job.
 *
 * @param worker NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_worker_close(const zeebe_job_worker *worker);

/**
 * Writes what the worker did to `json`, a JSON object; zeebe_string_free() frees it.
 * INVALID_ARGUMENT: NULL. SHUTDOWN: a parent process's.
 *
 * `jobs_here`; `jobs`, counts from the beginning: `activated`, `completed`, `failed`, `thrown`,
 * `not_ended` and `unknown` (as outcomes), `given_back` at its close, `expired` (waited past their
 * deadline), `left` (to their time-out), `late` (ended after their deadline), `sent_again`,
 * `extended`; `queue_time_ms` (until a handler has a job) and `handler_time_ms` (until that ends
 * it), each with `count`, `sum` and how many took `up_to` so many milliseconds. Keys may be added.
 *
 * @param worker Lent for the call. Not NULL.
 * @param json Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_worker_stats(const zeebe_job_worker *worker, char **json);

/**
 * Writes the same of `count` workers to `text` as Prometheus reads it (text format 0.0.4), with the
 * labels `type` and `worker`; zeebe_string_free() frees it. INVALID_ARGUMENT: NULL. SHUTDOWN: a
 * parent process's.
 *
 * `zeebe_job_worker_jobs_activated_total` and its like, `zeebe_job_worker_jobs_here`, and the
 * histograms `zeebe_job_worker_queue_seconds` and `zeebe_job_worker_handler_seconds`. All workers
 * of a program in one call: each metric is described once in a text.
 *
 * @param workers So many workers, lent for the call.
 * @param count How many.
 * @param text Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_workers_prometheus(const zeebe_job_worker *const *workers,
    size_t count, char **text);

/**
 * Another handle on the same worker. NULL for NULL.
 *
 * @param worker Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_job_worker_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_job_worker *zeebe_job_worker_ref(const zeebe_job_worker *worker);

/**
 * Frees a worker's handle; the last one ends a worker that has not ended, also one that is closing,
 * at once: jobs that have not ended are left to their time-out, and on_close still comes, with
 * CANCELLED. NULL is allowed.
 *
 * @param worker Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_worker_free(zeebe_job_worker *worker);

/** What became of a job's end. */
enum ZeebeJobOutcome
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /** Nothing is known yet: of what is no end of a job. */
  ZEEBE_JOB_OUTCOME_NONE = 0,
  /** The gateway has taken it: the job is completed, has failed, or has thrown its error. */
  ZEEBE_JOB_OUTCOME_ENDED = 1,
  /**
   * The gateway has not taken it, and will not: the job comes again, to some worker, or is
   * another's or nobody's by now.
   */
  ZEEBE_JOB_OUTCOME_NOT_ENDED = 2,
  /**
   * The gateway may have taken it, or not: an answer was lost. If it has not, the job comes again.
   */
  ZEEBE_JOB_OUTCOME_UNKNOWN = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ZeebeJobOutcome ZeebeJobOutcome;
#else
typedef int32_t ZeebeJobOutcome;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The job's key; 0 for NULL. It is the same each time that the job comes.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int64_t zeebe_job_key(const zeebe_job *job);

/**
 * The job's type. Borrowed from the job, as all texts of it; `length`, without the NUL, may be
 * NULL. NULL for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_job_type(const zeebe_job *job, size_t *length);

/**
 * The job's process instance; 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int64_t zeebe_job_process_instance_key(const zeebe_job *job);

/**
 * The process definition's key; 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int64_t zeebe_job_process_definition_key(const zeebe_job *job);

/**
 * The process definition's version; 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_job_process_definition_version(const zeebe_job *job);

/**
 * The process definition's BPMN id.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_job_bpmn_process_id(const zeebe_job *job, size_t *length);

/**
 * The id of the element in the process.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_job_element_id(const zeebe_job *job, size_t *length);

/**
 * The element's instance; 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int64_t zeebe_job_element_instance_key(const zeebe_job *job);

/**
 * How many retries it has left, this one included; 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_job_retries(const zeebe_job *job);

/**
 * Until when the job is ours, in Unix milliseconds; 0 for NULL. Later than it was once the worker
 * got more time, and past once the gateway said that the job is not ours any more: see
 * `extend_timeout` of the worker's options.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int64_t zeebe_job_deadline(const zeebe_job *job);

/**
 * The job's tenant.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_job_tenant_id(const zeebe_job *job, size_t *length);

/**
 * The worker's name that the gateway gave it to.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_job_worker_name(const zeebe_job *job, size_t *length);

/**
 * The headers of its task, a JSON object of texts.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_job_custom_headers(const zeebe_job *job, size_t *length);

/**
 * Its variables, a JSON object.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const char *zeebe_job_variables(const zeebe_job *job, size_t *length);

/**
 * What it is of, by ActivatedJob.JobKind: 0 an element, 1 an execution listener, 2 a task listener,
 * 3 an ad-hoc sub-process; 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_job_kind(const zeebe_job *job);

/**
 * A listener's event, by ActivatedJob.ListenerEventType, where 6 is none; 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return As above.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API int32_t zeebe_job_listener_event_type(const zeebe_job *job);

/**
 * The encoded ActivatedJob, as it came, with what has no accessor here. Borrowed from the job.
 * `length` may be NULL; NULL and length 0 for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @param length Out: how many. May be NULL.
 * @return As above. Not to be freed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API const uint8_t *zeebe_job_message(const zeebe_job *job, size_t *length);

/**
 * Another handle on the same job. NULL for NULL.
 *
 * @param job Lent for the call. NULL is allowed.
 * @return The caller's: zeebe_job_free(). NULL for NULL.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_job *zeebe_job_ref(const zeebe_job *job);

/**
 * Frees a job's handle. NULL is allowed. A job whose last handle is freed without an end fails,
 * with one retry less and a message that says so; or it is left to its time-out, with
 * `leave_freed_jobs` of the worker's options.
 *
 * @param job Taken. NULL is allowed.
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API void zeebe_job_free(zeebe_job *job);

/**
 * Called once; `outcome` is one of the ZEEBE_JOB_OUTCOME_ constants, `error` why it is not ENDED,
 * lent for the call.
 */
typedef void (*zeebe_job_end_callback)(void *user_data, int32_t outcome, const zeebe_error *error);

/**
 * Completes a job. What comes of that, `callback` is told, once.
 *
 * A job ends once: a second end is refused with ILLEGAL_STATE. The end is sent at once, from any
 * thread, and sent again, with growing pauses, after UNAVAILABLE, RESOURCE_EXHAUSTED, an answer
 * that is late or was cut, and what passes of a token's, for as long as the job is ours; the first
 * time it is sent in any case. NOT_FOUND (another has completed the job by now, or it was
 * cancelled), FAILED_PRECONDITION, INVALID_ARGUMENT (variables that are no JSON object),
 * UNAUTHENTICATED, PERMISSION_DENIED and UNIMPLEMENTED end it: NOT_ENDED, unless an answer was lost
 * before, UNKNOWN. An end that comes after the job's deadline is sent all the same, and a WARN
 * record says so. A message beyond `grpc.max_send_message_length` is NOT_ENDED, too. The job's
 * handle stays the program's.
 * INVALID_ARGUMENT: NULL, not UTF-8. ILLEGAL_STATE: the job was ended before. SHUTDOWN: its worker
 *   has ended, or the runtime; the job is left to its time-out.
 *
 * @param job Lent for the call. Not NULL.
 * @param variables A JSON object, copied. NULL: none.
 * @param callback Called once, on a library thread. NULL: nobody is told.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_complete(const zeebe_job *job, const char *variables,
    zeebe_job_end_callback callback, void *user_data);

/**
 * Completes a job; what comes of that is an event of type JOB_ENDED with `tag`. All else as
 * zeebe_job_complete().
 *
 * SHUTDOWN also: the queue was shut down; then the job has not ended.
 *
 * @param job Lent for the call. Not NULL.
 * @param variables A JSON object, copied. NULL: none.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_complete_on_queue(const zeebe_job *job, const char *variables,
    const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Says that a job failed: it comes again after `retry_backoff_ms` (< 0: `retry_backoff_ms` of the
 * worker's options, 0: at once) if it has `retries` left, else there is an incident.
 * ZEEBE_RETRIES_ONE_LESS are one less than it has.
 *
 * `message` says why, to people; `variables` are set where the task is. All else as
 * zeebe_job_complete().
 * INVALID_ARGUMENT also: `retries` < -1.
 *
 * @param job Lent for the call. Not NULL.
 * @param retries How many are left.
 * @param retry_backoff_ms Milliseconds; < 0: the worker's, 0: none.
 * @param message UTF-8, copied. NULL: none.
 * @param variables A JSON object, copied. NULL: none.
 * @param callback Called once, on a library thread. NULL: nobody is told.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_fail(const zeebe_job *job, int32_t retries,
    int64_t retry_backoff_ms, const char *message, const char *variables,
    zeebe_job_end_callback callback, void *user_data);

/**
 * The same; what comes of it is an event of type JOB_ENDED with `tag`.
 *
 * SHUTDOWN also: the queue was shut down; then the job has not ended.
 *
 * @param job Lent for the call. Not NULL.
 * @param retries How many are left.
 * @param retry_backoff_ms Milliseconds; < 0: the worker's, 0: none.
 * @param message UTF-8, copied. NULL: none.
 * @param variables A JSON object, copied. NULL: none.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_fail_on_queue(const zeebe_job *job, int32_t retries,
    int64_t retry_backoff_ms, const char *message, const char *variables,
    const zeebe_completion_queue *queue, uint64_t tag);

/**
 * Throws a BPMN error, which an event of the process may catch; else there is an incident. `code`
 * is what events go by.
 *
 * `message` says why, to people; `variables` are set where the error is caught. All else as
 * zeebe_job_complete().
 * INVALID_ARGUMENT also: `code` is NULL.
 *
 * @param job Lent for the call. Not NULL.
 * @param code UTF-8, copied. Not NULL.
 * @param message UTF-8, copied. NULL: none.
 * @param variables A JSON object, copied. NULL: none.
 * @param callback Called once, on a library thread. NULL: nobody is told.
 * @param user_data The program's, handed to the callbacks as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_throw_error(const zeebe_job *job, const char *code,
    const char *message, const char *variables, zeebe_job_end_callback callback, void *user_data);

/**
 * The same; what comes of it is an event of type JOB_ENDED with `tag`.
 *
 * SHUTDOWN also: the queue was shut down; then the job has not ended.
 *
 * @param job Lent for the call. Not NULL.
 * @param code UTF-8, copied. Not NULL.
 * @param message UTF-8, copied. NULL: none.
 * @param variables A JSON object, copied. NULL: none.
 * @param queue Lent for the call. Not NULL.
 * @param tag Of the events, as it is.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_job_throw_error_on_queue(const zeebe_job *job, const char *code,
    const char *message, const char *variables, const zeebe_completion_queue *queue, uint64_t tag);

/* ============================================================================================== */
/* JSON
 *
 * Calls and messages as JSON, by the name of their RPC.
 */

/**
 * Adds the messages and services of an encoded `google.protobuf.FileDescriptorSet`, for the JSON
 * functions; of the whole process.
 *
 * Its RPCs are named by path, `/package.Service/Method`. A set that has `gateway_protocol.Gateway`
 * takes the place of the built-in protocol; of several sets that have a service the last one
 * counts. Copied. Any thread, at any time: a call that has begun is not changed.
 * INVALID_ARGUMENT: broken bytes, an import that is not in the set (`protoc --include_imports`
 *   makes a whole one), or no service; nothing of the set is taken then.
 *
 * @param descriptor_set So many bytes, copied.
 * @param length Of the bytes before it.
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_register_descriptor_set(const uint8_t *descriptor_set, size_t length);

/**
 * Encodes the request of an RPC, named `Topology` or by its path, from JSON.
 *
 * 64-bit integers may be strings, bytes are base64, enumerations names (the proto3 JSON mapping);
 * `variables` may be an object, or the text of one. `*message` is owned: zeebe_buffer_free().
 * INVALID_ARGUMENT, with the path to the place, such as `resources[0].name`: an unknown RPC, bad
 * JSON, a field that is unknown or given twice, a value of the wrong type or out of range, a number
 * that a 64-bit field would not hold exactly, more than 127 objects and arrays within each other.
 * What nests more than a few levels is worked on by a thread made for it; RESOURCE_EXHAUSTED: there
 * can be none.
 *
 * @param method UTF-8, copied. Not NULL.
 * @param json UTF-8, copied. Not NULL.
 * @param message Out: the caller's, zeebe_buffer_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_request_from_json(const char *method, const char *json,
    zeebe_buffer **message);

/**
 * Decodes a response message of an RPC to JSON; every field without presence is printed, 64-bit
 * integers are strings, `variables` and `customHeaders` are objects, as the gateway wrote them.
 *
 * `StreamActivatedJobs` is the RPC of a job: of what a job stream brings, and of
 * zeebe_job_message(). Unknown fields are left out; enumerations are names, or the number of one
 * that is unknown. `*json` is owned: zeebe_string_free().
 * INVALID_ARGUMENT: an unknown RPC, bytes that are no such message, or one that has no JSON form
 *   (an Any of an unknown type, a Duration or Timestamp out of range), or more than 100 messages
 *   within each other, those in `google.protobuf.Any` counted. RESOURCE_EXHAUSTED: as
 *   zeebe_request_from_json().
 *
 * @param method UTF-8, copied. Not NULL.
 * @param message So many bytes, copied. NULL if there are none.
 * @param length Of the bytes before it.
 * @param json Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: any. Never blocks.
 */
ZEEBE_API zeebe_error *zeebe_response_to_json(const char *method, const uint8_t *message,
    size_t length, char **json);

/**
 * Makes a call from JSON to JSON and blocks until it ends; give it a time-out.
 *
 * A server stream gives an array when it ends. `*response_json` is owned: zeebe_string_free().
 * INVALID_ARGUMENT: as zeebe_request_from_json(), client streaming, and StreamActivatedJobs, which
 *   never ends by itself. RPC with INTERNAL, and may have been processed: an answer that
 *   zeebe_response_to_json() would not take. Otherwise as zeebe_channel_unary_call_sync().
 *
 * @param channel Lent for the call. Not NULL.
 * @param method UTF-8, copied. Not NULL.
 * @param json UTF-8, copied. Not NULL.
 * @param options Copied. NULL: nothing given.
 * @param response_json Out: the caller's, zeebe_string_free().
 * @return NULL: success, else why not: zeebe_error_free().
 *
 * Threads: the program's. Blocks.
 */
ZEEBE_API zeebe_error *zeebe_channel_json_call_sync(const zeebe_channel *channel,
    const char *method, const char *json, const zeebe_call_options *options, char **response_json);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ZEEBE_H */
