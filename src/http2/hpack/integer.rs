//! Integers (RFC 7541, section 5.1).

use super::Halt;

/// Octets beyond the first: enough for 32 bits, and for some that say nothing.
const MOST: u32 = 5;

/// Reads one whose prefix has `bits`, from `at` on, which moves behind it.
#[inline]
pub(super) fn read(bytes: &[u8], at: &mut usize, bits: u32) -> Result<usize, Halt> {
    let mask = (1_usize << bits) - 1;
    let first = *bytes.get(*at).ok_or(Halt::Short)?;
    let prefix = usize::from(first) & mask;
    if prefix < mask {
        *at += 1;
        return Ok(prefix);
    }
    read_rest(bytes, at, mask)
}

fn read_rest(bytes: &[u8], at: &mut usize, prefix: usize) -> Result<usize, Halt> {
    let mut value = prefix as u64;
    for octet in 0..MOST {
        let byte = *bytes.get(*at + 1 + octet as usize).ok_or(Halt::Short)?;
        value += u64::from(byte & 0x7f) << (7 * octet);
        if byte & 0x80 == 0 {
            *at += 2 + octet as usize;
            return match u32::try_from(value) {
                Ok(value) => Ok(value as usize),
                Err(_) => Err(Halt::Bad("an integer of HPACK is too large")),
            };
        }
    }
    Err(Halt::Bad("an integer of HPACK is too long"))
}

/// Of a prefix with `bits`; `pattern` is what stands above it.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, pattern: u8, bits: u32, value: usize) {
    let mask = (1_usize << bits) - 1;
    if value < mask {
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | mask as u8);
    let mut rest = value - mask;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7541_c_1_examples() {
        for (value, bits, bytes) in [
            (10, 5, &[0b01010][..]),
            (1337, 5, &[0b11111, 0b1001_1010, 0b1010]),
            (42, 8, &[0b0010_1010]),
        ] {
            let mut out = Vec::new();
            write(&mut out, 0, bits, value);
            assert_eq!(out, bytes);
            let mut at = 0;
            assert_eq!(read(bytes, &mut at, bits).unwrap(), value);
            assert_eq!(at, bytes.len());
        }
    }

    #[test]
    fn each_is_read_as_it_was_written_and_not_before_it_is_whole() {
        let values = (0..1000).chain((10..=32).flat_map(|bits| {
            let power = 1_usize << bits;
            [power - 2, power - 1]
        }));
        for value in values {
            for bits in 1..=8 {
                let mut out = Vec::new();
                write(&mut out, 0, bits, value);
                for cut in 0..out.len() {
                    let mut at = 0;
                    let read = read(&out[..cut], &mut at, bits);
                    assert!(matches!(read, Err(Halt::Short)), "{value} of {bits} bits");
                    assert_eq!(at, 0);
                }
                let mut at = 0;
                assert_eq!(read(&out, &mut at, bits).unwrap(), value);
            }
        }
    }

    #[test]
    fn rfc_7541_5_1_what_is_too_large_or_too_long_is_refused() {
        let of = |bytes: &[u8]| read(bytes, &mut 0, 5);
        assert!(matches!(of(&[31, 0x80, 0x80, 0x80, 0x80, 0]), Ok(31)));
        assert!(matches!(
            of(&[31, 0x80, 0x80, 0x80, 0x80, 0x10]),
            Err(Halt::Bad(_))
        ));
        assert!(matches!(
            of(&[31, 0xff, 0xff, 0xff, 0xff, 0x80]),
            Err(Halt::Bad(_))
        ));
        assert!(matches!(
            of(&[31, 0x80, 0x80, 0x80, 0x80, 0x80, 0]),
            Err(Halt::Bad(_))
        ));
    }
}
