//! What is read from BPMN, and what is refused.

use super::xml::ZEEBE;
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
        correlation_key: Expression::Variable(vec!["order".to_owned(), "id".to_owned()]),
    };
    assert_eq!(processes[0].id, "p");
    assert_eq!(
        kinds,
        [
            ElementKind::StartEvent(None),
            ElementKind::ServiceTask(task),
            ElementKind::MessageCatchEvent(subscription),
            ElementKind::EndEvent
        ]
    );
}

#[test]
fn correlation_keys_are_literals_or_variables() {
    let literal = |text: &str| Some(Expression::Literal(text.into()));
    assert_eq!(Expression::parse("abc"), literal("abc"));
    assert_eq!(Expression::parse("= \"abc\""), literal("abc"));
    assert_eq!(
        Expression::parse("=a"),
        Some(Expression::Variable(vec!["a".to_owned()]))
    );
    assert_eq!(Expression::parse("=a + b"), None);
    assert_eq!(Expression::parse("="), None);
}

const GATEWAY: &str = r#"<b:startEvent id="s"/><b:exclusiveGateway id="g" default="d"/>
    <b:endEvent id="e"/><b:endEvent id="f"/>
    <b:sequenceFlow sourceRef="s" targetRef="g"/>
    <b:sequenceFlow id="d" sourceRef="g" targetRef="e"/>
    <b:sequenceFlow id="c" sourceRef="g" targetRef="f">
      <b:conditionExpression>= amount &gt; 1</b:conditionExpression></b:sequenceFlow>"#;

#[test]
fn the_default_flow_of_a_gateway_is_tried_last() {
    let processes = parse(definitions(GATEWAY).as_bytes()).expect("a process");
    let elements = &processes[0].elements;
    let tried: Vec<_> = elements[1]
        .outgoing
        .iter()
        .map(|flow| (elements[flow.target].id.as_str(), flow.condition.is_some()))
        .collect();
    assert_eq!(tried, [("f", true), ("e", false)]);
}

#[test]
fn flows_that_would_behave_otherwise_are_refused() {
    let loops = "<b:sequenceFlow sourceRef='g' targetRef='t'>\
        <b:conditionExpression>=again</b:conditionExpression></b:sequenceFlow>";
    let task = "<b:serviceTask id='t'><b:extensionElements>\
        <zeebe:taskDefinition type='x'/></b:extensionElements></b:serviceTask>";
    let looping = format!("{task}{}{loops}", flows(&["t", "g"]));
    let cases = [
        (GATEWAY.replace("default=", "other="), "need a condition"),
        (
            GATEWAY.replace("default=\"d\"", "default=\"c\""),
            "need a condition",
        ),
        (GATEWAY.replace("amount &gt; 1", "a or b"), "no comparison"),
        (
            GATEWAY.replace("exclusiveGateway", "parallelGateway"),
            "parallelGateway in a process",
        ),
        (format!("{GATEWAY}{looping}"), "loops do not run"),
        (
            format!(
                "{GATEWAY}<b:boundaryEvent id='b' attachedToRef='e'><b:errorEventDefinition/></b:boundaryEvent>{}",
                flows(&["b", "e"])
            ),
            "attached to no service task",
        ),
    ];
    for (process, expected) in cases {
        let reason = refusal(&process);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
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
            format!(
                "{0}{0}",
                "<b:startEvent id='s'><b:messageEventDefinition messageRef='keyless'/></b:startEvent>"
            )
            .replacen("id='s'", "id='r'", 1),
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
        ("<b:userTask id='g'/>".to_owned(), "userTask in a process"),
        (
            "<b:boundaryEvent id='g'><b:timerEventDefinition/></b:boundaryEvent>".to_owned(),
            "timerEventDefinition in boundaryEvent",
        ),
        (
            "<b:startEvent id='s'><b:timerEventDefinition/></b:startEvent>".to_owned(),
            "timerEventDefinition in startEvent",
        ),
        (
            "<b:sequenceFlow sourceRef='a' targetRef='b'><b:conditionExpression/></b:sequenceFlow>"
                .to_owned(),
            "no comparison",
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
        (catch(""), "waits for nothing"),
        (
            catch(
                "<b:timerEventDefinition><b:timeDate>2030-01-01</b:timeDate></b:timerEventDefinition>",
            ),
            "timeDate in timerEventDefinition",
        ),
        (
            catch(
                "<b:timerEventDefinition><b:timeDuration>P1Y</b:timeDuration></b:timerEventDefinition>",
            ),
            "no ISO 8601 duration",
        ),
        (
            catch("<b:signalEventDefinition signalRef='m'/>"),
            "signal m, which is missing",
        ),
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
