//! The JSON form of messages, by RPC name, over the compiled protocol.

mod consistency;
mod depth;
mod nearest;
mod number;
mod objects;
mod protocol;
mod strict;

use std::cell::RefCell;
use std::fmt::Display;

use prost::Message;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions,
};
use serde::de::{DeserializeSeed, Deserializer};

pub use protocol::register;
use strict::Strict;

use crate::deep;
use crate::error::{Code, Error, Source};

/// As many messages within each other are decoded (prost's limit too, which starts anew in each Any).
const MAX_DEPTH: usize = 100;

const SERVICE: &str = "gateway_protocol.Gateway";

/// An RPC of the gateway, by name (`Topology`) or by path, or of a registered descriptor set, by path.
#[derive(Clone, Debug)]
pub struct Rpc(MethodDescriptor);

impl Rpc {
    /// Names are those of the protocol's `Gateway`; a path is `/package.Service/Method`.
    pub fn find(method: &str) -> Result<Self, Error> {
        let (service, name) = match method.strip_prefix('/') {
            Some(path) => path.split_once('/').unwrap_or((path, "")),
            None => (SERVICE, method),
        };
        let known = protocol::service(service)?;
        let found = known
            .as_ref()
            .and_then(|service| service.methods().find(|method| method.name() == name));
        if let Some(found) = found {
            return Ok(Self(found));
        }
        let known = match known {
            Some(known) => Some(known),
            None => protocol::service(SERVICE)?,
        };
        let rpcs: Vec<_> = known.iter().flat_map(|service| service.methods()).collect();
        let meant = nearest::nearest(name, rpcs.iter().map(MethodDescriptor::name));
        let meant = meant.map(|meant| match known {
            Some(service) if method.starts_with('/') => {
                format!("; did you mean /{}/{meant}?", service.full_name())
            }
            _ => format!("; did you mean {meant}?"),
        });
        Err(Error::invalid_argument(format!(
            "the method {method:?} is no RPC of {SERVICE}, nor the path of one in a registered descriptor set{}",
            meant.unwrap_or_default()
        )))
    }

    /// `/package.Service/Method`.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.0.parent_service().full_name(), self.0.name())
    }

    /// Whether several answers may come.
    pub fn is_server_streaming(&self) -> bool {
        self.0.is_server_streaming()
    }

    /// Whether several requests may be sent: no blocking function does that.
    pub fn is_client_streaming(&self) -> bool {
        self.0.is_client_streaming()
    }

    /// The request's message type.
    pub(crate) fn input(&self) -> MessageDescriptor {
        self.0.input()
    }

    /// The answer's message type.
    #[cfg(test)]
    pub(crate) fn output(&self) -> MessageDescriptor {
        self.0.output()
    }

    /// Unknown and repeated fields are errors; every error names the place. `variables` may be an object, or its text.
    pub fn request_from_json(&self, json: &str) -> Result<Vec<u8>, Error> {
        deep::with_room(deep::of_json(json), || {
            let objects = RefCell::default();
            read(json, Strict::message(self.0.input(), &objects))
                .map_err(|error| self.refuse(&error))?;
            let json = objects::as_texts(json, &objects.into_inner())
                .map_err(|error| self.refuse(&error))?;
            let message =
                read(&json, Request(self.0.input())).map_err(|error| self.refuse(&error))?;
            Ok(message.encode_to_vec())
        })?
    }

    fn refuse(&self, error: &dyn Display) -> Error {
        Error::invalid_argument(format!("the JSON of {}: {error}", self.0.input().name()))
    }

    /// Every field without presence is printed; 64-bit integers are strings; `variables` and `customHeaders` are objects. What an answer came for was done, also if it cannot be read.
    pub fn response_to_json(&self, message: &[u8]) -> Result<String, Error> {
        self.print(message)
            .and_then(|printed| printed.map_err(Error::invalid_argument))
            .map_err(|error| error.processed(true))
    }

    /// The same of an answer that just came: that it cannot be read is the gateway's doing.
    pub fn answer_to_json(&self, message: &[u8]) -> Result<String, Error> {
        self.print(message)?.map_err(|why| {
            Error::rpc(
                Source::Gateway,
                Code::Internal,
                format!("the answer: {why}"),
            )
        })
    }

    fn print(&self, message: &[u8]) -> Result<Result<String, String>, Error> {
        let depth = depth::of_message(self.0.output(), message);
        if depth > MAX_DEPTH {
            let name = self.0.output().full_name().to_owned();
            return Ok(Err(format!(
                "these bytes are no {name}: more than {MAX_DEPTH} messages are within each other"
            )));
        }
        deep::with_room(depth, || self.print_here(message))
    }

    fn print_here(&self, message: &[u8]) -> Result<String, String> {
        let name = self.0.output().full_name().to_owned();
        let message = DynamicMessage::decode(self.0.output(), message)
            .map_err(|error| format!("these bytes are no {name}: {error}"))?;
        let options = SerializeOptions::new().skip_default_fields(false);
        let mut json = Vec::new();
        message
            .serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options)
            .map_err(|error| format!("this {name} has no JSON form: {error}"))?;
        let json = String::from_utf8(json)
            .map_err(|error| format!("this {name} has no JSON form: {error}"))?;
        Ok(self.with_objects(json))
    }

    fn with_objects(&self, printed: String) -> String {
        let output = self.0.output();
        if !output.full_name().starts_with("gateway_protocol.") {
            return printed;
        }
        let texts = RefCell::default();
        let seen = read(&printed, Strict::message(output, &texts)).is_ok();
        match seen {
            true => objects::as_objects(&printed, &texts.into_inner()),
            // What nests deeper than serde_json reads is none of the protocol's.
            false => printed,
        }
    }
}

/// Reads the whole text; an error begins with the path to where it is, such as `jobs[0].key`.
fn read<'de, S: DeserializeSeed<'de>>(json: &'de str, seed: S) -> Result<S::Value, impl Display> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let mut track = serde_path_to_error::Track::new();
    let value = seed
        .deserialize(serde_path_to_error::Deserializer::new(
            &mut reader,
            &mut track,
        ))
        .and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| serde_path_to_error::Error::new(track.path(), error))
}

struct Request(MessageDescriptor);

impl<'de> DeserializeSeed<'de> for Request {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        DynamicMessage::deserialize_with_options(self.0, deserializer, &options)
    }
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
