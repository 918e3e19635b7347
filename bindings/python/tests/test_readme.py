"""The quick start works as it is pasted."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from conftest import PATIENCE, ROOT, Gateway

README = (ROOT / "bindings/python/README.md").read_text()


def test_the_quick_start_prints_the_topology(gateway: Gateway) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", README, flags=re.M | re.S)[:1]
    environment = dict(os.environ, ZEEBE_ADDRESS=gateway.address(), ZEEBE_INSECURE_CONNECTION="true")
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    ended = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, env=environment, timeout=PATIENCE)
    assert ended.stdout == "1 brokers, 1 partitions\n"
