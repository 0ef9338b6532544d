"""Implementations that are given as ready objects."""

from __future__ import annotations

import pytest
from memory_shop import CATALOG, Invoices, Orders, OrdersImpl

from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import service
from service_core.declaring.interfaces import Service
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


EXTENDING = Catalog()


@service(catalog=EXTENDING)
class Reader(Service): ...


@service(catalog=EXTENDING)
class Writer(Reader): ...


@service(catalog=EXTENDING)
class Remover(Reader): ...


def test_one_of_an_extended_interface_is_one_of_its_base() -> None:
    class WriterImpl(Writer): ...

    writer = WriterImpl()
    given = GivenImplementations([writer], EXTENDING)
    assert given.provides(Reader)
    assert given.get(Reader) is writer


def test_the_implementation_of_the_interface_itself_counts_before_one_that_extends_it() -> None:
    class ReaderImpl(Reader): ...

    class WriterImpl(Writer): ...

    reader = ReaderImpl()
    assert GivenImplementations([WriterImpl(), reader], EXTENDING).get(Reader) is reader


def test_two_that_extend_an_interface_are_refused_as_its_implementation() -> None:
    class WriterImpl(Writer): ...

    class RemoverImpl(Remover): ...

    given = GivenImplementations([WriterImpl(), RemoverImpl()], EXTENDING)
    with pytest.raises(DeclarationException, match=r"^Reader is implemented by several .*: WriterImpl, RemoverImpl$"):
        given.get(Reader)
