"""A client whose calls are refused for overload by all instances sends fewer of them; in virtual time."""

from __future__ import annotations

import itertools
from abc import abstractmethod
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


class Client:
    """Calls at a rate, in virtual time, to servers that answer so many per second and refuse the rest."""

    def __init__(self, capacity: float) -> None:
        self.now = 100.0
        self.throttle = Throttle(lambda: self.now)
        self.sent: list[float] = []
        self.kept: list[float] = []
        self.capacity = capacity
        self._room = 10.0

    def call(self, rate: float, seconds: float) -> None:
        for _ in range(int(rate * seconds)):
            self.now += 1.0 / rate
            self._room = min(10.0, self._room + self.capacity / rate)
            if self.throttle.refuses():
                self.kept.append(self.now)
                continue
            self.sent.append(self.now)
            if self._room < 1.0:
                self.throttle.refused_by_all()
                continue
            self._room -= 1.0
            self.throttle.answered()


def test_nothing_is_counted_while_calls_are_answered() -> None:
    client = Client(capacity=1000.0)
    client.call(100.0, 10.0)
    assert (client.throttle.is_active, client.kept) == (False, [])


@pytest.mark.parametrize("load", [90.0, 300.0, 3000.0])
def test_about_twice_as_many_calls_are_sent_as_are_answered(load: float) -> None:
    client = Client(capacity=30.0)
    client.call(load, 30.0)
    sent = sum(at > 110.0 for at in client.sent) / 20.0
    assert 45.0 < sent < 70.0


def test_a_load_of_less_than_twice_the_capacity_is_sent_as_a_whole() -> None:
    client = Client(capacity=30.0)
    client.call(50.0, 20.0)
    assert client.kept == []


@pytest.mark.parametrize("rate", [90.0, 300.0, 3000.0])
def test_after_the_overload_all_calls_are_sent(rate: float) -> None:
    client = Client(capacity=30.0)
    client.call(rate, 20.0)
    assert client.kept
    end = client.now
    client.call(15.0, 20.0)
    assert [at for at in client.kept if at > end + 0.5] == []
    assert not client.throttle.is_active


def test_a_quiet_client_is_not_held_back() -> None:
    client = Client(capacity=0.5)
    client.call(4.0, 30.0)
    assert client.kept == []


def test_more_is_sent_when_more_is_answered() -> None:
    client = Client(capacity=30.0)
    client.call(300.0, 10.0)
    client.capacity = 1000.0
    client.call(300.0, 20.0)
    assert client.kept[-1] < 115.0


CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    @abstractmethod
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
    balancer.throttles[CATALOG.service(Orders).methods["place"]] = Throttle(iter(itertools.count(0.0, 0.01)).__next__)
    messages = calls_of(balancer, overloaded(1.0), 1000)
    not_sent = "Orders.place: not sent, since the instances of component 'orders' refuse most of its calls for overload"
    assert not_sent in messages
    throttled = [event for event in events if event.kind.name == "THROTTLED"]
    assert len(throttled) == sum("not sent" in message for message in messages) > 0
    assert {(event.url, event.attempt) for event in throttled} == {("", 0)}


def test_instances_that_cannot_be_reached_are_not_overloaded() -> None:
    balancer = LoadBalancer()
    balancer.update(["a", "b"])
    assert set(calls_of(balancer, overloaded(None), 100)) == {"too busy"}
