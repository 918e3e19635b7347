//! Every spelling of every secret, whole, within a word, and one upon the other.

use std::fmt::Write;

use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

use http::HeaderValue;

use super::*;
use crate::credentials::client_authentication::form_encoded;

const SECRETS: [&str; 6] = [
    "c1ient+s3cret/\u{e9}%!",
    "a secret \"with\" <all> & 'that' \\escapes",
    "plain",
    "\u{65e5}\u{672c}\u{1f511}-s3cret-of-some-length",
    "====~~~~",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjbGllbnQifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg",
];

type Spelling = fn(&str) -> String;

fn each_byte(text: &str, mut write: impl FnMut(&mut String, u8)) -> String {
    let mut out = String::new();
    text.bytes().for_each(|byte| write(&mut out, byte));
    out
}

const SPELLINGS: [(&str, Spelling); 25] = [
    ("plain", |text| text.to_owned()),
    ("form", |text| form_encoded(text).to_string()),
    ("form with %20", |text| {
        form_encoded(text).replace('+', "%20")
    }),
    ("percent, all", |text| {
        each_byte(text, |out, byte| write!(out, "%{byte:02X}").unwrap())
    }),
    ("percent, lower", |text| {
        each_byte(text, |out, byte| write!(out, "%{byte:02x}").unwrap())
    }),
    ("percent, some", |text| {
        text.replace('%', "%25")
            .replace('/', "%2f")
            .replace('s', "%73")
    }),
    ("base64", |text| BASE64_STANDARD.encode(text)),
    ("base64 without padding", |text| {
        BASE64_STANDARD_NO_PAD.encode(text)
    }),
    ("base64url", |text| BASE64_URL_SAFE.encode(text)),
    ("base64url without padding", |text| {
        BASE64_URL_SAFE_NO_PAD.encode(text)
    }),
    ("Basic", |text| {
        format!("Basic {}", BASE64_STANDARD.encode(format!("id:{text}")))
    }),
    ("Basic, longer id", |text| {
        BASE64_URL_SAFE.encode(format!("my client:{text}"))
    }),
    ("Basic of RFC 6749", |text| {
        BASE64_STANDARD.encode(format!("id:{}", *form_encoded(text)))
    }),
    ("Basic in a URL", |text| {
        form_encoded(&BASE64_STANDARD.encode(format!("id:{text}"))).to_string()
    }),
    ("JSON", |text| serde_json::to_string(text).unwrap()),
    ("JSON, all", |text| {
        text.encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect()
    }),
    ("JSON, upper", |text| {
        text.encode_utf16()
            .map(|unit| format!("\\u{unit:04X}"))
            .collect()
    }),
    ("HTML", |text| {
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        text.replace('"', "&quot;")
            .replace('\'', "&#39;")
            .replace('/', "&#x2F;")
    }),
    ("HTML, numbers", |text| {
        text.chars().map(|c| format!("&#{};", c as u32)).collect()
    }),
    ("Python", |text| {
        each_byte(text, |out, byte| write!(out, "\\x{byte:02x}").unwrap())
    }),
    ("hexadecimal", |text| {
        each_byte(text, |out, byte| write!(out, "{byte:02x}").unwrap())
    }),
    ("numbers", |text| format!("{:?}", text.as_bytes())),
    ("Latin-1", |text| text.bytes().map(char::from).collect()),
    ("upper case", str::to_ascii_uppercase),
    ("twice in percent", |text| {
        form_encoded(&form_encoded(text)).to_string()
    }),
];

#[test]
fn a_secret_is_cut_out_in_every_spelling() {
    for secret in SECRETS {
        let redactor = Redactor::new([secret]);
        for (name, spell) in SPELLINGS {
            let spelled = spell(secret);
            for (before, after) in [
                ("", ""),
                ("no such client ", " here"),
                ("x", "yz"),
                ("\"", "\"."),
                ("(", ", and more)"),
            ] {
                let said = redactor.redacted(&format!("{before}{spelled}{after}"));
                assert!(said.contains(REDACTED), "{name} of {secret}: {said}");
                assert!(!said.contains(&spelled), "{name} of {secret}: {said}");
                let cut = said.replace(REDACTED, "");
                assert!(
                    cut.len() <= before.len() + after.len() + spelled.len() - secret.len(),
                    "{name} of {secret}: {said}"
                );
            }
        }
    }
}

#[test]
fn a_spelling_of_a_spelling_is_cut_out_too() {
    for (outer_name, outer) in SPELLINGS {
        for (inner_name, inner) in SPELLINGS {
            // The secret of letters: every spelling can carry it through.
            let redactor = Redactor::new(["s3cretOfLetters"]);
            let spelled = outer(&inner("s3cretOfLetters"));
            if outer_name == "upper case" && spelled != inner("s3cretOfLetters") {
                continue; // no longer what it was
            }
            let said = redactor.redacted(&format!("before {spelled} after"));
            assert!(
                said.contains(REDACTED) && !said.contains(&spelled),
                "{outer_name} of {inner_name}: {said}"
            );
        }
    }
}

#[test]
fn the_rest_of_the_text_stays() {
    let redactor = Redactor::new(["s3cret", "t0ken"]);
    for (text, expected) in [
        ("client s3cret is unknown", "client <redacted> is unknown"),
        ("xs3crety", "x<redacted>y"),
        ("s3crets3cret", "<redacted>"),
        ("s3cret and t0ken", "<redacted> and <redacted>"),
        ("czNjcmV0 is base64", "<redacted> is base64"),
        (
            "100% of 5+5 \\ &amp; \u{e9} abcdefabcdef 1, 2, 3",
            "100% of 5+5 \\ &amp; \u{e9} abcdefabcdef 1, 2, 3",
        ),
        ("", ""),
    ] {
        assert_eq!(redactor.redacted(text), expected);
    }
    assert_eq!(Redactor::default().redacted("text"), "text");
    assert_eq!(Redactor::new(["", " "]).redacted("a text"), "a text");
}

#[test]
fn what_a_peer_cut_off_in_the_midst_of_a_secret_is_cut_out() {
    let redactor = Redactor::new(["a-very-long-s3cret"]);
    assert_eq!(redactor.redacted("no: a-very-lon"), "no: <redacted>");
    assert_eq!(redactor.redacted("is it a-ve"), "is it a-ve");
}

#[test]
fn a_text_with_a_short_secret_is_withheld_whole() {
    for secret in ["a", "ab", "abc", "\u{e9}", "&"] {
        let redactor = Redactor::new([secret]);
        for spelled in [
            secret.to_owned(),
            form_encoded(secret).to_string(),
            BASE64_STANDARD.encode(secret),
            format!("x{secret}y"),
        ] {
            assert_eq!(
                redactor.redacted(&format!("no {spelled}!")),
                REDACTED,
                "{secret}"
            );
        }
        assert_eq!(redactor.redacted("not found"), "not found");
    }
}

#[test]
fn what_is_too_tangled_is_withheld() {
    let redactor = Redactor::new(["s3cret"]);
    let tangled = "%2525+\\u0025&#37;\u{c3}\u{a9}".repeat(400);
    let began = std::time::Instant::now();
    let said = redactor.redacted(&tangled);
    assert!(said == REDACTED || said == tangled);
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
}

/// What a peer says, of which there is no end: counted, since time tells of the machine.
#[test]
fn a_long_text_costs_no_more_than_a_short_one() {
    let redactor = Redactor::new(["s3cretOfLetters", "an0ther-one"]);
    let mixed = "%2525+\\u0025&#37;\u{c3}\u{a9}YWJjZGVmZ2hpamts 97,98,99,100,101 6162636465666768 ";
    let text = mixed.repeat((1 << 20) / mixed.len());
    assert!(redactor.line(&text).len() <= LONGEST_LINE);
    for (length, is_cut) in [(LOOKED_AT, true), (16 << 10, false), (text.len(), false)] {
        let mut search = Search::new(&redactor, is_cut);
        assert!(search.find(&text.as_bytes()[..length]).is_err(), "{length}");
        assert!(search.layers <= MOST_LAYERS && search.bytes <= MOST_BYTES);
    }
    // Of all parts of one answer together.
    let effort = Effort::default();
    for part in text.as_bytes().chunks(1 << 10) {
        redactor.cut(part, &effort);
    }
    assert!(effort.0.get() <= MOST_BYTES);
    assert_eq!(redactor.redacted(&text), REDACTED);
    let plain = "nothing of it ".repeat(1 << 10);
    assert_eq!(redactor.redacted(&plain), plain);
}

/// Wherever a line's text is cut within it, and however it is written.
#[test]
fn a_secret_that_is_cut_with_the_line_is_cut_out() {
    let secret = "s3cretOfLetters".repeat(300);
    let redactor = Redactor::new([&*secret]);
    for (name, spell) in SPELLINGS {
        let spelled = spell(&secret);
        assert!(spelled.len() > LOOKED_AT, "{name}");
        for before in 0..4 {
            let before = " ".repeat(before);
            let said = redactor.line(&format!("no{before} {spelled} here"));
            assert!(
                said.starts_with("no") && said.ends_with(REDACTED),
                "{name}: {said}"
            );
            assert!(said.len() < 40, "{name}: {said}"); // with the user of Basic
        }
    }
}

#[test]
fn a_line_is_short_and_printable() {
    let redactor = Redactor::new(["s3cret"]);
    assert_eq!(redactor.line(" a\r\nb\u{1b}[31m\u{202e}c "), "a  b [31m c");
    let long = redactor.line(&"\u{e9}".repeat(400));
    assert_eq!(long.len(), 512);
    assert!(
        redactor
            .line(&format!("{}s3cret", "x".repeat(509)))
            .ends_with("<re")
    );
}

#[test]
fn what_stood_in_authorization_is_cut_out() {
    let header = |text: &str| HeaderValue::from_str(text).unwrap();
    let basic = format!("Basic {}", BASE64_STANDARD.encode("user:p4ssword"));
    for (value, said, expected) in [
        (
            "Bearer t0ken-of-mine",
            "Bearer t0ken-of-mine?",
            "Bearer <redacted>?",
        ),
        ("bearer t0ken-of-mine", "no t0ken-of-mine", "no <redacted>"),
        (&basic, "no dXNlcjpwNHNzd29yZA==", "no <redacted>"),
        (&basic, "user has not p4ssword", "user has not <redacted>"),
        ("opaque-value", "Bearer opaque-value", "Bearer <redacted>"),
    ] {
        let redactor = Redactor::of_authorization(header(value).as_bytes());
        assert!(
            redactor.redacted(said).starts_with(expected),
            "{value}: {said}"
        );
    }
}
