"""How many calls per second does one event loop get done?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_least

_CASES: Final = {"ours": "hello/dispatch-msgpack", "aspyx": "hello/dispatch-msgpack", "grpc": "hello"}
WIDTHS: Final = (2, 4, 8, 16, 32, 64, 128, 256)


def _entry(station: str, width: int) -> Entry:
    return Entry(station=station, case=_CASES[station], mode="async", width=width, unit="calls/s")


OURS: Final = _entry("ours", 64)
ASPYX: Final = _entry("aspyx", 64)
GRPC: Final = _entry("grpc", 64)

QUESTION: Final = Question(
    name="in-flight",
    title="async calls, 64 in flight",
    entries=(OURS, ASPYX, GRPC),
    goals=(at_least(20, OURS, ASPYX), at_least(3, OURS, GRPC)),
    sweep=tuple(_entry(station, width) for station in _CASES for width in WIDTHS if width != 64),
)
