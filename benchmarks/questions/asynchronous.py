"""What does a call cost from async code, one at a time?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most

_CASES: Final = ("hello/dispatch-msgpack", "hello/dispatch-json", "model/dispatch-msgpack")
OURS: Final = tuple(Entry(station="ours", case=case, mode="async") for case in _CASES)
ASPYX: Final = tuple(Entry(station="aspyx", case=case, mode="async") for case in _CASES)
HELLO: Final = Entry(station="grpc", case="hello", mode="async")
MODEL: Final = Entry(station="grpc", case="model", mode="async")

QUESTION: Final = Question(
    name="asynchronous",
    title="async call, one at a time",
    entries=(*OURS, *ASPYX, HELLO, MODEL),
    goals=(
        *(at_most(0.15, ours, aspyx) for ours, aspyx in zip(OURS, ASPYX, strict=True)),
        *(at_most(0.4, ours, grpc) for ours, grpc in zip(OURS, (HELLO, HELLO, MODEL), strict=True)),
    ),
)
