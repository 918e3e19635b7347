//! Reads BPMN processes in which one token moves on: events, service tasks and exclusive gateways. All that would
//! make a process behave otherwise is refused, so that nothing is silently left out.

mod declarations;
mod durations;
mod elements;
mod expressions;
mod flows;
pub(crate) mod xml;

use roxmltree::Node;

use declarations::Declarations;
pub(crate) use expressions::{Condition, Expression};
use xml::{BPMN, children, required};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Process {
    pub(crate) id: String,
    /// The start events come first, and every element before those that its flows lead to.
    pub(crate) elements: Vec<Element>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    pub(crate) id: String,
    pub(crate) kind: ElementKind,
    /// In the order in which an exclusive gateway tries them; the default flow comes last.
    pub(crate) outgoing: Vec<Flow>,
}

/// Leads to the element at this place of the process.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flow {
    pub(crate) target: usize,
    pub(crate) condition: Option<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ElementKind {
    /// Starts instances that are created, or those of its trigger.
    StartEvent(Option<Trigger>),
    ServiceTask(TaskDefinition),
    MessageCatchEvent(Subscription),
    /// Waits for the signal of this name.
    SignalCatchEvent(String),
    /// Waits this many milliseconds.
    TimerCatchEvent(i64),
    ExclusiveGateway,
    BoundaryErrorEvent(ErrorCatch),
    EndEvent,
}

/// What starts an instance by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trigger {
    /// A message of this name.
    Message(String),
    /// A signal of this name.
    Signal(String),
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
    pub(crate) correlation_key: Expression,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ErrorCatch {
    /// The id of the task that the event is attached to.
    pub(crate) attached_to: String,
    /// None catches every error.
    pub(crate) code: Option<String>,
}

impl Process {
    /// The place of the start event with this trigger, or of the one without.
    pub(crate) fn start(&self, trigger: Option<&Trigger>) -> Option<usize> {
        self.elements.iter().position(
            |element| matches!(&element.kind, ElementKind::StartEvent(of) if of.as_ref() == trigger),
        )
    }

    /// The places of the start events that have a message, and its name.
    pub(crate) fn message_starts(&self) -> impl Iterator<Item = (usize, &str)> {
        let elements = self.elements.iter().enumerate();
        elements.filter_map(|(place, element)| match &element.kind {
            ElementKind::StartEvent(Some(Trigger::Message(name))) => Some((place, name.as_str())),
            _ => None,
        })
    }

    /// The place of the boundary event that catches an error of this task; one for its code comes first.
    pub(crate) fn catcher(&self, task: &str, code: &str) -> Option<usize> {
        let catcher = |wanted: Option<&str>| {
            self.elements
                .iter()
                .position(|element| match &element.kind {
                    ElementKind::BoundaryErrorEvent(catch) => {
                        catch.attached_to == task && catch.code.as_deref() == wanted
                    }
                    _ => false,
                })
        };
        catcher(Some(code)).or_else(|| catcher(None))
    }
}

/// The executable processes of a resource.
pub(crate) fn parse(content: &[u8]) -> Result<Vec<Process>, String> {
    let document = xml::document(content)?;
    let definitions = document.root_element();
    if !definitions.has_tag_name((BPMN, "definitions")) {
        return Err("its root is not a BPMN definitions element".to_owned());
    }
    let declarations = Declarations::of(definitions);
    let processes = children(definitions)
        .filter(|node| node.has_tag_name((BPMN, "process")))
        .filter(|node| node.attribute("isExecutable") == Some("true"))
        .map(|node| process(node, &declarations))
        .collect::<Result<Vec<_>, _>>()?;
    if processes.is_empty() {
        return Err("it has no executable process".to_owned());
    }
    Ok(processes)
}

fn process(node: Node<'_, '_>, declarations: &Declarations<'_>) -> Result<Process, String> {
    let id = required(node, "id")?.to_owned();
    let mut nodes = Vec::new();
    let mut flows = Vec::new();
    for child in children(node) {
        if child.tag_name().namespace() != Some(BPMN) {
            return Err(xml::unsupported(child, "a process"));
        }
        match child.tag_name().name() {
            "extensionElements" | "documentation" => {}
            "sequenceFlow" => flows.push(flows::read(child)?),
            _ => nodes.push(flows::Node {
                id: required(child, "id")?,
                kind: elements::kind(child, declarations)?,
                default_flow: child.attribute("default"),
            }),
        }
    }
    let elements = flows::connect(&id, nodes, &flows)?;
    Ok(Process { id, elements })
}

#[cfg(test)]
mod tests;
