//! What operators do: cancel, resolve, set variables, update jobs, await results.

use super::*;
use crate::protocol::{
    CancelProcessInstanceRequest, ResolveIncidentRequest, SetVariablesRequest,
    UpdateJobRetriesRequest, UpdateJobTimeoutRequest,
};

pub(super) fn cancel(state: &mut State, process_instance_key: i64) -> Result<(), Rejection> {
    state.cancel_instance(&CancelProcessInstanceRequest {
        process_instance_key,
        ..Default::default()
    })
}

pub(super) fn resolve(state: &mut State, incident_key: i64) -> Result<(), Rejection> {
    state.resolve_incident(&ResolveIncidentRequest {
        incident_key,
        ..Default::default()
    })
}

pub(super) fn set(
    state: &mut State,
    element_instance_key: i64,
    variables: &str,
    local: bool,
) -> Result<(), Rejection> {
    let request = SetVariablesRequest {
        element_instance_key,
        variables: variables.to_owned(),
        local,
        ..Default::default()
    };
    state.set_variables(&request).map(drop)
}

fn update_retries(state: &mut State, job_key: i64, retries: i32) -> Result<(), Rejection> {
    state.update_retries(&UpdateJobRetriesRequest {
        job_key,
        retries,
        ..Default::default()
    })
}

#[test]
fn a_cancelled_instance_leaves_nothing() {
    let mut state = deployed(1);
    let free = create(&mut state, "{}");
    cancel(&mut state, free).expect("a cancellation");
    assert!(matches!(
        cancel(&mut state, free),
        Err(Rejection::NotFound(_))
    ));

    let failed = create(&mut state, "{}");
    let key = activate(&mut state, "pay").remove(0).key;
    fail(&mut state, key, 0, 0).expect("a failure");
    cancel(&mut state, failed).expect("a cancellation");
    assert!(matches!(
        complete(&mut state, key, ""),
        Err(Rejection::NotFound(_))
    ));

    let waiting = create(&mut state, r#"{"order":"o"}"#);
    let key = activate(&mut state, "pay").remove(0).key;
    complete(&mut state, key, "").expect("a completion");
    cancel(&mut state, waiting).expect("a cancellation");
    assert_nothing_is_left(&mut state);
}

#[test]
fn a_job_with_new_retries_goes_on_when_its_incident_is_resolved() {
    let mut state = deployed(1);
    create(&mut state, "{}");
    let key = activate(&mut state, "pay").remove(0).key;
    fail(&mut state, key, 0, 0).expect("a failure");
    let incident = *state.incidents.keys().next().expect("an incident");
    assert!(matches!(
        resolve(&mut state, incident),
        Err(Rejection::FailedPrecondition(_))
    ));
    assert!(matches!(
        update_retries(&mut state, key, 0),
        Err(Rejection::InvalidArgument(_))
    ));
    assert!(matches!(
        update_retries(&mut state, 1, 1),
        Err(Rejection::NotFound(_))
    ));
    update_retries(&mut state, key, 2).expect("retries");
    assert!(activate(&mut state, "pay").is_empty());
    resolve(&mut state, incident).expect("a resolution");
    assert!(matches!(
        resolve(&mut state, incident),
        Err(Rejection::NotFound(_))
    ));
    let job = activate(&mut state, "pay").remove(0);
    assert_eq!((job.key, job.retries), (key, 2));
}

#[test]
fn a_thrown_error_is_forgotten_when_its_incident_is_resolved() {
    let mut state = deployed(1);
    create(&mut state, "{}");
    let key = activate(&mut state, "pay").remove(0).key;
    throw(&mut state, key).expect("an error");
    let incident = *state.incidents.keys().next().expect("an incident");
    resolve(&mut state, incident).expect("a resolution");
    assert_eq!(activate(&mut state, "pay").remove(0).key, key);
}

#[test]
fn a_catch_event_goes_on_when_its_incident_is_resolved() {
    let mut state = deployed(1);
    let instance = create(&mut state, "{}");
    let key = activate(&mut state, "pay").remove(0).key;
    complete(&mut state, key, "").expect("a completion");
    let incident = *state.incidents.keys().next().expect("an incident");
    set(&mut state, instance, r#"{"order":"o"}"#, false).expect("variables");
    resolve(&mut state, incident).expect("a resolution");
    state.publish(&message("o", "", 0)).expect("a message");
    assert_eq!(activate(&mut state, "ship").len(), 1);
}

#[test]
fn local_variables_are_seen_by_their_element_only() {
    let mut state = deployed(1);
    let instance = create(&mut state, r#"{"order":"o","a":0}"#);
    let job = activate(&mut state, "pay").remove(0);
    set(&mut state, job.element_instance_key, r#"{"a":1}"#, true).expect("variables");
    // Not local, but it reaches the variable where it is.
    set(
        &mut state,
        job.element_instance_key,
        r#"{"a":2,"b":2}"#,
        false,
    )
    .expect("variables");
    set(&mut state, instance, r#"{"c":3}"#, true).expect("variables");
    let seen = |job: &ActivatedJob| -> serde_json::Value {
        serde_json::from_str(&job.variables).expect("JSON")
    };
    let again = activate(state.at(1000), "pay").remove(0);
    assert_eq!(
        seen(&again),
        serde_json::json!({"a": 2, "b": 2, "c": 3, "order": "o"})
    );
    complete(&mut state, job.key, "").expect("a completion");
    state.publish(&message("o", "", 0)).expect("a message");
    let next = activate(&mut state, "ship").remove(0);
    assert_eq!(seen(&next)["a"], 0);
    for key in [1, job.element_instance_key] {
        let refusal = set(&mut state, key, "{}", false);
        assert!(matches!(refusal, Err(Rejection::NotFound(_))), "{key}");
    }
    let refusal = set(&mut state, instance, "[]", false);
    assert!(matches!(refusal, Err(Rejection::InvalidArgument(_))));
}

#[test]
fn the_time_of_an_activated_job_can_begin_anew() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let update = |state: &mut State, job_key, timeout| {
        state.update_timeout(&UpdateJobTimeoutRequest {
            job_key,
            timeout,
            ..Default::default()
        })
    };
    let key = activate(&mut state, "pay").remove(0).key;
    update(state.at(500), key, 5000).expect("an update");
    assert_eq!(state.next_due(), Some(5500));
    assert!(activate(state.at(5499), "pay").is_empty());
    let refusal = update(state.at(5500), key, 1);
    assert!(matches!(refusal, Err(Rejection::FailedPrecondition(_))));
    assert!(matches!(
        update(&mut state, 1, 1),
        Err(Rejection::NotFound(_))
    ));
}

#[test]
fn a_result_is_there_once_the_instance_has_ended() {
    let mut state = deployed(1);
    let request = CreateProcessInstanceRequest {
        bpmn_process_id: "p".to_owned(),
        version: -1,
        variables: r#"{"order":"o","a":1}"#.to_owned(),
        ..Default::default()
    };
    let [finished, cancelled, forgotten] = [(); 3].map(|()| {
        state
            .create_awaited_instance(&request)
            .expect("an instance")
    });
    let keys = activate(&mut state, "pay").into_iter().map(|job| job.key);
    for key in keys.collect::<Vec<_>>() {
        complete(&mut state, key, "").expect("a completion");
    }
    assert!(state.result(&finished, &[]).is_none());
    state.publish(&message("o", "", 0)).expect("a message");
    let job = activate(&mut state, "ship").remove(0);
    complete(&mut state, job.key, r#"{"b":2}"#).expect("a completion");
    assert_eq!(job.process_instance_key, finished.process_instance_key);
    let fetch = ["a".to_owned(), "b".to_owned()];
    let result = state
        .result(&finished, &fetch)
        .expect("an end")
        .expect("a result");
    assert_eq!(result.variables, r#"{"a":1,"b":2}"#);
    state.forget_result(finished.process_instance_key);

    cancel(&mut state, cancelled.process_instance_key).expect("a cancellation");
    let result = state.result(&cancelled, &[]).expect("an end");
    assert!(matches!(result, Err(Rejection::FailedPrecondition(_))));
    state.forget_result(cancelled.process_instance_key);

    state.forget_result(forgotten.process_instance_key);
    cancel(&mut state, forgotten.process_instance_key).expect("a cancellation");
    assert_nothing_is_left(&mut state);
}
