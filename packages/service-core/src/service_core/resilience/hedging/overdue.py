"""When an attempt takes so long that the call is sent to another instance as well: learned from earlier answers."""

from __future__ import annotations

import math
from typing import Final

from service_core.call import Call
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.policy import UNSET

_FAST: Final = 0.1
"""Seconds below which answers are not distinguished."""
_STEP: Final = 1.25
"""The ratio of the bounds of two neighbouring classes of answers."""
_CLASSES: Final = 60
"""Up to 0.1 s x 1.25^60, which is 18 hours."""
_SHARE: Final = 0.99
"""The share of answers that comes in the learned time: at most one call of a hundred is sent twice."""
_FACTOR: Final = 2.0
"""How many times that time an attempt may take."""
_REMEMBERED: Final = 1000
"""Answers after which each one counts half."""
_UNKNOWN: Final = 1.0
"""Seconds before the first answer, as the first timeout of TCP (RFC 6298)."""


class AnswerTimes:
    """How long the answers of a method take.

    Used by several threads without a lock: a lost update changes little. The answers that count are those that came;
    an attempt that is given up because another one was answered says nothing about the time of an answer.
    """

    __slots__ = ("_count", "_fast", "_slow", "overdue_after")

    def __init__(self) -> None:
        self.overdue_after = _UNKNOWN
        """Seconds after which an attempt is overdue: twice the time in which 99 % of the answers come, at least 0.2."""
        self._fast = 0
        self._slow = [0] * _CLASSES
        self._count = 0

    def observe(self, seconds: float) -> None:
        """Take an answer into account."""
        self._count += 1
        if seconds <= _FAST:
            self._fast += 1
            if self._count % 16 != 1:  # it changes slowly
                return
        else:
            self._slow[min(math.ceil(math.log(seconds / _FAST, _STEP)), _CLASSES) - 1] += 1
        if self._count >= _REMEMBERED:
            self._halve()
        self.overdue_after = _FACTOR * self._quantile()

    def _quantile(self) -> float:
        beyond, count = sum(self._slow) + self._fast, 0
        allowed = beyond * (1.0 - _SHARE)
        for number in range(_CLASSES, 0, -1):
            count += self._slow[number - 1]
            if count > allowed:
                return float(_FAST * _STEP**number)
        return _FAST

    def _halve(self) -> None:
        self._count //= 2
        self._fast //= 2
        self._slow = [count // 2 for count in self._slow]


class Overdue:
    """When the attempts of one channel's calls are overdue. Safe to use from several threads."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: dict[MethodDescriptor, AnswerTimes] = {}

    def after(self, call: Call) -> float:
        """Seconds after which an attempt of the call is overdue; infinite if it is never sent twice.

        That is the policy's ``hedge_after`` or, if it is not set, the learned time. Neither a call with streams nor
        one that may only be sent once is hedged.
        """
        policy = call.policy
        if policy.max_attempts == 1 or policy.hedge_after is None or call.descriptor.has_streams:
            return math.inf
        if policy.hedge_after is not UNSET:
            return policy.hedge_after
        times = self._times.get(call.descriptor)
        return _UNKNOWN if times is None else times.overdue_after

    def observe(self, method: MethodDescriptor, seconds: float) -> None:
        """Take the answer to an attempt into account."""
        times = self._times.get(method)
        if times is None:
            times = self._times.setdefault(method, AnswerTimes())
        times.observe(seconds)
