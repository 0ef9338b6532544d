"""Processor time per call, of client and server: ``python -m benchmarks.processor_time [--only STATION ...]``.

Of each figure the mean of the lowest quarter of the rounds is shown, since a busy machine only ever adds to it. All
stations take turns within each round. NATS needs ``nats-server`` (Debian has it) on the PATH or in NATS_SERVER_BIN.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Final, Literal

from benchmarks.entries import Entry
from benchmarks.stations import StationFailed, Stations

_SUFFIXES: Final = {"ours": "/dispatch-msgpack", "ours-unix": "/dispatch-msgpack", "aspyx": "/dispatch-msgpack"}
_STATIONS: Final = ("ours", "ours-unix", "pyro5", "nats", "grpc", "frames", "frames-unix", "aspyx")
_WITHOUT_SYNC: Final = frozenset({"nats"})
_WITHOUT_ASYNC: Final = frozenset({"pyro5"})
_FORMS: Final[tuple[tuple[Literal["sync", "async"], int], ...]] = (("sync", 1), ("async", 1), ("async", 64))
"""The mode, and how many calls are in flight."""


def main() -> None:
    """Measure, and write a table in Markdown."""
    parser = argparse.ArgumentParser(prog="benchmarks.processor_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--calls", type=int, default=200, help="in each round, for each figure")
    parser.add_argument("--only", nargs="+", choices=_STATIONS, default=_STATIONS)
    options = parser.parse_args()
    entries = [entry for station in options.only for case in ("hello", "model") for entry in _entries(station, case)]
    figures, failures = _measure(entries, options.rounds, options.calls)
    sys.stdout.write("| | client | server | both | against ours |\n|---|---|---|---|---|\n")
    for entry in entries:
        sys.stdout.write(_row(entry, figures) if entry.key in figures else f"| {entry.label} | not measured | | | |\n")
    for reason in dict.fromkeys(failures.values()):
        sys.stderr.write(f"{reason}\n")


def _entries(station: str, case: str) -> list[Entry]:
    case += _SUFFIXES.get(station, "")
    return [
        Entry(station=station, case=case, mode=mode, width=width)
        for mode, width in _FORMS
        if station not in (_WITHOUT_SYNC if mode == "sync" else _WITHOUT_ASYNC)
    ]


def _measure(entries: list[Entry], rounds: int, calls: int) -> tuple[dict[str, list[dict[str, float]]], dict[str, str]]:
    figures: dict[str, list[dict[str, float]]] = {}
    failures: dict[str, str] = {}
    with Stations() as stations:
        for _ in range(rounds):
            for entry in entries:
                if entry.key in failures:
                    continue
                try:
                    figures.setdefault(entry.key, []).append(stations.spend(entry, calls))
                except StationFailed as failure:
                    failures[entry.key] = str(failure)
                    figures.pop(entry.key, None)
    return figures, failures


def _row(entry: Entry, figures: dict[str, list[dict[str, float]]]) -> str:
    client, server, both = (_low(figures[entry.key], side) for side in ("client", "server", "value"))
    case = entry.case.partition("/")[0]
    ours = next((one for one in _entries("ours", case) if (one.mode, one.width) == (entry.mode, entry.width)), None)
    known = figures.get(ours.key) if ours is not None else None
    ratio = f"{both / _low(known, 'value'):.2f}" if known else ""
    return f"| {entry.label} | {client:.0f} | {server:.0f} | {both:.0f} us | {ratio} |\n"


def _low(rounds: list[dict[str, float]], side: str) -> float:
    figures = sorted(one[side] for one in rounds)
    return statistics.mean(figures[: max(1, len(figures) // 4)])


if __name__ == "__main__":
    main()
