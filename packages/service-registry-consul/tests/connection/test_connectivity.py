from __future__ import annotations

import logging

import pytest

from service_registry_consul.connection.connectivity import Connectivity, ConsulStatus


def status_of(connectivity: Connectivity) -> ConsulStatus:
    return connectivity.status(watched=("c",), stale=(), registered=(), processes={})


class Clock:
    """A clock that the test advances."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


def test_nothing_is_known_before_the_first_query() -> None:
    assert status_of(Connectivity()) == ConsulStatus(
        connected=False, last_error=None, last_contact_age=None, watched=("c",), stale=(), registered=(), processes={}
    )


def test_it_is_connected_when_all_that_failed_was_answered() -> None:
    clock = Clock()
    connectivity = Connectivity(clock)
    connectivity.answered("a")
    clock.now += 3
    assert status_of(connectivity).connected
    assert status_of(connectivity).last_contact_age == 3.0
    connectivity.failed("a", "no")
    connectivity.failed("b", "never")
    connectivity.answered("a")
    assert not status_of(connectivity).connected
    connectivity.answered("b")
    assert status_of(connectivity).connected
    assert status_of(connectivity).last_error == "never"


def test_a_failure_that_lasts_is_logged_at_growing_intervals(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    connectivity = Connectivity(clock)
    logged = []
    for second in range(2000):
        clock.now = 1000.0 + second
        connectivity.failed("a", "no")
        if lines(caplog):
            logged.append(second)
    assert logged == [0, 10, 30, 70, 150, 310, 630, 1230, 1830]


def test_another_failure_is_logged_and_the_same_one_of_another_component_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connectivity = Connectivity(Clock())
    for source in ("a", "b"):
        connectivity.failed(source, "no")
        connectivity.failed(source, "never")
    assert lines(caplog) == ["no", "never"]


def test_ever_new_troubles_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    connectivity = Connectivity(Clock())
    for number in range(100):
        connectivity.failed("a", f"trouble {number}")
    assert len(lines(caplog)) == 8


def test_the_end_is_logged_and_what_follows_is_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.registry.consul")
    connectivity = Connectivity()
    connectivity.answered("a")
    connectivity.failed("a", "no")
    connectivity.answered("a")
    connectivity.answered("a")
    connectivity.failed("a", "no")
    assert lines(caplog) == ["no", "Consul answers again", "no"]
