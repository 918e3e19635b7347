"""Channels in gunicorn's workers, which are forked."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import PATIENCE, Gateway

# Each worker has an event loop of its own, in the thread that it works in.
APPLICATION = """
import asyncio, json, os
import libzeebe

address = os.environ["GATEWAY"]
loop = channel = early = None

async def topology(channel):
    await channel.unary_unary("/gateway_protocol.Gateway/Topology")(b"", timeout=30)
    return channel.stats()["calls"]["started"]

def application(environ, start_response):
    global loop, channel
    if loop is None:
        loop = asyncio.new_event_loop()
        channel = libzeebe.create_insecure_channel(address)
    try:
        calls = loop.run_until_complete(topology(early if environ["PATH_INFO"] == "/early" else channel))
        said, status = {"process": os.getpid(), "calls": calls}, "200 OK"
    except Exception as error:
        said, status = {"class": type(error).__name__, "message": str(error)}, "500 Internal Server Error"
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]
"""

# What a program does that makes its channel where all workers begin from.
PRELOADED = """
early = libzeebe.create_insecure_channel(address)
assert asyncio.run(topology(early)) == 1
"""


class Server:
    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def get(self, path: str = "/") -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
                return dict(json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.loads(error.read()))


@contextmanager
def gunicorn(directory: Path, gateway: Gateway, application: str, *options: str) -> Iterator[Server]:
    """Two workers. They must end quietly."""
    (directory / "application.py").write_text(application)
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:0", "--no-control-socket"]
    with subprocess.Popen(
        [*command, *options, "application"], cwd=directory, env={**os.environ, "GATEWAY": gateway.address()}, text=True, stderr=subprocess.PIPE
    ) as process:
        said: list[str] = []
        try:
            assert process.stderr is not None
            port = None
            while port is None or sum("Booting worker" in line for line in said) < 2:
                line = process.stderr.readline()
                assert line, "".join(said)
                said.append(line)
                port = port or re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line)
            yield Server(process, int(port[1]))
        finally:
            process.send_signal(signal.SIGTERM)
            said += process.communicate(timeout=PATIENCE)[1].splitlines(keepends=True)
        assert process.returncode == 0, "".join(said)
        assert all("[INFO]" in line for line in said), "".join(said)


def test_a_channel_in_each_worker(tmp_path: Path, gateway: Gateway) -> None:
    with gunicorn(tmp_path, gateway, APPLICATION) as server:
        calls: dict[int, list[int]] = {}
        while len(calls) < 2 or min(map(len, calls.values())) < 3:
            answer = server.get()
            calls.setdefault(answer["process"], []).append(answer["calls"])
        assert server.process.pid not in calls
        assert all(counts == list(range(1, len(counts) + 1)) for counts in calls.values()), calls


def test_a_channel_that_was_made_before_the_fork(tmp_path: Path, gateway: Gateway) -> None:
    with gunicorn(tmp_path, gateway, APPLICATION + PRELOADED, "--preload") as server:
        processes: set[int] = set()
        while len(processes) < 2:
            refused = server.get("/early")
            assert refused["class"] == "UsageError" and "fork" in refused["message"], refused
            processes.add(server.get()["process"])  # one that is made there works
