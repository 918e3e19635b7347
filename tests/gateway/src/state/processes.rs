//! Process definitions, and the instances started from them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::instances::Instance;
use super::{Rejection, State, tenant, variables};
use crate::bpmn::{self, Process};
use crate::protocol::{
    CreateProcessInstanceRequest, CreateProcessInstanceResponse, DeployResourceRequest,
    DeployResourceResponse, Deployment, ProcessMetadata, deployment,
};

/// Deployments happen on the first partition.
const DEPLOYMENT_PARTITION: i32 = 1;
const LATEST: i32 = -1;

#[derive(Debug)]
pub(super) struct Definition {
    pub(super) key: i64,
    pub(super) version: i32,
    pub(super) tenant_id: String,
    pub(super) process: Process,
    content: Arc<[u8]>,
}

#[derive(Debug, Default)]
pub(super) struct Definitions {
    by_key: BTreeMap<i64, Arc<Definition>>,
    /// By tenant and process id; version 1 comes first.
    versions: HashMap<(String, String), Vec<Arc<Definition>>>,
}

impl Definitions {
    fn versions(&self, tenant_id: &str, process_id: &str) -> &[Arc<Definition>] {
        let id = (tenant_id.to_owned(), process_id.to_owned());
        self.versions.get(&id).map_or(&[], Vec::as_slice)
    }

    fn find(&self, request: &CreateProcessInstanceRequest) -> Result<Arc<Definition>, Rejection> {
        let tenant_id = tenant(&request.tenant_id);
        let (id, version) = (&request.bpmn_process_id, request.version);
        if id.is_empty() {
            let key = request.process_definition_key;
            return self
                .by_key
                .get(&key)
                .filter(|definition| definition.tenant_id == tenant_id)
                .cloned()
                .ok_or_else(|| {
                    Rejection::NotFound(format!("no process definition has the key {key}"))
                });
        }
        let versions = self.versions(tenant_id, id);
        let found = match usize::try_from(version) {
            _ if version == LATEST => versions.last(),
            Ok(version) => version.checked_sub(1).and_then(|index| versions.get(index)),
            Err(_) => None,
        };
        found.cloned().ok_or_else(|| {
            let version = if version == LATEST {
                String::new()
            } else {
                format!(" in version {version}")
            };
            Rejection::NotFound(format!("no process definition has the id {id}{version}"))
        })
    }
}

impl State {
    pub(crate) fn deploy(
        &mut self,
        request: &DeployResourceRequest,
    ) -> Result<DeployResourceResponse, Rejection> {
        if request.resources.is_empty() {
            return Err(Rejection::InvalidArgument(
                "there are no resources to deploy".to_owned(),
            ));
        }
        // All are read before the first is kept: a deployment succeeds or fails as a whole.
        let mut parsed = Vec::new();
        let mut ids = HashSet::new();
        for resource in &request.resources {
            let name = &resource.name;
            let refuse =
                |reason| Rejection::InvalidArgument(format!("the resource {name}: {reason}"));
            if !name.ends_with(".bpmn") && !name.ends_with(".xml") {
                return Err(refuse(
                    "only BPMN (.bpmn, .xml) is supported here".to_owned(),
                ));
            }
            let content: Arc<[u8]> = resource.content.as_slice().into();
            for process in bpmn::parse(&content).map_err(refuse)? {
                if !ids.insert(process.id.clone()) {
                    return Err(refuse(format!("the process id {} comes twice", process.id)));
                }
                parsed.push((name.clone(), Arc::clone(&content), process));
            }
        }
        let tenant_id = tenant(&request.tenant_id).to_owned();
        let deployments = parsed
            .into_iter()
            .map(|(resource_name, content, process)| {
                let definition = self.define(&tenant_id, content, process);
                let metadata = deployment::Metadata::Process(ProcessMetadata {
                    bpmn_process_id: definition.process.id.clone(),
                    version: definition.version,
                    process_definition_key: definition.key,
                    resource_name,
                    tenant_id: tenant_id.clone(),
                });
                Deployment {
                    metadata: Some(metadata),
                }
            })
            .collect();
        let key = self.next_key(DEPLOYMENT_PARTITION);
        Ok(DeployResourceResponse {
            key,
            deployments,
            tenant_id,
        })
    }

    /// The same content as the latest version's is that version again.
    fn define(&mut self, tenant_id: &str, content: Arc<[u8]>, process: Process) -> Arc<Definition> {
        let versions = self.definitions.versions(tenant_id, &process.id);
        let version = match versions.last() {
            Some(latest) if latest.content == content => return Arc::clone(latest),
            Some(latest) => latest.version + 1,
            None => 1,
        };
        let key = self.next_key(DEPLOYMENT_PARTITION);
        let id = (tenant_id.to_owned(), process.id.clone());
        let tenant_id = tenant_id.to_owned();
        let definition = Arc::new(Definition {
            key,
            version,
            tenant_id,
            process,
            content,
        });
        self.definitions.by_key.insert(key, Arc::clone(&definition));
        self.definitions
            .versions
            .entry(id)
            .or_default()
            .push(Arc::clone(&definition));
        definition
    }

    pub(crate) fn create_instance(
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
        let definition = self.definitions.find(request)?;
        let partition = self.next_partition();
        let key = self.next_key(partition);
        let response = CreateProcessInstanceResponse {
            process_definition_key: definition.key,
            bpmn_process_id: definition.process.id.clone(),
            version: definition.version,
            process_instance_key: key,
            tenant_id: definition.tenant_id.clone(),
            tags: request.tags.clone(),
        };
        let tags = request.tags.clone();
        self.instances.insert(
            key,
            Instance {
                definition,
                variables,
                tags,
                position: 0,
            },
        );
        self.run(key);
        Ok(response)
    }
}
