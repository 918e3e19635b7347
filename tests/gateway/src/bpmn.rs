//! Reads linear BPMN processes: a start event, service tasks and message catch events, an end event. All that
//! would make a process behave otherwise is refused, so that nothing is silently left out.

mod elements;

use std::collections::{HashMap, HashSet};

use roxmltree::{Document, Node};

const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Process {
    pub(crate) id: String,
    /// In the order in which a token visits them.
    pub(crate) elements: Vec<Element>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    pub(crate) id: String,
    pub(crate) kind: ElementKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ElementKind {
    StartEvent,
    ServiceTask(TaskDefinition),
    MessageCatchEvent(Subscription),
    EndEvent,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskDefinition {
    pub(crate) job_type: String,
    pub(crate) retries: i32,
    /// A JSON object.
    pub(crate) headers: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subscription {
    pub(crate) message_name: String,
    pub(crate) correlation_key: CorrelationKey,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CorrelationKey {
    Literal(String),
    /// A variable, and the members within it.
    Variable(Vec<String>),
}

/// The executable processes of a resource.
pub(crate) fn parse(content: &[u8]) -> Result<Vec<Process>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    let document = Document::parse(text).map_err(|error| format!("it is not XML: {error}"))?;
    let definitions = document.root_element();
    if !definitions.has_tag_name((BPMN, "definitions")) {
        return Err("its root is not a BPMN definitions element".to_owned());
    }
    let messages = messages(definitions);
    let processes = children(definitions)
        .filter(|node| node.has_tag_name((BPMN, "process")))
        .filter(|node| node.attribute("isExecutable") == Some("true"))
        .map(|node| process(node, &messages))
        .collect::<Result<Vec<_>, _>>()?;
    if processes.is_empty() {
        return Err("it has no executable process".to_owned());
    }
    Ok(processes)
}

/// A message as its `message` element describes it.
struct Message<'a> {
    name: Option<&'a str>,
    correlation_key: Option<&'a str>,
}

fn messages<'a>(definitions: Node<'a, 'a>) -> HashMap<&'a str, Message<'a>> {
    children(definitions)
        .filter(|node| node.has_tag_name((BPMN, "message")))
        .filter_map(|node| {
            let correlation_key = extensions(node)
                .find(|extension| extension.has_tag_name((ZEEBE, "subscription")))
                .and_then(|subscription| subscription.attribute("correlationKey"));
            let name = node.attribute("name");
            Some((
                node.attribute("id")?,
                Message {
                    name,
                    correlation_key,
                },
            ))
        })
        .collect()
}

fn process(node: Node<'_, '_>, messages: &HashMap<&str, Message<'_>>) -> Result<Process, String> {
    let id = required(node, "id")?.to_owned();
    let mut elements = HashMap::new();
    let mut flows = HashMap::new();
    let mut start = None;
    for child in children(node) {
        let name = child.tag_name().name();
        if child.tag_name().namespace() != Some(BPMN) {
            return Err(unsupported(child, "a process"));
        }
        if name == "extensionElements" || name == "documentation" {
            continue;
        }
        if name == "sequenceFlow" {
            only(child, &["extensionElements", "documentation"])?;
            let source = required(child, "sourceRef")?;
            if flows
                .insert(source, required(child, "targetRef")?)
                .is_some()
            {
                return Err(format!(
                    "{source} has two outgoing flows, but only linear processes run here"
                ));
            }
            continue;
        }
        let kind = elements::kind(child, messages)?;
        let id = required(child, "id")?;
        if kind == ElementKind::StartEvent && start.replace(id).is_some() {
            return Err(format!(
                "the process {} has two start events",
                required(node, "id")?
            ));
        }
        if elements.insert(id, kind).is_some() {
            return Err(format!("the id {id} comes twice"));
        }
    }
    let start = start.ok_or_else(|| format!("the process {id} has no start event"))?;
    Ok(Process {
        elements: in_order(start, elements, &flows)?,
        id,
    })
}

/// Follows the flows from the start to the end, and leaves no element behind.
fn in_order(
    start: &str,
    mut elements: HashMap<&str, ElementKind>,
    flows: &HashMap<&str, &str>,
) -> Result<Vec<Element>, String> {
    let mut ordered = Vec::new();
    let mut at = start;
    let mut visited = HashSet::new();
    loop {
        if !visited.insert(at) {
            return Err(format!(
                "the flow comes back to {at}, but only linear processes run here"
            ));
        }
        let kind = elements
            .remove(at)
            .ok_or_else(|| format!("a flow leads to {at}, which is missing"))?;
        let is_end = kind == ElementKind::EndEvent;
        ordered.push(Element {
            id: at.to_owned(),
            kind,
        });
        match flows.get(at) {
            Some(_) if is_end => return Err(format!("the end event {at} has an outgoing flow")),
            Some(next) => at = next,
            None if is_end => break,
            None => return Err(format!("{at} has no outgoing flow and is no end event")),
        }
    }
    match elements.keys().min() {
        Some(stray) => Err(format!(
            "{stray} is not on the way from the start event to the end event"
        )),
        None => Ok(ordered),
    }
}

fn children<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

fn extensions<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    children(node)
        .filter(|child| child.has_tag_name((BPMN, "extensionElements")))
        .flat_map(children)
}

fn required<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, String> {
    node.attribute(name)
        .ok_or_else(|| format!("a {} element has no {name}", node.tag_name().name()))
}

fn only(node: Node<'_, '_>, names: &[&str]) -> Result<(), String> {
    match children(node).find(|child| !names.contains(&child.tag_name().name())) {
        Some(other) => Err(unsupported(other, node.tag_name().name())),
        None => Ok(()),
    }
}

/// Extensions of other vendors mean nothing to a Zeebe gateway; its own all mean something.
fn only_extensions(node: Node<'_, '_>, names: &[&str]) -> Result<(), String> {
    let other = extensions(node)
        .filter(|extension| extension.tag_name().namespace() == Some(ZEEBE))
        .find(|extension| !names.contains(&extension.tag_name().name()));
    match other {
        Some(other) => Err(unsupported(other, node.tag_name().name())),
        None => Ok(()),
    }
}

fn unsupported(node: Node<'_, '_>, within: &str) -> String {
    let name = node.tag_name().name();
    format!("{name} in {within} is not supported by the development gateway")
}

#[cfg(test)]
mod tests;
