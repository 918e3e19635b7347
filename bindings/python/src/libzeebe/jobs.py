"""Job streams: the jobs of one type, for as long as the program wants, over lost connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ._arguments import Arguments, rounded_up
from ._metadata import MetadataLike
from ._native import ffi, lib
from ._queue import queue_of
from .errors import RpcError, call_error, check

T = TypeVar("T")

ErrorCallback = Callable[[RpcError, int, float], None]
"""Told of a failure that is gone on after: how many there were in a row, and the seconds until the next try."""


@dataclass(frozen=True)
class JobStreamOptions:
    """Of Channel.stream_jobs()."""

    # Sent with every call. Not shown: it may hold a secret.
    metadata: MetadataLike | None = field(default=None, repr=False)
    # Jobs that wait for a slow reader, 1 to 100000: else 32. When so many wait, the gateway is asked for no more.
    max_buffered_jobs: int = 0
    # The same in bytes, of which each job has 256 more: else 2 MiB. One job always may wait.
    max_buffered_job_bytes: int = 0
    # Seconds without a job after which the stream is opened anew: else a minute.
    watchdog: float | None = None
    # Seconds between looks for jobs that the stream did not bring: else ten seconds.
    poll_interval: float | None = None
    # Called in the event loop.
    on_error: ErrorCallback | None = None

    def native(self, memory: Arguments) -> Any:
        return memory.struct(
            "zeebe_job_stream_options",
            metadata=memory.metadata(self.metadata),
            max_buffered_jobs=self.max_buffered_jobs,
            max_buffered_job_bytes=self.max_buffered_job_bytes,
            watchdog_ms=rounded_up("JobStreamOptions.watchdog", self.watchdog, 1000),
            poll_interval_ms=rounded_up("JobStreamOptions.poll_interval", self.poll_interval, 1000),
            manual_requests=lib.ZEEBE_REQUESTS_TAKEN,
        )


def failure_of(event: Any) -> RpcError | None:
    return call_error(event.error) if event.error else None


def tell(loop: asyncio.AbstractEventLoop, on_error: ErrorCallback | None, event: Any) -> None:
    """Tells of a failure that is gone on after, not before the queue is done."""
    failure = failure_of(event)
    if on_error is not None and failure is not None:
        loop.call_soon(on_error, failure, event.failures, event.pause_ms / 1000)


class _State:
    """Known to the queue until it has ended; the job stream, which the program holds, is what may be dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_error: ErrorCallback | None) -> None:
        self.loop = loop
        self.on_error = on_error
        self.native: Any = None
        self.messages: deque[bytes] = deque()
        self.is_ended = False
        self.is_cancelled_here = False
        self.failure: RpcError | None = None
        self.waiters: list[asyncio.Future[None]] = []

    def receive(self, event: Any) -> bool:
        event_type = event.event_type
        if event_type == lib.ZEEBE_EVENT_TYPE_MESSAGE:
            if not self.is_cancelled_here:
                self.messages.append(bytes(ffi.buffer(event.data, event.length)))
                self._happened()
        elif event_type == lib.ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR:
            tell(self.loop, self.on_error, event)
        elif event_type == lib.ZEEBE_EVENT_TYPE_CLOSE:
            self._end(failure_of(event))
            return True
        return False

    def abandon(self, why: RpcError) -> None:
        self._end(why)

    def _end(self, failure: RpcError | None) -> None:
        self.is_ended, self.failure = True, failure
        self.release()
        self._happened()

    def _happened(self) -> None:
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def release(self) -> None:
        if self.native is not None:
            native, self.native = self.native, None
            lib.zeebe_job_stream_free(native)

    def cancel(self) -> None:
        """Jobs that wait go to another worker after their time-out."""
        if not self.is_ended:
            self.is_cancelled_here = True
            self.messages.clear()
            self.release()
            self._happened()

    async def next(self) -> bytes | None:
        while not self.messages:
            if self.is_cancelled_here:
                raise asyncio.CancelledError
            if self.is_ended:
                if self.failure is not None:
                    raise self.failure.with_traceback(None)
                return None
            waiter = self.loop.create_future()
            self.waiters.append(waiter)
            await waiter
        if self.native is not None:
            lib.zeebe_error_free(lib.zeebe_job_stream_request(self.native, 1))  # taken
        return self.messages.popleft()


class JobStream(Generic[T], AsyncIterator[T]):
    """An iterator over jobs, made by Channel.stream_jobs(). One that is dropped, or left by `async with`, is cancelled."""

    def __init__(self, state: _State, deserialize: Callable[[bytes], T]) -> None:
        self._state = state
        self._deserialize = deserialize

    def __aiter__(self) -> JobStream[T]:
        return self

    async def __anext__(self) -> T:
        message = await self._state.next()
        if message is None:
            raise StopAsyncIteration
        return self._deserialize(message)

    def close(self) -> None:
        """Ends it in order: the gateway is asked for nothing more, and the jobs that came are still given."""
        if self._state.native is not None:
            lib.zeebe_job_stream_close(self._state.native)

    def cancel(self) -> None:
        """Ends it at once; jobs that wait go to another worker after their time-out."""
        self._state.cancel()

    async def __aenter__(self) -> JobStream[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()

    def __del__(self) -> None:
        state = getattr(self, "_state", None)
        if state is not None and not state.is_ended and not state.loop.is_closed():
            with contextlib.suppress(RuntimeError):
                state.loop.call_soon_threadsafe(state.cancel)


def stream_jobs(channel: Any, request: Any, deserialize: Callable[[bytes], T], options: JobStreamOptions) -> JobStream[T]:
    encoded: bytes = request if isinstance(request, bytes) else request.SerializeToString()
    memory = Arguments()
    loop = asyncio.get_running_loop()
    queue = queue_of(loop)
    state = _State(loop, options.on_error)
    out = ffi.new("zeebe_job_stream **")
    native_options = options.native(memory)
    tag = queue.add(state)
    try:
        check(lib.zeebe_channel_stream_jobs_on_queue(channel, encoded, len(encoded), native_options, queue.native, tag, out))
    except BaseException:
        queue.remove(tag)
        raise
    state.native = out[0]
    return JobStream(state, deserialize)
