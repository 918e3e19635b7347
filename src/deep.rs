//! Deep nesting: work that recurses as deep as its input does, on a stack that has room for it.
//!
//! Threads of the program may have little: 128 KiB with musl. What nests a little is done where it is asked for; the rest on
//! a thread made for it, which costs some ten microseconds.

use std::thread;

use crate::error::{Code, Error, Source};
use crate::panics;
use crate::sys;

/// A level costs 2.6 KiB at most, measured on text that is read with little optimisation, on top of 8 KiB.
const SHALLOW: usize = 8;
/// For the deepest that is taken, 127 levels, also in a build that is not optimised. Only what is touched is ever backed.
const STACK: usize = 8 * 1024 * 1024;

/// Runs `work`, which recurses for each of `depth` levels.
pub(crate) fn with_room<R: Send>(
    depth: usize,
    work: impl FnOnce() -> R + Send,
) -> Result<R, Error> {
    if depth <= SHALLOW {
        return Ok(work());
    }
    panics::install();
    thread::scope(|scope| {
        let body = || {
            panics::own_thread();
            work()
        };
        let builder = thread::Builder::new()
            .name("zeebe-deep".to_owned())
            .stack_size(STACK);
        let thread = sys::with_signals_blocked(|| builder.spawn_scoped(scope, body));
        let thread = thread.map_err(|error| {
            Error::rpc(
                Source::Library,
                Code::ResourceExhausted,
                format!("no thread can be had for a value that nests {depth} levels deep: {error}"),
            )
        })?;
        thread.join().map_err(|payload| {
            panics::discard(payload);
            Error::internal("a bug in this library, which the log has, ended the work on a value")
        })
    })
}

/// How deep the objects and arrays of a JSON text nest.
pub(crate) fn of_json(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                bytes.next();
            }
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_that_of_objects_and_arrays_outside_strings() {
        for (text, depth) in [
            ("", 0),
            ("1", 0),
            ("{}", 1),
            (r#"{"a":[{}],"b":[]}"#, 3),
            (r#"{"a":"[[[[","b\"[[":"\\"}"#, 1),
            ("[[[[", 4),
            ("]]]][[", 2),
        ] {
            assert_eq!(of_json(text), depth, "{text}");
        }
    }

    #[test]
    fn a_panic_deep_down_is_an_error() {
        assert_eq!(with_room(SHALLOW + 1, || 7).unwrap(), 7);
        let error = with_room(SHALLOW + 1, || panic!("deep down")).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Internal);
    }
}
