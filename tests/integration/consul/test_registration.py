"""What is registered with Consul for a component, and how its health is found."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service_core.addresses import ChannelAddress
from service_core.declaring.health import Health, HealthStatus
from service_core.testing import SnapshotRecorder, fresh_component
from tests.integration.consul.parts import MakeRegistry, address_of, states, urls
from tests.support.consul import ConsulAgent
from tests.support.health_server import HealthServer
from tests.support.waiting import PATIENCE, eventually

CRASHING_SERVER = """
import os, signal, sys
from service_core import ChannelAddress
from service_core.declaring.descriptors import ComponentDescriptor
from service_registry_consul import ConsulComponentRegistry

name, port, consul = sys.argv[1], int(sys.argv[2]), sys.argv[3]
component = ComponentDescriptor(name=name, type=object, description="", services=())
registry = ConsulComponentRegistry(port, consul)
registry.register(component, [ChannelAddress("dispatch-json", f"http://127.0.0.1:{port}")])
registry.wait_for(component)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_registration_says_what_aspyx_service_reads(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component = fresh_component()
    with HealthServer() as server:
        registry = make_registry(consul, server.port, tags=("blue",))
        registry.register(
            component,
            [ChannelAddress("local", ""), address_of(server), ChannelAddress("rest", server.url)],
            health="/health",
        )
        [node] = eventually(lambda: consul.instances(component.name))
        service = node["Service"]
        assert service["ID"] == f"127.0.0.1:{server.port}:{component.name}"
        assert (service["Address"], service["Port"]) == ("127.0.0.1", server.port)
        assert service["Tags"] == ["component", "blue"]
        assert service["Meta"] == {"channels": f"dispatch-json({server.url}),rest({server.url})"}


def test_a_component_that_answers_is_passing_from_the_first_moment(
    consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    component = fresh_component()
    with HealthServer() as server:
        make_registry(consul, server.port).register(component, [address_of(server)], health="/health")
        eventually(lambda: consul.instances(component.name))
        assert set(states(consul, component.name).values()) == {"passing"}
        assert server.paths[0] == "/health"


@pytest.mark.parametrize(("answer", "state"), [(429, "warning"), (503, "critical"), (404, "critical")])
def test_a_component_that_is_not_well_is_not_registered_as_if_it_were(
    consul: ConsulAgent, make_registry: MakeRegistry, answer: int, state: str
) -> None:
    component = fresh_component()
    with HealthServer(answer) as server:
        make_registry(consul, server.port).register(component, [address_of(server)], health="/health")
        eventually(lambda: consul.instances(component.name))
        assert set(states(consul, component.name).values()) == {state}


def test_no_caller_is_sent_where_nothing_listens(
    consul: ConsulAgent, make_registry: MakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    component = fresh_component()
    with HealthServer() as server:
        port, address = server.port, address_of(server)
    make_registry(consul, port).register(component, [address])
    eventually(lambda: consul.instances(component.name))
    assert set(states(consul, component.name).values()) == {"critical"}
    eventually(lambda: f"its health check 127.0.0.1:{port} fails" in caplog.text)
    caller = make_registry(consul)
    assert caller.wait_until_known(component.name, PATIENCE) == {}
    assert f"where '{component.name}' is registered as critical at {address.uri}" in caller.describe()


def test_a_component_without_health_endpoint_is_checked_by_connecting(
    consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    component = fresh_component()
    with HealthServer() as server:
        make_registry(consul, server.port).register(component, [address_of(server)])
        check_id = f"service:127.0.0.1:{server.port}:{component.name}"
        eventually(lambda: check_id in consul.request("GET", "/v1/agent/checks"))
        check = consul.request("GET", "/v1/agent/checks")[check_id]
        assert (check["Type"], check["Status"]) == ("tcp", "passing")


def test_a_server_that_becomes_unhealthy_is_avoided_and_used_again_later(
    consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with HealthServer() as server:
        make_registry(consul, server.port, check_interval=1.0).register(
            component, [address_of(server)], health="/health"
        )
        make_registry(consul).subscribe(component.name, listener)
        listener.wait_until(bool, PATIENCE)
        server.status = 503
        listener.wait_until(lambda snapshot: not snapshot, PATIENCE)
        server.status = 200
        listener.wait_until(bool, PATIENCE)


def test_a_heartbeat_reports_the_health_of_each_component(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    well, tired = fresh_component(), fresh_component()
    registry = make_registry(consul, check="ttl", ttl=3.0)
    health = {well.name: HealthStatus.OK, tired.name: HealthStatus.WARNING}

    async def tell(component: str) -> Health:
        return Health(health[component])

    registry.set_health_source(tell)
    for component in (well, tired):
        registry.register(component, [ChannelAddress("rest", "http://127.0.0.1:1")])
    eventually(lambda: list(states(consul, well.name).values()) == ["passing"])
    eventually(lambda: list(states(consul, tired.name).values()) == ["warning"])
    health[well.name] = HealthStatus.ERROR
    eventually(lambda: list(states(consul, well.name).values()) == ["critical"])
    health[well.name] = HealthStatus.OK
    eventually(lambda: list(states(consul, well.name).values()) == ["passing"])


def test_a_check_that_was_taken_away_is_put_back(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component = fresh_component()
    registry = make_registry(consul, check="ttl", ttl=3.0)
    registry.register(component, [ChannelAddress("rest", "http://127.0.0.1:1")])
    eventually(lambda: states(consul, component.name))
    consul.request("PUT", f"/v1/agent/check/deregister/service:127.0.0.1:1:{component.name}")
    eventually(lambda: not states(consul, component.name))  # without any check it would be passing for ever
    eventually(lambda: list(states(consul, component.name).values()) == ["passing"])


def test_a_component_whose_health_cannot_be_queried_is_critical(
    consul: ConsulAgent, make_registry: MakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    component = fresh_component()
    registry = make_registry(consul, check="ttl", ttl=1.5)

    async def fail(_: str) -> Health:
        raise OSError("the disk is gone")

    registry.set_health_source(fail)
    registry.register(component, [ChannelAddress("rest", "http://127.0.0.1:1")])
    eventually(lambda: list(states(consul, component.name).values()) == ["critical"])
    assert f"the health source failed for component '{component.name}'" in caplog.text


def test_more_addresses_than_fit_into_an_entry_arrive_all_the_same(
    consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    component = fresh_component()
    addresses = [ChannelAddress(f"channel-{n}", f"http://127.0.0.1:{9000 + n}/{'x' * 100}") for n in range(9)]
    make_registry(consul, check="ttl").register(component, addresses)
    snapshot = make_registry(consul).wait_for(component, PATIENCE)
    assert {channel: found.urls for channel, found in snapshot.items()} == {
        address.channel: (address.uri,) for address in addresses
    }
    [node] = consul.instances(component.name)
    assert max(len(value) for value in node["Service"]["Meta"].values()) <= 512


def test_others_receive_the_advertised_address(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component = fresh_component()
    make_registry(consul, 8000, check="ttl", advertise_address="10.1.2.3", advertise_port=80).register(
        component, [ChannelAddress("rest", "http://10.1.2.3")]
    )
    [node] = eventually(lambda: consul.instances(component.name))
    assert (node["Service"]["Address"], node["Service"]["Port"]) == ("10.1.2.3", 80)


def test_what_only_this_process_can_call_is_not_registered(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    local, both = fresh_component(), fresh_component()
    registry = make_registry(consul, 8000, check="ttl")
    registry.register(local, [ChannelAddress("local", "local")])
    registry.register(both, [ChannelAddress("local", "local"), ChannelAddress("rest", "http://127.0.0.1:1")])
    caller = make_registry(consul)
    assert list(caller.wait_for(both, PATIENCE)) == ["rest"]
    assert consul.instances(local.name) == []


def test_a_server_that_is_replaced_on_its_port_is_the_same_registration(
    consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    component = fresh_component()
    with HealthServer() as server:
        subprocess.run(
            [sys.executable, "-c", CRASHING_SERVER, component.name, str(server.port), consul.url], check=False
        )
        assert len(consul.instances(component.name)) == 1  # it was not withdrawn
        make_registry(consul, server.port).register(component, [ChannelAddress("rest", server.url)])
        snapshot = make_registry(consul).wait_for(component, PATIENCE, channel="rest")
        assert urls(snapshot) == {server.url}
        assert len(consul.instances(component.name)) == 1
