"""What a thread is creating, so that objects which need each other are found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service_core.di._container import cycle_error


class CreationPath(threading.local):
    """The objects that this thread is creating: each needs the next."""

    def __init__(self) -> None:
        self._steps: list[Any] = []

    @property
    def is_empty(self) -> bool:
        """Whether this thread is creating nothing."""
        return not self._steps

    def ends_with(self, kind: Any) -> bool:
        """Whether this object was requested itself, rather than needed by another."""
        return bool(self._steps) and self._steps[-1] is kind

    @contextmanager
    def step(self, kind: Any) -> Iterator[None]:
        """Create an object. Raises DependencyException if this thread is creating it already."""
        steps = self._steps
        if kind in steps:
            raise cycle_error([*steps[steps.index(kind) :], kind])
        steps.append(kind)
        try:
            yield
        finally:
            steps.pop()
