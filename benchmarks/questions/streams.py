"""What does a stream cost: its first item, and ten thousand small ones?"""

from typing import Final, Literal

from benchmarks.entries import Entry, Goal, Question, at_most

MANY: Final = 10_000


def _entry(station: str, case: str, size: int, mode: Literal["sync", "async"] = "async") -> Entry:
    return Entry(station=station, case=case, mode=mode, size=size)


MSGPACK: Final = _entry("ours", "numbers/dispatch-msgpack", MANY)
JSON: Final = _entry("ours", "numbers/dispatch-json", MANY)
GRPC: Final = _entry("grpc", "numbers", MANY)
CONNECT: Final = _entry("connect", "numbers", MANY)
SYNC: Final = _entry("ours", "numbers/dispatch-msgpack", MANY, "sync")
GRPC_SYNC: Final = _entry("grpc", "numbers", MANY, "sync")
CONNECT_SYNC: Final = _entry("connect", "numbers", MANY, "sync")
ONE: Final = _entry("ours", "numbers/dispatch-msgpack", 1)
GRPC_ONE: Final = _entry("grpc", "numbers", 1)
CONNECT_ONE: Final = _entry("connect", "numbers", 1)
CALL: Final = Entry(station="ours", case="hello/dispatch-msgpack", mode="async")
GRPC_CALL: Final = Entry(station="grpc", case="hello", mode="async")
CONNECT_CALL: Final = Entry(station="connect", case="hello", mode="async")

QUESTION: Final = Question(
    name="streams",
    title="streams of numbers",
    entries=(
        *(MSGPACK, JSON, GRPC, CONNECT, SYNC, GRPC_SYNC, CONNECT_SYNC),
        *(ONE, GRPC_ONE, CONNECT_ONE, CALL, GRPC_CALL, CONNECT_CALL),
    ),
    goals=(
        Goal(entry=MSGPACK, bound=MANY / 0.3),  # 300,000 items in a second
        Goal(entry=JSON, bound=MANY / 0.3),
        Goal(entry=SYNC, bound=MANY / 0.3),
        at_most(0.1, MSGPACK, GRPC),
        at_most(0.1, MSGPACK, CONNECT),
        at_most(1.3, ONE, CALL),
    ),
)
