"""What does a stream cost: its first item, and ten thousand small ones?"""

from typing import Final

from benchmarks.entries import Entry, Goal, Question, at_most

MANY: Final = 10_000


def _entry(station: str, case: str, size: int) -> Entry:
    return Entry(station=station, case=case, mode="async", size=size)


MSGPACK: Final = _entry("ours", "numbers/dispatch-msgpack", MANY)
JSON: Final = _entry("ours", "numbers/dispatch-json", MANY)
GRPC: Final = _entry("grpc", "numbers", MANY)
ONE: Final = _entry("ours", "numbers/dispatch-msgpack", 1)
GRPC_ONE: Final = _entry("grpc", "numbers", 1)
CALL: Final = Entry(station="ours", case="hello/dispatch-msgpack", mode="async")

QUESTION: Final = Question(
    name="streams",
    title="streams of numbers",
    entries=(MSGPACK, JSON, GRPC, ONE, GRPC_ONE, CALL),
    goals=(
        Goal(entry=MSGPACK, bound=MANY / 0.3),  # 300,000 items in a second
        Goal(entry=JSON, bound=MANY / 0.3),
        at_most(0.1, MSGPACK, GRPC),
    ),
)
