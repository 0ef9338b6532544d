"""Worker threads: where ``def`` methods run, so that one that blocks stalls nobody else."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any

from service_core.dispatch.timeouts import TimedOut
from service_core.dispatch.timers import alarm

__all__ = ["ThreadPool"]


class _Job:
    """Something to do, in a context, for who waits for the future on the loop."""

    __slots__ = ("args", "begun", "context", "function", "future", "loop")

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
    ) -> None:
        self.context: contextvars.Context | None = contextvars.copy_context()
        self.function = function
        self.args = args
        self.loop = loop
        self.future: asyncio.Future[Any] | None = future
        self.begun = False

    def do(self) -> None:
        """Do it in this thread, unless nobody waits any more."""
        context, args, future = self.context, self.args, self.future
        if context is None or future is None or future.done():
            return
        self.begun = True
        result: Any = None
        failure: BaseException | None = None
        try:
            result = context.run(self.function, *args)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
            failure = error
        try:
            self.loop.call_soon_threadsafe(_settle, future, result, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

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
        """At most ``size`` jobs run at once; further ones wait in the order of their arrival."""
        self._size = size
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._closed = False

    async def run(self, function: Callable[..., Any], args: tuple[Any, ...], seconds: float | None = None) -> Any:
        """Call the function in a worker thread, in a copy of the current context. Raises TimedOut after ``seconds``.

        If the caller is cancelled or the time is up the job is not started; one that runs already is left alone, its
        outcome is lost.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        job = _Job(function, args, loop, future)
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers are closed")
            if self._idle > 0:
                self._idle -= 1
            elif self._threads < self._size:
                self._add_thread()
            self._jobs.put(job)
        limit = None if seconds is None else alarm(seconds, job.give_up)
        try:
            return await future
        finally:
            job.forget()
            if limit is not None:
                limit.cancel()

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

    def _add_thread(self) -> None:
        name = f"service-worker-{self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:  # the system has no more threads, or Python is ending
            if self._threads == 0:
                raise
        else:
            self._threads += 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do()
            del job  # an idle thread keeps nothing alive
            with self._lock:
                self._idle += 1


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
