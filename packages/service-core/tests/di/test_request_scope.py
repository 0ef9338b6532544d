"""Scope "request": one object for each call that is served, ended with the call."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest
from dishka import Provider, Scope

from service_core.calling.service_manager import ServiceManager
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import component, service
from service_core.declaring.implementing import implementation, max_concurrency
from service_core.declaring.interfaces import Component, Service
from service_core.di import Environment, create, injectable, module, on_destroy
from service_core.dispatch import targets_of
from service_core.errors import DependencyException
from service_core.registry.base import LocalComponentRegistry


@module()
class Module: ...


class Transaction:
    """Counts how many are open."""

    open: int

    def __init__(self) -> None:
        Transaction.open += 1

    @on_destroy()
    def close(self) -> None:
        Transaction.open -= 1


@pytest.fixture
def environment(catalog: Catalog) -> Environment:
    Transaction.open = 0
    injectable(scope="request", catalog=catalog)(Transaction)
    return Environment(Module, catalog=catalog)


def test_inside_of_a_call_there_is_one_object_and_it_is_ended_with_the_call(environment: Environment) -> None:
    seen: list[Transaction] = []
    for _ in range(2):
        with environment.request():
            seen.append(environment.get(Transaction))
            with environment.request():
                assert environment.get(Transaction) is seen[-1]
            assert Transaction.open == 1
        assert Transaction.open == 0
    assert seen[0] is not seen[1]


def test_outside_of_a_call_there_is_none(environment: Environment) -> None:
    message = r"^Transaction has scope 'request', so there is one for each call.*environment\.request\(\)$"
    with pytest.raises(DependencyException, match=message):
        environment.get(Transaction)


async def test_a_task_that_outlives_its_call_gets_no_object_of_it(environment: Environment) -> None:
    ended = asyncio.Event()

    async def later() -> None:
        await ended.wait()
        environment.get(Transaction)

    with environment.request():
        environment.get(Transaction)
        task = asyncio.create_task(later())
        await asyncio.sleep(0)
    ended.set()
    with pytest.raises(DependencyException, match="none outside of calls"):
        await task


async def test_calls_that_overlap_have_objects_of_their_own(environment: Environment) -> None:
    async def call() -> Transaction:
        with environment.request():
            mine = environment.get(Transaction)
            await asyncio.sleep(0)
            assert environment.get(Transaction) is mine
            return mine

    assert len({*await asyncio.gather(call(), call(), call())}) == 3


def test_a_singleton_that_needs_one_is_refused_with_advice(catalog: Catalog) -> None:
    injectable(scope="request", catalog=catalog)(Transaction)

    @injectable(catalog=catalog)
    class Keeper:
        def __init__(self, transaction: Transaction) -> None: ...

    with pytest.raises(DependencyException) as caught:
        Environment(Module, catalog=catalog)
    assert str(caught.value) == (
        "parameter 'transaction' of Keeper.__init__() needs Transaction, which has scope 'request': there is one per "
        "call, but Keeper is made once and would keep the first. Make the implementation per call with "
        "@implementation(scope='request'), or inject the Environment and call environment.get(Transaction) inside the "
        "method"
    )


def test_a_generator_cleans_up_when_the_call_ends(catalog: Catalog) -> None:
    log: list[str] = []

    @module()
    class Top:
        @create(scope="request")
        def session(self) -> Iterator[str]:
            log.append("open")
            yield "session"
            log.append("close")

        @create()
        def pool(self) -> Iterator[int]:
            yield 7
            log.append("pool closed")

    with Environment(Top, catalog=catalog) as environment:
        with environment.request():
            assert environment.get(str) == "session"
            assert environment.get(int) == 7
        assert log == ["open", "close"]
    assert log == ["open", "close", "pool closed"]


def test_own_dishka_providers_are_injected(catalog: Catalog) -> None:
    provider = Provider()
    provider.provide(lambda: 5, provides=int, scope=Scope.APP)
    provider.provide(lambda: "call", provides=str, scope=Scope.REQUEST)

    @injectable(catalog=catalog)
    class Uses:
        def __init__(self, number: int) -> None:
            self.number = number

    environment = Environment(Module, catalog=catalog, providers=[provider])
    assert environment.get(Uses).number == environment.get(int) == 5
    with environment.request():
        assert environment.get(str) == "call"
    with pytest.raises(DependencyException, match="str has scope 'request'"):
        environment.get(str)


class Shop(Service):
    @abstractmethod
    def sell(self, item: str) -> Any: ...

    @abstractmethod
    async def sell_async(self, item: str) -> Any: ...


class ShopComponent(Component): ...


class Selling(Shop):
    """Made per call: shows which transaction it has."""

    def __init__(self, transaction: Transaction, environment: Environment) -> None:
        self.transaction = transaction
        self.environment = environment

    @max_concurrency(3)
    def sell(self, item: str) -> Any:
        return self.transaction, self.environment.get(Transaction), Transaction.open

    async def sell_async(self, item: str) -> Any:
        await asyncio.sleep(0)
        return self.sell(item)


@pytest.fixture
def manager(catalog: Catalog) -> Iterator[ServiceManager]:
    Transaction.open = 0
    injectable(scope="request", catalog=catalog)(Transaction)
    service("shop", catalog=catalog)(Shop)
    component("shop", services=[Shop], catalog=catalog)(ShopComponent)
    implementation(scope="request", catalog=catalog)(Selling)
    environment = Environment(Module, catalog=catalog)
    with ServiceManager(LocalComponentRegistry(), implementations=environment, catalog=catalog) as made:
        yield made


def test_an_implementation_can_be_made_per_call(manager: ServiceManager) -> None:
    shop = manager.get_service(Shop)
    first, second = shop.sell("tea"), asyncio.run(shop.sell_async("tea"))
    assert first[0] is first[1]
    assert (first[2], second[2]) == (1, 1)
    assert first[0] is not second[0]
    assert Transaction.open == 0


def test_a_server_serves_an_implementation_that_is_made_per_call(manager: ServiceManager) -> None:
    (hosted,) = manager.hosted_services()
    assert hosted.implementation_type is Selling
    sell, sell_async = targets_of([hosted])
    assert sell.method("tea")[0] is not asyncio.run(sell_async.method("tea"))[0]
    assert Transaction.open == 0
