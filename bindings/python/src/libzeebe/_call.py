"""What calls of all kinds have: how they begin, their status, their end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Union, cast

import grpc
import grpc.aio

from ._arguments import Arguments, whole
from ._metadata import MetadataLike, from_native
from ._native import ffi, lib
from ._plugins import NativePlugin, plugins_of
from ._queue import Queue, queue_of
from .errors import ErrorKind, ErrorSource, Facts, RpcError, call_error, check, closed

if TYPE_CHECKING:
    from .channel import Channel

Serializer = Union[Callable[[Any], bytes], None]
Deserializer = Union[Callable[[bytes], Any], None]
DoneCallback = Callable[[Any], None]

CANCELLED_HERE = "Locally cancelled by application!"
DROPPED = "Cancelled upon garbage collection!"
_LATE = "Deadline Exceeded"


class Start:
    """What a call of a method is begun with."""

    __slots__ = ("channel", "deserializer", "method", "path", "serializer")

    def __init__(self, channel: Channel, method: str | bytes, serializer: Serializer, deserializer: Deserializer) -> None:
        self.channel = channel
        self.path = method.encode() if isinstance(method, str) else method
        if b"\0" in self.path:
            raise ValueError("the method's path has a NUL character")
        self.method = self.path.decode()
        self.serializer = serializer
        self.deserializer = deserializer

    def serialize(self, request: Any) -> bytes:
        return cast(bytes, request) if self.serializer is None else self.serializer(request)

    def deserialize(self, message: bytes) -> Any:
        return message if self.deserializer is None else self.deserializer(message)


class Settings:
    """What one call is given."""

    __slots__ = ("compression", "foreign", "metadata", "plugin", "timeout", "wait_for_ready")

    def __init__(
        self,
        timeout: float | None,
        metadata: MetadataLike | None,
        credentials: grpc.CallCredentials | None,
        wait_for_ready: bool | None,
        compression: grpc.Compression | None,
    ) -> None:
        self.timeout = timeout
        self.metadata = metadata
        self.plugin: NativePlugin | None = None
        self.foreign: tuple[grpc.AuthMetadataPlugin, ...] = ()
        if credentials is not None:
            plugins = plugins_of(credentials)
            if len(plugins) == 1 and isinstance(plugins[0], NativePlugin):
                self.plugin = plugins[0]
            else:
                self.foreign = plugins
        self.wait_for_ready = wait_for_ready
        self.compression = compression

    def native(self, memory: Arguments, manual_requests: int = 0) -> Any:
        options = memory.struct("zeebe_call_options", manual_requests=manual_requests)
        if self.timeout is not None:
            options.timeout_ms = whole("timeout", self.timeout, 1000)
        if self.metadata:
            options.metadata = memory.metadata(self.metadata)
        if self.plugin is not None:
            options.credentials = self.plugin.native
        if self.wait_for_ready is not None:
            options.wait_for_ready = lib.ZEEBE_WAIT_FOR_READY_YES if self.wait_for_ready else lib.ZEEBE_WAIT_FOR_READY_NO
        if self.compression is not None:
            options.compression = _compression(self.compression)
        return options

    @property
    def is_late(self) -> bool:
        """C's time-out of 0 is the channel's."""
        return self.timeout is not None and self.timeout <= 0


def _compression(compression: grpc.Compression) -> int:
    if compression == grpc.Compression.NoCompression:
        return int(lib.ZEEBE_COMPRESSION_IDENTITY)
    if compression == grpc.Compression.Gzip:
        return int(lib.ZEEBE_COMPRESSION_GZIP)
    raise ValueError("compression is NoCompression or Gzip")


class State:
    """A call under way, as the queue knows it, in the loop's thread. What is not so is of the class: calls are many."""

    queue: Queue | None = None
    tag = 0
    native: Any = None
    """The handle, while the call runs."""
    deadline: float | None = None
    error: RpcError | None = None
    is_ended = False
    is_cancelled_here = False
    waiters: Sequence[asyncio.Future[None]] = ()
    """Of what waits for anything to happen."""
    callbacks: Sequence[Callable[[], None]] = ()
    response: Any = None
    """Of a unary call that ended well: the library's, for its metadata."""
    initial: grpc.aio.Metadata | None = None
    trailing: grpc.aio.Metadata | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float | None) -> None:
        self.loop = loop
        if timeout is not None:
            self.deadline = time.monotonic() + timeout

    # ---- the beginning ----

    def begin(self, start: Callable[[Queue, int], Any]) -> None:
        """Starts the call. One that the library refuses for its size or its credentials has ended."""
        queue = queue_of(self.loop)
        tag = queue.add(self)
        error = start(queue, tag)
        if error:
            self.refused(queue, tag, error)
        else:
            self.queue, self.tag, self.native = queue, tag, queue.call_out[0]

    def refused(self, queue: Queue, tag: int, error: Any) -> None:
        queue.remove(tag)
        kind = lib.zeebe_error_kind(error)
        if kind == ErrorKind.SHUTDOWN:
            message = ffi.string(lib.zeebe_error_message(error)).decode()
            lib.zeebe_error_free(error)
            raise closed(message)
        if kind in (ErrorKind.RPC, ErrorKind.SETTINGS, ErrorKind.INVALID_OAUTH_CREDENTIALS):
            failure = call_error(error)
            lib.zeebe_error_free(error)
            self.end_later(failure)
        else:
            check(error)

    def end_later(self, failure: RpcError) -> None:
        """Not before the program has the call."""
        self.loop.call_soon(self.end, failure)

    def end_late(self) -> None:
        facts = Facts(ErrorKind.RPC, ErrorSource.LIBRARY)
        self.end_later(RpcError(grpc.StatusCode.DEADLINE_EXCEEDED, details=_LATE, debug_error_string=_LATE, facts=facts))

    # ---- the end ----

    def release(self) -> None:
        if self.native is not None:
            native, self.native = self.native, None
            assert self.queue is not None
            self.queue.free_call(native)

    def end(self, failure: RpcError | None) -> None:
        if self.is_ended:
            return
        self.is_ended = True
        self.error = failure
        self.release()
        self.happened()
        if self.callbacks:
            callbacks, self.callbacks = self.callbacks, ()
            for callback in callbacks:
                self.loop.call_soon(callback)

    def call_back(self, callback: Callable[[], None]) -> None:
        """At the end, which has not been."""
        self.callbacks = (*self.callbacks, callback)

    def cancel_as(self, details: str) -> bool:
        """What the library says of it comes for nobody any more."""
        if self.is_ended:
            return False
        if self.queue is not None:
            self.queue.remove(self.tag)
        if self.native is not None:
            lib.zeebe_call_cancel(self.native, ffi.NULL)
        self.is_cancelled_here = True
        facts = Facts(ErrorKind.RPC, ErrorSource.CALLER, may_have_been_processed=True)
        self.end(RpcError(grpc.StatusCode.CANCELLED, self.initial, details=details, debug_error_string=details, facts=facts))
        return True

    def abandon(self, why: RpcError) -> None:
        self.end(why)

    # ---- waiting ----

    def happened(self) -> None:
        waiters = self.waiters
        if waiters:
            self.waiters = ()
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def waiter(self) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = self.loop.create_future()
        self.waiters = (*self.waiters, waiter)
        return waiter

    async def until_ended(self) -> None:
        while not self.is_ended:
            await self.waiter()

    def receive(self, event: Any) -> bool:
        raise NotImplementedError

    def raise_for_status(self) -> None:
        if self.is_cancelled_here:
            raise asyncio.CancelledError
        if self.error is not None:
            # A new one for each: a traceback grows with each raise.
            raise self.error.with_traceback(None)

    def initial_pairs(self) -> grpc.aio.Metadata:
        if self.initial is None:
            self.initial = self._of_response(lib.zeebe_response_initial_metadata)
        return self.initial

    def trailing_pairs(self) -> grpc.aio.Metadata:
        if self.error is not None:
            trailing = self.error.trailing_metadata()
            return grpc.aio.Metadata() if trailing is None else trailing
        if self.trailing is None:
            self.trailing = self._of_response(lib.zeebe_response_trailers)
        return self.trailing

    def _of_response(self, accessor: Any) -> grpc.aio.Metadata:
        return grpc.aio.Metadata() if self.response is None else from_native(accessor(self.response))


class Call:
    """The part of grpc.aio's calls that is the same in all four kinds."""

    _state: State
    _start: Start

    def cancelled(self) -> bool:
        error = self._state.error
        return error is not None and error.code() is grpc.StatusCode.CANCELLED

    def done(self) -> bool:
        return self._state.is_ended

    def cancel(self) -> bool:
        return self._state.cancel_as(CANCELLED_HERE)

    def time_remaining(self) -> float | None:
        deadline = self._state.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    async def initial_metadata(self) -> grpc.aio.Metadata:
        await self._state.until_ended()
        return self._state.initial_pairs()

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        await self._state.until_ended()
        return self._state.trailing_pairs()

    async def code(self) -> grpc.StatusCode:
        await self._state.until_ended()
        error = self._state.error
        return grpc.StatusCode.OK if error is None else error.code()

    async def details(self) -> str:
        await self._state.until_ended()
        error = self._state.error
        return "" if error is None else error.details() or ""

    async def debug_error_string(self) -> str:
        await self._state.until_ended()
        error = self._state.error
        return "" if error is None else error.debug_error_string() or ""

    async def wait_for_connection(self) -> None:
        """Until the channel is connected; raises how the call ended if that came first."""
        state = self._state
        connected = asyncio.ensure_future(self._start.channel.channel_ready())
        try:
            while not state.is_ended and not connected.done():
                ended = state.waiter()
                await asyncio.wait((ended, connected), return_when=asyncio.FIRST_COMPLETED)
        finally:
            connected.cancel()
        if state.is_ended:
            state.raise_for_status()

    def __repr__(self) -> str:
        state = self._state
        if not state.is_ended:
            return f"<{type(self).__name__} of {self._start.method}>"
        code = grpc.StatusCode.OK if state.error is None else state.error.code()
        details = "" if state.error is None else state.error.details()
        return f'<{type(self).__name__} of {self._start.method} that ended with {code.name}, "{details}">'


def taken_error(event: Any) -> RpcError | None:
    return call_error(event.error) if event.error else None
