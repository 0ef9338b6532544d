"""The attempts of one call: which instance next, and whether another try is allowed.

A channel asks :meth:`Attempts.begin` for an endpoint, sends, and reports back. Nothing here waits or sends, so
sync and async channels share it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from service_core.context import Deadline
from service_core.descriptors import MethodDescriptor
from service_core.errors import (
    ComponentUnavailableException,
    DeadlineExceeded,
    ServiceCommunicationException,
)
from service_core.selector import Endpoint, URLSelector

__all__ = ["MAX_ATTEMPTS", "Attempts"]

MAX_ATTEMPTS: Final = 3

_FAILURE: Final = 1.0
"""Seconds that a failure counts like, at least: an instance that fails at once must not look like the fastest."""


class Attempts:
    """One call's way through the instances. Used by one thread or task.

    A failure before anything was sent is always tried again elsewhere, a later one only if the method is
    idempotent; each attempt goes to an instance that this call has not tried yet.
    """

    __slots__ = ("_count", "_endpoint", "_method", "_select", "_started", "_tried", "deadline")

    def __init__(
        self,
        method: MethodDescriptor,
        deadline: Deadline,
        selector: URLSelector,
        endpoints: Callable[[], Sequence[Endpoint]],
    ) -> None:
        self._method = method
        self.deadline = deadline
        """The end of all attempts together."""
        self._select = (selector, endpoints)
        self._tried: list[Endpoint] = []
        self._endpoint: Endpoint | None = None
        self._started = 0.0
        self._count = 0

    def begin(self) -> Endpoint:
        """The instance for the next attempt. Raises DeadlineExceeded, ComponentUnavailableException."""
        if self.deadline.expired:
            raise DeadlineExceeded(f"{self._method.where}: the time of the call was up before it was sent")
        selector, known = self._select
        endpoints = known()
        if self._tried:
            endpoints = [endpoint for endpoint in endpoints if endpoint not in self._tried] or endpoints
        endpoint = selector.select(endpoints)
        endpoint.in_flight += 1
        self._endpoint = endpoint
        self._started = time.monotonic()
        self._count += 1
        return endpoint

    def answered(self) -> None:
        """The instance has answered, with whatever."""
        self._end().observe(self._elapsed())

    def abandoned(self) -> None:
        """Nobody waits for the answer any more: the call was cancelled or its time is up."""
        self._end().wait_ended(self._elapsed())

    def failed(self, error: ServiceCommunicationException) -> None:
        """The instance could not be asked or did not answer. Raises ``error`` unless another attempt is allowed."""
        endpoint = self._end()
        endpoint.wait_ended(max(self._elapsed(), _FAILURE))
        self._tried.append(endpoint)
        repeatable = self._method.idempotent or not error.may_have_run
        if not repeatable or self._count >= MAX_ATTEMPTS or not self._has_another():
            raise error

    def _has_another(self) -> bool:
        try:
            return any(endpoint not in self._tried for endpoint in self._select[1]())
        except ComponentUnavailableException:
            return False  # all are gone; what went wrong says more

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _end(self) -> Endpoint:
        endpoint = self._endpoint
        if endpoint is None:
            raise RuntimeError("an attempt ends once, and after it has begun")
        self._endpoint = None
        endpoint.in_flight -= 1
        return endpoint
