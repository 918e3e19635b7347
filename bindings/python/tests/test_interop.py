"""gRPC's interoperability cases (grpc/doc/interop-test-descriptions.md) against grpc-go's server, and those of compression against tonic's, on asyncio's
loop and on uvloop's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import grpc
import pytest
import uvloop

import libzeebe
from conftest import PATIENCE
from interop import TONIC, Input, Output, SimpleRequest, Stub, messages, server, sized


@pytest.fixture(scope="module")
def tonic() -> Iterator[str]:
    with server(TONIC) as address:
        yield address


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server() as address:
        yield address


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


async def empty_unary(stub: Stub) -> None:
    assert await stub.empty(messages["Empty"]()) == messages["Empty"]()


async def large_unary(stub: Stub) -> None:
    answer = await stub.unary(SimpleRequest(response_size=314159, payload={"body": bytes(271828)}))
    assert answer.payload.body == bytes(314159)


async def client_streaming(stub: Stub) -> None:
    call = stub.input(Input(payload={"body": bytes(size)}) for size in (27182, 8, 1828, 45904))
    assert (await call).aggregated_payload_size == 74922


async def client_streaming_by_hand(stub: Stub) -> None:
    call = stub.input()
    for size in (27182, 8, 1828, 45904):
        await call.write(Input(payload={"body": bytes(size)}))
    await call.done_writing()
    await call.done_writing()
    assert (await call).aggregated_payload_size == 74922
    assert (await call).aggregated_payload_size == 74922
    with pytest.raises(asyncio.InvalidStateError):
        await call.write(Input())


async def server_streaming(stub: Stub) -> None:
    sizes = [31415, 9, 2653, 58979]
    call = stub.output(sized(*sizes))
    assert [len(answer.payload.body) async for answer in call] == sizes
    assert await call.code() is grpc.StatusCode.OK
    assert await stub.output(sized()).read() is grpc.aio.EOF


async def ping_pong(stub: Stub) -> None:
    call = stub.duplex()
    for request, response in ((27182, 31415), (8, 9), (1828, 2653), (45904, 58979)):
        await call.write(sized(response, payload=request))
        assert len((await call.read()).payload.body) == response
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert call.done() and await call.code() is grpc.StatusCode.OK


async def ping_pong_of_an_iterator(stub: Stub) -> None:
    next_one = asyncio.Event()

    async def requests() -> AsyncIterator[Any]:
        for size in (31415, 9):
            yield sized(size, payload=8)
            await next_one.wait()
            next_one.clear()

    sizes = []
    async for answer in stub.duplex(requests()):
        sizes.append(len(answer.payload.body))
        next_one.set()
    assert sizes == [31415, 9]


async def empty_stream(stub: Stub) -> None:
    call = stub.duplex()
    await call.done_writing()
    assert [answer async for answer in call] == []


async def custom_metadata(stub: Stub) -> None:
    initial, trailing = ("x-grpc-test-echo-initial", "test_initial_metadata_value"), ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
    call = stub.unary(SimpleRequest(response_size=1, payload={"body": bytes(1)}), metadata=(initial, trailing))
    assert (await call.initial_metadata())[initial[0]] == initial[1]
    assert (await call.trailing_metadata())[trailing[0]] == trailing[1]
    await call
    stream = stub.duplex(metadata=grpc.aio.Metadata(initial, trailing))
    await stream.write(sized(1, payload=1))
    assert (await stream.initial_metadata())[initial[0]] == initial[1]
    await stream.done_writing()
    await stream.read()
    assert (await stream.trailing_metadata())[trailing[0]] == trailing[1]


async def status_code_and_message(stub: Stub) -> None:
    status = {"code": 2, "message": "test status message"}
    call = stub.unary(SimpleRequest(response_status=status))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNKNOWN, "test status message")
    assert (await call.code(), await call.details()) == (grpc.StatusCode.UNKNOWN, "test status message")
    stream = stub.duplex()
    request = sized()
    request.response_status.code, request.response_status.message = 2, "test status message"
    await stream.write(request)
    await stream.done_writing()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stream.read()
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNKNOWN, "test status message")


async def special_status_message(stub: Stub) -> None:
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.unary(SimpleRequest(response_status={"code": 2, "message": message}))
    assert raised.value.details() == message


async def unimplemented_method(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.unimplemented(messages["Empty"]())
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def unimplemented_service(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.unimplemented_service(messages["Empty"]())
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def cancel_after_begin(stub: Stub) -> None:
    call = stub.input()
    assert call.cancel() and not call.cancel()
    assert call.cancelled() and call.done()
    assert await call.code() is grpc.StatusCode.CANCELLED
    with pytest.raises(asyncio.CancelledError):
        await call


async def cancel_after_first_response(stub: Stub) -> None:
    call = stub.duplex()
    await call.write(sized(31415, payload=27182))
    await call.read()
    call.cancel()
    assert await call.code() is grpc.StatusCode.CANCELLED
    with pytest.raises(asyncio.CancelledError):
        await call.read()


async def timeout_on_sleeping_server(stub: Stub) -> None:
    call = stub.duplex(timeout=0.001)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.write(sized(31415, payload=27182, interval_us=1_000_000))
        await call.read()
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def rpc_soak(stub: Stub) -> None:
    for _ in range(100):
        await large_unary(stub)


# Of Python 3.12.1 the module inspect says that it is a coroutine function, too.
CASES = [case for case in list(globals().values()) if inspect.isfunction(case) and inspect.iscoroutinefunction(case)]


async def run_case(address: str, case: Any) -> None:
    async with libzeebe.create_insecure_channel(address) as channel:
        await case(Stub(channel))


async def channel_soak(address: str) -> None:
    for _ in range(100):
        await run_case(address, large_unary)


def run_on(loop: str, main: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(main, PATIENCE)

    made = LOOPS[loop]()
    try:
        made.run_until_complete(limited())
    finally:
        made.close()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_interop_case(address: str, loop: str, case: Any) -> None:
    run_on(loop, run_case(address, case))


@pytest.mark.parametrize("loop", LOOPS)
def test_channel_soak(address: str, loop: str) -> None:
    run_on(loop, channel_soak(address))


# ---- compression ----

GZIP, PLAIN = grpc.Compression.Gzip, grpc.Compression.NoCompression
# What is sent, what the server is told, and whether it must agree: at first to lie shows that it looks.
ROUNDS = ((PLAIN, True, False), (GZIP, True, True), (PLAIN, False, True), (GZIP, False, False))


async def client_compressed_unary(stub: Stub, _: libzeebe.Channel) -> None:
    for compression, is_told, is_right in ROUNDS:
        request = SimpleRequest(response_size=314159, payload={"body": bytes(271828)}, expect_compressed={"value": is_told})
        call = stub.unary(request, compression=compression)
        if is_right:
            assert len((await call).payload.body) == 314159
        assert await call.code() is (grpc.StatusCode.OK if is_right else grpc.StatusCode.INVALID_ARGUMENT)


async def client_compressed_streaming(stub: Stub, _: libzeebe.Channel) -> None:
    """grpc.aio has no way to compress one message and not the next."""
    for compression, is_told, is_right in ROUNDS:
        requests = [Input(payload={"body": bytes(size)}, expect_compressed={"value": is_told}) for size in (27182, 45904)]
        call = stub.input(iter(requests), compression=compression)
        if is_right:
            assert (await call).aggregated_payload_size == 27182 + 45904
        assert await call.code() is (grpc.StatusCode.OK if is_right else grpc.StatusCode.INVALID_ARGUMENT)


async def server_compressed_unary(stub: Stub, channel: libzeebe.Channel) -> None:
    for is_compressed in (True, False):
        before = received(channel)
        answer = await stub.unary(SimpleRequest(response_size=314159, payload={"body": bytes(271828)}, response_compressed={"value": is_compressed}))
        assert answer.payload.body == bytes(314159)
        assert (received(channel) - before < 314159) == is_compressed


async def server_compressed_streaming(stub: Stub, channel: libzeebe.Channel) -> None:
    before = received(channel)
    parameters = [{"size": 31415, "compressed": {"value": True}}, {"size": 92653, "compressed": {"value": False}}]
    assert [len(answer.payload.body) async for answer in stub.output(Output(response_parameters=parameters))] == [31415, 92653]
    assert 92653 < received(channel) - before < 92653 + 31415


def received(channel: libzeebe.Channel) -> int:
    return sum(one["bytes_received"] for one in channel.stats()["subchannels"])


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("case", [client_compressed_unary, client_compressed_streaming, server_compressed_unary, server_compressed_streaming])
def test_compression_case(tonic: str, loop: str, case: Any) -> None:
    async def main() -> None:
        async with libzeebe.create_insecure_channel(tonic) as channel:
            await case(Stub(channel), channel)

    run_on(loop, main())
