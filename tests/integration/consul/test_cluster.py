"""Three Consul servers, one of which dies."""

from __future__ import annotations

import time

import pytest

from service_core.testing import SnapshotRecorder, fresh_component
from tests.integration.consul.parts import MakeRegistry, address_of, urls
from tests.support.consul import consul_cluster
from tests.support.figures import Figures
from tests.support.health_server import HealthServer
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.slow


def test_nothing_is_lost_when_the_leader_is_killed(make_registry: MakeRegistry, figures: Figures) -> None:
    old, new = fresh_component(), fresh_component()
    seen, seen_later = SnapshotRecorder(), SnapshotRecorder()
    with consul_cluster() as agents, HealthServer() as server:
        leader_address = agents[0].wait_for_leader()
        [leader] = [agent for agent in agents if leader_address.startswith(f"{agent.host}:")]
        host_agent, caller_agent = (agent for agent in agents if agent is not leader)
        host, caller = make_registry(host_agent, server.port), make_registry(caller_agent)
        host.register(old, [address_of(server)], health="/health")
        caller.subscribe(old.name, seen)
        seen.wait_until(bool, PATIENCE)

        leader.kill()
        begin = time.monotonic()
        host.register(new, [address_of(server)], health="/health")
        caller.subscribe(new.name, seen_later)
        assert urls(seen_later.wait_until(bool, PATIENCE)) == {server.url}
        figures.add("leader of three killed: a new registration is found after", time.monotonic() - begin, "s")
        assert all(urls(snapshot) == {server.url} for snapshot in seen.snapshots if snapshot)
        assert sum(not snapshot for snapshot in seen.snapshots) <= 1  # at most the first, before it was there
        eventually(lambda: caller.status().connected and not caller.status().stale)
        host.deregister(old)
        server.status = 503  # as a server that stops answers; else callers doubt that it has gone
        seen.wait_until(lambda snapshot: not snapshot, PATIENCE)
