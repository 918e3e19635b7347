//! The creation of instances, and the results of those that someone awaits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::TenantId;
use super::deployments::Definition;
use super::instances::{ElementInstance, Instance};
use super::starts::MessageStart;
use super::{Rejection, State, Variables, fetched, tenant, variables};
use crate::protocol::{
    CreateProcessInstanceRequest, CreateProcessInstanceResponse,
    CreateProcessInstanceWithResultResponse,
};

const LATEST: i32 = -1;

/// By instance, once it has ended.
pub(super) type Results = BTreeMap<i64, Option<Ending>>;

#[derive(Debug)]
pub(super) enum Ending {
    Completed(Variables),
    Cancelled,
}

impl State {
    pub(crate) fn create_instance(
        &mut self,
        request: &CreateProcessInstanceRequest,
    ) -> Result<CreateProcessInstanceResponse, Rejection> {
        let response = self.create(request)?;
        self.run(response.process_instance_key);
        Ok(response)
    }

    /// Its result has to be taken or forgotten.
    pub(crate) fn create_awaited_instance(
        &mut self,
        request: &CreateProcessInstanceRequest,
    ) -> Result<CreateProcessInstanceResponse, Rejection> {
        let response = self.create(request)?;
        self.results.insert(response.process_instance_key, None);
        self.run(response.process_instance_key);
        Ok(response)
    }

    /// The result if the instance has ended, with these of its variables, or with all if none is named.
    pub(crate) fn result(
        &mut self,
        created: &CreateProcessInstanceResponse,
        fetch_variables: &[String],
    ) -> Option<Result<CreateProcessInstanceWithResultResponse, Rejection>> {
        let key = created.process_instance_key;
        let variables = match self.results.get_mut(&key)?.take()? {
            Ending::Completed(variables) => fetched(variables.iter(), fetch_variables),
            Ending::Cancelled => {
                return Some(Err(Rejection::FailedPrecondition(format!(
                    "the process instance {key} was cancelled, so that it has no result"
                ))));
            }
        };
        let created = created.clone();
        Some(Ok(CreateProcessInstanceWithResultResponse {
            process_definition_key: created.process_definition_key,
            bpmn_process_id: created.bpmn_process_id,
            version: created.version,
            process_instance_key: created.process_instance_key,
            variables,
            tenant_id: created.tenant_id,
            tags: created.tags,
        }))
    }

    pub(super) fn forget_result(&mut self, instance_key: i64) {
        self.results.remove(&instance_key);
    }

    /// Puts a new instance on the start event without a trigger.
    fn create(
        &mut self,
        request: &CreateProcessInstanceRequest,
    ) -> Result<CreateProcessInstanceResponse, Rejection> {
        if !request.start_instructions.is_empty() || !request.runtime_instructions.is_empty() {
            return Err(Rejection::InvalidArgument(
                "start and runtime instructions are not supported by the development gateway"
                    .to_owned(),
            ));
        }
        let variables = variables(&request.variables)?;
        let definition = self.definition(request)?;
        let id = &definition.id;
        let place = definition.what.start(None).ok_or_else(|| {
            Rejection::FailedPrecondition(format!(
                "the process {} has only start events of messages and signals, which start its instances",
                id.id
            ))
        })?;
        let mut response = CreateProcessInstanceResponse {
            process_definition_key: definition.key,
            bpmn_process_id: id.id.clone(),
            version: definition.number,
            process_instance_key: 0,
            tenant_id: id.tenant_id.clone(),
            tags: request.tags.clone(),
        };
        let tags = request.tags.clone();
        response.process_instance_key =
            self.place_instance(definition, place, variables, tags, None);
        Ok(response)
    }

    /// A new instance at this place, which does not run yet.
    pub(super) fn place_instance(
        &mut self,
        definition: Arc<Definition>,
        place: usize,
        variables: Variables,
        tags: Vec<String>,
        started_by: Option<MessageStart>,
    ) -> i64 {
        let partition = self.next_partition();
        let key = self.next_key(partition);
        let instance = Instance {
            definition,
            variables,
            tags,
            at: ElementInstance::new(key, place),
            incident: None,
            started_by,
        };
        self.instances.insert(key, instance);
        key
    }

    fn definition(
        &self,
        request: &CreateProcessInstanceRequest,
    ) -> Result<Arc<Definition>, Rejection> {
        let processes = &self.deployments.processes;
        let id = TenantId {
            tenant_id: tenant(&request.tenant_id).to_owned(),
            id: request.bpmn_process_id.clone(),
        };
        let (key, version) = (request.process_definition_key, request.version);
        let (found, what) = if id.id.is_empty() {
            let found = processes.by_key(key);
            let found = found.filter(|definition| definition.id.tenant_id == id.tenant_id);
            (found, format!("the key {key}"))
        } else if version == LATEST {
            (processes.latest(&id), format!("the id {}", id.id))
        } else {
            let what = format!("the id {} in version {version}", id.id);
            (processes.by_number(&id, version), what)
        };
        found.cloned().ok_or_else(|| {
            let tenant_id = &id.tenant_id;
            Rejection::NotFound(format!(
                "no process definition of the tenant {tenant_id} has {what}"
            ))
        })
    }
}
