"""The quick start works as it is pasted."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from typing import Any

import libzeebe
from conftest import PATIENCE, ROOT, Gateway, run, until

README = (ROOT / "bindings/python/README.md").read_text()

PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, flags=re.M | re.S)


def test_the_quick_start_prints_the_topology(gateway: Gateway) -> None:
    program, _ = PROGRAMS
    environment = dict(os.environ, ZEEBE_ADDRESS=gateway.address(), ZEEBE_INSECURE_CONNECTION="true")
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    ended = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, env=environment, timeout=PATIENCE)
    assert ended.stdout == "1 brokers, 1 partitions\n"


def test_the_worker_is_one(gateway: Gateway) -> None:
    _, program = PROGRAMS
    names: dict[str, Any] = {}
    exec(program, names)

    async def main() -> None:
        async with libzeebe.create_insecure_channel(gateway.address()) as channel:
            working = asyncio.create_task(names["work"](channel))
            await until(lambda: channel.stats()["calls"]["running"] >= 1)
            working.cancel()
            await asyncio.wait([working])

    run(main())
