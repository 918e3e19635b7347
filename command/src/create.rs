//! `zeebe create`: an instance of a process.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::arguments::Create;
use crate::failure::Failure;
use crate::gateway;
use crate::output::{Output, member, wrapped};

/// What the gateway has less to wait than the call: its answer has to come back.
const WAY_BACK: Duration = Duration::from_millis(500);

pub(crate) fn run(create: &Create, timeout: Duration, output: &Output) -> Result<(), Failure> {
    let variables = gateway::given(&create.variables)?;
    if let Err(error) = serde_json::from_str::<Map<String, Value>>(&variables) {
        return Err(Failure::usage(format!(
            "--variables is no JSON object: {error}"
        )));
    }
    let request = json!({
        "bpmnProcessId": create.process_id,
        "version": create.version.unwrap_or(-1),
        "variables": variables,
        "tenantId": create.tenant.as_deref().unwrap_or(""),
    });
    if !create.result {
        let answer = gateway::call("CreateProcessInstance", &request.to_string(), timeout)?;
        return output.show(&answer, text);
    }
    let patience = timeout.saturating_sub(WAY_BACK).max(timeout / 2);
    let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    let request = json!({ "request": request, "requestTimeout": patience });
    let json = gateway::call(
        "CreateProcessInstanceWithResult",
        &request.to_string(),
        timeout,
    )?;
    output.show(&json, |answer| {
        format!("{}\n{}", text(answer), member(&json, "variables"))
    })
}

fn text(answer: &Value) -> String {
    let shown = |name: &str| answer[name].as_str().unwrap_or("-");
    let text = format!(
        "instance {} of process {}, version {}",
        shown("processInstanceKey"),
        shown("bpmnProcessId"),
        answer["version"]
    );
    wrapped(&text, 4)
}
