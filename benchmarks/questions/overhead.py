"""What do proxy, selector, deadline and codec cost without a transport, and services of this process?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most


def _entry(case: str) -> Entry:
    return Entry(station="memory", case=case)


HELLO: Final = _entry("hello/msgpack")
OTHERS: Final = tuple(_entry(case) for case in ("hello/json", "model/msgpack", "model/json"))
GET_SERVICE: Final = _entry("get_service")
LOCAL: Final = _entry("local")
DIRECT: Final = _entry("fast_path")

QUESTION: Final = Question(
    name="overhead",
    title="a call without transport, getting a service, a local call",
    entries=(HELLO, *OTHERS, GET_SERVICE, LOCAL, DIRECT),
    goals=(at_most(20, HELLO), at_most(1, GET_SERVICE), at_most(1.1, LOCAL, DIRECT)),
)
