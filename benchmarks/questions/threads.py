"""How many calls per second do threads get done, and do more of them get in each other's way?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_least

_CASES: Final = {"ours": "hello/dispatch-msgpack", "aspyx": "hello/dispatch-msgpack", "grpc": "hello"}
WIDTHS: Final = (2, 4, 8)


def _entry(station: str, width: int) -> Entry:
    return Entry(station=station, case=_CASES[station], width=width, unit="calls/s")


OURS: Final = _entry("ours", 16)
ASPYX: Final = _entry("aspyx", 16)
FLOOR: Final = tuple(Entry(station="floor", case="echo", width=width, unit="calls/s") for width in (16, 4))
OTHERS: Final = tuple(_entry("ours", width) for width in WIDTHS)

QUESTION: Final = Question(
    name="threads",
    title="sync calls from 16 threads",
    entries=(OURS, ASPYX, _entry("grpc", 16), *OTHERS, *FLOOR),
    goals=(at_least(5, OURS, ASPYX), *(at_least(0.9, OURS, other) for other in OTHERS)),
)
