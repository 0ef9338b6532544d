"""A caller whose interface has one result, and a server whose interface has a stream."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import pytest

from service_core import (
    Catalog,
    Component,
    ContractMismatchException,
    Service,
    ServiceManager,
    StaticComponentRegistry,
    component,
    service,
)
from service_server_fastapi import serve

OLD = Catalog()


@service(name="stream-ticker")
class Ticker(Service):
    @abstractmethod
    def ticks(self) -> Iterator[int]: ...


class TickerImpl(Ticker):
    def ticks(self) -> Iterator[int]:
        yield from range(3)


@service(name="stream-ticker", catalog=OLD)
class OldTicker(Service):
    @abstractmethod
    def ticks(self) -> list[int]: ...


@component(name="stream-ticker", services=[OldTicker], catalog=OLD)
class OldTickerComponent(Component): ...


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
def test_the_error_says_that_the_interfaces_differ(channel: str) -> None:
    with serve(TickerImpl(), port=0) as server:
        registry = StaticComponentRegistry({"stream-ticker": {channel: server.url}})
        with (
            ServiceManager(registry, catalog=OLD) as manager,
            pytest.raises(ContractMismatchException, match="the server answers with a stream") as refused,
        ):
            manager.get_service(OldTicker, channel).ticks()

    assert refused.value.may_have_run
    assert "ticks(self) -> list[int]" in str(refused.value) or "ticks() -> list[int]" in str(refused.value)
