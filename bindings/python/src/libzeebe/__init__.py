"""A gRPC channel to a Zeebe gateway: pyzeebe's channel functions, over libzeebe.

The channels are grpc.aio.Channels: pyzeebe's client and worker, and any grpc.aio stub, run on them unchanged.
"""

from ._native import ffi as _ffi
from ._native import lib as _lib
from .channel import Channel
from .constructors import (
    create_camunda_cloud_channel,
    create_channel_from_environment,
    create_insecure_channel,
    create_oauth2_client_credentials_channel,
    create_secure_channel,
)
from .credentials import Oauth2ClientCredentialsMetadataPlugin, OAuth2MetadataPlugin
from .environment import (
    get_camunda_address,
    get_camunda_client_id,
    get_camunda_client_secret,
    get_camunda_cluster_id,
    get_camunda_cluster_region,
    get_camunda_oauth_url,
    get_camunda_token_audience,
    get_zeebe_address,
)
from .errors import (
    ErrorKind,
    ErrorSource,
    InvalidArgumentError,
    InvalidOAuthCredentialsError,
    RpcError,
    SettingsError,
    ZeebeError,
)
from .job import BusinessError, Job, JobEnd, JobOutcome
from .jobs import JobStream, JobStreamOptions
from .log import set_log_level
from .options import ClientAuthentication, ConnectionOptions, TokenOptions
from .worker import JobWorker, WorkerOptions, prometheus_text

__version__: str = _ffi.string(_lib.zeebe_version()).decode()

__all__ = [
    "BusinessError",
    "Channel",
    "ClientAuthentication",
    "ConnectionOptions",
    "ErrorKind",
    "ErrorSource",
    "InvalidArgumentError",
    "InvalidOAuthCredentialsError",
    "Job",
    "JobEnd",
    "JobOutcome",
    "JobStream",
    "JobStreamOptions",
    "JobWorker",
    "OAuth2MetadataPlugin",
    "Oauth2ClientCredentialsMetadataPlugin",
    "RpcError",
    "SettingsError",
    "TokenOptions",
    "WorkerOptions",
    "ZeebeError",
    "create_camunda_cloud_channel",
    "create_channel_from_environment",
    "create_insecure_channel",
    "create_oauth2_client_credentials_channel",
    "create_secure_channel",
    "get_camunda_address",
    "get_camunda_client_id",
    "get_camunda_client_secret",
    "get_camunda_cluster_id",
    "get_camunda_cluster_region",
    "get_camunda_oauth_url",
    "get_camunda_token_audience",
    "get_zeebe_address",
    "prometheus_text",
    "set_log_level",
]
