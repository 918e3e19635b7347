//! How deep an encoded message nests, by its type: known before it is decoded, which recurses.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{Kind, MessageDescriptor};

const ANY: &str = "google.protobuf.Any";

/// A message that is being looked through.
struct Level<'a> {
    /// `None`: a group that its type does not have.
    message: Option<MessageDescriptor>,
    rest: &'a [u8],
    is_group: bool,
    /// Of an Any: what it says it has, and that.
    packed: (&'a [u8], &'a [u8]),
}

impl<'a> Level<'a> {
    fn new(message: Option<MessageDescriptor>, rest: &'a [u8], is_group: bool) -> Self {
        Self {
            message,
            rest,
            is_group,
            packed: (&[], &[]),
        }
    }
}

/// Of bytes that are no such message, up to where they are not.
pub(super) fn of_message(message: MessageDescriptor, bytes: &[u8]) -> usize {
    let mut levels = vec![Level::new(Some(message), bytes, false)];
    let mut deepest = 1;
    while let Some(level) = levels.last_mut() {
        if level.rest.is_empty() {
            if level.is_group {
                return deepest; // it has no end
            }
            match unpacked(level) {
                Some(next) => levels.push(next),
                None => drop(levels.pop()),
            }
        } else {
            match step(level) {
                Ok(next) => levels.extend(next),
                Err(Ended::Broken) => return deepest,
                Err(Ended::Group) => {
                    let rest = level.rest;
                    levels.pop();
                    if let Some(level) = levels.last_mut() {
                        level.rest = rest;
                    }
                }
            }
        }
        deepest = deepest.max(levels.len());
    }
    deepest
}

enum Ended {
    Group,
    Broken,
}

/// Past one field; a message in it is the next level.
fn step<'a>(level: &mut Level<'a>) -> Result<Option<Level<'a>>, Ended> {
    let rest = &mut level.rest;
    let (number, wire) = decode_key(rest).map_err(|_| Ended::Broken)?;
    let field = level
        .message
        .as_ref()
        .and_then(|message| message.get_field(number));
    let inner = field.and_then(|field| match field.kind() {
        Kind::Message(message) => Some(message),
        _ => None,
    });
    match wire {
        WireType::LengthDelimited => {
            let length = decode_varint(rest).map_err(|_| Ended::Broken)?;
            let length = usize::try_from(length).map_err(|_| Ended::Broken)?;
            let (content, after) = rest.split_at_checked(length).ok_or(Ended::Broken)?;
            *rest = after;
            let is_any = level
                .message
                .as_ref()
                .is_some_and(|any| any.full_name() == ANY);
            match number {
                1 if is_any => level.packed.0 = content,
                2 if is_any => level.packed.1 = content,
                _ => {}
            }
            Ok(inner.map(|message| Level::new(Some(message), content, false)))
        }
        WireType::StartGroup => Ok(Some(Level::new(inner, rest, true))),
        WireType::EndGroup if level.is_group => Err(Ended::Group),
        WireType::EndGroup => Err(Ended::Broken),
        wire => {
            let skipped = skip_field(wire, number, rest, DecodeContext::default());
            skipped.map(|()| None).map_err(|_| Ended::Broken)
        }
    }
}

/// What an Any that was read to its end has in it: its JSON form has it, too.
fn unpacked<'a>(level: &mut Level<'a>) -> Option<Level<'a>> {
    let (url, content) = std::mem::take(&mut level.packed);
    let name = std::str::from_utf8(url).ok()?.rsplit('/').next()?;
    let pool = level.message.as_ref()?.parent_pool();
    let message = pool.get_message_by_name(name)?;
    (!content.is_empty()).then(|| Level::new(Some(message), content, false))
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    fn nested(number: u8, inner: &[u8], times: usize) -> Vec<u8> {
        (0..times).fold(inner.to_vec(), |inner, _| {
            let mut outer = vec![number << 3 | 2];
            prost::encoding::encode_varint(inner.len() as u64, &mut outer);
            outer.extend(inner);
            outer
        })
    }

    #[test]
    fn depth_is_by_type_and_goes_into_groups_and_any() {
        let pool = DescriptorPool::global();
        let of =
            |name: &str, bytes: &[u8]| of_message(pool.get_message_by_name(name).unwrap(), bytes);
        // DescriptorProto.nested_type
        let descriptor = "google.protobuf.DescriptorProto";
        assert_eq!(of(descriptor, &[]), 1);
        assert_eq!(of(descriptor, &nested(3, &[], 5)), 6);
        // A name, which is text, whatever it looks like.
        assert_eq!(of(descriptor, &nested(1, &nested(3, &[], 5), 1)), 1);
        assert_eq!(
            of("google.protobuf.Struct", &nested(1, &nested(2, &[], 1), 1)),
            3
        );
        let url = nested(1, b"x.y/google.protobuf.DescriptorProto", 1);
        let any = [nested(2, &nested(3, &[], 5), 1), url].concat();
        assert_eq!(of(ANY, &any), 7);
        // Groups that nobody knows, closed and not.
        assert_eq!(of(descriptor, &[[0x7b; 3], [0x7c; 3]].concat()), 4);
        assert_eq!(of(descriptor, &[0x7b; 300]), 301);
        assert_eq!(of(descriptor, &[0x7c, 0x7b]), 1);
        for broken in [&[0xff][..], &[0x1a, 5, 1], &[0x1a]] {
            assert_eq!(of(descriptor, broken), 1);
        }
    }
}
