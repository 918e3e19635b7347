//! A Rust program that links the library as a crate keeps its panic hook: that hears of each panic of the program's, and of none of
//! the library's, which are log records. What other programs see of them, tests/c/panics.c shows.

use std::panic;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use zeebe::log::{self, Level};
use zeebe::runtime::{self, Epoch};

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn hear_as(hook: &'static str) {
    panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or(payload.downcast_ref::<&str>().copied())
            .unwrap_or_default();
        let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(format!("{hook}: {text}"));
    }));
}

fn panic_of_the_program(text: &'static str) {
    thread::spawn(move || panic!("{text}")).join().unwrap_err();
}

fn panic_of_the_library(records: &mpsc::Receiver<String>) -> Option<String> {
    let runtime = runtime::get(Epoch::now()).ok()?;
    let slot = runtime.reserve_any().ok()?;
    slot.spawn(Box::pin(async { panic!("the library's") }));
    records.recv_timeout(Duration::from_secs(60)).ok()
}

#[test]
fn a_programs_hook_hears_of_its_own_panics_alone() {
    hear_as("first"); // before the library is used, which puts its own hook before it
    let (send, records) = mpsc::channel();
    let sink = move |record: &log::Record| drop(send.send(record.message.clone()));
    log::set(Level::Error, Some(Box::new(|| Box::new(sink)))).unwrap();
    let first = panic_of_the_library(&records);
    panic_of_the_program("before");
    let second = panic_of_the_library(&records);
    // It takes the library's place, with all that follows; nothing of the first is left.
    hear_as("second");
    panic_of_the_program("after");
    drop(panic::take_hook()); // from here on as usual: an assertion is to be seen

    for record in [first, second] {
        let record = record.expect("a record");
        assert!(
            record.contains("it panicked at tests/panics.rs:"),
            "{record}"
        );
        assert!(record.contains("the library's"), "{record}");
    }
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(heard[..], ["first: before", "second: after"]);
}
