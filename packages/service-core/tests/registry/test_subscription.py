"""Delivery of snapshots: in order, outside of locks, and isolated from other listeners."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service_core.addresses import ChannelAddress
from service_core.registry.base import LocalComponentRegistry, snapshot_of
from service_core.registry.subscription import Snapshot


def snapshot(url: str) -> Snapshot:
    return snapshot_of("shop", [[ChannelAddress("json", url)]])


def url_of(snapshot: Snapshot) -> str:
    return snapshot["json"].urls[0] if snapshot else ""


@pytest.fixture
def registry() -> LocalComponentRegistry:
    return LocalComponentRegistry()


def test_a_listener_that_raises_is_logged_and_the_others_are_notified(
    registry: LocalComponentRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Snapshot) -> None:
        raise RuntimeError("fault")

    seen: list[str] = []
    registry.subscribe("shop", fail)
    registry.subscribe("shop", lambda snapshot: seen.append(url_of(snapshot)))
    registry.publish("shop", snapshot("a"))
    assert seen == ["", "a"]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "a listener of component shop failed"
    ] * 2


def test_a_listener_that_waits_does_not_keep_other_threads_from_publishing(registry: LocalComponentRegistry) -> None:
    waits, go_on = threading.Event(), threading.Event()

    def wait(snapshot: Snapshot) -> None:
        if url_of(snapshot) == "a":
            waits.set()
            go_on.wait(10)

    seen: list[str] = []
    registry.subscribe("shop", wait)
    registry.subscribe("shop", lambda snapshot: seen.append(url_of(snapshot)))
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(registry.publish, "shop", snapshot("a"))
        assert waits.wait(10)
        registry.publish("shop", snapshot("b"))
        assert seen == ["", "a", "b"]
        go_on.set()
        publishing.result(10)
    assert seen == ["", "a", "b"]


def test_a_listener_may_publish_itself_and_receives_that_afterwards(registry: LocalComponentRegistry) -> None:
    seen: list[str] = []

    def listen(snapshot_: Snapshot) -> None:
        seen.append(f"begin {url_of(snapshot_)}")
        if url_of(snapshot_) == "a":
            registry.publish("shop", snapshot("b"))
        seen.append(f"end {url_of(snapshot_)}")

    registry.subscribe("shop", listen)
    registry.publish("shop", snapshot("a"))
    assert seen == ["begin ", "end ", "begin a", "end a", "begin b", "end b"]


def test_after_the_end_of_a_subscription_nothing_is_delivered(registry: LocalComponentRegistry) -> None:
    seen: list[str] = []
    unsubscribe = registry.subscribe("shop", lambda snapshot: seen.append(url_of(snapshot)))
    unsubscribe()
    unsubscribe()
    registry.publish("shop", snapshot("a"))
    assert seen == [""]


def test_no_lock_is_held_while_a_listener_runs(registry: LocalComponentRegistry) -> None:
    reached: list[bool] = []

    def listen(snapshot: Snapshot) -> None:
        if snapshot:
            with ThreadPoolExecutor(1) as pool:
                reached.append(pool.submit(registry.snapshot, "other").result(10) is not None)

    registry.subscribe("shop", listen)
    registry.publish("shop", snapshot("a"))
    assert reached == [True]
