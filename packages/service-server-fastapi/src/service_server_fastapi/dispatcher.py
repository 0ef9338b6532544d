"""The dispatcher: from a content type and bytes to a status and bytes.

It knows nothing of HTTP servers. Only methods in its table can be called, and the table holds just the methods of
declared interfaces that this process implements.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from service_core.context import CallContext, call_context, new_correlation_id
from service_core.errors import (
    ArgumentException,
    AuthorizationException,
    DeadlineExceeded,
    ErrorCode,
    ServiceException,
)
from service_core.manager import HostedService
from service_core.wire import (
    CODECS,
    CORRELATION_ID,
    JSON,
    Codec,
    MalformedData,
    MethodPlan,
    WireError,
    error_to_wire,
)
from service_server_fastapi.workers import Workers

__all__ = ["Answer", "Dispatcher"]

logger: Final = logging.getLogger("service.dispatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    plan: MethodPlan
    method: Callable[..., Any]
    """The bound method of the implementation."""
    inline: bool
    """Whether it runs on the event loop."""


class Dispatcher:
    """Looks methods up, validates, runs and answers. Used on event loops; shared by all calls."""

    def __init__(self, services: Iterable[HostedService], workers: Workers, *, expose_errors: bool = False) -> None:
        """Build the table. Raises DeclarationException if a type of a method cannot be validated."""
        self._workers = workers
        self._expose_errors = expose_errors
        self._targets: dict[str, _Target] = {}
        for hosted in services:
            for descriptor in hosted.service.methods.values():
                plan = MethodPlan(hosted.component, hosted.service, descriptor)
                self._targets[plan.name] = _Target(
                    plan=plan,
                    method=getattr(hosted.implementation, descriptor.name),
                    inline=descriptor.is_async or hosted.inline,
                )

    @property
    def methods(self) -> list[str]:
        """The names under which methods can be called: ``component:service:method``."""
        return list(self._targets)

    async def dispatch(self, content_type: str, body: bytes, context: CallContext | None = None) -> Answer:
        """Carry out one call. Whatever the bytes are, there is an answer; only cancellation is raised."""
        context = context or CallContext()
        if context.correlation_id is None:
            context = replace(context, correlation_id=new_correlation_id())
        codec = CODECS.get(content_type.partition(";")[0].strip().lower())
        if codec is None:
            return refusal(
                ErrorCode.INVALID_ARGUMENT,
                f"content type {content_type[:100]!r} is not one of {', '.join(CODECS)}",
                status=415,
                context=context,
            )
        try:
            target, arguments = self._read(codec, body)
        except MalformedData as error:
            return refusal(ErrorCode.INVALID_ARGUMENT, str(error), status=400, context=context, codec=codec)
        except _UnknownMethod as error:
            return refusal(ErrorCode.NOT_FOUND, str(error), context=context, codec=codec)
        except ArgumentException as error:
            return refusal(error.code, error.message, details=error.details, context=context, codec=codec)
        return await self._answer(codec, target, arguments, context)

    def _read(self, codec: Codec, body: bytes) -> tuple[_Target, tuple[Any, ...]]:
        request = codec.read_request(body)
        target = self._targets.get(request.method)
        if target is None:
            raise _UnknownMethod(f"there is no method {request.method[:200]!r} here")
        return target, codec.read_arguments(target.plan, request)

    async def _answer(self, codec: Codec, target: _Target, arguments: tuple[Any, ...], context: CallContext) -> Answer:
        plan = target.plan
        try:
            with call_context(context):
                result = await self._run(target, arguments, context)
            body = codec.write_result(plan, result)
        except _TimeIsUp:
            return refusal(ErrorCode.DEADLINE_EXCEEDED, "the time of the call is up", context=context, codec=codec)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the implementation's errors are the caller's answer
            return self._failure(codec, plan, error, context)
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            return self._failure(codec, plan, error, context)
        return Answer(status=200, content_type=codec.content_type, body=body, headers=_headers(context))

    async def _run(self, target: _Target, arguments: tuple[Any, ...], context: CallContext) -> Any:
        args, kwargs = target.plan.method.split(arguments)
        timeout = None
        if context.deadline is not None:
            timeout = context.deadline.remaining
            if timeout <= 0:
                raise _TimeIsUp
        if not target.plan.method.is_async and target.inline:
            return target.method(*args, **kwargs)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                if target.inline:
                    return await target.method(*args, **kwargs)
                return await self._workers.run(_call, (target.method, args, kwargs))
        except TimeoutError:
            if limit.expired():
                raise _TimeIsUp from None
            raise

    def _failure(self, codec: Codec, plan: MethodPlan, error: BaseException, context: CallContext) -> Answer:
        try:
            wire = error_to_wire(
                error, declared=plan.errors, correlation_id=context.correlation_id, expose=self._expose_errors
            )
        except (ArgumentException, AttributeError) as undeclared:
            # A declared error whose fields are not as its class declares them is a mistake of the implementation.
            undeclared.__cause__ = error
            error = undeclared
            wire = WireError(type=type(error).__name__, correlation_id=context.correlation_id)
        if isinstance(error, AuthorizationException):
            headers = (("www-authenticate", _challenge(error)),) if wire.code is ErrorCode.UNAUTHENTICATED else ()
            return _answer_error(codec, wire, wire.code.http_status, context, headers)
        if not isinstance(error, plan.method.raises):
            logger.error(
                "%s failed (correlation id %s)",
                plan.name,
                context.correlation_id,
                exc_info=error,
                extra={"correlation_id": context.correlation_id, "method": plan.name},
            )
        return _answer_error(codec, wire, 200, context)


class _UnknownMethod(LookupError):
    pass


class _TimeIsUp(Exception):
    pass


def _is_being_cancelled() -> bool:
    """Whether this call is to end, rather than something that the implementation has waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _call(method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return method(*args, **kwargs)


def refusal(
    code: ErrorCode,
    message: str,
    *,
    context: CallContext,
    status: int | None = None,
    details: Any = None,
    codec: Codec = JSON,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """The answer to a call that is turned away before the implementation has run, or whose time is up."""
    wire = WireError(
        type=_REFUSED_AS.get(code, ServiceException).__name__,
        code=code,
        message=message,
        details=details,
        correlation_id=context.correlation_id,
    )
    return _answer_error(codec, wire, status or code.http_status, context, headers)


_REFUSED_AS: Final[dict[ErrorCode, type[ServiceException]]] = {
    ErrorCode.INVALID_ARGUMENT: ArgumentException,
    ErrorCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


def _answer_error(
    codec: Codec,
    wire: WireError,
    status: int,
    context: CallContext,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    return Answer(
        status=status,
        content_type=codec.content_type,
        body=codec.write_error(wire),
        headers=(*_headers(context), *headers),
    )


def _headers(context: CallContext) -> tuple[tuple[str, str], ...]:
    return ((CORRELATION_ID, context.correlation_id or ""),)


def _challenge(error: AuthorizationException) -> str:
    """The ``WWW-Authenticate`` header (RFC 6750, section 3) that tells token errors apart."""
    kind = type(error).__name__
    if kind == "MissingTokenException":
        return "Bearer"
    reason = "expired" if kind == "TokenExpiredException" else "not accepted"
    return f'Bearer error="invalid_token", error_description="the token is {reason}"'
