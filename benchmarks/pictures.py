"""The pictures for the docs: which figures they show. How they are drawn is the affair of ``drawing``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.contest import Figures
from benchmarks.drawing import Series, bars, lines
from benchmarks.entries import Entry
from benchmarks.questions import asynchronous, hello, in_flight, payload, rest, values

__all__ = ["pictures"]

_GROUPS: Final[Mapping[str, tuple[Entry, ...]]] = {
    "sync, a short string": (hello.FLOOR, hello.MSGPACK, hello.ASPYX_MSGPACK, hello.GRPC),
    "sync, a model with 14 fields": (values.OURS[0], values.ASPYX[0], values.GRPC),
    "async, a short string": (asynchronous.OURS[0], asynchronous.ASPYX[0], asynchronous.HELLO),
    "rest, a short string": (rest.OURS[0], rest.ASPYX[0]),
}


def pictures(figures: Figures) -> dict[str, str]:
    """SVG texts by file name; those for which nothing was measured are left out."""
    drawn = {"calls.svg": _calls(figures), "in-flight.svg": _in_flight(figures), "payload.svg": _payload(figures)}
    return {name: picture for name, picture in drawn.items() if picture}


def _calls(figures: Figures) -> str:
    groups = {
        title: [(entry.station, value) for entry in entries if (value := figures.value(entry)) is not None]
        for title, entries in _GROUPS.items()
    }
    groups = {title: found for title, found in groups.items() if found}
    return bars("One call at a time: microseconds, shorter is better", groups) if groups else ""


def _in_flight(figures: Figures) -> str:
    entries = (*in_flight.QUESTION.entries, *in_flight.QUESTION.sweep)
    series = _series(figures, entries, lambda entry: entry.width)
    title = "Many calls at a time: microseconds until an answer, lower is better"
    return lines(title, "calls in flight", series) if series else ""


def _payload(figures: Figures) -> str:
    entries = (payload.FLOOR, *payload.BLOB.values(), *payload.QUESTION.sweep)
    series = _series(figures, entries, lambda entry: entry.size)
    return lines("Large values: microseconds per call, lower is better", "bytes", series) if series else ""


def _series(figures: Figures, entries: tuple[Entry, ...], x: Callable[[Entry], int]) -> list[Series]:
    found: dict[str, list[tuple[float, float]]] = {}
    for entry in entries:
        latency = figures.latency(entry)
        if latency is not None:
            found.setdefault(entry.station, []).append((x(entry), latency))
    return [Series(name, sorted(points)) for name, points in found.items() if len(points) > 1]
