"""Calls that stream: to the gateway, from it, or both."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import AsyncIterable, Callable, Generator, Iterable
from functools import partial
from typing import Any, Union

import grpc
import grpc.aio

from ._arguments import Arguments
from ._call import DROPPED, Call, DoneCallback, Settings, Start, State, taken_error
from ._metadata import MetadataLike, from_native
from ._native import ffi, lib
from ._queue import Queue
from .errors import ErrorKind, ErrorSource, Facts, RpcError, call_error

RequestIterable = Union[AsyncIterable[Any], Iterable[Any]]

# The library, which counts what waits for the program, is told of so many messages at once that were taken; of fewer before the program waits.
_TELL_TAKEN = 64

_MIXED = "The iterator and read/write APIs may not be mixed on a single RPC."


class StreamState(State):
    """Known to the queue until it has ended; the call, which the program holds, is what may be dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float | None) -> None:
        super().__init__(loop, timeout)
        self.messages: deque[bytes] = deque()
        self.taken = 0
        """Messages of which the library was not told."""
        self.is_begun = False
        self.is_ready = True
        self.is_half_closed = False
        self.poller: asyncio.Task[None] | None = None
        """Sends what an iterator of the program's gives."""

    def receive(self, event: Any) -> bool:
        event_type = event.event_type
        if event_type == lib.ZEEBE_EVENT_TYPE_MESSAGE:
            self.messages.append(bytes(ffi.buffer(event.data, event.length)))
        elif event_type == lib.ZEEBE_EVENT_TYPE_INITIAL_METADATA:
            self.initial = from_native(event.metadata)
        elif event_type == lib.ZEEBE_EVENT_TYPE_READY:
            self.is_ready = True
        elif event_type == lib.ZEEBE_EVENT_TYPE_CLOSE:
            self.trailing = from_native(event.metadata)
            self.end(taken_error(event))
            return True
        self.happened()
        return False

    def end(self, failure: RpcError | None) -> None:
        super().end(failure)
        if self.poller is not None and self.poller is not asyncio.current_task(self.loop):
            self.poller.cancel()

    def cancel_as(self, details: str) -> bool:
        if not super().cancel_as(details):
            return False
        self.messages.clear()
        return True

    # ---- reading ----

    def next(self) -> bytes | None:
        """A message that is here; None if there is none."""
        if not self.messages:
            return None
        self.taken += 1
        if self.taken >= _TELL_TAKEN:
            self._tell_taken()
        return self.messages.popleft()

    def _tell_taken(self) -> None:
        if self.taken and self.native is not None:
            lib.zeebe_error_free(lib.zeebe_call_request(self.native, self.taken))
            self.taken = 0

    async def read(self) -> bytes | None:
        """The next message; None at the end."""
        while True:
            message = self.next()
            if message is not None or self.is_ended:
                return message
            self._tell_taken()
            await self.waiter()

    async def until_headed(self) -> None:
        while self.initial is None and not self.messages and not self.is_ended:
            await self.waiter()

    # ---- writing ----

    async def write(self, message: bytes) -> None:
        while not self.is_ended and not (self.is_begun and self.is_ready):
            await self.waiter()
        if self.is_ended:
            self.raise_for_status()
            raise asyncio.InvalidStateError("RPC already finished.")
        self.send(message)

    def send(self, message: bytes, is_last: bool = False) -> None:
        send = lib.zeebe_call_send_last_message if is_last else lib.zeebe_call_send_message
        self.is_half_closed = self.is_half_closed or is_last
        error = send(self.native, message, len(message))
        if not error:
            self.is_ready = bool(lib.zeebe_call_is_ready(self.native))
            return
        failure = call_error(error)
        lib.zeebe_error_free(error)
        if failure.facts.kind == ErrorKind.ILLEGAL_STATE:
            return  # it has ended just now, and its end is on the way
        if self.queue is not None:
            self.queue.remove(self.tag)
        lib.zeebe_call_cancel(self.native, ffi.NULL)
        self.end(failure)

    def half_close(self) -> None:
        if not self.is_half_closed:
            self.is_half_closed = True
            if self.native is not None:
                lib.zeebe_error_free(lib.zeebe_call_half_close(self.native))


class StreamCall(Call):
    """What the program holds: once it is dropped, the call is cancelled."""

    _state: StreamState

    def __init__(self, state: StreamState, start: Start) -> None:
        self._state = state
        self._start = start
        self._done_callbacks: list[DoneCallback] = []
        self._style: str | None = None

    def __del__(self) -> None:
        state = getattr(self, "_state", None)
        if state is not None and not state.is_ended and not state.loop.is_closed():
            # Perhaps in another thread, by the garbage collector.
            with contextlib.suppress(RuntimeError):
                state.loop.call_soon_threadsafe(state.cancel_as, DROPPED)

    def add_done_callback(self, callback: DoneCallback) -> None:
        if self._state.is_ended:
            self._state.loop.call_soon(callback, self)
            return
        if not self._done_callbacks:
            self._state.call_back(partial(_call_back, weakref.ref(self)))
        self._done_callbacks.append(callback)

    async def initial_metadata(self) -> grpc.aio.Metadata:
        await self._state.until_headed()
        return self._state.initial_pairs()


def _call_back(held: weakref.ref[StreamCall]) -> None:
    call = held()
    if call is not None:
        for callback in call._done_callbacks:
            call._state.loop.call_soon(callback, call)


class _StreamResponse(StreamCall):
    def _of_style(self, style: str) -> None:
        if self._style not in (None, style):
            raise grpc.aio.UsageError(_MIXED)
        self._style = style

    def __aiter__(self) -> Any:
        self._of_style("iterator")
        return self

    async def __anext__(self) -> Any:
        message = self._state.next()
        if message is None:
            message = await self._next()
        if message is None:
            self._state.raise_for_status()
            raise StopAsyncIteration
        return self._start.deserialize(message)

    async def read(self) -> Any:
        """The next message, or grpc.aio.EOF."""
        if not self._state.is_ended:
            self._of_style("reader")
        message = await self._next()
        if message is None:
            self._state.raise_for_status()
            return grpc.aio.EOF
        return self._start.deserialize(message)

    async def _next(self) -> bytes | None:
        try:
            return await self._state.read()
        except asyncio.CancelledError:
            self.cancel()
            raise


class _StreamRequest(StreamCall):
    _is_iterated = False

    def _iterate(self, requests: RequestIterable | None) -> None:
        if requests is not None:
            self._is_iterated = True
            state = self._state
            state.poller = state.loop.create_task(_send_all(state, self._start.serialize, requests))

    async def write(self, request: Any) -> None:
        self._by_hand()
        if self._state.is_ended:
            raise asyncio.InvalidStateError("RPC already finished.")
        if self._state.is_half_closed:
            raise asyncio.InvalidStateError('RPC is half closed after calling "done_writing".')
        message = self._start.serialize(request)
        try:
            await self._state.write(message)
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self._state.is_ended:
            self._state.raise_for_status()

    async def done_writing(self) -> None:
        self._by_hand()
        self._state.half_close()

    def _by_hand(self) -> None:
        if self._is_iterated:
            raise grpc.aio.UsageError(_MIXED)


async def _send_all(state: StreamState, serialize: Callable[[Any], bytes], requests: RequestIterable) -> None:
    """An iterator that raises cancels the call, as in grpc.aio, and the loop is told why."""
    try:
        if isinstance(requests, AsyncIterable):
            async for request in requests:
                await state.write(serialize(request))
        else:
            for request in requests:
                await state.write(serialize(request))
        state.half_close()
    except asyncio.CancelledError:
        state.cancel_as("Cancelled with what it sends")
        raise
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        pass  # it has ended, and says so to who reads
    except Exception as error:
        context = {"message": "what a call sends raised an exception", "exception": error}
        if state.cancel_as(f"What the call sends raised {type(error).__name__}"):
            state.loop.call_exception_handler(context)


class UnaryStreamCall(_StreamResponse, grpc.aio.UnaryStreamCall):  # type: ignore[type-arg]
    pass


class StreamStreamCall(_StreamRequest, _StreamResponse, grpc.aio.StreamStreamCall):  # type: ignore[type-arg]
    pass


class StreamUnaryCall(_StreamRequest, grpc.aio.StreamUnaryCall):  # type: ignore[type-arg]
    def __await__(self) -> Generator[Any, None, Any]:
        return self._result().__await__()

    async def _result(self) -> Any:
        """The answer stays where it is: several may wait for it."""
        state = self._state
        try:
            await state.until_ended()
        except asyncio.CancelledError:
            self.cancel()
            raise
        state.raise_for_status()
        if len(state.messages) != 1:
            number = "more than one" if state.messages else "no"
            text = f"cardinality violation: {number} message for a call that has one answer"
            facts = Facts(ErrorKind.RPC, ErrorSource.GATEWAY, may_have_been_processed=True)
            raise RpcError(grpc.StatusCode.INTERNAL, state.initial, state.trailing, text, text, facts)
        return self._start.deserialize(state.messages[0])


# ---- their beginning ----


def _begin(state: StreamState, start: Start, settings: Settings, message: bytes | None) -> None:
    memory = Arguments()
    options = settings.native(memory, lib.ZEEBE_REQUESTS_TAKEN)

    def begin(queue: Queue, tag: int) -> Any:
        return lib.zeebe_channel_start_call_on_queue(start.channel.native, start.path, options, queue.native, tag, queue.call_out)

    state.begin(begin)
    if state.native is None:
        return
    state.is_begun = True
    if message is not None:
        state.send(message, is_last=True)
    elif state.is_half_closed:
        lib.zeebe_error_free(lib.zeebe_call_half_close(state.native))
    state.happened()


class _MultiCallable:
    def __init__(self, start: Start) -> None:
        self._start = start

    def _state(self, settings: Settings, message: bytes | None) -> StreamState:
        state = StreamState(asyncio.get_running_loop(), settings.timeout)
        self._start.channel.begin(state, self._start, settings, lambda: _begin(state, self._start, settings, message))
        return state


class UnaryStream(_MultiCallable, grpc.aio.UnaryStreamMultiCallable):  # type: ignore[type-arg]
    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: MetadataLike | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> UnaryStreamCall:
        settings = Settings(timeout, metadata, credentials, wait_for_ready, compression)
        return UnaryStreamCall(self._state(settings, self._start.serialize(request)), self._start)


class StreamUnary(_MultiCallable, grpc.aio.StreamUnaryMultiCallable):  # type: ignore[type-arg]
    def __call__(
        self,
        request_iterator: RequestIterable | None = None,
        timeout: float | None = None,
        metadata: MetadataLike | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> StreamUnaryCall:
        settings = Settings(timeout, metadata, credentials, wait_for_ready, compression)
        call = StreamUnaryCall(self._state(settings, None), self._start)
        call._iterate(request_iterator)
        return call


class StreamStream(_MultiCallable, grpc.aio.StreamStreamMultiCallable):  # type: ignore[type-arg]
    def __call__(
        self,
        request_iterator: RequestIterable | None = None,
        timeout: float | None = None,
        metadata: MetadataLike | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> StreamStreamCall:
        settings = Settings(timeout, metadata, credentials, wait_for_ready, compression)
        call = StreamStreamCall(self._state(settings, None), self._start)
        call._iterate(request_iterator)
        return call
