"""What does a call cost that carries a value of 14 fields there and back?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most

_CASES: Final = [
    f"{what}/{channel}" for what in ("model", "record") for channel in ("dispatch-msgpack", "dispatch-json")
]
OURS: Final = tuple(Entry(station="ours", case=case) for case in _CASES)
ASPYX: Final = tuple(Entry(station="aspyx", case=case) for case in _CASES)
GRPC: Final = Entry(station="grpc", case="model")

QUESTION: Final = Question(
    name="values",
    title="sync call, a model and a dataclass with 14 fields",
    entries=(*OURS, *ASPYX, GRPC),
    goals=(
        *(at_most(0.22, ours, aspyx) for ours, aspyx in zip(OURS, ASPYX, strict=True)),
        *(at_most(0.35, ours, GRPC) for ours in OURS),
    ),
)
