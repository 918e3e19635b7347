//! What the comment of a function says of its parameters, its result and its thread: the conventions, by name and type.

use crate::book::Item;

/// Functions that block; they are refused on a library thread.
fn blocks(function: &str) -> bool {
    function.ends_with("_sync")
        || matches!(
            function,
            "zeebe_channel_wait_ready"
                | "zeebe_completion_queue_next"
                | "zeebe_completion_queue_take"
                | "zeebe_job_worker_next"
                | "zeebe_runtime_poll"
                | "zeebe_runtime_shutdown"
        )
}

/// By name, where the type alone does not say it.
const NAMED: &[(&str, &str)] = &[
    ("block", "The program's memory. NULL: none."),
    ("block_size", "How many bytes it has."),
    ("capacity", "How many fit into `events`."),
    ("count", "How many."),
    ("default_value", "UTF-8, copied. NULL: none."),
    ("descriptor_set", "So many bytes, copied."),
    ("enabled", "1 or 0."),
    ("event_size", "`sizeof(zeebe_event)`."),
    ("events", "The program's array."),
    ("grace_ms", "Milliseconds; < 0: for ever, 0: at once."),
    ("grpc_status", "One of the ZEEBE_STATUS_ constants."),
    ("index", "From 0 on."),
    ("last_state", "One of the ZEEBE_CONNECTIVITY_ constants."),
    ("length", "Of the bytes before it."),
    ("level", "One of the ZEEBE_LOG_LEVEL_ constants."),
    ("reason", "UTF-8, copied. NULL: none."),
    ("retry_after_ms", "Milliseconds; < 0: unknown."),
    ("retries", "How many are left."),
    (
        "retry_backoff_ms",
        "Milliseconds; < 0: the worker's, 0: none.",
    ),
    ("size", "`sizeof` the struct, as the program knows it."),
    ("tag", "Of the events, as it is."),
    ("timeout_ms", "Milliseconds; < 0: for ever, 0: not at all."),
    ("try_to_connect", "1 or 0."),
    (
        "user_data",
        "The program's, handed to the callbacks as it is.",
    ),
    ("variables", "A JSON object, copied. NULL: none."),
];

/// Where a convention has an exception.
const OF_FUNCTIONS: &[(&str, &str, &str)] = &[
    (
        "zeebe_channel_unary_call",
        "call",
        "Out: the caller's, zeebe_call_free(). NULL: not wanted.",
    ),
    (
        "zeebe_channel_unary_call_on_queue",
        "call",
        "Out: the caller's, zeebe_call_free(). NULL: not wanted.",
    ),
    (
        "zeebe_channel_close",
        "callback",
        "Called once, on a library thread. NULL: nobody is told.",
    ),
    (
        "zeebe_set_log_callback",
        "callback",
        "Gets the records, one at a time. NULL: nobody does.",
    ),
    (
        "zeebe_set_log_callback",
        "destroy",
        "Called once, after the last record. May be NULL.",
    ),
    (
        "zeebe_token_request_fail",
        "message",
        "UTF-8, copied. NULL: none.",
    ),
    ("zeebe_token_request_complete", "token", "Copied. Not NULL."),
    (
        "zeebe_token_request_free",
        "request",
        "Taken. NULL is allowed.",
    ),
    ("zeebe_string_free", "string", "Taken. NULL is allowed."),
    (
        "zeebe_completion_queue_next",
        "count",
        "Out: how many came.",
    ),
    (
        "zeebe_completion_queue_shutdown",
        "queue",
        "NULL is allowed.",
    ),
    (
        "zeebe_events_clear",
        "events",
        "The program's array. NULL is allowed.",
    ),
    ("zeebe_job_stream_close", "stream", "NULL is allowed."),
    (
        "zeebe_job_complete",
        "callback",
        "Called once, on a library thread. NULL: nobody is told.",
    ),
    (
        "zeebe_job_fail",
        "callback",
        "Called once, on a library thread. NULL: nobody is told.",
    ),
    (
        "zeebe_job_throw_error",
        "callback",
        "Called once, on a library thread. NULL: nobody is told.",
    ),
    ("zeebe_job_fail", "message", "UTF-8, copied. NULL: none."),
    (
        "zeebe_job_fail_on_queue",
        "message",
        "UTF-8, copied. NULL: none.",
    ),
    (
        "zeebe_job_throw_error",
        "message",
        "UTF-8, copied. NULL: none.",
    ),
    (
        "zeebe_job_throw_error_on_queue",
        "message",
        "UTF-8, copied. NULL: none.",
    ),
    (
        "zeebe_job_worker_start",
        "worker_options",
        "Copied. Not NULL.",
    ),
    (
        "zeebe_job_worker_start_on_queue",
        "worker_options",
        "Copied. Not NULL.",
    ),
    (
        "zeebe_job_worker_start",
        "handler",
        "Copied. NULL: zeebe_job_worker_next() takes the jobs.",
    ),
    (
        "zeebe_job_worker_next",
        "job",
        "Out: the caller's, zeebe_job_free(), or NULL.",
    ),
    ("zeebe_job_worker_close", "worker", "NULL is allowed."),
    (
        "zeebe_channels_prometheus",
        "channels",
        "So many channels, lent for the call.",
    ),
    (
        "zeebe_job_workers_prometheus",
        "workers",
        "So many workers, lent for the call.",
    ),
    ("zeebe_call_cancel", "call", "NULL is allowed."),
    ("zeebe_metadata_add", "value", "So many bytes, copied."),
];

const KINDS: &[&str] = &[
    "INVALID_ARGUMENT",
    "ILLEGAL_STATE",
    "SETTINGS",
    "TLS:",
    "RPC",
    "SHUTDOWN",
    "INTERNAL",
];

pub(crate) fn of(name: &str, item: &Item) -> String {
    let code = item.code.split_whitespace().collect::<Vec<_>>().join(" ");
    let (head, parameters) = code.split_once('(').unwrap();
    let returned = head
        .trim_start_matches("ZEEBE_API ")
        .trim_end_matches(name)
        .trim();
    let mut text = String::new();
    let parameters = parameters.trim_end_matches([')', ';']);
    for parameter in parameters.split(", ").filter(|one| *one != "void") {
        let at = parameter.rfind([' ', '*']).unwrap() + 1;
        let (ty, parameter) = (parameter[..at].trim(), &parameter[at..]);
        text += &format!(
            "@param {parameter} {}\n",
            said_of(name, ty, parameter, returned)
        );
    }
    let freed = |ty: &str| format!("{}_free()", ty.trim_end_matches([' ', '*']));
    match returned {
        "void" => {}
        "zeebe_error *" if name != "zeebe_error_ref" => {
            text += "@return NULL: success, else why not: zeebe_error_free().\n"
        }
        ty if ty.starts_with("const ") => {
            text += "@return As above. Not to be freed.\n";
        }
        ty if ty.ends_with('*') => {
            text += &format!("@return The caller's: {}. NULL for NULL.\n", freed(ty));
        }
        _ => text += "@return As above.\n",
    }
    let threads = match name {
        "zeebe_completion_queue_next" | "zeebe_completion_queue_take" | "zeebe_job_worker_next" => {
            "Threads: the program's; any with a `timeout_ms` of 0. Blocks."
        }
        _ if blocks(name) => "Threads: the program's. Blocks.",
        _ => "Threads: any. Never blocks.",
    };
    if returned == "zeebe_error *" && name != "zeebe_error_ref" {
        let says = KINDS.iter().any(|kind| item.doc.contains(kind))
            || item.doc.contains("rrors as zeebe_")
            || item.doc.contains("As zeebe_");
        assert!(says, "{name}: which errors?");
    }
    text + "\n" + threads
}

fn said_of(function: &str, ty: &str, parameter: &str, returned: &str) -> String {
    let exception = OF_FUNCTIONS
        .iter()
        .find(|(of, name, _)| *of == function && *name == parameter);
    if let Some((_, _, said)) = exception {
        return (*said).to_owned();
    }
    if function.ends_with("_init") && ty.ends_with('*') {
        return "Out: the program's memory. NULL: nothing is written.".to_owned();
    }
    let pointee = ty.trim_start_matches("const ").trim_end_matches([' ', '*']);
    if ty.ends_with("**") {
        return match pointee {
            "char" => "Out: the caller's, zeebe_string_free().".to_owned(),
            handle => format!("Out: the caller's, {handle}_free()."),
        };
    }
    if matches!(ty, "int32_t *" | "size_t *") {
        return match parameter {
            "length" => "Out: how many. May be NULL.".to_owned(),
            _ => "Out.".to_owned(),
        };
    }
    if ty.ends_with("_callback") {
        return "Called on a library thread. Not NULL.".to_owned();
    }
    if pointee.ends_with("_options") {
        return "Copied. NULL: nothing given.".to_owned();
    }
    if pointee == "zeebe_call_handler" {
        return "Copied. Not NULL.".to_owned();
    }
    if pointee.starts_with("zeebe_") && ty.ends_with('*') && pointee != "zeebe_event" {
        return match ty.starts_with("const ") {
            false => "Taken. NULL is allowed.".to_owned(),
            true if returned == "zeebe_error *" && function != "zeebe_error_ref" => {
                "Lent for the call. Not NULL.".to_owned()
            }
            true => "Lent for the call. NULL is allowed.".to_owned(),
        };
    }
    if let Some((_, said)) = NAMED.iter().find(|(name, _)| *name == parameter) {
        return (*said).to_owned();
    }
    match ty {
        "const uint8_t *" => "So many bytes, copied. NULL if there are none.".to_owned(),
        "const char *" => "UTF-8, copied. Not NULL.".to_owned(),
        _ => panic!("say what {parameter} of {function} is: {ty}"),
    }
}
