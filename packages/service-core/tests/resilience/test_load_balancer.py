"""The state of instances in this process, and what a forked child does not inherit."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable

import pytest

from service_core.declaring.policy import EffectivePolicy
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.selectors import RoundRobinURLSelector

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


@pytest.fixture
def balancer() -> LoadBalancer:
    made = LoadBalancer()
    made.selector = RoundRobinURLSelector()
    made.adopt(EffectivePolicy(eject_after=1, retry_ratio=0.0, retry_reserve=1.0))
    made.update(["a", "b"])
    return made


def in_a_child(happens: Callable[[], bool]) -> bool:
    """Whether that happens in a forked child, before it has hung for 20 s."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, for forking with threads
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os._exit(0 if happens() else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def test_calls_of_the_parent_are_not_in_flight_in_a_child(balancer: LoadBalancer) -> None:
    endpoint, other = balancer.endpoints
    endpoint.in_flight += 1  # by another thread
    assert in_a_child(lambda: [(seen["url"], seen["in_flight"]) for seen in balancer.view()] == [("a", 0), ("b", 0)])
    assert balancer.endpoints == (endpoint, other)
    assert endpoint.in_flight == 1


def test_a_call_that_is_in_flight_on_both_sides_ends_on_both(balancer: LoadBalancer) -> None:
    endpoint = balancer.choose(())
    endpoint.in_flight += 1

    def end() -> bool:
        endpoint.in_flight -= 1
        return all(seen["in_flight"] == 0 for seen in balancer.view())

    assert in_a_child(end)
    assert endpoint.in_flight == 1


def test_locks_that_other_threads_of_the_parent_hold_are_free_in_a_child(balancer: LoadBalancer) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with balancer.budget._lock, balancer.outliers._lock:
            held.set()
            done.wait(60)

    def call() -> bool:
        balancer.budget.call(time.monotonic())
        return balancer.budget.retry() and balancer.failed(balancer.choose(()))

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        assert in_a_child(call)
    finally:
        done.set()
        thread.join()


def test_a_child_keeps_addresses_policy_and_selector(balancer: LoadBalancer) -> None:
    selector, policy = balancer.selector, balancer.policy
    balancer.failed(balancer.endpoints[0])

    def known() -> bool:
        urls = [endpoint.url for endpoint in balancer.endpoints]
        return (urls, balancer.selector, balancer.policy) == (["a", "b"], selector, policy)

    assert in_a_child(known)
    assert balancer.view()[0]["ejected"]
