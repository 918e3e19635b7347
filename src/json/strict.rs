//! What prost-reflect lets pass and a request must not have: unknown and repeated names, and numbers just
//! beyond 64 bits, which it would make the nearest that fit.
//!
//! A look at the text before it is decoded. Refusals are made where a value would be, so that the path to it
//! is known.

use std::collections::HashSet;
use std::fmt;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What may stand in one place of the text.
#[derive(Clone)]
pub(super) enum Strict {
    Message(MessageDescriptor),
    /// The values of a `map<…>` field, whose keys are the program's.
    Entries(Kind),
    Value(Kind),
    /// Inside messages that have a JSON form of their own.
    Anything,
}

impl Strict {
    pub(super) fn message(message: MessageDescriptor) -> Self {
        if message.full_name().starts_with("google.protobuf.") {
            Self::Anything
        } else {
            Self::Message(message)
        }
    }

    fn value(kind: Kind) -> Self {
        match kind {
            Kind::Message(message) => Self::message(message),
            kind => Self::Value(kind),
        }
    }

    fn field(field: &FieldDescriptor) -> Self {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                Self::Entries(entry.map_entry_value_field().kind())
            }
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
            Self::Value(_) | Self::Anything => Some((key.to_owned(), Self::Anything)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let Some((name, value)) = self.entry(&key) else {
                return map.next_value_seed(Refused("there is no such field"));
            };
            if !seen.insert(name) {
                return map.next_value_seed(Refused("it is given twice"));
            }
            map.next_value_seed(value)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.clone())?.is_some() {}
        Ok(())
    }

    /// Integers of more than 64 bits come here, too.
    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
        let limit = match self {
            Self::Value(Kind::Int64 | Kind::Sint64 | Kind::Sfixed64) => TWO_TO_63,
            Self::Value(Kind::Uint64 | Kind::Fixed64) => 2.0 * TWO_TO_63,
            _ => return Ok(()),
        };
        if value.abs() < limit {
            return Ok(());
        }
        Err(E::custom("a number out of range"))
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
