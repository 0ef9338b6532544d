"""Hedging: an idempotent call goes to a second instance when the first takes long, and the first answer counts."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest

from service_core.call import Call
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import idempotent, service
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import Policy
from service_core.errors import (
    DeadlineExceeded,
    ErrorCode,
    RemoteServiceException,
    ServiceCommunicationException,
)
from service_core.resilience import retrying
from service_core.resilience.attempts import Raised
from service_core.resilience.events import CallEvent
from service_core.resilience.hedging.hedge_sync import AnswerWait, Superseded
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.policies import Policies
from service_core.resilience.selectors import FirstURLSelector

CATALOG = Catalog()


@service(catalog=CATALOG)
class Prices(Service):
    @abstractmethod
    @idempotent
    def read(self) -> int: ...

    @abstractmethod
    def change(self) -> int: ...


PRICES = CATALOG.service(Prices)
SILENT = object()
"""The outcome of an instance that never answers."""


def lost() -> ServiceCommunicationException:
    return ServiceCommunicationException("connection lost", may_have_run=True)


class Scene:
    """Instances by address, with what each does: an exception, an answer, or nothing; also after some seconds."""

    def __init__(self, instances: dict[str, Any], **policy: Any) -> None:
        policy = {"hedge_after": 0.02, "timeout": 20.0, "backoff": 0.0, **policy}
        self.policies = Policies(manager=Policy(**policy))
        self.balancer = LoadBalancer()
        self.balancer.selector = FirstURLSelector()
        self.balancer.adopt(self.policies.of(None))
        self.balancer.update(list(instances))
        self.events: list[CallEvent] = []
        self.balancer.observers = [self.events.append]
        self.instances = instances
        self.urls: list[str] = []
        self.given_up: list[str] = []
        """The instances whose attempt was interrupted."""
        self._given_up = threading.Condition()

    def call(self, method: str) -> Call:
        descriptor = PRICES.methods[method]
        return Call(PRICES, descriptor, policy=self.policies.of(descriptor))

    def begin(self, url: str) -> tuple[float, Any]:
        self.urls.append(url)
        outcome = self.instances[url]
        return outcome if isinstance(outcome, tuple) else (0.0, outcome)

    def note_given_up(self, url: str) -> None:
        with self._given_up:
            self.given_up.append(url)
            self._given_up.notify_all()

    def wait_until_given_up(self, *urls: str) -> None:
        with self._given_up:
            assert self._given_up.wait_for(lambda: set(urls) <= set(self.given_up), 20)

    def run(self, method: str = "read") -> Any:
        def send(url: str, wait: AnswerWait | None) -> Any:
            seconds, outcome = self.begin(url)
            if wait is None:
                time.sleep(seconds)
                return settled(outcome)
            ours, theirs = socket.socketpair()
            with ours, theirs:
                try:
                    ready = ours_waits(wait, ours, 20.0 if outcome is SILENT else seconds)
                except Superseded:
                    self.note_given_up(url)
                    raise
            if outcome is SILENT:
                assert not ready
                raise DeadlineExceeded("late")
            return settled(outcome)

        return retrying.run_hedged(self.call(method), self.balancer, send)

    def run_async(self, method: str = "read") -> Any:
        async def send(url: str) -> Any:
            seconds, outcome = self.begin(url)
            try:
                await asyncio.sleep(20.0 if outcome is SILENT else seconds)
            except asyncio.CancelledError:
                self.note_given_up(url)
                raise
            if outcome is SILENT:
                raise DeadlineExceeded("late")
            return settled(outcome)

        async def main() -> Any:
            task = asyncio.current_task()
            assert task is not None
            try:
                return await retrying.run_async(self.call(method), self.balancer, send)
            finally:
                assert task.cancelling() == 0

        return asyncio.run(main())

    def kinds(self) -> list[tuple[str, str, int]]:
        return [(event.kind.name, event.url, event.attempt) for event in self.events]

    def in_flight(self) -> int:
        return sum(endpoint.in_flight for endpoint in self.balancer.endpoints)


def ours_waits(wait: AnswerWait, ours: socket.socket, seconds: float) -> object:
    poll = select.poll()
    poll.register(ours.fileno(), select.POLLIN)
    return wait.wait(poll.poll, ours.fileno(), seconds)


def settled(outcome: Any) -> Any:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


Run = Callable[..., Any]
both = pytest.mark.parametrize("run", [Scene.run, Scene.run_async], ids=["sync", "async"])


@both
def test_a_call_that_is_not_answered_is_answered_by_another_instance(run: Run) -> None:
    scene = Scene({"frozen": SILENT, "good": 1})
    assert run(scene) == 1
    assert scene.kinds() == [("HEDGED", "frozen", 1), ("ABANDONED", "frozen", 1), ("ANSWERED", "good", 2)]
    assert scene.in_flight() == 0


@both
def test_the_attempt_that_is_not_awaited_any_more_is_interrupted(run: Run) -> None:
    scene = Scene({"frozen": SILENT, "good": 1})
    run(scene)
    scene.wait_until_given_up("frozen")


@both
def test_a_first_answer_that_is_late_counts_and_the_other_attempt_is_given_up(run: Run) -> None:
    scene = Scene({"slow": (0.3, 1), "frozen": SILENT})
    assert run(scene) == 1
    scene.wait_until_given_up("frozen")
    assert scene.kinds() == [("HEDGED", "slow", 1), ("ABANDONED", "frozen", 2), ("ANSWERED", "slow", 1)]
    assert scene.in_flight() == 0


@both
def test_two_frozen_instances_of_three_do_not_stop_a_call(run: Run) -> None:
    scene = Scene({"frozen": SILENT, "frozen too": SILENT, "good": 1})
    assert run(scene) == 1
    scene.wait_until_given_up("frozen", "frozen too")
    assert scene.in_flight() == 0


@both
def test_a_quick_answer_is_sent_to_one_instance_only(run: Run) -> None:
    scene = Scene({"good": 1, "other": 2}, hedge_after=10.0)
    assert run(scene) == 1
    assert scene.urls == ["good"]


@both
def test_a_method_that_is_not_idempotent_is_sent_once(run: Run) -> None:
    scene = Scene({"slow": (0.2, 1), "other": 2})
    assert run(scene, "change") == 1
    assert scene.urls == ["slow"]


@both
def test_with_one_instance_there_is_no_second_attempt(run: Run) -> None:
    scene = Scene({"slow": (0.2, 1)})
    assert run(scene) == 1
    assert scene.urls == ["slow"]


@both
def test_attempts_are_limited_by_the_policy(run: Run) -> None:
    scene = Scene({"slow": (0.3, 1), "frozen": SILENT, "third": 3}, max_attempts=2)
    assert run(scene) == 1
    assert scene.urls == ["slow", "frozen"]


@both
def test_a_second_attempt_is_paid_from_the_retry_budget(run: Run) -> None:
    scene = Scene({"slow": (0.2, 1), "other": 2}, retry_ratio=0.0, retry_reserve=0.0)
    assert run(scene) == 1
    assert scene.kinds() == [("BUDGET_EXHAUSTED", "slow", 1), ("ANSWERED", "slow", 1)]


@both
def test_an_error_that_the_other_instance_answers_with_is_the_answer(run: Run) -> None:
    error = RemoteServiceException("no such product", code=ErrorCode.NOT_FOUND)
    scene = Scene({"frozen": SILENT, "other": Raised(error)})
    with pytest.raises(RemoteServiceException, match="no such product") as caught:
        run(scene)
    assert caught.value.may_have_run
    assert scene.in_flight() == 0


@both
def test_a_failure_of_the_second_attempt_leaves_the_first_one_under_way(run: Run) -> None:
    scene = Scene({"slow": (0.3, 1), "broken": lost()})
    assert run(scene) == 1
    assert scene.kinds() == [("HEDGED", "slow", 1), ("FAILED", "broken", 2), ("ANSWERED", "slow", 1)]
    assert scene.in_flight() == 0


@both
def test_if_the_first_attempt_fails_meanwhile_the_second_one_is_awaited(run: Run) -> None:
    scene = Scene({"breaks": (0.2, lost()), "slow": (0.5, 2)})
    assert run(scene) == 2
    assert scene.kinds() == [("HEDGED", "breaks", 1), ("FAILED", "breaks", 1), ("ANSWERED", "slow", 2)]
    assert scene.in_flight() == 0


@both
def test_if_all_attempts_fail_the_call_is_retried(run: Run) -> None:
    scene = Scene({"breaks": (0.3, lost()), "broken": (0.1, lost()), "good": 3}, hedge_after=0.15)
    assert run(scene) == 3
    assert scene.in_flight() == 0


@both
def test_a_call_whose_attempts_are_all_late_ends_with_its_deadline(run: Run) -> None:
    scene = Scene({"late": (0.2, DeadlineExceeded("late")), "frozen": SILENT})
    with pytest.raises(DeadlineExceeded):
        run(scene)
    scene.wait_until_given_up("frozen")
    assert scene.in_flight() == 0


@both
def test_an_instance_that_is_slower_than_another_again_and_again_is_ejected(run: Run) -> None:
    scene = Scene({"frozen": SILENT, "good": 1}, eject_after=3)
    for _ in range(4):
        assert run(scene) == 1
    assert scene.urls == ["frozen", "good"] * 3 + ["good"]


def test_a_cancelled_call_gives_up_all_attempts() -> None:
    scene = Scene({"frozen": SILENT, "frozen too": SILENT})
    both_sent = asyncio.Event()

    async def send(url: str) -> Any:
        scene.urls.append(url)
        if len(scene.urls) == 2:
            both_sent.set()
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            scene.note_given_up(url)
            raise

    async def main() -> None:
        task = asyncio.ensure_future(retrying.run_async(scene.call("read"), scene.balancer, send))
        await asyncio.wait_for(both_sent.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

    asyncio.run(main())
    assert sorted(scene.given_up) == ["frozen", "frozen too"]
    assert scene.in_flight() == 0


def test_a_cancellation_at_the_moment_of_another_answer_is_not_lost() -> None:
    scene = Scene({"frozen": SILENT, "good": 1})

    async def main() -> None:
        task: asyncio.Task[Any]

        async def send(url: str) -> Any:
            if url == "good":
                asyncio.get_running_loop().call_soon(task.cancel)
                return 1
            return await asyncio.sleep(20)

        task = asyncio.ensure_future(retrying.run_async(scene.call("read"), scene.balancer, send))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert scene.in_flight() == 0
