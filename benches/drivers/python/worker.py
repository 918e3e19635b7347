"""The client pyzeebe: its worker, which polls as it does by default, over grpc.aio. src/run.rs is the agreement on arguments and on what is printed."""

from __future__ import annotations

import asyncio
import json
import platform
import resource
import sys
import time
from importlib.metadata import version
from typing import Any

import pyzeebe

ADDRESS, _CA, _ROW = sys.argv[1:4]
ACTIVE, SECONDS = int(sys.argv[4]), float(sys.argv[5])

count = 0


def cpu() -> float:
    """The processor time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure() -> dict[str, Any]:
    # max_running_jobs is left large: at its limit pyzeebe sleeps for five seconds.
    worker = pyzeebe.ZeebeWorker(pyzeebe.create_insecure_channel(ADDRESS))

    @worker.task(task_type="payment", max_jobs_to_activate=ACTIVE, max_running_jobs=1000)
    async def pay() -> dict[str, bool]:
        global count
        count += 1
        return {"paid": True}

    working = asyncio.create_task(worker.work())
    await asyncio.sleep(SECONDS / 5)
    begin, cpu_begin, count_begin = time.perf_counter(), cpu(), count
    await asyncio.sleep(SECONDS)
    used, seconds, done = cpu() - cpu_begin, time.perf_counter() - begin, count - count_begin
    working.cancel()
    await asyncio.wait([working])
    return {"count": done, "seconds": seconds, "cpu_us": used * 1e6 / done}


result = asyncio.run(measure())
print(json.dumps({"version": f"pyzeebe {version('pyzeebe')}, CPython {platform.python_version()}", **result}))
