"""An agent that is reached below a path of a real proxy."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from service_core.testing import SnapshotRecorder, fresh_component
from tests.integration.consul.parts import MakeRegistry, address_of, states, urls
from tests.integration.consul.test_access import ACL, MASTER
from tests.support.consul import ConsulAgent
from tests.support.gateways import Nginx
from tests.support.health_server import HealthServer
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.slow


class BelowAPath(Nginx):
    """nginx with the agent below ``/tools/consul``."""

    def configuration(self, ports: Sequence[int], read_timeout: int) -> str:
        whole = super().configuration(ports, read_timeout)
        return whole.replace("location / {", "location /tools/consul/ {").replace(
            "proxy_pass http://servers;", "proxy_pass http://servers/;"
        )


def is_up(agent: ConsulAgent) -> bool:
    """Whether its access control is."""
    with contextlib.suppress(OSError):
        return bool(agent.request("GET", "/v1/acl/tokens"))
    return False


def test_registration_token_and_blocking_queries_pass_a_proxy_with_a_path(
    make_registry: MakeRegistry, tmp_path: Path
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with (
        ConsulAgent(ACL, token=MASTER) as agent,
        BelowAPath(tmp_path, [agent.port], read_timeout=90) as proxy,
        HealthServer() as server,
    ):
        eventually(lambda: is_up(agent))
        below = f"{proxy.url}/tools/consul"
        caller = make_registry(below, token=MASTER)
        caller.subscribe(component.name, listener)
        assert caller.wait_until_known(component.name, PATIENCE) == {}
        host = make_registry(below, server.port, token=MASTER, check_interval=1)
        host.register(component, [address_of(server)], health="/health")
        listener.wait_until(lambda snapshot: urls(snapshot) == {server.url}, PATIENCE)
        server.status = 503
        eventually(lambda: list(states(agent, component.name).values()) == ["critical"])
        listener.wait_until(lambda snapshot: not snapshot, PATIENCE)  # and not when the query of 60 s runs out
        host.close()
        assert agent.instances(component.name) == []
