"""Two hundred watched components in one process."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

from service_core.registry import Snapshot
from service_core.testing import SnapshotRecorder
from tests.integration.consul.parts import MakeRegistry, registered_elsewhere, urls
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.waiting import PATIENCE

COMPONENTS = [f"scale-{number}" for number in range(200)]
IDLE = 5.0
WAIT = 20.0
"""A third of the default, so that the idle time sees queries run out and be asked again."""
AGENT_LIMIT = 200
"""Connections from one address (limits.http_max_conns_per_client)."""


def test_two_hundred_watched_components_cost_next_to_nothing(
    own_consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    threads_before = threading.active_count()
    caller = make_registry(own_consul, wait=WAIT)
    for component in COMPONENTS:
        caller.snapshot(component)
    for component in COMPONENTS:
        assert caller.wait_until_known(component, PATIENCE) == {}

    began, used = time.monotonic(), time.process_time()
    time.sleep(IDLE)
    cpu = (time.process_time() - used) / (time.monotonic() - began)
    connections = connections_to(own_consul.port)
    threads = threading.active_count() - threads_before
    figures.add("200 watched components, idle: CPU", cpu * 100, "%")
    figures.add("200 watched components, idle: threads", threads)
    figures.add("200 watched components, idle: connections", connections)
    assert cpu < 0.01
    assert threads < 20
    assert connections < AGENT_LIMIT
    assert caller.status().connected


def test_each_of_two_hundred_components_is_seen_to_change(own_consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    caller = make_registry(own_consul)
    listeners = {component: SnapshotRecorder() for component in COMPONENTS}
    for component, listener in listeners.items():
        caller.subscribe(component, listener)
    for number, component in enumerate(COMPONENTS):
        registered_elsewhere(own_consul, component, f"http://127.0.0.1:{1000 + number}")
    for number, listener in enumerate(listeners.values()):
        assert urls(listener.wait_until(bool, PATIENCE)) == {f"http://127.0.0.1:{1000 + number}"}
    for component in COMPONENTS:
        own_consul.deregistered(f"{component}-other")
    for listener in listeners.values():
        listener.wait_until(lambda snapshot: not snapshot, PATIENCE)


def test_a_registration_without_check_is_seen_by_a_shared_watch_too(
    own_consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    caller, listener = make_registry(own_consul, max_queries=1), SnapshotRecorder()
    caller.wait_until_known("takes-the-only-watch", PATIENCE)
    caller.subscribe("without-check", listener)
    listener.wait_until(lambda snapshot: not snapshot, PATIENCE)
    for port in (1, 2):
        url = f"http://127.0.0.1:{port}"
        own_consul.registered(Name="without-check", ID="one", Meta={"channels": f"rest({url})"})
        listener.wait_until(partial(_offers_just, url), PATIENCE)


def _offers_just(url: str, snapshot: Snapshot) -> bool:
    return urls(snapshot) == {url}


def connections_to(port: int) -> int:
    """Connections of this machine to a port on the loopback interface, as the kernel lists them."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    remote_and_state = (line.split()[2:4] for line in lines)
    return sum(remote.endswith(f":{port:04X}") and state == "01" for remote, state in remote_and_state)
