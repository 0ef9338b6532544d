"""A call has one deadline and one number of attempts, however long it waits for a channel and whichever carries it."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest
from memory_shop import SilentRegistry

from service_core.calling.channel import Channel
from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.proxy import Invocation
from service_core.calling.router import ComponentRoutes, Route
from service_core.context import deadline
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import channel, component, service, with_policy
from service_core.declaring.interfaces import Component, Service
from service_core.declaring.policy import Policy
from service_core.errors import ComponentUnavailableException, ServiceCommunicationException
from service_core.registry.base import Snapshot
from service_core.resilience.retrying import Attempts

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    @abstractmethod
    def place(self) -> str: ...

    @abstractmethod
    async def place_async(self) -> str: ...

    @with_policy(Policy(timeout=0.1))
    @abstractmethod
    def cancel(self) -> str: ...

    @with_policy(Policy(timeout=0.1))
    @abstractmethod
    async def cancel_async(self) -> str: ...


@component("shop", services=[Orders], catalog=CATALOG)
class Shop(Component): ...


class Failing(Channel):
    """Cannot connect as long as something is left to happen; answers with its name then."""

    begun: list[Attempts]
    """Those of all channels."""
    happens: list[Callable[[], None]]
    """With each attempt, the last one first."""
    sent: int

    def invoke(self, invocation: Invocation) -> Any:
        attempts = self.attempts(invocation.descriptor)
        Failing.begun.append(attempts)
        while True:
            attempts.begin()
            Failing.sent += 1
            if not Failing.happens:
                attempts.answered()
                return self.name
            Failing.happens.pop()()
            attempts.failed(ServiceCommunicationException("cannot connect"))

    async def invoke_async(self, invocation: Invocation) -> Any:
        return self.invoke(invocation)


@channel("json", catalog=CATALOG)
class JSON(Failing): ...


@channel("rest", catalog=CATALOG)
class Rest(Failing): ...


class Registry(SilentRegistry):
    """Speaks first when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []
        self.asked_at = 0.0

    def wait_until_known(self, component: str, timeout: float) -> Snapshot:
        self.waited.append(timeout)
        self.asked_at = time.monotonic()
        self.offer("json")
        return super().wait_until_known(component, timeout)


def call(route: Route, method: str) -> Any:
    descriptor = CATALOG.service(Orders)
    return route.invoke(Invocation(descriptor, descriptor.methods[method]))


def call_async(route: Route, method: str) -> Any:
    descriptor = CATALOG.service(Orders)
    return asyncio.run(route.invoke_async(Invocation(descriptor, descriptor.methods[f"{method}_async"])))


calls = pytest.mark.parametrize("call", [call, call_async])


@pytest.fixture
def registry() -> Registry:
    Failing.begun, Failing.happens, Failing.sent = [], [], 0
    return Registry()


def routes(registry: SilentRegistry, **policy: Any) -> ComponentRoutes:
    return ComponentRoutes(
        registry, ChannelFactory(catalog=CATALOG), CATALOG.component(Shop), policy=Policy(backoff=0.0, **policy)
    )


@calls
@pytest.mark.parametrize("timeout", [30.0, None])
def test_a_call_that_changes_its_channel_keeps_its_deadline(
    registry: Registry, call: Callable[[Route, str], Any], timeout: float | None
) -> None:
    registry.offer("json")
    route = routes(registry, timeout=timeout).route("")
    assert call(route, "place") == "json"
    Failing.happens.append(lambda: registry.offer("rest"))
    assert call(route, "place") == "rest"
    _, first, second = Failing.begun
    assert second.deadline.expires_at <= first.deadline.expires_at


@calls
def test_a_call_that_changes_its_channel_keeps_the_deadline_of_its_block(
    registry: Registry, call: Callable[[Route, str], Any]
) -> None:
    registry.offer("json")
    route = routes(registry).route("")
    Failing.happens.append(lambda: registry.offer("rest"))
    with deadline(30.0) as limit:
        assert call(route, "place") == "rest"
    assert [attempts.deadline for attempts in Failing.begun] == [limit, limit]


@calls
def test_attempts_over_all_channels_are_counted_together(registry: Registry, call: Callable[[Route, str], Any]) -> None:
    registry.offer("json")
    route = routes(registry, max_attempts=3).route("")
    Failing.happens += [lambda: None] * 5
    Failing.happens += [lambda: registry.offer("json"), lambda: registry.offer("rest")]
    with pytest.raises(ServiceCommunicationException, match="cannot connect"):
        call(route, "place")
    assert Failing.sent == 3
    Failing.happens.clear()
    Failing.happens += [lambda: None] * 2
    assert call(route, "place") in ("json", "rest")  # the next call has three of its own


def test_the_wait_for_the_registry_counts(registry: Registry) -> None:
    assert call(routes(registry, timeout=2.0).route(""), "place") == "json"
    assert registry.waited[0] <= 2.0
    assert Failing.begun[0].deadline.expires_at <= registry.asked_at + 2.0


def test_the_wait_for_the_registry_is_no_longer_than_the_policy_of_the_method_says(registry: Registry) -> None:
    assert call(routes(registry).route(""), "cancel") == "json"
    assert registry.waited[0] <= 0.1


@calls
def test_a_registry_that_says_nothing_is_not_waited_for_longer_than_the_call_may_take(
    call: Callable[[Route, str], Any],
) -> None:
    started = time.monotonic()
    with pytest.raises(ComponentUnavailableException, match="nobody offers component 'shop'"):
        call(routes(SilentRegistry()).route(""), "cancel")
    assert time.monotonic() - started < 2.5  # without a limit of its own it would be 3 s
