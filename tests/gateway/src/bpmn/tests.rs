//! What is read from BPMN, and what is refused.

use super::elements::correlation_key;
use super::*;

fn definitions(process: &str) -> String {
    format!(
        r#"<?xml version="1.0"?>
        <b:definitions xmlns:b="{BPMN}" xmlns:zeebe="{ZEEBE}">
          <b:message id="m" name="paid"><b:extensionElements>
            <zeebe:subscription correlationKey="=order.id"/></b:extensionElements></b:message>
          <b:message id="keyless" name="keyless"/>
          <b:process id="p" isExecutable="true">{process}</b:process>
        </b:definitions>"#
    )
}

fn flows(ids: &[&str]) -> String {
    let flow = |pair: &[&str]| {
        format!(
            r#"<b:sequenceFlow id="{0}-{1}" sourceRef="{0}" targetRef="{1}"/>"#,
            pair[0], pair[1]
        )
    };
    ids.windows(2).map(flow).collect()
}

fn refusal(process: &str) -> String {
    parse(definitions(process).as_bytes()).expect_err("the process is refused")
}

#[test]
fn a_linear_process_is_read_in_the_order_of_its_flows() {
    let xml = definitions(&format!(
        r#"<b:endEvent id="e"/>
        <b:intermediateCatchEvent id="c"><b:messageEventDefinition messageRef="m"/></b:intermediateCatchEvent>
        <b:serviceTask id="t"><b:extensionElements>
          <zeebe:taskDefinition type="pay" retries="5"/>
          <zeebe:taskHeaders><zeebe:header key="k" value="v"/></zeebe:taskHeaders>
        </b:extensionElements></b:serviceTask>
        <b:startEvent id="s"/>{}"#,
        flows(&["s", "t", "c", "e"])
    ));
    let processes = parse(xml.as_bytes()).expect("a process");
    let kinds: Vec<_> = processes[0]
        .elements
        .iter()
        .map(|element| element.kind.clone())
        .collect();
    let task = TaskDefinition {
        job_type: "pay".to_owned(),
        retries: 5,
        headers: r#"{"k":"v"}"#.to_owned(),
    };
    let subscription = Subscription {
        message_name: "paid".to_owned(),
        correlation_key: CorrelationKey::Variable(vec!["order".to_owned(), "id".to_owned()]),
    };
    assert_eq!(processes[0].id, "p");
    assert_eq!(
        kinds,
        [
            ElementKind::StartEvent,
            ElementKind::ServiceTask(task),
            ElementKind::MessageCatchEvent(subscription),
            ElementKind::EndEvent
        ]
    );
}

#[test]
fn correlation_keys_are_literals_or_variables() {
    let literal = |text: &str| Some(CorrelationKey::Literal(text.to_owned()));
    assert_eq!(correlation_key("abc"), literal("abc"));
    assert_eq!(correlation_key("= \"abc\""), literal("abc"));
    assert_eq!(
        correlation_key("=a"),
        Some(CorrelationKey::Variable(vec!["a".to_owned()]))
    );
    assert_eq!(correlation_key("=a + b"), None);
    assert_eq!(correlation_key("="), None);
}

#[test]
fn what_is_no_executable_bpmn_is_refused() {
    let refusal = |text: &[u8]| parse(text).expect_err("it is refused");
    assert!(refusal(&[0xff]).contains("UTF-8"));
    assert!(refusal(b"<a>").contains("not XML"));
    assert!(refusal(b"<a/>").contains("definitions"));
    let idle = definitions("").replace("isExecutable=\"true\"", "");
    assert!(refusal(idle.as_bytes()).contains("no executable process"));
}

#[test]
fn what_is_not_linear_is_refused() {
    let cases = [
        (String::new(), "no start event"),
        ("<b:startEvent id='s'/>".to_owned(), "no outgoing flow"),
        (
            "<b:startEvent id='s'/><b:startEvent id='r'/>".to_owned(),
            "two start events",
        ),
        (
            format!("<b:startEvent id='s'/>{}", flows(&["s", "e"])),
            "e, which is missing",
        ),
        (
            format!(
                "<b:startEvent id='s'/><b:endEvent id='e'/><b:endEvent id='f'/>{}",
                flows(&["s", "e"])
            ),
            "f is not on the way",
        ),
        (
            format!(
                "<b:startEvent id='s'/><b:endEvent id='e'/><b:endEvent id='f'/>{}{}",
                flows(&["s", "e"]),
                flows(&["s", "f"])
            ),
            "two outgoing flows",
        ),
    ];
    for (process, expected) in cases {
        let reason = refusal(&process);
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn what_would_behave_otherwise_is_refused() {
    let task = |extensions: &str| {
        format!(
            "<b:serviceTask id='t'><b:extensionElements>{extensions}</b:extensionElements></b:serviceTask>"
        )
    };
    let catch = |definition: &str| {
        format!("<b:intermediateCatchEvent id='c'>{definition}</b:intermediateCatchEvent>")
    };
    let cases = [
        (
            "<b:exclusiveGateway id='g'/>".to_owned(),
            "exclusiveGateway in a process",
        ),
        (
            "<b:boundaryEvent id='g'/>".to_owned(),
            "boundaryEvent in a process",
        ),
        (
            "<b:startEvent id='s'><b:timerEventDefinition/></b:startEvent>".to_owned(),
            "timerEventDefinition in startEvent",
        ),
        (
            "<b:sequenceFlow sourceRef='a' targetRef='b'><b:conditionExpression/></b:sequenceFlow>"
                .to_owned(),
            "conditionExpression in sequenceFlow",
        ),
        (task(""), "no zeebe:taskDefinition"),
        (
            task("<zeebe:taskDefinition type=' '/>"),
            "blank or an expression",
        ),
        (
            task("<zeebe:taskDefinition type='x' retries='0'/>"),
            "not a positive number",
        ),
        (
            task("<zeebe:ioMapping/><zeebe:taskDefinition type='x'/>"),
            "ioMapping in serviceTask",
        ),
        (catch(""), "waits for no message"),
        (
            catch("<b:messageEventDefinition messageRef='none'/>"),
            "none, which is missing",
        ),
        (
            catch("<b:messageEventDefinition messageRef='keyless'/>"),
            "correlationKey",
        ),
    ];
    for (process, expected) in cases {
        let reason = refusal(&process);
        assert!(reason.contains(expected), "{reason}");
    }
}
