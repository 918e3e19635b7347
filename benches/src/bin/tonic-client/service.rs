//! What the calls go through: tonic's Channel, or a token before it, as an interceptor adds it.

use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use zeebe_benches::Outcome;
use zeebe_benches::run::Run;

/// What a generated client wants of what it calls through.
pub(crate) trait Service:
    GrpcService<
        Body,
        Future: Send,
        Error: Into<StdError>,
        ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
    > + Clone
    + Send
    + 'static
{
    fn over(channel: Channel, run: &Run) -> Outcome<Self>;
}

impl Service for Channel {
    fn over(channel: Channel, _run: &Run) -> Outcome<Self> {
        Ok(channel)
    }
}

pub(crate) type WithToken = InterceptedService<Channel, Bearer>;

impl Service for WithToken {
    fn over(channel: Channel, run: &Run) -> Outcome<Self> {
        let token = run.token.as_deref().ok_or("there is no token")?;
        let bearer = Bearer(format!("Bearer {token}").parse()?);
        Ok(InterceptedService::new(channel, bearer))
    }
}

#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.0.clone();
        request.metadata_mut().insert("authorization", token);
        Ok(request)
    }
}
