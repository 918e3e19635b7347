//! Correlation of messages.

use super::*;

/// An instance that waits for the message `paid`.
fn wait_for(state: &mut State, order: &str) {
    create(state, &format!(r#"{{"order":{order}}}"#));
    let key = activate(state, "pay").remove(0).key;
    complete(state, key, "").expect("a completion");
}

#[test]
fn a_message_reaches_one_waiting_instance_of_its_key() {
    let mut state = deployed(1);
    wait_for(&mut state, r#""o1""#);
    wait_for(&mut state, r#""o1""#);
    wait_for(&mut state, "7");
    state.publish(&message("o2", "", 0)).expect("a message");
    assert!(activate(&mut state, "ship").is_empty());
    state.publish(&message("o1", "", 0)).expect("a message");
    assert_eq!(activate(&mut state, "ship").len(), 1);
    state.publish(&message("7", "", 0)).expect("a message");
    assert_eq!(activate(&mut state, "ship").len(), 1);
}

#[test]
fn a_message_waits_for_an_instance_as_long_as_it_lives() {
    let mut state = deployed(1);
    state
        .at(0)
        .publish(&message("o1", "", 100))
        .expect("a message");
    wait_for(state.at(99), r#""o1""#);
    assert_eq!(activate(&mut state, "ship").len(), 1);
    // One process has a message once.
    wait_for(&mut state, r#""o1""#);
    assert!(activate(&mut state, "ship").is_empty());

    state.publish(&message("o2", "", 100)).expect("a message");
    wait_for(state.at(199), r#""o2""#);
    assert!(activate(&mut state, "ship").is_empty());
    state.publish(&message("o3", "", 0)).expect("a message");
    wait_for(&mut state, r#""o3""#);
    assert!(activate(&mut state, "ship").is_empty());
}

#[test]
fn a_live_message_of_the_same_name_key_and_id_is_a_duplicate() {
    let mut state = deployed(1);
    state
        .at(0)
        .publish(&message("o1", "id", 100))
        .expect("a message");
    let refusal = state.publish(&message("o1", "id", 100));
    assert!(matches!(refusal, Err(Rejection::AlreadyExists(_))));
    state
        .publish(&message("o2", "id", 100))
        .expect("another key");
    state.publish(&message("o1", "", 100)).expect("no id");
    state.publish(&message("o1", "", 100)).expect("no id");
    state
        .at(100)
        .publish(&message("o1", "id", 100))
        .expect("the first is gone");
}

#[test]
fn without_a_correlation_key_the_instance_has_an_incident() {
    let mut state = deployed(1);
    wait_for(&mut state, "null");
    let incident = state.incidents.values().next().expect("an incident");
    assert_eq!(incident.error_type, "EXTRACT_VALUE_ERROR");
    assert_eq!(incident.element_id, "catch");
}

#[test]
fn a_message_needs_a_name_and_an_object_of_variables() {
    let mut state = deployed(1);
    for request in [
        PublishMessageRequest {
            name: String::new(),
            ..message("o", "", 0)
        },
        PublishMessageRequest {
            variables: "[]".to_owned(),
            ..message("o", "", 0)
        },
    ] {
        assert!(matches!(
            state.publish(&request),
            Err(Rejection::InvalidArgument(_))
        ));
    }
}

#[test]
fn expired_messages_are_forgotten() {
    let mut state = deployed(1);
    for number in 0..3 {
        let key = format!("o{number}");
        state
            .at(0)
            .publish(&message(&key, "", 100))
            .expect("a message");
    }
    state
        .at(50)
        .publish(&message("o1", "", 100))
        .expect("a message");
    assert_eq!(state.dump()["live_messages"], 4);
    assert_eq!(state.at(100).dump()["live_messages"], 1);
    assert_eq!(state.at(150).dump()["live_messages"], 0);
}
