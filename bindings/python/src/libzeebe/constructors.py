"""The channel functions: pyzeebe's four, with its signatures and defaults, and one that goes by the environment alone.

Arguments, then the environment, then the default. `"UNSET"`, None and `""` are not given, but for `scope` and `audience`, whose None and `""` say that
there is none. What comes after the asterisk pyzeebe does not have. A channel does no I/O until its first call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio

from ._arguments import DEFAULT_LEEWAY, UNSET, Arguments
from ._arguments import expire_in as whole_expire_in
from ._arguments import leeway as whole_leeway
from ._native import ffi, lib
from .channel import Channel
from .credentials import ChannelCredentials, native_credentials
from .errors import check
from .options import ConnectionOptions, TokenOptions

Interceptors = Sequence[grpc.aio.ClientInterceptor]
ChannelOptions = Sequence[tuple[str, Any]]


def create_insecure_channel(
    grpc_address: str = UNSET,
    channel_options: ChannelOptions | None = None,
    *,
    connection_options: ConnectionOptions | None = None,
    interceptors: Interceptors | None = None,
) -> Channel:
    """A channel without TLS.

    Args:
        grpc_address: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL; else `ZEEBE_ADDRESS`, else `localhost:26500`.
        channel_options: gRPC channel arguments. Of duplicates the first counts.
        connection_options: What pyzeebe does not have.
        interceptors: Client interceptors of grpc.aio.
    """
    memory = Arguments()
    native = memory.struct(
        "zeebe_insecure_channel_options",
        **memory.named(grpc_address=grpc_address),
        **_connection(memory, channel_options, connection_options),
    )
    return _channel(lambda out: lib.zeebe_create_insecure_channel(native, out), None, interceptors)


def create_secure_channel(
    grpc_address: str = UNSET,
    channel_options: ChannelOptions | None = None,
    channel_credentials: grpc.ChannelCredentials | None = None,
    *,
    connection_options: ConnectionOptions | None = None,
    interceptors: Interceptors | None = None,
) -> Channel:
    """A channel secured by `channel_credentials`: grpc.ssl_channel_credentials() with the platform's roots by default. Otherwise as
    create_insecure_channel()."""
    memory = Arguments()
    credentials = _credentials(channel_credentials)
    native = memory.struct(
        "zeebe_secure_channel_options",
        **memory.named(grpc_address=grpc_address),
        **_connection(memory, channel_options, connection_options),
        channel_credentials=credentials.native,
    )
    return _channel(lambda out: lib.zeebe_create_secure_channel(native, out), credentials, interceptors)


def create_oauth2_client_credentials_channel(
    grpc_address: str = UNSET,
    client_id: str = UNSET,
    client_secret: str = UNSET,
    authorization_server: str = UNSET,
    scope: str | None = UNSET,
    audience: str | None = UNSET,
    channel_credentials: grpc.ChannelCredentials | None = None,
    channel_options: ChannelOptions | None = None,
    leeway: int = DEFAULT_LEEWAY,
    expire_in: int | None = None,
    *,
    token_options: TokenOptions | None = None,
    connection_options: ConnectionOptions | None = None,
    interceptors: Interceptors | None = None,
) -> Channel:
    """A channel whose every call carries an OAuth2 token (Camunda 8 Self-Managed), fetched with the first call.

    Wrong credentials are no error here: they end the first call, or Channel.retrieve_token().

    Args:
        grpc_address: Else `ZEEBE_ADDRESS`, else the cluster's in Camunda's cloud, if its variables are set, else `localhost:26500`.
        client_id: Else `CAMUNDA_CLIENT_ID` or `ZEEBE_CLIENT_ID`.
        client_secret: Else `CAMUNDA_CLIENT_SECRET` or `ZEEBE_CLIENT_SECRET`.
        authorization_server: The token URL; else `CAMUNDA_OAUTH_URL` or `ZEEBE_AUTHORIZATION_SERVER_URL`.
        scope: Of the token. None: none.
        audience: Of the token; else `CAMUNDA_TOKEN_AUDIENCE` or `ZEEBE_TOKEN_AUDIENCE`. None: none.
        channel_credentials: Else grpc.ssl_channel_credentials().
        channel_options: gRPC channel arguments.
        leeway: Seconds before its expiry that a token counts as expired; where it is not given, 60 s, and at most half of the token's life.
        expire_in: Seconds that a token is good which does not say so itself.
        token_options: How the token endpoint is asked.
        connection_options: What every call starts from.
        interceptors: Client interceptors of grpc.aio.

    Raises:
        SettingsError: A required value is neither an argument nor a variable.
    """
    memory = Arguments()
    credentials = _credentials(channel_credentials)
    oauth2 = {
        **memory.named(client_id=client_id, client_secret=client_secret, authorization_server=authorization_server),
        **memory.named_or_none(scope=scope, audience=audience),
        **_token(memory, leeway, expire_in, token_options),
        **_connection(memory, channel_options, connection_options),
        "channel_credentials": credentials.native,
    }
    native = memory.struct("zeebe_oauth2_client_credentials_channel_options", **memory.named(grpc_address=grpc_address), **oauth2)
    return _channel(lambda out: lib.zeebe_create_oauth2_client_credentials_channel(native, out), credentials, interceptors)


def create_camunda_cloud_channel(
    client_id: str = UNSET,
    client_secret: str = UNSET,
    cluster_id: str = UNSET,
    region: str = UNSET,
    authorization_server: str = UNSET,
    scope: str | None = UNSET,
    audience: str | None = UNSET,
    channel_credentials: grpc.ChannelCredentials | None = None,
    channel_options: ChannelOptions | None = None,
    leeway: int = DEFAULT_LEEWAY,
    expire_in: int | None = None,
    *,
    token_options: TokenOptions | None = None,
    connection_options: ConnectionOptions | None = None,
    interceptors: Interceptors | None = None,
) -> Channel:
    """A channel to a cluster in Camunda's cloud; `ZEEBE_ADDRESS` is not read. Otherwise as create_oauth2_client_credentials_channel().

    Args:
        cluster_id: Else `CAMUNDA_CLUSTER_ID`.
        region: Else `CAMUNDA_CLUSTER_REGION`, else `bru-2`.
        authorization_server: Else by the environment, else `https://login.cloud.camunda.io/oauth/token`.
        audience: Else by the environment, else `zeebe.camunda.io`.
    """
    memory = Arguments()
    credentials = _credentials(channel_credentials)
    oauth2 = {
        **memory.named(client_id=client_id, client_secret=client_secret, authorization_server=authorization_server),
        **memory.named_or_none(scope=scope, audience=audience),
        **_token(memory, leeway, expire_in, token_options),
        **_connection(memory, channel_options, connection_options),
        "channel_credentials": credentials.native,
    }
    oauth2["size"] = ffi.sizeof("zeebe_oauth2_client_credentials_channel_options")
    native = memory.struct("zeebe_camunda_cloud_channel_options", **memory.named(cluster_id=cluster_id, region=region), oauth2=oauth2)
    return _channel(lambda out: lib.zeebe_create_camunda_cloud_channel(native, out), credentials, interceptors)


def create_channel_from_environment(*, connection_options: ConnectionOptions | None = None, interceptors: Interceptors | None = None) -> Channel:
    """One of the four, by the variables alone: pyzeebe's, and all of Camunda's official clients that a channel can use, in the order that docs/moving.md
    gives. Of those that are set and not used Channel.describe() says why, under `unused_variables`."""
    memory = Arguments()
    native = _options(memory, connection_options)
    return _channel(lambda out: lib.zeebe_create_channel_from_environment(native, out), None, interceptors)


def _token(memory: Arguments, leeway: int, expire_in: int | None, options: TokenOptions | None) -> dict[str, Any]:
    return {
        "leeway": whole_leeway(leeway),
        "expire_in": whole_expire_in(expire_in),
        "token_options": options.native(memory) if options else ffi.NULL,
    }


def _connection(memory: Arguments, channel_options: ChannelOptions | None, options: ConnectionOptions | None) -> dict[str, Any]:
    natives, count = memory.channel_options(channel_options)
    return {"channel_options": natives, "channel_options_count": count, "connection_options": _options(memory, options)}


def _credentials(credentials: grpc.ChannelCredentials | None) -> ChannelCredentials:
    return ChannelCredentials(ffi.NULL) if credentials is None else native_credentials(credentials)


def _options(memory: Arguments, options: ConnectionOptions | None) -> Any:
    return (options or ConnectionOptions()).native(memory)


def _channel(create: Callable[[Any], Any], credentials: ChannelCredentials | None, interceptors: Interceptors | None) -> Channel:
    out = ffi.new("zeebe_channel **")
    check(create(out))
    native = ffi.gc(out[0], lib.zeebe_channel_free)
    return Channel(native, credentials.foreign if credentials else (), interceptors or ())
