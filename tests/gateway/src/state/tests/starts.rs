//! Instances that messages and signals start.

use serde_json::json;

use super::*;
use crate::protocol::BroadcastSignalRequest;

/// Starts by the message `paid`, by the signal `go`, and perhaps by nothing, and has a task of the type `work`.
fn process(plain_start: bool) -> String {
    let plain = if plain_start {
        r#"<b:startEvent id="plain"/><b:sequenceFlow sourceRef="plain" targetRef="task"/>"#
    } else {
        ""
    };
    format!(
        r#"<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL"
            xmlns:z="http://camunda.org/schema/zeebe/1.0">
          <b:message id="m" name="paid"/><b:signal id="s" name="go"/>
          <b:process id="p" isExecutable="true">{plain}
            <b:startEvent id="by-message"><b:messageEventDefinition messageRef="m"/></b:startEvent>
            <b:startEvent id="by-signal"><b:signalEventDefinition signalRef="s"/></b:startEvent>
            <b:serviceTask id="task"><b:extensionElements><z:taskDefinition type="work"/></b:extensionElements></b:serviceTask>
            <b:endEvent id="end"/>
            <b:sequenceFlow sourceRef="by-message" targetRef="task"/>
            <b:sequenceFlow sourceRef="by-signal" targetRef="task"/>
            <b:sequenceFlow sourceRef="task" targetRef="end"/>
          </b:process></b:definitions>"#
    )
}

fn deployed(plain_start: bool) -> State {
    let mut state = State::new(1, 1);
    deploy(&mut state, &process(plain_start)).expect("a deployment");
    state
}

fn publish(state: &mut State, key: &str, time_to_live: i64) {
    let message = message(key, "", time_to_live);
    state.publish(&message).expect("a message");
}

#[test]
fn a_message_starts_an_instance_with_its_variables() {
    let mut state = deployed(false);
    publish(&mut state, "", 0);
    publish(&mut state, "", 0);
    let jobs = activate(&mut state, "work");
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        assert_eq!(job.variables, r#"{"amount":5}"#);
        complete(&mut state, job.key, "").expect("a completion");
    }
    assert_nothing_is_left(&mut state);
    state
        .publish(&PublishMessageRequest {
            name: "other".to_owned(),
            ..message("", "", 0)
        })
        .expect("a message");
    assert!(activate(&mut state, "work").is_empty());
}

#[test]
fn of_one_correlation_key_there_is_one_instance_at_a_time() {
    let mut state = deployed(false);
    for (key, time_to_live) in [("o1", 0), ("o2", 0), ("o1", 0), ("o1", 100), ("o1", 50)] {
        publish(state.at(0), key, time_to_live);
    }
    let jobs = activate(&mut state, "work");
    assert_eq!(jobs.len(), 2);
    // The third message had no time to wait, the fourth has its turn, and the fifth has not lived to see its own.
    for job in jobs {
        complete(state.at(10), job.key, "").expect("a completion");
    }
    let next = activate(state.at(10), "work");
    assert_eq!(next.len(), 1);
    complete(state.at(60), next[0].key, "").expect("a completion");
    assert!(activate(state.at(60), "work").is_empty());
    publish(state.at(60), "o1", 0);
    let last = activate(&mut state, "work").remove(0);
    complete(&mut state, last.key, "").expect("a completion");
    assert_nothing_is_left(state.at(100));
}

/// Nobody need ask for anything before: a worker with a stream or a long poll sends nothing while it waits.
#[test]
fn the_next_message_has_its_turn_when_the_instance_before_it_ends() {
    let mut state = deployed(false);
    for _ in 0..2 {
        publish(&mut state, "o1", 1000);
    }
    let number = state.open_stream(&stream("work")).expect("a stream");
    let first = state.next_streamed(number).expect("the first job");
    complete(&mut state, first.key, "").expect("a completion");
    state.settle();
    let second = state.next_streamed(number).expect("the second job");
    assert_ne!(first.process_instance_key, second.process_instance_key);
}

#[test]
fn instances_that_end_at_once_follow_each_other() {
    let mut state = State::new(1, 1);
    let xml = process(false).replace(r#"targetRef="task"/>"#, r#"targetRef="choice"/>"#);
    let choice = r#"<b:exclusiveGateway id="choice" default="d"/>
        <b:sequenceFlow sourceRef="choice" targetRef="task"><b:conditionExpression>= wait</b:conditionExpression></b:sequenceFlow>
        <b:sequenceFlow id="d" sourceRef="choice" targetRef="end"/></b:process>"#;
    deploy(&mut state, &xml.replace("</b:process>", choice)).expect("a deployment");
    let message = |wait: bool| PublishMessageRequest {
        variables: json!({ "wait": wait }).to_string(),
        ..message("o1", "", 1000)
    };
    state.publish(&message(true)).expect("a message");
    for _ in 0..2_000 {
        state.publish(&message(false)).expect("a message");
    }
    let job = activate(&mut state, "work").remove(0);
    complete(&mut state, job.key, "").expect("a completion");
    // One more, which nobody has had only if all before it have started theirs.
    state.at(0).publish(&message(true)).expect("a message");
    let job = activate(&mut state, "work").remove(0);
    complete(&mut state, job.key, "").expect("a completion");
    assert_nothing_is_left(state.at(2000));
}

#[test]
fn a_signal_starts_an_instance_of_the_latest_version() {
    let mut state = deployed(false);
    deploy(&mut state, &process(true)).expect("a second version");
    let broadcast = |state: &mut State, name: &str| {
        state
            .broadcast(&BroadcastSignalRequest {
                signal_name: name.to_owned(),
                variables: r#"{"by":"signal"}"#.to_owned(),
                ..Default::default()
            })
            .expect("a signal");
    };
    broadcast(&mut state, "stop");
    assert!(activate(&mut state, "work").is_empty());
    broadcast(&mut state, "go");
    let jobs = activate(&mut state, "work");
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].process_definition_version, 2);
    assert_eq!(jobs[0].variables, r#"{"by":"signal"}"#);
    complete(&mut state, jobs[0].key, "").expect("a completion");
    assert_nothing_is_left(&mut state);
}

#[test]
fn to_create_an_instance_takes_a_plain_start_event() {
    let request = CreateProcessInstanceRequest {
        bpmn_process_id: "p".to_owned(),
        version: -1,
        ..Default::default()
    };
    let refusal = deployed(false).create_instance(&request);
    assert!(
        matches!(refusal, Err(Rejection::FailedPrecondition(_))),
        "{refusal:?}"
    );
    let mut state = deployed(true);
    create(&mut state, "");
    assert_eq!(activate(&mut state, "work").len(), 1);
}
