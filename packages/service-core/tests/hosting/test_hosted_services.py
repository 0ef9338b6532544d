"""Implementations that are given as ready objects."""

from __future__ import annotations

import pytest
from memory_shop import CATALOG, Invoices, Orders, OrdersImpl

from service_core.errors import DeclarationException
from service_core.hosting.hosted_services import GivenImplementations


def test_an_object_is_had_by_the_interface_that_it_implements() -> None:
    orders = OrdersImpl()
    given = GivenImplementations([orders], CATALOG)
    assert given.provides(Orders)
    assert given.get(Orders) is orders
    assert not given.provides(Invoices)
    assert not given.provides(OrdersImpl)


def test_what_implements_nothing_is_refused() -> None:
    with pytest.raises(DeclarationException) as caught:
        GivenImplementations([object()], CATALOG)
    assert str(caught.value) == (
        "object implements nothing: none of its base classes is decorated with @service() or @component()"
    )


def test_two_implementations_of_one_interface_are_refused() -> None:
    with pytest.raises(DeclarationException, match="Orders is implemented by two of the given objects"):
        GivenImplementations([OrdersImpl(), OrdersImpl()], CATALOG)
