"""The dispatcher: from a content type and bytes to a status and bytes.

It knows nothing of HTTP servers. Only methods in its table can be called, and the table holds just the methods of
declared interfaces that this process implements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any, Final

from service_core.context import CallContext
from service_core.dispatch.executor import Executor, Failure, Target
from service_core.dispatch.responses import Answer, correlation, envelope, mismatch, refusal
from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import TimedOut
from service_core.errors import ArgumentException, ContractMismatchException, ErrorCode
from service_core.wire import (
    CODECS,
    JSON,
    LARGE,
    MAX_VALUES,
    Codec,
    MalformedData,
    TooManyValues,
    context_from_headers,
)
from service_core.wire.arguments import CHANGES_PAGE

__all__ = ["Dispatcher"]

_SHORT: Final = 1000
"""Requests of so many bytes hold too few values for these to be counted."""


class Dispatcher:
    """Looks methods up, validates, runs and answers. Used on event loops; shared by all calls."""

    def __init__(
        self,
        targets: Iterable[Target],
        calls: Executor,
        *,
        readers: ThreadPool | None = None,
        max_values: int = MAX_VALUES,
    ) -> None:
        """Only ``targets`` can be called.

        Large requests are read in threads of ``readers``, all others on the event loop. One that holds more than
        ``max_values`` values is refused.
        """
        self._calls = calls
        self._readers = readers
        self._max_values = max_values
        self.is_secured = calls.are_secured
        """Whether callers need a token, so that :meth:`admit` has to be asked."""
        named = {target.plan.name: target for target in targets}
        self.methods: list[str] = list(named)
        """The names of the methods that can be called: ``component:service:method``."""
        self._targets = {**_without_component(named.values()), **named}
        self._some_are_anonymous = any(target.plan.method.anonymous for target in self._targets.values())

    async def admit(self, context: CallContext) -> CallContext | Answer:
        """The context with the principal whose token it has, or what a caller is told who is not let in."""
        admitted = await self._calls.admit(context, anonymous=self._some_are_anonymous)
        return _told(admitted, JSON) if isinstance(admitted, Failure) else admitted

    async def dispatch(self, content_type: str, body: bytes, context: CallContext | None = None) -> Answer:
        """Carry out one call of somebody who has been let in by :meth:`admit`.

        Whatever the bytes are, there is an answer; only cancellation is raised.
        """
        context = context or context_from_headers({})
        codec = CODECS.get(content_type) or CODECS.get(content_type.partition(";")[0].strip().lower())
        if codec is None:
            told = f"content type {content_type[:100]!r} is not one of {', '.join(CODECS)}"
            return envelope(refusal(ErrorCode.INVALID_ARGUMENT, told, context=context), status=415)
        try:
            if self._readers is None or len(body) < LARGE:
                target, arguments = self._read(codec, body, context)
            else:
                time_left = None if context.deadline is None else context.deadline.remaining
                target, arguments = await self._readers.run(self._read, (codec, body, context), time_left)
        except TimedOut:
            late = refusal(ErrorCode.DEADLINE_EXCEEDED, "deadline exceeded", context=context)
            return envelope(late, codec=codec)
        except TooManyValues as error:
            return envelope(refusal(ErrorCode.INVALID_ARGUMENT, str(error), context=context), status=413, codec=codec)
        except MalformedData as error:
            told = str(error)
            return envelope(refusal(ErrorCode.INVALID_ARGUMENT, told, context=context), status=400, codec=codec)
        except _Forbidden as error:
            return _told(error.failure, codec)
        except ContractMismatchException as error:
            differing = mismatch(error.code, error.message, details=error.details, context=context)
            return envelope(differing, codec=codec)
        except ArgumentException as error:
            wrong = refusal(error.code, error.message, details=error.details, context=context)
            return envelope(wrong, codec=codec)
        outcome = await self._calls.carry_out(target, arguments, partial(codec.write_result, target.plan), context)
        if isinstance(outcome, Failure):
            return _told(outcome, codec)
        headers = correlation(context.correlation_id)
        return Answer(status=200, content_type=codec.content_type, body=outcome, headers=headers)

    def _read(self, codec: Codec, body: bytes, context: CallContext) -> tuple[Target, tuple[Any, ...]]:
        if len(body) > _SHORT or (self.is_secured and context.principal is None):
            self._check_unread(codec, body, context)
        request = codec.read_request(body)
        target = self._targets.get(request.method)
        if self.is_secured:
            self._check_caller(target, context)
        if target is None:
            raise ContractMismatchException(
                f"there is no method {request.method[:200]!r} here: the interfaces of caller and server differ, or the "
                f"server is another one; see {CHANGES_PAGE}",
                code=ErrorCode.NOT_FOUND,
            )
        return target, codec.read_arguments(target.plan, request)

    def _check_unread(self, codec: Codec, body: bytes, context: CallContext) -> None:
        """Raise what is wrong with a request that can be known before any of its values is made."""
        target = self._targets.get(codec.method_name(body))
        self._check_caller(target, context)
        most = None if target is None else target.plan.arguments.max_values
        if target is not None and most is not None and codec.holds_more(body, most):
            raise ArgumentException(
                f"{target.plan.arguments.where}: an argument is a list or a map, but all parameters are simple values"
            )
        if codec.holds_more(body, self._max_values):
            raise TooManyValues(self._max_values)

    def _check_caller(self, target: Target | None, context: CallContext) -> None:
        forbidden = self._calls.forbid(target, context)
        if forbidden is not None:
            raise _Forbidden(forbidden)


def _without_component(targets: Collection[Target]) -> dict[str, Target]:
    """The methods by names that need the interface only: ``service:service:method``.

    Only for services whose name is unique here: with two of a name, a request must name the component.
    """
    components: dict[str, set[str]] = {}
    for target in targets:
        components.setdefault(target.hosted.service.name, set()).add(target.hosted.component.name)
    return {
        f"{name}:{name}:{target.plan.method.name}": target
        for target in targets
        if len(components[name := target.hosted.service.name]) == 1
    }


def _told(failure: Failure, codec: Codec) -> Answer:
    # Status 200 says that the implementation has run, to whatever outcome.
    status = 200 if failure.executed else None
    return envelope(failure.error, status=status, codec=codec, headers=failure.headers)


class _Forbidden(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure
