"""What every component is."""

from __future__ import annotations

import pytest

from service_core.addresses import ChannelAddress
from service_core.declaring.health import Health
from service_core.declaring.interfaces import AbstractComponent, Component, ComponentStatus


class Shop(AbstractComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return []


def test_a_component_knows_where_it_stands_in_its_life() -> None:
    shop = Shop()
    assert shop.get_status() is ComponentStatus.VIRGIN
    shop.startup()
    assert shop.get_status() is ComponentStatus.RUNNING
    shop.shutdown()
    assert shop.get_status() is ComponentStatus.STOPPED


async def test_a_component_is_healthy_unless_it_says_otherwise() -> None:
    assert await Shop().get_health() == Health()


def test_a_component_must_say_all_of_it() -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (Component,), {})()
    with pytest.raises(TypeError, match="get_addresses"):
        type("Half", (AbstractComponent,), {})()
