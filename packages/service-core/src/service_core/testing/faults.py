"""Faults between a caller and a server, as a test plans them."""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service_core.declaring.descriptors import MethodDescriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFaults:
    """The faults of one attempt of a call."""

    delay: float = 0.0
    """Seconds until the request arrives; infinite if it never does, without any error."""
    refused: bool = False
    """The server cannot be reached: nothing is sent, nothing runs."""
    answer_lost: bool = False
    """The method runs, and then the connection breaks."""


@dataclass(slots=True, kw_only=True)
class _Fault:
    faults: PlannedFaults
    method: Callable[..., Any] | None
    url: str
    left: float
    """The number of attempts that it is left for."""

    def matches(self, method: MethodDescriptor, url: str) -> bool:
        return self.left > 0 and self.method in (None, method.function) and self.url in ("", url)


class FaultPlan:
    """Faults for future attempts of calls, which a test may add and clear at any time from any thread.

    Each fault is for all methods and servers unless it names one: ``method`` is the function of the interface, such
    as ``OrderService.place``, and ``url`` the address of a server. It is for the next ``times`` attempts, None for all
    until :meth:`clear`. Faults add up. A call that is tried again has several attempts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []

    def delay(
        self, seconds: float, method: Callable[..., Any] | None = None, *, url: str = "", times: int | None = None
    ) -> None:
        """Let requests arrive later. Raises ValueError if ``seconds`` is negative."""
        if not seconds >= 0:
            raise ValueError(f"FaultPlan.delay({seconds}): a request cannot arrive before it is sent")
        self._add(PlannedFaults(delay=seconds), method, url, times)

    def drop(self, method: Callable[..., Any] | None = None, *, url: str = "", times: int | None = None) -> None:
        """Drop requests without any error, so that callers wait until their deadline."""
        self._add(PlannedFaults(delay=math.inf), method, url, times)

    def refuse(self, method: Callable[..., Any] | None = None, *, url: str = "", times: int | None = None) -> None:
        """Refuse connections: nothing is sent, so the method certainly does not run."""
        self._add(PlannedFaults(refused=True), method, url, times)

    def lose_answer(self, method: Callable[..., Any] | None = None, *, url: str = "", times: int | None = None) -> None:
        """Let the method run, and break the connection before its answer: the caller cannot know whether it ran."""
        self._add(PlannedFaults(answer_lost=True), method, url, times)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def next(self, method: MethodDescriptor, url: str) -> PlannedFaults:
        """The faults of the current attempt; faults that are for a number of attempts are used up."""
        with self._lock:
            matches = [fault for fault in self._faults if fault.matches(method, url)]
            for fault in matches:
                fault.left -= 1
        return PlannedFaults(
            delay=sum(fault.faults.delay for fault in matches),
            refused=any(fault.faults.refused for fault in matches),
            answer_lost=any(fault.faults.answer_lost for fault in matches),
        )

    def _add(self, faults: PlannedFaults, method: Callable[..., Any] | None, url: str, times: int | None) -> None:
        if method is not None and not inspect.isfunction(method):
            raise TypeError(f"a fault is for a function of an interface, such as OrderService.place, not {method!r}")
        fault = _Fault(faults=faults, method=method, url=url, left=math.inf if times is None else times)
        with self._lock:
            self._faults.append(fault)
