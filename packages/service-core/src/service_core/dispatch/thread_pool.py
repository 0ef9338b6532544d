"""Worker threads: where ``def`` methods run, so that one that blocks does not block the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import math
import queue
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Final

from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.overload.service_time import ServiceTime
from service_core.dispatch.overload.waiting_calls import WaitingCalls
from service_core.dispatch.timeouts import TimedOut
from service_core.process.timers import start_timer

_REFUSED: Final = "the server is overloaded: the call could not end before its deadline, so it was not started"


class _Job:
    """A function to call in a context; its result goes to a future of an event loop."""

    __slots__ = (
        *("_unclaimed", "args", "begun", "caller", "context", "expires_at", "function", "future", "loop", "on_end"),
        *("service_time", "waits"),
    )

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        service_time: ServiceTime | None,
        caller: Hashable,
        on_end: Callable[[], None] | None,
    ) -> None:
        self.context: contextvars.Context | None = contextvars.copy_context()
        self.function = function
        self.args = args
        self.loop = loop
        self.future: asyncio.Future[Any] | None = future
        self.begun = False
        self.expires_at = math.inf
        self.service_time = service_time
        self.caller = caller
        self.on_end = on_end
        self._unclaimed = [True]
        self.waits = False
        """Whether it stands in the queue."""

    def claim(self) -> bool:
        """Decide what becomes of it: true for one of the threads that begin it or give it up."""
        try:
            return self._unclaimed.pop()  # atomic
        except IndexError:
            return False

    def do(self) -> None:
        """Do it in this thread, unless its result is not awaited any more."""
        context, args, future, on_end = self.context, self.args, self.future, self.on_end
        if context is None or future is None or future.done() or not self.claim():
            return
        self.begun = True
        result: Any = None
        failure: BaseException | None = None
        started = time.monotonic()
        try:
            result = context.run(self.function, *args)
        except BaseException as error:  # noqa: BLE001 - any exception belongs to the caller
            failure = error
        if self.service_time is not None:
            self.service_time.observe(time.monotonic() - started)
        if on_end is not None:
            on_end()
        self._settle_threadsafe(future, result, failure)

    def refuse(self, retry_after: float) -> None:
        """Do not start it. Called in any thread."""
        future = self.future
        if self.service_time is not None:
            self.service_time.refused()
        if future is not None:
            self._settle_threadsafe(future, None, Overloaded(retry_after, _REFUSED))

    def _settle_threadsafe(self, future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
        try:
            self.loop.call_soon_threadsafe(_settle, future, result, failure)
        except RuntimeError:
            return  # the loop is closed: the result is not awaited any more

    def give_up(self) -> None:
        """The time is up."""
        if self.future is not None:
            _settle(self.future, None, TimedOut(begun=self.begun))

    def forget(self) -> None:
        """Keep nothing of a call that may be in the queue for long."""
        self.context, self.args, self.future = None, (), None


class ThreadPool:
    """A bounded pool of daemon threads; :meth:`run` is called on any event loop.

    The threads are daemons because a method that never returns must not keep the process from ending, which the
    threads of ``concurrent.futures`` do.
    """

    def __init__(self, size: int) -> None:
        """At most ``size`` jobs run at once; further ones wait as :class:`WaitingCalls` says."""
        self._size = size
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        """Jobs for threads that are idle, at most one for each; None ends a thread."""
        self._waiting: WaitingCalls[_Job] = WaitingCalls(size)
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._closed = False

    async def run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        seconds: float | None = None,
        service_time: ServiceTime | None = None,
        caller: Hashable = None,
        on_end: Callable[[], None] | None = None,
    ) -> Any:
        """Call the function in a worker thread, in a copy of the current context. Raises TimedOut after ``seconds``.

        With a ``service_time``, which is updated by the run, it raises Overloaded where the job cannot end in time. If
        the caller is cancelled or the time is up the job is not started; one that runs already goes on, and its outcome
        is lost. Under overload callers share the threads. ``on_end`` is called once, by any thread: when the job has
        ended, or will not be started.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        job = _Job(function, args, loop, future, service_time, caller, on_end)
        if seconds is not None:
            job.expires_at = time.monotonic() + seconds
        try:
            self._hand_over(job)
        except RuntimeError:
            if on_end is not None:
                on_end()
            raise
        limit = None if seconds is None else start_timer(seconds, job.give_up)
        try:
            return await future
        finally:
            if job.waits:
                with self._lock:
                    self._waiting.discard(job)
            job.forget()
            if on_end is not None and job.claim():
                on_end()
            if limit is not None:
                limit.cancel()

    def view(self) -> dict[str, object]:
        """The state, as JSON-like data: ``wait`` is the time in seconds that the threads need for what waits."""
        with self._lock:
            busy, waiting = self._threads - self._idle, len(self._waiting)
            return {"threads": self._size, "busy": busy, "waiting": waiting, "wait": self._waiting.seconds}

    @property
    def is_closed(self) -> bool:
        """Whether no further jobs are taken."""
        return self._closed

    def close(self) -> None:
        """Let the threads end after the jobs that are queued; does not wait for them."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._jobs.put(None)

    def _hand_over(self, job: _Job) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers are closed")
            if self._idle > 0:
                self._idle -= 1
                self._jobs.put(job)
            elif self._threads < self._size and self._add_thread():
                self._jobs.put(job)
            else:
                self._wait(job)

    def _wait(self, job: _Job) -> None:
        job.waits = True
        refused = self._waiting.add(job, time.monotonic())
        self._refuse(refused)

    def _refuse(self, refused: list[_Job]) -> None:
        for job in refused:
            job.waits = False
            job.refuse(self._waiting.seconds)

    def _add_thread(self) -> bool:
        name = f"service-worker-{self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:  # the system has no more threads, or Python is ending
            if self._threads == 0:
                raise
            return False
        self._threads += 1
        return True

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            while job is not None:
                job.do()
                del job  # an idle thread keeps nothing alive
                job = self._next()

    def _next(self) -> _Job | None:
        """A job that waits; None if the thread is idle now."""
        with self._lock:
            if self._waiting:
                job, refused = self._waiting.take(time.monotonic())
                self._refuse(refused)
                if job is not None:
                    job.waits = False
                    return job
            self._idle += 1
            return None


def _settle(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    elif isinstance(failure, StopIteration) or not isinstance(failure, Exception):
        # A future cannot hold the one; the others, such as SystemExit, would end the event loop.
        replacement = RuntimeError(f"the method raised {type(failure).__name__}")
        replacement.__cause__ = failure
        future.set_exception(replacement)
    else:
        future.set_exception(failure)
