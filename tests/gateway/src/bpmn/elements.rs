//! The single elements of a process: events, tasks, and what they wait for.

use std::collections::HashMap;

use roxmltree::Node;
use serde_json::{Map, Value};

use super::{
    BPMN, CorrelationKey, ElementKind, Message, Subscription, TaskDefinition, ZEEBE, children,
    extensions, only, only_extensions, required, unsupported,
};

const DEFAULT_RETRIES: i32 = 3;

/// What a flow element is, if it is one of those that run here.
pub(super) fn kind(
    node: Node<'_, '_>,
    messages: &HashMap<&str, Message<'_>>,
) -> Result<ElementKind, String> {
    const PLAIN: &[&str] = &["extensionElements", "documentation", "incoming", "outgoing"];
    match node.tag_name().name() {
        "startEvent" => {
            only(node, PLAIN)?;
            only_extensions(node, &[])?;
            Ok(ElementKind::StartEvent)
        }
        "endEvent" => {
            only(node, PLAIN)?;
            only_extensions(node, &[])?;
            Ok(ElementKind::EndEvent)
        }
        "serviceTask" => {
            only(node, PLAIN)?;
            only_extensions(node, &["taskDefinition", "taskHeaders"])?;
            task_definition(node).map(ElementKind::ServiceTask)
        }
        "intermediateCatchEvent" => {
            only(node, &[PLAIN, &["messageEventDefinition"]].concat())?;
            only_extensions(node, &[])?;
            subscription(node, messages).map(ElementKind::MessageCatchEvent)
        }
        _ => Err(unsupported(node, "a process")),
    }
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
    node: Node<'_, '_>,
    messages: &HashMap<&str, Message<'_>>,
) -> Result<Subscription, String> {
    let id = required(node, "id")?;
    let definition = children(node)
        .find(|child| child.has_tag_name((BPMN, "messageEventDefinition")))
        .ok_or_else(|| {
            format!("the catch event {id} waits for no message; only messages are supported")
        })?;
    let reference = required(definition, "messageRef")?;
    let message = messages
        .get(reference)
        .ok_or_else(|| format!("{id} refers to the message {reference}, which is missing"))?;
    let message_name = message
        .name
        .filter(|name| !name.trim().is_empty() && !name.starts_with('='))
        .ok_or_else(|| format!("the name of the message {reference} is blank or an expression"))?;
    let key = message
        .correlation_key
        .filter(|key| !key.trim().is_empty())
        .ok_or_else(|| {
            format!("the message {reference} has no zeebe:subscription correlationKey")
        })?;
    let correlation_key = correlation_key(key)
        .ok_or_else(|| format!("the correlation key {key} is neither a literal nor a variable"))?;
    Ok(Subscription {
        message_name: message_name.to_owned(),
        correlation_key,
    })
}

/// `text`, `= variable`, `= variable.member` or `= "text"`.
pub(super) fn correlation_key(text: &str) -> Option<CorrelationKey> {
    let Some(expression) = text.strip_prefix('=').map(str::trim) else {
        return Some(CorrelationKey::Literal(text.to_owned()));
    };
    let quoted = expression
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    if let Some(literal) = quoted.filter(|literal| !literal.contains(['"', '\\'])) {
        return Some(CorrelationKey::Literal(literal.to_owned()));
    }
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let path: Vec<_> = expression.split('.').map(str::to_owned).collect();
    path.iter()
        .all(|name| is_name(name))
        .then_some(CorrelationKey::Variable(path))
}
