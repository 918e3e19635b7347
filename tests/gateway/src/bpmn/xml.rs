//! What is asked of the XML of BPMN and DMN.

use roxmltree::{Document, Node};

pub(super) const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
pub(super) const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";

pub(crate) fn document(content: &[u8]) -> Result<Document<'_>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    Document::parse(text).map_err(|error| format!("it is not XML: {error}"))
}

pub(crate) fn children<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

pub(super) fn extensions<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    children(node)
        .filter(|child| child.has_tag_name((BPMN, "extensionElements")))
        .flat_map(children)
}

pub(crate) fn required<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, String> {
    node.attribute(name)
        .ok_or_else(|| format!("a {} element has no {name}", node.tag_name().name()))
}

pub(super) fn only(node: Node<'_, '_>, names: &[&str]) -> Result<(), String> {
    match children(node).find(|child| !names.contains(&child.tag_name().name())) {
        Some(other) => Err(unsupported(other, node.tag_name().name())),
        None => Ok(()),
    }
}

/// Extensions of other vendors mean nothing to a Zeebe gateway; its own all mean something.
pub(super) fn only_extensions(node: Node<'_, '_>, names: &[&str]) -> Result<(), String> {
    let other = extensions(node)
        .filter(|extension| extension.tag_name().namespace() == Some(ZEEBE))
        .find(|extension| !names.contains(&extension.tag_name().name()));
    match other {
        Some(other) => Err(unsupported(other, node.tag_name().name())),
        None => Ok(()),
    }
}

pub(super) fn unsupported(node: Node<'_, '_>, within: &str) -> String {
    let name = node.tag_name().name();
    format!("{name} in {within} is not supported by the development gateway")
}
