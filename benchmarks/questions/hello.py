"""What does a call cost that carries almost nothing, one at a time, from sync code?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most

FLOOR: Final = Entry(station="floor", case="echo")
MSGPACK: Final = Entry(station="ours", case="hello/dispatch-msgpack")
JSON: Final = Entry(station="ours", case="hello/dispatch-json")
ASPYX_MSGPACK: Final = Entry(station="aspyx", case="hello/dispatch-msgpack")
ASPYX_JSON: Final = Entry(station="aspyx", case="hello/dispatch-json")
GRPC: Final = Entry(station="grpc", case="hello")

QUESTION: Final = Question(
    name="hello",
    title="sync call of an async implementation, a short string",
    entries=(FLOOR, MSGPACK, JSON, ASPYX_MSGPACK, ASPYX_JSON, GRPC),
    goals=(
        at_most(1.4, MSGPACK, FLOOR),
        at_most(0.2, MSGPACK, ASPYX_MSGPACK),
        at_most(0.2, JSON, ASPYX_JSON),
        at_most(0.3, MSGPACK, GRPC),
    ),
)
