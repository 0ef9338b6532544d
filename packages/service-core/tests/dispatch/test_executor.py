"""What the caller of a method gets when the method fails, and what its server logs."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest

from service_core import (
    AuthorizationException,
    Catalog,
    Component,
    DeadlineExceeded,
    ErrorCode,
    MissingTokenException,
    RemoteServiceException,
    Service,
    ServiceException,
    component,
    deadline,
    idempotent,
    raises,
    service,
)
from service_core.testing import in_memory

CATALOG = Catalog()


class PanicException(BaseException):
    """An error that is no Exception, as libraries written in Rust raise it."""


class OutOfStock(Exception):
    """Declared by the outer service alone."""


@service(name="stock", catalog=CATALOG)
class Stock(Service):
    @abstractmethod
    def take(self, kind: str) -> int: ...

    @abstractmethod
    async def wait(self) -> int: ...


@component(name="stock-component", services=[Stock], catalog=CATALOG)
class StockComponent(Component): ...


@service(name="shop", catalog=CATALOG)
class Shop(Service):
    @abstractmethod
    @idempotent
    @raises(OutOfStock)
    def order(self, kind: str) -> int: ...

    @abstractmethod
    @idempotent
    async def order_async(self, kind: str) -> int: ...


@component(name="shop-component", services=[Shop], catalog=CATALOG)
class ShopComponent(Component): ...


class StockImpl(Stock):
    def take(self, kind: str) -> int:
        if kind == "token":
            raise MissingTokenException("the inner service needs a token")
        if kind == "stock":
            raise OutOfStock
        raise ServiceException("wrong", code=ErrorCode.INVALID_ARGUMENT)

    async def wait(self) -> int:
        await asyncio.sleep(60)
        return 1


class ShopImpl(Shop):
    """Fails as it is requested to."""

    def __init__(self) -> None:
        self.stock: Stock = in_memory(StockImpl(), catalog=CATALOG).get_service(Stock)
        self.runs = 0

    def order(self, kind: str) -> int:
        self.runs += 1
        if kind == "panic":
            raise PanicException("index out of bounds")
        if kind == "own":
            raise AuthorizationException("not your order")
        if kind == "cause":
            try:
                self.stock.take("token")
            except ServiceException as error:
                raise RuntimeError("no stock") from error
        if kind == "translated":
            try:
                self.stock.take("stock")
            except RemoteServiceException as error:
                raise OutOfStock from error
        return self.stock.take(kind)

    async def order_async(self, kind: str) -> int:
        self.runs += 1
        match kind:
            case "wait":
                return await self.stock.wait()
            case "short":
                with deadline(0.01):
                    return await self.stock.wait()
            case "interrupt":
                raise KeyboardInterrupt
            case _:
                raise PanicException("index out of bounds")


def failure(kind: str) -> Any:
    """What the caller gets, whichever way the method is declared."""
    shop: Shop = in_memory(ShopImpl(), catalog=CATALOG).get_service(Shop)
    with pytest.raises(Exception) as caught:
        shop.order(kind)
    return caught.value


def failure_async(kind: str) -> Any:
    shop: Shop = in_memory(ShopImpl(), catalog=CATALOG).get_service(Shop)
    with pytest.raises(Exception) as caught:
        asyncio.run(_awaited(shop, kind))
    return caught.value


async def _awaited(shop: Shop, kind: str) -> int:
    return await shop.order_async(kind)


@pytest.mark.parametrize("kind", ["token", "argument"])
def test_an_error_of_an_inner_call_is_internal_for_the_outer_caller(kind: str) -> None:
    error = failure(kind)
    assert (type(error), error.code, error.downstream) == (RemoteServiceException, ErrorCode.INTERNAL, True)
    assert error.may_have_run


def test_the_log_names_the_inner_call_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "service.dispatch"):
        failure("token")
    assert "shop-component:shop:order failed in its call of Stock.take" in caplog.text


def test_an_error_that_an_inner_call_has_caused_is_marked_as_downstream() -> None:
    error = failure("cause")
    assert (error.type, error.code, error.downstream) == ("RuntimeError", ErrorCode.INTERNAL, True)


def test_a_declared_error_is_what_the_caller_gets_for_an_inner_failure() -> None:
    assert isinstance(failure("translated"), OutOfStock)


def test_a_refusal_by_the_implementation_itself_remains_what_it_is_and_has_run() -> None:
    error = failure("own")
    assert (type(error), error.downstream, error.may_have_run) == (AuthorizationException, False, True)


def test_an_inner_deadline_that_is_the_outer_one_stays_a_deadline() -> None:
    with deadline(0.5):
        error = failure_async("wait")
    assert (type(error), error.may_have_run) == (DeadlineExceeded, True)


def test_an_inner_deadline_that_is_shorter_than_the_outer_one_is_internal() -> None:
    error = failure_async("short")
    assert (type(error), error.code, error.downstream) == (RemoteServiceException, ErrorCode.INTERNAL, True)


@pytest.mark.parametrize(("fail", "kind"), [(failure, "panic"), (failure_async, "panic"), (failure_async, "interrupt")])
def test_what_is_no_exception_is_answered_as_a_failure(fail: Callable[[str], Any], kind: str) -> None:
    error = fail(kind)
    assert (type(error), error.code, error.downstream) == (RemoteServiceException, ErrorCode.INTERNAL, False)
    assert error.type in ("PanicException", "KeyboardInterrupt")


def test_a_method_that_raises_what_is_no_exception_runs_once() -> None:
    implementation = ShopImpl()
    shop: Shop = in_memory(implementation, catalog=CATALOG).get_service(Shop)
    with pytest.raises(RemoteServiceException):
        shop.order("panic")
    with pytest.raises(RemoteServiceException):
        asyncio.run(_awaited(shop, "panic"))
    assert implementation.runs == 2
