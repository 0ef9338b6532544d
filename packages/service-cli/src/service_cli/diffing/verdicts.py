"""The outcome of a change: values that a table and a program can show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

DISPATCH: Final = "dispatch"
"""Both dispatch channels, which carry the same."""
REST: Final = "rest"


class Verdict(Enum):
    """What becomes of a call between two versions."""

    WORKS = "works"
    REFUSED = "refused"
    """The server refuses it before the method runs."""
    UNREADABLE = "unreadable"
    """The method runs, and the caller gets an error instead of its result."""
    OTHER_ERROR = "other error"
    """An error arrives as RemoteServiceException instead of its class."""
    MAY_REPEAT = "may repeat"
    """Callers may run the method twice, which is no longer declared idempotent."""


class Callers(Enum):
    """The version of the callers."""

    OLD = "old callers"
    """Callers of the old version, servers of the new one."""
    NEW = "new callers"
    """Callers of the new version, servers of the old one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change does to one side over some channels."""

    callers: Callers
    channels: tuple[str, ...]
    verdict: Verdict
    breaks: bool
    """Whether calls are concerned that use nothing new. Others work once the servers are updated."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference of two versions."""

    kind: str
    """For example ``parameter-removed``."""
    where: str
    """``service.method``, a service or a component."""
    subject: str = ""
    """What has changed there: a parameter, a field, an error."""
    effects: tuple[Effect, ...] = ()

    @property
    def id(self) -> str:
        """The name by which the change can be allowed."""
        return f"{self.where}:{self.kind}" + (f":{self.subject}" if self.subject else "")

    @property
    def breaks(self) -> bool:
        """Whether it breaks old or new callers."""
        return any(one.breaks for one in self.effects)


def effect(
    callers: Callers,
    verdict: Verdict,
    sentence: str,
    *,
    breaks: bool | None = None,
    channels: tuple[str, ...] = (DISPATCH, REST),
) -> Effect:
    """An effect; by default everything but ``WORKS`` breaks."""
    does_break = verdict is not Verdict.WORKS if breaks is None else breaks
    return Effect(callers=callers, channels=channels, verdict=verdict, breaks=does_break, sentence=sentence)
