"""What the handler of a signal raises ends a sync call as it is, though it may look like a lost connection."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from scripted_server import Received, full_backlog, serving
from shop_interface import CHANNELS, bound, dispatch, shop_over

from service_channels_http import HTTPXChannel
from service_core import Policy

ERRORS = [TimeoutError("of the program"), OSError(5, "of the program"), ConnectionResetError(104, "of the program")]
errors = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
channels = pytest.mark.parametrize("channel", CHANNELS)


@contextmanager
def interrupted_with(error: Exception, when: Callable[[], object]) -> Iterator[None]:
    """Let a signal come when ``when`` has returned and this thread waits, whose handler raises an error."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise error

    def send() -> None:
        when()
        quiet = 0
        while quiet < 10:  # httpcore ignores what is raised while it sends
            quiet = quiet + 1 if _sleeps(thread) else 0
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    thread = threading.main_thread().native_id
    before = signal.signal(signal.SIGUSR1, interrupt)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, before)


def _sleeps(thread: int | None) -> bool:
    return Path(f"/proc/self/task/{thread}/stat").read_text().rpartition(")")[2].split()[0] == "S"


@errors
@channels
def test_it_ends_the_wait_for_an_answer_and_nothing_is_sent_again(
    channel: type[HTTPXChannel], error: Exception
) -> None:
    arrived = threading.Event()

    def keep(request: Received) -> None:
        arrived.set()
        request.wait_until_left()

    with serving(keep) as server, serving(dispatch) as other:
        made = bound(channel(), server.url, other.url)
        made.select_first_url()
        with interrupted_with(error, arrived.wait), pytest.raises(type(error), match="of the program") as caught:
            shop_over(made).find(1)
        made.close()
    assert caught.value is error
    assert other.requests == []
    assert [endpoint.in_flight for endpoint in made.balancer.endpoints] == [0, 0]


@errors
@channels
def test_it_ends_the_wait_for_a_connection(channel: type[HTTPXChannel], error: Exception) -> None:
    with full_backlog() as url:
        made = bound(channel(), url)
        made.connect_timeout = 30.0
        made.policy = Policy(timeout=30.0)
        with interrupted_with(error, lambda: None), pytest.raises(type(error), match="of the program") as caught:
            shop_over(made).find(1)
        made.close()
    assert caught.value is error
