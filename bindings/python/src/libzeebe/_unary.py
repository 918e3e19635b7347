"""Unary calls."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from functools import partial
from typing import Any

import grpc
import grpc.aio

from ._arguments import Arguments
from ._call import Call, DoneCallback, Settings, Start, State, taken_error
from ._metadata import MetadataLike
from ._native import ffi, lib
from ._queue import Queue


class UnaryUnaryCall(Call, State, grpc.aio.UnaryUnaryCall):  # type: ignore[type-arg]
    """A unary call, which is its own state: it goes on whoever waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: Start, timeout: float | None) -> None:
        State.__init__(self, loop, timeout)
        self._state = self
        self._start = start
        self._message: bytes | None = None

    def add_done_callback(self, callback: DoneCallback) -> None:
        if self.is_ended:
            self.loop.call_soon(callback, self)
        else:
            self.callbacks.append(partial(callback, self))

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
        call = UnaryUnaryCall(asyncio.get_running_loop(), start, timeout)
        if timeout is None and metadata is None and credentials is None and wait_for_ready is None and compression is None and not start.channel.foreign:
            call.begin(partial(_begin, start, message, ffi.NULL))
            return call
        settings = Settings(timeout, metadata, credentials, wait_for_ready, compression)
        start.channel.begin(call, start, settings, lambda: _begin_with(call, start, message, settings))
        return call


def _begin(start: Start, message: bytes, options: Any, queue: Queue, tag: int) -> Any:
    return lib.zeebe_channel_unary_call_on_queue(start.channel.native, start.path, message, len(message), options, queue.native, tag, queue.call_out)


def _begin_with(call: UnaryUnaryCall, start: Start, message: bytes, settings: Settings) -> None:
    memory = Arguments()
    call.begin(partial(_begin, start, message, settings.native(memory)))
