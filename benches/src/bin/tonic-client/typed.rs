//! tonic as most programs use it: the client generated from the protocol.

use tonic::Status;
use zeebe_benches::protocol::gateway_client::GatewayClient;
use zeebe_benches::protocol::{StreamActivatedJobsRequest, TopologyRequest};

use crate::service::Service;
use crate::{Gateway, request};

#[derive(Clone)]
pub(crate) struct Typed<S>(GatewayClient<S>);

impl<S: Service> Gateway for Typed<S> {
    type Service = S;

    fn new(service: S) -> Self {
        Self(GatewayClient::new(service))
    }

    async fn topology(&mut self) -> Result<(), Status> {
        self.0.topology(request(TopologyRequest {})).await?;
        Ok(())
    }

    async fn jobs(&mut self, mut on_message: impl FnMut() -> bool + Send) -> Result<(), Status> {
        let message = StreamActivatedJobsRequest::default();
        let answer = self.0.stream_activated_jobs(request(message)).await?;
        let mut jobs = answer.into_inner();
        while jobs.message().await?.is_some() && on_message() {}
        Ok(())
    }
}
