//! Where tokens go: gateways, timers, signals, errors that are caught.

use super::*;
use crate::protocol::BroadcastSignalRequest;

/// A start event, these elements, and two tasks with an end: `yes`, whose job has this type, and `no`.
fn deployed_with(elements: &str) -> State {
    let task = |id: &str| {
        format!(
            r#"<b:serviceTask id="{id}"><b:extensionElements><z:taskDefinition type="{id}"/>
            </b:extensionElements></b:serviceTask><b:sequenceFlow sourceRef="{id}" targetRef="end"/>"#
        )
    };
    let xml = format!(
        r#"<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL"
            xmlns:z="http://camunda.org/schema/zeebe/1.0">
          <b:signal id="sig" name="go"/><b:error id="err" errorCode="E"/>
          <b:process id="p" isExecutable="true"><b:startEvent id="start"/><b:endEvent id="end"/>
            {}{}{elements}</b:process></b:definitions>"#,
        task("yes"),
        task("no")
    );
    let mut state = State::new(1, 1);
    deploy(&mut state, &xml).expect("a deployment");
    state
}

fn catching(definition: &str) -> String {
    format!(
        r#"<b:intermediateCatchEvent id="c">{definition}</b:intermediateCatchEvent>
        <b:sequenceFlow sourceRef="start" targetRef="c"/><b:sequenceFlow sourceRef="c" targetRef="yes"/>
        <b:boundaryEvent id="b" attachedToRef="yes"><b:errorEventDefinition/></b:boundaryEvent>
        <b:sequenceFlow sourceRef="b" targetRef="no"/>"#
    )
}

fn choosing(default: &str) -> String {
    format!(
        r#"<b:exclusiveGateway id="g" {default}/><b:sequenceFlow sourceRef="start" targetRef="g"/>
        <b:sequenceFlow id="n" sourceRef="g" targetRef="no">{}</b:sequenceFlow>
        <b:sequenceFlow id="y" sourceRef="g" targetRef="yes">
          <b:conditionExpression>= amount &gt; 100</b:conditionExpression></b:sequenceFlow>"#,
        if default.is_empty() {
            "<b:conditionExpression>= amount = 1</b:conditionExpression>"
        } else {
            ""
        }
    )
}

#[test]
fn a_gateway_takes_the_flow_whose_condition_holds_or_the_default() {
    let mut state = deployed_with(&choosing(r#"default="n""#));
    create(&mut state, r#"{"amount":101}"#);
    create(&mut state, r#"{"amount":100}"#);
    for task in ["yes", "no"] {
        let jobs = activate(&mut state, task);
        assert_eq!(jobs.len(), 1, "{task}");
        complete(&mut state, jobs[0].key, "").expect("a completion");
    }
    assert_nothing_is_left(&mut state);
}

#[test]
fn a_gateway_without_a_way_is_an_incident_that_better_variables_resolve() {
    let mut state = deployed_with(&choosing(""));
    for (amount, error_type, better) in [
        ("50", "CONDITION_ERROR", "1"),
        (r#""much""#, "EXTRACT_VALUE_ERROR", "1"),
    ] {
        let instance = create(&mut state, &format!(r#"{{"amount":{amount}}}"#));
        let (key, incident) = state.incidents.first_key_value().expect("an incident");
        assert_eq!(
            (incident.error_type, incident.element_id.as_str()),
            (error_type, "g")
        );
        let key = *key;
        commands::resolve(&mut state, key).expect("a resolution");
        // Nothing was mended, so that there is another one.
        let key = *state.incidents.keys().next().expect("an incident");
        commands::set(
            &mut state,
            instance,
            &format!(r#"{{"amount":{better}}}"#),
            false,
        )
        .expect("variables");
        commands::resolve(&mut state, key).expect("a resolution");
        assert!(state.incidents.is_empty());
        let job = activate(&mut state, "no").remove(0);
        complete(&mut state, job.key, "").expect("a completion");
    }
    assert_nothing_is_left(&mut state);
}

#[test]
fn a_timer_fires_when_its_time_has_come() {
    let timer =
        "<b:timerEventDefinition><b:timeDuration>PT1.5S</b:timeDuration></b:timerEventDefinition>";
    let mut state = deployed_with(&catching(timer));
    create(state.at(1000), "{}");
    assert_eq!(state.next_due(), Some(2500));
    assert!(activate(state.at(2499), "yes").is_empty());
    assert_eq!(activate(state.at(2500), "yes").len(), 1);
}

#[test]
fn a_signal_reaches_all_that_wait_now() {
    let mut state = deployed_with(&catching(r#"<b:signalEventDefinition signalRef="sig"/>"#));
    let request = |tenant_id: &str| BroadcastSignalRequest {
        signal_name: "go".to_owned(),
        variables: r#"{"from":"signal"}"#.to_owned(),
        tenant_id: tenant_id.to_owned(),
    };
    state.broadcast(&request("")).expect("a signal");
    create(&mut state, "{}");
    create(&mut state, "{}");
    state.broadcast(&request("other")).expect("a signal");
    assert!(activate(&mut state, "yes").is_empty());
    let answer = state.broadcast(&request("")).expect("a signal");
    assert_eq!(answer.tenant_id, "<default>");
    let jobs = activate(&mut state, "yes");
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[0].variables, r#"{"from":"signal"}"#);
    let blank = BroadcastSignalRequest::default();
    assert!(matches!(
        state.broadcast(&blank),
        Err(Rejection::InvalidArgument(_))
    ));
}

#[test]
fn an_error_goes_to_the_event_for_its_code_and_else_to_one_for_all() {
    let elements = r#"
        <b:sequenceFlow sourceRef="start" targetRef="yes"/>
        <b:boundaryEvent id="all" attachedToRef="yes"><b:errorEventDefinition/></b:boundaryEvent>
        <b:boundaryEvent id="one" attachedToRef="yes"><b:errorEventDefinition errorRef="err"/></b:boundaryEvent>
        <b:endEvent id="other-end"/>
        <b:sequenceFlow sourceRef="all" targetRef="other-end"/><b:sequenceFlow sourceRef="one" targetRef="no"/>"#;
    let mut state = deployed_with(elements);
    create(&mut state, "{}");
    create(&mut state, "{}");
    let jobs = activate(&mut state, "yes");
    let error = |job_key, code: &str| ThrowErrorRequest {
        job_key,
        error_code: code.to_owned(),
        variables: r#"{"why":"no money"}"#.to_owned(),
        ..Default::default()
    };
    state
        .throw_error(&error(jobs[0].key, "E"))
        .expect("an error");
    state
        .throw_error(&error(jobs[1].key, "F"))
        .expect("an error");
    assert!(state.incidents.is_empty());
    assert!(matches!(
        complete(&mut state, jobs[0].key, ""),
        Err(Rejection::NotFound(_))
    ));
    let job = activate(&mut state, "no").remove(0);
    assert_eq!(job.variables, r#"{"why":"no money"}"#);
    complete(&mut state, job.key, "").expect("a completion");
    assert_nothing_is_left(&mut state);
}

#[test]
fn a_cancelled_instance_waits_for_nothing() {
    for definition in [
        "<b:timerEventDefinition><b:timeDuration>PT1S</b:timeDuration></b:timerEventDefinition>",
        r#"<b:signalEventDefinition signalRef="sig"/>"#,
    ] {
        let mut state = deployed_with(&catching(definition));
        let instance = create(&mut state, "{}");
        commands::cancel(&mut state, instance).expect("a cancellation");
        assert_nothing_is_left(&mut state);
    }
}
