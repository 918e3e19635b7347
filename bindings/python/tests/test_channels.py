"""The channel functions, the environment, and what a channel can be asked."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import pyzeebe
import pyzeebe.channel.utils
import pyzeebe.credentials.oauth
from pyzeebe.proto.gateway_pb2 import TopologyRequest

import libzeebe
from conftest import Gateway, run, stub_of
from libzeebe import ConnectionOptions, TokenOptions

FUNCTIONS = [
    "create_insecure_channel",
    "create_secure_channel",
    "create_oauth2_client_credentials_channel",
    "create_camunda_cloud_channel",
]
UTILITIES = [name for name in dir(pyzeebe.channel.utils) if name.startswith("get_")]


def signature(function: Callable[..., Any], of: Any = None) -> list[tuple[str, Any, Any]]:
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.default, p.kind) for p in parameters if p.kind is not p.KEYWORD_ONLY and p.name != "self"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_functions_have_pyzeebes_signatures(name: str) -> None:
    assert signature(getattr(libzeebe, name)) == signature(getattr(pyzeebe, name))


@pytest.mark.parametrize("name", UTILITIES)
def test_the_utilities_have_pyzeebes_signatures(name: str) -> None:
    assert len(UTILITIES) == 8
    assert signature(getattr(libzeebe, name)) == signature(getattr(pyzeebe.channel.utils, name))


@pytest.mark.parametrize("name", ["OAuth2MetadataPlugin", "Oauth2ClientCredentialsMetadataPlugin"])
def test_the_plugins_have_pyzeebes_signatures(name: str) -> None:
    ours, theirs = getattr(libzeebe, name), getattr(pyzeebe.credentials.oauth, name)
    assert signature(ours.__init__) == signature(theirs.__init__)
    assert issubclass(ours, grpc.AuthMetadataPlugin)


def test_an_argument_comes_before_the_environment_and_unset_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEEBE_ADDRESS", "of.the.environment:1")
    assert libzeebe.create_insecure_channel().describe()["target"] == "of.the.environment:1"
    assert libzeebe.create_insecure_channel("UNSET").describe()["target"] == "of.the.environment:1"
    assert libzeebe.create_insecure_channel("an.argument:2").describe()["target"] == "an.argument:2"


def test_a_missing_setting_has_pyzeebes_words() -> None:
    with pytest.raises(libzeebe.SettingsError, match=r"^No CAMUNDA_CLIENT_ID or ZEEBE_CLIENT_ID provided!$") as raised:
        libzeebe.create_oauth2_client_credentials_channel()
    assert raised.value.status is grpc.StatusCode.FAILED_PRECONDITION
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (str(copy), copy.facts) == (str(raised.value), raised.value.facts)


def test_messages_name_options_as_python_does() -> None:
    arguments = ("gateway.example:1", "id", "secret", "http://far.example/token")
    with pytest.raises(libzeebe.InvalidArgumentError, match=r"TokenOptions\.allow_insecure_token_url") as raised:
        libzeebe.create_oauth2_client_credentials_channel(*arguments, audience=None)
    assert raised.value.facts.option == "TokenOptions.allow_insecure_token_url"
    assert "token_options" not in str(raised.value)
    options = TokenOptions(allow_insecure_token_url=True)
    libzeebe.create_oauth2_client_credentials_channel(*arguments, audience=None, token_options=options)


def test_what_cannot_be_an_argument_is_refused() -> None:
    create = libzeebe.create_insecure_channel
    refused: list[tuple[type[Exception], Callable[[], Any]]] = [
        (TypeError, lambda: create(1)),  # type: ignore[arg-type]
        (ValueError, lambda: create("a\0b")),
        (TypeError, lambda: create("a:1", [("grpc.keepalive_time_ms", 1.5)])),
        (ValueError, lambda: create("a:1", [("grpc.keepalive_time_ms", 2**31)])),
        (ValueError, lambda: create("a:1", [("grpc.keepalive_time_ms", 2**70)])),
        (ValueError, lambda: create("a:1", connection_options=ConnectionOptions(timeout=0))),
        (ValueError, lambda: create("a:1", connection_options=ConnectionOptions(timeout=float("nan")))),
        (ValueError, lambda: create("a:1", connection_options=ConnectionOptions(metadata=[("grpc-timeout", "1S")]))),
        (TypeError, lambda: create("a:1", connection_options=ConnectionOptions(metadata=[("key", 1)]))),  # type: ignore[list-item]
        (TypeError, lambda: libzeebe.create_secure_channel("a:1", channel_credentials=object())),  # type: ignore[arg-type]
        (ValueError, lambda: libzeebe.Oauth2ClientCredentialsMetadataPlugin("", "secret", "https://far.example")),
        (ValueError, lambda: libzeebe.Oauth2ClientCredentialsMetadataPlugin("id", "secret", "https://far.example", leeway=-1)),
        (ValueError, lambda: libzeebe.OAuth2MetadataPlugin(None, None)),  # type: ignore[arg-type]
    ]
    for kind, make in refused:
        with pytest.raises(kind):
            make()


def test_no_secret_is_shown() -> None:
    channel = libzeebe.create_oauth2_client_credentials_channel(
        "gateway.example:1", "id", "hush-hush", "https://far.example/token", None, None, token_options=TokenOptions(private_key=None)
    )
    assert "hush-hush" not in str(channel.describe()) + str(channel.stats()) + repr(channel)
    metadata = [("authorization", "Bearer hush-hush")]
    for options in (
        libzeebe.ConnectionOptions(metadata=metadata, timeout=5),
        libzeebe.JobStreamOptions(metadata=grpc.aio.Metadata(*metadata), watchdog=5),
        libzeebe.WorkerOptions(metadata=metadata, grace=5),
        libzeebe.TokenOptions(private_key="hush-hush", http_proxy="http://user:hush-hush@proxy:1"),
    ):
        assert "hush-hush" not in repr(options) + str(options) + f"{[options]}"
        assert isinstance(options, libzeebe.TokenOptions) or "=5" in repr(options)


def test_channels_count_for_prometheus(gateway: Gateway) -> None:
    async def main() -> None:
        idle = libzeebe.create_insecure_channel("gateway.example:1")
        async with libzeebe.create_insecure_channel(gateway.address()) as used:
            await stub_of(used).Topology(TopologyRequest())
            text = libzeebe.prometheus_text(used, idle)
            assert 'grpc_status="OK"} 1\n' in text and '{channel="1",grpc_target="gateway.example:1"' in text
            assert text.count("# TYPE zeebe_channel_calls_ended_total counter") == 1
        assert "{" not in libzeebe.prometheus_text()
        await idle.close()

    run(main())


def test_the_environment_chooses_the_channel(monkeypatch: pytest.MonkeyPatch, gateway: Gateway) -> None:
    monkeypatch.setenv("ZEEBE_ADDRESS", gateway.address())
    monkeypatch.setenv("ZEEBE_INSECURE_CONNECTION", "true")

    async def main() -> None:
        async with libzeebe.create_channel_from_environment() as channel:
            assert channel.describe()["kind"] == "insecure"
            assert (await stub_of(channel).Topology(TopologyRequest())).partitionsCount == 1

    run(main())


def test_connectivity(gateway: Gateway) -> None:
    async def main() -> None:
        channel = libzeebe.create_insecure_channel(gateway.address())
        assert channel.get_state() is grpc.ChannelConnectivity.IDLE
        changed = asyncio.ensure_future(channel.wait_for_state_change(grpc.ChannelConnectivity.IDLE))
        await asyncio.sleep(0)
        assert not changed.done()
        channel.get_state(try_to_connect=True)
        await changed
        await channel.channel_ready()
        assert channel.get_state() is grpc.ChannelConnectivity.READY
        await channel.close()
        assert channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN
        await channel.close()
        with pytest.raises(grpc.aio.UsageError):
            stub_of(channel).Topology(TopologyRequest())
        with pytest.raises(grpc.aio.UsageError):
            await channel.channel_ready()
        with pytest.raises(grpc.aio.UsageError):
            await channel.wait_for_state_change(grpc.ChannelConnectivity.SHUTDOWN)

    run(main())


def test_a_target_of_no_use_says_so() -> None:
    async def main() -> None:
        channel = libzeebe.create_insecure_channel("a b:1")
        assert channel.describe()["problem"]
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub_of(channel).Topology(TopologyRequest(), wait_for_ready=True)
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(libzeebe.ZeebeError):
            await channel.channel_ready()

    run(main())
