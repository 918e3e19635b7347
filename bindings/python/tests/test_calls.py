"""Calls on the development gateway: status, metadata, deadlines, cancel, callbacks, interceptors."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import grpc
import pytest
from pyzeebe.proto.gateway_pb2 import ActivateJobsRequest, StreamActivatedJobsRequest, TopologyRequest

import libzeebe
import libzeebe._native as native
from conftest import PATIENCE, Gateway, run, stub_of, until
from interop import Stub, server, sized
from libzeebe import ConnectionOptions

Make = Callable[..., Gateway]


def running(channel: libzeebe.Channel) -> int:
    count: int = channel.stats()["calls"]["running"]
    return count


def test_many_calls_at_once_and_in_several_loops_at_once(gateway: Gateway) -> None:
    channel = libzeebe.create_insecure_channel(gateway.address())

    async def main() -> None:
        stub = stub_of(channel)
        answers = await asyncio.gather(*(stub.Topology(TopologyRequest()) for _ in range(500)))
        assert all(answer.partitionsCount == 1 for answer in answers)

    async def threads() -> None:
        await asyncio.gather(*(asyncio.to_thread(run, main()) for _ in range(3)))

    run(threads())
    assert running(channel) == 0


def test_a_failure_has_its_facts(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            gateway.tell("POST", "/fail?status=8&message=busy")
            call = stub_of(channel).Topology(TopologyRequest())
            with pytest.raises(libzeebe.RpcError) as raised:
                await call
            error = raised.value
            assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "busy")
            assert error.facts.source is libzeebe.ErrorSource.GATEWAY and error.facts.is_retryable
            assert error.facts.may_have_been_processed
            assert await call.code() is error.code() and await call.trailing_metadata() == error.trailing_metadata()
            copy = pickle.loads(pickle.dumps(error))
            assert (copy.code(), copy.details(), copy.facts) == (error.code(), error.details(), error.facts)
            # Again, and the traceback does not grow.
            with pytest.raises(libzeebe.RpcError):
                await call

    run(main())


def test_no_gateway_is_unavailable_or_waited_for(gateway: Gateway) -> None:
    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address("refused")) as channel:
            stub = stub_of(channel)
            with pytest.raises(libzeebe.RpcError) as raised:
                await stub.Topology(TopologyRequest())
            assert raised.value.code() is grpc.StatusCode.UNAVAILABLE and not raised.value.facts.may_have_been_processed
            with pytest.raises(libzeebe.RpcError) as raised:
                await stub.Topology(TopologyRequest(), wait_for_ready=True, timeout=0.05)
            assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            call = stub.Topology(TopologyRequest())
            with pytest.raises(libzeebe.RpcError):
                await call.wait_for_connection()

    run(main())


@pytest.mark.parametrize("timeout", [0, -1, 0.03])
def test_a_deadline_ends_a_call(own_gateway: Make, timeout: float) -> None:
    gateway = own_gateway("--misbehave", "/latency?ms=10000")

    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            call = stub_of(channel).Topology(TopologyRequest(), timeout=timeout)
            remaining = call.time_remaining()
            assert remaining is not None and 0 <= remaining <= max(0, timeout)
            with pytest.raises(libzeebe.RpcError) as raised:
                await call
            assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            stream = stub_of(channel).ActivateJobs(ActivateJobsRequest(type="a"), timeout=timeout)
            with pytest.raises(libzeebe.RpcError) as raised:
                await stream.read()
            assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    run(main())


def test_the_channels_own_time_out_and_metadata(own_gateway: Make) -> None:
    gateway = own_gateway("--misbehave", "/latency?ms=10000")

    async def main() -> None:
        options = ConnectionOptions(timeout=0.03, metadata=[("key", "value")])
        async with libzeebe.create_insecure_channel(gateway.address(), connection_options=options) as channel:
            with pytest.raises(libzeebe.RpcError) as raised:
                await stub_of(channel).Topology(TopologyRequest())
            assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    run(main())


def test_who_awaits_a_call_and_is_cancelled_cancels_it(own_gateway: Make) -> None:
    gateway = own_gateway("--misbehave", "/latency?ms=10000")

    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            call = stub_of(channel).Topology(TopologyRequest())

            async def wait() -> None:
                await call

            task = asyncio.create_task(wait())
            await asyncio.sleep(0)  # it waits
            await until(lambda: channel.get_state() is grpc.ChannelConnectivity.READY)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert call.cancelled() and await call.code() is grpc.StatusCode.CANCELLED
            await until(lambda: running(channel) == 0)

    run(main())


def _waiting(stub: Stub) -> dict[str, Callable[[], Any]]:
    """Everything that waits, of a call whose answer never comes."""
    never = 60_000_000

    async def anext_of(call: Any) -> None:
        async for _ in call:
            pass

    async def writing() -> None:
        call = stub.duplex()
        while True:
            await call.write(sized(1, payload=1 << 20, interval_us=never))

    async def unary_of_stream() -> None:
        await stub.input()

    async def metadata(name: str) -> None:
        call = stub.duplex()
        try:
            await getattr(call, name)()
        finally:
            call.cancel()

    async def reading() -> None:
        await stub.output(sized(1, interval_us=never)).read()

    return {
        "anext": lambda: anext_of(stub.output(sized(1, interval_us=never))),
        "read": reading,
        "write": writing,
        "stream_unary": unary_of_stream,
        **{name: partial(metadata, name) for name in ("initial_metadata", "trailing_metadata", "code", "details")},
    }


def test_a_cancel_at_each_await_point_leaves_nothing_behind() -> None:
    with server() as address:

        async def main() -> None:
            channel = libzeebe.create_insecure_channel(address)
            waiting = _waiting(Stub(channel))
            await channel.channel_ready()
            for name, start in waiting.items():
                for turns in (0, 1, 2, 5, 50):  # before its first step, and later and later
                    task = asyncio.ensure_future(start())
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    assert not task.done(), name
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
            await until(lambda: running(channel) == 0)
            never = libzeebe.create_insecure_channel("localhost:1")
            for waits in (channel.wait_for_state_change(grpc.ChannelConnectivity.READY), never.channel_ready()):
                task = asyncio.ensure_future(waits)
                await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            closing = asyncio.ensure_future(channel.close())
            await asyncio.sleep(0)
            closing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await closing
            await channel.close()

        run(main())


def test_done_callbacks_come_once_with_the_call(gateway: Gateway) -> None:
    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            for call in (
                stub_of(channel).Topology(TopologyRequest()),
                stub_of(channel).ActivateJobs(ActivateJobsRequest(type="a", worker="w", timeout=1, maxJobsToActivate=1, requestTimeout=-1)),
            ):
                told: list[Any] = []
                call.add_done_callback(told.append)
                assert await call.code() is grpc.StatusCode.OK
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert told == [call]
                call.add_done_callback(told.append)
                await asyncio.sleep(0)
                assert told == [call, call]

    run(main())


def test_a_call_goes_on_whoever_waits_for_it(gateway: Gateway) -> None:
    async def main() -> None:
        channel = libzeebe.create_insecure_channel(gateway.address())
        stub_of(channel).Topology(TopologyRequest())
        await until(lambda: channel.stats()["calls"]["ended"].get("OK") == 1)
        call = stub_of(channel).Topology(TopologyRequest())
        first, second = await asyncio.gather(call, asyncio.wait_for(call, 10))
        assert first == second == await call

    run(main())


def test_what_receives_an_event_and_fails_costs_its_own_call_alone(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(event: Any) -> bool:
        raise LookupError("it cannot receive")

    async def main() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            await channel.channel_ready()
            calls = [stub_of(channel).Topology(TopologyRequest(), timeout=PATIENCE) for _ in range(20)]
            monkeypatch.setattr(calls[3], "receive", fails)
            monkeypatch.setattr(calls[5], "receive", fails)
            deadline = time.monotonic() + PATIENCE
            while running(channel) and time.monotonic() < deadline:
                time.sleep(0.005)  # the loop waits, so that all answers are taken at once
            answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
            failed = [answer for answer in answers if isinstance(answer, libzeebe.RpcError)]
            assert [answers.index(failure) for failure in failed] == [3, 5]
            assert failed[0].code() is grpc.StatusCode.INTERNAL and "LookupError" in (failed[0].details() or "")
            assert [type(context["exception"]) for context in told] == [LookupError]
            assert (await stub_of(channel).Topology(TopologyRequest())).partitionsCount == 1

    run(main())


def test_a_call_with_one_answer_gives_it_to_all_who_wait() -> None:
    with server() as address:

        async def main() -> None:
            async with libzeebe.create_insecure_channel(address) as channel:
                call = Stub(channel).input(timeout=PATIENCE)
                both = asyncio.gather(call, asyncio.wait_for(call, 10))
                await call.write(sized_input(5))
                await asyncio.sleep(0)
                await call.done_writing()
                first, second = await both
                assert first.aggregated_payload_size == second.aggregated_payload_size == 5
                assert (await call).aggregated_payload_size == 5

        run(main())


class NewLibrary:
    """One whose errors have a kind and a source that this version does not know."""

    def __getattr__(self, name: str) -> Any:
        return getattr(native.lib, name)

    @staticmethod
    def zeebe_error_kind(error: Any) -> int:
        return 99

    zeebe_error_source = zeebe_error_kind


def test_new_kinds_of_errors_are_numbers(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libzeebe.errors.lib", NewLibrary())
    with pytest.raises(libzeebe.ZeebeError) as raised:
        libzeebe.create_oauth2_client_credentials_channel(client_id="a", client_secret="b")
    assert raised.value.kind == raised.value.facts.source == 99

    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address("refused")) as channel:
            with pytest.raises(libzeebe.ZeebeError):
                await channel.retrieve_token()
            with pytest.raises(libzeebe.RpcError) as failed:
                await stub_of(channel).Topology(TopologyRequest())
            assert failed.value.facts.kind == 99

    run(main())


def test_grace_lets_calls_end(own_gateway: Make) -> None:
    gateway = own_gateway("--misbehave", "/latency?ms=100")

    async def main() -> None:
        channel = libzeebe.create_insecure_channel(gateway.address())
        await channel.channel_ready()
        call = stub_of(channel).Topology(TopologyRequest())
        stream = stub_of(channel).StreamActivatedJobs(StreamActivatedJobsRequest(type="a", worker="w", timeout=1000))
        await channel.close(grace=2)
        assert (await call).partitionsCount == 1
        with pytest.raises(libzeebe.RpcError) as raised:
            await stream.read()
        assert raised.value.code() is grpc.StatusCode.CANCELLED

    run(main())


def test_gzip_is_sent_and_taken(own_gateway: Make) -> None:
    gateway = own_gateway()

    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address("gzip")) as channel:
            answer = await stub_of(channel).Topology(TopologyRequest(), compression=grpc.Compression.Gzip)
            assert answer.partitionsCount == 1

    run(main())


def test_arguments_of_no_use_are_refused_and_others_heard(gateway: Gateway) -> None:
    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            stub = stub_of(channel)
            with pytest.raises(libzeebe.InvalidArgumentError):
                stub.Topology(TopologyRequest(), metadata=[("Bad Key", "v")])
            with pytest.raises(TypeError):
                stub.Topology(TopologyRequest(), metadata=[("key", 1)])
            with pytest.raises(ValueError, match="timeout"):
                stub.Topology(TopologyRequest(), timeout=float("nan"))
            with pytest.raises(libzeebe.InvalidArgumentError):
                channel.unary_unary("no/slash/first")(b"")
            with pytest.raises(TypeError):
                stub.Topology("no request")
            limited = libzeebe.create_insecure_channel(gateway.address(), [("grpc.max_send_message_length", 10)])
            with pytest.raises(libzeebe.RpcError) as raised:
                await limited.unary_unary("/gateway_protocol.Gateway/Topology")(bytes(11))
            assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    run(main())


class Interceptor(
    grpc.aio.UnaryUnaryClientInterceptor,
    grpc.aio.UnaryStreamClientInterceptor,
    grpc.aio.StreamUnaryClientInterceptor,
    grpc.aio.StreamStreamClientInterceptor,
):
    """Notes what passes, and adds metadata that grpc-go's server echoes."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self._name = name
        self._notes = notes

    async def _intercept(self, continuation: Any, details: Any, request: Any) -> Any:
        self._notes.append(f"{self._name} {details.method.decode().rpartition('/')[2]}")
        details.metadata.add("x-grpc-test-echo-initial", self._name)
        return await continuation(details, request)

    intercept_unary_unary = intercept_unary_stream = intercept_stream_unary = intercept_stream_stream = _intercept  # type: ignore[assignment]


def test_interceptors_of_all_four_kinds() -> None:
    with server() as address:

        async def main() -> None:
            notes: list[str] = []
            one, two = Interceptor("one", notes), Interceptor("two", notes)
            async with libzeebe.create_insecure_channel(address, interceptors=[one, two]) as channel:
                stub = Stub(channel)
                call = stub.unary(_request(1))
                assert len((await call).payload.body) == 1
                assert (await call.initial_metadata()).get_all("x-grpc-test-echo-initial") == ["one"]
                assert await call.code() is grpc.StatusCode.OK and call.done()
                assert [len(answer.payload.body) async for answer in stub.output(sized(3, 4))] == [3, 4]
                written = stub.input()
                await written.write(sized_input(5))
                await written.done_writing()
                assert (await written).aggregated_payload_size == 5
                duplex = stub.duplex()
                await duplex.write(sized(6, payload=1))
                assert len((await duplex.read()).payload.body) == 6
                await duplex.done_writing()
                assert await duplex.read() is grpc.aio.EOF
                calls = ["UnaryCall", "StreamingOutputCall", "StreamingInputCall", "FullDuplexCall"]
                assert notes == [f"{name} {method}" for method in calls for name in ("one", "two")]
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await stub.unimplemented(_empty())
                assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
                cancelled = stub.duplex()
                assert cancelled.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await cancelled.read()

        run(main())


def test_an_interceptor_may_answer_or_fail_itself(gateway: Gateway) -> None:
    class Own(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            if details.timeout is not None:
                raise grpc.aio.AioRpcError(grpc.StatusCode.ABORTED, grpc.aio.Metadata(), grpc.aio.Metadata(), "no")
            return "mine"

    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address(), interceptors=[Own()]) as channel:
            call = stub_of(channel).Topology(TopologyRequest())
            assert await call == "mine" and await call.code() is grpc.StatusCode.OK
            call = stub_of(channel).Topology(TopologyRequest(), timeout=1)
            with pytest.raises(grpc.aio.AioRpcError):
                await call
            assert (await call.code(), await call.details()) == (grpc.StatusCode.ABORTED, "no")

    run(main())


class Deaf(grpc.aio.StreamStreamClientInterceptor):
    """Makes a call that nothing of the program's is sent with, or fails."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    async def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        if self._failure is not None:
            await asyncio.sleep(0.05)
            raise self._failure
        return await continuation(details, None)


class Around(grpc.aio.UnaryStreamClientInterceptor, grpc.aio.StreamStreamClientInterceptor):
    """Gives what is answered by an iterator of its own."""

    async def _intercept(self, continuation: Any, details: Any, request: Any) -> Any:
        call = await continuation(details, request)

        async def answers() -> AsyncIterator[Any]:
            async for answer in call:
                yield answer

        return answers()

    intercept_unary_stream = intercept_stream_stream = _intercept  # type: ignore[assignment]


ABORTED = grpc.aio.AioRpcError(grpc.StatusCode.ABORTED, grpc.aio.Metadata(), grpc.aio.Metadata(), "no")


WRITTEN_TO = {"reads": Interceptor("one", []), "answers": Around(), "deaf": Deaf(None), "aborts": Deaf(ABORTED), "raises": Deaf(LookupError("no"))}


@pytest.mark.parametrize("interceptor", WRITTEN_TO.values(), ids=WRITTEN_TO)
def test_who_writes_through_an_interceptor_learns_that_the_call_has_ended(interceptor: Any) -> None:
    with server() as address:

        async def main() -> None:
            async with libzeebe.create_insecure_channel(address, interceptors=[interceptor]) as channel:
                await channel.channel_ready()
                call = Stub(channel).duplex(timeout=0.2)

                async def writes() -> None:
                    while True:
                        await call.write(sized(1, payload=1 << 20, interval_us=60_000_000))

                with pytest.raises(asyncio.InvalidStateError, match="RPC already finished"):
                    await asyncio.wait_for(writes(), 10)
                assert call.done()
                with pytest.raises(asyncio.InvalidStateError, match="RPC already finished"):
                    await call.done_writing()
                with contextlib.suppress(LookupError):
                    assert await call.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED)

        run(main())


@pytest.mark.parametrize("interceptors", [[Around()], [Around(), Interceptor("one", []), Around()]], ids=["one", "three"])
def test_an_interceptor_may_give_what_is_answered_itself(interceptors: Any) -> None:
    with server() as address:

        async def main() -> None:
            async with libzeebe.create_insecure_channel(address, interceptors=interceptors) as channel:
                stub = Stub(channel)
                duplex = stub.duplex(timeout=PATIENCE, metadata=[("x-grpc-test-echo-initial", "it")])
                ended = asyncio.get_running_loop().create_future()
                duplex.add_done_callback(ended.set_result)
                for size in (1, 2):
                    await duplex.write(sized(size, payload=1))
                    assert len((await duplex.read()).payload.body) == size
                assert (await duplex.initial_metadata())["x-grpc-test-echo-initial"] == "it"
                assert not duplex.done() and not ended.done()
                assert duplex.cancel()
                assert await asyncio.wait_for(ended, PATIENCE) is duplex
                assert duplex.done() and duplex.cancelled() and await duplex.code() is grpc.StatusCode.CANCELLED
                output = stub.output(sized(3, 4), timeout=PATIENCE)
                assert [len(answer.payload.body) async for answer in output] == [3, 4]
                assert output.done() and await output.code() is grpc.StatusCode.OK
                late = stub.output(sized(1, interval_us=60_000_000), timeout=0.2)
                assert await late.code() is grpc.StatusCode.DEADLINE_EXCEEDED

        run(main())


def test_a_writer_that_is_cancelled_leaves_the_call_to_others() -> None:
    with server() as address:

        async def main() -> None:
            async with libzeebe.create_insecure_channel(address, interceptors=[Interceptor("one", [])]) as channel:
                await channel.channel_ready()
                call = Stub(channel).duplex(timeout=PATIENCE)
                writers = [asyncio.ensure_future(call.write(sized(size, payload=1))) for size in (1, 2, 3)]
                await asyncio.sleep(0)
                writers[1].cancel()
                await asyncio.wait(writers)
                await call.done_writing()
                assert [len(answer.payload.body) async for answer in call] == [1, 3]

        run(main())


def _request(size: int) -> Any:
    from interop import SimpleRequest

    return SimpleRequest(response_size=size)


def _empty() -> Any:
    from interop import messages

    return messages["Empty"]()


def sized_input(size: int) -> Any:
    from interop import Input

    return Input(payload={"body": bytes(size)})
