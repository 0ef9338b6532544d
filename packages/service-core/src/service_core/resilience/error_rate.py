"""The share of recent answers of an instance that were errors of its own."""

from __future__ import annotations

import math
from typing import Final

from service_core.errors import ErrorCode, RemoteServiceException

_WEIGHT: Final = 0.2
"""The weight of the last answer: seven errors in a row make 0.79."""
_FADING: Final = 10.0
"""Seconds in which the rate fades to 1/e without answers, so that the instance is tried again."""


class ErrorRate:
    """An average over the last answers, in which recent ones count more. The caller provides the time."""

    __slots__ = ("_at", "value")

    def __init__(self) -> None:
        self.value = 0.0
        """The rate from 0.0 to 1.0 at the last answer; 0.0 for an instance that has never failed."""
        self._at = 0.0

    def at(self, now: float) -> float:
        """The rate at a time of the monotonic clock."""
        return self.value * math.exp((self._at - now) / _FADING) if self.value else 0.0

    def answered(self, now: float, *, error: bool) -> None:
        """Take an answer into account."""
        before = self.at(now)
        self.value = before + ((1.0 if error else 0.0) - before) * _WEIGHT
        self._at = now
        if self.value < _NEGLIGIBLE:
            self.value = 0.0


_NEGLIGIBLE: Final = 0.001


def is_instance_fault(error: BaseException) -> bool:
    """Whether an error that an instance answered with says that the instance itself is broken.

    That is an internal error, unless a call that the method made to another server failed. Declared errors, wrong
    arguments, missing permissions and other codes are the caller's mistakes or results of the method.
    """
    return isinstance(error, RemoteServiceException) and error.code is ErrorCode.INTERNAL and not error.downstream
