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
from service_core.calling.component_channels import ComponentChannels
from service_core.calling.proxy import Invocation
from service_core.calling.router import Router
from service_core.context import Deadline, deadline
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import channel, component, service, with_policy
from service_core.declaring.interfaces import Component, Service
from service_core.declaring.policy import Policy
from service_core.errors import ComponentUnavailableException, ServiceCommunicationException
from service_core.registry.subscription import Snapshot
from service_core.resilience.policies import Policies

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

    begun: list[Deadline]
    """The deadlines of the calls that channels have received."""
    happens: list[Callable[[], None]]
    """With each attempt, the last one first."""
    sent: int

    def invoke(self, invocation: Invocation) -> Any:
        Failing.begun.append(invocation.deadline)
        return self.run(invocation, self._send)

    def _send(self, _: str) -> str:
        Failing.sent += 1
        if not Failing.happens:
            return self.name
        Failing.happens.pop()()
        raise ServiceCommunicationException("cannot connect")

    async def invoke_async(self, invocation: Invocation) -> Any:
        return self.invoke(invocation)


@channel("json", catalog=CATALOG)
class JSON(Failing): ...


@channel("rest", catalog=CATALOG)
class Rest(Failing): ...


class Registry(SilentRegistry):
    """Publishes first when a call waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []
        self.asked_at = 0.0

    def wait_until_known(self, component: str, timeout: float) -> Snapshot:
        self.waited.append(timeout)
        self.asked_at = time.monotonic()
        self.offer("json")
        return super().wait_until_known(component, timeout)


def invocation(route: Router, method: str) -> Invocation:
    descriptor = CATALOG.service(Orders)
    return Invocation(descriptor, descriptor.methods[method], policy=route.policy_of(descriptor.methods[method]))


def call(route: Router, method: str) -> Any:
    return route.invoke(invocation(route, method))


def call_async(route: Router, method: str) -> Any:
    return asyncio.run(route.invoke_async(invocation(route, f"{method}_async")))


calls = pytest.mark.parametrize("call", [call, call_async])


@pytest.fixture
def registry() -> Registry:
    Failing.begun, Failing.happens, Failing.sent = [], [], 0
    return Registry()


def channels(registry: SilentRegistry, **policy: Any) -> ComponentChannels:
    return ComponentChannels(
        registry,
        ChannelFactory(catalog=CATALOG),
        CATALOG.component(Shop),
        policies=Policies(manager=Policy(backoff=0.0, **policy)),
    )


@calls
@pytest.mark.parametrize("timeout", [30.0, None])
def test_a_call_that_changes_its_channel_keeps_its_deadline(
    registry: Registry, call: Callable[[Router, str], Any], timeout: float | None
) -> None:
    registry.offer("json")
    route = Router(channels(registry, timeout=timeout), "")
    assert call(route, "place") == "json"
    Failing.happens.append(lambda: registry.offer("rest"))
    assert call(route, "place") == "rest"
    _, first, second = Failing.begun
    assert second == first


@calls
def test_a_call_that_changes_its_channel_keeps_the_deadline_of_its_block(
    registry: Registry, call: Callable[[Router, str], Any]
) -> None:
    registry.offer("json")
    route = Router(channels(registry), "")
    Failing.happens.append(lambda: registry.offer("rest"))
    with deadline(30.0) as limit:
        assert call(route, "place") == "rest"
    assert Failing.begun == [limit, limit]


@calls
def test_attempts_over_all_channels_are_counted_together(
    registry: Registry, call: Callable[[Router, str], Any]
) -> None:
    registry.offer("json")
    route = Router(channels(registry, max_attempts=3), "")
    Failing.happens += [lambda: None] * 5
    Failing.happens += [lambda: registry.offer("json"), lambda: registry.offer("rest")]
    with pytest.raises(ServiceCommunicationException, match="cannot connect"):
        call(route, "place")
    assert Failing.sent == 3
    Failing.happens.clear()
    Failing.happens += [lambda: None] * 2
    assert call(route, "place") in ("json", "rest")  # the next call has three of its own


def test_the_wait_for_the_registry_counts(registry: Registry) -> None:
    assert call(Router(channels(registry, timeout=2.0), ""), "place") == "json"
    assert registry.waited[0] <= 2.0
    assert Failing.begun[0].expires_at <= registry.asked_at + 2.0


def test_the_wait_for_the_registry_is_no_longer_than_the_policy_of_the_method_says(registry: Registry) -> None:
    assert call(Router(channels(registry), ""), "cancel") == "json"
    assert registry.waited[0] <= 0.1


@calls
def test_a_registry_that_says_nothing_is_not_waited_for_longer_than_the_call_may_take(
    call: Callable[[Router, str], Any],
) -> None:
    started = time.monotonic()
    with pytest.raises(ComponentUnavailableException, match="component 'shop': no answer from the registry"):
        call(Router(channels(SilentRegistry()), ""), "cancel")
    assert time.monotonic() - started < 2.5  # without a limit of its own it would be 3 s
