"""Items that one thread yields and another one sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from service_channels_http.streams.item_queue import ItemQueue, feed

WAIT = 30.0
name: ContextVar[str] = ContextVar("name", default="")


class Sent:
    """What was taken from a queue, and whether all was."""

    def __init__(self) -> None:
        self.queue = ItemQueue()
        self.lists: list[list[Any]] = []
        self.is_whole = False
        self.has_some = threading.Event()
        self.aborted = 0

    def send(self) -> None:
        while items := self.queue.take():
            self.lists.append(items)
            self.has_some.set()
        self.is_whole = True

    def feed(self, items: Iterator[Any], send: Callable[[], None] | None = None) -> None:
        feed(self.queue, items, send or self.send, self.abort)

    def abort(self) -> None:
        self.aborted += 1

    @property
    def items(self) -> list[Any]:
        return [item for items in self.lists for item in items]


@pytest.fixture
def sent() -> Sent:
    return Sent()


def test_all_items_come_in_their_order(sent: Sent) -> None:
    sent.feed(iter(range(10_000)))
    assert sent.items == list(range(10_000))
    assert sent.is_whole
    assert sent.aborted == 0


def test_no_item_waits_for_the_next_one(sent: Sent) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        assert sent.has_some.wait(WAIT)
        yield 2

    sent.feed(numbers())
    assert sent.lists == [[1], [2]]


def test_items_that_come_during_a_send_are_sent_together_and_no_more_than_a_few(sent: Sent) -> None:
    yielded: list[int] = []

    def send_slowly() -> None:
        sent.lists.append(sent.queue.take())
        ahead = len(sent.lists[0]) + 16
        while len(yielded) < ahead:
            time.sleep(0.001)
        time.sleep(0.1)
        assert len(yielded) == ahead
        sent.send()

    def numbers() -> Iterator[int]:
        for number in range(1000):
            yielded.append(number)
            yield number

    sent.feed(numbers(), send_slowly)
    assert sent.items == list(range(1000))
    assert len(sent.lists[1]) == 16


def test_the_iterator_stays_in_the_thread_of_the_caller_and_sending_in_its_context(sent: Sent) -> None:
    threads: list[Any] = []

    def numbers() -> Iterator[int]:
        threads.append(threading.current_thread())
        yield 1

    def send() -> None:
        threads.append(name.get())
        sent.send()

    token = name.set("mine")
    sent.feed(numbers(), send)
    name.reset(token)
    assert threads == ["mine", threading.current_thread()]


@pytest.mark.parametrize("error", [KeyError("mine"), KeyboardInterrupt()])
def test_an_error_of_the_iterator_breaks_the_stream_off(sent: Sent, error: BaseException) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise error

    with pytest.raises(type(error)):
        sent.feed(numbers())
    assert not sent.is_whole
    assert sent.aborted == 1


def test_an_error_of_the_sending_ends_the_iteration(sent: Sent) -> None:
    def send() -> None:
        sent.queue.take()
        raise ConnectionResetError("lost")

    numbers = iter(range(1_000_000))
    with pytest.raises(ConnectionResetError, match="lost"):
        sent.feed(numbers, send)
    assert next(numbers) < 1000


def test_a_sending_that_takes_nothing_leaves_the_iterator_alone(sent: Sent) -> None:
    numbers = iter(range(3))
    sent.feed(numbers, lambda: None)
    assert list(numbers) == [0, 1, 2]
