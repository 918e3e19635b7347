//! What makes an answer malformed (RFC 9113, sections 8.1 to 8.3): found out while its fields are decoded. Such an answer
//! ends its stream, not the connection.

/// What a block's fields say of the message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub(super) status: Option<u16>,
    /// By `content-length`.
    pub(super) length: Option<u64>,
    has_pseudo: bool,
    has_regular: bool,
    fault: Option<&'static str>,
    length_fault: Option<&'static str>,
}

impl Facts {
    pub(super) fn see(&mut self, name: &[u8], value: &[u8]) {
        if let [b':', ..] = name {
            self.see_pseudo(name, value);
        } else {
            self.has_regular = true;
            if let Some(fault) = fault_of_name(name, value) {
                self.fault.get_or_insert(fault);
            }
            if name == b"content-length" {
                self.see_length(value);
            }
        }
        if let Some(fault) = fault_of_value(value) {
            self.fault.get_or_insert(fault);
        }
    }

    fn see_pseudo(&mut self, name: &[u8], value: &[u8]) {
        self.has_pseudo = true;
        let fault = if name != b":status" {
            "an answer has a pseudo-header field that is none of an answer's"
        } else if self.has_regular {
            "an answer's :status comes after other fields"
        } else if self.status.is_some() {
            "an answer has two :status"
        } else {
            match value {
                // Three digits, of which none below 100 is a status (RFC 9110, section 15).
                [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                    let digits = [a, b, c].map(|digit| u16::from(digit - b'0'));
                    self.status = Some(digits[0] * 100 + digits[1] * 10 + digits[2]);
                    return;
                }
                _ => "an answer's :status is no status of HTTP",
            }
        };
        self.fault.get_or_insert(fault);
    }

    /// The same number may come twice (RFC 9110, section 8.6).
    fn see_length(&mut self, value: &[u8]) {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok());
        match number.filter(|_| digits) {
            Some(length) if self.length.is_none_or(|other| other == length) => {
                self.length = Some(length)
            }
            Some(_) => self.length_fault = Some("an answer has two lengths"),
            None => self.length_fault = Some("an answer's content-length is no number"),
        }
    }

    /// As what an answer begins with, whether it is the last one or informational.
    #[inline]
    pub(super) fn fault_of_head(&self, ends: bool) -> Option<&'static str> {
        match self.status {
            _ if self.fault.is_some() => self.fault,
            _ if self.length_fault.is_some() => self.length_fault,
            None => Some("an answer has no :status"),
            Some(101) => Some("an answer is 101, which HTTP/2 has not"),
            Some(..200) if ends => Some("an answer ends with an informational status"),
            Some(_) => None,
        }
    }

    #[inline]
    pub(super) fn fault_of_trailers(&self) -> Option<&'static str> {
        match self.fault {
            None if self.has_pseudo => Some("an answer's trailers have a pseudo-header field"),
            fault => fault,
        }
    }

    /// How much content follows, where that is said. These two have none, whatever length they name (RFC 9110, sections 8.6
    /// and 15).
    #[inline]
    pub(super) fn content_length(&self) -> Option<u64> {
        match self.status {
            Some(204 | 304) => Some(0),
            _ => self.length,
        }
    }
}

/// RFC 9113, sections 8.2.1 and 8.2.2.
fn fault_of_name(name: &[u8], value: &[u8]) -> Option<&'static str> {
    if name.is_empty() {
        return Some("an answer has a field without a name");
    }
    // A token (RFC 9110, section 5.6.2), in lower case.
    let is_token =
        |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9') || b"!#$%&'*+-.^_`|~".contains(byte);
    if !name.iter().all(is_token) {
        return Some("an answer has a field whose name may not be");
    }
    match name {
        b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade" => {
            Some("an answer has a field of HTTP/1's connections")
        }
        b"te" if value != b"trailers" => Some("an answer has a field of HTTP/1's connections"),
        _ => None,
    }
}

/// RFC 9113, section 8.2.1. Space at a value's ends, which it calls malformed as well, is left to the reader: the outcome of a call
/// must not be lost by it.
fn fault_of_value(value: &[u8]) -> Option<&'static str> {
    let is_bad = value.iter().any(|byte| matches!(byte, 0 | b'\n' | b'\r'));
    is_bad.then_some("an answer has a field whose value has a byte that may not be")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(fields: &[(&[u8], &[u8])]) -> Facts {
        let mut facts = Facts::default();
        fields
            .iter()
            .for_each(|(name, value)| facts.see(name, value));
        facts
    }

    fn of_head(fields: &[(&[u8], &[u8])]) -> bool {
        facts(fields).fault_of_head(false).is_some()
    }

    const OK: (&[u8], &[u8]) = (b":status", b"200");

    #[test]
    fn section_8_3_2_an_answer_has_one_status_of_three_digits_first() {
        for (status, good) in [
            (&b"100"[..], true),
            (b"200", true),
            (b"599", true),
            (b"999", true), // no class of HTTP's, which is for the caller
            (b"000", false),
            (b"099", false),
            (b"101", false), // section 8.6
            (b"20", false),
            (b"2000", false),
            (b"2x0", false),
            (b"+20", false),
            (b"", false),
            (b" 200", false),
        ] {
            assert_eq!(of_head(&[(b":status", status)]), !good, "{status:?}");
        }
        assert!(of_head(&[]) && of_head(&[(b"a", b"b")]));
        assert!(of_head(&[OK, OK]) && of_head(&[OK, (b":status", b"201")]));
        assert!(of_head(&[(b"a", b"b"), OK]));
        assert_eq!(facts(&[(b":status", b"418")]).status, Some(418));
    }

    #[test]
    fn section_8_3_other_pseudo_header_fields_are_malformed() {
        for name in [
            &b":path"[..],
            b":method",
            b":scheme",
            b":authority",
            b":protocol",
            b":new",
            b":",
        ] {
            assert!(of_head(&[OK, (name, b"x")]), "{name:?}");
        }
    }

    #[test]
    fn section_8_1_trailers_have_no_pseudo_header_field() {
        assert!(facts(&[OK]).fault_of_trailers().is_some());
        assert!(
            facts(&[(b"grpc-status", b"0"), (b":path", b"/")])
                .fault_of_trailers()
                .is_some()
        );
        assert_eq!(facts(&[(b"grpc-status", b"0")]).fault_of_trailers(), None);
        assert_eq!(facts(&[]).fault_of_trailers(), None);
    }

    #[test]
    fn section_8_1_an_informational_status_ends_nothing() {
        let informational = facts(&[(b":status", b"103")]);
        assert_eq!(informational.fault_of_head(false), None);
        assert!(informational.fault_of_head(true).is_some());
        assert_eq!(facts(&[OK]).fault_of_head(true), None);
    }

    #[test]
    fn section_8_2_1_names_and_values_that_may_not_be() {
        for octet in 0..=255_u8 {
            let bad = octet.is_ascii_uppercase()
                || !octet.is_ascii_graphic()
                || b"\"(),/:;<=>?@[\\]{}".contains(&octet);
            for name in [[b'a', octet], [octet, b'a']] {
                if name[0] != b':' {
                    assert_eq!(of_head(&[OK, (&name, b"x")]), bad, "{name:?}");
                    assert_eq!(facts(&[(&name, b"x")]).fault_of_trailers().is_some(), bad);
                }
            }
            let bad = matches!(octet, 0 | b'\r' | b'\n');
            assert_eq!(of_head(&[OK, (b"a", &[b'x', octet, b'y'])]), bad, "{octet}");
            for value in [&[octet][..], &[octet, b'x'], &[b'x', octet]] {
                assert_eq!(of_head(&[OK, (b"a", value)]), bad, "{value:?}");
            }
        }
        assert!(of_head(&[OK, (b"", b"x")]));
        assert!(!of_head(&[OK, (b"a", b"")]));
    }

    #[test]
    fn section_8_2_2_fields_of_http_1_connections_are_malformed() {
        for name in [
            "connection",
            "proxy-connection",
            "keep-alive",
            "transfer-encoding",
            "upgrade",
            "te",
        ] {
            assert!(of_head(&[OK, (name.as_bytes(), b"x")]), "{name}");
            assert!(
                facts(&[(name.as_bytes(), b"x")])
                    .fault_of_trailers()
                    .is_some(),
                "{name}"
            );
        }
        assert!(!of_head(&[OK, (b"te", b"trailers")]));
    }

    #[test]
    fn section_8_1_1_a_content_length_is_one_number() {
        let length = |values: &[&'static [u8]]| {
            let mut facts = facts(&[OK]);
            values
                .iter()
                .for_each(|value| facts.see(b"content-length", value));
            facts
                .fault_of_head(false)
                .map_or(Ok(facts.content_length()), Err)
        };
        assert_eq!(length(&[]), Ok(None));
        assert_eq!(length(&[b"18446744073709551615"]), Ok(Some(u64::MAX)));
        assert_eq!(length(&[b"5", b"05"]), Ok(Some(5)));
        for bad in [
            &[&b"5"[..], b"6"][..],
            &[b"+5"],
            &[b"5,5"],
            &[b""],
            &[b"18446744073709551616"],
        ] {
            assert!(length(bad).is_err(), "{bad:?}");
        }
        let none = facts(&[(b":status", b"304"), (b"content-length", b"5")]);
        assert_eq!(none.content_length(), Some(0));
    }
}
