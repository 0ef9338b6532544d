from __future__ import annotations

from typing import Any

import pytest

from service_core.addresses import ChannelAddress
from service_core.errors import LocalServiceException
from service_core.hosting.server import Server
from service_registry_consul import ConsulSettings
from service_registry_consul.registering.registration import Registration, plan_registration

JSON = ChannelAddress("dispatch-json", "http://10.0.0.7:8000")
THIS_MACHINE = "127.0.0.9"


def plan(
    *addresses: ChannelAddress, port: int = 8000, health: str | None = None, **options: Any
) -> Registration | None:
    return plan_registration("c", addresses, port=port, health=health, settings=ConsulSettings(**options))


def planned(*addresses: ChannelAddress, **options: Any) -> Registration:
    registration = plan(*addresses, **options)
    assert registration is not None
    return registration


def test_it_is_named_by_address_port_and_component() -> None:
    registration = planned(JSON)
    assert registration.id == "10.0.0.7:8000:c"
    assert (registration.component, registration.address, registration.port) == ("c", "10.0.0.7", 8000)
    assert registration.tags == ("component",)


def test_metadata_is_registered_beside_the_channels() -> None:
    channels = {"channels": "dispatch-json(http://10.0.0.7:8000)"}
    assert planned(JSON, metadata={"zone": "a", "weight": "5"}).meta == {"zone": "a", "weight": "5", **channels}


def test_what_only_this_process_can_call_is_left_out() -> None:
    local = ChannelAddress("local", "local")
    assert planned(local, JSON).meta == {"channels": "dispatch-json(http://10.0.0.7:8000)"}
    assert plan(local) is None
    assert plan() is None


def test_a_unix_socket_is_refused_since_other_machines_would_read_it() -> None:
    with pytest.raises(LocalServiceException) as caught:
        plan(JSON, ChannelAddress("rest", "http+unix://%2Frun%2Fa.sock"))
    assert str(caught.value) == (
        "component 'c': only processes of this machine reach http+unix://%2Frun%2Fa.sock, but Consul reports it to all "
        "machines; serve on a port, or use StaticComponentRegistry or connect() on this machine"
    )


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("http://host.example:8000", "host.example"),
        ("http://[2001:db8::1]:8000", "2001:db8::1"),
        ("http://0.0.0.0:8000", THIS_MACHINE),
        ("http://[::]:8000", THIS_MACHINE),
        ("http://[::1", THIS_MACHINE),
        ("queue-7", THIS_MACHINE),
    ],
)
def test_the_advertised_address_is_that_of_the_first_address_or_of_this_machine(
    uri: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "host", THIS_MACHINE)
    assert planned(ChannelAddress("x", uri)).address == address


def test_address_port_and_tags_can_be_set() -> None:
    registration = planned(JSON, advertise_address="example.org", advertise_port=80, tags=("blue", "component"))
    assert registration.id == "example.org:80:c"
    assert registration.tags == ("component", "blue")


def test_the_port_may_come_from_the_address_alone() -> None:
    assert planned(JSON, port=0).port == 8000
    with pytest.raises(LocalServiceException, match="component 'c': neither the registry nor an address has the port"):
        plan(ChannelAddress("x", "http://h"), port=0)


def test_an_address_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(LocalServiceException, match="component 'c': channel 'rest': its address has 609 characters"):
        plan(ChannelAddress("rest", "http://h/" + "x" * 600))


def test_a_health_endpoint_is_requested_over_http() -> None:
    assert planned(JSON, health="/health").check == {
        "CheckID": "service:10.0.0.7:8000:c",
        "Name": "component c",
        "HTTP": "http://10.0.0.7:8000/health",
        "Interval": "10000ms",
        "Timeout": "3000ms",
        "DeregisterCriticalServiceAfter": "300000ms",
    }


def test_the_health_endpoint_is_where_the_component_is() -> None:
    check = planned(ChannelAddress("rest", "https://[::1]:8443"), port=8443, health="health").check
    assert check["HTTP"] == "https://[::1]:8443/health"


def test_a_check_may_find_any_certificate() -> None:
    address = ChannelAddress("rest", "https://10.0.0.7:8443")
    assert "TLSSkipVerify" not in planned(address, health="/health").check
    assert planned(address, health="/health", check_any_certificate=True).check["TLSSkipVerify"] is True
    assert "TLSSkipVerify" not in planned(address, check_any_certificate=True).check  # it only connects


def test_without_health_endpoint_a_connection_is_tried() -> None:
    check = planned(ChannelAddress("rest", "https://[::1]:8443"), port=8443, deregister_after=None).check
    assert check["TCP"] == "[::1]:8443"
    assert "DeregisterCriticalServiceAfter" not in check


def test_a_heartbeat_has_a_time_to_live() -> None:
    registration = planned(JSON, check="ttl", ttl=1.5, health="/health")
    assert registration.needs_heartbeat
    assert registration.check["TTL"] == "1500ms"
    assert not planned(JSON).needs_heartbeat


def test_it_recognizes_itself_and_nothing_else() -> None:
    registration = planned(JSON)
    known = {"Service": "c", "Address": "10.0.0.7", "Port": 8000, "Meta": dict(registration.meta), "Tags": []}
    assert registration.is_same_as(known)
    changes: list[dict[str, Any]] = [{"Port": 1}, {"Address": "x"}, {"Meta": {}}, {"Meta": None}, {"Service": "d"}]
    for changed in changes:
        assert not registration.is_same_as(known | changed)
    assert not registration.is_same_as(None)
    assert not registration.is_same_as("x")
