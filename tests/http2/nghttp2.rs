//! The same bytes of a server to this connection and to that of nghttp2, a program in C beside this file.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::generator::{Generator, STREAMS};
use super::heard::{Call, Ended, Heard, ours};

const CONVERSATIONS: u64 = 10_000;

fn hash(sum: u64, bytes: &[u8]) -> u64 {
    let add = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(sum, add)
}

/// As the program prints it.
fn shown(call: &Call) -> String {
    let (end, code) = match call.end {
        Ended::Complete => ("complete", 0),
        Ended::Reset(code) => ("reset", code),
        Ended::Fault(code) => ("fault", code),
        Ended::Lost => ("lost", 0),
    };
    let status = call
        .status
        .map_or("-".to_owned(), |status| status.to_string());
    let trailers = call.trailers.iter().flatten();
    let trailers = trailers.fold(0, |sum, (name, value)| {
        [&name[..], b"\t", value, b"\n"]
            .iter()
            .fold(sum, |sum, part| hash(sum, part))
    });
    format!(
        "{end} {code} {status} {} {:x} {} {trailers:x}",
        call.content.len(),
        hash(0, &call.content),
        u8::from(
            call.trailers
                .as_ref()
                .is_some_and(|trailers| !trailers.is_empty())
        ),
    )
}

fn program() -> std::path::PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http2/nghttp2.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("http2-nghttp2");
    let compiler = std::env::var("CC").unwrap_or("cc".to_owned());
    let compiled = Command::new(compiler)
        .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&program, &source])
        .arg("-lnghttp2")
        .status();
    assert!(compiled.unwrap().success());
    program
}

#[test]
fn the_same_bytes_to_nghttp2() {
    let mut child = Command::new(program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writes = std::thread::spawn(move || {
        for seed in 0..CONVERSATIONS {
            let bytes = Generator::new(seed).conversation();
            input
                .write_all(&(bytes.len() as u32).to_be_bytes())
                .unwrap();
            input.write_all(&bytes).unwrap();
        }
    });
    let mut printed = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut printed)
        .unwrap();
    writes.join().unwrap();
    assert!(child.wait().unwrap().success());
    let mut lines = printed.lines();
    for seed in 0..CONVERSATIONS {
        let ours = ours(&Generator::new(seed).conversation());
        let fault: u32 = lines.next().unwrap().parse().unwrap();
        let theirs: Vec<_> = lines.by_ref().take(STREAMS as usize).collect();
        let shown: Vec<_> = ours.calls.iter().map(shown).collect();
        assert!(
            is_known(&ours, fault, &theirs),
            "seed {seed}\nours:\n{ours:?}{shown:#?}\nnghttp2:\n{fault} {theirs:#?}"
        );
    }
    assert_eq!(lines.next(), None);
}

/// Whether the two agree, or differ as is known:
/// - nghttp2 ends the connection for DATA before an answer's head, for a PRIORITY of another length, and for an acknowledgement
///   that nobody waits for;
/// - it reads no more once a GOAWAY came and no stream is left, and looks at no padding of streams that are closed;
/// - it judges a frame while it comes, and the fields of a header block one by one;
/// - a `content-length` among trailers, or of a 204, it takes as wrong, and `te` in trailers.
fn is_known(ours: &Heard, fault: u32, theirs: &[&str]) -> bool {
    let is_early = |call: &Call| call.why == Some("DATA comes before the answer's head");
    let connection = match (ours.fault, fault) {
        (None, 0) | (Some(_), 1..) => true,
        (None, _) => {
            let is_strict = ours.acknowledgements > 1 || ours.has_odd_priority;
            is_strict || ours.is_cut || ours.calls.iter().any(is_early)
        }
        (Some(_), 0) => ours.left.is_some() || ours.is_late || ours.is_cut,
    };
    let mut calls = ours.calls.iter().zip(theirs);
    connection
        && calls.all(|(our, their)| {
            let end = their.split(' ').next();
            let mut trailers = our.trailers.iter().flatten();
            let same = match our.end {
                Ended::Complete => {
                    shown(our) == **their
                        || trailers.any(|(name, _)| name == b"content-length" || name == b"te")
                        || our.status == Some(204) && our.content.is_empty() && end == Some("fault")
                }
                Ended::Fault(code) => their.starts_with(&format!("fault {code} ")),
                Ended::Reset(code) => their.starts_with(&format!("reset {code} ")),
                Ended::Lost => {
                    let is_judged_early = ours.fault.is_some() || ours.is_cut;
                    let goes_on = ours.fault.is_some() && fault == 0;
                    goes_on || end == Some("lost") || is_judged_early && end == Some("fault")
                }
            };
            same || fault > 0 && end == Some("lost")
        })
}
