//! What a resource declares beside its processes, for their events to refer to: messages, signals and errors.

use std::collections::HashMap;

use roxmltree::Node;

use super::xml::{BPMN, ZEEBE, children, extensions, required};

/// The declared elements by their ids.
pub(super) struct Declarations<'a>(HashMap<&'a str, Node<'a, 'a>>);

impl<'a> Declarations<'a> {
    pub(super) fn of(definitions: Node<'a, 'a>) -> Self {
        let declared = children(definitions).filter_map(|node| Some((node.attribute("id")?, node)));
        Self(declared.collect())
    }

    /// What the event definition refers to by this attribute: an element of this name.
    pub(super) fn find(
        &self,
        definition: Node<'_, '_>,
        attribute: &str,
        name: &str,
    ) -> Result<Node<'a, 'a>, String> {
        let reference = required(definition, attribute)?;
        let declared = self.0.get(reference).copied();
        declared
            .filter(|node| node.has_tag_name((BPMN, name)))
            .ok_or_else(|| format!("an event refers to the {name} {reference}, which is missing"))
    }
}

/// The attribute of a declaration, as it is: no expression.
pub(super) fn literal<'a>(declared: Node<'a, '_>, attribute: &str) -> Result<&'a str, String> {
    let value = declared.attribute(attribute).unwrap_or_default();
    if value.trim().is_empty() || value.starts_with('=') {
        let kind = declared.tag_name().name();
        let id = declared.attribute("id").unwrap_or_default();
        return Err(format!(
            "the {attribute} of the {kind} {id} is blank or an expression"
        ));
    }
    Ok(value)
}

pub(super) fn correlation_key<'a>(message: Node<'a, 'a>) -> Option<&'a str> {
    extensions(message)
        .find(|extension| extension.has_tag_name((ZEEBE, "subscription")))?
        .attribute("correlationKey")
        .filter(|key| !key.trim().is_empty())
}
