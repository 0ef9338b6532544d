"""Ends that are not as they should be, and starts that fail."""

from __future__ import annotations

import asyncio
import http.client
import signal
import socket
import time

import pytest

from service_core import DeadlineExceeded, ServiceManager, deadline
from tests.integration.lifecycle.conftest import MakeServer
from tests.integration.lifecycle.work import WorkService
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

COMPONENT = "lifecycle-component"


@pytest.mark.parametrize("method", ["work", "block"])
async def test_a_method_that_takes_a_minute_does_not_hold_up_the_end(
    manager: ServiceManager, make_server: MakeServer, consul: ConsulAgent, figures: Figures, method: str
) -> None:
    server = make_server(drain_timeout=1)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(manager.wait_for, WorkService)
    work = manager.get_service(WorkService, "dispatch-json")

    async def call() -> int:
        with deadline(100):
            return await (work.work(60) if method == "work" else asyncio.to_thread(work.block, 60))

    endless = asyncio.create_task(call())
    await asyncio.sleep(0.5)
    begin = time.monotonic()
    server.ask_to_stop()
    code = await asyncio.to_thread(server.ended)
    took = time.monotonic() - begin

    assert code == 0
    assert consul.instances(COMPONENT) == []
    with pytest.raises(DeadlineExceeded):  # not repeated elsewhere: it may have run
        await endless
    figures.add(f"end with a method of 60 s in flight ({method}), limit 1 s", took, "s")


def test_a_taken_port_ends_the_process_and_registers_nothing(
    make_server: MakeServer, consul: ConsulAgent, figures: Figures
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = make_server(other.getsockname()[1])
        server.launch()
        code = server.ended()

    assert code == 1
    assert consul.instances(COMPONENT) == []
    figures.add("port taken: entries in Consul", len(consul.instances(COMPONENT)))


def test_health_is_answered_while_all_workers_are_blocked(make_server: MakeServer, figures: Figures) -> None:
    server = make_server(drain_timeout=0)
    server.start()
    host, port = server.url.removeprefix("http://").split(":")
    blocked = [http.client.HTTPConnection(host, int(port), timeout=30) for _ in range(60)]
    body = b'{"method":"lifecycle-component:lifecycle-work:block","args":[5.0]}'
    for connection in blocked:
        connection.request("POST", "/invoke", body, {"content-type": "application/json"})

    times: list[float] = []
    statuses: set[int] = set()
    for path in ("/health/live", "/health/ready", "/health") * 40:
        begin = time.monotonic()
        asking = http.client.HTTPConnection(host, int(port), timeout=30)
        asking.request("GET", path)
        statuses.add(asking.getresponse().status)
        asking.close()
        times.append(time.monotonic() - begin)
    server.ask_to_stop(signal.SIGTERM)
    server.ended()
    for connection in blocked:
        connection.close()

    assert statuses == {200}
    figures.add("health while 60 calls block for 5 s: p99 of 120", sorted(times)[118] * 1000, "ms")
