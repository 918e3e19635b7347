"""Metadata plugins, the library's and others: what authenticates calls.

gRPC hides what its credentials are made of; what is read of them here, and nothing else of gRPC's insides is, stands in `plugins_of` and
credentials.py's `native_credentials`.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple, cast

import grpc

from ._metadata import MetadataValue


def unreadable(what: str, instead: str) -> TypeError:
    """Of credentials of another kind, or of a grpcio that makes them of other parts."""
    return TypeError(f"{what}, of grpcio {grpc.__version__}, whose credentials are known from 1.60 to 1.85: use one of these, or {instead}")


class NativePlugin(grpc.AuthMetadataPlugin):
    """A plugin that the library has."""

    native: Any


class Context(NamedTuple):
    """Of grpc.AuthMetadataContext."""

    service_url: str
    method_name: str


def plugins_of(credentials: grpc.CallCredentials) -> tuple[grpc.AuthMetadataPlugin, ...]:
    """The plugins that call credentials are made of, in their order."""
    return _plugins(getattr(credentials, "_credentials", None))


def _plugins(inner: Any) -> tuple[grpc.AuthMetadataPlugin, ...]:
    composed = getattr(inner, "_call_credentialses", None)
    if composed is not None:
        return tuple(plugin for one in composed for plugin in _plugins(one))
    plugin: Any = getattr(inner, "_metadata_plugin", None)
    # grpc wraps a plugin in one of its own, once or more.
    while hasattr(plugin, "_metadata_plugin"):
        plugin = plugin._metadata_plugin
    if plugin is None or type(plugin).__module__ == "grpc._plugin_wrapping":
        raise unreadable(
            f"call credentials must be made with grpc.metadata_call_credentials() or grpc.access_token_call_credentials(); these are {type(inner).__name__}",
            "send the metadata with each call",
        )
    return (cast(grpc.AuthMetadataPlugin, plugin),)


async def metadata_of(plugins: tuple[grpc.AuthMetadataPlugin, ...], authority: str, method: str) -> list[tuple[str, MetadataValue]]:
    """What plugins would add to a call. They may block, so each runs in the loop's executor, as gRPC runs them in threads."""
    service, _, name = method.rpartition("/")
    context = Context(f"https://{authority}{service}", name)
    pairs: dict[str, list[tuple[str, MetadataValue]]] = {}
    for plugin in plugins:
        added: dict[str, list[tuple[str, MetadataValue]]] = {}
        for key, value in await _ask(plugin, context):
            added.setdefault(key, []).append((key, value))
        pairs.update(added)  # of several plugins the later wins, key by key
    return [pair for of_key in pairs.values() for pair in of_key]


async def _ask(plugin: grpc.AuthMetadataPlugin, context: Context) -> tuple[tuple[str, MetadataValue], ...]:
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[tuple[tuple[str, MetadataValue], ...]] = loop.create_future()

    def answer(metadata: Any, error: Exception | None) -> None:
        if answered.done():
            return
        if error is None:
            answered.set_result(tuple(metadata))
        else:
            answered.set_exception(error)

    def callback(metadata: Any, error: Exception | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(answer, metadata, error)

    await loop.run_in_executor(None, plugin, cast(Any, context), cast(Any, callback))
    return await answered
