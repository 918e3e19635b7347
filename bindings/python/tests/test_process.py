"""What a program's process sees: its end, forks, dropped streams, memory, and nothing on standard error."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tracemalloc
from typing import Any

import pytest
from pyzeebe.proto.gateway_pb2 import StreamActivatedJobsRequest, TopologyRequest

import libzeebe
from conftest import PATIENCE, Gateway, run, stub_of, until

BEGINNING = """
import asyncio, gc, logging, os, sys, threading, multiprocessing
logging.getLogger("asyncio").setLevel(logging.ERROR)  # a busy machine is slow
import libzeebe
address = sys.argv[1]
method = "/gateway_protocol.Gateway/Topology"
async def call(channel):
    assert await channel.unary_unary(method)(b"")
async def stay(channel):
    await channel.channel_ready()
    return channel.unary_stream("/gateway_protocol.Gateway/StreamActivatedJobs")(b"\\x0a\\x01a\\x12\\x01w\\x18\\x01")
"""

PROGRAMS = {
    "a channel, a call and a stream that nobody ends": """
channel = libzeebe.create_insecure_channel(address)
async def main():
    global stream
    await call(channel)
    stream = await stay(channel)
    channel.unary_unary(method)(b"")
asyncio.run(main())
""",
    "a loop that is never closed": """
loop = asyncio.new_event_loop()
loop.set_debug(False)  # Python 3.13's would import modules at the interpreter's end, for the text of its own handles
channel = libzeebe.create_insecure_channel(address)
loop.run_until_complete(call(channel))
stream = loop.run_until_complete(stay(channel))
import warnings
warnings.simplefilter("ignore")  # asyncio's of the loop
sys.exit()
""",
    "an exit in a callback": """
channel = libzeebe.create_insecure_channel(address)
async def main():
    one = channel.unary_unary(method)(b"")
    one.add_done_callback(lambda _: os._exit(0))
    await asyncio.sleep(60)
asyncio.run(main())
""",
    "token sources at work": """
def fetch():
    import time
    time.sleep(60)
import grpc
plugin = libzeebe.OAuth2MetadataPlugin(None, fetch)
threading.Thread(target=plugin.retrieve_token, daemon=True).start()
import time; time.sleep(0.1)
""",
    "a child of fork() with a channel of its own": """
channel = libzeebe.create_insecure_channel(address)
asyncio.run(call(channel))
child = os.fork()
if child == 0:
    try:
        try:
            asyncio.run(call(channel))
        except Exception as error:
            assert "fork" in str(error) or "parent" in str(error), error
        else:
            raise AssertionError("a parent's channel")
        own = libzeebe.create_insecure_channel(address)
        asyncio.run(call(own))
        del channel, own
        gc.collect()
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
asyncio.run(call(channel))
""",
    "multiprocessing by fork": """
def work(number):
    asyncio.run(call(libzeebe.create_insecure_channel(address)))
    return number
if __name__ == "__main__":
    asyncio.run(call(libzeebe.create_insecure_channel(address)))
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        assert pool.map(work, range(4)) == [0, 1, 2, 3]
        pool.close()
        pool.join()
""",
    "many loops, one after another": """
channel = libzeebe.create_insecure_channel(address)
for _ in range(100):
    asyncio.run(call(channel))
    gc.collect()
assert len(os.listdir("/proc/self/fd")) < 20, os.listdir("/proc/self/fd")
""",
    "uvloop": """
import uvloop
channel = libzeebe.create_insecure_channel(address)
async def main():
    global stream
    await call(channel)
    stream = await stay(channel)
for _ in range(10):
    uvloop.run(main())
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_quietly(gateway: Gateway, name: str) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", BEGINNING + PROGRAMS[name], gateway.address()]
    ended = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr


def test_streams_that_were_dropped_are_cancelled_and_freed(gateway: Gateway) -> None:
    async def main() -> None:
        channel = libzeebe.create_insecure_channel(gateway.address())
        stub = stub_of(channel)
        request = StreamActivatedJobsRequest(type="a", worker="w", timeout=1000)

        async def drop(number: int) -> None:
            for _ in range(number):
                stub.StreamActivatedJobs(request)
                call = stub.StreamActivatedJobs(request)
                call.add_done_callback(print)
                iterator = call.__aiter__()
                del call, iterator
                await asyncio.sleep(0)
            gc.collect()
            await until(lambda: channel.stats()["calls"]["running"] == 0)

        await drop(500)
        threads, before = len(os.listdir("/proc/self/task")), resident_kib()
        await drop(5000)
        assert len(os.listdir("/proc/self/task")) <= threads
        assert channel.stats()["calls"]["started"] == 11_000
        assert resident_kib() - before < 16 << 10
        await channel.close()

    run(main())


def test_a_stream_that_is_read_is_not_dropped(gateway: Gateway) -> None:
    async def main() -> None:
        channel = libzeebe.create_insecure_channel(gateway.address())

        async def read() -> None:
            async for _ in stub_of(channel).StreamActivatedJobs(StreamActivatedJobsRequest(type="a", worker="w", timeout=1000)):
                pass

        reading = asyncio.create_task(read())
        for _ in range(50):
            gc.collect()
            await asyncio.sleep(0.002)
        assert channel.stats()["calls"]["running"] == 1 and not reading.done()
        reading.cancel()
        await asyncio.wait([reading])
        await channel.close()

    run(main())


def resident_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_memory_is_flat(gateway: Gateway) -> None:
    async def main() -> None:
        channel = libzeebe.create_insecure_channel(gateway.address())
        stub = stub_of(channel)

        async def calls(number: int) -> Any:
            for _ in range(number):
                await stub.Topology(TopologyRequest(), timeout=10, metadata=[("key", "value")])
            gc.collect()
            return tracemalloc.take_snapshot()

        tracemalloc.start()
        try:
            await calls(100)
            before = await calls(1)
            after = await calls(2000)
        finally:
            tracemalloc.stop()
        grown = [one for one in after.compare_to(before, "lineno") if one.size_diff > 0 and "tracemalloc" not in str(one.traceback)]
        assert sum(one.size_diff for one in grown) < 64 << 10, grown[:5]
        await channel.close()

    run(main())
