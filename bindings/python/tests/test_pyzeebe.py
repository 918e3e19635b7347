"""pyzeebe's own client and worker, unchanged, on this package's channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import pyzeebe

import libzeebe
from conftest import ROOT, Gateway, run, until
from libzeebe import ConnectionOptions

Make = Callable[..., Gateway]
BPMN = str(ROOT / "tests/clients/order.bpmn")


def _insecure(gateway: Gateway) -> libzeebe.Channel:
    return libzeebe.create_insecure_channel(gateway.address())


def _secure(gateway: Gateway) -> libzeebe.Channel:
    return libzeebe.create_secure_channel(gateway.address("tls"), channel_credentials=grpc.ssl_channel_credentials(gateway.ca()))


def _oauth(gateway: Gateway) -> libzeebe.Channel:
    return libzeebe.create_oauth2_client_credentials_channel(
        gateway.address("tls_oauth"),
        "demo-client",
        "demo-secret",
        gateway.token_url,
        audience="zeebe-api",
        channel_credentials=grpc.ssl_channel_credentials(gateway.ca()),
    )


def _cloud(gateway: Gateway) -> libzeebe.Channel:
    return libzeebe.create_camunda_cloud_channel(
        "demo-client",
        "demo-secret",
        "demo-cluster",
        "bru-2",
        gateway.token_url,
        channel_credentials=grpc.ssl_channel_credentials(gateway.ca()),
        connection_options=ConnectionOptions(connect_address=gateway.address("cloud")),
    )


async def on_failure(error: Exception, job: Any, controller: Any) -> None:
    if isinstance(error, pyzeebe.errors.BusinessError):
        await controller.set_error_status(str(error), error_code=error.error_code)
    else:
        await controller.set_failure_status(str(error))


def worker_of(channel: Any, **arguments: Any) -> pyzeebe.ZeebeWorker:
    worker = pyzeebe.ZeebeWorker(channel, exception_handler=on_failure, stream_enabled=True, **arguments)

    async def work(job: pyzeebe.Job, order: str) -> dict[str, Any]:
        if order == "throws":
            raise pyzeebe.errors.BusinessError("refused", "this order is refused")
        if order == "never" or (order == "again" and job.retries == 3):
            raise RuntimeError(f"{order} at {job.retries}")
        return {"worked": job.retries}

    work.__annotations__["job"] = pyzeebe.Job  # it does not look behind `from __future__ import annotations`
    worker.task(task_type="work", timeout_ms=60_000)(cast(Any, work))
    return worker


async def result(client: pyzeebe.ZeebeClient, order: str) -> Any:
    await client.publish_message("paid", order, {"paid": True}, time_to_live_in_milliseconds=60_000)
    return (await client.run_process_with_result("order", {"order": order, "orderId": order}, timeout=30_000)).variables


@pytest.mark.parametrize("make", [_insecure, _secure, _oauth, _cloud], ids=lambda make: make.__name__)
def test_a_jobs_whole_life(own_gateway: Make, make: Callable[[Gateway], libzeebe.Channel]) -> None:
    gateway = own_gateway()

    async def main() -> None:
        async with make(gateway) as channel:
            client = pyzeebe.ZeebeClient(channel)
            assert (await client.healthcheck()).status == 1
            assert (await client.topology()).partitions_count == 1
            await client.deploy_resource(BPMN)
            worker = worker_of(channel)
            working = asyncio.create_task(worker.work())
            completes, again, throws = await asyncio.gather(*(result(client, order) for order in ("completes", "again", "throws")))
            assert (completes["worked"], again["worked"]) == (3, 2) and "worked" not in throws
            await client.run_process("order", {"order": "never", "orderId": "never"})
            await until(lambda: gateway.tell("GET", "/incidents"))
            await worker.stop()
            await working
            if make in (_oauth, _cloud):
                assert channel.stats()["oauth2"]["requests"] == 1

    run(main())


def test_a_token_endpoint_that_fails_in_between_is_not_noticed(own_gateway: Make, pytestconfig: pytest.Config) -> None:
    """For the lives of a few tokens; longer by --token-seconds, where a token lives up to a minute."""
    seconds = pytestconfig.getoption("token_seconds")
    lifetime = min(4 + seconds // 60, 60)
    gateway = own_gateway("--token-lifetime", str(lifetime))

    async def main() -> None:
        async with _oauth(gateway) as channel:
            client = pyzeebe.ZeebeClient(channel)
            loop = asyncio.get_running_loop()
            end = loop.time() + seconds  # past the first token's life
            fails = loop.time()
            times = 0
            # Each failure is followed by a request that succeeds, and is there before the next may be.
            while loop.time() < end or channel.stats()["oauth2"]["requests"] < 2 * times:
                await client.topology()
                if fails <= loop.time() < end and channel.stats()["oauth2"]["failures"] == times:
                    fails = loop.time() + lifetime
                    times += 1
                    await asyncio.to_thread(gateway.tell, "POST", "/token-answer?status=503&count=1")
                await asyncio.sleep(0.05)
            stats = channel.stats()["oauth2"]
            print(stats)
            assert times - 1 <= stats["failures"] <= times and stats["requests"] >= 2 * times

    run(main(), seconds)


def test_a_gateway_that_is_restarted_is_found_again(own_gateway: Make, tmp_path: Path) -> None:
    first = own_gateway()
    port = str(first.ports["plaintext"])

    async def main() -> None:
        channel = libzeebe.create_insecure_channel(f"localhost:{port}", [("grpc.initial_reconnect_backoff_ms", 100)])
        client = pyzeebe.ZeebeClient(channel)
        await client.topology()
        await asyncio.to_thread(first.close)
        with pytest.raises(pyzeebe.errors.ZeebeGatewayUnavailableError):
            await client.topology()
        second = await asyncio.to_thread(own_gateway, "--plaintext-port", port, "--first-key", "1000")
        await channel.channel_ready()
        assert (await client.topology()).partitions_count == 1
        await client.deploy_resource(BPMN)
        worker = worker_of(channel)
        working = asyncio.create_task(worker.work())
        assert (await result(client, "completes"))["worked"] == 3
        await worker.stop()
        await working
        assert second.ports["plaintext"] == first.ports["plaintext"]
        await channel.close()

    run(main())
