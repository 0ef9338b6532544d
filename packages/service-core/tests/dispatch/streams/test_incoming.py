"""An argument that is read in a thread, where its call ends before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from service_core.dispatch.streams import incoming
from service_core.dispatch.streams.incoming import ThreadInput

WAIT = 30.0


async def _one_and_no_more(waits: asyncio.Event) -> AsyncGenerator[list[Any], None]:
    yield [1]
    waits.set()
    await asyncio.Event().wait()


class Reading:
    """Reads an argument in a thread, and notes what that raises."""

    def __init__(self, given: ThreadInput) -> None:
        self.items: list[Any] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, args=(given,), daemon=True)
        self._thread.start()

    def _read(self, given: ThreadInput) -> None:
        try:
            self.items.extend(given)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def end(self) -> BaseException | None:
        self._thread.join(WAIT)
        assert not self._thread.is_alive()
        return self.error


def test_a_thread_that_waits_for_items_gets_an_error_when_its_call_ends() -> None:
    async def run() -> Reading:
        waits = asyncio.Event()
        given = ThreadInput(_one_and_no_more(waits), asyncio.get_running_loop())
        reading = Reading(given)
        await waits.wait()
        given.end()
        given.end()
        await asyncio.to_thread(reading.end)
        return reading

    assert isinstance(asyncio.run(run()).error, ConnectionAbortedError)


def test_a_call_that_ends_while_the_thread_begins_to_wait_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    schedule = asyncio.run_coroutine_threadsafe

    def schedule_and_pause(*arguments: Any) -> Any:
        step = schedule(*arguments)
        assert ended.wait(WAIT)
        return step

    async def run() -> Reading:
        waits = asyncio.Event()
        given = ThreadInput(_one_and_no_more(waits), asyncio.get_running_loop())
        await anext(given._lists)
        monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", schedule_and_pause)
        reading = Reading(given)
        await waits.wait()
        given.end()
        ended.set()
        await asyncio.to_thread(reading.end)
        return reading

    assert isinstance(asyncio.run(run()).error, ConnectionAbortedError)


@pytest.mark.filterwarnings("ignore:coroutine 'ThreadInput._next' was never awaited")
@pytest.mark.parametrize("begins", ["before", "after"])
def test_a_thread_does_not_wait_for_a_loop_that_is_closed(monkeypatch: pytest.MonkeyPatch, begins: str) -> None:
    monkeypatch.setattr(incoming, "_CHECK_INTERVAL", 0.01)
    scheduled = threading.Event()
    loop = asyncio.new_event_loop()
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *_: scheduled.set())  # and never runs it
    given = ThreadInput(_one_and_no_more(asyncio.Event()), loop)
    if begins == "after":
        monkeypatch.undo()
        loop.close()
        reading = Reading(given)
    else:
        reading = Reading(given)
        assert scheduled.wait(WAIT)
        loop.close()
    assert isinstance(reading.end(), ConnectionAbortedError)
