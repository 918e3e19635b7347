"""Job workers with decorators, as pyzeebe's users know them, on the library's: streams that go on by themselves, and ends that are sent until they are
settled.

    worker = JobWorker(channel)

    @worker.task("charge")
    async def charge(order: str, job: Job) -> dict[str, Any]:
        return {"charged": True}

    await worker.work()
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import typing
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, Union

from ._arguments import Arguments, rounded_up
from ._metadata import MetadataLike
from ._native import ffi, lib
from ._queue import queue_of
from .channel import Channel
from .errors import RpcError, ZeebeError, check
from .job import BusinessError, Job, JobOutcome
from .jobs import ErrorCallback, failure_of, tell

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Job], Union[Job, Awaitable[Job]]]
ExceptionHandler = Callable[[Exception, Job], Awaitable[None]]

_logger = logging.getLogger("libzeebe.worker")


@dataclass(frozen=True)
class WorkerOptions:
    """Of a worker, or of one of its tasks."""

    # What the gateway calls it: else `libzeebe`.
    worker_name: str | None = None
    # Seconds that a job is this worker's: else 300 s.
    job_timeout: float | None = None
    # Jobs that are here at most, from their arrival until their end is known: else 32.
    max_jobs_active: int = 0
    # Of those, how many handlers work on at once: else as many as may be active.
    handlers_at_once: int = 0
    # The tenants whose jobs come: else the default tenant's.
    tenant_ids: Sequence[str] | None = None
    # No stream of jobs is opened, ActivateJobs alone brings them.
    polls_alone: bool = False
    # While a handler works on a job, its time is prolonged.
    extend_timeout: bool = False
    # A job that is dropped without an end is left to its time-out, and does not fail.
    leave_dropped_jobs: bool = False
    # `traceparent`, `tracestate` and `baggage` of a job's headers go with the call that ends it.
    forward_trace_context: bool = False
    # Seconds without a job after which the stream is opened anew: else a minute.
    watchdog: float | None = None
    # Seconds after which the stream is opened anew, whatever it brings: else never.
    stream_timeout: float | None = None
    # Seconds between looks for jobs that the stream did not bring: else ten seconds.
    poll_interval: float | None = None
    # Seconds that the gateway may hold a poll, and until an end is sent again: else ten seconds.
    request_timeout: float | None = None
    # Seconds of the first pause after a failure: else 50 ms.
    backoff_min: float | None = None
    # Seconds of the longest: else 5 s.
    backoff_max: float | None = None
    # What a pause is to the one before, in percent: else 160.
    backoff_factor_percent: int = 0
    # How far a pause may be off, in percent, -1 not at all: else 10.
    backoff_jitter_percent: int = 0
    # Seconds until a job that failed comes again: else at once.
    retry_backoff: float | None = None
    # Seconds that stop() waits for jobs that are worked on, 0 not at all: else ten seconds.
    grace: float | None = None
    # Sent with every call. Not shown: it may hold a secret.
    metadata: MetadataLike | None = field(default=None, repr=False)
    # Called in the event loop.
    on_error: ErrorCallback | None = None

    def native(self, memory: Arguments, job_type: str, fetch_variables: Sequence[str] | None) -> Any:
        variables, variables_count = memory.texts("variables_to_fetch", fetch_variables)
        tenants, tenants_count = memory.texts("WorkerOptions.tenant_ids", self.tenant_ids)
        seconds = {
            field: rounded_up(f"WorkerOptions.{name}", getattr(self, name), 1000)
            for field, name in (
                ("job_timeout_ms", "job_timeout"),
                ("watchdog_ms", "watchdog"),
                ("stream_timeout_ms", "stream_timeout"),
                ("poll_interval_ms", "poll_interval"),
                ("request_timeout_ms", "request_timeout"),
                ("backoff_min_ms", "backoff_min"),
                ("backoff_max_ms", "backoff_max"),
                ("retry_backoff_ms", "retry_backoff"),
            )
        }
        return memory.struct(
            "zeebe_job_worker_options",
            job_type=memory.text("job_type", job_type),
            worker_name=memory.text("WorkerOptions.worker_name", self.worker_name),
            max_jobs_active=self.max_jobs_active,
            handlers_at_once=self.handlers_at_once,
            fetch_variables=variables,
            fetch_variables_count=variables_count,
            tenant_ids=tenants,
            tenant_ids_count=tenants_count,
            polls_alone=int(self.polls_alone),
            extend_timeout=int(self.extend_timeout),
            leave_freed_jobs=int(self.leave_dropped_jobs),
            forward_trace_context=int(self.forward_trace_context),
            backoff_factor_percent=self.backoff_factor_percent,
            backoff_jitter_percent=self.backoff_jitter_percent,
            grace_ms=lib.ZEEBE_GRACE_NONE if self.grace == 0 else rounded_up("WorkerOptions.grace", self.grace, 1000),
            metadata=memory.metadata(self.metadata),
            **seconds,
        )


@dataclass(frozen=True)
class _Task:
    """What is done with the jobs of one type."""

    job_type: str
    function: Callable[..., Any]
    options: WorkerOptions
    variables_to_fetch: Sequence[str] | None
    exception_handler: ExceptionHandler | None
    before: Sequence[Decorator]
    after: Sequence[Decorator]
    variable_name: str | None
    job_parameter: str | None
    parameters: Sequence[str] | None
    """Variables that the function takes; None: all."""


class _Running:
    """A worker of the library's, as the queue knows it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, task: _Task, executor: Executor | None) -> None:
        self.loop = loop
        self.task = task
        self.executor = executor
        self.native: Any = None
        self.ended: asyncio.Future[RpcError | None] = loop.create_future()
        self.handlers: set[asyncio.Task[None]] = set()
        self.is_cancelled = False

    def receive(self, event: Any) -> bool:
        event_type = event.event_type
        if event_type == lib.ZEEBE_EVENT_TYPE_JOB:
            if self.is_cancelled:
                return False
            job = Job(event.job)
            event.job = ffi.NULL
            handler = self.loop.create_task(_work_on(job, self.task, self.executor))
            self.handlers.add(handler)
            handler.add_done_callback(self.handlers.discard)
        elif event_type == lib.ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR:
            tell(self.loop, self.task.options.on_error, event)
        elif event_type == lib.ZEEBE_EVENT_TYPE_CLOSE:
            self._end(failure_of(event))
            return True
        return False

    def abandon(self, why: RpcError) -> None:
        self._end(why)
        self.stop()

    def _end(self, failure: RpcError | None) -> None:
        if not self.ended.done():
            self.ended.set_result(failure)

    def stop(self) -> None:
        lib.zeebe_job_worker_close(self.native)

    def cancel(self) -> None:
        """What has not ended is left to its time-out, and no handler goes on."""
        self.is_cancelled = True
        native, self.native = self.native, ffi.NULL
        lib.zeebe_job_worker_free(native)
        for handler in list(self.handlers):
            handler.cancel()

    async def until_handled(self) -> None:
        """After the end: handlers whose jobs were left do not go on."""
        handlers = list(self.handlers)
        if self.ended.result() is not None:
            for handler in handlers:
                handler.cancel()
        if handlers:
            await asyncio.wait(handlers)

    def stats(self) -> dict[str, Any]:
        out = ffi.new("char **")
        check(lib.zeebe_job_worker_stats(self.native, out))
        try:
            value: dict[str, Any] = json.loads(ffi.string(out[0]))
        finally:
            lib.zeebe_string_free(out[0])
        return value


class JobWorker:
    """Works on jobs with functions, each for the jobs of one type.

    A function gets variables as arguments, those that it has names for, and the job where a parameter is annotated with Job. What it returns, a dict or
    None, completes the job; a BusinessError throws a BPMN error, any other exception fails the job, with one retry less. Plain functions run in
    the executor, the loop's by default.
    """

    def __init__(
        self,
        channel: Channel,
        name: str | None = None,
        *,
        before: Sequence[Decorator] = (),
        after: Sequence[Decorator] = (),
        exception_handler: ExceptionHandler | None = None,
        options: WorkerOptions | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._channel = channel
        self._options = options or WorkerOptions()
        if name is not None:
            self._options = replace(self._options, worker_name=name)
        self._before = list(before)
        self._after = list(after)
        self._exception_handler = exception_handler
        self._executor = executor
        self._tasks: dict[str, _Task] = {}
        self._running: list[_Running] = []

    # ---- tasks ----

    def task(
        self,
        task_type: str,
        exception_handler: ExceptionHandler | None = None,
        variables_to_fetch: Sequence[str] | None = None,
        timeout_ms: int | None = None,
        max_running_jobs: int | None = None,
        before: Sequence[Decorator] = (),
        after: Sequence[Decorator] = (),
        single_value: bool = False,
        variable_name: str | None = None,
        *,
        options: WorkerOptions | None = None,
    ) -> Callable[[Function], Function]:
        """Registers a function for the jobs of a type. It must be done before work().

        Args:
            task_type: The type of the jobs.
            exception_handler: Gets what the function raised, and the job, and ends the job; else the worker's.
            variables_to_fetch: Of the jobs; else those that the function has names for.
            timeout_ms: Of each job.
            max_running_jobs: How many run at once.
            before, after: Get the job, and return it, before and after the function.
            single_value: The function returns the value of the variable `variable_name`.
            options: In place of the worker's.
        """
        if task_type in self._tasks:
            raise ValueError(f"the type {task_type!r} has a function already")
        if single_value and not variable_name:
            raise ValueError("single_value needs a variable_name")
        of_task = options or self._options
        if timeout_ms is not None:
            of_task = replace(of_task, job_timeout=timeout_ms / 1000)
        if max_running_jobs is not None:
            of_task = replace(of_task, max_jobs_active=max_running_jobs)

        def register(function: Function) -> Function:
            job_parameter, parameters = _parameters(function)
            self._tasks[task_type] = _Task(
                task_type,
                function,
                of_task,
                parameters if variables_to_fetch is None else list(variables_to_fetch),
                exception_handler or self._exception_handler,
                [*self._before, *before],
                [*after, *self._after],
                variable_name if single_value else None,
                job_parameter,
                parameters,
            )
            return function

        return register

    # ---- work ----

    async def work(self) -> None:
        """Works until stop(), or until what cannot pass has ended one of the tasks: that is raised. To cancel it ends all at once."""
        if not self._tasks:
            raise ValueError("the worker has no tasks")
        if self._running:
            raise RuntimeError("the worker works already")
        try:
            for task in self._tasks.values():
                self._running.append(self._start(task))
            ended = [running.ended for running in self._running]
            await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
            self._close()
            await asyncio.wait(ended)
            for running in self._running:
                await running.until_handled()
            for one in ended:
                failure = one.result()
                if failure is not None:
                    raise failure
        finally:
            ended_all, self._running = self._running, []
            for running in ended_all:
                running.cancel()

    async def stop(self) -> None:
        """No more jobs come; those that are worked on may end within the grace. Returns when they have."""
        self._close()
        waiting = [running.ended for running in self._running]
        if waiting:
            await asyncio.wait(waiting)

    def stats(self) -> dict[str, dict[str, Any]]:
        """What was done, by the type of the jobs, while work() runs: zeebe.h says what is in it."""
        return {running.task.job_type: running.stats() for running in self._running}

    def natives(self) -> list[Any]:
        """The library's workers, one for each type, while work() runs."""
        return [running.native for running in self._running]

    def _close(self) -> None:
        for running in self._running:
            running.stop()

    def _start(self, task: _Task) -> _Running:
        loop = asyncio.get_running_loop()
        queue = queue_of(loop)
        running = _Running(loop, task, self._executor)
        memory = Arguments()
        options = task.options.native(memory, task.job_type, task.variables_to_fetch)
        out = ffi.new("zeebe_job_worker **")
        tag = queue.add(running)
        try:
            check(lib.zeebe_job_worker_start_on_queue(self._channel.native, options, queue.native, tag, out))
        except BaseException:
            queue.remove(tag)
            raise
        running.native = out[0]
        return running


def prometheus_text(*sources: Channel | JobWorker) -> str:
    """What stats() says of these channels, and of these workers while their work() runs, as Prometheus reads it (text format 0.0.4): with the labels
    `channel`, its place among the channels from 0, and `grpc_target`; `type` and `worker`. All of a program in one call, in the same order each
    time: each metric is described once in a text."""
    channels = [source.native for source in sources if isinstance(source, Channel)]
    workers = [native for source in sources if isinstance(source, JobWorker) for native in source.natives()]
    return _text(lib.zeebe_channels_prometheus, channels) + _text(lib.zeebe_job_workers_prometheus, workers)


def _text(function: Any, natives: list[Any]) -> str:
    out = ffi.new("char **")
    check(function(natives, len(natives), out))
    try:
        return str(ffi.string(out[0]).decode())
    finally:
        lib.zeebe_string_free(out[0])


def _parameters(function: Callable[..., Any]) -> tuple[str | None, list[str] | None]:
    """The name of the parameter that is the job, and those of variables; None: all variables."""
    code = function.func if isinstance(function, partial) else function
    try:
        hints = typing.get_type_hints(code if inspect.isroutine(code) else type(code).__call__)
    except NameError:  # of what is only imported for types
        hints = {}
    job_parameter, variables = None, []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            return job_parameter, None
        if hints.get(parameter.name) is Job or parameter.annotation in (Job, "Job", "libzeebe.Job"):
            job_parameter = parameter.name
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            variables.append(parameter.name)
    return job_parameter, variables


async def _work_on(job: Job, task: _Task, executor: Executor | None) -> None:
    """Runs a job's function, and ends the job."""
    try:
        await _run(job, task, executor)
    except ZeebeError as error:
        # Its end was refused: by the end of the worker, most often.
        _logger.warning("job %d of type %s: %s", job.key, task.job_type, error)
    except Exception:
        _logger.exception("job %d of type %s: its exception handler raised an exception; the job fails", job.key, task.job_type)


async def _run(job: Job, task: _Task, executor: Executor | None) -> None:
    try:
        for decorator in task.before:
            job = await _called(decorator, executor, job)
        arguments = job.variables if task.parameters is None else {name: job.variables[name] for name in task.parameters if name in job.variables}
        if task.job_parameter is not None:
            arguments = {**arguments, task.job_parameter: job}
        result = await _called(task.function, executor, **arguments)
        variables = {task.variable_name: result} if task.variable_name is not None else result
        for decorator in task.after:
            job = await _called(decorator, executor, job)
        end = None if job.is_ended else await job.complete(variables)
    except Exception as error:
        if job.is_ended:
            raise
        if task.exception_handler is not None:
            await task.exception_handler(error, job)
            return
        if isinstance(error, BusinessError):
            end = await job.throw_error(error.error_code, error.message, error.variables)
        else:
            _logger.info("job %d of type %s failed", job.key, task.job_type, exc_info=error)
            end = await job.fail(f"{type(error).__name__}: {error}")
    if end is not None and end.outcome is not JobOutcome.ENDED:
        _logger.warning("job %d of type %s: its end is %s: %s", job.key, task.job_type, end.outcome.name, end.error and end.error.details())


async def _called(function: Callable[..., Any], executor: Executor | None, *arguments: Any, **named: Any) -> Any:
    """Of a coroutine function in the loop, of a plain one in the executor."""
    if inspect.iscoroutinefunction(inspect.unwrap(function)) or inspect.iscoroutinefunction(type(function).__call__):
        return await function(*arguments, **named)
    result = await asyncio.get_running_loop().run_in_executor(executor, partial(function, *arguments, **named))
    return await result if inspect.isawaitable(result) else result
