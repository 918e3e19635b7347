//! Deployments and the start of instances.

use super::*;

fn version(response: &DeployResourceResponse) -> (i32, i64) {
    match &response.deployments[0].metadata {
        Some(crate::protocol::deployment::Metadata::Process(process)) => {
            (process.version, process.process_definition_key)
        }
        other => panic!("no process: {other:?}"),
    }
}

#[test]
fn the_same_content_keeps_its_version() {
    let mut state = State::new(1, 1);
    let first = version(&deploy(&mut state, &process("p")).expect("a deployment"));
    assert_eq!(first.0, 1);
    assert_eq!(
        version(&deploy(&mut state, &process("p")).expect("a deployment")),
        first
    );
    let changed = format!("{} ", process("p"));
    let second = version(&deploy(&mut state, &changed).expect("a deployment"));
    assert_eq!(second.0, 2);
    assert_ne!(second.1, first.1);
}

#[test]
fn a_deployment_fails_as_a_whole() {
    let mut state = State::new(1, 1);
    assert!(matches!(
        state.deploy(&DeployResourceRequest::default()),
        Err(Rejection::InvalidArgument(_))
    ));
    let resources =
        [("p.bpmn", process("p")), ("q.bpmn", "<".to_owned())].map(|(name, xml)| Resource {
            name: name.to_owned(),
            content: xml.into_bytes(),
        });
    let request = DeployResourceRequest {
        resources: resources.into(),
        ..Default::default()
    };
    assert!(matches!(
        state.deploy(&request),
        Err(Rejection::InvalidArgument(_))
    ));
    assert!(matches!(
        start(&mut state, "p", -1),
        Err(Rejection::NotFound(_))
    ));
}

fn start(state: &mut State, id: &str, version: i32) -> Result<i32, Rejection> {
    let bpmn_process_id = id.to_owned();
    let request = CreateProcessInstanceRequest {
        bpmn_process_id,
        version,
        ..Default::default()
    };
    state
        .create_instance(&request)
        .map(|response| response.version)
}

#[test]
fn an_instance_starts_by_id_and_version_or_by_key() {
    let mut state = deployed(1);
    let changed = format!("{} ", process("p"));
    let (_, key) = version(&deploy(&mut state, &changed).expect("a deployment"));
    assert_eq!(start(&mut state, "p", -1), Ok(2));
    assert_eq!(start(&mut state, "p", 1), Ok(1));
    for (id, version) in [("p", 0), ("p", 3), ("p", -2), ("q", -1)] {
        assert!(matches!(
            start(&mut state, id, version),
            Err(Rejection::NotFound(_))
        ));
    }
    let by_key = |process_definition_key| CreateProcessInstanceRequest {
        process_definition_key,
        ..Default::default()
    };
    assert_eq!(
        state
            .create_instance(&by_key(key))
            .map(|response| response.version),
        Ok(2)
    );
    assert!(matches!(
        state.create_instance(&by_key(1)),
        Err(Rejection::NotFound(_))
    ));
}

#[test]
fn variables_are_a_json_object() {
    let mut state = deployed(1);
    for variables in ["[]", "1", "null", "{", "text"] {
        let request = CreateProcessInstanceRequest {
            bpmn_process_id: "p".to_owned(),
            version: -1,
            variables: variables.to_owned(),
            ..Default::default()
        };
        let refusal = state.create_instance(&request);
        assert!(
            matches!(refusal, Err(Rejection::InvalidArgument(_))),
            "{variables}"
        );
    }
}
