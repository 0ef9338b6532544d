"""A client whose calls are refused for overload by all instances sends fewer of them; in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service_core.call import Call
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import service
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import Policy
from service_core.errors import ServiceCommunicationException
from service_core.resilience import retrying
from service_core.resilience.events import CallEvent
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.throttle import Throttle


@pytest.fixture(autouse=True)
def repeatable() -> Iterator[None]:
    state = random.getstate()
    random.seed(7)
    yield
    random.setstate(state)


class Client:
    """Calls at a rate; ``accepts`` says which of those that are sent are accepted."""

    def __init__(self) -> None:
        self.now = 100.0
        self.throttle = Throttle(lambda: self.now)
        self.sent: list[float] = []
        self.kept: list[float] = []

    def call(self, rate: float, seconds: float, accepts: Callable[[], bool]) -> None:
        for _ in range(int(rate * seconds)):
            self.now += 1.0 / rate
            if self.throttle.is_active and self.throttle.refuses():
                self.kept.append(self.now)
                continue
            self.sent.append(self.now)
            if not accepts():
                self.throttle.refused_by_all()


def a_share_of(share: float) -> Callable[[], bool]:
    return lambda: random.random() < share


def test_nothing_is_counted_while_calls_are_accepted() -> None:
    client = Client()
    client.call(100.0, 10.0, lambda: True)
    assert (client.throttle.is_active, client.kept) == (False, [])


@pytest.mark.parametrize(("capacity", "load"), [(30.0, 90.0), (30.0, 300.0)])
def test_about_twice_as_many_calls_are_sent_as_are_accepted(capacity: float, load: float) -> None:
    client, tokens = Client(), [0.0, 100.0]

    def accepts() -> bool:
        tokens[0] = min(10.0, tokens[0] + (client.now - tokens[1]) * capacity)
        tokens[1] = client.now
        if tokens[0] < 1.0:
            return False
        tokens[0] -= 1.0
        return True

    client.call(load, 30.0, accepts)
    sent = sum(at > 110.0 for at in client.sent) / 20.0
    assert 1.2 * capacity < sent < 3.0 * capacity


def test_a_load_of_less_than_twice_the_capacity_is_sent_as_a_whole() -> None:
    client = Client()
    client.call(50.0, 20.0, a_share_of(0.7))
    assert len(client.kept) < len(client.sent) / 50


@pytest.mark.parametrize("rate", [90.0, 300.0])
def test_two_seconds_after_the_overload_all_calls_are_sent(rate: float) -> None:
    client = Client()
    client.call(rate, 20.0, a_share_of(30.0 / rate))
    assert client.kept
    end = client.now
    client.call(15.0, 20.0, lambda: True)
    assert [at for at in client.kept if at > end + 2.0] == []
    assert not client.throttle.is_active


def test_a_few_refusals_of_a_quiet_client_have_no_effect() -> None:
    client = Client()
    client.call(2.0, 30.0, a_share_of(0.2))
    assert client.kept == []


CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    def place(self) -> int: ...


def overloaded(retry_after: float | None) -> ServiceCommunicationException:
    return ServiceCommunicationException("too busy", retry_after=retry_after)


def calls_of(balancer: LoadBalancer, error: Exception, times: int) -> list[str]:
    described = CATALOG.service(Orders)
    messages: list[str] = []

    def send(_: str) -> Any:
        raise error

    for _ in range(times):
        call = Call(described, described.methods["place"], policy=Policy(max_attempts=1).resolve())
        with pytest.raises(ServiceCommunicationException) as caught:
            retrying.run(call, balancer, send)
        messages.append(str(caught.value))
    return messages


def test_a_call_that_is_not_sent_says_why_and_is_an_event() -> None:
    balancer, events = LoadBalancer(), list[CallEvent]()
    balancer.component, balancer.observers = "orders", [events.append]
    balancer.update(["a", "b"])
    messages = calls_of(balancer, overloaded(1.0), 100)
    not_sent = "Orders.place: not sent, since the instances of component 'orders' refuse most calls for overload"
    assert not_sent in messages
    throttled = [event for event in events if event.kind.name == "THROTTLED"]
    assert len(throttled) == sum("not sent" in message for message in messages) > 0
    assert {(event.url, event.attempt) for event in throttled} == {("", 0)}


def test_instances_that_cannot_be_reached_are_not_overloaded() -> None:
    balancer = LoadBalancer()
    balancer.update(["a", "b"])
    assert set(calls_of(balancer, overloaded(None), 100)) == {"too busy"}
