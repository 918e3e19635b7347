#!/usr/bin/env bash
# pyzeebe's worker, with its defaults and more jobs waiting than it can hold: 32 jobs, then five seconds of nothing, whatever fast the task is.
#
# max_running_jobs and max_jobs_to_activate are both 32. A poll that brings 32 fills all places at the moment when it returns; the next look finds none
# free and sleeps for poll_retry_delay, 5 s, though the places are free again after milliseconds. So a task that takes no time does at most
# 6.4 jobs a second under load, and is quick while there is little to do, for a poll that brings less than 32 is followed by another at once.
# The gateway looks busy and the worker idle. With max_running_jobs above max_jobs_to_activate it depends on who is quicker, task or poll.
# libzeebe's worker asks again when there is room for one job, and its benchmark gives pyzeebe 1000 places.
#
# Seen: pyzeebe 4.7.0, grpcio 1.85.3 (CPython 3.11.7).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyzeebe==4.7.0 grpcio==1.85.3

cat > meet.py <<'E'
import asyncio
import itertools
import time

import grpc
from pyzeebe import ZeebeWorker, create_insecure_channel
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayServicer, add_GatewayServicer_to_server


class Gateway(GatewayServicer):
    """It always has as many jobs as are asked for, or `most` a poll."""

    def __init__(self, most):
        self.keys, self.most, self.polls, self.completed = itertools.count(1), most, [], []

    async def ActivateJobs(self, request, context):
        self.polls.append((time.monotonic(), request.maxJobsToActivate))
        count = min(request.maxJobsToActivate, self.most)
        job = lambda: pb.ActivatedJob(key=next(self.keys), type=request.type, customHeaders="{}", variables="{}")
        yield pb.ActivateJobsResponse(jobs=[job() for _ in range(count)])

    async def CompleteJob(self, request, context):
        self.completed.append(time.monotonic())
        return pb.CompleteJobResponse()


async def meet(most, polls):
    server, gateway = grpc.aio.server(), Gateway(most)
    add_GatewayServicer_to_server(gateway, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with create_insecure_channel(f"127.0.0.1:{port}") as channel:
        worker = ZeebeWorker(channel)

        @worker.task(task_type="quick")
        async def quick():
            return {}

        working = asyncio.create_task(worker.work())
        while len(gateway.polls) < polls:
            await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.wait([working])
    await server.stop(None)
    first, last = gateway.polls[0], gateway.polls[polls - 1]
    before = [at for at in gateway.completed if at < last[0]]
    print(f"jobs a poll: {most}; asked for at first: {first[1]}; between the first poll and number {polls}: {last[0] - first[0]:.0f} s, "
          f"{'32 jobs, in less than a second' if len(before) == 32 and before[-1] - first[0] < 1 else 'more jobs' if len(before) > 32 else len(before)}")


asyncio.run(meet(1000, 2))
asyncio.run(meet(4, 20))
E
venv/bin/python meet.py 2>/dev/null | tee seen

diff seen - <<'E' && echo "as it was seen"
jobs a poll: 1000; asked for at first: 32; between the first poll and number 2: 5 s, 32 jobs, in less than a second
jobs a poll: 4; asked for at first: 32; between the first poll and number 20: 0 s, more jobs
E
