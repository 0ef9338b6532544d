"""The channel that stays in the process."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import pytest

from service_core.calling.local import LocalChannel
from service_core.calling.proxy import DynamicProxy
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import service
from service_core.declaring.interfaces import Service

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    @abstractmethod
    def place(self, item: list[str], *, times: int = 1) -> list[str]: ...

    @abstractmethod
    async def place_later(self, item: list[str]) -> list[str]: ...


class OrdersImpl(Orders):
    def place(self, item: list[str], *, times: int = 1) -> list[str]:
        if times < 1:
            raise LookupError(item)
        return item

    async def place_later(self, item: list[str]) -> list[str]:
        return item


@pytest.fixture
def orders() -> Orders:
    objects: dict[type, Any] = {Orders: OrdersImpl()}
    return DynamicProxy.create(Orders, LocalChannel(objects.__getitem__), catalog=CATALOG)


async def test_arguments_and_results_are_the_same_objects(orders: Orders) -> None:
    item = ["book"]
    assert orders.place(item) is item
    assert await orders.place_later(item=item) is item


def test_errors_are_those_of_the_implementation(orders: Orders) -> None:
    with pytest.raises(LookupError, match="book"):
        orders.place(["book"], times=0)


def test_wrong_arguments_are_refused_by_the_implementation(orders: Orders) -> None:
    with pytest.raises(TypeError, match="place"):
        orders.place()  # type: ignore[call-arg]
