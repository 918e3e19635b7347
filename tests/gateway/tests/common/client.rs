//! A tonic client of the gateway, with one process that has one job.

use tonic::transport::Channel;
use tonic::{Status, Streaming};
use zeebe_dev_gateway::protocol::gateway_client::GatewayClient;
use zeebe_dev_gateway::protocol::*;

use super::Running;

pub(crate) type Client = GatewayClient<Channel>;

pub(crate) const PROCESS: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
  <process id="p" isExecutable="true">
    <startEvent id="start"/>
    <serviceTask id="task"><extensionElements><zeebe:taskDefinition type="pay"/></extensionElements></serviceTask>
    <endEvent id="end"/>
    <sequenceFlow id="a" sourceRef="start" targetRef="task"/>
    <sequenceFlow id="b" sourceRef="task" targetRef="end"/>
  </process></definitions>"#;

pub(crate) async fn connect(gateway: &Running, listener: &str) -> Client {
    let address = format!("http://127.0.0.1:{}", gateway.port(listener));
    let endpoint = Channel::from_shared(address).expect("an address");
    GatewayClient::new(endpoint.connect().await.expect("a connection"))
}

pub(crate) async fn deploy(client: &mut Client) {
    let resource = Resource {
        name: "p.bpmn".to_owned(),
        content: PROCESS.into(),
    };
    let request = DeployResourceRequest {
        resources: vec![resource],
        ..Default::default()
    };
    client.deploy_resource(request).await.expect("a deployment");
}

pub(crate) async fn create(client: &mut Client) {
    let request = CreateProcessInstanceRequest {
        bpmn_process_id: "p".to_owned(),
        version: -1,
        ..Default::default()
    };
    client
        .create_process_instance(request)
        .await
        .expect("an instance");
}

/// A stream of the process's jobs.
pub(crate) async fn stream_jobs(client: &mut Client) -> Streaming<ActivatedJob> {
    let request = StreamActivatedJobsRequest {
        r#type: "pay".to_owned(),
        worker: "w".to_owned(),
        timeout: 60_000,
        ..Default::default()
    };
    let stream = client.stream_activated_jobs(request).await;
    stream.expect("a stream").into_inner()
}

/// The jobs of one poll.
pub(crate) async fn poll(
    client: &mut Client,
    request_timeout: i64,
) -> Result<Vec<ActivatedJob>, Status> {
    let request = ActivateJobsRequest {
        r#type: "pay".to_owned(),
        worker: "w".to_owned(),
        timeout: 60_000,
        max_jobs_to_activate: 10,
        request_timeout,
        ..Default::default()
    };
    let mut responses = client.activate_jobs(request).await?.into_inner();
    let mut jobs = Vec::new();
    while let Some(response) = responses.message().await? {
        jobs.extend(response.jobs);
    }
    Ok(jobs)
}

pub(crate) async fn topology(client: &mut Client) -> Result<TopologyResponse, Status> {
    client
        .topology(TopologyRequest {})
        .await
        .map(tonic::Response::into_inner)
}
