use prost_reflect::Value;
use prost_reflect::prost_types::FileDescriptorSet;
use serde_json::json;

use super::*;

fn refusal(rpc: &str, json: &str) -> String {
    let error = Rpc::find(rpc).unwrap().request_from_json(json).unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::InvalidArgument);
    error.message().to_owned()
}

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
fn errors_name_the_place() {
    for (json, place) in [
        (
            r#"{"resources":[{"name":"a"},{"foo":1}]}"#,
            "resources[1].foo: there is no such field",
        ),
        (
            r#"{"resources":[{"name":"a","name":"b"}]}"#,
            "resources[0].name: it is given twice",
        ),
        (
            r#"{"resources":[{"content":"%"}]}"#,
            "resources[0].content: invalid base64",
        ),
        (r#"{"resources":[1]}"#, "resources[0]: invalid type"),
        (r#"{"resources":{}}"#, "resources: invalid type"),
        (r#"{"tenantId":7}"#, "tenantId: invalid type"),
        ("[]", "invalid type"),
        ("{", "EOF"),
        ("{} {}", "trailing characters"),
    ] {
        let message = refusal("DeployResource", json);
        assert!(message.contains(place), "{json}: {message}");
        assert!(message.contains("DeployResourceRequest"), "{message}");
    }
    let message = Rpc::find("Nonsense").unwrap_err();
    assert!(message.message().contains("Nonsense"), "{message}");
}

#[test]
fn numbers_beyond_their_range_are_refused_and_the_limits_are_not() {
    let rpc = Rpc::find("CompleteJob").unwrap();
    for good in [
        "9223372036854775807",
        r#""-9223372036854775808""#,
        "1e3",
        "1e18",
        "9007199254740992.0",
        "null",
    ] {
        rpc.request_from_json(&format!(r#"{{"jobKey":{good}}}"#))
            .unwrap();
    }
    for bad in [
        "9223372036854775808",
        "-9223372036854775809",
        "9223372036854775808.0",
        r#""9223372036854775808""#,
        "1.5",
        "1e-400",
        "1e20",
        "9007199254740993.0",
        "1e999",
        r#""x""#,
        "true",
    ] {
        let message = refusal("CompleteJob", &format!(r#"{{"jobKey":{bad}}}"#));
        assert!(message.contains("jobKey"), "{bad}: {message}");
    }
    for bad in ["2147483648", "-2147483649", "1e10"] {
        let message = refusal("FailJob", &format!(r#"{{"retries":{bad}}}"#));
        assert!(message.contains("retries"), "{bad}: {message}");
    }
    refusal("BroadcastSignal", r#"{"signalName":null} x"#);
    let operation = r#"{"operationReference":18446744073709551616}"#;
    assert!(refusal("CreateProcessInstance", operation).contains("out of range"));
}

#[test]
fn deep_text_is_an_error_and_no_stack_overflow() {
    let deep = |field| format!(r#"{{"{field}":{}"#, "[".repeat(1_000_000));
    assert!(refusal("DeployResource", &deep("resources")).contains("recursion limit"));
    refusal("CompleteJob", &deep("variables"));
    refusal("CompleteJob", &deep("variables").replace('[', r#"{"a":"#));
}

#[test]
fn all_22_rpcs_are_there() {
    let service = protocol::service(SERVICE).unwrap().unwrap();
    assert_eq!(service.methods().count(), 22);
    for method in service.methods() {
        let rpc = Rpc::find(method.name()).unwrap();
        assert_eq!(rpc.request_from_json("{}").unwrap(), b"");
    }
}

#[test]
fn sets_that_are_broken_or_empty_are_refused() {
    for (bytes, reason) in [
        (&b"\xff"[..], "descriptor set"),
        (&FileDescriptorSet::default().encode_to_vec(), "no service"),
    ] {
        let error = register(bytes).unwrap_err();
        assert!(error.message().contains(reason), "{error}");
    }
}

/// The same bytes, whichever way the variables are written.
#[test]
fn variables_are_objects_or_their_text() {
    for (rpc, object, text) in [
        (
            "CompleteJob",
            r#"{"jobKey":1,"variables":{"a":1}}"#,
            r#"{"jobKey":1,"variables":"{\"a\":1}"}"#,
        ),
        (
            "CompleteJob",
            r#"{"variables": {} ,"jobKey":1}"#,
            r#"{"variables":"{}","jobKey":1}"#,
        ),
        (
            "PublishMessage",
            r#"{"variables":{"ä":"\"\\\n","b":[{"c":null}]}}"#,
            r#"{"variables":"{\"ä\":\"\\\"\\\\\\n\",\"b\":[{\"c\":null}]}"}"#,
        ),
        (
            "CreateProcessInstanceWithResult",
            r#"{"request":{"variables":{"x":{"variables":{}}}}}"#,
            r#"{"request":{"variables":"{\"x\":{\"variables\":{}}}"}}"#,
        ),
        (
            "ModifyProcessInstance",
            r#"{"activateInstructions":[{"variableInstructions":[{"variables":{"a":1}},{"variables":{"b":2}}]}]}"#,
            r#"{"activateInstructions":[{"variableInstructions":[{"variables":"{\"a\":1}"},{"variables":"{\"b\":2}"}]}]}"#,
        ),
    ] {
        let rpc = Rpc::find(rpc).unwrap();
        let encoded = |json| {
            rpc.request_from_json(json)
                .unwrap_or_else(|error| panic!("{json}: {error}"))
        };
        assert_eq!(encoded(object), encoded(text), "{object}");
    }
    for (json, place) in [
        (r#"{"variables":[]}"#, "variables: invalid type"),
        (r#"{"variables":1}"#, "variables: invalid type"),
        (
            r#"{"variables":{}, "variables":{}}"#,
            "variables: it is given twice",
        ),
        (r#"{"variables":{]}"#, "variables: "),
        (r#"{"variables":{}"#, "EOF"),
        (r#"{"variables":{},"jobKey":"x"}"#, "jobKey"),
    ] {
        let message = refusal("CompleteJob", json);
        assert!(message.contains(place), "{json}: {message}");
    }
}

fn job(variables: &str, headers: &str) -> Vec<u8> {
    let mut job = DynamicMessage::new(Rpc::find("StreamActivatedJobs").unwrap().output());
    job.set_field_by_name("key", Value::I64(i64::MAX));
    job.set_field_by_name("type", Value::String("pay \"now\"".to_owned()));
    job.set_field_by_name("variables", Value::String(variables.to_owned()));
    job.set_field_by_name("customHeaders", Value::String(headers.to_owned()));
    job.encode_to_vec()
}

fn printed(rpc: &str, message: &[u8]) -> String {
    Rpc::find(rpc).unwrap().response_to_json(message).unwrap()
}

#[test]
fn variables_and_headers_of_an_answer_are_objects() {
    let (variables, headers) = (
        r#"{"a": {"b": [1, null]}, "variables": "{}"}"#,
        r#"{"h": "x\"y"}"#,
    );
    let job = job(variables, headers);
    let json = printed("StreamActivatedJobs", &job);
    let members: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(members["key"], i64::MAX.to_string());
    assert_eq!(members["type"], "pay \"now\"");
    assert_eq!(
        members["variables"],
        json!({"a": {"b": [1, null]}, "variables": "{}"})
    );
    assert_eq!(members["customHeaders"], json!({"h": "x\"y"}));
    // Within others, too.
    let rpc = Rpc::find("ActivateJobs").unwrap();
    let mut jobs = DynamicMessage::new(rpc.output());
    let each = DynamicMessage::decode(Rpc::find("StreamActivatedJobs").unwrap().output(), &*job);
    let each = Value::Message(each.unwrap());
    jobs.set_field_by_name("jobs", Value::List(vec![each.clone(), each]));
    let printed = rpc.response_to_json(&jobs.encode_to_vec()).unwrap();
    assert_eq!(printed, format!("{{\"jobs\":[{json},{json}]}}"));
    let rpc = Rpc::find("CreateProcessInstanceWithResult").unwrap();
    let mut result = DynamicMessage::new(rpc.output());
    result.set_field_by_name("variables", Value::String(variables.to_owned()));
    let printed = rpc.response_to_json(&result.encode_to_vec()).unwrap();
    assert!(
        printed.contains(&format!("\"variables\":{variables}")),
        "{printed}"
    );
}

#[test]
fn what_is_in_variables_is_left_as_it_is_written() {
    for variables in [
        r#"{"big":12345678901234567890123,"small":1e-400,"text":"\u00e9\n"}"#.to_owned(),
        "{}".to_owned(),
        format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        let json = printed("StreamActivatedJobs", &job(&variables, "{}"));
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
        let json = printed("StreamActivatedJobs", &job(text, text));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["variables"], expected);
        assert_eq!(json["customHeaders"], expected);
    }
}

#[test]
fn what_was_meant_is_said() {
    for (method, meant) in [
        ("Topolgy", "; did you mean Topology?"),
        ("topology", "; did you mean Topology?"),
        (
            "/gateway_protocol.Gateway/Topolgy",
            "; did you mean /gateway_protocol.Gateway/Topology?",
        ),
        (
            "/gateway_protocl.Gateway/Topology",
            "; did you mean /gateway_protocol.Gateway/Topology?",
        ),
        ("Nonsense", "descriptor set"),
    ] {
        let message = Rpc::find(method).unwrap_err().message().to_owned();
        assert!(message.ends_with(meant), "{message}");
    }
}
