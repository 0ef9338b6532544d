"""Failures: what a caller receives for a call that was refused or has failed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from service_core.context import CallContext
from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.responses import Headers, refusal
from service_core.errors import ErrorCode, MissingTokenException, TokenExpiredException
from service_core.wire import WireError

__all__ = ["Failure", "not_now", "unauthorized"]

_LONGEST_RETRY: Final = 60.0
"""The most seconds that a caller is asked to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a caller receives for a call that has failed."""

    error: WireError
    executed: bool
    """Whether it is the outcome of the implementation, not a refusal."""
    headers: Headers = ()


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
    """The ``WWW-Authenticate`` header (RFC 6750, section 3) that tells token errors apart."""
    if isinstance(error, MissingTokenException):
        return "Bearer"
    reason = "expired" if isinstance(error, TokenExpiredException) else "not accepted"
    return f'Bearer error="invalid_token", error_description="the token is {reason}"'
