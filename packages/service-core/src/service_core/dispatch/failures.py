"""Failures: what a caller receives for a call that was refused or has failed."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from typing import Final

from service_core.context import CallContext
from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.responses import Headers, refusal
from service_core.dispatch.streams.incoming import WrongItem
from service_core.errors import AuthorizationException, ErrorCode, MissingTokenException, TokenExpiredException
from service_core.process.cancellation import is_being_cancelled
from service_core.wire import MethodCodec, WireError, error_to_wire
from service_core.wire.failures.causes import failed_call_of

logger: Final = logging.getLogger("service.dispatch")

_LONGEST_RETRY: Final = 60.0
"""The most seconds that ``Retry-After`` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a caller receives for a call that has failed."""

    error: WireError
    executed: bool
    """Whether it is the outcome of the implementation, not a refusal."""
    headers: Headers = ()


def failure_of(error: BaseException, method_codec: MethodCodec, context: CallContext, *, expose: bool) -> Failure:
    """The failure that an exception of an implementation is; it is logged unless it is declared or the caller's.

    ``expose`` sends the messages of errors that are not declared.
    """
    if isinstance(error, WrongItem):
        wrong = refusal(ErrorCode.INVALID_ARGUMENT, error.message, details=error.details, context=context)
        return Failure(error=wrong, executed=True)
    deadline = context.deadline
    wire = error_to_wire(
        error,
        declared=method_codec.errors,
        correlation_id=context.correlation_id,
        expose=expose,
        deadline_passed=deadline is not None and deadline.expired,
    )
    failed_call = failed_call_of(error)
    if isinstance(error, AuthorizationException) and failed_call is None:
        return unauthorized(error, wire, executed=True)
    if not isinstance(error, method_codec.method.raises):
        logger.error(
            "%s failed%s (correlation id %s)",
            method_codec.name,
            f" in its call of {failed_call}" if failed_call else _hint(error),
            context.correlation_id,
            exc_info=error,
            extra={"correlation_id": context.correlation_id, "method": method_codec.name},
        )
    return Failure(error=wire, executed=True)


def _hint(error: BaseException) -> str:
    """What to write in place of FastAPI's and Starlette's HTTPException, whose status does not reach the caller."""
    if not any(cls.__module__ == "starlette.exceptions" for cls in type(error).__mro__):
        return ""
    return ": declare an error with @raises in place of HTTPException, whose status the caller does not get"


def late(
    context: CallContext, *, executed: bool = True, reason: str = "the deadline of the call has passed"
) -> Failure:
    """The failure of a call whose deadline has passed."""
    error = refusal(ErrorCode.DEADLINE_EXCEEDED, reason, context=context)
    return Failure(error=error, executed=executed)


def not_now(overloaded: Overloaded, context: CallContext) -> Failure:
    """The failure of a call that the server is too busy for."""
    error = refusal(ErrorCode.UNAVAILABLE, overloaded.reason, context=context)
    seconds = max(1, math.ceil(min(overloaded.retry_after, _LONGEST_RETRY)))  # RFC 9110, 10.2.3: whole seconds
    return Failure(error=error, executed=False, headers=(("retry-after", str(seconds)),))


def unauthorized(error: BaseException, wire: WireError, *, executed: bool) -> Failure:
    """The failure of a caller that is not admitted, with the challenge that says why."""
    headers = (("www-authenticate", _challenge(error)),) if wire.code is ErrorCode.UNAUTHENTICATED else ()
    return Failure(error=wire, executed=executed, headers=headers)


def _challenge(error: BaseException) -> str:
    """The ``WWW-Authenticate`` header (RFC 6750, section 3), which distinguishes token errors."""
    if isinstance(error, MissingTokenException):
        return "Bearer"
    reason = "expired" if isinstance(error, TokenExpiredException) else "not accepted"
    return f'Bearer error="invalid_token", error_description="the token is {reason}"'


def ends_the_task(error: BaseException) -> bool:
    """Whether the task of this call is cancelled or closed, rather than something that the implementation awaits."""
    if not isinstance(error, asyncio.CancelledError):
        return isinstance(error, GeneratorExit)
    return is_being_cancelled()
