"""The attempts of one call: which instance next, and whether another try is allowed.

A channel asks :meth:`Attempts.begin` for an endpoint, sends, and reports back. Nothing here waits or sends, so
sync and async channels share it.
"""

from __future__ import annotations

import random
import time
from contextvars import ContextVar
from typing import Final

from service_core.context import Deadline
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.policy import Policy
from service_core.errors import ContractMismatchException, DeadlineExceeded, ServiceCommunicationException
from service_core.resilience.events import CallEventKind
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.selectors import Endpoint

__all__ = ["Attempts"]

earlier_attempts: Final[ContextVar[int]] = ContextVar("service_earlier_attempts", default=0)
"""How many attempts the call that is begun here has had over channels that have lost their instances."""


class Attempts:
    """One call's way through the instances. Used by one thread or task.

    A failure before anything was sent is tried again, a later one only if the method is idempotent; each attempt goes
    to an instance that this call has not tried yet, and after a pause to all again. The policy says how often, and the
    retry budget of all calls together whether at all.
    """

    __slots__ = (
        "_balancer",
        "_count",
        "_method",
        "_mismatches",
        "_rounds",
        "_started",
        "_tried",
        "deadline",
        "endpoint",
        "pause",
    )

    def __init__(self, method: MethodDescriptor, deadline: Deadline, balancer: LoadBalancer, earlier: int = 0) -> None:
        """``earlier`` is how many attempts the call has had already."""
        self.deadline = deadline
        """The end of all attempts together."""
        self.pause = 0.0
        """Seconds to wait before the next attempt."""
        self.endpoint: Endpoint | None = None
        """Who is being asked, None between two attempts and after the last."""
        self._method = method
        self._balancer = balancer
        self._tried: tuple[Endpoint, ...] = ()
        self._started = 0.0
        self._count = earlier
        self._mismatches = 0
        self._rounds = 0

    def begin(self) -> Endpoint:
        """The instance for the next attempt. Raises DeadlineExceeded, ComponentUnavailableException."""
        now = time.monotonic()
        if now >= self.deadline.expires_at:
            raise DeadlineExceeded(f"{self._method.where}: the time of the call was up before it was sent")
        balancer = self._balancer
        if self._count == 0:
            balancer.budget.call()
        endpoint = balancer.choose(self._tried, self._count, self._method)
        endpoint.in_flight += 1
        self.endpoint = endpoint
        self._started = now
        self._count += 1
        return endpoint

    def answered(self) -> None:
        """The instance has answered, with whatever."""
        endpoint, elapsed = self._end()
        endpoint.observe(elapsed)
        balancer = self._balancer
        if balancer.outliers.suspects:
            balancer.outliers.succeeded(endpoint)
        if balancer.observers:
            self._tell(CallEventKind.ANSWERED, endpoint, elapsed)

    def abandoned(self) -> None:
        """Nobody waits for the answer any more: the call was cancelled, or its time is up.

        The latter speaks against the instance, the former does not.
        """
        endpoint, elapsed = self._end()
        endpoint.wait_ended(elapsed)
        self._tell(CallEventKind.ABANDONED, endpoint, elapsed)
        if self.deadline.expired and self._balancer.failed(endpoint):
            self._tell(CallEventKind.EJECTED, endpoint, elapsed)

    def failed(self, error: ServiceCommunicationException) -> None:
        """The instance could not be asked or did not answer. Raises ``error`` unless another attempt is allowed.

        The next one is due after :attr:`pause`.
        """
        if isinstance(error, ContractMismatchException):
            self._mismatched(error)
            return
        endpoint, elapsed = self._end()
        endpoint.failed(elapsed)
        self._tried += (endpoint,)
        self._tell(CallEventKind.FAILED, endpoint, elapsed, error)
        if self._balancer.failed(endpoint):
            self._tell(CallEventKind.EJECTED, endpoint, elapsed, error)
        repeatable = self._method.idempotent or not error.may_have_run
        if not repeatable or self._count - self._mismatches >= self._policy.max_attempts:
            raise error
        self.pause = 0.0 if self._balancer.has_another(self._tried) else self._next_round(error)
        if self.pause >= self.deadline.remaining:
            raise error
        if not self._balancer.budget.retry():
            self._tell(CallEventKind.BUDGET_EXHAUSTED, endpoint, elapsed, error)
            raise error
        self._tell(CallEventKind.RETRIED, endpoint, elapsed, error)

    def _mismatched(self, error: ContractMismatchException) -> None:
        """The instance has another version of the interface. Raises ``error`` if no instance is left that may not.

        Nothing has run where an instance refuses, and it answers at once, so such an attempt counts neither as one of
        the policy's nor against the budget; there are at most as many as instances. It is no failure of the instance,
        which may serve every other method.
        """
        endpoint, elapsed = self._end()
        endpoint.observe(elapsed)
        balancer = self._balancer
        balancer.refused_methods.add(self._method, endpoint)
        self._tried += (endpoint,)
        self._tell(CallEventKind.FAILED, endpoint, elapsed, error)
        repeatable = self._method.idempotent or not error.may_have_run
        if not repeatable or not balancer.has_willing(self._method, self._tried):
            raise error
        self.pause = 0.0
        self._mismatches += 1
        self._tell(CallEventKind.RETRIED, endpoint, elapsed, error)

    @property
    def _policy(self) -> Policy:
        return self._method.policy or self._balancer.policy

    def _next_round(self, error: ServiceCommunicationException) -> float:
        """All instances have been asked: a pause with full jitter, and not before the server wants to be asked."""
        self._tried = ()
        longest = min(self._policy.backoff * 2**self._rounds, self._policy.max_backoff)
        self._rounds += 1
        return max(random.uniform(0.0, longest), error.retry_after or 0.0)  # noqa: S311 - spreads load, guards nothing

    def _tell(
        self, kind: CallEventKind, endpoint: Endpoint, elapsed: float, error: BaseException | None = None
    ) -> None:
        self._balancer.tell(
            kind, method=self._method.where, url=endpoint.url, attempt=self._count, duration=elapsed, error=error
        )

    def _end(self) -> tuple[Endpoint, float]:
        endpoint = self.endpoint
        if endpoint is None:
            raise RuntimeError("an attempt ends once, and after it has begun")
        self.endpoint = None
        endpoint.in_flight -= 1
        return endpoint, time.monotonic() - self._started
