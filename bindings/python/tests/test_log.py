"""The library's log in Python's logging."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import libzeebe
from conftest import PATIENCE, Gateway, run


class Records(logging.Handler):
    """Keeps what it gets, which may wait for the test."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []
        self.came = threading.Condition()
        self.goes_on = threading.Event()
        self.goes_on.set()

    def emit(self, record: logging.LogRecord) -> None:
        with self.came:
            self.kept.append(record)
            self.came.notify_all()
        assert self.goes_on.wait(PATIENCE)

    def until(self, condition: Callable[[logging.LogRecord], bool]) -> logging.LogRecord:
        with self.came:
            assert self.came.wait_for(lambda: any(map(condition, self.kept)), PATIENCE), self.kept
            return next(filter(condition, self.kept))


@pytest.fixture
def records() -> Iterator[Records]:
    logger = logging.getLogger("libzeebe")
    handler = Records()
    level = logger.level
    logger.setLevel(1)
    logger.addHandler(handler)
    yield handler
    handler.goes_on.set()
    libzeebe.set_log_level(None)
    logger.removeHandler(handler)
    logger.setLevel(level)


def ignored(name: str) -> None:
    """Logs a warning that names it."""
    libzeebe.create_insecure_channel("localhost:1", channel_options=[(name, 1)])


def call(gateway: Gateway) -> None:
    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            await channel.unary_unary("/gateway_protocol.Gateway/Topology")(b"")

    run(main())


def test_nothing_is_logged_unless_it_is_asked_for(records: Records) -> None:
    ignored("grpc.before")
    libzeebe.set_log_level(logging.WARNING)
    ignored("grpc.asked")
    record = records.until(lambda record: "grpc.asked" in record.getMessage())
    assert (record.name, record.levelno, record.levelname, record.threadName) == ("libzeebe", logging.WARNING, "WARNING", "zeebe-log")
    assert str(vars(record)["target"]).startswith("zeebe::") and record.args == ()
    libzeebe.set_log_level(None)
    ignored("grpc.after")
    libzeebe.set_log_level(logging.WARNING)
    ignored("grpc.again")
    records.until(lambda record: "grpc.again" in record.getMessage())
    said = [record.getMessage() for record in records.kept]
    assert not [text for text in said if "grpc.before" in text or "grpc.after" in text]


def test_levels(gateway: Gateway, records: Records) -> None:
    for level, has_debug in ((logging.INFO, False), (logging.DEBUG, True), (5, True), (1, True)):
        records.kept.clear()
        libzeebe.set_log_level(level)
        call(gateway)
        ignored("grpc.last")
        records.until(lambda record: "grpc.last" in record.getMessage())
        assert all(record.levelno >= level for record in records.kept)
        assert any(record.levelno <= logging.DEBUG for record in records.kept) == has_debug
    for level in (logging.ERROR, logging.CRITICAL, 10_000):
        records.kept.clear()
        libzeebe.set_log_level(level)
        ignored("grpc.unheard")
        libzeebe.set_log_level(logging.WARNING)
        ignored("grpc.heard")
        records.until(lambda record: "grpc.heard" in record.getMessage())
        assert not [record for record in records.kept if "grpc.unheard" in record.getMessage()]


@pytest.mark.parametrize("level", ["INFO", True, 1.5])
def test_what_is_no_level(level: object) -> None:
    with pytest.raises(TypeError, match="level"):
        libzeebe.set_log_level(level)  # type: ignore[arg-type]


def test_slow_handlers_are_told_how_many_records_they_cost(records: Records) -> None:
    libzeebe.set_log_level(logging.WARNING)
    records.goes_on.clear()
    begin = time.monotonic()
    for number in range(20_000):
        ignored(f"grpc.number-{number}")
    assert time.monotonic() - begin < PATIENCE / 2  # it delays nothing
    handled = len(records.kept)
    records.goes_on.set()

    def is_told(record: logging.LogRecord) -> bool:
        return "dropped: slow handlers" in record.getMessage()

    deadline = time.monotonic() + PATIENCE
    while not any(map(is_told, records.kept)) and time.monotonic() < deadline:
        ignored("grpc.next")
    told = records.until(is_told)
    assert handled == 1 and told.levelno == logging.WARNING and int(told.getMessage().split()[0]) > 0  # the library itself may have dropped the rest


def test_a_handler_or_filter_that_fails_costs_its_record_alone(records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(record: logging.LogRecord) -> bool:
        if "grpc.fails" in record.getMessage():
            raise LookupError("a filter's")
        return True

    logger = logging.getLogger("libzeebe")
    logger.addFilter(fails)
    try:
        libzeebe.set_log_level(logging.WARNING)
        ignored("grpc.fails")
        ignored("grpc.goes-on")
        records.until(lambda record: "grpc.goes-on" in record.getMessage())
    finally:
        logger.removeFilter(fails)
    assert "LookupError: a filter's" in capsys.readouterr().err


def test_a_handler_that_uses_the_library(records: Records, gateway: Gateway) -> None:
    class Calls(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "grpc.calls" in record.getMessage():
                call(gateway)
                ignored("grpc.called")
                libzeebe.set_log_level(logging.WARNING)
                ignored("grpc.set")

    logger, handler = logging.getLogger("libzeebe"), Calls()
    logger.addHandler(handler)
    try:
        libzeebe.set_log_level(logging.WARNING)
        ignored("grpc.calls")
        records.until(lambda record: "grpc.set" in record.getMessage())
    finally:
        logger.removeHandler(handler)


def test_without_a_thread_the_log_stays_as_it_was(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def refused() -> None:
        with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="thread"):
            patch.setattr(threading.Thread, "start", fails)
            libzeebe.set_log_level(logging.DEBUG)

    for reader in libzeebe.log._log._readers:  # of the tests before
        reader.join(PATIENCE)
    gc.collect()  # what those before left behind has descriptors, too
    descriptors = len(os.listdir("/proc/self/fd"))
    refused()
    gc.collect()  # whatever nobody refers to is another's memory by now
    for number in range(100):
        ignored(f"grpc.unheard-{number}")
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    libzeebe.set_log_level(logging.WARNING)
    refused()
    ignored("grpc.heard")
    records.until(lambda record: "grpc.heard" in record.getMessage())
    assert not [record for record in records.kept if "grpc.unheard" in record.getMessage()]


BEGINNING = """
import logging, multiprocessing, os, sys, threading
import libzeebe
logging.basicConfig(format="%(name)s %(levelname)s %(message)s", stream=sys.stdout)
def ignored(name):
    libzeebe.create_insecure_channel("localhost:1", channel_options=[(name, 1)])
libzeebe.set_log_level(logging.WARNING)
"""
SAID = "libzeebe WARNING the channel option grpc.{} has no effect in this library\n"

PROGRAMS = {
    "the last words": ('ignored("grpc.last")', SAID.format("last")),
    "many threads": (
        """
for number in range(8):
    threading.Thread(target=ignored, args=("grpc.thread",)).start()
""",
        SAID.format("thread") * 8,
    ),
    "a child of fork() that asks for its own": (
        """
ignored("grpc.parent")
child = os.fork()
if child == 0:
    ignored("grpc.unheard")
    libzeebe.set_log_level(logging.WARNING)
    ignored("grpc.child")
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
""",
        SAID.format("parent") + SAID.format("child"),
    ),
    "children while the level changes": (
        """
for number in range(20):
    libzeebe.set_log_level(logging.WARNING)
    descriptors = len(os.listdir("/proc/self/fd"))
    child = os.fork()
    if child == 0:
        os._exit(len(os.listdir("/proc/self/fd")) > descriptors)
    assert os.waitpid(child, 0)[1] == 0
    libzeebe.set_log_level(None)
ended = libzeebe.log._log._readers
for one in ended:
    one.join()
assert len(os.listdir("/proc/self/fd")) < 12, os.listdir("/proc/self/fd")
assert threading.active_count() == 1
""",
        "",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_logs_ends_quietly(name: str) -> None:
    program, said = PROGRAMS[name]
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", BEGINNING + program]
    ended = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert (ended.returncode, ended.stderr, sorted(ended.stdout.splitlines())) == (0, "", sorted(said.splitlines()))
