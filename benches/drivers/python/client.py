"""The clients zeebe-python, libzeebe through the Python binding, and grpc-python, grpc.aio: with the same calls, whose messages stay bytes, on asyncio's loop.
The first argument says which; src/run.rs is the agreement on the others, and on what is printed."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

import libzeebe

LIBRARY, ADDRESS, CA, ROW = sys.argv[1:5]
IN_FLIGHT, SECONDS = int(sys.argv[5]), float(sys.argv[6])
IS_OURS = LIBRARY == "zeebe-python"
DEADLINE = 30
TOKEN = os.environ.get("TOKEN")
# grpcio's own has no credentials in plaintext.
METADATA = (("authorization", f"Bearer {TOKEN}"),) if TOKEN and not IS_OURS else None


def new_channel() -> grpc.aio.Channel:
    if IS_OURS:
        return libzeebe.create_secure_channel(ADDRESS, channel_credentials=credentials()) if CA != "-" or TOKEN else libzeebe.create_insecure_channel(ADDRESS)
    return grpc.aio.insecure_channel(ADDRESS, LOCAL) if CA == "-" else grpc.aio.secure_channel(ADDRESS, credentials(), LOCAL)


def credentials() -> grpc.ChannelCredentials:
    if CA != "-":
        return grpc.ssl_channel_credentials(Path(CA).read_bytes())
    plugin = libzeebe.OAuth2MetadataPlugin(None, lambda: {"access_token": TOKEN, "expires_in": 3600})
    return grpc.composite_channel_credentials(grpc.local_channel_credentials(), grpc.metadata_call_credentials(plugin))


# Channels of gRPC C++ share connections otherwise, or they would be one.
LOCAL = (("grpc.use_local_subchannel_pool", 1),)


def topology(channel: grpc.aio.Channel) -> Any:
    return channel.unary_unary("/gateway_protocol.Gateway/Topology")


def call(method: Any) -> Any:
    return method(b"", timeout=DEADLINE, metadata=METADATA)


class Meter:
    """Warms up for a fifth of the time, then measures."""

    def __init__(self) -> None:
        self.is_over = self.is_measuring = False
        self.count = 0
        self.latencies: list[float] = []

    async def repeat(self, do: Callable[[], Awaitable[Any]]) -> None:
        begin = time.perf_counter()
        while not self.is_over:
            await do()
            now = time.perf_counter()
            if self.is_measuring:
                self.count += 1
                self.latencies.append(now - begin)
            begin = now

    async def measure(self, tasks: list[Awaitable[None]]) -> dict[str, float]:
        running = asyncio.gather(*tasks)
        await asyncio.sleep(SECONDS / 5)
        begin, cpu_begin = time.perf_counter(), cpu()
        self.is_measuring = True
        await asyncio.sleep(SECONDS)
        used, seconds, count = cpu() - cpu_begin, time.perf_counter() - begin, self.count
        self.is_measuring, self.is_over = False, True
        await running
        result = {"count": count, "seconds": seconds, "cpu_us": used * 1e6 / count}
        if self.latencies:
            ordered = sorted(self.latencies)
            result |= {"p50_us": ordered[len(ordered) // 2] * 1e6, "p99_us": ordered[len(ordered) * 99 // 100] * 1e6}
        return result


def cpu() -> float:
    """The processor time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def rss_kib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


async def unary() -> dict[str, float]:
    async with new_channel() as channel:
        method = topology(channel)
        await call(method)
        meter = Meter()
        return await meter.measure([meter.repeat(lambda: call(method)) for _ in range(IN_FLIGHT)])


async def stream() -> dict[str, float]:
    meter = Meter()

    async def read(channel: grpc.aio.Channel) -> None:
        method = channel.unary_stream("/gateway_protocol.Gateway/StreamActivatedJobs")
        while not meter.is_over:
            jobs = method(b"", timeout=DEADLINE)
            async for _ in jobs:
                meter.count += meter.is_measuring
                if meter.is_over:
                    break
            jobs.cancel()

    async with new_channel() as channel:
        return await meter.measure([read(channel)])


async def cold() -> dict[str, float]:
    async def once() -> None:
        async with new_channel() as channel:
            await call(topology(channel))

    meter = Meter()
    return await meter.measure([meter.repeat(once)])


async def idle() -> dict[str, float]:
    channels = [new_channel()]
    await call(topology(channels[0]))  # what the first one needs, the process needs once
    before = rss_kib()
    for _ in range(IN_FLIGHT):
        channels.append(new_channel())
        await call(topology(channels[-1]))
    result = {"rss_kib": (rss_kib() - before) / IN_FLIGHT}
    for channel in channels:
        await channel.close()
    return result


def version() -> str:
    python = f"CPython {platform.python_version()}"
    return f"libzeebe {libzeebe.__version__}, {python}" if IS_OURS else f"grpcio {grpc.__version__}, {python}"


ROWS = {"unary": unary, "stream": stream, "cold": cold, "idle": idle}
print(json.dumps({"version": version(), **asyncio.run(ROWS[ROW]())}))
