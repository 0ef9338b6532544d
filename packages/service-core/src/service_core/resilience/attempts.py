"""The attempts of one call: what the retry loop decides, without waiting or sending."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from typing import Any, Final

from service_core.call import Call
from service_core.context import Deadline
from service_core.errors import (
    ContractMismatchException,
    DeadlineExceeded,
    LocalServiceException,
    ServiceCommunicationException,
    ServiceException,
)
from service_core.resilience.error_rate import is_instance_fault
from service_core.resilience.events import CallEventKind, attempt_observers
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.selectors import Endpoint

_PAUSE: Final = 0.25
"""Seconds after a deadline from which on its lateness is a pause of this process: timers are far more exact."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An answer that is an error; returned by a ``send`` function where raising the error would mean a failed attempt.

    That is so for errors such as ServiceCommunicationException and DeadlineExceeded that the method itself raised.
    """

    error: BaseException


class Attempts:
    """The attempts of one call over one channel. Used by one thread or task.

    Each attempt goes to an instance that this call has not tried yet, and after a pause to all again.
    """

    __slots__ = ("_number", "_rounds", "_started", "balancer", "call", "endpoint", "overdue_at", "pause", "tried")

    def __init__(self, call: Call, balancer: LoadBalancer) -> None:
        self.call = call
        self.balancer = balancer
        self.pause = 0.0
        """Seconds to wait before the next attempt."""
        self.endpoint: Endpoint | None = None
        """The instance of the current attempt, None between two attempts and after the last."""
        self.tried: tuple[Endpoint, ...] = ()
        """The instances that are not called again before all others were."""
        self.overdue_at = math.inf
        """When the call is to be sent to another instance besides the current one; infinite for never."""
        self._rounds = 0

    @property
    def deadline(self) -> Deadline:
        """The end of all attempts together."""
        return self.call.deadline

    def begin(self) -> Endpoint:
        """The instance for the next attempt. Raises DeadlineExceeded, ComponentUnavailableException."""
        now, call, balancer = time.monotonic(), self.call, self.balancer
        if now >= call.deadline.expires_at:
            raise DeadlineExceeded(f"{call.descriptor.where}: deadline exceeded before the call was sent")
        if call.attempts == 0:
            if balancer.throttles:
                balancer.throttle(call)
            balancer.budget.call(now)
        self.endpoint = endpoint = balancer.choose(self.tried, call)
        endpoint.in_flight += 1
        self._started = now
        self._number = call.attempts = call.attempts + 1
        if call.descriptor.idempotent and len(balancer.endpoints) > 1:
            self.overdue_at = now + balancer.overdue.after(call)
        return endpoint

    def answered(self, answer: Any = None) -> Any:
        """The instance has answered. Returns the answer, or raises the error of a :class:`Raised` one."""
        if type(answer) is Raised:
            if is_instance_fault(answer.error):
                self._answered_with_error(answer.error)
            else:
                self.answered()
            raise answer.error
        endpoint, elapsed = self._end()
        endpoint.observe(elapsed)
        balancer, method = self.balancer, self.call.descriptor
        if method.idempotent:
            balancer.overdue.observe(method, elapsed)
        if balancer.throttles and method in balancer.throttles:
            balancer.throttles[method].answered()
        if balancer.outliers.failing:
            balancer.outliers.succeeded(endpoint)
        if balancer.observers or attempt_observers:
            self.notify(CallEventKind.ANSWERED, endpoint, elapsed)
        return answer

    def ended_by(self, error: BaseException) -> bool:
        """The attempt has raised ``error``; whether the call may go on, after :attr:`pause`."""
        if isinstance(error, ServiceException):
            self.call.add_earlier_attempts(error)
        if self.endpoint is None:
            return False  # there was none yet, or the error is the answer
        if isinstance(error, ServiceCommunicationException):
            return self._failed(error)
        if isinstance(error, DeadlineExceeded | LocalServiceException) or not isinstance(error, Exception):
            self._abandoned()
        elif is_instance_fault(error):
            self._answered_with_error(error)
        else:
            self.answered()
        return False

    def _answered_with_error(self, error: BaseException) -> None:
        """The instance has answered with an error of its own, which must not make it look like the fastest."""
        endpoint, elapsed = self._end()
        endpoint.answered_with_error(elapsed)
        self.notify(CallEventKind.ANSWERED, endpoint, elapsed)
        if self.balancer.answered_with_error(endpoint):
            self.notify(CallEventKind.EJECTED, endpoint, elapsed, error)

    def _abandoned(self) -> None:
        """The call was cancelled, or its deadline has passed; only the latter counts against the instance.

        A deadline that is noticed far too late passed during a pause of this process: that blames no instance.
        """
        endpoint, elapsed = self._end()
        self.notify(CallEventKind.ABANDONED, endpoint, elapsed)
        late = time.monotonic() - self.call.deadline.expires_at
        if late > _PAUSE:
            return
        endpoint.wait_ended(elapsed)
        if late >= 0.0 and self.balancer.failed(endpoint):
            self.notify(CallEventKind.EJECTED, endpoint, elapsed)

    def replaced_by(self, endpoint: Endpoint, started: float, number: int, error: ServiceException | None) -> None:
        """Let another attempt that was answered be the current one, without an answer or failed with ``error``."""
        lost, elapsed = self._end()
        if error is None:
            self.notify(CallEventKind.ABANDONED, lost, elapsed)
            lost.wait_ended(elapsed)
        else:
            self.notify(CallEventKind.FAILED, lost, elapsed, error)
            lost.failed(elapsed)
        if self.balancer.failed(lost):
            self.notify(CallEventKind.EJECTED, lost, elapsed, error)
        self.endpoint, self._started, self._number = endpoint, started, number

    def _failed(self, error: ServiceCommunicationException) -> bool:
        """The instance could not be reached or did not answer; whether another attempt is allowed."""
        if isinstance(error, ContractMismatchException):
            return self._mismatched(error)
        endpoint, elapsed = self._end()
        endpoint.failed(elapsed)
        self.tried += (endpoint,)
        self.notify(CallEventKind.FAILED, endpoint, elapsed, error)
        if self.balancer.failed(endpoint):
            self.notify(CallEventKind.EJECTED, endpoint, elapsed, error)
        if self._may_retry(error, endpoint, elapsed):
            return True
        if error.retry_after is not None and not error.may_have_run:
            self.balancer.refused_by_all(self.call)
        return False

    def _mismatched(self, error: ContractMismatchException) -> bool:
        """The instance has another version of the interface; whether another instance is left that may not.

        The instance refuses at once and runs nothing, so such an attempt counts neither as one of the policy's nor
        against the budget; there are at most as many as instances. It is no failure of the instance, which may serve
        every other method, and no latency of it: a refusal at once must not make it look like the fastest.
        """
        endpoint, elapsed = self._end()
        endpoint.wait_ended(elapsed)
        call, balancer = self.call, self.balancer
        balancer.refused_methods.add(call.descriptor, endpoint)
        self.tried += (endpoint,)
        self.notify(CallEventKind.FAILED, endpoint, elapsed, error)
        if not call.is_repeatable(error) or not balancer.has_candidate(call.descriptor, self.tried):
            return False
        self.pause = 0.0
        call.mismatches += 1
        self.notify(CallEventKind.RETRIED, endpoint, elapsed, error)
        return True

    def _may_retry(self, error: ServiceCommunicationException, endpoint: Endpoint, elapsed: float) -> bool:
        call = self.call
        if not call.is_repeatable(error) or call.attempts - call.mismatches >= call.policy.max_attempts:
            return False
        self.pause = 0.0 if self.balancer.has_another(self.tried) else self._next_round(error)
        if self.pause >= call.deadline.remaining:
            return False
        if not self.balancer.budget.retry():
            self.notify(CallEventKind.BUDGET_EXHAUSTED, endpoint, elapsed, error)
            return False
        self.notify(CallEventKind.RETRIED, endpoint, elapsed, error)
        return True

    def _next_round(self, error: ServiceCommunicationException) -> float:
        """All instances were called: the pause with full jitter, not shorter than the server's ``retry_after``."""
        self.tried = ()
        policy = self.call.policy
        longest = min(policy.backoff * 2**self._rounds, policy.max_backoff)
        self._rounds += 1
        return max(random.uniform(0.0, longest), error.retry_after or 0.0)  # noqa: S311 - spreads load, guards nothing

    def notify(
        self,
        kind: CallEventKind,
        endpoint: Endpoint,
        elapsed: float,
        error: BaseException | None = None,
        *,
        number: int = 0,
    ) -> None:
        """Notify the observers of an event of the current attempt, or of the one with a number."""
        if self.balancer.observers or attempt_observers:
            call = self.call
            self.balancer.notify(
                kind,
                method=call.descriptor.where,
                url=endpoint.url,
                attempt=number or self._number,
                duration=elapsed,
                correlation_id=call.correlation_id,
                error=error,
            )

    def _end(self) -> tuple[Endpoint, float]:
        endpoint = self.endpoint
        if endpoint is None:
            raise RuntimeError("an attempt ends once, and after it has begun")
        self.endpoint = None
        endpoint.in_flight -= 1
        return endpoint, time.monotonic() - self._started
