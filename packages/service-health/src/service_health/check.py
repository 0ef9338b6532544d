"""One check, run once at a time even if several callers request it.

A run is a :class:`CheckRun`. The first caller starts it, and all others join it, from any thread or event loop.
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
from service_core.process import is_being_cancelled
from service_health import findings
from service_health.findings import Result
from service_health.settings import CheckSettings

CheckFunction = Callable[[Result], Awaitable[None] | None]
"""Inspects something and reports its status with ``result.set_status()``."""

_logger: Final = logging.getLogger("service.health")


class CheckRun:
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
        self._run_under_way: CheckRun | None = None
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

    def _enter(self) -> CheckResult | CheckRun:
        now = self._clock()
        with self._lock:
            run = self._run_under_way
            if run is not None and not run.lost:
                if run.verdict.done():
                    return findings.still_running(self.settings, now - run.started)
                return run
            if self._last is not None and now - self._last_at < self.settings.cache:
                return replace(self._last, age=now - self._last_at)
            run = self._run_under_way = CheckRun(self.settings.name, now)
        self._start(run)
        return run

    def _start(self, run: CheckRun) -> None:
        # Several callers share the run, so it does not inherit the context of the first one.
        if self._is_async:
            run.loop = asyncio.get_running_loop()
            run.task = run.loop.create_task(self._run(run), context=contextvars.Context())
            return
        name = f"health-check-{self.settings.name}"
        try:
            threading.Thread(target=self._run_in_thread, args=[run], name=name, daemon=True).start()
        except RuntimeError as error:  # no more threads
            self._raised(run, error, run.started)

    async def _verdict(self, run: CheckRun) -> CheckResult | None:
        left = run.started + self.settings.cut_after - self._clock()
        try:
            async with asyncio.timeout(left):
                return await asyncio.wrap_future(run.verdict)
        except TimeoutError:
            return self._cut_off(run)

    def _cut_off(self, run: CheckRun) -> CheckResult | None:
        found = findings.cut_off(self.settings, self._clock() - run.started)
        with self._lock:
            first = self._decide(run, found)
        if first:
            _logger.error("health check '%s' %s", self.settings.name, found.details)
            run.cancel()
        return run.verdict.result()

    def _run_in_thread(self, run: CheckRun) -> None:
        began = self._clock()
        try:
            with deadline(self.settings.cut_after):
                returned = self._function(run.result)
        except BaseException as error:  # noqa: BLE001 - every exception is a result of the check
            self._raised(run, error, began)
        else:
            self._ended(run, returned, began)

    async def _run(self, run: CheckRun) -> None:
        began = self._clock()
        try:
            with deadline(self.settings.cut_after):
                returned = await cast(Awaitable[Any], self._function(run.result))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
            self._raised(run, error, began)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and not is_being_cancelled():
                self._raised(run, error, began)
                return
            self._finish(run, None)
            raise
        else:
            self._ended(run, returned, began)

    def _ended(self, run: CheckRun, returned: Any, began: float) -> None:
        if inspect.iscoroutine(returned):
            returned.close()  # it will not be awaited
        duration = self._clock() - began
        self._finish(run, findings.ended(self.settings, run.result, returned, duration))

    def _raised(self, run: CheckRun, error: BaseException, began: float) -> None:
        if run.lost:
            # The coroutine was discarded with its loop; the error is no result of the check.
            self._finish(run, None)
            return
        _logger.error("health check '%s' raised", self.settings.name, exc_info=error)
        self._finish(run, findings.raised(self.settings, error, self._clock() - began))

    def _finish(self, run: CheckRun, found: CheckResult | None) -> None:
        with self._lock:
            if self._run_under_way is run:
                self._run_under_way = None
            self._decide(run, found)

    def _decide(self, run: CheckRun, found: CheckResult | None) -> bool:
        if run.verdict.done():
            return False
        if found is not None:
            self._last, self._last_at = found, self._clock()
        run.verdict.set_result(found)
        return True


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
