"""TLS, tokens and plugins: the library's, pyzeebe's, gRPC's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import grpc
import pytest
from pyzeebe.proto.gateway_pb2 import ActivateJobsRequest, TopologyRequest

import libzeebe
from conftest import PATIENCE, Gateway, run, stub_of

Make = Callable[..., Gateway]


def tls(gateway: Gateway) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(gateway.ca())


def oauth(gateway: Gateway, **arguments: Any) -> libzeebe.Channel:
    given = {"client_id": "demo-client", "client_secret": "demo-secret", "audience": "zeebe-api"} | arguments
    return libzeebe.create_oauth2_client_credentials_channel(
        gateway.address("tls_oauth"), authorization_server=gateway.token_url, channel_credentials=tls(gateway), **given
    )


async def topology(channel: libzeebe.Channel, **arguments: Any) -> None:
    assert (await stub_of(channel).Topology(TopologyRequest(), **arguments)).partitionsCount == 1


def test_fifty_calls_at_once_ask_for_one_token(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main() -> None:
        async with oauth(gateway) as channel:
            await asyncio.gather(*(topology(channel) for _ in range(50)))
            assert channel.stats()["oauth2"]["requests"] == 1

    run(main())


def test_a_wrong_secret_is_refused_and_never_shown(gateway: Gateway) -> None:
    async def main() -> None:
        async with oauth(gateway, client_secret="wrong-hush") as channel:
            with pytest.raises(libzeebe.InvalidOAuthCredentialsError) as refused:
                await channel.retrieve_token()
            with pytest.raises(libzeebe.RpcError) as raised:
                await topology(channel)
            assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert raised.value.facts.kind is libzeebe.ErrorKind.INVALID_OAUTH_CREDENTIALS and not raised.value.facts.is_retryable
            assert "wrong-hush" not in repr(refused.value) + repr(raised.value) + str(channel.describe())
        async with libzeebe.create_insecure_channel(gateway.address()) as plain:
            with pytest.raises(libzeebe.ZeebeError) as illegal:
                await plain.retrieve_token()
            assert illegal.value.kind is libzeebe.ErrorKind.ILLEGAL_STATE

    run(main())


def test_tls_with_grpcs_credentials(gateway: Gateway) -> None:
    async def main() -> None:
        async with libzeebe.create_secure_channel(gateway.address("tls"), channel_credentials=tls(gateway)) as channel:
            await topology(channel)
        key, certificate = (Path(gateway.ports[name]).read_bytes() for name in ("client_key", "client_certificate"))
        mutual = grpc.ssl_channel_credentials(gateway.ca(), key, certificate)
        async with libzeebe.create_secure_channel(gateway.address("mtls"), channel_credentials=mutual) as channel:
            await topology(channel)
        async with libzeebe.create_secure_channel(gateway.address("tls")) as channel:
            with pytest.raises(libzeebe.RpcError):  # the platform's roots
                await topology(channel)
        local = grpc.local_channel_credentials()
        async with libzeebe.create_secure_channel(gateway.address(), channel_credentials=local) as channel:
            await topology(channel)

    run(main())


def test_pyzeebes_plugin_on_a_channel_on_a_call_and_on_grpcios_own_channel(gateway: Gateway) -> None:
    plugin = libzeebe.Oauth2ClientCredentialsMetadataPlugin("demo-client", "demo-secret", gateway.token_url, audience="zeebe-api")
    assert plugin.is_token_expired()
    plugin.retrieve_token()
    assert not plugin.is_token_expired()
    call_credentials = grpc.metadata_call_credentials(plugin)
    composite = grpc.composite_channel_credentials(tls(gateway), call_credentials)

    async def main() -> None:
        address = gateway.address("tls_oauth")
        async with libzeebe.create_secure_channel(address, channel_credentials=composite) as channel:
            await topology(channel)
            assert not channel.foreign
        async with libzeebe.create_secure_channel(address, channel_credentials=tls(gateway)) as channel:
            await topology(channel, credentials=call_credentials)
            with pytest.raises(libzeebe.RpcError) as raised:
                await topology(channel)
            assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
        async with grpc.aio.secure_channel(address, composite) as theirs:
            await topology(theirs)  # type: ignore[arg-type]

    run(main())
    wrong = libzeebe.Oauth2ClientCredentialsMetadataPlugin("demo-client", "wrong", gateway.token_url)
    with pytest.raises(libzeebe.InvalidOAuthCredentialsError):
        wrong.retrieve_token()


def token_of(gateway: Gateway) -> str:
    plugin = libzeebe.Oauth2ClientCredentialsMetadataPlugin("demo-client", "demo-secret", gateway.token_url, audience="zeebe-api")
    given: list[Any] = []
    answer: Any = lambda metadata, error: given.append((metadata, error))  # noqa: E731
    plugin(_Context(), answer)
    ((metadata, error),) = given
    assert error is None
    return str(dict(metadata)["authorization"]).removeprefix("Bearer ")


class _Context(grpc.AuthMetadataContext):
    service_url = "https://localhost/gateway_protocol.Gateway"
    method_name = "Topology"


def test_a_function_of_the_programs_fetches_tokens(gateway: Gateway) -> None:
    token = token_of(gateway)
    threads: list[threading.Thread] = []
    fails = [True]

    def fetch() -> dict[str, Any]:
        threads.append(threading.current_thread())
        if fails[0]:
            raise LookupError("the secret is hush-hush")
        return {"access_token": token, "expires_in": 3600, "scope": ["a", "b"]}

    plugin = libzeebe.OAuth2MetadataPlugin(None, fetch)
    composite = grpc.composite_channel_credentials(tls(gateway), grpc.metadata_call_credentials(plugin))

    async def main() -> None:
        async with libzeebe.create_secure_channel(gateway.address("tls_oauth"), channel_credentials=composite) as channel:
            with pytest.raises(libzeebe.RpcError, match="LookupError") as raised:
                await topology(channel)
            assert raised.value.code() is grpc.StatusCode.UNAVAILABLE and "hush" not in repr(raised.value)
            fails[0] = False
            await asyncio.to_thread(plugin.retrieve_token)
            await topology(channel)

    run(main())
    answers: list[Any] = []
    callback: Any = lambda *answer: answers.append(answer)  # noqa: E731
    plugin(MagicMock(), callback)  # a mock for a context, as programs' tests have, and pyzeebe's
    ((metadata, error),) = answers
    assert (dict(metadata), error) == ({"authorization": f"Bearer {token}"}, None)
    assert len(threads) == 2 and threading.main_thread() not in threads


class Foreign(grpc.AuthMetadataPlugin):
    def __init__(self, token: str, fails: bool = False) -> None:
        self._token = token
        self._fails = fails
        self.contexts: list[Any] = []

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        self.contexts.append(context)
        callback((("authorization", f"Bearer {self._token}"),), RuntimeError("no token") if self._fails else None)


def of_another_grpcio(make: Callable[[Any], Any], inner: str, **parts: Any) -> Any:
    """Credentials whose insides have this name and these parts."""
    return make(type(inner, (), parts)())


@pytest.mark.parametrize(
    "credentials",
    [
        of_another_grpcio(grpc.ChannelCredentials, "SSLChannelCredentials", _roots=b""),
        of_another_grpcio(grpc.ChannelCredentials, "SslCredentials"),
        of_another_grpcio(grpc.ChannelCredentials, "CompositeChannelCredentials", _parts=()),
        object(),
    ],
)
def test_channel_credentials_of_another_grpcio_say_which_are_known(credentials: Any) -> None:
    with pytest.raises(TypeError) as raised:
        libzeebe.create_secure_channel("localhost:1", channel_credentials=credentials)
    said = str(raised.value)
    assert f"grpcio {grpc.__version__}" in said and "1.60 to 1.85" in said and "CAMUNDA_CA_CERTIFICATE_PATH" in said


def test_call_credentials_of_another_grpcio_say_which_are_known(gateway: Gateway) -> None:
    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            wrapped = type("_Plugin", (), {"__module__": "grpc._plugin_wrapping"})()
            for parts in ({"_plugin": 1}, {"_metadata_plugin": wrapped}):
                credentials = of_another_grpcio(grpc.CallCredentials, "MetadataPluginCallCredentials", **parts)
                with pytest.raises(TypeError, match=r"1\.60 to 1\.85") as raised:
                    stub_of(channel).Topology(TopologyRequest(), credentials=credentials)
                assert "MetadataPluginCallCredentials" in str(raised.value)

    run(main())


def test_a_plugin_without_a_thread_is_none() -> None:
    """In a process of its own, where no source was before."""
    program = """
import threading, libzeebe
start = threading.Thread.start
def fails(thread):
    raise RuntimeError("can't start new thread")
fetched = []
def fetch():
    fetched.append(True)
    return {"access_token": "a", "expires_in": 60}
threading.Thread.start = fails
try:
    libzeebe.OAuth2MetadataPlugin(None, fetch)
    raise AssertionError("it has begun")
except RuntimeError as error:
    assert "thread" in str(error), error
threading.Thread.start = start
libzeebe.OAuth2MetadataPlugin(None, fetch).retrieve_token()
assert fetched
"""
    subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", program], check=True, timeout=PATIENCE)


def test_a_plugin_that_the_library_has_not(gateway: Gateway) -> None:
    token = token_of(gateway)
    plugin = Foreign(token)
    composite = grpc.composite_channel_credentials(tls(gateway), grpc.metadata_call_credentials(plugin))

    async def main() -> None:
        address = gateway.address("tls_oauth")
        async with libzeebe.create_secure_channel(address, channel_credentials=composite) as channel:
            await topology(channel)
            await topology(channel, timeout=10)
            request = ActivateJobsRequest(type="a", worker="w", timeout=1000, maxJobsToActivate=1, requestTimeout=-1)
            assert [answer async for answer in stub_of(channel).ActivateJobs(request)] == []
            call = stub_of(channel).Topology(TopologyRequest())
            call.cancel()
            assert await call.code() is grpc.StatusCode.CANCELLED
        assert plugin.contexts[0].method_name == "Topology"
        assert plugin.contexts[0].service_url == f"https://{address}/gateway_protocol.Gateway"
        async with libzeebe.create_secure_channel(address, channel_credentials=tls(gateway)) as channel:
            await topology(channel, credentials=grpc.access_token_call_credentials(token))
            with pytest.raises(libzeebe.RpcError) as raised:
                await topology(channel, credentials=grpc.metadata_call_credentials(Foreign(token, fails=True)))
            assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            with pytest.raises(ValueError, match="plaintext"):
                await topology(channel, credentials=grpc.access_token_call_credentials(token))

    run(main())
