//! The sequence flows of a process, and the order that they give its elements.

use std::collections::{HashMap, VecDeque};

use super::xml::{children, only, required};
use super::{Condition, Element, ElementKind, Flow};

/// A flow element that is not yet connected.
pub(super) struct Node<'a> {
    pub(super) id: &'a str,
    pub(super) kind: ElementKind,
    pub(super) default_flow: Option<&'a str>,
}

pub(super) struct SequenceFlow<'a> {
    id: Option<&'a str>,
    source: &'a str,
    target: &'a str,
    condition: Option<Condition>,
}

pub(super) fn read<'a>(node: roxmltree::Node<'a, '_>) -> Result<SequenceFlow<'a>, String> {
    only(
        node,
        &["extensionElements", "documentation", "conditionExpression"],
    )?;
    let condition = children(node)
        .find(|child| child.tag_name().name() == "conditionExpression")
        .map(|child| {
            let text = child.text().unwrap_or_default();
            Condition::parse(text).ok_or_else(|| {
                format!("the condition {text} is no comparison of two values, as in = amount > 100")
            })
        });
    Ok(SequenceFlow {
        id: node.attribute("id"),
        source: required(node, "sourceRef")?,
        target: required(node, "targetRef")?,
        condition: condition.transpose()?,
    })
}

/// Puts every element before those that it leads to; the start events are the first. Loops and elements that nothing
/// leads to are refused.
pub(super) fn connect(
    process: &str,
    nodes: Vec<Node<'_>>,
    flows: &[SequenceFlow<'_>],
) -> Result<Vec<Element>, String> {
    let mut nodes_by_id = HashMap::new();
    let mut ids = Vec::new();
    for node in nodes {
        ids.push(node.id);
        if let Some(twice) = nodes_by_id.insert(node.id, node) {
            return Err(format!("the id {} comes twice", twice.id));
        }
    }
    let starts = starts(process, &ids, &nodes_by_id)?;

    let mut outgoing: HashMap<&str, Vec<&SequenceFlow<'_>>> = HashMap::new();
    let mut steps: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut incoming: HashMap<&str, usize> = HashMap::new();
    let attachments = nodes_by_id.values().filter_map(|node| match &node.kind {
        ElementKind::BoundaryErrorEvent(catch) => Some((catch.attached_to.as_str(), node.id)),
        _ => None,
    });
    for (source, target) in flows
        .iter()
        .map(|flow| (flow.source, flow.target))
        .chain(attachments)
    {
        for end in [source, target] {
            if !nodes_by_id.contains_key(end) {
                return Err(format!("a flow leads to {end}, which is missing"));
            }
        }
        steps.entry(source).or_default().push(target);
        *incoming.entry(target).or_default() += 1;
    }
    for flow in flows {
        outgoing.entry(flow.source).or_default().push(flow);
    }
    for id in &ids {
        let node = &nodes_by_id[id];
        let has_incoming = flows.iter().any(|flow| flow.target == *id);
        check(
            node,
            has_incoming,
            outgoing.entry(id).or_default(),
            &nodes_by_id,
        )?;
        if !starts.contains(id) && !incoming.contains_key(id) {
            return Err(format!("{id} is not on the way from a start event"));
        }
    }

    let mut places = HashMap::new();
    let mut ready = VecDeque::from(starts);
    while let Some(id) = ready.pop_front() {
        places.insert(id, places.len());
        for target in steps.get(id).into_iter().flatten() {
            if let Some(missing) = incoming.get_mut(target) {
                *missing -= 1;
                if *missing == 0 {
                    ready.push_back(target);
                }
            }
        }
    }
    if let Some(id) = ids.iter().find(|id| !places.contains_key(*id)) {
        return Err(format!(
            "{id} is in a loop or behind one, but loops do not run here"
        ));
    }
    ids.sort_by_key(|id| places[id]);
    let element = |id: &str| {
        let flow = |flow: &&SequenceFlow<'_>| Flow {
            target: places[flow.target],
            condition: flow.condition.clone(),
        };
        Some(Element {
            id: id.to_owned(),
            kind: nodes_by_id.get(id)?.kind.clone(),
            outgoing: outgoing.get(id)?.iter().map(flow).collect(),
        })
    };
    Ok(ids.into_iter().filter_map(element).collect())
}

/// The start events, each with a trigger of its own, or the one without.
fn starts<'a>(
    process: &str,
    ids: &[&'a str],
    nodes: &HashMap<&str, Node<'_>>,
) -> Result<Vec<&'a str>, String> {
    let mut starts = Vec::<&str>::new();
    for id in ids {
        let kind = &nodes[id].kind;
        if !matches!(kind, ElementKind::StartEvent(_)) {
            continue;
        }
        if let Some(other) = starts.iter().find(|other| nodes[**other].kind == *kind) {
            return Err(format!(
                "the process {process} has two start events for the same, {other} and {id}"
            ));
        }
        starts.push(id);
    }
    if starts.is_empty() {
        return Err(format!("the process {process} has no start event"));
    }
    Ok(starts)
}

/// Whether the element has the flows that it needs. Those of a gateway are put in order: the default comes last.
fn check(
    node: &Node<'_>,
    has_incoming: bool,
    outgoing: &mut [&SequenceFlow<'_>],
    nodes: &HashMap<&str, Node<'_>>,
) -> Result<(), String> {
    let id = node.id;
    match &node.kind {
        ElementKind::StartEvent(_) | ElementKind::BoundaryErrorEvent(_) if has_incoming => {
            return Err(format!("the event {id} has an incoming flow"));
        }
        ElementKind::BoundaryErrorEvent(catch)
            if !matches!(
                nodes[catch.attached_to.as_str()].kind,
                ElementKind::ServiceTask(_)
            ) =>
        {
            return Err(format!("{id} is attached to no service task"));
        }
        ElementKind::EndEvent => {
            return match outgoing {
                [] => Ok(()),
                _ => Err(format!("the end event {id} has an outgoing flow")),
            };
        }
        _ => {}
    }
    let is_default = |flow: &&SequenceFlow<'_>| flow.id.is_some() && flow.id == node.default_flow;
    let (conditional, others): (Vec<&SequenceFlow<'_>>, Vec<_>) =
        outgoing.iter().partition(|flow| flow.condition.is_some());
    let is_gateway = node.kind == ElementKind::ExclusiveGateway;
    match others.as_slice() {
        _ if outgoing.is_empty() => Err(format!("{id} has no outgoing flow and is no end event")),
        [other] if conditional.is_empty() || (is_gateway && is_default(other)) => {
            outgoing.sort_by_key(is_default);
            Ok(())
        }
        [] if is_gateway && !outgoing.iter().any(is_default) => Ok(()),
        _ if is_gateway => Err(format!(
            "of the flows out of {id} all but the default one need a condition, and that one has none"
        )),
        _ if conditional.is_empty() => Err(format!(
            "{id} has two outgoing flows, but only an exclusive gateway chooses between flows here"
        )),
        _ => Err(format!(
            "a flow out of {id} has a condition, but {id} is no exclusive gateway"
        )),
    }
}
