//! Versions of processes, decisions and forms, and their deletion.

use super::*;
use crate::protocol::deployment::Metadata;
use crate::protocol::{DeleteResourceRequest, DeployProcessRequest, ProcessRequestObject};

const DECISIONS: &str = r#"<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="graph" name="Graph">
    <decision id="first" name="First"/><decision id="second" name="Second"/></definitions>"#;

fn deployed_as(state: &mut State, name: &str, content: &str) -> Vec<Metadata> {
    let deployed = deploy_as(state, name, content).expect("a deployment");
    let deployed = deployed.deployments.into_iter();
    deployed.filter_map(|one| one.metadata).collect()
}

fn delete(state: &mut State, resource_key: i64) -> Result<(), Rejection> {
    state.delete_resource(&DeleteResourceRequest {
        resource_key,
        ..Default::default()
    })
}

#[test]
fn decisions_come_with_their_requirements() {
    let mut state = State::new(1, 1);
    let first = deployed_as(&mut state, "d.dmn", DECISIONS);
    let [
        Metadata::Decision(one),
        Metadata::Decision(two),
        Metadata::DecisionRequirements(graph),
    ] = first.as_slice()
    else {
        panic!("{first:?}");
    };
    assert_eq!(
        (one.dmn_decision_id.as_str(), one.dmn_decision_name.as_str()),
        ("first", "First")
    );
    assert_eq!((one.version, two.version, graph.version), (1, 1, 1));
    assert_eq!(
        two.decision_requirements_key,
        graph.decision_requirements_key
    );
    assert_eq!(graph.resource_name, "d.dmn");
    assert_eq!(deployed_as(&mut state, "d.dmn", DECISIONS), first);

    delete(&mut state, graph.decision_requirements_key).expect("a deletion");
    let dump = state.dump();
    assert_eq!(
        (&dump["decisions"], &dump["decision_requirements"]),
        (&"[]".parse().expect("JSON"), &"[]".parse().expect("JSON"))
    );
}

#[test]
fn a_form_has_versions_by_its_id() {
    let mut state = State::new(1, 1);
    for (content, version) in [
        (r#"{"id":"f"}"#, 1),
        (r#"{"id":"f"}"#, 1),
        (r#"{"id":"f","a":1}"#, 2),
        (r#"{"id":"g"}"#, 1),
    ] {
        let deployed = deployed_as(&mut state, "f.form", content);
        let [Metadata::Form(form)] = deployed.as_slice() else {
            panic!("{deployed:?}");
        };
        assert_eq!(form.version, version, "{content}");
    }
}

#[test]
fn resources_that_cannot_be_read_are_refused() {
    let mut state = State::new(1, 1);
    for (name, content) in [
        ("f.form", "{}"),
        ("f.form", "{"),
        ("d.dmn", "<definitions/>"),
        ("d.dmn", "<a"),
        ("x.txt", "text"),
    ] {
        let refusal = deploy_as(&mut state, name, content);
        assert!(
            matches!(refusal, Err(Rejection::InvalidArgument(_))),
            "{content}"
        );
    }
}

#[test]
fn after_a_deletion_the_version_before_is_the_latest_and_no_number_comes_twice() {
    let mut state = State::new(1, 1);
    let key = |deployed: &DeployResourceResponse| match &deployed.deployments[0].metadata {
        Some(Metadata::Process(process)) => (process.process_definition_key, process.version),
        other => panic!("{other:?}"),
    };
    deploy(&mut state, &process("p")).expect("a deployment");
    let changed = format!("{} ", process("p"));
    let (second, _) = key(&deploy(&mut state, &changed).expect("a deployment"));
    create(&mut state, "{}");
    delete(&mut state, second).expect("a deletion");
    assert!(matches!(
        delete(&mut state, second),
        Err(Rejection::NotFound(_))
    ));
    let running = activate(&mut state, "pay").remove(0);
    assert_eq!(running.process_definition_version, 2);
    create(&mut state, "{}");
    assert_eq!(
        activate(&mut state, "pay")
            .remove(0)
            .process_definition_version,
        1
    );
    assert_eq!(
        key(&deploy(&mut state, &changed).expect("a deployment")).1,
        3
    );
}

#[test]
fn processes_may_be_deployed_the_old_way() {
    let mut state = State::new(1, 1);
    let request = DeployProcessRequest {
        processes: vec![ProcessRequestObject {
            name: "p.bpmn".to_owned(),
            definition: process("p").into_bytes(),
        }],
    };
    let deployed = state.deploy_processes(&request).expect("a deployment");
    let process = &deployed.processes[0];
    assert_eq!(
        (process.bpmn_process_id.as_str(), process.version),
        ("p", 1)
    );
    assert_eq!(process.tenant_id, "<default>");
}

#[test]
fn each_tenant_has_its_own_processes() {
    let mut state = State::new(1, 1);
    let resource = Resource {
        name: "p.bpmn".to_owned(),
        content: process("p").into_bytes(),
    };
    let request = DeployResourceRequest {
        resources: vec![resource],
        tenant_id: "t".to_owned(),
    };
    assert_eq!(state.deploy(&request).expect("a deployment").tenant_id, "t");
    let creation = |tenant_id: &str| CreateProcessInstanceRequest {
        bpmn_process_id: "p".to_owned(),
        version: -1,
        tenant_id: tenant_id.to_owned(),
        ..Default::default()
    };
    let refusal = state.create_instance(&creation(""));
    assert!(matches!(refusal, Err(Rejection::NotFound(_))));
    let created = state.create_instance(&creation("t")).expect("an instance");
    assert_eq!(created.tenant_id, "t");
    assert!(activate(&mut state, "pay").is_empty());
    let request = ActivateJobsRequest {
        tenant_ids: vec!["t".to_owned()],
        ..ask("pay", 1)
    };
    let responses = state.activate_jobs(&request).expect("jobs");
    assert_eq!(responses[0].jobs[0].tenant_id, "t");
}
