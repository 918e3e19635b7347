//! The gRPC service: each RPC's place in the state.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status};

use super::Gateway;
use crate::protocol::gateway_server;
use crate::protocol::*;

type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl gateway_server::Gateway for Gateway {
    async fn topology(
        &self,
        _: Request<TopologyRequest>,
    ) -> Result<Response<TopologyResponse>, Status> {
        Ok(Response::new(self.shared.topology.clone()))
    }

    async fn activate_jobs(
        &self,
        request: Request<ActivateJobsRequest>,
    ) -> Result<Response<ResponseStream<ActivateJobsResponse>>, Status> {
        let polled = stream::once(self.clone().poll(request.into_inner()));
        let responses = polled.flat_map(|polled| {
            stream::iter(match polled {
                Ok(responses) => responses.into_iter().map(Ok).collect(),
                Err(status) => vec![Err(status)],
            })
        });
        Ok(Response::new(Box::pin(responses)))
    }

    async fn stream_activated_jobs(
        &self,
        request: Request<StreamActivatedJobsRequest>,
    ) -> Result<Response<ResponseStream<ActivatedJob>>, Status> {
        let pushed = self.open_stream(request.get_ref())?;
        let jobs = stream::try_unfold(pushed, |mut pushed| async {
            let job = pushed.next().await?;
            Ok(job.map(|job| (job, pushed)))
        });
        Ok(Response::new(Box::pin(jobs)))
    }

    async fn create_process_instance_with_result(
        &self,
        request: Request<CreateProcessInstanceWithResultRequest>,
    ) -> Result<Response<CreateProcessInstanceWithResultResponse>, Status> {
        let result = self.create_with_result(request.into_inner());
        result.await.map(Response::new)
    }

    async fn create_process_instance(
        &self,
        request: Request<CreateProcessInstanceRequest>,
    ) -> Result<Response<CreateProcessInstanceResponse>, Status> {
        self.change(|state| state.create_instance(request.get_ref()))
    }

    async fn deploy_resource(
        &self,
        request: Request<DeployResourceRequest>,
    ) -> Result<Response<DeployResourceResponse>, Status> {
        self.change(|state| state.deploy(request.get_ref()))
    }

    async fn deploy_process(
        &self,
        request: Request<DeployProcessRequest>,
    ) -> Result<Response<DeployProcessResponse>, Status> {
        self.change(|state| state.deploy_processes(request.get_ref()))
    }

    async fn delete_resource(
        &self,
        request: Request<DeleteResourceRequest>,
    ) -> Result<Response<DeleteResourceResponse>, Status> {
        self.obey(|state| state.delete_resource(request.get_ref()))
    }

    async fn publish_message(
        &self,
        request: Request<PublishMessageRequest>,
    ) -> Result<Response<PublishMessageResponse>, Status> {
        self.change(|state| state.publish(request.get_ref()))
    }

    async fn broadcast_signal(
        &self,
        request: Request<BroadcastSignalRequest>,
    ) -> Result<Response<BroadcastSignalResponse>, Status> {
        self.change(|state| state.broadcast(request.get_ref()))
    }

    async fn set_variables(
        &self,
        request: Request<SetVariablesRequest>,
    ) -> Result<Response<SetVariablesResponse>, Status> {
        self.change(|state| state.set_variables(request.get_ref()))
    }

    async fn cancel_process_instance(
        &self,
        request: Request<CancelProcessInstanceRequest>,
    ) -> Result<Response<CancelProcessInstanceResponse>, Status> {
        self.obey(|state| state.cancel_instance(request.get_ref()))
    }

    async fn resolve_incident(
        &self,
        request: Request<ResolveIncidentRequest>,
    ) -> Result<Response<ResolveIncidentResponse>, Status> {
        self.obey(|state| state.resolve_incident(request.get_ref()))
    }

    async fn complete_job(
        &self,
        request: Request<CompleteJobRequest>,
    ) -> Result<Response<CompleteJobResponse>, Status> {
        self.obey(|state| state.complete_job(request.get_ref()))
    }

    async fn fail_job(
        &self,
        request: Request<FailJobRequest>,
    ) -> Result<Response<FailJobResponse>, Status> {
        self.obey(|state| state.fail_job(request.get_ref()))
    }

    async fn throw_error(
        &self,
        request: Request<ThrowErrorRequest>,
    ) -> Result<Response<ThrowErrorResponse>, Status> {
        self.obey(|state| state.throw_error(request.get_ref()))
    }

    async fn update_job_retries(
        &self,
        request: Request<UpdateJobRetriesRequest>,
    ) -> Result<Response<UpdateJobRetriesResponse>, Status> {
        self.obey(|state| state.update_retries(request.get_ref()))
    }

    async fn update_job_timeout(
        &self,
        request: Request<UpdateJobTimeoutRequest>,
    ) -> Result<Response<UpdateJobTimeoutResponse>, Status> {
        self.obey(|state| state.update_timeout(request.get_ref()))
    }
}
