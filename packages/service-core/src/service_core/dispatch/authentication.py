"""Authentication: which principal makes a call, and callers that are refused."""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from service_core.context import CallContext, call_context
from service_core.declaring.policy import DEFAULT_TIMEOUT
from service_core.dispatch.failures import Failure, ends_the_task, late, unauthorized
from service_core.dispatch.overload.shares import caller_of
from service_core.dispatch.target import Target
from service_core.dispatch.timeouts import TimedOut, within
from service_core.errors import AuthorizationException, InvalidTokenException, MissingTokenException
from service_core.hosting.token_verifier import TokenVerifier, check_verifier
from service_core.wire import error_to_wire

logger: Final = logging.getLogger("service.dispatch")


class Authentication:
    """Verifies the tokens of callers. Used on event loops; shared by all calls."""

    def __init__(self, verifier: TokenVerifier | None, *, expose_errors: bool) -> None:
        """Without a ``verifier`` no caller needs a token. Raises DeclarationException if it is none."""
        if verifier is not None:
            check_verifier(verifier)
        self._verifier = verifier
        self._expose_errors = expose_errors
        self.is_required = verifier is not None
        """Whether callers need a token."""

    async def admit(self, context: CallContext, *, anonymous: bool) -> CallContext | Failure:
        """The context with the principal of its token; ``anonymous`` admits callers without a token.

        Called before the body of a request is read. A failure is all that the caller receives; only cancellation is
        raised.
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
            return late(context, executed=False)
        except BaseException as error:
            if ends_the_task(error):
                raise
            return self._denied(error, context)  # any exception of the verifier: the caller is not admitted
        return replace(context, principal=principal)

    def forbid(self, target: Target | None, context: CallContext) -> Failure | None:
        """The failure of a caller without a principal where one is needed; ``target`` is None if there is none."""
        if self._verifier is None or context.principal is not None:
            return None
        if target is not None and target.method_codec.method.anonymous:
            return None
        return self._denied(MissingTokenException("a token is needed"), context)

    def caller(self, context: CallContext) -> Hashable:
        """The caller as one of several that share a limit; None where callers are not known."""
        return None if self._verifier is None else caller_of(context)

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
