"""Who offers what where: snapshots, listeners, and addresses that are given."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from service_core.addresses import ChannelAddress, ChannelInstances
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.health import Health, HealthStatus
from service_core.errors import ComponentUnavailableException
from service_core.registry.base import ComponentRegistry, LocalComponentRegistry, snapshot_of
from service_core.registry.static import StaticComponentRegistry
from service_core.registry.subscription import Snapshot

JSON = ChannelAddress("json", "http://h:1")
REST = ChannelAddress("rest", "http://h:1/api")
SHOP = ComponentDescriptor(name="shop", type=object, description="", services=())


class Quiet(LocalComponentRegistry):
    """Publishes no snapshot of a component before the test does."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_for: list[str] = []

    def follow(self, component: str) -> None:
        self.asked_for.append(component)


def shop(*addresses: ChannelAddress) -> Snapshot:
    return snapshot_of("shop", [addresses])


# snapshots


def test_instances_are_merged_by_channel_in_order_and_without_doubles() -> None:
    other = ChannelAddress("json", "http://h:2")
    assert list(snapshot_of("shop", [[JSON, REST], [other], [JSON]]).items()) == [
        ("json", ChannelInstances("shop", "json", ("http://h:1", "http://h:2"))),
        ("rest", ChannelInstances("shop", "rest", ("http://h:1/api",))),
    ]


def test_nothing_is_known_before_something_is_published() -> None:
    registry = Quiet()
    assert registry.snapshot("shop") is None
    assert registry.get_addresses(SHOP) == []
    registry.publish("shop", shop(JSON))
    assert registry.snapshot("shop") == shop(JSON)
    assert registry.get_addresses(SHOP) == [ChannelInstances("shop", "json", ("http://h:1",))]


def test_a_component_is_followed_once_however_many_threads_ask() -> None:
    registry, together = Quiet(), threading.Barrier(16)

    def ask(_: int) -> Snapshot | None:
        together.wait(10)
        return registry.snapshot("shop")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(16)))
    assert registry.asked_for == ["shop"]


# listeners


def test_a_listener_receives_the_known_snapshot_and_later_ones() -> None:
    registry, reported = Quiet(), list[Snapshot]()
    registry.subscribe("shop", reported.append)
    assert reported == []
    registry.publish("shop", shop())
    registry.publish("shop", shop(JSON))
    assert reported == [shop(), shop(JSON)]
    late = list[Snapshot]()
    registry.subscribe("shop", late.append)
    assert late == [shop(JSON)]


def test_an_equal_snapshot_is_not_published_but_another_order_is() -> None:
    registry, reported = Quiet(), list[Snapshot]()
    registry.subscribe("shop", reported.append)
    for snapshot in (shop(JSON, REST), shop(JSON, REST), shop(REST, JSON)):
        registry.publish("shop", snapshot)
    assert [list(snapshot) for snapshot in reported] == [["json", "rest"], ["rest", "json"]]


def test_listeners_receive_no_snapshots_of_other_components() -> None:
    registry, reported = Quiet(), list[Snapshot]()
    registry.subscribe("shop", reported.append)
    registry.publish("office", snapshot_of("office", [[JSON]]))
    assert reported == []


def test_leaving_ends_it_for_that_listener_and_can_be_done_twice() -> None:
    registry, left, stayed = Quiet(), list[Snapshot](), list[Snapshot]()
    leave = registry.subscribe("shop", left.append)
    registry.subscribe("shop", stayed.append)
    leave()
    leave()
    registry.publish("shop", shop(JSON))
    assert (left, stayed) == ([], [shop(JSON)])


def test_a_listener_may_unsubscribe_while_it_is_called() -> None:
    registry, reported, after = Quiet(), list[Snapshot](), list[Snapshot]()
    leave: list[Callable[[], None]] = []

    def once(snapshot: Snapshot) -> None:
        reported.append(snapshot)
        leave[0]()

    leave.append(registry.subscribe("shop", once))
    registry.subscribe("shop", after.append)
    registry.publish("shop", shop(JSON))
    registry.publish("shop", shop(REST))
    assert (reported, after) == ([shop(JSON)], [shop(JSON), shop(REST)])


def test_a_listener_receives_the_last_snapshot_last() -> None:
    registry, reported, together = Quiet(), list[Snapshot](), threading.Barrier(8)
    registry.subscribe("shop", reported.append)

    def publish(number: int) -> None:
        together.wait(10)
        for turn in range(100):
            registry.publish("shop", shop(ChannelAddress("json", f"http://h:{number}/{turn}")))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(8)))
    assert len(reported) == 800
    assert reported[-1] == registry.snapshot("shop")


def test_listeners_subscribed_for_a_time_receive_that_part_in_order() -> None:
    registry, done = Quiet(), threading.Event()

    def publish() -> None:
        for turn in range(2000):
            registry.publish("shop", shop(ChannelAddress("json", str(turn))))
        done.set()

    def listen(_: int) -> list[list[int]]:
        parts: list[list[int]] = []
        while not done.is_set():
            part: list[int] = []
            parts.append(part)
            leave = registry.subscribe("shop", partial(receive, part))
            registry.snapshot("shop")
            leave()
        return parts

    def receive(part: list[int], snapshot: Snapshot) -> None:
        part.append(int(snapshot["json"].urls[0]))

    with ThreadPoolExecutor(5) as pool:
        listeners = [pool.submit(listen, number) for number in range(4)]
        pool.submit(publish).result(30)
        parts = [part for listener in listeners for part in listener.result(30)]
    assert any(parts)
    assert all(part == sorted(set(part)) for part in parts)


# waiting


def test_waiting_ends_when_an_instance_is_registered() -> None:
    registry = Quiet()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(registry.wait_for, SHOP, 10)
        registry.publish("shop", shop())
        assert not waiting.done()
        registry.publish("shop", shop(JSON))
        assert waiting.result(10) == shop(JSON)


def test_waiting_for_a_channel_ends_when_that_one_is_offered() -> None:
    registry = Quiet()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(registry.wait_for, "shop", 10, channel="rest")
        registry.publish("shop", shop(JSON))
        registry.publish("shop", shop(JSON, REST))
        assert waiting.result(10) == shop(JSON, REST)


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("", "no instance of component 'shop' was registered within 0.01 s; start a server that hosts it and"),
        ("rest", "no instance of component 'shop' over channel 'rest' was registered within 0.01 s; start a server"),
    ],
)
def test_waiting_in_vain_says_for_what(channel: str, message: str) -> None:
    registry = Quiet()
    registry.publish("shop", shop(JSON) if channel else shop())
    with pytest.raises(ComponentUnavailableException) as caught:
        registry.wait_for(SHOP, 0.01, channel=channel)
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("uses the same registry (Quiet)")


def test_it_can_be_waited_for_until_anything_is_known() -> None:
    registry = Quiet()
    assert registry.wait_until_known("shop", 0.01) == {}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(registry.wait_until_known, "shop", 10)
        registry.publish("shop", shop())
        assert waiting.result(10) == shop()


# life


def test_a_registry_is_started_and_closed_by_its_block() -> None:
    reported = list[str]()

    class Living(Quiet):
        def start(self) -> None:
            reported.append("start")

        def close(self) -> None:
            reported.append("close")

    with Living() as registry:
        assert isinstance(registry, Living)
        assert reported == ["start"]
    assert reported == ["start", "close"]


@pytest.mark.parametrize(
    ("status", "code"), [(HealthStatus.OK, 200), (HealthStatus.WARNING, 429), (HealthStatus.ERROR, 503)]
)
def test_health_has_an_http_status(status: HealthStatus, code: int) -> None:
    assert Quiet().map_health(Health(status)) == code


def test_other_processes_learn_from_a_registry_unless_it_says_otherwise() -> None:
    assert ComponentRegistry.is_shared
    assert not LocalComponentRegistry().is_shared
    assert not StaticComponentRegistry({}).is_shared


# local


def test_the_local_registry_offers_what_is_registered() -> None:
    registry = LocalComponentRegistry()
    assert registry.wait_until_known("shop", 0) == {}
    registry.register(SHOP, [JSON, REST], health="/health")
    assert registry.snapshot("shop") == shop(JSON, REST)
    registry.register(SHOP, [REST])
    assert registry.snapshot("shop") == shop(REST)
    registry.deregister(SHOP)
    assert registry.snapshot("shop") == {}


def test_earlier_registrations_are_known_to_later_queries() -> None:
    registry = LocalComponentRegistry()
    registry.register(SHOP, [JSON])
    assert registry.snapshot("shop") == shop(JSON)
