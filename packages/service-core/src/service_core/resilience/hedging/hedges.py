"""The further attempts of a call that run besides its current one: what is decided and counted for them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final

from service_core.errors import (
    ContractMismatchException,
    DeadlineExceeded,
    LocalServiceException,
    ServiceCommunicationException,
    ServiceException,
)
from service_core.resilience.attempts import Attempts
from service_core.resilience.events import CallEventKind
from service_core.resilience.selectors import Endpoint

PAUSE: Final = 0.25
"""Seconds after the time for an attempt from which on this process was suspended: it reads before it sends again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hedge:
    """A further attempt."""

    endpoint: Endpoint
    """The instance that it goes to."""
    number: int
    """Which attempt of the call it is, from 1."""
    started: float
    """When it was begun, on the monotonic clock."""


class Hedges:
    """Begins and ends the further attempts of one call. Used by the thread or task that makes the call."""

    __slots__ = ("_attempts",)

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    def begin(self) -> Hedge | None:
        """A further attempt, to an instance that the call has not tried; None if there may be none.

        It is one of the policy's attempts and is paid from the retry budget.
        """
        attempts = self._attempts
        call, balancer, current, now = attempts.call, attempts.balancer, attempts.endpoint, time.monotonic()
        attempts.overdue_at = math.inf
        if current is None or call.attempts - call.mismatches >= call.policy.max_attempts:
            return None
        tried = (*attempts.tried, current)
        if not balancer.has_another(tried):
            return None
        elapsed = now - call.started
        if not balancer.budget.retry():
            attempts.notify(CallEventKind.BUDGET_EXHAUSTED, current, elapsed)
            return None
        attempts.notify(CallEventKind.HEDGED, current, elapsed)
        endpoint = balancer.choose(tried, call)
        endpoint.in_flight += 1
        attempts.tried += (endpoint,)
        attempts.overdue_at = now + balancer.overdue.after(call)
        call.attempts += 1
        call.may_have_run = True  # by the attempts before
        return Hedge(endpoint=endpoint, number=call.attempts, started=now)

    def won(self, hedge: Hedge, error: ServiceException | None) -> None:
        """The attempt was answered, and the current one not yet, or it has failed with ``error``."""
        self._attempts.replaced_by(hedge.endpoint, hedge.started, hedge.number, error)

    def failed(self, hedge: Hedge, error: BaseException) -> None:
        """The attempt has failed; the others go on."""
        attempts, balancer, endpoint = self._attempts, self._attempts.balancer, hedge.endpoint
        if isinstance(error, LocalServiceException):
            self.abandoned(hedge)
            return
        elapsed = self._end(hedge)
        attempts.notify(CallEventKind.FAILED, endpoint, elapsed, error, number=hedge.number)
        if isinstance(error, ContractMismatchException):
            balancer.refused_methods.add(attempts.call.descriptor, endpoint)
            return
        endpoint.failed(elapsed)
        if balancer.failed(endpoint):
            attempts.notify(CallEventKind.EJECTED, endpoint, elapsed, error, number=hedge.number)

    def abandoned(self, hedge: Hedge) -> None:
        """The attempt is given up, because another one was answered or the call has ended."""
        elapsed = self._end(hedge)
        hedge.endpoint.wait_ended(elapsed)
        self._attempts.notify(CallEventKind.ABANDONED, hedge.endpoint, elapsed, number=hedge.number)

    def _end(self, hedge: Hedge) -> float:
        hedge.endpoint.in_flight -= 1
        return time.monotonic() - hedge.started


def is_failure(error: BaseException | None) -> bool:
    """Whether an attempt that raised ``error`` has no answer, so that the call waits for the other attempts."""
    return isinstance(error, ServiceCommunicationException | DeadlineExceeded | LocalServiceException)
