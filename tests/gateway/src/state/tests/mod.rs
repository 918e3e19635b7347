//! The state under an injected clock.

mod commands;
mod deployments;
mod jobs;
mod messages;
mod paths;
mod processes;
mod starts;
mod streams;

use super::*;
use crate::protocol::{
    ActivateJobsRequest, ActivatedJob, CompleteJobRequest, CreateProcessInstanceRequest,
    DeployResourceRequest, DeployResourceResponse, FailJobRequest, PublishMessageRequest, Resource,
    StreamActivatedJobsRequest, ThrowErrorRequest,
};

/// All that instances leave while they live is gone.
fn assert_nothing_is_left(state: &mut State) {
    let dump = state.dump();
    for name in ["instances", "jobs", "incidents"] {
        assert_eq!(dump[name], serde_json::json!([]), "{name}");
    }
    for (name, count) in dump["waiting"].as_object().expect("an object") {
        assert_eq!(*count, 0, "{name}");
    }
    assert_eq!(dump["started_by_messages"], 0);
    assert!(state.element_instances.is_empty());
    assert!(!state.jobs.any_activatable());
    assert_eq!(state.next_due(), None);
}

/// A task of the type `pay`, a catch event for `paid` by `order`, and a task of the type `ship`.
fn process(id: &str) -> String {
    format!(
        r#"<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL"
            xmlns:z="http://camunda.org/schema/zeebe/1.0">
          <b:message id="m" name="paid"><b:extensionElements>
            <z:subscription correlationKey="=order"/></b:extensionElements></b:message>
          <b:process id="{id}" isExecutable="true">
            <b:startEvent id="start"/>
            <b:serviceTask id="pay-task"><b:extensionElements><z:taskDefinition type="pay"/>
              <z:taskHeaders><z:header key="h" value="v"/></z:taskHeaders>
            </b:extensionElements></b:serviceTask>
            <b:intermediateCatchEvent id="catch"><b:messageEventDefinition messageRef="m"/></b:intermediateCatchEvent>
            <b:serviceTask id="ship-task"><b:extensionElements><z:taskDefinition type="ship"/>
            </b:extensionElements></b:serviceTask>
            <b:endEvent id="end"/>
            <b:sequenceFlow id="f1" sourceRef="start" targetRef="pay-task"/>
            <b:sequenceFlow id="f2" sourceRef="pay-task" targetRef="catch"/>
            <b:sequenceFlow id="f3" sourceRef="catch" targetRef="ship-task"/>
            <b:sequenceFlow id="f4" sourceRef="ship-task" targetRef="end"/>
          </b:process>
        </b:definitions>"#
    )
}

fn deployed(partitions: i32) -> State {
    let mut state = State::new(partitions, 1);
    deploy(&mut state, &process("p")).expect("a deployment");
    state
}

fn deploy(state: &mut State, xml: &str) -> Result<DeployResourceResponse, Rejection> {
    deploy_as(state, "p.bpmn", xml)
}

fn deploy_as(
    state: &mut State,
    name: &str,
    content: &str,
) -> Result<DeployResourceResponse, Rejection> {
    let resource = Resource {
        name: name.to_owned(),
        content: content.into(),
    };
    state.deploy(&DeployResourceRequest {
        resources: vec![resource],
        ..Default::default()
    })
}

fn create(state: &mut State, variables: &str) -> i64 {
    let request = CreateProcessInstanceRequest {
        bpmn_process_id: "p".to_owned(),
        version: -1,
        variables: variables.to_owned(),
        ..Default::default()
    };
    state
        .create_instance(&request)
        .expect("an instance")
        .process_instance_key
}

fn ask(job_type: &str, max: i32) -> ActivateJobsRequest {
    ActivateJobsRequest {
        r#type: job_type.to_owned(),
        worker: "w".to_owned(),
        timeout: 1000,
        max_jobs_to_activate: max,
        ..Default::default()
    }
}

fn activate(state: &mut State, job_type: &str) -> Vec<ActivatedJob> {
    let responses = state
        .activate_jobs(&ask(job_type, 10))
        .expect("a valid request");
    responses
        .into_iter()
        .flat_map(|response| response.jobs)
        .collect()
}

fn complete(state: &mut State, job_key: i64, variables: &str) -> Result<(), Rejection> {
    let variables = variables.to_owned();
    state.complete_job(&CompleteJobRequest {
        job_key,
        variables,
        ..Default::default()
    })
}

fn fail(state: &mut State, job_key: i64, retries: i32, back_off: i64) -> Result<(), Rejection> {
    state.fail_job(&FailJobRequest {
        job_key,
        retries,
        retry_back_off: back_off,
        error_message: "broken".to_owned(),
        variables: r#"{"reason":"rain"}"#.to_owned(),
    })
}

fn throw(state: &mut State, job_key: i64) -> Result<(), Rejection> {
    let error_code = "E".to_owned();
    state.throw_error(&ThrowErrorRequest {
        job_key,
        error_code,
        ..Default::default()
    })
}

fn message(key: &str, id: &str, time_to_live: i64) -> PublishMessageRequest {
    PublishMessageRequest {
        name: "paid".to_owned(),
        correlation_key: key.to_owned(),
        time_to_live,
        message_id: id.to_owned(),
        variables: r#"{"amount":5}"#.to_owned(),
        ..Default::default()
    }
}

fn stream(job_type: &str) -> StreamActivatedJobsRequest {
    StreamActivatedJobsRequest {
        r#type: job_type.to_owned(),
        worker: "s".to_owned(),
        timeout: 1000,
        ..Default::default()
    }
}
