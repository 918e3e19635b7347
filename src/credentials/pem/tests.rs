use rcgen::{CertificateParams, KeyPair};

use super::*;

struct Texts {
    certificate: String,
    other: String,
    key: String,
}

fn texts() -> Texts {
    let make = || {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        (certificate.pem().replace("\r\n", "\n"), key)
    };
    let ((certificate, key), (other, _)) = (make(), make());
    let key = key.serialize_pem().replace("\r\n", "\n");
    Texts {
        certificate,
        other,
        key,
    }
}

fn without_last_line(text: &str) -> String {
    let text = text.trim_end();
    text[..text.rfind('\n').unwrap()].to_owned()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  \t{line}\n")).collect()
}

/// Shapes of certificates: how many are found, or a part of what is said.
#[test]
fn certificates_are_read_in_every_shape_or_the_shape_is_named() {
    let Texts {
        certificate: a,
        other: b,
        key,
    } = texts();
    let latin1 = [
        b"# M\xfcller AG, Stra\xdfe\n",
        a.as_bytes(),
        b"\xe9t\xe9\n",
        b.as_bytes(),
    ]
    .concat();
    let utf16: Vec<u8> = a.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let body: String = a.lines().filter(|line| !line.contains('-')).collect();
    let der = BASE64_STANDARD.decode(&body).unwrap();
    let text = |text: String| text.into_bytes();
    let relabelled = |label: &str| a.replace("CERTIFICATE", label);
    let broken = without_last_line(&without_last_line(&b));
    let second = format!("line {}", a.lines().count() + 1);
    let shapes: Vec<(&str, Vec<u8>, Result<usize, String>)> = vec![
        ("one", text(a.clone()), Ok(1)),
        ("two", text(format!("{a}{b}")), Ok(2)),
        ("a comment that is not UTF-8", latin1, Ok(2)),
        ("a BOM", text(format!("\u{feff}{a}{b}")), Ok(2)),
        (
            "BOMs where files were joined",
            text(format!("\u{feff}{a}\u{feff}{b}")),
            Ok(2),
        ),
        (
            "CR LF",
            text(format!("{a}{b}").replace('\n', "\r\n")),
            Ok(2),
        ),
        ("CR", text(format!("{a}{b}").replace('\n', "\r")), Ok(2)),
        ("glued", text(format!("{}{b}", a.trim_end())), Ok(2)),
        (
            "an indented second",
            text(format!("{a}{}", indented(&b))),
            Ok(2),
        ),
        ("all indented", text(indented(&format!("{a}{b}"))), Ok(2)),
        (
            "on one line",
            text(format!("{a}{b}").replace('\n', " ")),
            Ok(2),
        ),
        (
            "on one line, without spaces",
            text(format!(
                "-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----{b}"
            )),
            Ok(2),
        ),
        (
            "spaces at line ends",
            text(format!("{a}{b}").replace('\n', " \t\n")),
            Ok(2),
        ),
        (
            "white space around",
            text(format!("\n \t\n{a}\n\n\n{b}  \n ")),
            Ok(2),
        ),
        ("no last line end", text(a.trim_end().to_owned()), Ok(1)),
        ("blank lines within", text(a.replace('\n', "\n\n")), Ok(1)),
        (
            "bag attributes",
            text(format!(
                "Bag Attributes\n    localKeyID: 01 02\n    friendlyName: -- x --\nsubject=/CN=a\n{a}Bag Attributes: <No Attributes>\n{b}"
            )),
            Ok(2),
        ),
        (
            "the text of openssl x509 -text",
            text(format!(
                "Certificate:\n    Data:\n        Version: 3 (0x2)\n{a}"
            )),
            Ok(1),
        ),
        ("an old label", text(relabelled("X509 CERTIFICATE")), Ok(1)),
        ("its key before it", text(format!("{key}{a}{b}")), Ok(2)),
        ("its key between", text(format!("{a}{key}{b}")), Ok(2)),
        (
            "a commented out one",
            text(format!(
                "{}{b}",
                a.lines()
                    .map(|line| format!("# {line}\n"))
                    .collect::<String>()
            )),
            Ok(1),
        ),
        (
            "a comment with dashes",
            text(format!("---- BEGIN of the list ----\n-----\n{a}")),
            Ok(1),
        ),
        (
            "more dashes than five",
            text(format!("----------\n-{a}")),
            Ok(1),
        ),
        (
            "headers",
            text(a.replacen('\n', "\nOrigin: somewhere\n\n", 1)),
            Ok(1),
        ),
        ("the same twice", text(format!("{a}{a}")), Ok(2)),
        ("empty", vec![], Err("it is empty".to_owned())),
        (
            "blank",
            text(" \r\n\t".to_owned()),
            Err("it is empty".to_owned()),
        ),
        ("DER", der, Err("binary".to_owned())),
        (
            "UTF-16",
            [b"\xff\xfe", utf16.as_slice()].concat(),
            Err("UTF-16".to_owned()),
        ),
        ("UTF-16 without a mark", utf16, Err("UTF-16".to_owned())),
        (
            "a path",
            text("/etc/ssl/ca.pem".to_owned()),
            Err("path of a file".to_owned()),
        ),
        (
            "base64 alone",
            text(body.clone()),
            Err("without its lines".to_owned()),
        ),
        (
            "no PEM",
            text("no PEM".to_owned()),
            Err("no line -----BEGIN CERTIFICATE-----".to_owned()),
        ),
        (
            "a key",
            text(key.clone()),
            Err("a private key, not a certificate".to_owned()),
        ),
        (
            "a request",
            text(relabelled("CERTIFICATE REQUEST")),
            Err("request".to_owned()),
        ),
        (
            "OpenSSL's trusted form",
            text(format!("{a}{}", relabelled("TRUSTED CERTIFICATE"))),
            Err(format!("{second}: this is OpenSSL's own form")),
        ),
        (
            "PKCS #7",
            text(format!("{a}{}", relabelled("PKCS7"))),
            Err("pkcs7".to_owned()),
        ),
        (
            "an unknown label",
            text(format!("{a}{}", relabelled("MY CERTIFICATE"))),
            Err("a certificate begins with".to_owned()),
        ),
        (
            "a second without an end",
            text(format!("{a}{}", without_last_line(&b))),
            Err(format!("{second} is cut off")),
        ),
        (
            "a second cut off within",
            text(format!("{a}{broken}\n-----END CERTIFICATE-----\n")),
            Err(second.clone()),
        ),
        (
            "a second that never ends and a third",
            text(format!("{a}{}\n{b}", without_last_line(&b))),
            Err(format!("{second} is cut off")),
        ),
        (
            "an end alone",
            text(format!("{a}{body}\n-----END CERTIFICATE-----\n")),
            Err("did not begin".to_owned()),
        ),
        (
            "an end of another kind",
            text(a.replace("END CERTIFICATE", "END X")),
            Err("cut off".to_owned()),
        ),
        (
            "a second of four dashes",
            text(format!("{a}{}", &b[1..])),
            Err(format!("{second} is not well made")),
        ),
        (
            "a second with long dashes",
            text(format!("{a}{}", b.replace("-----", "\u{2014}\u{2014}-"))),
            Err(format!("{second} is not well made")),
        ),
        (
            "a second in small letters",
            text(format!(
                "{a}{}",
                b.replace("BEGIN CERTIFICATE", "begin certificate")
            )),
            Err(format!("{second} is not well made")),
        ),
        (
            "spaces within the dashes",
            text(format!(
                "{a}{}",
                b.replace(
                    "-----BEGIN CERTIFICATE-----",
                    "----- BEGIN CERTIFICATE -----"
                )
            )),
            Err(format!("{second} is not well made")),
        ),
        (
            "\\n as two characters",
            text(a.replace('\n', "\\n")),
            Err("two characters".to_owned()),
        ),
        (
            "a stray character",
            text(a.replacen("\nMII", "\nM%I", 1)),
            Err("line 2 has a character".to_owned()),
        ),
        (
            "quoted by mail",
            text(a.replace('\n', "\n> ")),
            Err("a character that base64 has not".to_owned()),
        ),
        (
            "one character less",
            text(a.replacen("MII", "MI", 1)),
            Err("base64 is cut off".to_owned()),
        ),
        (
            "another thing in it",
            text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----".to_owned()),
            Err("no certificate, or not a whole one".to_owned()),
        ),
        (
            "nothing in it",
            text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----".to_owned()),
            Err("it is empty".to_owned()),
        ),
    ];
    for (shape, pem, expected) in shapes {
        match (certificates("options.roots", &pem), expected) {
            (Ok(found), Ok(count)) => assert_eq!(found.len(), count, "{shape}"),
            (Err(error), Err(part)) => {
                let message = error.message();
                assert!(message.contains(&part), "{shape}: {message}");
                assert!(message.starts_with("options.roots"), "{shape}: {message}");
                assert!(!message.contains(&body[4..20]), "{shape}: {message}");
            }
            (found, expected) => panic!("{shape}: {found:?}, expected {expected:?}"),
        }
    }
}

/// Shapes of keys: one is found, or a part of what is said.
#[test]
fn keys_are_read_in_every_shape_or_the_shape_is_named() {
    let Texts {
        certificate, key, ..
    } = texts();
    let text = |text: String| text.into_bytes();
    let relabelled = |label: &str| key.replace("PRIVATE KEY", label);
    let body: String = key.lines().filter(|line| !line.contains('-')).collect();
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let legacy = key.replacen(
        '\n',
        "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n",
        1,
    );
    let shapes: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("one", text(key.clone()), None),
        ("PKCS #1", text(relabelled("RSA PRIVATE KEY")), None),
        ("SEC 1", text(relabelled("EC PRIVATE KEY")), None),
        (
            "parameters before it",
            text(format!("{parameters}{}", relabelled("EC PRIVATE KEY"))),
            None,
        ),
        (
            "after its certificate",
            text(format!("{certificate}{key}")),
            None,
        ),
        (
            "glued to its certificate",
            text(format!("{}{key}", certificate.trim_end())),
            None,
        ),
        (
            "before its certificate",
            text(format!("{key}{certificate}")),
            None,
        ),
        (
            "a BOM and CR LF",
            text(format!("\u{feff}{key}").replace('\n', "\r\n")),
            None,
        ),
        ("indented", text(indented(&key)), None),
        ("on one line", text(key.replace('\n', " ")), None),
        (
            "a comment that is not UTF-8",
            [b"Schl\xfcssel\n", key.as_bytes()].concat(),
            None,
        ),
        (
            "encrypted",
            text(relabelled("ENCRYPTED PRIVATE KEY")),
            Some("encrypted: decrypt it"),
        ),
        (
            "encrypted as of old",
            text(legacy),
            Some("encrypted: decrypt it"),
        ),
        (
            "OpenSSH's",
            text(relabelled("OPENSSH PRIVATE KEY")),
            Some("OpenSSH"),
        ),
        (
            "DSA",
            text(relabelled("DSA PRIVATE KEY")),
            Some("DSA PRIVATE KEY of line 1 is none"),
        ),
        (
            "public",
            text(relabelled("PUBLIC KEY")),
            Some("a public key"),
        ),
        (
            "a certificate",
            text(certificate.clone()),
            Some("a certificate, not a key"),
        ),
        (
            "parameters alone",
            text(parameters.to_owned()),
            Some("parameters of a key"),
        ),
        ("two", text(format!("{key}{key}")), Some("more than one")),
        (
            "\\n as two characters",
            text(key.replace('\n', "\\n")),
            Some("two characters"),
        ),
        (
            "\\n and no end",
            text(format!("-----BEGIN PRIVATE KEY-----\\n{body}")),
            Some("two characters"),
        ),
        (
            "cut off",
            text(without_last_line(&key)),
            Some("line 1 is cut off"),
        ),
        (
            "a stray character",
            text(key.replacen("\nMI", "\nM\"", 1)),
            Some("line 2 has a character"),
        ),
        (
            "base64 alone",
            text(body.clone()),
            Some("-----BEGIN PRIVATE KEY-----"),
        ),
        (
            "binary",
            BASE64_STANDARD.decode(&body).unwrap(),
            Some("binary"),
        ),
        (
            "a path",
            text("./client.key".to_owned()),
            Some("path of a file"),
        ),
        (
            "a secret in a label",
            text(format!("-----BEGIN {body} PRIVATE KEY-----")),
            Some("block"),
        ),
        (
            "a secret in a label's place",
            text(format!("-----BEGIN {body}-----\n-----END x-----")),
            Some("block"),
        ),
        ("blank", text("\n".to_owned()), Some("empty")),
    ];
    for (shape, pem, expected) in shapes {
        match (private_key("options.key", &pem), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(part)) => {
                let message = error.message();
                assert!(message.contains(part), "{shape}: {message}");
                for part in [&body[..16], &body[20..36]] {
                    assert!(!message.contains(part), "{shape}: {message}");
                }
            }
            (found, _) => panic!("{shape}: {}, expected {expected:?}", found.is_ok()),
        }
    }
}
