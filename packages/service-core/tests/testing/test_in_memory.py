"""Services in memory: several servers that come and go, and faults on the way to them."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

from service_core import (
    CallCounters,
    CallEventKind,
    ChannelNotInstalledException,
    Component,
    DeadlineExceeded,
    DeclarationException,
    LocalServiceException,
    MissingTokenException,
    Policy,
    RemoteServiceException,
    Service,
    ServiceCommunicationException,
    ServiceManager,
    TokenVerifier,
    bearer_token,
    component,
    deadline,
    idempotent,
    service,
)
from service_core.testing import FaultPlan, InMemoryNetwork, ScriptedRegistry, in_memory

COMPONENT = "kit-orders-component"

secret = ContextVar("secret", default="")


@service(name="kit-orders")
class Orders(Service):
    @abstractmethod
    @idempotent
    def total(self) -> int: ...

    @abstractmethod
    def place(self, amount: int) -> int: ...

    @abstractmethod
    async def place_async(self, amount: int) -> int: ...


@component(name="kit-orders-component", services=[Orders])
class OrdersComponent(Component): ...


class OrdersImpl(Orders):
    """Remembers what it has run."""

    def __init__(self) -> None:
        self.amounts: list[int] = []
        self.asked = 0

    def total(self) -> int:
        self.asked += 1
        return sum(self.amounts)

    def place(self, amount: int) -> int:
        self.amounts.append(amount)
        return sum(self.amounts)

    async def place_async(self, amount: int) -> int:
        return self.place(amount)


@service(name="kit-lonely")
class Lonely(Service):
    @abstractmethod
    def run(self) -> str: ...


class LonelyImpl(Lonely):
    def run(self) -> str:
        return "run"


class BrokenOrders(OrdersImpl):
    def total(self) -> int:
        raise RuntimeError("password=hunter2")

    def place(self, amount: int) -> int:
        raise ValueError(secret.get() or "nothing is seen")


def ways_to_place(orders: Orders) -> list[Callable[[int], int]]:
    return [orders.place, lambda amount: asyncio.run(orders.place_async(amount))]


@pytest.fixture
def faults() -> FaultPlan:
    return FaultPlan()


@pytest.fixture
def orders() -> OrdersImpl:
    return OrdersImpl()


@pytest.fixture
def manager(orders: OrdersImpl, faults: FaultPlan) -> Iterator[ServiceManager]:
    with in_memory(orders, faults=faults) as manager:
        yield manager


@pytest.fixture
def proxy(manager: ServiceManager) -> Orders:
    return manager.get_service(Orders)


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
def test_a_service_is_called_by_a_proxy(channel: str) -> None:
    orders = OrdersImpl()
    with in_memory(orders, channel=channel) as manager:
        proxy = manager.get_service(Orders)
        assert proxy is not orders
        assert proxy.place(5) == 5


def test_only_channels_in_memory_can_be_had(manager: ServiceManager) -> None:
    with pytest.raises(ChannelNotInstalledException, match="'my-channel' is not installed"):
        manager.get_service(Orders, "my-channel")


def test_what_implements_no_service_is_refused() -> None:
    with pytest.raises(DeclarationException, match="object implements nothing"):
        in_memory(object())


def test_a_service_that_no_component_names_is_a_component_of_its_own() -> None:
    with in_memory(LonelyImpl()) as manager:
        assert manager.get_service(Lonely).run() == "run"


def test_errors_are_logged_where_the_implementation_runs(caplog: pytest.LogCaptureFixture) -> None:
    with in_memory(BrokenOrders()) as manager, caplog.at_level(logging.ERROR, "service.dispatch"):
        with pytest.raises(RemoteServiceException) as caught:
            manager.get_service(Orders).total()
        assert "hunter2" not in str(caught.value)
    assert caplog.records[0].exc_info is not None
    assert str(caught.value.correlation_id) in caplog.records[0].getMessage()


def test_messages_of_errors_can_be_exposed() -> None:
    with (
        in_memory(BrokenOrders(), expose_errors=True) as manager,
        pytest.raises(RemoteServiceException, match="hunt"),
    ):
        manager.get_service(Orders).total()


def test_nothing_of_the_caller_is_there_but_what_travels() -> None:
    secret.set("of the caller")
    with in_memory(BrokenOrders(), expose_errors=True) as manager:
        proxy = manager.get_service(Orders)
        for place in ways_to_place(proxy):
            with pytest.raises(RemoteServiceException, match="nothing is seen"):
                place(1)


def test_a_refused_connection_is_tried_again(proxy: Orders, faults: FaultPlan, orders: OrdersImpl) -> None:
    faults.refuse(times=2)
    assert proxy.place(5) == 5
    assert orders.amounts == [5]


def test_an_idempotent_call_is_retried_after_a_lost_answer(
    proxy: Orders, faults: FaultPlan, orders: OrdersImpl
) -> None:
    faults.lose_answer(times=1)
    assert proxy.total() == 0
    assert orders.asked == 2


def test_a_lost_answer_is_an_error_that_says_that_the_call_may_have_run(
    proxy: Orders, faults: FaultPlan, orders: OrdersImpl
) -> None:
    faults.lose_answer(times=1)
    with pytest.raises(ServiceCommunicationException, match="the call may have run") as caught:
        proxy.place(5)
    assert caught.value.may_have_run
    assert orders.amounts == [5]


def test_a_delay_takes_no_longer_than_the_deadline(proxy: Orders, faults: FaultPlan, orders: OrdersImpl) -> None:
    faults.delay(3600)
    for place in ways_to_place(proxy):
        with deadline(0.02), pytest.raises(DeadlineExceeded):
            place(1)
    assert orders.amounts == []


def test_a_dropped_request_waits_for_the_deadline(proxy: Orders, faults: FaultPlan) -> None:
    faults.drop()
    with deadline(0.02), pytest.raises(DeadlineExceeded):
        proxy.place(1)


def test_a_dropped_request_without_a_deadline_is_refused(proxy: Orders, faults: FaultPlan) -> None:
    faults.drop()
    with deadline(None), pytest.raises(LocalServiceException, match=r"never end; set one with deadline"):
        proxy.place(1)


def test_a_server_that_is_stopped_cannot_be_reached_until_it_is_back() -> None:
    network, registry = InMemoryNetwork(), ScriptedRegistry()
    url = network.start(OrdersImpl())
    registry.offer(COMPONENT, {"dispatch-json": url})
    with ServiceManager(registry, network.channel_factory, policy=Policy.none()) as manager:
        proxy = manager.get_service(Orders)
        network.stop(url)
        with pytest.raises(ServiceCommunicationException, match=f"at {url}: cannot connect"):
            proxy.place(1)
        network.start(OrdersImpl(), url=url)
        assert proxy.place(1) == 1


def test_a_server_that_is_killed_during_a_call_loses_the_answer() -> None:
    network, registry = InMemoryNetwork(), ScriptedRegistry()

    class Mortal(OrdersImpl):
        def place(self, amount: int) -> int:
            network.stop(url)
            return super().place(amount)

    url = network.start(Mortal())
    registry.offer(COMPONENT, {"dispatch-json": url})
    with (
        ServiceManager(registry, network.channel_factory) as manager,
        pytest.raises(ServiceCommunicationException) as caught,
    ):
        manager.get_service(Orders).place(1)
    assert caught.value.may_have_run


def test_a_network_says_what_its_servers_host() -> None:
    network = InMemoryNetwork()
    assert network.components(network.start(OrdersImpl())) == [COMPONENT]
    assert network.components("memory://absent") == []


def test_observers_see_calls_in_memory() -> None:
    network, counters = InMemoryNetwork(), CallCounters()
    registry = ScriptedRegistry({COMPONENT: {"dispatch-json": network.start(OrdersImpl())}})
    network.faults.refuse(times=1)
    with ServiceManager(registry, network.channel_factory, observers=[counters]) as manager:
        manager.get_service(Orders).place(1)
    assert [counters.total(kind) for kind in (CallEventKind.ANSWERED, CallEventKind.FAILED, CallEventKind.RETRIED)] == [
        1,
        1,
        1,
    ]


class OneToken(TokenVerifier):
    async def verify(self, token: str) -> str:
        return token


def test_the_token_of_the_context_is_sent_where_that_is_declared_as_over_a_network() -> None:
    with bearer_token("ann"):
        with in_memory(OrdersImpl(), verifier=OneToken(), forward_token=[OrdersComponent]) as manager:
            manager.get_service(Orders).total()
        with in_memory(OrdersImpl(), verifier=OneToken()) as manager, pytest.raises(MissingTokenException) as caught:
            manager.get_service(Orders).total()
    [note] = caught.value.__notes__
    assert "has a bearer token, which is not sent to component" in note
    assert "@component(forward_token=True)" in note
