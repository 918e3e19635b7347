"""Unary calls."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from functools import partial
from typing import Any

import grpc
import grpc.aio

from ._arguments import Arguments, whole
from ._call import Call, DoneCallback, Settings, Start, State, taken_error
from ._metadata import MetadataLike
from ._native import ffi, lib
from ._queue import Queue, queue_of

_WAIT_FOR_READY = (int(lib.ZEEBE_WAIT_FOR_READY_NO), int(lib.ZEEBE_WAIT_FOR_READY_YES))


class UnaryUnaryCall(Call, State, grpc.aio.UnaryUnaryCall):  # type: ignore[type-arg]
    """A unary call, which is its own state: it goes on whoever waits for it."""

    _message: bytes | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, start: Start, timeout: float | None) -> None:
        State.__init__(self, loop, timeout)
        self._state = self
        self._start = start

    def add_done_callback(self, callback: DoneCallback) -> None:
        if self.is_ended:
            self.loop.call_soon(callback, self)
        else:
            self.call_back(partial(callback, self))

    def begin_unary(self, queue: Queue, message: bytes, options: Any) -> None:
        """As begin(), with less in between."""
        self.tag = tag = queue.add(self)
        start, out = self._start, queue.call_out
        error = lib.zeebe_channel_unary_call_on_queue(start.channel.native, start.path, message, len(message), options, queue.native, tag, out)
        if error:
            self.refused(queue, tag, error)
        else:
            self.queue, self.native = queue, out[0]

    def receive(self, event: Any) -> bool:
        if event.error:
            self.end(taken_error(event))
        else:
            self._message = bytes(ffi.buffer(event.data, event.length))
            self.response = ffi.gc(event.response, lib.zeebe_response_free)
            event.response = ffi.NULL
            self.end(None)
        return True

    def __await__(self) -> Generator[Any, None, Any]:
        while not self.is_ended:
            try:
                yield from self.waiter()
            except asyncio.CancelledError:
                self.cancel()
                raise
        self.raise_for_status()
        assert self._message is not None
        return self._start.deserialize(self._message)


class UnaryUnary(grpc.aio.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    def __init__(self, start: Start) -> None:
        self._start = start

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: MetadataLike | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> UnaryUnaryCall:
        start = self._start
        message = start.serialize(request)
        loop = asyncio.get_running_loop()
        call = UnaryUnaryCall(loop, start, timeout)
        if credentials is None and not metadata and compression is None and not start.channel.foreign and (timeout is None or timeout > 0):
            # As most calls are.
            queue = queue_of(loop)
            options = queue.call_options
            options.timeout_ms = 0 if timeout is None else whole("timeout", timeout, 1000)
            options.wait_for_ready = 0 if wait_for_ready is None else _WAIT_FOR_READY[bool(wait_for_ready)]
            call.begin_unary(queue, message, options)
            return call
        settings = Settings(timeout, metadata, credentials, wait_for_ready, compression)
        start.channel.begin(call, start, settings, lambda: _begin_with(call, message, settings))
        return call


def _begin_with(call: UnaryUnaryCall, message: bytes, settings: Settings) -> None:
    memory = Arguments()
    call.begin_unary(queue_of(call.loop), message, settings.native(memory))
