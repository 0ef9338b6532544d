"""Which channel carries a call, and which channels are made."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from memory_shop import CATALOG, Memory, Shop, SilentRegistry, call, unavailable

from service_core.addresses import ChannelInstances
from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.component_channels import ComponentChannels
from service_core.calling.router import Router
from service_core.errors import ChannelNotInstalledException


@pytest.fixture
def registry() -> SilentRegistry:
    Memory.forget()
    return SilentRegistry()


@pytest.fixture
def channels(registry: SilentRegistry) -> ComponentChannels:
    return ComponentChannels(registry, ChannelFactory(catalog=CATALOG), CATALOG.component(Shop))


# which channel


@pytest.mark.parametrize("preferred", ["", "local"])
def test_without_a_preference_it_is_the_first_that_is_offered(
    registry: SilentRegistry, channels: ComponentChannels, preferred: str
) -> None:
    registry.offer("rest", "json")
    assert call(Router(channels, preferred)) == "rest at http://h"


def test_the_preferred_channel_is_used_if_it_is_offered(registry: SilentRegistry, channels: ComponentChannels) -> None:
    registry.offer("rest", "json")
    assert call(Router(channels, "json")) == "json at http://h"


def test_another_one_stands_in_and_that_is_logged_once(
    registry: SilentRegistry, channels: ComponentChannels, caplog: pytest.LogCaptureFixture
) -> None:
    registry.offer("rest")
    route = Router(channels, "json")
    assert [call(route) for _ in range(2)] == ["rest at http://h"] * 2
    registry.offer("rest", url="http://other")
    assert call(route) == "rest at http://other"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["component shop is not offered over the preferred channel json; using rest until it is"]


def test_calls_move_to_the_preferred_channel_when_it_is_offered(
    registry: SilentRegistry, channels: ComponentChannels
) -> None:
    registry.offer("rest")
    route = Router(channels, "json")
    assert call(route) == "rest at http://h"
    registry.offer("rest", "json")
    assert call(route) == "json at http://h"
    registry.offer("rest")
    assert call(route) == "rest at http://h"


def test_a_channel_that_is_offered_but_not_installed_is_passed_over(
    registry: SilentRegistry, channels: ComponentChannels
) -> None:
    registry.offer("quantum", "json")
    assert call(Router(channels, "")) == "json at http://h"


def test_if_none_of_the_offered_channels_is_installed_the_error_names_one(
    registry: SilentRegistry, channels: ComponentChannels
) -> None:
    registry.offer("rest-over-pigeons", "quantum")
    with pytest.raises(ChannelNotInstalledException, match="channel 'rest-over-pigeons' is not installed"):
        call(Router(channels, ""))


def test_the_local_channel_of_others_is_not_called(registry: SilentRegistry, channels: ComponentChannels) -> None:
    registry.offer("local", "json")
    assert call(Router(channels, "local")) == "json at http://h"


def test_a_preferred_channel_that_does_not_exist_is_refused_at_once(channels: ComponentChannels) -> None:
    with pytest.raises(ChannelNotInstalledException, match="did you mean 'json'"):
        Router(channels, "jsn")


def test_the_representation_of_a_router_names_component_and_channel(
    registry: SilentRegistry, channels: ComponentChannels
) -> None:
    route = Router(channels, "json")
    assert repr(route) == "shop over json"
    assert repr(Router(channels, "")) == "shop over any channel"
    registry.offer("rest")
    call(route)
    assert repr(route) == "shop over rest"


# channels


def test_channels_follow_the_addresses(registry: SilentRegistry, channels: ComponentChannels) -> None:
    registry.offer("json", "rest")
    for name in ("json", "rest"):
        call(Router(channels, name))
    registry.offer("json", url="http://new")
    json_channel, rest_channel = Memory.made
    assert json_channel.address == ChannelInstances("shop", "json", ("http://new",))
    assert rest_channel.address is None


def test_all_routers_share_one_channel_of_a_kind(registry: SilentRegistry, channels: ComponentChannels) -> None:
    registry.offer("json")
    for preferred in ("", "json", "rest", "json"):
        assert call(Router(channels, preferred)) == "json at http://h"
    assert len(Memory.made) == 1


def test_first_calls_of_16_threads_end_up_with_one_open_channel(
    registry: SilentRegistry, channels: ComponentChannels
) -> None:
    registry.offer("json")
    route, together = Router(channels, "json"), threading.Barrier(16)

    def first(_: int) -> str:
        together.wait(10)
        return call(route)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(first, range(16))) == {"json at http://h"}
    used = [made for made in Memory.made if not made.ended]
    assert len(used) == 1
    assert channels.close() == used


def test_a_warning_is_logged_once_however_many_threads_call(
    registry: SilentRegistry, channels: ComponentChannels, caplog: pytest.LogCaptureFixture
) -> None:
    registry.offer("rest")
    route, together = Router(channels, "json"), threading.Barrier(16)

    def first(_: int) -> str:
        together.wait(10)
        return call(route)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(first, range(16)))
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


# the end


def test_calls_after_the_end_are_refused_with_the_reason(registry: SilentRegistry, channels: ComponentChannels) -> None:
    registry.offer("json")
    route = Router(channels, "json")
    call(route)
    assert channels.close() == Memory.made
    closed = "component 'shop' cannot be called any more: its connection or service manager is closed"
    assert unavailable(route) == closed
    registry.offer("rest")
    assert unavailable(route) == closed
    assert channels.close() == []


def test_a_channel_that_is_made_while_the_component_channels_are_closed_is_closed(registry: SilentRegistry) -> None:
    def create(cls: type[Any]) -> Any:
        closing.close()
        return cls()

    factory = ChannelFactory(create=create, catalog=CATALOG)
    closing = ComponentChannels(registry, factory, CATALOG.component(Shop))
    registry.offer("json")
    assert "its connection or service manager is closed" in unavailable(Router(closing, "json"))
    assert [made.ended for made in Memory.made] == [["close"]]


def test_what_is_offered_is_logged(
    registry: SilentRegistry, channels: ComponentChannels, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.routing")
    registry.offer("json", "rest")
    registry.offer()
    assert [record.getMessage() for record in caplog.records] == [
        "component shop is offered over json by 1, rest by 1",
        "component shop is offered over no channel",
    ]
