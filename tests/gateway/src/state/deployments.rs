//! Deployments, and the deletion of what was deployed.

use std::collections::HashSet;
use std::sync::Arc;

use super::catalogue::{Catalogue, TenantId, Version};
use super::{Rejection, State, tenant};
use crate::bpmn::Process;
use crate::protocol::deployment::Metadata;
use crate::protocol::{
    DecisionMetadata, DecisionRequirementsMetadata, DeleteResourceRequest, DeployProcessRequest,
    DeployProcessResponse, DeployResourceRequest, DeployResourceResponse, Deployment, FormMetadata,
    ProcessMetadata, ProcessRequestObject, Resource,
};
use crate::resources::{self, Content, Named};

/// Deployments happen on the first partition.
const PARTITION: i32 = 1;

/// A deployed process.
pub(super) type Definition = Version<Process>;

#[derive(Debug, Default)]
pub(super) struct Deployments {
    pub(super) processes: Catalogue<Process>,
    /// With the key of the requirements that a decision belongs to.
    pub(super) decisions: Catalogue<i64>,
    pub(super) requirements: Catalogue<()>,
    pub(super) forms: Catalogue<()>,
}

impl State {
    pub(crate) fn deploy(
        &mut self,
        request: &DeployResourceRequest,
    ) -> Result<DeployResourceResponse, Rejection> {
        // All are read before the first is kept: a deployment succeeds or fails as a whole.
        let contents = read(&request.resources)?;
        let tenant_id = tenant(&request.tenant_id).to_owned();
        let key = self.next_key(PARTITION);
        let mut deployments = Vec::new();
        for (resource, content) in request.resources.iter().zip(contents) {
            let metadata = self.keep(resource, content, &tenant_id);
            deployments.extend(metadata.into_iter().map(|metadata| Deployment {
                metadata: Some(metadata),
            }));
        }
        Ok(DeployResourceResponse {
            key,
            deployments,
            tenant_id,
        })
    }

    /// The old form of a deployment.
    pub(crate) fn deploy_processes(
        &mut self,
        request: &DeployProcessRequest,
    ) -> Result<DeployProcessResponse, Rejection> {
        let resource = |process: &ProcessRequestObject| Resource {
            name: process.name.clone(),
            content: process.definition.clone(),
        };
        let deployed = self.deploy(&DeployResourceRequest {
            resources: request.processes.iter().map(resource).collect(),
            tenant_id: String::new(),
        })?;
        let process = |deployment: Deployment| match deployment.metadata {
            Some(Metadata::Process(process)) => Some(process),
            _ => None,
        };
        Ok(DeployProcessResponse {
            key: deployed.key,
            processes: deployed
                .deployments
                .into_iter()
                .filter_map(process)
                .collect(),
        })
    }

    /// Instances that run already go on.
    pub(crate) fn delete_resource(
        &mut self,
        request: &DeleteResourceRequest,
    ) -> Result<(), Rejection> {
        let key = request.resource_key;
        let deployments = &mut self.deployments;
        if deployments.requirements.remove(key) {
            deployments
                .decisions
                .remove_if(|requirements| *requirements == key);
            return Ok(());
        }
        if deployments.processes.remove(key) || deployments.forms.remove(key) {
            return Ok(());
        }
        Err(Rejection::NotFound(format!(
            "no process, decision requirements or form has the key {key}"
        )))
    }

    fn keep(&mut self, resource: &Resource, content: Content, tenant_id: &str) -> Vec<Metadata> {
        let bytes: Arc<[u8]> = resource.content.as_slice().into();
        let resource_name = resource.name.clone();
        let tenant_id = tenant_id.to_owned();
        let id = |id: String| TenantId {
            tenant_id: tenant_id.clone(),
            id,
        };
        match content {
            Content::Processes(processes) => {
                let keep = |process: Process| {
                    let id = id(process.id.clone());
                    let version = self.version(|all| &mut all.processes, id, &bytes, process);
                    Metadata::Process(ProcessMetadata {
                        bpmn_process_id: version.id.id.clone(),
                        version: version.number,
                        process_definition_key: version.key,
                        resource_name: resource_name.clone(),
                        tenant_id: tenant_id.clone(),
                    })
                };
                processes.into_iter().map(keep).collect()
            }
            Content::Decisions(graph, decisions) => {
                let graph_id = id(graph.id);
                let kept = self.version(|all| &mut all.requirements, graph_id, &bytes, ());
                let keep = |decision: Named| {
                    let id = id(decision.id);
                    let version = self.version(|all| &mut all.decisions, id, &bytes, kept.key);
                    Metadata::Decision(DecisionMetadata {
                        dmn_decision_id: version.id.id.clone(),
                        dmn_decision_name: decision.name,
                        version: version.number,
                        decision_key: version.key,
                        dmn_decision_requirements_id: kept.id.id.clone(),
                        decision_requirements_key: kept.key,
                        tenant_id: tenant_id.clone(),
                    })
                };
                let mut metadata: Vec<_> = decisions.into_iter().map(keep).collect();
                metadata.push(Metadata::DecisionRequirements(
                    DecisionRequirementsMetadata {
                        dmn_decision_requirements_id: kept.id.id.clone(),
                        dmn_decision_requirements_name: graph.name,
                        version: kept.number,
                        decision_requirements_key: kept.key,
                        resource_name,
                        tenant_id,
                    },
                ));
                metadata
            }
            Content::Form(form_id) => {
                let version = self.version(|all| &mut all.forms, id(form_id), &bytes, ());
                vec![Metadata::Form(FormMetadata {
                    form_id: version.id.id.clone(),
                    version: version.number,
                    form_key: version.key,
                    resource_name,
                    tenant_id,
                })]
            }
        }
    }

    /// The same content as the latest version's is that version again.
    fn version<T>(
        &mut self,
        of: impl Fn(&mut Deployments) -> &mut Catalogue<T>,
        id: TenantId,
        content: &Arc<[u8]>,
        what: T,
    ) -> Arc<Version<T>> {
        if let Some(version) = of(&mut self.deployments).unchanged(&id, content) {
            return Arc::clone(version);
        }
        let key = self.next_key(PARTITION);
        of(&mut self.deployments).add(key, id, Arc::clone(content), what)
    }
}

fn read(resources: &[Resource]) -> Result<Vec<Content>, Rejection> {
    if resources.is_empty() {
        return Err(Rejection::InvalidArgument(
            "there are no resources to deploy".to_owned(),
        ));
    }
    let mut seen = HashSet::new();
    let mut contents = Vec::new();
    for resource in resources {
        let name = &resource.name;
        let refuse = |reason| Rejection::InvalidArgument(format!("the resource {name}: {reason}"));
        let content = resources::read(name, &resource.content).map_err(refuse)?;
        if let Some(id) = ids(&content)
            .into_iter()
            .find(|id| !seen.insert(id.clone()))
        {
            let (kind, id) = id;
            return Err(refuse(format!("the {kind} id {id} comes twice")));
        }
        contents.push(content);
    }
    Ok(contents)
}

/// The ids in the resource, each with what it is the id of.
fn ids(content: &Content) -> Vec<(&'static str, String)> {
    match content {
        Content::Processes(processes) => processes
            .iter()
            .map(|process| ("process", process.id.clone()))
            .collect(),
        Content::Decisions(graph, decisions) => decisions
            .iter()
            .map(|decision| ("decision", decision.id.clone()))
            .chain([("decision requirements", graph.id.clone())])
            .collect(),
        Content::Form(id) => vec![("form", id.clone())],
    }
}
