//! Fields of an encoded message that are cut out of it and not decoded: what is not known of them stays.

use ::bytes::{Buf, Bytes};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, bytes, decode_key, skip_field};

/// Those with this number, of a type that has a length.
pub(crate) fn fields(mut message: Bytes, number: u32) -> Result<Vec<Bytes>, DecodeError> {
    let mut found = Vec::new();
    while message.has_remaining() {
        let (field, wire_type) = decode_key(&mut message)?;
        if (field, wire_type) == (number, WireType::LengthDelimited) {
            let mut value = Bytes::new();
            bytes::merge(
                wire_type,
                &mut value,
                &mut message,
                DecodeContext::default(),
            )?;
            found.push(value);
        } else {
            skip_field(wire_type, field, &mut message, DecodeContext::default())?;
        }
    }
    Ok(found)
}
