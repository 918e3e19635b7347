//! PEM as people have it (RFC 7468, read leniently): certificates and private keys.
//!
//! What stands around the blocks may be anything, in any encoding; blocks may be indented, on one line, or follow each
//! other without a line end. A certificate is read or is an error that names its line: none is passed over. No error
//! shows anything of the text, which may be a key; so the crates' own readers, which do, are not asked.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::error::Error;

const DASHES: &[u8] = b"-----";
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const CERTIFICATES: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];

/// All certificates in it, at least one; `name` says in errors what it is of.
pub(super) fn certificates(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let of = |why: String| Error::tls(format!("{name}: {why}"));
    let blocks = blocks(pem).map_err(of)?;
    let mut found = Vec::new();
    for block in &blocks {
        let refused = |why: &str| of(format!("{}: {why}", block.place()));
        match block.label.as_str() {
            label if CERTIFICATES.contains(&label) => {
                let der = block.decoded().map_err(of)?;
                if !is_whole(&der) {
                    return Err(refused("it is no certificate, or not a whole one"));
                }
                found.push(CertificateDer::from(der.to_vec()));
            }
            "TRUSTED CERTIFICATE" => {
                return Err(refused(
                    "this is OpenSSL's own form; `openssl x509 -in FILE` makes it a CERTIFICATE",
                ));
            }
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => {
                return Err(refused(
                    "`openssl pkcs7 -in FILE -print_certs` takes its certificates out",
                ));
            }
            label if label.contains("CERTIFICATE") && !is_of_none(label) => {
                return Err(refused("a certificate begins with BEGIN CERTIFICATE"));
            }
            _ => {} // a key, say, that stands in one file with its certificate
        }
    }
    if found.is_empty() {
        let hint = match blocks.first() {
            Some(block) if block.label.ends_with("PRIVATE KEY") => {
                "it is a private key, not a certificate".to_owned()
            }
            Some(block) if block.label.ends_with("CERTIFICATE REQUEST") => {
                "it is a request for a certificate, not the certificate".to_owned()
            }
            Some(block) => format!("{} is no certificate", block.place()),
            None => nothing(pem, "CERTIFICATE"),
        };
        return Err(Error::tls(format!(
            "{name} holds no PEM certificate: {hint}"
        )));
    }
    Ok(found)
}

/// The one private key in it: PKCS #8, PKCS #1 (RSA) or SEC 1 (EC).
pub(super) fn private_key(name: &str, pem: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
    let of = |why: String| Error::tls(format!("{name}: {why}"));
    let blocks = blocks(pem).map_err(of)?;
    let is_encrypted =
        |block: &Block<'_>| block.label == "ENCRYPTED PRIVATE KEY" || block.is_encrypted();
    let mut keys = blocks
        .iter()
        .filter(|block| KEYS.contains(&block.label.as_str()) && !is_encrypted(block));
    let Some(key) = keys.next() else {
        let encrypted = blocks.iter().find(|block| is_encrypted(block));
        let first = encrypted
            .or_else(|| {
                blocks
                    .iter()
                    .find(|block| block.label.ends_with("PRIVATE KEY"))
            })
            .or(blocks.first());
        let hint = match first {
            Some(block) if is_encrypted(block) => {
                "it is encrypted: decrypt it, with `openssl pkey -in FILE` say".to_owned()
            }
            Some(block) => match block.label.as_str() {
                "OPENSSH PRIVATE KEY" => {
                    "it is OpenSSH's own form; `ssh-keygen -p -m PKCS8 -f FILE` changes it"
                        .to_owned()
                }
                label if label.ends_with("CERTIFICATE") => {
                    "it is a certificate, not a key".to_owned()
                }
                label if label.ends_with("PUBLIC KEY") => {
                    "it is a public key; the private one is wanted".to_owned()
                }
                "EC PARAMETERS" => "it has the parameters of a key and not the key".to_owned(),
                _ => format!("{} is none", block.place()),
            },
            None => nothing(pem, "PRIVATE KEY"),
        };
        return Err(Error::tls(format!("{name} holds no PEM key: {hint}")));
    };
    if keys.next().is_some() {
        return Err(of("it holds more than one private key".to_owned()));
    }
    let der = key.decoded().map_err(of)?;
    if !is_whole(&der) {
        return Err(of(format!(
            "{}: it is no key, or not a whole one",
            key.place()
        )));
    }
    let der = der.to_vec();
    Ok(match key.label.as_str() {
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(der.into()),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(der.into()),
        _ => PrivateKeyDer::Pkcs8(der.into()),
    })
}

/// Labels with the word that hold no certificate.
fn is_of_none(label: &str) -> bool {
    label.ends_with("CERTIFICATE REQUEST") || label == "ATTRIBUTE CERTIFICATE"
}

/// From a BEGIN to its END.
struct Block<'a> {
    label: String,
    /// Where it begins.
    line: usize,
    body: &'a [u8],
}

impl Block<'_> {
    fn place(&self) -> String {
        format!("the {} of line {}", shown(&self.label), self.line)
    }

    /// By its RFC 1421 headers.
    fn is_encrypted(&self) -> bool {
        position(self.body, b"Proc-Type:").is_some() && position(self.body, b"ENCRYPTED").is_some()
    }

    fn decoded(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let text = without_headers(self.body);
        let before = self.body.len() - text.len();
        let mut base64 = Zeroizing::new(Vec::with_capacity(text.len()));
        for (at, byte) in text.iter().enumerate() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => base64.push(*byte),
                byte if byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0) => {}
                _ => {
                    let line = self.line + lines(&self.body[..before + at]);
                    return Err(format!(
                        "{}: line {line} has a character that base64 has not{}",
                        self.place(),
                        escaped_ends(text)
                    ));
                }
            }
        }
        if base64.is_empty() {
            return Err(format!("{}: it is empty", self.place()));
        }
        let decoded = BASE64_STANDARD.decode(&*base64);
        let decoded =
            decoded.map_err(|_| format!("{}: its base64 is cut off or broken", self.place()))?;
        Ok(Zeroizing::new(decoded))
    }
}

/// A label is shown only if it is one that can stand in no secret's place.
fn shown(label: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    if label.len() <= 30 && label.bytes().all(is_plain) {
        label
    } else {
        "block"
    }
}

/// Lines such as `Proc-Type: 4,ENCRYPTED`, which may stand before the base64.
fn without_headers(body: &[u8]) -> &[u8] {
    let mut rest = body;
    while let Some(end) = rest
        .iter()
        .position(|byte| *byte == b'\n' || *byte == b'\r')
    {
        let is_header = rest[..end].contains(&b':');
        let is_blank = rest[..end].trim_ascii().is_empty();
        if !is_header && !is_blank {
            break;
        }
        rest = &rest[end + 1..];
    }
    rest
}

enum Word {
    Begin,
    End,
}

struct Boundary {
    word: Word,
    label: String,
    /// Where its dashes begin, and what follows it.
    from: usize,
    to: usize,
}

/// All blocks, whatever they hold. A boundary that is not well made is an error: who passes it over, passes over its block.
fn blocks(pem: &[u8]) -> Result<Vec<Block<'_>>, String> {
    if pem.starts_with(b"\xff\xfe") || pem.starts_with(b"\xfe\xff") {
        return Err("it is UTF-16 text: save it as UTF-8".to_owned());
    }
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(begin) = boundary(pem, at, true)? {
        let line = 1 + lines(&pem[..begin.from]);
        if let Word::End = begin.word {
            return Err(format!(
                "line {line} ends a {} that did not begin",
                shown(&begin.label)
            ));
        }
        let mut block = Block {
            label: begin.label,
            line,
            body: &pem[begin.to..],
        };
        let end = boundary(pem, begin.to, false)?;
        let Some(end) = end.filter(|end| matches!(end.word, Word::End) && end.label == block.label)
        else {
            return Err(format!(
                "{} is cut off: it has no END line{}",
                block.place(),
                escaped_ends(block.body)
            ));
        };
        block.body = &pem[begin.to..end.from];
        blocks.push(block);
        at = end.to;
    }
    Ok(blocks)
}

/// The next boundary; those in lines that are commented out do not count where `comments` may stand.
fn boundary(pem: &[u8], from: usize, comments: bool) -> Result<Option<Boundary>, String> {
    let mut at = from;
    while let Some(dash) = pem[at..].iter().position(|byte| is_dash(*byte)) {
        let start = at + dash;
        let run = pem[start..].iter().take_while(|byte| is_dash(**byte));
        let after = start + run.count();
        at = after;
        let rest = &pem[after..];
        let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
        let word = &rest[spaces..];
        let (word, label) = match () {
            () if starts(word, b"BEGIN ") => (Word::Begin, &word[6..]),
            () if starts(word, b"END ") => (Word::End, &word[4..]),
            () => continue,
        };
        let line_start = pem[from..start]
            .iter()
            .rposition(|byte| *byte == b'\n' || *byte == b'\r')
            .map_or(from, |end| from + end + 1);
        let before = pem[line_start..start].trim_ascii_start();
        if comments
            && [&b"#"[..], b";", b"//"]
                .iter()
                .any(|sign| before.starts_with(sign))
        {
            continue;
        }
        let ends = label
            .iter()
            .position(|byte| is_dash(*byte) || *byte == b'\n' || *byte == b'\r');
        let ends = ends.unwrap_or(label.len());
        let text = String::from_utf8_lossy(&label[..ends]);
        let text = text.trim();
        let is_exact = pem[..after].ends_with(DASHES)
            && (rest.starts_with(b"BEGIN ") || rest.starts_with(b"END "))
            && label[ends..].starts_with(DASHES);
        if is_exact {
            let label_at = pem.len() - label.len();
            return Ok(Some(Boundary {
                word,
                label: text.to_owned(),
                from: after - DASHES.len(),
                to: label_at + ends + DASHES.len(),
            }));
        }
        let upper = text.to_ascii_uppercase();
        if upper.ends_with("CERTIFICATE") || upper.ends_with("PRIVATE KEY") {
            return Err(format!(
                "line {} is not well made: it wants five dashes, BEGIN or END, what it is in capitals, and five dashes",
                1 + lines(&pem[..start])
            ));
        }
    }
    Ok(None)
}

/// Those that word processors make of dashes, too, of which these are the bytes.
fn is_dash(byte: u8) -> bool {
    byte == b'-' || matches!(byte, 0xe2 | 0x80 | 0x90..=0x95)
}

fn starts(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// How many lines end in it: LF, CR LF or CR.
fn lines(text: &[u8]) -> usize {
    let is_end =
        |at: usize| text[at] == b'\n' || (text[at] == b'\r' && text.get(at + 1) != Some(&b'\n'));
    (0..text.len()).filter(|at| is_end(*at)).count()
}

/// As files of variables and JSON have them, unread.
fn escaped_ends(text: &[u8]) -> &'static str {
    if position(text, b"\\n").is_some() || position(text, b"\\r").is_some() {
        " (it has \\n as two characters, a backslash and an n, where lines must end)"
    } else {
        ""
    }
}

/// Why nothing is found in it.
fn nothing(pem: &[u8], label: &str) -> String {
    let text = pem
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(pem)
        .trim_ascii();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n \t".contains(byte);
    let is_der = matches!(pem, [0x30, second, ..] if second & 0x80 != 0);
    let is_path = text.starts_with(b"/") || text.starts_with(b"./") || text.starts_with(b"file:");
    if text.is_empty() {
        "it is empty".to_owned()
    } else if is_der {
        "it is binary, DER or PKCS #12, not PEM: `openssl x509`, `openssl pkey` and `openssl pkcs12` make PEM of it".to_owned()
    } else if text.contains(&0) {
        "it is UTF-16 or binary: save it as UTF-8".to_owned()
    } else if is_path && !text.contains(&b'\n') {
        "it looks like the path of a file, whose content is wanted".to_owned()
    } else if text.len() > 60 && text.iter().all(is_base64) {
        format!("it is base64 without its lines -----BEGIN {label}----- and -----END {label}-----")
    } else {
        format!("it has no line -----BEGIN {label}-----")
    }
}

/// Whether it is one DER SEQUENCE from its first byte to its last.
fn is_whole(der: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = der else {
        return false;
    };
    match usize::from(*length) {
        short @ 0..0x80 => rest.len() == short,
        long => {
            let Some((digits, content)) = rest.split_at_checked(long - 0x80) else {
                return false;
            };
            let add = |length: usize, digit: &u8| length << 8 | usize::from(*digit);
            (1..=4).contains(&digits.len()) && content.len() == digits.iter().fold(0, add)
        }
    }
}

#[cfg(test)]
mod tests;
