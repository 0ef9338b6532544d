"""What does a rest call cost?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most

_CASES: Final = ("hello/rest", "model/rest")
OURS: Final = tuple(Entry(station="ours", case=case) for case in _CASES)
ASPYX: Final = tuple(Entry(station="aspyx", case=case) for case in _CASES)

QUESTION: Final = Question(
    name="rest",
    title="sync rest call",
    entries=(*OURS, *ASPYX),
    goals=tuple(at_most(0.35, ours, aspyx) for ours, aspyx in zip(OURS, ASPYX, strict=True)),
)
