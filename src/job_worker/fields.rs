//! What a job says of itself: numbers are read once, texts stay in the message, of which nothing is copied or parsed.

use std::ops::Range;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The texts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// `type`.
    Type,
    /// `bpmnProcessId`.
    BpmnProcessId,
    /// `elementId`.
    ElementId,
    /// `customHeaders`, a JSON object.
    CustomHeaders,
    /// `worker`, by its name.
    Worker,
    /// `variables`, a JSON object.
    Variables,
    /// `tenantId`.
    TenantId,
}

pub(super) const TEXTS: usize = Text::TenantId as usize + 1;

#[cfg(any(test, fuzzing))]
impl Text {
    pub(crate) const ALL: [Self; TEXTS] = [
        Self::Type,
        Self::BpmnProcessId,
        Self::ElementId,
        Self::CustomHeaders,
        Self::Worker,
        Self::Variables,
        Self::TenantId,
    ];
}

/// Of an encoded ActivatedJob.
#[derive(Debug, Default)]
pub struct Fields {
    /// The same each time that the job comes.
    pub key: i64,
    /// Of the process instance that it belongs to.
    pub process_instance_key: i64,
    /// Of that one's definition.
    pub process_definition_version: i32,
    /// Of the same.
    pub process_definition_key: i64,
    /// Of its element.
    pub element_instance_key: i64,
    /// Those that are left.
    pub retries: i32,
    /// Unix milliseconds, by the gateway's clock.
    pub deadline: i64,
    /// `ActivatedJob.JobKind`.
    pub kind: i32,
    /// `ActivatedJob.ListenerEventType`.
    pub listener_event_type: i32,
    /// Where they are in the message.
    texts: [(u32, u32); TEXTS],
}

impl Fields {
    /// `None`: it is no message.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let mut fields = Self {
            listener_event_type: UNSPECIFIED,
            ..Self::default()
        };
        let mut rest = message;
        while !rest.is_empty() {
            let (number, wire_type) = decode_key(&mut rest).ok()?;
            match wire_type {
                WireType::Varint => {
                    let value = decode_varint(&mut rest).ok()?;
                    fields.set(number, value.cast_signed());
                }
                WireType::LengthDelimited => {
                    let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
                    let after = rest.get(length..)?;
                    if let Some(text) = text(number) {
                        let place = |rest: &[u8]| u32::try_from(message.len() - rest.len()).ok();
                        fields.texts[text as usize] = (place(rest)?, place(after)?);
                    }
                    rest = after;
                }
                _ => skip_field(wire_type, number, &mut rest, DecodeContext::default()).ok()?,
            }
        }
        Some(fields)
    }

    fn set(&mut self, number: u32, value: i64) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "as protobuf reads an int32"
        )]
        let short = value as i32;
        match number {
            1 => self.key = value,
            3 => self.process_instance_key = value,
            5 => self.process_definition_version = short,
            6 => self.process_definition_key = value,
            8 => self.element_instance_key = value,
            11 => self.retries = short,
            12 => self.deadline = value,
            16 => self.kind = short,
            17 => self.listener_event_type = short,
            _ => {}
        }
    }

    pub(crate) fn text(&self, text: Text) -> Range<usize> {
        let (start, end) = self.texts[text as usize];
        start as usize..end as usize
    }
}

/// Of a gateway that knows no listeners.
const UNSPECIFIED: i32 = 6;

fn text(number: u32) -> Option<Text> {
    Some(match number {
        2 => Text::Type,
        4 => Text::BpmnProcessId,
        7 => Text::ElementId,
        9 => Text::CustomHeaders,
        10 => Text::Worker,
        13 => Text::Variables,
        14 => Text::TenantId,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::STREAM_ACTIVATED_JOBS;
    use crate::json::Rpc;
    use prost::Message;
    use prost_reflect::DynamicMessage;

    /// An encoded job from its JSON.
    fn job(json: &str) -> Vec<u8> {
        let output = Rpc::find(STREAM_ACTIVATED_JOBS).unwrap().output();
        let mut json = serde_json::Deserializer::from_str(json);
        let message = DynamicMessage::deserialize(output, &mut json).unwrap();
        message.encode_to_vec()
    }

    #[test]
    fn a_job_says_what_it_was_made_of() {
        let job = job(
            r#"{"key":"9007199254740993","type":"t","processInstanceKey":"2","bpmnProcessId":"p","processDefinitionVersion":3,
            "processDefinitionKey":"4","elementId":"e","elementInstanceKey":"5","customHeaders":"{\"a\":\"b\"}","worker":"w",
            "retries":-6,"deadline":"7","variables":"{}","tenantId":"x","kind":"TASK_LISTENER","listenerEventType":"END",
            "tags":["one","two"],"userTask":{"action":"a"}}"#,
        );
        let fields = Fields::read(&job).unwrap();
        let numbers = [
            fields.key,
            fields.process_instance_key,
            fields.process_definition_version.into(),
            fields.process_definition_key,
            fields.element_instance_key,
            fields.retries.into(),
            fields.deadline,
            fields.kind.into(),
            fields.listener_event_type.into(),
        ];
        assert_eq!(numbers, [9_007_199_254_740_993, 2, 3, 4, 5, -6, 7, 2, 4]);
        let texts = Text::ALL.map(|text| std::str::from_utf8(&job[fields.text(text)]).unwrap());
        assert_eq!(texts, ["t", "p", "e", r#"{"a":"b"}"#, "w", "{}", "x"]);
    }

    #[test]
    fn what_is_not_said_is_nothing_and_what_is_cut_is_no_job() {
        let fields = Fields::read(b"").unwrap();
        assert_eq!((fields.key, fields.text(Text::Variables)), (0, 0..0));
        assert_eq!(fields.listener_event_type, UNSPECIFIED);
        let whole = job(r#"{"key":"1","type":"type","variables":"{}"}"#);
        let broken = (1..whole.len()).filter(|length| Fields::read(&whole[..*length]).is_none());
        assert_eq!(
            broken.count(),
            whole.len() - 3,
            "but for the two ends of a field"
        );
        // Of a later protocol: numbers and groups that are not known.
        let newer = [
            &whole[..],
            b"\xf9\x06\x01\x02\x03\x04\x05\x06\x07\x08\xfa\x06\x01x\xf8\x06\x01",
        ]
        .concat();
        assert_eq!(Fields::read(&newer).unwrap().key, 1);
    }
}
