"""What the tests of the registry name and ask again and again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

from service_core.addresses import ChannelAddress
from service_core.registry.subscription import Snapshot
from service_registry_consul import ConsulComponentRegistry
from tests.support.consul import ConsulAgent
from tests.support.health_server import HealthServer

__all__ = ["Doomed", "MakeRegistry", "address_of", "new_thread_names", "registered_elsewhere", "states", "urls"]


class MakeRegistry(Protocol):
    """Makes registries that are closed after the test."""

    def __call__(self, consul: ConsulAgent | str, port: int = 0, **options: Any) -> ConsulComponentRegistry:
        """A registry at that Consul."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """A registration that Consul is about to remove, since its check is critical."""

    component: str
    server: HealthServer
    """Its server, which is ill."""
    first: int
    """The index in Consul at which it was created."""


def address_of(server: HealthServer) -> ChannelAddress:
    """The address under which a component on that server is registered."""
    return ChannelAddress("dispatch-json", server.url)


def new_thread_names(before: set[threading.Thread]) -> set[str]:
    """The names of the threads that run now and did not before."""
    return {thread.name for thread in set(threading.enumerate()) - before}


def urls(snapshot: Snapshot) -> set[str]:
    """All addresses of a component."""
    return {url for found in snapshot.values() for url in found.urls}


def states(consul: ConsulAgent, component: str) -> dict[str, str]:
    """The state of each registration of a component that Consul knows, by id."""
    return {
        node["Service"]["ID"]: check["Status"]
        for node in consul.instances(component)
        for check in node["Checks"]
        if check["ServiceID"]
    }


def registered_elsewhere(
    consul: ConsulAgent, component: str, url: str, *, instance: str = "other", state: str = "passing", **more: Any
) -> None:
    """Register an instance as some other program does it, with a check that stays as it is for a while."""
    consul.registered(
        **{
            "Name": component,
            "ID": f"{component}-{instance}",
            "Address": "127.0.0.1",
            "Port": 1,
            "Meta": {"channels": f"dispatch-json({url})"},
            "Check": {"TTL": "10m", "Status": state},
            **more,
        }
    )
