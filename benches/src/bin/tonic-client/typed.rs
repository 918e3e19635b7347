//! tonic as most programs use it: the client generated from the protocol.

use tonic::transport::Channel;
use zeebe_benches::protocol::gateway_client::GatewayClient;
use zeebe_benches::protocol::{StreamActivatedJobsRequest, TopologyRequest};

use crate::{Gateway, request};

#[derive(Clone)]
pub(crate) struct Typed(GatewayClient<Channel>);

impl Gateway for Typed {
    fn new(channel: Channel) -> Self {
        Self(GatewayClient::new(channel))
    }

    async fn topology(&mut self) -> Result<(), tonic::Status> {
        self.0.topology(request(TopologyRequest {})).await?;
        Ok(())
    }

    async fn jobs(
        &mut self,
        mut on_message: impl FnMut() -> bool + Send,
    ) -> Result<(), tonic::Status> {
        let message = StreamActivatedJobsRequest::default();
        let answer = self.0.stream_activated_jobs(request(message)).await?;
        let mut jobs = answer.into_inner();
        while jobs.message().await?.is_some() && on_message() {}
        Ok(())
    }
}
