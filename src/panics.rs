//! Panics: a bug of ours becomes a log record and an error, and prints nothing.
//!
//! Rust prints a panic through a hook, of which each copy of Rust's standard library has one. The shared library and the
//! static one bring their own copy. Linked as a Rust crate, the library shares the program's: then the hook that the
//! program set before goes on hearing of every panic that is not ours, and one that it sets later replaces this one.
//!
//! Ours are the panics of the library's own threads and those inside a [`guard`].

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::thread;

thread_local! {
    /// How many guards the thread is in; a thread of the library is always in one.
    static GUARDS: Cell<usize> = const { Cell::new(0) };
    /// Whether its panics are logged.
    static LOGGED: Cell<bool> = const { Cell::new(true) };
    /// Where the last panic of ours was, for who caught it.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// All panics of this thread are ours from now on. Who starts it has called [`install`], but for one that panicked.
pub(crate) fn own_thread() {
    install();
    GUARDS.set(GUARDS.get() + 1);
}

/// The log's own thread: what it logged would come back to it.
pub(crate) fn unlogged_thread() {
    LOGGED.set(false);
}

/// Runs what must not unwind any further. The error is where it panicked.
pub(crate) fn guard<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    install();
    GUARDS.set(GUARDS.get() + 1);
    // Unwind safety: what a panic may leave half done is either dropped in here or behind a lock
    // whose holders leave it whole.
    let ended = panic::catch_unwind(AssertUnwindSafe(body));
    GUARDS.set(GUARDS.get() - 1);
    ended.map_err(|payload| {
        discard(payload);
        PLACE.take()
    })
}

/// What a panic carried, unread: a formatted text may show what was being formatted, a secret say.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if !payload.is::<String>() && !payload.is::<&'static str>() {
        // Leaked: the destructor of an unknown payload may panic again, outside the guard.
        std::mem::forget(payload);
    }
}

/// The first time, takes the place of the hook that is there. On a thread of the program's, which knows then when that was: two that set
/// hooks at the same time may lose one.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    // While it panics, a thread may set no hook.
    if !INSTALLED.is_completed() && !thread::panicking() {
        INSTALLED.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                if GUARDS.try_with(Cell::get).unwrap_or(0) > 0 {
                    report(panic);
                } else {
                    before(panic);
                }
            }));
        });
    }
}

fn report(panic: &PanicHookInfo<'_>) {
    let mut place = panic
        .location()
        .map_or("an unknown place".to_owned(), ToString::to_string);
    // One without values in it, which is in the source.
    if let Some(text) = panic.payload().downcast_ref::<&'static str>() {
        place = format!("{place} ({text})");
    }
    if LOGGED.try_with(Cell::get).unwrap_or(false) {
        tracing::error!("a bug in this library: it panicked at {place}");
    }
    // Lost at a thread's end, where nobody asks for it.
    PLACE.try_with(|last| last.replace(place)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_says_where_and_shows_no_value() {
        assert_eq!(guard(|| 7), Ok(7));
        let place = guard(|| panic!("a literal")).unwrap_err();
        assert!(place.starts_with("src/panics.rs:"), "{place}");
        assert!(place.ends_with("(a literal)"), "{place}");
        let secret = "s3cret";
        let place = guard(|| panic!("with {secret}")).unwrap_err();
        assert!(!place.contains("s3cret"), "{place}");
        let index = secret.len();
        let place = guard(|| drop(secret[..index + 1].to_owned())).unwrap_err();
        assert!(!place.contains("s3cret"), "{place}");
        assert!(guard(|| panic::panic_any(7)).is_err());
    }

    #[test]
    fn guards_nest_and_the_outer_one_goes_on() {
        let outer = guard(|| {
            assert!(guard(|| panic!("within")).is_err());
            GUARDS.get()
        });
        assert_eq!((outer, GUARDS.get()), (Ok(1), 0));
    }
}
