//! The library and its process: version, runtime, logs, strings.

use std::ffi::{CString, c_void};
use std::mem::offset_of;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export, repr_c};

use super::callback::UserData;
use super::convert::{self, Options, Out};
use super::error::zeebe_error;
use crate::error::Error;
use crate::log::{self, Level};
use crate::options::{self, Spec};
use crate::runtime;
use crate::shutdown::shutdown;

/// How much is logged: the level of zeebe_set_log_callback() and of a record.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeLogLevel {
    /// Nothing.
    Off = 0,
    /// What lost something.
    Error = 1,
    /// What a person should look at: failed connections, ignored options.
    Warn = 2,
    /// Rare events: a token came.
    Info = 3,
    /// Connections and what happens to them.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// A log record, only ever lent to the log callback.
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_log_record {
    level: Level,
    target: CString,
    message: CString,
}

/// Releases what `user_data` stands for: once, after the last callback that got it.
pub type zeebe_destroy = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Gets each record, one at a time, in order, on a thread of its own. It may call the
/// zeebe_log_record_ functions, zeebe_completion_queue_post() and zeebe_error_free() only.
pub type zeebe_log_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, record: *const zeebe_log_record)>;

/// Of the process's runtime. Initialise it with ::ZEEBE_RUNTIME_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_runtime_options {
    /// `sizeof(zeebe_runtime_options)`.
    pub size: usize,
    /// Threads that drive connections. A connection stays on one of them.
    pub io_threads: i32,
    /// Threads for callbacks. Without them callbacks run on the I/O threads, and a slow one delays all I/O there.
    pub callback_threads: i32,
    /// How their names begin, at most 8 bytes, such as `zeebe`; NULL: `zeebe`.
    pub thread_name: *const c_char,
    /// 1: no I/O threads; the program's threads do the I/O, while they take events (zeebe_completion_queue_take()), poll
    /// (zeebe_runtime_poll()) or block in any function of the library, and callbacks without threads of their own run on them. For programs
    /// with an event loop, or with one thread that reads for all: nothing is handed from thread to thread. Linux only. See zeebe_runtime_poll(). 0:
    /// `io_threads`.
    pub caller_driven: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: `repr(C)`, integers and raw pointers only, `size` first, no padding.
unsafe impl Options for zeebe_runtime_options {
    const FIRST_SIZE: usize = offset_of!(Self, thread_name) + size_of::<usize>();
}

/// What ::ZEEBE_RUNTIME_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_runtime_options_init(options: *mut zeebe_runtime_options, size: usize) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// The version of the library that runs, for example `"0.1.0"`. Static: do not free it.
///
/// ZEEBE_VERSION_MAJOR and its like are the header's.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Sets how many threads the runtime will have, if any. Before the first connection; NULL: the defaults. It holds for runtimes that begin after
/// a zeebe_runtime_shutdown(), too, and not in a forked child.
///
/// ILLEGAL_STATE: the runtime runs already. INVALID_ARGUMENT: out of range.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_runtime_configure(
    options: *const zeebe_runtime_options,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("options", options) }?;
    let count =
        |option: &'static Spec, value: i32| option.number(value.into()).map(|count| count as usize);
    // SAFETY: a string of the header's contract.
    let name = unsafe { convert::given_text(&options::THREAD_NAME, given.thread_name) }?;
    if name.is_some_and(|name| name.len() > 8) {
        return Err(options::THREAD_NAME.refuse("is longer than 8 bytes").into());
    }
    if given.reserved != 0 {
        return Err(Error::invalid_argument("options.reserved is not 0"));
    }
    let caller_driven = options::CALLER_DRIVEN.flag(given.caller_driven)?;
    if caller_driven && !cfg!(target_os = "linux") {
        return Err(options::CALLER_DRIVEN
            .refuse("is 1, which only Linux has")
            .into());
    }
    if caller_driven && given.io_threads != 0 {
        let why = format!(
            "is {}, and with caller_driven there are none",
            given.io_threads
        );
        return Err(options::IO_THREADS.refuse(&why).into());
    }
    let defaults = runtime::Options::default();
    runtime::configure(runtime::Options {
        io_threads: count(&options::IO_THREADS, given.io_threads)?,
        caller_driven,
        callback_threads: count(&options::CALLBACK_THREADS, given.callback_threads)?,
        thread_name: name.map_or(defaults.thread_name, str::to_owned),
    })
}

/// Of a caller-driven runtime, writes a descriptor to `fd` that is readable when zeebe_runtime_poll() has something to do: I/O, a time that is
/// up, or what another thread began.
///
/// It is the library's: only poll it, by level- or edge-triggered epoll, and not after zeebe_runtime_shutdown(). ILLEGAL_STATE: the runtime has I/O
/// threads. INVALID_ARGUMENT: NULL. INTERNAL: no descriptors are left.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_runtime_fd(fd: *mut i32) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let fd = unsafe { Out::new("fd", fd) }?;
    fd.write(runtime::required_driver()?.descriptor());
    Ok(())
}

/// Of a caller-driven runtime, does what there is to do, and waits for the first of it `timeout_ms` at most (< 0: for ever; 0: not at all).
///
/// Callbacks run in here. Who takes events from a completion queue needs no poll beside that: zeebe_completion_queue_next() and
/// zeebe_completion_queue_take() do the same, and zeebe_completion_queue_fd() is readable for both. Any number of threads may poll or wait: one
/// drives, and the next goes on when it leaves. After a take that gave events, take again before you wait on a descriptor, until none came: what begins
/// meanwhile calls nobody, since the taker comes back. Calls end and deadlines pass only while some thread polls, takes or waits: a program that does
/// neither for long looks dead to its gateway. Names are still looked up, and files read, on threads of the library's. In a child of fork()
/// a runtime of its own begins, with I/O threads unless it is configured anew.
///
/// ILLEGAL_STATE: the runtime has I/O threads; or in a callback.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_runtime_poll(timeout_ms: i64) -> Option<repr_c::Box<zeebe_error>> {
    runtime::refuse_on_library_thread("zeebe_runtime_poll")?;
    let patience = runtime::Patience::of(convert::timeout(timeout_ms));
    runtime::required_driver()?.poll(patience);
    Ok(())
}

/// Cancels all calls, delivers their completions, and waits for the library's threads.
///
/// For the program, at its end, never for a binding. On success no callback is running and none
/// will run, the log callback's included; older handles return SHUTDOWN and are still to be freed,
/// and a new one starts a fresh runtime. `timeout_ms` < 0 waits for ever.
/// RPC, DEADLINE_EXCEEDED: a callback has not returned yet; call it again. ILLEGAL_STATE: on a library thread.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_runtime_shutdown(timeout_ms: i64) -> Option<repr_c::Box<zeebe_error>> {
    shutdown(convert::timeout(timeout_ms))
}

/// Sends the library's log records of `level` and more urgent ones to `callback`; NULL: to nobody.
///
/// Replaces the callback before, whose `destroy` runs after its last record. Records hold no token
/// and no secret. A slow callback loses records, and is told how many; it delays nothing.
/// INVALID_ARGUMENT: an unknown level. ILLEGAL_STATE: in the log callback itself.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_set_log_callback(
    level: i32,
    callback: zeebe_log_callback,
    user_data: *mut c_void,
    destroy: zeebe_destroy,
) -> Option<repr_c::Box<zeebe_error>> {
    let level = log_level(level)?;
    log::refuse_on_log_thread()?;
    let Some(callback) = callback else {
        return log::set(Level::Off, None);
    };
    // The destroy function is armed in here: it does not run where this function fails.
    let sink = move || {
        let user = Owned(UserData(user_data), destroy);
        let sink: log::Sink = Box::new(move |record: &log::Record| {
            let lent = zeebe_log_record {
                level: record.level,
                target: CString::new(record.target).unwrap_or_default(),
                message: CString::new(record.message.replace('\0', "\u{fffd}")).unwrap_or_default(),
            };
            let Owned(UserData(user_data), _) = &user;
            // SAFETY: C gave this function for these arguments; the record outlives the call.
            unsafe { callback(*user_data, &raw const lent) }
        });
        sink
    };
    if level == Level::Off {
        log::set(Level::Off, None)?;
        drop(sink());
        return Ok(());
    }
    log::set(level, Some(Box::new(sink)))
}

fn log_level(level: i32) -> Result<Level, Error> {
    [
        Level::Off,
        Level::Error,
        Level::Warn,
        Level::Info,
        Level::Debug,
        Level::Trace,
    ]
    .into_iter()
    .find(|known| *known as i32 == level)
    .ok_or_else(|| Error::invalid_argument(format!("level is {level}, not a ZEEBE_LOG_LEVEL_")))
}

/// Changes how much the log callback gets from now on: records of `level` and more urgent ones.
///
/// The callback stays as it is; with ZEEBE_LOG_LEVEL_OFF it gets nothing until another level is set. Records that wait for it still come.
/// INVALID_ARGUMENT: an unknown level. ILLEGAL_STATE: zeebe_set_log_callback() has set no callback, or set it with ZEEBE_LOG_LEVEL_OFF;
/// in the log callback itself.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_set_log_level(level: i32) -> Option<repr_c::Box<zeebe_error>> {
    let level = log_level(level)?;
    log::refuse_on_log_thread()?;
    log::set_level(level)
}

/// User data with its destroy function, which runs once.
pub(crate) struct Owned(pub(crate) UserData, pub(crate) zeebe_destroy);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(destroy) = self.1.take() {
            // SAFETY: C gave this function for this pointer, and it runs once, here.
            unsafe { destroy(self.0.0) }
        }
    }
}

/// The level of a record: one of the ZEEBE_LOG_LEVEL_ constants; OFF for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_log_record_level(record: Option<&zeebe_log_record>) -> i32 {
    record.map_or(Level::Off as i32, |record| record.level as i32)
}

/// The part of the library that it comes from. Borrowed from the record; NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_log_record_target(record: Option<&zeebe_log_record>) -> *const c_char {
    record.map_or(std::ptr::null(), |record| record.target.as_ptr().cast())
}

/// The record's text, UTF-8. Borrowed from the record; NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_log_record_message(record: Option<&zeebe_log_record>) -> *const c_char {
    record.map_or(std::ptr::null(), |record| record.message.as_ptr().cast())
}

/// Frees a string that the library gave out, after overwriting it: it may be a secret. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_string_free(string: *mut c_char) {
    // SAFETY: NULL or a string of ours, freed once, by the header.
    unsafe { convert::free_text(string) }
}

/// Panics: 0 here, 1 in a task of an I/O thread, 2 on a thread that may block, 3 on a callback thread, 4 where a task is dropped, 5 at
/// the end of a round of calls, 6 with a value in its text.
#[cfg(feature = "panic-probe")]
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_test_panic(place: i32) -> Option<repr_c::Box<zeebe_error>> {
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("on purpose: 4");
        }
    }
    let runtime = runtime::get(runtime::Epoch::now())?;
    let slot = runtime.reserve_any()?;
    match place {
        1 => slot.spawn(Box::pin(async { panic!("on purpose: 1") })),
        2 => slot.spawn(Box::pin(async {
            runtime::blocking(|| panic!("on purpose: 2")).await.ok();
        })),
        3 => runtime.call_back(0, || panic!("on purpose: 3")),
        4 => slot.spawn(Box::pin(async {
            let _bomb = PanicsWhenDropped;
            std::future::pending::<()>().await;
        })),
        5 => slot.spawn(Box::pin(async {
            runtime::after_round(|| panic!("on purpose: 5"))
        })),
        6 => panic!("on purpose: {place} is no secret"),
        _ => panic!("on purpose: 0"),
    }
    Ok(())
}
