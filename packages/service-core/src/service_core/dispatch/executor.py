"""Carrying calls out: a method of an implementation runs, in time and where it may wait, and its failure is told."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from service_core import tracing
from service_core.context import (
    CallContext,
    call_context,
    enter_context,
    leave_context,
)
from service_core.declaring.policy import DEFAULT_TIMEOUT
from service_core.dispatch.failures import Failure, not_now, unauthorized
from service_core.dispatch.overload.loop_delay import LoopDelay
from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.overload.shares import caller_of
from service_core.dispatch.responses import refusal
from service_core.dispatch.streams.incoming import WrongItem, end_input, ending_input
from service_core.dispatch.streams.source import StreamSource
from service_core.dispatch.target import Target
from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import TimedOut, within
from service_core.errors import (
    AuthorizationException,
    ErrorCode,
    InvalidTokenException,
    MissingTokenException,
)
from service_core.hosting.token_verifier import TokenVerifier, check_verifier
from service_core.observing import BegunCall, observed_async, server_observers
from service_core.wire import MethodCodec, error_to_wire
from service_core.wire.failures.causes import failed_call_of

__all__ = ["Executor"]

logger: Final = logging.getLogger("service.dispatch")

T = TypeVar("T")


class Executor:
    """Runs the methods of implementations. Used on event loops; shared by all calls."""

    def __init__(
        self,
        workers: ThreadPool,
        *,
        expose_errors: bool = False,
        verifier: TokenVerifier | None = None,
        keep_alive: float = 15.0,
    ) -> None:
        """Without a ``verifier`` no caller needs a token. Raises DeclarationException if it is none."""
        if verifier is not None:
            check_verifier(verifier)
        self._workers = workers
        self._loop_delay = LoopDelay()
        self._expose_errors = expose_errors
        self._verifier = verifier
        self.keep_alive: Final = keep_alive
        """Seconds without an item after which a stream sends a part that says nothing."""

    # who calls

    async def admit(self, context: CallContext, *, anonymous: bool) -> CallContext | Failure:
        """The context with the principal whose token it has; ``anonymous`` lets callers in who have none.

        To be asked before the body of a request is read. A failure is all that the caller is told; only cancellation
        is raised.
        """
        if self._verifier is None:
            return context
        if context.token is None:
            return context if anonymous else self._denied(MissingTokenException("a token is needed"), context)
        time_left = math.inf if context.deadline is None else context.deadline.remaining
        try:
            with call_context(context):
                principal = await within(self._verifier.verify(context.token), min(DEFAULT_TIMEOUT, time_left))
            if isinstance(principal, bool):
                raise TypeError("verify() returned a bool; return the principal, or raise InvalidTokenException")
            if principal is None:
                raise InvalidTokenException("the token has no principal")
        except TimedOut:
            return self.late(context, executed=False)
        except BaseException as error:
            if _ends_the_task(error):
                raise
            return self._denied(error, context)  # whatever the verifier raises, the caller is not admitted
        return replace(context, principal=principal)

    @property
    def are_secured(self) -> bool:
        """Whether callers need a token."""
        return self._verifier is not None

    def forbid(self, target: Target | None, context: CallContext) -> Failure | None:
        """The failure of a caller who is nobody, where one has to be somebody; None for the target if there is none."""
        if self._verifier is None or context.principal is not None:
            return None
        if target is not None and target.plan.method.anonymous:
            return None
        return self._denied(MissingTokenException("a token is needed"), context)

    def view(self) -> dict[str, object]:
        """The state of the worker threads and the calls that waited too long for the event loop, as JSON-like data."""
        return {**self._workers.view(), "late_on_loop": self._loop_delay.refused}

    # what is done

    def carry_out(
        self, target: Target, arguments: tuple[Any, ...], write: Callable[[Any], bytes], context: CallContext
    ) -> Coroutine[Any, Any, bytes | Failure]:
        """Run a method and write its result; only cancellation is raised."""
        run = self._run(target, arguments, write, context)
        if target.plan.method.input_stream is not None:
            run = ending_input(run, arguments)
        return _observed_if_needed(run, target, context)

    async def _run(
        self, target: Target, arguments: tuple[Any, ...], write: Callable[[Any], bytes], context: CallContext
    ) -> bytes | Failure:
        outer = enter_context(context)
        try:
            timeout = None
            if context.deadline is not None:
                timeout = context.deadline.expires_at - time.monotonic()
                if timeout <= 0:
                    raise TimedOut(begun=False)
            run = self._run_inline if target.inline else self._run_in_thread
            result = await run(target, arguments, timeout, context)
            return write(result)
        except TimedOut as late:
            return self.late(context, executed=late.begun)
        except Overloaded as overloaded:
            return not_now(overloaded, context)
        except BaseException as error:
            if isinstance(error, GeneratorExit) or (target.waits and _ends_the_task(error)):
                raise
            return self.failure(target.plan, error, context)  # whatever the implementation raises is an outcome
        finally:
            leave_context(outer)  # last, so that the log of a failure belongs to the call

    async def _run_inline(
        self, target: Target, arguments: tuple[Any, ...], seconds: float | None, context: CallContext
    ) -> Any:
        limit, now, caller = target.limit, time.monotonic(), self._caller(context)
        if seconds is not None:
            self._loop_delay.check(now, context.received_at, now + seconds)
        if limit is not None:
            limit.enter(caller, now, math.inf if seconds is None else now + seconds)
        in_time = True
        try:
            result = target.method(*arguments)
            return await within(result, seconds) if target.waits else result
        except (TimedOut, asyncio.CancelledError):
            in_time = False
            raise
        finally:
            if limit is not None:
                limit.leave(caller, now, in_time=in_time)

    async def _run_in_thread(
        self, target: Target, arguments: tuple[Any, ...], seconds: float | None, context: CallContext
    ) -> Any:
        leave, caller, now = None, self._caller(context), time.monotonic()
        if target.limit is not None:
            target.limit.enter(caller, now, math.inf)
            leave = partial(target.limit.leave, caller, now)
        return await self._workers.run(target.method, arguments, seconds, target.service_time, caller, leave)

    def _caller(self, context: CallContext) -> Hashable:
        return None if self._verifier is None else caller_of(context)

    def failure(self, plan: MethodCodec, error: BaseException, context: CallContext) -> Failure:
        """The failure that an exception of an implementation is; it is logged unless it is declared or the caller's."""
        if isinstance(error, WrongItem):
            wrong = refusal(ErrorCode.INVALID_ARGUMENT, error.message, details=error.details, context=context)
            return Failure(error=wrong, executed=True)
        deadline = context.deadline
        wire = error_to_wire(
            error,
            declared=plan.errors,
            correlation_id=context.correlation_id,
            expose=self._expose_errors,
            deadline_passed=deadline is not None and deadline.expired,
        )
        failed_call = failed_call_of(error)
        if isinstance(error, AuthorizationException) and failed_call is None:
            return unauthorized(error, wire, executed=True)
        if not isinstance(error, plan.method.raises):
            logger.error(
                "%s failed%s (correlation id %s)",
                plan.name,
                f" in its call of {failed_call}" if failed_call else "",
                context.correlation_id,
                exc_info=error,
                extra={"correlation_id": context.correlation_id, "method": plan.name},
            )
        return Failure(error=wire, executed=True)

    def late(self, context: CallContext, *, executed: bool = True) -> Failure:
        """The failure of a call whose deadline has passed."""
        error = refusal(ErrorCode.DEADLINE_EXCEEDED, "the deadline of the call has passed", context=context)
        return Failure(error=error, executed=executed)

    # streams

    def enter_stream(self, target: Target, context: CallContext) -> Failure | None:
        """Count a stream that begins, until :meth:`leave_stream`; why it is refused, None if it is not."""
        if context.deadline is not None and context.deadline.expired:
            return self.late(context, executed=False)
        if target.limit is not None:
            try:
                target.limit.enter(self._caller(context), time.monotonic(), math.inf)
            except Overloaded as overloaded:
                return not_now(overloaded, context)
        return None

    def leave_stream(self, target: Target, context: CallContext) -> None:
        """A stream that was counted has ended."""
        if target.limit is not None:
            target.limit.leave(self._caller(context), 0.0)

    def iterate(
        self, target: Target, arguments: tuple[Any, ...], source: StreamSource, context: CallContext
    ) -> Coroutine[Any, Any, Failure | None]:
        """Call a method that returns a stream and let ``source`` take its items; only cancellation is raised."""
        source.before_close = partial(end_input, arguments)
        return _observed_if_needed(self._iterate(target, arguments, source, context), target, context)

    async def _iterate(
        self, target: Target, arguments: tuple[Any, ...], source: StreamSource, context: CallContext
    ) -> Failure | None:
        try:
            if target.plan.method.is_async:
                await source.iterate(target.method(*arguments))
            elif target.inline:
                await source.iterate_sync(target.method(*arguments), None)
            else:
                items = await self._workers.run(target.method, arguments)
                await source.iterate_sync(iter(items), self._workers)
        except BaseException as error:
            if _ends_the_task(error):
                raise
            return self.failure(target.plan, error, context)
        return None

    def _denied(self, error: BaseException, context: CallContext) -> Failure:
        wire = error_to_wire(error, declared={}, correlation_id=context.correlation_id, expose=self._expose_errors)
        if not isinstance(error, AuthorizationException):
            logger.error(
                "the token verifier raised %s (correlation id %s)",
                type(error).__name__,
                context.correlation_id,
                exc_info=error,
                extra={"correlation_id": context.correlation_id},
            )
        return unauthorized(error, wire, executed=False)


def _observed_if_needed(run: Coroutine[Any, Any, T], target: Target, context: CallContext) -> Coroutine[Any, Any, T]:
    if server_observers or (context.traceparent is not None and tracing.is_loaded()):
        return _observed(run, target, context)
    return run


async def _observed(run: Coroutine[Any, Any, T], target: Target, context: CallContext) -> T:
    hosted = target.hosted
    call = BegunCall(
        component=hosted.component.name,
        service=hosted.service.name,
        method=target.plan.method.name,
        context=context,
        correlation_id=context.correlation_id,
    )
    with tracing.continued(context):
        return await observed_async(run, call, _outcome)


def _outcome(outcome: object) -> tuple[ErrorCode, str] | None:
    return (outcome.error.code, outcome.error.type) if isinstance(outcome, Failure) else None


def _ends_the_task(error: BaseException) -> bool:
    """Whether the task of this call is cancelled or closed, rather than something that the implementation awaits."""
    if not isinstance(error, asyncio.CancelledError):
        return isinstance(error, GeneratorExit)
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
