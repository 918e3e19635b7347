"""A job of a worker, and how it ends."""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ._arguments import Arguments, rounded_up
from ._native import ffi, lib
from ._queue import queue_of
from .errors import RpcError, call_error, check


class JobOutcome(enum.IntEnum):
    """What became of a job's end."""

    ENDED = 1
    """The gateway has taken it."""
    NOT_ENDED = 2
    """The gateway has not taken it, and will not: the job comes again, or is another's or nobody's by now."""
    UNKNOWN = 3
    """The gateway may have taken it, or not: an answer was lost."""


_OUTCOMES: dict[int, JobOutcome] = {outcome.value: outcome for outcome in JobOutcome}


class JobEnd(NamedTuple):
    outcome: JobOutcome
    error: RpcError | None
    """Why it is not ENDED."""


class BusinessError(Exception):
    """Raised in a task, it throws a BPMN error that an event of the process may catch."""

    def __init__(self, error_code: str, message: str = "", variables: dict[str, Any] | None = None) -> None:
        super().__init__(f"Business error with code {error_code}: {message}")
        self.error_code = error_code
        self.message = message
        self.variables = variables


class _Settling:
    """Gets how a job's end was settled."""

    def __init__(self, settled: asyncio.Future[JobEnd]) -> None:
        self._settled = settled

    def receive(self, event: Any) -> bool:
        self._end(JobEnd(_OUTCOMES.get(event.outcome, JobOutcome.UNKNOWN), call_error(event.error) if event.error else None))
        return True

    def abandon(self, why: RpcError) -> None:
        self._end(JobEnd(JobOutcome.UNKNOWN, why))

    def _end(self, end: JobEnd) -> None:
        if not self._settled.done():
            self._settled.set_result(end)


class Job:
    """A job that a worker has been given. Who drops it without an end has it fail, with one retry less.

    Its facts may be read in any thread; it ends in the worker's event loop.
    """

    def __init__(self, native: Any) -> None:
        self._native = ffi.gc(native, lib.zeebe_job_free)
        self._variables: dict[str, Any] | None = None
        self._custom_headers: dict[str, str] | None = None
        self.is_ended = False
        """Whether an end was begun."""

    # ---- what it is ----

    def _text(self, accessor: Any) -> str:
        length = ffi.new("size_t *")
        text = accessor(self._native, length)
        return bytes(ffi.buffer(text, length[0])).decode()

    @property
    def key(self) -> int:
        return int(lib.zeebe_job_key(self._native))

    @property
    def type(self) -> str:
        return self._text(lib.zeebe_job_type)

    @property
    def process_instance_key(self) -> int:
        return int(lib.zeebe_job_process_instance_key(self._native))

    @property
    def bpmn_process_id(self) -> str:
        return self._text(lib.zeebe_job_bpmn_process_id)

    @property
    def process_definition_version(self) -> int:
        return int(lib.zeebe_job_process_definition_version(self._native))

    @property
    def process_definition_key(self) -> int:
        return int(lib.zeebe_job_process_definition_key(self._native))

    @property
    def element_id(self) -> str:
        return self._text(lib.zeebe_job_element_id)

    @property
    def element_instance_key(self) -> int:
        return int(lib.zeebe_job_element_instance_key(self._native))

    @property
    def worker(self) -> str:
        return self._text(lib.zeebe_job_worker_name)

    @property
    def retries(self) -> int:
        """How many it has left, this one included."""
        return int(lib.zeebe_job_retries(self._native))

    @property
    def deadline(self) -> int:
        """Until when it is ours, in Unix milliseconds."""
        return int(lib.zeebe_job_deadline(self._native))

    @property
    def tenant_id(self) -> str:
        return self._text(lib.zeebe_job_tenant_id)

    @property
    def custom_headers(self) -> dict[str, str]:
        if self._custom_headers is None:
            self._custom_headers = json.loads(self._text(lib.zeebe_job_custom_headers) or "{}")
        return self._custom_headers

    @property
    def variables(self) -> dict[str, Any]:
        if self._variables is None:
            self._variables = json.loads(self._text(lib.zeebe_job_variables) or "{}")
        return self._variables

    @property
    def message(self) -> bytes:
        """The encoded ActivatedJob, with what has no property here."""
        length = ffi.new("size_t *")
        data = lib.zeebe_job_message(self._native, length)
        return bytes(ffi.buffer(data, length[0]))

    def __repr__(self) -> str:
        return f"<Job {self.key} of type {self.type!r}>"

    # ---- how it ends ----

    async def complete(self, variables: dict[str, Any] | None = None) -> JobEnd:
        """Completes it, and waits until that is settled: the end is sent again for as long as the job is ours. ZeebeError: it has ended before, or
        its worker has."""
        memory = Arguments()
        given = _json(memory, variables)
        return await self._end(lambda queue, tag: lib.zeebe_job_complete_on_queue(self._native, given, queue, tag))

    async def fail(self, message: str = "", retries: int | None = None, retry_backoff: float | None = None, variables: dict[str, Any] | None = None) -> JobEnd:
        """Says that it failed: it comes again after so many seconds (None: those of the worker's options) if it has retries left (None: one less)."""
        memory = Arguments()
        text, given = memory.exact_text("message", message), _json(memory, variables)
        left = lib.ZEEBE_RETRIES_ONE_LESS if retries is None else retries
        pause = -1 if retry_backoff is None else 0 if retry_backoff == 0 else rounded_up("retry_backoff", retry_backoff, 1000)
        return await self._end(lambda queue, tag: lib.zeebe_job_fail_on_queue(self._native, left, pause, text, given, queue, tag))

    async def throw_error(self, error_code: str, message: str = "", variables: dict[str, Any] | None = None) -> JobEnd:
        """Throws a BPMN error, which an event of the process may catch; else there is an incident."""
        memory = Arguments()
        code, text, given = memory.exact_text("error_code", error_code), memory.exact_text("message", message), _json(memory, variables)
        return await self._end(lambda queue, tag: lib.zeebe_job_throw_error_on_queue(self._native, code, text, given, queue, tag))

    async def _end(self, start: Callable[[Any, int], Any]) -> JobEnd:
        loop = asyncio.get_running_loop()
        queue = queue_of(loop)
        settled: asyncio.Future[JobEnd] = loop.create_future()
        tag = queue.add(_Settling(settled))
        try:
            check(start(queue.native, tag))
            self.is_ended = True
            return await settled
        finally:
            queue.remove(tag)


def _json(memory: Arguments, variables: dict[str, Any] | None) -> Any:
    if variables is None:
        return ffi.NULL
    if not isinstance(variables, dict):
        raise TypeError(f"the variables of a job are a dict, not {type(variables).__name__}")
    return memory.exact_text("variables", json.dumps(variables, allow_nan=False))
