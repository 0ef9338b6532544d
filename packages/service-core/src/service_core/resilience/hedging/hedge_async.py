"""Hedging of a call that a task makes: the task makes the first attempt, tasks of their own make the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from service_core.errors import ServiceCommunicationException, ServiceException
from service_core.process.timers import Timer, start_timer
from service_core.resilience.attempts import Attempts
from service_core.resilience.hedging.hedges import PAUSE, Hedge, Hedges, is_failure

Send: TypeAlias = Callable[[str], Awaitable[Any]]


class AsyncHedging:
    """The attempts of one call that run at once. Used by the task of the call.

    As soon as another attempt is answered, that task is cancelled out of its own, the way ``asyncio.timeout`` does it.
    """

    __slots__ = (
        "_attempts",
        "_before",
        "_has_cancelled",
        "_hedges",
        "_is_sending",
        "_others",
        "_send",
        "_task",
        "_timer",
        "_winner",
    )

    def __init__(self, attempts: Attempts, send: Send) -> None:
        self._attempts = attempts
        self._send = send
        self._hedges = Hedges(attempts)
        self._others: dict[asyncio.Task[Any], Hedge] = {}
        """The further attempts that are under way."""
        self._winner: asyncio.Task[Any] | None = None
        self._is_sending = True
        self._has_cancelled = False

    async def run(self, url: str) -> Any:
        """Send the call to ``url``, and elsewhere when that takes long; the first answer, or the error of the first."""
        self._task = asyncio.current_task()
        self._before = 0 if self._task is None else self._task.cancelling()
        self._timer: Timer | None = self._start_timer()
        try:
            return await self._first_answer(url)
        finally:
            self._close()

    async def _first_answer(self, url: str) -> Any:
        failure: ServiceException | None = None
        try:
            answer = await self._send(url)
            if not self._has_cancelled:
                return answer
            self._is_superseded()  # the cancellation was swallowed
        except asyncio.CancelledError:
            if not self._is_superseded():
                raise
        except ServiceCommunicationException as error:
            failure = error
            if not self._is_superseded() and not await self._is_answered_elsewhere():
                raise
        return self._answer(failure)

    def _start_timer(self) -> Timer | None:
        if self._task is None:  # a coroutine that something else than a task drives cannot be cancelled
            return None
        return start_timer(max(0.0, self._attempts.overdue_at - time.monotonic()), self._begin_another)

    def _begin_another(self) -> None:
        self._timer = None
        late = time.monotonic() - self._attempts.overdue_at
        if late > PAUSE:  # what has arrived during the pause is read first
            self._timer = start_timer(PAUSE / 10, self._begin_now)
        else:
            self._begin_now()

    def _begin_now(self) -> None:
        hedge = self._hedges.begin()
        if hedge is None:
            return
        task = asyncio.ensure_future(self._send_to(hedge.endpoint.url))
        self._others[task] = hedge
        task.add_done_callback(self._ended)
        self._timer = self._start_timer()

    async def _send_to(self, url: str) -> Any:
        return await self._send(url)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._winner is not None or task not in self._others:  # given up
            return
        if task.cancelled():
            self._hedges.abandoned(self._others.pop(task))
        elif error is not None and is_failure(error):
            self._hedges.failed(self._others.pop(task), error)
        else:
            self._winner = task
            if self._is_sending and self._task is not None:
                self._has_cancelled = True
                self._task.cancel()

    def _is_superseded(self) -> bool:
        """Whether the task was cancelled because another attempt was answered, and for no other reason."""
        if not self._has_cancelled or self._task is None:
            return False
        self._has_cancelled = False
        return self._task.uncancel() <= self._before

    async def _is_answered_elsewhere(self) -> bool:
        """Wait for the others after the first attempt has failed: whether one is answered. They end by the deadline."""
        self._is_sending = False
        while self._others and self._winner is None:
            await asyncio.wait(self._others, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)  # let the callbacks of those tasks run
        return self._winner is not None

    def _answer(self, failure: ServiceException | None) -> Any:
        winner = self._winner
        if winner is None:
            raise RuntimeError("an attempt was given up although no other was answered")
        self._hedges.won(self._others.pop(winner), failure)
        return winner.result()

    def _close(self) -> None:
        self._is_sending = False
        if self._timer is not None:
            self._timer.cancel()
        others = dict(self._others)
        self._others.clear()
        for task, hedge in others.items():
            task.cancel()
            self._hedges.abandoned(hedge)
