//! The JSON form of messages, by RPC name, over the compiled protocol.

use std::sync::OnceLock;

use prost::Message;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MethodDescriptor, SerializeOptions,
};

use crate::error::Error;

const SERVICE: &str = "gateway_protocol.Gateway";

fn pool() -> Result<&'static DescriptorPool, Error> {
    static POOL: OnceLock<Result<DescriptorPool, String>> = OnceLock::new();
    let decode = || {
        let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gateway.bin"));
        DescriptorPool::decode(bytes).map_err(|error| error.to_string())
    };
    POOL.get_or_init(decode)
        .as_ref()
        .map_err(|error| Error::internal(format!("the built-in protocol: {error}")))
}

/// An RPC of the gateway, by name (`Topology`) or by path.
#[derive(Clone, Debug)]
pub struct Rpc(MethodDescriptor);

impl Rpc {
    pub fn find(method: &str) -> Result<Self, Error> {
        let (service, name) = match method.strip_prefix('/') {
            Some(path) => path.split_once('/').unwrap_or((path, "")),
            None => (SERVICE, method),
        };
        let found = pool()?
            .get_service_by_name(service)
            .and_then(|service| service.methods().find(|method| method.name() == name));
        found.map(Self).ok_or_else(|| {
            Error::invalid_argument(format!("the method {method:?} is no RPC of {SERVICE}"))
        })
    }

    pub fn path(&self) -> String {
        format!("/{}/{}", self.0.parent_service().full_name(), self.0.name())
    }

    pub fn name(&self) -> &str {
        self.0.name()
    }

    pub fn is_server_streaming(&self) -> bool {
        self.0.is_server_streaming()
    }

    pub fn is_client_streaming(&self) -> bool {
        self.0.is_client_streaming()
    }

    /// Unknown fields are an error that names them.
    pub fn request_from_json(&self, json: &str) -> Result<Vec<u8>, Error> {
        let refuse = |error: serde_json::Error| {
            Error::invalid_argument(format!("the JSON of {}: {error}", self.0.input().name()))
        };
        let mut reader = serde_json::Deserializer::from_str(json);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let message =
            DynamicMessage::deserialize_with_options(self.0.input(), &mut reader, &options)
                .map_err(refuse)?;
        reader.end().map_err(refuse)?;
        Ok(message.encode_to_vec())
    }

    /// Every field without presence is printed; 64-bit integers are strings.
    pub fn response_to_json(&self, message: &[u8]) -> Result<String, Error> {
        let message = DynamicMessage::decode(self.0.output(), message).map_err(|error| {
            Error::invalid_argument(format!("this is no {}: {error}", self.0.output().name()))
        })?;
        let options = SerializeOptions::new().skip_default_fields(false);
        let mut json = Vec::new();
        message
            .serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options)
            .map_err(|error| Error::internal(format!("JSON: {error}")))?;
        String::from_utf8(json).map_err(|error| Error::internal(format!("JSON: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_strings_and_absent_fields_are_printed() {
        let rpc = Rpc::find("CreateProcessInstance").unwrap();
        let bytes = rpc
            .request_from_json(r#"{"bpmnProcessId":"p","version":-1}"#)
            .unwrap();
        assert!(!bytes.is_empty());
        let json = rpc.response_to_json(&[0x20, 7]).unwrap();
        assert!(json.contains(r#""processInstanceKey":"7""#), "{json}");
        assert!(json.contains(r#""bpmnProcessId":"""#), "{json}");
    }

    #[test]
    fn unknown_fields_and_methods_are_named() {
        let rpc = Rpc::find("/gateway_protocol.Gateway/Topology").unwrap();
        let error = rpc.request_from_json(r#"{"nonsense":1}"#).unwrap_err();
        assert!(error.message().contains("nonsense"), "{error}");
        assert!(
            Rpc::find("Nonsense")
                .unwrap_err()
                .message()
                .contains("Nonsense")
        );
    }

    #[test]
    fn all_22_rpcs_are_there() {
        let service = pool().unwrap().get_service_by_name(SERVICE).unwrap();
        assert_eq!(service.methods().count(), 22);
        for method in service.methods() {
            assert_eq!(
                Rpc::find(method.name())
                    .unwrap()
                    .request_from_json("{}")
                    .unwrap(),
                b""
            );
        }
    }
}
