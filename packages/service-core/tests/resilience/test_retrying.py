"""The retry loop: which instance receives an attempt, when a call is retried, and how it ends."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service_core.call import Call
from service_core.context import Deadline, deadline
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import idempotent, service, with_policy
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import Policy
from service_core.errors import (
    ComponentUnavailableException,
    DeadlineExceeded,
    ErrorCode,
    LocalServiceException,
    RemoteServiceException,
    ServiceCommunicationException,
)
from service_core.resilience import retrying
from service_core.resilience.attempts import Attempts, Raised
from service_core.resilience.events import CallEvent
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.policies import Policies
from service_core.resilience.selectors import FirstURLSelector

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    def place(self) -> None: ...

    @idempotent
    def read(self) -> None: ...

    @with_policy(Policy(max_attempts=1))
    def cancel(self) -> None: ...


ORDERS = CATALOG.service(Orders)


def not_sent(**facts: Any) -> ServiceCommunicationException:
    return ServiceCommunicationException("connection refused", **facts)


def lost() -> ServiceCommunicationException:
    return ServiceCommunicationException("connection lost", may_have_run=True)


class Scene:
    """Instances, and what they do in turn: an exception is raised, anything else is the answer."""

    def __init__(self, *urls: str, **policy: Any) -> None:
        self.policies = Policies(manager=Policy(backoff=0.0, **policy))
        self.balancer = LoadBalancer()
        self.balancer.component, self.balancer.channel = "orders", "test"
        self.balancer.selector = FirstURLSelector()
        self.balancer.adopt(self.policies.of(None))
        self.balancer.update(urls)
        self.events: list[CallEvent] = []
        self.balancer.observers = [self.events.append]
        self.urls: list[str] = []
        """The addresses to which was sent."""
        self.last: Call

    def call(self, method: str = "place") -> Call:
        descriptor = ORDERS.methods[method]
        self.last = Call(ORDERS, descriptor, policy=self.policies.of(descriptor))
        return self.last

    def run(self, method: str, *outcomes: Any) -> Any:
        script = iter(outcomes)

        def send(url: str) -> Any:
            self.urls.append(url)
            outcome = next(script)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        return retrying.run(self.call(method), self.balancer, send)

    def run_async(self, method: str, *outcomes: Any) -> Any:
        script = iter(outcomes)

        async def send(url: str) -> Any:
            self.urls.append(url)
            outcome = next(script)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        return asyncio.run(retrying.run_async(self.call(method), self.balancer, send))

    def kinds(self) -> list[str]:
        return [event.kind.name for event in self.events]

    def in_flight(self) -> int:
        return sum(entry["in_flight"] for entry in self.balancer.view())


Run = Callable[..., Any]
both = pytest.mark.parametrize("run", [Scene.run, Scene.run_async], ids=["sync", "async"])


@both
@pytest.mark.parametrize("method", ["place", "read"])
def test_a_failure_before_anything_was_sent_is_retried_on_another_instance(run: Run, method: str) -> None:
    scene = Scene("a", "b", "c")
    assert run(scene, method, not_sent(), not_sent(), 1) == 1
    assert scene.urls == ["a", "b", "c"]


@both
def test_a_call_that_may_have_run_is_retried_if_the_method_is_idempotent(run: Run) -> None:
    scene = Scene("a", "b")
    assert run(scene, "read", lost(), 1) == 1
    assert scene.urls == ["a", "b"]


@both
def test_a_call_that_may_have_run_is_not_retried_otherwise(run: Run) -> None:
    scene, error = Scene("a", "b"), lost()
    with pytest.raises(ServiceCommunicationException) as caught:
        run(scene, "place", error)
    assert caught.value is error
    assert scene.urls == ["a"]


@both
def test_the_error_says_that_the_call_may_have_run_if_any_attempt_may_have(run: Run) -> None:
    with pytest.raises(ServiceCommunicationException, match="connection refused") as caught:
        run(Scene("a", "b", max_attempts=2), "read", lost(), not_sent())
    assert caught.value.may_have_run


def test_there_are_at_most_as_many_attempts_as_the_policy_allows() -> None:
    scene = Scene("a", "b", "c", "d", max_attempts=2)
    with pytest.raises(ServiceCommunicationException, match="connection refused"):
        scene.run("read", not_sent(), not_sent())
    assert scene.urls == ["a", "b"]


def test_attempts_of_the_call_before_count() -> None:
    scene = Scene("a", "b", max_attempts=2)
    call = scene.call()
    call.attempts = 1

    def refuse(_: str) -> Any:
        raise not_sent()

    with pytest.raises(ServiceCommunicationException, match="connection refused"):
        retrying.run(call, scene.balancer, refuse)
    assert call.attempts == 2


def test_when_all_instances_have_failed_they_are_called_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(retrying.time, "sleep", pauses.append)  # type: ignore[attr-defined]
    scene = Scene("a", "b", max_attempts=4)
    assert scene.run("place", not_sent(), not_sent(retry_after=2.5), not_sent(), 1) == 1
    assert scene.urls == ["a", "b", "a", "b"]
    assert pauses == [2.5]


def test_the_pause_is_random_up_to_the_backoff() -> None:
    scene = Scene("a")
    scene.policies = Policies(manager=Policy(backoff=0.5))
    attempts = Attempts(scene.call(), scene.balancer)
    attempts.begin()
    assert attempts.ended_by(not_sent())
    assert 0.0 <= attempts.pause <= 0.5


def test_a_pause_that_outlasts_the_deadline_ends_the_call() -> None:
    with deadline(1), pytest.raises(ServiceCommunicationException, match="connection refused"):
        Scene("a").run("place", not_sent(retry_after=60))


def test_a_method_can_have_a_policy_of_its_own() -> None:
    scene = Scene("a", "b", max_attempts=3)
    with pytest.raises(ServiceCommunicationException, match="connection refused"):
        scene.run("cancel", not_sent())
    assert scene.urls == ["a"]


@both
def test_an_expired_deadline_ends_the_call_before_it_is_sent(run: Run) -> None:
    scene = Scene("a")
    with deadline(0), pytest.raises(DeadlineExceeded, match=r"^Orders\.place: deadline exceeded before the call was"):
        run(scene, "place")
    assert (scene.urls, scene.in_flight()) == ([], 0)


@both
def test_without_an_instance_the_error_names_component_and_channel(run: Run) -> None:
    with pytest.raises(ComponentUnavailableException, match="component 'orders' is registered for channel") as caught:
        run(Scene(), "place")
    assert caught.value.component == "orders"


def test_a_retry_uses_the_instances_that_are_registered_by_then() -> None:
    scene = Scene("a", "b")

    def send(url: str) -> str:
        if url == "a":
            scene.balancer.update(["a", "c"])
            raise not_sent()
        return url

    assert retrying.run(scene.call(), scene.balancer, send) == "c"


@both
@pytest.mark.parametrize(
    ("outcome", "raised"),
    [
        (Raised(ServiceCommunicationException("answer", may_have_run=True)), ServiceCommunicationException),
        (Raised(DeadlineExceeded("answer")), DeadlineExceeded),
        (KeyError("answer"), KeyError),
    ],
)
def test_an_error_that_the_instance_answered_with_ends_the_call(run: Run, outcome: Any, raised: type) -> None:
    scene = Scene("a", "b")
    with pytest.raises(raised, match="answer"):
        run(scene, "read", outcome)
    assert (scene.urls, scene.kinds(), scene.in_flight()) == (["a"], ["ANSWERED"], 0)


@both
@pytest.mark.parametrize("outcome", [DeadlineExceeded("late"), LocalServiceException("closed"), KeyboardInterrupt()])
def test_a_call_that_ends_here_is_abandoned(run: Run, outcome: BaseException) -> None:
    scene = Scene("a", "b")
    with pytest.raises(type(outcome)):
        run(scene, "read", outcome)
    assert (scene.urls, scene.kinds(), scene.in_flight()) == (["a"], ["ABANDONED"], 0)


def test_calls_in_flight_are_counted_right_in_16_threads() -> None:
    scene = Scene("a")
    scene.balancer.observers = ()
    together = threading.Barrier(16)

    def calls(_: int) -> None:
        together.wait(10)
        for _ in range(500):
            scene.run("place", 1)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(calls, range(16)))
    assert scene.in_flight() == 0


def test_an_instance_that_fails_at_once_does_not_look_like_the_fastest() -> None:
    scene = Scene("dead", "alive")
    scene.run("place", not_sent(), 1)
    dead, alive = scene.balancer.endpoints
    assert dead.cost > alive.cost


def test_observers_receive_failure_retry_and_answer() -> None:
    scene, error = Scene("a", "b"), not_sent()
    scene.run("place", error, 1)
    assert [(event.kind.name, event.url, event.attempt) for event in scene.events] == [
        ("FAILED", "a", 1),
        ("RETRIED", "a", 1),
        ("ANSWERED", "b", 2),
    ]
    assert {(e.component, e.channel, e.method) for e in scene.events} == {("orders", "test", "Orders.place")}
    assert [event.error for event in scene.events] == [error, error, None]
    assert {event.correlation_id for event in scene.events} == {scene.last.correlation_id}


def test_a_retry_that_exceeds_the_budget_is_not_made() -> None:
    scene = Scene("a", "b", retry_ratio=0.0, retry_reserve=0.0)
    with pytest.raises(ServiceCommunicationException, match="connection refused"):
        scene.run("place", not_sent())
    assert scene.kinds() == ["FAILED", "BUDGET_EXHAUSTED"]


def test_consecutive_failures_eject_an_instance() -> None:
    scene = Scene("a", "b", eject_after=2)
    for _ in range(2):
        with pytest.raises(ServiceCommunicationException):
            scene.run("place", lost())
    assert scene.kinds() == ["FAILED", "FAILED", "EJECTED"]
    scene.run("place", 1)
    assert scene.urls[-1] == "b"


@pytest.mark.parametrize(("seconds", "next_url"), [(math.inf, "a"), (0.0, "b")])
def test_an_exceeded_deadline_counts_against_the_instance_and_a_cancellation_does_not(
    seconds: float, next_url: str
) -> None:
    scene = Scene("a", "b", eject_after=1)

    def send(_: str) -> Any:
        scene.last.deadline = Deadline.after(seconds)
        raise DeadlineExceeded("late")

    with pytest.raises(DeadlineExceeded):
        retrying.run(scene.call(), scene.balancer, send)
    assert scene.kinds() == ["ABANDONED", "EJECTED"][: 2 if seconds == 0.0 else 1]
    scene.run("place", 1)
    assert scene.urls[-1] == next_url


@both
@pytest.mark.parametrize("as_answer", [True, False])
def test_internal_errors_eject_an_instance_that_others_do_not_have(run: Run, as_answer: bool) -> None:
    scene = Scene("a", "b")
    errors = 0
    while "EJECTED" not in scene.kinds() and errors < 20:
        broken = RemoteServiceException("no database", code=ErrorCode.INTERNAL)
        with pytest.raises(RemoteServiceException):
            run(scene, "place", Raised(broken) if as_answer else broken)
        errors += 1
    assert errors >= 7  # more only if this process was paused meanwhile, since the rate fades with time
    assert scene.kinds() == ["ANSWERED"] * errors + ["EJECTED"]
    scene.run("place", 1)
    assert (scene.urls[-1], scene.in_flight()) == ("b", 0)


@both
def test_errors_of_the_caller_eject_nothing(run: Run) -> None:
    scene = Scene("a", "b")
    for _ in range(10):
        with pytest.raises(RemoteServiceException):
            run(scene, "place", Raised(RemoteServiceException("no such order", code=ErrorCode.NOT_FOUND)))
    assert set(scene.urls) == {"a"}


def test_a_deadline_that_passed_during_a_pause_of_this_process_counts_against_no_instance() -> None:
    scene = Scene("a", "b", eject_after=1)

    def send(_: str) -> Any:
        scene.last.deadline = Deadline(time.monotonic() - 3.0)
        raise DeadlineExceeded("late")

    with pytest.raises(DeadlineExceeded):
        retrying.run(scene.call(), scene.balancer, send)
    assert scene.kinds() == ["ABANDONED"]
    scene.run("place", 1)
    assert scene.urls[-1] == "a"


def test_an_attempt_ends_once() -> None:
    scene = Scene("a")
    attempts = Attempts(scene.call(), scene.balancer)
    attempts.begin()
    attempts.answered()
    with pytest.raises(RuntimeError, match="an attempt ends once, and after it has begun"):
        attempts.answered()
