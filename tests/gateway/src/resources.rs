//! What can be deployed: BPMN processes, which run, and DMN decisions and forms, which are only kept.

use serde_json::Value;

use crate::bpmn::{self, Process, xml};

#[derive(Debug)]
pub(crate) enum Content {
    Processes(Vec<Process>),
    Decisions(Named, Vec<Named>),
    /// The id of the form.
    Form(String),
}

/// A decision, or the requirements graph that decisions belong to.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Reads a resource by the ending of its name.
pub(crate) fn read(name: &str, content: &[u8]) -> Result<Content, String> {
    match name.rsplit_once('.') {
        Some((_, "bpmn" | "xml")) => bpmn::parse(content).map(Content::Processes),
        Some((_, "dmn")) => decisions(content),
        Some((_, "form")) => form(content).map(Content::Form),
        _ => Err("only .bpmn, .xml, .dmn and .form are known here".to_owned()),
    }
}

fn decisions(content: &[u8]) -> Result<Content, String> {
    let document = xml::document(content)?;
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    if root.tag_name().name() != "definitions" || !namespace.contains("/spec/DMN/") {
        return Err("its root is not a DMN definitions element".to_owned());
    }
    let named = |node: roxmltree::Node<'_, '_>| {
        let id = xml::required(node, "id")?.to_owned();
        let name = xml::required(node, "name")?.to_owned();
        Ok(Named { id, name })
    };
    let decisions = xml::children(root)
        .filter(|node| node.has_tag_name((namespace, "decision")))
        .map(named)
        .collect::<Result<Vec<_>, String>>()?;
    if decisions.is_empty() {
        return Err("it has no decision".to_owned());
    }
    Ok(Content::Decisions(named(root)?, decisions))
}

fn form(content: &[u8]) -> Result<String, String> {
    let form: Value =
        serde_json::from_slice(content).map_err(|error| format!("it is not JSON: {error}"))?;
    match form["id"].as_str() {
        Some(id) if !id.trim().is_empty() => Ok(id.to_owned()),
        _ => Err("it has no id, which must be a text".to_owned()),
    }
}
