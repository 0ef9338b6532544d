"""The selection of the methods that an advice applies to."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointcut:
    """A selection of methods. Immutable: each method returns a narrower one.

    The same condition twice means "or", different conditions mean "and". Methods such as ``__call__`` are selected by
    their exact name only.
    """

    subject: Literal["method", "class"]
    """Whether :meth:`named` and :meth:`matches` test names of methods or of classes."""
    names: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    types: tuple[type, ...] = ()
    is_async: bool | None = None

    def named(self, name: str) -> Pointcut:
        """Only with this name."""
        return replace(self, names=(*self.names, name))

    def matches(self, pattern: str) -> Pointcut:
        """Only with a name that this regular expression matches as a whole."""
        return replace(self, patterns=(*self.patterns, re.compile(pattern)))

    def of_type(self, kind: type) -> Pointcut:
        """Only of objects that are instances of this class."""
        return replace(self, types=(*self.types, kind))

    def that_are_async(self) -> Pointcut:
        """Only methods written with ``async def``."""
        return replace(self, is_async=True)

    def that_are_sync(self) -> Pointcut:
        """Only methods written without ``async``."""
        return replace(self, is_async=False)

    def covers(self, cls: type, name: str, function: Any) -> bool:
        """Whether a method of objects of exactly this class is selected."""
        by_method = self.subject == "method"
        if name.startswith("__") and name.endswith("__") and not (by_method and name in self.names):
            return False
        subject = name if by_method else cls.__name__
        return (
            (not self.names or subject in self.names)
            and (not self.patterns or any(pattern.fullmatch(subject) for pattern in self.patterns))
            and (not self.types or issubclass(cls, self.types))
            and (self.is_async is None or self.is_async == inspect.iscoroutinefunction(function))
        )


def methods() -> Pointcut:
    """Select methods by their properties: ``methods().named("customize").of_type(Channel)``."""
    return Pointcut(subject="method")


def classes() -> Pointcut:
    """Select all methods of classes: ``classes().matches(".*Repository")``."""
    return Pointcut(subject="class")
