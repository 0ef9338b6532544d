"""The dispatcher: from a content type and bytes to a status and bytes.

It knows nothing of HTTP servers. Only methods in its table can be called, and the table holds just the methods of
declared interfaces that this process implements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from service_core.context import CallContext
from service_core.dispatch.executor import Executor, Failure, Target
from service_core.dispatch.responses import Answer, correlation, envelope, mismatch, refusal
from service_core.errors import ArgumentException, ErrorCode
from service_core.wire import CODECS, JSON, Codec, MalformedData, context_from_headers

__all__ = ["Dispatcher"]


class Dispatcher:
    """Looks methods up, validates, runs and answers. Used on event loops; shared by all calls."""

    def __init__(self, targets: Iterable[Target], calls: Executor) -> None:
        """Only ``targets`` can be called."""
        self._calls = calls
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
            target, arguments = self._read(codec, body, context)
        except MalformedData as error:
            told = str(error)
            return envelope(refusal(ErrorCode.INVALID_ARGUMENT, told, context=context), status=400, codec=codec)
        except _UnknownMethod as error:
            return envelope(mismatch(ErrorCode.NOT_FOUND, str(error), context=context), codec=codec)
        except _Forbidden as error:
            return _told(error.failure, codec)
        except ArgumentException as error:
            wrong = refusal(error.code, error.message, details=error.details, context=context)
            return envelope(wrong, codec=codec)
        outcome = await self._calls.carry_out(target, arguments, partial(codec.write_result, target.plan), context)
        if isinstance(outcome, Failure):
            return _told(outcome, codec)
        headers = correlation(context.correlation_id)
        return Answer(status=200, content_type=codec.content_type, body=outcome, headers=headers)

    def _read(self, codec: Codec, body: bytes, context: CallContext) -> tuple[Target, tuple[Any, ...]]:
        request = codec.read_request(body)
        target = self._targets.get(request.method)
        forbidden = self._calls.forbid(target, context)
        if forbidden is not None:
            raise _Forbidden(forbidden)
        if target is None:
            raise _UnknownMethod(f"there is no method {request.method[:200]!r} here")
        return target, codec.read_arguments(target.plan, request)


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


class _UnknownMethod(LookupError):
    pass


class _Forbidden(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure
