"""Calls before the first instance, while instances come and go, and while channels change."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from memory_shop import CATALOG, Memory, Rest, Shop, SilentRegistry, call, invocation, unavailable

from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.component_channels import ComponentChannels
from service_core.calling.router import Router
from service_core.context import deadline
from service_core.errors import ComponentUnavailableException
from service_core.registry.subscription import Snapshot


class Registry(SilentRegistry):
    """Sets an event when a call waits for its first snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.somebody_waits = threading.Event()

    def wait_until_known(self, component: str, timeout: float) -> Snapshot:
        self.somebody_waits.set()
        return super().wait_until_known(component, timeout)


@pytest.fixture
def registry() -> Registry:
    Memory.forget()
    return Registry()


@pytest.fixture
def channels(registry: Registry) -> ComponentChannels:
    return ComponentChannels(registry, ChannelFactory(catalog=CATALOG), CATALOG.component(Shop))


# without instances


def test_a_component_without_instances_is_an_error_until_one_is_registered(
    registry: Registry, channels: ComponentChannels
) -> None:
    route = Router(channels, "json")
    registry.offer()
    for _ in range(2):
        assert unavailable(route) == (
            "no instance of component 'shop' is registered; start a server that hosts it and uses the same registry "
            "(Registry)"
        )
    registry.offer("json")
    assert call(route) == "json at http://h"
    registry.offer()
    assert "no instance of component 'shop' is registered" in unavailable(route)
    registry.offer("json", url="http://back")
    assert call(route) == "json at http://back"


def test_the_first_call_waits_for_the_first_word_of_the_registry(
    registry: Registry, channels: ComponentChannels
) -> None:
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(call, Router(channels, ""))
        assert registry.somebody_waits.wait(10)
        registry.offer("json")
        assert calling.result(10) == "json at http://h"


def test_a_call_does_not_wait_longer_than_its_deadline(channels: ComponentChannels) -> None:
    with deadline(0.01):
        assert unavailable(Router(channels, "")) == "component 'shop': no answer from the registry yet: Registry"


async def test_an_async_call_waits_for_the_first_word_too(registry: Registry, channels: ComponentChannels) -> None:
    calling = asyncio.create_task(Router(channels, "").invoke_async(invocation("place_later")))
    await asyncio.sleep(0)
    registry.offer("json")
    assert await calling == "json at http://h"


async def test_any_number_of_tasks_wait_without_a_thread_for_each(
    registry: Registry, channels: ComponentChannels
) -> None:
    route, threads = Router(channels, ""), threading.active_count()
    calling = [asyncio.create_task(route.invoke_async(invocation("place_later"))) for _ in range(200)]
    await asyncio.sleep(0)
    assert threading.active_count() < threads + len(calling) // 10  # some may belong to others
    await asyncio.to_thread(registry.offer, "json")
    assert set(await asyncio.gather(*calling)) == {"json at http://h"}


async def test_an_async_call_does_not_wait_longer_than_its_deadline(
    registry: Registry, channels: ComponentChannels
) -> None:
    with deadline(0.01), pytest.raises(ComponentUnavailableException, match="no answer from the registry yet"):
        await Router(channels, "").invoke_async(invocation("place_later"))
    registry.offer("json")  # no listener is left


async def test_a_task_that_is_cancelled_while_it_waits_leaves_no_listener(
    registry: Registry, channels: ComponentChannels
) -> None:
    listeners = len(registry._subscriptions["shop"])
    calling = asyncio.create_task(Router(channels, "").invoke_async(invocation("place_later")))
    await asyncio.sleep(0)
    assert len(registry._subscriptions["shop"]) == listeners + 1
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert len(registry._subscriptions["shop"]) == listeners


# when something changes


def test_calls_go_on_while_addresses_change(registry: Registry, channels: ComponentChannels) -> None:
    registry.offer("json")
    route, done = Router(channels, "json"), threading.Event()

    def calls(_: int) -> set[str]:
        answers = {call(route)}
        while not done.is_set():
            answers.add(call(route))
        return answers

    with ThreadPoolExecutor(8) as pool:
        callers = [pool.submit(calls, number) for number in range(8)]
        for turn in range(200):
            registry.offer(*(["json", "rest"], ["rest"], ["rest", "json"])[turn % 3], url=f"http://{turn % 7}")
        registry.offer("json", url="http://last")
        done.set()
        answers = set().union(*(caller.result(30) for caller in callers))
    assert answers <= {f"{name} at http://{host}" for name in ("json", "rest") for host in [*range(7), "h", "last"]}
    assert call(route) == "json at http://last"


def test_a_change_while_the_channel_is_made_is_not_missed(registry: Registry) -> None:
    def create(cls: type[Any]) -> Any:
        if cls is Rest:
            registry.offer("json")
        return cls()

    changing = ComponentChannels(registry, ChannelFactory(create=create, catalog=CATALOG), CATALOG.component(Shop))
    registry.offer("rest")
    assert call(Router(changing, "")) == "json at http://h"


def test_a_preferred_channel_that_comes_while_another_is_made_is_used_from_the_next_call_on(registry: Registry) -> None:
    def create(cls: type[Any]) -> Any:
        if cls is Rest:
            registry.offer("rest", "json")
        return cls()

    changing = ComponentChannels(registry, ChannelFactory(create=create, catalog=CATALOG), CATALOG.component(Shop))
    registry.offer("rest")
    route = Router(changing, "json")
    assert [call(route) for _ in range(2)] == ["rest at http://h", "json at http://h"]


async def test_a_change_between_choice_and_call_is_not_missed(registry: Registry, channels: ComponentChannels) -> None:
    route = Router(channels, "")
    registry.offer("rest")
    Memory.before.append(lambda: registry.offer("json"))
    assert call(route) == "json at http://h"
    Memory.before.append(lambda: registry.offer("rest"))
    assert await route.invoke_async(invocation("place_later")) == "rest at http://h"


def test_a_call_follows_changes_until_its_deadline(registry: Registry, channels: ComponentChannels) -> None:
    registry.offer("rest")
    Memory.before += [lambda: registry.offer("rest"), lambda: registry.offer("json")]
    router = Router(channels, "")
    with deadline(0.0):
        assert "for channel 'rest'" in unavailable(router)
    assert len(Memory.before) == 1


def test_a_registry_that_does_not_answer_is_waited_for_once(
    channels: ComponentChannels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service_core.calling.component_channels.FIRST_ANSWER", 0.05)
    router, waited = Router(channels, ""), list[float]()
    wait = channels._registry.wait_until_known

    def measured(component: str, timeout: float) -> Snapshot:
        waited.append(timeout)
        return wait(component, timeout)

    monkeypatch.setattr(channels._registry, "wait_until_known", measured)
    for _ in range(3):
        assert "no answer from the registry yet" in unavailable(router)
    assert waited == [pytest.approx(0.05), 0.0, 0.0]


def test_an_error_that_an_implementation_got_from_elsewhere_is_the_answer(
    registry: Registry, channels: ComponentChannels
) -> None:
    def fail() -> None:
        raise ComponentUnavailableException("no instance of component 'bank'")

    registry.offer("rest")
    Memory.before += [fail, fail]
    assert unavailable(Router(channels, "")) == "no instance of component 'bank'"
    assert len(Memory.before) == 1
