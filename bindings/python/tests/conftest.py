"""The development gateway for the tests; `make gateway` builds it."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

ROOT = Path(__file__).parents[3]
PATIENCE = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--token-seconds", type=int, default=5, help="how long the test with an endpoint that fails in between goes on")


class Gateway:
    """A development gateway, as a process of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        ports = directory / "ports.json"
        command = [str(ROOT / "target/debug/zeebe-dev-gateway"), "--exit-with-stdin", "--ports-file", str(ports), "--directory", str(directory)]
        self._process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert b"ready" in self._process.stdout.readline()
        self.ports: dict[str, Any] = json.loads(ports.read_text())

    def address(self, listener: str = "plaintext") -> str:
        return f"localhost:{self.ports[listener]}"

    @property
    def token_url(self) -> str:
        return f"http://localhost:{self.ports['token_http']}/oauth/token"

    def ca(self) -> bytes:
        return Path(self.ports["ca"]).read_bytes()

    def tell(self, method: str, path: str, body: bytes = b"") -> Any:
        """Asks the control port, such as POST /goaway."""
        request = urllib.request.Request(f"http://localhost:{self.ports['control']}{path}", data=body or None, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for tests that only call it."""
    gateway = Gateway(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.close()


@pytest.fixture
def own_gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Makes some for a test that has them misbehave."""
    gateways: list[Gateway] = []

    def make(*arguments: str) -> Gateway:
        directory = tmp_path / str(len(gateways))
        directory.mkdir()
        gateways.append(Gateway(directory, *arguments))
        return gateways[-1]

    yield make
    for one in gateways:
        one.close()


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's environment is no test's."""
    import os

    for name in os.environ:
        if name.startswith(("CAMUNDA_", "ZEEBE_")):
            monkeypatch.delenv(name)


def run(main: Coroutine[Any, Any, Any], seconds: int = 0) -> Any:
    """Runs a test, which takes `seconds` by itself, on an event loop of its own, not for ever, and finds what it left behind."""

    async def limited() -> Any:
        return await asyncio.wait_for(main, seconds + PATIENCE)

    result = asyncio.run(limited(), debug=False)
    gc.collect()
    return result


def stub_of(channel: Any) -> Any:
    """pyzeebe's, whose types are those of calls that block."""
    return GatewayStub(channel)


async def until(condition: Callable[[], Any]) -> None:
    """For what a gateway or the library counts, of which nobody is told."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it never came"
        await asyncio.sleep(0.005)
