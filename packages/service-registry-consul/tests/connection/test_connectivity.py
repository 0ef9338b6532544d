from __future__ import annotations

import logging

import pytest

from service_registry_consul.connection.connectivity import ConsulStatus, Contact


def status_of(contact: Contact) -> ConsulStatus:
    return contact.status(watched=("c",), stale=(), registered=(), processes={})


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
    assert status_of(Contact()) == ConsulStatus(
        connected=False, last_error=None, last_contact_age=None, watched=("c",), stale=(), registered=(), processes={}
    )


def test_it_is_connected_when_all_that_failed_was_answered() -> None:
    clock = Clock()
    contact = Contact(clock)
    contact.answered("a")
    clock.now += 3
    assert status_of(contact).connected
    assert status_of(contact).last_contact_age == 3.0
    contact.failed("a", "no")
    contact.failed("b", "never")
    contact.answered("a")
    assert not status_of(contact).connected
    contact.answered("b")
    assert status_of(contact).connected
    assert status_of(contact).last_error == "never"


def test_a_trouble_that_lasts_is_logged_at_growing_intervals(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    contact = Contact(clock)
    logged = []
    for second in range(2000):
        clock.now = 1000.0 + second
        contact.failed("a", "no")
        if lines(caplog):
            logged.append(second)
    assert logged == [0, 10, 30, 70, 150, 310, 630, 1230, 1830]


def test_another_trouble_is_news_and_the_same_of_others_is_none(caplog: pytest.LogCaptureFixture) -> None:
    contact = Contact(Clock())
    for source in ("a", "b"):
        contact.failed(source, "no")
        contact.failed(source, "never")
    assert lines(caplog) == ["no", "never"]


def test_ever_new_troubles_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    contact = Contact(Clock())
    for number in range(100):
        contact.failed("a", f"trouble {number}")
    assert len(lines(caplog)) == 8


def test_the_end_is_logged_and_what_follows_is_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.registry.consul")
    contact = Contact()
    contact.answered("a")
    contact.failed("a", "no")
    contact.answered("a")
    contact.answered("a")
    contact.failed("a", "no")
    assert lines(caplog) == ["no", "Consul answers again", "no"]
