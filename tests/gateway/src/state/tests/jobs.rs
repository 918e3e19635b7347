//! The life of a job.

use super::*;

#[test]
fn a_job_carries_what_its_worker_needs() {
    let mut state = deployed(1);
    let instance = create(state.at(0), r#"{"order":"o1","big":9007199254740993}"#);
    let job = activate(state.at(50), "pay").remove(0);
    assert_eq!(job.process_instance_key, instance);
    assert_eq!(
        (job.element_id.as_str(), job.bpmn_process_id.as_str()),
        ("pay-task", "p")
    );
    assert_eq!(
        (job.retries, job.deadline, job.worker.as_str()),
        (3, 1050, "w")
    );
    assert_eq!(job.custom_headers, r#"{"h":"v"}"#);
    assert_eq!(job.tenant_id, "<default>");
    assert!(job.variables.contains("9007199254740993"));
    assert!(job.key > i64::from(u32::MAX));
}

#[test]
fn a_job_goes_to_one_worker_at_a_time_and_returns_when_its_time_is_up() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let key = activate(state.at(0), "pay").remove(0).key;
    assert_eq!(state.next_due(), Some(1000));
    assert!(activate(state.at(999), "pay").is_empty());
    assert_eq!(activate(state.at(1000), "pay").remove(0).key, key);
    assert_eq!(state.next_due(), Some(2000));
}

#[test]
fn completion_merges_variables_and_moves_on() {
    let mut state = deployed(1);
    create(state.at(0), r#"{"order":"o1"}"#);
    let key = activate(state.at(0), "pay").remove(0).key;
    complete(&mut state, key, r#"{"order":"o2","paid":true}"#).expect("a completion");
    assert!(matches!(
        complete(&mut state, key, ""),
        Err(Rejection::NotFound(_))
    ));
    state.publish(&message("o2", "", 0)).expect("a message");
    let job = activate(&mut state, "ship").remove(0);
    // The order of keys is no part of JSON, and not the same in every build of serde_json.
    let variables: serde_json::Value = serde_json::from_str(&job.variables).expect("JSON");
    assert_eq!(
        variables,
        serde_json::json!({"amount": 5, "order": "o2", "paid": true})
    );
    complete(&mut state, job.key, "").expect("a completion");
    assert_nothing_is_left(&mut state);
}

#[test]
fn a_job_whose_time_is_up_may_be_completed_but_not_failed() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let key = activate(state.at(0), "pay").remove(0).key;
    let refusal = fail(state.at(2000), key, 1, 0);
    assert!(matches!(refusal, Err(Rejection::FailedPrecondition(_))));
    complete(&mut state, key, "").expect("a completion");
}

#[test]
fn a_failed_job_returns_after_its_back_off() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let key = activate(state.at(0), "pay").remove(0).key;
    fail(state.at(100), key, 2, 500).expect("a failure");
    assert!(matches!(
        complete(&mut state, key, ""),
        Err(Rejection::FailedPrecondition(_))
    ));
    assert!(activate(state.at(599), "pay").is_empty());
    let job = activate(state.at(600), "pay").remove(0);
    assert_eq!((job.key, job.retries), (key, 2));
    assert_eq!(job.variables, r#"{"reason":"rain"}"#);
}

#[test]
fn a_failed_job_without_back_off_returns_at_once() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let key = activate(state.at(0), "pay").remove(0).key;
    fail(&mut state, key, 1, 0).expect("a failure");
    assert_eq!(activate(state.at(0), "pay").remove(0).key, key);
}

#[test]
fn without_retries_a_failure_is_an_incident() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let key = activate(state.at(0), "pay").remove(0).key;
    fail(&mut state, key, 0, 500).expect("a failure");
    let incident = state.incidents.values().next().expect("an incident");
    assert_eq!(
        (incident.job_key, incident.error_type),
        (Some(key), "JOB_NO_RETRIES")
    );
    assert_eq!(incident.message, "broken");
    assert!(activate(state.at(5000), "pay").is_empty());
    assert!(matches!(
        complete(&mut state, key, ""),
        Err(Rejection::FailedPrecondition(_))
    ));
}

#[test]
fn a_thrown_error_is_an_incident() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let key = activate(state.at(0), "pay").remove(0).key;
    throw(&mut state, key).expect("an error");
    let incident = state.incidents.values().next().expect("an incident");
    assert_eq!(incident.error_type, "UNHANDLED_ERROR_EVENT");
    assert!(matches!(
        throw(&mut state, key),
        Err(Rejection::FailedPrecondition(_))
    ));
    assert!(matches!(throw(&mut state, 1), Err(Rejection::NotFound(_))));
    assert!(matches!(
        fail(&mut state, 1, 1, 0),
        Err(Rejection::NotFound(_))
    ));
}

#[test]
fn only_the_variables_asked_for_are_fetched() {
    let mut state = deployed(1);
    create(state.at(0), r#"{"a":1,"b":2}"#);
    let request = ActivateJobsRequest {
        fetch_variable: vec!["b".to_owned(), "none".to_owned()],
        ..ask("pay", 1)
    };
    let responses = state.activate_jobs(&request).expect("a valid request");
    assert_eq!(responses[0].jobs[0].variables, r#"{"b":2}"#);
}

#[test]
fn each_partition_with_jobs_has_its_response_and_the_maximum_counts_for_all() {
    let mut state = deployed(3);
    for _ in 0..4 {
        create(state.at(0), "{}");
    }
    let sizes = |responses: Vec<crate::protocol::ActivateJobsResponse>| -> Vec<usize> {
        responses
            .iter()
            .map(|response| response.jobs.len())
            .collect()
    };
    assert_eq!(
        sizes(state.activate_jobs(&ask("pay", 3)).expect("jobs")),
        [2, 1]
    );
    assert_eq!(
        sizes(state.activate_jobs(&ask("pay", 3)).expect("jobs")),
        [1]
    );
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut state = deployed(1);
    for request in [
        ActivateJobsRequest {
            r#type: " ".to_owned(),
            ..ask("pay", 1)
        },
        ActivateJobsRequest {
            worker: String::new(),
            ..ask("pay", 1)
        },
        ActivateJobsRequest {
            timeout: 0,
            ..ask("pay", 1)
        },
        ask("pay", 0),
    ] {
        let refusal = state.activate_jobs(&request);
        assert!(
            matches!(refusal, Err(Rejection::InvalidArgument(_))),
            "{request:?}"
        );
    }
}

#[test]
fn tenants_do_not_see_each_other() {
    let mut state = deployed(1);
    create(state.at(0), "{}");
    let other = ActivateJobsRequest {
        tenant_ids: vec!["t".to_owned()],
        ..ask("pay", 1)
    };
    assert!(
        state
            .activate_jobs(&other)
            .expect("a valid request")
            .is_empty()
    );
    let default = ActivateJobsRequest {
        tenant_ids: vec!["<default>".to_owned()],
        ..ask("pay", 1)
    };
    assert_eq!(
        state
            .activate_jobs(&default)
            .expect("a valid request")
            .len(),
        1
    );
}
