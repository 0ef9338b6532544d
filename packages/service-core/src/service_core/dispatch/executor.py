"""Execution of calls: a method of an implementation runs, within its deadline and where it may wait."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from service_core import tracing
from service_core.context import CallContext, enter_context, leave_context
from service_core.dispatch.authentication import Authentication
from service_core.dispatch.failures import Failure, ends_the_task, failure_of, late, not_now
from service_core.dispatch.overload.loop_delay import NOTICED, LoopDelay
from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.streams.incoming import ending_input
from service_core.dispatch.streams.running import ItemRunner
from service_core.dispatch.target import Target
from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import TimedOut, begin, within
from service_core.errors import ErrorCode
from service_core.hosting.token_verifier import TokenVerifier
from service_core.observing import BegunCall, observed_async, server_observers
from service_core.wire.bounds.garbage_collection import has_many_values

T = TypeVar("T")


class Executor:
    """Runs the methods of implementations. Used on event loops; shared by all calls."""

    def __init__(
        self,
        workers: ThreadPool,
        *,
        writers: ThreadPool | None = None,
        expose_errors: bool = False,
        verifier: TokenVerifier | None = None,
        keep_alive: float = 15.0,
    ) -> None:
        """Without a ``verifier`` no caller needs a token. Raises DeclarationException if it is none.

        Large results are written in threads of ``writers``, all others on the event loop.
        """
        self._workers = workers
        self._writers = writers
        self._loop_delay = LoopDelay()
        self.expose_errors: Final = expose_errors
        """Whether the messages of errors that are not declared are sent."""
        self.authentication: Final = Authentication(verifier, expose_errors=expose_errors)
        self.keep_alive: Final = keep_alive
        """Seconds without an item after which a stream sends a part that says nothing."""

    def view(self) -> dict[str, object]:
        """The state of the worker threads and the calls that waited too long for the event loop, as JSON-like data."""
        return {**self._workers.view(), "late_on_loop": self._loop_delay.refused}

    def carry_out(
        self, target: Target, arguments: tuple[Any, ...], write: Callable[[Any], bytes], context: CallContext
    ) -> Coroutine[Any, Any, bytes | Failure]:
        """Run a method and write its result; only cancellation is raised."""
        run = (self._run_inline if target.inline else self._run_in_thread)(target, arguments, write, context)
        if target.has_input:
            run = ending_input(run, arguments)
        if server_observers or context.traceparent is not None:
            return _observed_if_needed(run, target, context)
        return run

    # One function, since each step more would be one for every call.
    async def _run_inline(
        self, target: Target, arguments: tuple[Any, ...], write: Callable[[Any], bytes], context: CallContext
    ) -> bytes | Failure:
        outer, now = enter_context(context), time.monotonic()
        try:
            expires_at = math.inf if context.deadline is None else context.deadline.expires_at
            if expires_at <= now:
                raise TimedOut(begun=False)
            if now - context.received_at > NOTICED:
                self._loop_delay.check(now, context.received_at, expires_at)
            caller = self.authentication.caller(context) if self.authentication.is_required else None
            limit, in_time = target.limit, True
            if limit is not None:
                limit.enter(caller, now, expires_at)
            try:
                result = target.method(*arguments)
                if target.waits:
                    is_done, result = begin(result)
                    if not is_done:
                        result = await within(result, None if context.deadline is None else expires_at - now)
            except (TimedOut, asyncio.CancelledError):
                in_time = False
                raise
            finally:
                if limit is not None:
                    limit.leave(caller, now, in_time=in_time)
            return write(result) if not has_many_values(result) else await self._write_large(write, result)
        except BaseException as error:
            failure = self._outcome(error, target, context)
            if failure is None:
                raise
            return failure
        finally:
            leave_context(outer)  # last, so that the log of a failure belongs to the call

    async def _run_in_thread(
        self, target: Target, arguments: tuple[Any, ...], write: Callable[[Any], bytes], context: CallContext
    ) -> bytes | Failure:
        outer, now = enter_context(context), time.monotonic()
        try:
            seconds = None if context.deadline is None else context.deadline.expires_at - now
            if seconds is not None and seconds <= 0:
                raise TimedOut(begun=False)
            leave, caller = None, self.authentication.caller(context)
            if target.limit is not None:
                target.limit.enter(caller, now, math.inf)
                leave = partial(target.limit.leave, caller, now)
            result = await self._workers.run(target.method, arguments, seconds, target.service_time, caller, leave)
            return write(result) if not has_many_values(result) else await self._write_large(write, result)
        except BaseException as error:
            failure = self._outcome(error, target, context)
            if failure is None:
                raise
            return failure
        finally:
            leave_context(outer)

    async def _write_large(self, write: Callable[[Any], bytes], result: Any) -> bytes:
        if self._writers is None or self._writers.is_closed:
            return write(result)
        written: bytes = await self._writers.run(write, (result,))
        return written

    def _outcome(self, error: BaseException, target: Target, context: CallContext) -> Failure | None:
        """The failure that an exception is, None for one that ends the task."""
        if isinstance(error, TimedOut):
            return late(context, executed=error.begun)
        if isinstance(error, Overloaded):
            return not_now(error, context)
        if isinstance(error, GeneratorExit) or (target.waits and ends_the_task(error)):
            return None
        return failure_of(
            error, target.method_codec, context, expose=self.expose_errors
        )  # any exception of the implementation

    # streams

    def enter_stream(self, target: Target, context: CallContext) -> Failure | None:
        """Count a stream that begins, until :meth:`leave_stream`; why it is refused, None if it is not."""
        if context.deadline is not None and context.deadline.expired:
            return late(context, executed=False)
        if target.limit is not None:
            try:
                target.limit.enter(self.authentication.caller(context), time.monotonic(), math.inf)
            except Overloaded as overloaded:
                return not_now(overloaded, context)
        return None

    def leave_stream(self, target: Target, context: CallContext) -> None:
        """A stream that was counted has ended."""
        if target.limit is not None:
            target.limit.leave(self.authentication.caller(context), 0.0)

    def iterate(
        self, target: Target, arguments: tuple[Any, ...], runner: ItemRunner, context: CallContext
    ) -> Coroutine[Any, Any, Failure | None]:
        """Call a method that returns a stream and let ``runner`` take its items; only cancellation is raised."""
        run = self._iterate(target, arguments, runner, context)
        if server_observers or context.traceparent is not None:
            return _observed_if_needed(run, target, context)
        return run

    async def _iterate(
        self, target: Target, arguments: tuple[Any, ...], runner: ItemRunner, context: CallContext
    ) -> Failure | None:
        try:
            if target.method_codec.method.is_async:
                await runner.iterate(target.method(*arguments))
            else:
                workers = None if target.inline else self._workers
                await runner.iterate_sync(partial(target.method, *arguments), workers)
        except TimedOut:
            return late(context, reason=runner.limits.reason)
        except BaseException as error:
            if ends_the_task(error):
                raise
            return failure_of(error, target.method_codec, context, expose=self.expose_errors)
        return None


def _observed_if_needed(run: Coroutine[Any, Any, T], target: Target, context: CallContext) -> Coroutine[Any, Any, T]:
    if server_observers or (context.traceparent is not None and tracing.is_loaded()):
        return _observed(run, target, context)
    return run


async def _observed(run: Coroutine[Any, Any, T], target: Target, context: CallContext) -> T:
    hosted = target.hosted
    call = BegunCall(
        component=hosted.component.name,
        service=hosted.service.name,
        method=target.method_codec.method.name,
        context=context,
        correlation_id=context.correlation_id,
    )
    with tracing.continued(context):
        return await observed_async(run, call, _outcome_of, partial(_has_left, target))


def _has_left(target: Target, error: BaseException) -> bool:
    """Whether a call was cancelled by the reader of its stream; a server that stops cancels with a message."""
    is_stream = target.method_codec.method.stream is not None
    return is_stream and isinstance(error, asyncio.CancelledError) and not error.args


def _outcome_of(outcome: object) -> tuple[ErrorCode, str] | None:
    return (outcome.error.code, outcome.error.type) if isinstance(outcome, Failure) else None
