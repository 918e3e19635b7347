//! `zeebe deploy`: files as one deployment.

use std::path::Path;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use crate::arguments::Deploy;
use crate::failure::Failure;
use crate::gateway;
use crate::output::Output;

pub(crate) fn run(deploy: &Deploy, timeout: Duration, output: &Output) -> Result<(), Failure> {
    let resources = deploy.files.iter().map(|path| resource(path));
    let resources = resources.collect::<Result<Vec<_>, _>>()?;
    let request =
        json!({ "resources": resources, "tenantId": deploy.tenant.as_deref().unwrap_or("") });
    let answer = gateway::call("DeployResource", &request.to_string(), timeout)?;
    output.show(&answer, text)
}

/// A file by its own name: the gateway tells by the end of it what it is.
fn resource(path: &Path) -> Result<Value, Failure> {
    let shown = path.display();
    let content = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name =
        name.ok_or_else(|| Failure::usage(format!("{shown} is no name of a file, in UTF-8")))?;
    Ok(json!({ "name": name, "content": BASE64_STANDARD.encode(content) }))
}

fn text(answer: &Value) -> String {
    let deployments = answer["deployments"].as_array();
    let mut lines: Vec<_> = deployments
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|deployment| deployment.iter().filter(|(_, what)| what.is_object()))
        .map(|(kind, what)| {
            let text = |names: &[&str]| {
                let found = names.iter().find_map(|name| what[*name].as_str());
                found.unwrap_or("-").to_owned()
            };
            let kind = match kind.as_str() {
                "decisionRequirements" => "decision requirements",
                kind => kind,
            };
            let id = text(&[
                "bpmnProcessId",
                "dmnDecisionId",
                "dmnDecisionRequirementsId",
                "formId",
            ]);
            let key = text(&[
                "processDefinitionKey",
                "decisionKey",
                "decisionRequirementsKey",
                "formKey",
            ]);
            format!("{kind} {id}, version {}, key {key}", what["version"])
        })
        .collect();
    lines.push(format!(
        "deployment {}",
        answer["key"].as_str().unwrap_or("-")
    ));
    lines.join("\n")
}
