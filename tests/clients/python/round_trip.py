"""The round trip of ../main.rs by pyzeebe."""

import asyncio
import os
import sys
from pathlib import Path

import grpc
import pyzeebe

BPMN, MODE = sys.argv[1:]
ADDRESS = os.environ["GATEWAY"]


def channel():
    if MODE == "plaintext":
        return pyzeebe.create_insecure_channel(ADDRESS)
    tls = grpc.ssl_channel_credentials(Path(os.environ["CA"]).read_bytes())
    if MODE == "tls":
        return pyzeebe.create_secure_channel(ADDRESS, channel_credentials=tls)
    return pyzeebe.create_oauth2_client_credentials_channel(
        ADDRESS,
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        authorization_server=os.environ["TOKEN_URL"],
        audience=os.environ["AUDIENCE"],
        channel_credentials=tls,
    )


async def on_failure(error, job, controller):
    if isinstance(error, pyzeebe.errors.BusinessError):
        await controller.set_error_status(str(error), error_code=error.error_code)
    else:
        await controller.set_failure_status(str(error))


async def main():
    async with channel() as connection:
        client = pyzeebe.ZeebeClient(connection)
        health = await client.healthcheck()
        assert health.status == 1, health
        topology = await client.topology()
        assert topology.partitions_count == 1, topology
        deployed = await client.deploy_resource(BPMN)
        assert deployed.deployments[0].bpmn_process_id == "order", deployed

        worker = pyzeebe.ZeebeWorker(connection, exception_handler=on_failure, stream_enabled=True)

        @worker.task(task_type="work", timeout_ms=60_000)
        async def work(job: pyzeebe.Job, order: str):
            assert job.custom_headers == {"colour": "blue"}, job
            if order == "throws":
                raise pyzeebe.errors.BusinessError("refused", "this order is refused")
            if order == "never" or (order == "again" and job.retries == 3):
                raise RuntimeError(f"{order} at {job.retries}")
            return {"worked": job.retries}

        async def run(order):
            variables = {"order": order, "orderId": order}
            result = await client.run_process_with_result("order", variables, timeout=30_000)
            return result.variables

        async def paid(order):
            await client.publish_message("paid", order, {"paid": True}, time_to_live_in_milliseconds=60_000)

        working = asyncio.create_task(worker.work())
        await paid("completes")
        await paid("again")
        results = await asyncio.gather(run("completes"), run("again"), run("throws"))
        assert (results[0]["worked"], results[0]["paid"]) == (3, True), results
        assert (results[1]["worked"], results[1]["paid"]) == (2, True), results
        assert "worked" not in results[2], results
        await client.run_process("order", {"order": "never", "orderId": "never"})
        print("round trip", flush=True)
        # The worker takes the last order to its incident; whoever waits for that says so by a line.
        await asyncio.to_thread(sys.stdin.readline)
        await worker.stop()
        await working


asyncio.run(main())
