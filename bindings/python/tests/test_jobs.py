"""Job streams, and job workers with their decorators."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from pyzeebe import ZeebeClient
from pyzeebe.proto.gateway_pb2 import ActivatedJob, CompleteJobRequest, StreamActivatedJobsRequest

import libzeebe
from conftest import ROOT, Gateway, run, stub_of, until
from libzeebe import BusinessError, Job, JobEnd, JobOutcome, JobStreamOptions, JobWorker, WorkerOptions
from libzeebe._native import ffi
from libzeebe.job import _Settling

Make = Callable[..., Gateway]
BPMN = str(ROOT / "tests/clients/order.bpmn")
REQUEST = StreamActivatedJobsRequest(type="work", worker="w", timeout=60_000)
NONE = {"jobs": {"completed": 0}}
QUICK = WorkerOptions(poll_interval=0.1, backoff_min=0.01)


async def with_jobs(gateway: Gateway, test: Callable[[libzeebe.Channel, ZeebeClient], Awaitable[None]]) -> None:
    async with libzeebe.create_insecure_channel(gateway.address()) as channel:
        client = ZeebeClient(channel)
        await client.deploy_resource(BPMN)
        await test(channel, client)


async def start(client: ZeebeClient, number: int, order: str = "completes") -> None:
    for one in range(number):
        await client.run_process("order", {"order": order, "orderId": f"{order}{one}", "number": one})


def jobs_of(channel: libzeebe.Channel, **options: Any) -> libzeebe.JobStream[ActivatedJob]:
    return channel.stream_jobs(REQUEST, ActivatedJob.FromString, JobStreamOptions(poll_interval=0.1, **options))


def test_a_job_stream_gives_every_job_over_lost_connections(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        await start(client, 100)
        stream, keys = jobs_of(channel), set()
        async for job in stream:
            with_retries = stub_of(channel).CompleteJob(CompleteJobRequest(jobKey=job.key), wait_for_ready=True)
            try:
                await with_retries
            except libzeebe.RpcError as error:
                assert error.facts.may_have_been_processed or error.facts.is_retryable
            keys.add(job.key)
            if len(keys) == 50:
                gateway.tell("POST", "/reset-connections")
            if len(keys) == 100:
                stream.close()
        assert len(keys) == 100
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    run(with_jobs(gateway, main))


def test_a_job_stream_tells_of_what_it_goes_on_after_and_ends_with_what_cannot_pass(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        told: list[tuple[Any, int, float]] = []
        gateway.tell("POST", "/fail?status=13&count=2&rpc=StreamActivatedJobs")
        stream = jobs_of(channel, on_error=lambda *failure: told.append(failure))
        await until(lambda: len(told) >= 2)
        assert [(error.code(), in_a_row) for error, in_a_row, _ in told[:2]] == [(grpc.StatusCode.INTERNAL, 1), (grpc.StatusCode.INTERNAL, 2)]
        assert all(pause > 0 for _, _, pause in told)
        stream.cancel()
        gateway.tell("POST", "/fail?status=7&count=9&rpc=StreamActivatedJobs&message=not+you")
        with pytest.raises(libzeebe.RpcError, match="not you") as raised:
            await anext(jobs_of(channel))
        assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
        with pytest.raises(libzeebe.InvalidArgumentError, match=r"JobStreamOptions\.max_buffered_jobs"):
            jobs_of(channel, max_buffered_jobs=-1)

    run(with_jobs(gateway, main))


def test_job_streams_end_when_they_are_dropped_cancelled_or_left(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        def running() -> int:
            count: int = channel.stats()["calls"]["running"]
            return count

        for _ in range(100):
            jobs_of(channel)
        waits = asyncio.ensure_future(anext(jobs_of(channel)))
        await asyncio.sleep(0.05)
        gc.collect()
        assert not waits.done()
        async with jobs_of(channel) as stream:
            left = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await left
        waits.cancel()
        await asyncio.wait([waits])
        del waits
        gc.collect()
        await until(lambda: running() == 0)

    run(with_jobs(gateway, main))


async def while_working(worker: JobWorker, then: Callable[[], Awaitable[Any]]) -> Any:
    working = asyncio.create_task(worker.work())
    try:
        result = await then()
    except BaseException:
        working.cancel()
        raise
    await worker.stop()
    await working
    return result


def test_a_jobs_life_with_decorators_and_plain_functions(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        seen: list[Any] = []

        async def before(job: Job) -> Job:
            seen.append(("before", job.type))
            return job

        def after(job: Job) -> Job:
            seen.append(("after", threading.current_thread() is threading.main_thread()))
            return job

        worker = JobWorker(channel, "python", before=[before], after=[after], options=QUICK)

        @worker.task("work", timeout_ms=60_000, max_running_jobs=8)
        def work(job: Job, order: str) -> dict[str, Any]:
            assert threading.current_thread() is not threading.main_thread()
            assert (job.worker, job.custom_headers, job.element_id, job.bpmn_process_id) == ("python", {"colour": "blue"}, "work", "order")
            assert ActivatedJob.FromString(job.message).key == job.key > 0
            assert job.variables == {"order": order}, "the others were not asked for"
            if order == "throws":
                raise BusinessError("refused", "this order is refused")
            if order == "never" or (order == "again" and job.retries == 3):
                raise RuntimeError(f"{order} at {job.retries}")
            return {"worked": job.retries}

        async def orders() -> None:
            async def result(order: str) -> Any:
                return (await client.run_process_with_result("order", {"order": order, "orderId": order}, timeout=30_000)).variables

            for order in ("completes", "again"):
                await client.publish_message("paid", order, {"paid": True}, time_to_live_in_milliseconds=60_000)
            completes, again, throws = await asyncio.gather(*(result(order) for order in ("completes", "again", "throws")))
            assert (completes["worked"], again["worked"]) == (3, 2) and "worked" not in throws
            await client.run_process("order", {"order": "never", "orderId": "never"})
            await until(lambda: gateway.tell("GET", "/incidents"))
            assert "RuntimeError: never at 1" in str(gateway.tell("GET", "/incidents"))
            stats = worker.stats()["work"]["jobs"]
            assert (stats["completed"], stats["failed"], stats["thrown"]) == (2, 4, 1)
            text = libzeebe.prometheus_text(worker)
            assert re.search(r'^zeebe_job_worker_jobs_completed_total\{type="work",worker="[^"]*"\} 2$', text, flags=re.M), text
            assert libzeebe.prometheus_text(worker, JobWorker(channel)).count("# TYPE zeebe_job_worker_jobs_here gauge") == 1

        await while_working(worker, orders)
        assert seen.count(("before", "work")) == 7 and seen.count(("after", False)) == 2

    run(with_jobs(gateway, main))


def test_handlers_of_every_form(own_gateway: Make) -> None:
    gateway = own_gateway()

    class Object:
        async def __call__(self, number: int) -> int:
            return number

    async def everything(**variables: Any) -> dict[str, Any]:
        assert set(variables) == {"order", "orderId", "number"}
        return {"all": sorted(variables)}

    async def nothing() -> None:
        pass

    async def alone(job: Job) -> None:
        assert job.variables["number"] == 0, "all come"

    async def bound(factor: int, number: int) -> dict[str, Any]:
        return {"times": factor * number}

    async def ends_itself(job: Job) -> None:
        end = await job.complete({"own": 1})
        assert end.outcome is JobOutcome.ENDED and end.error is None
        with pytest.raises(libzeebe.ZeebeError) as raised:
            await job.complete()
        assert raised.value.kind is libzeebe.ErrorKind.ILLEGAL_STATE

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        forms: list[tuple[Any, dict[str, Any]]] = [
            (Object(), {"single_value": True, "variable_name": "value"}),
            (everything, {}),
            (nothing, {}),
            (alone, {}),
            (partial(bound, 3), {"variables_to_fetch": ["number"]}),
            (ends_itself, {}),
        ]
        for function, arguments in forms:
            worker = JobWorker(channel, options=QUICK)
            worker.task("work", **arguments)(function)

            async def completed(worker: JobWorker = worker) -> None:
                await start(client, 1)
                await until(lambda: worker.stats().get("work", NONE)["jobs"]["completed"] == 1)

            await while_working(worker, completed)

    run(with_jobs(gateway, main))


def test_an_exception_handler_ends_the_job(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        ends: list[Any] = []

        async def handler(error: Exception, job: Job) -> None:
            assert isinstance(error, ZeroDivisionError)
            ends.append(await job.fail("divided", retries=0, retry_backoff=0))

        worker = JobWorker(channel, exception_handler=handler, options=QUICK)

        @worker.task("work")
        async def work(number: int) -> dict[str, Any]:
            return {"result": 1 / number}

        async def failed() -> None:
            await start(client, 1)
            await until(lambda: ends)

        await while_working(worker, failed)
        assert ends[0].outcome is JobOutcome.ENDED
        assert "divided" in str(gateway.tell("GET", "/incidents"))

    run(with_jobs(gateway, main))


def test_what_is_no_variables_fails_the_job(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        worker = JobWorker(channel, options=QUICK)

        @worker.task("work")
        async def work() -> Any:
            return object()

        async def failed() -> None:
            await start(client, 1)
            await until(lambda: gateway.tell("GET", "/incidents"))

        await while_working(worker, failed)
        assert "TypeError" in str(gateway.tell("GET", "/incidents"))

    run(with_jobs(gateway, main))


def test_a_worker_that_is_cancelled_leaves_nothing_running(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        worker = JobWorker(channel, options=QUICK)
        begun, cancelled = asyncio.Event(), asyncio.Event()

        @worker.task("work")
        async def work() -> None:
            begun.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        working = asyncio.create_task(worker.work())
        await start(client, 1)
        await begun.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        await cancelled.wait()
        assert worker.stats() == {} and "} " not in libzeebe.prometheus_text(worker)
        await until(lambda: channel.stats()["calls"]["running"] == 0)

    run(with_jobs(gateway, main))


def test_a_grace_that_is_over_is_said(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        worker = JobWorker(channel, options=WorkerOptions(poll_interval=0.1, grace=0.05))
        begun = asyncio.Event()

        @worker.task("work")
        async def work() -> None:
            begun.set()
            await asyncio.sleep(3600)

        working = asyncio.create_task(worker.work())
        await start(client, 1)
        await begun.wait()
        await worker.stop()
        with pytest.raises(libzeebe.RpcError) as raised:
            await working
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    run(with_jobs(gateway, main))


def test_what_cannot_pass_ends_the_worker(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        worker = JobWorker(channel, options=QUICK)
        with pytest.raises(ValueError, match="no tasks"):
            await worker.work()
        worker.task("work")(lambda: None)
        with pytest.raises(ValueError, match="already"):
            worker.task("work")
        gateway.tell("POST", "/fail?status=7&count=99&rpc=StreamActivatedJobs&message=not+you")
        gateway.tell("POST", "/fail?status=7&count=99&rpc=ActivateJobs&message=not+you")
        with pytest.raises(libzeebe.RpcError, match="not you"):
            await worker.work()
        refused = JobWorker(channel, options=WorkerOptions(max_jobs_active=-1))
        refused.task("work")(lambda: None)
        with pytest.raises(libzeebe.InvalidArgumentError, match=r"WorkerOptions\.max_jobs_active"):
            await refused.work()

    run(with_jobs(gateway, main))


def test_a_worker_goes_on_over_lost_connections(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main(channel: libzeebe.Channel, client: ZeebeClient) -> None:
        worker = JobWorker(channel, options=QUICK)
        numbers: list[int] = []

        @worker.task("work")
        async def work(number: int) -> None:
            numbers.append(number)
            if len(numbers) in (20, 60):
                await asyncio.to_thread(gateway.tell, "POST", "/reset-connections")

        await start(client, 100)

        async def all_of_them() -> None:
            await until(lambda: set(numbers) == set(range(100)))

        await while_working(worker, all_of_them)

    run(with_jobs(gateway, main))


def test_an_outcome_that_this_version_does_not_know_is_unknown() -> None:
    async def main() -> None:
        settled: asyncio.Future[JobEnd] = asyncio.get_running_loop().create_future()
        assert _Settling(settled).receive(SimpleNamespace(outcome=99, error=ffi.NULL))
        assert await settled == (JobOutcome.UNKNOWN, None)

    run(main())
