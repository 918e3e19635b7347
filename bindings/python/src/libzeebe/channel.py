"""The channel: a grpc.aio.Channel over the library, on which any grpc.aio stub runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import grpc
import grpc.aio

from ._call import Deserializer, Serializer, Settings, Start, State
from ._interceptors import intercepted
from ._native import ffi, lib
from ._plugins import metadata_of
from ._queue import wait
from ._streams import StreamStream, StreamUnary, UnaryStream
from ._unary import UnaryUnary
from .errors import ErrorKind, ErrorSource, Facts, RpcError, ZeebeError, check, closed
from .jobs import JobStream, JobStreamOptions, stream_jobs

T = TypeVar("T")

_STATES = {state.value[0]: state for state in grpc.ChannelConnectivity}

# A wait that was given up goes on in the library, no longer than this.
_WAIT_MS = 10_000


class Channel(grpc.aio.Channel):
    """A virtual connection to a gateway, made by the channel functions. It belongs to no event loop: a call belongs to the one it is made on.

    A channel that is dropped without close() ends nothing: its calls go on, then its connections close.
    """

    def __init__(self, native: Any, foreign: Sequence[grpc.AuthMetadataPlugin], interceptors: Sequence[grpc.aio.ClientInterceptor]) -> None:
        self.native = native
        self.foreign = tuple(foreign)
        """Plugins that the library has not, asked before each call."""
        self._interceptors = tuple(interceptors)
        self._pending: set[asyncio.Task[None]] = set()
        self._authority: str | None = None

    # ---- calls ----

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return self._method(UnaryUnary, method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return self._method(UnaryStream, method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return self._method(StreamUnary, method, request_serializer, response_deserializer)

    def stream_stream(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return self._method(StreamStream, method, request_serializer, response_deserializer)

    def _method(self, kind: Callable[[Start], Any], method: str | bytes, serializer: Serializer, deserializer: Deserializer) -> Any:
        start = Start(self, method, serializer, deserializer)
        return intercepted(kind(start), start, self._interceptors)

    def begin(self, state: State, start: Start, settings: Settings, begin: Callable[[], None]) -> None:
        """Begins a call, at once unless plugins are asked first that the library has not."""
        if settings.is_late:
            state.end_late()
            return
        plugins = self.foreign + settings.foreign
        if not plugins:
            begin()
            return
        if self.describe()["security"] == "plaintext":
            raise ValueError("call credentials are not sent in plaintext: use a secure channel")
        task = state.loop.create_task(self._begin_with_plugins(state, start, settings, plugins, begin))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _begin_with_plugins(
        self, state: State, start: Start, settings: Settings, plugins: tuple[grpc.AuthMetadataPlugin, ...], begin: Callable[[], None]
    ) -> None:
        try:
            remaining = None if state.deadline is None else settings.timeout
            metadata = await asyncio.wait_for(metadata_of(plugins, self._service_authority(), start.method), remaining)
            if state.is_ended:
                return
            own = list(settings.metadata or ())
            keys = {key for key, _ in own}
            settings.metadata = own + [pair for pair in metadata if pair[0] not in keys]
            if state.deadline is not None:
                settings.timeout = state.deadline - time.monotonic()
                if settings.is_late:
                    state.end_late()
                    return
            begin()
        except (TimeoutError, asyncio.TimeoutError):
            state.end_late()
        except Exception as error:
            text = f"the call's credentials: {type(error).__name__}: {error}"
            state.end(RpcError(grpc.StatusCode.UNAVAILABLE, details=text, debug_error_string=text, facts=Facts(ErrorKind.RPC, ErrorSource.CALLER)))

    def _service_authority(self) -> str:
        if self._authority is None:
            self._authority = str(self.describe()["target"]).rpartition("/")[2].removesuffix(":443")
        return self._authority

    def stream_jobs(self, request: Any, response_deserializer: Callable[[bytes], T], options: JobStreamOptions | None = None) -> JobStream[T]:
        """The jobs of one type, for as long as the program wants: an asynchronous iterator of what `response_deserializer` makes of an encoded
        ActivatedJob. `request` is a StreamActivatedJobsRequest, of any stub, or its bytes.

        The stream is opened anew after it is lost, or fails with what may pass; beside it ActivateJobs finds jobs that it missed; a gateway that has no
        job streams is polled. What cannot pass, PERMISSION_DENIED say, is raised. A job that came may come again, once its time-out has passed.
        """
        return stream_jobs(self.native, request, response_deserializer, options or JobStreamOptions())

    # ---- connectivity ----

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        state = ffi.new("int32_t *")
        error = lib.zeebe_channel_get_state(self.native, int(try_to_connect), state)
        if error:
            lib.zeebe_error_free(error)  # the runtime was shut down
            return grpc.ChannelConnectivity.SHUTDOWN
        return _STATES[state[0]]

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Until the state is another. It does not connect: get_state(True) does."""
        last: int = last_observed_state.value[0]
        while True:
            waiter = await wait(lambda queue, tag: lib.zeebe_channel_wait_for_state_change_on_queue(self.native, last, _WAIT_MS, queue, tag))
            if waiter.error is None:
                return
            if not _is_late(waiter.error):
                if last_observed_state is not grpc.ChannelConnectivity.SHUTDOWN:
                    return  # that is a change
                raise closed("Channel is closed.")

    async def channel_ready(self) -> None:
        """Connects, and waits through failures until the channel is ready."""
        while True:
            waiter = await wait(lambda queue, tag: lib.zeebe_channel_wait_ready_on_queue(self.native, _WAIT_MS, queue, tag))
            if waiter.error is None:
                return
            if not _is_late(waiter.error):
                if isinstance(waiter.error, ZeebeError) and waiter.error.kind == ErrorKind.SHUTDOWN:
                    raise closed("Channel is closed.")
                raise waiter.error

    # ---- the end ----

    async def close(self, grace: float | None = None) -> None:
        """New calls fail at once; running ones get so many seconds, then are cancelled. Returns when they have ended."""
        milliseconds = 0 if grace is None else max(0, int(grace * 1000))
        waiter = await wait(lambda queue, tag: lib.zeebe_channel_close_on_queue(self.native, milliseconds, queue, tag))
        # What the end of the runtime has closed needs no more.
        if isinstance(waiter.error, ZeebeError) and waiter.error.status not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            raise waiter.error

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ---- what it is and does ----

    def describe(self) -> dict[str, Any]:
        """The settings with their origin, the options and the token's state: `version` 1, `kind`, `target`, `security`, `settings`,
        `channel_options`, `oauth2`, `problem`. No secret is in it."""
        return self._json(lib.zeebe_channel_describe)

    def stats(self) -> dict[str, Any]:
        """What happened since the channel was made: calls, job streams, connections, tokens. zeebe.h says what is in it."""
        return self._json(lib.zeebe_channel_stats)

    def _json(self, function: Any) -> dict[str, Any]:
        out = ffi.new("char **")
        check(function(self.native, out))
        try:
            value: dict[str, Any] = json.loads(ffi.string(out[0]))
        finally:
            lib.zeebe_string_free(out[0])
        return value

    async def retrieve_token(self) -> None:
        """Fetches a token, even if there is a good one; needs no gateway.

        InvalidOAuthCredentialsError: the endpoint refused the client. ZeebeError: it cannot be reached, or the channel has no OAuth.
        """
        waiter = await wait(lambda queue, tag: lib.zeebe_channel_retrieve_token_on_queue(self.native, queue, tag))
        if waiter.error is not None:
            raise waiter.error


def _is_late(error: Exception) -> bool:
    return isinstance(error, ZeebeError) and error.status is grpc.StatusCode.DEADLINE_EXCEEDED
