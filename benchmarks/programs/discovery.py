"""What it costs to know much, and to keep watch: a thousand components without transport, 200 watches of a Consul."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.programs.orders import one_at_a_time, take_orders
from service_core import (
    Catalog,
    Channel,
    Component,
    Invocation,
    Service,
    ServiceManager,
    StaticComponentRegistry,
    channel,
    component,
    service,
)
from service_registry_consul import ConsulComponentRegistry
from tests.support.consul_binary import consul_binary

_IDLE: Final = 5.0
"""Seconds for which idle watches are looked at."""


class Chosen(Channel):
    """Selects an instance as every channel does, and answers with its address."""

    def invoke(self, invocation: Invocation) -> Any:
        return self.run(invocation, lambda url: url)

    async def invoke_async(self, invocation: Invocation) -> Any:
        return self.invoke(invocation)


class Asked(Service):
    """The interface of every component, under another name each."""

    def where(self) -> str:
        """The address that was chosen."""
        raise NotImplementedError


def proxies(count: int, addresses: int) -> tuple[ServiceManager, list[Any]]:
    """A manager that knows ``count`` components at ``addresses`` addresses each, and a proxy for each."""
    catalog = Catalog()
    channel("chosen", catalog=catalog)(Chosen)
    services = []
    for number in range(count):
        interface = service(name=f"s-{number}", catalog=catalog)(type(f"S{number}", (Asked,), {}))
        component(name=f"c-{number}", services=[interface], catalog=catalog)(type(f"C{number}", (Component,), {}))
        services.append(interface)
    urls = [f"http://10.0.0.{host}:8000" for host in range(addresses)]
    registry = StaticComponentRegistry({f"c-{number}": {"chosen": urls} for number in range(count)})
    manager = ServiceManager(registry, catalog=catalog)
    return manager, [manager.get_service(interface, "chosen") for interface in services]


def call_among(count: int, addresses: int, seconds: float) -> dict[str, float]:
    """Microseconds per call of one component, among so many that are known and in use."""
    manager, found = proxies(count, addresses)
    for proxy in found:
        proxy.where()
    with manager:
        return one_at_a_time(found[count // 2].where, seconds)


@contextmanager
def consul_agent() -> Iterator[str]:
    """The address of a Consul agent that lives as long as the block."""
    port = _free_port()
    ports = [f"-{name}-port={_free_port()}" for name in ("server", "serf-lan", "serf-wan")]
    options = ["-bind=127.0.0.1", "-client=127.0.0.1", f"-http-port={port}", *ports, "-dns-port=-1", "-grpc-port=-1"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen([str(consul_binary()), "agent", "-dev", *options], stdout=log, stderr=log) as agent,
    ):
        try:
            _wait_for_leader(f"http://127.0.0.1:{port}/v1/status/leader")
            yield f"127.0.0.1:{port}"
        finally:
            agent.terminate()


def idle_watches() -> dict[str, dict[str, float]]:
    """Share of one CPU, in percent, and number of threads of this process while 200 watches wait."""
    before = threading.active_count()
    with consul_agent() as address:
        registry = ConsulComponentRegistry(0, address)
        with registry:
            for number in range(200):
                registry.snapshot(f"absent-{number}")
            for number in range(200):
                registry.wait_until_known(f"absent-{number}", 30.0)
            begin, cpu = time.perf_counter(), time.process_time()
            time.sleep(_IDLE)
            share = (time.process_time() - cpu) / (time.perf_counter() - begin)
            return {
                "200 idle watches, cpu": {"value": share * 100},
                "200 idle watches, threads": {"value": threading.active_count() - before},
            }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_leader(url: str) -> None:
    end = time.monotonic() + 30.0
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=1.0) as answer:
                if answer.read().strip(b'"\n'):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the Consul agent did not start")


def main() -> None:
    """Take orders."""
    watches: dict[str, dict[str, float]] = {}

    def carry_out(order: dict[str, Any]) -> dict[str, float]:
        case = order["case"]
        if case.startswith("call/"):
            return call_among(1 if case.startswith("call/1 ") else 1000, 10, order["seconds"])
        if not watches:
            watches.update(idle_watches())
        return watches[case]

    take_orders(carry_out)


if __name__ == "__main__":
    main()
