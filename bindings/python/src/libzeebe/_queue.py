"""The completion queue of an event loop: what was begun on the loop ends here, in the loop's thread.

The loop watches the queue's descriptor; there is no thread and no lock. The loop's reader holds the queue, and nothing else does, so it goes with the
loop; with it what still runs there is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from ._native import ffi, lib
from .errors import ErrorKind, RpcError, check, closed, function_error, lost, shut_down

_BATCH = 128
_EVENT_SIZE: int = ffi.sizeof("zeebe_event")


class Receiver(Protocol):
    """Told what happens, in the loop's thread. It runs no code of the program's. What it raises is its own end."""

    def receive(self, event: Any) -> bool:
        """Gets an event of its tag; true if that was the last one. What the event owns it may keep by clearing the pointer to it."""

    def abandon(self, why: RpcError) -> None:
        """No event comes any more: the runtime was shut down, or one could not be received."""


class Queue:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        out = ffi.new("zeebe_completion_queue **")
        check(lib.zeebe_completion_queue_new(out))
        self.native = ffi.gc(out[0], lib.zeebe_completion_queue_free)
        descriptor = ffi.new("int32_t *")
        check(lib.zeebe_completion_queue_fd(self.native, descriptor))
        self.receivers: dict[int, Receiver] = {}
        self.call_out = ffi.new("zeebe_call **")
        self.call_options = ffi.new("zeebe_call_options *", {"size": ffi.sizeof("zeebe_call_options")})
        """Of the call that begins: one is enough, for the library copies it."""
        self._ended = ffi.new("zeebe_call *[]", _BATCH)
        self._ended_count = 0
        self._tag = 0
        self._is_draining = self._is_over = False
        self._events = ffi.new("zeebe_event[]", _BATCH)
        # Each event once: to index the array makes a new object.
        self._each = [self._events + i for i in range(_BATCH)]
        self._count = ffi.new("size_t *")
        self._loop = weakref.ref(loop)
        self._descriptor: int = descriptor[0]
        loop.add_reader(self._descriptor, self._drain)

    def is_of(self, loop: asyncio.AbstractEventLoop) -> bool:
        return self._loop() is loop and not self._is_over

    def add(self, receiver: Receiver) -> int:
        self._tag = tag = self._tag + 1
        self.receivers[tag] = receiver
        return tag

    def remove(self, tag: int) -> None:
        self.receivers.pop(tag, None)

    def free_call(self, call: Any) -> None:
        """Frees the handle of a call that has ended, with others; only while events are received, once an event."""
        if self._is_draining:
            self._ended[self._ended_count] = call
            self._ended_count += 1
        else:
            lib.zeebe_call_free(call)

    def _drain(self) -> None:
        """One batch: the descriptor says whether there are more."""
        events, count = self._events, self._count
        error = lib.zeebe_completion_queue_next(self.native, 0, events, _EVENT_SIZE, _BATCH, count)
        if error:
            lib.zeebe_error_free(error)
            self._end()
            return
        number: int = count[0]
        receivers, each = self.receivers, self._each
        failure: BaseException | None = None
        self._is_draining = True
        try:
            for index in range(number):
                event = each[index]
                tag = event.tag
                receiver = receivers.get(tag)
                try:
                    if receiver is not None and receiver.receive(event):
                        receivers.pop(tag, None)
                except BaseException as error:
                    failure = failure or error
                    self._abandon(tag, error)
        finally:
            self._is_draining = False
            lib.zeebepy_clear(events, number, self._ended, self._ended_count)
            self._ended_count = 0
        if failure is not None:
            raise failure  # to the loop's exception handler

    def _abandon(self, tag: int, why: BaseException) -> None:
        receiver = self.receivers.pop(tag, None)
        if receiver is not None:
            with contextlib.suppress(Exception):
                receiver.abandon(lost(why))

    def _end(self) -> None:
        """The runtime was shut down: what is new makes a queue of its own."""
        loop = self._loop()
        if loop is not None:
            loop.remove_reader(self._descriptor)
            _queues.pop(loop, None)
        self._is_over = True
        receivers = list(self.receivers.values())
        self.receivers.clear()
        for receiver in receivers:
            receiver.abandon(shut_down())


_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Queue]] = weakref.WeakKeyDictionary()


def queue_of(loop: asyncio.AbstractEventLoop) -> Queue:
    """The queue of a loop, made when it is first needed, in the loop's thread."""
    last: Queue | None = _last.queue()
    if last is not None and last.is_of(loop):
        return last
    found = _queues.get(loop)
    queue = found() if found is not None else None
    if queue is None:
        queue = Queue(loop)
        _queues[loop] = weakref.ref(queue)
    _last.queue = weakref.ref(queue)
    return queue


def _none() -> None:
    return None


class _Last(threading.local):
    """The last queue that a thread used."""

    queue: Callable[[], Queue | None] = staticmethod(_none)


_last = _Last()


def _after_fork() -> None:
    """The queues are the parent's."""
    _queues.clear()
    _last.queue = _none


os.register_at_fork(after_in_child=_after_fork)


class Waiter:
    """Gets the one event of what it waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ended: asyncio.Future[None] = loop.create_future()
        self.error: Exception | None = None
        self.state = 0

    def receive(self, event: Any) -> bool:
        if event.error:
            self.error = function_error(event.error)
        self.state = event.state
        self._end()
        return True

    def abandon(self, why: RpcError) -> None:
        self.error = closed("the runtime was shut down") if why.facts.kind == ErrorKind.SHUTDOWN else why
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def wait(start: Callable[[Any, int], Any]) -> Waiter:
    """Starts what ends as an event, given queue and tag, and waits for that. A cancel ends the wait, not what was begun."""
    loop = asyncio.get_running_loop()
    queue = queue_of(loop)
    waiter = Waiter(loop)
    tag = queue.add(waiter)
    try:
        check(start(queue.native, tag))
        await waiter.ended
    finally:
        queue.remove(tag)
    return waiter
