"""The contract of every component registry, as tests to inherit.

A class of tests for a registry derives from one of these, in a file that pytest collects, and creates the registry::

    class TestMyRegistry(RegistrationContract):
        @contextmanager
        def registries(self):
            with MyRegistry() as servers_side, MyRegistry() as callers_side:
                yield servers_side, callers_side

:class:`DiscoveryContract` is for registries with given addresses, :class:`RegistrationContract` for
those that components register with. Nothing here needs pytest to be installed.
"""

# ruff: noqa: S101 - asserting is what this is for

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from typing import ClassVar

from service_core.addresses import ChannelAddress
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.errors import ComponentUnavailableException
from service_core.registry.base import ComponentRegistry
from service_core.registry.subscription import Snapshot
from service_core.testing.instance_contract import raised

JSON_ADDRESS = ChannelAddress("dispatch-json", "http://127.0.0.1:8001")
REST_ADDRESS = ChannelAddress("rest", "http://127.0.0.1:8001/api")
ELSEWHERE = ChannelAddress("dispatch-json", "http://127.0.0.1:8002")


def fresh_component() -> ComponentDescriptor:
    """A component with a unique name: tests of a shared registry must not see each other."""
    return ComponentDescriptor(name=f"contract-{uuid.uuid4().hex[:12]}", type=object, description="", services=())


class SnapshotRecorder:
    """A listener that keeps every snapshot that it receives, with a method to wait for one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.snapshots: list[Snapshot] = []
        """In the order of arrival."""

    def __call__(self, snapshot: Snapshot) -> None:
        with self._changed:
            self.snapshots.append(snapshot)
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[Snapshot], bool], timeout: float) -> Snapshot:
        """Wait until the last snapshot fulfils the condition. Raises TimeoutError that shows all of them."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self.snapshots) and condition(self.snapshots[-1]), timeout):
                raise TimeoutError(f"after {timeout:g} s the listener has received {self.snapshots}")
            return self.snapshots[-1]


class DiscoveryContract:
    """The guarantees for callers."""

    time_limit: ClassVar[float] = 10.0
    """The most seconds until the registry has discovered a component."""

    def offering(self, components: Mapping[str, Sequence[ChannelAddress]]) -> AbstractContextManager[ComponentRegistry]:
        """A registry with an instance of each of these components, registered after ``time_limit`` seconds at most."""
        raise NotImplementedError

    def test_what_is_offered_is_found(self) -> None:
        component = fresh_component()
        with self.offering({component.name: [JSON_ADDRESS, REST_ADDRESS]}) as registry:
            snapshot = registry.wait_for(component, self.time_limit)
            assert {channel: found.urls for channel, found in snapshot.items()} == {
                "dispatch-json": (JSON_ADDRESS.uri,),
                "rest": (REST_ADDRESS.uri,),
            }
            assert registry.get_addresses(component) == list(snapshot.values())

    def test_channels_keep_the_order_of_preference(self) -> None:
        component = fresh_component()
        with self.offering({component.name: [REST_ADDRESS, JSON_ADDRESS]}) as registry:
            assert list(registry.wait_for(component, self.time_limit)) == ["rest", "dispatch-json"]

    def test_components_are_kept_apart(self) -> None:
        one, other = fresh_component(), fresh_component()
        with self.offering({one.name: [JSON_ADDRESS], other.name: [ELSEWHERE]}) as registry:
            found = registry.wait_for(other, self.time_limit)["dispatch-json"]
            assert (found.component, found.urls) == (other.name, (ELSEWHERE.uri,))

    def test_an_unregistered_component_is_known_to_be_absent(self) -> None:
        absent = fresh_component()
        with self.offering({fresh_component().name: [JSON_ADDRESS]}) as registry:
            assert registry.wait_until_known(absent.name, self.time_limit) == {}
            for _ in range(2):
                assert registry.get_addresses(absent) == []

    def test_waiting_for_an_unregistered_component_raises_an_error_with_its_name(self) -> None:
        absent = fresh_component()
        with self.offering({fresh_component().name: [JSON_ADDRESS]}) as registry:
            assert absent.name in str(raised(ComponentUnavailableException, lambda: registry.wait_for(absent, 0.05)))

    def test_waiting_for_an_unregistered_channel_raises_an_error_with_its_name(self) -> None:
        component = fresh_component()
        with self.offering({component.name: [JSON_ADDRESS]}) as registry:
            registry.wait_for(component, self.time_limit)
            assert "'rest'" in str(
                raised(ComponentUnavailableException, lambda: registry.wait_for(component, 0.05, channel="rest"))
            )

    def test_a_listener_receives_what_is_registered(self) -> None:
        component, listener = fresh_component(), SnapshotRecorder()
        with self.offering({component.name: [JSON_ADDRESS]}) as registry:
            registry.subscribe(component.name, listener)
            snapshot = listener.wait_until(bool, self.time_limit)
            assert snapshot["dispatch-json"].urls == (JSON_ADDRESS.uri,)

    def test_a_later_listener_receives_the_snapshot_at_once(self) -> None:
        component, listener = fresh_component(), SnapshotRecorder()
        with self.offering({component.name: [JSON_ADDRESS]}) as registry:
            known = registry.wait_for(component, self.time_limit)
            registry.subscribe(component.name, listener)
            assert listener.snapshots == [known]

    def test_it_describes_itself_for_error_messages(self) -> None:
        with self.offering({fresh_component().name: [JSON_ADDRESS]}) as registry:
            assert type(registry).__name__ in registry.describe()

    def test_closing_twice_is_closing_once(self) -> None:
        with self.offering({fresh_component().name: [JSON_ADDRESS]}) as registry:
            registry.close()
            registry.close()


class RegistrationContract(DiscoveryContract):
    """Further guarantees for servers, and for callers of servers that start and stop."""

    def registries(self) -> AbstractContextManager[tuple[ComponentRegistry, ComponentRegistry]]:
        """The registry of a server, and that of a caller which discovers what is registered with the first.

        They may be the same object. Nothing listens at the addresses that are registered.
        """
        raise NotImplementedError

    @contextmanager
    def offering(self, components: Mapping[str, Sequence[ChannelAddress]]) -> Iterator[ComponentRegistry]:
        """Register the components."""
        with self.registries() as (server, caller):
            for name, addresses in components.items():
                descriptor = ComponentDescriptor(name=name, type=object, description="", services=())
                server.register(descriptor, addresses)
            yield caller

    def test_a_component_that_is_registered_after_the_first_query_is_found(self) -> None:
        component, listener = fresh_component(), SnapshotRecorder()
        with self.registries() as (server, caller):
            caller.subscribe(component.name, listener)
            caller.wait_until_known(component.name, self.time_limit)
            server.register(component, [JSON_ADDRESS])
            assert listener.wait_until(bool, self.time_limit)["dispatch-json"].urls == (JSON_ADDRESS.uri,)

    def test_what_is_deregistered_is_gone(self) -> None:
        component, listener = fresh_component(), SnapshotRecorder()
        with self.registries() as (server, caller):
            server.register(component, [JSON_ADDRESS])
            caller.subscribe(component.name, listener)
            listener.wait_until(bool, self.time_limit)
            server.deregister(component)
            listener.wait_until(_is_empty, self.time_limit)
            assert caller.get_addresses(component) == []

    def test_what_comes_back_is_found_again(self) -> None:
        component, listener = fresh_component(), SnapshotRecorder()
        with self.registries() as (server, caller):
            caller.subscribe(component.name, listener)
            for _ in range(2):
                server.register(component, [JSON_ADDRESS])
                listener.wait_until(bool, self.time_limit)
                server.deregister(component)
                listener.wait_until(_is_empty, self.time_limit)

    def test_registering_again_replaces(self) -> None:
        component, listener = fresh_component(), SnapshotRecorder()
        with self.registries() as (server, caller):
            server.register(component, [JSON_ADDRESS])
            caller.subscribe(component.name, listener)
            listener.wait_until(bool, self.time_limit)
            server.register(component, [REST_ADDRESS])
            listener.wait_until(lambda snapshot: list(snapshot) == ["rest"], self.time_limit)

    def test_deregistering_what_is_not_registered_does_nothing(self) -> None:
        component = fresh_component()
        with self.registries() as (server, caller):
            server.deregister(component)
            assert caller.wait_until_known(component.name, self.time_limit) == {}

    def test_an_unsubscribed_listener_receives_nothing(self) -> None:
        component, left, listener = fresh_component(), SnapshotRecorder(), SnapshotRecorder()
        with self.registries() as (server, caller):
            caller.subscribe(component.name, left)()
            caller.subscribe(component.name, listener)
            server.register(component, [JSON_ADDRESS])
            listener.wait_until(bool, self.time_limit)
            assert not any(left.snapshots)

    def test_an_unchanged_snapshot_is_not_published_again(self) -> None:
        component, listener = fresh_component(), SnapshotRecorder()
        with self.registries() as (server, caller):
            caller.subscribe(component.name, listener)
            server.register(component, [JSON_ADDRESS])
            listener.wait_until(bool, self.time_limit)
            server.register(component, [JSON_ADDRESS])
            server.deregister(component)
            listener.wait_until(_is_empty, self.time_limit)
            received = [bool(snapshot) for snapshot in listener.snapshots]
            assert all(one != other for one, other in pairwise(received))


def _is_empty(snapshot: Snapshot) -> bool:
    return not snapshot
