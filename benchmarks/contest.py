"""The contest: every entry in turn, several rounds, no round dropped."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.entries import Entry, Goal
from benchmarks.stations import StationFailed, Stations

__all__ = ["Figures", "Verdict", "hold"]


@dataclass(slots=True)
class Figures:
    """What was measured."""

    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    """The answers to each entry, by its key, one per round."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why an entry has no figures, by its key."""

    def value(self, entry: Entry) -> float | None:
        """The median of the rounds, None if there is none."""
        rounds = self.rounds.get(entry.key)
        return statistics.median(one["value"] for one in rounds) if rounds else None

    def latency(self, entry: Entry, percentile: str = "p50") -> float | None:
        """The median of the rounds' percentiles ``p50`` or ``p99``, in microseconds."""
        rounds = [one[percentile] for one in self.rounds.get(entry.key, ()) if percentile in one]
        return statistics.median(rounds) if rounds else None

    def ratio(self, entry: Entry, against: Entry) -> float | None:
        """The median of the ratios within each round, since rounds differ more than what is compared in them."""
        ours, theirs = self.rounds.get(entry.key), self.rounds.get(against.key)
        if not ours or not theirs:
            return None
        return statistics.median(one["value"] / other["value"] for one, other in zip(ours, theirs, strict=False))

    def verdict(self, goal: Goal) -> Verdict:
        """How a goal stands."""
        against = goal.against
        value = self.value(goal.entry) if against is None else self.ratio(goal.entry, against)
        return Verdict(goal, value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal and what was reached."""

    goal: Goal
    value: float | None

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached; a figure that is missing does not reach it."""
        return self.value is not None and self.goal.is_met(self.value)


def hold(entries: Iterable[Entry], *, rounds: int, seconds: float, apart: bool, tell: Callable[[str], None]) -> Figures:
    """Measure all entries, one after the other in every round, ``seconds`` each; see :class:`Stations` for ``apart``.

    What cannot be measured is left out and its reason kept; the others go on.
    """
    figures = Figures()
    unique = list({entry.key: entry for entry in entries}.values())
    with Stations(apart=apart) as stations:
        for number in range(rounds):
            for entry in unique:
                if entry.key in figures.failures or (entry.once and number > 0):
                    continue
                tell(f"round {number + 1} of {rounds}: {entry.label}")
                try:
                    answer = stations.measure(entry, seconds)
                except StationFailed as failure:
                    figures.failures[entry.key] = str(failure)
                else:
                    figures.rounds.setdefault(entry.key, []).append(answer)
    return figures
