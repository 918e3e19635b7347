//! A job as JSON: what the protocol has as JSON within a text is part of it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Rpc, replaced};
use crate::error::Error;

/// Texts that are JSON objects.
const OBJECTS: [&str; 2] = ["customHeaders", "variables"];

/// As the answer of an RPC is printed. What is in variables is left as it is written, numbers too; a text that is no JSON stays one.
pub fn activated_job(message: &[u8]) -> Result<String, Error> {
    let printed = Rpc::find("StreamActivatedJobs")?.response_to_json(message)?;
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(&printed)
        .map_err(|error| Error::internal(format!("a job's own JSON: {error}")))?;
    let mut texts: Vec<_> = OBJECTS
        .iter()
        .filter_map(|name| members.get(*name))
        .collect();
    texts.sort_by_key(|text| text.get().as_ptr()); // a set of descriptors may have them in another order
    let objects = texts
        .into_iter()
        .filter_map(|text| Some((text.get(), object(text.get())?)));
    Ok(replaced(&printed, objects))
}

fn object(quoted: &str) -> Option<String> {
    let text: String = serde_json::from_str(quoted).ok()?;
    if text.trim().is_empty() {
        return Some("{}".to_owned());
    }
    serde_json::from_str::<&RawValue>(&text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use prost_reflect::prost::Message;
    use prost_reflect::{DynamicMessage, Value};
    use serde_json::json;

    use super::*;

    fn job(variables: &str, headers: &str) -> Vec<u8> {
        let mut job = DynamicMessage::new(Rpc::find("StreamActivatedJobs").unwrap().output());
        job.set_field_by_name("key", Value::I64(i64::MAX));
        job.set_field_by_name("type", Value::String("pay \"now\"".to_owned()));
        job.set_field_by_name("variables", Value::String(variables.to_owned()));
        job.set_field_by_name("customHeaders", Value::String(headers.to_owned()));
        job.encode_to_vec()
    }

    #[test]
    fn variables_and_headers_are_objects() {
        let json = activated_job(&job(
            r#"{"a": {"b": [1, null]}, "variables": "{}"}"#,
            r#"{"h": "x\"y"}"#,
        ));
        let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
        assert_eq!(json["key"], i64::MAX.to_string());
        assert_eq!(json["type"], "pay \"now\"");
        assert_eq!(
            json["variables"],
            json!({"a": {"b": [1, null]}, "variables": "{}"})
        );
        assert_eq!(json["customHeaders"], json!({"h": "x\"y"}));
    }

    #[test]
    fn what_is_in_them_is_left_as_it_is_written() {
        for variables in [
            r#"{"big":12345678901234567890123,"small":1e-400,"text":"\u00e9\n"}"#.to_owned(),
            "{}".to_owned(),
            format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)),
        ] {
            let json = activated_job(&job(&variables, "{}")).unwrap();
            assert!(
                json.contains(&format!("\"variables\":{variables},")),
                "{json}"
            );
        }
    }

    #[test]
    fn no_text_is_no_variables_and_what_is_no_json_stays_a_text() {
        for (text, expected) in [
            ("", json!({})),
            (" ", json!({})),
            ("{", json!("{")),
            ("{} {}", json!("{} {}")),
            ("not json", json!("not json")),
        ] {
            let json = activated_job(&job(text, text)).unwrap();
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json["variables"], expected);
            assert_eq!(json["customHeaders"], expected);
        }
    }

    #[test]
    fn bytes_that_are_no_job_are_refused() {
        let error = activated_job(&[0xff]).unwrap_err();
        assert!(
            error.message().contains("ActivatedJob"),
            "{}",
            error.message()
        );
    }
}
