//! What prost-reflect lets pass and a request must not have: unknown and repeated names, and numbers that a
//! 64-bit field would not hold as they are written. And where the protocol has the text of a JSON object, of which an object is the better
//! form.
//!
//! A look at the text before it is decoded. Refusals are made where a value would be, so that the path to it
//! is known.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::number;

/// A place of the text, and what was found so far.
#[derive(Clone)]
pub(super) struct Strict<'a, 'de> {
    place: Place,
    /// What stands where the gateway has the text of an object, in its order.
    objects: &'a RefCell<Vec<&'de str>>,
}

impl<'a, 'de> Strict<'a, 'de> {
    pub(super) fn message(message: MessageDescriptor, objects: &'a RefCell<Vec<&'de str>>) -> Self {
        let place = Place::message(message);
        Self { place, objects }
    }

    fn at(&self, place: Place) -> Self {
        Self {
            place,
            ..self.clone()
        }
    }
}

/// What may stand in one place of the text.
#[derive(Clone)]
enum Place {
    Message(MessageDescriptor),
    /// The values of a `map<…>` field, whose keys are the program's.
    Entries(Kind),
    /// Those of a repeated field.
    Items(Kind),
    Signed64,
    Unsigned64,
    /// A string that holds a JSON object, or the object itself.
    Object,
    /// Values of other types, and messages that have a JSON form of their own.
    Anything,
}

impl Place {
    fn message(message: MessageDescriptor) -> Self {
        match message.full_name() {
            "google.protobuf.Int64Value" => Self::Signed64,
            "google.protobuf.UInt64Value" => Self::Unsigned64,
            name if name.starts_with("google.protobuf.") => Self::Anything,
            _ => Self::Message(message),
        }
    }

    fn value(kind: Kind) -> Self {
        match kind {
            Kind::Message(message) => Self::message(message),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Self::Signed64,
            Kind::Uint64 | Kind::Fixed64 => Self::Unsigned64,
            _ => Self::Anything,
        }
    }

    fn field(field: &FieldDescriptor) -> Self {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                Self::Entries(entry.map_entry_value_field().kind())
            }
            kind if field.is_list() => Self::Items(kind),
            Kind::String if is_object(field) => Self::Object,
            kind => Self::value(kind),
        }
    }

    /// The name that an entry has in this object, however it is spelt, and what may stand there.
    fn entry(&self, key: &str) -> Option<(String, Self)> {
        match self {
            Self::Message(message) => {
                let by_json_name = message.get_field_by_json_name(key);
                let field = by_json_name.or_else(|| message.get_field_by_name(key))?;
                Some((field.name().to_owned(), Self::field(&field)))
            }
            Self::Entries(kind) => Some((key.to_owned(), Self::value(kind.clone()))),
            _ => Some((key.to_owned(), Self::Anything)),
        }
    }

    fn number<E: Error>(text: &str, least: i128, most: i128) -> Result<(), E> {
        let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if !is_number {
            return Ok(()); // a string, or what is refused later
        }
        number::check(text, least, most).map_err(E::custom)
    }
}

/// As the protocol has them everywhere: text of a JSON object.
fn is_object(field: &FieldDescriptor) -> bool {
    matches!(field.name(), "variables" | "customHeaders")
        && field.full_name().starts_with("gateway_protocol.")
}

impl<'de> DeserializeSeed<'de> for Strict<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let text = |deserializer| <&RawValue>::deserialize(deserializer).map(RawValue::get);
        match self.place {
            Place::Signed64 => Place::number(text(deserializer)?, i64::MIN.into(), i64::MAX.into()),
            Place::Unsigned64 => Place::number(text(deserializer)?, 0, u64::MAX.into()),
            Place::Object => {
                self.objects.borrow_mut().push(text(deserializer)?);
                Ok(())
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Strict<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let Some((name, place)) = self.place.entry(&key) else {
                return map.next_value_seed(Refused("there is no such field"));
            };
            if !seen.insert(name) {
                return map.next_value_seed(Refused("it is given twice"));
            }
            map.next_value_seed(self.at(place))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let item = match &self.place {
            Place::Items(kind) => Place::value(kind.clone()),
            other => other.clone(), // which is refused later
        };
        while seq.next_element_seed(self.at(item.clone()))?.is_some() {}
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A value that may not stand where it does.
struct Refused(&'static str);

impl<'de> DeserializeSeed<'de> for Refused {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom(self.0))
    }
}
