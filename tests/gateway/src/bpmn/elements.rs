//! The single elements of a process: events, tasks, and what they wait for.

use roxmltree::Node;
use serde_json::{Map, Value};

use super::declarations::{Declarations, correlation_key, literal};
use super::xml::{ZEEBE, children, extensions, only, only_extensions, required, unsupported};
use super::{
    ElementKind, ErrorCatch, Expression, Subscription, TaskDefinition, Trigger, durations,
};

const DEFAULT_RETRIES: i32 = 3;

/// What every flow element may contain.
const PLAIN: &[&str] = &["extensionElements", "documentation", "incoming", "outgoing"];

/// What a flow element is, if it is one of those that run here.
pub(super) fn kind(
    node: Node<'_, '_>,
    declarations: &Declarations<'_>,
) -> Result<ElementKind, String> {
    let plain = |kind| {
        only(node, PLAIN)?;
        only_extensions(node, &[])?;
        Ok(kind)
    };
    match node.tag_name().name() {
        "startEvent" => start_event(node, declarations),
        "endEvent" => plain(ElementKind::EndEvent),
        "exclusiveGateway" => plain(ElementKind::ExclusiveGateway),
        "serviceTask" => {
            only(node, PLAIN)?;
            only_extensions(node, &["taskDefinition", "taskHeaders"])?;
            task_definition(node).map(ElementKind::ServiceTask)
        }
        "intermediateCatchEvent" => catch_event(node, declarations),
        "boundaryEvent" => boundary_event(node, declarations),
        _ => Err(unsupported(node, "a process")),
    }
}

/// The one definition of the event, which has one of these names.
fn event_definition<'a, 'i>(
    node: Node<'a, 'i>,
    names: &[&str],
) -> Result<Option<Node<'a, 'i>>, String> {
    only(node, &[PLAIN, names].concat())?;
    only_extensions(node, &[])?;
    let mut definitions = children(node).filter(|child| names.contains(&child.tag_name().name()));
    let definition = definitions.next();
    match definitions.next() {
        Some(second) => Err(unsupported(second, "an event that has another definition")),
        None => Ok(definition),
    }
}

fn start_event(node: Node<'_, '_>, declarations: &Declarations<'_>) -> Result<ElementKind, String> {
    let definitions = ["messageEventDefinition", "signalEventDefinition"];
    let trigger = match event_definition(node, &definitions)? {
        None => None,
        Some(definition) if definition.tag_name().name() == "signalEventDefinition" => {
            Some(Trigger::Signal(signal(definition, declarations)?))
        }
        Some(definition) => {
            let message = declarations.find(definition, "messageRef", "message")?;
            Some(Trigger::Message(literal(message, "name")?.to_owned()))
        }
    };
    Ok(ElementKind::StartEvent(trigger))
}

fn catch_event(node: Node<'_, '_>, declarations: &Declarations<'_>) -> Result<ElementKind, String> {
    const DEFINITIONS: &[&str] = &[
        "messageEventDefinition",
        "signalEventDefinition",
        "timerEventDefinition",
    ];
    let id = required(node, "id")?;
    let definition = event_definition(node, DEFINITIONS)?.ok_or_else(|| {
        format!("the catch event {id} waits for nothing; a message, a signal or a timer is needed")
    })?;
    match definition.tag_name().name() {
        "timerEventDefinition" => duration(id, definition).map(ElementKind::TimerCatchEvent),
        "signalEventDefinition" => {
            signal(definition, declarations).map(ElementKind::SignalCatchEvent)
        }
        _ => subscription(definition, declarations).map(ElementKind::MessageCatchEvent),
    }
}

/// The name of the signal that the definition refers to.
fn signal(definition: Node<'_, '_>, declarations: &Declarations<'_>) -> Result<String, String> {
    let signal = declarations.find(definition, "signalRef", "signal")?;
    Ok(literal(signal, "name")?.to_owned())
}

fn duration(id: &str, definition: Node<'_, '_>) -> Result<i64, String> {
    only(definition, &["timeDuration"])?;
    let text = children(definition)
        .find_map(|child| child.text())
        .unwrap_or_default();
    durations::milliseconds(text.trim()).ok_or_else(|| {
        format!("the timer of {id} is no ISO 8601 duration of weeks or shorter, as PT1.5S: {text}")
    })
}

fn boundary_event(
    node: Node<'_, '_>,
    declarations: &Declarations<'_>,
) -> Result<ElementKind, String> {
    let id = required(node, "id")?;
    let definition = event_definition(node, &["errorEventDefinition"])?
        .ok_or_else(|| format!("the boundary event {id} catches no errors"))?;
    if node.attribute("cancelActivity") == Some("false") {
        return Err(format!(
            "the boundary event {id} does not interrupt, but one of errors must"
        ));
    }
    let code = match definition.attribute("errorRef") {
        None => None,
        Some(_) => {
            let error = declarations.find(definition, "errorRef", "error")?;
            Some(literal(error, "errorCode")?.to_owned())
        }
    };
    let attached_to = required(node, "attachedToRef")?.to_owned();
    Ok(ElementKind::BoundaryErrorEvent(ErrorCatch {
        attached_to,
        code,
    }))
}

fn task_definition(node: Node<'_, '_>) -> Result<TaskDefinition, String> {
    let id = required(node, "id")?;
    let definition = extensions(node)
        .find(|extension| extension.has_tag_name((ZEEBE, "taskDefinition")))
        .ok_or_else(|| format!("the service task {id} has no zeebe:taskDefinition"))?;
    let job_type = required(definition, "type")?;
    if job_type.trim().is_empty() || job_type.starts_with('=') {
        return Err(format!("the job type of {id} is blank or an expression"));
    }
    let retries = match definition.attribute("retries") {
        None => DEFAULT_RETRIES,
        Some(text) => text
            .parse()
            .ok()
            .filter(|retries| *retries >= 1)
            .ok_or_else(|| format!("the retries of {id} are not a positive number: {text}"))?,
    };
    let mut headers = Map::new();
    for header in extensions(node)
        .filter(|extension| extension.has_tag_name((ZEEBE, "taskHeaders")))
        .flat_map(children)
        .filter(|child| child.has_tag_name((ZEEBE, "header")))
    {
        let value = header.attribute("value").unwrap_or_default();
        headers.insert(required(header, "key")?.to_owned(), Value::from(value));
    }
    let headers = Value::Object(headers).to_string();
    Ok(TaskDefinition {
        job_type: job_type.to_owned(),
        retries,
        headers,
    })
}

fn subscription(
    definition: Node<'_, '_>,
    declarations: &Declarations<'_>,
) -> Result<Subscription, String> {
    let message = declarations.find(definition, "messageRef", "message")?;
    let message_name = literal(message, "name")?.to_owned();
    let key = correlation_key(message).ok_or_else(|| {
        format!("the message {message_name} has no zeebe:subscription correlationKey")
    })?;
    let correlation_key = Expression::parse(key)
        .ok_or_else(|| format!("the correlation key {key} is neither a literal nor a variable"))?;
    Ok(Subscription {
        message_name,
        correlation_key,
    })
}
