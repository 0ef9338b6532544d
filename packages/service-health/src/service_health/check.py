"""One check, run once at a time even if several callers request it.

A run is a :class:`Flight`. The first caller starts it, and all others join it, from any thread or event loop.
It ends when the function returns. Its result can be set earlier: the callers abandon it at the timeout. While an
abandoned flight has not ended, no other is started. So a sync check can have a thread of its own: there are never
more threads than checks, and one that hangs does not block the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final, cast

from service_core import CheckResult, deadline
from service_health import findings
from service_health.findings import Result
from service_health.settings import CheckSettings

__all__ = ["Check", "CheckFunction"]

CheckFunction = Callable[[Result], Awaitable[None] | None]
"""Inspects something and reports its status with ``result.set_status()``."""

_logger: Final = logging.getLogger("service.health")


class Flight:
    """One run of a check."""

    __slots__ = ("loop", "result", "started", "task", "verdict")

    def __init__(self, name: str, started: float) -> None:
        self.started = started
        self.result = Result(name)
        self.verdict: Future[CheckResult | None] = Future()
        """The result that is reported; None if the run was aborted from outside, which is no result of the check."""
        self.verdict.set_running_or_notify_cancel()  # a caller that stops waiting cannot cancel it from now on
        self.loop: asyncio.AbstractEventLoop | None = None
        """Where an async check runs."""
        self.task: asyncio.Task[None] | None = None

    @property
    def lost(self) -> bool:
        """Whether it can never end, since its loop was closed under it."""
        return self.loop is not None and self.loop.is_closed()

    def cancel(self) -> None:
        """Request cancellation of an async check; a thread cannot be cancelled."""
        if self.loop is not None and self.task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and the task with it
                self.loop.call_soon_threadsafe(self.task.cancel)


class Check:
    """A function with its settings and its last result. Safe to use from several threads and event loops."""

    def __init__(self, function: CheckFunction, settings: CheckSettings, clock: Callable[[], float]) -> None:
        self.settings: Final = settings
        self._function: Final = function
        self._is_async: Final = _is_async(function)
        self._clock: Final = clock
        self._lock: Final = threading.RLock()  # the garbage collector may land a lost flight in between
        self._flight: Flight | None = None
        self._last: CheckResult | None = None
        self._last_at = 0.0

    async def run(self) -> CheckResult:
        """The cached result, or that of the run under way, or that of a new one; ends at the timeout."""
        while True:
            known = self._enter()
            if isinstance(known, CheckResult):
                return known
            found = await self._verdict(known)
            if found is not None:
                return found

    def _enter(self) -> CheckResult | Flight:
        now = self._clock()
        with self._lock:
            flight = self._flight
            if flight is not None and not flight.lost:
                if flight.verdict.done():
                    return findings.still_running(self.settings, now - flight.started)
                return flight
            if self._last is not None and now - self._last_at < self.settings.cache:
                return replace(self._last, age=now - self._last_at)
            flight = self._flight = Flight(self.settings.name, now)
        self._start(flight)
        return flight

    def _start(self, flight: Flight) -> None:
        # Several callers share the run, so it does not inherit the context of the first one.
        if self._is_async:
            flight.loop = asyncio.get_running_loop()
            flight.task = flight.loop.create_task(self._run(flight), context=contextvars.Context())
            return
        name = f"health-check-{self.settings.name}"
        try:
            threading.Thread(target=self._run_in_thread, args=[flight], name=name, daemon=True).start()
        except RuntimeError as error:  # no more threads
            self._raised(flight, error, flight.started)

    async def _verdict(self, flight: Flight) -> CheckResult | None:
        left = flight.started + self.settings.cut_after - self._clock()
        try:
            async with asyncio.timeout(left):
                return await asyncio.wrap_future(flight.verdict)
        except TimeoutError:
            return self._cut_off(flight)

    def _cut_off(self, flight: Flight) -> CheckResult | None:
        found = findings.cut_off(self.settings, self._clock() - flight.started)
        with self._lock:
            first = self._decide(flight, found)
        if first:
            _logger.error("health check '%s' %s", self.settings.name, found.details)
            flight.cancel()
        return flight.verdict.result()

    def _run_in_thread(self, flight: Flight) -> None:
        began = self._clock()
        try:
            with deadline(self.settings.cut_after):
                returned = self._function(flight.result)
        except BaseException as error:  # noqa: BLE001 - every exception is a result of the check
            self._raised(flight, error, began)
        else:
            self._ended(flight, returned, began)

    async def _run(self, flight: Flight) -> None:
        began = self._clock()
        try:
            with deadline(self.settings.cut_after):
                returned = await cast(Awaitable[Any], self._function(flight.result))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
            self._raised(flight, error, began)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and not _is_being_cancelled():
                self._raised(flight, error, began)
                return
            self._land(flight, None)
            raise
        else:
            self._ended(flight, returned, began)

    def _ended(self, flight: Flight, returned: Any, began: float) -> None:
        if inspect.iscoroutine(returned):
            returned.close()  # it will not be awaited
        duration = self._clock() - began
        self._land(flight, findings.ended(self.settings, flight.result, returned, duration))

    def _raised(self, flight: Flight, error: BaseException, began: float) -> None:
        if flight.lost:
            # The coroutine was discarded with its loop; the error is no result of the check.
            self._land(flight, None)
            return
        _logger.error("health check '%s' raised", self.settings.name, exc_info=error)
        self._land(flight, findings.raised(self.settings, error, self._clock() - began))

    def _land(self, flight: Flight, found: CheckResult | None) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None
            self._decide(flight, found)

    def _decide(self, flight: Flight, found: CheckResult | None) -> bool:
        if flight.verdict.done():
            return False
        if found is not None:
            self._last, self._last_at = found, self._clock()
        flight.verdict.set_result(found)
        return True


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
