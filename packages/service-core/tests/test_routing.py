"""From a wanted service to the channel that can carry the call right now."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service_core.address import ChannelAddress, ChannelInstances
from service_core.catalog import Catalog
from service_core.channel import Channel
from service_core.context import deadline
from service_core.decorators import channel, component, service
from service_core.errors import ChannelNotInstalledException, ComponentUnavailableException
from service_core.factory import ChannelFactory
from service_core.interfaces import Component, Service
from service_core.proxy import Invocation
from service_core.registry import LocalComponentRegistry, Snapshot, snapshot_of
from service_core.routing import ComponentRoutes, Route

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    @abstractmethod
    def place(self) -> str: ...

    @abstractmethod
    async def place_later(self) -> str: ...


@component("shop", services=[Orders], catalog=CATALOG)
class Shop(Component): ...


class Memory(Channel):
    """Answers with its name and the address that it chose."""

    made: list[Memory]
    before: list[Callable[[], None]]
    """What happens before a call asks for an address, the last one first."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        Memory.made.append(self)

    def invoke(self, invocation: Invocation) -> Any:
        if Memory.before:
            Memory.before.pop()()
        return f"{self.name} at {self.get_url()}"

    async def invoke_async(self, invocation: Invocation) -> Any:
        return self.invoke(invocation)

    def close(self) -> None:
        self.closed = True


@channel("json", catalog=CATALOG)
class JSON(Memory): ...


@channel("rest", catalog=CATALOG)
class Rest(Memory): ...


class Registry(LocalComponentRegistry):
    """Publishes what a test says, and knows nothing before."""

    def __init__(self) -> None:
        super().__init__()
        self.somebody_waits = threading.Event()

    def follow(self, component: str) -> None: ...

    def wait_until_known(self, component: str, timeout: float) -> Snapshot:
        self.somebody_waits.set()
        return super().wait_until_known(component, timeout)

    def offer(self, *channels: str, url: str = "http://h") -> None:
        self.publish("shop", snapshot_of("shop", [[ChannelAddress(name, url) for name in channels]]))


def invocation(method: str = "place") -> Invocation:
    descriptor = CATALOG.service(Orders)
    return Invocation(descriptor, descriptor.methods[method])


def call(route: Route) -> str:
    answer: str = route.invoke(invocation())
    return answer


@pytest.fixture
def registry() -> Registry:
    Memory.made, Memory.before = [], []
    return Registry()


@pytest.fixture
def routes(registry: Registry) -> ComponentRoutes:
    return ComponentRoutes(registry, ChannelFactory(catalog=CATALOG), CATALOG.component(Shop))


def unavailable(route: Route) -> str:
    with pytest.raises(ComponentUnavailableException) as caught:
        call(route)
    return str(caught.value)


# which channel


@pytest.mark.parametrize("preferred", ["", "local"])
def test_without_a_preference_it_is_the_first_that_is_offered(
    registry: Registry, routes: ComponentRoutes, preferred: str
) -> None:
    registry.offer("rest", "json")
    assert call(routes.route(preferred)) == "rest at http://h"


def test_the_preferred_channel_is_used_if_it_is_offered(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("rest", "json")
    assert call(routes.route("json")) == "json at http://h"


def test_another_one_stands_in_and_that_is_logged_once(
    registry: Registry, routes: ComponentRoutes, caplog: pytest.LogCaptureFixture
) -> None:
    registry.offer("rest")
    route = routes.route("json")
    assert [call(route) for _ in range(2)] == ["rest at http://h"] * 2
    registry.offer("rest", url="http://other")
    assert call(route) == "rest at http://other"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["component shop is not offered over the preferred channel json; using rest until it is"]


def test_calls_move_to_the_preferred_channel_when_it_is_offered(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("rest")
    route = routes.route("json")
    assert call(route) == "rest at http://h"
    registry.offer("rest", "json")
    assert call(route) == "json at http://h"
    registry.offer("rest")
    assert call(route) == "rest at http://h"


def test_a_channel_that_is_offered_but_not_installed_is_passed_over(
    registry: Registry, routes: ComponentRoutes
) -> None:
    registry.offer("quantum", "json")
    assert call(routes.route("")) == "json at http://h"


def test_if_none_of_the_offered_channels_is_installed_the_error_names_one(
    registry: Registry, routes: ComponentRoutes
) -> None:
    registry.offer("rest-over-pigeons", "quantum")
    with pytest.raises(ChannelNotInstalledException, match="channel 'rest-over-pigeons' is not installed"):
        call(routes.route(""))


def test_the_local_channel_of_others_is_not_called(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("local", "json")
    assert call(routes.route("local")) == "json at http://h"


def test_a_preferred_channel_that_does_not_exist_is_refused_at_once(routes: ComponentRoutes) -> None:
    with pytest.raises(ChannelNotInstalledException, match="did you mean 'json'"):
        routes.route("jsn")


def test_a_route_is_made_once(routes: ComponentRoutes) -> None:
    assert routes.route("json") is routes.route("json")
    assert routes.route("json") is not routes.route("")


def test_a_route_says_where_it_leads(registry: Registry, routes: ComponentRoutes) -> None:
    route = routes.route("json")
    assert repr(route) == "shop over json"
    assert repr(routes.route("")) == "shop over any channel"
    registry.offer("rest")
    call(route)
    assert repr(route) == "shop over rest"


# when nobody is there


def test_what_nobody_offers_is_an_error_again_and_again_and_works_as_soon_as_somebody_does(
    registry: Registry, routes: ComponentRoutes
) -> None:
    route = routes.route("json")
    registry.offer()
    for _ in range(2):
        assert unavailable(route) == (
            "nobody offers component 'shop' at the moment; start a server that hosts it and uses the same registry "
            "(Registry)"
        )
    registry.offer("json")
    assert call(route) == "json at http://h"
    registry.offer()
    assert "nobody offers component 'shop'" in unavailable(route)
    registry.offer("json", url="http://back")
    assert call(route) == "json at http://back"


def test_the_first_call_waits_for_the_first_word_of_the_registry(registry: Registry, routes: ComponentRoutes) -> None:
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(call, routes.route(""))
        assert registry.somebody_waits.wait(10)
        registry.offer("json")
        assert calling.result(10) == "json at http://h"


def test_a_call_does_not_wait_longer_than_its_deadline(routes: ComponentRoutes) -> None:
    with deadline(0.01):
        assert "nobody offers component 'shop'" in unavailable(routes.route(""))


async def test_an_async_call_waits_for_the_first_word_too(registry: Registry, routes: ComponentRoutes) -> None:
    calling = asyncio.create_task(routes.route("").invoke_async(invocation("place_later")))
    await asyncio.sleep(0)
    registry.offer("json")
    assert await calling == "json at http://h"


async def test_any_number_of_tasks_wait_without_a_thread_for_each(registry: Registry, routes: ComponentRoutes) -> None:
    route, threads = routes.route(""), threading.active_count()
    calling = [asyncio.create_task(route.invoke_async(invocation("place_later"))) for _ in range(200)]
    await asyncio.sleep(0)
    assert threading.active_count() == threads
    await asyncio.to_thread(registry.offer, "json")
    assert set(await asyncio.gather(*calling)) == {"json at http://h"}


async def test_an_async_call_does_not_wait_longer_than_its_deadline(
    registry: Registry, routes: ComponentRoutes
) -> None:
    with deadline(0.01), pytest.raises(ComponentUnavailableException, match="nobody offers component 'shop'"):
        await routes.route("").invoke_async(invocation("place_later"))
    registry.offer("json")  # nobody is left who would listen


async def test_a_task_that_is_cancelled_while_it_waits_leaves_no_listener(
    registry: Registry, routes: ComponentRoutes
) -> None:
    listeners = len(registry._listeners["shop"])
    calling = asyncio.create_task(routes.route("").invoke_async(invocation("place_later")))
    await asyncio.sleep(0)
    assert len(registry._listeners["shop"]) == listeners + 1
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert len(registry._listeners["shop"]) == listeners


# channels


def test_channels_follow_the_addresses(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("json", "rest")
    for name in ("json", "rest"):
        call(routes.route(name))
    registry.offer("json", url="http://new")
    json_channel, rest_channel = Memory.made
    assert json_channel.address == ChannelInstances("shop", "json", ("http://new",))
    assert rest_channel.address is None


def test_all_routes_share_one_channel_of_a_kind(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("json")
    for preferred in ("", "json", "rest", "json"):
        assert call(routes.route(preferred)) == "json at http://h"
    assert len(Memory.made) == 1


def test_first_calls_of_16_threads_end_up_with_one_open_channel(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("json")
    route, together = routes.route("json"), threading.Barrier(16)

    def first(_: int) -> str:
        together.wait(10)
        return call(route)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(first, range(16))) == {"json at http://h"}
    used = [made for made in Memory.made if not made.closed]
    assert len(used) == 1
    assert routes.close() == used


def test_a_warning_is_logged_once_however_many_threads_call(
    registry: Registry, routes: ComponentRoutes, caplog: pytest.LogCaptureFixture
) -> None:
    registry.offer("rest")
    route, together = routes.route("json"), threading.Barrier(16)

    def first(_: int) -> str:
        together.wait(10)
        return call(route)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(first, range(16)))
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_calls_go_on_while_addresses_change(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("json")
    route, done = routes.route("json"), threading.Event()

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


# the end


def test_a_closed_route_says_so(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("json")
    route = routes.route("json")
    call(route)
    assert routes.close() == Memory.made
    closed = "component 'shop' cannot be called any more: its service manager is closed"
    assert unavailable(route) == closed
    registry.offer("rest")
    assert unavailable(route) == closed
    assert routes.close() == []


def test_a_channel_that_is_made_while_the_routes_are_closed_is_closed(registry: Registry) -> None:
    def create(cls: type[Any]) -> Any:
        closing.close()
        return cls()

    factory = ChannelFactory(create=create, catalog=CATALOG)
    closing = ComponentRoutes(registry, factory, CATALOG.component(Shop))
    registry.offer("json")
    assert "its service manager is closed" in unavailable(closing.route("json"))
    assert [made.closed for made in Memory.made] == [True]


def test_a_change_while_the_channel_is_made_is_not_missed(registry: Registry) -> None:
    def create(cls: type[Any]) -> Any:
        if cls is Rest:
            registry.offer("json")
        return cls()

    changing = ComponentRoutes(registry, ChannelFactory(create=create, catalog=CATALOG), CATALOG.component(Shop))
    registry.offer("rest")
    assert call(changing.route("")) == "json at http://h"


def test_a_preferred_channel_that_comes_while_another_is_made_is_used_from_the_next_call_on(registry: Registry) -> None:
    def create(cls: type[Any]) -> Any:
        if cls is Rest:
            registry.offer("rest", "json")
        return cls()

    changing = ComponentRoutes(registry, ChannelFactory(create=create, catalog=CATALOG), CATALOG.component(Shop))
    registry.offer("rest")
    route = changing.route("json")
    assert [call(route) for _ in range(2)] == ["rest at http://h", "json at http://h"]


async def test_a_change_between_choice_and_call_is_not_missed(registry: Registry, routes: ComponentRoutes) -> None:
    route = routes.route("")
    registry.offer("rest")
    Memory.before.append(lambda: registry.offer("json"))
    assert call(route) == "json at http://h"
    Memory.before.append(lambda: registry.offer("rest"))
    assert await route.invoke_async(invocation("place_later")) == "rest at http://h"


def test_a_call_does_not_run_after_its_instances_for_ever(registry: Registry, routes: ComponentRoutes) -> None:
    registry.offer("rest")
    for _ in range(10):
        Memory.before += [lambda: registry.offer("rest"), lambda: registry.offer("json")]
    assert "over channel" in unavailable(routes.route(""))
    assert len(Memory.before) == 16


def test_an_error_that_an_implementation_got_from_elsewhere_is_the_answer(
    registry: Registry, routes: ComponentRoutes
) -> None:
    def fail() -> None:
        raise ComponentUnavailableException("nobody offers component 'bank'")

    registry.offer("rest")
    Memory.before += [fail, fail]
    assert unavailable(routes.route("")) == "nobody offers component 'bank'"
    assert len(Memory.before) == 1


def test_what_is_offered_is_logged(
    registry: Registry, routes: ComponentRoutes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.routing")
    registry.offer("json", "rest")
    registry.offer()
    assert [record.getMessage() for record in caplog.records] == [
        "component shop is offered over json by 1, rest by 1",
        "component shop is offered over no channel",
    ]
