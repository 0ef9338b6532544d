"""One call's way through the instances: where next, and when it is over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service_core.context import Deadline
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import idempotent, service, with_policy
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import Policy
from service_core.errors import ComponentUnavailableException, DeadlineExceeded, ServiceCommunicationException
from service_core.resilience.events import CallEvent
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.retrying import Attempts
from service_core.resilience.selectors import FirstURLSelector

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    def place(self) -> None: ...

    @idempotent
    def read(self) -> None: ...

    @with_policy(Policy(max_attempts=1))
    def cancel(self) -> None: ...


PLACE = CATALOG.service(Orders).methods["place"]
READ = CATALOG.service(Orders).methods["read"]

NOT_SENT = ServiceCommunicationException("connection refused")
MAYBE_RUN = ServiceCommunicationException("connection lost", may_have_run=True)


def balancer(*urls: str, **policy: Any) -> LoadBalancer:
    made = LoadBalancer()
    made.component, made.channel = "orders", "test"
    made.selector = FirstURLSelector()
    made.adopt(Policy(**policy))
    made.update(urls)
    return made


def attempts(method: MethodDescriptor, among: LoadBalancer, seconds: float | None = None) -> Attempts:
    return Attempts(method, Deadline.after(seconds), among)


@pytest.mark.parametrize("method", [PLACE, READ])
def test_a_failure_before_anything_was_sent_is_tried_elsewhere(method: MethodDescriptor) -> None:
    call = attempts(method, balancer("a", "b", "c"))
    assert call.begin().url == "a"
    call.failed(NOT_SENT)
    assert call.begin().url == "b"
    call.failed(NOT_SENT)
    assert call.begin().url == "c"
    call.answered()


def test_what_may_have_run_is_repeated_if_it_is_idempotent() -> None:
    call = attempts(READ, balancer("a", "b"))
    call.begin()
    call.failed(MAYBE_RUN)
    assert call.begin().url == "b"


def test_what_may_have_run_is_not_repeated_else() -> None:
    call = attempts(PLACE, balancer("a", "b"))
    call.begin()
    with pytest.raises(ServiceCommunicationException) as caught:
        call.failed(MAYBE_RUN)
    assert caught.value is MAYBE_RUN


def test_there_are_as_many_attempts_as_the_policy_says() -> None:
    call = attempts(READ, balancer("a", "b", "c", "d", max_attempts=2))
    call.begin()
    call.failed(NOT_SENT)
    call.begin()
    with pytest.raises(ServiceCommunicationException, match="connection refused"):
        call.failed(NOT_SENT)


def test_when_all_have_failed_they_are_asked_again_after_a_pause() -> None:
    call = attempts(PLACE, balancer("a", "b", max_attempts=4, backoff=0.5))
    pauses: list[float] = []
    for url in "abab":
        assert call.begin().url == url
        if len(pauses) < 3:
            call.failed(NOT_SENT)
            pauses.append(call.pause)
    assert (pauses[0], pauses[2]) == (0.0, 0.0)
    assert 0.0 <= pauses[1] <= 0.5


def test_the_pause_is_as_long_as_the_server_wants_it() -> None:
    call = attempts(PLACE, balancer("a"))
    call.begin()
    call.failed(ServiceCommunicationException("busy", retry_after=2.5))
    assert call.pause == 2.5


def test_a_pause_that_outlasts_the_deadline_ends_the_call() -> None:
    call = attempts(PLACE, balancer("a"), 1)
    call.begin()
    with pytest.raises(ServiceCommunicationException, match="busy"):
        call.failed(ServiceCommunicationException("busy", retry_after=60))


def test_a_method_can_have_a_policy_of_its_own() -> None:
    call = attempts(CATALOG.service(Orders).methods["cancel"], balancer("a", "b"))
    call.begin()
    with pytest.raises(ServiceCommunicationException, match="connection refused"):
        call.failed(NOT_SENT)


def test_an_expired_deadline_ends_the_call_before_it_is_sent() -> None:
    known = balancer("a")
    with pytest.raises(DeadlineExceeded, match=r"^Orders\.place: the time of the call was up before it was sent$"):
        attempts(PLACE, known, 0).begin()
    assert known.endpoints()[0].in_flight == 0


def test_nobody_to_ask_is_an_error_that_names_component_and_channel() -> None:
    with pytest.raises(ComponentUnavailableException, match="component 'orders' over channel 'test'"):
        attempts(PLACE, balancer()).begin()


def test_a_retry_uses_the_instances_that_there_are_by_then() -> None:
    known = balancer("a", "b")
    call = attempts(PLACE, known)
    call.begin()
    call.failed(NOT_SENT)
    known.update(["a", "c"])
    assert call.begin().url == "c"


def test_calls_in_flight_are_counted_until_they_end() -> None:
    known = balancer("a")
    (endpoint,) = known.endpoints()
    answered, abandoned, failed = (attempts(PLACE, known) for _ in range(3))
    for call in (answered, abandoned, failed):
        call.begin()
    assert endpoint.in_flight == 3
    answered.answered()
    abandoned.abandoned()
    with pytest.raises(ServiceCommunicationException):
        failed.failed(MAYBE_RUN)
    assert endpoint.in_flight == 0


def test_calls_in_flight_are_counted_right_in_16_threads() -> None:
    known = balancer("a")
    together = threading.Barrier(16)

    def call(_: int) -> None:
        together.wait(10)
        for _ in range(500):
            one = attempts(PLACE, known)
            one.begin()
            one.answered()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(16)))
    assert known.endpoints()[0].in_flight == 0


def test_an_instance_that_fails_at_once_does_not_look_like_the_fastest() -> None:
    known = balancer("dead", "alive")
    dead, alive = known.endpoints()
    call = attempts(PLACE, known)
    call.begin()
    call.failed(NOT_SENT)
    call.begin()
    call.answered()
    assert dead.cost > alive.cost


def told(known: LoadBalancer) -> list[CallEvent]:
    events: list[CallEvent] = []
    known.observers = [events.append]
    return events


def test_observers_hear_of_failure_retry_and_answer() -> None:
    known = balancer("a", "b")
    events = told(known)
    call = attempts(PLACE, known)
    call.begin()
    call.failed(NOT_SENT)
    call.begin()
    call.answered()
    assert [(event.kind.name, event.url, event.attempt) for event in events] == [
        ("FAILED", "a", 1),
        ("RETRIED", "a", 1),
        ("ANSWERED", "b", 2),
    ]
    assert {(event.component, event.channel, event.method) for event in events} == {("orders", "test", "Orders.place")}
    assert [event.error for event in events] == [NOT_SENT, NOT_SENT, None]


def test_a_retry_that_the_budget_does_not_allow_is_not_made_and_observers_hear_of_it() -> None:
    known = balancer("a", "b", retry_ratio=0.0, retry_reserve=0.0)
    events = told(known)
    call = attempts(PLACE, known)
    call.begin()
    with pytest.raises(ServiceCommunicationException, match="connection refused"):
        call.failed(NOT_SENT)
    assert [event.kind.name for event in events] == ["FAILED", "BUDGET_EXHAUSTED"]


def test_an_instance_is_ejected_by_failures_and_observers_hear_of_it() -> None:
    known = balancer("a", "b", eject_after=2)
    events = told(known)
    for _ in range(2):
        call = attempts(PLACE, known)
        call.begin()
        with pytest.raises(ServiceCommunicationException):
            call.failed(MAYBE_RUN)
    assert [event.kind.name for event in events] == ["FAILED", "FAILED", "EJECTED"]
    assert attempts(PLACE, known).begin().url == "b"


@pytest.mark.parametrize(("seconds", "next_url"), [(60.0, "a"), (0.0, "b")])
def test_a_call_whose_time_is_up_speaks_against_the_instance_and_one_that_is_cancelled_does_not(
    seconds: float, next_url: str
) -> None:
    known = balancer("a", "b", eject_after=1)
    events = told(known)
    call = attempts(PLACE, known)
    call.begin()
    call.deadline = Deadline.after(seconds)
    call.abandoned()
    assert [event.kind.name for event in events] == ["ABANDONED", "EJECTED"][: 1 if seconds else 2]
    assert attempts(PLACE, known).begin().url == next_url


@pytest.mark.parametrize("end", ["answered", "abandoned"])
def test_an_attempt_ends_once(end: str) -> None:
    call = attempts(PLACE, balancer("a"))
    call.begin()
    getattr(call, end)()
    with pytest.raises(RuntimeError, match="an attempt ends once, and after it has begun"):
        getattr(call, end)()
