"""What is asked: entries to be measured, goals that compare them, and questions that bundle both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Entry", "Goal", "Question", "at_least", "at_most"]

Unit = Literal["µs", "calls/s", "ms", "threads", "%"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One figure of one contestant."""

    station: str
    """Which program measures it."""
    case: str
    """What is called: ``method/channel``."""
    mode: Literal["sync", "async"] = "sync"
    width: int = 1
    """How many calls are under way at once: threads if sync, tasks if async."""
    size: int = 0
    """Bytes or items of the payload, where there is a choice."""
    unit: Unit = "µs"
    once: bool = False
    """Whether one round says it all, since the figure does not vary or takes long to get."""

    @property
    def key(self) -> str:
        """A name that no other entry has."""
        parts = [self.station, self.case, self.mode, f"x{self.width}", f"{self.size or ''}"]
        return " ".join(part for part in parts if part)

    @property
    def label(self) -> str:
        """A name for people."""
        size = f" of {self.size:,}" if self.size else ""
        at_once = f", {self.width} {'threads' if self.mode == 'sync' else 'in flight'}" if self.width > 1 else ""
        asynchronous = ", async" if self.mode == "async" and self.width == 1 else ""
        return f"{self.station} {self.case}{size}{asynchronous}{at_once}"

    def order(self, seconds: float) -> dict[str, Any]:
        """What is sent to the station."""
        return {
            "case": self.case,
            "mode": self.mode,
            "width": self.width,
            "size": self.size,
            "seconds": seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A bound for a figure, or for its ratio to another figure of the same round."""

    entry: Entry
    bound: float
    against: Entry | None = None
    """What the figure is divided by; None if the bound is absolute."""
    at_most: bool = True

    def is_met(self, value: float) -> bool:
        """Whether a figure or ratio is within the bound."""
        return value <= self.bound if self.at_most else value >= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One row of the table of goals, with all that is measured for it."""

    name: str
    title: str
    entries: tuple[Entry, ...]
    goals: tuple[Goal, ...] = ()
    sweep: tuple[Entry, ...] = ()
    """More entries, for the picture; left out of a quick run."""


def at_most(bound: float, entry: Entry, against: Entry | None = None) -> Goal:
    """The figure, or its ratio, must not be larger."""
    return Goal(entry=entry, bound=bound, against=against)


def at_least(bound: float, entry: Entry, against: Entry | None = None) -> Goal:
    """The figure, or its ratio, must not be smaller."""
    return Goal(entry=entry, bound=bound, against=against, at_most=False)
